//! Which token each value has: its record's, or one that is drawn now.

use crate::crypto::TokenKey;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::store::Changes;
use crate::store::KeyMap;
use crate::store::KeySet;
use crate::store::NewRecord;
use crate::store::Reads;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::Store;
use crate::store::SubjectKey;
use crate::store::ValueKey;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::draft::Draft;
use crate::vault::draft::KnownToken;
use crate::vault::draft::Prepared;
use crate::vault::drawing::Drawing;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::find::Found;
use crate::vault::find::Known;
use crate::vault::finding::Asked;
use crate::vault::finding::Finding;
use crate::vault::read::Workplace;
use crate::vault::relocate::Sighting;
use crate::vault::relocate::Sightings;
use crate::vault::retry::Retry;
use crate::vault::tokenize::Wanted;

/// What a call would answer, and what it must write for that.
pub(super) struct Settled {
    pub(super) items: Vec<Item<SettledItem>>,
    pub(super) changes: Changes,
}

/// A value with its token.
pub(super) struct SettledItem {
    pub(super) value: TokenizedValue,
    pub(super) record_id: RecordId,
    /// The position of its new record among the changes.
    pub(super) new_record: Option<usize>,
}

impl Vault {
    /// Gives each value its token, known or drawn, and collects what must be written.
    pub(super) fn settle(
        &self,
        workplace: &Workplace<'_>,
        wanted: &[Item<Wanted<'_>>],
        retry: &Retry,
        drawing: &Drawing,
        allow_token_values: bool,
    ) -> Result<Settled, VaultError> {
        let store = self.store();
        // Before anything is read: what ends from now on, of what is handed out, sends the call
        // into another round.
        let moment = store.moment();
        let now = self.parts.clock.now();
        let replay = retry.find(store, now)?;
        let asked = Asked {
            wanted,
            replay: replay.as_ref(),
            drawing,
            allow_token_values,
        };
        let findings = self.findings(workplace, &asked, now)?;
        let prepared = self.prepare(workplace, &findings, now);
        let mut batch = Batch {
            vault: self,
            workplace,
            now,
            drawn: Drawn::default(),
            sightings: Sightings::new(drawing.rounds() == 0),
            latest_subject: None,
        };
        let mut items = Vec::with_capacity(wanted.len());
        for (finding, prepared) in findings.iter().zip(prepared) {
            let settled = match finding {
                Ok(finding) => batch.settle(finding, prepared, &items),
                Err(error) => Err(*error),
            };
            items.push(settled);
        }
        let mut changes = batch.drawn.changes;
        changes.reads = Some(Reads {
            moment,
            records: workplace.known(&items),
            any_ending: replay.is_some(),
            // What an earlier call got, it did not find by the value.
            has_read_places: replay.is_none() && are_free(store, &changes.records),
        });
        if replay.is_none() {
            let apart: Vec<Option<RecordId>> = wanted
                .iter()
                .zip(&items)
                .map(|(wanted, item)| record_apart(wanted, item))
                .collect();
            changes.request = retry.row(now, &apart);
            changes.older_requests = retry.older_keys();
        }
        Ok(Settled { items, changes })
    }
}

impl Workplace<'_> {
    /// The records of the tokens that are handed out and not new.
    pub(super) fn known(&self, items: &[Item<SettledItem>]) -> KeySet<RecordKey> {
        let known = items.iter().flatten();
        let known = known.filter(|settled| settled.new_record.is_none());
        known
            .map(|settled| self.record_key(settled.record_id))
            .collect()
    }
}

/// Whether the places of new records are free under every version of the keys, as far as who is
/// not the writer can tell. The writer then looks only at what was written since.
fn are_free(store: &dyn Store, records: &[NewRecord]) -> bool {
    let places = |new: &NewRecord| [new.key].into_iter().chain(new.older.records.clone());
    let places: Vec<RecordKey> = records.iter().flat_map(places).collect();
    let found = store.records(&places);
    found.is_ok_and(|found| found.iter().all(Option::is_none))
}

/// The record that only the request id finds again: its field keeps equal values apart.
fn record_apart(wanted: &Item<Wanted<'_>>, item: &Item<SettledItem>) -> Option<RecordId> {
    match (wanted, item) {
        (Ok(wanted), Ok(item)) if wanted.reading.value_keys.is_empty() => Some(item.record_id),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => None,
    }
}

/// The new records of one call.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) changes: Changes,
    /// Which item drew a value first: an equal value of the same call gets the same token.
    values: KeyMap<ValueKey, usize>,
    ids: KeySet<RecordId>,
}

/// Draws tokens for one call.
pub(super) struct Batch<'a> {
    vault: &'a Vault,
    workplace: &'a Workplace<'a>,
    now: Timestamp,
    pub(super) drawn: Drawn,
    sightings: Sightings,
    /// Whose value was the last, so that the values of a customer ask for one key.
    latest_subject: Option<(Subject, SubjectKey)>,
}

impl<'a> Batch<'a> {
    /// Nothing drawn yet, by a call that gives known values no token.
    pub(super) fn of_new(vault: &'a Vault, workplace: &'a Workplace<'a>, now: Timestamp) -> Self {
        Self {
            vault,
            workplace,
            now,
            drawn: Drawn::default(),
            sightings: Sightings::new(false),
            latest_subject: None,
        }
    }

