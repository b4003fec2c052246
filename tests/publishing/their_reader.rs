//! A reader of published logs that was written for others: Cloudflare's `signed_note` and
//! `tlog_tiles`, ports of Go's `sumdb/note` and `sumdb/tlog`. Notes, checkpoints, tiles and proofs
//! are judged by their code alone; what is here fetches files and cuts bundles.

use signed_note::Note;
use signed_note::Signature;
use signed_note::StandardVerifier;
use signed_note::VerifierList;
use tlog_tiles::Checkpoint;
use tlog_tiles::Error;
use tlog_tiles::Hash;
use tlog_tiles::HashReader;
use tlog_tiles::Tile;
use tlog_tiles::TileHashReader;
use tlog_tiles::TileReader;
use tlog_tiles::check_record;
use tlog_tiles::prove_record;
use tlog_tiles::record_hash;
use tlog_tiles::stored_hash_index;
use tlog_tiles::stored_hashes_for_record_hash;
use tlog_tiles::tree_hash;

use crate::reader::Fetch;

/// A log as others have read it.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) note: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) leaves: Vec<Hash>,
    /// The names and ids of signatures by keys that are not the log's.
    pub(crate) others: Vec<(String, u32)>,
}

/// Files of C2SP tlog-tiles for a reader of tiles.
pub(crate) struct Site<'a>(pub(crate) Fetch<'a>);

impl TileReader for Site<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| self.tile(tile).ok_or(Error::InvalidTile);
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

impl Site<'_> {
    /// A tile; where the partial one has gone, the beginning of the full one in its place.
    fn tile(&self, tile: &Tile) -> Option<Vec<u8>> {
        let path = path(tile);
        let full = || {
            let (full, _) = path.split_once(".p/")?;
            let mut bytes = (self.0)(full)?;
            bytes.truncate(tile.width() as usize * 32);
            Some(bytes)
        };
        (self.0)(&path).or_else(full)
    }
}

/// The path of a tile. Theirs has the height in it, which C2SP leaves out, since it is always 8.
pub(crate) fn path(tile: &Tile) -> String {
    let path = tile.path();
    format!("tile/{}", path.strip_prefix("tile/8/").unwrap())
}

/// The hashes of a tree, one after the other.
struct Stored(Vec<Hash>);

impl Stored {
    fn of(leaves: &[Hash]) -> Self {
        let mut stored = Self(Vec::new());
        for (index, leaf) in (0..).zip(leaves) {
            let hashes = stored_hashes_for_record_hash(index, *leaf, &stored);
            stored.0.extend(hashes.unwrap());
        }
        stored
    }
}

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let read = |index: &u64| self.0.get(usize::try_from(*index).unwrap()).copied();
        let hashes = indexes.iter().map(read).collect::<Option<_>>();
        hashes.ok_or(Error::IndexesNotInTree)
    }
}

/// Reads a log, and says what is wrong with it.
pub(crate) fn read(fetch: Fetch<'_>, key: &str) -> Result<Read, String> {
    let verifier = StandardVerifier::new(key).map_err(|error| error.to_string())?;
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let bytes = fetch("checkpoint").ok_or("no checkpoint")?;
    let note = Note::from_bytes(&bytes).map_err(|error| error.to_string())?;
    let (own, others) = note.verify(&known).map_err(|error| error.to_string())?;
    if own.len() != 1 {
        return Err("the checkpoint is not signed once".to_owned());
    }
    let checkpoint = Checkpoint::from_bytes(note.text()).map_err(|error| error.to_string())?;
    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    let site = Site(fetch);
    let tiles = TileHashReader::new(size, root, &site);
    let said = |error: Error| error.to_string();
    if tree_hash(size, &tiles).map_err(said)? != root {
        return Err("the tiles do not lead to the root".to_owned());
    }
    let indexes: Vec<u64> = (0..size).map(|index| stored_hash_index(0, index)).collect();
    let leaves = tiles.read_hashes(&indexes).map_err(said)?;
    // Before x/mod 0.40, and so in this port of it, up to as many tiles as the root is made of
    // hashes are not compared with their parents (CVE-2026-56865): the leaves must lead to the
    // root by themselves, too.
    let stored = Stored::of(&leaves);
    if tree_hash(size, &stored).map_err(said)? != root {
        return Err("the leaves do not lead to the root".to_owned());
    }
    for (index, entry) in (0..).zip(entries(fetch, size)?) {
        if record_hash(&entry) != leaves[index] {
            return Err("an entry is not that of its leaf".to_owned());
        }
    }
    for index in some(size) {
        let proof = prove_record(size, index, &tiles).map_err(said)?;
        let leaf = leaves[usize::try_from(index).unwrap()];
        check_record(&proof, size, root, index, leaf).map_err(said)?;
    }
    let other = |signature: &Signature| (signature.name().to_owned(), signature.id());
    Ok(Read {
        size,
        root,
        leaves,
        others: others.iter().map(other).collect(),
        note: bytes,
    })
}

/// The entries of all bundles. Bundles are of C2SP alone: these readers have nothing for them but
/// the names of their files.
fn entries(fetch: Fetch<'_>, size: u64) -> Result<Vec<Vec<u8>>, String> {
    let mut entries = Vec::new();
    for tile in Tile::new_tiles(8, 0, size) {
        if tile.level() != 0 {
            continue;
        }
        let path = path(&tile).replacen("tile/0/", "tile/entries/", 1);
        let bytes = fetch(&path).ok_or("no bundle")?;
        let mut rest = bytes.as_slice();
        for _ in 0..tile.width() {
            let (length, after) = rest.split_first_chunk().ok_or("a bundle is too short")?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, after) = after
                .split_at_checked(length)
                .ok_or("a bundle ends within an entry")?;
            entries.push(entry.to_vec());
            rest = after;
        }
        if !rest.is_empty() {
            return Err("a bundle is too long".to_owned());
        }
    }
    Ok(entries)
}

/// Indexes at the edges of tiles, and a few between.
pub(crate) fn some(size: u64) -> impl Iterator<Item = u64> {
    let edges = [
        0, 1, 2, 100, 254, 255, 256, 257, 511, 512, 40_000, 65_535, 65_536,
    ];
    edges.into_iter().filter(move |index| *index < size)
}

/// A proof in the form of C2SP tlog-proof: the hash of the leaf, the index, the proof and the
/// checkpoint.
pub(crate) fn tlog_proof(text: &str) -> (Hash, u64, Vec<Hash>, String) {
    let (proof, note) = text.split_once("\n\n").unwrap();
    let mut lines = proof.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    let leaf = lines.next().unwrap().strip_prefix("extra ").unwrap();
    let index = lines.next().unwrap().strip_prefix("index ").unwrap();
    let hashes = lines.map(|line| Hash::parse_hash(line).unwrap());
    let leaf = Hash::parse_hash(leaf).unwrap();
    (
        leaf,
        index.parse().unwrap(),
        hashes.collect(),
        note.to_owned(),
    )
}
