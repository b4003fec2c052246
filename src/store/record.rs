//! What the vault stores for one token.
//!
//! The bytes of a stored record, numbers big endian:
//!
//! ```text
//! 1   version of these bytes, 1
//! 1   fidelity              1 shape, 2 outline, 3 opaque, 4 imported
//! 1   outline size
//! 1   state                 1 live, 2 erased
//! 1   flags                 1 has a value index, 2 expires, 4 has a token, 8 has a successor
//! 2   layout version
//! 4   wrapping key version
//! 4   token fingerprint key version
//! 8   created, ms
//! 20  value fingerprint and its key version, if it has a value index
//! 8   expires, ms, if it expires
//! 2+n wrapped
//! 2+n subject
//! 2+n residue
//! 2+n token, if it has one
//! 1   fidelity of its successor, if it has one; then
//! 1   outline size
//! 2+n wrapped
//! ```

use crate::domain::Fidelity;
use crate::domain::KeyVersion;
use crate::domain::Timestamp;
use crate::store::StoreError;
use crate::store::reader::Reader;
use crate::store::reader::put_bytes;

/// The most bytes that a wrapped token key, or a sealed subject, may have.
pub const WRAPPED_BYTES_MAX: usize = 512;
/// The most bytes that a sealed residue may have.
pub const RESIDUE_BYTES_MAX: usize = 32 * 1024;
/// The most bytes that a sealed token may have.
pub(super) const TOKEN_BYTES_MAX: usize = 2 * 1024;

/// What the vault stores for one token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The version of the format's text layout: how text and numeral strings correspond.
    pub layout_version: u16,
    /// How much of the value's form the token keeps.
    pub fidelity: Fidelity,
    /// Which size of its outline language the token is of; 0 where it is none.
    pub outline_size: u8,
    /// Whether the record still opens.
    pub state: RecordState,
    /// The wrapping key version that `wrapped` is under.
    pub wrapping_version: KeyVersion,
    /// The version of the token fingerprint key that made the record's id.
    pub token_version: KeyVersion,
    /// The row in the value index, so that erasing can remove it; none where values never share.
    pub value_index: Option<ValueIndex>,
    /// When the record was made.
    pub created: Timestamp,
    /// From when on the token no longer opens.
    pub expires: Option<Timestamp>,
    /// The token key, sealed under the wrapping key.
    pub wrapped: Vec<u8>,
    /// The subject, sealed under the wrapping key; empty if there is none. Sealed by itself, so
    /// that a reveal can be recorded by subject before its token key is unwrapped.
    pub subject: Vec<u8>,
    /// What the token cannot carry, sealed under a key from token key and token.
    pub residue: Vec<u8>,
    /// The token, sealed under a key from token key and value, where it was imported: no key makes
    /// it again. Empty otherwise.
    pub token: Vec<u8>,
    /// The token that takes the place of this one, which opens until `expires` and is given to
    /// nobody any more; none for nearly every record.
    pub successor: Option<Successor>,
}

/// The token that takes the place of a record's own: what makes it again from the value. Where its
/// record is, its fingerprint says, under whatever version of the key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Successor {
    /// How much of the value's form it keeps.
    pub fidelity: Fidelity,
    /// Which size of its outline language it is of; 0 where it is none.
    pub outline_size: u8,
    /// Its token key, sealed under the wrapping key version of the record.
    pub wrapped: Vec<u8>,
}

/// Whether a record still opens.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RecordState {
    /// Its key and residue are gone; the row is kept so that the token is never drawn again.
    Erased,
    /// It opens for who brings its token.
    Live,
}

/// Where the value index points at a record.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ValueIndex {
    /// The fingerprint of field, scope and the value's equality form.
    pub fingerprint: [u8; 16],
    /// The version of the value fingerprint key that made it.
    pub key_version: KeyVersion,
}

