//! People, as their identity provider vouches for them.

use std::fs;
use std::path::Path;

use counterfoil::domain::Clock;
use counterfoil::domain::SystemClock;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::jwk::Jwk;
use rcgen::KeyPair;
use serde_json::json;

use crate::testbed::Failure;

/// An identity provider whose keys are in a file of the vault's directory.
#[derive(Clone)]
pub(crate) struct Provider {
    key: EncodingKey,
}

impl Provider {
    pub(crate) fn new(directory: &Path) -> Result<Self, Failure> {
        let key = EncodingKey::from_ec_der(&KeyPair::generate()?.serialize_der());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)?;
        let mut jwk = serde_json::to_value(jwk)?;
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!("k1"));
        }
        fs::write(
            directory.join("jwks.json"),
            json!({"keys": [jwk]}).to_string(),
        )?;
        Ok(Self { key })
    }

    /// The table of the configuration: this tool is believed without a binding.
    pub(crate) fn table(&self, tool: &str) -> String {
        format!(
            "[people.issuers.acme]\nissuer = \"https://login.acme.example\"\n\
             audience = \"counterfoil\"\nalgorithms = [\"ES256\"]\njwks_file = \"jwks.json\"\n\
             tools = [\"{tool}\"]\n"
        )
    }

    /// What the provider says of the person, by the machine's clock.
    pub(crate) fn assertion_now(&self, person: &str) -> Result<String, Failure> {
        self.assertion(person, SystemClock::default().now().unix_ms())
    }

    /// What the provider says at this time of the person.
    pub(crate) fn assertion(&self, person: &str, now_ms: u64) -> Result<String, Failure> {
        let now = now_ms / 1_000;
        let claims = json!({
            "iss": "https://login.acme.example", "aud": "counterfoil", "sub": person,
            "jti": format!("login-{now}"), "iat": now, "nbf": now, "exp": now + 300,
            "auth_time": now, "amr": ["mfa"],
        });
        let header = Header {
            kid: Some("k1".to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }
}
