//! The language of one side of a format as an automaton over characters, such that each way
//! through it is one way to read a text.
//!
//! It takes more texts than the format: checks are any of their symbols, and days are any day of
//! any month. What is unambiguous here is unambiguous in the format.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::alphabet::Reading;
use super::error::Fault;
use super::grammar::Grammar;
use super::part::Part;
use super::set::Dates;
use super::set::Integers;
use super::set::Piece;
use super::set::Set;
use super::set::Texts;
use super::side::Side;

/// States, of which the first is the start, and arrows between them.
pub(super) struct Automaton {
    pub(super) states: Vec<State>,
    arrows_count: usize,
}

/// A state: some characters of a form have been read.
pub(super) struct State {
    pub(super) arrows: Vec<Arrow>,
    pub(super) is_end: bool,
    /// The form and the part of the last character, from 0.
    pub(super) part: (usize, usize),
}

/// A step from one state to another with any one of some characters.
#[derive(Clone)]
pub(super) struct Arrow {
    /// Sorted.
    pub(super) characters: Rc<[char]>,
    pub(super) target: usize,
}

/// What is read so far: states in which the next piece begins, and the part that is being read.
#[derive(Clone)]
struct Frontier {
    states: Vec<usize>,
    part: (usize, usize),
}

impl Automaton {
    /// The language of a side: of its canonical texts, or of their folds.
    pub(super) fn new(grammar: &Grammar, side: Side, reading: Reading) -> Result<Self, Fault> {
        let mut automaton = Self {
            states: Vec::new(),
            arrows_count: 0,
        };
        let start = automaton.state((0, 0))?;
        for (number, form) in grammar.forms.iter().enumerate() {
            let mut frontier = Frontier {
                states: vec![start],
                part: (number, 0),
            };
            for (place, part) in form.parts.iter().enumerate() {
                frontier.part = (number, place);
                let after = automaton.part(&frontier, part, side, reading)?;
                if !part.is_optional {
                    frontier.states.clear();
                }
                frontier.states.extend(after);
            }
            for state in frontier.states {
                if let Some(state) = automaton.states.get_mut(state) {
                    state.is_end = true;
                }
            }
        }
        Ok(automaton)
    }

    /// Adds a part, and returns where it ends.
    fn part(
        &mut self,
        from: &Frontier,
        part: &Part,
        side: Side,
        reading: Reading,
    ) -> Result<Vec<usize>, Fault> {
        if let Some(run) = part.run() {
            let characters = run.alphabet(side).read_characters(reading);
            return self.run(from, &characters, run.length_least, run.length_most);
        }
        if let Some(check) = part.check() {
            let characters = check.alphabet.read_characters(reading);
            return self.run(from, &characters, check.length(), check.length());
        }
        match part.set(side) {
            Some(Set::Dates(dates)) => self.dates(from, dates, reading),
            Some(Set::Integers(integers)) => self.integers(from, integers),
            Some(Set::Texts(texts)) => self.texts(from, texts, reading),
            Some(Set::Word(word)) => {
                let characters = word.alphabet.read_characters(reading);
                self.run(from, &characters, word.length(), word.length())
            }
            None => Ok(from.states.clone()),
        }
    }

    fn run(
        &mut self,
        from: &Frontier,
        characters: &[char],
        least: usize,
        most: usize,
    ) -> Result<Vec<usize>, Fault> {
        let mut ends = Vec::new();
        if least == 0 {
            ends.extend(&from.states);
        }
        let mut begins = from.states.clone();
        for length in 1..=most {
            let next = self.state(from.part)?;
            self.arrows(&begins, characters, next)?;
            begins = vec![next];
            if length >= least {
                ends.push(next);
            }
        }
        Ok(ends)
    }

    /// A tree, so that texts that begin alike share their begin.
    fn texts(
        &mut self,
        from: &Frontier,
        texts: &Texts,
        reading: Reading,
    ) -> Result<Vec<usize>, Fault> {
        let mut ends = Vec::new();
        let mut tree: BTreeMap<&[char], usize> = BTreeMap::new();
        for text in texts.read_texts(reading) {
            let mut begins = from.states.clone();
            for (place, &character) in text.iter().enumerate() {
                let begin = text.get(..=place).unwrap_or_default();
                let state = match tree.get(begin) {
                    Some(&state) => state,
                    None => {
                        let state = self.state(from.part)?;
                        self.arrows(&begins, &[character], state)?;
                        tree.insert(begin, state);
                        state
                    }
                };
                begins = vec![state];
            }
            ends.extend(begins);
        }
        Ok(ends)
    }

