//! Closure: every rank of a slice is a text of the slice, and comes back from every spelling.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc;
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

use super::*;
use crate::format::skeletal::Position;

/// The positions of a text's slice.
pub(super) fn positions(slice: &Slice) -> &[Position] {
    let Members::Skeletal(slice) = slice.members() else {
        panic!("a text has a skeleton");
    };
    slice.skeleton().positions()
}

/// The rank of these digits, the first position's first, taken modulo its size.
pub(super) fn rank(slice: &Slice, digit: impl Fn(usize, u32) -> u32) -> Rank {
    let mut rank = Rank::zero(slice.domain());
    for (place, position) in positions(slice).iter().enumerate() {
        if let Position::Class(class) = position {
            rank.multiply_add(class.size(), digit(place, class.size()) % class.size());
        }
    }
    rank
}

/// Closure, for one rank of the value's slice, and the token in every spelling.
pub(super) fn assert_closed(format: &Format, parsed: &Parsed, digit: impl Fn(usize, u32) -> u32) {
    let Shaped { slice, .. } = parsed.shaped().unwrap();
    let rank = rank(slice, digit);
    let token = slice.unrank(&rank).unwrap().unwrap();
    let text = token.expose();
    assert!(is_nfc(text));
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    for spelling in [
        text.to_owned(),
        text.to_uppercase(),
        text.to_lowercase(),
        text.nfd().collect(),
        text.to_lowercase().nfc().collect::<String>().to_uppercase(),
        format!(
            "\u{a0}{}\n",
            text.replace(' ', "\u{a0} ").replace('\'', "\u{2019}")
        ),
    ] {
        assert!(*fold(&spelling) == *fold(text), "{spelling} is not {text}");
        let read = format.read_token(&Token::new(spelling), &residue).unwrap();
        assert!(read.rank.equals(&rank), "{text}");
        assert!(read.slice.tweak() == slice.tweak());
    }
    let value = format.parse(&Plaintext::new(text.to_owned())).unwrap();
    assert!(value.shaped().unwrap().slice.tweak() == slice.tweak());
    assert!(value.shaped().unwrap().rank.equals(&rank));
    let positions_count = positions(slice).len();
    let local = text.split_once("@tok.").map_or(text, |(local, _)| local);
    assert_eq!(local.graphemes(true).count(), positions_count);
}

/// Goal: closure and the fold at the ends of every class that a real name or address has.
/// Method: rank 0, 1, N − 1, and ranks that walk through all members at every position.
#[test]
fn slices_are_closed_at_every_member() {
    for (kind, text) in [
        (FormatKind::Name, "Anna-Lena Müller"),
        (FormatKind::Name, "ßßßßß İIıi ẞẞẞ Groß"),
        (FormatKind::Name, "Işıl İbrahim"),
        (FormatKind::Name, "DE LA CRUZ, JOSÉ \"PEPE\" O'NEILL"),
        (FormatKind::Name, "Γιώργος Παπαδόπουλος ΓΣ"),
        (FormatKind::Name, "Їжак Йосипович Ґєльцин"),
        (FormatKind::Name, "Վարդան Մամիկոնյան"),
        (FormatKind::Name, "გიორგი ჭავჭავაძე"),
        (FormatKind::Name, "משה כהן אברהם"),
        (FormatKind::Name, "أحمد محمود ٹڑے"),
        (FormatKind::Name, "김민준 갂"),
        (FormatKind::Name, "山田 太郎 やまだ タロー"),
        (FormatKind::Address, "221B Baker Street,\nLondon – NW1 6XE"),
        (FormatKind::Address, "Straße ’x’ 12½, ٣٤٥ १२३"),
        (FormatKind::Email, "John.Doe+news_1@Example.COM"),
        (
            FormatKind::Text,
            "¿Señor Müller? <5 €> = {x: ~12}\n• ^back… $3",
        ),
        (FormatKind::Digits, "(020) 7946-0958/1, +٣٤٥.१२३"),
    ] {
        assert_all_closed(&format(kind), text);
    }
}

pub(super) fn assert_all_closed(format: &Format, text: &str) {
    let parsed = format.parse(&Plaintext::new(text.to_owned())).unwrap();
    assert_closed(format, &parsed, |_, _| 0);
    assert_closed(format, &parsed, |_, size| size - 1);
    let last = positions(&parsed.shaped().unwrap().slice).len() - 1;
    assert_closed(format, &parsed, |place, _| u32::from(place == last));
    for step in 0..150 {
        assert_closed(format, &parsed, |place, _| {
            step + u32::try_from(place).unwrap()
        });
    }
    assert_restored(format, &parsed);
}

/// The value comes back from its own place.
pub(super) fn assert_restored(format: &Format, parsed: &Parsed) {
    let Shaped { slice, rank } = parsed.shaped().unwrap();
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    let restored = format.restore(slice, rank, &residue).unwrap();
    let whole = parsed.residue(Fidelity::Outline).unwrap();
    assert_eq!(restored.expose().as_bytes(), whole.expose());
}

