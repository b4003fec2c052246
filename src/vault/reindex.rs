//! Reindex: records move to where the active fingerprint keys find them, token by token.
//!
//! ```text
//! permit → record the intent → find, open where the value must be known → moves and outcome, one
//! batch → answer
//! ```
//!
//! Values are opened inside for it, so the intent is durable first. None leaves this module.

use std::collections::HashSet;

use crate::access::Act;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::audit::Recorded;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::keys::Ring;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::Changes;
use crate::store::Relocation;
use crate::store::SHARERS_MAX;
use crate::store::SubjectKey;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::busy::Busy;
use crate::vault::caller::Caller;
use crate::vault::cipher::Form;
use crate::vault::cipher::reread;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::find::Found;
use crate::vault::find::any_by_record_keys;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::read::Presented;
use crate::vault::read::Workplace;
use crate::vault::relocate::Moving;
use crate::vault::retry::REMEMBERED_SECONDS;
use crate::vault::work;

/// Tokens whose records shall move.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct Reindex {
    /// The tenant.
    pub namespace: Namespace,
    /// For the audit log.
    pub request_id: Option<RequestId>,
    /// The tokens; an item that could not be converted is answered with its error.
    pub items: Vec<Item<ReindexItem>>,
}

/// A token whose record shall move.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct ReindexItem {
    /// Its field.
    pub field: FieldName,
    /// The token.
    pub token: Token,
    /// A customer whom its value belongs to.
    pub subject: Option<Subject>,
}

/// What became of a token's record.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reindexed {
    /// The active keys find it already.
    Current,
    /// It stays for now: its request id finds it, too, or too many customers have it for one call.
    Later,
    /// It moved.
    Moved,
    /// There is none that lives, or the caller may not know.
    NotFound,
}

impl Request for Reindex {
    fn action(&self) -> Action {
        Action::Reindex
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for Reindex {
    const EVENT: Event = Event::Reindex;

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

/// What a call would answer, and which records it moves for that.
#[derive(Default)]
struct Plan {
    items: Vec<Item<Reindexed>>,
    relocations: Vec<Relocation>,
    /// Where they are now: a token that comes twice moves once.
    from: HashSet<[u8; 16]>,
    sharers_count: usize,
}

/// The intent to reindex, on the disk.
type Intent = Recorded<Permitted<Reindex>>;

impl Vault {
    /// Moves the records of tokens to where the active fingerprint keys find them. To do it again
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out; nothing has moved then.
    pub async fn reindex(
        &self,
        caller: &Caller,
        request: Reindex,
    ) -> Result<Vec<Item<Reindexed>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        let entry = self.entry(caller, &permitted, |_| Note::new(ItemOutcome::Intended));
        let claim = Some(caller.claim(Act::Work));
        let commit = Commit::new(Changes::default(), entry, claim);
        let intent: Intent = match self.parts.log.record(permitted, commit).await {
            Ok(recorded) => recorded,
            Err((back, error)) => return Err(self.unrecorded(caller, &back, error).await),
        };
        let items_count = intent.inner().request().items.len();
        let mut busy = Busy::default();
        for _ in 0..ROUNDS_MAX {
            let ring = self.ring();
            let plan = work(items_count, || self.plan(&ring, fields, &intent, &busy))?;
            let Plan {
                items, relocations, ..
            } = plan;
            let places: Vec<_> = relocations.iter().map(|moved| moved.from.id.0).collect();
            let entry = self.entry(caller, intent.inner(), |index| note(items.get(index)));
            let changes = Changes {
                relocations,
                ..Changes::default()
            };
            let entry = EntryDraft {
                event: Event::ReindexOutcome,
                ..entry
            };
            let commit = Commit {
                epoch: Some(ring.epoch().clone()),
                ..Commit::new(changes, entry, Some(caller.claim(Act::Work)))
            };
            match self.parts.log.commit(commit).await {
                Ok(_) => return Ok(items),
                // A record moved, was joined or erased meanwhile, or keys changed: the next round
                // sees that.
                Err(CommitError::Conflicts(conflicts)) => busy.note(&conflicts, &places),
                Err(CommitError::KeysChanged) => {}
                Err(error) => return Err(self.unrecorded(caller, intent.inner(), error).await),
            }
        }
        Err(self
            .refuse(caller, intent.inner(), VaultError::Overloaded)
            .await)
    }

    /// Decides of each token's record whether it moves.
    fn plan(
        &self,
        ring: &Ring,
        fields: &NamespaceFields,
        intent: &Intent,
        busy: &Busy,
    ) -> Result<Plan, VaultError> {
        let (permit, request) = (intent.inner().permit(), intent.inner().request());
        let workplace = self.workplace(ring, request, fields)?;
        let presented: Vec<Item<Presented<'_>>> = request
            .items
            .iter()
            .map(|item| {
                let item = item.as_ref().map_err(|error| *error)?;
                let field = fields.permitted(permit, &item.field)?;
                workplace.present(field, &item.token, item.subject.as_ref())
            })
            .collect();
        let all: Vec<&Presented<'_>> = presented.iter().flatten().collect();
        let keys = |presented: &&Presented<'_>| presented.record_keys.clone();
        let mut found = any_by_record_keys(self.store(), &all, keys)?.into_iter();
        let mut planner = Planner {
            vault: self,
            workplace,
            intent,
            busy,
            now: self.parts.clock.now(),
            plan: Plan::default(),
        };
        for (presented, item) in presented.iter().zip(&request.items) {
            let planned = match (presented, item) {
                (Ok(presented), Ok(item)) => match found.next().unwrap_or(Ok(None)) {
                    Ok(Some(found)) => planner.decide(presented, item, &found)?,
                    Ok(None) => Ok(Reindexed::NotFound),
                    Err(error) => Err(error),
                },
                (Err(ItemError::Forbidden | ItemError::UnknownToken), _) => Ok(Reindexed::NotFound),
                (Err(error), _) | (_, Err(error)) => Err(*error),
            };
            planner.plan.items.push(planned);
        }
        Ok(planner.plan)
    }
}

/// Plans one call.
struct Planner<'a> {
    vault: &'a Vault,
    workplace: Workplace<'a>,
    intent: &'a Intent,
    busy: &'a Busy,
    now: Timestamp,
    plan: Plan,
}

impl Planner<'_> {
    fn decide(
        &mut self,
        presented: &Presented<'_>,
        item: &ReindexItem,
        found: &Found,
    ) -> Result<Item<Reindexed>, VaultError> {
        // Whoever asks about a token that has ended learns what everybody learns of it.
        let told = |outcome| match found.is_live(self.now) {
            true => outcome,
            false => Reindexed::NotFound,
        };
        let needs_move = match self.needs_move(presented, item, found)? {
            Ok(needs_move) => needs_move,
            Err(_) if !found.is_live(self.now) => return Ok(Ok(Reindexed::NotFound)),
            Err(error) => return Ok(Err(error)),
        };
        if !needs_move {
            return Ok(Ok(told(Reindexed::Current)));
        }
        if self.plan.from.contains(&found.id.0) {
            return Ok(Ok(told(Reindexed::Moved)));
        }
        if self.busy.is_left_alone(found.id.0) {
            return Ok(Ok(told(Reindexed::Later)));
        }
        let place = self.workplace.record_key(found.id);
        let sharers_left = SHARERS_MAX - self.plan.sharers_count;
        let sharers = self.vault.store().sharers(&place, sharers_left + 1)?;
        if self.is_remembered(found) || sharers.len() > sharers_left {
            return Ok(Ok(told(Reindexed::Later)));
        }
        let sharers_count = sharers.len();
        let relocation = self.relocation(presented, item, found, sharers);
        let is_live = found.is_live(self.now);
        let relocation = match relocation {
            // What has ended holds no key back.
            Err(_) if !is_live => return Ok(Ok(Reindexed::NotFound)),
            relocation => relocation,
        };
        Ok(relocation.map(|relocation| {
            self.plan.sharers_count += sharers_count;
            self.plan.from.insert(found.id.0);
            self.plan.relocations.push(relocation);
            told(Reindexed::Moved)
        }))
    }

