//! An identity provider that signs whatever a test wants, and a vault's side that must not believe
//! it.

mod accepting;
mod forging;
mod refusing;
mod rotating;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::jwk::Jwk;
use rcgen::KeyPair;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::domain::Group;
use crate::domain::Issuer;
use crate::domain::Person;
use crate::domain::Principal;
use crate::domain::Timestamp;
use crate::people::Algorithm;
use crate::people::IssuerSettings;
use crate::people::KeyPlace;
use crate::people::NotBefore;
use crate::people::People;
use crate::people::Presenter;
use crate::people::Refusal;
use crate::people::TokenType;

/// Seconds since 1970: when every test plays.
const NOW: u64 = 1_800_000_000;
/// SHA-256 of the caller's certificate.
const CERTIFICATE: [u8; 32] = [7; 32];
const ISSUER: &str = "https://login.acme.example";
/// The same with configured clients.
const ISSUER_WITH_CLIENTS: &str = "https://clients.acme.example";
const AUDIENCE: &str = "counterfoil";
const TOOL: &str = "spiffe://acme.example/tool";
const STRANGER: &str = "spiffe://acme.example/stranger";

/// Keys of every kind, made once.
struct Keys {
    p256: EncodingKey,
    p256_der: Vec<u8>,
    other_p256: EncodingKey,
    p384: EncodingKey,
    rsa: EncodingKey,
    ed25519: EncodingKey,
}

impl Keys {
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Keys> = OnceLock::new();
        SHARED.get_or_init(|| {
            let ec = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
            let (p256, other) = (ec(), ec());
            let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
            let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
            // RFC 8410, section 7: version 1, without the public key, which the library wants.
            let mut ed25519 = hex::decode("302e020100300506032b657004220420").unwrap();
            ed25519.extend([9; 32]);
            Self {
                p256: EncodingKey::from_ec_der(&p256.serialize_der()),
                p256_der: p256.public_key_raw().to_vec(),
                other_p256: EncodingKey::from_ec_der(&other.serialize_der()),
                p384: EncodingKey::from_ec_der(&p384.serialize_der()),
                rsa: EncodingKey::from_rsa_pem(rsa.serialize_pem().as_bytes()).unwrap(),
                ed25519: EncodingKey::from_ed_der(&ed25519),
            }
        })
    }

    /// The key by which tests sign with an algorithm.
    fn of(algorithm: jsonwebtoken::Algorithm) -> &'static EncodingKey {
        use jsonwebtoken::Algorithm as A;
        let keys = Self::shared();
        let of_others = [
            (A::ES256, &keys.p256),
            (A::ES384, &keys.p384),
            (A::EdDSA, &keys.ed25519),
        ];
        let found = of_others.into_iter().find(|(own, _)| *own == algorithm);
        found.map_or(&keys.rsa, |(_, key)| key)
    }
}

/// A public key with its id, and what else it says of itself.
fn jwk(id: &str, algorithm: jsonwebtoken::Algorithm, more: Value) -> Value {
    let jwk = Jwk::from_encoding_key(Keys::of(algorithm), algorithm).unwrap();
    let mut jwk = serde_json::to_value(jwk).unwrap();
    let members = jwk.as_object_mut().unwrap();
    members.remove("alg");
    members.insert("kid".to_owned(), json!(id));
    members.extend(more.as_object().unwrap().clone());
    jwk
}

/// The key set of both issuers.
fn key_set() -> Value {
    use jsonwebtoken::Algorithm as A;
    let nothing = || json!({});
    json!({"keys": [
        jwk("es", A::ES256, json!({"use": "sig", "alg": "ES256"})),
        jwk("ed", A::EdDSA, nothing()),
        jwk("rsa", A::RS256, nothing()),
        jwk("ps-only", A::RS256, json!({"alg": "PS256"})),
        jwk("p384", A::ES384, nothing()),
        jwk("enc", A::ES256, json!({"use": "enc"})),
        jwk("twin", A::ES256, nothing()),
        jwk("twin", A::RS256, nothing()),
    ]})
}

