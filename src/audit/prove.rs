//! Proofs made of a log that is at hand, and entries found in it: without the vault.

use std::io;
use std::io::BufRead;
use std::io::Read;

use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::Entry;
use crate::audit::ProvenEntry;
use crate::audit::SignedCheckpoint;
use crate::audit::TlogProof;
use crate::audit::VerifyError;
use crate::audit::export;
use crate::audit::export::ExportLine;
use crate::audit::tree::StoredTree;
use crate::audit::tree::entry_leaf_hash;
use crate::audit::tree::stored_leaf_hash;
use crate::audit::verify;
use crate::crypto::merkle;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::crypto::merkle::ProofError;
use crate::crypto::merkle::verify_consistency;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// Why a proven entry is not found in a log.
#[derive(Debug, Error)]
pub enum FindError {
    /// The log is shorter than the one that the entry was proven for: it is older, or went back.
    #[error(
        "the log has {tree_size} entries, the proof is of {proven_size}: it is older, or went back"
    )]
    Behind {
        /// How many entries it has.
        tree_size: u64,
        /// How many it had.
        proven_size: u64,
    },
    /// The log cannot be read, or is wrong by itself.
    #[error(transparent)]
    Log(#[from] VerifyError),
    /// The log is not the one that the entry was proven for, though the same key signed both.
    #[error("the log is another than the one of the proof, and the same key signed both")]
    Fork,
}

/// Proves that an entry is in the tree of a checkpoint, which must be the store's.
///
/// # Errors
///
/// If it is not, or the store cannot be read.
pub fn prove_inclusion(
    store: &dyn Store,
    checkpoint: &SignedCheckpoint,
    index: u64,
) -> Result<TlogProof, VerifyError> {
    let tree = StoredTree(store);
    let hashes = merkle::inclusion_proof(&tree, index, checkpoint.size());
    let hashes = hashes.map_err(|error| no_proof(index, error))?;
    let leaf_hash = tree.hash(0, index)?;
    let note = checkpoint.note().to_owned();
    Ok(TlogProof::new(index, leaf_hash, hashes, note))
}

/// The same proof with the entry itself in it, for whoever must know what it says.
///
/// # Errors
///
/// If the entry is erased, or as for [`prove_inclusion`].
pub fn prove_entry(
    store: &dyn Store,
    checkpoint: &SignedCheckpoint,
    index: u64,
) -> Result<TlogProof, VerifyError> {
    let proof = prove_inclusion(store, checkpoint, index)?;
    let stored = store.entries(index, 1)?;
    let stored = stored.first().and_then(StoredLeaf::entry);
    let stored = stored.ok_or(VerifyError::Entry { index })?;
    Ok(proof.with_leaf(&stored.salt, &stored.entry))
}

/// Proves that the log of this size is the beginning of that of a checkpoint, which must be the
/// store's.
///
/// # Errors
///
/// If it is not, or the store cannot be read.
pub fn prove_consistency(
    store: &dyn Store,
    first_size: u64,
    checkpoint: &SignedCheckpoint,
) -> Result<Vec<Hash>, VerifyError> {
    let proof = merkle::consistency_proof(&StoredTree(store), first_size, checkpoint.size());
    proof.map_err(|error| no_proof(first_size, error))
}

/// Finds a proven entry in a store, and returns it, or what is left of it where it was erased, as
/// the line of an export. The store's log, up to the checkpoint, must be the one that the entry was
/// proven for.
///
/// # Errors
///
/// If the entry is not there, or the log is another.
pub fn find_in_store(
    store: &dyn Store,
    checkpoint: &SignedCheckpoint,
    proven: &ProvenEntry,
) -> Result<String, FindError> {
    let (first, size) = (proven.checkpoint(), checkpoint.size());
    if first.size() > size {
        return Err(FindError::Behind {
            tree_size: size,
            proven_size: first.size(),
        });
    }
    let proof = prove_consistency(store, first.size(), checkpoint)?;
    verify_consistency(
        first.size(),
        &first.root(),
        size,
        &checkpoint.root(),
        &proof,
    )
    .map_err(|_| FindError::Fork)?;
    let index = proven.index();
    let stored = store.entries(index, 1).map_err(VerifyError::from)?;
    let stored = stored.first().ok_or(VerifyError::Index { index })?;
    // The tree is the one that was proven; so the leaf is, if it has the hash.
    if stored_leaf_hash(stored) != proven.leaf_hash() {
        return Err(VerifyError::Entry { index }.into());
    }
    let line = match stored {
        StoredLeaf::Kept(stored) => {
            let entry = Entry::decode(&stored.entry).map_err(|_| VerifyError::Entry { index })?;
            export::line(&entry, stored)
        }
        StoredLeaf::Erased { .. } => export::erased_line(index, proven.leaf_hash()),
    };
    line.map_err(|error| VerifyError::Read(io::Error::other(error)).into())
}

