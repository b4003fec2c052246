//! The offline verifier: believes nothing but public keys.
//!
//! It computes every leaf hash from the stored bytes, grows the tree anew, and compares it with
//! what was signed. It holds the tree's right edge and the intents that have no outcome yet, not
//! the log, so that a log of any size can be verified. Entries are read and hashed on every
//! processor, and judged in their order.

mod archived;
mod erasures;
mod evidence;
mod lines;
mod store;
mod verifier;

use std::collections::BTreeMap;
use std::io;

use thiserror::Error;

use crate::audit::Event;
use crate::audit::Witnessed;
use crate::ceremony::LogPoint;
use crate::crypto::merkle::Hash;
use crate::crypto::note::NoteVerifier;
use crate::store::StoreError;

pub use archived::verify_archive;
pub(super) use archived::verify_segment;
pub use evidence::Evidence;
pub use evidence::KeptCheckpoint;
pub use evidence::KeptError;
pub(super) use lines::LINE_BYTES_MAX;
pub use lines::export_checkpoint;
pub use lines::export_checkpoint_behind;
pub use lines::latest_checkpoint;
pub use lines::verify_export;
pub use lines::verify_export_against;
pub use lines::verify_export_behind;
pub use lines::write_export;
pub use lines::write_ocsf;
pub use store::verify_store;
pub use store::verify_store_against;
pub use store::verify_store_behind;
#[cfg(test)]
pub(super) use verifier::ReadLeaf;
#[cfg(test)]
pub(super) use verifier::Verifier;

/// What a verified log has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// How many entries of each event.
    pub counts: BTreeMap<Event, u64>,
    /// How many entries are in an archive that was not given: they were not verified.
    pub archived_size: u64,
    /// How many entries are erased.
    pub erased_count: u64,
    /// Intents to reveal without an outcome: they count as revealed.
    pub open_intents_count: u64,
    /// Where officers accepted that entries were lost, in the order of the log.
    pub rollbacks: Vec<AcceptedRollback>,
    /// The root hash of the tree.
    pub root: Hash,
    /// The keys that the log came under, in the order of the log.
    pub successors: Vec<Successor>,
    /// How many more were erased since they were archived: the archive has them still.
    pub still_archived_count: u64,
    /// How many entries the log has.
    pub tree_size: u64,
    /// How many erased entries have no entry that says so. It may come behind the end of an
    /// archive that is verified by itself; anywhere else there is none without.
    pub untold_count: u64,
    /// How much of it a given witness has seen; nothing where none was given.
    pub witnessed: Option<Witnessed>,
}

/// A place where the log goes on without entries that it had once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AcceptedRollback {
    /// The index of the entry that says so: of those from here on, the log had others.
    pub index: u64,
    /// The log that was given up.
    pub lost: LogPoint,
}

/// A signing key that the log came under.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Successor {
    /// The index of the entry that announces it.
    pub index: u64,
    /// The key.
    pub key: NoteVerifier,
}

