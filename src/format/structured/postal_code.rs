//! Patterns of postal codes: a set of characters at each place.

/// A pattern: the sets of its places. A code is of it if each character is of its place's set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::format) struct Pattern(Vec<String>);

impl Pattern {
    /// Reads a pattern: `9` is a digit, `A` a capital letter, `[ABC]` one of these, and all else is
    /// itself. Nothing if a bracket is not closed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut sets = Vec::new();
        let mut rest = text.chars();
        while let Some(character) = rest.next() {
            sets.push(match character {
                '9' => DIGITS.to_owned(),
                'A' => LETTERS.to_owned(),
                '[' => {
                    let (set, after) = rest.as_str().split_once(']')?;
                    rest = after.chars();
                    set.to_owned()
                }
                literal => literal.to_string(),
            });
        }
        sets.iter().all(|set| !set.is_empty()).then_some(Self(sets))
    }

    /// How many characters each place chooses from.
    pub(in crate::format) fn radices(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let radix = |set: &String| u32::try_from(set.len()).unwrap_or(u32::MAX);
        self.0.iter().map(radix)
    }

    /// The numbers of a code's characters in their sets; nothing if it is not of the pattern.
    pub(super) fn indexes(&self, code: &str) -> Option<Vec<u32>> {
        self.read(code, |set, character| {
            set.chars().position(|own| own == character)
        })
    }

    /// The same of a folded code, whose letters are small.
    pub(super) fn indexes_of_folded(&self, code: &str) -> Option<Vec<u32>> {
        self.read(code, |set, character| {
            let mut small = set.chars().map(|own| own.to_ascii_lowercase());
            small.position(|own| own == character)
        })
    }

    /// The code with these numbers; nothing if one of them has no character.
    pub(in crate::format) fn code(&self, indexes: &[u32]) -> Option<String> {
        let character = |(set, index): (&String, &u32)| {
            let place = usize::try_from(*index).ok()?;
            set.chars().nth(place)
        };
        let are_all = indexes.len() == self.0.len();
        let code: Option<String> = self.0.iter().zip(indexes).map(character).collect();
        code.filter(|_| are_all)
    }

    /// Whether some place rules the other pattern's characters out.
    #[cfg(test)]
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let mut places = self.0.iter().zip(&other.0);
        places.any(|(one, other)| !one.chars().any(|character| other.contains(character)))
    }

    fn read(&self, code: &str, position: impl Fn(&str, char) -> Option<usize>) -> Option<Vec<u32>> {
        if code.chars().count() != self.0.len() {
            return None;
        }
        let index = |(set, character): (&String, char)| {
            let place = position(set, character)?;
            u32::try_from(place).ok()
        };
        self.0.iter().zip(code.chars()).map(index).collect()
    }
}

const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_read_and_written() {
        let pattern = Pattern::parse("[BC]9 A").unwrap();
        assert_eq!(pattern.radices().collect::<Vec<_>>(), [2, 10, 1, 26]);
        assert_eq!(pattern.indexes("C7 D"), Some(vec![1, 7, 0, 3]));
        assert_eq!(pattern.indexes_of_folded("c7 d"), Some(vec![1, 7, 0, 3]));
        assert_eq!(pattern.code(&[1, 7, 0, 3]).as_deref(), Some("C7 D"));
        for code in ["c7 D", "A7 D", "C7D", "C7 D ", "C7 É", ""] {
            assert_eq!(pattern.indexes(code), None);
        }
        assert_eq!(pattern.code(&[2, 0, 0, 0]), None);
        assert_eq!(pattern.code(&[1, 0, 0]), None);
        assert_eq!(Pattern::parse("9[AB"), None);
    }
}
