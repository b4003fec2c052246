//! Which token each value gets in the place of its old one: the one that it has already, or one
//! that is drawn now.

use crate::audit::ItemOutcome;
use crate::domain::Timestamp;
use crate::keys::Ring;
use crate::store::Changes;
use crate::store::KeyMap;
use crate::store::Reads;
use crate::store::RecordId;
use crate::store::SHARERS_MAX;
use crate::store::SubjectKey;
use crate::store::Succession;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::cipher::reread;
use crate::vault::drawing::Drawing;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::Field;
use crate::vault::field::NamespaceFields;
use crate::vault::find::Found;
use crate::vault::journal::Note;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::retokenize::Intent;
use crate::vault::retokenize::OldToken;
use crate::vault::retokenize::RetokenizeItem;
use crate::vault::retokenize::Retokenized;
use crate::vault::succeed::Retiring;
use crate::vault::tokenize::Ends;
use crate::vault::tokenize::Wanted;
use crate::vault::tokenize_draw::Batch;
use crate::vault::tokenize_draw::SettledItem;

/// What a call would answer, and what it must write for that.
pub(super) struct Plan {
    pub(super) items: Vec<Item<SettledItem>>,
    pub(super) changes: Changes,
    old_tokens: Vec<Item<OldToken>>,
    /// When each token that was sent opens no more.
    old_ends: Vec<Option<Timestamp>>,
}

impl Plan {
    /// What the audit log learns of an item.
    pub(super) fn note(&self, index: usize) -> Note<'_> {
        let old = self.old_tokens.get(index).and_then(|old| old.as_ref().ok());
        let outcome = match self.items.get(index) {
            Some(Ok(settled)) if settled.value.created => ItemOutcome::Created,
            Some(Ok(_)) => ItemOutcome::Found,
            Some(Err(error)) => Note::failed(error).outcome,
            None => ItemOutcome::NotDone,
        };
        old.map_or_else(|| Note::new(outcome), |old| old.note(outcome))
    }

    pub(super) fn into_answer(self) -> Vec<Item<Retokenized>> {
        let answer = |(settled, old_ends): (Item<SettledItem>, Option<Timestamp>)| {
            let value = settled?.value;
            Ok(Retokenized { value, old_ends })
        };
        self.items
            .into_iter()
            .zip(self.old_ends)
            .map(answer)
            .collect()
    }
}

impl Vault {
    /// Decides of each token which one takes its place.
    pub(super) fn plan_successors(
        &self,
        ring: &Ring,
        fields: &NamespaceFields,
        intent: &Intent,
        drawing: &Drawing,
    ) -> Result<Plan, VaultError> {
        let permitted = intent.recorded.inner();
        let request = permitted.request();
        let workplace = self.workplace(ring, request, fields)?;
        // Before anything is read: what ends from now on, of the tokens that are handed out and not
        // new, sends the call into another round. What it draws is bound to the record it read.
        let moment = self.store().moment();
        let old_tokens = self.old_tokens(&workplace, fields, permitted)?;
        let intended = intent.items.iter().copied().zip(old_tokens);
        let old_tokens: Vec<Item<OldToken>> =
            intended.map(|(intended, old)| intended.and(old)).collect();
        let now = self.parts.clock.now();
        let mut planner = Planner {
            vault: self,
            workplace: &workplace,
            intent,
            now,
            batch: Batch::of_new(self, &workplace, now),
            drawn_by: KeyMap::default(),
            sharers_count: 0,
            items: Vec::with_capacity(request.items.len()),
        };
        let mut old_ends = Vec::with_capacity(request.items.len());
        for (index, (item, old)) in request.items.iter().zip(&old_tokens).enumerate() {
            let (settled, ends) = match (item, old) {
                (Ok(item), Ok(old)) => {
                    let field = fields.fields.get(&item.field);
                    let taken_count = drawing.taken_count(index);
                    planner.settle(field, item, old, taken_count)?
                }
                (Err(error), _) | (_, Err(error)) => (Err(*error), None),
            };
            planner.items.push(settled);
            old_ends.push(ends);
        }
        let Planner { batch, items, .. } = planner;
        let reads = Reads {
            moment,
            records: workplace.known(&items),
            ..Reads::default()
        };
        Ok(Plan {
            items,
            changes: Changes {
                reads: Some(reads),
                ..batch.drawn.changes
            },
            old_tokens,
            old_ends,
        })
    }
}

/// Plans one call.
struct Planner<'a> {
    vault: &'a Vault,
    workplace: &'a Workplace<'a>,
    intent: &'a Intent,
    now: Timestamp,
    batch: Batch<'a>,
    /// Which item drew the successor of a record.
    drawn_by: KeyMap<RecordId, usize>,
    sharers_count: usize,
    items: Vec<Item<SettledItem>>,
}

/// An item's token, and when the one that was sent opens no more.
type Settling = (Item<SettledItem>, Option<Timestamp>);

