//! What only value and token key together open: a token that was imported, which no key makes
//! again.
//!
//! It is sealed twice. The inner key is derived from the token key *and the value*, so that who has
//! the vault's disk and keys learns no token without its value. The outer key is derived from the
//! token key alone: what does not open there is damaged, and what opens there but not within is
//! another value's. Each such key seals one message, which is why the nonce can be fixed.

use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::TokenKey;
use crate::crypto::aead::Aead;
use crate::crypto::aead::NONCE_BYTES;
use crate::crypto::aead::TAG_BYTES;
use crate::crypto::wrap::RecordName;
use crate::domain::PARTS_OVERHEAD_BYTES_MAX;

/// The longest token that is imported, in bytes; of one in parts, their texts together.
pub const IMPORTED_TOKEN_BYTES_MAX: usize = 512;

impl TokenKey {
    /// Seals an imported token for this record, under the terms that the record states in the
    /// clear, for who brings the value in its equality form.
    ///
    /// # Errors
    ///
    /// If the token is longer than [`IMPORTED_TOKEN_BYTES_MAX`] allows, names of parts included.
    pub fn seal_token(
        &self,
        record: &RecordName<'_>,
        terms: &[u8],
        equality_form: &[u8],
        token: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let associated = associated(record, terms);
        let inner =
            self.inner_aead(equality_form)
                .seal(&NONCE, &associated, &[token], JOINED_BYTES_MAX)?;
        let bytes_max = JOINED_BYTES_MAX + TAG_BYTES;
        self.outer_aead()
            .seal(&NONCE, &associated, &[&inner], bytes_max)
    }

    /// Opens an imported token; nothing, if it is another value's.
    ///
    /// # Errors
    ///
    /// If it was not sealed with this token key for this record and these terms.
    pub fn open_token(
        &self,
        record: &RecordName<'_>,
        terms: &[u8],
        equality_form: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, CryptoError> {
        let associated = associated(record, terms);
        let inner = self.outer_aead().open(&NONCE, &associated, sealed)?;
        let aead = self.inner_aead(equality_form);
        Ok(aead.open(&NONCE, &associated, &inner).ok())
    }

    /// Seals an imported token for another place of the record; nothing, if it is another value's.
    /// It is not shown.
    ///
    /// # Errors
    ///
    /// If it was not sealed with this token key for the first place and these terms.
    pub fn move_token(
        &self,
        (from, to): (&RecordName<'_>, &RecordName<'_>),
        terms: &[u8],
        equality_form: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, CryptoError> {
        let token = self.open_token(from, terms, equality_form, sealed)?;
        token
            .map(|token| self.seal_token(to, terms, equality_form, &token))
            .transpose()
    }

    fn inner_aead(&self, equality_form: &[u8]) -> Aead {
        Aead::new(&self.derive("counterfoil/v1/imported-token", equality_form))
    }

    fn outer_aead(&self) -> Aead {
        Aead::new(&self.derive("counterfoil/v1/imported-token-outer", &[]))
    }
}

fn associated(record: &RecordName<'_>, terms: &[u8]) -> Vec<u8> {
    let label = "counterfoil/v1/imported-token";
    record.encode(label).part(terms).finish()
}

/// The longest token with the names of its parts.
const JOINED_BYTES_MAX: usize = IMPORTED_TOKEN_BYTES_MAX + PARTS_OVERHEAD_BYTES_MAX;

/// Each key seals one message.
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Fingerprint;
    use crate::crypto::SystemEntropy;
    use crate::domain::FieldName;
    use crate::domain::Namespace;

    #[test]
    fn imported_token_opens_only_with_its_value_at_its_place() {
        let namespace = Namespace::new("shop").unwrap();
        let field = FieldName::new("email").unwrap();
        let home = RecordName {
            namespace: &namespace,
            field: &field,
            record_id: Fingerprint::from_bytes([1; 16]),
        };
        let elsewhere = RecordName {
            record_id: Fingerprint::from_bytes([2; 16]),
            ..home
        };
        let key = TokenKey::generate(&SystemEntropy);
        let sealed = key.seal_token(&home, b"1", b"ada", b"tok_1").unwrap();
        let opened = key.open_token(&home, b"1", b"ada", &sealed).unwrap();
        assert_eq!(opened.unwrap().as_slice(), b"tok_1");

        // Another value is no damage.
        assert!(
            key.open_token(&home, b"1", b"bob", &sealed)
                .unwrap()
                .is_none()
        );
        assert!(key.open_token(&home, b"2", b"ada", &sealed).is_err());
        assert!(key.open_token(&elsewhere, b"1", b"ada", &sealed).is_err());
        let places = (&home, &elsewhere);
        let moved = key.move_token(places, b"1", b"ada", &sealed).unwrap();
        let opened = key.open_token(&elsewhere, b"1", b"ada", &moved.unwrap());
        assert_eq!(opened.unwrap().unwrap().as_slice(), b"tok_1");
        let of_another = key.move_token(places, b"1", b"bob", &sealed).unwrap();
        assert!(of_another.is_none());
        let other = TokenKey::generate(&SystemEntropy);
        assert!(other.open_token(&home, b"1", b"ada", &sealed).is_err());
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key.open_token(&home, b"1", b"ada", &changed).is_err());
        }
    }

    #[test]
    fn too_long_a_token_is_refused() {
        let namespace = Namespace::new("shop").unwrap();
        let field = FieldName::new("email").unwrap();
        let home = RecordName {
            namespace: &namespace,
            field: &field,
            record_id: Fingerprint::from_bytes([1; 16]),
        };
        let key = TokenKey::generate(&SystemEntropy);
        let seal = |length| key.seal_token(&home, b"1", b"ada", &vec![b'a'; length]);
        assert!(seal(JOINED_BYTES_MAX).is_ok());
        assert!(seal(JOINED_BYTES_MAX + 1).is_err());
    }
}
