//! What is to be replaced in a text.
//!
//! Everything that is found is a candidate. Where candidates overlap, the longest gets the token,
//! and what is left of the others goes with it: nothing that was found stays in the text.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::domain::FieldName;
use crate::domain::Plaintext;
use crate::domain::Recognition;
use crate::domain::Token;
use crate::format::Finding;
use crate::format::find_known;
use crate::policy::Permit;
use crate::vault::ITEMS_MAX;
use crate::vault::answer::Item;
use crate::vault::error::ItemError;
use crate::vault::field::Field;
use crate::vault::field::NamespaceFields;
use crate::vault::redact::RedactItem;

/// A value in a text.
pub(super) struct Find<'a> {
    /// What is replaced, in bytes.
    pub(super) place: Range<usize>,
    /// What of it is the value.
    pub(super) value: Range<usize>,
    pub(super) field: &'a Field,
    /// Which known value it is; nothing where its form showed it.
    pub(super) known: Option<usize>,
}

/// What is to be replaced in a text, in order, without overlaps.
pub(super) fn find<'a>(
    fields: &'a NamespaceFields,
    permit: &Permit,
    by_form: &[(&'a Field, Finding)],
    item: &RedactItem,
) -> Item<Vec<Find<'a>>> {
    // The text must be looked at: what is in it is what is looked for.
    let text = item.text.expose();
    if text.chars().count() > TEXT_CHARACTERS_MAX || item.known.len() > KNOWN_MAX {
        return Err(TEXT_TOO_LONG);
    }
    let mut candidates = known_values(fields, permit, item, text)?;
    for (field, finding) in by_form {
        let found = field.format.find(text, *finding).into_iter();
        candidates.extend(found.map(|place| Find {
            value: place.clone(),
            place,
            field,
            known: None,
        }));
    }
    if candidates.len() > CANDIDATES_MAX {
        let findings_max = ITEMS_MAX;
        return Err(ItemError::Findings { findings_max });
    }
    // A token of any field's texts stands in the text already. Tokens of identifiers may be values
    // of another field, so that only their own field leaves them alone.
    candidates.retain(|find| {
        let piece = text.get(find.place.clone()).unwrap_or_default();
        let piece = Token::new(piece.to_owned());
        let mut texts = fields
            .fields
            .values()
            .filter(|field| field.format.digest().is_none());
        !texts.any(|field| field.format.recognize(&piece) == Recognition::Token)
    });
    let finds = choose(candidates);
    for find in &finds {
        // A field that keeps customers apart needs to know whose text it is.
        find.field.scope(item.subject.as_ref())?;
    }
    Ok(finds)
}

/// The known values that are in a text.
fn known_values<'a>(
    fields: &'a NamespaceFields,
    permit: &Permit,
    item: &RedactItem,
    text: &str,
) -> Item<Vec<Find<'a>>> {
    let known: Vec<(&Field, &Plaintext)> = item
        .known
        .iter()
        .map(|known| {
            let field = fields.permitted(permit, &known.field)?;
            // Before it costs anything: no longer value is in the field's format.
            if known.value.expose().len() > field.format.plaintext_bytes_max() {
                return Err(TEXT_TOO_LONG);
            }
            Ok((field, &known.value))
        })
        .collect::<Item<_>>()?;
    let values: Vec<&Plaintext> = known.iter().map(|(_, value)| *value).collect();
    let by_words = find_known(text, &values).map_err(|_| TEXT_TOO_LONG)?;
    // Field by field, since each has to try the whole text.
    let of_fields: BTreeMap<&FieldName, &Field> = known
        .iter()
        .map(|(field, _)| (&field.name, *field))
        .collect();
    let by_value = of_fields.into_values().flat_map(|field| {
        let numbered = known.iter().enumerate();
        let own: Vec<(usize, &Plaintext)> = numbered
            .filter(|(_, (other, _))| other.name == field.name)
            .map(|(number, (_, value))| (number, *value))
            .collect();
        field.format.find_equal(text, &own)
    });
    let find = |(number, place): (usize, Range<usize>)| {
        let (field, _) = known.get(number)?;
        Some(Find {
            value: place.clone(),
            place,
            field,
            known: Some(number),
        })
    };
    Ok(by_words
        .into_iter()
        .chain(by_value)
        .filter_map(find)
        .collect())
}

/// The longest of those that overlap, known values first where two are equally long. What is left
/// of the others is replaced with it.
fn choose(mut candidates: Vec<Find<'_>>) -> Vec<Find<'_>> {
    candidates.sort_by_key(|find| {
        let length = find.place.len();
        (usize::MAX - length, find.known.is_none(), find.place.start)
    });
    let mut chosen: Vec<Find<'_>> = Vec::new();
    let mut others = Vec::new();
    for find in candidates {
        if chosen.iter().any(|it| overlap(&it.value, &find.value)) {
            others.push(find.place);
        } else {
            chosen.push(find);
        }
    }
    chosen.sort_by_key(|find| find.place.start);
    for other in others {
        take_along(&mut chosen, &other);
    }
    chosen
}

/// Widens the finds that a place overlaps, up to their neighbours, until they cover it.
fn take_along(chosen: &mut [Find<'_>], other: &Range<usize>) {
    let mut free_from = 0;
    let mut index = 0;
    while let Some((find, rest)) = chosen.get_mut(index..).and_then(<[_]>::split_first_mut) {
        if overlap(&find.place, other) {
            let next = rest.first().map_or(usize::MAX, |next| next.place.start);
            find.place.start = find.place.start.min(other.start.max(free_from));
            find.place.end = find.place.end.max(other.end.min(next));
        }
        free_from = find.place.end;
        index += 1;
    }
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

pub(super) const TEXT_TOO_LONG: ItemError = ItemError::TextTooLong {
    characters_max: TEXT_CHARACTERS_MAX,
    known_max: KNOWN_MAX,
};

/// A long letter.
pub(super) const TEXT_CHARACTERS_MAX: usize = 10_000;
/// Finds of a text before one of those that overlap is chosen: each is compared with the others.
const CANDIDATES_MAX: usize = 10 * ITEMS_MAX;
/// Values that a text may be searched for.
pub(super) const KNOWN_MAX: usize = 100;
