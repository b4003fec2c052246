//! Reads stored bytes strictly: in order, all of them, and nothing beyond.

use crate::domain::KeyVersion;
use crate::domain::Timestamp;
use crate::store::StoreError;

/// What is left of a stored row.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    table: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], table: &'static str) -> Self {
        Self { rest: bytes, table }
    }

    /// The error of a row that cannot be.
    pub(super) fn corrupt(&self) -> StoreError {
        StoreError::Corrupt { table: self.table }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.corrupt())?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, StoreError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, StoreError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn timestamp(&mut self) -> Result<Timestamp, StoreError> {
        self.array()
            .map(|bytes| Timestamp::from_unix_ms(u64::from_be_bytes(bytes)))
    }

    pub(super) fn key_version(&mut self) -> Result<KeyVersion, StoreError> {
        let number = self.array().map(u32::from_be_bytes)?;
        KeyVersion::new(number).ok_or_else(|| self.corrupt())
    }

    /// Bytes after their length in two bytes, at most `bytes_max`.
    pub(super) fn bytes(&mut self, bytes_max: usize) -> Result<Vec<u8>, StoreError> {
        let length = usize::from(self.u16()?);
        if length > bytes_max {
            return Err(self.corrupt());
        }
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.corrupt())?;
        self.rest = rest;
        Ok(bytes.to_vec())
    }

    /// Ends the row.
    pub(super) fn end(self) -> Result<(), StoreError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.corrupt())
        }
    }
}

/// Appends bytes after their length in two bytes.
pub(super) fn put_bytes(
    row: &mut Vec<u8>,
    bytes: &[u8],
    bytes_max: usize,
    what: &'static str,
) -> Result<(), StoreError> {
    let too_large = StoreError::TooLarge {
        what,
        limit: bytes_max,
    };
    if bytes.len() > bytes_max {
        return Err(too_large);
    }
    let Ok(length) = u16::try_from(bytes.len()) else {
        return Err(too_large);
    };
    row.extend_from_slice(&length.to_be_bytes());
    row.extend_from_slice(bytes);
    Ok(())
}
