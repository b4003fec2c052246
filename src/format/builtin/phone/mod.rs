//! Telephone numbers, E.164.
//!
//! A token keeps the calling code and the length. A marked token begins, after the calling code,
//! with digits that no number of that code begins with, so that nobody can be called: the marks are
//! computed from the metadata of Google's libphonenumber, for which see [`marks`] and
//! `generate.py`. Each calling code is a format of its own, with a form for each length of its
//! national numbers.
//!
//! Numbers that are too short for a million marked tokens are in no form.

pub(in crate::format) mod marks;
pub(in crate::format) mod reading;

use super::Mode;
use super::parts;
use crate::format::product::FormSpec;
use crate::format::product::GrammarSpec;
use crate::format::product::PartSpec;
use crate::format::product::SetSpec;
use crate::format::product::TokenSpec;

/// The calling code of a number in canonical form; nothing if there is no such code.
pub(in crate::format) fn calling_code(canonical: &str) -> Option<u16> {
    let digits = canonical.strip_prefix('+')?;
    // No code begins with another.
    let codes = (1..=CODE_DIGITS_MAX).filter_map(|length| digits.get(..length)?.parse().ok());
    codes
        .into_iter()
        .find(|&code| marks::plans(code).next().is_some())
}

/// The specification of a calling code's numbers; nothing if no number of it has enough tokens.
pub(in crate::format) fn grammar(code: u16, mode: Mode) -> Option<GrammarSpec> {
    let mut forms = Vec::new();
    for plan in marks::plans(code) {
        for &length in &plan.lengths {
            let national = match mode {
                Mode::Marked => marked(length, &plan.marks),
                Mode::Valid => (length >= DIGITS_LEAST).then(|| vec![parts::digits(length)]),
            };
            if let Some(national) = national {
                let mut parts = vec![parts::literal(&format!("+{code}"))];
                parts.extend(national);
                forms.push(FormSpec { parts });
            }
        }
    }
    (!forms.is_empty()).then(|| GrammarSpec {
        forms: Some(forms),
        // In tokens that were written in groups.
        ignore: " -./()".to_owned(),
        ..GrammarSpec::default()
    })
}

/// National numbers of a length, of which tokens begin with one of the marks.
fn marked(length: usize, marks: &[&str]) -> Option<Vec<PartSpec>> {
    let mark_length = marks.first()?.len();
    let token = SetSpec {
        one_of: Some(marks.iter().map(|&mark| mark.to_owned()).collect()),
        ..SetSpec::default()
    };
    let begin = PartSpec {
        token: Some(TokenSpec::Set(Box::new(token))),
        ..parts::digits(mark_length)
    };
    let rest = length.checked_sub(mark_length).filter(|&rest| rest > 0)?;
    Some(vec![begin, parts::digits(rest)])
}

/// ITU-T E.164, clause 6.1: a country code has one to three digits.
const CODE_DIGITS_MAX: usize = 3;

/// A form needs a million numbers.
const DIGITS_LEAST: usize = 6;

#[cfg(test)]
mod tests;
