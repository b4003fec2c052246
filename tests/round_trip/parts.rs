//! What tokens in parts promise besides: their parts, the country, and the postal code, held
//! against another reading of the table of countries than the program's.

use std::sync::LazyLock;

use counterfoil::domain::Token;
use counterfoil::domain::split_parts;
use counterfoil::format::CountryPart;
use counterfoil::format::Format;
use counterfoil::format::Length;
use counterfoil::format::Parsed;
use counterfoil::format::PostalCodes;
use counterfoil::format::StructuredSpec;
use counterfoil::format::fold;

use super::assert_closed;
use super::mangled;
use super::outline_round_trip;
use super::random;
use super::shape_round_trip;

/// A format in parts, with what it was made of.
pub(crate) struct PartsFormat {
    pub(crate) format: Format,
    pub(crate) spec: StructuredSpec,
    pub(crate) length: Length,
}

/// A country of the table.
pub(crate) struct Country {
    /// Its codes and names.
    names: Vec<&'static str>,
    /// The same, folded.
    folds: Vec<String>,
    /// The patterns of its postal codes, as the table writes them.
    patterns: Vec<&'static str>,
}

impl Country {
    /// One of its names.
    pub(crate) fn name(&self, seed: u64) -> &'static str {
        picked(&self.names, seed)
    }

    /// A postal code of one of its patterns, if it has any.
    pub(crate) fn code(&self, seed: u64) -> Option<String> {
        if self.patterns.is_empty() {
            return None;
        }
        let mut state = seed;
        let sets = sets(picked(&self.patterns, random(&mut state)));
        let character = |set: &Vec<char>| picked(set, random(&mut state));
        Some(sets.iter().map(character).collect())
    }
}

fn picked<T: Copy>(of: &[T], seed: u64) -> T {
    let count = u64::try_from(of.len()).unwrap();
    *of.get(usize::try_from(seed % count).unwrap()).unwrap()
}

/// Makes a shape token and an outline of a value in parts, opens the shape in every spelling that
/// it comes back in, and holds both against the value. Says whether the value has a shape.
pub(crate) fn parts_round_trip(
    it: &PartsFormat,
    parsed: &Parsed,
    state: &mut u64,
    spellings: impl Fn(&str) -> Vec<String>,
) -> bool {
    let (format, value) = (&it.format, parsed.canonical());
    let outline = outline_round_trip(format, parsed, state, mangled_parts);
    it.assert_kept(value, &outline);
    if parsed.shaped().is_err() {
        return false;
    }
    let token = shape_round_trip(format, parsed, state, spellings);
    it.assert_kept(value, &token);
    if it.length == Length::Exact {
        assert_eq!(
            lengths(value),
            lengths(&token),
            "every part keeps its length"
        );
    }
    let (own, other) = (it.place(value), it.place(&token));
    if own.country.is_some() {
        assert_eq!(own, other, "country and pattern of the postal code stay");
    }
    // What is enciphered may come out as a country, or as a code of the country's: the record
    // knows that it is none, and the text alone cannot.
    if own == other {
        assert_closed(format, parsed, &token);
    }
    true
}

/// The country that a token keeps, and which of its patterns the postal code has.
#[derive(Debug, Eq, PartialEq)]
struct Place {
    country: Option<usize>,
    pattern: Option<usize>,
}

