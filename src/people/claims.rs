//! The claims of an assertion, typed. A claim of the wrong type is refused, never guessed at.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

use crate::domain::Group;
use crate::people::IssuerSettings;
use crate::people::Refusal;

/// The claims of an assertion.
pub(super) struct Claims<'a> {
    pub(super) audience: Vec<&'a str>,
    pub(super) client: Option<&'a str>,
    pub(super) subject: &'a str,
    /// Seconds since 1970-01-01T00:00:00Z, as are the others.
    pub(super) expires: u64,
    pub(super) not_before: Option<u64>,
    pub(super) issued: Option<u64>,
    pub(super) logged_in: Option<u64>,
    pub(super) id: Option<&'a str>,
    pub(super) confirmation: Option<&'a Value>,
    pub(super) class: Option<&'a str>,
    pub(super) methods: Words,
    pub(super) groups: Words,
}

/// Words that a provider says of a person.
pub(super) struct Words {
    /// Those that are words as policies know them.
    pub(super) known: BTreeSet<Group>,
    /// How many there are in all.
    pub(super) count: usize,
}

/// Who says that it has issued the assertion.
pub(super) fn issuer(claims: &Map<String, Value>) -> Result<&str, Refusal> {
    text(claims, "iss")?.ok_or(Refusal::Claim)
}

impl<'a> Claims<'a> {
    /// Reads what is looked at; other claims are left alone.
    ///
    /// # Errors
    ///
    /// If a claim that must be there is not, or one is not of its type.
    pub(super) fn read(
        claims: &'a Map<String, Value>,
        settings: &IssuerSettings,
    ) -> Result<Self, Refusal> {
        let client = match text(claims, "azp")? {
            Some(client) => Some(client),
            None => text(claims, "client_id")?,
        };
        let subject = text(claims, "sub").map_err(|_| Refusal::Subject)?;
        Ok(Self {
            audience: audience(claims)?,
            client,
            subject: subject.ok_or(Refusal::Subject)?,
            expires: seconds(claims, "exp")?.ok_or(Refusal::Claim)?,
            not_before: seconds(claims, "nbf")?,
            issued: seconds(claims, "iat")?,
            logged_in: seconds(claims, "auth_time")?,
            id: text(claims, "jti")?,
            confirmation: claims.get("cnf"),
            // A class that is no text is none that is configured.
            class: claims.get("acr").and_then(Value::as_str),
            methods: words(claims.get("amr")),
            groups: words(claims.get(&settings.groups_claim)),
        })
    }
}

/// A text, if the claim is there.
fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(Some).ok_or(Refusal::Claim)
}

/// A time, if the claim is there: whole seconds, not negative, and not after the year 9999.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value.as_u64().filter(|seconds| *seconds <= SECONDS_MAX);
    seconds.map(Some).ok_or(Refusal::Claim)
}

/// One audience as a text, or several in an array.
fn audience(claims: &Map<String, Value>) -> Result<Vec<&str>, Refusal> {
    match claims.get("aud") {
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().ok_or(Refusal::Claim))
            .collect(),
        Some(_) | None => Err(Refusal::Claim),
    }
}

/// The words of an array. What is no word as policies know them can be in no policy, so it is left
/// out; so is all of it where it is no array.
fn words(value: Option<&Value>) -> Words {
    let items = value.and_then(Value::as_array);
    let items = items.map(Vec::as_slice).unwrap_or_default();
    let word = |item: &Value| Group::new(item.as_str()?).ok();
    Words {
        known: items.iter().filter_map(word).collect(),
        count: items.len(),
    }
}

/// 9999-12-31T23:59:59Z.
const SECONDS_MAX: u64 = 253_402_300_799;
