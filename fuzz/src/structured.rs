//! Formats of names and addresses in parts, and values for them, as the bytes of an input say.

use counterfoil::domain::Fidelity;
use counterfoil::domain::Plaintext;
use counterfoil::domain::Token;
use counterfoil::domain::split_parts;
use counterfoil::format::CountryPart;
use counterfoil::format::Format;
use counterfoil::format::Length;
use counterfoil::format::PostalCodes;
use counterfoil::format::StructuredKind;
use counterfoil::format::StructuredSpec;

use crate::fault;
use crate::input::Input;
use crate::round_trip::parts::COUNTRIES;
use crate::round_trip::parts::PartsFormat;
use crate::round_trip::parts::mangled_parts;
use crate::round_trip::parts::parts_round_trip;

/// A format in parts.
pub struct Layout(PartsFormat);

impl Layout {
    /// The format that an input says: four bytes choose kind, length, what is kept, the parts and
    /// their order. Nothing where there are fewer than two parts.
    pub fn read(input: &mut Input<'_>) -> Option<Self> {
        format(input).map(Self)
    }

    /// A value: the texts of its parts with line ends between them (U+2028 is a line end within a
    /// part). Where the input says so, it is in a country of the table, and its postal code of one
    /// of the country's patterns. Nothing where a text has a character that separates parts.
    pub fn value(&self, input: &mut Input<'_>) -> Option<Plaintext> {
        value(&self.0, input)
    }

    /// Tries a value in parts. Says whether it is one.
    pub fn try_value(&self, value: &Plaintext, seed: u64) -> bool {
        try_parts(&self.0, value, seed)
    }
}

fn format(input: &mut Input<'_>) -> Option<PartsFormat> {
    let options = input.byte();
    let is = |bit: u8| options >> bit & 1 == 1;
    let (kind, names) = match is(0) {
        true => (StructuredKind::Name, &NAME[..]),
        false => (StructuredKind::Address, &ADDRESS[..]),
    };
    let length = if is(1) { Length::Bucket } else { Length::Exact };
    let chosen = u16::from_be_bytes(input.array());
    let mut parts: Vec<String> = names
        .iter()
        .enumerate()
        .filter(|(place, _)| chosen >> place & 1 == 1)
        .map(|(_, name)| (*name).to_owned())
        .collect();
    if parts.len() < 2 {
        return None;
    }
    let places = parts.len();
    parts.rotate_left(usize::from(input.byte()) % places);
    if is(2) {
        parts.reverse();
    }
    let has = |name: &str| parts.iter().any(|own| own == name);
    let is_kept = is(3) && has("country");
    let spec = StructuredSpec {
        kind,
        country: match is_kept {
            true => CountryPart::Kept,
            false => CountryPart::Enciphered,
        },
        postal_code: match is_kept && is(4) && has("postal_code") {
            true => PostalCodes::Pattern,
            false => PostalCodes::Shape,
        },
        parts,
    };
    let format = Format::structured(&spec, Fidelity::Shape, length).expect("a format in parts");
    Some(PartsFormat {
        format,
        spec,
        length,
    })
}

fn value(it: &PartsFormat, input: &mut Input<'_>) -> Option<Plaintext> {
    let placed = input.byte();
    let (country, seed) = (input.below(COUNTRIES.len()), u64::from(input.byte()));
    let country = COUNTRIES.get(country).expect("a country below the end");
    let code = country.code(seed);
    let mut texts = input.text()?.split('\n');
    let texts = it.spec.parts.iter().map(|name| {
        let text = texts.next().unwrap_or_default();
        match (name.as_str(), &code) {
            ("country", _) if placed & 1 == 1 => country.name(seed).to_owned(),
            ("postal_code", Some(code)) if placed & 2 == 2 => code.clone(),
            _ => text.replace('\u{2028}', "\n"),
        }
    });
    let texts: Vec<String> = texts.collect();
    let names = it.spec.parts.iter().map(String::as_str);
    let parts: Vec<(&str, &str)> = names.zip(texts.iter().map(String::as_str)).collect();
    Plaintext::of_parts(&parts).ok()
}

fn try_parts(it: &PartsFormat, value: &Plaintext, seed: u64) -> bool {
    let _ = it.format.recognize(&Token::new(value.expose().to_owned()));
    let Ok(parsed) = it.format.parse(value) else {
        return false;
    };
    let again = Plaintext::new(parsed.canonical().to_owned());
    let again = it.format.parse(&again);
    let again = again.expect("the canonical form is a value");
    assert!(again.canonical() == parsed.canonical() && again.equality() == parsed.equality());
    let mut state = seed;
    parts_round_trip(it, &parsed, &mut state, spellings);
    true
}

/// The token as applications may have it; with a planted fault, with another digit or letter in a
/// part.
fn spellings(token: &str) -> Vec<String> {
    if !fault::is_planted() {
        return mangled_parts(token);
    }
    let parts = split_parts(token).expect("a token in parts");
    let changed: Vec<(&str, String)> = parts
        .iter()
        .map(|(name, text)| (*name, fault::changed(text)))
        .collect();
    let changed: Vec<(&str, &str)> = changed.iter().map(|(name, it)| (*name, &**it)).collect();
    let token = Token::of_parts(&changed).expect("parts of the same names");
    vec![token.expose().to_owned()]
}

const ADDRESS: [&str; 13] = [
    "line1",
    "line2",
    "city",
    "region",
    "postal_code",
    "country",
    "recipient",
    "organization",
    "line3",
    "street",
    "house_number",
    "unit",
    "district",
];

const NAME: [&str; 7] = [
    "given", "middle", "family", "prefix", "family2", "suffix", "nickname",
];
