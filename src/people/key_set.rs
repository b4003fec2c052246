//! The keys of an issuer: a JWK Set (RFC 7517, section 5).
//!
//! A key that is of no use here (for encryption, symmetric, of another curve, without an id) is
//! left out. A set that has a private key in it is refused as a whole: whoever can read it can
//! vouch for anybody.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::Map;
use serde_json::Value;
use thiserror::Error;

use crate::people::Algorithm;
use crate::people::Refusal;
use crate::people::json;
use crate::people::jws::KEY_ID_BYTES_MAX;

/// The most bytes that a set may have.
pub(super) const KEY_SET_BYTES_MAX: usize = 256 << 10;

/// Why a text is not a set of keys.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum KeySetError {
    /// None of its keys verifies signatures of an algorithm that is known here.
    #[error("has no key with an id for RS256, PS256, ES256 or EdDSA")]
    Empty,
    /// It is no JWK Set.
    #[error("is not a JWK Set")]
    Malformed,
    /// A private or a secret key is in it.
    #[error("has a private key in it, which nobody but the issuer may have")]
    Private,
    /// It is longer than allowed.
    #[error("is longer than {KEY_SET_BYTES_MAX} bytes, or has more than {KEYS_MAX} keys")]
    TooLarge,
}

/// The keys of an issuer by their ids.
pub(super) struct KeySet {
    keys: HashMap<Box<str>, Entry>,
}

enum Entry {
    One(Key),
    /// Which of them is meant nobody can know.
    Several,
}

/// A key that verifies signatures.
pub(super) struct Key {
    kind: Kind,
    /// What it says that it is for.
    algorithm: Option<Algorithm>,
    library: DecodingKey,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Ed25519,
    P256,
    Rsa,
}

impl KeySet {
    /// Reads a set.
    ///
    /// # Errors
    ///
    /// If it is none, is too large, has no key of use, or has a private key.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, KeySetError> {
        if bytes.len() > KEY_SET_BYTES_MAX {
            return Err(KeySetError::TooLarge);
        }
        let set = json::read_object(bytes).ok_or(KeySetError::Malformed)?;
        let items = set.get("keys").and_then(Value::as_array);
        let items = items.ok_or(KeySetError::Malformed)?;
        if items.len() > KEYS_MAX {
            return Err(KeySetError::TooLarge);
        }
        let mut keys = HashMap::new();
        for item in items {
            let members = item.as_object().ok_or(KeySetError::Malformed)?;
            if PRIVATE.iter().any(|name| members.contains_key(*name)) {
                return Err(KeySetError::Private);
            }
            if let Some((id, key)) = Key::read(members) {
                let entry = if keys.contains_key(id) {
                    Entry::Several
                } else {
                    Entry::One(key)
                };
                keys.insert(id.into(), entry);
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        Ok(Self { keys })
    }

    /// Whether there is a key with this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    /// The key with this id.
    ///
    /// # Errors
    ///
    /// If there is none, or more than one.
    pub(super) fn key(&self, id: &str) -> Result<&Key, Refusal> {
        match self.keys.get(id) {
            Some(Entry::One(key)) => Ok(key),
            Some(Entry::Several) => Err(Refusal::AmbiguousKey),
            None => Err(Refusal::UnknownKey),
        }
    }
}

impl Key {
    /// A key of use with its id, or nothing.
    fn read(members: &Map<String, Value>) -> Option<(&str, Self)> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let id = text("kid").filter(|id| !id.is_empty() && id.len() <= KEY_ID_BYTES_MAX)?;
        let is_for_signatures = members.get("use").is_none_or(|usage| usage == "sig");
        let verifies = |operations: &Value| {
            let operations = operations.as_array();
            operations.is_some_and(|names| names.iter().any(|name| name == "verify"))
        };
        if !is_for_signatures || !members.get("key_ops").is_none_or(verifies) {
            return None;
        }
        let algorithm = match members.get("alg") {
            None => None,
            // For another algorithm: never for one of ours.
            Some(name) => Some(Algorithm::read(name.as_str()?)?),
        };
        let (kind, library) = match (text("kty")?, text("crv")) {
            ("RSA", None) => {
                let (modulus, exponent) = (text("n")?, text("e")?);
                let bytes = decode(modulus)?.len();
                (RSA_BYTES_MIN..=RSA_BYTES_MAX)
                    .contains(&bytes)
                    .then_some(())?;
                let library = DecodingKey::from_rsa_components(modulus, exponent).ok()?;
                (Kind::Rsa, library)
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (text("x")?, text("y")?);
                (decode(x)?.len() == 32 && decode(y)?.len() == 32).then_some(())?;
                let library = DecodingKey::from_ec_components(x, y).ok()?;
                (Kind::P256, library)
            }
            ("OKP", Some("Ed25519")) => {
                let x = text("x")?;
                (decode(x)?.len() == 32).then_some(())?;
                (Kind::Ed25519, DecodingKey::from_ed_components(x).ok()?)
            }
            (_, _) => return None,
        };
        let key = Self {
            kind,
            algorithm,
            library,
        };
        Some((id, key))
    }