impl Record {
    /// The bytes to store.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooLarge`] if a sealed part is.
    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut row = Vec::with_capacity(64 + self.sealed_bytes());
        let mut flags = 0;
        if self.value_index.is_some() {
            flags |= FLAG_VALUE_INDEX;
        }
        if self.expires.is_some() {
            flags |= FLAG_EXPIRES;
        }
        if !self.token.is_empty() {
            flags |= FLAG_TOKEN;
        }
        if self.successor.is_some() {
            flags |= FLAG_SUCCESSOR;
        }
        let fidelity = fidelity_number(self.fidelity);
        let state = match self.state {
            RecordState::Live => 1,
            RecordState::Erased => 2,
        };
        row.extend_from_slice(&[VERSION, fidelity, self.outline_size, state, flags]);
        row.extend_from_slice(&self.layout_version.to_be_bytes());
        row.extend_from_slice(&self.wrapping_version.number().to_be_bytes());
        row.extend_from_slice(&self.token_version.number().to_be_bytes());
        row.extend_from_slice(&self.created.unix_ms().to_be_bytes());
        if let Some(index) = &self.value_index {
            row.extend_from_slice(&index.fingerprint);
            row.extend_from_slice(&index.key_version.number().to_be_bytes());
        }
        if let Some(expires) = self.expires {
            row.extend_from_slice(&expires.unix_ms().to_be_bytes());
        }
        put_bytes(
            &mut row,
            &self.wrapped,
            WRAPPED_BYTES_MAX,
            "wrapped token key",
        )?;
        put_bytes(&mut row, &self.subject, WRAPPED_BYTES_MAX, "subject")?;
        put_bytes(&mut row, &self.residue, RESIDUE_BYTES_MAX, "residue")?;
        if !self.token.is_empty() {
            put_bytes(&mut row, &self.token, TOKEN_BYTES_MAX, "token")?;
        }
        if let Some(successor) = &self.successor {
            row.extend_from_slice(&[fidelity_number(successor.fidelity), successor.outline_size]);
            let wrapped = &successor.wrapped;
            put_bytes(&mut row, wrapped, WRAPPED_BYTES_MAX, "successor's key")?;
        }
        Ok(row)
    }

    /// How many bytes the sealed parts have.
    pub(super) fn sealed_bytes(&self) -> usize {
        let successor = self.successor.as_ref();
        self.wrapped.len()
            + self.subject.len()
            + self.residue.len()
            + self.token.len()
            + successor.map_or(0, |successor| successor.wrapped.len())
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    ///
    /// [`StoreError::Corrupt`] if they are not exactly what [`Record::encode`] makes.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes, "records");
        if reader.byte()? != VERSION {
            return Err(reader.corrupt());
        }
        let fidelity = read_fidelity(&mut reader)?;
        let outline_size = reader.byte()?;
        let state = match reader.byte()? {
            1 => RecordState::Live,
            2 => RecordState::Erased,
            _ => return Err(reader.corrupt()),
        };
        let flags = reader.byte()?;
        if flags & !(FLAG_VALUE_INDEX | FLAG_EXPIRES | FLAG_TOKEN | FLAG_SUCCESSOR) != 0 {
            return Err(reader.corrupt());
        }
        let layout_version = reader.u16()?;
        let wrapping_version = reader.key_version()?;
        let token_version = reader.key_version()?;
        let created = reader.timestamp()?;
        let value_index = if flags & FLAG_VALUE_INDEX == 0 {
            None
        } else {
            Some(ValueIndex {
                fingerprint: reader.array()?,
                key_version: reader.key_version()?,
            })
        };
        let expires = if flags & FLAG_EXPIRES == 0 {
            None
        } else {
            Some(reader.timestamp()?)
        };
        let wrapped = reader.bytes(WRAPPED_BYTES_MAX)?;
        let subject = reader.bytes(WRAPPED_BYTES_MAX)?;
        let residue = reader.bytes(RESIDUE_BYTES_MAX)?;
        let token = if flags & FLAG_TOKEN == 0 {
            Vec::new()
        } else {
            reader.bytes(TOKEN_BYTES_MAX)?
        };
        if flags & FLAG_TOKEN != 0 && token.is_empty() {
            return Err(reader.corrupt());
        }
        let successor = if flags & FLAG_SUCCESSOR == 0 {
            None
        } else {
            Some(Successor {
                fidelity: read_fidelity(&mut reader)?,
                outline_size: reader.byte()?,
                wrapped: reader.bytes(WRAPPED_BYTES_MAX)?,
            })
        };
        reader.end()?;
        Ok(Self {
            layout_version,
            fidelity,
            outline_size,
            state,
            wrapping_version,
            token_version,
            value_index,
            created,
            expires,
            wrapped,
            subject,
            residue,
            token,
            successor,
        })
    }
}

