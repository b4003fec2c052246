//! The built-in formats: national identifiers, cards, bank accounts, dates of birth, telephones.
//!
//! A token must never be a stranger's real thing. So tokens are *marked* unless the configuration
//! says otherwise: they have a wrong check, or begin with what is never issued, so that no real
//! thing can be like them, and whoever verifies what they are given refuses them.
//!
//! Each is a specification of the language of product formats, for which see `product`.

pub(super) mod card;
pub(super) mod date_of_birth;
pub(super) mod iban;
pub(super) mod national_id;
mod parts;
pub(super) mod phone;

/// Whether tokens can be mistaken for the real thing.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Mode {
    /// Never: they are refused by whoever verifies them.
    #[default]
    Marked,
    /// They pass as real, and may by chance be somebody's.
    Valid,
}
