//! What is found in a text, and what is left alone.

use super::*;
use crate::domain::Fidelity;
use crate::format::EmailDomain;
use crate::format::FormatSpec;
use crate::format::GrammarSpec;
use crate::format::IdentifierSpec;
use crate::format::Length;
use crate::format::OnInvalid;

fn emails() -> Format {
    Format::new(FormatSpec {
        kind: FormatKind::Email,
        fidelity: Fidelity::Shape,
        token_domain: Some("tok.acme.example".to_owned()),
        domain: EmailDomain::Replace,
        length: Length::Exact,
        on_invalid: OnInvalid::Outline,
    })
    .unwrap()
}

fn cards() -> Format {
    let spec: GrammarSpec = toml::from_str(
        r#"
        ignore = " -"
        parts = [{ class = "digit", length = 15 }, { check = "luhn" }]
        "#,
    )
    .unwrap();
    let spec = IdentifierSpec::Custom(spec);
    Format::identifier(&spec, Fidelity::Shape, OnInvalid::Reject).unwrap()
}

fn found<'text>(format: &Format, text: &'text str) -> Vec<&'text str> {
    format
        .find(text)
        .into_iter()
        .map(|range| text.get(range).unwrap())
        .collect()
}

#[test]
fn emails_are_found_without_the_punctuation_around_them() {
    let text = "Ada <john.doe@example.com>, or (li@example.org). See a@b, mü@example.net";
    assert_eq!(
        found(&emails(), text),
        ["john.doe@example.com", "li@example.org", "mü@example.net"]
    );
}

#[test]
fn tokens_are_left_alone() {
    assert!(found(&emails(), "write to qkfmhtw@tok.acme.example").is_empty());
}

#[test]
fn identifiers_are_found_however_they_are_grouped() {
    let text = "old 4111-1111-1111-1111, new: 5555 5555 5555 4444 (ref 20261122), sum 4111";
    assert_eq!(
        found(&cards(), text),
        ["4111-1111-1111-1111", "5555 5555 5555 4444"]
    );
}

#[test]
fn wrong_checks_and_parts_of_longer_words_are_left_alone() {
    for text in [
        "4111 1111 1111 1112",
        "a4111111111111111",
        "41111111111111112",
        "",
    ] {
        assert!(found(&cards(), text).is_empty(), "{text}");
    }
}

#[test]
fn known_values_are_found_in_every_spelling() {
    let values = ["Zoë O'Neill", "1 Main St", "Li"].map(|value| Plaintext::new(value.to_owned()));
    let values: Vec<&Plaintext> = values.iter().collect();
    let text = "ZOE\u{308}  O’NEILL lives at 1 main\nst, with li, not Lily or 11 Main St";
    let found: Vec<(usize, &str)> = find_known(text, &values)
        .into_iter()
        .map(|(number, range)| (number, text.get(range).unwrap()))
        .collect();
    assert_eq!(
        found,
        [(0, "ZOE\u{308}  O’NEILL"), (1, "1 main\nst"), (2, "li")]
    );
}
