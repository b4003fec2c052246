//! Whether every text of a format can be read in one way only.
//!
//! Two ways to read a text are two ways through the automaton. So pairs of states are followed
//! that one text can lead to, from the pair of starts; the format is ambiguous exactly if a pair of
//! different states can be reached, from which one text leads both to an end.
//!
//! Source: J. Sakarovitch, Elements of Automata Theory, 2009, section II.1.3 (the square of an
//! automaton).

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::collections::btree_map::Entry;

use super::alphabet::Reading;
use super::automaton::Arrow;
use super::automaton::Automaton;
use super::automaton::State;
use super::error::Fault;
use super::error::GrammarError;
use super::error::Place;
use super::grammar::Grammar;
use super::side::Side;

/// Refuses a format with a text that can be read in two ways, or that loses its spaces.
///
/// Values are read in their canonical form, tokens folded.
pub(super) fn refuse(grammar: &Grammar, side: Side) -> Result<(), GrammarError> {
    let reading = match side {
        Side::Token => Reading::Folded,
        Side::Value => Reading::Exact,
    };
    let automaton =
        Automaton::new(grammar, side, reading).map_err(|fault| fault.at(Place::default()))?;
    let place = |state: &State| {
        let (form, part) = state.part;
        grammar.place(form, Some(part))
    };
    if let Some(state) = lost_space(&automaton) {
        return Err(Fault::Spaces { side }.at(place(state)));
    }
    let mut square = Square::new(&automaton);
    square.walk().map_err(|fault| fault.at(Place::default()))?;
    let Some((pair, example)) = square.ambiguity() else {
        return Ok(());
    };
    let [one, other] = pair.map(|state| {
        automaton
            .states
            .get(state)
            .map_or_else(Place::default, place)
    });
    Err(Fault::Ambiguous {
        side,
        example,
        other,
    }
    .at(one))
}

/// A state that is entered with a space at the begin or the end of a text, or after a space.
fn lost_space(automaton: &Automaton) -> Option<&State> {
    let is_space = |arrow: &&Arrow| arrow.characters.contains(&' ');
    for (number, state) in automaton.states.iter().enumerate() {
        for arrow in state.arrows.iter().filter(is_space) {
            let target = automaton.states.get(arrow.target)?;
            if number == START || target.is_end || target.arrows.iter().any(|a| is_space(&a)) {
                return Some(target);
            }
        }
    }
    None
}

/// Two states that one text leads to, the smaller first.
type Pair = [usize; 2];

/// The pairs of states, as far as they can be reached.
struct Square<'automaton> {
    automaton: &'automaton Automaton,
    /// Each pair, with the pair and the character that lead to it first.
    reached: BTreeMap<Pair, Option<(Pair, char)>>,
    /// The pairs in the order in which they were reached.
    order: Vec<Pair>,
    /// For each pair, those that lead to it.
    before: BTreeMap<Pair, Vec<(Pair, char)>>,
}

impl<'automaton> Square<'automaton> {
    fn new(automaton: &'automaton Automaton) -> Self {
        Self {
            automaton,
            reached: BTreeMap::new(),
            order: Vec::new(),
            before: BTreeMap::new(),
        }
    }

    /// Reaches all pairs that one text can lead to.
    fn walk(&mut self) -> Result<(), Fault> {
        let start = [START; 2];
        self.reached.insert(start, None);
        let mut waiting = VecDeque::from([start]);
        let mut steps_count = 0;
        while let Some(pair) = waiting.pop_front() {
            self.order.push(pair);
            let [one, other] = pair.map(|state| self.arrows(state));
            if self.reached.len() > PAIRS_MAX {
                return Err(Fault::TooLargeToCheck);
            }
            for (place, left) in one.iter().enumerate() {
                // A pair of one state twice is symmetric.
                let skipped = if pair[0] == pair[1] { place } else { 0 };
                for right in other.iter().skip(skipped) {
                    steps_count += left.characters.len().min(right.characters.len());
                    if steps_count > STEPS_MAX {
                        return Err(Fault::TooLargeToCheck);
                    }
                    let Some(character) = shared(&left.characters, &right.characters) else {
                        continue;
                    };
                    let next = [left.target.min(right.target), left.target.max(right.target)];
                    self.before.entry(next).or_default().push((pair, character));
                    if let Entry::Vacant(entry) = self.reached.entry(next) {
                        entry.insert(Some((pair, character)));
                        waiting.push_back(next);
                    }
                }
            }
        }
        Ok(())
    }

    /// The first two different states that are both on the way of one text, and the text.
    fn ambiguity(&self) -> Option<(Pair, String)> {
        let ends = self.reached.keys().filter(|pair| {
            let mut states = pair.iter().map(|&state| self.automaton.states.get(state));
            states.all(|state| state.is_some_and(|state| state.is_end))
        });
        let mut after: BTreeMap<Pair, Option<(Pair, char)>> =
            ends.map(|&pair| (pair, None)).collect();
        let mut waiting: VecDeque<Pair> = after.keys().copied().collect();
        while let Some(pair) = waiting.pop_front() {
            for &(before, character) in self.before.get(&pair).into_iter().flatten() {
                after.entry(before).or_insert_with(|| {
                    waiting.push_back(before);
                    Some((pair, character))
                });
            }
        }
        let is_ambiguous = |pair: &&Pair| pair[0] != pair[1] && after.contains_key(*pair);
        let first = *self.order.iter().find(is_ambiguous)?;
        Some((first, self.example(first, &after)))
    }

    /// A text that leads to a pair, and on to an end.
    fn example(&self, pair: Pair, after: &BTreeMap<Pair, Option<(Pair, char)>>) -> String {
        let mut begin = Vec::new();
        let mut at = pair;
        while let Some(Some((before, character))) = self.reached.get(&at) {
            begin.push(*character);
            at = *before;
        }
        let mut example: String = begin.iter().rev().collect();
        at = pair;
        while let Some(Some((next, character))) = after.get(&at) {
            example.push(*character);
            at = *next;
        }
        example
    }

    fn arrows(&self, state: usize) -> &'automaton [Arrow] {
        let state = self.automaton.states.get(state);
        state.map(|state| &*state.arrows).unwrap_or_default()
    }
}

/// A character that both have. Both are sorted.
fn shared(one: &[char], other: &[char]) -> Option<char> {
    let (few, many) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    few.iter()
        .copied()
        .find(|character| many.binary_search(character).is_ok())
}

const START: usize = 0;
const STEPS_MAX: usize = 16_000_000;
const PAIRS_MAX: usize = 200_000;
