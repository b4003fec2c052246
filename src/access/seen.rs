//! What is counted: a subject, or a value of nobody's.

use sha2::Digest;
use sha2::Sha256;

use crate::domain::Namespace;
use crate::domain::Subject;

/// What a budget counts once, however often it is seen. 16 bytes of a SHA-256: the subjects that
/// it is made of are opaque ids, which the audit log has in clear.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SeenKey([u8; 16]);

impl SeenKey {
    /// The one that sorts before all others.
    pub(super) const FIRST: Self = Self([0; 16]);

    /// A customer of a tenant.
    #[must_use]
    pub fn subject(namespace: &Namespace, subject: &Subject) -> Self {
        Self::of(b"subject", namespace, subject.as_str().as_bytes())
    }

    /// A value that no customer is known for, by the fingerprint of its token or of itself.
    #[must_use]
    pub fn value(namespace: &Namespace, fingerprint: &[u8; 16]) -> Self {
        Self::of(b"value", namespace, fingerprint)
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Each part but the last ends with a zero byte, which none of them has.
    fn of(kind: &[u8], namespace: &Namespace, last: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        for part in [
            b"counterfoil seen 1".as_slice(),
            kind,
            namespace.as_str().as_bytes(),
        ] {
            hasher.update(part);
            hasher.update([0]);
        }
        hasher.update(last);
        let digest: [u8; 32] = hasher.finalize().into();
        let mut key = [0; 16];
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_of_two_namespaces_are_two() {
        let (shop, bank) = (
            Namespace::new("shop").unwrap(),
            Namespace::new("bank").unwrap(),
        );
        let subject = Subject::new("cus_1").unwrap();
        assert_ne!(
            SeenKey::subject(&shop, &subject),
            SeenKey::subject(&bank, &subject)
        );
        assert_eq!(
            SeenKey::subject(&shop, &subject),
            SeenKey::subject(&shop, &subject)
        );
        assert_ne!(
            SeenKey::value(&shop, b"0123456789abcdef"),
            SeenKey::subject(&shop, &Subject::new("0123456789abcdef").unwrap())
        );
    }
}
