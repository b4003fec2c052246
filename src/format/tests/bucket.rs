//! Length hiding: what tokens of filled words keep, and that values come back.

use proptest::prelude::*;

use super::closure::assert_all_closed;
use super::closure::assert_closed;
use super::closure::assert_restored;
use super::closure::rank;
use super::*;

fn read(kind: FormatKind, text: &str) -> Parsed {
    bucket(kind)
        .parse(&Plaintext::new(text.to_owned()))
        .unwrap()
}

fn tweak(kind: FormatKind, text: &str) -> Vec<u8> {
    let parsed = read(kind, text);
    parsed.shaped().unwrap().slice.tweak().to_vec()
}

fn first_token(kind: FormatKind, text: &str) -> String {
    let parsed = read(kind, text);
    let slice = &parsed.shaped().unwrap().slice;
    let place = rank(slice, |place, _| u32::try_from(place).unwrap());
    slice.unrank(&place).unwrap().unwrap().expose().to_owned()
}

/// Goal: a token does not tell how long a word is within its bucket. Method: values of every
/// length have one slice, so that each of its tokens is as likely for all of them.
#[test]
fn words_of_one_bucket_share_a_slice() {
    let word = |length: usize| format!("M{}", "a".repeat(length - 1));
    for (lengths, length) in [
        (1..=6, 6),
        (7..=10, 10),
        (11..=16, 16),
        (17..=24, 24),
        (25..=40, 40),
    ] {
        let full = word(length);
        for short in lengths.map(word) {
            let same = tweak(FormatKind::Name, &full);
            assert_eq!(tweak(FormatKind::Name, &short), same, "{short}");
            let (short, full) = (format!("J-{short} the X"), format!("Ja-{full} die Li"));
            assert_eq!(
                tweak(FormatKind::Address, &short),
                tweak(FormatKind::Address, &full)
            );
        }
    }
    for (short, full) in [
        ("Müller McKay", "Miller Mackay"),
        ("김민", "김민준"),
        ("Їжак", "Сергей"),
        ("山", "山田や"),
    ] {
        assert_eq!(
            tweak(FormatKind::Name, short),
            tweak(FormatKind::Name, full)
        );
    }
    let longer = [(6, 7), (10, 11), (16, 17), (24, 25), (40, 41), (41, 42)];
    for (short, long) in longer.map(|(short, long)| (word(short), word(long))) {
        assert_ne!(
            tweak(FormatKind::Name, &short),
            tweak(FormatKind::Name, &long)
        );
    }
}

#[test]
fn filled_words_have_tokens_in_the_style_of_the_value() {
    for (kind, text, token) in [
        (FormatKind::Name, "Li", "Abcdef"),
        (
            FormatKind::Name,
            "Müller O'Neill-McKay",
            "Abcdef Hijklm'Opqrst-Vwxyza",
        ),
        (FormatKind::Name, "DE LA O'N", "ABCDEF HIJKLM OPQRST'VWXYZA"),
        (FormatKind::Address, "12 rue X\n7", "01 defghi Klmnop\n7"),
        (
            FormatKind::Email,
            "j.r@x.com",
            "abcdef.hijklm@tok.acme.example",
        ),
        (FormatKind::Name, "김민준", "가각갂"),
    ] {
        assert_eq!(first_token(kind, text), token, "{text}");
    }
}

/// Goal: what exact slices and filled ones are enciphered under never agrees.
#[test]
fn filled_slice_is_no_exact_slice() {
    for (kind, text) in [
        (FormatKind::Name, "Lovelace Augusta"),
        (FormatKind::Name, "Aaaaaa"),
        (FormatKind::Email, "abcdef@x.com"),
    ] {
        let exact = parse(kind, text).unwrap();
        let exact = exact.shaped().unwrap().slice.tweak().to_vec();
        assert_ne!(tweak(kind, text), exact);
        assert_eq!(
            tweak(kind, text).first(),
            exact.first().map(|kind| kind | 0x80).as_ref()
        );
    }
}

