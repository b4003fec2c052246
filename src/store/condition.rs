//! Whether the conditions of calls hold: the part that every engine shares.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::domain::Timestamp;
use crate::store::Changes;
use crate::store::Conflict;
use crate::store::Erasure;
use crate::store::KeyMap;
use crate::store::KeySet;
use crate::store::Reads;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::Relocation;
use crate::store::RequestKey;
use crate::store::Sharing;
use crate::store::SubjectKey;
use crate::store::Succession;
use crate::store::Table;
use crate::store::ValueKey;
use crate::store::recent::Recent;
use crate::store::recent::ended;

/// The rows that the conditions of a group speak of, as they are in the store.
#[derive(Default)]
pub(super) struct Present {
    /// Of the places that calls would write to or rely on, those that have a record.
    pub(super) records: KeySet<RecordKey>,
    /// Records that shall be replaced.
    pub(super) replaced: KeyMap<RecordKey, Record>,
    pub(super) values: KeyMap<ValueKey, RecordId>,
    pub(super) requests: KeyMap<RequestKey, Timestamp>,
    pub(super) rows: HashMap<(Table, Vec<u8>), Vec<u8>>,
    /// Records that are to be erased, as a customer has them.
    pub(super) erasures: KeyMap<(RecordKey, SubjectKey), (Option<Record>, Sharing)>,
    /// Records that shall move or get a successor, with who joined them.
    pub(super) relocated: KeyMap<RecordKey, (Record, Vec<SubjectKey>)>,
    pub(super) relocations_count: u64,
    written: Written,
}

/// The rows that calls of the group write. Each at most once, whatever it holds: then the order
/// of the writes within a group means nothing.
#[derive(Default)]
struct Written {
    records: KeySet<RecordKey>,
    values: KeySet<ValueKey>,
    requests: KeySet<RequestKey>,
    rows: HashSet<(Table, Vec<u8>)>,
    /// Records that customers joined.
    linked: KeySet<RecordKey>,
    /// Where records were that moved.
    relocated: KeySet<RecordKey>,
    /// Records that got a successor.
    succeeded: KeySet<RecordKey>,
    /// Records that were erased, moved away or got a successor.
    ended: KeySet<RecordKey>,
}