    /// Whether older keys find the record, or its links.
    fn needs_move(
        &self,
        presented: &Presented<'_>,
        item: &ReindexItem,
        found: &Found,
    ) -> Result<Item<bool>, VaultError> {
        let Found { id, record } = found;
        if self.workplace.is_older(record) {
            return Ok(Ok(true));
        }
        let own = match self.workplace.subject(&presented.place.name(*id), record) {
            Ok(own) => own,
            Err(error) => return Ok(Err(error)),
        };
        let lists = own.iter().chain(&item.subject).flat_map(|subject| {
            let lists = self.workplace.subject_keys(subject);
            lists.into_iter().skip(1)
        });
        let links: Vec<_> = lists.map(|list| (list, *id)).collect();
        let are_there = self.vault.store().subject_links(&links)?;
        Ok(Ok(are_there.contains(&true)))
    }

    /// Whether a request id may still look for the record where it is: no value finds it.
    fn is_remembered(&self, found: &Found) -> bool {
        let record = &found.record;
        let forgotten = record.created.plus_seconds(REMEMBERED_SECONDS);
        let moves =
            record.token_version != self.workplace.keys.token_fingerprint().active_version();
        moves && found.is_live(self.now) && record.value_index.is_none() && self.now < forgotten
    }

    /// The record at its new place. Its value is opened only where it must be known.
    fn relocation(
        &self,
        presented: &Presented<'_>,
        item: &ReindexItem,
        found: &Found,
        sharers: Vec<SubjectKey>,
    ) -> Item<Relocation> {
        let (place, record) = (&presented.place, &found.record);
        let is_needed =
            self.workplace.has_older_value_row(record) || Form::of(record) == Some(Form::Imported);
        let is_live = found.is_live(self.now);
        let reading = if is_needed && is_live {
            let name = place.name(found.id);
            let key = self.workplace.token_key(&name, record)?;
            let value = reread(self.intent, place, &name, record, &key, &item.token)?;
            let subject = item.subject.as_ref();
            Some(self.workplace.read(place.field, &value, subject)?)
        } else {
            None
        };
        self.workplace.relocated(Moving {
            place,
            found,
            token: &item.token,
            is_live,
            equality: reading.as_ref().map(|reading| reading.parsed.equality()),
            named: item.subject.as_ref(),
            sharers,
        })
    }
}

/// What the audit log learns of an item.
fn note(item: Option<&Item<Reindexed>>) -> Note<'static> {
    match item {
        Some(Ok(outcome)) => Note::new(match outcome {
            Reindexed::Current => ItemOutcome::Found,
            Reindexed::Later => ItemOutcome::NotDone,
            Reindexed::Moved => ItemOutcome::Moved,
            Reindexed::NotFound => ItemOutcome::NotFound,
        }),
        Some(Err(error)) => Note::failed(error),
        None => Note::new(ItemOutcome::NotDone),
    }
}

/// How many times a call may find that another was faster.
const ROUNDS_MAX: usize = 64;
