//! Which part of a text belongs to which part of a form.
//!
//! Formats are unambiguous, so that there is at most one answer. It is found without backtracking:
//! first every place that some parts can reach from the left, then the way back from the end.

use super::alphabet::Reading;
use super::grammar::Form;
use super::side::Side;

/// The characters of each part; nothing for a part that is absent.
pub(super) type Extents<'text> = Vec<Option<&'text [char]>>;

/// A part that can stand from one place to another.
#[derive(Clone, Copy)]
struct Step {
    from: usize,
    to: usize,
    is_present: bool,
}

/// The characters of each part of the form, but for whether its checks are right. Nothing if the
/// text is not of the form.
pub(super) fn extents<'text>(
    form: &Form,
    side: Side,
    reading: Reading,
    text: &'text [char],
) -> Option<Extents<'text>> {
    let mut steps_by_part = Vec::with_capacity(form.parts.len());
    let mut reached = vec![0];
    let mut lengths = Vec::new();
    for part in &form.parts {
        let mut steps = Vec::new();
        for &from in &reached {
            if part.is_optional {
                steps.push(Step {
                    from,
                    to: from,
                    is_present: false,
                });
            }
            lengths.clear();
            part.read(side, reading, text.get(from..)?, &mut lengths);
            steps.extend(lengths.iter().map(|length| Step {
                from,
                to: from + length,
                is_present: true,
            }));
        }
        reached = steps.iter().map(|step| step.to).collect();
        reached.sort_unstable();
        reached.dedup();
        steps_by_part.push(steps);
    }
    let mut extents = Vec::with_capacity(form.parts.len());
    let mut end = text.len();
    for steps in steps_by_part.iter().rev() {
        let step = steps.iter().find(|step| step.to == end)?;
        extents.push(text.get(step.from..step.to).filter(|_| step.is_present));
        end = step.from;
    }
    extents.reverse();
    Some(extents)
}
