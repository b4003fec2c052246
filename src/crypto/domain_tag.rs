//! The key behind the tags of e-mail domains.

use std::fmt;

use crate::crypto::CryptoError;
use crate::crypto::KeyBytes;
use crate::crypto::TokenKey;
use crate::crypto::mac;
use crate::crypto::mac::Mac;
use crate::domain::DomainSize;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Rank;

/// Makes the tags by which e-mail tokens show that their domains are equal. One per namespace.
///
/// What it makes is in tokens, so it is the one key that is not rotated: another version would
/// give known values other tokens.
pub struct DomainTagKey(Mac);

impl DomainTagKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &KeyBytes) -> Self {
        Self(Mac::new(bytes))
    }

    /// The rank of a domain's tag among `tags`: the same for the same field and domain, and
    /// otherwise uniform.
    ///
    /// # Errors
    ///
    /// If there are no tags, or (with a chance of 2^-128) no rank was found.
    pub fn rank(
        &self,
        namespace: &Namespace,
        field: &FieldName,
        domain: &[u8],
        tags: &DomainSize,
    ) -> Result<Rank, CryptoError> {
        let input = self
            .0
            .begin("counterfoil/v1/domain-tag")
            .part(namespace.as_str().as_bytes())
            .part(field.as_str().as_bytes());
        TokenKey::new(mac::derive_key(input)).pseudo_random_rank(domain, tags)
    }
}

impl fmt::Debug for DomainTagKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DomainTagKey")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_depends_on_the_domain_and_on_its_place() {
        let key = DomainTagKey::new(&KeyBytes::from_array(&[7; 32]));
        let mut tags = DomainSize::one();
        tags.multiply(34_410_250);
        let rank = |namespace: &str, field: &str, domain: &[u8]| {
            let namespace = Namespace::new(namespace).unwrap();
            let field = FieldName::new(field).unwrap();
            key.rank(&namespace, &field, domain, &tags).unwrap()
        };
        let one = rank("shop", "email", b"acme.example");
        assert!(one.is_in(&tags));
        assert!(one.equals(&rank("shop", "email", b"acme.example")));
        assert!(!one.equals(&rank("shop", "email", b"acme.example.org")));
        assert!(!one.equals(&rank("shop", "billing", b"acme.example")));
        assert!(!one.equals(&rank("bank", "email", b"acme.example")));
    }
}
