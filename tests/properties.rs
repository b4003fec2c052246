//! Long runs: what every format promises, for values made at random. `COUNTERFOIL_CASES` says how
//! many for each kind, `COUNTERFOIL_SEED` from which seed.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "properties/parts.rs"]
mod parts;
mod round_trip;

use std::env;

use counterfoil::domain::Fidelity;
use counterfoil::domain::Plaintext;
use counterfoil::format::CardKeep;
use counterfoil::format::DateLayout;
use counterfoil::format::Format;
use counterfoil::format::FormatKind;
use counterfoil::format::FormatSpec;
use counterfoil::format::IdentifierSpec;
use counterfoil::format::Length;
use counterfoil::format::Mode;
use counterfoil::format::OnInvalid;
use counterfoil::format::Parsed;
use proptest::prelude::*;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use round_trip::assert_closed;
use round_trip::mangled;
use round_trip::outline_round_trip;
use round_trip::random_rank;
use round_trip::shape_round_trip;
use unicode_normalization::UnicodeNormalization;

const NAMES: &str = include_str!("corpora/names.tsv");
const ADDRESSES: &str = include_str!("corpora/addresses.tsv");
const EMAILS: &str = include_str!("corpora/emails.tsv");
const CARDS: &str = include_str!("corpora/cards.tsv");
const PHONES: &str = include_str!("corpora/phones.tsv");
/// Enough for a mistake that many values show; a long run has a hundred thousand.
const CASES_USUAL: u32 = 300;

#[test]
fn texts_keep_their_promises() {
    for (kind, corpus) in KINDS {
        let format = text_format(kind, Length::Exact);
        run(&format!("{kind:?}"), &text(corpus), |value, seed| {
            try_text(&format, &value, seed)
        });
    }
}

#[test]
fn texts_of_hidden_length_keep_their_promises() {
    for (kind, corpus) in KINDS {
        if kind != FormatKind::Digits {
            let format = text_format(kind, Length::Bucket);
            run(
                &format!("{kind:?}, bucket"),
                &text(corpus),
                |value, seed| try_text(&format, &value, seed),
            );
        }
    }
}

#[test]
fn identifiers_keep_their_promises() {
    let formats: Vec<(Format, String)> = identifiers()
        .map(|spec| {
            let format = Format::identifier(&spec, Fidelity::Shape, OnInvalid::Outline).unwrap();
            let (example, _) = format.summary().example.unwrap_or_default();
            (format, example)
        })
        .collect();
    let corpus: Vec<&str> = [CARDS, PHONES].iter().flat_map(|it| values(it)).collect();
    let strategy = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..4,
    );
    run("identifiers", &strategy, |(format, row, source), seed| {
        let (format, example) = format.get(&formats);
        let mut state = seed;
        let value = match source {
            0 => (*row.get(&corpus)).to_owned(),
            _ => neighbour(format, example, &mut state).unwrap_or_else(|| example.clone()),
        };
        // A wrong digit, as often as not.
        let value = if source < 2 {
            value
        } else {
            mistyped(&value, &mut state)
        };
        let Ok(parsed) = format.parse(&Plaintext::new(value)) else {
            return Verdict::Refused;
        };
        try_parsed(format, &parsed, seed)
    });
}

/// What became of a value.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Verdict {
    Outline,
    Refused,
    Shape,
}

/// Runs a property with a seed and as many cases as it is asked for, and says so.
fn run<S: Strategy>(name: &str, strategy: &S, property: impl Fn(S::Value, u64) -> Verdict) {
    let number = |name| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    let cases = number("COUNTERFOIL_CASES").unwrap_or(CASES_USUAL);
    let seed = number("COUNTERFOIL_SEED").unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_be_bytes());
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let counts = std::cell::RefCell::new([0_u32; 3]);
    let result =
        TestRunner::new_with_rng(config, random).run(&(strategy, any::<u64>()), |(value, seed)| {
            counts.borrow_mut()[property(value, seed) as usize] += 1;
            Ok(())
        });
    let [outline, refused, shape] = *counts.borrow();
    println!(
        "{name}: {cases} cases, seed {seed}: {shape} shape, {outline} outline, {refused} refused"
    );
    if let Err(error) = result {
        panic!("{name}, seed {seed}: {error}");
    }
    assert!(shape > cases / 20, "{name}: too few values have a shape");
}

/// Round trip, closure and fold for a value and for another spelling of it; equal values have equal
/// slices and ranks.
fn try_text(format: &Format, value: &str, seed: u64) -> Verdict {
    let Ok(parsed) = format.parse(&Plaintext::new(value.to_owned())) else {
        return Verdict::Refused;
    };
    let mut spelled: String = value.nfd().collect();
    spelled = spelled.replace('\'', "\u{2019}").replace('-', "\u{2010}");
    // A quoted local part keeps its spaces; others have none.
    if !value.contains('@') {
        spelled = format!(" {} ", spelled.replace(' ', "\u{a0} "));
    }
    if let Ok(other) = format.parse(&Plaintext::new(spelled))
        && other.equality() == parsed.equality()
        && let (Ok(one), Ok(other)) = (parsed.shaped(), other.shaped())
    {
        assert_eq!(one.slice.tweak(), other.slice.tweak());
        assert!(one.rank.equals(&other.rank));
    }
    try_parsed(format, &parsed, seed)
}