/// Two issuers with the same keys in a file.
struct World {
    people: People,
    settings: IssuerSettings,
    file: PathBuf,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// The first issuer is as the test wants it.
    fn with(change: impl FnOnce(&mut IssuerSettings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("jwks.json");
        fs::write(&file, key_set().to_string()).unwrap();
        let mut settings = settings(KeyPlace::File(file.clone()));
        let with_clients = IssuerSettings {
            name: Issuer::new("clients").unwrap(),
            issuer: ISSUER_WITH_CLIENTS.to_owned(),
            clients: ["support-tool".to_owned()].into(),
            ..settings.clone()
        };
        change(&mut settings);
        let issuers = [settings.clone(), with_clients];
        Self {
            people: People::open(&issuers, at(NOW)).unwrap(),
            settings,
            file,
            _directory: directory,
        }
    }

    async fn verify(&self, assertion: &str) -> Result<Person, Refusal> {
        self.verify_at(assertion, NOW).await
    }

    async fn verify_at(&self, assertion: &str, seconds: u64) -> Result<Person, Refusal> {
        let principal = Principal::new(STRANGER).unwrap();
        let presenter = Presenter {
            principal: &principal,
            certificate: &CERTIFICATE,
        };
        self.people.verify(assertion, &presenter, at(seconds)).await
    }
}

fn settings(keys: KeyPlace) -> IssuerSettings {
    let silver = ("urn:acme:silver".to_owned(), Group::new("silver").unwrap());
    IssuerSettings {
        name: Issuer::new("acme").unwrap(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        algorithms: [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256].into(),
        token_type: TokenType::Named("JWT".to_owned()),
        keys,
        refresh_seconds: 300,
        stale_seconds_max: 3_600,
        leeway_seconds: 5,
        lifetime_seconds_max: 3_600,
        not_before: NotBefore::NotBefore,
        tools: [Principal::new(TOOL).unwrap()].into(),
        clients: [].into(),
        groups_claim: "groups".to_owned(),
        classes: BTreeMap::from([silver]),
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_ms(seconds * 1_000)
}

/// A good header.
fn header(algorithm: &str, key_id: &str) -> Value {
    json!({"alg": algorithm, "kid": key_id, "typ": "JWT"})
}

/// Good claims, bound to the caller's certificate.
fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "248289761001",
        "iat": NOW - 60,
        "nbf": NOW - 60,
        "exp": NOW + 240,
        "auth_time": NOW - 600,
        "jti": "id-1",
        "amr": ["mfa", "hwk"],
        "acr": "urn:acme:silver",
        "groups": ["support-agents"],
        "cnf": confirmation(&CERTIFICATE),
    })
}

fn confirmation(certificate: &[u8]) -> Value {
    json!({ "x5t#S256": URL_SAFE_NO_PAD.encode(certificate) })
}

/// A copy with these members instead; null removes one.
fn with(object: &Value, members: &Value) -> Value {
    let mut object = object.clone();
    let changed = object.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        changed.remove(name);
        if !value.is_null() {
            changed.insert(name.clone(), value.clone());
        }
    }
    object
}

/// A token of these texts, signed by a key.
fn sign_with(
    key: &EncodingKey,
    algorithm: jsonwebtoken::Algorithm,
    header: &str,
    claims: &str,
) -> String {
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
    format!("{signed}.{signature}")
}

/// A token of these, signed by the issuer's ES256 key.
fn sign(header: &Value, claims: &Value) -> String {
    let algorithm = jsonwebtoken::Algorithm::ES256;
    let (header, claims) = (header.to_string(), claims.to_string());
    sign_with(Keys::of(algorithm), algorithm, &header, &claims)
}

/// A token with a good header and these claims.
fn token(claims: &Value) -> String {
    sign(&header("ES256", "es"), claims)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
