//! Whether a backup would restore.

use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::audit::CheckpointKeys;
use crate::audit::Evidence;
use crate::audit::Report;
use crate::audit::SignedCheckpoint;
use crate::audit::verify_store_against;
use crate::backup::BackupError;
use crate::backup::BackupId;
use crate::backup::Manifest;
use crate::backup::objects::Objects;
use crate::backup::objects::make_directory;
use crate::backup::read;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

/// A backup that was verified.
#[derive(Debug)]
pub struct Verified {
    /// What it is made of.
    pub manifest: Manifest,
    /// What its audit log has.
    pub report: Report,
}

/// A backup that is open to be read, where it is.
#[derive(Debug)]
pub struct OpenBackup {
    manifest: Manifest,
    checkpoint: SignedCheckpoint,
    store: RocksStore,
    /// Links to its files under the names that the engine wants.
    _names: TempDir,
}

impl OpenBackup {
    /// Opens a backup to be read. Before that, the signature of its list and every byte of its
    /// files are verified; its log is not. Without a number: the youngest. Nothing is copied.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn open(
        directory: &Path,
        id: Option<BackupId>,
        keys: &CheckpointKeys,
    ) -> Result<Self, BackupError> {
        let (manifest, checkpoint) = read(directory, id, keys)?;
        let objects = Objects::of(directory);
        for file in &manifest.files {
            if !objects.is_whole(file)? {
                let (id, name) = (manifest.id, file.name.clone());
                return Err(BackupError::Object { id, name });
            }
        }
        let names = tempfile::tempdir().map_err(BackupError::file(directory))?;
        let absolute = std::path::absolute(directory).map_err(BackupError::file(directory))?;
        let objects = Objects::of(&absolute);
        for file in &manifest.files {
            let path = names.path().join(&file.name);
            make_directory(path.parent().unwrap_or(names.path()))?;
            symlink(objects.path(file), &path).map_err(BackupError::file(&path))?;
        }
        let store = RocksStore::open_read_only(names.path(), &RocksOptions::default())?;
        Ok(Self {
            manifest,
            checkpoint,
            store,
            _names: names,
        })
    }

    /// The checkpoint of its moment.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Its tables.
    #[must_use]
    pub fn store(&self) -> &RocksStore {
        &self.store
    }
}

/// Verifies a backup with nothing but public keys: the signature of its list, every byte of its
/// files, and its whole audit log, entry by entry, up to the checkpoint of its moment. Without a
/// number: the youngest. Nothing is copied.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify(
    directory: &Path,
    id: Option<BackupId>,
    keys: &CheckpointKeys,
) -> Result<Verified, BackupError> {
    verify_against(directory, id, &Evidence::of(keys))
}

/// Verifies a backup likewise, and its log against all that is known of it.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_against(
    directory: &Path,
    id: Option<BackupId>,
    evidence: &Evidence<'_>,
) -> Result<Verified, BackupError> {
    let backup = OpenBackup::open(directory, id, evidence.keys)?;
    let evidence = evidence.with_head(Some(backup.checkpoint()));
    let report = verify_store_against(backup.store(), None, &evidence)?;
    let manifest = backup.manifest;
    Ok(Verified { manifest, report })
}
