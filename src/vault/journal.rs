//! What the audit log learns of a request: who, what, whose, and what came of it.
//!
//! A namespace or field that is not configured is left out. Subjects, request ids, case ids and
//! purposes are the caller's own words of a bounded alphabet, and are kept: they must not be
//! personal data.

use std::collections::BTreeSet;

use crate::access::Act;
use crate::access::Refusal;
use crate::audit::AccessNote;
use crate::audit::Decision;
use crate::audit::EntryDraft;
use crate::audit::EntryItem;
use crate::audit::ErrorClass;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::crypto::AuditFingerprintKey;
use crate::crypto::Fingerprint;
use crate::domain::CeremonyId;
use crate::domain::Equality;
use crate::domain::FieldName;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;
use crate::format::Format;
use crate::format::fold;
use crate::keys::Ring;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::vault::INLINE_ITEMS_MAX;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::caller::Caller;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::find::Found;
use crate::vault::read::TOKEN_BYTES_MAX;
use crate::vault::work;

/// A request that an entry can be written about.
pub(super) trait Journaled: Request + Sync {
    /// What its entries call it.
    const EVENT: Event;

    /// The tenant that it is for.
    fn namespace(&self) -> &Namespace;

    /// How the log calls this one.
    fn event(&self) -> Event {
        Self::EVENT
    }

    /// What grants, budgets and freezes must know of it.
    fn act(&self) -> Act {
        Act::Work
    }

    /// The caller's id of the request.
    fn request_id(&self) -> Option<&RequestId>;

    /// The operation of the officers that allows it, if it names one.
    fn operation(&self) -> Option<&CeremonyId> {
        None
    }

    /// How much of values it reveals, if it reveals any.
    fn level(&self) -> Option<Level> {
        None
    }

    /// The grant that it is made under, if it names one.
    fn grant_id(&self) -> Option<&GrantId> {
        None
    }

    /// How many items there are.
    fn items_count(&self) -> usize;

    /// What an item is about.
    fn item(&self, index: usize) -> About<'_>;

    /// The fields that the policy is asked about; none: every field of the namespace.
    fn fields(&self) -> Vec<FieldName> {
        let of_items = (0..self.items_count()).filter_map(|index| self.item(index).field);
        distinct(of_items)
    }
}

/// Each of the fields once.
pub(super) fn distinct<'a>(fields: impl Iterator<Item = &'a FieldName>) -> Vec<FieldName> {
    let distinct: BTreeSet<&FieldName> = fields.collect();
    distinct.into_iter().cloned().collect()
}

/// What an item is about.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) field: Option<&'a FieldName>,
    pub(super) subject: Option<&'a Subject>,
    pub(super) token: Option<&'a Token>,
}

/// What came of an item.
pub(super) struct Note<'a> {
    pub(super) outcome: ItemOutcome,
    /// The field that the item turned out to be of.
    pub(super) field: Option<&'a FieldName>,
    /// The subject that the record names.
    pub(super) subject: Option<&'a Subject>,
    /// The token that the item turned out to have.
    pub(super) token: Option<&'a Token>,
    /// The record that was used.
    pub(super) found: Option<&'a Found>,
}

impl Note<'_> {
    pub(super) fn new(outcome: ItemOutcome) -> Self {
        Self {
            outcome,
            field: None,
            subject: None,
            token: None,
            found: None,
        }
    }

    /// The note of an item that came to nothing.
    pub(super) fn failed(error: &ItemError) -> Self {
        Self::new(match error {
            ItemError::Damaged => ItemOutcome::Damaged,
            ItemError::Forbidden | ItemError::UnknownField => ItemOutcome::Denied,
            ItemError::Findings { .. }
            | ItemError::Format(_)
            | ItemError::Identifier { .. }
            | ItemError::IsToken
            | ItemError::NotFindable
            | ItemError::Parts { .. }
            | ItemError::SubjectMissing
            | ItemError::TextTooLong { .. }
            | ItemError::TokenForm { .. }
            | ItemError::TokenIsValue
            | ItemError::TokenParts { .. }
            | ItemError::Ttl { .. } => ItemOutcome::Invalid,
            ItemError::OtherToken | ItemError::TokenTaken => ItemOutcome::Conflict,
            ItemError::KeyDestroyed => ItemOutcome::KeyUnavailable,
            ItemError::NotFound | ItemError::UnknownToken => ItemOutcome::NotFound,
            ItemError::SubjectErased => ItemOutcome::Erased,
            ItemError::SliceFull | ItemError::TooManySharers { .. } => ItemOutcome::Exhausted,
        })
    }
}

