//! What a record's keys make of it: the token of its value, its token's key, and whose it is.

use zeroize::Zeroizing;

use crate::crypto::RecordName;
use crate::crypto::TokenKey;
use crate::domain::Fidelity;
use crate::domain::FidelityReason;
use crate::domain::Subject;
use crate::domain::Token;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::SubjectKey;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::cipher::Form;
use crate::vault::cipher::NoToken;
use crate::vault::cipher::encipher;
use crate::vault::cipher::terms;
use crate::vault::error::ItemError;
use crate::vault::find::Found;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::tokenize_draw::SettledItem;

impl Workplace<'_> {
    /// The token of a value that has a record: its key enciphers the value again.
    pub(super) fn token_of(&self, reading: &Reading<'_>, found: &Found) -> Item<SettledItem> {
        let token = self
            .encipher_again(reading, found)?
            .ok_or(ItemError::Damaged)?;
        // The record's id is the fingerprint of its token: a record that another value's row
        // points at, or that was changed, does not get past this.
        let is_its_token = self
            .record_keys(&reading.place, token.expose())
            .iter()
            .any(|key| key.id == found.id);
        if !is_its_token {
            return Err(ItemError::Damaged);
        }
        let (preferred, reason) = reading.parsed.preferred();
        let fidelity = found.record.fidelity;
        let reason = if fidelity == Fidelity::Imported {
            FidelityReason::Imported
        } else if preferred == fidelity {
            reason
        } else {
            FidelityReason::Configured
        };
        let value = TokenizedValue {
            token,
            fidelity,
            reason,
            created: false,
            expires: found.record.expires,
        };
        Ok(SettledItem {
            value,
            record_id: found.id,
            new_record: None,
        })
    }

    /// What a record's key makes of a value: its token, if the record is the value's; nothing, if
    /// the value cannot have a token of the record's form. A token that was imported is opened
    /// with the value instead.
    pub(super) fn encipher_again(
        &self,
        reading: &Reading<'_>,
        found: &Found,
    ) -> Result<Option<Token>, ItemError> {
        let name = reading.name(found.id);
        let key = self.token_key(&name, &found.record)?;
        let form = Form::of(&found.record).ok_or(ItemError::Damaged)?;
        if found.record.layout_version != u16::from(reading.place.field.format.version()) {
            return Err(ItemError::Damaged);
        }
        if form == Form::Imported {
            let (terms, equality) = (terms(&found.record), reading.parsed.equality());
            let opened = key.open_token(&name, &terms, equality, &found.record.token)?;
            return opened.map(token).transpose();
        }
        match encipher(&reading.place, &reading.parsed, form, &key) {
            Ok(token) => Ok(Some(token)),
            Err(NoToken::DrawAgain | NoToken::OtherForm) => Ok(None),
            Err(NoToken::Item(error)) => Err(error),
        }
    }

    /// Puts a known record on the list of a further subject whose value is equal.
    pub(super) fn further_link(
        &self,
        reading: &Reading<'_>,
        subject: Option<&Subject>,
        found: &Found,
    ) -> Result<Option<(SubjectKey, RecordId)>, ItemError> {
        let Some(subject) = subject else {
            return Ok(None);
        };
        let own = self.subject(&reading.name(found.id), &found.record)?;
        Ok((own.as_ref() != Some(subject)).then(|| (self.subject_key(subject), found.id)))
    }

    /// Where the records of a subject are listed.
    pub(super) fn subject_key(&self, subject: &Subject) -> SubjectKey {
        let fingerprint = self
            .keys
            .value_fingerprint()
            .active()
            .subject(self.namespace, subject);
        SubjectKey {
            namespace: self.id,
            fingerprint: *fingerprint.as_bytes(),
            key_version: self.keys.value_fingerprint().active_version(),
        }
    }

    /// Whose record it is, if it says.
    pub(super) fn subject(
        &self,
        name: &RecordName<'_>,
        record: &Record,
    ) -> Result<Option<Subject>, ItemError> {
        if record.subject.is_empty() {
            return Ok(None);
        }
        let wrapping = self
            .keys
            .wrapping()
            .version(record.wrapping_version)
            .ok_or(ItemError::KeyDestroyed)?;
        Ok(Some(wrapping.open_subject(name, &record.subject)?))
    }

    /// The key of a record's token.
    pub(super) fn token_key(
        &self,
        name: &RecordName<'_>,
        record: &Record,
    ) -> Result<TokenKey, ItemError> {
        let wrapping = self
            .keys
            .wrapping()
            .version(record.wrapping_version)
            .ok_or(ItemError::KeyDestroyed)?;
        Ok(wrapping.unwrap(name, &record.wrapped)?)
    }
}

impl Reading<'_> {
    /// The place of a record of this value, as seals are bound to it.
    pub(super) fn name(&self, id: RecordId) -> RecordName<'_> {
        self.place.name(id)
    }
}

/// A token from the bytes that were sealed.
fn token(mut bytes: Zeroizing<Vec<u8>>) -> Result<Token, ItemError> {
    // It moves, so that no copy is left behind.
    let text = String::from_utf8(std::mem::take(&mut *bytes));
    text.map(Token::new).map_err(|_| ItemError::Damaged)
}
