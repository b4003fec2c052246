//! The second verifier, with what it is given in these campaigns.

use super::*;
use crate::second_verifier::SecondVerifier;

impl SecondVerifier {
    /// Starts it for exports; nothing, and words in the log, where it cannot run.
    pub(super) fn start() -> Option<Self> {
        Self::with_keys(&keys())
    }

    /// The same with flags of which each has a file, with what is to be in it.
    pub(super) fn with_files(files: &[(&str, &str)]) -> Option<Self> {
        Self::with_flags_and_files(&[], files)
    }

    /// The same with flags that have none.
    pub(super) fn with_flags_and_files(flags: &[&str], files: &[(&str, &str)]) -> Option<Self> {
        let files = files.iter().map(|(flag, text)| (*flag, text.as_bytes()));
        Self::with_all(&keys(), flags, &files.collect::<Vec<_>>())
    }

    /// The same with other public keys, and files that may have anything.
    pub(super) fn with_all(
        keys: &CheckpointKeys,
        flags: &[&str],
        files: &[(&str, &[u8])],
    ) -> Option<Self> {
        let second = Self::with_keys(keys)?;
        let second = flags.iter().fold(second, |it, flag| it.with_flag(flag));
        let second = files
            .iter()
            .fold(second, |it, (flag, bytes)| it.with_file(flag, bytes));
        Some(second)
    }

    /// Starts it with other public keys, in their order.
    pub(super) fn with_keys(keys: &CheckpointKeys) -> Option<Self> {
        Self::of_keys(&keys.lines())
    }

    /// Starts it for receipts.
    pub(super) fn of_receipts() -> Option<Self> {
        Some(Self::start()?.with_flag("--receipt"))
    }

    /// Starts it for exports of a log whose beginning is in an archive.
    pub(super) fn behind(archive: &Path) -> Option<Self> {
        Some(Self::start()?.with_path("--archive", archive))
    }
}
