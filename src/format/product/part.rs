//! Parts: the sets that a form is made of, and the texts that they read.

use super::alphabet::Alphabet;
use super::alphabet::Reading;
use super::check::Check;
use super::set::Set;
use super::side::Side;

/// A part of a form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Part {
    pub(super) is_optional: bool,
    pub(super) body: Body,
}

/// What a part is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Body {
    /// Characters that follow from others.
    Check(Check),
    /// What a value and its token share.
    Kept(Kept),
    /// Characters, each of which is exchanged. The token has as many as the value.
    Run(Run),
    /// A text that is exchanged as a whole. The token may have another length than the value.
    Whole { value: Set, token: Set },
}

/// What a value and its token share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kept {
    Run(Run),
    Whole(Set),
}

/// Characters of an alphabet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Run {
    pub(super) length_least: usize,
    pub(super) length_most: usize,
    pub(super) value: Alphabet,
    pub(super) token: Alphabet,
}

/// Whether a slice has an optional part, and how long a run of it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Choice {
    Absent,
    /// The length of a run; 0 for all else, since a token may have another length than its value.
    Present(usize),
}

impl Run {
    pub(super) fn alphabet(&self, side: Side) -> &Alphabet {
        match side {
            Side::Token => &self.token,
            Side::Value => &self.value,
        }
    }

    /// Adds the lengths with which the run can begin this text.
    fn read(&self, side: Side, reading: Reading, text: &[char], lengths: &mut Vec<usize>) {
        let alphabet = self.alphabet(side);
        let members = text
            .iter()
            .take(self.length_most)
            .take_while(|&&character| alphabet.rank(character, reading).is_some());
        lengths.extend(self.length_least..=members.count());
    }
}

impl Part {
    /// The whole set of this side; nothing for runs and checks.
    pub(super) fn set(&self, side: Side) -> Option<&Set> {
        match (&self.body, side) {
            (Body::Kept(Kept::Whole(set)), _) => Some(set),
            (Body::Whole { value, .. }, Side::Value) => Some(value),
            (Body::Whole { token, .. }, Side::Token) => Some(token),
            (Body::Check(_) | Body::Kept(Kept::Run(_)) | Body::Run(_), _) => None,
        }
    }

    /// The run, kept or not.
    pub(super) fn run(&self) -> Option<&Run> {
        match &self.body {
            Body::Kept(Kept::Run(run)) | Body::Run(run) => Some(run),
            Body::Check(_) | Body::Kept(Kept::Whole(_)) | Body::Whole { .. } => None,
        }
    }

    pub(super) fn check(&self) -> Option<&Check> {
        match &self.body {
            Body::Check(check) => Some(check),
            Body::Kept(_) | Body::Run(_) | Body::Whole { .. } => None,
        }
    }

    /// Adds the lengths with which the part, if present, can begin this text.
    pub(super) fn read(
        &self,
        side: Side,
        reading: Reading,
        text: &[char],
        lengths: &mut Vec<usize>,
    ) {
        if let Some(run) = self.run() {
            run.read(side, reading, text, lengths);
        } else if let Some(set) = self.set(side) {
            lengths.extend(set.lengths().iter().filter(|&&length| {
                let begin = text.get(..length);
                begin.is_some_and(|begin| set.rank(begin, reading).is_some())
            }));
        } else if let Some(check) = self.check() {
            let begin = text.get(..check.length()).unwrap_or_default();
            let mut ranks = begin.iter().map(|&c| check.alphabet.rank(c, reading));
            if begin.len() == check.length() && ranks.all(|rank| rank.is_some()) {
                lengths.push(begin.len());
            }
        }
    }

    /// The longest text, in characters.
    pub(super) fn length_most(&self, side: Side) -> usize {
        let set_most = self.set(side).and_then(|set| set.lengths().last().copied());
        let run_most = self.run().map(|run| run.length_most);
        let check_most = self.check().map(Check::length);
        set_most.or(run_most).or(check_most).unwrap_or(0)
    }
}
