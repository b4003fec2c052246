//! Which characters are which numerals.

use std::collections::HashMap;

use super::InterchangeError;

/// The characters of a text in the order of their numerals: the first is 0.
#[derive(Clone, Debug)]
pub struct Alphabet {
    characters: Vec<char>,
    numerals: HashMap<char, u16>,
}

impl Alphabet {
    /// The alphabet of these characters, 2 to 65,536, none of them twice.
    ///
    /// # Errors
    ///
    /// If there are fewer or more of them, or one is there twice.
    pub fn new(text: &str) -> Result<Self, InterchangeError> {
        let mut numerals = HashMap::new();
        let mut characters = Vec::new();
        for (position, character) in text.chars().enumerate() {
            let numeral = u16::try_from(position).map_err(|_| InterchangeError::AlphabetSize)?;
            if numerals.insert(character, numeral).is_some() {
                return Err(InterchangeError::AlphabetRepeats { position });
            }
            characters.push(character);
        }
        if characters.len() < 2 {
            return Err(InterchangeError::AlphabetSize);
        }
        Ok(Self {
            characters,
            numerals,
        })
    }

    /// The first so many of `0` to `9`, `a` to `z`, `A` to `Z`: what most systems mean by a radix.
    ///
    /// # Errors
    ///
    /// If the radix is below 2 or above [`Alphabet::RADIX_MAX`].
    pub fn of_radix(radix: usize) -> Result<Self, InterchangeError> {
        if radix > Self::RADIX_MAX {
            return Err(InterchangeError::AlphabetSize);
        }
        Self::new(&ALPHANUMERIC.chars().take(radix).collect::<String>())
    }

    /// The largest radix of which the characters are agreed on.
    pub const RADIX_MAX: usize = ALPHANUMERIC.len();

    /// How many characters there are.
    #[must_use]
    pub fn radix(&self) -> u32 {
        u32::try_from(self.characters.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn numeral(&self, character: char) -> Option<u16> {
        self.numerals.get(&character).copied()
    }

    pub(super) fn character(&self, numeral: u16) -> Option<char> {
        self.characters.get(usize::from(numeral)).copied()
    }
}

const ALPHANUMERIC: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
