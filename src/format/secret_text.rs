//! Text that grows without leaving copies behind.

use std::ops::Deref;

use zeroize::Zeroizing;

/// Text under construction. Where `String` would grow in place and free the old memory as it is,
/// this moves to larger memory and overwrites the old.
pub(super) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(String::with_capacity(bytes)))
    }

    pub(super) fn push(&mut self, character: char) {
        self.reserve(character.len_utf8());
        self.0.push(character);
    }

    pub(super) fn push_str(&mut self, text: &str) {
        self.reserve(text.len());
        self.0.push_str(text);
    }

    pub(super) fn extend(&mut self, characters: impl Iterator<Item = char>) {
        characters.for_each(|character| self.push(character));
    }

    pub(super) fn finish(self) -> Zeroizing<String> {
        self.0
    }

    /// Hands the text over to a type that overwrites it itself.
    pub(super) fn into_string(mut self) -> String {
        std::mem::take(&mut *self.0)
    }

    fn reserve(&mut self, bytes: usize) {
        if self.0.capacity() - self.0.len() < bytes {
            let mut larger = Zeroizing::new(String::with_capacity(
                (self.0.capacity() * 2).max(16) + bytes,
            ));
            larger.push_str(&self.0);
            self.0 = larger;
        }
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_grows() {
        let mut text = SecretText::with_capacity(0);
        text.extend("Zoë ".chars());
        text.push_str("Müller-Lüdenscheidt");
        assert_eq!(text.into_string(), "Zoë Müller-Lüdenscheidt");
    }
}