impl Vault {
    /// The entry of a request that was permitted, with a note on each item.
    pub(super) fn entry<'n, T: Journaled>(
        &self,
        caller: &Caller,
        permitted: &Permitted<T>,
        note: impl Fn(usize) -> Note<'n> + Sync,
    ) -> EntryDraft {
        self.entry_under(&self.ring(), caller, permitted, note)
    }

    /// The same, with its tokens under the keys of a ring: those of an outcome are the fingerprints
    /// that its intent has, though the key may have been rotated in between.
    pub(super) fn entry_under<'n, T: Journaled>(
        &self,
        ring: &Ring,
        caller: &Caller,
        permitted: &Permitted<T>,
        note: impl Fn(usize) -> Note<'n> + Sync,
    ) -> EntryDraft {
        let request = permitted.request();
        let key = ring.audit_fingerprint().active();
        let item = |index: usize| self.entry_item(key, request, index, &note(index));
        let items_count = request.items_count();
        let items = if items_count > INLINE_ITEMS_MAX {
            let indexes: Vec<usize> = (0..items_count).collect();
            let spread = || self.crew.spread(&indexes, |_, index| item(*index));
            work(items_count, spread)
        } else {
            (0..items_count).map(item).collect()
        };
        EntryDraft {
            items,
            token_key_version: ring.audit_fingerprint().active_version(),
            policy_hash: Some(permitted.permit().policy_hash()),
            decision: Some(Decision::Permit),
            ..self.entry_head(caller, request)
        }
    }

    /// The entry of a request that was refused as a whole: nothing of it was done.
    pub(super) fn entry_of_refusal<T: Journaled>(
        &self,
        caller: &Caller,
        request: &T,
        policy_hash: [u8; 32],
        outcome: ItemOutcome,
        error: ErrorClass,
    ) -> EntryDraft {
        let ring = self.ring();
        let key = ring.audit_fingerprint().active();
        let item = |index| self.entry_item(key, request, index, &Note::new(outcome));
        EntryDraft {
            token_key_version: ring.audit_fingerprint().active_version(),
            items: (0..request.items_count().min(REFUSED_ITEMS_MAX))
                .map(item)
                .collect(),
            policy_hash: Some(policy_hash),
            decision: Some(Decision::Deny),
            error: Some(error),
            ..self.entry_head(caller, request)
        }
    }

    fn entry_head<T: Journaled>(&self, caller: &Caller, request: &T) -> EntryDraft {
        let is_configured = self.parts.namespaces.contains_key(request.namespace());
        EntryDraft {
            principal: Some(caller.principal.clone()),
            credential: Some(caller.credential_fingerprint),
            person: caller.person.as_ref().map(|person| person.id.clone()),
            login: caller.person.as_ref().map(|person| person.login),
            methods: caller
                .person
                .as_ref()
                .map(|person| person.methods.clone())
                .unwrap_or_default(),
            case_id: request.case_id().cloned(),
            purpose: request.purpose().cloned(),
            namespace: is_configured.then(|| request.namespace().clone()),
            request_id: request.request_id().cloned(),
            level: request.level(),
            access: AccessNote {
                grant_id: request.grant_id().cloned(),
                ..AccessNote::default()
            },
            ceremony: request
                .operation()
                .and_then(|id| self.named_operation(id))
                .unwrap_or_default(),
            ..caller.entry(request.event())
        }
    }

    fn entry_item<T: Journaled>(
        &self,
        key: &AuditFingerprintKey,
        request: &T,
        index: usize,
        note: &Note<'_>,
    ) -> EntryItem {
        let about = request.item(index);
        let configured = self.parts.namespaces.get(request.namespace());
        let field = note.field.or(about.field).filter(|field| {
            configured.is_some_and(|configured| configured.fields.contains_key(*field))
        });
        // Whose value it is, a caller says when it stores the value, or the record says. Where
        // neither does, a claim would put somebody into the log who has nothing to do with it.
        let is_bound = |name: &FieldName| {
            configured
                .and_then(|configured| configured.fields.get(name))
                .is_some_and(|field| field.equality == Equality::Subject)
        };
        let is_claim_kept = matches!(
            T::EVENT,
            Event::Detokenize | Event::ImportTokens | Event::Tokenize
        ) || field.is_some_and(is_bound);
        let claimed = about.subject.filter(|_| is_claim_kept);
        EntryItem {
            field: field.cloned(),
            subject: note.subject.or(claimed).cloned(),
            token: note
                .token
                .or(about.token)
                // What is longer than any token is none, and folding it would take time.
                .filter(|token| token.expose().len() <= TOKEN_BYTES_MAX)
                .map(|token| {
                    let format = field
                        .and_then(|name| configured?.fields.get(name))
                        .map(|field| &field.format);
                    audited(key, request.namespace(), format, token)
                }),
            key_version: note.found.map(|found| found.record.wrapping_version),
            outcome: note.outcome,
        }
    }
}

