//! Identifiers: the last characters, by which people know their own.

use zeroize::Zeroizing;

use super::HIDDEN;
use super::SHARE;
use super::ending;
use super::hidden;
use super::push_ending;
use crate::format::builtin::date_of_birth::DateLayout;
use crate::format::builtin::phone;
use crate::format::identifier::IdentifierSpec;
use crate::format::product::Openness;
use crate::format::product::Product;
use crate::format::secret_text::SecretText;

/// What the masks of a field's identifiers show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) enum IdentifierMask {
    /// The last four digits.
    Card,
    /// What every token shows, and the last two of all other characters.
    Custom,
    /// The year.
    DateOfBirth(DateLayout),
    /// The country, and the last four characters.
    Iban,
    /// So many of the last characters at the most.
    NationalId { shown_max: usize },
    /// The calling code, and the last two digits.
    Phone,
}

impl IdentifierMask {
    /// The masks of identifiers of this kind.
    pub(in crate::format) fn of(spec: &IdentifierSpec) -> Self {
        match spec {
            IdentifierSpec::Card { .. } => Self::Card,
            IdentifierSpec::Custom(_) => Self::Custom,
            IdentifierSpec::DateOfBirth { layout } => Self::DateOfBirth(*layout),
            IdentifierSpec::Iban { .. } => Self::Iban,
            IdentifierSpec::NationalId { scheme } => {
                let exception = ENDINGS.iter().find(|(name, _)| name == scheme);
                let shown_max = exception.map_or(NATIONAL_ID_MAX, |(_, shown_max)| *shown_max);
                Self::NationalId { shown_max }
            }
            IdentifierSpec::Phone { .. } => Self::Phone,
        }
    }

    /// The mask of a value in canonical form, which its format accepts. `is_token_open` says
    /// whether the tokens of the field show what the format keeps.
    pub(in crate::format) fn apply(
        self,
        canonical: &str,
        product: &Product,
        is_token_open: bool,
    ) -> Zeroizing<String> {
        match self {
            Self::Card => {
                let mut mask = SecretText::with_capacity(HIDDEN.len() + canonical.len() + 1);
                mask.push_str(HIDDEN);
                mask.push(' ');
                push_ending(canonical, CARD_MAX, &mut mask);
                mask.finish()
            }
            Self::Custom => custom(canonical, product, is_token_open).unwrap_or_else(hidden),
            Self::DateOfBirth(layout) => year(canonical, layout),
            Self::Iban => match canonical.split_at_checked(COUNTRY_BYTES) {
                Some((country, rest)) => known_and_ending(country, rest, " ", IBAN_MAX),
                None => hidden(),
            },
            Self::NationalId { shown_max } => ending(canonical, shown_max),
            Self::Phone => phone(canonical).unwrap_or_else(hidden),
        }
    }
}

/// What is known, and the last characters of the rest.
fn known_and_ending(known: &str, rest: &str, space: &str, shown_max: usize) -> Zeroizing<String> {
    let bytes = known.len() + rest.len() + HIDDEN.len() + 2;
    let mut mask = SecretText::with_capacity(bytes);
    mask.push_str(known);
    mask.push(' ');
    mask.push_str(HIDDEN);
    mask.push_str(space);
    push_ending(rest, shown_max, &mut mask);
    mask.finish()
}

fn phone(canonical: &str) -> Option<Zeroizing<String>> {
    let code = format!("+{}", phone::calling_code(canonical)?);
    let national = canonical.strip_prefix(&code)?;
    Some(known_and_ending(&code, national, "", PHONE_MAX))
}

/// The digits of the year, and a bullet for each other.
fn year(canonical: &str, layout: DateLayout) -> Zeroizing<String> {
    let mut mask = SecretText::with_capacity(canonical.len() * BULLET.len_utf8());
    for (character, place) in canonical.chars().zip(layout.name().chars()) {
        mask.push(match place {
            'M' | 'D' => BULLET,
            _ => character,
        });
    }
    mask.finish()
}

/// What tokens show, and the last two of all other letters and digits, unless these are the end of
/// a date or a word, which says more than two characters do.
fn custom(canonical: &str, product: &Product, is_token_open: bool) -> Option<Zeroizing<String>> {
    let openness = product.openness(canonical)?;
    let is_known = |openness: Openness| is_token_open && openness == Openness::Known;
    let of_each = || canonical.chars().zip(openness.iter().copied());
    let is_hidden_sign = |&(character, openness): &(char, Openness)| {
        character.is_alphanumeric() && !is_known(openness)
    };
    let hidden_count = of_each().filter(is_hidden_sign).count();
    let mut last = of_each()
        .filter(is_hidden_sign)
        .skip(hidden_count.saturating_sub(CUSTOM_MAX));
    let is_ending_shown = hidden_count >= CUSTOM_MAX * SHARE
        && last.all(|(_, openness)| openness == Openness::Characters);
    let shown_from = if is_ending_shown {
        hidden_count.saturating_sub(CUSTOM_MAX)
    } else {
        hidden_count
    };
    let mut mask = SecretText::with_capacity(canonical.len() * HIDDEN.len());
    let mut hidden_before = 0;
    let mut is_run = false;
    for (character, openness) in of_each() {
        let is_sign = is_hidden_sign(&(character, openness));
        if is_known(openness) || (is_sign && hidden_before >= shown_from) {
            mask.push(character);
            is_run = false;
        } else if !is_run {
            mask.push_str(HIDDEN);
            is_run = true;
        }
        hidden_before += usize::from(is_sign);
    }
    Some(mask.finish())
}

/// National identifiers whose last characters say too much: a date of birth, letters of the name.
const ENDINGS: [(&str, usize); 2] = [("at_vsnr", 0), ("mx_curp", 2)];

const NATIONAL_ID_MAX: usize = 4;
const CARD_MAX: usize = 4;
const IBAN_MAX: usize = 4;
const PHONE_MAX: usize = 2;
const CUSTOM_MAX: usize = 2;

/// ISO 3166-1 alpha-2.
const COUNTRY_BYTES: usize = 2;

const BULLET: char = '•';
