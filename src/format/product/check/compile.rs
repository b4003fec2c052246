//! Checks, from their specification.

use super::Algorithm;
use super::Check;
use super::Complement;
use super::Output;
use super::Remainder;
use super::Values;
use crate::format::product::alphabet::Alphabet;
use crate::format::product::error::Fault;
use crate::format::product::error::GrammarError;
use crate::format::product::error::Place;
use crate::format::product::spec::CheckToken;
use crate::format::product::spec::PartSpec;
use crate::format::product::spec::TokenSpec;
use crate::format::product::spelling::Spelling;

impl Check {
    /// The check of a part, which is the one at `own` of `parts_count`, from 0.
    pub(in super::super) fn compile(
        spec: &PartSpec,
        (own, parts_count): (usize, usize),
        spelling: &Spelling,
        place: Place,
    ) -> Result<Self, GrammarError> {
        let name = spec.check.as_deref().unwrap_or_default();
        let (algorithm, output) = algorithm(name, spec, spelling, place)?;
        let alphabet = match &output {
            Output::Digits(_) => Alphabet::new(DIGITS),
            Output::Symbols(symbols) => distinct(symbols, spelling),
        };
        let alphabet = alphabet.map_err(|fault| fault.at(place.key("symbols")))?;
        let token = match &spec.token {
            None => CheckToken::Right,
            Some(TokenSpec::Check(CheckToken::Wrong)) if alphabet.size() < 2 => {
                return Err(Fault::WrongImpossible.at(place.key("token")));
            }
            Some(TokenSpec::Check(token)) => *token,
            Some(TokenSpec::Set(_)) => return Err(Fault::TokenTable.at(place.key("token"))),
        };
        let over = match &spec.over {
            None if algorithm == Algorithm::Iban => {
                (0..parts_count).filter(|&part| part != own).collect()
            }
            None => (0..own).collect(),
            Some(numbers) => over(numbers, own, parts_count, place.key("over"))?,
        };
        Ok(Self {
            algorithm,
            over,
            values: Values::compile(spec, spelling, place.key("values"))?,
            output,
            token,
            alphabet,
        })
    }
}

impl Values {
    fn compile(spec: &PartSpec, spelling: &Spelling, place: Place) -> Result<Self, GrammarError> {
        let mut values = Self::default();
        for (key, &value) in &spec.values {
            spelling.check(key).map_err(|fault| fault.at(place))?;
            let characters_count = key.chars().count();
            let digits_count = value.checked_ilog10().map_or(1, |digits| digits + 1);
            let digits_max = characters_count.max(2);
            if usize::try_from(digits_count).map_or(true, |digits| digits > digits_max) {
                return Err(Fault::ValueInvalid { key: key.clone() }.at(place));
            }
            let mut characters = key.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => {
                    values.characters.insert(character, value);
                }
                _ => {
                    values.texts.insert(key.as_str().into(), value);
                }
            }
        }
        Ok(values)
    }
}

fn algorithm(
    name: &str,
    spec: &PartSpec,
    spelling: &Spelling,
    place: Place,
) -> Result<(Algorithm, Output), GrammarError> {
    let digit = || Output::Symbols(DIGITS.chars().collect());
    let compiled = match name {
        "luhn" => (Algorithm::Luhn, digit()),
        "mod97_10" => (Algorithm::Mod97Radix10, Output::Digits(2)),
        "mod11_10" => (Algorithm::Mod11Radix10, digit()),
        "mod11_2" => {
            let ten = spelling.cased('X');
            let symbols = DIGITS.chars().chain([ten]).collect();
            (Algorithm::Mod11Radix2, Output::Symbols(symbols))
        }
        "verhoeff" => (Algorithm::Verhoeff, digit()),
        "damm" => (Algorithm::Damm, digit()),
        "iban" => (Algorithm::Iban, Output::Digits(2)),
        "remainder" => {
            let (remainder, output) = remainder("remainder", spec, place)?;
            (Algorithm::Remainder(remainder), output)
        }
        "weighted" => {
            let (remainder, output) = remainder("weighted", spec, place)?;
            let missing = Fault::OptionMissing { kind: "weighted" };
            let weights = spec.weights.clone();
            let weights = weights
                .ok_or_else(|| missing.at(place.key("weights")))?
                .into();
            (Algorithm::Weighted { weights, remainder }, output)
        }
        _ => {
            let name = name.to_owned();
            return Err(Fault::CheckUnknown { name }.at(place));
        }
    };
    let kind = NAMES.into_iter().find(|own| *own == name);
    let kind = kind.unwrap_or_default();
    let own: &[&str] = match kind {
        "iban" => &["token", "values"],
        "remainder" => &[
            "token",
            "values",
            "over",
            "modulus",
            "symbols",
            "complement",
            "digits",
        ],
        "weighted" => &[
            "token",
            "values",
            "over",
            "modulus",
            "symbols",
            "complement",
            "digits",
            "weights",
        ],
        _ => &["token", "values", "over"],
    };
    for option in spec.options() {
        if option != "check" && !own.contains(&option) {
            return Err(Fault::OptionUnexpected { kind }.at(place.key(option)));
        }
    }
    Ok(compiled)
}

