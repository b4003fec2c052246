//! The form of a stored key.
//!
//! ```text
//! stored key  = format version 1 (1 byte), purpose (1), namespace length (1), namespace,
//!               key version (4), state (1), created (8), changes count (1), changes, wrapped
//! change      = state (1), time (8)
//! ```
//!
//! Numbers are big-endian, times milliseconds since 1970-01-01T00:00:00Z.

use super::CHANGES_COUNT_MAX;
use super::KeyMetadata;
use super::StoredKey;
use super::check_place;
use crate::crypto::RootKey;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Timestamp;
use crate::keys::KeyError;

impl StoredKey {
    /// Writes the key as it is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let metadata = &self.metadata;
        let namespace = metadata.namespace.as_ref().map_or("", Namespace::as_str);
        let mut bytes = vec![FORMAT_VERSION, metadata.purpose.number()];
        bytes.push(count(namespace.len()));
        bytes.extend_from_slice(namespace.as_bytes());
        bytes.extend_from_slice(&metadata.version.number().to_be_bytes());
        bytes.push(metadata.state.number());
        bytes.extend_from_slice(&metadata.created.unix_ms().to_be_bytes());
        bytes.push(count(metadata.changes.len()));
        for (state, time) in &metadata.changes {
            bytes.push(state.number());
            bytes.extend_from_slice(&time.unix_ms().to_be_bytes());
        }
        bytes.extend_from_slice(&self.wrapped);
        bytes
    }

    /// Reads a stored key.
    ///
    /// # Errors
    ///
    /// If it is not exactly what [`StoredKey::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader(bytes);
        if reader.number("format version")? != [FORMAT_VERSION] {
            return Err(KeyError::Corrupt {
                part: "format version",
            });
        }
        let purpose = purpose(reader.number("purpose")?)?;
        let [length] = reader.number("namespace")?;
        let namespace = namespace(reader.bytes(length.into(), "namespace")?)?;
        let version = KeyVersion::new(u32::from_be_bytes(reader.number("version")?))
            .ok_or(KeyError::Corrupt { part: "version" })?;
        let state = state(reader.number("state")?)?;
        let created = reader.time("time of creation")?;
        let [changes_count] = reader.number("changes")?;
        if usize::from(changes_count) > CHANGES_COUNT_MAX {
            return Err(KeyError::Corrupt { part: "changes" });
        }
        let changes = (0..changes_count)
            .map(|_| {
                Ok((
                    self::state(reader.number("changes")?)?,
                    reader.time("changes")?,
                ))
            })
            .collect::<Result<Vec<_>, KeyError>>()?;
        let metadata = KeyMetadata {
            purpose,
            namespace,
            version,
            state,
            created,
            changes,
        };
        check_place(&metadata)?;
        let last = metadata
            .changes
            .last()
            .map_or(KeyState::PreActivation, |(state, _)| *state);
        if last != state {
            return Err(KeyError::Corrupt { part: "state" });
        }
        let wrapped = reader.0.to_vec();
        let expected = if state == KeyState::Destroyed {
            0
        } else {
            RootKey::WRAPPED_BYTES
        };
        if wrapped.len() != expected {
            return Err(KeyError::Corrupt {
                part: "wrapped key",
            });
        }
        Ok(Self { metadata, wrapped })
    }
}

/// Reads from the front; what is missing is an error that names the part.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize, part: &'static str) -> Result<&'a [u8], KeyError> {
        let (bytes, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(KeyError::Corrupt { part })?;
        self.0 = rest;
        Ok(bytes)
    }

    fn number<const COUNT: usize>(&mut self, part: &'static str) -> Result<[u8; COUNT], KeyError> {
        let (number, rest) = self
            .0
            .split_first_chunk()
            .ok_or(KeyError::Corrupt { part })?;
        self.0 = rest;
        Ok(*number)
    }

    fn time(&mut self, part: &'static str) -> Result<Timestamp, KeyError> {
        Ok(Timestamp::from_unix_ms(u64::from_be_bytes(
            self.number(part)?,
        )))
    }
}

/// A count that is at most 64 by its type or its limit.
fn count(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

fn namespace(bytes: &[u8]) -> Result<Option<Namespace>, KeyError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = str::from_utf8(bytes)
        .ok()
        .and_then(|text| Namespace::new(text).ok());
    text.map(Some)
        .ok_or(KeyError::Corrupt { part: "namespace" })
}

fn purpose([code]: [u8; 1]) -> Result<KeyPurpose, KeyError> {
    KeyPurpose::ALL
        .into_iter()
        .find(|purpose| purpose.number() == code)
        .ok_or(KeyError::Corrupt { part: "purpose" })
}

fn state([code]: [u8; 1]) -> Result<KeyState, KeyError> {
    KeyState::from_number(code).ok_or(KeyError::Corrupt { part: "state" })
}

const FORMAT_VERSION: u8 = 1;
