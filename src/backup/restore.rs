//! Makes a data directory from a backup.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;

use crate::audit::CheckpointKeys;
use crate::audit::Evidence;
use crate::audit::Head;
use crate::audit::HeadError;
use crate::audit::SignedCheckpoint;
use crate::audit::verify_store_against;
use crate::backup::BackupError;
use crate::backup::BackupId;
use crate::backup::Manifest;
use crate::backup::objects::Objects;
use crate::backup::objects::create_anew;
use crate::backup::objects::make_directory;
use crate::backup::objects::sync;
use crate::backup::objects::sync_parent;
use crate::backup::read;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

/// A backup that was restored.
#[derive(Debug)]
pub struct Restored {
    /// What it is made of.
    pub manifest: Manifest,
    /// What the head says.
    pub head: RestoredHead,
}

/// What the head outside the database says of the restored log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RestoredHead {
    /// It was signed for a log that is longer by so many entries: the vault stays closed.
    Behind {
        /// Entries that the restored log does not have.
        entries_count: u64,
    },
    /// It is one that the restored log extends, as far as its size says.
    Current,
    /// There was none: it is the backup's own now, and says nothing of what came later.
    Made,
}

/// Restores a backup into a data directory, which may be there without a database. Without a
/// number: the youngest backup. Everything is verified before the database takes its name: the
/// signature, every byte, and the whole log. A head that is there stays as it is.
///
/// # Errors
///
/// If anything is wrong; there is no database then.
pub fn restore(
    directory: &Path,
    id: Option<BackupId>,
    data_dir: &Path,
    head_dir: &Path,
    keys: &CheckpointKeys,
) -> Result<Restored, BackupError> {
    let (manifest, checkpoint) = read(directory, id, keys)?;
    let database = data_dir.join(DATABASE);
    if database.exists() {
        return Err(BackupError::Exists);
    }
    let is_new = !data_dir.exists();
    make_directory(data_dir)?;
    // What an earlier attempt left behind was never a database.
    let partial = data_dir.join(PARTIAL);
    if partial.exists() {
        // Nor was its head, if nothing is in it: any other is somebody's.
        Head::remove_blank(head_dir)?;
    }
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(BackupError::file(&partial)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let objects = Objects::of(directory);
    for file in &manifest.files {
        let path = partial.join(&file.name);
        make_directory(path.parent().unwrap_or(&partial))?;
        if !objects.take(file, &path)? {
            let (id, name) = (manifest.id, file.name.clone());
            return Err(BackupError::Object { id, name });
        }
    }
    let evidence = Evidence::of(keys).with_head(Some(&checkpoint));
    let store = RocksStore::open_read_only(&partial, &RocksOptions::default())?;
    verify_store_against(&store, None, &evidence)?;
    drop(store);
    sync(&partial.join(DATABASE))?;
    let head = settle_head(data_dir, head_dir, &checkpoint, keys)?;
    write_keys(data_dir, &manifest)?;
    // If we crash before this line, there is no database; after it, there is a whole one.
    fs::rename(partial.join(DATABASE), &database).map_err(BackupError::file(&database))?;
    fs::remove_dir(&partial).map_err(BackupError::file(&partial))?;
    sync(data_dir)?;
    if is_new {
        sync_parent(data_dir)?;
    }
    Ok(Restored { manifest, head })
}

/// Makes the head where there is none. One that is there is the only thing that knows of entries
/// after the backup: it is never written here.
fn settle_head(
    data_dir: &Path,
    head_dir: &Path,
    checkpoint: &SignedCheckpoint,
    keys: &CheckpointKeys,
) -> Result<RestoredHead, BackupError> {
    match Head::read(head_dir, keys) {
        Ok(head) if head.size() > checkpoint.size() => Ok(RestoredHead::Behind {
            entries_count: head.size() - checkpoint.size(),
        }),
        Ok(_) => Ok(RestoredHead::Current),
        // A head of another vault, or one that is damaged, is not made anew: `create` refuses.
        Err(HeadError::Missing) => {
            make_directory(data_dir)?;
            Head::create(head_dir, checkpoint)?;
            Ok(RestoredHead::Made)
        }
        Err(error) => Err(error.into()),
    }
}

/// Puts the public keys where a vault has them, if there are none.
fn write_keys(data_dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let path = data_dir.join(KEYS);
    if path.exists() {
        return Ok(());
    }
    let text = format!("{}\n", manifest.audit_keys.join("\n"));
    let mut file = create_anew(&path)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(BackupError::file(&path))
}

/// The database in a data directory.
const DATABASE: &str = "rocksdb";
/// The public keys of the log in a data directory.
const KEYS: &str = "audit.vkey";
const PARTIAL: &str = "restore.partial";
