//! Reads a published log as C2SP tlog-tiles has it, and knows nothing else of it: paths, widths and
//! hashes are computed here anew.

use sha2::Digest;
use sha2::Sha256;

pub(crate) type Hash = [u8; 32];

/// Gets a file by its path; nothing where there is none.
pub(crate) type Fetch<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// What a checkpoint says.
pub(crate) struct Checkpoint {
    pub(crate) note: String,
    pub(crate) size: u64,
    pub(crate) root: Vec<u8>,
}

pub(crate) fn checkpoint(fetch: Fetch<'_>) -> Checkpoint {
    use base64::Engine;
    let note = String::from_utf8(fetch("checkpoint").unwrap()).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    let root = base64::engine::general_purpose::STANDARD.decode(lines[2]);
    Checkpoint {
        size: lines[1].parse().unwrap(),
        root: root.unwrap(),
        note: note.clone(),
    }
}

/// Reads every tile of the log that the checkpoint says, checks that the hashes are those of the
/// root, and returns those of the leaves.
pub(crate) fn read(fetch: Fetch<'_>) -> (Checkpoint, Vec<Hash>) {
    let checkpoint = checkpoint(fetch);
    let leaves = level(fetch, 0, checkpoint.size);
    assert_eq!(root(&leaves).to_vec(), checkpoint.root);
    let mut below = leaves.clone();
    for number in 1..8 {
        let count = checkpoint.size >> (8 * number);
        let hashes = level(fetch, number, count);
        let full = below.chunks_exact(256).map(root);
        assert!(hashes.iter().copied().eq(full), "level {number}");
        if count == 0 {
            assert_eq!(fetch(&format!("tile/{number}/000.p/1")), None);
            assert_eq!(fetch(&format!("tile/{number}/000")), None);
        }
        below = hashes;
    }
    (checkpoint, leaves)
}

/// Reads every bundle, and checks that each entry is that of its leaf.
pub(crate) fn entries(fetch: Fetch<'_>, leaves: &[Hash]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for (index, tile) in leaves.chunks(256).enumerate() {
        let path = format!("tile/entries/{}", number(index));
        let bytes = file(fetch, &path, tile.len());
        let mut rest = bytes.as_slice();
        for leaf in tile {
            let (length, after) = rest.split_first_chunk().unwrap();
            let length = usize::from(u16::from_be_bytes(*length));
            let entry = &after[..length];
            assert_eq!(hash(&[&[0], entry]), *leaf);
            entries.push(entry.to_vec());
            rest = &after[length..];
        }
        assert!(rest.is_empty() || bytes.len() > tile.len() * 2);
    }
    entries
}

fn level(fetch: Fetch<'_>, level: u32, count: u64) -> Vec<Hash> {
    let mut hashes = Vec::new();
    let count = usize::try_from(count).unwrap();
    for index in 0..count.div_ceil(256) {
        let width = (count - index * 256).min(256);
        let bytes = file(fetch, &format!("tile/{level}/{}", number(index)), width);
        let (tile, rest) = bytes.as_chunks::<32>();
        assert!(rest.is_empty() && tile.len() >= width);
        hashes.extend_from_slice(&tile[..width]);
    }
    hashes
}

/// A tile of this width, or the full one that has taken its place.
fn file(fetch: Fetch<'_>, path: &str, width: usize) -> Vec<u8> {
    let partial = (width < 256).then(|| fetch(&format!("{path}.p/{width}")));
    partial.flatten().or_else(|| fetch(path)).unwrap()
}

fn number(index: usize) -> String {
    match (index / 1_000_000, index / 1_000 % 1_000, index % 1_000) {
        (0, 0, low) => format!("{low:03}"),
        (0, middle, low) => format!("x{middle:03}/{low:03}"),
        (high, middle, low) => format!("x{high:03}/x{middle:03}/{low:03}"),
    }
}

/// RFC 6962, section 2.1: over hashes of leaves.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash(&[]),
        [leaf] => *leaf,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            hash(&[&[1], &root(left), &root(right)])
        }
    }
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}
