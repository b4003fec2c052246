//! What masks show, and that they show no more.

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::Fidelity;
use crate::domain::Plaintext;
use crate::format::CardKeep;
use crate::format::DateLayout;
use crate::format::Format;
use crate::format::FormatKind;
use crate::format::FormatSpec;
use crate::format::IdentifierSpec;
use crate::format::Mode;
use crate::format::OnInvalid;

fn text(kind: FormatKind) -> Format {
    let token_domain = (kind == FormatKind::Email).then(|| "tok.acme.example".to_owned());
    let spec = FormatSpec {
        token_domain,
        ..FormatSpec::new(kind)
    };
    Format::new(spec).unwrap()
}

fn identifier_with(spec: &IdentifierSpec, fidelity: Fidelity) -> Format {
    Format::identifier(spec, fidelity, OnInvalid::Outline).unwrap()
}

fn identifier(spec: &IdentifierSpec) -> Format {
    identifier_with(spec, Fidelity::Shape)
}

fn national_id(scheme: &str) -> Format {
    identifier(&IdentifierSpec::NationalId {
        scheme: scheme.to_owned(),
    })
}

fn card() -> Format {
    identifier(&IdentifierSpec::Card {
        keep: CardKeep::Last4,
        mode: Mode::Marked,
    })
}

fn phone() -> Format {
    identifier(&IdentifierSpec::Phone {
        region: Some("GB".to_owned()),
        mode: Mode::Marked,
    })
}

fn custom(parts: &str, fidelity: Fidelity) -> Format {
    let spec = IdentifierSpec::Custom(toml::from_str(parts).unwrap());
    identifier_with(&spec, fidelity)
}

fn mask(format: &Format, value: &str) -> String {
    let mask = format.mask(&Plaintext::new(value.to_owned()));
    mask.expose().to_owned()
}

/// Goal: docs/formats.md says what is so. Method: its examples, and the shortest values that show
/// something.
#[test]
fn masks_of_texts_are_as_documented() {
    for (kind, value, expected) in [
        (FormatKind::Name, "John Smith", "J•••• S••••"),
        (
            FormatKind::Name,
            "DE LA CRUZ, JOSÉ",
            "D•••• L•••• C••••, J••••",
        ),
        (FormatKind::Name, "Anna-Lena O'Neill", "A•••• O••••"),
        (FormatKind::Name, "Ada & Bob Ltd", "A•••• B•••• L••••"),
        (
            FormatKind::Name,
            "Kim Ann Lee Bob Zoe",
            "K•••• A•••• L•••• B••••",
        ),
        (FormatKind::Name, "Al Bo", "A••••"),
        (FormatKind::Name, "Ada", "A••••"),
        (FormatKind::Name, "Li", "••••"),
        (FormatKind::Name, "X", "••••"),
        (FormatKind::Name, "---", "••••"),
        (FormatKind::Name, "김민준", "김••••"),
        (
            FormatKind::Name,
            "\u{1f468}\u{200d}\u{1f469} Ada Bob",
            "A•••• B••••",
        ),
        (
            FormatKind::Address,
            "221B Baker Street,\nLondon NW1 6XE",
            "•••• B•••• S••••,\nL•••• N•••• ••••",
        ),
        (FormatKind::Address, "東京都千代田区丸の内1-9-1", "東••••"),
        (FormatKind::Text, "Call back: +44 20 7946 0958!", "C••••"),
        (FormatKind::Text, "4242 4242", "••••"),
        (FormatKind::Text, "ok", "••••"),
        (FormatKind::Text, "••••", "••••"),
        (FormatKind::Digits, "(020) 7946-0958", "••••58"),
        (FormatKind::Digits, "12-34-56", "••••56"),
        (FormatKind::Digits, "12345", "••••"),
        (FormatKind::Email, "john.doe@gmail.com", "j••••@g••••.com"),
        (
            FormatKind::Email,
            "John@mail.example.co.uk",
            "J••••@e••••.uk",
        ),
        (FormatKind::Email, "john@mail.ibm.com", "j••••@i••••.com"),
        (FormatKind::Email, "li@x.com", "••••@••••.com"),
        (
            FormatKind::Email,
            "ann@bücher.example",
            "a••••@••••.example",
        ),
        (
            FormatKind::Email,
            "ann@ann.smith-family",
            "a••••@a••••.••••",
        ),
        (FormatKind::Email, "no address", "••••"),
    ] {
        assert_eq!(mask(&text(kind), value), expected, "{value}");
    }
}

