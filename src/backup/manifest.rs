//! What a backup is made of, signed.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::backup::BackupError;

/// The number of a backup in its directory, from 1.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct BackupId(pub u32);

/// What a backup is made of.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `FORMAT`.
    pub format: String,
    /// The number of the backup.
    pub id: BackupId,
    /// When it was made, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// How many entries its audit log has.
    pub tree_size: u64,
    /// The signed checkpoint of that log: the head of the moment.
    pub checkpoint: String,
    /// The public keys of the log, each as a C2SP verifier key.
    pub audit_keys: Vec<String>,
    /// SHA-256 of the officers' charter that was in force, in hexadecimal; nothing for a vault
    /// without officers, and in a list from before lists said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charter: Option<String>,
    /// The files of the tables.
    pub files: Vec<ManifestFile>,
}

/// A file of the tables.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Its name: a relative path of two parts.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 of what it has, in hexadecimal: the name of its object.
    pub sha256: String,
}

/// The numbers of the backups in a directory, the oldest first.
///
/// # Errors
///
/// If the directory cannot be read.
pub fn list(directory: &Path) -> Result<Vec<BackupId>, BackupError> {
    let manifests = directory.join(MANIFESTS);
    let entries = match fs::read_dir(&manifests) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(BackupError::file(&manifests))?,
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry.map_err(BackupError::file(&manifests))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
        ids.extend(number.and_then(|number| number.parse().ok()).map(BackupId));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Reads a backup's list and its checkpoint, if one of the keys signed both. Without a number:
/// the youngest backup's.
///
/// # Errors
///
/// If there is none, or it is not signed.
pub fn read(
    directory: &Path,
    id: Option<BackupId>,
    keys: &CheckpointKeys,
) -> Result<(Manifest, SignedCheckpoint), BackupError> {
    let there = list(directory)?;
    let id = match id {
        Some(id) => there.contains(&id).then_some(id),
        None => there.last().copied(),
    };
    let id = id.ok_or(BackupError::Missing)?;
    let (text, signature) = (manifest_file(directory, id), signature_file(directory, id));
    let text = fs::read_to_string(&text).map_err(BackupError::file(&text))?;
    let signature = fs::read_to_string(&signature).map_err(BackupError::file(&signature))?;
    // Nothing of what is not signed is looked at.
    let digest = Sha256::digest(text.as_bytes()).into();
    if !keys.verify_backup(&signature, &digest) {
        return Err(BackupError::Signature(id));
    }
    let manifest: Manifest = serde_json::from_str(&text).map_err(|_| BackupError::Manifest(id))?;
    let checkpoint = keys.verify(&manifest.checkpoint);
    let checkpoint = checkpoint.ok_or(BackupError::Signature(id))?;
    let is_sound = manifest.format == FORMAT
        && manifest.id == id
        && manifest.tree_size == checkpoint.size()
        && manifest.files.iter().all(ManifestFile::is_sound);
    if !is_sound {
        return Err(BackupError::Manifest(id));
    }
    Ok((manifest, checkpoint))
}

/// Reads what a backup says of itself, whoever wrote it.
///
/// # Errors
///
/// If it cannot be read.
pub fn read_unsigned(directory: &Path, id: BackupId) -> Result<Manifest, BackupError> {
    let path = manifest_file(directory, id);
    let text = fs::read_to_string(&path).map_err(BackupError::file(&path))?;
    serde_json::from_str(&text).map_err(|_| BackupError::Manifest(id))
}

/// The youngest backup of a directory that has more of the log than this, and says that the vault
/// has officers. Whoever wrote it: that it is there is reason to ask them.
///
/// # Errors
///
/// If a list cannot be read.
pub fn later_with_officers(
    directory: &Path,
    tree_size: u64,
) -> Result<Option<BackupId>, BackupError> {
    for id in list(directory)?.into_iter().rev() {
        let manifest = read_unsigned(directory, id)?;
        if manifest.tree_size > tree_size && manifest.charter.is_some() {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

impl Manifest {
    /// How many bytes the files have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(super) fn text(&self) -> String {
        // Numbers and texts always serialize.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl ManifestFile {
    /// A name that a signed list has may still be one that this program must not write to.
    fn is_sound(&self) -> bool {
        let is_part = |part: &str| {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            part.bytes().all(plain) && part.bytes().any(|byte| byte.is_ascii_alphanumeric())
        };
        let parts: Vec<&str> = self.name.split('/').collect();
        let is_hash = self.sha256.len() == 64
            && self
                .sha256
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        parts.len() == 2 && parts.iter().all(|part| is_part(part)) && is_hash
    }
}

pub(super) fn manifest_file(directory: &Path, id: BackupId) -> PathBuf {
    directory.join(MANIFESTS).join(format!("{id}.json"))
}

pub(super) fn signature_file(directory: &Path, id: BackupId) -> PathBuf {
    directory.join(MANIFESTS).join(format!("{id}.sig"))
}

impl fmt::Display for BackupId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08}", self.0)
    }
}

/// What lists say they are.
pub(super) const FORMAT: &str = "counterfoil-backup-v1";
/// Where the lists are.
pub(super) const MANIFESTS: &str = "backups";
