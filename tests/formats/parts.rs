//! The corpora in parts: American addresses cut at their commas and lines, names at their spaces.

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

/// Tokens of both fidelities come back to their value; returns how many had a shape.
fn round_trip(
    kind: StructuredKind,
    length: Length,
    names: &[&str],
    values: &[Vec<String>],
) -> usize {
    let it = structured(kind, length);
    let mut state = 11;
    let mut has_shape = |value: &&Vec<String>| {
        let texts = value.iter().map(String::as_str);
        let parts: Vec<(&str, &str)> = names.iter().copied().zip(texts).collect();
        let value = Plaintext::of_parts(&parts).unwrap();
        let parsed = it.format.parse(&value).unwrap();
        parts_round_trip(&it, &parsed, &mut state, mangled_parts)
    };
    values.iter().filter(|value| has_shape(value)).count()
}

#[test]
fn corpora_in_parts_come_back() {
    let addresses: Vec<Vec<String>> = rows(ADDRESSES)
        .filter_map(|(_, value)| address(&value).map(Vec::from))
        .collect();
    let names: Vec<Vec<String>> = rows(NAMES)
        .filter_map(|(_, value)| name(&value).map(Vec::from))
        .collect();
    assert!(addresses.len() > 500 && names.len() > 500);
    for length in [Length::Exact, Length::Bucket] {
        let shapes = round_trip(StructuredKind::Address, length, &ADDRESS, &addresses);
        println!(
            "{length:?}: {shapes} of {} addresses have a shape",
            addresses.len()
        );
        assert!(shapes * 100 > addresses.len() * 95);
        let shapes = round_trip(StructuredKind::Name, length, &NAME, &names);
        println!("{length:?}: {shapes} of {} names have a shape", names.len());
        assert!(shapes * 100 > names.len() * 80);
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
