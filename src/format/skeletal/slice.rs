//! Slices: the values that share a skeleton, numbered.
//!
//! The law is closure: for every rank below the size, the text has the same skeleton, is NFC, has
//! as many graphemes, and its fold gives the rank back.

use zeroize::Zeroizing;

use super::class::Class;
use super::class::FINAL_SIGMA;
use super::class::SIGMA;
use super::skeleton::Literals;
use super::skeleton::Position;
use super::skeleton::Skeleton;
use super::skeleton::folded_literal;
use crate::domain::DomainSize;
use crate::domain::Rank;
use crate::domain::RankDigits;
use crate::format::FormatKind;
use crate::format::error::FormatError;
use crate::format::fold;
use crate::format::frame::Frame;
use crate::format::outline::DomainTag;
use crate::format::secret_text::SecretText;
use crate::format::spec::Length;

/// The values that share a skeleton: what a shape token says of its value.
pub(in crate::format) struct SkeletalSlice {
    skeleton: Skeleton,
    /// Of each position: how many characters may stand there.
    sizes: Vec<u32>,
    domain: DomainSize,
    tweak: Vec<u8>,
    frame: Frame,
}

impl SkeletalSlice {
    /// The slice of a skeleton. Of what is around its tokens' words, a domain that they keep is
    /// part of the tweak. A token domain and a tag are not: a field may get others while older
    /// tokens still open.
    pub(super) fn new(
        kind: FormatKind,
        length: Length,
        skeleton: Skeleton,
        literals: Literals,
        frame: Frame,
    ) -> Self {
        let sizes: Vec<u32> = skeleton.positions().iter().map(size).collect();
        let domain = DomainSize::of_digits(sizes.iter().copied());
        let bucket = match length {
            Length::Bucket => BUCKET,
            Length::Exact => 0,
        };
        let kept = frame.kept_domain();
        let kept_bytes = kept.map_or(0, |domain| 1 + domain.len());
        let mut tweak = Vec::with_capacity(1 + kept_bytes + skeleton.positions().len());
        tweak.push(kind.id() | bucket | kept.map_or(0, |_| KEPT));
        if let Some(domain) = kept {
            // A domain name has less than 256 octets.
            tweak.push(u8::try_from(domain.len()).unwrap_or(u8::MAX));
            tweak.extend_from_slice(domain.as_bytes());
        }
        skeleton.append_to(&mut tweak, literals);
        Self {
            skeleton,
            sizes,
            domain,
            tweak,
            frame,
        }
    }

    /// How many values it has.
    pub(in crate::format) fn domain(&self) -> &DomainSize {
        &self.domain
    }

    /// The kind, whether words were filled up, a kept domain, and the skeleton in bytes, the same
    /// for a value and its token. Two slices have the same bytes only if they are the same; the
    /// caller puts their length before them.
    pub(in crate::format) fn tweak(&self) -> &[u8] {
        &self.tweak
    }

    /// The text of the token at this place.
    pub(in crate::format) fn unrank(&self, rank: &Rank) -> Result<SecretText, FormatError> {
        self.frame.around(self.text(rank)?)
    }

    /// The text at this place, without what is around it.
    pub(in crate::format) fn text(&self, rank: &Rank) -> Result<SecretText, FormatError> {
        if !rank.is_in(&self.domain) {
            return Err(FormatError::RankOutsideDomain);
        }
        let positions = self.skeleton.positions();
        let mut rest = Rank::from_limbs(Zeroizing::new(rank.expose_limbs().to_vec()));
        let mut indexes = Zeroizing::new(vec![0; positions.len()]);
        rest.take_digits(&self.sizes, &mut indexes);
        let mut text = SecretText::with_capacity(positions.len() * 4);
        for (place, (position, &index)) in positions.iter().zip(indexes.iter()).enumerate() {
            text.push(match position {
                Position::Class(class) => match class.member(index) {
                    Some(SIGMA) if self.skeleton.ends_word(place) => FINAL_SIGMA,
                    Some(member) => member,
                    None => return Err(FormatError::RankOutsideDomain),
                },
                Position::Literal(literal) => *literal,
            });
        }
        Ok(text)
    }

    /// The place of a text in canonical form; nothing if it is not in the slice.
    pub(super) fn rank(&self, text: &str) -> Option<Rank> {
        let mut rank = RankDigits::new(&self.domain);
        let positions = self.skeleton.positions().iter().zip(&self.sizes);
        for ((position, &size), character) in positions.zip(text.chars()) {
            if let Position::Class(class) = position {
                rank.push(size, class.index(character)?);
            }
        }
        Some(rank.finish())
    }

    /// The place of a text that only has to be in the slice after a fold.
    pub(super) fn rank_of_folded(&self, folded: &str) -> Result<Rank, FormatError> {
        let mut rank = RankDigits::new(&self.domain);
        let mut units = fold::units(folded).peekable();
        let positions = self.skeleton.positions().iter().zip(&self.sizes);
        for (place, (&position, &size)) in positions.enumerate() {
            let mismatch = FormatError::ShapeMismatch { position: place };
            let mut unit = units.next().ok_or(mismatch)?;
            match position {
                Position::Class(class) => {
                    if class.folds_to_two(unit) && units.next_if_eq(&"s").is_some() {
                        unit = "ss";
                    }
                    let index = class.index_of_folded(unit).ok_or(mismatch)?;
                    rank.push(size, index);
                }
                Position::Literal(literal) => {
                    if !unit.chars().eq([folded_literal(literal)]) {
                        return Err(mismatch);
                    }
                }
            }
        }
        match units.next() {
            Some(_) => Err(FormatError::ShapeMismatch {
                position: self.skeleton.positions().len(),
            }),
            None => Ok(rank.finish()),
        }
    }

    pub(super) fn frame(&self) -> &Frame {
        &self.frame
    }

    pub(in crate::format) fn set_tag(&mut self, tag: &DomainTag) {
        self.frame.set_tag(tag);
    }

    pub(in crate::format) fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    /// The places where the text has the other sigma than Greek would write, in order.
    pub(super) fn unusual_sigmas(&self, text: &str) -> Vec<usize> {
        let greek = Position::Class(Class::GREEK_LOWER);
        let positions = self
            .skeleton
            .positions()
            .iter()
            .zip(text.chars())
            .enumerate();
        positions
            .filter(|&(place, (&position, character))| {
                let usual = if self.skeleton.ends_word(place) {
                    FINAL_SIGMA
                } else {
                    SIGMA
                };
                position == greek && matches!(character, SIGMA | FINAL_SIGMA) && character != usual
            })
            .map(|(place, _)| place)
            .collect()
    }
}

/// How many characters may stand at a position.
fn size(position: &Position) -> u32 {
    match position {
        Position::Class(class) => class.size(),
        Position::Literal(_) => 1,
    }
}

/// Beside the kind in a tweak: words fill their buckets; the domain is kept, and follows after its
/// length. No kind has these bits.
const BUCKET: u8 = 0b1000_0000;
const KEPT: u8 = 0b0100_0000;