    fn integers(&mut self, from: &Frontier, integers: &Integers) -> Result<Vec<usize>, Fault> {
        let mut ends = Vec::new();
        for &(first, last) in integers.ranges() {
            if let Some(width) = integers.width {
                ends.extend(self.digits(from, first, last, width)?);
                continue;
            }
            // Without a width, the integers of each length are a range of their own.
            let mut least = first;
            for &length in integers.lengths() {
                let digits = u32::try_from(length).unwrap_or(u32::MAX);
                // `u64::MAX` has the most digits.
                let longest = 10_u64.checked_pow(digits).map_or(u64::MAX, |end| end - 1);
                let most = longest.min(last);
                if least <= most {
                    ends.extend(self.digits(from, least, most, length)?);
                    least = most.saturating_add(1);
                }
            }
        }
        Ok(ends)
    }

    /// The integers from `least` to `most`, with `length` digits. A state says whether the digits
    /// so far are those of `least`, of `most`, of both or of neither.
    fn digits(
        &mut self,
        from: &Frontier,
        least: u64,
        most: u64,
        length: usize,
    ) -> Result<Vec<usize>, Fault> {
        let digits_of =
            |number: u64| -> Vec<char> { format!("{number:0length$}").chars().collect() };
        let mut begins = BTreeMap::from([((true, true), from.states.clone())]);
        for (lowest, highest) in digits_of(least).into_iter().zip(digits_of(most)) {
            let mut ends: BTreeMap<(bool, bool), Vec<usize>> = BTreeMap::new();
            for ((is_least, is_most), states) in begins {
                let first = if is_least { lowest } else { '0' };
                let last = if is_most { highest } else { '9' };
                let mut targets: BTreeMap<(bool, bool), Vec<char>> = BTreeMap::new();
                for digit in first..=last {
                    let bounds = (is_least && digit == lowest, is_most && digit == highest);
                    targets.entry(bounds).or_default().push(digit);
                }
                for (bounds, characters) in targets {
                    let state = self.state(from.part)?;
                    self.arrows(&states, &characters, state)?;
                    ends.entry(bounds).or_default().push(state);
                }
            }
            begins = ends;
        }
        Ok(begins.into_values().flatten().collect())
    }

    fn dates(
        &mut self,
        from: &Frontier,
        dates: &Dates,
        reading: Reading,
    ) -> Result<Vec<usize>, Fault> {
        let mut at = from.clone();
        for piece in &dates.layout {
            let ranges = match *piece {
                Piece::Day => vec![(1, 31)],
                Piece::Month => vec![(1, 12)],
                Piece::Year => dates.years(),
                Piece::Separator { character, fold } => {
                    let separator = match reading {
                        Reading::Exact => character,
                        Reading::Folded => fold,
                    };
                    at.states = self.run(&at, &[separator], 1, 1)?;
                    continue;
                }
            };
            let mut ends = Vec::new();
            for (least, most) in ranges {
                ends.extend(self.digits(&at, least.into(), most.into(), piece.width())?);
            }
            at.states = ends;
        }
        Ok(at.states)
    }

    fn state(&mut self, part: (usize, usize)) -> Result<usize, Fault> {
        if self.states.len() >= STATES_MAX {
            return Err(Fault::TooLargeToCheck);
        }
        self.states.push(State {
            arrows: Vec::new(),
            is_end: false,
            part,
        });
        Ok(self.states.len() - 1)
    }

    fn arrows(&mut self, from: &[usize], characters: &[char], target: usize) -> Result<(), Fault> {
        self.arrows_count += from.len();
        if self.arrows_count > ARROWS_MAX {
            return Err(Fault::TooLargeToCheck);
        }
        let characters: Rc<[char]> = characters.into();
        for &state in from {
            if let Some(state) = self.states.get_mut(state) {
                state.arrows.push(Arrow {
                    characters: Rc::clone(&characters),
                    target,
                });
            }
        }
        Ok(())
    }
}

const STATES_MAX: usize = 65_536;
const ARROWS_MAX: usize = 262_144;
