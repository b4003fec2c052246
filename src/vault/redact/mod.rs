//! Redact: values in free text are replaced with their tokens.
//!
//! Each text is redacted whole or not at all: where a value that was found cannot have a token,
//! the text's answer is that error, and never a text with the value in it.

mod search;

use std::collections::BTreeSet;
use std::ops::Range;

use self::search::Find;
use crate::access::Act;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::format::Finding;
use crate::policy::Action;
use crate::policy::Coverage;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::ITEMS_MAX;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::caller::Caller;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::Field;
use crate::vault::field::NamespaceFields;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::journal::distinct;
use crate::vault::tokenize::Tokenize;
use crate::vault::tokenize::TokenizeItem;

/// Texts that want their values replaced.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Redact {
    /// The tenant.
    pub namespace: Namespace,
    /// Makes a retry safe.
    pub request_id: Option<RequestId>,
    /// The texts; an item that could not be converted is answered with its error.
    pub items: Vec<Item<RedactItem>>,
    /// The fields whose values are looked for; none: each that has a form to find and that the
    /// permit covers.
    pub fields: Vec<FieldName>,
}

/// A text that wants its values replaced.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct RedactItem {
    /// The text.
    pub text: Plaintext,
    /// The customer whom its values belong to.
    pub subject: Option<Subject>,
    /// Values that may be in it, which their form alone does not show: names, addresses.
    pub known: Vec<KnownValue>,
}

/// A value that may be in a text.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct KnownValue {
    /// Its field.
    pub field: FieldName,
    /// The value.
    pub value: Plaintext,
}

/// A text with tokens in the place of its values.
#[expect(
    missing_debug_implementations,
    reason = "a text may hold values that were not found"
)]
pub struct Redacted {
    /// The text.
    pub text: Plaintext,
    /// What was replaced, in order.
    pub spans: Vec<RedactedSpan>,
}

/// A value that was replaced.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct RedactedSpan {
    /// Where it stood in the original text, in characters (Unicode scalar values).
    pub characters: Range<usize>,
    /// Its field.
    pub field: FieldName,
    /// Its token.
    pub token: TokenizedValue,
}

impl Request for Redact {
    fn action(&self) -> Action {
        Action::Tokenize
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for Redact {
    const EVENT: Event = Event::Tokenize;

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    fn items_count(&self) -> usize {
        self.items.len()
    }

    fn item(&self, index: usize) -> About<'_> {
        about(&self.items, index, |item| About {
            field: None,
            subject: item.subject.as_ref(),
            token: None,
        })
    }

    fn fields(&self) -> Vec<FieldName> {
        if self.fields.is_empty() {
            return Vec::new();
        }
        let known = self.items.iter().flatten().flat_map(|item| &item.known);
        let known = known.map(|known| &known.field);
        distinct(self.fields.iter().chain(known))
    }
}

impl Vault {
    /// Replaces the values in each text with their tokens. New records and the audit entry become
    /// durable together, or none of them does.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out; nothing was written then.
    pub async fn redact(
        &self,
        caller: &Caller,
        request: Redact,
    ) -> Result<Vec<Item<Redacted>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        let request = permitted.request();
        // However few texts there are, looking through them takes its time.
        let finds = tokio::task::block_in_place(|| find_all(fields, &permitted));
        // Texts that failed go along, so that the entry has them.
        let wanted: Vec<Item<TokenizeItem>> = request
            .items
            .iter()
            .zip(&finds)
            .flat_map(|(item, finds)| match (item, finds) {
                (Ok(item), Ok(finds)) => finds.iter().map(|it| Ok(wanted(item, it))).collect(),
                (Err(error), _) | (_, Err(error)) => vec![Err(*error)],
            })
            .collect();
        let tokens = if wanted.is_empty() {
            let note = |_| Note::new(ItemOutcome::NotFound);
            let entry = self.entry(caller, &permitted, note);
            self.record_answer(caller, &permitted, entry, Act::Work)
                .await?;
            Vec::new()
        } else {
            let tokenize = Tokenize {
                namespace: request.namespace.clone(),
                request_id: request.request_id.clone(),
                items: wanted,
                allow_token_values: false,
                decoys: false,
            };
            self.tokenize(caller, tokenize).await?
        };
        let mut tokens = tokens.into_iter();
        let redact = |(item, finds): (&Item<RedactItem>, Item<Vec<Find<'_>>>)| match (item, finds) {
            (Ok(item), Ok(finds)) => {
                let tokens = tokens.by_ref().take(finds.len()).collect();
                replace(item, finds, tokens)
            }
            (_, Err(error)) => {
                tokens.next();
                Err(error)
            }
            // What could not be converted was not searched either.
            (Err(error), Ok(_)) => Err(*error),
        };
        Ok(request.items.iter().zip(finds).map(redact).collect())
    }
}

