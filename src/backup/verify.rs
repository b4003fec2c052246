//! Whether a backup would restore.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::audit::CheckpointKeys;
use crate::audit::Evidence;
use crate::audit::Report;
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
    let (manifest, checkpoint) = read(directory, id, evidence.keys)?;
    let objects = Objects::of(directory);
    for file in &manifest.files {
        if !objects.is_whole(file)? {
            let (id, name) = (manifest.id, file.name.clone());
            return Err(BackupError::Object { id, name });
        }
    }
    // The engine wants its files under its own names.
    let names = tempfile::tempdir().map_err(BackupError::file(directory))?;
    let absolute = std::path::absolute(directory).map_err(BackupError::file(directory))?;
    let objects = Objects::of(&absolute);
    for file in &manifest.files {
        let path = names.path().join(&file.name);
        make_directory(path.parent().unwrap_or(names.path()))?;
        symlink(objects.path(file), &path).map_err(BackupError::file(&path))?;
    }
    let evidence = evidence.with_head(Some(&checkpoint));
    let report = verify_log(names.path(), &evidence)?;
    Ok(Verified { manifest, report })
}

/// Verifies the log of tables that are under their own names.
pub(super) fn verify_log(data_dir: &Path, evidence: &Evidence<'_>) -> Result<Report, BackupError> {
    let store = RocksStore::open_read_only(data_dir, &RocksOptions::default())?;
    Ok(verify_store_against(&store, None, evidence)?)
}