impl PartsFormat {
    /// Every part is there, empty where the value's is, and a kept country is as it was.
    fn assert_kept(&self, value: &str, token: &str) {
        let (value, token) = (split_parts(value).unwrap(), split_parts(token).unwrap());
        let names: Vec<&str> = token.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, self.spec.parts);
        for ((name, own), (_, other)) in value.iter().zip(&token) {
            assert_eq!(own.is_empty(), other.is_empty(), "{name}");
        }
        if self.spec.country == CountryPart::Kept
            && let Some(country) = text_of(&value, "country").filter(|it| number_of(it).is_some())
        {
            assert_eq!(text_of(&token, "country"), Some(country));
        }
    }

    fn place(&self, text: &str) -> Place {
        let parts = split_parts(text).unwrap();
        let country = text_of(&parts, "country").filter(|_| self.spec.country == CountryPart::Kept);
        let country = country.and_then(number_of);
        let code = text_of(&parts, "postal_code");
        let code = code.filter(|_| self.spec.postal_code == PostalCodes::Pattern);
        let pattern = country.zip(code).and_then(|(country, code)| {
            let patterns = &COUNTRIES.get(country).unwrap().patterns;
            patterns.iter().position(|pattern| is_of(code, pattern))
        });
        Place { country, pattern }
    }
}

/// What applications do to a token in parts: to each part what they do to a text; and parts come in
/// any order, empty ones or none.
pub(crate) fn mangled_parts(token: &str) -> Vec<String> {
    let parts = split_parts(token).unwrap();
    let changed: Vec<Vec<String>> = parts.iter().map(|(_, text)| mangled(text)).collect();
    let names = || parts.iter().map(|(name, _)| *name);
    let spelling = |number: usize| {
        let texts = changed.iter().map(|texts| texts.get(number).unwrap());
        let mut parts: Vec<(&str, &str)> = names().zip(texts.map(String::as_str)).collect();
        if number % 2 == 1 {
            parts.reverse();
        }
        if number % 3 == 1 {
            parts.retain(|(_, text)| !text.is_empty());
        }
        let token = Token::of_parts(&parts).unwrap();
        token.expose().to_owned()
    };
    let spellings_count = changed.first().map_or(0, Vec::len);
    (0..spellings_count).map(spelling).collect()
}

fn text_of<'text>(parts: &[(&str, &'text str)], name: &str) -> Option<&'text str> {
    let part = parts.iter().find(|(own, _)| *own == name);
    part.map(|(_, text)| *text)
}

fn lengths(text: &str) -> Vec<usize> {
    let parts = split_parts(text).unwrap();
    parts.iter().map(|(_, text)| text.chars().count()).collect()
}

/// The number of the country that a text names.
fn number_of(text: &str) -> Option<usize> {
    let folded = fold(text).to_string();
    COUNTRIES
        .iter()
        .position(|country| country.folds.contains(&folded))
}

/// Whether a postal code is of a pattern.
fn is_of(code: &str, pattern: &str) -> bool {
    let sets = sets(pattern);
    let is_right = |(character, set): (char, &Vec<char>)| set.contains(&character);
    code.chars().count() == sets.len() && code.chars().zip(&sets).all(is_right)
}

/// The characters at each place of a pattern: `9` is a digit, `A` a capital letter, `[ABC]` one of
/// these, and all else is itself.
fn sets(pattern: &str) -> Vec<Vec<char>> {
    let mut rest = pattern.chars();
    let mut sets = Vec::new();
    while let Some(place) = rest.next() {
        sets.push(match place {
            '9' => ('0'..='9').collect(),
            'A' => ('A'..='Z').collect(),
            '[' => rest.by_ref().take_while(|it| *it != ']').collect(),
            literal => vec![literal],
        });
    }
    sets
}

/// The countries of the table.
pub(crate) static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
    let country = |row: &'static str| {
        let columns: Vec<&'static str> = row.split('\t').collect();
        let [code, alpha_3, names, patterns] = columns[..] else {
            panic!("a row has four columns");
        };
        let names: Vec<&str> = names.split('|').chain([code, alpha_3]).collect();
        let patterns = patterns.split('|').filter(|it| !it.is_empty());
        Country {
            folds: names.iter().map(|name| fold(name).to_string()).collect(),
            patterns: patterns.collect(),
            names,
        }
    };
    rows.map(country).collect()
});

const TABLE: &str = include_str!("../../src/format/structured/countries.tsv");
