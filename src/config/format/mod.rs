//! What values of a field look like: `format` with its own keys, and `[formats.NAME]`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::choice;
use crate::domain::Fidelity;
use crate::format::BOTH_ENDS_REFUSED;
use crate::format::CardKeep;
use crate::format::CountryPart;
use crate::format::DateLayout;
use crate::format::Format;
use crate::format::GrammarSpec;
use crate::format::IdentifierError;
use crate::format::IdentifierSpec;
use crate::format::Length;
use crate::format::Mode;
use crate::format::PostalCodes;
use crate::format::StructuredKind;
use crate::format::StructuredSpec;

/// What values of a field look like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FieldFormat {
    /// `"card"`, `"date_of_birth"`, `"iban"`, `"national_id"`, `"phone"`, or the name of a table
    /// `[formats.NAME]`.
    Identifier {
        /// What `format` says.
        name: String,
        /// What that means.
        spec: IdentifierSpec,
    },
    /// `"name"` or `"address"` with `parts`.
    Structured(StructuredSpec),
    /// `"name"`, `"address"`, `"email"`, `"text"` or `"digits"`.
    Text(TextFormat),
}

/// Formats of texts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TextFormat {
    /// A person's postal address.
    Address,
    /// Digits, in groups or not.
    Digits,
    /// An e-mail address.
    Email,
    /// A person's name.
    Name,
    /// A text of any form.
    Text,
}

impl FieldFormat {
    /// The format of texts, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<TextFormat> {
        match self {
            Self::Identifier { .. } => None,
            Self::Structured(spec) => Some(match spec.kind {
                StructuredKind::Address => TextFormat::Address,
                StructuredKind::Name => TextFormat::Name,
            }),
            Self::Text(text) => Some(*text),
        }
    }

    /// What `format` says.
    #[must_use]
    pub fn name(&self) -> &str {
        match (self, self.text()) {
            (Self::Identifier { name, .. }, _) => name,
            (_, Some(TextFormat::Address)) => "address",
            (_, Some(TextFormat::Digits)) => "digits",
            (_, Some(TextFormat::Email)) => "email",
            (_, Some(TextFormat::Name)) => "name",
            (_, Some(TextFormat::Text) | None) => "text",
        }
    }
}

/// The keys of a field that only some formats have.
#[derive(Default)]
pub(super) struct RawOptions {
    /// `keep`: what of a value its token has too. Of a card: `"last4"`, `"first6"` or `"none"`;
    /// default: `"last4"`. Of an address in parts: `["country"]`; default: nothing.
    pub(super) keep: Option<RawKeep>,
    /// `layout`: how dates of birth are written. Default: `"YYYY-MM-DD"`.
    pub(super) layout: Option<String>,
    /// `parts`: the parts of names and addresses that are one value with one token. Default: values
    /// have no parts.
    pub(super) parts: Option<Vec<String>>,
    /// `postal_code`: what the postal code of an address in parts becomes: another one in the
    /// `"pattern"` of the kept country, or what its `"shape"` says. Default: `"pattern"` where the
    /// country is kept, else `"shape"`.
    pub(super) postal_code: Option<String>,
    /// `region`: whose national spellings of phone numbers are read. Default: none.
    pub(super) region: Option<String>,
    /// `scheme`: which national identifier it is.
    pub(super) scheme: Option<String>,
    /// `tokens`: whether the tokens of cards, IBANs and phone numbers are `"marked"`, so that none
    /// is a real one, or may pass as `"valid"`. Default: `"marked"`.
    pub(super) tokens: Option<String>,
}

/// What `keep` says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(untagged)]
pub(super) enum RawKeep {
    /// One word.
    Word(String),
    /// Parts.
    Parts(Vec<String>),
}

impl RawKeep {
    fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Parts(_) => None,
        }
    }
}

/// Checks `[formats]`: every format in it, used or not.
pub(super) fn check_formats(formats: &BTreeMap<String, GrammarSpec>) -> Result<(), ConfigError> {
    for (name, grammar) in formats {
        let table = format!("formats.{name}");
        if FORMATS.iter().any(|(built_in, _)| built_in == name) {
            let problem = "is the name of a built-in format";
            return Err(ConfigError::value(table, problem, "choose another name"));
        }
        let spec = IdentifierSpec::Custom(grammar.clone());
        try_out(&spec).map_err(|error| refused(&table, &error))?;
    }
    Ok(())
}

