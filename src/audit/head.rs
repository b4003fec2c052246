//! The head: the latest signed checkpoint, kept outside the database.
//!
//! A database can lose its last writes without an error, or be an old copy of itself, and both
//! open cleanly. The head tells: a start refuses a log that is behind it.
//!
//! Two files of a fixed size are written in turn. If we crash in the middle of a write, that slot
//! does not verify, and the other has the checkpoint before; the signature says what is whole.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::handover::claimed_size;
use crate::durable;

/// Why the head cannot be read or written.
#[derive(Debug, Error)]
pub enum HeadError {
    /// There is already a head where one should be made.
    #[error("there is already a head\nremedy: choose an empty directory, or serve this one")]
    AlreadyExists,
    /// The files could not be read or written.
    #[error("head cannot be read or written")]
    Io(#[from] io::Error),
    /// Neither slot has a checkpoint that the keys signed.
    #[error(
        "there is no head that this vault signed under this origin\n\
         remedy: check audit.head_dir and audit.origin; if the head is lost, restore it; if the \
         database is from before a change of the log's signing key, see `counterfoil keys \
         statement accept-rollback --help`"
    )]
    Missing,
    /// The checkpoint does not fit into a slot.
    #[error("checkpoint is larger than a slot of the head")]
    TooLarge,
}

/// Where the sequencer puts each checkpoint before it answers.
pub trait WriteHead: Send {
    /// Writes the checkpoint; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// If it may not be.
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError>;
}

impl<H: WriteHead + ?Sized> WriteHead for Box<H> {
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        (**self).write(checkpoint)
    }
}

impl<H: WriteHead + ?Sized> WriteHead for &mut H {
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        (**self).write(checkpoint)
    }
}

/// The head in two files, `a` and `b`.
#[derive(Debug)]
pub struct Head {
    /// The slot that is written next, then the other.
    slots: [File; 2],
}

impl Head {
    /// Makes the head of a new log, with the checkpoint of its empty tree.
    ///
    /// # Errors
    ///
    /// [`HeadError::AlreadyExists`] if there is one; else if it cannot be written.
    pub fn create(directory: &Path, checkpoint: &SignedCheckpoint) -> Result<Self, HeadError> {
        let is_new = !directory.exists();
        fs::create_dir_all(directory)?;
        let slot = |name: &str| {
            let path = directory.join(name);
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(path);
            file.map_err(|error| {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    return HeadError::AlreadyExists;
                }
                HeadError::Io(error)
            })
        };
        let mut head = Self {
            slots: [slot(SLOT_NAMES[0])?, slot(SLOT_NAMES[1])?],
        };
        // Their whole size now, so that no later write needs space that a full disk does not have.
        for file in &head.slots {
            file.write_all_at(&[0; SLOT_BYTES], 0)?;
            file.sync_all()?;
        }
        // If we crash before this write, there is no head, and the vault was never made.
        head.write(checkpoint)?;
        durable::sync_names(directory)?;
        if is_new {
            durable::sync_own_name(directory)?;
        }
        Ok(head)
    }

    /// Opens the head, and reads its latest checkpoint.
    ///
    /// # Errors
    ///
    /// [`HeadError::Missing`] if neither slot has a checkpoint that `keys` signed.
    pub fn open(
        directory: &Path,
        keys: &CheckpointKeys,
    ) -> Result<(Self, SignedCheckpoint), HeadError> {
        Self::open_with(directory, keys, OpenOptions::new().read(true).write(true))
    }

    /// Reads the latest checkpoint and nothing more, as verifying does.
    ///
    /// # Errors
    ///
    /// As [`Head::open`].
    pub fn read(directory: &Path, keys: &CheckpointKeys) -> Result<SignedCheckpoint, HeadError> {
        let (_, checkpoint) = Self::open_with(directory, keys, OpenOptions::new().read(true))?;
        Ok(checkpoint)
    }

    /// How long the log is that the head speaks of, whoever may have signed that: for where no key
    /// can be read yet. Nothing if it speaks of none.
    ///
    /// # Errors
    ///
    /// If a slot is there and cannot be read.
    pub fn claimed_size(directory: &Path) -> Result<Option<u64>, HeadError> {
        let mut claimed = None;
        for name in SLOT_NAMES {
            let bytes = match fs::read(directory.join(name)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let note = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            claimed = claimed.max(str::from_utf8(note).ok().and_then(claimed_size));
        }
        Ok(claimed)
    }

    /// Removes the head of a vault that was never finished: one that `keys` signed, which no vault
    /// has. Another's is left alone.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove_unfinished(directory: &Path, keys: &CheckpointKeys) -> Result<(), HeadError> {
        for name in SLOT_NAMES {
            let path = directory.join(name);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let note = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            let is_own = std::str::from_utf8(note).is_ok_and(|note| keys.verify(note).is_some());
            // A slot that nothing was written into yet is nobody's.
            if is_own || bytes.iter().all(|byte| *byte == 0) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Removes the files of a head that nothing was written into yet, which whoever was making it
    /// has left. One that has anything is left alone, whosever it is.
    ///
    /// # Errors
    ///
    /// If they cannot be read or removed.
    pub fn remove_blank(directory: &Path) -> Result<(), HeadError> {
        let mut blank = Vec::new();
        for name in SLOT_NAMES {
            let path = directory.join(name);
            match fs::read(&path) {
                Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => blank.push(path),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        for path in blank {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    fn open_with(
        directory: &Path,
        keys: &CheckpointKeys,
        access: &OpenOptions,
    ) -> Result<(Self, SignedCheckpoint), HeadError> {
        let [name_a, name_b] = SLOT_NAMES;
        let a = open_slot(directory, name_a, access)?;
        let b = open_slot(directory, name_b, access)?;
        let (read_a, read_b) = (read_slot(&a, keys)?, read_slot(&b, keys)?);
        let size = |read: &Option<SignedCheckpoint>| read.as_ref().map(SignedCheckpoint::size);
        // The slot with the latest checkpoint is the one to be written last.
        if size(&read_a) > size(&read_b) {
            Ok((Self { slots: [b, a] }, read_a.ok_or(HeadError::Missing)?))
        } else {
            Ok((Self { slots: [a, b] }, read_b.ok_or(HeadError::Missing)?))
        }
    }
}

impl WriteHead for Head {
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        let [file, _] = &self.slots;
        let mut slot = [0; SLOT_BYTES];
        let note = checkpoint.note().as_bytes();
        slot.get_mut(..note.len())
            .ok_or(HeadError::TooLarge)?
            .copy_from_slice(note);
        // If we crash in here, this slot may be torn; the other has the checkpoint before, which
        // the database extends.
        file.write_all_at(&slot, 0)?;
        file.sync_data()?;
        self.slots.swap(0, 1);
        Ok(())
    }
}

fn open_slot(directory: &Path, name: &str, access: &OpenOptions) -> Result<File, HeadError> {
    access.open(directory.join(name)).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return HeadError::Missing;
        }
        HeadError::Io(error)
    })
}

/// The checkpoint in a slot, if it is whole and signed.
fn read_slot(file: &File, keys: &CheckpointKeys) -> Result<Option<SignedCheckpoint>, HeadError> {
    let mut slot = vec![0; SLOT_BYTES];
    match file.read_exact_at(&mut slot, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let note = slot.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(std::str::from_utf8(note)
        .ok()
        .and_then(|note| keys.verify(note)))
}

const SLOT_NAMES: [&str; 2] = ["a", "b"];
/// A page: a checkpoint with one signature has some 200 bytes.
const SLOT_BYTES: usize = 4096;
