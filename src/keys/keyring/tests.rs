//! What the ring opens, and what it refuses.

use super::*;
use crate::crypto::RootKey;
use crate::crypto::SystemEntropy;

fn root(byte: u8) -> RootKey {
    RootKey::new(&KeyBytes::from_array(&[byte; 32]))
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(5)
}

fn shop() -> Namespace {
    Namespace::new("shop").unwrap()
}

fn keys() -> Vec<StoredKey> {
    Keyring::create(&root(1), &[shop()], now(), &SystemEntropy).unwrap()
}

fn second_wrapping_key() -> StoredKey {
    let version = KeyVersion::new(2).unwrap();
    let purpose = KeyPurpose::Wrapping;
    let identity = KeyIdentity {
        purpose,
        namespace: Some(&shop()),
        version,
    };
    StoredKey::create(&root(1), &identity, now(), &SystemEntropy).unwrap()
}

#[test]
fn created_keys_open() {
    let mut stored = keys();
    let other = Namespace::new("other").unwrap();
    let more = Keyring::create_namespace(&root(1), &other, now(), &SystemEntropy);
    stored.extend(more.unwrap());
    let ring = Keyring::open(&root(1), &stored).unwrap();
    assert_eq!(ring.namespaces().collect::<Vec<_>>(), [&other, &shop()]);
    let keys = ring.namespace(&shop()).unwrap();
    assert_eq!(keys.wrapping().active_version(), KeyVersion::FIRST);
    assert_eq!(keys.wrapping().active().version(), KeyVersion::FIRST);
    assert!(ring.namespace(&Namespace::new("third").unwrap()).is_none());
}

#[test]
fn another_root_key_opens_nothing() {
    let error = Keyring::open(&root(2), &keys()).err().unwrap();
    assert!(matches!(error, KeyError::Unwrapping(_)));
    let message = error.to_string();
    assert!(
        message.contains("key of namespace shop, version 1, does not open"),
        "{message}"
    );
}

#[test]
fn every_key_must_be_there_and_active() {
    for missing in 0..keys().len() {
        let mut fewer = keys();
        fewer.remove(missing);
        let opened = Keyring::open(&root(1), &fewer);
        assert!(matches!(opened, Err(KeyError::Missing(_))), "{missing}");

        let mut suspended = keys();
        suspended[missing]
            .transition(KeyState::Suspended, now())
            .unwrap();
        let opened = Keyring::open(&root(1), &suspended);
        assert!(matches!(opened, Err(KeyError::Missing(_))), "{missing}");
    }
    assert!(matches!(
        Keyring::open(&root(1), &[]),
        Err(KeyError::Missing(_))
    ));
}

#[test]
fn key_is_active_in_one_version_only() {
    let mut stored = keys();
    stored.push(stored[2].clone());
    let opened = Keyring::open(&root(1), &stored);
    assert!(matches!(opened, Err(KeyError::Duplicate(_))));

    stored.pop();
    let mut second = second_wrapping_key();
    second.transition(KeyState::Active, now()).unwrap();
    stored.push(second);
    let opened = Keyring::open(&root(1), &stored);
    assert!(matches!(opened, Err(KeyError::SeveralActive(_))));
}

#[test]
fn older_version_still_opens_until_it_is_destroyed() {
    let mut stored = keys();
    let mut second = second_wrapping_key();
    stored.push(second.clone());
    let ring = Keyring::open(&root(1), &stored).unwrap();
    // Pre-activation: made, and not yet used.
    assert_eq!(
        ring.namespace(&shop()).unwrap().wrapping().iter().count(),
        1
    );

    stored.pop();
    second.transition(KeyState::Active, now()).unwrap();
    stored[2].transition(KeyState::Deactivated, now()).unwrap();
    stored.push(second);
    let ring = Keyring::open(&root(1), &stored).unwrap();
    let wrapping = ring.namespace(&shop()).unwrap().wrapping();
    let versions: Vec<_> = wrapping
        .iter()
        .map(|(version, _)| version.number())
        .collect();
    assert_eq!(versions, [2, 1]);
    assert_eq!(
        wrapping.version(KeyVersion::FIRST).unwrap().version(),
        KeyVersion::FIRST
    );

    stored[2].transition(KeyState::Destroyed, now()).unwrap();
    let ring = Keyring::open(&root(1), &stored).unwrap();
    let wrapping = ring.namespace(&shop()).unwrap().wrapping();
    assert!(wrapping.version(KeyVersion::FIRST).is_none());
}

#[test]
fn key_in_the_place_of_another_does_not_open() {
    let stored = keys();
    let (wrapping, fingerprint) = (stored[2].encode(), stored[3].encode());
    // Everything but the purpose is the same, so only the associated data tells them apart.
    let swapped = [&wrapping[..1], &fingerprint[1..2], &wrapping[2..]].concat();
    let mut forged = keys();
    forged[2] = StoredKey::decode(&wrapping).unwrap();
    forged[3] = StoredKey::decode(&swapped).unwrap();
    assert!(matches!(
        Keyring::open(&root(1), &forged),
        Err(KeyError::Unwrapping(_))
    ));
}

#[test]
fn ring_is_never_printed() {
    let ring = Keyring::open(&root(1), &keys()).unwrap();
    assert_eq!(format!("{ring:?}"), "Keyring { .. }");
}
