//! Verifies a log where the vault keeps it.

use super::Evidence;
use super::Report;
use super::VerifyError;
use super::archived::Beside;
use super::archived::feed;
use super::verifier::ReadLeaf;
use super::verifier::Verifier;
use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::following_keys;
use crate::audit::handover::Handover;
use crate::audit::in_order::in_order;
use crate::audit::tree::StoredTree;
use crate::store::Hash;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredHash;

/// Verifies the log in a store against its own checkpoint and, where there is one, the head.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_store(
    store: &dyn Store,
    head: Option<&SignedCheckpoint>,
    keys: &CheckpointKeys,
) -> Result<Report, VerifyError> {
    verify_store_against(store, None, &Evidence::of(keys).with_head(head))
}

/// Verifies the log in a store whose beginning is in an archive, and both as one log.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_store_behind(
    archive: &Archive,
    store: &dyn Store,
    head: Option<&SignedCheckpoint>,
    keys: &CheckpointKeys,
) -> Result<Report, VerifyError> {
    verify_store_against(store, Some(archive), &Evidence::of(keys).with_head(head))
}

/// Verifies the log in a store, behind an archive if there is one, against all that is known of it.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify_store_against(
    store: &dyn Store,
    archive: Option<&Archive>,
    evidence: &Evidence<'_>,
) -> Result<Report, VerifyError> {
    let Some(archive) = archive else {
        return verify(store, evidence, None);
    };
    let (size, begins) = (archive.size(), store.pruned_size()?);
    let mut still_archived_count = 0;
    // What both have is the same in both.
    if size > begins {
        if size > store.tree_size()? {
            return Err(VerifyError::Segment { index: size });
        }
        let root = StoredTree(store).frontier(size)?.root();
        let beside = Beside::of_store(store, size)?;
        let keys = following_keys(store, evidence.keys)?;
        still_archived_count = beside.verify(archive, Some(root), &keys)?;
    }
    let mut report = verify(store, evidence, Some(archive))?;
    report.still_archived_count += still_archived_count;
    Ok(report)
}

fn verify(
    store: &dyn Store,
    evidence: &Evidence<'_>,
    archive: Option<&Archive>,
) -> Result<Report, VerifyError> {
    // A log without entries has no checkpoint of its own yet; its head has.
    let note = store.checkpoint()?;
    let note = note.or_else(|| evidence.head.map(|head| head.note().to_owned()));
    let note = note.ok_or(VerifyError::Checkpoint)?;
    let begins = store.pruned_size()?;
    let mut verifier = begin(store, evidence, archive)?;
    let mut cosigned = read_cosigned(store, begins)?;
    if let Some((_, note)) = cosigned.take_if(|(size, _)| *size == begins) {
        verifier.cosigned(&note)?;
    }
    let handovers = Handover::read_all(store)?.into_iter();
    let mut handovers = handovers.filter(|it| it.size > begins).peekable();
    let size = store.tree_size()?;
    let pages = (begins..size).step_by(PAGE_ENTRIES_MAX);
    in_order(
        pages,
        |from| read_page(store, from, size),
        |page: Result<Page, StoreError>| {
            let Page { from, leaves } = page?;
            let (count, mut hashes) = (leaves.len(), Vec::with_capacity(leaves.len() + 8));
            for leaf in leaves {
                verifier.leaf(leaf, &mut hashes)?;
                let size = verifier.size();
                if let Some(handover) = handovers.next_if(|handover| handover.size == size) {
                    verifier.kept_handover(&handover)?;
                }
                if let Some((_, note)) = cosigned.take_if(|(cosigned, _)| *cosigned == size) {
                    verifier.cosigned(&note)?;
                }
            }
            compare_hashes(store, from, count, &hashes)?;
            let entries_count = verifier.size();
            if entries_count < size.min(from + PAGE_ENTRIES_MAX as u64) {
                // The last ones are not there.
                return Err(VerifyError::Size {
                    entries_count,
                    tree_size: size,
                });
            }
            Ok(())
        },
    )?;
    let end = verifier.size();
    if !store.entries(end, 1)?.is_empty() || !store.hashes(0, end, 1)?.is_empty() {
        return Err(VerifyError::Index { index: end });
    }
    if let Some(Handover { index, .. }) = handovers.next() {
        return Err(VerifyError::Handover { index });
    }
    // One that the log has never come to is of another.
    if cosigned.is_some() {
        return Err(VerifyError::Cosigned);
    }
    verifier.finish(&note).map(|(report, _)| report)
}

/// The cosigned checkpoint that the store has kept, with its size; nothing where the log begins
/// behind it.
fn read_cosigned(store: &dyn Store, begins: u64) -> Result<Option<(u64, String)>, VerifyError> {
    let Some(note) = store.cosigned_checkpoint()? else {
        return Ok(None);
    };
    let claimed = SignedCheckpoint::claimed(&note).ok_or(VerifyError::Cosigned)?;
    Ok(Some((claimed.size(), note)).filter(|(size, _)| *size >= begins))
}

/// A verifier of what is before the first entry of a store: nothing, what an archive has, or what
/// the hashes above say of it.
fn begin<'a>(
    store: &dyn Store,
    evidence: &Evidence<'a>,
    archive: Option<&Archive>,
) -> Result<Verifier<'a>, VerifyError> {
    let mut verifier = Verifier::new(evidence)?;
    let size = store.pruned_size()?;
    if size == 0 {
        return Ok(verifier);
    }
    let before = StoredTree(store).frontier(size)?;
    let Some(archive) = archive else {
        verifier.begin_after(before)?;
        return Ok(verifier);
    };
    feed(archive, &mut verifier, size, |computed| {
        let mut above = computed.iter().filter(|hash| hash.level > 0);
        above.try_for_each(|hash| compare(store, hash, None))
    })?;
    if verifier.is_at(&before) {
        Ok(verifier)
    } else {
        Err(VerifyError::Segment { index: size })
    }
}

/// Entries that lie side by side.
struct Page {
    from: u64,
    leaves: Vec<ReadLeaf>,
}

fn read_page(store: &dyn Store, from: u64, size: u64) -> Result<Page, StoreError> {
    let left = usize::try_from(size - from).unwrap_or(usize::MAX);
    let page = store.entries(from, PAGE_ENTRIES_MAX.min(left))?;
    let leaves = page.iter().map(ReadLeaf::new).collect();
    Ok(Page { from, leaves })
}

/// Compares the hashes that a page of entries completes with those that the store has.
fn compare_hashes(
    store: &dyn Store,
    from: u64,
    leaves_count: usize,
    computed: &[StoredHash],
) -> Result<(), VerifyError> {
    let mut leaves = store.hashes(0, from, leaves_count)?.into_iter();
    for hash in computed {
        let leaf = match hash.level {
            0 => leaves.next(),
            _ => None,
        };
        compare(store, hash, leaf)?;
    }
    Ok(())
}

/// Compares a hash with the one that the store has: of a leaf, with the one that was read.
fn compare(
    store: &dyn Store,
    computed: &StoredHash,
    leaf: Option<Hash>,
) -> Result<(), VerifyError> {
    let StoredHash { level, index, hash } = *computed;
    let stored = match level {
        0 => leaf,
        _ => store.hashes(level, index, 1)?.into_iter().next(),
    };
    if stored == Some(hash) {
        return Ok(());
    }
    Err(VerifyError::Hash { level, index })
}

/// How many entries a page has.
const PAGE_ENTRIES_MAX: usize = 1_024;
