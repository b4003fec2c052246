//! What `audit watch --state FILE` keeps from one run to the next.
//!
//! The checkpoint that was verified last, a signed note. Where erased entries were handed out that
//! the log has not told of yet, they come before it:
//!
//! ```text
//! counterfoil watch 2
//! untold 17 1 4096       an index, checkpoints since, the size of the latest of them
//!
//! shop.example/counterfoil
//! 4096
//! …
//! ```
//!
//! The name of a log has no spaces, so no note begins like this.

use std::fs;
use std::io;
use std::path::Path;

use crate::audit::CheckpointKeys;
use crate::audit::Follower;
use crate::audit::SignedCheckpoint;
use crate::audit::UntoldEntry;
use crate::cli::error::CliError;

/// Where an earlier run ended.
#[derive(Debug)]
pub(super) struct WatchState {
    pub(super) checkpoint: SignedCheckpoint,
    pub(super) untold: Vec<UntoldEntry>,
}

impl WatchState {
    /// What is in the file; nothing before the first run.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not what a run keeps.
    pub(super) fn read(path: &Path, keys: &CheckpointKeys) -> Result<Option<Self>, CliError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CliError::file(path)(error)),
        };
        let (untold, note) = parse(&text).ok_or_else(|| {
            let path = path.display();
            CliError::Failed(format!(
                "{path}: is not what this version of `audit watch` keeps\n  remove it to begin \
                 anew, with --from"
            ))
        })?;
        let checkpoint = keys.verify(note).ok_or_else(|| {
            let path = path.display();
            CliError::Verification(format!(
                "NOT verified: {path}: is no checkpoint that is signed by the given keys"
            ))
        })?;
        Ok(Some(Self { checkpoint, untold }))
    }
}

/// What is kept of a follower under a checkpoint that it has followed to the end.
pub(super) fn text(checkpoint: &SignedCheckpoint, follower: &Follower) -> String {
    let untold = follower.untold();
    if untold.is_empty() {
        return checkpoint.note().to_owned();
    }
    let mut text = format!("{HEADER}\n");
    for UntoldEntry {
        index,
        checkpoints_count,
        latest_size,
    } in untold
    {
        text.push_str(&format!(
            "{UNTOLD}{index} {checkpoints_count} {latest_size}\n"
        ));
    }
    text + "\n" + checkpoint.note()
}

fn parse(text: &str) -> Option<(Vec<UntoldEntry>, &str)> {
    let Some(rest) = text.strip_prefix("counterfoil watch ") else {
        return Some((Vec::new(), text));
    };
    let (lines, note) = rest.strip_prefix("2\n")?.split_once("\n\n")?;
    let entries = lines.lines().map(parse_entry);
    Some((entries.collect::<Option<_>>()?, note))
}

fn parse_entry(line: &str) -> Option<UntoldEntry> {
    let mut numbers = line.strip_prefix(UNTOLD)?.split(' ');
    let entry = UntoldEntry {
        index: numbers.next()?.parse().ok()?,
        checkpoints_count: numbers.next()?.parse().ok()?,
        latest_size: numbers.next()?.parse().ok()?,
    };
    numbers.next().is_none().then_some(entry)
}

const HEADER: &str = "counterfoil watch 2";
const UNTOLD: &str = "untold ";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::CheckpointSigner;
    use crate::crypto::KeyBytes;
    use crate::crypto::note::AuditSigningKey;
    use crate::crypto::note::NoteKeyName;

    fn key() -> AuditSigningKey {
        AuditSigningKey::new(&KeyBytes::from_array(&[7; 32]))
    }

    fn origin() -> NoteKeyName {
        NoteKeyName::new("vault.example/audit").unwrap()
    }

    fn keys() -> CheckpointKeys {
        CheckpointKeys::new(vec![key().verifier(origin())])
    }

    fn checkpoint() -> SignedCheckpoint {
        let signer = CheckpointSigner::new(origin(), key());
        signer.sign_empty().unwrap()
    }

    const ENTRIES: [UntoldEntry; 2] = [
        UntoldEntry {
            index: 17,
            checkpoints_count: 1,
            latest_size: 4_096,
        },
        UntoldEntry {
            index: 4_090,
            checkpoints_count: 0,
            latest_size: 0,
        },
    ];

    fn read(text: &str) -> Result<Option<WatchState>, CliError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        fs::write(&path, text).unwrap();
        WatchState::read(&path, &keys())
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let mut follower = Follower::new(keys(), 0);
        // While everything is told, it is the checkpoint alone, as it ever was.
        assert_eq!(text(&checkpoint(), &follower), checkpoint().note());
        let old = read(checkpoint().note()).unwrap().unwrap();
        assert_eq!((old.checkpoint, old.untold), (checkpoint(), Vec::new()));
        follower.remember_untold(&ENTRIES);
        let kept = text(&checkpoint(), &follower);
        let again = read(&kept).unwrap().unwrap();
        assert_eq!(again.checkpoint, checkpoint());
        assert_eq!(again.untold, ENTRIES);
    }

    #[test]
    fn what_no_run_keeps_is_refused() {
        let mut follower = Follower::new(keys(), 0);
        follower.remember_untold(&ENTRIES);
        let kept = text(&checkpoint(), &follower);
        for (from, to) in [
            ("watch 2", "watch 3"),
            ("untold 17", "untold x"),
            ("untold 17 1", "untold 17 300"),
            ("untold 17 1 4096", "untold 17 1"),
            ("untold 17 1 4096", "untold 17 1 4096 5"),
            ("untold 17", "told 17"),
        ] {
            let changed = kept.replacen(from, to, 1);
            assert!(matches!(read(&changed), Err(CliError::Failed(_))), "{to}");
        }
        let forged = kept.replacen("\n0\n", "\n1\n", 1);
        assert!(matches!(read(&forged), Err(CliError::Verification(_))));
        let directory = tempfile::tempdir().unwrap();
        let missing = WatchState::read(&directory.path().join("state"), &keys());
        assert!(missing.unwrap().is_none());
    }
}
