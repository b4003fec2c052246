//! A planted fault: a disk that loses what was not synced. SIGKILL alone leaves the page cache as
//! it is, so the files are put back to how they were when they were last "synced".

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::testbed::Failure;

/// What of the vault's files is on the disk for certain.
pub(crate) struct Synced {
    logs: Vec<(PathBuf, u64)>,
    head: Vec<(PathBuf, Vec<u8>)>,
}

impl Synced {
    pub(crate) fn now(directory: &Path) -> Result<Self, Failure> {
        // The head first: the database may be ahead of it, but not behind.
        let mut head = Vec::new();
        for slot in ["a", "b"] {
            let path = directory.join("vault/head").join(slot);
            head.push((path.clone(), fs::read(path)?));
        }
        let mut logs = Vec::new();
        for file in fs::read_dir(directory.join("vault/rocksdb"))? {
            let path = file?.path();
            if path.extension().is_some_and(|it| it == "log") {
                logs.push((path.clone(), fs::metadata(path)?.len()));
            }
        }
        Ok(Self { logs, head })
    }

    /// Loses what was written to the database's log since.
    pub(crate) fn lose_database(&self) -> Result<(), Failure> {
        for (path, length) in &self.logs {
            fs::OpenOptions::new()
                .write(true)
                .open(path)?
                .set_len(*length)?;
        }
        Ok(())
    }

    /// Loses what was written to the head since.
    pub(crate) fn lose_head(&self) -> Result<(), Failure> {
        for (path, bytes) in &self.head {
            fs::write(path, bytes)?;
        }
        Ok(())
    }
}
