//! The states of stored keys, and their form.

use super::*;
use crate::crypto::RootKey;
use crate::crypto::SystemEntropy;

fn root(byte: u8) -> RootKey {
    RootKey::new(&KeyBytes::from_array(&[byte; 32]))
}

fn time(unix_ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms)
}

fn wrapping_key() -> StoredKey {
    let shop = Namespace::new("shop").unwrap();
    let identity = KeyIdentity {
        purpose: KeyPurpose::Wrapping,
        namespace: Some(&shop),
        version: KeyVersion::FIRST,
    };
    StoredKey::create(&root(1), &identity, time(5), &SystemEntropy).unwrap()
}

#[test]
fn stored_key_comes_back_in_every_state() {
    let mut key = wrapping_key();
    assert_eq!(StoredKey::decode(&key.encode()), Ok(key.clone()));
    for (now, state) in [
        (6, KeyState::Active),
        (7, KeyState::Suspended),
        (8, KeyState::Deactivated),
        (9, KeyState::Compromised),
    ] {
        key.transition(state, time(now)).unwrap();
        assert_eq!(StoredKey::decode(&key.encode()), Ok(key.clone()));
        assert_eq!(key.metadata().changes().last(), Some(&(state, time(now))));
        assert!(key.unwrap(&root(1)).is_ok());
    }
    assert_eq!(key.metadata().created(), time(5));
}

#[test]
fn destroyed_key_opens_nothing() {
    let mut key = wrapping_key();
    let before = key.encode();
    key.transition(KeyState::Destroyed, time(6)).unwrap();
    assert!(key.unwrap(&root(1)).is_err());
    let after = key.encode();
    assert!(after.len() < before.len());
    assert_eq!(StoredKey::decode(&after), Ok(key.clone()));
    assert!(key.transition(KeyState::Active, time(7)).is_err());
    assert_eq!(key.metadata().state(), KeyState::Destroyed);
    assert_eq!(key.rewrap(&root(1), &root(2), &SystemEntropy), Ok(key));
}

#[test]
fn damaged_key_is_refused_or_does_not_open() {
    let mut key = wrapping_key();
    key.transition(KeyState::Active, time(6)).unwrap();
    let bytes = key.encode();
    for length in 0..bytes.len() {
        assert!(StoredKey::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(StoredKey::decode(&[bytes.clone(), vec![0]].concat()).is_err());
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(read) = StoredKey::decode(&damaged) {
            assert_eq!(read.encode(), damaged);
            // Times are not bound to the key; all else that can be read is.
            let times_differ = read.metadata().created() != time(5)
                || read.metadata().changes() != [(KeyState::Active, time(6))];
            assert!(times_differ || read.unwrap(&root(1)).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn form_of_a_stored_key_is_frozen() {
    let mut key = wrapping_key();
    key.transition(KeyState::Active, time(6)).unwrap();
    let head = "01050473686f7000000001020000000000000005010200000000000000\
                06";
    let encoded = hex::encode(key.encode());
    assert!(encoded.starts_with(head), "{encoded}");
    assert_eq!(encoded.len(), head.len() + 2 * RootKey::WRAPPED_BYTES);
}

#[test]
fn only_the_last_changes_are_kept() {
    let mut key = wrapping_key();
    key.transition(KeyState::Active, time(6)).unwrap();
    for now in 0..100 {
        let to = if now % 2 == 0 {
            KeyState::Suspended
        } else {
            KeyState::Active
        };
        key.transition(to, time(now)).unwrap();
    }
    assert_eq!(key.metadata().changes().len(), CHANGES_COUNT_MAX);
    assert_eq!(StoredKey::decode(&key.encode()), Ok(key));
}

#[test]
fn key_has_a_namespace_exactly_where_its_purpose_asks_for_one() {
    let shop = Namespace::new("shop").unwrap();
    for purpose in KeyPurpose::ALL {
        for namespace in [None, Some(&shop)] {
            let identity = KeyIdentity {
                purpose,
                namespace,
                version: KeyVersion::FIRST,
            };
            let created = StoredKey::create(&root(1), &identity, time(0), &SystemEntropy);
            assert_eq!(
                created.is_ok(),
                namespace.is_some() == purpose.is_of_namespace()
            );
        }
    }
}

#[test]
fn rewrapped_key_opens_under_the_new_root_key_only() {
    let key = wrapping_key();
    let rewrapped = key.rewrap(&root(1), &root(2), &SystemEntropy).unwrap();
    assert_eq!(
        rewrapped.unwrap(&root(2)).unwrap().expose(),
        key.unwrap(&root(1)).unwrap().expose()
    );
    assert!(rewrapped.unwrap(&root(1)).is_err());
    assert!(key.rewrap(&root(3), &root(2), &SystemEntropy).is_err());
}
