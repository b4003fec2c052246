//! The files of a vault that does not run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::testbed::Failure;

/// The files of a vault that did not run, as they were.
pub(super) struct Files {
    bytes: BTreeMap<PathBuf, Vec<u8>>,
    /// Further names of the same files, which keep what is written to them when theirs are gone.
    links: TempDir,
}

impl Files {
    pub(super) fn of(directory: &Path) -> Result<Self, Failure> {
        let (mut bytes, links) = (BTreeMap::new(), tempfile::tempdir_in(directory)?);
        for path in Self::paths(directory)? {
            fs::hard_link(&path, links.path().join(link(&path)))?;
            bytes.insert(path.clone(), fs::read(&path)?);
        }
        Ok(Self { bytes, links })
    }

    pub(super) fn put_back(self, directory: &Path) -> Result<(), Failure> {
        for path in Self::paths(directory)? {
            fs::remove_file(path)?;
        }
        for (path, bytes) in self.bytes {
            fs::write(path, bytes)?;
        }
        Ok(())
    }

    /// What a file had, if there was one.
    pub(super) fn bytes(&self, path: &Path) -> Option<&[u8]> {
        self.bytes.get(path).map(Vec::as_slice)
    }

    /// Gives a file that was removed its name again, with all that was written to it until then.
    pub(super) fn take_back(&self, path: &Path) -> Result<(), Failure> {
        if self.bytes.contains_key(path) {
            fs::copy(self.links.path().join(link(path)), path)?;
        }
        Ok(())
    }

    pub(super) fn lengths(&self) -> BTreeMap<PathBuf, u64> {
        let length = |(path, bytes): (&PathBuf, &Vec<u8>)| (path.clone(), bytes.len() as u64);
        self.bytes.iter().map(length).collect()
    }

    /// Whether a path is where a vault writes.
    pub(super) fn is_within(directory: &Path, path: &Path) -> bool {
        let mut parts = PARTS.iter().map(|part| directory.join(part));
        parts.any(|part| path.starts_with(part))
    }

    fn paths(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
        let mut paths = Vec::new();
        for part in PARTS {
            for file in fs::read_dir(directory.join(part))? {
                let path = file?.path();
                if path.is_file() {
                    paths.push(path);
                }
            }
        }
        Ok(paths)
    }
}

/// The further name of a file.
fn link(path: &Path) -> String {
    path.to_string_lossy().replace('/', "_")
}

/// Where a vault writes.
const PARTS: [&str; 2] = ["vault/rocksdb", "vault/head"];
