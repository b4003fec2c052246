//! E-mail addresses in a text, by the crate linkify, which takes every character beyond ASCII as
//! part of an address: so the text is cut up before.

use std::ops::Range;

use linkify::LinkFinder;
use linkify::LinkKind;

use super::script::is_unspaced;

/// Everything that has the form of an address, without marks before it.
pub(super) fn candidates(text: &str) -> Vec<Range<usize>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Email]);
    let mut found = Vec::new();
    for piece in pieces(text) {
        let part = text.get(piece.clone()).unwrap_or_default();
        for link in finder.links(part) {
            let marks = link
                .as_str()
                .find(|character: char| character.is_alphanumeric())
                .unwrap_or(0);
            found.push(piece.start + link.start() + marks..piece.start + link.end());
        }
    }
    found
}

/// The pieces between characters that are in no address, and between a domain and a mark after it.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut is_domain) = (0, false);
    for (place, character) in text.char_indices() {
        let is_of_address = character.is_ascii()
            || (character.is_alphanumeric() && !is_unspaced(character))
            || unicode_normalization::char::is_combining_mark(character);
        let is_mark = is_domain && matches!(character, '_' | '~' | '*' | '`' | '|' | '=' | '/');
        if !is_of_address || is_mark || character.is_ascii_whitespace() {
            pieces.push(start..place);
            start = place + character.len_utf8();
            is_domain = false;
        } else if character == '@' {
            is_domain = true;
        }
    }
    pieces.push(start..text.len());
    pieces
}