fn try_parsed(format: &Format, parsed: &Parsed, seed: u64) -> Verdict {
    let again = format
        .parse(&Plaintext::new(parsed.canonical().to_owned()))
        .unwrap();
    assert_eq!(again.equality(), parsed.equality());
    assert_eq!(again.canonical(), parsed.canonical());
    let mut state = seed;
    if parsed.shaped().is_err() {
        outline_round_trip(format, parsed, &mut state, mangled);
        return Verdict::Outline;
    }
    let token = shape_round_trip(format, parsed, &mut state, mangled);
    // A token of an identifier may be of another set than its values.
    if format.digest().is_none() {
        assert_closed(format, parsed, &token);
    }
    Verdict::Shape
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

/// Texts of classes and kept characters, pieces of real values put together, or anything.
fn text(corpus: &'static str) -> impl Strategy<Value = String> {
    let rows: Vec<&'static str> = values(corpus).collect();
    let spliced = (
        prop::sample::select(rows.clone()),
        prop::sample::select(rows),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    );
    let spliced = spliced.prop_map(|(one, other, first, second)| {
        let one: Vec<char> = one.chars().collect();
        let other: Vec<char> = other.chars().collect();
        let head = &one[..first.index(one.len() + 1)];
        let tail = &other[second.index(other.len() + 1)..];
        head.iter()
            .chain(tail)
            .collect::<String>()
            .replace("\\n", "\n")
    });
    prop_oneof![
        2 => spliced,
        2 => "[A-Za-z0-9ßıİẞéŁșσςΐΆбЁґԱբბשآۓがーヷ々一힣٣ '’.,-]{1,40}",
        1 => "[0-9٣४ ()+/.,-]{6,30}",
        1 => "[a-z0-9._+-]{1,30}@[a-z]{1,9}\\.(com|example|org)",
        1 => any::<String>(),
    ]
}

fn values(corpus: &'static str) -> impl Iterator<Item = &'static str> {
    corpus
        .lines()
        .filter_map(|line| Some(line.split_once('\t')?.1))
}

/// Another value of the slice of this one.
fn neighbour(format: &Format, value: &str, state: &mut u64) -> Option<String> {
    let parsed = format.parse(&Plaintext::new(value.to_owned())).ok()?;
    let shaped = parsed.shaped().ok()?;
    let rank = random_rank(shaped.slice.domain(), state);
    let residue = parsed.residue(Fidelity::Shape).ok()?;
    let other = format.restore(&shaped.slice, &rank, &residue).ok()?;
    Some(other.expose().to_owned())
}

/// The value with one digit another.
fn mistyped(value: &str, state: &mut u64) -> String {
    let mut characters: Vec<char> = value.chars().collect();
    let seed = round_trip::random(state);
    let place = usize::try_from(seed % 1_000).unwrap() % characters.len().max(1);
    if let Some(character) = characters.get_mut(place).filter(|it| it.is_ascii_digit()) {
        *character = char::from(b'0' + u8::try_from(seed / 1_000 % 10).unwrap());
    }
    characters.into_iter().collect()
}

fn identifiers() -> impl Iterator<Item = IdentifierSpec> {
    let mut specs = Vec::new();
    for mode in [Mode::Marked, Mode::Valid] {
        for keep in [CardKeep::Last4, CardKeep::First6, CardKeep::Nothing] {
            specs.push(IdentifierSpec::Card { keep, mode });
        }
        specs.push(IdentifierSpec::Iban { mode });
        for region in [None, Some("GB"), Some("US")] {
            let region = region.map(str::to_owned);
            specs.push(IdentifierSpec::Phone { region, mode });
        }
    }
    specs.extend(DateLayout::ALL.map(|layout| IdentifierSpec::DateOfBirth { layout }));
    let files = std::fs::read_dir("src/format/builtin/national_id").unwrap();
    let mut schemes: Vec<String> = files
        .filter_map(|file| file.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    schemes.sort();
    assert_eq!(schemes.len(), 52);
    specs.extend(
        schemes
            .into_iter()
            .map(|scheme| IdentifierSpec::NationalId { scheme }),
    );
    specs.into_iter()
}

const KINDS: [(FormatKind, &str); 5] = [
    (FormatKind::Address, ADDRESSES),
    (FormatKind::Digits, PHONES),
    (FormatKind::Email, EMAILS),
    (FormatKind::Name, NAMES),
    (FormatKind::Text, ADDRESSES),
];
