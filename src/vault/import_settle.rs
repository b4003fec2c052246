//! Whether each given token may stand for its value: it does already, or both are free.

use crate::crypto::TokenKey;
use crate::domain::Fidelity;
use crate::domain::FidelityReason;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::store::Changes;
use crate::store::KeyMap;
use crate::store::NewRecord;
use crate::store::Reads;
use crate::store::RecordId;
use crate::store::ValueKey;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::cipher::Form;
use crate::vault::cipher::is_same_token;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::find::Found;
use crate::vault::find::Known;
use crate::vault::find::any_by_record_keys;
use crate::vault::find::by_record_keys;
use crate::vault::find::by_value;
use crate::vault::import::Offered;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::retry::Retry;
use crate::vault::tokenize_draw::Settled;
use crate::vault::tokenize_draw::SettledItem;

impl Vault {
    /// Decides each pair, and collects what must be written.
    pub(super) fn settle_imports(
        &self,
        workplace: &Workplace<'_>,
        offered: &[Item<Offered<'_>>],
        retry: &Retry,
        allow_token_values: bool,
    ) -> Result<Settled, VaultError> {
        let store = self.store();
        // Before anything is read: what ends from now on, of what is handed out, sends the call
        // into another round.
        let moment = store.moment();
        let now = self.parts.clock.now();
        // What an earlier call made is found by its token, whatever the field's equality.
        let replay = retry.find(store, now)?;
        let good: Vec<&Offered<'_>> = offered.iter().flatten().collect();
        let readings: Vec<&Reading<'_>> = good.iter().map(|it| &it.wanted.reading).collect();
        let mut known = by_value(store, &readings, now)?.into_iter();
        let keys = |offered: &&Offered<'_>| offered.record_keys.clone();
        let mut holders = any_by_record_keys(store, &good, keys)?.into_iter();
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
            offered,
            now,
            changes: Changes::default(),
            by_token: KeyMap::default(),
            by_value: KeyMap::default(),
        };
        let mut items = Vec::with_capacity(offered.len());
        for (index, offered) in offered.iter().enumerate() {
            let settled = match offered {
                Err(error) => Err(*error),
                Ok(offered) => {
                    let standing = Standing {
                        known: known.next().unwrap_or(Known::No),
                        holder: holders.next().unwrap_or(Ok(None)),
                        // A damaged record has its token still.
                        is_token: matches!(tokens.next(), Some(Ok(Some(_)) | Err(_))),
                    };
                    match &replay {
                        Some(replay)
                            if replay.is_erased(
                                workplace,
                                store,
                                offered.wanted.subject,
                                now,
                            )? =>
                        {
                            Err(ItemError::SubjectErased)
                        }
                        Some(_) | None => batch.settle(index, offered, standing, &items),
                    }
                }
            };
            items.push(settled);
        }
        let mut changes = batch.changes;
        changes.reads = Some(Reads {
            moment,
            records: workplace.known(&items),
            any_ending: replay.is_some(),
            has_read_places: false,
        });
        if replay.is_none() {
            changes.request = retry.row(now, &[]);
            changes.older_requests = retry.older_keys();
        }
        Ok(Settled { items, changes })
    }
}

/// What the store says of a pair.
struct Standing {
    /// The record of the value.
    known: Known,
    /// The record of the token, whether it lives or not.
    holder: Item<Option<Found>>,
    /// Whether the value is a live token.
    is_token: bool,
}

struct Batch<'a> {
    vault: &'a Vault,
    workplace: &'a Workplace<'a>,
    offered: &'a [Item<Offered<'a>>],
    now: Timestamp,
    changes: Changes,
    /// Which item of the call made a record of a token, and of a value, first.
    by_token: KeyMap<RecordId, usize>,
    by_value: KeyMap<ValueKey, usize>,
}

