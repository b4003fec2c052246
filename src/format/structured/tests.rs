//! Closure, round trips and boundaries of values in parts.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::domain::DomainSize;
use crate::domain::Fidelity;
use crate::domain::Plaintext;
use crate::domain::Token;
use crate::format::Format;
use crate::format::OutlineSize;
use crate::format::Parsed;

const ADDRESS: [&str; 6] = ["line1", "line2", "city", "region", "postal_code", "country"];
const NAME: [&str; 4] = ["prefix", "given", "middle", "family"];

fn spec(kind: StructuredKind) -> StructuredSpec {
    let (parts, country, postal_code) = match kind {
        StructuredKind::Address => (&ADDRESS[..], CountryPart::Kept, PostalCodes::Pattern),
        StructuredKind::Name => (&NAME[..], CountryPart::Enciphered, PostalCodes::Shape),
    };
    StructuredSpec {
        kind,
        parts: parts.iter().map(|&name| name.to_owned()).collect(),
        country,
        postal_code,
    }
}

fn format_of(kind: StructuredKind, length: Length) -> Format {
    Format::structured(&spec(kind), Fidelity::Shape, length).unwrap()
}

fn address() -> Format {
    format_of(StructuredKind::Address, Length::Exact)
}

fn name() -> Format {
    format_of(StructuredKind::Name, Length::Exact)
}