impl RawOptions {
    /// Reads the format of a field.
    pub(super) fn check(
        &self,
        table: &str,
        name: &str,
        formats: &BTreeMap<String, GrammarSpec>,
    ) -> Result<FieldFormat, ConfigError> {
        let format = match (
            FORMATS.iter().find(|(own, _)| *own == name),
            formats.get(name),
        ) {
            (Some((_, format)), _) => Ok(*format),
            (None, Some(grammar)) => Err(grammar),
            (None, None) => {
                let names: Vec<String> = FORMATS
                    .iter()
                    .map(|(name, _)| format!("\"{name}\""))
                    .collect();
                return Err(ConfigError::value(
                    format!("{table}.format"),
                    "is neither a built-in format nor a table [formats.NAME]",
                    format!("write one of {}, or add the table", names.join(", ")),
                ));
            }
        };
        self.refuse_foreign(table, format.ok())?;
        let spec = match format {
            Ok(BuiltIn::Text(text)) => return self.texts(table, text),
            Ok(BuiltIn::Card) if self.keep_word() == Some("first6+last4") => {
                let (problem, remedy) = BOTH_ENDS_REFUSED
                    .split_once('\n')
                    .unwrap_or((BOTH_ENDS_REFUSED, ""));
                return Err(ConfigError::value(format!("{table}.keep"), problem, remedy));
            }
            Ok(BuiltIn::Card) => IdentifierSpec::Card {
                keep: option(table, "keep", self.keep_word(), &KEEPS)?,
                mode: option(table, "tokens", self.tokens.as_deref(), &MODES)?,
            },
            Ok(BuiltIn::DateOfBirth) => IdentifierSpec::DateOfBirth {
                layout: option(table, "layout", self.layout.as_deref(), &layouts())?,
            },
            Ok(BuiltIn::Iban) => IdentifierSpec::Iban {
                mode: option(table, "tokens", self.tokens.as_deref(), &MODES)?,
            },
            Ok(BuiltIn::NationalId) => IdentifierSpec::NationalId {
                scheme: self.scheme.clone().ok_or_else(|| {
                    ConfigError::value(
                        format!("{table}.scheme"),
                        "is missing",
                        "name one, such as \"us_ssn\"; docs/formats.md has the list",
                    )
                })?,
            },
            Ok(BuiltIn::Phone) => IdentifierSpec::Phone {
                region: self.region.clone(),
                mode: option(table, "tokens", self.tokens.as_deref(), &MODES)?,
            },
            // Compiled when the table was checked.
            Err(grammar) => IdentifierSpec::Custom(grammar.clone()),
        };
        if !matches!(spec, IdentifierSpec::Custom(_)) {
            try_out(&spec).map_err(|error| refused(table, &error))?;
        }
        let name = name.to_owned();
        Ok(FieldFormat::Identifier { name, spec })
    }

    fn keep_word(&self) -> Option<&str> {
        // A list is no word for a card: it is refused as one that is not known.
        self.keep.as_ref().map(|keep| keep.word().unwrap_or("[]"))
    }

    /// The format of texts, in parts or not.
    fn texts(&self, table: &str, text: TextFormat) -> Result<FieldFormat, ConfigError> {
        let kind = match text {
            TextFormat::Address => Some(StructuredKind::Address),
            TextFormat::Name => Some(StructuredKind::Name),
            TextFormat::Digits | TextFormat::Email | TextFormat::Text => None,
        };
        let (Some(kind), Some(parts)) = (kind, &self.parts) else {
            return Ok(FieldFormat::Text(text));
        };
        let country = match &self.keep {
            None => CountryPart::Enciphered,
            Some(RawKeep::Parts(kept)) if kept.is_empty() => CountryPart::Enciphered,
            Some(RawKeep::Parts(kept)) if kept == &["country"] => CountryPart::Kept,
            Some(_) => {
                let problem = "is not [\"country\"], the only part that a token may keep";
                let remedy = "write keep = [\"country\"], or leave it out";
                return Err(ConfigError::value(format!("{table}.keep"), problem, remedy));
            }
        };
        let has_code = parts.iter().any(|part| part == "postal_code");
        let postal_code = match &self.postal_code {
            Some(word) => choice(format!("{table}.postal_code"), word, &POSTAL_CODES)?,
            None if country == CountryPart::Kept && has_code => PostalCodes::Pattern,
            None => PostalCodes::Shape,
        };
        let spec = StructuredSpec {
            kind,
            parts: parts.clone(),
            country,
            postal_code,
        };
        match Format::structured(&spec, Fidelity::Shape, Length::Exact) {
            Ok(_) => Ok(FieldFormat::Structured(spec)),
            Err(error) => Err(refused(table, &error)),
        }
    }