/// What is wrong with a log: the first thing that was found.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// What is asked for is in an archive.
    #[error("entries before {size} are in an archive, which was not given")]
    Archived {
        /// The index of the first entry that is not.
        size: u64,
    },
    /// An archive says that an entry was erased which the log has.
    #[error("archive does not have entry {index}, which the log has")]
    ArchiveBlank {
        /// The index of the entry.
        index: u64,
    },
    /// A segment of an archive is missing, or two have the same entries.
    #[error("archive has no segment that begins with entry {index}, or two")]
    ArchiveGap {
        /// The index that a segment should begin with.
        index: u64,
    },
    /// There is no checkpoint, or none of the keys has signed it.
    #[error("there is no checkpoint that is signed by the given keys")]
    Checkpoint,
    /// The cosigned checkpoint is of another log, or of another size, or is not signed as it says.
    #[error("cosigned checkpoint is not one of the log, or has a signature that is not its key's")]
    Cosigned,
    /// The bytes are not an entry.
    #[error("entry {index} cannot be read")]
    Entry {
        /// The index that it should have.
        index: u64,
    },
    /// An entry says that another was erased, which is there, or never was; or it does not say
    /// which.
    #[error("entry {index} says that an entry before it was erased, and that is not so")]
    Erasure {
        /// The index of the entry that says so.
        index: u64,
    },
    /// A signing key was announced, and the key before it did not hand over to it there.
    #[error("entry {index} announces a signing key that the key before it does not vouch for")]
    Handover {
        /// The index of the announcement.
        index: u64,
    },
    /// A stored Merkle hash is not the one of the entries.
    #[error("stored hash {index} of level {level} is not that of the entries below it")]
    Hash {
        /// The level of the hash.
        level: u8,
        /// The index of the hash in its level.
        index: u64,
    },
    /// An entry is missing, or there twice, or in another's place.
    #[error("entry {index} is missing, or not in its place")]
    Index {
        /// The index that should come next.
        index: u64,
    },
    /// An outcome does not refer to an earlier intent that has none yet.
    #[error("entry {index} is an outcome without its intent")]
    Intent {
        /// The index of the outcome.
        index: u64,
    },
    /// The log is shorter than it was: it is older, or went back.
    #[error(
        "the log has {tree_size} entries, the kept checkpoint is of {kept_size}: it is older, or \
         went back"
    )]
    KeptBehind {
        /// How many entries it has.
        tree_size: u64,
        /// How many it had.
        kept_size: u64,
    },
    /// The log is not the one that a checkpoint was kept of, though the same key signed both.
    #[error(
        "the log is another than the one of the kept checkpoint of {kept_size} entries, and the \
         same key signed both"
    )]
    KeptFork {
        /// How many entries the kept checkpoint has.
        kept_size: u64,
    },
    /// A checkpoint that was kept is not one that the log's keys have signed.
    #[error("the kept checkpoint of {kept_size} entries is not signed by the keys of the log")]
    KeptUnsigned {
        /// How many entries the kept checkpoint has.
        kept_size: u64,
    },
    /// A line of an export is none, or does not say what its leaf says.
    #[error("line {line} of the export is not what its leaf says")]
    Line {
        /// The number of the line, from 1.
        line: u64,
    },
    /// An entry says that the log was archived, and not up to where, or not before itself.
    #[error("entry {index} does not say how much of the log was archived before it")]
    Pruning {
        /// The index of the entry.
        index: u64,
    },
    /// The export cannot be read.
    #[error("export cannot be read")]
    Read(#[source] io::Error),
    /// The entries are not those that the checkpoint was signed for.
    #[error("entries are not those of the checkpoint of {tree_size} entries")]
    Root {
        /// The tree size of the checkpoint.
        tree_size: u64,
    },
    /// The log has more or fewer entries than its checkpoint says.
    #[error("log has {entries_count} entries, its checkpoint says {tree_size}")]
    Size {
        /// How many entries there are.
        entries_count: u64,
        /// The tree size of the checkpoint.
        tree_size: u64,
    },
    /// A segment of an archive does not have its entries, or is not proven to be of a log that was
    /// signed.
    #[error("segment that ends before entry {index} is not a part of the log")]
    Segment {
        /// The index after its last entry.
        index: u64,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An entry is earlier than the one before it.
    #[error("entry {index} is earlier than the one before it")]
    Time {
        /// The index of the entry.
        index: u64,
    },
    /// The log begins behind entries, and no entry of it says that they were archived.
    #[error("entries before {size} are missing without a word of the log")]
    Unarchived {
        /// The index of the first entry that is there.
        size: u64,
    },
    /// None of the given witnesses has cosigned a checkpoint of the log.
    #[error("the log has no checkpoint that a given witness has cosigned")]
    Unwitnessed,
    /// The content of an entry is gone, and no later entry says that it was erased.
    #[error("entry {index} is missing without a word of the log")]
    Untold {
        /// The index of the entry.
        index: u64,
    },
}
