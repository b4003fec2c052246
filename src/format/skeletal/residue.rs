//! What a shape token cannot carry of a text.
//!
//! ```text
//! flags, [length, skeleton],
//! [count, places of unusual sigmas | count, lengths of words | length, the text itself],
//! e-mail: [length, local part as first spelled], original domain
//! ```
//!
//! The skeleton is left out where the fold of the token and a style give it back: one byte for
//! most names, and none but the domain's for most e-mails. Where words fill their buckets, their
//! lengths are here, or the text itself if it has more than lengths to restore; it is filled up
//! with zeros then, so that the size of a record does not tell the length either.

use std::iter;

use zeroize::Zeroizing;

use super::skeleton::Literals;
use super::skeleton::Skeleton;
use super::slice::SkeletalSlice;
use crate::format::error::FormatError;
use crate::format::style::Style;

/// Writes the residue of a shape.
pub(super) fn write(
    slice: &SkeletalSlice,
    literals: Literals,
    text: &str,
    words: &Words<'_>,
    mailbox: Option<Mailbox<'_>>,
) -> Zeroizing<Vec<u8>> {
    let style = slice.skeleton().style();
    let skeleton = slice.skeleton().encode(literals);
    let sigmas = match words {
        Words::Exact => slice.unusual_sigmas(text),
        Words::Filled(_) | Words::Verbatim(_) => Vec::new(),
    };
    let (words_flag, numbers, verbatim) = match words {
        Words::Exact if sigmas.is_empty() => (0, sigmas.as_slice(), ""),
        Words::Exact => (SIGMAS, sigmas.as_slice(), ""),
        Words::Filled(lengths) => (LENGTHS, lengths.as_slice(), ""),
        Words::Verbatim(text) => (VERBATIM, sigmas.as_slice(), *text),
    };
    let verbatim_len = verbatim.len().next_multiple_of(VERBATIM_STEP);
    let mailbox_len = mailbox
        .as_ref()
        .map_or(0, |m| m.spelling.len() + m.domain.len());
    let capacity = 16 + skeleton.len() + 2 * numbers.len() + verbatim_len + mailbox_len;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    let spelling_style = match mailbox {
        Some(mailbox) => Style::ALL
            .into_iter()
            .find(|style| mailbox.spelling.chars().eq(style.apply(text))),
        None => Some(Style::Lower),
    };
    let kept_flag = slice.frame().kept_domain().map_or(0, |_| KEPT);
    bytes.push(
        style_id(style) | (style_id(spelling_style) << SPELLING_SHIFT) | words_flag | kept_flag,
    );
    if style.is_none() {
        push_number(&mut bytes, skeleton.len());
        bytes.extend_from_slice(&skeleton);
    }
    if matches!(words_flag, SIGMAS | LENGTHS) {
        push_number(&mut bytes, numbers.len());
        numbers
            .iter()
            .for_each(|&number| push_number(&mut bytes, number));
    }
    if words_flag == VERBATIM {
        push_number(&mut bytes, verbatim_len);
        bytes.extend_from_slice(verbatim.as_bytes());
        let zeros = iter::repeat_n(0, verbatim_len - verbatim.len());
        bytes.extend(zeros);
    }
    if let Some(Mailbox { spelling, domain }) = mailbox {
        if spelling_style.is_none() {
            push_number(&mut bytes, spelling.len());
            bytes.extend_from_slice(spelling.as_bytes());
        }
        bytes.extend_from_slice(domain.as_bytes());
    }
    bytes
}

/// Reads the residue of a shape.
pub(super) fn read(bytes: &[u8], literals: Literals) -> Result<ShapeResidue<'_>, FormatError> {
    Reader(bytes)
        .shape(literals)
        .ok_or(FormatError::CorruptResidue)
}

/// What it takes to get a text back from its place in its slice.
pub(super) enum Words<'text> {
    /// Nothing: its words are as long as the token's.
    Exact,
    /// The lengths of its words, which were filled up.
    Filled(Vec<usize>),
    /// The text itself.
    Verbatim(&'text str),
}

/// What the token of an e-mail address cannot carry.
#[derive(Clone, Copy)]
pub(super) struct Mailbox<'text> {
    /// The local part as first spelled.
    pub(super) spelling: &'text str,
    /// The original domain.
    pub(super) domain: &'text str,
}

/// The residue of a shape, read.
pub(super) struct ShapeResidue<'residue> {
    /// Where the skeleton comes from.
    pub(super) form: Form,
    /// How the text comes from its place.
    pub(super) words: Words<'residue>,
    /// The places of unusual sigmas.
    pub(super) sigmas: Vec<usize>,
    /// How an e-mail address spells its local part.
    pub(super) spelling: Spelling<'residue>,
    /// The original domain of an e-mail address, empty for other kinds.
    pub(super) domain: &'residue str,
    /// Whether the token has it as well.
    pub(super) is_kept: bool,
}

