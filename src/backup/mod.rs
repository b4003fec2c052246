//! Backups: copies of the tables as of one moment, each with a signed list of what it is made of.
//!
//! A directory of backups:
//!
//! ```text
//! backups/00000007.json   what backup 7 is made of, and the checkpoint of its audit log
//! backups/00000007.sig    the signature over it, by the log's key
//! objects/3f/3fa4…        a file of the tables, named by its SHA-256; shared by the backups
//! lock                    one process writes at a time
//! ```
//!
//! Files of the tables never change, so a backup adds only those that no earlier one has. A backup
//! is there once its list is, which is the last thing to be written. It has no key that opens
//! anything: only what the data directory has, where every key is wrapped.

mod create;
mod error;
mod manifest;
mod objects;
mod restore;
mod rules;
mod verify;

pub use create::Created;
pub use create::Log;
pub use create::Progress;
pub use create::create;
pub use error::BackupError;
pub use manifest::BackupId;
pub use manifest::Manifest;
pub use manifest::ManifestFile;
pub use manifest::later_with_officers;
pub use manifest::list;
pub use manifest::read;
pub use manifest::read_unsigned;
pub use restore::Restored;
pub use restore::RestoredHead;
pub use restore::restore;
pub use rules::BackupRules;
pub use verify::OpenBackup;
pub use verify::Verified;
pub use verify::verify;
pub use verify::verify_against;

#[cfg(test)]
mod tests;
