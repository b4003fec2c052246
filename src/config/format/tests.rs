//! Formats in the configuration: what they mean, and what is wrong with those that are refused.

use std::path::Path;

use super::*;
use crate::config::Config;
use crate::domain::Namespace;

/// Goal: the smallest configuration, with a field `it` that has these lines, and further tables.
fn config(field: &str, tables: &str) -> Result<Config, ConfigError> {
    let text = format!(
        r#"
        vault = {{ data_dir = "data" }}
        listen = {{ token = "127.0.0.1:1", reveal = "127.0.0.1:2" }}
        tls = {{ certificate = "a", key = "b", client_ca = "c" }}
        root_key = {{ provider = "passphrase-file", file = "d" }}
        audit = {{ origin = "shop.example/counterfoil" }}
        [namespaces.shop.fields.it]
        {field}
        {tables}
        "#
    );
    Config::from_toml(&text, Path::new(""))
}

fn spec(field: &str, tables: &str) -> IdentifierSpec {
    let config = config(field, tables).unwrap();
    let fields = &config.namespaces[&Namespace::new("shop").unwrap()].fields;
    match &fields.first_key_value().unwrap().1.format {
        FieldFormat::Identifier { spec, .. } => spec.clone(),
        FieldFormat::Structured(_) | FieldFormat::Text(_) => panic!("a text"),
    }
}

fn parts(field: &str) -> StructuredSpec {
    let config = config(field, "").unwrap();
    let fields = &config.namespaces[&Namespace::new("shop").unwrap()].fields;
    match &fields.first_key_value().unwrap().1.format {
        FieldFormat::Structured(spec) => spec.clone(),
        FieldFormat::Identifier { .. } | FieldFormat::Text(_) => panic!("no parts"),
    }
}

#[test]
fn parts_have_their_defaults_and_options() {
    let address = |more: &str| {
        parts(&format!(
            "format = \"address\"\nparts = [\"city\", \"postal_code\", \"country\"]\n{more}"
        ))
    };
    let spec = address("");
    assert_eq!(spec.kind, StructuredKind::Address);
    assert_eq!(spec.parts, ["city", "postal_code", "country"]);
    let means = |spec: StructuredSpec| (spec.country, spec.postal_code);
    let enciphered = (CountryPart::Enciphered, PostalCodes::Shape);
    assert_eq!(means(spec), enciphered);
    assert_eq!(means(address("keep = []")), enciphered);
    let kept = address("keep = [\"country\"]");
    assert_eq!(means(kept), (CountryPart::Kept, PostalCodes::Pattern));
    let shape = address("keep = [\"country\"]\npostal_code = \"shape\"");
    assert_eq!(means(shape), (CountryPart::Kept, PostalCodes::Shape));
    let name = parts("format = \"name\"\nparts = [\"given\", \"family\"]\nlength = \"bucket\"");
    assert_eq!(name.kind, StructuredKind::Name);
}

#[test]
fn wrong_parts_are_refused() {
    let address =
        |more: &str| format!("format = \"address\"\nparts = [\"city\", \"country\"]\n{more}");
    let region = address("keep = [\"city\"]");
    let word = address("keep = \"country\"");
    let code = address("keep = [\"country\"]\npostal_code = \"pattern\"");
    refuses(&[
        (
            "format = \"email\"\nparts = [\"city\"]",
            "",
            "it.parts",
            "\"address\" or",
        ),
        (
            "format = \"address\"\nparts = [\"city\"]",
            "",
            "it.parts",
            "fewer than two",
        ),
        (
            "format = \"address\"\nkeep = [\"country\"]",
            "",
            "it.keep",
            "with parts",
        ),
        (
            "format = \"address\"\npostal_code = \"shape\"",
            "",
            "it.postal_code",
            "with parts",
        ),
        (
            "format = \"name\"\nparts = [\"given\", \"city\"]",
            "",
            "it.parts",
            "`city` is not known",
        ),
        (&region, "", "it.keep", "[\"country\"]"),
        (&word, "", "it.keep", "[\"country\"]"),
        (&code, "", "it.postal_code", "kept country"),
        (
            "format = \"card\"\nkeep = [\"last4\"]",
            "",
            "it.keep",
            "not a word",
        ),
    ]);
}

