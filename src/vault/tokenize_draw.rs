//! Which token each value has: its record's, or one that is drawn now.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::crypto::TokenKey;
use crate::domain::Fidelity;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::format::OutlineSize;
use crate::store::Changes;
use crate::store::Conflict;
use crate::store::NewRecord;
use crate::store::RecordId;
use crate::store::SubjectKey;
use crate::store::ValueKey;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::cipher::Form;
use crate::vault::cipher::NoToken;
use crate::vault::cipher::encipher;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::find::Found;
use crate::vault::find::Known;
use crate::vault::find::by_record_keys;
use crate::vault::find::by_value;
use crate::vault::read::Reading;
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

/// How often each item's token was taken, over the rounds of one call.
pub(super) struct Drawing {
    taken_counts: Vec<u32>,
    rounds: u32,
}

impl Drawing {
    pub(super) fn new(items_count: usize) -> Self {
        Self {
            taken_counts: vec![0; items_count],
            rounds: 0,
        }
    }

    /// How often the item's token was taken.
    pub(super) fn taken_count(&self, index: usize) -> u32 {
        self.taken_counts.get(index).copied().unwrap_or(0)
    }

    /// Counts another round.
    ///
    /// # Errors
    ///
    /// If there were too many rounds.
    pub(super) fn once_more(&mut self) -> Result<(), VaultError> {
        self.rounds += 1;
        match self.rounds > ROUNDS_MAX {
            true => Err(VaultError::Overloaded),
            false => Ok(()),
        }
    }

    /// Prepares another round after conflicts.
    ///
    /// # Errors
    ///
    /// If there were too many rounds.
    pub(super) fn again(
        &mut self,
        items: &[Item<SettledItem>],
        conflicts: &[Conflict],
    ) -> Result<(), VaultError> {
        self.once_more()?;
        let taken: HashSet<usize> = conflicts
            .iter()
            .filter_map(|conflict| match conflict {
                Conflict::TokenTaken { item } => Some(*item),
                Conflict::EntryStays
                | Conflict::Erased
                | Conflict::LinkOutdated { .. }
                | Conflict::ListOutdated
                | Conflict::RecordChanged { .. }
                | Conflict::RecordOutdated { .. }
                | Conflict::RelocationOutdated { .. }
                | Conflict::RequestTaken
                | Conflict::RowChanged { .. }
                | Conflict::SuccessionOutdated { .. }
                | Conflict::ValueTaken { .. } => None,
            })
            .collect();
        for (item, count) in items.iter().zip(&mut self.taken_counts) {
            let record = item.as_ref().ok().and_then(|settled| settled.new_record);
            if record.is_some_and(|record| taken.contains(&record)) {
                *count += 1;
            }
        }
        Ok(())
    }
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
        // Before anything is read: what is erased from now on sends the call into another round.
        let as_of = store.endings_count();
        let now = self.parts.clock.now();
        let replay = retry.find(store, now)?;
        let readings: Vec<&Reading<'_>> = wanted
            .iter()
            .flatten()
            .map(|wanted| &wanted.reading)
            .collect();
        let mut known = by_value(store, &readings, now)?.into_iter();
        let as_token = |reading: &&Reading<'_>| {
            workplace.record_keys(&reading.place, reading.parsed.canonical())
        };
        let mut tokens = if allow_token_values {
            Vec::new().into_iter()
        } else {
            by_record_keys(store, &readings, as_token, now)?.into_iter()
        };
        let mut batch = Batch {
            vault: self,
            workplace,
            now,
            drawn: Drawn::default(),
            sightings: Sightings::new(drawing.rounds == 0),
        };
        let mut items = Vec::with_capacity(wanted.len());
        for (index, wanted) in wanted.iter().enumerate() {
            let settled = match wanted {
                Err(error) => Err(*error),
                Ok(wanted) => {
                    // A damaged record has its token still.
                    let is_token = matches!(tokens.next(), Some(Ok(Some(_)) | Err(_)));
                    let replayed = replay.as_ref().and_then(|replay| replay.record(index));
                    let by_value = known.next().unwrap_or(Known::No);
                    let known = match replayed {
                        Some(id) => workplace.replayed(store, id, &wanted.reading, now)?,
                        None => by_value,
                    };
                    let taken_count = drawing.taken_count(index);
                    let is_erased = match &replay {
                        Some(replay) => replay.is_erased(workplace, store, wanted.subject, now)?,
                        None => false,
                    };
                    if is_erased {
                        items.push(Err(ItemError::SubjectErased));
                        continue;
                    }
                    batch.settle(wanted, known, is_token, taken_count, &items)
                }
            };
            items.push(settled);
        }
        let mut changes = batch.drawn.changes;
        changes.as_of = Some(as_of);
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
    values: HashMap<ValueKey, usize>,
    ids: HashSet<RecordId>,
}

