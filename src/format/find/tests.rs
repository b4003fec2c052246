//! What is found in a text, and what is left alone.

use super::*;
use crate::domain::Fidelity;
use crate::format::EmailDomain;
use crate::format::FormatSpec;
use crate::format::GrammarSpec;
use crate::format::IdentifierSpec;
use crate::format::Length;
use crate::format::Mode;
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
        .find(text, Finding::Certain)
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

fn phones(region: Option<&str>) -> Format {
    let spec = IdentifierSpec::Phone {
        region: region.map(str::to_owned),
        mode: Mode::Marked,
    };
    Format::identifier(&spec, Fidelity::Shape, OnInvalid::Reject).unwrap()
}

#[test]
fn emails_are_found_beside_marks_of_other_scripts() {
    for text in [
        "Email:\u{a0}ada@example.com",
        "ada@example.com\u{a0}is it",
        "（ada@example.com）",
        "ada@example.com，谢谢",
        "邮箱：ada@example.com",
        "写给ada@example.com吧",
        "_ada@example.com_",
        "'ada@example.com'",
        "x ada@example.com_2024.csv",
        "mailto:ada@example.com",
        "**ada@example.com**",
    ] {
        assert_eq!(found(&emails(), text), ["ada@example.com"], "{text}");
    }
}

#[test]
fn identifiers_are_found_in_brackets_and_beside_other_scripts() {
    for text in [
        "my card (4111111111111111)",
        "卡号4111111111111111。",
        "+4111111111111111",
    ] {
        assert!(
            found(&cards(), text).contains(&"4111111111111111"),
            "{text}"
        );
    }
}

#[test]
fn phone_number_is_found_without_the_words_around_it() {
    let text = "Please call me at +44 20 7946 0958 now, ext 5; order 2025550123";
    assert_eq!(found(&phones(None), text), ["+44 20 7946 0958"]);
    assert_eq!(found(&phones(Some("US")), text), ["+44 20 7946 0958"]);
    // A field that is asked for by its name has national numbers too.
    let any = phones(Some("US")).find(text, Finding::Any);
    assert!(
        any.iter()
            .any(|place| text.get(place.clone()) == Some("2025550123"))
    );
}

#[test]
fn text_that_a_library_would_trip_over_is_no_number() {
    for text in [
        ";phone-context=+44;tel:1",
        "tel:+442079460958",
        "call +44 20",
        "1-800-FLOWERS",
    ] {
        let parsed = phones(Some("US")).parse(&Plaintext::new(text.to_owned()));
        assert!(parsed.is_err(), "{text}");
    }
}

fn known<'text>(text: &'text str, values: &[&str]) -> Vec<(usize, &'text str)> {
    let values: Vec<Plaintext> = values
        .iter()
        .map(|it| Plaintext::new((*it).to_owned()))
        .collect();
    let values: Vec<&Plaintext> = values.iter().collect();
    let mut found: Vec<(usize, &str)> = find_known(text, &values)
        .unwrap()
        .into_iter()
        .map(|(number, range)| (number, text.get(range).unwrap()))
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn known_values_are_found_in_every_spelling() {
    let text = "ZOE\u{308}  O’NEILL lives at 1 main\nst, with li, not Lily or 11 Main St";
    assert_eq!(
        known(text, &["Zoë O'Neill", "1 Main St", "Li"]),
        [(0, "ZOE\u{308}  O’NEILL"), (1, "1 main\nst"), (2, "li")]
    );
}

#[test]
fn longer_word_does_not_hide_a_known_value_within_it() {
    assert_eq!(
        known("Ann Leeson called", &["Ann", "Ann Lee"]),
        [(0, "Ann")]
    );
    assert_eq!(
        known("221B Baker Street", &["221B", "221B Baker St"]),
        [(0, "221B")]
    );
    assert_eq!(
        known("山田太郎さんから電話", &["山田太郎"]),
        [(0, "山田太郎")]
    );
}

#[test]
fn long_known_value_costs_no_more_than_its_length() {
    let long = "ab".repeat(500_000);
    assert_eq!(known("ab", &[&long]), []);
}