impl Batch<'_> {
    fn settle(
        &mut self,
        index: usize,
        offered: &Offered<'_>,
        standing: Standing,
        earlier: &[Item<SettledItem>],
    ) -> Item<SettledItem> {
        let replaces = match standing.known {
            Known::Live(found) => {
                let is_same = offered.record_keys.iter().any(|key| key.id == found.id);
                return match is_same {
                    true => self.found(offered, &found),
                    false => Err(ItemError::OtherToken),
                };
            }
            Known::Damaged => return Err(ItemError::Damaged),
            Known::Expired(id) => Some(id),
            Known::No => None,
        };
        if let Some(holder) = standing.holder? {
            // The field keeps equal values apart, so only the token tells that it is known.
            return match self.is_of(offered, &holder)? {
                // The value has a younger token.
                true if holder.record.successor.is_some() => Err(ItemError::OtherToken),
                true => self.found(offered, &holder),
                false => Err(ItemError::TokenTaken),
            };
        }
        if standing.is_token {
            return Err(ItemError::IsToken);
        }
        let Some(record_key) = offered.record_keys.first() else {
            return Err(ItemError::Damaged);
        };
        if let Some(twin) = self.by_token.get(&record_key.id).copied() {
            return self.repeated(offered, twin, earlier);
        }
        let value_key = offered.wanted.reading.value_keys.first().copied();
        if value_key.is_some_and(|key| self.by_value.contains_key(&key)) {
            return Err(ItemError::OtherToken);
        }
        let settled = self.make(offered, replaces)?;
        self.by_token.insert(record_key.id, index);
        if let Some(key) = value_key {
            self.by_value.insert(key, index);
        }
        Ok(settled)
    }

    /// The pair is known.
    fn found(&mut self, offered: &Offered<'_>, found: &Found) -> Item<SettledItem> {
        let (reading, subject) = (&offered.wanted.reading, offered.wanted.subject);
        let settled = self.workplace.token_of(reading, found)?;
        let link = self.workplace.further_link(reading, subject, found)?;
        self.changes.links.extend(link);
        Ok(settled)
    }

    /// Whether the record at the token's place is the value's, and lives. One that has ended keeps
    /// its token for good, so that it never comes to stand for somebody else.
    fn is_of(&self, offered: &Offered<'_>, holder: &Found) -> Result<bool, ItemError> {
        let reading = &offered.wanted.reading;
        if !holder.is_live(self.now) || !reading.value_keys.is_empty() {
            return Ok(false);
        }
        let own = self.workplace.encipher_again(reading, holder)?;
        let format = &reading.place.field.format;
        Ok(own.is_some_and(|own| is_same_token(format, &own, &offered.token)))
    }

    /// The token was given before in the same call: with an equal value it is the same pair.
    fn repeated(
        &mut self,
        offered: &Offered<'_>,
        twin: usize,
        earlier: &[Item<SettledItem>],
    ) -> Item<SettledItem> {
        let (Some(Ok(pair)), Some(Ok(settled))) = (self.offered.get(twin), earlier.get(twin))
        else {
            return Err(ItemError::TokenTaken);
        };
        let (one, other) = (&pair.wanted.reading.parsed, &offered.wanted.reading.parsed);
        // Both came with this call: who compares them learns nothing that he has not sent.
        if one.equality() != other.equality() {
            return Err(ItemError::TokenTaken);
        }
        if let Some(subject) = offered.wanted.subject {
            let link = (self.workplace.subject_key(subject), settled.record_id);
            self.changes.links.push(link);
        }
        Ok(settled.repeated())
    }

    /// Makes the record of a pair that is new.
    fn make(&mut self, offered: &Offered<'_>, replaces: Option<RecordId>) -> Item<SettledItem> {
        let Offered {
            wanted,
            token,
            record_keys,
        } = offered;
        let (record_key, older_keys) = record_keys.split_first().ok_or(ItemError::Damaged)?;
        let record_key = *record_key;
        let key = TokenKey::generate(&*self.vault.parts.entropy);
        let (form, id) = (Form::Imported, record_key.id);
        let record = self
            .workplace
            .seal(wanted, form, &key, token, id, self.now)?;
        let value = TokenizedValue {
            // The caller gave it, and gets it back.
            token: Token::new(token.expose().to_owned()),
            fidelity: Fidelity::Imported,
            reason: FidelityReason::Imported,
            created: true,
            expires: record.expires,
        };
        let new_record = Some(self.changes.records.len());
        let subject = wanted.subject;
        self.changes.records.push(NewRecord {
            key: record_key,
            value_key: wanted.reading.value_keys.first().copied(),
            older: wanted.reading.older(older_keys),
            replaces,
            subject_key: subject.map(|subject| self.workplace.subject_key(subject)),
            record,
        });
        Ok(SettledItem {
            value,
            record_id: id,
            new_record,
        })
    }
}
