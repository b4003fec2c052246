//! The edge cases, line by line, and what the formats share.

mod bucket;
mod closure;
mod domains;
mod email;
mod free;
mod golden;

use super::*;
use crate::domain::FidelityReason;

const KINDS: [FormatKind; 5] = [
    FormatKind::Address,
    FormatKind::Digits,
    FormatKind::Email,
    FormatKind::Name,
    FormatKind::Text,
];

/// How many cases a long test tries: a few, or `COUNTERFOIL_CASES`.
pub(super) fn cases_count(usual: u32) -> u32 {
    let cases = std::env::var("COUNTERFOIL_CASES").ok();
    cases.and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

fn spec(kind: FormatKind) -> FormatSpec {
    let token_domain = (kind == FormatKind::Email).then(|| "tok.acme.example".to_owned());
    FormatSpec {
        token_domain,
        ..FormatSpec::new(kind)
    }
}

fn format(kind: FormatKind) -> Format {
    Format::new(spec(kind)).unwrap()
}

/// A format that hides the length of words.
fn bucket(kind: FormatKind) -> Format {
    let length = Length::Bucket;
    Format::new(FormatSpec {
        length,
        ..spec(kind)
    })
    .unwrap()
}

fn parse(kind: FormatKind, text: &str) -> Result<Parsed, FormatError> {
    format(kind).parse(&Plaintext::new(text.to_owned()))
}

fn equality(kind: FormatKind, text: &str) -> String {
    String::from_utf8(parse(kind, text).unwrap().equality().to_vec()).unwrap()
}

fn fidelity(kind: FormatKind, text: &str) -> (Fidelity, FidelityReason) {
    parse(kind, text).unwrap().preferred()
}

#[test]
fn empty_values_are_refused() {
    for kind in KINDS {
        for text in ["", " ", "\u{a0}\u{3000}"] {
            assert_eq!(parse(kind, text).err(), Some(FormatError::Empty));
        }
    }
}

#[test]
fn controls_are_refused() {
    for kind in KINDS {
        for control in ['\0', '\u{1b}', '\u{7f}', '\u{85}'] {
            let refused = parse(kind, &format!("ab{control}c")).err();
            assert_eq!(refused, Some(FormatError::ControlCharacter { position: 2 }));
        }
    }
}

#[test]
fn long_values_are_refused() {
    for (kind, length_max, unit) in [
        (FormatKind::Name, 512, LengthUnit::Characters),
        (FormatKind::Address, 1_024, LengthUnit::Characters),
        (FormatKind::Digits, 128, LengthUnit::Characters),
        (FormatKind::Text, 1_024, LengthUnit::Characters),
        (FormatKind::Email, 254, LengthUnit::Octets),
    ] {
        let too_long = Some(FormatError::TooLong { length_max, unit });
        assert_eq!(parse(kind, &"a".repeat(length_max + 1)).err(), too_long);
        assert_eq!(parse(kind, &"\u{10ffff}".repeat(100_000)).err(), too_long);
    }
    assert!(parse(FormatKind::Name, &"語".repeat(512)).is_ok());
    assert!(parse(FormatKind::Address, &"語".repeat(1_024)).is_ok());
    let lines = Some(FormatError::TooLong {
        length_max: 10,
        unit: LengthUnit::Lines,
    });
    for kind in [FormatKind::Address, FormatKind::Text] {
        assert_eq!(parse(kind, &"a\n".repeat(11)).err(), lines);
        assert!(parse(kind, &"a\n\n".repeat(10)).is_ok());
    }
}

#[test]
fn small_slices_get_an_outline() {
    for text in ["---", "N/A", "X", "Li", "Anna", "田"] {
        let outline = (Fidelity::Outline, FidelityReason::DomainTooSmall);
        assert_eq!(fidelity(FormatKind::Name, text), outline);
    }
}

#[test]
fn what_is_not_understood_gets_an_outline() {
    for text in [
        "Anna q\u{301}Maria",
        "ǅorđe Marić",
        "Soﬁa Sofﬁa",
        "Ｊｏｈｎ Ｓｍｉｔｈ",
        "１２３４５６７",
        "مُحَمَّد أحمد",
        "ประยุทธ์",
        "नरेन्द्र मोदी",
        "𠮷田太郎",
        "Anna\u{202e}Maria",
        "Anna\u{200b}Maria",
        "Anna Maria 😀",
        "Սևակ Պետրոսյան",
        "ｱｲｳｴｵｶｷ",
        "Anna\u{301}_Maria",
    ] {
        let outline = (Fidelity::Outline, FidelityReason::NotRepresentable);
        assert_eq!(fidelity(FormatKind::Name, text), outline, "{text}");
        let residue = parse(FormatKind::Name, text)
            .unwrap()
            .residue(Fidelity::Outline)
            .unwrap();
        let restored = format(FormatKind::Name).restore_outline(&residue).unwrap();
        assert_eq!(restored.expose(), equality(FormatKind::Name, text));
    }
}

#[test]
fn spellings_of_a_name_are_equal() {
    for (one, other) in [
        ("O’Brien", "O'Brien"),
        ("Mu\u{308}ller", "Müller"),
        ("Anna‑Lena", "Anna-Lena"),
        ("山田　太郎", "山田 太郎"),
        (" Ada\tLovelace\r\n", "Ada Lovelace"),
    ] {
        assert_eq!(
            equality(FormatKind::Name, one),
            equality(FormatKind::Name, other)
        );
    }
    assert_ne!(
        equality(FormatKind::Name, "ADA"),
        equality(FormatKind::Name, "Ada")
    );
}

#[test]
fn residue_of_a_common_name_is_one_byte() {
    for text in [
        "Ada Lovelace",
        "DE LA CRUZ",
        "Mary O'Neill",
        "김민준",
        "Иван Петров",
    ] {
        let residue = parse(FormatKind::Name, text)
            .unwrap()
            .residue(Fidelity::Shape)
            .unwrap();
        assert_eq!(residue.expose().len(), 1);
    }
}

#[test]
fn outline_is_preferred_where_configured_but_shape_still_opens() {
    let outline = FormatSpec {
        fidelity: Fidelity::Outline,
        ..spec(FormatKind::Name)
    };
    let value = Plaintext::new("Ada Lovelace".to_owned());
    let parsed = Format::new(outline).unwrap().parse(&value).unwrap();
    assert_eq!(
        parsed.preferred(),
        (Fidelity::Outline, FidelityReason::Configured)
    );
    assert!(parsed.shaped().is_ok());
    assert!(parsed.residue(Fidelity::Shape).is_ok());
    let small = parse(FormatKind::Name, "Li").unwrap();
    assert_eq!(
        small.residue(Fidelity::Shape).err(),
        Some(FidelityReason::DomainTooSmall)
    );
}

#[test]
fn wrong_specifications_are_refused() {
    let refused = |spec| Format::new(spec).err();
    let email = |domain: &str| FormatSpec {
        token_domain: Some(domain.to_owned()),
        ..spec(FormatKind::Email)
    };
    let unmeasured = FormatSpec {
        length: Length::Bucket,
        ..spec(FormatKind::Digits)
    };
    assert_eq!(refused(unmeasured), Some(FormatSpecError::LengthUnexpected));
    let opaque = FormatSpec {
        fidelity: Fidelity::Opaque,
        ..spec(FormatKind::Name)
    };
    assert_eq!(refused(opaque), Some(FormatSpecError::OpaqueUnsupported));
    let missing = FormatSpec {
        token_domain: None,
        ..spec(FormatKind::Email)
    };
    assert_eq!(refused(missing), Some(FormatSpecError::TokenDomainMissing));
    for domain in ["", "a b", "@x.com", "x..com", "-x.com"] {
        assert_eq!(
            refused(email(domain)),
            Some(FormatSpecError::TokenDomainInvalid)
        );
    }
    let long = format!("{0}.{0}.{0}.{0}", "a".repeat(59));
    let octets_max = 234;
    assert_eq!(
        refused(email(&long)),
        Some(FormatSpecError::TokenDomainTooLong { octets_max })
    );
    let name = FormatSpec {
        kind: FormatKind::Name,
        ..email("x.com")
    };
    assert_eq!(refused(name), Some(FormatSpecError::TokenDomainUnexpected));
}

#[test]
fn identifier_that_is_opaque_is_refused() {
    let spec = IdentifierSpec::Iban { mode: Mode::Marked };
    let refused = Format::identifier(&spec, Fidelity::Opaque, OnInvalid::Reject);
    assert_eq!(refused.err(), Some(IdentifierError::OpaqueUnsupported));
}

/// Goal: an offline answer is never wrong about a token, and sure where it can be.
#[test]
fn text_is_recognized_by_its_form() {
    for (kind, text, recognition) in [
        (
            FormatKind::Email,
            "qkfm@tok.acme.example",
            Recognition::Token,
        ),
        (
            FormatKind::Email,
            " QKFM@TOK.ACME.EXAMPLE",
            Recognition::Token,
        ),
        (
            FormatKind::Email,
            "qkfm@acme.example",
            Recognition::NotToken,
        ),
        (
            FormatKind::Email,
            "qkfm@nottok.acme.example",
            Recognition::NotToken,
        ),
        (FormatKind::Name, "Ada Lovelace", Recognition::Unsure),
        (FormatKind::Name, "Li", Recognition::NotToken),
        (FormatKind::Name, "ประยุทธ์", Recognition::NotToken),
        (FormatKind::Name, "", Recognition::NotToken),
        (FormatKind::Address, "1 Main St", Recognition::Unsure),
        (FormatKind::Address, "N/A", Recognition::NotToken),
    ] {
        let recognized = format(kind).recognize(&Token::new(text.to_owned()));
        assert_eq!(recognized, recognition, "{kind:?} {text}");
    }
}