#[test]
fn filled_slices_are_closed_at_every_member() {
    for (kind, text) in [
        (FormatKind::Name, "Li"),
        (FormatKind::Name, "Anna-Lena Müller McKay"),
        (FormatKind::Name, "DE LA CRUZ, JOSÉ \"PEPE\" O'NEILL"),
        (FormatKind::Name, "Γιώργος Παπαδόπουλος ΓΣ Αλέκος"),
        (FormatKind::Name, "Їжак Йосипович Ґєльцин"),
        (FormatKind::Name, "Վարդան Մամիկոնյան"),
        (FormatKind::Name, "გიორგი ჭავჭავაძე"),
        (FormatKind::Name, "משה כהן"),
        (FormatKind::Name, "أحمد محمود ٹڑے"),
        (FormatKind::Name, "김민준 갂"),
        (FormatKind::Name, "山田 太郎 やまだ タロー 東京タワー"),
        (FormatKind::Address, "221B Baker Street,\nLondon – NW1 6XE"),
        (FormatKind::Address, "Straße ’x’ 12½, ٣٤٥ १२३"),
        (FormatKind::Email, "John.Doe+news_1@Example.COM"),
        (FormatKind::Text, "¿Señor? <5 €> = {x: ~12}\n• ^back…"),
    ] {
        assert_all_closed(&bucket(kind), text);
    }
}

#[test]
fn residue_says_lengths_or_the_text_in_steps() {
    for (text, length) in [
        ("Ada Lovelace", 4),
        ("Li", 3),
        ("Müller", 34),
        ("McKay Of Loch Ness And Elsewhere", 34),
        ("McKay Of Loch Ness And Elsewhere X", 66),
    ] {
        let residue = read(FormatKind::Name, text).residue(Fidelity::Shape);
        assert_eq!(residue.unwrap().expose().len(), length, "{text}");
    }
}

#[test]
fn value_of_another_place_is_refused() {
    let parsed = read(FormatKind::Name, "Müller");
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    let slice = &parsed.shaped().unwrap().slice;
    let other = rank(slice, |_, _| 1);
    let refused = bucket(FormatKind::Name).restore(slice, &other, &residue);
    assert_eq!(refused.err(), Some(FormatError::CorruptResidue));
}

#[test]
fn what_is_too_long_once_filled_gets_an_outline() {
    let too_long = (Fidelity::Outline, FidelityReason::TooLong);
    for (kind, text) in [
        (FormatKind::Name, "a ".repeat(80)),
        (FormatKind::Address, "a ".repeat(150)),
        (FormatKind::Text, "a ".repeat(150)),
        (FormatKind::Email, format!("{}a@x.com", "a.".repeat(9))),
    ] {
        assert_eq!(read(kind, &text).preferred(), too_long);
    }
    let fits = format!("{}a@x.com", "a.".repeat(8));
    let shape = (Fidelity::Shape, FidelityReason::Configured);
    assert_eq!(read(FormatKind::Email, &fits).preferred(), shape);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases_count(256)))]

    #[test]
    fn any_filled_text_is_restored(
        text in "[A-Za-z0-9ßıİẞéŁșσςΐΆбЁґԱբשآۓがーヷ々一힣٣ '’.,-]{1,40}",
        kind in prop::sample::select(
            &[FormatKind::Address, FormatKind::Name, FormatKind::Text][..],
        ),
        seed in any::<u32>(),
    ) {
        let format = bucket(kind);
        let parsed = format.parse(&Plaintext::new(text));
        if let Ok(parsed) = parsed && parsed.shaped().is_ok() {
            assert_closed(&format, &parsed, |place, _| {
                seed.rotate_left(u32::try_from(place).unwrap())
            });
            assert_restored(&format, &parsed);
        }
    }

    #[test]
    fn any_local_part_is_restored(local in "[A-Za-z0-9]{1,9}([._+-][A-Za-z0-9]{1,9}){0,4}") {
        let format = bucket(FormatKind::Email);
        let parsed = format.parse(&Plaintext::new(format!("{local}@x.com"))).unwrap();
        if parsed.shaped().is_ok() {
            assert_restored(&format, &parsed);
            let place = rank(&parsed.shaped().unwrap().slice, |_, size| size - 1);
            let token = parsed.shaped().unwrap().slice.unrank(&place).unwrap().unwrap();
            let (local, _) = token.expose().split_once('@').unwrap();
            prop_assert!(local.len() <= 64 && token.expose().len() <= 254);
        }
    }
}
