//! Values and tokens in parts on the wire.

use std::collections::HashMap;

use zeroize::Zeroizing;

use crate::domain::PartsError;
use crate::domain::Plaintext;
use crate::domain::Token;
use crate::domain::is_of_parts;
use crate::domain::join_parts;
use crate::domain::split_parts;
use crate::vault::ItemError;

/// A value, whole or in parts.
pub(super) fn value(whole: String, parts: HashMap<String, String>) -> Result<Plaintext, ItemError> {
    // Taken over first: an early return must not leave the value behind in a plain string.
    let whole = Plaintext::new(whole);
    match joined("value_parts", whole.expose(), parts)? {
        Some(parts) => Ok(Plaintext::new(parts)),
        None => Ok(whole),
    }
}

/// A token, whole or in parts.
pub(super) fn token(whole: String, parts: HashMap<String, String>) -> Result<Token, ItemError> {
    let whole = Token::new(whole);
    match joined("token_parts", whole.expose(), parts)? {
        Some(parts) => Ok(Token::new(parts)),
        None => Ok(whole),
    }
}

/// The parts of a text for the wire, or the text where it has none.
pub(super) fn split(text: &str) -> Result<HashMap<String, String>, String> {
    match split_parts(text) {
        Some(parts) => Ok(parts
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect()),
        None => Err(text.to_owned()),
    }
}

/// The parts as one text, if there are any.
fn joined(
    part: &'static str,
    whole: &str,
    parts: HashMap<String, String>,
) -> Result<Option<String>, ItemError> {
    let refused = |error| ItemError::Parts { part, error };
    let mut parts: Vec<(String, Zeroizing<String>)> = parts
        .into_iter()
        .map(|(name, text)| (name, Zeroizing::new(text)))
        .collect();
    match (whole.is_empty(), parts.is_empty()) {
        // Only parts are written so.
        (false, true) if is_of_parts(whole) => return Err(refused(PartsError::ControlCharacter)),
        (_, true) => return Ok(None),
        (false, false) => return Err(refused(PartsError::BothGiven)),
        (true, false) => {}
    }
    // A repeated call has the same contents, in whatever order the map gives them.
    parts.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    let parts: Vec<(&str, &str)> = parts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let mut joined = join_parts(&parts).map_err(refused)?;
    Ok(Some(std::mem::take(&mut *joined)))
}
