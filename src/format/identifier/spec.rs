//! What a field's identifiers are configured to be.

use thiserror::Error;

use crate::format::builtin::Mode;
use crate::format::builtin::card::CardKeep;
use crate::format::builtin::date_of_birth::DateLayout;
use crate::format::product::GrammarError;
use crate::format::product::GrammarSpec;

/// What a field's identifiers are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IdentifierSpec {
    /// Payment cards.
    Card {
        /// Which digits the token has too.
        keep: CardKeep,
        /// Whether tokens can be mistaken for cards.
        mode: Mode,
    },
    /// The operator's own.
    Custom(GrammarSpec),
    /// Dates of birth.
    DateOfBirth {
        /// How they are written.
        layout: DateLayout,
    },
    /// Bank accounts.
    Iban {
        /// Whether tokens can be mistaken for accounts.
        mode: Mode,
    },
    /// National identifiers.
    NationalId {
        /// The name of the scheme, such as `us_ssn`.
        scheme: String,
    },
    /// Telephone numbers.
    Phone {
        /// The region whose national spellings are read, after ISO 3166-1 alpha-2; nothing:
        /// international ones only.
        region: Option<String>,
        /// Whether tokens can be mistaken for numbers.
        mode: Mode,
    },
}

/// Why a field's identifiers are refused. For the operator: what is wrong, then what to do.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum IdentifierError {
    /// A part of the specification is wrong.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// The fidelity `opaque` is not served by any format.
    #[error("fidelity `opaque` is not supported\nset fidelity to `shape` or `outline`")]
    OpaqueUnsupported,
    /// There is no such region.
    #[error(
        "region is not a region with a numbering plan\n\
         write it after ISO 3166-1, in capital letters, such as \"US\""
    )]
    RegionUnknown,
    /// There is no such scheme.
    #[error("scheme is not a national identifier that is known\nsee docs/formats.md for the list")]
    SchemeUnknown,
}
