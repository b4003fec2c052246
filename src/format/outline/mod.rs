//! Outlines: tokens of a small fixed-size language, valid as their kind and readable aloud.
//!
//! ```text
//! name      Dalgi Ninlental                 small: short word, checked word    2^34
//!                                           large: long word, checked word     2^42
//!           Digits and texts get the same.
//! e-mail    zinret.burzuril@tok.example     likewise
//! address   5477 Muzolgak Street, Tinvunbe  number, long word, kind of street, checked word  2^58
//! ```
//!
//! A value in parts gets the same words in two of its parts, and something of their kind in others.
//!
//! A checked word is a long word whose last inner syllable is a public check of all that is before
//! and after it, so that a token is recognised, and a typing error caught, without the vault.

mod check;
mod deny;
mod pieces;
mod tag;
mod word;

use std::fmt;

use zeroize::Zeroizing;

use super::FormatKind;
use super::error::FormatError;
use super::fold::fold;
use super::frame::Frame;
use super::secret_text::SecretText;
use super::style::Style;
use crate::domain::DomainSize;
use crate::domain::Rank;
use crate::domain::Token;
pub(super) use pieces::Piece;
pub(super) use pieces::Pieces;
pub(super) use pieces::with_ends;
pub(super) use tag::DomainTag;
pub(super) use tag::TAG_OCTETS_MAX;
use word::WordLength;

/// How large the language of an outline is. Addresses have one size only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OutlineSize {
    /// 2^34 words for names and e-mails, up to 10^7 live tokens.
    Small,
    /// 2^42 words for names and e-mails.
    Large,
}

/// The outlines that a value may get: they share its kind and its style of capital letters.
pub struct Outlined {
    kind: FormatKind,
    style: Style,
    frame: Frame,
    /// Of a value in parts.
    pieces: Option<Pieces>,
}

impl Outlined {
    pub(super) fn new(kind: FormatKind, style: Style, frame: Frame) -> Self {
        Self {
            kind,
            style,
            frame,
            pieces: None,
        }
    }

    /// The same in parts.
    pub(super) fn in_parts(self, pieces: Pieces) -> Self {
        let pieces = Some(pieces);
        Self { pieces, ..self }
    }

    /// How many outlines there are, with those that are denied.
    #[must_use]
    pub fn domain(&self, size: OutlineSize) -> DomainSize {
        let mut domain = DomainSize::one();
        for radix in self.radices(size) {
            domain.multiply(radix);
        }
        domain
    }

    /// The outline at this place, or nothing where it is denied and another rank has to be drawn:
    /// its words are a real name or rude.
    ///
    /// # Errors
    ///
    /// If the rank is not below the size of the language, or the token has to have a tag for its
    /// value's domain and none was set.
    pub fn unrank(&self, size: OutlineSize, rank: &Rank) -> Result<Option<Token>, FormatError> {
        if !rank.is_in(&self.domain(size)) {
            return Err(FormatError::RankOutsideDomain);
        }
        let all_radices = self.radices(size);
        let mut rest = Rank::from_limbs(Zeroizing::new(rank.expose_limbs().to_vec()));
        let mut symbols = Zeroizing::new(vec![0; all_radices.len()]);
        for (radix, symbol) in all_radices.iter().zip(symbols.iter_mut()).rev() {
            *symbol = rest.divide(*radix);
        }
        let own_count = radices(self.kind, size).len();
        let (own, others) = symbols
            .split_at_checked(own_count)
            .ok_or(FormatError::RankOutsideDomain)?;
        let Some(words) = self.write(own) else {
            return Ok(None);
        };
        if let Some(pieces) = &self.pieces {
            let text = pieces.write(&words, others, self.style)?;
            return Ok(text.map(|text| Token::new(text.into_string())));
        }
        let mut styled = SecretText::with_capacity(words.len());
        styled.extend(self.style.apply(&words));
        let text = self.frame.around(styled)?;
        Ok(Some(Token::new(text.into_string())))
    }

    pub(super) fn frame(&self) -> &Frame {
        &self.frame
    }

    pub(super) fn set_tag(&mut self, tag: &DomainTag) {
        self.frame.set_tag(tag);
    }

    fn radices(&self, size: OutlineSize) -> Vec<u32> {
        let mut radices = radices(self.kind, size);
        radices.extend(self.pieces.iter().flat_map(Pieces::radices));
        radices
    }

    /// The text in lower case, unless a word is denied.
    fn write(&self, symbols: &[u32]) -> Option<SecretText> {
        let (number, symbols) = match self.kind {
            FormatKind::Address => symbols.split_first().map(|(&n, rest)| (Some(n), rest))?,
            FormatKind::Digits | FormatKind::Email | FormatKind::Name | FormatKind::Text => {
                (None, symbols)
            }
        };
        let (before, checked) = symbols.split_last_chunk::<CHECKED_SYMBOLS>()?;
        let (first, kind) = match self.kind {
            FormatKind::Address => before.split_last().map(|(&k, rest)| (rest, Some(k)))?,
            FormatKind::Digits | FormatKind::Email | FormatKind::Name | FormatKind::Text => {
                (before, None)
            }
        };
        let sum = check::syllable(number, symbols);
        let mut text = SecretText::with_capacity(TEXT_CAPACITY);
        if let Some(number) = number {
            text.push_str(&(number + NUMBER_MIN).to_string());
            text.push(' ');
        }
        push_word(&mut text, first)?;
        match kind {
            Some(kind) => {
                text.push(' ');
                text.push_str(STREETS.get(usize::try_from(kind).ok()?)?);
                text.push_str(", ");
            }
            None => text.push(separator(self.kind)),
        }
        let &[consonant, vowel, cluster, second_vowel, ending] = checked;
        let [check_cluster, check_vowel] = sum;
        push_word(
            &mut text,
            &[
                consonant,
                vowel,
                cluster,
                second_vowel,
                check_cluster,
                check_vowel,
                ending,
            ],
        )?;
        Some(text)
    }
}

