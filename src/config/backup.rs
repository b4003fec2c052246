//! Backups: `[backup]`.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::bounded;

/// Backups: `[backup]`. Without it the vault makes none. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupConfig {
    /// `dir`: where backups go. Whoever may have one made may name a directory within it, and none
    /// elsewhere; best on another disk. Required. Example: `"/var/backups/counterfoil"`.
    pub dir: PathBuf,
    /// `keep`: how many backups a directory keeps; the oldest go, 1 to 10,000. Default: 14.
    pub keep: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBackup {
    dir: PathBuf,
    keep: Option<usize>,
}

impl RawBackup {
    pub(super) fn check(self, base_dir: &Path) -> Result<BackupConfig, ConfigError> {
        Ok(BackupConfig {
            dir: base_dir.join(self.dir),
            keep: bounded("backup.keep", self.keep, KEEP, &(1..=10_000))?,
        })
    }
}

const KEEP: usize = 14;