    /// Whether the key is one for this algorithm: by its kind, and by what it says itself.
    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::EdDSA => Kind::Ed25519,
            Algorithm::ES256 => Kind::P256,
            Algorithm::PS256 | Algorithm::RS256 => Kind::Rsa,
        };
        self.kind == kind && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Whether the signature, base64url, is this key's.
    pub(super) fn has_signed(&self, algorithm: Algorithm, signed: &str, signature: &str) -> bool {
        let message = signed.as_bytes();
        let library = algorithm.library();
        // An error is a signature that has not been verified.
        jsonwebtoken::crypto::verify(signature, message, &self.library, library) == Ok(true)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeySet").finish_non_exhaustive()
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Members of private and secret keys (RFC 7518, sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE: [&str; 8] = ["d", "dp", "dq", "k", "oth", "p", "q", "qi"];
const KEYS_MAX: usize = 64;
/// 2,048 bits: NIST SP 800-131A.
const RSA_BYTES_MIN: usize = 256;
const RSA_BYTES_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn p256(id: &str, more: Value) -> Value {
        // RFC 7517, appendix A.1.
        let mut key = json!({
            "kty": "EC",
            "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            "kid": id,
        });
        let members = key.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        key
    }

    fn read(keys: Value) -> Result<KeySet, KeySetError> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn key_is_found_by_its_id() {
        let set = read(json!([
            p256("a", json!({})),
            p256("b", json!({"use": "sig"}))
        ]))
        .unwrap();
        assert!(set.key("a").is_ok() && set.has("b"));
        assert_eq!(set.key("c").err(), Some(Refusal::UnknownKey));
    }

    #[test]
    fn repeated_id_is_nobodys() {
        let keys = json!([
            p256("a", json!({})),
            p256("a", json!({})),
            p256("a", json!({}))
        ]);
        assert_eq!(
            read(keys).unwrap().key("a").err(),
            Some(Refusal::AmbiguousKey)
        );
    }

    #[test]
    fn keys_of_no_use_are_left_out() {
        for key in [
            p256("a", json!({"use": "enc"})),
            p256("a", json!({"use": 1})),
            p256("a", json!({"key_ops": ["sign"]})),
            p256("a", json!({"alg": "ES384"})),
            p256("a", json!({"crv": "P-384"})),
            p256("a", json!({"crv": "secp256k1"})),
            p256("a", json!({"kty": "RSA"})),
            p256("a", json!({"kty": "oct"})),
            p256("a", json!({"x": "AAAA"})),
            p256("", json!({})),
            json!({"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"}),
        ] {
            assert_eq!(read(json!([key])).err(), Some(KeySetError::Empty), "{key}");
        }
    }

    #[test]
    fn key_says_what_it_is_for() {
        let set = read(json!([p256("a", json!({"alg": "ES256"}))])).unwrap();
        let key = set.key("a").unwrap();
        assert!(key.is_for(Algorithm::ES256));
        for algorithm in [Algorithm::EdDSA, Algorithm::PS256, Algorithm::RS256] {
            assert!(!key.is_for(algorithm), "{algorithm:?}");
        }
    }

    #[test]
    fn set_with_a_private_key_is_refused() {
        let keys = json!([p256("a", json!({})), p256("b", json!({"d": "AA"}))]);
        assert_eq!(read(keys).err(), Some(KeySetError::Private));
        let secret = json!([{"kty": "oct", "kid": "a", "k": "AA"}]);
        assert_eq!(read(secret).err(), Some(KeySetError::Private));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            r#"{"keys":{}}"#,
            r#"{"keys":[1]}"#,
            "<html>",
        ] {
            let error = KeySet::read(text.as_bytes()).err();
            assert_eq!(error, Some(KeySetError::Malformed), "{text}");
        }
        let many = vec![p256("a", json!({})); KEYS_MAX + 1];
        assert_eq!(read(json!(many)).err(), Some(KeySetError::TooLarge));
        let long = vec![b' '; KEY_SET_BYTES_MAX + 1];
        assert_eq!(KeySet::read(&long).err(), Some(KeySetError::TooLarge));
    }
}
