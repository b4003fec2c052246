//! A product format, compiled: forms of parts, with all that reading and writing needs.

use super::ambiguity;
use super::check;
use super::digest;
use super::error::Fault;
use super::error::GrammarError;
use super::error::Place;
use super::part::Part;
use super::side::Side;
use super::size;
use super::spec::GrammarSpec;
use super::spec::PartSpec;
use super::spelling::CHARACTERS_MAX;
use super::spelling::Spelling;

/// A product format, compiled.
pub(super) struct Grammar {
    pub(super) spelling: Spelling,
    pub(super) forms: Box<[Form]>,
    pub(super) digest: [u8; 16],
    /// Whether places in it name a form.
    has_forms: bool,
}

/// One of the forms of a format.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Form {
    pub(super) parts: Box<[Part]>,
    /// The parts that are checks, in the order in which they are written.
    pub(super) checks: Box<[usize]>,
}

impl Grammar {
    /// Compiles a specification, and checks all that can be checked without samples.
    pub(super) fn compile(spec: &GrammarSpec) -> Result<Self, GrammarError> {
        let spelling = Spelling::new(spec.case, &spec.ignore)
            .map_err(|fault| fault.at(Place::default().key("ignore")))?;
        let has_forms = spec.forms.is_some();
        let forms: Vec<&[PartSpec]> = match (&spec.parts, &spec.forms) {
            (None, None) => return Err(Fault::NoParts.at(Place::default())),
            (Some(_), Some(_)) => return Err(Fault::PartsAndForms.at(Place::default())),
            (Some(parts), None) => vec![parts],
            (None, Some(forms)) => forms.iter().map(|form| &*form.parts).collect(),
        };
        if !(1..=FORMS_MAX).contains(&forms.len()) {
            let forms_max = FORMS_MAX;
            return Err(Fault::FormsCount { forms_max }.at(Place::default().key("forms")));
        }
        let compiled = forms.iter().enumerate().map(|(form, parts)| {
            let form_place = Place {
                form: has_forms.then_some(form + 1),
                ..Place::default()
            };
            Form::compile(parts, &spelling, form_place)
        });
        let mut grammar = Self {
            forms: compiled.collect::<Result<_, _>>()?,
            spelling,
            digest: [0; 16],
            has_forms,
        };
        grammar.digest = digest::of(&grammar);
        for side in [Side::Value, Side::Token] {
            ambiguity::refuse(&grammar, side)?;
        }
        size::refuse_small(&grammar)?;
        Ok(grammar)
    }

    /// The place of a part, both numbered from 0.
    pub(super) fn place(&self, form: usize, part: Option<usize>) -> Place {
        Place {
            form: self.has_forms.then_some(form + 1),
            part: part.map(|part| part + 1),
            ..Place::default()
        }
    }
}

impl Form {
    fn compile(
        specs: &[PartSpec],
        spelling: &Spelling,
        form_place: Place,
    ) -> Result<Self, GrammarError> {
        if specs.is_empty() {
            return Err(Fault::FormEmpty.at(form_place));
        }
        if specs.len() > PARTS_MAX {
            let parts_max = PARTS_MAX;
            return Err(Fault::PartsCount { parts_max }.at(form_place.key("parts")));
        }
        let place = |part: usize| Place {
            part: Some(part + 1),
            ..form_place
        };
        let parts = specs
            .iter()
            .enumerate()
            .map(|(own, spec)| Part::compile(spec, (own, specs.len()), spelling, place(own)));
        let parts: Box<[Part]> = parts.collect::<Result<_, _>>()?;
        let checks = check::order(&parts, place)?;
        for side in [Side::Value, Side::Token] {
            let length: usize = parts.iter().map(|part| part.length_most(side)).sum();
            if length > CHARACTERS_MAX {
                let characters_max = CHARACTERS_MAX;
                return Err(Fault::TextTooLong { characters_max }.at(form_place));
            }
        }
        Ok(Self {
            parts,
            checks: checks.into(),
        })
    }
}

const FORMS_MAX: usize = 16;
const PARTS_MAX: usize = 64;