const fn fidelity_number(fidelity: Fidelity) -> u8 {
    match fidelity {
        Fidelity::Shape => 1,
        Fidelity::Outline => 2,
        Fidelity::Opaque => 3,
        Fidelity::Imported => 4,
    }
}

fn read_fidelity(reader: &mut Reader<'_>) -> Result<Fidelity, StoreError> {
    Ok(match reader.byte()? {
        1 => Fidelity::Shape,
        2 => Fidelity::Outline,
        3 => Fidelity::Opaque,
        4 => Fidelity::Imported,
        _ => return Err(reader.corrupt()),
    })
}

const VERSION: u8 = 1;
const FLAG_VALUE_INDEX: u8 = 1;
const FLAG_EXPIRES: u8 = 2;
const FLAG_TOKEN: u8 = 4;
const FLAG_SUCCESSOR: u8 = 8;

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn key_version() -> impl Strategy<Value = KeyVersion> {
        (1_u32..).prop_map(|number| KeyVersion::new(number).unwrap())
    }

    fn fidelity() -> impl Strategy<Value = Fidelity> {
        prop_oneof![
            Just(Fidelity::Shape),
            Just(Fidelity::Outline),
            Just(Fidelity::Opaque),
            Just(Fidelity::Imported),
        ]
    }

    prop_compose! {
        fn successor()(
            fidelity in fidelity(),
            outline_size in any::<u8>(),
            wrapped in proptest::collection::vec(any::<u8>(), 0..=WRAPPED_BYTES_MAX),
        ) -> Successor {
            Successor { fidelity, outline_size, wrapped }
        }
    }

    fn time() -> impl Strategy<Value = Timestamp> {
        any::<u64>().prop_map(Timestamp::from_unix_ms)
    }

    prop_compose! {
        fn record()(
            kind in (any::<u16>(), any::<u8>()),
            fidelity in fidelity(),
            state in prop_oneof![Just(RecordState::Live), Just(RecordState::Erased)],
            versions in (key_version(), key_version()),
            value_index in option::of((any::<[u8; 16]>(), key_version())),
            created in time(),
            expires in option::of(time()),
            wrapped in proptest::collection::vec(any::<u8>(), 0..=WRAPPED_BYTES_MAX),
            subject in proptest::collection::vec(any::<u8>(), 0..100),
            residue in proptest::collection::vec(any::<u8>(), 0..300),
            token in proptest::collection::vec(any::<u8>(), 0..=TOKEN_BYTES_MAX),
            successor in option::of(successor()),
        ) -> Record {
            let value_index = value_index
                .map(|(fingerprint, key_version)| ValueIndex { fingerprint, key_version });
            let (layout_version, outline_size) = kind;
            let (wrapping_version, token_version) = versions;
            Record {
                layout_version, fidelity, outline_size, state, wrapping_version, token_version,
                value_index, created, expires, wrapped, subject, residue, token, successor,
            }
        }
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(record in record()) {
            prop_assert_eq!(Record::decode(&record.encode().unwrap()).unwrap(), record);
        }

        #[test]
        fn what_decodes_is_what_would_be_encoded(
            record in record(), position in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut bytes = record.encode().unwrap();
            let position = position.index(bytes.len());
            bytes[position] = byte;
            if let Ok(decoded) = Record::decode(&bytes) {
                prop_assert_eq!(decoded.encode().unwrap(), bytes);
            }
        }

        #[test]
        fn shortened_or_lengthened_record_is_corrupt(
            record in record(), cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = record.encode().unwrap();
            prop_assert!(Record::decode(&bytes[..cut.index(bytes.len())]).is_err());
            bytes.push(0);
            prop_assert!(Record::decode(&bytes).is_err());
        }
    }
}
