//! Keyed fingerprints: what the store knows things by.
//!
//! HMAC-SHA-256, cut to 128 bits, over a label and the parts, length-prefixed. Without the key a
//! fingerprint says nothing; with it, a guess can be tested, so the keys stay where the wrapping
//! keys stay. 128 bits: among 2^48 fingerprints, two are the same with a chance of 2^-33.

use std::fmt;

use hmac::Hmac;
use sha2::Sha256;

use crate::crypto::Encoding;
use crate::crypto::KeyBytes;
use crate::crypto::mac;
use crate::crypto::mac::Mac;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::domain::RequestId;
use crate::domain::Subject;

/// A keyed fingerprint. Public: the output of a pseudo-random function.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint([u8; Fingerprint::LENGTH]);

impl Fingerprint {
    /// How many bytes a fingerprint has.
    pub const LENGTH: usize = 16;

    /// The fingerprint with these bytes, as they were stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they are stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    fn of(input: Encoding<Hmac<Sha256>>) -> Self {
        let mut bytes = [0; Self::LENGTH];
        bytes
            .iter_mut()
            .zip(mac::digest(input))
            .for_each(|(to, from)| *to = from);
        Self(bytes)
    }
}

/// Among which values of a field equal values share a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope<'a> {
    /// Among all of the field.
    Field,
    /// Only among those of one subject.
    Subject(&'a Subject),
}

/// Makes record ids: finds a record by its token. One per namespace.
pub struct TokenFingerprintKey(Mac);

/// Finds a record by its value (the blind index), and what else is found by content. One per
/// namespace.
pub struct ValueFingerprintKey(Mac);

/// Makes the fingerprints of tokens that audit entries carry. One per vault.
pub struct AuditFingerprintKey(Mac);

impl TokenFingerprintKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &KeyBytes) -> Self {
        Self(Mac::new(bytes))
    }

    /// The id of the record of a token, given in its folded form.
    #[must_use]
    pub fn record_id(
        &self,
        namespace: &Namespace,
        field: &FieldName,
        scope: Scope<'_>,
        folded_token: &[u8],
    ) -> Fingerprint {
        let input = self.0.begin("counterfoil/v1/record-id");
        Fingerprint::of(scoped(input, namespace, field, scope).part(folded_token))
    }
}

impl ValueFingerprintKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &KeyBytes) -> Self {
        Self(Mac::new(bytes))
    }

    /// The fingerprint of a value, given in its equality form.
    #[must_use]
    pub fn value(
        &self,
        namespace: &Namespace,
        field: &FieldName,
        scope: Scope<'_>,
        equality_form: &[u8],
    ) -> Fingerprint {
        let input = self.0.begin("counterfoil/v1/value");
        Fingerprint::of(scoped(input, namespace, field, scope).part(equality_form))
    }

    /// The fingerprint of a subject, which lists the subject's records.
    #[must_use]
    pub fn subject(&self, namespace: &Namespace, subject: &Subject) -> Fingerprint {
        let input = self.0.begin("counterfoil/v1/subject");
        Fingerprint::of(
            input
                .part(namespace.as_str().as_bytes())
                .part(subject.as_str().as_bytes()),
        )
    }

    /// The fingerprint of a call, by which a retry is known.
    #[must_use]
    pub fn request(
        &self,
        namespace: &Namespace,
        principal: &Principal,
        request_id: &RequestId,
    ) -> Fingerprint {
        let input = self.0.begin("counterfoil/v1/request");
        Fingerprint::of(
            input
                .part(namespace.as_str().as_bytes())
                .part(principal.as_str().as_bytes())
                .part(request_id.as_str().as_bytes()),
        )
    }

    /// The fingerprint of what a call asks for, in the order of the parts, by which a retry with
    /// another content is known.
    #[must_use]
    pub fn request_content<'a>(
        &self,
        namespace: &Namespace,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Fingerprint {
        let input = self.0.begin("counterfoil/v1/request-content");
        let input = input.part(namespace.as_str().as_bytes());
        Fingerprint::of(parts.into_iter().fold(input, Encoding::part))
    }
}

