//! A value as a request brings it, read into its field's format.

use crate::crypto::Scope;
use crate::domain::Equality;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::Subject;
use crate::domain::Token;
use crate::format::Parsed;
use crate::keys::NamespaceKeys;
use crate::store::NamespaceId;
use crate::store::Older;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::ValueKey;
use crate::vault::cipher::Place;
use crate::vault::error::ItemError;
use crate::vault::field::Field;

/// The namespace that a request works in.
#[derive(Clone, Copy)]
pub(super) struct Workplace<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) id: NamespaceId,
    pub(super) keys: &'a NamespaceKeys,
}

/// A value in its canonical form, and what it is found by.
pub(super) struct Reading<'a> {
    pub(super) place: Place<'a>,
    pub(super) parsed: Parsed,
    /// Where the value index may know it: under each live version of the fingerprint key, the
    /// active one first. Empty where equal values never share a token.
    pub(super) value_keys: Vec<ValueKey>,
}

/// A token, and where its record may be: under each live version of the fingerprint key, the
/// active one first.
pub(super) struct Presented<'a> {
    pub(super) place: Place<'a>,
    pub(super) record_keys: Vec<RecordKey>,
}

impl Reading<'_> {
    /// Where a new record of the value must not be under older keys, beside the places of its
    /// token.
    pub(super) fn older(&self, records: &[RecordKey]) -> Older {
        Older {
            records: records.to_vec(),
            values: self.value_keys.iter().skip(1).copied().collect(),
        }
    }
}

impl<'a> Workplace<'a> {
    /// Reads a value.
    pub(super) fn read(
        &self,
        field: &'a Field,
        value: &Plaintext,
        subject: Option<&'a Subject>,
    ) -> Result<Reading<'a>, ItemError> {
        let place = self.place(field, subject)?;
        let mut parsed = field.format.parse(value)?;
        self.tag_domain(field, &mut parsed)?;
        let value_keys = match field.equality {
            Equality::None => Vec::new(),
            Equality::Field | Equality::Subject => self
                .keys
                .value_fingerprint()
                .iter()
                .map(|(_, key)| {
                    let fingerprint =
                        key.value(self.namespace, &field.name, place.scope, parsed.equality());
                    ValueKey {
                        namespace: self.id,
                        fingerprint: *fingerprint.as_bytes(),
                    }
                })
                .collect(),
        };
        Ok(Reading {
            place,
            parsed,
            value_keys,
        })
    }

    /// Makes the tag by which an e-mail token shows that its domain is another's too, where the
    /// field wants that.
    fn tag_domain(&self, field: &Field, parsed: &mut Parsed) -> Result<(), ItemError> {
        let key = self.keys.domain_tag().active();
        let rank = match parsed.domain_tag() {
            Some(domain) => {
                key.rank(self.namespace, &field.name, domain, &Parsed::domain_tags())?
            }
            None => return Ok(()),
        };
        Ok(parsed.set_domain_tag(&rank)?)
    }

    /// Reads a token.
    pub(super) fn present(
        &self,
        field: &'a Field,
        token: &Token,
        subject: Option<&'a Subject>,
    ) -> Result<Presented<'a>, ItemError> {
        let place = self.place(field, subject)?;
        // No token is longer than this, and folding must not be a way to burn time.
        if token.expose().len() > TOKEN_BYTES_MAX {
            return Err(ItemError::UnknownToken);
        }
        Ok(Presented {
            place,
            record_keys: self.record_keys(&place, token.expose()),
        })
    }

    /// Where the record of this text would be, if it were a token.
    pub(super) fn record_keys(&self, place: &Place<'_>, text: &str) -> Vec<RecordKey> {
        let folded = place.field.format.fold(text);
        let id = |key: &crate::crypto::TokenFingerprintKey| {
            let id = key.record_id(
                self.namespace,
                &place.field.name,
                place.scope,
                folded.as_bytes(),
            );
            RecordKey {
                namespace: self.id,
                id: RecordId(*id.as_bytes()),
            }
        };
        self.keys
            .token_fingerprint()
            .iter()
            .map(|(_, key)| id(key))
            .collect()
    }

    /// What a token of this field and subject is bound to.
    pub(super) fn place(
        &self,
        field: &'a Field,
        subject: Option<&'a Subject>,
    ) -> Result<Place<'a>, ItemError> {
        let scope: Scope<'a> = field.scope(subject)?;
        Ok(Place {
            namespace: self.namespace,
            field,
            scope,
        })
    }
}

/// An address of 1,024 characters of four bytes, twice over for applications' changes.
pub(super) const TOKEN_BYTES_MAX: usize = 8_192;
