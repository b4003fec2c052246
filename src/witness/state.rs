//! What a witness remembers: the latest checkpoint of each log, in a file of its own.
//!
//! A file is replaced as a whole: written beside, synced, renamed, and the directory synced. If we
//! crash before the rename, the checkpoint before it is there, and no cosignature of the new one
//! was made; after it, the new one is there, and the log, which got no answer, asks again. With it
//! is the time of the latest cosignature: a clock that was set back over a restart takes none back.

use std::fmt;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::FlockOperation;
use rustix::fs::flock;
use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use crate::crypto::merkle::Hash;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::NOTE_BYTES_MAX;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::SignedNote;
use crate::durable;

/// Why what a witness remembers cannot be read or written.
#[derive(Debug, Error)]
pub enum StateError {
    /// A file is not what was written into it.
    #[error(
        "{} is damaged: what was seen of this log is not known\n\
         remedy: do not remove it; ask the log's operator for its latest cosigned checkpoint, and \
         set size and root by `counterfoil witness accept`",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file or the directory cannot be used.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file or the directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has the directory.
    #[error(
        "{} is in use by another witness\n\
         remedy: one process at a time; stop the other one",
        path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
    },
}

/// The latest checkpoint that a witness has seen of a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Latest {
    checkpoint: Checkpoint,
    /// The log's own signature of it: what proves that the log said so. None where the witness's
    /// operator said so instead.
    note: Option<SignedNote>,
    /// When the latest cosignature of the log was made, in seconds since 1970-01-01T00:00:00Z. 0
    /// where nothing says so: in a file of an older version.
    cosigned_unix_seconds: u64,
}

/// Where a witness keeps what it must not forget.
pub trait KeepState: Send + Sync + 'static {
    /// Writes the latest checkpoint of a log; it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// If it may not be. What is on the disk is then not known.
    fn write(&self, latest: &Latest) -> io::Result<()>;
}

/// A directory with a file for each log, which one process has at a time.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Latest {
    /// The checkpoint of a note that the log has signed, and when it is cosigned.
    #[must_use]
    pub fn signed(checkpoint: Checkpoint, note: SignedNote, unix_seconds: u64) -> Self {
        Self {
            checkpoint,
            note: Some(note),
            cosigned_unix_seconds: unix_seconds,
        }
    }

    /// A checkpoint that the witness's operator names, of a log that was last cosigned then.
    #[must_use]
    pub fn accepted(checkpoint: Checkpoint, unix_seconds: u64) -> Self {
        Self {
            checkpoint,
            note: None,
            cosigned_unix_seconds: unix_seconds,
        }
    }

    /// When the latest cosignature of the log was made, in seconds since 1970-01-01T00:00:00Z; 0
    /// where that is not known.
    #[must_use]
    pub fn cosigned_unix_seconds(&self) -> u64 {
        self.cosigned_unix_seconds
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint as the log has signed it; nothing where the operator named it.
    #[must_use]
    pub fn note(&self) -> Option<&SignedNote> {
        self.note.as_ref()
    }

    fn read(text: &str) -> Option<Self> {
        let (version, text) = text.strip_prefix(HEADER)?.split_once(DIGEST)?;
        let (digest, body) = text.split_once('\n')?;
        let (hashed, unix_seconds, note) = match version {
            WITHOUT_TIME => (Sha256::digest(body), "0", body),
            WITH_TIME => {
                let (unix_seconds, note) = body.strip_prefix(TIME)?.split_once('\n')?;
                (digest_with_time(body), unix_seconds, note)
            }
            _ => return None,
        };
        if digest != hex::encode(hashed) {
            return None;
        }
        let unix_seconds = unix_seconds.parse().ok()?;
        if let Ok(checkpoint) = note.parse() {
            return Some(Self::accepted(checkpoint, unix_seconds));
        }
        let note: SignedNote = note.parse().ok()?;
        let checkpoint = Checkpoint::of_any_log(note.text()).ok()?;
        Some(Self::signed(checkpoint, note, unix_seconds))
    }
}

/// Writes what is in the file.
impl fmt::Display for Latest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = match &self.note {
            Some(note) => note.to_string(),
            None => self.checkpoint.to_string(),
        };
        let body = format!("{TIME}{}\n{body}", self.cosigned_unix_seconds);
        let digest = hex::encode(digest_with_time(&body));
        write!(formatter, "{HEADER}{WITH_TIME}{DIGEST}{digest}\n{body}")
    }
}

