//! Tokens that take the place of others for the same value.
//!
//! The record of the old one stays until its time is over, and has the successor's key beside its
//! own. Who brings the old token, or the value, makes the successor's token with it again.

use crate::crypto::RecordName;
use crate::crypto::TokenKey;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::store::Record;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Successor;
use crate::vault::answer::Item;
use crate::vault::cipher::Form;
use crate::vault::cipher::NoToken;
use crate::vault::cipher::encipher;
use crate::vault::cipher::terms;
use crate::vault::error::ItemError;
use crate::vault::find::Found;
use crate::vault::find::any_by_record_keys;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;

/// A record whose token another takes the place of.
pub(super) struct Retiring<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) found: &'a Found,
    /// Its own token.
    pub(super) token: &'a Token,
    /// Whom it was made for.
    pub(super) own: Option<&'a Subject>,
    /// The record of the other token, and its key.
    pub(super) successor: (&'a Record, &'a TokenKey),
    /// From when on its own opens no more, if it does not end earlier anyway.
    pub(super) ends: Timestamp,
}

impl Workplace<'_> {
    /// The key of the token that took the place of a record's own, if one did.
    pub(super) fn successor_key(
        &self,
        name: &RecordName<'_>,
        record: &Record,
    ) -> Item<Option<TokenKey>> {
        let Some(successor) = &record.successor else {
            return Ok(None);
        };
        let wrapping = self
            .keys
            .wrapping()
            .version(record.wrapping_version)
            .ok_or(ItemError::KeyDestroyed)?;
        Ok(Some(wrapping.unwrap_successor(name, &successor.wrapped)?))
    }

    /// The token that took the place of a record's own, made again from the value.
    fn successor_token(&self, reading: &Reading<'_>, found: &Found) -> Item<Option<Token>> {
        let key = self.successor_key(&reading.name(found.id), &found.record)?;
        let Some((key, successor)) = key.zip(found.record.successor.as_ref()) else {
            return Ok(None);
        };
        let form = Form::of_successor(successor).ok_or(ItemError::Damaged)?;
        match encipher(&reading.place, &reading.parsed, form, &key) {
            Ok(token) => Ok(Some(token)),
            Err(NoToken::DrawAgain | NoToken::OtherForm) => Err(ItemError::Damaged),
            Err(NoToken::Item(error)) => Err(error),
        }
    }

    /// The last of those that took the place of a record, one after the other: it has none itself.
    pub(super) fn latest(
        &self,
        store: &dyn Store,
        reading: &Reading<'_>,
        found: Found,
    ) -> Result<Item<Found>, StoreError> {
        let mut latest = found;
        for _ in 0..SUCCESSORS_MAX {
            let token = match self.successor_token(reading, &latest) {
                Ok(Some(token)) => token,
                Ok(None) => return Ok(Ok(latest)),
                Err(error) => return Ok(Err(error)),
            };
            let places = [self.record_keys(&reading.place, token.expose())];
            let found = any_by_record_keys(store, &places, Vec::clone)?;
            match found.into_iter().next() {
                Some(Ok(Some(next))) => latest = next,
                Some(Ok(None)) | None => return Ok(Err(ItemError::Damaged)),
                Some(Err(error)) => return Ok(Err(error)),
            }
        }
        Ok(Err(ItemError::Damaged))
    }

    /// The record as it is beside its successor: it opens for a while, no value leads to it, and it
    /// has the successor's key. Sealed anew, since its seal is bound to when it ends; and under the
    /// active wrapping key, since both keys are under one.
    pub(super) fn retired(&self, retiring: &Retiring<'_>) -> Item<Record> {
        let Retiring {
            reading,
            found,
            own,
            ..
        } = retiring;
        let (record, name) = (&found.record, reading.name(found.id));
        let (key, before) = (self.token_key(&name, record)?, terms(record));
        let wrapping = self.keys.wrapping().active();
        let (successor, successor_key) = retiring.successor;
        let mut retired = Record {
            wrapping_version: wrapping.version(),
            value_index: None,
            expires: Some(
                record
                    .expires
                    .map_or(retiring.ends, |it| it.min(retiring.ends)),
            ),
            wrapped: wrapping.wrap(&name, &key)?,
            subject: match own {
                Some(subject) => wrapping.seal_subject(&name, subject)?,
                None => Vec::new(),
            },
            residue: Vec::new(),
            token: Vec::new(),
            successor: Some(Successor {
                fidelity: successor.fidelity,
                outline_size: successor.outline_size,
                wrapped: wrapping.wrap_successor(&name, successor_key)?,
            }),
            ..record.clone()
        };
        let after = terms(&retired);
        let folded = reading.place.field.format.fold(retiring.token.expose());
        let residue = key.open_residue(&name, &before, folded.as_bytes(), &record.residue)?;
        retired.residue = key.seal_residue(&name, &after, folded.as_bytes(), &residue)?;
        if !record.token.is_empty() {
            let equality = reading.parsed.equality();
            let token = key.open_token(&name, &before, equality, &record.token)?;
            let token = token.ok_or(ItemError::Damaged)?;
            retired.token = key.seal_token(&name, &after, equality, &token)?;
        }
        Ok(retired)
    }
}

/// How many tokens one after the other may have taken the place of a token that still opens: more
/// than officers allow within the longest grace.
const SUCCESSORS_MAX: usize = 1_024;
