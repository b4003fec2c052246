//! `counterfoil audit export --tiles`: the log as files for any web server.

use std::fs;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::audit::CheckpointKeys;
use crate::audit::PublishedCheckpoint;
use crate::audit::SignedCheckpoint;
use crate::audit::TileContent;
use crate::audit::TilePath;
use crate::audit::Tiles;
use crate::audit::VerifyError;
use crate::audit::erased_by;
use crate::audit::exposure::newest_checkpoint;
use crate::audit::prove_consistency;
use crate::cli::audit::replace_file;
use crate::cli::audit::verify_error;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::crypto::merkle::verify_consistency;
use crate::durable;
use crate::store::Store;

/// Writes what a directory does not have yet, as of the head or of the latest cosigned checkpoint,
/// and never a shorter log over a longer one. The checkpoint comes last: until it
/// is there, the directory is the log of before, and the next run writes the same files again.
///
/// # Errors
///
/// If the directory has another log, or files cannot be written.
pub(super) fn write(
    directory: &Path,
    store: &dyn Store,
    head: &SignedCheckpoint,
    keys: &CheckpointKeys,
    with_entries: bool,
    wanted: PublishedCheckpoint,
) -> Result<(), CliError> {
    newest_checkpoint(store, Some(head), keys).map_err(verify_error)?;
    fs::create_dir_all(directory).map_err(CliError::file(directory))?;
    let path = directory.join(TilePath::Checkpoint.to_string());
    let older = match fs::read_to_string(&path) {
        Ok(note) => Some(published(&path, &note, store, head, keys)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(CliError::file(&path)(error)),
    };
    let older_size = older.as_ref().map_or(0, SignedCheckpoint::size);
    let checkpoint = wanted.of(store, head, keys).map_err(verify_error)?;
    // What was published stays, until what the witness has seen is longer, or the same.
    let stays = |older: &SignedCheckpoint| {
        let is_cosigned = checkpoint != *head;
        older.size() > checkpoint.size() || (older.size() == checkpoint.size() && !is_cosigned)
    };
    let checkpoint = older.filter(stays).unwrap_or(checkpoint);
    let tiles = Tiles::of(store, &checkpoint);
    let mut files_count = 0;
    for path in tiles.since(older_size) {
        files_count += write_file(directory, &tiles, path)?;
    }
    // What was erased goes at once, though the entry that says so may be published later.
    remove_erased(directory, store, older_size..head.size())?;
    if with_entries {
        // All of them: the runs before may have been without.
        for path in tiles.since(0).filter_map(TilePath::entries) {
            if !has(directory, &tiles, path)? {
                files_count += write_file(directory, &tiles, path)?;
            }
        }
    }
    let folder = File::open(directory).map_err(CliError::file(directory))?;
    rustix::fs::syncfs(&folder).map_err(|error| CliError::file(directory)(error.into()))?;
    // If we crash before this, the files are there and nobody is told of them.
    replace_file(&path, checkpoint.note().as_bytes())?;
    let (size, added) = (checkpoint.size(), checkpoint.size() - older_size);
    let later = match head.size().saturating_sub(size) {
        0 => String::new(),
        count => format!("; {count} more are published once the witness has seen them"),
    };
    say(format_args!(
        "{files_count} files written: {size} entries, {added} of them new{later}"
    ));
    Ok(())
}

/// The checkpoint of the log that the directory has, which must be the beginning of this one.
fn published(
    path: &Path,
    note: &str,
    store: &dyn Store,
    head: &SignedCheckpoint,
    keys: &CheckpointKeys,
) -> Result<SignedCheckpoint, CliError> {
    let refused = |problem: &str| {
        CliError::Verification(format!("NOT verified: {}: {problem}", path.display()))
    };
    let older = keys.verify(note);
    let older = older.ok_or_else(|| refused("is no checkpoint that the given keys signed"))?;
    if older.size() > head.size() {
        return Err(refused(
            "is of a longer log: this one is older, or went back",
        ));
    }
    let proof = prove_consistency(store, older.size(), head).map_err(verify_error)?;
    let (first, second) = (older.size(), head.size());
    verify_consistency(first, &older.root(), second, &head.root(), &proof)
        .map_err(|_| refused("is of another log"))?;
    Ok(older)
}

/// Removes the entries that the log says were erased since, wherever an earlier run has put them: a
/// bundle with one, once the others are leaves. They are taken from the bundle itself, since the
/// log may have them no more.
fn remove_erased(
    directory: &Path,
    store: &dyn Store,
    new_entries: Range<u64>,
) -> Result<(), CliError> {
    let erased = erased_by(store, new_entries).map_err(verify_error)?;
    for &index in &erased {
        let bundle = index / ENTRIES_PER_BUNDLE;
        remove(&directory.join(TilePath::Leaf { index }.to_string()))?;
        for width in 1..=ENTRIES_PER_BUNDLE {
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            let path = TilePath::Entries {
                index: bundle,
                width,
            };
            let path = directory.join(path.to_string());
            match fs::read(&path) {
                Ok(bytes) => split(directory, bundle * ENTRIES_PER_BUNDLE, &bytes, &erased)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(CliError::file(&path)(error)),
            }
            // If we crash before this, the next run does the same again.
            remove(&path)?;
        }
    }
    Ok(())
}

/// Writes the entries of a bundle that were not erased as leaves.
fn split(directory: &Path, first: u64, bundle: &[u8], erased: &[u64]) -> Result<(), CliError> {
    let (mut index, mut rest) = (first, bundle);
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((leaf, after)) = after.split_at_checked(length) else {
            // Whoever cut it has it: what was erased must go all the same.
            break;
        };
        if !erased.contains(&index) {
            put(&directory.join(TilePath::Leaf { index }.to_string()), leaf)?;
        }
        (index, rest) = (index + 1, after);
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), CliError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CliError::file(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether the bundle is there, or the last of the leaves in its place that were not erased.
fn has(directory: &Path, tiles: &Tiles<'_>, bundle: TilePath) -> Result<bool, CliError> {
    let (first, width) = match bundle {
        TilePath::Entries { index, width } => (index * ENTRIES_PER_BUNDLE, u64::from(width)),
        TilePath::Checkpoint | TilePath::Leaf { .. } | TilePath::Tile { .. } => return Ok(false),
    };
    if directory.join(bundle.to_string()).is_file() {
        return Ok(true);
    }
    for index in (first..first + width).rev() {
        let leaf = TilePath::Leaf { index };
        if directory.join(leaf.to_string()).is_file() {
            return Ok(true);
        }
        match tiles.read(leaf).map_err(CliError::failed)? {
            TileContent::Erased { .. } => {}
            TileContent::Archived { .. }
            | TileContent::Bytes(_)
            | TileContent::EntryTooLong { .. }
            | TileContent::Missing => {
                return Ok(false);
            }
        }
    }
    // Nothing is left of it.
    Ok(true)
}

/// Writes a tile or a bundle, and the leaves of a bundle that cannot be. Returns how many files.
fn write_file(directory: &Path, tiles: &Tiles<'_>, path: TilePath) -> Result<u64, CliError> {
    match tiles.read(path).map_err(CliError::failed)? {
        TileContent::Bytes(bytes) => {
            put(&directory.join(path.to_string()), &bytes)?;
            if path.is_full() {
                remove_partial(directory, path)?;
            }
            Ok(1)
        }
        TileContent::EntryTooLong { .. } | TileContent::Erased { .. } => {
            let TilePath::Entries { index, width } = path else {
                return Ok(0);
            };
            let first = index * ENTRIES_PER_BUNDLE;
            for index in first..first + u64::from(width) {
                let path = TilePath::Leaf { index };
                if let TileContent::Bytes(bytes) = tiles.read(path).map_err(CliError::failed)? {
                    put(&directory.join(path.to_string()), &bytes)?;
                }
            }
            Ok(u64::from(width))
        }
        TileContent::Archived { size } => match path {
            // Whoever has no copy of them yet finds them in the archive.
            TilePath::Entries { .. } => Ok(0),
            TilePath::Checkpoint | TilePath::Leaf { .. } | TilePath::Tile { .. } => {
                Err(verify_error(VerifyError::Archived { size }))
            }
        },
        TileContent::Missing => Err(CliError::failed("the log does not have its tiles")),
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(CliError::file(folder))?;
    // A file that is there is whole; all of them are synced before the checkpoint is.
    durable::replace_unsynced(path, bytes).map_err(CliError::file(path))
}

/// Partial tiles may go once the full one is there.
fn remove_partial(directory: &Path, path: TilePath) -> Result<(), CliError> {
    let partial = directory.join(format!("{path}.p"));
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(CliError::file(&partial)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// How many entries a bundle has that is full.
const ENTRIES_PER_BUNDLE: u64 = 256;
