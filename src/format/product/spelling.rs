//! The canonical form of values: one spelling for texts that mean the same.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::alphabet::folded;
use super::error::Fault;
use super::spec::CaseSpec;
use crate::format::FormatError;
use crate::format::canonical;
use crate::format::fold;
use crate::format::secret_text::SecretText;

/// What the canonical form changes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Spelling {
    pub(super) case: CaseSpec,
    /// The folds of the characters that it drops, sorted.
    pub(super) ignored: Box<[char]>,
}

impl Spelling {
    pub(super) fn new(case: CaseSpec, ignore: &str) -> Result<Self, Fault> {
        let folds = ignore.chars().map(|character| match character {
            ' ' => Ok(' '),
            _ => folded(character).ok_or(Fault::CharacterUnfit { character }),
        });
        let mut ignored = folds.collect::<Result<Vec<_>, _>>()?;
        ignored.sort_unstable();
        ignored.dedup();
        Ok(Self {
            case,
            ignored: ignored.into(),
        })
    }

    /// The canonical form: NFC, white space to one space and trimmed, ignored characters dropped,
    /// letters in one case. At most [`CHARACTERS_MAX`] characters.
    pub(super) fn canonical(&self, text: &str) -> Result<Zeroizing<String>, FormatError> {
        canonical::refuse_longer(text, CHARACTERS_MAX)?;
        canonical::refuse_controls(text, &['\t', '\n', '\r'])?;
        let mut spelled = SecretText::with_capacity(text.len() * 2);
        let kept = text.nfc().filter(|&character| !self.ignores(character));
        push_words(&mut spelled, kept.map(|character| self.cased(character)));
        if spelled.is_empty() {
            return Err(FormatError::Empty);
        }
        // The other letter case may compose again.
        let normal = canonical::verbatim(&spelled);
        // A few characters have a longer NFC.
        canonical::refuse_longer(&normal, CHARACTERS_MAX)?;
        Ok(normal)
    }

    /// A folded text without the ignored characters.
    pub(super) fn strip(&self, folded: &str) -> Zeroizing<String> {
        let mut stripped = SecretText::with_capacity(folded.len());
        let kept = folded
            .chars()
            .filter(|character| self.ignored.binary_search(character).is_err());
        push_words(&mut stripped, kept);
        stripped.finish()
    }

    /// Refuses a text of the specification that no canonical text could have.
    pub(super) fn check(&self, text: &str) -> Result<(), Fault> {
        if text.is_empty() {
            return Err(Fault::TextEmpty);
        }
        for character in text.chars() {
            if character != ' ' && folded(character).is_none() {
                return Err(Fault::CharacterUnfit { character });
            }
            if self.ignores(character) {
                return Err(Fault::IgnoredCharacter { character });
            }
            if self.cased(character) != character {
                let text = text.to_owned();
                return Err(Fault::TextCase { text });
            }
        }
        Ok(())
    }

    /// The character in the canonical case, if that is one character.
    pub(super) fn cased(&self, character: char) -> char {
        match self.case {
            CaseSpec::Keep => character,
            CaseSpec::Lower => only(character.to_lowercase()).unwrap_or(character),
            CaseSpec::Upper => only(character.to_uppercase()).unwrap_or(character),
        }
    }

    fn ignores(&self, character: char) -> bool {
        if self.ignored.is_empty() {
            return false;
        }
        let fold = if character.is_whitespace() {
            Some(' ')
        } else if character.is_ascii() {
            Some(fold::unify(character).to_ascii_lowercase())
        } else {
            folded(character)
        };
        fold.is_some_and(|fold| self.ignored.binary_search(&fold).is_ok())
    }
}

/// White space to one space, and none at the ends.
fn push_words(text: &mut SecretText, characters: impl Iterator<Item = char>) {
    let mut space_pending = false;
    for character in characters {
        if character.is_whitespace() {
            space_pending = !text.is_empty();
            continue;
        }
        if space_pending {
            text.push(' ');
            space_pending = false;
        }
        text.push(character);
    }
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next();
    first.filter(|_| characters.next().is_none())
}

/// The longest value and the longest token, in characters.
pub(in crate::format) const CHARACTERS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(case: CaseSpec, ignore: &str, text: &str) -> Result<String, FormatError> {
        let spelling = Spelling::new(case, ignore).unwrap();
        spelling.canonical(text).map(|text| (*text).clone())
    }

    #[test]
    fn spellings_become_one() {
        for text in ["ab-12 x", " AB-12\u{a0}\tX\r\n", "aB–12.x", "a.b.1.2-x"] {
            let form = canonical(CaseSpec::Upper, " .-", text);
            assert_eq!(form, Ok("AB12X".to_owned()), "{text}");
        }
        let kept = canonical(CaseSpec::Keep, "", " a \u{3000} Mu\u{308}-B ");
        assert_eq!(kept, Ok("a Mü-B".to_owned()));
        assert_eq!(
            canonical(CaseSpec::Lower, "", "ÀßİẞǄ"),
            Ok("àßİßǆ".to_owned())
        );
    }

    #[test]
    fn canonical_form_is_idempotent() {
        for case in [CaseSpec::Keep, CaseSpec::Lower, CaseSpec::Upper] {
            for text in ["a – b", "ß ŉ ΐ ǰ İ ı \u{390}x", "x.\u{301}y", "ﬁ ǆ ᾳ Å ﷺ"]
            {
                let once = canonical(case, ".", text).unwrap();
                assert_eq!(canonical(case, ".", &once), Ok(once));
            }
        }
    }

    #[test]
    fn unusable_values_are_refused() {
        let refused = |text: &str| canonical(CaseSpec::Keep, "-", text).err();
        for text in ["", " \u{a0}", "-–-"] {
            assert_eq!(refused(text), Some(FormatError::Empty));
        }
        let position = 1;
        assert_eq!(
            refused("a\0"),
            Some(FormatError::ControlCharacter { position })
        );
        let unit = crate::format::LengthUnit::Characters;
        let too_long = Some(FormatError::TooLong {
            length_max: 256,
            unit,
        });
        assert_eq!(refused(&"a".repeat(257)), too_long);
        assert!(canonical(CaseSpec::Keep, "", &"語".repeat(256)).is_ok());
    }

    #[test]
    fn ignored_characters_are_dropped_from_tokens() {
        let spelling = Spelling::new(CaseSpec::Keep, ".–").unwrap();
        assert_eq!(*spelling.strip(&fold(" A.B – C—d.")), "ab cd");
        assert!(Spelling::new(CaseSpec::Keep, "\u{301}").is_err());
    }
}
