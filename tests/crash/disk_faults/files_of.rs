//! The files of a vault that does not run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::testbed::Failure;

/// The files of a vault that did not run, as they were.
pub(super) struct Files(BTreeMap<PathBuf, Vec<u8>>);

impl Files {
    pub(super) fn of(directory: &Path) -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        for path in Self::paths(directory)? {
            let bytes = fs::read(&path)?;
            files.insert(path, bytes);
        }
        Ok(Self(files))
    }

    pub(super) fn put_back(self, directory: &Path) -> Result<(), Failure> {
        for path in Self::paths(directory)? {
            fs::remove_file(path)?;
        }
        for (path, bytes) in self.0 {
            fs::write(path, bytes)?;
        }
        Ok(())
    }

    /// What a file had, if there was one.
    pub(super) fn bytes(&self, path: &Path) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    pub(super) fn lengths(&self) -> BTreeMap<PathBuf, u64> {
        let length = |(path, bytes): (&PathBuf, &Vec<u8>)| (path.clone(), bytes.len() as u64);
        self.0.iter().map(length).collect()
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

/// Where a vault writes.
const PARTS: [&str; 2] = ["vault/rocksdb", "vault/head"];
