//! Which shares open, and that nothing else does.

use super::*;
use crate::crypto::SystemEntropy;

fn shared(threshold: u8, count: u8) -> (SharedSecret, Commitments, Vec<SecretShare>) {
    let secret = SharedSecret::generate(&SystemEntropy);
    let (commitments, shares) = secret.split(threshold, count, &SystemEntropy).unwrap();
    (secret, commitments, shares)
}

fn copy(share: &SecretShare) -> SecretShare {
    SecretShare::from_bytes(share.number(), &share.expose()).unwrap()
}

/// Goal: exactly the subsets that are large enough open, and all to the same key. Method: every
/// subset of the shares, for several sizes.
#[test]
fn every_subset_opens_exactly_if_it_is_large_enough() {
    for (threshold, count) in [(2, 2), (2, 3), (3, 5)] {
        let (secret, commitments, shares) = shared(threshold, count);
        assert_eq!(commitments.threshold(), usize::from(threshold));
        for subset in 0_u32..1 << count {
            let chosen: Vec<&SecretShare> = shares
                .iter()
                .filter(|share| subset & 1 << (share.number() - 1) != 0)
                .collect();
            match commitments.combine(&chosen) {
                Ok(combined) => {
                    assert!(chosen.len() >= usize::from(threshold));
                    assert_eq!(
                        combined.root_key().expose(),
                        secret.root_key().expose(),
                        "{subset:b}"
                    );
                }
                Err(error) => {
                    assert!(chosen.len() < usize::from(threshold));
                    assert_eq!(error, SharingError::TooFew);
                }
            }
        }
    }
}

/// Goal: fewer shares than needed do not only fail to combine, they do not have the secret.
/// Method: interpolate below the threshold all the same, as a thief would.
#[test]
fn interpolating_too_few_shares_gives_another_secret() {
    let (secret, _, shares) = shared(3, 5);
    for one in 0..5 {
        for other in one + 1..5 {
            let points = [one, other].map(|at| shares[at].points().unwrap().0);
            let combined = points.combine().unwrap();
            assert_ne!(key_bytes(&combined.0).expose(), secret.0.expose());
        }
    }
}

#[test]
fn changed_share_is_refused() {
    let (_, commitments, shares) = shared(2, 3);
    let bytes = shares[0].expose();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1 << (position % 8);
        let changed = SecretShare::from_bytes(1, &changed).unwrap();
        assert_eq!(
            commitments.verify(&changed),
            Err(SharingError::Share { number: 1 }),
            "byte {position}"
        );
    }
    let changed = SecretShare::from_bytes(1, &[7; 64]).unwrap();
    assert_eq!(
        commitments.combine(&[&changed, &shares[1]]).err(),
        Some(SharingError::Share { number: 1 })
    );
    for length in [0, 31, 32, 63, 65] {
        assert!(SecretShare::from_bytes(1, &vec![1; length]).is_none());
    }
}

#[test]
fn share_under_another_number_is_refused() {
    let (_, commitments, shares) = shared(2, 3);
    for number in [0, 2, 3, 4, 255] {
        let renumbered = SecretShare::from_bytes(number, &shares[0].expose()).unwrap();
        assert_eq!(
            commitments.verify(&renumbered),
            Err(SharingError::Share { number })
        );
    }
}

#[test]
fn share_is_counted_once() {
    let (_, commitments, shares) = shared(2, 3);
    let again = copy(&shares[1]);
    assert_eq!(
        commitments.combine(&[&shares[1], &again]).err(),
        Some(SharingError::Duplicate { number: 2 })
    );
}

#[test]
fn share_of_another_sharing_of_the_same_secret_is_refused() {
    let (secret, commitments, shares) = shared(2, 3);
    let (later, new_shares) = secret.split(2, 3, &SystemEntropy).unwrap();
    assert!(commitments.verify(&new_shares[0]).is_err());
    assert!(later.verify(&shares[0]).is_err());
    assert!(later.combine(&[&shares[0], &new_shares[1]]).is_err());
    let combined = later.combine(&[&new_shares[0], &new_shares[2]]).unwrap();
    assert_eq!(combined.root_key().expose(), secret.root_key().expose());
}

#[test]
fn commitments_come_back_from_their_bytes_and_no_others() {
    let (_, commitments, _) = shared(3, 5);
    let bytes: Vec<[u8; 32]> = commitments.to_bytes().collect();
    assert_eq!(Commitments::from_bytes(&bytes), Ok(commitments));
    let refused = Err(SharingError::Commitments);
    assert_eq!(Commitments::from_bytes(&bytes[..1]), refused);
    assert_eq!(Commitments::from_bytes(&[bytes[0]; 17]), refused);
    // The identity, and a text that is no point in its one form.
    assert_eq!(Commitments::from_bytes(&[bytes[0], [0; 32]]), refused);
    assert_eq!(Commitments::from_bytes(&[bytes[0], [255; 32]]), refused);
}

/// Goal: commitments that do not belong together with the shares open nothing. Method: each of
/// them replaced by another point.
#[test]
fn changed_commitments_refuse_every_share() {
    let (_, commitments, shares) = shared(3, 4);
    for position in 0..3 {
        let mut changed = commitments.clone();
        changed.0[position] += RISTRETTO_BASEPOINT_POINT;
        for share in &shares {
            assert!(changed.verify(share).is_err());
        }
    }
    let shorter = Commitments(commitments.0[..2].to_vec());
    assert!(shares.iter().all(|share| shorter.verify(share).is_err()));
}

#[test]
fn numbers_that_nobody_can_share_among_are_refused() {
    let secret = SharedSecret::generate(&SystemEntropy);
    for (threshold, count) in [(0, 0), (0, 3), (1, 3), (4, 3), (2, 17), (2, 1)] {
        let split = secret.split(threshold, count, &SystemEntropy);
        assert_eq!(split.err(), Some(SharingError::Parameters));
    }
    let (commitments, shares) = secret.split(16, 16, &SystemEntropy).unwrap();
    let all: Vec<_> = shares.iter().collect();
    assert!(commitments.combine(&all).is_ok());
    assert!(commitments.combine(&all[1..]).is_err());
}

/// Goal: a vault that was sealed today opens with the shares in ten years. Method: a frozen secret
/// and its root key, and the second generator.
#[test]
fn root_key_of_a_secret_is_frozen() {
    let secret = SharedSecret(KeyBytes::from_array(&[7; 32]));
    assert_eq!(hex::encode(secret.root_key().expose()), FROZEN_ROOT_KEY);
    let [_, blinder_generator] = generators();
    assert_eq!(
        hex::encode(blinder_generator.compress().as_bytes()),
        FROZEN_GENERATOR
    );
}

#[test]
fn secret_is_never_printed() {
    let (secret, _, shares) = shared(2, 2);
    assert_eq!(format!("{secret:?}"), "SharedSecret { .. }");
    assert_eq!(format!("{:?}", shares[0]), "SecretShare { number: 1, .. }");
}

const FROZEN_ROOT_KEY: &str = "58b91298dcf45bf18233792032d5d9df74da09af07548b07523c89c6b6cb44c6";
const FROZEN_GENERATOR: &str = "fe067deef0fbdd7b0766d7d976a589d15023f87c92d2e9eb51e5577d11d7871b";
