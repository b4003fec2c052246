//! The corpora in parts: American addresses cut at their commas and lines, names at their spaces.

use std::collections::BTreeMap;

use counterfoil::domain::Fidelity;
use counterfoil::domain::Plaintext;
use counterfoil::format::CountryPart;
use counterfoil::format::Format;
use counterfoil::format::Length;
use counterfoil::format::PostalCodes;
use counterfoil::format::StructuredKind;
use counterfoil::format::StructuredSpec;

use crate::ADDRESSES;
use crate::NAMES;
use crate::round_trip::parts::COUNTRIES;
use crate::round_trip::parts::PartsFormat;
use crate::round_trip::parts::mangled_parts;
use crate::round_trip::parts::parts_round_trip;
use crate::rows;

const ADDRESS: [&str; 6] = ["line1", "line2", "city", "region", "postal_code", "country"];
const NAME: [&str; 3] = ["given", "middle", "family"];

/// The parts of an address that ends like `Anytown, CA 94016`.
fn address(text: &str) -> Option<[String; 6]> {
    let (rest, state_and_code) = text.rsplit_once(", ")?;
    let (state, code) = state_and_code.split_once(' ')?;
    let is_code = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit());
    let (lines, city) = rest.rsplit_once('\n').or_else(|| rest.rsplit_once(", "))?;
    let (line1, line2) = lines.split_once('\n').unwrap_or((lines, ""));
    let parts = [line1, line2, city, state, code, "US"].map(str::to_owned);
    (is_code && state.len() == 2).then_some(parts)
}

fn name(text: &str) -> Option<[String; 3]> {
    let words: Vec<&str> = text.split(' ').collect();
    let parts = match words.as_slice() {
        [given, family] => [*given, "", *family],
        [given, middle, family] => [*given, *middle, *family],
        _ => return None,
    };
    Some(parts.map(str::to_owned))
}

fn structured(kind: StructuredKind, length: Length) -> PartsFormat {
    let (parts, country, postal_code) = match kind {
        StructuredKind::Address => (&ADDRESS[..], CountryPart::Kept, PostalCodes::Pattern),
        StructuredKind::Name => (&NAME[..], CountryPart::Enciphered, PostalCodes::Shape),
    };
    let spec = StructuredSpec {
        kind,
        parts: parts.iter().map(|&name| name.to_owned()).collect(),
        country,
        postal_code,
    };
    let format = Format::structured(&spec, Fidelity::Shape, length).unwrap();
    PartsFormat {
        format,
        spec,
        length,
    }
}

/// A source and the parts of one of its values.
type Row = (&'static str, Vec<String>);

/// Tokens of both fidelities come back to their value. Returns how many values each source has, and
/// how many of them have a shape.
fn round_trip(
    kind: StructuredKind,
    length: Length,
    names: &[&str],
    rows: &[Row],
) -> BTreeMap<&'static str, (usize, usize)> {
    let it = structured(kind, length);
    let mut state = 11;
    let mut sources = BTreeMap::new();
    for (source, value) in rows {
        let texts = value.iter().map(String::as_str);
        let parts: Vec<(&str, &str)> = names.iter().copied().zip(texts).collect();
        let value = Plaintext::of_parts(&parts).unwrap();
        let parsed = it.format.parse(&value).unwrap();
        let has_shape = parts_round_trip(&it, &parsed, &mut state, mangled_parts);
        let (all, shapes) = sources.entry(*source).or_default();
        *all += 1;
        *shapes += usize::from(has_shape);
    }
    sources
}

/// Prints the shares of a corpus by source, and returns that of the whole, in percent.
fn print_shares(
    title: &str,
    exact: &BTreeMap<&str, (usize, usize)>,
    bucket: &BTreeMap<&str, (usize, usize)>,
) -> usize {
    println!("\n| {title} in parts, from | values | shape | the same with `bucket` |");
    println!("|---|---|---|---|");
    for (source, (all, shapes)) in exact {
        let (_, filled) = bucket[source];
        println!("| {source} | {all} | {shapes} | {filled} |");
    }
    let sum = |count: fn(&(usize, usize)) -> usize| exact.values().map(count).sum::<usize>();
    100 * sum(|it| it.1) / sum(|it| it.0)
}

#[test]
fn corpora_in_parts_come_back() {
    let addresses: Vec<Row> = rows(ADDRESSES)
        .filter_map(|(source, value)| Some((source, address(&value)?.into())))
        .collect();
    let people: Vec<Row> = rows(NAMES)
        .filter_map(|(source, value)| Some((source, name(&value)?.into())))
        .collect();
    assert!(addresses.len() > 500 && people.len() > 500);
    for (title, kind, names, rows, share_min) in [
        (
            "addresses",
            StructuredKind::Address,
            &ADDRESS[..],
            &addresses,
            95,
        ),
        ("names", StructuredKind::Name, &NAME, &people, 80),
    ] {
        let [exact, bucket] =
            [Length::Exact, Length::Bucket].map(|length| round_trip(kind, length, names, rows));
        let share = print_shares(title, &exact, &bucket);
        assert!(share >= share_min, "{title}: {share} %");
    }
}

/// Goal: no country and no postal code is enciphered where it is to be kept. Method: every country
/// by some of its names, with codes of some of its patterns.
#[test]
fn every_country_is_kept_with_its_postal_codes() {
    let it = structured(StructuredKind::Address, Length::Exact);
    let mut state = 13;
    let mut codes_count = 0;
    for country in COUNTRIES.iter() {
        for seed in 0..6 {
            let code = country.code(seed);
            codes_count += usize::from(code.is_some());
            let parts = [
                ("line1", "12 Example Street"),
                ("city", "Anytown"),
                ("postal_code", code.as_deref().unwrap_or("")),
                ("country", country.name(seed)),
            ];
            let value = Plaintext::of_parts(&parts).unwrap();
            let parsed = it.format.parse(&value).unwrap();
            assert!(parts_round_trip(&it, &parsed, &mut state, mangled_parts));
        }
    }
    assert!(COUNTRIES.len() > 240 && codes_count > 1_000);
}
