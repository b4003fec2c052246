//! Every forgery is refused, for its own reason; and a verifier that leaves a check out is noticed.

use std::collections::BTreeSet;

use sha2::Digest;
use sha2::Sha256;

use super::forging::corpus;
use super::*;

#[tokio::test]
async fn every_forgery_is_refused_for_its_own_reason() {
    let world = World::new();
    for forgery in corpus() {
        let refused = world.verify(&forgery.assertion).await;
        assert_eq!(refused, Err(forgery.refusal), "{}", forgery.name);
    }
}

/// Goal: the corpus would notice a verifier that does not check something.
/// Method: each check in turn is left out; a forgery of its class must then be believed.
#[tokio::test]
async fn check_that_is_left_out_is_noticed() {
    for skipped in SKIPPABLE {
        let mut world = World::new();
        world.people = std::mem::take(&mut world.people).without(skipped);
        let mut believed = BTreeSet::new();
        for forgery in corpus() {
            if world.verify(&forgery.assertion).await.is_ok() {
                assert_eq!(forgery.refusal, skipped, "{}", forgery.name);
                believed.insert(forgery.name);
            }
        }
        assert!(!believed.is_empty(), "nobody notices: {skipped:?}");
    }
}

/// The others are what reading fails with, or the key set.
#[test]
fn corpus_has_every_class() {
    let found: BTreeSet<Refusal> = corpus().iter().map(|forgery| forgery.refusal).collect();
    let reading = [
        Refusal::AmbiguousKey,
        Refusal::Claim,
        Refusal::Malformed,
        Refusal::Subject,
        Refusal::UnknownIssuer,
        Refusal::UnknownKey,
    ];
    let expected: BTreeSet<Refusal> = SKIPPABLE.into_iter().chain(reading).collect();
    assert_eq!(found, expected);
}

/// Goal: no bit of an assertion can be changed.
/// Method: each bit of each part, and each bit of the text, is flipped alone.
#[tokio::test]
async fn every_flipped_bit_is_refused() {
    let world = World::new();
    let good = token(&claims());
    assert!(world.verify(&good).await.is_ok());
    let parts: Vec<Vec<u8>> = good
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    for (part, bytes) in parts.iter().enumerate() {
        for bit in 0..bytes.len() * 8 {
            let mut changed = parts.clone();
            changed[part][bit / 8] ^= 1 << (bit % 8);
            let text = changed.iter().map(encode).collect::<Vec<_>>().join(".");
            assert!(world.verify(&text).await.is_err(), "part {part}, bit {bit}");
        }
    }
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(text) = String::from_utf8(bytes) {
            assert!(world.verify(&text).await.is_err(), "bit {bit} of the text");
        }
    }
}

#[tokio::test]
async fn ten_thousand_replays_under_other_certificates_are_refused() {
    let world = World::new();
    let token = token(&claims());
    let principal = Principal::new(TOOL).unwrap();
    for number in 0..10_000_u32 {
        let certificate = Sha256::digest(number.to_be_bytes()).into();
        let presenter = Presenter {
            principal: &principal,
            certificate: &certificate,
        };
        let refused = world.people.verify(&token, &presenter, at(NOW)).await;
        assert_eq!(refused, Err(Refusal::Binding));
    }
    assert!(world.verify(&token).await.is_ok());
}

#[tokio::test]
async fn cut_assertion_is_refused_at_every_length() {
    let world = World::new();
    let good = token(&claims());
    for length in 0..good.len() {
        let (start, _) = good.split_at(length);
        assert!(world.verify(start).await.is_err(), "{length}");
    }
}

/// Names are labels of metrics, so each is one.
#[test]
fn refusals_have_names_of_their_own() {
    let all: Vec<Refusal> = corpus().iter().map(|forgery| forgery.refusal).collect();
    let classes: BTreeSet<Refusal> = all.iter().copied().collect();
    let names: BTreeSet<&str> = all.iter().map(|refusal| refusal.name()).collect();
    assert_eq!(names.len(), classes.len());
}

/// What is checked after an assertion was read.
const SKIPPABLE: [Refusal; 16] = [
    Refusal::Algorithm,
    Refusal::Audience,
    Refusal::Binding,
    Refusal::Client,
    Refusal::Expired,
    Refusal::Header,
    Refusal::IssuedLater,
    Refusal::Key,
    Refusal::Lifetime,
    Refusal::LoginLater,
    Refusal::NotYetValid,
    Refusal::Signature,
    Refusal::TooLong,
    Refusal::TooMany,
    Refusal::Type,
    Refusal::Unbound,
];