#[test]
fn masks_of_identifiers_are_as_documented() {
    let iban = IdentifierSpec::Iban { mode: Mode::Marked };
    let date = |layout| identifier(&IdentifierSpec::DateOfBirth { layout });
    for (format, value, expected) in [
        (card(), "4111 1111 1111 1111", "•••• 1111"),
        (card(), "4111 1111 1111 1112", "••••"),
        (phone(), "020 7946 0958", "+44 ••••58"),
        (phone(), "+1 212 555 2368", "+1 ••••68"),
        (phone(), "none", "••••"),
        (
            identifier(&iban),
            "GB82 WEST 1234 5698 7654 32",
            "GB •••• 5432",
        ),
        (identifier(&iban), "NO93 8601 1117 947", "NO •••• 7947"),
        (date(DateLayout::YearMonthDay), "1985-12-24", "1985-••-••"),
        (
            date(DateLayout::DayMonthYearDots),
            "24.12.1985",
            "••.••.1985",
        ),
        (date(DateLayout::YearMonthDayBasic), "19851224", "1985••••"),
        (date(DateLayout::YearMonthDay), "1985-13-24", "••••"),
        (national_id("us_ssn"), "378-74-2085", "••••085"),
        (national_id("es_dni"), "54699454A", "••••54A"),
        (national_id("cn_ric"), "769945191112282956", "••••2956"),
        // Its end is the date of birth.
        (national_id("at_vsnr"), "2141261529", "••••"),
        // Before its last two are letters of the name.
        (national_id("mx_curp"), "IDYG090225XYNAIDM1", "••••M1"),
    ] {
        assert_eq!(mask(&format, value), expected, "{value}");
    }
}

const MEMBER: &str = r#"
case = "upper"
parts = [
  { literal = "M" },
  { literal = "-", optional = true },
  { one_of = ["DE", "FR"], keep = true },
  { class = "digit", length = [6, 9] },
  { check = "luhn" },
]
"#;

#[test]
fn mask_of_a_custom_format_shows_what_its_tokens_show() {
    let member = custom(MEMBER, Fidelity::Shape);
    let value = (0..10).map(|check| format!("M-DE123456{check}"));
    let value = value.filter(|value| mask(&member, value) != "••••");
    let value = value.collect::<Vec<_>>().pop().unwrap();
    assert_eq!(value, "M-DE1234564");
    assert_eq!(mask(&member, &value), "M-DE••••64");
    // An outline shows nothing of the form.
    let outline = custom(MEMBER, Fidelity::Outline);
    assert_eq!(mask(&outline, &value), "••••64");
}

/// Goal: two characters that say more than themselves are not shown. Method: formats that end with
/// a day, a word, and too little.
#[test]
fn mask_of_a_custom_format_does_not_end_within_a_date_or_a_word() {
    for (parts, value, expected) in [
        (
            r#"parts = [{ class = "digit", length = 6 },
                { date = ["1900-01-01", "2099-12-31"], layout = "YYYYMMDD" }]"#,
            "12345619851224",
            "••••",
        ),
        (
            r#"parts = [{ class = "digit", length = 6 }, { one_of = ["ACTIVE", "DEAD"] }]"#,
            "123456DEAD",
            "••••",
        ),
        (
            r#"parts = [{ class = "digit", length = 6 }, { literal = "/" },
                { class = "upper", length = 3, keep = true }]"#,
            "123456/ABC",
            "••••56/ABC",
        ),
    ] {
        assert_eq!(mask(&custom(parts, Fidelity::Shape), value), expected);
    }
}

/// How many letters and digits a text has; of a mask, what it shows.
fn signs_count(text: &str) -> usize {
    let is_sign = |it: &&str| it.chars().next().is_some_and(char::is_alphanumeric);
    text.graphemes(true).filter(is_sign).count()
}

/// Checks that a mask shows no more than it may: at most `most` letters and digits, at most a third
/// of those of the value, all of them the value's.
fn assert_bounded(value: &str, mask: &str, most: usize) {
    let shown = signs_count(mask);
    assert!(shown <= most, "{mask} shows {shown}");
    // Canonical forms have no fewer letters and digits than values.
    assert!(shown * 3 <= signs_count(value), "{mask} of {value:?}");
    assert!(shown == 0 || mask != value);
    assert!(mask.contains("••••"));
}

/// The mask without what is not counted: the top-level domain.
fn without_top(mask: &str) -> &str {
    mask.rsplit_once('.').map_or(mask, |(rest, _)| rest)
}

fn values(corpus: &str) -> impl Iterator<Item = String> {
    let value = |line: &str| line.split_once('\t').unwrap().1.replace("\\n", "\n");
    corpus.lines().map(value)
}

