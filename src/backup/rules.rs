//! Where backups may go, and how many are kept.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::backup::BackupError;

/// Where backups may go, and how many are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupRules {
    /// Backups go there, or into directories within.
    pub directory: PathBuf,
    /// They never go there: where the vault has its data.
    pub data_dir: PathBuf,
    /// How many a directory keeps.
    pub keep: usize,
}

impl BackupRules {
    /// The directory for a backup that was asked for with this one.
    ///
    /// # Errors
    ///
    /// If it is not within the configured one: who may have backups made must not make the vault
    /// write elsewhere.
    pub fn directory_of(&self, asked: Option<&Path>) -> Result<PathBuf, BackupError> {
        let Some(asked) = asked else {
            return Ok(self.directory.clone());
        };
        let is_plain = asked.is_absolute()
            && asked
                .components()
                .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        if !is_plain {
            return Err(BackupError::Outside);
        }
        let there = resolved(asked).ok_or(BackupError::Outside)?;
        let is_in = |directory: &Path| {
            resolved(directory).is_some_and(|directory| there.starts_with(directory))
        };
        if is_in(&self.directory) && !is_in(&self.data_dir) {
            Ok(there)
        } else {
            Err(BackupError::Outside)
        }
    }
}

/// Where a path leads. Of one that is not there yet, what is there decides: the rest will be made.
fn resolved(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find_map(|there| {
        let rest = absolute.strip_prefix(there).ok()?;
        Some(there.canonicalize().ok()?.join(rest))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn backups_go_nowhere_but_within_the_configured_directory() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for name in ["backups", "data", "elsewhere"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        symlink(root.join("elsewhere"), root.join("backups/link")).unwrap();
        let rules = BackupRules {
            directory: root.join("backups"),
            data_dir: root.join("data"),
            keep: 1,
        };
        let of = |path: PathBuf| rules.directory_of(Some(&path));
        assert_eq!(rules.directory_of(None).unwrap(), root.join("backups"));
        for inside in ["backups", "backups/daily", "backups/a/b"] {
            assert_eq!(of(root.join(inside)).unwrap(), root.join(inside));
        }
        for outside in [
            root.join("elsewhere"),
            root.join("backups/../elsewhere"),
            root.join("backups/link"),
            root.join("backups/link/new"),
            root.join("backups2"),
            PathBuf::from("backups"),
            PathBuf::from("/"),
        ] {
            assert!(matches!(of(outside), Err(BackupError::Outside)));
        }
        // One that is not made yet.
        let later = BackupRules {
            directory: root.join("later/backups"),
            ..rules.clone()
        };
        let inside = root.join("later/backups/daily");
        assert_eq!(later.directory_of(Some(&inside)).unwrap(), inside);
        assert!(later.directory_of(Some(&root.join("later"))).is_err());
        // Even where everything is permitted.
        let rules = BackupRules {
            directory: root.clone(),
            ..rules
        };
        let inside = rules.directory_of(Some(&root.join("data/backups")));
        assert!(matches!(inside, Err(BackupError::Outside)));
    }
}
