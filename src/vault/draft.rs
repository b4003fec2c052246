//! What can be done for each value by itself, before it is known what the other values of the call
//! draw: that is nearly all of the work, and it is spread over processors.

use crate::crypto::TokenKey;
use crate::domain::Fidelity;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::format::OutlineSize;
use crate::store::KeySet;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::SubjectKey;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::cipher::Form;
use crate::vault::cipher::NoToken;
use crate::vault::cipher::encipher;
use crate::vault::error::ItemError;
use crate::vault::find::Known;
use crate::vault::finding::Finding;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::tokenize::Wanted;
use crate::vault::tokenize_draw::SettledItem;

/// A token drawn for a value, and the record that it would have.
pub(super) struct Draft {
    pub(super) token: Token,
    pub(super) place: RecordKey,
    /// Where its record may be under older keys.
    pub(super) older_places: Vec<RecordKey>,
    pub(super) record: Record,
}

/// The token of a known value, and the list of a further customer that its record joins.
pub(super) type KnownToken = (SettledItem, Option<(SubjectKey, RecordId)>);

/// What was done for a value by itself.
#[derive(Default)]
pub(super) struct Prepared {
    /// Of a known value.
    pub(super) token: Option<Item<KnownToken>>,
    /// Of a new one: a first key, and what it gives.
    pub(super) draft: Option<(TokenKey, Item<Option<Draft>>)>,
}

impl Vault {
    /// Does for each value what does not depend on the others.
    pub(super) fn prepare(
        &self,
        workplace: &Workplace<'_>,
        findings: &[Item<Finding<'_>>],
        now: Timestamp,
    ) -> Vec<Prepared> {
        // Keys are drawn here, by one thread: a generator's state can give its last keys again,
        // and a thread that ends leaves it in memory.
        let mut values = KeySet::default();
        let mut key = |finding: &Item<Finding<'_>>| {
            let finding = finding.as_ref().ok()?;
            let value_key = finding.wanted.reading.value_keys.first();
            // An equal value of the same call gets the same token.
            let is_first = value_key.is_none_or(|key| values.insert(*key));
            let is_new = is_first && !finding.is_token && finding.known.is_new();
            is_new.then(|| TokenKey::generate(&*self.parts.entropy))
        };
        let keys: Vec<Option<TokenKey>> = findings.iter().map(&mut key).collect();
        let drawn = self.crew.spread(findings, |index, finding| {
            let Ok(finding) = finding else {
                return (None, None);
            };
            let key = keys.get(index).and_then(Option::as_ref);
            (
                workplace.token_of_known(finding),
                key.map(|key| workplace.first_draft(finding, key, now)),
            )
        });
        let prepared = |(key, (token, draft)): (Option<TokenKey>, (_, Option<_>))| Prepared {
            token,
            draft: key.zip(draft),
        };
        keys.into_iter().zip(drawn).map(prepared).collect()
    }
}

impl Workplace<'_> {
    fn token_of_known(&self, finding: &Finding<'_>) -> Option<Item<KnownToken>> {
        let Known::Live(found) = &finding.known else {
            return None;
        };
        let Wanted {
            reading, subject, ..
        } = finding.wanted;
        let known = || {
            let settled = self.token_of(reading, found)?;
            let link = self.further_link(reading, *subject, found)?;
            Ok((settled, link))
        };
        Some(known())
    }

    fn first_draft(
        &self,
        finding: &Finding<'_>,
        key: &TokenKey,
        now: Timestamp,
    ) -> Item<Option<Draft>> {
        let form = finding.wanted.reading.form(finding.taken_count)?;
        self.draft(finding.wanted, form, key, now)
    }

    /// The token that a key gives for a value, with its record; nothing, if another key must be
    /// drawn.
    pub(super) fn draft(
        &self,
        wanted: &Wanted<'_>,
        form: Form,
        key: &TokenKey,
        now: Timestamp,
    ) -> Item<Option<Draft>> {
        let Wanted { reading, .. } = wanted;
        let token = match encipher(&reading.place, &reading.parsed, form, key) {
            Ok(token) => token,
            Err(NoToken::DrawAgain) => return Ok(None),
            Err(NoToken::OtherForm) => return Err(ItemError::Damaged),
            Err(NoToken::Item(error)) => return Err(error),
        };
        let places = self.record_keys(&reading.place, token.expose());
        let (place, older_places) = places.split_first().ok_or(ItemError::Damaged)?;
        // A value is never its own token.
        let own = self.record_keys(&reading.place, reading.parsed.canonical());
        if own.first() == Some(place) {
            return Ok(None);
        }
        let record = self.seal(wanted, form, key, &token, place.id, now)?;
        Ok(Some(Draft {
            token,
            place: *place,
            older_places: older_places.to_vec(),
            record,
        }))
    }
}

impl Reading<'_> {
    /// In which form the value gets a token, after it was taken so often.
    pub(super) fn form(&self, taken_count: u32) -> Item<Form> {
        if taken_count > TAKEN_MAX {
            return Err(ItemError::SliceFull);
        }
        match self.parsed.preferred().0 {
            Fidelity::Shape => Ok(Form::Shape),
            // The small language serves until its tokens begin to collide.
            Fidelity::Outline if taken_count == 0 => Ok(Form::Outline(OutlineSize::Small)),
            Fidelity::Outline => Ok(Form::Outline(OutlineSize::Large)),
            Fidelity::Imported | Fidelity::Opaque => Err(ItemError::Damaged),
        }
    }
}

/// How many times a value's token may be found taken before its slice counts as full. At half
/// full, ten in a row have a chance of 1 in 1,000.
const TAKEN_MAX: u32 = 10;