/// Finds proven entries in an export: for each the line that it is. The export must verify.
///
/// # Errors
///
/// If the export is wrong by itself; else each entry has a result of its own.
pub fn find_in_export<R: BufRead + Send>(
    open: impl Fn() -> io::Result<R>,
    keys: &CheckpointKeys,
    proven: &[ProvenEntry],
) -> Result<Vec<Result<String, FindError>>, VerifyError> {
    let checkpoint = verify::export_checkpoint(open().map_err(VerifyError::Read)?, keys)?;
    let mut found: Vec<Found> = proven.iter().map(|_| Found::default()).collect();
    let (mut frontier, mut archived_size) = (Frontier::new(), 0);
    meet(&frontier, proven, &mut found);
    let mut reader = open().map_err(VerifyError::Read)?;
    let mut text = String::new();
    loop {
        text.clear();
        let mut line = reader.by_ref().take(verify::LINE_BYTES_MAX);
        if line.read_line(&mut text).map_err(VerifyError::Read)? == 0 {
            break;
        }
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let (index, leaf_hash) = match export::read_line(line) {
            Some(ExportLine::Entry(stored)) => (stored.index, entry_leaf_hash(&stored)),
            Some(ExportLine::Erased { index, hash }) => (index, hash),
            Some(ExportLine::Archived(before)) => {
                archived_size = before.size();
                frontier = before;
                continue;
            }
            Some(
                ExportLine::Checkpoint(_)
                | ExportLine::Cosigned(_)
                | ExportLine::Handover(_)
                | ExportLine::Segment(_),
            )
            | None => continue,
        };
        for (proven, found) in proven.iter().zip(&mut found) {
            if (proven.index(), proven.leaf_hash()) == (index, leaf_hash) {
                found.line = Some(line.to_owned());
            }
        }
        let full = |_| VerifyError::Index { index };
        frontier.append(leaf_hash, |_, _, _| ()).map_err(full)?;
        meet(&frontier, proven, &mut found);
    }
    let result = |(proven, found): (&ProvenEntry, Found)| match found {
        // Nothing can be said of it from what is there.
        Found { .. }
            if proven.index() < archived_size || proven.checkpoint().size() < archived_size =>
        {
            Err(VerifyError::Archived {
                size: archived_size,
            }
            .into())
        }
        Found {
            is_log: Some(true),
            line: Some(line),
        } => Ok(line),
        Found { is_log: None, .. } => Err(FindError::Behind {
            tree_size: checkpoint.size(),
            proven_size: proven.checkpoint().size(),
        }),
        Found { .. } => Err(FindError::Fork),
    };
    Ok(proven.iter().zip(found).map(result).collect())
}

/// What is known of a proven entry so far.
#[derive(Default)]
struct Found {
    /// Whether the log, at the size of the proof, was the one of the proof.
    is_log: Option<bool>,
    line: Option<String>,
}

/// Compares the tree with the proofs of its size.
fn meet(frontier: &Frontier, proven: &[ProvenEntry], found: &mut [Found]) {
    for (proven, found) in proven.iter().zip(found) {
        let checkpoint = proven.checkpoint();
        if checkpoint.size() == frontier.size() {
            found.is_log = Some(checkpoint.root() == frontier.root());
        }
    }
}

fn no_proof(index: u64, error: ProofError<StoreError>) -> VerifyError {
    match error {
        ProofError::OutsideTree => VerifyError::Index { index },
        ProofError::Reader(error) => error.into(),
    }
}