    fn settle(
        &mut self,
        finding: &Finding<'_>,
        prepared: Prepared,
        earlier: &[Item<SettledItem>],
    ) -> Item<SettledItem> {
        let wanted = finding.wanted;
        let replaces = match (&finding.known, prepared.token) {
            (Known::Live(found), Some(token)) => return self.known(wanted, found, token?),
            (Known::Live(_), None) | (Known::Damaged, _) => return Err(ItemError::Damaged),
            (Known::Expired(id), _) => Some(*id),
            (Known::No, _) => None,
        };
        if finding.is_token {
            return Err(ItemError::IsToken);
        }
        let value_key = wanted.reading.value_keys.first().copied();
        let twin = value_key.and_then(|key| self.drawn.values.get(&key));
        if let Some(Ok(twin)) = twin.and_then(|index| earlier.get(*index)) {
            if let Some(subject) = wanted.subject {
                let link = (self.workplace.subject_key(subject), twin.record_id);
                self.drawn.changes.links.push(link);
            }
            return Ok(twin.repeated());
        }
        let (drawn, _) = self.draw(wanted, replaces, finding.taken_count, prepared.draft)?;
        if let Some(key) = value_key {
            self.drawn.values.insert(key, earlier.len());
        }
        Ok(drawn)
    }

    /// The token of a known value. A record of older fingerprint keys moves on the way, since value
    /// and token are both at hand.
    fn known(
        &mut self,
        wanted: &Wanted<'_>,
        found: &Found,
        (settled, link): KnownToken,
    ) -> Item<SettledItem> {
        let Wanted {
            reading, subject, ..
        } = wanted;
        let (store, changes) = (self.vault.store(), &mut self.drawn.changes);
        let seen = Sighting {
            reading,
            subject: *subject,
            found,
            token: &settled.value.token,
        };
        let id = self.sightings.see(self.workplace, store, &seen, changes);
        changes.links.extend(link.map(|(list, _)| (list, id)));
        Ok(SettledItem {
            record_id: id,
            ..settled
        })
    }

    /// Draws keys until one gives a token that is free as far as this call knows; whether the
    /// store has it is asked when the call commits. The key comes with the token.
    pub(super) fn draw(
        &mut self,
        wanted: &Wanted<'_>,
        replaces: Option<RecordId>,
        taken_count: u32,
        mut first: Option<(TokenKey, Item<Option<Draft>>)>,
    ) -> Item<(SettledItem, TokenKey)> {
        let form = wanted.reading.form(taken_count)?;
        for _ in 0..DRAWS_MAX {
            let (key, draft) = first.take().unwrap_or_else(|| {
                let key = TokenKey::generate(&*self.vault.parts.entropy);
                let draft = self.workplace.draft(wanted, form, &key, self.now);
                (key, draft)
            });
            // A token that this call has drawn already is nobody else's.
            let is_free = |draft: &Draft| self.drawn.ids.insert(draft.place.id);
            if let Some(draft) = draft?.filter(is_free) {
                return Ok((self.keep(wanted, replaces, draft), key));
            }
        }
        Err(ItemError::SliceFull)
    }

    /// Takes a token that was drawn among what the call writes.
    fn keep(
        &mut self,
        wanted: &Wanted<'_>,
        replaces: Option<RecordId>,
        draft: Draft,
    ) -> SettledItem {
        let reading = &wanted.reading;
        let (fidelity, reason) = reading.parsed.preferred();
        let value = TokenizedValue {
            token: draft.token,
            fidelity,
            reason,
            created: true,
            expires: draft.record.expires,
        };
        let settled = SettledItem {
            value,
            record_id: draft.place.id,
            new_record: Some(self.drawn.changes.records.len()),
        };
        let subject_key = self.subject_key(wanted);
        self.drawn.changes.records.push(NewRecord {
            key: draft.place,
            value_key: reading.value_keys.first().copied(),
            older: reading.older(&draft.older_places),
            replaces,
            subject_key,
            record: draft.record,
        });
        settled
    }

    /// The key of the list of whose value it is. A customer's values come one after the other.
    fn subject_key(&mut self, wanted: &Wanted<'_>) -> Option<SubjectKey> {
        let subject = wanted.subject?;
        let latest = self.latest_subject.take();
        let latest = latest.filter(|(latest, _)| latest == subject);
        let (latest, key) =
            latest.unwrap_or_else(|| (subject.clone(), self.workplace.subject_key(subject)));
        self.latest_subject = Some((latest, key));
        Some(key)
    }
}

impl SettledItem {
    /// The same token again, for an equal value of the same call.
    pub(super) fn repeated(&self) -> Self {
        let TokenizedValue {
            token,
            fidelity,
            reason,
            expires,
            ..
        } = &self.value;
        // The caller asked for this token twice and gets it twice.
        let token = Token::new(token.expose().to_owned());
        let value = TokenizedValue {
            token,
            fidelity: *fidelity,
            reason: *reason,
            created: false,
            expires: *expires,
        };
        Self {
            value,
            record_id: self.record_id,
            new_record: None,
        }
    }
}

/// How many keys one round draws for a value.
const DRAWS_MAX: u32 = 16;