impl Present {
    /// Says which conditions of a call do not hold. If all do, its rows are taken for the calls
    /// after it.
    pub(super) fn judge(&mut self, changes: &Changes, recent: &Recent) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        // A call may not contradict itself either, so its own rows count as soon as they are seen.
        let mut written = Written::default();
        self.judge_records(changes, &mut written, &mut conflicts);
        if let Some((key, row)) = &changes.request {
            let stands = |key: &RequestKey| {
                let expires = self.requests.get(key);
                expires.is_some_and(|expires| *expires > row.created)
                    || self.written.requests.contains(key)
            };
            if stands(key) || changes.older_requests.iter().any(stands) {
                conflicts.push(Conflict::RequestTaken);
            }
            written.requests.insert(*key);
        }
        for (item, relocation) in changes.relocations.iter().enumerate() {
            if !self.may_relocate(relocation, &mut written) {
                conflicts.push(Conflict::RelocationOutdated { item });
            }
        }
        for (item, succession) in changes.successions.iter().enumerate() {
            if !self.may_succeed(succession, &mut written) {
                conflicts.push(Conflict::SuccessionOutdated { item });
            }
        }
        for (item, replacement) in changes.replacements.iter().enumerate() {
            let key = replacement.key;
            let is_as_read = self.replaced.get(&key) == Some(&replacement.before);
            if !is_as_read || self.written.records.contains(&key) || !written.records.insert(key) {
                conflicts.push(Conflict::RecordOutdated { item });
            }
        }
        for (row, change) in changes.rows.iter().enumerate() {
            let key = (change.table, change.key.clone());
            let is_expected = self.rows.get(&key) == change.expected.as_ref();
            if !is_expected || self.written.rows.contains(&key) || !written.rows.insert(key) {
                conflicts.push(Conflict::RowChanged { row });
            }
        }
        self.judge_times(changes, recent, &mut conflicts);
        self.judge_links(changes, &written, &mut conflicts);
        for (item, erasure) in changes.erasures.iter().enumerate() {
            if !self.may_erase(erasure, &mut written) {
                conflicts.push(Conflict::RecordChanged { item });
            }
        }
        if conflicts.is_empty() {
            let links = changes.links.iter();
            self.written
                .linked
                .extend(links.map(|(subject, id)| RecordKey {
                    namespace: subject.namespace,
                    id: *id,
                }));
            self.written.relocated.extend(written.relocated);
            self.written.succeeded.extend(written.succeeded);
            self.written.ended.extend(ended(changes));
            self.written.records.extend(written.records);
            self.written.values.extend(written.values);
            self.written.requests.extend(written.requests);
            self.written.rows.extend(written.rows);
        }
        conflicts
    }

    /// Whether what the call read may have ended, or moved, since.
    fn judge_times(&self, changes: &Changes, recent: &Recent, conflicts: &mut Vec<Conflict>) {
        let just_ended = &self.written.ended;
        let has_just_ended = |reads: &Reads| {
            let mut records = reads.records.iter();
            !just_ended.is_empty()
                && (reads.any_ending || records.any(|key| just_ended.contains(key)))
        };
        let is_stale = |reads: &Reads| recent.may_have_ended(reads) || has_just_ended(reads);
        if changes.reads.as_ref().is_some_and(is_stale) {
            conflicts.push(Conflict::Erased);
        }
        let has_moved = !self.written.relocated.is_empty();
        let is_list_stale = |count| count != self.relocations_count || has_moved;
        if changes.lists_as_of.is_some_and(is_list_stale) {
            conflicts.push(Conflict::ListOutdated);
        }
    }

    fn judge_links(&self, changes: &Changes, written: &Written, conflicts: &mut Vec<Conflict>) {
        for (link, (list, id)) in changes.links.iter().enumerate() {
            let key = RecordKey {
                namespace: list.namespace,
                id: *id,
            };
            let is_there = self.records.contains(&key) || self.written.records.contains(&key);
            let is_gone = [&self.written, written].into_iter().any(|written| {
                written.relocated.contains(&key) || written.succeeded.contains(&key)
            });
            if is_gone || !(is_there || written.records.contains(&key)) {
                conflicts.push(Conflict::LinkOutdated { link });
            }
        }
    }

    fn judge_records(
        &self,
        changes: &Changes,
        written: &mut Written,
        conflicts: &mut Vec<Conflict>,
    ) {
        let is_taken =
            |key: &RecordKey| self.records.contains(key) || self.written.records.contains(key);
        for (item, new) in changes.records.iter().enumerate() {
            let taken = is_taken(&new.key) || new.older.records.iter().any(is_taken);
            if taken || !written.records.insert(new.key) {
                conflicts.push(Conflict::TokenTaken { item });
            }
            let Some(key) = new.value_key else { continue };
            let stands = |key: &ValueKey| {
                let row = self.values.get(key);
                row.is_some_and(|id| Some(*id) != new.replaces) || self.written.values.contains(key)
            };
            let stands = stands(&key) || new.older.values.iter().any(stands);
            if stands || !written.values.insert(key) {
                conflicts.push(Conflict::ValueTaken { item });
            }
        }
    }

    /// Whether a record that shall move is as it was read, its new place is free, and nobody else
    /// writes to it or joins it.
    fn may_relocate(&self, relocation: &Relocation, written: &mut Written) -> bool {
        let Relocation { from, to, .. } = relocation;
        let is_as_read = self.relocated.get(from).is_some_and(|(record, sharers)| {
            *record == relocation.before && *sharers == relocation.sharers
        });
        let is_written = |key: &RecordKey| {
            self.written.records.contains(key) || self.written.linked.contains(key)
        };
        let is_free = from == to || !(self.records.contains(to) || is_written(to));
        let (before, after) = (relocation.value_key_before(), relocation.value_key_after());
        let is_row_taken = after.filter(|_| after != before).is_some_and(|key| {
            let row = self.values.get(&key);
            row.is_some_and(|id| *id != from.id)
        });
        let mut rows = before.into_iter().chain(after.filter(|_| after != before));
        let is_row_written =
            rows.any(|key| self.written.values.contains(&key) || !written.values.insert(key));
        let is_new = written.records.insert(*from) && (from == to || written.records.insert(*to));
        if from != to {
            written.relocated.insert(*from);
        }
        is_as_read && !is_written(from) && is_free && !is_row_taken && !is_row_written && is_new
    }

    /// Whether a record that shall get a successor is as it was read, and nobody else writes to it
    /// or joins it. Its successor is judged as the new record that it is.
    fn may_succeed(&self, succession: &Succession, written: &mut Written) -> bool {
        let key = &succession.key;
        let is_as_read = self.relocated.get(key).is_some_and(|(record, sharers)| {
            *record == succession.before && *sharers == succession.sharers
        });
        let is_written = self.written.records.contains(key) || self.written.linked.contains(key);
        // The new record may take over the very row that this one had.
        let is_row_written = succession
            .value_key()
            .is_some_and(|key| self.written.values.contains(&key));
        written.values.extend(succession.value_key());
        written.succeeded.insert(*key);
        is_as_read && !is_written && !is_row_written && written.records.insert(*key)
    }

    /// Whether a record that is to be erased is as it was read, and nobody else writes to it.
    fn may_erase(&self, erasure: &Erasure, written: &mut Written) -> bool {
        let Some(subject) = erasure.subjects.first() else {
            return false;
        };
        let is_as_read =
            self.erasures
                .get(&(erasure.key, *subject))
                .is_some_and(|(record, sharing)| {
                    *record == erasure.expected && *sharing == erasure.sharing
                });
        let is_written = self.written.records.contains(&erasure.key)
            || self.written.linked.contains(&erasure.key);
        let is_row_written = erasure
            .value_key()
            .is_some_and(|key| self.written.values.contains(&key) || !written.values.insert(key));
        is_as_read && !is_written && !is_row_written && written.records.insert(erasure.key)
    }
}
