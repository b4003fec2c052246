//! How many slices a format has, and how large they are.

use super::error::Fault;
use super::error::GrammarError;
use super::grammar::Form;
use super::grammar::Grammar;
use super::part::Body;
use super::part::Choice;
use super::part::Kept;
use super::part::Part;
use super::part::Run;
use crate::domain::DomainSize;

/// The slices of a format, counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) struct SliceCounts {
    /// How many there are; `u64::MAX` if there are more.
    pub(in crate::format) slices_count: u64,
    /// The bits of the size of the smallest.
    pub(in crate::format) smallest_bits: usize,
    /// The bits of the size of the largest.
    pub(in crate::format) largest_bits: usize,
}

/// The end of the range of sizes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Extreme {
    Largest,
    Smallest,
}

impl Form {
    /// The choices of the smallest or largest slice.
    pub(super) fn choices(&self, extreme: Extreme) -> Vec<Choice> {
        let choice = |part: &Part| match (extreme, part.run()) {
            (Extreme::Smallest, _) if part.is_optional => Choice::Absent,
            (Extreme::Smallest, Some(run)) => Choice::Present(run.length_least),
            (Extreme::Largest, Some(run)) => Choice::Present(run.length_most),
            (_, None) => Choice::Present(0),
        };
        self.parts.iter().map(choice).collect()
    }

    /// The size of the smallest or largest slice.
    pub(super) fn domain(&self, extreme: Extreme) -> DomainSize {
        let mut domain = DomainSize::one();
        for (part, choice) in self.parts.iter().zip(self.choices(extreme)) {
            match (&part.body, choice) {
                (Body::Run(run), Choice::Present(length)) => {
                    (0..length).for_each(|_| domain.multiply(run.token.size()));
                }
                (Body::Whole { token, .. }, Choice::Present(_)) => domain.multiply(token.size()),
                (Body::Check(_) | Body::Kept(_), _) | (_, Choice::Absent) => {}
            }
        }
        domain
    }

    fn slices_count(&self) -> u64 {
        let counts = self.parts.iter().map(|part| {
            let choices_count = match &part.body {
                Body::Kept(Kept::Run(run)) => texts_count(run),
                Body::Kept(Kept::Whole(set)) => u64::from(set.size()),
                Body::Run(run) => {
                    u64::try_from(run.length_most - run.length_least + 1).unwrap_or(u64::MAX)
                }
                Body::Check(_) | Body::Whole { .. } => 1,
            };
            choices_count.saturating_add(u64::from(part.is_optional))
        });
        counts.fold(1, u64::saturating_mul)
    }
}

/// Counts the slices.
pub(super) fn count(grammar: &Grammar) -> SliceCounts {
    let bits = |extreme| {
        grammar
            .forms
            .iter()
            .map(move |form| form.domain(extreme).bits())
    };
    let counts = grammar.forms.iter().map(Form::slices_count);
    SliceCounts {
        slices_count: counts.fold(0, u64::saturating_add),
        smallest_bits: bits(Extreme::Smallest).min().unwrap_or(0),
        largest_bits: bits(Extreme::Largest).max().unwrap_or(0),
    }
}

/// What a token says of its value.
pub(super) fn reveals(grammar: &Grammar) -> Vec<String> {
    let mut reveals = Vec::new();
    if grammar.forms.len() > 1 {
        reveals.push(format!("which of {} forms it has", grammar.forms.len()));
    }
    let mut parts = grammar.forms.iter().flat_map(|form| &form.parts);
    if parts.any(|part| part.is_optional) {
        reveals.push("which of the optional parts it has".to_owned());
    }
    for (form_number, form) in grammar.forms.iter().enumerate() {
        for (number, part) in form.parts.iter().enumerate() {
            let place = grammar.place(form_number, Some(number));
            match &part.body {
                Body::Kept(Kept::Whole(set)) if set.size() == 1 => {}
                Body::Kept(_) => reveals.push(place.to_string()),
                Body::Run(run) if run.length_least < run.length_most => {
                    reveals.push(format!("the length of {place}"));
                }
                Body::Check(_) | Body::Run(_) | Body::Whole { .. } => {}
            }
        }
    }
    reveals
}

/// Refuses a format with a slice that FF1 may not serve.
pub(super) fn refuse_small(grammar: &Grammar) -> Result<(), GrammarError> {
    let sizes = grammar
        .forms
        .iter()
        .map(|form| form.domain(Extreme::Smallest));
    let smallest = sizes
        .enumerate()
        .min_by(|(_, one), (_, other)| one.compare(other));
    let Some((form, domain)) = smallest.filter(|(_, domain)| !domain.is_large_enough()) else {
        return Ok(());
    };
    let parts = grammar
        .forms
        .get(form)
        .map(|form| &*form.parts)
        .unwrap_or_default();
    let run = parts
        .iter()
        .position(|part| matches!(part.body, Body::Run(_)));
    let remedy = match run {
        Some(part) => format!("lengthen {}, or keep less", grammar.place(form, Some(part))),
        None => "add a class of characters, or keep less".to_owned(),
    };
    let count = domain.limbs().first().copied().unwrap_or(0);
    Err(Fault::TooSmall { count, remedy }.at(grammar.place(form, None)))
}

fn texts_count(run: &Run) -> u64 {
    let lengths = run.length_least..=run.length_most;
    let counts = lengths.map(|length| {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        u64::from(run.value.size()).saturating_pow(length)
    });
    counts.fold(0, u64::saturating_add)
}
