//! Tags: a long word that stands for the domain of an e-mail address, before the token domain.

use zeroize::Zeroizing;

use super::deny;
use super::word;
use super::word::WordLength;
use crate::domain::DomainSize;
use crate::domain::Rank;
use crate::format::error::FormatError;

/// A word that stands for a domain. Part of a token, so it has no `Debug`.
#[derive(Clone)]
pub(in crate::format) struct DomainTag(Zeroizing<String>);

impl DomainTag {
    /// How many words there are, with those that are denied.
    pub(in crate::format) fn domain() -> DomainSize {
        DomainSize::from_u64(u64::from(words_count()))
    }

    /// The word at this place, or the next one that is not denied.
    pub(in crate::format) fn unrank(rank: &Rank) -> Result<Self, FormatError> {
        let outside = FormatError::RankOutsideDomain;
        let number = match *rank.expose_limbs() {
            [] => 0,
            [number] => u32::try_from(number).map_err(|_| outside)?,
            _ => return Err(outside),
        };
        if number >= words_count() {
            return Err(outside);
        }
        // A few of a hundred words are denied, so one of the next few is not.
        (number..words_count())
            .chain(0..number)
            .map(word_at)
            .find(|word| !deny::is_denied(word))
            .map(Self)
            .ok_or(outside)
    }

    /// The word, in lower case.
    pub(in crate::format) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a folded label may be a tag.
    pub(in crate::format) fn is_tag(label: &str) -> bool {
        let is_long = |symbols: Vec<u32>| symbols.len() == word::SYMBOLS_MAX;
        word::parse(label).is_some_and(is_long) && !deny::is_denied(label)
    }
}

fn words_count() -> u32 {
    word::radices(WordLength::Long).iter().product()
}

fn word_at(number: u32) -> Zeroizing<String> {
    let radices = word::radices(WordLength::Long);
    let mut rest = number;
    let mut symbols = [0; word::SYMBOLS_MAX];
    for (radix, symbol) in radices.iter().zip(symbols.iter_mut()).rev() {
        *symbol = rest % radix;
        rest /= radix;
    }
    let mut word = Zeroizing::new(String::with_capacity(TAG_OCTETS_MAX));
    word.extend(word::letters(&symbols));
    word
}

/// The longest tag, with the dot after it.
pub(in crate::format) const TAG_OCTETS_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(number: u64) -> String {
        let tag = DomainTag::unrank(&Rank::from_u64(number)).map_err(|error| error.to_string());
        tag.unwrap().expose().to_owned()
    }

    #[test]
    fn tags_are_long_words_that_fit() {
        assert_eq!(DomainTag::domain(), DomainSize::from_u64(34_410_250));
        for number in (0..34_410_250).step_by(1_009).chain([34_410_249]) {
            let tag = tag(number);
            assert!(tag.len() < TAG_OCTETS_MAX, "{tag}");
            assert!(DomainTag::is_tag(&tag), "{tag}");
        }
        for label in ["", "tok", "kelzir", "www", "zulnurvik-1"] {
            assert!(!DomainTag::is_tag(label));
        }
    }

    #[test]
    fn tag_outside_the_language_is_refused() {
        for rank in [
            Rank::from_u64(34_410_250),
            Rank::from_u64(1 << 40),
            Rank::from_limbs(Zeroizing::new(vec![1, 1])),
        ] {
            let refused = DomainTag::unrank(&rank).err();
            assert_eq!(refused, Some(FormatError::RankOutsideDomain));
        }
    }

    /// Goal: no tag is a real name or rude. Method: the first denied word among the last ones, of
    /// which the next is taken.
    #[test]
    fn denied_tag_is_the_next_word() {
        let is_denied = |number: &u32| deny::is_denied(&word_at(*number));
        let denied = (1_000_000..words_count()).find(is_denied).unwrap();
        let next = (denied..).find(|number| !is_denied(number)).unwrap();
        assert_eq!(tag(u64::from(denied)), *word_at(next));
    }
}
