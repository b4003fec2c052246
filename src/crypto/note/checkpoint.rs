//! The text of a checkpoint: which log, how many leaves, which root.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::AuditSigningKey;
use super::NoteError;
use super::NoteKeyName;
use super::NoteVerifier;
use super::SignedNote;
use crate::crypto::merkle::Hash;

/// The state of the log at one size.
///
/// The log's key has the origin as its name. Extension lines, which no monitor can audit, are
/// neither written nor accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// Which log it is.
    pub origin: NoteKeyName,
    /// The number of leaves.
    pub tree_size: u64,
    /// The root hash of the tree of that size.
    pub root_hash: Hash,
}

impl Checkpoint {
    /// Signs the checkpoint in the name of its origin.
    ///
    /// # Errors
    ///
    /// None that can happen: the text of a checkpoint is the text of a note.
    pub fn sign(&self, key: &AuditSigningKey) -> Result<SignedNote, NoteError> {
        key.sign(self.origin.clone(), &self.to_string())
    }

    /// Reads a checkpoint from a note that the log's key has signed.
    ///
    /// # Errors
    ///
    /// If the note is not signed by the key, is not a checkpoint, or is that of another log.
    pub fn verify(note: &SignedNote, verifier: &NoteVerifier) -> Result<Self, NoteError> {
        let checkpoint: Self = verifier.verify(note)?.parse()?;
        if checkpoint.origin == *verifier.name() {
            Ok(checkpoint)
        } else {
            Err(NoteError::Checkpoint)
        }
    }

    /// Reads the checkpoint of any log, as a witness does: after the three lines there may be
    /// extension lines, about which nothing is said.
    ///
    /// # Errors
    ///
    /// If the text does not begin with a checkpoint, or has an empty line.
    pub fn of_any_log(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let (own, extensions) = lines.split_at_checked(3).ok_or(NoteError::Checkpoint)?;
        let is_extension = |line: &&str| line.len() > 1 && line.ends_with('\n');
        if !extensions.iter().all(is_extension) {
            return Err(NoteError::Checkpoint);
        }
        own.concat().parse()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.origin.as_str())?;
        writeln!(formatter, "{}", self.tree_size)?;
        writeln!(formatter, "{}", STANDARD.encode(self.root_hash.as_bytes()))
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(tree_size), Some(root_hash), Some(""), None) = (
            lines.next(),
            lines.next(),
            lines.next(),
            lines.next(),
            lines.next(),
        ) else {
            return Err(NoteError::Checkpoint);
        };
        let root_hash = STANDARD
            .decode(root_hash)
            .map_err(|_| NoteError::Checkpoint)?;
        let root_hash = root_hash.try_into().map_err(|_| NoteError::Checkpoint)?;
        let checkpoint = Self {
            origin: NoteKeyName::new(origin)?,
            tree_size: tree_size.parse().map_err(|_| NoteError::Checkpoint)?,
            root_hash: Hash::from_bytes(root_hash),
        };
        // Refuses a plus sign and zeros before the size, and whatever else has two spellings.
        if checkpoint.to_string() == text {
            Ok(checkpoint)
        } else {
            Err(NoteError::Checkpoint)
        }
    }
}