impl fmt::Debug for Outlined {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A kept country is a part of the value.
        formatter.debug_struct("Outlined").finish_non_exhaustive()
    }
}

/// Whether a text may be an outline token of this kind: words of the language, with a right check.
/// Needs no vault: it neither says that the token lives, nor that other texts are no tokens.
pub(super) fn is_outline_token(kind: FormatKind, text: &str) -> bool {
    // No outline is longer; a longer text is refused before it costs anything.
    text.len() <= TEXT_BYTES_MAX && read(kind, &fold(text)).is_some()
}

/// Reads a folded outline whose check is right.
fn read(kind: FormatKind, folded: &str) -> Option<()> {
    let (number, words) = match kind {
        FormatKind::Address => {
            let (number, words) = folded.split_once(' ')?;
            (Some(read_number(number)?), words)
        }
        FormatKind::Email => (None, folded.rsplit_once('@')?.0),
        FormatKind::Digits | FormatKind::Name | FormatKind::Text => (None, folded),
    };
    let (first, street, last) = match kind {
        FormatKind::Address => {
            let (first, words) = words.split_once(' ')?;
            let (street, last) = words.split_once(", ")?;
            let street = STREETS.iter().position(|&name| name == street)?;
            (first, Some(u32::try_from(street).ok()?), last)
        }
        FormatKind::Digits | FormatKind::Email | FormatKind::Name | FormatKind::Text => {
            let (first, last) = words.split_once(separator(kind))?;
            (first, None, last)
        }
    };
    let mut symbols = word::parse(first)?;
    if kind == FormatKind::Address && symbols.len() != word::radices(WordLength::Long).len() {
        return None;
    }
    let checked: [u32; 7] = word::parse(last)?.try_into().ok()?;
    let [
        consonant,
        vowel,
        cluster,
        second_vowel,
        check_cluster,
        check_vowel,
        ending,
    ] = checked;
    symbols.extend(street);
    symbols.extend([consonant, vowel, cluster, second_vowel, ending]);
    let is_right = [check_cluster, check_vowel] == check::syllable(number, &symbols);
    (is_right && !deny::is_denied(first) && !deny::is_denied(last)).then_some(())
}

/// How many symbols each place of the language chooses from, without the check.
fn radices(kind: FormatKind, size: OutlineSize) -> Vec<u32> {
    let checked = word::radices(WordLength::Short);
    let long = word::radices(WordLength::Long);
    match (kind, size) {
        (FormatKind::Address, OutlineSize::Small | OutlineSize::Large) => {
            [&[NUMBERS], long, &[STREETS_COUNT], checked].concat()
        }
        (
            FormatKind::Digits | FormatKind::Email | FormatKind::Name | FormatKind::Text,
            OutlineSize::Small,
        ) => [word::radices(WordLength::Short), checked].concat(),
        (
            FormatKind::Digits | FormatKind::Email | FormatKind::Name | FormatKind::Text,
            OutlineSize::Large,
        ) => [long, checked].concat(),
    }
}

fn push_word(text: &mut SecretText, symbols: &[u32]) -> Option<()> {
    let mut word = SecretText::with_capacity(TEXT_CAPACITY);
    word.extend(word::letters(symbols));
    if deny::is_denied(&word) {
        return None;
    }
    text.push_str(&word);
    Some(())
}

fn read_number(text: &str) -> Option<u32> {
    let is_plain = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = text.parse().ok().filter(|_| is_plain)?;
    number.checked_sub(NUMBER_MIN)
}

fn separator(kind: FormatKind) -> char {
    match kind {
        FormatKind::Email => '.',
        FormatKind::Address | FormatKind::Digits | FormatKind::Name | FormatKind::Text => ' ',
    }
}

/// A checked word has the free symbols of a short one.
const CHECKED_SYMBOLS: usize = 5;

/// House numbers, from 1000 to 9999.
const NUMBER_MIN: u32 = 1_000;
const NUMBERS: u32 = 9_000;

/// Kinds of street, frozen with the format version.
const STREETS: [&str; 8] = [
    "avenue", "close", "court", "drive", "lane", "road", "street", "way",
];
const STREETS_COUNT: u32 = 8;

/// The longest local part of an outline: two long words and a dot.
pub(super) const LOCAL_OCTETS_MAX: usize = 19;

/// Room for the longest outline, `1000 ` + long word + ` avenue, ` + long word.
const TEXT_CAPACITY: usize = 40;

/// The longest text that is worth reading: an e-mail address.
const TEXT_BYTES_MAX: usize = 254;

#[cfg(test)]
mod tests;
