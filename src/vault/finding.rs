//! What the store says of the values of a call, before any of them gets its token.

use crate::domain::Timestamp;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::drawing::Drawing;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::find::Known;
use crate::vault::find::by_record_keys;
use crate::vault::find::by_value;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::retry::Replay;
use crate::vault::tokenize::Wanted;

/// The values of a call, and what decides about them beside the store.
pub(super) struct Asked<'a> {
    pub(super) wanted: &'a [Item<Wanted<'a>>],
    /// What an earlier call with the same request id got.
    pub(super) replay: Option<&'a Replay>,
    pub(super) drawing: &'a Drawing,
    /// Whether values that are live tokens are taken.
    pub(super) allow_token_values: bool,
}

/// A value, and what the store says of it.
pub(super) struct Finding<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) known: Known,
    /// Whether the value is a live token.
    pub(super) is_token: bool,
    /// How often its token was taken.
    pub(super) taken_count: u32,
}

impl Vault {
    /// Looks each value up, in one read for all of them: as a value, and as a token where it would
    /// get one.
    pub(super) fn findings<'a>(
        &self,
        workplace: &Workplace<'_>,
        asked: &Asked<'a>,
        now: Timestamp,
    ) -> Result<Vec<Item<Finding<'a>>>, VaultError> {
        let store = self.store();
        let wanted = asked.wanted.iter().flatten();
        let readings: Vec<&Reading<'_>> = wanted.map(|wanted| &wanted.reading).collect();
        let known = by_value(store, &readings, now)?;
        let tokens = match asked.allow_token_values {
            true => Vec::new(),
            false => self.live_tokens(workplace, asked, &readings, &known, now)?,
        };
        let (mut known, mut tokens) = (known.into_iter(), tokens.into_iter());
        let mut findings = Vec::with_capacity(asked.wanted.len());
        for (index, wanted) in asked.wanted.iter().enumerate() {
            let wanted = match wanted {
                Ok(wanted) => wanted,
                Err(error) => {
                    findings.push(Err(*error));
                    continue;
                }
            };
            let by_value = known.next().unwrap_or(Known::No);
            // A damaged record has its token still.
            let is_token = tokens.next().unwrap_or(false);
            let replayed = asked.replay.and_then(|replay| replay.record(index));
            let known = match replayed {
                Some(id) => workplace.replayed(store, id, &wanted.reading, now)?,
                None => by_value,
            };
            let is_erased = match asked.replay {
                Some(replay) => replay.is_erased(workplace, store, wanted.subject, now)?,
                None => false,
            };
            findings.push(match is_erased {
                true => Err(ItemError::SubjectErased),
                false => Ok(Finding {
                    wanted,
                    known,
                    is_token,
                    taken_count: asked.drawing.taken_count(index),
                }),
            });
        }
        Ok(findings)
    }

    /// Whether each value is a live token. A known value is answered with its own, whatever it is
    /// besides, so it is not looked for; what an earlier call got says something else of it.
    fn live_tokens(
        &self,
        workplace: &Workplace<'_>,
        asked: &Asked<'_>,
        readings: &[&Reading<'_>],
        known: &[Known],
        now: Timestamp,
    ) -> Result<Vec<bool>, VaultError> {
        let is_asked = |known: &Known| asked.replay.is_some() || known.is_new();
        let keys = self.crew.spread(readings, |index, reading| {
            let is_asked = known.get(index).is_none_or(is_asked);
            let keys = || workplace.record_keys(&reading.place, reading.parsed.canonical());
            is_asked.then(keys).unwrap_or_default()
        });
        let found = by_record_keys(self.store(), &keys, Clone::clone, now)?;
        let is_token = |found: Item<_>| matches!(found, Ok(Some(_)) | Err(_));
        Ok(found.into_iter().map(is_token).collect())
    }
}
