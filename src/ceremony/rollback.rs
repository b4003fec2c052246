//! A database that is not the one that its head, or what others have seen, was signed for.

use std::fmt;

/// A log at some size: what a checkpoint says of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogPoint {
    /// How many entries it has.
    pub size: u64,
    /// The root hash of its tree.
    pub root: [u8; 32],
}

/// What officers accept: to go on with the log of the database, though the head was signed for
/// another. Both are named, so that it can be accepted once, and for this database only.
///
/// As a statement says it: `head 12 <64 hexadecimal digits> database 10 <64 hexadecimal digits>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rollback {
    /// The last log that the vault signed for: by the head outside the database, or by a later
    /// checkpoint that somebody else has seen, such as a witness.
    pub head: LogPoint,
    /// The log that is in the database.
    pub database: LogPoint,
}

impl Rollback {
    /// Whether the log is another one, and not only shorter: it has as many entries as the head was
    /// signed for, and others among them. Of a shorter one that cannot be told: the entries that
    /// would tell are those that are lost.
    #[must_use]
    pub const fn is_fork(&self) -> bool {
        self.database.size >= self.head.size
    }

    /// Reads what [`fmt::Display`] writes; the statement around it is compared with its text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(' ').collect();
        let ["head", head, head_root, "database", database, database_root] = parts.as_slice()
        else {
            return None;
        };
        Some(Self {
            head: LogPoint::read(head, head_root)?,
            database: LogPoint::read(database, database_root)?,
        })
    }
}

impl LogPoint {
    fn read(size: &str, root: &str) -> Option<Self> {
        Some(Self {
            size: size.parse().ok()?,
            root: hex::decode(root).ok()?.try_into().ok()?,
        })
    }
}

impl fmt::Display for LogPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.size, hex::encode(self.root))
    }
}

impl fmt::Display for Rollback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "head {} database {}", self.head, self.database)
    }
}
