//! What a field's parts are configured to be.

use thiserror::Error;

use crate::format::spec::FormatKind;

/// Names or addresses in parts, as configured.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StructuredSpec {
    /// What the parts are of.
    pub kind: StructuredKind,
    /// Their names, in the order in which they are one value.
    pub parts: Vec<String>,
    /// Whether a token has its value's country.
    pub country: CountryPart,
    /// What postal codes become.
    pub postal_code: PostalCodes,
}

/// What has parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StructuredKind {
    /// A postal address.
    Address,
    /// The name of a person.
    Name,
}

/// What becomes of the country of an address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CountryPart {
    /// It is enciphered with the rest.
    #[default]
    Enciphered,
    /// The token has it too, where it is a country.
    Kept,
}

/// What becomes of the postal code of an address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PostalCodes {
    /// Another one in the pattern of the kept country, where it has that pattern.
    Pattern,
    /// Letters for letters and digits for digits.
    #[default]
    Shape,
}

/// Why a field's parts are refused. For the operator: what is wrong, then what to do.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum StructuredError {
    /// A country is to be kept that is not there.
    #[error("keep: there is no part `country`\nadd it to parts, or leave keep out")]
    CountryMissing,
    /// The fidelity `opaque` is not served by any format.
    #[error("fidelity: `opaque` is not supported\nset it to `shape` or `outline`")]
    OpaqueUnsupported,
    /// A part is there twice.
    #[error("parts: `{name}` is there twice\nname each part once")]
    PartTwice {
        /// The part.
        name: String,
    },
    /// There is no such part.
    #[error("parts: `{name}` is not known\nchoose from {known}")]
    PartUnknown {
        /// What is named.
        name: String,
        /// What may be.
        known: String,
    },
    /// One part is no structure.
    #[error("parts: there are fewer than two\nname at least two, or leave parts out")]
    PartsTooFew,
    /// Postal codes shall have patterns, and nothing says which.
    #[error(
        "postal_code: `pattern` is that of a kept country\n\
         set keep = [\"country\"], with the parts `country` and `postal_code`"
    )]
    PatternUnknown,
}

/// A part that a field may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) struct PartName {
    pub(in crate::format) name: &'static str,
    pub(in crate::format) role: Role,
    /// A made-up text, for `counterfoil config check`.
    pub(super) example: &'static str,
}

/// What a part means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) enum Role {
    /// A country.
    Country,
    /// The words by which the whole is known: a street, a given name.
    Lead,
    /// A house number.
    Number,
    /// A postal code.
    PostalCode,
    /// A region, often a code of two letters.
    Region,
    /// Other words.
    Words,
}

impl StructuredSpec {
    /// The parts, checked.
    pub(super) fn parts(&self) -> Result<Vec<PartName>, StructuredError> {
        if self.parts.len() < PARTS_MIN {
            return Err(StructuredError::PartsTooFew);
        }
        let known = self.kind.parts();
        let mut parts: Vec<PartName> = Vec::with_capacity(self.parts.len());
        for name in &self.parts {
            let Some(part) = known.iter().find(|part| part.name == name) else {
                let known: Vec<&str> = known.iter().map(|part| part.name).collect();
                return Err(StructuredError::PartUnknown {
                    name: name.clone(),
                    known: known.join(", "),
                });
            };
            if parts.contains(part) {
                let name = name.clone();
                return Err(StructuredError::PartTwice { name });
            }
            parts.push(*part);
        }
        let has = |role: Role| parts.iter().any(|part| part.role == role);
        if self.country == CountryPart::Kept && !has(Role::Country) {
            return Err(StructuredError::CountryMissing);
        }
        let knows_pattern = self.country == CountryPart::Kept && has(Role::PostalCode);
        if self.postal_code == PostalCodes::Pattern && !knows_pattern {
            return Err(StructuredError::PatternUnknown);
        }
        Ok(parts)
    }
}

impl StructuredKind {
    pub(super) fn text(self) -> FormatKind {
        match self {
            Self::Address => FormatKind::Address,
            Self::Name => FormatKind::Name,
        }
    }

    fn parts(self) -> &'static [PartName] {
        match self {
            Self::Address => &ADDRESS,
            Self::Name => &NAME,
        }
    }
}

const fn part(name: &'static str, role: Role, example: &'static str) -> PartName {
    PartName {
        name,
        role,
        example,
    }
}

const ADDRESS: [PartName; 13] = [
    part("recipient", Role::Words, "Ada Lovelace"),
    part("organization", Role::Words, "Analytical Engines"),
    part("line1", Role::Lead, "12 Example Street"),
    part("line2", Role::Lead, ""),
    part("line3", Role::Lead, ""),
    part("street", Role::Lead, "Example Street"),
    part("house_number", Role::Number, "12"),
    part("unit", Role::Words, "Flat 3"),
    part("district", Role::Words, "Old Town"),
    part("city", Role::Words, "Anytown"),
    part("region", Role::Region, "CA"),
    part("postal_code", Role::PostalCode, "94016"),
    part("country", Role::Country, "US"),
];

const NAME: [PartName; 7] = [
    part("prefix", Role::Words, "Dr."),
    part("given", Role::Lead, "Ada"),
    part("middle", Role::Words, "Augusta"),
    part("family", Role::Lead, "Lovelace"),
    part("family2", Role::Words, "Byron"),
    part("suffix", Role::Words, ""),
    part("nickname", Role::Words, ""),
];

/// With fewer there are no boundaries to keep.
const PARTS_MIN: usize = 2;
