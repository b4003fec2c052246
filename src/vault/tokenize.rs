//! Tokenize: each value gets its token, the known one or a new one.

use crate::access::Act;
use crate::access::SeenKey;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::keys::Ring;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::KEY_CHANGES_MAX;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::caller::Caller;
use crate::vault::crew::Crew;
use crate::vault::drawing::Drawing;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::Field;
use crate::vault::field::NamespaceFields;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::retry::Retry;
use crate::vault::tokenize_draw::Settled;
use crate::vault::tokenize_draw::SettledItem;
use crate::vault::work;

/// Values that want tokens.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Tokenize {
    /// The tenant.
    pub namespace: Namespace,
    /// Makes a retry safe.
    pub request_id: Option<RequestId>,
    /// The values; an item that could not be converted is answered with its error.
    pub items: Vec<Item<TokenizeItem>>,
    /// Whether values that are live tokens are taken.
    pub allow_token_values: bool,
    /// Whether the values are of customers who do not exist.
    pub decoys: bool,
}

/// A value that wants a token.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct TokenizeItem {
    /// Its field.
    pub field: FieldName,
    /// The value.
    pub value: Plaintext,
    /// The customer whom it belongs to.
    pub subject: Option<Subject>,
    /// How long the token lives, in seconds; nothing: as the field says.
    pub ttl_seconds: Option<u64>,
}

impl Request for Tokenize {
    fn action(&self) -> Action {
        if self.decoys {
            Action::CreateDecoys
        } else {
            Action::Tokenize
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for Tokenize {
    const EVENT: Event = Event::Tokenize;

    fn event(&self) -> Event {
        if self.decoys {
            Event::DecoysCreated
        } else {
            Event::Tokenize
        }
    }

    fn act(&self) -> Act {
        if !self.decoys {
            return Act::Work;
        }
        let subjects = self.items.iter().flatten();
        let subjects = subjects.filter_map(|item| item.subject.as_ref());
        Act::MarkDecoys {
            subjects: subjects
                .map(|subject| SeenKey::subject(&self.namespace, subject))
                .collect(),
        }
    }

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
            token: None,
        })
    }
}

/// A value that may get a token, with what a new record of it would carry.
pub(super) struct Wanted<'a> {
    pub(super) reading: Reading<'a>,
    pub(super) subject: Option<&'a Subject>,
    pub(super) ends: Ends,
}

/// When a new token ends.
#[derive(Clone, Copy)]
pub(super) enum Ends {
    /// So many seconds after it was made; nothing: never.
    After(Option<u64>),
    /// Then, as the token that it takes the place of; nothing: never.
    At(Option<Timestamp>),
}

impl Ends {
    /// When a token ends that is made now.
    pub(super) fn from(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::After(seconds) => seconds.map(|seconds| now.plus_seconds(seconds)),
            Self::At(time) => time,
        }
    }
}

impl Vault {
    /// Gives each value its token. New records and the audit entry become durable together, or
    /// none of them does.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out; nothing was written then.
    pub async fn tokenize(
        &self,
        caller: &Caller,
        request: Tokenize,
    ) -> Result<Vec<Item<TokenizedValue>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        for _ in 0..KEY_CHANGES_MAX {
            let ring = self.ring();
            match self.tokenize_with(&ring, caller, &permitted, fields).await {
                // Nothing was written: the values are read anew, for the keys of now.
                Err(VaultError::KeysChanged) => {}
                answer => return answer,
            }
        }
        Err(VaultError::KeysChanged)
    }

    async fn tokenize_with(
        &self,
        ring: &Ring,
        caller: &Caller,
        permitted: &Permitted<Tokenize>,
        fields: &NamespaceFields,
    ) -> Result<Vec<Item<TokenizedValue>>, VaultError> {
        let request = permitted.request();
        let items_count = request.items.len();
        let workplace = self.workplace(ring, request, fields)?;
        let wanted = work(items_count, || {
            wanted(&self.crew, &workplace, fields, permitted)
        });
        let ttls: Vec<_> = request.items.iter().map(ttl_bytes).collect();
        let is_decoy = u8::from(request.decoys);
        let head: [&[u8]; 2] = [
            b"tokenize",
            &[u8::from(request.allow_token_values) | is_decoy << 1],
        ];
        let items = request
            .items
            .iter()
            .zip(&ttls)
            .flat_map(|(item, ttl)| contents(item, ttl));
        let contents = head.into_iter().chain(items);
        let retry = Retry::new(&workplace, caller, request.request_id.as_ref(), contents);
        let settle = |drawing: &Drawing| {
            let allow_token_values = request.allow_token_values;
            self.settle(&workplace, &wanted, &retry, drawing, allow_token_values)
        };
        self.settle_and_commit(ring, caller, permitted, settle)
            .await
    }

    /// Settles the items, and commits what must be written for them with the entry, until nobody
    /// else was faster.
    pub(super) async fn settle_and_commit<T: Journaled>(
        &self,
        ring: &Ring,
        caller: &Caller,
        permitted: &Permitted<T>,
        settle: impl Fn(&Drawing) -> Result<Settled, VaultError>,
    ) -> Result<Vec<Item<TokenizedValue>>, VaultError> {
        let request = permitted.request();
        let items_count = request.items_count();
        let mut drawing = Drawing::new(items_count);
        loop {
            let Settled { items, changes } = match work(items_count, || settle(&drawing)) {
                Ok(settled) => settled,
                Err(error) => return Err(self.refuse(caller, permitted, error).await),
            };
            let entry = self.entry(caller, permitted, |index| note(items.get(index)));
            let claim = Some(caller.claim(request.act()));
            let commit = Commit {
                epoch: Some(ring.epoch().clone()),
                ..Commit::new(changes, entry, claim)
            };
            match self.parts.log.commit(commit).await {
                Ok(_) => return Ok(items.into_iter().map(|item| Ok(item?.value)).collect()),
                // Somebody else was faster with the same value, token or request: nothing of this
                // call was written, and what they wrote is found in the next round.
                Err(CommitError::Conflicts(conflicts)) => {
                    if let Err(error) = drawing.again(&items, &conflicts) {
                        return Err(self.refuse(caller, permitted, error).await);
                    }
                }
                Err(error) => return Err(self.unrecorded(caller, permitted, error).await),
            }
        }
    }
}