impl AuditFingerprintKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &KeyBytes) -> Self {
        Self(Mac::new(bytes))
    }

    /// The fingerprint of a token, given in its folded form, as audit entries carry it.
    ///
    /// Another key than the record id's, so that the log and the store cannot be joined by who
    /// has stolen both.
    #[must_use]
    pub fn token(&self, namespace: &Namespace, folded_token: &[u8]) -> Fingerprint {
        let input = self.0.begin("counterfoil/v1/audit-token");
        Fingerprint::of(input.part(namespace.as_str().as_bytes()).part(folded_token))
    }

    /// Authenticates a row that only the vault may write: who can write to the stopped vault's
    /// database, and has no key, can change none and put none in another's place.
    #[must_use]
    pub fn row(&self, table: &str, key: &[u8], value: &[u8]) -> Fingerprint {
        let input = self.0.begin("counterfoil/v1/row");
        Fingerprint::of(input.part(table.as_bytes()).part(key).part(value))
    }
}

fn scoped(
    input: Encoding<Hmac<Sha256>>,
    namespace: &Namespace,
    field: &FieldName,
    scope: Scope<'_>,
) -> Encoding<Hmac<Sha256>> {
    let input = input
        .part(namespace.as_str().as_bytes())
        .part(field.as_str().as_bytes());
    // A subject is never empty, so the empty part can only be the field's scope.
    match scope {
        Scope::Field => input.part(&[]),
        Scope::Subject(subject) => input.part(subject.as_str().as_bytes()),
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fingerprint({self})")
    }
}

macro_rules! opaque_debug {
    ($($key:ident),+) => {$(
        impl fmt::Debug for $key {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.debug_struct(stringify!($key)).finish_non_exhaustive()
            }
        }
    )+};
}

opaque_debug!(
    AuditFingerprintKey,
    TokenFingerprintKey,
    ValueFingerprintKey
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn key() -> KeyBytes {
        KeyBytes::from_array(&[5; 32])
    }

    #[test]
    fn every_use_has_fingerprints_of_its_own() {
        let shop = Namespace::new("shop").unwrap();
        let email = FieldName::new("email").unwrap();
        let subject = Subject::new("c1").unwrap();
        let principal = Principal::new("spiffe://acme.example/a").unwrap();
        let token = TokenFingerprintKey::new(&key());
        let value = ValueFingerprintKey::new(&key());
        let audit = AuditFingerprintKey::new(&key());
        let all = [
            token.record_id(&shop, &email, Scope::Field, b"x"),
            token.record_id(&shop, &email, Scope::Subject(&subject), b"x"),
            token.record_id(&shop, &FieldName::new("name").unwrap(), Scope::Field, b"x"),
            token.record_id(
                &Namespace::new("other").unwrap(),
                &email,
                Scope::Field,
                b"x",
            ),
            value.value(&shop, &email, Scope::Field, b"x"),
            value.value(&shop, &email, Scope::Subject(&subject), b"x"),
            value.subject(&shop, &subject),
            value.request(&shop, &principal, &RequestId::new("r").unwrap()),
            value.request_content(&shop, [&b"x"[..]]),
            value.request_content(&shop, [&b"x"[..], b""]),
            audit.token(&shop, b"x"),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn another_key_gives_another_fingerprint() {
        let shop = Namespace::new("shop").unwrap();
        let one = AuditFingerprintKey::new(&key());
        let other = AuditFingerprintKey::new(&KeyBytes::from_array(&[6; 32]));
        assert_ne!(one.token(&shop, b"x"), other.token(&shop, b"x"));
    }

    #[test]
    fn fingerprint_is_frozen() {
        // Computed with Python: hmac.new(bytes([5] * 32), encoding, "sha256").hexdigest()[:32].
        let shop = Namespace::new("shop").unwrap();
        let email = FieldName::new("email").unwrap();
        let token = TokenFingerprintKey::new(&key());
        let record_id = token.record_id(&shop, &email, Scope::Field, b"kfo@tok.acme.example");
        assert_eq!(record_id.to_string(), "77418821580de56b013652ec01bdb7c0");
    }
}