const MEMBER: &str = r#"
[formats.member]
parts = [{ literal = "M-" }, { class = "digit", length = 8 }]
"#;

#[test]
fn built_in_formats_have_their_defaults_and_options() {
    let mode = Mode::Marked;
    for (field, expected) in [
        (
            "format = \"card\"",
            IdentifierSpec::Card {
                keep: CardKeep::Last4,
                mode,
            },
        ),
        (
            "format = \"card\"\nkeep = \"first6\"\ntokens = \"valid\"",
            IdentifierSpec::Card {
                keep: CardKeep::First6,
                mode: Mode::Valid,
            },
        ),
        (
            "format = \"date_of_birth\"\nlayout = \"DD.MM.YYYY\"",
            IdentifierSpec::DateOfBirth {
                layout: DateLayout::DayMonthYearDots,
            },
        ),
        ("format = \"iban\"", IdentifierSpec::Iban { mode }),
        (
            "format = \"national_id\"\nscheme = \"us_ssn\"",
            IdentifierSpec::NationalId {
                scheme: "us_ssn".to_owned(),
            },
        ),
        (
            "format = \"phone\"\nregion = \"US\"",
            IdentifierSpec::Phone {
                region: Some("US".to_owned()),
                mode,
            },
        ),
    ] {
        assert_eq!(spec(field, ""), expected, "{field}");
    }
}

#[test]
fn operators_own_format_is_found_by_its_name() {
    let spec = spec("format = \"member\"", MEMBER);
    assert!(matches!(spec, IdentifierSpec::Custom(grammar) if grammar.parts.is_some()));
}

/// Goal: an error names the key or part, says what is wrong, and on another line what to do.
fn refuses(cases: &[(&str, &str, &str, &str)]) {
    for (field, tables, key, problem) in cases {
        let error = config(field, tables).unwrap_err().to_string();
        let (first, _) = error.split_once(": ").unwrap();
        let is_named = first.contains(key) && error.contains(problem);
        assert!(is_named && error.contains('\n'), "{field}: {error}");
    }
}

#[test]
fn wrong_format_of_an_operator_is_named_with_its_part() {
    let small = MEMBER.replace("length = 8", "length = 5");
    let ambiguous = MEMBER.replace(
        "{ class = \"digit\", length = 8 }",
        "{ class = \"digit\", length = [4, 8] }, { class = \"digit\", length = [4, 8] }",
    );
    let taken = MEMBER.replace("formats.member", "formats.card");
    let field = "format = \"member\"";
    refuses(&[
        (field, "", "it.format", "neither a built-in"),
        (field, &small, "formats.member", "lengthen parts[2]"),
        (field, &ambiguous, "formats.member", "two ways"),
        (field, &taken, "formats.card", "built-in format"),
    ]);
}

#[test]
fn wrong_option_of_a_built_in_format_is_named() {
    let card = |line: &str| format!("format = \"card\"\n{line}");
    let last5 = card("keep = \"last5\"");
    let both = card("keep = \"first6+last4\"");
    let length = card("length = \"bucket\"");
    let domain = card("token_domain = \"tok.example\"");
    refuses(&[
        ("format = \"fax\"", "", "it.format", "neither a built-in"),
        (
            "format = \"name\"\nkeep = \"last4\"",
            "",
            "it.keep",
            "\"card\"",
        ),
        (&last5, "", "it.keep", "not a word"),
        (&both, "", "it.keep", "10^5"),
        (&length, "", "it.length", "have words"),
        (&domain, "", "it.token_domain", "\"email\""),
        (
            "format = \"iban\"\nregion = \"GB\"",
            "",
            "it.region",
            "\"phone\"",
        ),
        (
            "format = \"phone\"\nregion = \"QQ\"",
            "",
            "fields.it",
            "numbering plan",
        ),
        ("format = \"national_id\"", "", "it.scheme", "missing"),
        (
            "format = \"national_id\"\nscheme = \"xx\"",
            "",
            "fields.it",
            "not a national",
        ),
        (
            "format = \"date_of_birth\"\nlayout = \"YY\"",
            "",
            "it.layout",
            "not a word",
        ),
    ]);
}
