//! The record of a token that is new.

use crate::crypto::TokenKey;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordState;
use crate::store::ValueIndex;
use crate::vault::cipher::Form;
use crate::vault::cipher::terms;
use crate::vault::error::ItemError;
use crate::vault::read::Workplace;
use crate::vault::tokenize::Wanted;

impl Workplace<'_> {
    /// Makes the record of a token that was drawn or imported.
    pub(super) fn seal(
        &self,
        wanted: &Wanted<'_>,
        form: Form,
        key: &TokenKey,
        token: &Token,
        id: RecordId,
        now: Timestamp,
    ) -> Result<Record, ItemError> {
        let Wanted {
            reading,
            subject,
            ends,
        } = wanted;
        let name = reading.name(id);
        let wrapping = self.keys.wrapping().active();
        let layout_version = reading.place.field.format.version();
        let residue = reading
            .parsed
            .residue(form.fidelity())
            .map_err(|_| ItemError::Damaged)?;
        let value_index = reading.value_keys.first().map(|key| ValueIndex {
            fingerprint: key.fingerprint,
            key_version: self.keys.value_fingerprint().active_version(),
        });
        let mut record = Record {
            layout_version: u16::from(layout_version),
            fidelity: form.fidelity(),
            outline_size: form.outline_size(),
            state: RecordState::Live,
            wrapping_version: wrapping.version(),
            token_version: self.keys.token_fingerprint().active_version(),
            value_index,
            created: now,
            expires: ends.from(now),
            wrapped: wrapping.wrap(&name, key)?,
            subject: match subject {
                Some(subject) => wrapping.seal_subject(&name, subject)?,
                None => Vec::new(),
            },
            residue: Vec::new(),
            token: Vec::new(),
            successor: None,
        };
        let terms = terms(&record);
        // The residue opens only for who brings the token, however it is spelled then, and only
        // under the terms that the record states. Its plain form is sealed here, nowhere shown.
        let folded = reading.place.field.format.fold(token.expose());
        record.residue = key.seal_residue(&name, &terms, folded.as_bytes(), residue.expose())?;
        if form == Form::Imported {
            // And the token opens only for who brings the value. It is sealed as it is spelled.
            let (equality, token) = (reading.parsed.equality(), token.expose().as_bytes());
            record.token = key.seal_token(&name, &terms, equality, token)?;
        }
        Ok(record)
    }
}