    /// Refuses keys that the format does not have.
    fn refuse_foreign(&self, table: &str, format: Option<BuiltIn>) -> Result<(), ConfigError> {
        let has = |formats: &[BuiltIn]| format.is_some_and(|format| formats.contains(&format));
        let marked = [BuiltIn::Card, BuiltIn::Iban, BuiltIn::Phone];
        let address = BuiltIn::Text(TextFormat::Address);
        let in_parts = self.parts.is_some() && has(&[address]);
        let keys = [
            (
                "parts",
                self.parts.is_some(),
                has(&[address, BuiltIn::Text(TextFormat::Name)]),
                "\"address\" or \"name\"",
            ),
            (
                "postal_code",
                self.postal_code.is_some(),
                in_parts,
                "\"address\" with parts",
            ),
            (
                "keep",
                self.keep.is_some(),
                has(&[BuiltIn::Card]) || in_parts,
                "\"card\", or \"address\" with parts",
            ),
            (
                "layout",
                self.layout.is_some(),
                has(&[BuiltIn::DateOfBirth]),
                "\"date_of_birth\"",
            ),
            (
                "region",
                self.region.is_some(),
                has(&[BuiltIn::Phone]),
                "\"phone\"",
            ),
            (
                "scheme",
                self.scheme.is_some(),
                has(&[BuiltIn::NationalId]),
                "\"national_id\"",
            ),
            (
                "tokens",
                self.tokens.is_some(),
                has(&marked),
                "\"card\", \"iban\" or \"phone\"",
            ),
        ];
        match keys.into_iter().find(|(_, is_set, has, _)| *is_set && !has) {
            Some((key, _, _, formats)) => Err(ConfigError::value(
                format!("{table}.{key}"),
                format!("is only for the format {formats}"),
                "leave it out",
            )),
            None => Ok(()),
        }
    }
}

/// Compiles a format, to refuse it now and not at the first value.
fn try_out(spec: &IdentifierSpec) -> Result<(), IdentifierError> {
    let on_invalid = crate::format::OnInvalid::Reject;
    Format::identifier(spec, Fidelity::Shape, on_invalid).map(drop)
}

/// The error of a format: the part, what is wrong with it, and on its second line the remedy.
fn refused(table: &str, error: &impl ToString) -> ConfigError {
    let text = error.to_string();
    let (problem, remedy) = text.split_once('\n').unwrap_or((&text, ""));
    let (key, problem) = match problem.split_once(": ") {
        Some((part, problem)) => (format!("{table}.{part}"), problem),
        None => (table.to_owned(), problem),
    };
    ConfigError::value(key, problem, remedy)
}

fn option<T: Copy + Default>(
    table: &str,
    key: &str,
    word: Option<&str>,
    words: &[(&str, T)],
) -> Result<T, ConfigError> {
    match word {
        Some(word) => choice(format!("{table}.{key}"), word, words),
        None => Ok(T::default()),
    }
}

fn layouts() -> Vec<(&'static str, DateLayout)> {
    let named = |layout: DateLayout| (layout.name(), layout);
    DateLayout::ALL.map(named).into()
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum BuiltIn {
    Card,
    DateOfBirth,
    Iban,
    NationalId,
    Phone,
    Text(TextFormat),
}

const FORMATS: [(&str, BuiltIn); 10] = [
    ("name", BuiltIn::Text(TextFormat::Name)),
    ("address", BuiltIn::Text(TextFormat::Address)),
    ("email", BuiltIn::Text(TextFormat::Email)),
    ("text", BuiltIn::Text(TextFormat::Text)),
    ("digits", BuiltIn::Text(TextFormat::Digits)),
    ("card", BuiltIn::Card),
    ("date_of_birth", BuiltIn::DateOfBirth),
    ("iban", BuiltIn::Iban),
    ("national_id", BuiltIn::NationalId),
    ("phone", BuiltIn::Phone),
];

const KEEPS: [(&str, CardKeep); 3] = [
    ("last4", CardKeep::Last4),
    ("first6", CardKeep::First6),
    ("none", CardKeep::Nothing),
];

const POSTAL_CODES: [(&str, PostalCodes); 2] = [
    ("pattern", PostalCodes::Pattern),
    ("shape", PostalCodes::Shape),
];

const MODES: [(&str, Mode); 2] = [("marked", Mode::Marked), ("valid", Mode::Valid)];

#[cfg(test)]
mod tests;