/// What is to be replaced in each text, of all together no more than one call may tokenize.
fn find_all<'a>(
    fields: &'a NamespaceFields,
    permitted: &Permitted<Redact>,
) -> Vec<Item<Vec<Find<'a>>>> {
    let request = permitted.request();
    let by_form = searched(fields, permitted);
    let (mut finds_left, mut characters_left) = (ITEMS_MAX, CALL_CHARACTERS_MAX);
    let mut find = |item: &Item<RedactItem>, finds_max: usize| {
        let item = item.as_ref().map_err(|error| *error)?;
        let by_form = by_form.as_ref().map_err(|error| *error)?;
        // The text must be looked at: what is in it is what is looked for.
        let characters_count = item.text.expose().chars().count();
        characters_left = characters_left
            .checked_sub(characters_count)
            .ok_or(search::TEXT_TOO_LONG)?;
        let finds = search::find(fields, permitted.permit(), by_form, item)?;
        if finds.len() > finds_max {
            let findings_max = ITEMS_MAX;
            return Err(ItemError::Findings { findings_max });
        }
        Ok(finds)
    };
    let mut found = Vec::with_capacity(request.items.len());
    for (number, item) in request.items.iter().enumerate() {
        // An error takes the place of a find in the entry, and each text that is still to come may
        // need one.
        let texts_left = request.items.len() - number - 1;
        let finds = find(item, finds_left.saturating_sub(texts_left));
        finds_left -= finds.as_ref().map_or(1, Vec::len);
        found.push(finds);
    }
    found
}

/// The fields whose values are looked for by their form, and how.
fn searched<'a>(
    fields: &'a NamespaceFields,
    permitted: &Permitted<Redact>,
) -> Item<Vec<(&'a Field, Finding)>> {
    let permit = permitted.permit();
    let named: BTreeSet<&FieldName> = permitted.request().fields.iter().collect();
    if named.is_empty() {
        let certain = fields
            .fields
            .values()
            .filter(|field| permit.covers(&field.name, Coverage::Standing))
            .filter(|field| field.format.is_findable(Finding::Certain));
        return Ok(certain.map(|field| (field, Finding::Certain)).collect());
    }
    let find = |name: &FieldName| {
        let field = fields.permitted(permit, name)?;
        if !field.format.is_findable(Finding::Any) {
            return Err(ItemError::NotFindable);
        }
        Ok((field, Finding::Any))
    };
    named.into_iter().map(find).collect()
}

/// What is tokenized for a value that was found.
fn wanted(item: &RedactItem, find: &Find<'_>) -> TokenizeItem {
    let known = find.known.and_then(|number| item.known.get(number));
    let value = match known {
        // As the customer's record spells it, and not as the text does: that is the token which
        // others have.
        Some(known) => known.value.expose(),
        // The piece of the text that is the value.
        None => item
            .text
            .expose()
            .get(find.value.clone())
            .unwrap_or_default(),
    };
    TokenizeItem {
        field: find.field.name.clone(),
        value: Plaintext::new(value.to_owned()),
        subject: item.subject.clone(),
        ttl_seconds: None,
    }
}

/// The text with each value's token in its place.
fn replace(
    item: &RedactItem,
    finds: Vec<Find<'_>>,
    tokens: Vec<Item<TokenizedValue>>,
) -> Item<Redacted> {
    // What is between the values stays as it is.
    let original = item.text.expose();
    let between = |from: usize, to: usize| original.get(from..to).unwrap_or_default();
    let length: usize = tokens
        .iter()
        .flatten()
        .map(|token| token.token.expose().len())
        .sum();
    // Never grown, so that no copy is left behind.
    let mut text = String::with_capacity(original.len() + length);
    let mut spans = Vec::with_capacity(finds.len());
    let (mut done, mut done_characters) = (0, 0);
    for (find, token) in finds.into_iter().zip(tokens) {
        let Range { start, end } = find.place;
        let token = match token {
            Ok(token) => token,
            // A live token stands in the text already, and nothing else is taken along.
            Err(ItemError::IsToken) if find.place == find.value => continue,
            Err(error) => return Err(error),
        };
        text.push_str(between(done, start));
        text.push_str(token.token.expose());
        let first = done_characters + between(done, start).chars().count();
        let last = first + between(start, end).chars().count();
        spans.push(RedactedSpan {
            characters: first..last,
            field: find.field.name.clone(),
            token,
        });
        (done, done_characters) = (end, last);
    }
    text.push_str(between(done, original.len()));
    let text = Plaintext::new(text);
    Ok(Redacted { text, spans })
}

/// Finding costs a try for each word and the few after it: some seconds for so much at the worst.
const CALL_CHARACTERS_MAX: usize = 50_000;
