//! Entries and proofs of the audit log, on the wire.

use tonic::Status;

use crate::audit::EntryPage;
use crate::audit::PageEntry;
use crate::audit::PageRange;
use crate::crypto::merkle::Hash;
use crate::protocol;
use crate::server::status;
use crate::vault::InclusionProof;
use crate::vault::LogTree;

/// Which entries are asked for.
pub(in crate::server) fn range(
    message: &protocol::ListEntriesRequest,
    bytes_max: usize,
) -> PageRange {
    let end_index = message.end_index;
    let wanted = usize::try_from(message.entries_max).unwrap_or(usize::MAX);
    PageRange {
        first_index: message.first_index,
        end_index: if end_index == 0 { u64::MAX } else { end_index },
        entries_max: match wanted {
            0 => PAGE_ENTRIES_MAX,
            wanted => wanted.min(PAGE_ENTRIES_MAX),
        },
        bytes_max,
    }
}

pub(in crate::server) fn page(page: EntryPage) -> protocol::EntryPage {
    let entry = |entry: PageEntry| protocol::LogEntry {
        index: entry.index,
        leaf: entry.leaf,
        leaf_hash: entry
            .erased
            .map_or_else(Vec::new, |hash| hash.as_bytes().to_vec()),
        json: entry.line,
    };
    protocol::EntryPage {
        first_index: page.first_index,
        first_hashes: hashes(&page.first_hashes),
        entries: page.entries.into_iter().map(entry).collect(),
        proof: hashes(&page.proof),
        checkpoint: page.checkpoint,
    }
}

pub(in crate::server) fn inclusion(proof: &InclusionProof) -> protocol::ProveInclusionResponse {
    let checkpoint = proof.checkpoint.as_ref();
    protocol::ProveInclusionResponse {
        leaf_index: proof.index,
        leaf_hash: proof.leaf_hash.as_bytes().to_vec(),
        tree_size: proof.tree_size,
        inclusion_proof: hashes(&proof.hashes),
        checkpoint: checkpoint.map_or_else(String::new, |it| it.note().to_owned()),
    }
}

pub(in crate::server) fn hashes(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

/// Which tree is asked about: zero stands for the latest size.
pub(in crate::server) fn tree(part: &str, size: u64, is_cosigned: bool) -> Result<LogTree, Status> {
    match (size, is_cosigned) {
        (0, true) => Ok(LogTree::Cosigned),
        (0, false) => Ok(LogTree::Latest),
        (_, true) => Err(status::invalid(part, "must be 0 with cosigned")),
        (size, false) => Ok(LogTree::OfSize(size)),
    }
}

/// The most entries of a page.
pub(in crate::server) const PAGE_ENTRIES_MAX: usize = 1_000;
