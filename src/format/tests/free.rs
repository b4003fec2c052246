//! Free texts and digits.

use super::*;

#[test]
fn texts_and_digits_have_shapes() {
    for (kind, text) in [
        (
            FormatKind::Text,
            "Call back: +44 20 7946 0958 (after 5 pm)!",
        ),
        (
            FormatKind::Text,
            "IBAN? {ref=7} ~ 12 € / $3 ^ `x` <y>\nsecond line",
        ),
        (FormatKind::Text, "¿Dónde está…? • 東京"),
        (FormatKind::Digits, "1234567"),
        (FormatKind::Digits, "(020) 7946-0958/1,2.3"),
        (FormatKind::Digits, "+٣٤٥ ١٢٣٤"),
    ] {
        let shape = (Fidelity::Shape, FidelityReason::Configured);
        assert_eq!(fidelity(kind, text), shape, "{text}");
    }
}

#[test]
fn what_texts_and_digits_cannot_carry_gets_an_outline_of_words() {
    for (kind, text, reason) in [
        (FormatKind::Text, "no", FidelityReason::DomainTooSmall),
        (
            FormatKind::Text,
            "see 😀 12345",
            FidelityReason::NotRepresentable,
        ),
        (FormatKind::Digits, "12345", FidelityReason::DomainTooSmall),
        (
            FormatKind::Digits,
            "1234567A",
            FidelityReason::NotRepresentable,
        ),
        (
            FormatKind::Digits,
            "1234567#",
            FidelityReason::NotRepresentable,
        ),
        (
            FormatKind::Digits,
            "１２３４５６７",
            FidelityReason::NotRepresentable,
        ),
    ] {
        assert_eq!(fidelity(kind, text), (Fidelity::Outline, reason), "{text}");
        let parsed = parse(kind, text).unwrap();
        let token = parsed
            .outlined()
            .unrank(OutlineSize::Small, &Rank::from_u64(9_876_543_210));
        let token = token.unwrap().unwrap();
        assert!(token.expose().eq_ignore_ascii_case("pebat fifuldel"));
        assert_eq!(format(kind).recognize(&token), Recognition::Token);
    }
}

#[test]
fn spellings_of_texts_and_digits_are_equal() {
    for (kind, one, other) in [
        (FormatKind::Text, " a  b\r\n\r\nc", "a b\nc"),
        (FormatKind::Digits, " 12\u{a0}34‑56 ", "12 34-56"),
    ] {
        assert_eq!(equality(kind, one), equality(kind, other));
    }
    let equal =
        |one, other| equality(FormatKind::Digits, one) == equality(FormatKind::Digits, other);
    assert!(!equal("1234567", "123-4567"));
}

#[test]
fn letter_in_a_token_of_digits_is_refused() {
    let digits = format(FormatKind::Digits);
    let parsed = parse(FormatKind::Digits, "1234567").unwrap();
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    let refused = digits.read_token(&Token::new("123456a".to_owned()), &residue);
    let position = 0;
    assert_eq!(refused.err(), Some(FormatError::ShapeMismatch { position }));
}
