//! Outlines: unique, checked, and no real words.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const KINDS: [FormatKind; 5] = [
    FormatKind::Address,
    FormatKind::Digits,
    FormatKind::Email,
    FormatKind::Name,
    FormatKind::Text,
];
const SIZES: [OutlineSize; 2] = [OutlineSize::Small, OutlineSize::Large];

fn outlined(kind: FormatKind) -> Outlined {
    let frame = if kind == FormatKind::Email {
        Frame::replaced("tok.example")
    } else {
        Frame::default()
    };
    Outlined::new(kind, Style::Title, frame)
}

/// A rank anywhere in the domain, by its place of 2^64.
fn rank_at(domain: &DomainSize, place: u64) -> Rank {
    let size = u128::from(domain.limbs()[0]);
    Rank::from_u64(u64::try_from((size * u128::from(place)) >> 64).unwrap())
}

fn token_at(kind: FormatKind, size: OutlineSize, place: u64) -> Option<String> {
    let outlined = outlined(kind);
    let rank = rank_at(&outlined.domain(size), place);
    outlined
        .unrank(size, &rank)
        .unwrap()
        .map(|token| token.expose().to_owned())
}

/// Every single typing error: a letter or digit replaced, left out, put in, or two swapped.
fn typos(text: &str) -> HashSet<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut typos = HashSet::new();
    for place in 0..=characters.len() {
        let (before, after) = characters.split_at(place);
        let mut add = |middle: &[char], rest: &[char]| {
            typos.insert(
                [before, middle, rest]
                    .concat()
                    .into_iter()
                    .collect::<String>(),
            );
        };
        for typed in ('a'..='z').chain('0'..='9') {
            add(&[typed], after);
            add(&[typed], after.get(1..).unwrap_or_default());
        }
        add(&[], after.get(1..).unwrap_or_default());
        if let [first, second, rest @ ..] = after {
            add(&[*second, *first], rest);
        }
    }
    typos.remove(text);
    typos
}

#[test]
fn languages_have_their_bits() {
    for (kind, size, bits) in [
        (FormatKind::Name, OutlineSize::Small, 34),
        (FormatKind::Name, OutlineSize::Large, 43),
        (FormatKind::Email, OutlineSize::Small, 34),
        (FormatKind::Address, OutlineSize::Small, 59),
        (FormatKind::Address, OutlineSize::Large, 59),
    ] {
        assert_eq!(outlined(kind).domain(size).bits(), bits);
    }
    let small = outlined(FormatKind::Name).domain(OutlineSize::Small);
    assert_eq!(small, DomainSize::from_u64(129_850 * 129_850));
}

#[test]
fn denied_outlines_are_few() {
    let step = u64::MAX / 20_000;
    for (kind, size) in KINDS
        .into_iter()
        .flat_map(|kind| SIZES.map(|size| (kind, size)))
    {
        let denied = (0..20_000)
            .filter(|n| token_at(kind, size, n * step).is_none())
            .count();
        assert!(denied < 600, "{denied} of 20,000");
    }
}

#[test]
fn longest_email_outline_fits() {
    let name = Outlined::new(FormatKind::Email, Style::Lower, Frame::default());
    let longest = (0..50_000_u64)
        .filter_map(|n| {
            let domain = name.domain(OutlineSize::Large);
            name.unrank(OutlineSize::Large, &rank_at(&domain, n << 48))
                .unwrap()
        })
        .map(|token| token.expose().len())
        .max();
    assert!(longest.unwrap() <= LOCAL_OCTETS_MAX);
}

#[test]
fn outline_has_the_form_of_its_kind() {
    let address = token_at(FormatKind::Address, OutlineSize::Small, 1 << 62).unwrap();
    assert!(address.starts_with(|digit: char| digit.is_ascii_digit()));
    assert_eq!(address.split(", ").count(), 2);
    assert!(
        token_at(FormatKind::Email, OutlineSize::Small, 9)
            .unwrap()
            .ends_with("@tok.example")
    );
}

#[test]
fn rank_outside_the_language_is_refused() {
    let name = outlined(FormatKind::Name);
    let outside = Rank::from_u64(129_850 * 129_850);
    let refused = name.unrank(OutlineSize::Small, &outside).map(|_| ());
    assert_eq!(refused, Err(FormatError::RankOutsideDomain));
}

/// Goal: of single typing errors, 99.9 % are caught. Method: every one in 150 tokens per language.
#[test]
fn single_typos_are_caught() {
    for (kind, size) in KINDS
        .into_iter()
        .flat_map(|kind| SIZES.map(|size| (kind, size)))
    {
        let (mut all, mut missed) = (0_u32, 0_u32);
        for token in (1..=150).filter_map(|n| token_at(kind, size, n * (u64::MAX / 151))) {
            let text = fold(&token);
            let (local, tail) = text.split_at(text.find('@').unwrap_or(text.len()));
            for typo in typos(local) {
                all += 1;
                missed += u32::from(is_outline_token(kind, &format!("{typo}{tail}")));
            }
        }
        let caught = 1.0 - f64::from(missed) / f64::from(all);
        println!(
            "{kind:?} {size:?}: {:.4} % of {all} single typos caught",
            caught * 100.0
        );
        assert!(caught >= 0.999);
    }
}

#[test]
fn other_texts_are_no_outlines() {
    for text in [
        "",
        " ",
        "@",
        "Ada Lovelace",
        "1000 ",
        "10 Downing Street, London",
        "a b, c",
    ] {
        for kind in KINDS {
            assert!(!is_outline_token(kind, text));
        }
    }
    assert!(!is_outline_token(FormatKind::Name, &"a ".repeat(10_000)));
}

proptest! {
    #[test]
    fn outline_is_recognised_in_every_spelling(
        place in any::<u64>(), kind in prop::sample::select(&KINDS[..]),
        size in prop::sample::select(&SIZES[..]),
    ) {
        if let Some(token) = token_at(kind, size, place) {
            prop_assert!(is_outline_token(kind, &token));
            prop_assert!(is_outline_token(kind, &token.to_uppercase()));
            let spaced = format!(" {} ", token.replace(' ', "\u{a0}"));
            prop_assert!(is_outline_token(kind, &spaced));
        }
    }

    #[test]
    fn different_ranks_have_different_outlines(
        one in any::<u64>(), other in any::<u64>(), kind in prop::sample::select(&KINDS[..]),
        size in prop::sample::select(&SIZES[..]),
    ) {
        let domain = outlined(kind).domain(size);
        let same_rank = rank_at(&domain, one).equals(&rank_at(&domain, other));
        let (one, other) = (token_at(kind, size, one), token_at(kind, size, other));
        prop_assert!(same_rank || one.is_none() || one != other);
    }
}