impl<'a> Planner<'a> {
    fn settle(
        &mut self,
        field: Option<&'a Field>,
        item: &'a RetokenizeItem,
        old: &OldToken,
        taken_count: u32,
    ) -> Result<Settling, VaultError> {
        let reading = match self.open(field, item, &old.found) {
            Ok(reading) => reading,
            Err(error) => return Ok((Err(error), None)),
        };
        let first = Found {
            id: old.found.id,
            record: old.found.record.clone(),
        };
        let latest = match self.workplace.latest(self.vault.store(), &reading, first)? {
            Ok(latest) if latest.is_live(self.now) => latest,
            Ok(_) => return Ok((Err(ItemError::UnknownToken), None)),
            Err(error) => return Ok((Err(error), None)),
        };
        // Where it was replaced before, it has its end already.
        let ends = old.found.record.successor.as_ref();
        let ends = ends.and(old.found.record.expires);
        if latest.record.created >= self.intent.begins {
            return Ok((self.workplace.token_of(&reading, &latest), ends));
        }
        let twin = self.drawn_by.get(&latest.id);
        if let Some(Ok(twin)) = twin.and_then(|index| self.items.get(*index)) {
            let ends = ends.or(self.retired_until(latest.id));
            return Ok((Ok(twin.repeated()), ends));
        }
        let sharers_left = SHARERS_MAX - self.sharers_count;
        let place = self.workplace.record_key(latest.id);
        let sharers = self.vault.store().sharers(&place, sharers_left + 1)?;
        if sharers.len() > sharers_left {
            let sharers_max = SHARERS_MAX;
            return Ok((Err(ItemError::TooManySharers { sharers_max }), None));
        }
        let settled = self.succeed(reading, &latest, item, sharers, taken_count);
        if settled.is_ok() {
            self.drawn_by.insert(latest.id, self.items.len());
        }
        let ends = ends.or(self.retired_until(latest.id));
        Ok((settled, ends))
    }

    /// Opens a value, and reads it. What its format has against it is nobody's to know here.
    fn open(
        &self,
        field: Option<&'a Field>,
        item: &'a RetokenizeItem,
        found: &Found,
    ) -> Item<Reading<'a>> {
        // A token was found only if its field was permitted.
        let field = field.ok_or(ItemError::Forbidden)?;
        let (workplace, subject) = (*self.workplace, item.subject.as_ref());
        let place = workplace.place(field, subject)?;
        let (name, record) = (place.name(found.id), &found.record);
        let key = workplace.token_key(&name, record)?;
        let value = reread(
            &self.intent.recorded,
            &place,
            &name,
            record,
            &key,
            &item.token,
        )?;
        let reading = workplace.read(field, &value, subject);
        reading.map_err(|_| ItemError::Damaged)
    }

    /// Draws the token that takes the place of a record's own.
    fn succeed(
        &mut self,
        mut reading: Reading<'_>,
        latest: &Found,
        item: &RetokenizeItem,
        sharers: Vec<SubjectKey>,
        taken_count: u32,
    ) -> Item<SettledItem> {
        // A decoy's value has a token of its own, which no value leads to.
        if latest.record.value_index.is_none() {
            reading.value_keys.clear();
        }
        let own = self
            .workplace
            .subject(&reading.name(latest.id), &latest.record)?;
        let token = self.workplace.token_of(&reading, latest)?.value.token;
        let wanted = Wanted {
            reading,
            subject: own.as_ref(),
            ends: Ends::At(latest.record.expires),
        };
        let (settled, key) = self
            .batch
            .draw(&wanted, Some(latest.id), taken_count, None)?;
        let changes = &mut self.batch.drawn.changes;
        let new = changes.records.last().ok_or(ItemError::Damaged)?;
        let retired = self.workplace.retired(&Retiring {
            reading: &wanted.reading,
            found: latest,
            token: &token,
            own: own.as_ref(),
            successor: (&new.record, &key),
            ends: self
                .now
                .plus_seconds(self.vault.parts.retokenize_grace_seconds),
        });
        let after = match retired {
            Ok(retired) => retired,
            Err(error) => {
                // Nothing is drawn for a record that does not open.
                changes.records.pop();
                return Err(error);
            }
        };
        let known = item.subject.as_ref();
        let known = known.map(|it| {
            (
                self.workplace.subject_keys(it),
                self.workplace.subject_key(it),
            )
        });
        let list = |list: &SubjectKey| match &known {
            Some((versions, active)) if versions.contains(list) => *active,
            Some(_) | None => *list,
        };
        let links = sharers
            .iter()
            .map(|sharer| (list(sharer), settled.record_id));
        changes.links.extend(links);
        self.sharers_count += sharers.len();
        changes.successions.push(Succession {
            key: self.workplace.record_key(latest.id),
            before: latest.record.clone(),
            after,
            sharers,
        });
        Ok(settled)
    }

    /// Until when a record still opens that this call replaces.
    fn retired_until(&self, id: RecordId) -> Option<Timestamp> {
        let mut successions = self.batch.drawn.changes.successions.iter();
        let own = successions.find(|succession| succession.key.id == id)?;
        own.after.expires
    }
}
