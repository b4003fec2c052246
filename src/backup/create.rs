//! Makes a backup from a snapshot of the store.

use std::collections::BTreeSet;
use std::fs;
use std::fs::TryLockError;
use std::io::Write;
use std::path::Path;

use sha2::Digest;
use sha2::Sha256;

use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::audit::verify_store;
use crate::backup::BackupError;
use crate::backup::BackupId;
use crate::backup::Manifest;
use crate::backup::list;
use crate::backup::manifest::FORMAT;
use crate::backup::manifest::MANIFESTS;
use crate::backup::manifest::manifest_file;
use crate::backup::manifest::read_unsigned;
use crate::backup::manifest::signature_file;
use crate::backup::objects::Objects;
use crate::backup::objects::create_anew;
use crate::backup::objects::make_directory;
use crate::backup::objects::sync;
use crate::backup::objects::sync_parent;
use crate::domain::Timestamp;
use crate::store::Snapshot;
use crate::store::StoreError;

/// A backup that was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Created {
    /// What it is made of.
    pub manifest: Manifest,
    /// Bytes of files that no earlier backup had.
    pub new_bytes: u64,
}

/// How far a backup is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Bytes that were read.
    pub done_bytes: u64,
    /// Bytes to be read.
    pub total_bytes: u64,
}

/// Whose log it is.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    /// Who is believed to have signed it.
    pub keys: &'a CheckpointKeys,
    /// Who signs the list.
    pub signer: &'a CheckpointSigner,
    /// SHA-256 of the officers' charter, if the vault has officers.
    pub charter: Option<[u8; 32]>,
}

/// Makes a backup of a snapshot. Its log is verified first: what is not whole is no backup. Then
/// the oldest backups are removed, so that `keep` are left. Reads every file, and writes those
/// that no earlier backup has.
///
/// # Errors
///
/// If the log is not whole, or a file cannot be written; there is no backup then.
pub fn create(
    snapshot: &Snapshot,
    directory: &Path,
    log: &Log<'_>,
    now: Timestamp,
    keep: usize,
    told: &mut dyn FnMut(Progress),
) -> Result<Created, BackupError> {
    prepare(directory)?;
    let lock = create_anew(&directory.join(LOCK))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => BackupError::Taken,
        TryLockError::Error(source) => BackupError::file(&directory.join(LOCK))(source),
    })?;
    let report = verify_store(snapshot.store(), None, log.keys)?;
    let checkpoint = snapshot.store().checkpoint()?;
    let checkpoint = checkpoint.ok_or(StoreError::Corrupt {
        table: "checkpoints",
    })?;

    let objects = Objects::of(directory);
    let mut progress = Progress::default();
    for path in snapshot.files().values() {
        let file = fs::metadata(path).map_err(BackupError::file(path))?;
        progress.total_bytes += file.len();
    }
    let (mut files, mut new_bytes) = (Vec::new(), 0);
    for (name, path) in snapshot.files() {
        let mut read = |bytes| {
            progress.done_bytes += bytes;
            told(progress);
        };
        let (file, is_new) = objects.add(path, name.clone(), &mut read)?;
        new_bytes += if is_new { file.bytes } else { 0 };
        files.push(file);
    }
    objects.sync(directory)?;
    let last = list(directory)?.last().map_or(0, |id| id.0);
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        id: BackupId(last.saturating_add(1)),
        created_unix_ms: now.unix_ms(),
        tree_size: report.tree_size,
        checkpoint,
        audit_keys: log.keys.lines(),
        charter: log.charter.map(hex::encode),
        files,
    };
    write_manifest(directory, &manifest, log.signer)?;
    remove_old(directory, &objects, keep)?;
    Ok(Created {
        manifest,
        new_bytes,
    })
}

/// Makes the directory, or sees that it has backups and nothing else is written over.
fn prepare(directory: &Path) -> Result<(), BackupError> {
    let is_new = !directory.exists();
    make_directory(directory)?;
    let mut entries = fs::read_dir(directory).map_err(BackupError::file(directory))?;
    let manifests = directory.join(MANIFESTS);
    if entries.next().is_some() && !manifests.is_dir() {
        return Err(BackupError::Directory);
    }
    make_directory(&manifests)?;
    if is_new {
        sync_parent(directory)?;
    }
    sync(directory)
}

/// Writes the list, last: if we crash before its own name is there, there is no such backup, and
/// the next one takes its number.
fn write_manifest(
    directory: &Path,
    manifest: &Manifest,
    signer: &CheckpointSigner,
) -> Result<(), BackupError> {
    let text = manifest.text();
    let digest = Sha256::digest(text.as_bytes()).into();
    let signature = signer.sign_backup(&digest);
    let signature = signature.ok_or(BackupError::Signature(manifest.id))?;
    let own = signature_file(directory, manifest.id);
    for (path, text) in [
        (own, signature),
        (manifest_file(directory, manifest.id), text),
    ] {
        let partial = path.with_extension("partial");
        let mut file = create_anew(&partial)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(BackupError::file(&partial))?;
        fs::rename(&partial, &path).map_err(BackupError::file(&path))?;
    }
    sync(&directory.join(MANIFESTS))
}

/// Removes the oldest backups, their lists first, and then the objects that only they had.
fn remove_old(directory: &Path, objects: &Objects, keep: usize) -> Result<(), BackupError> {
    let ids = list(directory)?;
    let (old, kept) = ids.split_at(ids.len().saturating_sub(keep.max(1)));
    for id in old {
        for path in [
            manifest_file(directory, *id),
            signature_file(directory, *id),
        ] {
            fs::remove_file(&path).map_err(BackupError::file(&path))?;
        }
    }
    // An object goes only when every list that stays can be read and does not name it.
    let mut wanted = BTreeSet::new();
    for id in kept {
        let manifest = read_unsigned(directory, *id)?;
        wanted.extend(manifest.files.into_iter().map(|file| file.sha256));
    }
    sync(&directory.join(MANIFESTS))?;
    objects.keep_only(&wanted)
}

const LOCK: &str = "lock";
