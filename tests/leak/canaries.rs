//! Values that are nowhere else, and what became of them.

use std::fmt::Debug;

/// Values that are nowhere else, and what became of them.
pub(crate) struct Canaries {
    state: u64,
    pub(crate) texts: Vec<String>,
    /// Every masked answer.
    pub(crate) masks: String,
    /// Every error that a client was shown.
    pub(crate) errors: String,
}

impl Canaries {
    pub(crate) fn new() -> Self {
        Self {
            state: 0x9e37_79b9_7f4a_7c15,
            texts: Vec::new(),
            masks: String::new(),
            errors: String::new(),
        }
    }

    /// A word of letters that is nowhere else. By itself it is found in a compressed file too, as
    /// long as no other word begins alike.
    pub(crate) fn word(&mut self) -> String {
        // Xorshift, by Marsaglia.
        let mut letter = || {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            char::from(b'a' + u8::try_from((self.state >> 20) % 26).unwrap())
        };
        let word: String = (0..11).map(|_| letter()).collect();
        let first = word[..1].to_uppercase();
        self.keep(format!("{first}{}", &word[1..]))
    }

    fn digits(&mut self, count: usize) -> String {
        let letters = [self.word(), self.word()].concat().to_lowercase();
        let digit = |letter: u8| char::from(b'0' + (letter - b'a') % 10);
        letters.bytes().take(count).map(digit).collect()
    }

    pub(crate) fn keep(&mut self, text: String) -> String {
        self.texts.push(text.clone());
        text
    }

    /// A value for a field.
    pub(crate) fn value(&mut self, field: &str) -> String {
        let (one, two) = (self.word(), self.word());
        let text = match field {
            "card" => card(self.digits(13)),
            "phone" => format!("+49151{}", self.digits(8)),
            "email" | "contact" => format!("{one}.{two}@{one}mail.example"),
            "address" | "address_of" => format!("77 {one} Street, {two} NW1"),
            _ => format!("{one} {two}"),
        };
        self.keep(text)
    }

    pub(crate) fn error(&mut self, error: &impl Debug) {
        self.errors.push_str(&format!("{error:?}\n"));
    }

    pub(crate) fn outcome<T>(&mut self, result: Result<T, impl Debug>) -> Option<T> {
        result.map_err(|error| self.error(&error)).ok()
    }
}

/// A card that begins with these digits: Visa's, with the check digit that makes it right.
fn card(digits: String) -> String {
    let card = format!("44{digits}");
    let sum: u32 = card
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            if place % 2 == 0 {
                digit * 2 % 10 + digit / 5
            } else {
                digit
            }
        })
        .sum();
    format!("{card}{}", (10 - sum % 10) % 10)
}