fn value(names: &[&'static str], texts: &[&str]) -> Plaintext {
    let parts: Vec<(&str, &str)> = names.iter().copied().zip(texts.iter().copied()).collect();
    Plaintext::of_parts(&parts).unwrap()
}

fn parse(format: &Format, names: &[&'static str], texts: &[&str]) -> Parsed {
    format.parse(&value(names, texts)).unwrap()
}

fn texts(parts: &str) -> Vec<&str> {
    let parts = split_parts(parts).unwrap();
    parts.into_iter().map(|(_, text)| text).collect()
}

/// A rank somewhere in the domain.
fn rank(domain: &DomainSize, seed: u64) -> Rank {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state ^ (state >> 29)
    };
    let mut limbs: Vec<u64> = domain.limbs().iter().map(|_| next()).collect();
    let top = domain.limbs().last().unwrap();
    *limbs.last_mut().unwrap() %= top;
    Rank::from_limbs(Zeroizing::new(limbs))
}

/// The last rank.
fn last(domain: &DomainSize) -> Rank {
    let mut limbs = domain.limbs().to_vec();
    for limb in &mut limbs {
        let (less, borrows) = limb.overflowing_sub(1);
        *limb = less;
        if !borrows {
            break;
        }
    }
    Rank::from_limbs(Zeroizing::new(limbs))
}

/// The token at a rank: it is of the slice, and is read back as applications may have written it.
fn assert_closed(format: &Format, parsed: &Parsed, rank: &Rank) -> String {
    let slice = &parsed.shaped().unwrap().slice;
    let token = slice.unrank(rank).unwrap().unwrap();
    let text = token.expose();
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    let parts = split_parts(text).unwrap();
    let reversed: Vec<(&str, &str)> = parts.iter().rev().copied().collect();
    let padded: Vec<(&str, String)> = parts
        .iter()
        .map(|(name, text)| (*name, format!("\u{a0}{} ", text.replace(' ', "  "))))
        .collect();
    let padded: Vec<(&str, &str)> = padded.iter().map(|(name, text)| (*name, &**text)).collect();
    let upper: Vec<(&str, String)> = parts
        .iter()
        .map(|(name, text)| (*name, text.to_uppercase()))
        .collect();
    let upper: Vec<(&str, &str)> = upper.iter().map(|(name, text)| (*name, &**text)).collect();
    let lower: Vec<(&str, String)> = parts
        .iter()
        .map(|(name, text)| (*name, text.to_lowercase()))
        .collect();
    let lower: Vec<(&str, &str)> = lower.iter().map(|(name, text)| (*name, &**text)).collect();
    for spelling in [&parts, &reversed, &padded, &upper, &lower] {
        let spelled = Token::of_parts(spelling).unwrap();
        assert_eq!(*format.fold(spelled.expose()), *format.fold(text));
        let read = format.read_token(&spelled, &residue).unwrap();
        assert!(read.rank.equals(rank), "{text:?}");
        assert_eq!(read.slice.tweak(), slice.tweak());
    }
    let again = format.parse(&Plaintext::new(text.to_owned())).unwrap();
    assert_eq!(again.shaped().unwrap().slice.tweak(), slice.tweak());
    assert!(again.shaped().unwrap().rank.equals(rank));
    text.to_owned()
}

fn assert_restored(format: &Format, parsed: &Parsed) {
    let shaped = parsed.shaped().unwrap();
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    let restored = format.restore(&shaped.slice, &shaped.rank, &residue);
    assert_eq!(restored.unwrap().expose(), parsed.canonical());
}

const ADDRESSES: [[&str; 6]; 11] = [
    [
        "12 Example Street",
        "",
        "San Francisco",
        "CA",
        "94016",
        "US",
    ],
    [
        "12 Example Street",
        "Apt. 4",
        "San Francisco",
        "CA",
        "94016-1234",
        "usa",
    ],
    [
        "221B Baker Street",
        "",
        "London",
        "",
        "NW1 6XE",
        "United Kingdom",
    ],
    [
        "Bâtiment 3\n12 rue de l'Église",
        "",
        "Orléans",
        "",
        "45000",
        "France",
    ],
    ["Hauptstraße 5", "", "Köln", "", "D-50667", "DE"],
    ["24 Sussex Drive", "", "Ottawa", "ON", "K1M 1M4", "CA"],
    ["Damrak 1", "", "Amsterdam", "NH", "1012 LG", "NL"],
    ["丸の内1-9-1", "", "千代田区", "東京都", "100-0005", "JP"],
    [
        "Av. Paulista 1578",
        "",
        "São Paulo",
        "SP",
        "01310-200",
        "Brazil",
    ],
    ["Kwun Tong Road 388", "", "Kowloon", "", "", "HK"],
    [
        "Street of Narnia 7",
        "",
        "Cair Paravel",
        "NA",
        "12345",
        "Narnia",
    ],
];

const NAMES: [[&str; 4]; 5] = [
    ["", "Ada", "", "Lovelace"],
    ["Dr.", "Anna-Lena", "M.", "Müller"],
    ["", "JOSÉ", "", "DE LA CRUZ"],
    ["", "Γιώργος", "", "Παπαδόπουλος"],
    ["", "太郎", "", "山田"],
];

#[test]
fn slices_are_closed_and_values_come_back() {
    for length in [Length::Exact, Length::Bucket] {
        let (address, name) = (
            format_of(StructuredKind::Address, length),
            format_of(StructuredKind::Name, length),
        );
        let addresses = ADDRESSES
            .iter()
            .map(|it| (&address, parse(&address, &ADDRESS, it)));
        let names = NAMES.iter().map(|it| (&name, parse(&name, &NAME, it)));
        for (format, parsed) in addresses.chain(names) {
            let domain = parsed.shaped().unwrap().slice.domain();
            assert!(domain.is_large_enough());
            assert_closed(format, &parsed, &Rank::from_u64(0));
            assert_closed(format, &parsed, &Rank::from_u64(1));
            assert_closed(format, &parsed, &last(domain));
            for seed in 0..50 {
                assert_closed(format, &parsed, &rank(domain, seed));
            }
            assert_restored(format, &parsed);
        }
    }
}

#[test]
fn token_has_the_country_and_its_postal_code() {
    let address = address();
    for it in &ADDRESSES {
        let parsed = parse(&address, &ADDRESS, it);
        let slice = &parsed.shaped().unwrap().slice;
        for seed in 0..50 {
            let token = slice.unrank(&rank(slice.domain(), seed)).unwrap().unwrap();
            let token = texts(token.expose());
            let Some(country) = Country::named(it[5]) else {
                assert_ne!(token[5], it[5], "what is no country is enciphered");
                continue;
            };
            assert_eq!(token[5], it[5]);
            let number = |code: &str| country.pattern_of(code).map(|(number, ..)| number);
            assert_eq!(number(token[4]), number(it[4]), "{}", token[4]);
        }
    }
}

/// Goal: parts stay apart and as they are: empty ones empty, others as long as the value's.
#[test]
fn boundaries_are_kept() {
    let address = address();
    for it in &ADDRESSES {
        let parsed = parse(&address, &ADDRESS, it);
        let slice = &parsed.shaped().unwrap().slice;
        let token = slice.unrank(&rank(slice.domain(), 7)).unwrap().unwrap();
        let lengths = |texts: &[&str]| -> Vec<usize> {
            texts.iter().map(|text| text.chars().count()).collect()
        };
        assert_eq!(lengths(&texts(token.expose())), lengths(it));
    }
    let tweak = |texts: &[&str]| {
        let parsed = parse(&name(), &NAME, texts);
        parsed.shaped().unwrap().slice.tweak().to_vec()
    };
    let one = tweak(&["", "Adaline", "", "Lovelace"]);
    assert_ne!(one, tweak(&["", "Adaline", "Lovelace", ""]));
    assert_ne!(one, tweak(&["", "", "Adaline", "Lovelace"]));
    assert_ne!(one, tweak(&["", "AdalineLovelace", "", ""]));
    assert_eq!(one, tweak(&["", "Bdaline", "", "Byronnnn"]));
    let address_tweak = |country: &str| {
        let texts = ["12 Example Street", "", "Paris", "", "75001", country];
        let parsed = parse(&address, &ADDRESS, &texts);
        parsed.shaped().unwrap().slice.tweak().to_vec()
    };
    assert_ne!(address_tweak("FR"), address_tweak("DE"));
    assert_eq!(address_tweak("FR"), address_tweak("fr"));
}

#[test]
fn equal_values_are_equal_in_any_order_and_spelling() {
    let one = parse(&address(), &ADDRESS, &ADDRESSES[0]);
    let names = ["country", "city", "line1", "region", "postal_code"];
    let texts = [
        "US",
        " San  Francisco",
        "12 Example Street",
        "CA\n",
        "94016",
    ];
    let other = parse(&address(), &names, &texts);
    assert_eq!(one.equality(), other.equality());
    let third = parse(&address(), &ADDRESS, &ADDRESSES[1]);
    assert_ne!(one.equality(), third.equality());
}

#[test]
fn wrong_parts_are_refused() {
    let refused =
        |names: &[&'static str], texts: &[&str]| address().parse(&value(names, texts)).err();
    let empty = Some(FormatError::Empty);
    assert_eq!(refused(&ADDRESS, &["", " ", "", "", "", ""]), empty);
    assert_eq!(refused(&["country"], &["US"]), empty);
    assert_eq!(
        refused(&["given"], &["Ada"]),
        Some(FormatError::PartUnknown)
    );
    let control = FormatError::PartControlCharacter {
        part: 3,
        position: 2,
    };
    assert_eq!(refused(&["city"], &["ab\0c"]), Some(control));
    let too_long = |length_max, unit| Some(FormatError::TooLong { length_max, unit });
    let characters = too_long(1_024, LengthUnit::Characters);
    assert_eq!(
        refused(&["city"], &["a".repeat(1_025).as_str()]),
        characters
    );
    let halves = ["a".repeat(512), "a".repeat(512)];
    let halves = [halves[0].as_str(), halves[1].as_str()];
    assert_eq!(refused(&["city", "line1"], &halves), characters);
    let lines = "a\n".repeat(11);
    assert_eq!(
        refused(&["line1"], &[lines.as_str()]),
        too_long(10, LengthUnit::Lines)
    );
    let plain = Plaintext::new("12 Example Street".to_owned());
    assert_eq!(
        address().parse(&plain).err(),
        Some(FormatError::PartsMissing)
    );
    let text = Format::new(crate::format::FormatSpec::new(
        crate::format::FormatKind::Text,
    ));
    let refused = text.unwrap().parse(&value(&ADDRESS, &ADDRESSES[0])).err();
    assert_eq!(refused, Some(FormatError::PartsUnexpected));
}

#[test]
fn outline_fills_the_parts_that_the_value_fills() {
    for (format, names, it) in [
        (
            address(),
            &ADDRESS[..],
            &["ถนนสุขุมวิท 5", "", "กรุงเทพ", "BK", "10110", "TH"][..],
        ),
        (
            address(),
            &ADDRESS,
            &["ถนนสุขุมวิท 5", "", "", "", "", "Thailand"],
        ),
        (address(), &ADDRESS, &["", "", "", "", "94016", "US"]),
        (address(), &ADDRESS, &["", "", "", "CA", "", "US"]),
        (address(), &ADDRESS, &["A", "B", "C", "", "", ""]),
        (name(), &NAME, &["", "Li", "", "Wu"]),
        (name(), &NAME, &["", "", "", "Li"]),
        (name(), &NAME, &["Dr.", "ประยุทธ์", "X", "Y"]),
    ] {
        let parsed = parse(&format, names, it);
        assert_eq!(parsed.preferred().0, Fidelity::Outline, "{it:?}");
        let outlined = parsed.outlined();
        let mut tokens = 0;
        for seed in 0..30 {
            let rank = rank(&outlined.domain(OutlineSize::Small), seed);
            let Some(token) = outlined.unrank(OutlineSize::Small, &rank).unwrap() else {
                continue;
            };
            tokens += 1;
            assert_eq!(format.recognize(&token), Recognition::Token, "{it:?}");
            let token = texts(token.expose());
            for (own, value) in token.iter().zip(it) {
                assert_eq!(own.is_empty(), value.is_empty());
            }
            if names == ADDRESS {
                assert_eq!(token[5], it[5]);
            }
        }
        assert!(tokens > 20);
        let residue = parsed.residue(Fidelity::Outline).unwrap();
        let restored = format.restore_outline(&residue).unwrap();
        assert_eq!(restored.expose(), parsed.canonical());
    }
}

#[test]
fn values_are_not_recognized_as_tokens() {
    for it in &ADDRESSES {
        let token = Token::of_parts(&ADDRESS.into_iter().zip(*it).collect::<Vec<_>>()).unwrap();
        assert_eq!(address().recognize(&token), Recognition::Unsure);
        assert_eq!(name().recognize(&token), Recognition::NotToken);
    }
    let plain = Token::new("12 Example Street".to_owned());
    assert_eq!(address().recognize(&plain), Recognition::NotToken);
}

/// Goal: no text without parts is found as a token in parts.
#[test]
fn fold_of_parts_is_no_other_texts_fold() {
    let format = name();
    let parts = value(&NAME, &["", "", "", "Ada"]);
    for text in [
        "Ada",
        "\u{1f}\u{1f}\u{1f}ada",
        "\u{1d}ada",
        "\u{1d}given\u{1f}a\u{1d}x\u{1f}",
    ] {
        assert_ne!(*format.fold(text), *format.fold(parts.expose()));
    }
}

#[test]
fn wrong_specifications_are_refused() {
    let with = |parts: &[&str], country, postal_code| StructuredSpec {
        kind: StructuredKind::Address,
        parts: parts.iter().map(|&name| name.to_owned()).collect(),
        country,
        postal_code,
    };
    let refused =
        |spec: StructuredSpec| Format::structured(&spec, Fidelity::Shape, Length::Exact).err();
    let (kept, enciphered) = (CountryPart::Kept, CountryPart::Enciphered);
    let (pattern, shape) = (PostalCodes::Pattern, PostalCodes::Shape);
    for (spec, error) in [
        (with(&["city"], enciphered, shape), "fewer than two"),
        (
            with(&["city", "given"], enciphered, shape),
            "`given` is not known",
        ),
        (
            with(&["city", "city"], enciphered, shape),
            "`city` is there twice",
        ),
        (with(&["city", "region"], kept, shape), "no part `country`"),
        (with(&["city", "country"], kept, pattern), "kept country"),
        (
            with(&["country", "postal_code"], enciphered, pattern),
            "kept country",
        ),
    ] {
        let refused = refused(spec).unwrap().to_string();
        assert!(refused.contains(error), "{refused}");
    }
}

proptest! {
    #[test]
    fn any_parts_are_refused_or_restored(
        texts in proptest::collection::vec("[A-Za-z0-9ßıé山 '.,\n-]{0,12}", 5),
        country in prop::sample::select(&["US", "GB", "Canada", "nl", "", "Narnia"][..]),
        code in prop::sample::select(&["94016", "NW1 6XE", "K1A 0B1", "1012AB", ""][..]),
        seed in any::<u64>(),
    ) {
        let texts = [&texts[0], &texts[1], &texts[2], &texts[3], code, country];
        let format = address();
        if let Ok(parsed) = format.parse(&value(&ADDRESS, &texts)) {
            let again = format.parse(&Plaintext::new(parsed.canonical().to_owned())).unwrap();
            prop_assert_eq!(again.equality(), parsed.equality());
            if let Ok(shaped) = parsed.shaped() {
                let rank = rank(shaped.slice.domain(), seed);
                assert_closed(&format, &parsed, &rank);
                assert_restored(&format, &parsed);
            }
        }
    }

    #[test]
    fn any_residue_and_token_are_refused_or_read(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        texts in proptest::collection::vec(any::<String>(), 6),
    ) {
        let residue = crate::format::Residue::from_bytes(Zeroizing::new(bytes));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let parts: Vec<(&str, &str)> = ADDRESS.into_iter().zip(texts).collect();
        if let Ok(token) = Token::of_parts(&parts) {
            drop(address().read_token(&token, &residue));
            assert!(address().recognize(&token) != Recognition::Token);
            drop(address().parse(&Plaintext::new(token.expose().to_owned())));
        }
    }
}
