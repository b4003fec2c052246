//! Slices of values in parts.
//!
//! A value's place is that of its words, all parts as one, and then that of its postal code where
//! that has a pattern: one number, which is enciphered at once. Where one part ends and the next
//! begins is part of the words' skeleton.

use zeroize::Zeroizing;

use super::postal_code::Pattern;
use super::spec::PartName;
use super::spec::Role;
use crate::domain::DomainSize;
use crate::domain::Rank;
use crate::domain::join_parts;
use crate::format::error::FormatError;
use crate::format::fold::fold;
use crate::format::secret_text::SecretText;
use crate::format::skeletal::PART_SEPARATOR;
use crate::format::skeletal::SkeletalSlice;

/// The values in parts that a token does not tell apart.
pub(in crate::format) struct StructuredSlice {
    parts: Vec<PartName>,
    words: SkeletalSlice,
    aside: Aside,
    domain: DomainSize,
    tweak: Vec<u8>,
}

/// What of a value is not among its words.
pub(super) struct Aside {
    /// The country that tokens have too.
    pub(super) country: Option<Zeroizing<String>>,
    /// The pattern of the postal code, with its number among the country's.
    pub(super) pattern: Option<(u8, &'static Pattern)>,
}

impl Aside {
    /// Whether a part of this role is aside.
    pub(super) fn has(&self, role: Role) -> bool {
        match role {
            Role::Country => self.country.is_some(),
            Role::PostalCode => self.pattern.is_some(),
            Role::Lead | Role::Number | Role::Region | Role::Words => false,
        }
    }
}

impl StructuredSlice {
    pub(super) fn new(parts: &[PartName], words: SkeletalSlice, aside: Aside) -> Self {
        let mut domain = words.domain().clone();
        for radix in aside.pattern.iter().flat_map(|(_, it)| it.radices()) {
            domain.multiply(radix);
        }
        let mut tweak = vec![STRUCTURED];
        // Folded: a token has its country however an application writes it.
        let country = aside.country.as_ref().map(|country| fold(country));
        let country = country.as_ref().map_or("", |country| country.as_str());
        // The longest name of a country has less than 256 octets.
        tweak.push(u8::try_from(country.len()).unwrap_or(u8::MAX));
        tweak.extend_from_slice(country.as_bytes());
        tweak.push(pattern_id(&aside));
        tweak.extend_from_slice(words.tweak());
        Self {
            parts: parts.to_vec(),
            words,
            aside,
            domain,
            tweak,
        }
    }

    /// How many values it has.
    pub(in crate::format) fn domain(&self) -> &DomainSize {
        &self.domain
    }

    /// The kept country, the number of the postal code's pattern, and the slice of the words. Two
    /// slices of a field have the same bytes only if they are the same.
    pub(in crate::format) fn tweak(&self) -> &[u8] {
        &self.tweak
    }

    /// The place of words and a postal code together.
    pub(super) fn rank(&self, words: &Rank, code: &[u32]) -> Rank {
        let mut limbs = Zeroizing::new(Vec::with_capacity(self.domain.limbs().len() + 1));
        limbs.extend_from_slice(words.expose_limbs());
        let mut rank = Rank::from_limbs(limbs);
        for (radix, index) in self.radices().zip(code) {
            rank.multiply_add(radix, *index);
        }
        rank
    }

    /// The token at this place.
    pub(in crate::format) fn unrank(&self, rank: &Rank) -> Result<SecretText, FormatError> {
        let (words, code) = self.places(rank)?;
        let words = self.words.text(&words)?;
        self.write(&words, code.as_deref().map(String::as_str))
    }

    /// The parts at the places of words and a postal code.
    pub(super) fn places(
        &self,
        rank: &Rank,
    ) -> Result<(Rank, Option<Zeroizing<String>>), FormatError> {
        if !rank.is_in(&self.domain) {
            return Err(FormatError::RankOutsideDomain);
        }
        let mut words = Rank::from_limbs(Zeroizing::new(rank.expose_limbs().to_vec()));
        let Some((_, pattern)) = self.aside.pattern else {
            return Ok((words, None));
        };
        let mut indexes: Zeroizing<Vec<u32>> = Zeroizing::new(Vec::with_capacity(CODE_PLACES));
        for radix in pattern.radices().rev() {
            indexes.push(words.divide(radix));
        }
        indexes.reverse();
        let code = pattern
            .code(&indexes)
            .ok_or(FormatError::RankOutsideDomain)?;
        Ok((words, Some(Zeroizing::new(code))))
    }

    /// The parts as one text: words, with what is aside of them in its places.
    pub(super) fn write(&self, words: &str, code: Option<&str>) -> Result<SecretText, FormatError> {
        let country = self.aside.country.as_ref().map(|country| country.as_str());
        let mut texts = words.split(PART_SEPARATOR);
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let text = texts.next().ok_or(FormatError::CorruptResidue)?;
            let aside = match part.role {
                Role::Country => country,
                Role::PostalCode => code,
                Role::Lead | Role::Number | Role::Region | Role::Words => None,
            };
            parts.push((part.name, aside.unwrap_or(text)));
        }
        join(&parts)
    }

    pub(super) fn words(&self) -> &SkeletalSlice {
        &self.words
    }

    fn radices(&self) -> impl Iterator<Item = u32> + '_ {
        self.aside.pattern.iter().flat_map(|(_, it)| it.radices())
    }
}

/// Parts of a format as one text.
pub(in crate::format) fn join(parts: &[(&str, &str)]) -> Result<SecretText, FormatError> {
    let joined = join_parts(parts).map_err(|_| FormatError::CorruptResidue)?;
    let mut text = SecretText::with_capacity(joined.len());
    text.push_str(&joined);
    Ok(text)
}

/// What stands for the pattern of a postal code: 0 for none.
pub(super) fn pattern_id(aside: &Aside) -> u8 {
    aside
        .pattern
        .map_or(0, |(number, _)| number.saturating_add(1))
}

/// Begins the tweak of a value in parts, where that of a text has its kind.
const STRUCTURED: u8 = 0xf1;

/// The places of most postal codes.
const CODE_PLACES: usize = 16;
