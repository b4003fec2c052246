//! Names and addresses in parts: every subset of the parts in every order, every country, and
//! postal codes in their patterns.

use counterfoil::domain::Fidelity;
use counterfoil::domain::Plaintext;
use counterfoil::format::CountryPart;
use counterfoil::format::Format;
use counterfoil::format::Length;
use counterfoil::format::PostalCodes;
use counterfoil::format::StructuredKind;
use counterfoil::format::StructuredSpec;
use proptest::prelude::*;

use crate::ADDRESSES;
use crate::NAMES;
use crate::Verdict;
use crate::round_trip::parts::COUNTRIES;
use crate::round_trip::parts::PartsFormat;
use crate::round_trip::parts::mangled_parts;
use crate::round_trip::parts::parts_round_trip;
use crate::run;
use crate::text;

const ADDRESS: [&str; 13] = [
    "recipient",
    "organization",
    "line1",
    "line2",
    "line3",
    "street",
    "house_number",
    "unit",
    "district",
    "city",
    "region",
    "postal_code",
    "country",
];
const NAME: [&str; 7] = [
    "prefix", "given", "middle", "family", "family2", "suffix", "nickname",
];

#[test]
fn parts_keep_their_promises() {
    for (kind, names, corpus) in [
        (StructuredKind::Address, &ADDRESS[..], ADDRESSES),
        (StructuredKind::Name, &NAME, NAMES),
    ] {
        for length in [Length::Exact, Length::Bucket] {
            let texts = prop_oneof![
                3 => prop::collection::vec(PLAIN, names.len()),
                1 => prop::collection::vec(text(corpus), names.len()),
            ];
            let strategy = (layout(names), texts, any::<prop::sample::Index>());
            run(
                &format!("{kind:?} in parts, {length:?}"),
                &strategy,
                |((parts, keeps, patterns), texts, country), seed| {
                    let has_country = parts.contains(&"country");
                    let spec = StructuredSpec {
                        kind,
                        parts: parts.iter().map(|&it| it.to_owned()).collect(),
                        country: match keeps && has_country {
                            true => CountryPart::Kept,
                            false => CountryPart::Enciphered,
                        },
                        postal_code: match keeps && patterns && has_country {
                            true if parts.contains(&"postal_code") => PostalCodes::Pattern,
                            true | false => PostalCodes::Shape,
                        },
                    };
                    try_parts(spec, length, &texts, country, seed)
                },
            );
        }
    }
}

/// At least two of the parts, in some order, and what is kept of them.
fn layout(
    names: &'static [&'static str],
) -> impl Strategy<Value = (Vec<&'static str>, bool, bool)> {
    let parts = prop::sample::subsequence(names, 2..=names.len()).prop_shuffle();
    (parts, any::<bool>(), any::<bool>())
}

/// Tries the texts as the parts of a value, in a country and with a postal code of its patterns, or
/// with whatever the texts say. Names have neither.
fn try_parts(
    spec: StructuredSpec,
    length: Length,
    texts: &[String],
    country: prop::sample::Index,
    seed: u64,
) -> Verdict {
    let country = COUNTRIES.get(country.index(COUNTRIES.len())).unwrap();
    let code = country.code(seed);
    let is_placed = !seed.is_multiple_of(4);
    let values = spec.parts.iter().zip(texts).map(|(name, text)| {
        let text = match (name.as_str(), &code) {
            ("country", _) if is_placed => country.name(seed),
            ("postal_code", Some(code)) if is_placed && seed % 8 > 1 => code,
            _ => text,
        };
        (name.as_str(), text)
    });
    let values: Vec<(&str, &str)> = values.collect();
    // A text with the characters that separate parts is none.
    let Ok(value) = Plaintext::of_parts(&values) else {
        return Verdict::Refused;
    };
    let format = Format::structured(&spec, Fidelity::Shape, length).unwrap();
    let it = PartsFormat {
        format,
        spec,
        length,
    };
    let Ok(parsed) = it.format.parse(&value) else {
        return Verdict::Refused;
    };
    let again = Plaintext::new(parsed.canonical().to_owned());
    let again = it.format.parse(&again).unwrap();
    assert_eq!(again.canonical(), parsed.canonical());
    let mut state = seed;
    match parts_round_trip(&it, &parsed, &mut state, mangled_parts) {
        true => Verdict::Shape,
        false => Verdict::Outline,
    }
}

/// Mostly of classes: where one part of thirteen has another character, the value has no shape.
const PLAIN: &str = "[A-Za-z0-9ßıéŁσΐБקش一나 '.,-]{0,16}";
