//! Rows that only the vault may write: authenticated, so that who can write to the stopped vault's
//! database puts no officer in.

use crate::crypto::Fingerprint;
use crate::domain::KeyVersion;
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
        self.row_version(table, key, stored)?;
        Self::peek_row(stored)
    }

    /// The version of the key that a row is authenticated by; nothing if this vault did not write
    /// it in this place, or under a version that is destroyed.
    #[must_use]
    pub fn row_version(&self, table: &str, key: &[u8], stored: &[u8]) -> Option<KeyVersion> {
        let (value, tag) = stored.split_last_chunk::<{ Fingerprint::LENGTH }>()?;
        let mut versions = self.audit_fingerprint().iter();
        let own = versions.find(|(_, own)| own.row(table, key, value).as_bytes() == tag);
        own.map(|(version, _)| version)
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
    use crate::crypto::KeyIdentity;
    use crate::crypto::RootKey;
    use crate::crypto::SystemEntropy;
    use crate::domain::KeyPurpose;
    use crate::domain::KeyState;
    use crate::domain::KeyVersion;
    use crate::domain::Timestamp;
    use crate::keys::Keyring;
    use crate::keys::StoredKey;

    fn keyring() -> Keyring {
        let root = RootKey::new(&KeyBytes::from_array(&[1; 32]));
        let keys = Keyring::create(&root, &[], Timestamp::default(), &SystemEntropy).unwrap();
        Keyring::open(&root, &keys).unwrap()
    }

    #[test]
    fn row_opens_under_its_version_until_that_is_destroyed() {
        let root = RootKey::new(&KeyBytes::from_array(&[1; 32]));
        let now = Timestamp::default();
        let mut keys = Keyring::create(&root, &[], now, &SystemEntropy).unwrap();
        let stored = Keyring::open(&root, &keys)
            .unwrap()
            .seal_row("meta", b"charter", b"value");
        let second = KeyIdentity {
            purpose: KeyPurpose::AuditFingerprint,
            namespace: None,
            version: KeyVersion::new(2).unwrap(),
        };
        let mut second = StoredKey::create(&root, &second, now, &SystemEntropy).unwrap();
        second.transition(KeyState::Active, now).unwrap();
        keys[0].transition(KeyState::Deactivated, now).unwrap();
        keys.push(second);
        let keyring = Keyring::open(&root, &keys).unwrap();
        let version = |stored: &[u8]| keyring.row_version("meta", b"charter", stored);
        assert_eq!(version(&stored), Some(KeyVersion::FIRST));
        let anew = keyring.seal_row("meta", b"charter", b"value");
        assert_eq!(version(&anew), KeyVersion::new(2));

        keys[0].transition(KeyState::Destroyed, now).unwrap();
        let keyring = Keyring::open(&root, &keys).unwrap();
        assert_eq!(keyring.open_row("meta", b"charter", &stored), None);
        let value = keyring.open_row("meta", b"charter", &anew);
        assert_eq!(value, Some(&b"value"[..]));
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
