//! Outlines in parts: the words of an outline, and whatever else the parts have, in their places.

use zeroize::Zeroizing;

use super::NUMBER_MIN;
use super::NUMBERS;
use super::deny;
use super::word;
use super::word::WordLength;
use crate::format::FormatKind;
use crate::format::error::FormatError;
use crate::format::secret_text::SecretText;
use crate::format::structured::Pattern;
use crate::format::structured::join;
use crate::format::style::Style;

/// What each part of an outline token gets.
pub(in crate::format) struct Pieces {
    kind: FormatKind,
    pieces: Vec<(&'static str, Piece)>,
}

/// What a part of an outline token gets.
pub(in crate::format) enum Piece {
    /// A postal code of this pattern, or five digits.
    Code(Option<&'static Pattern>),
    /// Nothing.
    Empty,
    /// The first words of the outline.
    Head,
    /// What the value has.
    Kept(Zeroizing<String>),
    /// Two capital letters.
    Letters,
    /// A number of four digits.
    Number,
    /// The last word of the outline.
    Tail,
    /// All words of the outline.
    Whole,
    /// A word that nothing checks.
    Word,
}

impl Pieces {
    /// The pieces of a token, with the names of their parts.
    pub(in crate::format) fn new(kind: FormatKind, pieces: Vec<(&'static str, Piece)>) -> Self {
        Self { kind, pieces }
    }

    /// How many symbols each place of the pieces chooses from, without the outline's own words.
    pub(super) fn radices(&self) -> Vec<u32> {
        self.pieces
            .iter()
            .flat_map(|(_, piece)| piece.radices())
            .collect()
    }

    /// The token in parts, of an outline in lower case and the pieces' symbols; nothing if a word
    /// is denied.
    pub(super) fn write(
        &self,
        outline: &str,
        symbols: &[u32],
        style: Style,
    ) -> Result<Option<SecretText>, FormatError> {
        let (head, tail) = outline
            .split_once(end_separator(self.kind))
            .unwrap_or((outline, ""));
        let mut rest = symbols;
        let mut texts = Vec::with_capacity(self.pieces.len());
        for (_, piece) in &self.pieces {
            let (own, others) = rest
                .split_at_checked(piece.radices().len())
                .ok_or(FormatError::RankOutsideDomain)?;
            rest = others;
            let words = match piece {
                Piece::Head => head,
                Piece::Tail => tail,
                Piece::Whole => outline,
                Piece::Code(_)
                | Piece::Empty
                | Piece::Kept(_)
                | Piece::Letters
                | Piece::Number
                | Piece::Word => "",
            };
            let Some(text) = piece.text(words, own, style) else {
                return Ok(None);
            };
            texts.push(text);
        }
        let names = self.pieces.iter().map(|(name, _)| *name);
        let parts: Vec<(&str, &str)> = names.zip(texts.iter().map(|text| text.as_str())).collect();
        join(&parts).map(Some)
    }
}

impl Piece {
    fn radices(&self) -> Vec<u32> {
        match self {
            Self::Code(Some(pattern)) => pattern.radices().collect(),
            Self::Code(None) => vec![10; CODE_DIGITS],
            Self::Letters => vec![26; LETTERS],
            Self::Number => vec![NUMBERS],
            Self::Word => word::radices(WordLength::Long).to_vec(),
            Self::Empty | Self::Head | Self::Kept(_) | Self::Tail | Self::Whole => Vec::new(),
        }
    }

    /// The text of the piece: of `words` in their style, or of its own symbols. Nothing if it is
    /// denied.
    fn text(&self, words: &str, symbols: &[u32], style: Style) -> Option<Zeroizing<String>> {
        let numeral = |symbol: &u32| char::from_digit(*symbol, 10);
        let letter = |symbol: &u32| char::from_digit(*symbol + 10, 36);
        let text = match self {
            Self::Code(Some(pattern)) => pattern.code(symbols)?,
            Self::Code(None) => symbols.iter().map(numeral).collect::<Option<String>>()?,
            Self::Empty => String::new(),
            Self::Head | Self::Tail | Self::Whole => style.apply(words).collect(),
            Self::Kept(text) => text.as_str().to_owned(),
            Self::Letters => {
                let letters = symbols.iter().map(letter).collect::<Option<String>>()?;
                letters.to_ascii_uppercase()
            }
            Self::Number => symbols.first()?.checked_add(NUMBER_MIN)?.to_string(),
            Self::Word => {
                let word: String = word::letters(symbols).collect();
                if deny::is_denied(&word) {
                    return None;
                }
                style.apply(&word).collect()
            }
        };
        Some(Zeroizing::new(text))
    }
}

/// The outline whose two ends are these.
pub(in crate::format) fn with_ends(kind: FormatKind, head: &str, tail: &str) -> Zeroizing<String> {
    Zeroizing::new([head, end_separator(kind), tail].concat())
}

/// What is between the two ends of an outline that can be in two parts.
fn end_separator(kind: FormatKind) -> &'static str {
    match kind {
        FormatKind::Address => ", ",
        FormatKind::Digits | FormatKind::Email | FormatKind::Name | FormatKind::Text => " ",
    }
}

/// The letters of a region.
const LETTERS: usize = 2;

/// The digits of a postal code whose pattern nobody knows.
const CODE_DIGITS: usize = 5;