/// What the audit log learns of an item.
fn note(item: Option<&Item<SettledItem>>) -> Note<'_> {
    match item {
        Some(Ok(SettledItem { value, .. })) => {
            let outcome = if value.created {
                ItemOutcome::Created
            } else {
                ItemOutcome::Found
            };
            Note {
                token: Some(&value.token),
                ..Note::new(outcome)
            }
        }
        Some(Err(error)) => Note::failed(error),
        None => Note::new(ItemOutcome::NotDone),
    }
}

fn wanted<'a>(
    crew: &Crew,
    workplace: &Workplace<'a>,
    fields: &'a NamespaceFields,
    permitted: &'a Permitted<Tokenize>,
) -> Vec<Item<Wanted<'a>>> {
    let request = permitted.request();
    crew.spread(&request.items, |_, item| {
        let item = item.as_ref().map_err(|error| *error)?;
        let field: &Field = fields.permitted(permitted.permit(), &item.field)?;
        let subject = item.subject.as_ref();
        let mut wanted = workplace.want(field, &item.value, subject, item.ttl_seconds)?;
        if request.decoys {
            subject.ok_or(ItemError::SubjectMissing)?;
            // A customer who exists must never share a record with one who does not.
            wanted.reading.value_keys.clear();
        }
        Ok(wanted)
    })
}

impl<'a> Workplace<'a> {
    /// Reads a value that may get a token.
    pub(super) fn want(
        &self,
        field: &'a Field,
        value: &Plaintext,
        subject: Option<&'a Subject>,
        ttl_seconds: Option<u64>,
    ) -> Item<Wanted<'a>> {
        let reading = self.read(field, value, subject)?;
        let ttl_seconds = ttl_seconds.or(field.ttl_seconds);
        match ttl_seconds {
            Some(seconds) if seconds > TTL_SECONDS_MAX => Err(ItemError::Ttl {
                seconds_max: TTL_SECONDS_MAX,
            }),
            Some(_) | None => Ok(Wanted {
                reading,
                subject,
                ends: Ends::After(ttl_seconds),
            }),
        }
    }
}

fn ttl_bytes(item: &Item<TokenizeItem>) -> [u8; 8] {
    item.as_ref()
        .ok()
        .and_then(|item| item.ttl_seconds)
        .unwrap_or(0)
        .to_be_bytes()
}

/// The parts of an item that its request's digest is made of.
fn contents<'a>(item: &'a Item<TokenizeItem>, ttl: &'a [u8; 8]) -> [&'a [u8]; 4] {
    match item {
        Ok(item) => [
            item.field.as_str().as_bytes(),
            // Into a keyed digest, which says nothing of it.
            item.value.expose().as_bytes(),
            item.subject
                .as_ref()
                .map(|subject| subject.as_str().as_bytes())
                .unwrap_or_default(),
            ttl,
        ],
        Err(_) => [b"", b"", b"", ttl],
    }
}

/// Ten years of 366 days.
const TTL_SECONDS_MAX: u64 = 10 * 365 * 24 * 60 * 60;
