//! Reading and writing the small files that a root key is kept in.

use std::fs::File;
use std::fs::Permissions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use super::RootKeyError;
use crate::durable;

/// Writes a file that must not be there yet, readable for its owner alone.
///
/// It is on disk when this returns. After a crash in between, it is missing.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), RootKeyError> {
    write(path, bytes, |file| {
        file.persist_noclobber(path).map_err(|error| error.error)
    })
    .map_err(|source| failed(path, source))
}

/// Writes a file in the place of one that is there: after a crash it is the one or the other.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), RootKeyError> {
    write(path, bytes, |file| {
        file.persist(path).map_err(|error| error.error)
    })
    .map_err(|source| failed(path, source))
}

/// Reads a text, and no more of it than such a file has.
pub(super) fn read(path: &Path) -> Result<String, RootKeyError> {
    let damaged = |part| RootKeyError::Damaged {
        part,
        path: path.to_owned(),
    };
    let bytes = read_bytes(path).map_err(|source| failed(path, source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(damaged("it is too long"));
    }
    String::from_utf8(bytes).map_err(|_| damaged("it is not text"))
}

fn write(
    path: &Path,
    bytes: &[u8],
    persist: impl FnOnce(NamedTempFile) -> io::Result<File>,
) -> io::Result<()> {
    let directory = durable::directory_of(path);
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // If we crash before this line, what was there is there; after it, there is a whole file.
    persist(file)?;
    // The file's name is in its directory, which has to be on disk too.
    durable::sync_names(directory)
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn failed(path: &Path, source: io::Error) -> RootKeyError {
    let (path, kind) = (path.to_owned(), source.kind());
    if kind == io::ErrorKind::AlreadyExists {
        RootKeyError::Exists { path }
    } else if kind == io::ErrorKind::NotFound {
        RootKeyError::Missing { path }
    } else {
        RootKeyError::Io { path, source }
    }
}

const FILE_MODE: u32 = 0o600;
const FILE_BYTES_MAX: u64 = 4_096;
