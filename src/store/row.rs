//! The rows beside the records: values, requests, entries, hashes.

use crate::domain::KeyVersion;
use crate::domain::Timestamp;
use crate::store::RecordId;
use crate::store::StoreError;
use crate::store::reader::Reader;
use crate::store::reader::put_bytes;

/// The most bytes that the outcome of a call may have.
pub const OUTCOME_BYTES_MAX: usize = 60 * 1024;
/// The most bytes that an audit entry may have: 1,000 items of some 200 bytes, and room.
pub const ENTRY_BYTES_MAX: usize = 512 * 1024;
/// How many bytes the salt of an audit entry has.
pub const SALT_BYTES: usize = 16;

/// A salt: random bytes before an entry in its leaf, so that the leaf's hash tells nothing.
pub type Salt = [u8; SALT_BYTES];
/// A SHA-256 hash of the Merkle tree.
pub type Hash = [u8; 32];

/// What the value index says of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ValueRow {
    /// The record of the value.
    pub record: RecordId,
    /// The version of the value fingerprint key that the row was found by.
    pub key_version: KeyVersion,
}

/// What is kept of a call, so that a retry with the same request id is safe.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RequestRow {
    /// A keyed digest of the call, so that another call with the same id is refused.
    pub digest: [u8; 16],
    /// When the call was made.
    pub created: Timestamp,
    /// From when on the row counts as absent.
    pub expires: Timestamp,
    /// What to answer a retry with; opaque to the store.
    pub outcome: Vec<u8>,
}

/// An entry of the audit log as it is stored: its leaf is the salt, then the entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredEntry {
    /// The place in the log, from 0.
    pub index: u64,
    /// Random bytes before the entry in its leaf.
    pub salt: Salt,
    /// The encoded entry.
    pub entry: Vec<u8>,
}

/// What there is at an index of the audit log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoredLeaf {
    /// An entry.
    Kept(StoredEntry),
    /// The hash of an entry's leaf: its content was erased, and its salt.
    Erased {
        /// The place in the log, from 0.
        index: u64,
        /// The hash of the leaf, from the tree.
        hash: Hash,
    },
}

/// A hash of the Merkle tree as it is stored: of a complete subtree, never changed again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoredHash {
    /// The level, from 0 for leaves: a multiple of 8, as in the tiles of C2SP tlog-tiles.
    pub level: u8,
    /// The place in the level, from 0.
    pub index: u64,
    /// The hash.
    pub hash: Hash,
}

impl ValueRow {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut row = self.record.0.to_vec();
        row.extend_from_slice(&self.key_version.number().to_be_bytes());
        row
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes, "values");
        let row = Self {
            record: RecordId(reader.array()?),
            key_version: reader.key_version()?,
        };
        reader.end()?;
        Ok(row)
    }
}

impl RequestRow {
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let mut row = Vec::with_capacity(64 + self.outcome.len());
        row.push(REQUEST_VERSION);
        row.extend_from_slice(&self.digest);
        row.extend_from_slice(&self.created.unix_ms().to_be_bytes());
        row.extend_from_slice(&self.expires.unix_ms().to_be_bytes());
        put_bytes(
            &mut row,
            &self.outcome,
            OUTCOME_BYTES_MAX,
            "outcome of a call",
        )?;
        Ok(row)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes, "requests");
        if reader.byte()? != REQUEST_VERSION {
            return Err(reader.corrupt());
        }
        let row = Self {
            digest: reader.array()?,
            created: reader.timestamp()?,
            expires: reader.timestamp()?,
            outcome: reader.bytes(OUTCOME_BYTES_MAX)?,
        };
        reader.end()?;
        Ok(row)
    }
}

impl StoredEntry {
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        if self.entry.len() > ENTRY_BYTES_MAX {
            return Err(StoreError::TooLarge {
                what: "audit entry",
                limit: ENTRY_BYTES_MAX,
            });
        }
        Ok([&self.salt, self.entry.as_slice()].concat())
    }

    /// Reads a row; nothing for one whose entry was erased.
    pub(super) fn decode(index: u64, bytes: &[u8]) -> Result<Option<Self>, StoreError> {
        if bytes == ERASED_ROW {
            return Ok(None);
        }
        let (salt, entry) = bytes
            .split_first_chunk()
            .ok_or(StoreError::Corrupt { table: "audit" })?;
        Ok(Some(Self {
            index,
            salt: *salt,
            entry: entry.to_vec(),
        }))
    }
}

impl StoredLeaf {
    /// The place in the log, from 0.
    #[must_use]
    pub fn index(&self) -> u64 {
        match self {
            Self::Kept(stored) => stored.index,
            Self::Erased { index, .. } => *index,
        }
    }

    /// The entry; nothing if it was erased.
    #[must_use]
    pub fn entry(&self) -> Option<&StoredEntry> {
        match self {
            Self::Kept(stored) => Some(stored),
            Self::Erased { .. } => None,
        }
    }
}

/// The row of an entry that was erased: shorter than any salt, so that no entry has it.
pub(super) const ERASED_ROW: &[u8] = b"erased";

const REQUEST_VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_decode_to_what_was_encoded_and_nothing_longer() {
        let value = ValueRow {
            record: RecordId([7; 16]),
            key_version: KeyVersion::FIRST,
        };
        assert_eq!(ValueRow::decode(&value.encode()).unwrap(), value);
        assert!(ValueRow::decode(&[value.encode(), vec![0]].concat()).is_err());

        let request = RequestRow {
            digest: [1; 16],
            created: Timestamp::from_unix_ms(5),
            expires: Timestamp::from_unix_ms(9),
            outcome: vec![1, 2, 3],
        };
        let bytes = request.encode().unwrap();
        assert_eq!(RequestRow::decode(&bytes).unwrap(), request);
        assert!(RequestRow::decode(&bytes[..bytes.len() - 1]).is_err());

        let entry = StoredEntry {
            index: 3,
            salt: [9; 16],
            entry: vec![4; 40],
        };
        assert_eq!(
            StoredEntry::decode(3, &entry.encode().unwrap()).unwrap(),
            Some(entry)
        );
        assert_eq!(StoredEntry::decode(3, ERASED_ROW).unwrap(), None);
        assert!(ERASED_ROW.len() < SALT_BYTES);
        assert!(StoredEntry::decode(3, &[0; 15]).is_err());
    }

    #[test]
    fn oversized_entry_is_refused() {
        let entry = StoredEntry {
            index: 0,
            salt: [0; 16],
            entry: vec![0; ENTRY_BYTES_MAX + 1],
        };
        assert!(matches!(entry.encode(), Err(StoreError::TooLarge { .. })));
    }
}
