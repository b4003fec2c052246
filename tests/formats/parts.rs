//! The corpora in parts: American addresses cut at their commas and lines, names at their spaces.

use counterfoil::domain::Fidelity;
use counterfoil::domain::Plaintext;
use counterfoil::domain::Token;
use counterfoil::domain::split_parts;
use counterfoil::format::CountryPart;
use counterfoil::format::Format;
use counterfoil::format::Length;
use counterfoil::format::OutlineSize;
use counterfoil::format::PostalCodes;
use counterfoil::format::StructuredKind;
use counterfoil::format::StructuredSpec;

use crate::ADDRESSES;
use crate::NAMES;
use crate::round_trip::mangled;
use crate::round_trip::moved;
use crate::round_trip::random_rank;
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

fn structured(kind: StructuredKind, length: Length) -> Format {
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
    Format::structured(&spec, Fidelity::Shape, length).unwrap()
}

/// The parts of a token with each of them changed as applications do.
fn spellings(token: &str) -> Vec<Token> {
    let parts = split_parts(token).unwrap();
    let changed: Vec<Vec<String>> = parts.iter().map(|(_, text)| mangled(text)).collect();
    let spelling = |number: usize| {
        let texts = changed.iter().map(|texts| texts[number].as_str());
        let names = parts.iter().map(|(name, _)| *name);
        let parts: Vec<(&str, &str)> = names.zip(texts).collect();
        Token::of_parts(&parts).unwrap()
    };
    let spellings_count = changed.first().map_or(0, Vec::len);
    (0..spellings_count).map(spelling).collect()
}

/// Tokens of both fidelities come back to their value; returns how many had a shape.
fn round_trip(
    kind: StructuredKind,
    length: Length,
    names: &[&str],
    values: &[Vec<String>],
) -> usize {
    let format = structured(kind, length);
    let mut state = 11;
    let mut shapes_count = 0;
    for value in values {
        let texts = value.iter().map(String::as_str);
        let parts: Vec<(&str, &str)> = names.iter().copied().zip(texts).collect();
        let parsed = format.parse(&Plaintext::of_parts(&parts).unwrap()).unwrap();
        let canonical = split_parts(parsed.canonical()).unwrap();
        let empty = |parts: &[(&str, &str)]| -> Vec<bool> {
            parts.iter().map(|(_, text)| text.is_empty()).collect()
        };
        let outlined = parsed.outlined();
        let rank = random_rank(&outlined.domain(OutlineSize::Small), &mut state);
        if let Some(token) = outlined.unrank(OutlineSize::Small, &rank).unwrap() {
            let parts = split_parts(token.expose()).unwrap();
            assert_eq!(empty(&parts), empty(&canonical));
        }
        let Ok(shaped) = parsed.shaped() else {
            continue;
        };
        shapes_count += 1;
        let domain = shaped.slice.domain();
        assert!(domain.is_large_enough());
        let step = random_rank(domain, &mut state);
        let rank = moved(&shaped.rank, &step, domain, false);
        let token = shaped.slice.unrank(&rank).unwrap().unwrap();
        let residue = parsed.residue(Fidelity::Shape).unwrap();
        for spelling in spellings(token.expose()) {
            let folded = format.fold(spelling.expose());
            assert_eq!(*folded, *format.fold(token.expose()));
            let read = format.read_token(&spelling, &residue).unwrap();
            assert_eq!(read.slice.tweak(), shaped.slice.tweak());
            let rank = moved(&read.rank, &step, read.slice.domain(), true);
            let restored = format.restore(&read.slice, &rank, &residue).unwrap();
            assert_eq!(restored.expose(), parsed.canonical());
        }
        let token = split_parts(token.expose()).unwrap();
        assert_eq!(empty(&token), empty(&canonical));
        if kind == StructuredKind::Address {
            assert_eq!(token[5].1, "US");
            assert!(token[4].1.len() == 5 && token[4].1.parse::<u32>().is_ok());
        }
    }
    shapes_count
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
