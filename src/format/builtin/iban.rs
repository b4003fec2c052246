//! International bank account numbers (IBAN).
//!
//! Source: ISO 13616-1, and the registry of its structures that SWIFT keeps as the registration
//! authority, <https://www.swift.com/standards/data-standards>.
//!
//! A token keeps the country and with it the length; bank, branch and account are exchanged
//! together. In a marked token the check digits are wrong, so that no bank takes it. A valid one is
//! the well-formed number of a bank that may exist: have a reason.
//!
//! Where the registry permits any letter or digit, tokens have any upper-case letter or digit.
//! National check digits inside the account are digits like any others.

use super::Mode;
use super::parts;
use crate::format::product::CaseSpec;
use crate::format::product::GrammarSpec;
use crate::format::product::PartSpec;

/// The countries that have IBANs, after ISO 3166-1 alpha-2 (and XK), in order.
pub(in crate::format) fn countries() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().map(|&(country, _)| country)
}

/// The country of an IBAN in canonical form; nothing if it has none in the registry.
pub(in crate::format) fn country_of(canonical: &str) -> Option<&'static str> {
    let own = canonical.get(..2)?;
    countries().find(|country| country.eq_ignore_ascii_case(own))
}

/// How IBANs of every country are spelled.
pub(in crate::format) fn spelling() -> GrammarSpec {
    GrammarSpec {
        case: CaseSpec::Upper,
        ignore: " ".to_owned(),
        ..GrammarSpec::default()
    }
}

/// The specification of a country's IBANs; nothing if the registry has no such country.
pub(in crate::format) fn grammar(country: &str, mode: Mode) -> Option<GrammarSpec> {
    let (country, structure) = REGISTRY.iter().find(|(own, _)| *own == country)?;
    let mut parts = vec![parts::literal(country), parts::check("iban", mode)];
    parts.extend(runs(structure)?);
    Some(GrammarSpec {
        parts: Some(parts),
        ..spelling()
    })
}

/// The runs of a structure like `4!a6!n8!n`, neighbours of one class as one.
fn runs(structure: &str) -> Option<Vec<PartSpec>> {
    let mut runs: Vec<(&str, usize)> = Vec::new();
    for run in structure.split_inclusive(['a', 'c', 'n']) {
        let (length, class) = run.split_once('!')?;
        let class = match class {
            "a" => "upper",
            "c" => "alnum_upper",
            "n" => "digit",
            _ => return None,
        };
        let length: usize = length.parse().ok()?;
        match runs.last_mut() {
            Some((last, sum)) if *last == class => *sum += length,
            _ => runs.push((class, length)),
        }
    }
    let parts = runs
        .into_iter()
        .map(|(name, length)| parts::class(name, length));
    Some(parts.collect())
}