impl StateDirectory {
    /// Opens the directory, and keeps every other process out of it. It is made if it is not there.
    ///
    /// # Errors
    ///
    /// [`StateError::Locked`] if another process has it; else if it cannot be used.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::Io {
            path: path.to_owned(),
            source,
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK_NAME))
            .map_err(failed)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == rustix::io::Errno::WOULDBLOCK {
                return StateError::Locked {
                    path: path.to_owned(),
                };
            }
            failed(error.into())
        })?;
        let synced = durable::sync_names(path).and_then(|()| durable::sync_own_name(path));
        synced.map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Reads the latest checkpoint of a log; nothing if none was ever seen.
    ///
    /// # Errors
    ///
    /// [`StateError::Damaged`] if it is not what was written; else if it cannot be read.
    pub fn read(&self, origin: &NoteKeyName) -> Result<Option<Latest>, StateError> {
        read_latest(&self.path, origin)
    }

    /// Sets aside what is remembered of a log, as it is, before something else takes its place by
    /// its operator's word. Nothing where nothing is remembered.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written.
    pub fn set_aside(&self, origin: &NoteKeyName, unix_ms: u64) -> Result<(), StateError> {
        let path = file(&self.path, origin);
        let failed = |source| StateError::Io {
            path: path.clone(),
            source,
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(failed(source)),
        };
        let aside = path.with_extension(format!("until-{unix_ms}"));
        replace(&aside, &bytes).map_err(failed)
    }
}

impl StateDirectory {
    /// Remembers by which of its officers' statements a log went back from what was seen, so that
    /// none serves twice. Says whether it may: it was never used, or for the same before, by a
    /// command that was cut off.
    ///
    /// # Errors
    ///
    /// If it cannot be read or written.
    pub fn use_statement(
        &self,
        seen: &Checkpoint,
        statement_digest: &[u8; 32],
    ) -> Result<bool, StateError> {
        let name = format!("{}.accepted", hex::encode(statement_digest));
        let path = file(&self.path, &seen.origin).with_extension(name);
        let text = seen.to_string();
        match fs::read(&path) {
            Ok(before) => Ok(before == text.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let failed = |source| StateError::Io {
                    path: path.clone(),
                    source,
                };
                replace(&path, text.as_bytes()).map_err(failed)?;
                Ok(true)
            }
            Err(source) => Err(StateError::Io { path, source }),
        }
    }
}

impl KeepState for StateDirectory {
    fn write(&self, latest: &Latest) -> io::Result<()> {
        let path = file(&self.path, &latest.checkpoint.origin);
        replace(&path, latest.to_string().as_bytes())
    }
}

/// Reads the latest checkpoint of a log from a directory, which a witness may have: a file is
/// replaced as a whole. Nothing if none was ever seen.
///
/// # Errors
///
/// [`StateError::Damaged`] if it is not what was written; else if it cannot be read.
pub fn read_latest(directory: &Path, origin: &NoteKeyName) -> Result<Option<Latest>, StateError> {
    let path = file(directory, origin);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Io { path, source }),
    };
    let text = String::from_utf8(bytes).ok();
    let text = text.filter(|text| text.len() <= FILE_BYTES_MAX);
    text.and_then(|text| Latest::read(&text))
        .filter(|latest| latest.checkpoint.origin == *origin)
        .map(Some)
        .ok_or(StateError::Damaged { path })
}

fn file(directory: &Path, origin: &NoteKeyName) -> PathBuf {
    // An origin may have slashes, and be longer than a name may.
    let name = hex::encode(Sha256::digest(origin.as_str()));
    directory.join(name).with_extension("state")
}

/// The checkpoint of a log that was never seen.
pub(super) fn unseen(origin: &NoteKeyName) -> Checkpoint {
    Checkpoint {
        origin: origin.clone(),
        tree_size: 0,
        root_hash: Hash::of_empty_tree(),
    }
}

/// The hash of a body that begins with a time. The version is hashed with it, so that no file of
/// the first version can be made of one of the second.
fn digest_with_time(body: &str) -> sha2::digest::Output<Sha256> {
    Sha256::digest(format!("{HEADER}{WITH_TIME}\n{body}"))
}

/// Puts a file in the place of another as a whole. It is on the disk when this returns.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // If we crash before this line, the file is as it was.
    fs::rename(&beside, path)?;
    // If we crash before this one, it may be either. Nobody was told of the new one.
    durable::sync_names(durable::directory_of(path))
}

const HEADER: &str = "counterfoil witness state ";
const DIGEST: &str = "\nsha256 ";
const TIME: &str = "cosigned ";
/// The first version did not say when.
const WITHOUT_TIME: &str = "1";
const WITH_TIME: &str = "2";
const LOCK_NAME: &str = "lock";
/// A note with its header.
const FILE_BYTES_MAX: usize = NOTE_BYTES_MAX + 256;
