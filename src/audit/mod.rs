//! The audit log: nothing is done before it is recorded, and what is recorded stays.
//!
//! Entries are the leaves of a Merkle tree (RFC 6962) whose checkpoints are signed (C2SP
//! tlog-checkpoint). An entry and the change that it tells of are one atomic write; the latest
//! checkpoint is also kept outside the database, so that a database that went back is noticed.
//!
//! [`AuditLog::commit`] writes, [`AuditLog::record`] makes the proof that something was recorded,
//! [`verify_store`] and [`verify_export`] check a log with nothing but public keys.

mod access_note;
mod archive;
mod archive_lines;
mod ceremony_note;
mod checkpoint;
mod entry;
mod entry_erasure;
mod export;
pub mod exposure;
mod follow;
mod group;
mod handover;
mod head;
mod in_order;
mod latest_charter;
mod log;
mod ocsf;
mod page;
mod prove;
mod pruning;
mod recorded;
mod rollback;
mod sequencer;
mod start;
#[cfg(test)]
mod tests;
mod tiles;
mod tlog_proof;
mod tree;
mod unseal_note;
mod verify;
mod window;
mod wire;
mod witnessing;
mod writing;

pub use access_note::AccessNote;
pub use archive::Archive;
pub use archive::Archived;
pub use ceremony_note::CeremonyNote;
pub use checkpoint::CheckpointKeys;
pub use checkpoint::CheckpointSigner;
pub use checkpoint::SignedCheckpoint;
pub use entry::Decision;
pub use entry::Entry;
pub use entry::EntryDraft;
pub use entry::EntryItem;
pub use entry::ErrorClass;
pub use entry::Event;
pub use entry::ITEMS_MAX;
pub use entry::ItemOutcome;
pub use entry_erasure::EntryErasureError;
pub use entry_erasure::check_entry_erasure;
pub use entry_erasure::erased_by;
pub use follow::FollowError;
pub use follow::Follower;
pub use handover::following_keys;
pub use head::Head;
pub use head::HeadError;
pub use head::WriteHead;
pub use latest_charter::latest_charter;
pub use log::AuditLog;
pub use log::Commit;
pub use log::CommitError;
pub use log::LogParts;
pub use log::LogState;
pub use log::Receipt;
pub use log::SequencerThread;
pub use page::EntryPage;
pub use page::PageEntry;
pub use page::PageRange;
pub use prove::FindError;
pub use prove::find_in_export;
pub use prove::find_in_store;
pub use prove::prove_consistency;
pub use prove::prove_inclusion;
pub use pruning::PruningError;
pub use pruning::check_pruning;
pub use recorded::Recorded;
pub use rollback::RollbackError;
pub use rollback::RollbackOutcome;
pub use rollback::accept_rollback;
pub use rollback::find_rollback;
pub use start::StartError;
pub use tiles::NoTilePath;
pub use tiles::TileContent;
pub use tiles::TilePath;
pub use tiles::Tiles;
pub use tlog_proof::ProvenEntry;
pub use tlog_proof::TlogProof;
pub use tlog_proof::TlogProofError;
pub use unseal_note::SHARES_GIVEN_MAX;
pub use unseal_note::ShareGiven;
pub use verify::AcceptedRollback;
pub use verify::Report;
pub use verify::Successor;
pub use verify::VerifyError;
pub use verify::export_checkpoint;
pub use verify::verify_archive;
pub use verify::verify_export;
pub use verify::verify_export_behind;
pub use verify::verify_store;
pub use verify::verify_store_behind;
pub use verify::write_export;
pub use verify::write_ocsf;
pub use window::Unwitnessed;
pub use window::WitnessWindow;
pub use wire::EntryError;
pub use witnessing::Witnessing;