/// The remainder of a check, and how it is written.
fn remainder(
    kind: &'static str,
    spec: &PartSpec,
    place: Place,
) -> Result<(Remainder, Output), GrammarError> {
    let missing = |key| Fault::OptionMissing { kind }.at(place.key(key));
    let modulus = spec.modulus.ok_or_else(|| missing("modulus"))?;
    if !(2..=MODULUS_MAX).contains(&modulus) {
        let modulus_max = MODULUS_MAX;
        return Err(Fault::Modulus { modulus_max }.at(place.key("modulus")));
    }
    let (output, complement) = match (&spec.symbols, spec.digits) {
        (Some(symbols), None) => {
            let symbols: Box<[char]> = symbols.chars().collect();
            if symbols.is_empty() || u32::try_from(symbols.len()).map_or(true, |n| n > modulus) {
                return Err(Fault::SymbolsCount { modulus }.at(place.key("symbols")));
            }
            (Output::Symbols(symbols), Complement::Symbol)
        }
        (None, Some(digits)) => {
            let is_possible = (1..=DIGITS_MAX).contains(&digits)
                && u32::try_from(digits).is_ok_and(|digits| modulus < 10_u32.pow(digits));
            if !is_possible {
                return Err(Fault::DigitsTooFew { digits, modulus }.at(place.key("digits")));
            }
            (Output::Digits(digits), Complement::Number)
        }
        (Some(_), Some(_)) => {
            return Err(Fault::OptionUnexpected { kind: "symbols" }.at(place.key("digits")));
        }
        (None, None) => return Err(missing("symbols")),
    };
    let complement = match spec.complement {
        Some(true) => complement,
        _ => Complement::No,
    };
    Ok((
        Remainder {
            modulus,
            complement,
        },
        output,
    ))
}

/// The alphabet of symbols of which some may stand for several numbers.
fn distinct(symbols: &[char], spelling: &Spelling) -> Result<Alphabet, Fault> {
    let mut distinct = String::new();
    for &symbol in symbols {
        if !distinct.contains(symbol) {
            distinct.push(symbol);
        }
    }
    spelling.check(&distinct)?;
    Alphabet::new(&distinct)
}

fn over(
    numbers: &[usize],
    own: usize,
    parts_count: usize,
    place: Place,
) -> Result<Box<[usize]>, GrammarError> {
    let mut parts = Vec::new();
    for &number in numbers {
        let part = number.checked_sub(1);
        let part = part.filter(|&part| part != own && part < parts_count);
        parts.push(part.ok_or_else(|| Fault::OverPart { number }.at(place))?);
    }
    parts.sort_unstable();
    parts.dedup();
    Ok(parts.into())
}

/// The checks that there are.
pub(in super::super) const NAMES: [&str; 9] = [
    "luhn",
    "mod97_10",
    "mod11_10",
    "mod11_2",
    "verhoeff",
    "damm",
    "weighted",
    "remainder",
    "iban",
];

const DIGITS: &str = "0123456789";
const DIGITS_MAX: usize = 4;
const MODULUS_MAX: u32 = 9_999;
