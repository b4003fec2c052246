//! The identity provider of a development directory: a key, and the people that it vouches for.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::jwk::Jwk;
use rand::RngExt;
use rcgen::KeyPair;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use crate::cli::dev::DevDirectory;
use crate::cli::dev::create::Access;
use crate::cli::error::CliError;
use crate::domain::Timestamp;

/// What the provider calls itself; `config.toml` has it too.
pub(in crate::cli) const ISSUER: &str = "https://people.dev.counterfoil.example";
/// What it calls the vault; `config.toml` has it too.
const AUDIENCE: &str = "counterfoil-dev";

/// A login of a person, for which an assertion can be had.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) struct Login {
    /// The name of an identity.
    pub(in crate::cli) subject: String,
    /// How they proved who they are (RFC 8176).
    pub(in crate::cli) methods: Vec<String>,
    /// The groups that they are in.
    pub(in crate::cli) groups: Vec<String>,
    /// How long ago they logged in.
    pub(in crate::cli) age_seconds: u64,
    /// How long an assertion lives.
    pub(in crate::cli) lifetime_seconds: u64,
    /// Whether assertions are bound to the identity's certificate.
    pub(in crate::cli) is_bound: bool,
    /// The id of the assertions.
    pub(in crate::cli) id: String,
}

impl Login {
    /// A good login of an identity, if it is a person: with two factors, just now.
    pub(in crate::cli) fn of(identity: &str) -> Option<Self> {
        let (_, groups) = PEOPLE.iter().find(|(name, _)| *name == identity)?;
        Some(Self {
            subject: identity.to_owned(),
            methods: ["hwk", "mfa"].map(str::to_owned).into(),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            age_seconds: 0,
            lifetime_seconds: LIFETIME_SECONDS,
            is_bound: true,
            id: hex::encode(rand::rng().random::<[u8; 16]>()),
        })
    }
}

impl DevDirectory {
    /// The public keys of the identity provider.
    pub(in crate::cli) fn jwks(&self) -> PathBuf {
        self.path.join("people/jwks.json")
    }

    /// Whether the directory has an identity provider. Those that were made before there was one
    /// have none.
    pub(in crate::cli) fn has_people(&self) -> bool {
        self.issuer_key().exists()
    }

    /// Makes the identity provider.
    ///
    /// # Errors
    ///
    /// If its files cannot be written.
    pub(super) fn create_people(&self) -> Result<(), CliError> {
        let key = KeyPair::generate()
            .map_err(CliError::failed)?
            .serialize_pem();
        let signing = EncodingKey::from_ec_pem(key.as_bytes()).map_err(CliError::failed)?;
        let jwk = Jwk::from_encoding_key(&signing, Algorithm::ES256).map_err(CliError::failed)?;
        let mut jwk = serde_json::to_value(jwk).map_err(CliError::failed)?;
        if let Some(members) = jwk.as_object_mut() {
            members.insert("kid".to_owned(), json!(KEY_ID));
            members.insert("use".to_owned(), json!("sig"));
        }
        let set = serde_json::to_string_pretty(&json!({ "keys": [jwk] }));
        let set = set.map_err(CliError::failed)?;
        self.write("people/issuer.key", Access::Owner, &key)?;
        self.write("people/jwks.json", Access::All, &format!("{set}\n"))
    }

    /// An assertion of a login that begins now.
    ///
    /// # Errors
    ///
    /// If a file of the directory cannot be read.
    pub(in crate::cli) fn vouch(
        &self,
        login: &Login,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, CliError> {
        let path = self.issuer_key();
        let pem = Zeroizing::new(fs::read(&path).map_err(CliError::file(&path))?);
        let key = EncodingKey::from_ec_pem(&pem).map_err(CliError::failed)?;
        let header = Header {
            kid: Some(KEY_ID.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let now = now.unix_ms() / 1_000;
        let mut claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": login.subject,
            "jti": login.id,
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(login.lifetime_seconds),
            "auth_time": now.saturating_sub(login.age_seconds),
            "amr": login.methods,
            "acr": "urn:mace:incommon:iap:silver",
            "groups": login.groups,
        });
        if let Some(members) = claims.as_object_mut().filter(|_| login.is_bound) {
            let thumbprint = self.thumbprint(&login.subject)?;
            members.insert("cnf".to_owned(), json!({ "x5t#S256": thumbprint }));
        }
        let signed = jsonwebtoken::encode(&header, &claims, &key);
        signed.map(Zeroizing::new).map_err(CliError::failed)
    }

    /// SHA-256 of an identity's certificate, as `cnf` has it (RFC 8705).
    fn thumbprint(&self, identity: &str) -> Result<String, CliError> {
        let (path, _) = self.identity(identity)?;
        let pem = fs::read(&path).map_err(CliError::file(&path))?;
        let certificate = Pem::iter_from_buffer(&pem).next();
        let certificate = certificate.and_then(Result::ok).ok_or_else(|| {
            CliError::Failed(format!("{}: is no PEM certificate", path.display()))
        })?;
        Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate.contents)))
    }

    fn issuer_key(&self) -> PathBuf {
        self.path.join("people/issuer.key")
    }
}

/// The identities that are people, with their groups. `dev-backend` is a service.
const PEOPLE: [(&str, &[&str]); 6] = [
    ("agent", &["support-agents"]),
    ("approver", &["support-approvers"]),
    ("auditor", &["auditors"]),
    ("officer1", &["officers", "security-oncall"]),
    ("officer2", &["officers", "security-oncall"]),
    ("officer3", &["officers", "security-oncall"]),
];
const KEY_ID: &str = "dev-1";
const LIFETIME_SECONDS: u64 = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::domain::Principal;
    use crate::people::People;
    use crate::people::Presenter;
    use crate::people::Refusal;

    #[tokio::test]
    async fn vault_of_the_directory_believes_its_logins() {
        let directory = tempfile::tempdir().unwrap();
        let dev = DevDirectory::new(&directory.path().join("dev"));
        dev.ensure().unwrap();
        let config = Config::load(&dev.config(), None).unwrap();
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let people = People::open(&config.people, now).unwrap();
        let principal = Principal::new("spiffe://dev.counterfoil.example/agent").unwrap();
        for (name, groups) in PEOPLE {
            let assertion = dev.vouch(&Login::of(name).unwrap(), now).unwrap();
            let thumbprint = URL_SAFE_NO_PAD
                .decode(dev.thumbprint(name).unwrap())
                .unwrap();
            let presenter = Presenter {
                principal: &principal,
                certificate: thumbprint.as_slice().try_into().unwrap(),
            };
            let person = people.verify(&assertion, &presenter, now).await.unwrap();
            assert_eq!(person.id.as_str(), format!("dev/{name}"));
            assert!(person.is_bound);
            assert_eq!(person.groups.len(), groups.len());
            assert_eq!(person.class.unwrap().as_str(), "silver");
            let stranger = Presenter {
                certificate: &[0; 32],
                ..presenter
            };
            let refused = people.verify(&assertion, &stranger, now).await;
            assert_eq!(refused.err(), Some(Refusal::Binding));
        }
        assert_eq!(Login::of("dev-backend"), None);
    }
}
