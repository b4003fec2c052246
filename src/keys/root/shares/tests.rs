//! Shares in files: who opens what, what is refused, and that nothing is replaced unproven.

use std::fs;
use std::path::PathBuf;

use secrecy::SecretString;
use tempfile::TempDir;

use super::*;
use crate::crypto::Entropy;
use crate::crypto::SharedSecret;
use crate::crypto::SystemEntropy;
use crate::domain::Timestamp;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::RootKeyError;

const CHEAP: Argon2Parameters = Argon2Parameters::insecure_for_development();
const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// Officers with their files, in a directory that goes away with them.
struct Officers {
    directory: TempDir,
    secret: SharedSecret,
    sharing: SharingFile,
}

impl Officers {
    fn deal(threshold: u8, count: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let secret = SharedSecret::generate(&SystemEntropy);
        let path = directory.path().join("sharing.toml");
        let new = new_shares(&directory, "first", count);
        let at = (path.as_path(), Occasion::First);
        let sharing = deal(&secret, threshold, &new, at, CHEAP, &SystemEntropy).unwrap();
        Self {
            directory,
            secret,
            sharing,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("sharing.toml")
    }

    fn offer(&self, round: &str, position: usize) -> ShareOffer {
        let file = ShareFile::read(&file(&self.directory, round, position)).unwrap();
        assert_eq!(file.officer(), NAMES[position]);
        file.open(&passphrase(round, position)).unwrap()
    }

    fn deal_again(
        &self,
        threshold: u8,
        count: usize,
        entropy: &dyn Entropy,
    ) -> Result<SharingFile, RootKeyError> {
        let new = new_shares(&self.directory, "second", count);
        let path = self.path();
        let at = (path.as_path(), Occasion::Again);
        deal(&self.secret, threshold, &new, at, CHEAP, entropy)
    }
}

fn new_shares(directory: &TempDir, round: &str, count: usize) -> Vec<NewShare> {
    (0..count)
        .map(|position| NewShare {
            officer: OfficerName::new(NAMES[position]).unwrap(),
            file: file(directory, round, position),
            passphrase: passphrase(round, position),
        })
        .collect()
}

fn file(directory: &TempDir, round: &str, position: usize) -> PathBuf {
    directory.path().join(format!("{round}-{position}.toml"))
}

fn passphrase(round: &str, position: usize) -> SecretString {
    format!("{round} words of officer {position}").into()
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).plus_seconds(seconds)
}

#[test]
fn every_subset_of_three_of_five_opens_exactly_if_it_is_large_enough() {
    let officers = Officers::deal(3, 5);
    let sharing = SharingFile::read(&officers.path()).unwrap();
    assert_eq!(sharing, officers.sharing);
    let offers: Vec<_> = (0..5).map(|at| officers.offer("first", at)).collect();
    for subset in 0_u32..1 << 5 {
        let chosen: Vec<_> = (0..5)
            .filter(|at| subset & 1 << at != 0)
            .map(|at| &offers[at])
            .collect();
        let combined = sharing.combine(&chosen);
        let (given, needed) = (chosen.len(), 3);
        if given < needed {
            assert_eq!(combined.err(), Some(SharesError::TooFew { given, needed }));
        } else {
            let (one, other) = (combined.unwrap().root_key(), officers.secret.root_key());
            assert_eq!(one.expose(), other.expose());
        }
    }
}

#[test]
fn officers_unseal_one_after_the_other() {
    let officers = Officers::deal(2, 3);
    let mut unsealing = Unsealing::new(officers.sharing.clone());
    let (given, needed) = (0, 2);
    assert_eq!(unsealing.progress(time(0)), Progress { given, needed });
    let step = unsealing.give(officers.offer("first", 2), "c", time(1));
    assert!(matches!(
        step.unwrap(),
        Step::Waiting(officer, Progress { given: 1, needed: 2 }) if officer.as_str() == "carol"
    ));
    let again = unsealing.give(officers.offer("first", 2), "c", time(2));
    let officer = OfficerName::new("carol").unwrap();
    assert_eq!(again.err(), Some(SharesError::Duplicate { officer }));
    match unsealing
        .give(officers.offer("first", 0), "a", time(3))
        .unwrap()
    {
        Step::Open(_, who) => {
            let who: Vec<_> = who.iter().map(|(name, by)| (name.as_str(), *by)).collect();
            assert_eq!(who, [("carol", "c"), ("alice", "a")]);
        }
        Step::Waiting(..) => panic!("two of two are enough"),
    }
    assert_eq!(unsealing.progress(time(4)).given, 0);
}