/// The fingerprint of a token that entries carry.
fn audited(
    key: &AuditFingerprintKey,
    namespace: &Namespace,
    format: Option<&Format>,
    token: &Token,
) -> Fingerprint {
    // Folded as the record's id is, so that every spelling is one token in the log too.
    let folded = match format {
        Some(format) => format.fold(token.expose()),
        None => fold(token.expose()),
    };
    key.token(namespace, folded.as_bytes())
}

/// Items in the entry of a refused request: enough to see what it was after, and too few to fill
/// the log with.
const REFUSED_ITEMS_MAX: usize = 10;

/// How the log calls what a request as a whole failed with.
pub(super) fn error_class(error: &VaultError) -> ErrorClass {
    match error {
        VaultError::AuditUnavailable(_) => ErrorClass::Unavailable,
        VaultError::Backup(_) | VaultError::RootKeyUnavailable => ErrorClass::Unavailable,
        VaultError::Denied => ErrorClass::Denied,
        VaultError::Ceremony(_)
        | VaultError::ExposureArchived { .. }
        | VaultError::GrantScope { .. }
        | VaultError::ItemCount { .. }
        | VaultError::NotCosigned { .. }
        | VaultError::OutsideLog { .. }
        | VaultError::Purpose
        | VaultError::RequestIdReused => ErrorClass::Invalid,
        VaultError::PersonRefused(_) => ErrorClass::Denied,
        VaultError::ExposureTooLong(_)
        | VaultError::KeysChanged
        | VaultError::Overloaded
        | VaultError::Refused(
            Refusal::BudgetSpent { .. } | Refusal::Guesses { .. } | Refusal::TooMany,
        ) => ErrorClass::Exhausted,
        VaultError::Refused(Refusal::AllowanceSpent { .. }) => ErrorClass::Exhausted,
        VaultError::Refused(Refusal::GrantState | Refusal::Scope) => ErrorClass::Invalid,
        VaultError::Refused(
            Refusal::AllowanceMissing
            | Refusal::Denied
            | Refusal::FreshLogin { .. }
            | Refusal::Frozen
            | Refusal::GrantMissing
            | Refusal::SamePerson,
        ) => ErrorClass::Denied,
        VaultError::Store(_) => ErrorClass::Internal,
    }
}

/// What an item's conversion left of it, for an entry.
pub(super) fn about<'a, T>(
    items: &'a [Item<T>],
    index: usize,
    of: impl Fn(&'a T) -> About<'a>,
) -> About<'a> {
    match items.get(index) {
        Some(Ok(item)) => of(item),
        Some(Err(_)) | None => About::default(),
    }
}
