//! Reads entries one after another, and keeps who was seen.
//!
//! What is kept grows with the rows of the report and with the items of intents that have no
//! outcome yet, not with the log.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use thiserror::Error;

use crate::audit::Decision;
use crate::audit::Entry;
use crate::audit::EntryDraft;
use crate::audit::EntryItem;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::audit::exposure::Exposure;
use crate::audit::exposure::Kind;
use crate::audit::exposure::Query;
use crate::audit::exposure::Row;
use crate::audit::exposure::Seen;
use crate::audit::exposure::Status;
use crate::audit::exposure::Tally;
use crate::audit::exposure::Whose;
use crate::audit::exposure::grants::Grants;

/// The most distinct values that a report may have.
pub const SEEN_MAX: usize = 1_000_000;

/// A report would be longer than [`SEEN_MAX`] allows.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("report would have more than {SEEN_MAX} rows\n  ask for a shorter time, or one namespace")]
pub struct TooMany;

/// Who was seen, as far as the log has been read.
#[derive(Debug)]
pub struct Scan {
    query: Query,
    ids: HashMap<Seen, u32>,
    tallies: Vec<Tallies>,
    /// Intents in the window that have no outcome yet, by their index.
    open: BTreeMap<u64, OpenIntent>,
    /// Erased entries: each may have been an intent whose outcome is still to come.
    erased: HashSet<u64>,
    grants: Grants,
    /// Whether the log has been read as far as it can matter.
    is_done: bool,
}

/// How often each status was.
#[derive(Clone, Copy, Debug, Default)]
struct Tallies {
    released: Option<Tally>,
    possibly_released: Option<Tally>,
    refused: Option<Tally>,
}

/// An intent to reveal whose outcome has not come.
#[derive(Debug)]
struct OpenIntent {
    tally: Tally,
    /// The positions of its items that were intended, and what each would show.
    items: Vec<(u32, u32)>,
}

