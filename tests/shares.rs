//! What becomes of the values of each source, as tables for `docs/testing.md`: how many keep their
//! shape, exactly and with hidden lengths, and why the others do not.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

use std::collections::BTreeMap;

use counterfoil::domain::Fidelity;
use counterfoil::domain::FidelityReason;
use counterfoil::domain::Plaintext;
use counterfoil::format::CardKeep;
use counterfoil::format::Format;
use counterfoil::format::FormatKind;
use counterfoil::format::FormatSpec;
use counterfoil::format::IdentifierSpec;
use counterfoil::format::Length;
use counterfoil::format::Mode;
use counterfoil::format::OnInvalid;

const NAMES: &str = include_str!("corpora/names.tsv");
const ADDRESSES: &str = include_str!("corpora/addresses.tsv");
const EMAILS: &str = include_str!("corpora/emails.tsv");
const CARDS: &str = include_str!("corpora/cards.tsv");
const PHONES: &str = include_str!("corpora/phones.tsv");

/// Where a value ends up: every column of a table but the first two.
const COLUMNS: [&str; 5] = [
    "shape",
    "too small",
    "not representable",
    "too long",
    "refused",
];
type Counts = [u32; COLUMNS.len()];

#[test]
fn texts_are_counted_by_source() {
    for (file, kind, corpus) in [
        ("names.tsv", FormatKind::Name, NAMES),
        ("addresses.tsv", FormatKind::Address, ADDRESSES),
        ("emails.tsv", FormatKind::Email, EMAILS),
    ] {
        let [exact, bucket] = [Length::Exact, Length::Bucket].map(|length| {
            let format = text_format(kind, length);
            count(corpus, |_| Some(&format))
        });
        println!("\n{file}\n");
        println!(
            "| source | values | {} | the same with `bucket` |",
            COLUMNS.join(" | ")
        );
        println!("|---|---|---|---|---|---|---|---|");
        for (source, counts) in &exact {
            let hidden = bucket.get(source).unwrap();
            println!(
                "| {source} | {} | {} |",
                cells(counts),
                shares(hidden).join(", ")
            );
            // Whether a value is one does not depend on how much its token shows.
            assert_eq!(counts.last(), hidden.last());
            assert!(hidden.first() >= counts.first(), "filled words are larger");
        }
    }
}

/// Cards and telephone numbers have no fallback: they are in the format, or refused.
#[test]
fn identifiers_are_counted_by_source() {
    let card = IdentifierSpec::Card {
        keep: CardKeep::Last4,
        mode: Mode::Marked,
    };
    let card = identifier(&card);
    let cards = count(CARDS, |_| card.as_ref());
    // A number is read as in its own region, which its source names.
    let regions = PHONES.lines().filter_map(|line| line.split(':').nth(1));
    let phones: BTreeMap<&str, Option<Format>> = regions
        .map(|region| {
            let spec = IdentifierSpec::Phone {
                region: Some(region.to_owned()),
                mode: Mode::Marked,
            };
            (region, identifier(&spec))
        })
        .collect();
    let region_of = |source: &str| phones.get(source.split(':').nth(1)?)?.as_ref();
    let phones = count(PHONES, region_of);
    println!("\ncards.tsv and phones.tsv\n");
    println!("| source | values | {} |", COLUMNS.join(" | "));
    println!("|---|---|---|---|---|---|---|");
    for (source, counts) in cards.iter().chain(&phones) {
        println!("| {source} | {} |", cells(counts));
        let all: u32 = counts.iter().sum();
        assert!(counts.first() > Some(&(all / 2)), "{source}");
    }
}

/// Counts the values of each source.
fn count<'format>(
    corpus: &str,
    format_of: impl Fn(&str) -> Option<&'format Format>,
) -> BTreeMap<String, Counts> {
    let mut sources = BTreeMap::<String, Counts>::new();
    for line in corpus.lines() {
        let (source, value) = line.split_once('\t').unwrap();
        let value = value.replace("\\n", "\n").replace("\\t", "\t");
        let value = Plaintext::new(value.replace("\\\\", "\\"));
        let parsed = format_of(source).and_then(|format| format.parse(&value).ok());
        let column = match parsed.map(|parsed| parsed.preferred()) {
            Some((Fidelity::Shape, _)) => 0,
            Some((_, FidelityReason::DomainTooSmall)) => 1,
            Some((_, FidelityReason::NotRepresentable)) => 2,
            Some((_, FidelityReason::TooLong)) => 3,
            Some(_) | None => 4,
        };
        // Of telephone numbers the third word says the spelling.
        let mut words = source.split(':');
        let name = words.next().unwrap();
        let name = match words.nth(1) {
            Some(spelling) if name == "phonenumbers" => format!("{name}, {spelling}"),
            _ => name.to_owned(),
        };
        let counts = sources.entry(name).or_default();
        *counts.get_mut(column).unwrap() += 1;
    }
    sources
}

fn cells(counts: &Counts) -> String {
    let all: u32 = counts.iter().sum();
    format!("{all} | {}", shares(counts).join(" | "))
}

/// In percent of all values, whether accepted or not.
fn shares(counts: &Counts) -> Vec<String> {
    let all: u32 = counts.iter().sum();
    let share = |count: &u32| 100.0 * f64::from(*count) / f64::from(all);
    counts
        .iter()
        .map(|count| format!("{:.1}", share(count)))
        .collect()
}

fn text_format(kind: FormatKind, length: Length) -> Format {
    let token_domain = (kind == FormatKind::Email).then(|| "tok.acme.example".to_owned());
    let spec = FormatSpec {
        token_domain,
        length,
        ..FormatSpec::new(kind)
    };
    Format::new(spec).unwrap()
}

/// Nothing where libphonenumber has a region without a numbering plan of its own.
fn identifier(spec: &IdentifierSpec) -> Option<Format> {
    Format::identifier(spec, Fidelity::Shape, OnInvalid::Reject).ok()
}
