//! ImportTokens: given tokens are made to stand for given values, so that a team comes from another
//! vault without changing a row.
//!
//! No key makes such a token again, so its record keeps it, sealed under a key that only its value
//! completes, beside the value, sealed under a key that only the token completes.

use unicode_normalization::is_nfc;

use crate::audit::Event;
use crate::crypto::IMPORTED_TOKEN_BYTES_MAX;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;
use crate::domain::split_parts;
use crate::format::Format;
use crate::format::fold;
use crate::keys::Ring;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::RecordKey;
use crate::vault::KEY_CHANGES_MAX;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::caller::Caller;
use crate::vault::drawing::Drawing;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::about;
use crate::vault::read::Workplace;
use crate::vault::retry::Retry;
use crate::vault::tokenize::Wanted;
use crate::vault::work;

/// Values with the tokens that they have already.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct ImportTokens {
    /// The tenant.
    pub namespace: Namespace,
    /// Makes a retry safe.
    pub request_id: Option<RequestId>,
    /// The pairs; an item that could not be converted is answered with its error.
    pub items: Vec<Item<ImportItem>>,
    /// Whether values that are live tokens are taken.
    pub allow_token_values: bool,
}

/// A value with the token that it has already.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct ImportItem {
    /// The field of both.
    pub field: FieldName,
    /// The value.
    pub value: Plaintext,
    /// Its token.
    pub token: Token,
    /// The customer whom the value belongs to.
    pub subject: Option<Subject>,
    /// How long the token lives, in seconds; nothing: as the field says.
    pub ttl_seconds: Option<u64>,
}

impl Request for ImportTokens {
    fn action(&self) -> Action {
        Action::ImportTokens
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for ImportTokens {
    const EVENT: Event = Event::ImportTokens;

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
            field: Some(&item.field),
            subject: item.subject.as_ref(),
            token: Some(&item.token),
        })
    }
}

/// A pair that may become a record.
pub(super) struct Offered<'a> {
    pub(super) wanted: Wanted<'a>,
    /// As it will be given out.
    pub(super) token: Token,
    /// Where the token's record may be: under each live version of the fingerprint key, the active
    /// one first.
    pub(super) record_keys: Vec<RecordKey>,
}

impl Vault {
    /// Makes each token stand for its value. New records and the audit entry become durable
    /// together, or none of them does.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out; nothing was written then.
    pub async fn import_tokens(
        &self,
        caller: &Caller,
        request: ImportTokens,
    ) -> Result<Vec<Item<TokenizedValue>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        for _ in 0..KEY_CHANGES_MAX {
            let ring = self.ring();
            match self.import_with(&ring, caller, &permitted, fields).await {
                // Nothing was written: the values are read anew, for the keys of now.
                Err(VaultError::KeysChanged) => {}
                answer => return answer,
            }
        }
        Err(VaultError::KeysChanged)
    }

    async fn import_with(
        &self,
        ring: &Ring,
        caller: &Caller,
        permitted: &Permitted<ImportTokens>,
        fields: &NamespaceFields,
    ) -> Result<Vec<Item<TokenizedValue>>, VaultError> {
        let request = permitted.request();
        let workplace = self.workplace(ring, request, fields)?;
        let offered = work(request.items.len(), || {
            offered(&workplace, fields, permitted)
        });
        let ttls: Vec<_> = request.items.iter().map(ttl_bytes).collect();
        let head: [&[u8]; 2] = [b"import_tokens", &[u8::from(request.allow_token_values)]];
        let items = request
            .items
            .iter()
            .zip(&ttls)
            .flat_map(|(item, ttl)| contents(item, ttl));
        let contents = head.into_iter().chain(items);
        let retry = Retry::new(&workplace, caller, request.request_id.as_ref(), contents);
        let settle = |_: &Drawing| {
            self.settle_imports(&workplace, &offered, &retry, request.allow_token_values)
        };
        self.settle_and_commit(ring, caller, permitted, settle)
            .await
    }
}

fn offered<'a>(
    workplace: &Workplace<'a>,
    fields: &'a NamespaceFields,
    permitted: &'a Permitted<ImportTokens>,
) -> Vec<Item<Offered<'a>>> {
    let offer = |item: &'a Item<ImportItem>| {
        let item = item.as_ref().map_err(|error| *error)?;
        let field = fields.permitted(permitted.permit(), &item.field)?;
        let wanted = workplace.want(field, &item.value, item.subject.as_ref(), item.ttl_seconds)?;
        let place = wanted.reading.place;
        let arranged = field.format.arrange(&item.token);
        let token = arranged.map_err(|error| ItemError::TokenParts { error })?;
        check_token(&field.format, &token)?;
        let record_keys = workplace.record_keys(&place, token.expose());
        // Under the fold, as the token will be found.
        let own = workplace.record_keys(&place, wanted.reading.parsed.canonical());
        if own.first() == record_keys.first() {
            return Err(ItemError::TokenIsValue);
        }
        Ok(Offered {
            wanted,
            token,
            record_keys,
        })
    };
    permitted.request().items.iter().map(offer).collect()
}

/// Checks what every token must be, whatever its form: text that comes back from every store as it
/// went in, and that has something to be found by.
fn check_token(format: &Format, token: &Token) -> Result<(), ItemError> {
    // It must be looked at: nobody else has checked it.
    let text = token.expose();
    let (texts, is_found) = match split_parts(text) {
        Some(parts) => {
            let texts: Vec<&str> = parts.into_iter().map(|(_, text)| text).collect();
            let is_found = texts.iter().any(|text| !fold(text).is_empty());
            (texts, is_found)
        }
        None => (vec![text], !format.fold(text).is_empty()),
    };
    let bytes = texts.iter().map(|text| text.len()).sum();
    let is_plain = |text: &&str| !text.chars().any(char::is_control) && is_nfc(text);
    let is_good =
        (1..=IMPORTED_TOKEN_BYTES_MAX).contains(&bytes) && texts.iter().all(is_plain) && is_found;
    match is_good {
        true => Ok(()),
        false => Err(ItemError::TokenForm {
            bytes_max: IMPORTED_TOKEN_BYTES_MAX,
        }),
    }
}

fn ttl_bytes(item: &Item<ImportItem>) -> [u8; 8] {
    let item = item.as_ref().ok();
    item.and_then(|item| item.ttl_seconds)
        .unwrap_or(0)
        .to_be_bytes()
}

/// The parts of an item that its request's digest is made of.
fn contents<'a>(item: &'a Item<ImportItem>, ttl: &'a [u8; 8]) -> [&'a [u8]; 5] {
    match item {
        Ok(item) => [
            item.field.as_str().as_bytes(),
            // Both into a keyed digest, which says nothing of them.
            item.value.expose().as_bytes(),
            item.token.expose().as_bytes(),
            item.subject
                .as_ref()
                .map(|subject| subject.as_str().as_bytes())
                .unwrap_or_default(),
            ttl,
        ],
        Err(_) => [b"", b"", b"", b"", ttl],
    }
}
