//! The lines that only parts of a log have: where one begins behind others, and where a segment of
//! an archive ends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::Serialize;

use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;

/// The last line of a segment: what proves that it is of the log of a signed checkpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SegmentEnd {
    /// The index after its last entry.
    pub(super) end_index: u64,
    /// That the tree of as many leaves is a prefix of the checkpoint's.
    pub(super) proof: Vec<Hash>,
    /// The signed checkpoint, a note.
    pub(super) checkpoint: String,
}

/// `{"archived":{"size":N,"hashes":[…]}}`, the first line of what begins behind N entries.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ArchivedLine {
    archived: Tree,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Tree {
    size: u64,
    /// The roots of its complete subtrees, the largest first.
    hashes: Vec<String>,
}

/// `{"segment":{"end_index":N,"proof":[…],"checkpoint":"…"}}`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SegmentLine {
    segment: End,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct End {
    end_index: u64,
    proof: Vec<String>,
    checkpoint: String,
}

/// The first line of what begins behind a tree, without its end.
pub(super) fn archived_line(before: &Frontier) -> serde_json::Result<String> {
    serde_json::to_string(&ArchivedLine {
        archived: Tree {
            size: before.size(),
            hashes: texts(before.hashes()),
        },
    })
}

/// The tree that a first line says; nothing if it is none.
pub(super) fn read_archived(line: &str) -> Option<Frontier> {
    let Tree { size, hashes } = serde_json::from_str::<ArchivedLine>(line).ok()?.archived;
    let before = Frontier::from_hashes(size, read(&hashes)?).ok()?;
    (archived_line(&before).ok()? == line).then_some(before)
}

/// The last line of a segment, without its end.
pub(super) fn segment_line(end: &SegmentEnd) -> serde_json::Result<String> {
    serde_json::to_string(&SegmentLine {
        segment: End {
            end_index: end.end_index,
            proof: texts(&end.proof),
            checkpoint: end.checkpoint.clone(),
        },
    })
}

/// The end that a last line says; nothing if it is none.
pub(super) fn read_segment(line: &str) -> Option<SegmentEnd> {
    let segment = serde_json::from_str::<SegmentLine>(line).ok()?.segment;
    let end = SegmentEnd {
        end_index: segment.end_index,
        proof: read(&segment.proof)?,
        checkpoint: segment.checkpoint,
    };
    (segment_line(&end).ok()? == line).then_some(end)
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    let text = |hash: &Hash| STANDARD.encode(hash.as_bytes());
    hashes.iter().map(text).collect()
}

fn read(texts: &[String]) -> Option<Vec<Hash>> {
    let hash = |text: &String| {
        let bytes: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
        Some(Hash::from_bytes(bytes))
    };
    texts.iter().map(hash).collect()
}