#[test]
fn unusual_sigmas_are_restored() {
    for text in ["Γιώργος", "Γιώργοσ", "Γςώργος", "ςςςςς Αλέξης", "σ Παπασ ς"]
    {
        let parsed = parse(FormatKind::Name, text).unwrap();
        let Shaped { slice, rank } = parsed.shaped().unwrap();
        let residue = parsed.residue(Fidelity::Shape).unwrap();
        let restored = format(FormatKind::Name)
            .restore(slice, rank, &residue)
            .unwrap();
        assert_eq!(restored.expose(), text);
    }
}

#[test]
fn token_of_another_shape_is_refused() {
    let name = format(FormatKind::Name);
    let residue = parse(FormatKind::Name, "Anna-Lena Müller").unwrap();
    let residue = residue.residue(Fidelity::Shape).unwrap();
    for (token, position) in [
        ("Anna-Lena Muller", 11),
        ("Anna Lena Müller", 4),
        ("Anna-Lena Mülle", 15),
        ("Anna-Lena Müllers", 16),
        ("Ann1-Lena Müller", 3),
        ("", 0),
    ] {
        let refused = name
            .read_token(&Token::new(token.to_owned()), &residue)
            .err();
        assert_eq!(
            refused,
            Some(FormatError::ShapeMismatch { position }),
            "{token}"
        );
    }
}

#[test]
fn rank_outside_the_slice_is_refused() {
    let parsed = parse(FormatKind::Name, "Ada Lovelace").unwrap();
    let Shaped { slice, .. } = parsed.shaped().unwrap();
    let size = Rank::from_limbs(Zeroizing::new(slice.domain().limbs().to_vec()));
    assert_eq!(
        slice.unrank(&size).err(),
        Some(FormatError::RankOutsideDomain)
    );
}

/// Goal: each character changes as if drawn from its class. Method: 20,000 ranks; the share of
/// unchanged characters at each position is 1 in the class's size, within four sigma.
#[test]
fn unchanged_characters_are_as_rare_as_their_class_is_large() {
    let text = "Müller 42";
    let parsed = parse(FormatKind::Name, text).unwrap();
    let Shaped { slice, .. } = parsed.shaped().unwrap();
    let samples_count = 20_000_u32;
    let mut unchanged = vec![0_u32; text.chars().count()];
    let mut state = 7_u64;
    for _ in 0..samples_count {
        let digits: Vec<u32> = (0..unchanged.len())
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                u32::try_from(state >> 33).unwrap()
            })
            .collect();
        let token = slice
            .unrank(&rank(slice, |place, _| digits[place]))
            .unwrap()
            .unwrap();
        for (count, (one, other)) in unchanged
            .iter_mut()
            .zip(text.chars().zip(token.expose().chars()))
        {
            *count += u32::from(one == other);
        }
    }
    for (count, position) in unchanged.iter().zip(positions(slice)) {
        if let Position::Class(class) = position {
            let share = 1.0 / f64::from(class.size());
            let expected = share * f64::from(samples_count);
            let sigma = (expected * (1.0 - share)).sqrt();
            assert!((f64::from(*count) - expected).abs() < 4.0 * sigma);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases_count(256)))]

    #[test]
    fn any_text_is_refused_or_restored(
        text in any::<String>(),
        kind in prop::sample::select(&KINDS[..]),
    ) {
        if let Ok(parsed) = parse(kind, &text) {
            let canonical = str::from_utf8(parsed.equality()).unwrap();
            prop_assert_eq!(&equality(kind, canonical), canonical);
            if parsed.shaped().is_ok() {
                let middle = |place: usize, size: u32| size / 2 + u32::try_from(place).unwrap();
                assert_closed(&format(kind), &parsed, middle);
            }
        }
    }

    #[test]
    fn text_of_classes_and_literals_is_closed(
        text in "[A-Za-z0-9ßıİẞéŁșσςΐΆбЁґԱბשآۓがーヷ々一힣٣ '’.,-]{8,40}",
        kind in prop::sample::select(
            &[FormatKind::Address, FormatKind::Name, FormatKind::Text][..],
        ),
        seed in any::<u32>(),
    ) {
        if let Ok(parsed) = parse(kind, &text) && parsed.shaped().is_ok() {
            assert_closed(&format(kind), &parsed, |place, _| {
                seed.rotate_left(u32::try_from(place).unwrap())
            });
            assert_restored(&format(kind), &parsed);
        }
    }

    #[test]
    fn any_residue_is_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let residue = Residue::from_bytes(Zeroizing::new(bytes));
        for kind in KINDS {
            let token = Token::new("Ada Lovelace".to_owned());
            drop(format(kind).read_token(&token, &residue));
            drop(format(kind).restore_outline(&residue));
        }
    }
}
