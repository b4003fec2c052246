//! Lists of texts.

use super::super::alphabet::Reading;
use super::super::error::Fault;
use crate::format::fold;
use crate::format::secret_text::SecretText;

/// Some texts, in the order of the specification. No two have one fold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct Texts {
    texts: Box<[Box<str>]>,
    /// Sorted, with ranks.
    exact: Box<[Numbered]>,
    /// The same for the folds.
    folded: Box<[Numbered]>,
    lengths: Box<[usize]>,
}

/// A text, and its place in the list.
type Numbered = (Box<[char]>, u32);

impl Texts {
    /// Each text must have passed `Spelling::check`, so that it keeps its length under the fold.
    pub(in super::super) fn new(texts: &[String]) -> Result<Self, Fault> {
        if texts.is_empty() {
            return Err(Fault::SetEmpty);
        }
        if texts.len() > TEXTS_MAX {
            return Err(Fault::OptionsCount {
                texts_max: TEXTS_MAX,
            });
        }
        let numbered = |fold: fn(&str) -> Box<[char]>| {
            let mut sorted: Vec<Numbered> = texts.iter().map(|text| fold(text)).zip(0..).collect();
            sorted.sort_unstable();
            sorted
        };
        let exact = numbered(|text| text.chars().collect());
        let folded = numbered(folded);
        for ((one, first), (other, second)) in folded.iter().zip(folded.iter().skip(1)) {
            if one == other {
                let text = |place: &u32| texts.get(usize::try_from(*place).ok()?).cloned();
                return Err(Fault::TextsCollide {
                    first: text(first).unwrap_or_default(),
                    second: text(second).unwrap_or_default(),
                });
            }
        }
        let mut lengths: Vec<_> = exact.iter().map(|(text, _)| text.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Ok(Self {
            texts: texts.iter().map(|text| text.as_str().into()).collect(),
            exact: exact.into(),
            folded: folded.into(),
            lengths: lengths.into(),
        })
    }

    pub(in super::super) fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// The texts as they are read.
    pub(in super::super) fn read_texts(&self, reading: Reading) -> impl Iterator<Item = &[char]> {
        self.table(reading).iter().map(|(text, _)| &**text)
    }

    pub(super) fn size(&self) -> u32 {
        u32::try_from(self.texts.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    pub(super) fn rank(&self, text: &[char], reading: Reading) -> Option<u32> {
        let table = self.table(reading);
        let place = table.binary_search_by(|(own, _)| (**own).cmp(text)).ok()?;
        table.get(place).map(|&(_, rank)| rank)
    }

    pub(super) fn write(&self, rank: u32, text: &mut SecretText) -> Option<()> {
        text.push_str(self.texts.get(usize::try_from(rank).ok()?)?);
        Some(())
    }

    fn table(&self, reading: Reading) -> &[Numbered] {
        match reading {
            Reading::Exact => &self.exact,
            Reading::Folded => &self.folded,
        }
    }
}

/// The fold of a text of the specification, which may begin or end with a space.
fn folded(text: &str) -> Box<[char]> {
    let mut folded = Vec::new();
    for character in text.chars() {
        match character {
            ' ' => folded.push(' '),
            _ => folded.extend(fold(character.encode_utf8(&mut [0; 4])).chars()),
        }
    }
    folded.into()
}

const TEXTS_MAX: usize = 1_000;