#[test]
fn abandoned_shares_are_forgotten() {
    let officers = Officers::deal(2, 3);
    let mut unsealing = Unsealing::new(officers.sharing.clone());
    unsealing
        .give(officers.offer("first", 0), (), time(0))
        .unwrap();
    assert_eq!(unsealing.progress(time(PROGRESS_SECONDS_MAX - 1)).given, 1);
    let late = time(PROGRESS_SECONDS_MAX);
    let step = unsealing.give(officers.offer("first", 1), (), late);
    assert!(matches!(
        step.unwrap(),
        Step::Waiting(_, Progress { given: 1, .. })
    ));
}

#[test]
fn wrong_share_is_refused_by_its_officers_name_and_changes_nothing() {
    let officers = Officers::deal(2, 3);
    let mut unsealing = Unsealing::new(officers.sharing.clone());
    unsealing
        .give(officers.offer("first", 0), (), time(0))
        .unwrap();
    let right = officers.offer("first", 1);
    let mut bytes = right.share.expose();
    bytes[0] ^= 1;
    let share = crate::crypto::SecretShare::from_bytes(2, &bytes).unwrap();
    let wrong = ShareOffer { share, ..right };
    let officer = OfficerName::new("bob").unwrap();
    let error = unsealing.give(wrong, (), time(1)).err().unwrap();
    assert_eq!(error, SharesError::Refused { officer });
    assert_eq!(error.to_string(), "share of bob is refused");
    assert_eq!(unsealing.progress(time(1)).given, 1);
    let stranger = Officers::deal(2, 3);
    let foreign = unsealing.give(stranger.offer("first", 1), (), time(1));
    assert_eq!(foreign.err(), Some(SharesError::Foreign));
    let step = unsealing.give(officers.offer("first", 1), (), time(2));
    assert!(matches!(step, Ok(Step::Open(..))));
}

#[test]
fn share_opens_with_its_passphrase_alone() {
    let officers = Officers::deal(2, 3);
    let file = ShareFile::read(&file(&officers.directory, "first", 0)).unwrap();
    let wrong = file.open(&passphrase("first", 1));
    assert!(matches!(wrong, Err(RootKeyError::Opening)));
}

/// Goal: no line of a share file can be changed. Method: every byte, twice.
#[test]
fn changed_share_file_opens_nothing() {
    let officers = Officers::deal(2, 2);
    let path = file(&officers.directory, "first", 0);
    let bytes = fs::read(&path).unwrap();
    let whole = officers.offer("first", 0).share.expose();
    for position in 0..bytes.len() {
        for flipped in [0x01, 0x20] {
            let mut damaged = bytes.clone();
            damaged[position] ^= flipped;
            fs::write(&path, &damaged).unwrap();
            let opened = ShareFile::read(&path).and_then(|it| it.open(&passphrase("first", 0)));
            // A changed space or line end may still be the same TOML: then it is the same share.
            if let Ok(opened) = opened {
                assert!(bytes[position].is_ascii_whitespace(), "byte {position}");
                assert_eq!(*opened.share.expose(), *whole);
            }
        }
    }
}

/// Goal: a changed sharing file opens for nobody. Method: every byte, twice; it is refused when it
/// is read, or every officer's share is.
#[test]
fn changed_sharing_file_refuses_every_share() {
    let officers = Officers::deal(2, 3);
    let bytes = fs::read(officers.path()).unwrap();
    let offers: Vec<_> = (0..3).map(|at| officers.offer("first", at)).collect();
    for position in 0..bytes.len() {
        for flipped in [0x01, 0x20] {
            let mut damaged = bytes.clone();
            damaged[position] ^= flipped;
            fs::write(officers.path(), &damaged).unwrap();
            let Ok(sharing) = SharingFile::read(&officers.path()) else {
                continue;
            };
            if sharing == officers.sharing {
                assert!(bytes[position].is_ascii_whitespace(), "byte {position}");
                continue;
            }
            for offer in &offers {
                assert_eq!(sharing.verify(offer), Err(SharesError::Foreign));
            }
        }
    }
}

