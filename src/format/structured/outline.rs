//! Which part of an outline token gets what.
//!
//! An outline of words has two ends: the first of a value's leading words gets the one, its last
//! words the other, and every other part that is not empty gets something of its kind, so that a
//! column that must not be empty is not. Empty parts stay empty.

use zeroize::Zeroizing;

use super::slice::Aside;
use super::spec::PartName;
use super::spec::Role;
use super::spec::StructuredKind;
use crate::format::outline;
use crate::format::outline::Piece;
use crate::format::outline::Pieces;

/// What each part of an outline token gets, for a value with these texts.
pub(super) fn pieces(
    kind: StructuredKind,
    parts: &[PartName],
    texts: &[Zeroizing<String>],
    aside: &Aside,
) -> Pieces {
    let ends = Ends::find(parts, texts, aside);
    let each = parts.iter().zip(texts).enumerate();
    let piece = |(place, (part, text)): (usize, (&PartName, &Zeroizing<String>))| {
        let country = aside.country.as_ref();
        let piece = match (part.role, country) {
            _ if text.is_empty() => Piece::Empty,
            (Role::Country, Some(country)) => Piece::Kept(country.clone()),
            _ if ends.whole == Some(place) => Piece::Whole,
            _ if ends.head == Some(place) => Piece::Head,
            _ if ends.tail == Some(place) => Piece::Tail,
            (Role::Number, _) => Piece::Number,
            (Role::PostalCode, _) => Piece::Code(aside.pattern.map(|(_, pattern)| pattern)),
            (Role::Region, _) => Piece::Letters,
            (Role::Country | Role::Lead | Role::Words, _) => Piece::Word,
        };
        (part.name, piece)
    };
    Pieces::new(kind.text(), each.map(piece).collect())
}

/// Whether folded texts are those of an outline token: its words, with a right check.
pub(super) fn is_outline_token(
    kind: StructuredKind,
    parts: &[PartName],
    texts: &[Zeroizing<String>],
    aside: &Aside,
) -> bool {
    let ends = Ends::find(parts, texts, aside);
    let text_at = |place: Option<usize>| Some(texts.get(place?)?.as_str());
    match (text_at(ends.whole), text_at(ends.head), text_at(ends.tail)) {
        (Some(whole), _, _) => outline::is_outline_token(kind.text(), whole),
        (None, Some(head), Some(tail)) => {
            outline::is_outline_token(kind.text(), &outline::with_ends(kind.text(), head, tail))
        }
        (None, _, _) => false,
    }
}

/// The places of the parts that have the words which are checked.
#[derive(Default)]
struct Ends {
    whole: Option<usize>,
    head: Option<usize>,
    tail: Option<usize>,
}

impl Ends {
    fn find(parts: &[PartName], texts: &[Zeroizing<String>], aside: &Aside) -> Self {
        let is_kept = |part: &PartName| part.role == Role::Country && aside.country.is_some();
        let present: Vec<(usize, Role)> = parts
            .iter()
            .zip(texts)
            .enumerate()
            .filter(|(_, (part, text))| !text.is_empty() && !is_kept(part))
            .map(|(place, (part, _))| (place, part.role))
            .collect();
        let is_word = |role: Role| matches!(role, Role::Country | Role::Lead | Role::Words);
        let words: Vec<(usize, Role)> = present
            .iter()
            .copied()
            .filter(|(_, role)| is_word(*role))
            .collect();
        let lead = words.iter().find(|(_, role)| *role == Role::Lead);
        let head = lead.or(words.first()).map(|(place, _)| *place);
        let others = words.iter().rev().map(|(place, _)| *place);
        let tail = others.into_iter().find(|place| Some(*place) != head);
        match (head, tail) {
            (Some(_), Some(_)) => Self {
                whole: None,
                head,
                tail,
            },
            (Some(_), None) => Self {
                whole: head,
                ..Self::default()
            },
            (None, _) => Self {
                whole: present.first().map(|(place, _)| *place),
                ..Self::default()
            },
        }
    }
}
