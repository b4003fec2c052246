//! An identity provider, and what it says of people.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::jwk::Jwk;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use tempfile::TempDir;

use super::certificates::Credential;

/// When every test plays, in seconds since 1970: the test clock's start.
pub(crate) const NOW: u64 = 1_800_000_000;

/// An identity provider whose keys are in a file.
pub(crate) struct Provider {
    key: EncodingKey,
    pub(crate) directory: TempDir,
}

impl Provider {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_der(&key.serialize_der());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!("k1");
        let set = json!({ "keys": [jwk] }).to_string();
        fs::write(directory.path().join("jwks.json"), set).unwrap();
        Self { key, directory }
    }

    /// The table of the configuration.
    pub(crate) fn table(&self) -> String {
        let file = self.directory.path().join("jwks.json");
        format!(
            "[people.issuers.acme]\nissuer = \"https://login.acme.example\"\n\
             audience = \"counterfoil\"\nalgorithms = [\"ES256\"]\njwks_file = {file:?}\n"
        )
    }

    /// An assertion of Ada, bound to a certificate, with other members instead.
    pub(crate) fn assertion(&self, credential: &Credential, members: Value) -> String {
        let certificate = CertificateDer::from_pem_slice(credential.certificate.as_bytes());
        let thumbprint = Sha256::digest(certificate.unwrap());
        let mut claims = json!({
            "iss": "https://login.acme.example",
            "aud": "counterfoil",
            "sub": "ada-1815",
            "jti": "login-1",
            "iat": NOW,
            "nbf": NOW,
            "exp": NOW + 300,
            "amr": ["mfa", "hwk"],
            "cnf": {"x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint)},
        });
        let object = claims.as_object_mut().unwrap();
        object.extend(members.as_object().unwrap().clone());
        let header = Header {
            kid: Some("k1".to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}