/// Goal: no value of the corpora is shown, nor more of it than is documented. Method: each value
/// through each format of texts.
#[test]
fn masks_of_the_corpora_are_bounded() {
    let mut count = 0;
    let mut masks = std::collections::BTreeSet::new();
    let formats = BOUNDS.map(|(kind, most)| (kind, text(kind), most));
    for corpus in [NAMES, ADDRESSES, EMAILS] {
        for value in values(corpus) {
            for (kind, format, most) in &formats {
                let mask = mask(format, &value);
                let counted = if *kind == FormatKind::Email {
                    without_top(&mask)
                } else {
                    &mask
                };
                assert_bounded(&value, counted, *most);
                assert!(mask != value);
                if *kind == FormatKind::Name && corpus == NAMES {
                    masks.insert(mask);
                }
                count += 1;
            }
        }
    }
    let (card, phone) = (card(), phone());
    for value in values(CARDS) {
        let mask = mask(&card, &value);
        assert_bounded(&value, &mask, 4);
        assert!(mask.len() <= "•••• 4242".len());
        count += 1;
    }
    // One calling code in some is enough: each is a format of its own, which takes time to compile.
    for value in values(PHONES).step_by(7) {
        let mask = mask(&phone, &value);
        let (_, national) = mask.rsplit_once(' ').unwrap_or(("", &mask));
        assert_bounded(&value, national, 2);
        count += 1;
    }
    assert!(count > 30_000, "{count}");
    // Many people have one mask.
    assert!(
        masks.len() * 3 < values(NAMES).count() * 2,
        "{}",
        masks.len()
    );
}

#[test]
fn masks_of_national_ids_are_bounded() {
    for scheme in crate::format::builtin::national_id::SCHEMES {
        let format = national_id(scheme.name);
        let summary = format.summary();
        let (value, _) = summary.example.unwrap();
        let mask = summary.example_mask.unwrap();
        assert_bounded(&value, &mask, 4);
        let shown = mask.strip_prefix("••••").unwrap();
        let signs: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
        assert!(signs.ends_with(shown), "{}", scheme.name);
        assert!(
            shown.is_empty() == (scheme.name == "at_vsnr"),
            "{}",
            scheme.name
        );
    }
}

proptest! {
    #[test]
    fn mask_of_any_text_is_bounded(value in "\\PC{0,80}") {
        for (kind, most) in BOUNDS {
            let mask = mask(&text(kind), &value);
            let counted = if kind == FormatKind::Email { without_top(&mask) } else { &mask };
            let shown = signs_count(counted);
            prop_assert!(shown <= most);
            prop_assert!(kind == FormatKind::Email || counted.contains("••••"));
        }
    }

    /// Goal: the length of what is hidden cannot be told. Method: two names that share first
    /// letters and nothing else.
    #[test]
    fn mask_of_a_name_does_not_say_how_long_it_is(one in "[a-z]{5,40}", other in "[a-z]{5,40}") {
        let name = |rest: &str| format!("J{rest} S{rest}");
        let name_format = text(FormatKind::Name);
        prop_assert_eq!(mask(&name_format, &name(&one)), mask(&name_format, &name(&other)));
        let address = |rest: &str| format!("j{rest}@g{rest}.com");
        let email_format = text(FormatKind::Email);
        prop_assert_eq!(
            mask(&email_format, &address(&one)),
            mask(&email_format, &address(&other))
        );
    }

    #[test]
    fn mask_of_two_words_shows_a_third_of_their_letters_at_most(
        one in "[A-Z][a-z]{0,3}", other in "[A-Z][a-z]{0,3}",
    ) {
        let value = format!("{one} {other}");
        for kind in [FormatKind::Name, FormatKind::Address, FormatKind::Text] {
            assert_bounded(&value, &mask(&text(kind), &value), 2);
        }
    }
}

/// How many letters and digits the masks of texts show at the most.
const BOUNDS: [(FormatKind, usize); 5] = [
    (FormatKind::Name, 4),
    (FormatKind::Address, 8),
    (FormatKind::Text, 1),
    (FormatKind::Digits, 2),
    (FormatKind::Email, 2),
];

const NAMES: &str = include_str!("../../../tests/corpora/names.tsv");
const ADDRESSES: &str = include_str!("../../../tests/corpora/addresses.tsv");
const EMAILS: &str = include_str!("../../../tests/corpora/emails.tsv");
const CARDS: &str = include_str!("../../../tests/corpora/cards.tsv");
const PHONES: &str = include_str!("../../../tests/corpora/phones.tsv");
