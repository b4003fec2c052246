//! Specifications that somebody got wrong in ways that nobody thought of.

use super::super::error::Fault;
use super::*;

/// Goal: no text of a configuration makes the program panic, or a format that fails itself.
/// Method: valid specifications, with pieces exchanged, doubled, dropped and changed.
#[test]
fn mutated_specifications_are_refused_or_sound() {
    let mut sampler = Sampler::new(47);
    let (mut read_count, mut loaded_count) = (0, 0);
    for case in 0..u64::from(cases_count(2_000)) {
        let specs_count = u64::try_from(golden::SPECS.len()).unwrap();
        let base = usize::try_from(case % specs_count).unwrap();
        let mut spec = golden::SPECS[base].to_owned();
        for _ in 0..=sampler.below(4) {
            spec = mutated(&spec, &mut sampler);
        }
        let Ok(parsed) = toml::from_str::<GrammarSpec>(&spec) else {
            continue;
        };
        read_count += 1;
        match Product::new(&parsed) {
            Ok(product) => {
                loaded_count += 1;
                assert!(product.slices().smallest_bits >= 20, "{spec}");
                for text in ["", "0", "M-123456", &spec] {
                    accepted(&product, text);
                    product.read_token(&fold(text));
                    product.recognize(&fold(text));
                }
            }
            Err(error) => {
                let is_own_fault = matches!(*error.fault, Fault::NotClosed { .. });
                assert!(!is_own_fault, "{error}\n{spec}");
                assert!(error.to_string().contains('\n'), "{error}");
            }
        }
    }
    assert!(
        read_count > 200 && loaded_count > 50,
        "{read_count} {loaded_count}"
    );
}

/// Some tokens of the text are exchanged for others of their kind, or dropped, or doubled.
fn mutated(spec: &str, sampler: &mut Sampler) -> String {
    let mut tokens = tokens(spec);
    let mut pick =
        |end: usize| usize::try_from(sampler.below(u32::try_from(end).unwrap())).unwrap();
    let changeable: Vec<usize> = (0..tokens.len())
        .filter(|&place| kind(tokens[place]) < 3)
        .collect();
    let one = changeable[pick(changeable.len())];
    let other = changeable[pick(changeable.len())];
    let like: Vec<&str> = tokens
        .iter()
        .copied()
        .chain(WORDS)
        .filter(|word| kind(word) == kind(tokens[one]))
        .collect();
    let replacement = like[pick(like.len())];
    match pick(12) {
        0 => tokens.swap(one, other),
        1 => {
            tokens.remove(one);
        }
        2 => tokens.insert(one, tokens[other]),
        _ => tokens[one] = replacement,
    }
    tokens.concat()
}

/// Splits into quoted texts, words, numbers, and single characters.
fn tokens(spec: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = spec;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            '\'' => rest
                .match_indices('\'')
                .nth(1)
                .map_or(rest.len(), |(end, _)| end + 1),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

/// Whether it is a quoted text, a word, a number or a character.
fn kind(token: &str) -> u8 {
    match token.chars().next() {
        Some('\'') => 0,
        Some('0'..='9') => 1,
        Some(first) if first.is_alphabetic() => 2,
        _ => 3,
    }
}

const WORDS: [&str; 44] = [
    "0",
    "1",
    "2",
    "3",
    "10",
    "11",
    "64",
    "65",
    "4294967295",
    "18446744073709551615",
    "''",
    "' '",
    "'A'",
    "'AB'",
    "'é'",
    "'\u{202e}'",
    "'digit'",
    "'upper'",
    "'base32'",
    "'luhn'",
    "'iban'",
    "'mod11_2'",
    "'verhoeff'",
    "'wrong'",
    "'right'",
    "'weighted'",
    "'9999-12-31'",
    "'0001-01-01'",
    "'DDMMYYYY'",
    "true",
    "false",
    "literal",
    "class",
    "alphabet",
    "integer",
    "keep",
    "optional",
    "token",
    "width",
    "length",
    "over",
    "check",
    "modulus",
    "digits",
];