/// Where a skeleton comes from.
pub(super) enum Form {
    /// From the fold of the token.
    Styled(Style),
    /// From the residue.
    Written(Skeleton),
}

/// How a local part was first spelled.
pub(super) enum Spelling<'residue> {
    /// As its canonical form, in this style.
    Styled(Style),
    /// Like this.
    Verbatim(&'residue str),
}

struct Reader<'residue>(&'residue [u8]);

impl<'residue> Reader<'residue> {
    fn shape(&mut self, literals: Literals) -> Option<ShapeResidue<'residue>> {
        let flags = *self.take(1)?.first()?;
        let form = match style_of(flags) {
            Some(style) => Form::Styled(style),
            None => {
                let length = self.number()?;
                Form::Written(Skeleton::decode(self.take(length)?, literals)?)
            }
        };
        let (words, sigmas) = match flags & WORDS_MASK {
            0 => (Words::Exact, Vec::new()),
            SIGMAS => (Words::Exact, self.numbers()?),
            LENGTHS => (Words::Filled(self.numbers()?), Vec::new()),
            VERBATIM => {
                let length = self.number()?;
                let text = str::from_utf8(self.take(length)?).ok()?;
                (Words::Verbatim(text.trim_end_matches('\0')), Vec::new())
            }
            _ => return None,
        };
        let spelling = match style_of(flags >> SPELLING_SHIFT) {
            Some(style) => Spelling::Styled(style),
            None => {
                let length = self.number()?;
                Spelling::Verbatim(str::from_utf8(self.take(length)?).ok()?)
            }
        };
        let domain = str::from_utf8(self.0).ok()?;
        Some(ShapeResidue {
            form,
            words,
            sigmas,
            spelling,
            domain,
            is_kept: flags & KEPT != 0,
        })
    }

    fn take(&mut self, length: usize) -> Option<&'residue [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn numbers(&mut self) -> Option<Vec<usize>> {
        let count = self.number()?;
        (0..count).map(|_| self.number()).collect()
    }

    fn number(&mut self) -> Option<usize> {
        match *self.take(1)?.first()? {
            low @ ..CONTINUED => Some(usize::from(low)),
            low => {
                let high = *self.take(1)?.first()?;
                Some(usize::from(low & !CONTINUED) | (usize::from(high) << 7))
            }
        }
    }
}

/// Writes a number below 2^15, the low seven bits first.
fn push_number(bytes: &mut Vec<u8>, number: usize) {
    match u8::try_from(number) {
        Ok(small) if small < CONTINUED => bytes.push(small),
        _ => {
            let low = u8::try_from(number & 0x7f).unwrap_or(0);
            let high = u8::try_from(number >> 7).unwrap_or(u8::MAX);
            bytes.extend([CONTINUED | low, high]);
        }
    }
}

fn style_id(style: Option<Style>) -> u8 {
    match style {
        None => 0,
        Some(Style::Lower) => 1,
        Some(Style::Title) => 2,
        Some(Style::Upper) => 3,
    }
}

fn style_of(flags: u8) -> Option<Style> {
    match flags & STYLE_MASK {
        1 => Some(Style::Lower),
        2 => Some(Style::Title),
        3 => Some(Style::Upper),
        _ => None,
    }
}

/// The flags: two bits for the skeleton's style, two for the spelling's, one for each thing that
/// may be had about words, and one for a domain that the token keeps.
const STYLE_MASK: u8 = 0b11;
const SPELLING_SHIFT: u32 = 2;
const SIGMAS: u8 = 0b0001_0000;
const LENGTHS: u8 = 0b0010_0000;
const VERBATIM: u8 = 0b0100_0000;
const WORDS_MASK: u8 = SIGMAS | LENGTHS | VERBATIM;
const KEPT: u8 = 0b1000_0000;
const CONTINUED: u8 = 0x80;
/// A text itself takes a multiple of so many bytes.
const VERBATIM_STEP: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        for number in [0, 1, 127, 128, 255, 1_024, 8_191, 32_767] {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            assert_eq!(Reader(&bytes).number(), Some(number));
        }
    }

    #[test]
    fn residue_cut_anywhere_never_panics() {
        let literals = Literals::new(" ");
        let bytes = [
            0b1_0000,
            3,
            0b1100_0011,
            0x80,
            1,
            2,
            0x81,
            1,
            4,
            1,
            b'a',
            b'b',
            b'c',
        ];
        for length in 0..bytes.len() {
            drop(read(&bytes[..length], literals));
        }
        assert!(read(&[], literals).is_err());
    }
}
