//! Countries, by what people call them, and the patterns of their postal codes.
//!
//! See `generate.py` for where the table is from. The format version freezes it: which texts are
//! countries decides what a token keeps, and records have the numbers of patterns.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::postal_code::Pattern;
use crate::format::fold::fold;

/// A country.
#[derive(Debug)]
pub(in crate::format) struct Country {
    /// The patterns of its postal codes. No code is of two of them.
    pub(in crate::format) patterns: Vec<Pattern>,
}

impl Country {
    /// The country of this ISO 3166-1 code or English name, however it is spelled.
    pub(in crate::format) fn named(text: &str) -> Option<&'static Self> {
        if text.len() > NAME_BYTES_MAX {
            return None;
        }
        let place = COUNTRIES.places.get(fold(text).as_str())?;
        COUNTRIES.countries.get(*place)
    }

    /// The pattern that a code is of, with its number.
    pub(super) fn pattern_of(&self, code: &str) -> Option<(u8, &Pattern, Vec<u32>)> {
        let numbered = (0_u8..).zip(&self.patterns);
        numbered
            .map(|(number, pattern)| (number, pattern, pattern.indexes(code)))
            .find_map(|(number, pattern, indexes)| Some((number, pattern, indexes?)))
    }
}

struct Countries {
    countries: Vec<Country>,
    /// By folded name.
    places: HashMap<String, usize>,
}

static COUNTRIES: LazyLock<Countries> = LazyLock::new(|| {
    let mut countries = Vec::new();
    let mut places = HashMap::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (code, alpha_3) = (columns.next(), columns.next());
        let names = columns.next().unwrap_or_default().split('|');
        let patterns = columns.next().unwrap_or_default().split('|');
        for name in names.chain(code).chain(alpha_3) {
            places.insert(fold(name).to_string(), countries.len());
        }
        let patterns = patterns.filter(|pattern| !pattern.is_empty());
        countries.push(Country {
            patterns: patterns.filter_map(Pattern::parse).collect(),
        });
    }
    Countries { countries, places }
});

const TABLE: &str = include_str!("countries.tsv");

/// Longer than every name in the table.
const NAME_BYTES_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(country: &str, code: &str) -> bool {
        Country::named(country).unwrap().pattern_of(code).is_some()
    }

    #[test]
    fn countries_are_found_by_code_and_name() {
        for (one, other) in [
            ("US", "us"),
            ("US", "USA"),
            ("US", "United States"),
            ("GB", "UK"),
            ("DE", "  GERMANY "),
            ("CI", "Côte d’Ivoire"),
            ("CI", "cote d'ivoire"),
            ("BA", "Bosnia and Herzegovina"),
            ("NL", "The Netherlands"),
            ("TR", "Türkiye"),
        ] {
            let (one, other) = (Country::named(one), Country::named(other));
            assert!(std::ptr::eq(one.unwrap(), other.unwrap()));
        }
        for text in [
            "",
            "XX",
            "Narnia",
            "12 Example Street",
            "U",
            &"a".repeat(1_000),
        ] {
            assert!(Country::named(text).is_none(), "{text}");
        }
    }

    #[test]
    fn codes_have_the_pattern_of_their_country() {
        for (country, code) in [
            ("US", "94016"),
            ("US", "94016-1234"),
            ("GB", "NW1 6XE"),
            ("GB", "SW1A 1AA"),
            ("GB", "EC1Y8SY"),
            ("GB", "M2 5BQ"),
            ("CA", "K1A 0B1"),
            ("NL", "1234 AB"),
            ("DE", "01067"),
            ("FR", "75001"),
            ("JP", "154-0023"),
            ("BR", "40301-110"),
            ("IN", "110034"),
            ("AU", "2060"),
            ("IE", "D02 X285"),
            ("PL", "00-950"),
            ("PT", "2725-079"),
            ("SE", "114 55"),
        ] {
            assert!(fits(country, code), "{country} {code}");
        }
        for (country, code) in [
            ("US", "9401"),
            ("GB", "QW1 6XE"),
            ("GB", "NW1 6CE"),
            ("CA", "D1A 0B1"),
            ("CA", "K1A 0O1"),
            ("NL", "0234 AB"),
            ("NL", "1234 SS"),
            ("IN", "010034"),
            ("DE", "D-01067"),
            ("HK", "999077"),
        ] {
            assert!(!fits(country, code), "{country} {code}");
        }
    }

    /// Goal: the pattern of a token's code is that of its value's. Method: any two patterns of a
    /// country differ in length, or have no character in common at some place.
    #[test]
    fn no_code_is_of_two_patterns() {
        let places = |pattern: &Pattern| pattern.radices().count();
        for country in &COUNTRIES.countries {
            for (number, one) in country.patterns.iter().enumerate() {
                for other in country.patterns.iter().take(number) {
                    assert!(places(one) != places(other) || one.excludes(other));
                }
            }
        }
    }

    #[test]
    fn table_is_read_whole() {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
        for row in rows {
            let columns: Vec<&str> = row.split('\t').collect();
            let country = Country::named(columns[0]).unwrap();
            let patterns = columns[3].split('|').filter(|it| !it.is_empty());
            assert_eq!(country.patterns.len(), patterns.count(), "{row}");
        }
        assert!(COUNTRIES.countries.len() > 240);
    }
}