impl Scan {
    /// Nobody was seen yet.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            grants: Grants::new(&query),
            query,
            ids: HashMap::new(),
            tallies: Vec::new(),
            open: BTreeMap::new(),
            erased: HashSet::new(),
            is_done: false,
        }
    }

    /// Whether no later entry can matter.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Reads the next entry. Grants want those of [`super::LOOK_BACK_SECONDS`] before the window
    /// too, and outcomes those after it, until [`Self::is_done`].
    ///
    /// # Errors
    ///
    /// If the report becomes too long.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), TooMany> {
        if entry.time >= self.query.to {
            return self.late(entry);
        }
        self.grants.entry(entry);
        if self.query.from <= entry.time {
            self.window(entry)?;
        }
        Ok(())
    }

    /// Takes note that the next entry is erased.
    pub fn erased(&mut self, index: u64) {
        self.erased.insert(index);
    }

    /// The report.
    #[must_use]
    pub fn finish(mut self) -> Exposure {
        for intent in std::mem::take(&mut self.open).into_values() {
            for (_, id) in intent.items {
                self.count(id, Status::PossiblyReleased, intent.tally);
            }
        }
        let tallies = &self.tallies;
        let rows = self.ids.iter().flat_map(|(seen, id)| {
            let tallies = tallies.get(place(*id)).copied().unwrap_or_default();
            Status::ALL.into_iter().filter_map(move |status| {
                Some(Row {
                    seen: seen.clone(),
                    status,
                    tally: tallies.of(status)?,
                })
            })
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_unstable_by(|one, other| {
            (&one.seen, one.status).cmp(&(&other.seen, other.status))
        });
        let grants = self.grants.finish(&rows);
        Exposure { rows, grants }
    }

    /// An entry within the window.
    fn window(&mut self, entry: &Entry) -> Result<(), TooMany> {
        if entry.draft.event == Event::DetokenizeOutcome {
            return self.outcome(entry);
        }
        let Some(kind) = kind(&entry.draft) else {
            return Ok(());
        };
        if !self.query.has_entry(entry) {
            return Ok(());
        }
        let tally = Tally::once(entry.index, entry.time);
        let mut open = Vec::new();
        for (position, item) in (0..).zip(&entry.draft.items) {
            if !self.query.has_item(item) {
                continue;
            }
            let id = self.id(seen(&entry.draft, item, kind))?;
            match status(&entry.draft, item.outcome) {
                // What comes of it, its outcome says.
                Status::PossiblyReleased => open.push((position, id)),
                status @ (Status::Released | Status::Refused) => self.count(id, status, tally),
            }
        }
        if !open.is_empty() {
            let intent = OpenIntent { tally, items: open };
            self.open.insert(entry.index, intent);
        }
        Ok(())
    }

    /// An entry after the window: the outcome of an intent in it, or nothing that matters.
    fn late(&mut self, entry: &Entry) -> Result<(), TooMany> {
        if entry.draft.event == Event::DetokenizeOutcome {
            self.outcome(entry)?;
        }
        // An outcome comes from the process that wrote the intent.
        self.is_done = entry.draft.event == Event::Started;
        self.is_done |= self.open.is_empty();
        Ok(())
    }

    /// What came of an intent. Items that the outcome does not name as the intent did stay
    /// possibly released: an outcome can only make sure of what was intended.
    fn outcome(&mut self, entry: &Entry) -> Result<(), TooMany> {
        let draft = &entry.draft;
        if draft.intent_index.is_some_and(|it| self.erased.remove(&it)) {
            return self.outcome_alone(entry);
        }
        let intent = draft.intent_index.and_then(|it| self.open.remove(&it));
        let Some(intent) = intent else {
            return Ok(());
        };
        let kind = Kind::of_level(draft.level);
        for (position, id) in intent.items {
            let item = draft.items.get(place(position));
            let same = item.filter(|item| self.ids.get(&seen(draft, item, kind)) == Some(&id));
            let status = same.map_or(Status::PossiblyReleased, |it| status(draft, it.outcome));
            self.count(id, status, intent.tally);
        }
        Ok(())
    }

    /// An outcome whose intent is erased: it says by itself whose values were seen, and by whom.
    fn outcome_alone(&mut self, entry: &Entry) -> Result<(), TooMany> {
        let draft = &entry.draft;
        if !self.query.has_entry(entry) {
            return Ok(());
        }
        let kind = Kind::of_level(draft.level);
        let tally = Tally::once(entry.index, entry.time);
        for item in &draft.items {
            if !self.query.has_item(item) {
                continue;
            }
            let id = self.id(seen(draft, item, kind))?;
            self.count(id, status(draft, item.outcome), tally);
        }
        Ok(())
    }

    fn id(&mut self, seen: Seen) -> Result<u32, TooMany> {
        if let Some(id) = self.ids.get(&seen) {
            return Ok(*id);
        }
        if self.tallies.len() >= SEEN_MAX {
            return Err(TooMany);
        }
        let id = u32::try_from(self.tallies.len()).map_err(|_| TooMany)?;
        self.tallies.push(Tallies::default());
        self.ids.insert(seen, id);
        Ok(id)
    }

    fn count(&mut self, id: u32, status: Status, tally: Tally) {
        if let Some(tallies) = self.tallies.get_mut(place(id)) {
            tallies.add(status, tally);
        }
    }
}

impl Tallies {
    fn of(self, status: Status) -> Option<Tally> {
        match status {
            Status::Released => self.released,
            Status::PossiblyReleased => self.possibly_released,
            Status::Refused => self.refused,
        }
    }

    fn add(&mut self, status: Status, tally: Tally) {
        let slot = match status {
            Status::Released => &mut self.released,
            Status::PossiblyReleased => &mut self.possibly_released,
            Status::Refused => &mut self.refused,
        };
        match slot {
            Some(counted) => counted.add(tally),
            None => *slot = Some(tally),
        }
    }
}

/// In which way the entry shows values; nothing for one that shows none.
fn kind(draft: &EntryDraft) -> Option<Kind> {
    match draft.event {
        Event::Detokenize => Some(Kind::of_level(draft.level)),
        Event::Lookup => Some(Kind::LookedUp),
        Event::VerifyMatch => Some(Kind::Compared),
        // An outcome belongs to its intent.
        Event::DetokenizeOutcome
        | Event::AccessRead
        | Event::AuditRead
        | Event::BackupCreated
        | Event::CharterChanged
        | Event::CharterFounded
        | Event::DecoysCreated
        | Event::EntryErased
        | Event::ExposureReported
        | Event::Frozen
        | Event::GrantApproved
        | Event::GrantDenied
        | Event::GrantRequested
        | Event::GrantRevoked
        | Event::ImportTokens
        | Event::Inspect
        | Event::KeyCreated
        | Event::KeyStateChanged
        | Event::KeysRead
        | Event::LogPruned
        | Event::NamespaceCreated
        | Event::OperationApproved
        | Event::OperationCancelled
        | Event::OperationEnded
        | Event::OperationProposed
        | Event::PersonRefused
        | Event::PolicyLoaded
        | Event::RecordsRewrapped
        | Event::Reindex
        | Event::ReindexOutcome
        | Event::Retokenize
        | Event::RetokenizeOutcome
        | Event::RollbackAccepted
        | Event::RootKeyReshared
        | Event::RootKeyRotated
        | Event::Started
        | Event::Stopped
        | Event::SubjectDescribed
        | Event::SubjectErased
        | Event::Tokenize
        | Event::Unfreeze => None,
    }
}

/// What an item's outcome means. What cannot be in such an entry counts as seen, rather than not.
fn status(draft: &EntryDraft, outcome: ItemOutcome) -> Status {
    if draft.decision == Some(Decision::Deny) {
        return Status::Refused;
    }
    match outcome {
        ItemOutcome::Revealed | ItemOutcome::Matched | ItemOutcome::Found => Status::Released,
        ItemOutcome::Intended | ItemOutcome::Created | ItemOutcome::Kept | ItemOutcome::Moved => {
            Status::PossiblyReleased
        }
        ItemOutcome::Conflict
        | ItemOutcome::Damaged
        | ItemOutcome::Denied
        | ItemOutcome::Differed
        | ItemOutcome::Erased
        | ItemOutcome::Exhausted
        | ItemOutcome::Expired
        | ItemOutcome::Invalid
        | ItemOutcome::KeyUnavailable
        | ItemOutcome::NotDone
        | ItemOutcome::NotFound => Status::Refused,
    }
}

fn seen(draft: &EntryDraft, item: &EntryItem, kind: Kind) -> Seen {
    let whose = match (&item.subject, item.token) {
        (Some(subject), _) => Whose::Subject(subject.clone()),
        (None, Some(token)) => Whose::Token(token),
        (None, None) => Whose::Nobody,
    };
    Seen {
        namespace: draft.namespace.clone(),
        whose,
        field: item.field.clone(),
        kind,
    }
}

/// A number of 32 bits as a place in memory.
fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
