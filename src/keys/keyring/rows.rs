//! Rows that only the vault may write: authenticated, so that who can write to the stopped vault's
//! database puts no officer in.

use crate::crypto::Fingerprint;
use crate::keys::Keyring;

impl Keyring {
    /// The row's value with what authenticates it behind.
    #[must_use]
    pub fn seal_row(&self, table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
        let tag = self.audit_fingerprint().active().row(table, key, value);
        [value, tag.as_bytes()].concat()
    }

    /// The value of a row; nothing if this vault did not write it in this place.
    #[must_use]
    pub fn open_row<'a>(&self, table: &str, key: &[u8], stored: &'a [u8]) -> Option<&'a [u8]> {
        let (value, tag) = stored.split_last_chunk::<{ Fingerprint::LENGTH }>()?;
        let mut versions = self.audit_fingerprint().iter();
        let is_own = versions.any(|(_, own)| own.row(table, key, value).as_bytes() == tag);
        is_own.then_some(value)
    }

    /// The value of a row, believed by nobody: for who has no key of the vault.
    #[must_use]
    pub fn peek_row(stored: &[u8]) -> Option<&[u8]> {
        let (value, _) = stored.split_last_chunk::<{ Fingerprint::LENGTH }>()?;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::KeyBytes;
    use crate::crypto::RootKey;
    use crate::crypto::SystemEntropy;
    use crate::domain::Timestamp;
    use crate::keys::Keyring;

    fn keyring() -> Keyring {
        let root = RootKey::new(&KeyBytes::from_array(&[1; 32]));
        let keys = Keyring::create(&root, &[], Timestamp::default(), &SystemEntropy).unwrap();
        Keyring::open(&root, &keys).unwrap()
    }

    #[test]
    fn row_opens_in_its_place_only() {
        let keyring = keyring();
        let stored = keyring.seal_row("meta", b"charter", b"value");
        let opens =
            |table, key: &[u8], stored: &[u8]| keyring.open_row(table, key, stored).is_some();
        let value = keyring.open_row("meta", b"charter", &stored);
        assert_eq!(value, Some(&b"value"[..]));
        assert!(!opens("meta", b"other", &stored));
        assert!(!opens("ceremonies", b"charter", &stored));
        for position in 0..stored.len() {
            let mut changed = stored.clone();
            changed[position] ^= 1;
            assert!(!opens("meta", b"charter", &changed), "{position}");
        }
        assert!(!opens("meta", b"charter", b"short"));
        let other = self::keyring();
        assert_eq!(other.open_row("meta", b"charter", &stored), None);
    }
}
