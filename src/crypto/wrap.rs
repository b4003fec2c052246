//! Wrapping of token keys: AES-256-GCM-SIV under a namespace's wrapping key.
//!
//! The nonce is the first 96 bits of the record id. That is the output of a pseudo-random
//! function of the token, so it is unique but for chance; where it does repeat (the same record
//! wrapped again, or a token drawn again after its record was erased), RFC 8452 keeps all its
//! promises but one: equal plaintexts then show as equal. A stored nonce would cost 12 bytes and
//! a draw per record, and buy nothing.
//!
//! The subject is sealed by itself, under a label of its own, so that whose record it is can be
//! known without unwrapping what opens it.
//!
//! The associated data binds namespace, field, record id and key version: a wrapped key that is
//! moved to another record, field or namespace does not open.

use std::fmt;

use crate::crypto::CryptoError;
use crate::crypto::Encoding;
use crate::crypto::Fingerprint;
use crate::crypto::KeyBytes;
use crate::crypto::TokenKey;
use crate::crypto::aead::Aead;
use crate::crypto::aead::NONCE_BYTES;
use crate::domain::FieldName;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Subject;

/// Where a record is: what is sealed for it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct RecordName<'a> {
    /// The record's namespace.
    pub namespace: &'a Namespace,
    /// The record's field.
    pub field: &'a FieldName,
    /// The record's id.
    pub record_id: Fingerprint,
}

/// Wraps token keys. One per namespace, versioned; it knows its version.
pub struct WrappingKey {
    aead: Aead,
    version: KeyVersion,
}

impl WrappingKey {
    /// The key with these bytes, of this version.
    #[must_use]
    pub fn new(bytes: &KeyBytes, version: KeyVersion) -> Self {
        Self {
            aead: Aead::new(bytes),
            version,
        }
    }

    /// The version, which a record stores beside what is wrapped.
    #[must_use]
    pub fn version(&self) -> KeyVersion {
        self.version
    }

    /// Wraps a token key.
    ///
    /// # Errors
    ///
    /// Never for a key of 32 bytes; the cipher's own limit is passed on.
    pub fn wrap(
        &self,
        record: &RecordName<'_>,
        token_key: &TokenKey,
    ) -> Result<Vec<u8>, CryptoError> {
        let parts = [token_key.bytes().expose().as_slice()];
        let associated = self.associated(record, TOKEN_KEY_LABEL);
        self.aead
            .seal(&record.nonce(), &associated, &parts, KeyBytes::LENGTH)
    }

    /// Unwraps a token key.
    ///
    /// # Errors
    ///
    /// If it was not wrapped by this key for this record.
    pub fn unwrap(&self, record: &RecordName<'_>, wrapped: &[u8]) -> Result<TokenKey, CryptoError> {
        let associated = self.associated(record, TOKEN_KEY_LABEL);
        let opened = self.aead.open(&record.nonce(), &associated, wrapped)?;
        KeyBytes::from_slice(&opened)
            .map(TokenKey::new)
            .ok_or(CryptoError::Opening)
    }

    /// Wraps the key of the token that takes the place of the record's own. Neither of the two
    /// opens in the place of the other.
    ///
    /// # Errors
    ///
    /// Never for a key of 32 bytes; the cipher's own limit is passed on.
    pub fn wrap_successor(
        &self,
        record: &RecordName<'_>,
        token_key: &TokenKey,
    ) -> Result<Vec<u8>, CryptoError> {
        let parts = [token_key.bytes().expose().as_slice()];
        let associated = self.associated(record, SUCCESSOR_LABEL);
        self.aead
            .seal(&record.nonce(), &associated, &parts, KeyBytes::LENGTH)
    }

    /// Unwraps the key of the token that takes the place of the record's own.
    ///
    /// # Errors
    ///
    /// If it was not wrapped by this key as the successor's for this record.
    pub fn unwrap_successor(
        &self,
        record: &RecordName<'_>,
        wrapped: &[u8],
    ) -> Result<TokenKey, CryptoError> {
        let associated = self.associated(record, SUCCESSOR_LABEL);
        let opened = self.aead.open(&record.nonce(), &associated, wrapped)?;
        KeyBytes::from_slice(&opened)
            .map(TokenKey::new)
            .ok_or(CryptoError::Opening)
    }

    /// Seals whose record it is.
    ///
    /// # Errors
    ///
    /// Never for a subject; the cipher's own limit is passed on.
    pub fn seal_subject(
        &self,
        record: &RecordName<'_>,
        subject: &Subject,
    ) -> Result<Vec<u8>, CryptoError> {
        let parts = [subject.as_str().as_bytes()];
        let associated = self.associated(record, SUBJECT_LABEL);
        self.aead
            .seal(&record.nonce(), &associated, &parts, Subject::LENGTH_MAX)
    }

    /// Opens whose record it is.
    ///
    /// # Errors
    ///
    /// If it was not sealed by this key for this record.
    pub fn open_subject(
        &self,
        record: &RecordName<'_>,
        sealed: &[u8],
    ) -> Result<Subject, CryptoError> {
        let associated = self.associated(record, SUBJECT_LABEL);
        let opened = self.aead.open(&record.nonce(), &associated, sealed)?;
        let text = str::from_utf8(&opened).map_err(|_| CryptoError::Opening)?;
        Subject::new(text).map_err(|_| CryptoError::Opening)
    }