#[test]
fn reshared_secret_is_the_same_and_old_shares_are_refused() {
    let officers = Officers::deal(2, 3);
    let sharing = officers.deal_again(3, 5, &SystemEntropy).unwrap();
    assert_eq!(SharingFile::read(&officers.path()).unwrap(), sharing);
    assert_eq!((sharing.needed(), sharing.officers().len()), (3, 5));
    let new: Vec<_> = (0..5).map(|at| officers.offer("second", at)).collect();
    let combined = sharing.combine(&[&new[0], &new[2], &new[4]]).unwrap();
    let (one, other) = (combined.root_key(), officers.secret.root_key());
    assert_eq!(one.expose(), other.expose());
    let old = officers.offer("first", 0);
    assert_eq!(sharing.verify(&old), Err(SharesError::Foreign));
}

/// Goal: shares that do not prove themselves replace nothing, and leave nothing behind. Method: a
/// file that is in the way of the last share; a disk that gives back other bytes cannot be had, so
/// the proof itself is called with shares of another secret.
#[test]
fn old_shares_stay_until_new_ones_are_proven() {
    let officers = Officers::deal(2, 3);
    let before = fs::read(officers.path()).unwrap();
    let in_the_way = file(&officers.directory, "second", 2);
    fs::write(&in_the_way, "something").unwrap();
    let error = officers.deal_again(2, 3, &SystemEntropy).err().unwrap();
    assert!(matches!(error, RootKeyError::Exists { .. }), "{error}");
    assert_eq!(fs::read(officers.path()).unwrap(), before);
    assert!(!file(&officers.directory, "second", 0).exists());
    assert_eq!(fs::read(&in_the_way).unwrap(), b"something");

    let stranger = Officers::deal(2, 3);
    let new = new_shares(&officers.directory, "first", 3);
    let proof = deal::prove(&stranger.secret, &officers.sharing, &new);
    assert!(matches!(
        proof,
        Err(RootKeyError::Shares(SharesError::Proof))
    ));
    let proof = deal::prove(&officers.secret, &officers.sharing, &new);
    assert!(proof.is_ok());
}

#[test]
fn first_sharing_replaces_nothing() {
    let officers = Officers::deal(2, 3);
    let new = new_shares(&officers.directory, "second", 3);
    let path = officers.path();
    let at = (path.as_path(), Occasion::First);
    let error = deal(&officers.secret, 2, &new, at, CHEAP, &SystemEntropy);
    assert!(matches!(error, Err(RootKeyError::Exists { .. })));
    assert!(!file(&officers.directory, "second", 0).exists());
}

#[test]
fn officers_are_named_once_and_enough() {
    let directory = tempfile::tempdir().unwrap();
    let secret = SharedSecret::generate(&SystemEntropy);
    let path = directory.path().join("sharing.toml");
    let at = (path.as_path(), Occasion::First);
    let mut new = new_shares(&directory, "first", 3);
    new[2].officer = new[0].officer.clone();
    let officer = new[0].officer.clone();
    let error = deal(&secret, 2, &new, at, CHEAP, &SystemEntropy).err();
    let twice = SharesError::OfficerTwice { officer };
    assert_eq!(error.unwrap().to_string(), twice.to_string());
    let new = new_shares(&directory, "first", 3);
    for threshold in [0, 1, 4] {
        let error = deal(&secret, threshold, &new, at, CHEAP, &SystemEntropy);
        assert!(matches!(
            error,
            Err(RootKeyError::Shares(SharesError::Sharing(_)))
        ));
    }
    let mut new = new_shares(&directory, "first", 3);
    new[1].passphrase = String::new().into();
    let error = deal(&secret, 2, &new, at, CHEAP, &SystemEntropy);
    assert!(matches!(error, Err(RootKeyError::PassphraseEmpty)));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn share_is_never_printed() {
    let officers = Officers::deal(2, 2);
    let printed = format!("{:?}", officers.offer("first", 0));
    assert_eq!(
        printed,
        "ShareOffer { share: SecretShare { number: 1, .. }, .. }"
    );
}