/// Country, and structure of what follows the check digits: so many (all are of fixed length)
/// digits `n`, upper-case letters `a`, or letters and digits `c`.
const REGISTRY: [(&str, &str); 89] = [
    ("AD", "4!n4!n12!c"),
    ("AE", "3!n16!n"),
    ("AL", "8!n16!c"),
    ("AT", "5!n11!n"),
    ("AZ", "4!a20!c"),
    ("BA", "3!n3!n8!n2!n"),
    ("BE", "3!n7!n2!n"),
    ("BG", "4!a4!n2!n8!c"),
    ("BH", "4!a14!c"),
    ("BI", "5!n5!n11!n2!n"),
    ("BR", "8!n5!n10!n1!a1!c"),
    ("BY", "4!c4!n16!c"),
    ("CH", "5!n12!c"),
    ("CR", "4!n14!n"),
    ("CY", "3!n5!n16!c"),
    ("CZ", "4!n6!n10!n"),
    ("DE", "8!n10!n"),
    ("DJ", "5!n5!n11!n2!n"),
    ("DK", "4!n9!n1!n"),
    ("DO", "4!c20!n"),
    ("EE", "2!n14!n"),
    ("EG", "4!n4!n17!n"),
    ("ES", "4!n4!n1!n1!n10!n"),
    ("FI", "3!n11!n"),
    ("FK", "2!a12!n"),
    ("FO", "4!n9!n1!n"),
    ("FR", "5!n5!n11!c2!n"),
    ("GB", "4!a6!n8!n"),
    ("GE", "2!a16!n"),
    ("GI", "4!a15!c"),
    ("GL", "4!n9!n1!n"),
    ("GR", "3!n4!n16!c"),
    ("GT", "4!c20!c"),
    ("HN", "4!a20!n"),
    ("HR", "7!n10!n"),
    ("HU", "3!n4!n1!n15!n1!n"),
    ("IE", "4!a6!n8!n"),
    ("IL", "3!n3!n13!n"),
    ("IQ", "4!a3!n12!n"),
    ("IS", "4!n2!n6!n10!n"),
    ("IT", "1!a5!n5!n12!c"),
    ("JO", "4!a4!n18!c"),
    ("KW", "4!a22!c"),
    ("KZ", "3!n13!c"),
    ("LB", "4!n20!c"),
    ("LC", "4!a24!c"),
    ("LI", "5!n12!c"),
    ("LT", "5!n11!n"),
    ("LU", "3!n13!c"),
    ("LV", "4!a13!c"),
    ("LY", "3!n3!n15!n"),
    ("MC", "5!n5!n11!c2!n"),
    ("MD", "2!c18!c"),
    ("ME", "3!n13!n2!n"),
    ("MK", "3!n10!c2!n"),
    ("MN", "4!n12!n"),
    ("MR", "5!n5!n11!n2!n"),
    ("MT", "4!a5!n18!c"),
    ("MU", "4!a2!n2!n12!n3!n3!a"),
    ("NI", "4!a20!n"),
    ("NL", "4!a10!n"),
    ("NO", "4!n6!n1!n"),
    ("OM", "3!n16!c"),
    ("PK", "4!a16!c"),
    ("PL", "8!n16!n"),
    ("PS", "4!a21!c"),
    ("PT", "4!n4!n11!n2!n"),
    ("QA", "4!a21!c"),
    ("RO", "4!a16!c"),
    ("RS", "3!n13!n2!n"),
    ("RU", "9!n5!n15!c"),
    ("SA", "2!n18!c"),
    ("SC", "4!a2!n2!n16!n3!a"),
    ("SD", "2!n12!n"),
    ("SE", "3!n16!n1!n"),
    ("SI", "5!n8!n2!n"),
    ("SK", "4!n6!n10!n"),
    ("SM", "1!a5!n5!n12!c"),
    ("SO", "4!n3!n12!n"),
    ("ST", "4!n4!n11!n2!n"),
    ("SV", "4!a20!n"),
    ("TL", "3!n14!n2!n"),
    ("TN", "2!n3!n13!n2!n"),
    ("TR", "5!n1!n16!c"),
    ("UA", "6!n19!c"),
    ("VA", "3!n15!n"),
    ("VG", "4!a16!n"),
    ("XK", "4!n10!n2!n"),
    ("YE", "4!a4!n18!c"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::product::Product;

    fn product(country: &str, mode: Mode) -> Product {
        let grammar = grammar(country, mode).unwrap();
        Product::new(&grammar).unwrap_or_else(|error| panic!("{country}: {error}"))
    }

    fn is_value(product: &Product, text: &str) -> bool {
        product.parse(&product.canonical(text).unwrap()).is_some()
    }

    #[test]
    fn registry_is_in_order_and_within_the_standard() {
        assert!(REGISTRY.is_sorted_by(|(one, _), (other, _)| one < other));
        for (country, structure) in REGISTRY {
            let lengths = structure.split(['a', 'c', 'n', '!']);
            let length: usize = lengths
                .filter_map(|length| length.parse::<usize>().ok())
                .sum();
            // ISO 13616-1: an account has at most 30 characters.
            assert!((11..=30).contains(&length), "{country}");
        }
    }

    #[test]
    fn example_of_the_registry_is_a_value() {
        for example in EXAMPLES {
            let country = country_of(example).unwrap();
            let product = product(country, Mode::Marked);
            assert!(is_value(&product, example), "{example}");
            assert!(is_value(&product, &example.to_lowercase()), "{example}");
            let mut damaged = example.to_owned();
            let place = damaged.trim_end_matches('0').len() - 1;
            let other = if damaged.get(place..=place) == Some("1") {
                "7"
            } else {
                "1"
            };
            damaged.replace_range(place..=place, other);
            assert!(!is_value(&product, &damaged), "{damaged}");
        }
        assert_eq!(country_of("ZZ68"), None);
        assert_eq!(country_of("D"), None);
    }

    #[test]
    fn token_keeps_its_country_and_is_an_iban_only_if_valid() {
        for mode in [Mode::Marked, Mode::Valid] {
            for country in countries() {
                let product = product(country, mode);
                for seed in 0..50 {
                    let (value, token) = product.example(seed).unwrap();
                    assert_eq!(value.len(), token.len());
                    assert_eq!(country_of(&token), Some(country));
                    assert_eq!(is_value(&product, &token), mode == Mode::Valid, "{token}");
                }
            }
        }
    }

    /// From the registry; of countries with digits only, with letters, and with both.
    const EXAMPLES: [&str; 12] = [
        "BE68 5390 0754 7034",
        "BR18 0036 0305 0000 1000 9795 493C 1",
        "CH93 0076 2011 6238 5295 7",
        "DE89 3704 0044 0532 0130 00",
        "ES91 2100 0418 4502 0005 1332",
        "FR14 2004 1010 0505 0001 3M02 606",
        "GB29 NWBK 6016 1331 9268 19",
        "IT60 X054 2811 1010 0000 0123 456",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "NL91 ABNA 0417 1643 00",
        "NO93 8601 1117 947",
        "PL61 1090 1014 0000 0712 1981 2874",
    ];
}
