//! Runs of a fixed length, numbered as a whole.

use zeroize::Zeroizing;

use super::super::alphabet::Alphabet;
use super::super::alphabet::Reading;
use crate::format::secret_text::SecretText;

/// All texts of one length over an alphabet, in the order of the alphabet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct Word {
    pub(in super::super) alphabet: Alphabet,
    length: [usize; 1],
    size: u32,
}

impl Word {
    /// Nothing if there are more texts than a number of 32 bits can count.
    pub(in super::super) fn new(alphabet: Alphabet, length: usize) -> Option<Self> {
        let size = alphabet.size().checked_pow(u32::try_from(length).ok()?)?;
        Some(Self {
            alphabet,
            length: [length],
            size,
        })
    }

    pub(in super::super) fn length(&self) -> usize {
        let [length] = self.length;
        length
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    pub(super) fn lengths(&self) -> &[usize] {
        &self.length
    }

    pub(super) fn rank(&self, text: &[char], reading: Reading) -> Option<u32> {
        if text.len() != self.length() {
            return None;
        }
        text.iter().try_fold(0, |rank, &character| {
            Some(rank * self.alphabet.size() + self.alphabet.rank(character, reading)?)
        })
    }

    pub(super) fn write(&self, rank: u32, text: &mut SecretText) -> Option<()> {
        let mut rest = rank;
        let mut ranks = Zeroizing::new(vec![0; self.length()]);
        for digit in ranks.iter_mut().rev() {
            *digit = rest % self.alphabet.size();
            rest /= self.alphabet.size();
        }
        for &digit in ranks.iter() {
            text.push(self.alphabet.member(digit)?);
        }
        (rest == 0).then_some(())
    }
}
