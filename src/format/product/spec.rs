//! The specification of a product format, as it is written in the configuration and in the
//! built-in formats. Only its spelling is checked here; `compile` says what it means.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::IntoDeserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

/// A format as a sequence of parts, or as several such sequences.
///
/// ```
/// use counterfoil::format::GrammarSpec;
///
/// let spec: GrammarSpec = toml::from_str(
///     r#"
///     case = "upper"
///     ignore = " "
///     parts = [
///         { literal = "M" },
///         { class = "digit", length = [6, 9] },
///         { check = "luhn" },
///     ]
///     "#,
/// )?;
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct GrammarSpec {
    /// `case`: the letter case of the canonical form. Default: `"keep"`.
    pub case: CaseSpec,
    /// `ignore`: characters that are dropped from values, and from tokens when they are read.
    /// Default: none. Example: `" .-"`.
    pub ignore: String,
    /// `parts`: the parts of the only form.
    pub parts: Option<Vec<PartSpec>>,
    /// `forms`: the alternative forms, instead of `parts`.
    pub forms: Option<Vec<FormSpec>>,
}

/// One of several forms of a format.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct FormSpec {
    /// `parts`: its parts, in order.
    pub parts: Vec<PartSpec>,
}

/// The letter case of the canonical form.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum CaseSpec {
    /// As it is written.
    #[default]
    Keep,
    /// Lower case, where that is one character.
    Lower,
    /// Upper case, where that is one character.
    Upper,
}

/// A part of a form: a finite set of texts, of which a value has one. Exactly one of `literal`,
/// `one_of`, `class`, `alphabet`, `integer`, `date` and `check` says which kind of part it is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct PartSpec {
    /// `literal`: one text. Example: `"M-"`.
    pub literal: Option<String>,
    /// `one_of`: one of these texts, at most 1,000.
    pub one_of: Option<Vec<String>>,
    /// `class`: characters of a named class: `digit`, `upper`, `lower`, `alnum_upper`,
    /// `alnum_lower`, `hex_upper`, `hex_lower`, `base32` or `crockford32`.
    pub class: Option<String>,
    /// `alphabet`: characters of this alphabet.
    pub alphabet: Option<String>,
    /// `length`: how many characters of a class or alphabet there are, or the least and the most.
    /// A token has as many as its value. At most 64.
    pub length: Option<LengthSpec>,
    /// `integer`: a decimal number between these two, both included, or in one of several such
    /// ranges. Example: `[[1, 12], [21, 32]]`.
    pub integer: Option<IntegersSpec>,
    /// `width`: how many digits an integer has, with leading zeros. Default: no leading zeros,
    /// and then a token may have another length than its value.
    pub width: Option<usize>,
    /// `date`: a day between these two, both included, or in one of several such ranges, written
    /// as `YYYY-MM-DD`.
    pub date: Option<DatesSpec>,
    /// `layout`: how dates are written: `YYYY`, `MM` and `DD` in any order, with separators.
    pub layout: Option<String>,
    /// `check`: check characters over other parts: `luhn`, `mod97_10`, `mod11_10`, `mod11_2`,
    /// `verhoeff`, `damm`, `weighted`, `remainder` or `iban`.
    pub check: Option<String>,
    /// `over`: the parts that a check covers, from 1. Default: all parts before it.
    pub over: Option<Vec<usize>>,
    /// `values`: what a check counts characters as. Default: digits as themselves, letters as 10
    /// to 35. A longer key stands for the whole text of a part, and counts as its number written
    /// with as many digits as the key has characters. Example: `{ X = 0, "2A" = 19 }`.
    pub values: BTreeMap<String, u32>,
    /// `weights`: of a `weighted` check, one for each character that it covers.
    pub weights: Option<Vec<u32>>,
    /// `modulus`: of a `weighted` or `remainder` check.
    pub modulus: Option<u32>,
    /// `symbols`: the check character for each remainder, from 0. A remainder without one means
    /// that there is no such number.
    pub symbols: Option<String>,
    /// `complement`: whether the check is the modulus less the remainder. Default: false.
    pub complement: Option<bool>,
    /// `digits`: how many decimal digits a check has, instead of `symbols`.
    pub digits: Option<usize>,
    /// `optional`: whether values may lack the part; a token lacks it if its value does. Default:
    /// false.
    pub optional: Option<bool>,
    /// `keep`: whether the token has what the value has. Default: false.
    pub keep: Option<bool>,
    /// `token`: what tokens have here instead: another set, or for a check `"right"`, the
    /// default, or `"wrong"`.
    pub token: Option<TokenSpec>,
}