/// Draws tokens for one call.
pub(super) struct Batch<'a> {
    vault: &'a Vault,
    workplace: &'a Workplace<'a>,
    now: Timestamp,
    pub(super) drawn: Drawn,
    sightings: Sightings,
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
        }
    }

    fn settle(
        &mut self,
        wanted: &Wanted<'_>,
        known: Known,
        is_token: bool,
        taken_count: u32,
        earlier: &[Item<SettledItem>],
    ) -> Item<SettledItem> {
        let replaces = match known {
            Known::Live(found) => return self.known(wanted, &found),
            Known::Damaged => return Err(ItemError::Damaged),
            Known::Expired(id) => Some(id),
            Known::No => None,
        };
        if is_token {
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
        let (drawn, _) = self.draw(wanted, replaces, taken_count)?;
        if let Some(key) = value_key {
            self.drawn.values.insert(key, earlier.len());
        }
        Ok(drawn)
    }

    /// The token of a known value. A record of older fingerprint keys moves on the way, since value
    /// and token are both at hand.
    fn known(&mut self, wanted: &Wanted<'_>, found: &Found) -> Item<SettledItem> {
        let Wanted {
            reading, subject, ..
        } = wanted;
        let settled = self.workplace.token_of(reading, found)?;
        let link = self.workplace.further_link(reading, *subject, found)?;
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
    ) -> Item<(SettledItem, TokenKey)> {
        if taken_count > TAKEN_MAX {
            return Err(ItemError::SliceFull);
        }
        let reading = &wanted.reading;
        let (fidelity, reason) = reading.parsed.preferred();
        let form = match fidelity {
            Fidelity::Shape => Form::Shape,
            // The small language serves until its tokens begin to collide.
            Fidelity::Outline if taken_count == 0 => Form::Outline(OutlineSize::Small),
            Fidelity::Outline => Form::Outline(OutlineSize::Large),
            Fidelity::Imported | Fidelity::Opaque => return Err(ItemError::Damaged),
        };
        let own = self
            .workplace
            .record_keys(&reading.place, reading.parsed.canonical());
        for _ in 0..DRAWS_MAX {
            let key = TokenKey::generate(&*self.vault.parts.entropy);
            let token = match encipher(&reading.place, &reading.parsed, form, &key) {
                Ok(token) => token,
                Err(NoToken::DrawAgain) => continue,
                Err(NoToken::OtherForm) => return Err(ItemError::Damaged),
                Err(NoToken::Item(error)) => return Err(error),
            };
            let record_keys = self.workplace.record_keys(&reading.place, token.expose());
            let Some((record_key, older_keys)) = record_keys.split_first() else {
                return Err(ItemError::Damaged);
            };
            let record_key = *record_key;
            // A value is never its own token, nor a token that this call has already drawn.
            if own.first() == Some(&record_key) || !self.drawn.ids.insert(record_key.id) {
                continue;
            }
            let record =
                self.workplace
                    .seal(wanted, form, &key, &token, record_key.id, self.now)?;
            let expires = record.expires;
            let new_record = Some(self.drawn.changes.records.len());
            self.drawn.changes.records.push(NewRecord {
                key: record_key,
                value_key: reading.value_keys.first().copied(),
                older: reading.older(older_keys),
                replaces,
                subject_key: self.subject_key(wanted),
                record,
            });
            let value = TokenizedValue {
                token,
                fidelity,
                reason,
                created: true,
                expires,
            };
            let settled = SettledItem {
                value,
                record_id: record_key.id,
                new_record,
            };
            return Ok((settled, key));
        }
        Err(ItemError::SliceFull)
    }

    fn subject_key(&self, wanted: &Wanted<'_>) -> Option<SubjectKey> {
        Some(self.workplace.subject_key(wanted.subject?))
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
/// How many times a value's token may be found taken before its slice counts as full. At half
/// full, ten in a row have a chance of 1 in 1,000.
const TAKEN_MAX: u32 = 10;
/// How many times a call may find that another was faster. Each time, at least one call got on.
const ROUNDS_MAX: u32 = 64;