    fn associated(&self, record: &RecordName<'_>, label: &'static str) -> Vec<u8> {
        record
            .encode(label)
            .part(&self.version.number().to_be_bytes())
            .finish()
    }
}

impl RecordName<'_> {
    /// Starts associated data with the label that names its use, and this place.
    pub(super) fn encode(&self, label: &'static str) -> Encoding<Vec<u8>> {
        Encoding::begin(Vec::with_capacity(ASSOCIATED_BYTES), label)
            .part(self.namespace.as_str().as_bytes())
            .part(self.field.as_str().as_bytes())
            .part(self.record_id.as_bytes())
    }

    fn nonce(&self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        nonce
            .iter_mut()
            .zip(self.record_id.as_bytes())
            .for_each(|(to, from)| *to = *from);
        nonce
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WrappingKey")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Enough for most, so that associated data is written without growing.
const ASSOCIATED_BYTES: usize = 160;

const TOKEN_KEY_LABEL: &str = "counterfoil/v1/token-key";
const SUBJECT_LABEL: &str = "counterfoil/v1/record-subject";
const SUCCESSOR_LABEL: &str = "counterfoil/v1/successor-key";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemEntropy;

    struct Place {
        namespace: Namespace,
        field: FieldName,
        record_id: Fingerprint,
    }

    impl Place {
        fn new(namespace: &str, field: &str, record_id: u8) -> Self {
            Self {
                namespace: Namespace::new(namespace).unwrap(),
                field: FieldName::new(field).unwrap(),
                record_id: Fingerprint::from_bytes([record_id; 16]),
            }
        }

        fn name(&self) -> RecordName<'_> {
            let Self {
                namespace,
                field,
                record_id,
            } = self;
            RecordName {
                namespace,
                field,
                record_id: *record_id,
            }
        }
    }

    fn wrapping_key(version: u32) -> WrappingKey {
        WrappingKey::new(
            &KeyBytes::from_array(&[2; 32]),
            KeyVersion::new(version).unwrap(),
        )
    }

    #[test]
    fn token_key_and_subject_come_back() {
        let place = Place::new("shop", "email", 1);
        let key = TokenKey::generate(&SystemEntropy);
        let wrapped = wrapping_key(1).wrap(&place.name(), &key).unwrap();
        assert_eq!(wrapped.len(), 32 + 16);
        let unwrapped = wrapping_key(1).unwrap(&place.name(), &wrapped).unwrap();
        assert_eq!(unwrapped.bytes().expose(), key.bytes().expose());

        let subject = Subject::new("cus_1").unwrap();
        let sealed = wrapping_key(1)
            .seal_subject(&place.name(), &subject)
            .unwrap();
        assert_eq!(
            wrapping_key(1)
                .open_subject(&place.name(), &sealed)
                .unwrap(),
            subject
        );
        assert!(wrapping_key(1).unwrap(&place.name(), &sealed).is_err());
        assert!(
            wrapping_key(1)
                .open_subject(&place.name(), &wrapped)
                .is_err()
        );
    }

    #[test]
    fn successor_key_never_passes_for_that_of_its_record() {
        let place = Place::new("shop", "email", 1);
        let key = TokenKey::generate(&SystemEntropy);
        let (own, successor) = (
            wrapping_key(1).wrap(&place.name(), &key).unwrap(),
            wrapping_key(1).wrap_successor(&place.name(), &key).unwrap(),
        );
        let unwrap = |wrapped: &[u8]| wrapping_key(1).unwrap_successor(&place.name(), wrapped);
        let unwrapped = unwrap(&successor).unwrap();
        assert_eq!(unwrapped.bytes().expose(), key.bytes().expose());
        assert!(unwrap(&own).is_err());
        assert!(wrapping_key(1).unwrap(&place.name(), &successor).is_err());
        let elsewhere = Place::new("shop", "email", 2);
        let opened = wrapping_key(1).unwrap_successor(&elsewhere.name(), &successor);
        assert!(opened.is_err());
        let opened = wrapping_key(2).unwrap_successor(&place.name(), &successor);
        assert!(opened.is_err());
    }

    #[test]
    fn wrapped_key_opens_nowhere_else() {
        let home = Place::new("shop", "email", 1);
        let key = TokenKey::generate(&SystemEntropy);
        let wrapped = wrapping_key(1).wrap(&home.name(), &key).unwrap();
        for other in [
            Place::new("other", "email", 1),
            Place::new("shop", "name", 1),
            Place::new("shop", "email", 2),
        ] {
            let opened = wrapping_key(1).unwrap(&other.name(), &wrapped);
            assert!(matches!(opened, Err(CryptoError::Opening)));
        }
        assert!(wrapping_key(2).unwrap(&home.name(), &wrapped).is_err());
        let other = WrappingKey::new(&KeyBytes::from_array(&[3; 32]), KeyVersion::FIRST);
        assert!(other.unwrap(&home.name(), &wrapped).is_err());
    }

    #[test]
    fn flipped_bit_is_noticed() {
        let place = Place::new("shop", "email", 1);
        let key = TokenKey::generate(&SystemEntropy);
        let wrapped = wrapping_key(1).wrap(&place.name(), &key).unwrap();
        for bit in 0..wrapped.len() * 8 {
            let mut damaged = wrapped.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(wrapping_key(1).unwrap(&place.name(), &damaged).is_err());
        }
        for length in 0..wrapped.len() {
            assert!(
                wrapping_key(1)
                    .unwrap(&place.name(), &wrapped[..length])
                    .is_err()
            );
        }
    }
}