/// How many characters there are.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(untagged, expecting = "length is a number, or the least and the most")]
pub enum LengthSpec {
    /// So many.
    Exact(usize),
    /// The least and the most.
    Range([usize; 2]),
}

/// Which integers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(
    untagged,
    expecting = "integer is a pair of numbers like [1, 366], or several pairs"
)]
pub enum IntegersSpec {
    /// From the first to the second, both included.
    Range([u64; 2]),
    /// In one of these ranges.
    Ranges(Vec<[u64; 2]>),
}

/// Which days.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(
    untagged,
    expecting = "date is a pair of days like [\"1900-01-01\", \"2099-12-31\"], or several pairs"
)]
pub enum DatesSpec {
    /// From the first to the second, both included.
    Range([String; 2]),
    /// In one of these ranges.
    Ranges(Vec<[String; 2]>),
}

/// What tokens have in the place of a part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokenSpec {
    /// Whether a token's check is right.
    Check(CheckToken),
    /// A text of another set.
    Set(Box<SetSpec>),
}

/// Whether the check of a token is right.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum CheckToken {
    /// It is what it would be in a value.
    #[default]
    Right,
    /// It is one step off, so that the token can never be a value.
    Wrong,
}

/// A finite set of texts. The fields are those of [`PartSpec`].
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct SetSpec {
    /// `literal`: one text.
    pub literal: Option<String>,
    /// `one_of`: one of these texts.
    pub one_of: Option<Vec<String>>,
    /// `class`: characters of a named class.
    pub class: Option<String>,
    /// `alphabet`: characters of this alphabet.
    pub alphabet: Option<String>,
    /// `length`: how many. Default: as many as the value has.
    pub length: Option<LengthSpec>,
    /// `integer`: a decimal number in one of these ranges.
    pub integer: Option<IntegersSpec>,
    /// `width`: how many digits an integer has, with leading zeros.
    pub width: Option<usize>,
    /// `date`: a day in one of these ranges.
    pub date: Option<DatesSpec>,
    /// `layout`: how dates are written. Default: as the value is.
    pub layout: Option<String>,
}

impl PartSpec {
    /// The keys that are set.
    pub(super) fn options(&self) -> Vec<&'static str> {
        let options = [
            ("literal", self.literal.is_some()),
            ("one_of", self.one_of.is_some()),
            ("class", self.class.is_some()),
            ("alphabet", self.alphabet.is_some()),
            ("length", self.length.is_some()),
            ("integer", self.integer.is_some()),
            ("width", self.width.is_some()),
            ("date", self.date.is_some()),
            ("layout", self.layout.is_some()),
            ("check", self.check.is_some()),
            ("over", self.over.is_some()),
            ("values", !self.values.is_empty()),
            ("weights", self.weights.is_some()),
            ("modulus", self.modulus.is_some()),
            ("symbols", self.symbols.is_some()),
            ("complement", self.complement.is_some()),
            ("digits", self.digits.is_some()),
            ("optional", self.optional.is_some()),
            ("keep", self.keep.is_some()),
            ("token", self.token.is_some()),
        ];
        let set = options.into_iter().filter(|(_, is_set)| *is_set);
        set.map(|(key, _)| key).collect()
    }
}

impl From<SetSpec> for PartSpec {
    fn from(set: SetSpec) -> Self {
        Self {
            literal: set.literal,
            one_of: set.one_of,
            class: set.class,
            alphabet: set.alphabet,
            length: set.length,
            integer: set.integer,
            width: set.width,
            date: set.date,
            layout: set.layout,
            ..Self::default()
        }
    }
}

impl<'de> Deserialize<'de> for TokenSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TokenVisitor)
    }
}

/// Tells a word from a table, so that an error in the table is reported as such.
struct TokenVisitor;

impl<'de> Visitor<'de> for TokenVisitor {
    type Value = TokenSpec;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table like { class = \"upper\" }, or for a check \"wrong\"")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<TokenSpec, E> {
        CheckToken::deserialize(word.into_deserializer()).map(TokenSpec::Check)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<TokenSpec, A::Error> {
        let set = SetSpec::deserialize(MapAccessDeserializer::new(table))?;
        Ok(TokenSpec::Set(Box::new(set)))
    }
}
