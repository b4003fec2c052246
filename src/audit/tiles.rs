//! The log as files that others' tools read: its tiles, bundles of entries, and where they are.
//!
//! Source: C2SP tlog-tiles (<https://c2sp.org/tlog-tiles>). Tiles hold hashes alone, and leaves are
//! salted, so whoever has every tile knows how long the log is, and nothing of what is in it.
//! Entries are another matter: who publishes says whether they are published.

use std::fmt;
use std::str::FromStr;

use crate::audit::SignedCheckpoint;
use crate::audit::tree::StoredTree;
use crate::audit::tree::entry_leaf_hash;
use crate::audit::tree::stored_leaf_hash;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::StoredLeaf;

/// A file of a published log, by its path below the log's prefix.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TilePath {
    /// `checkpoint`: the latest one, a signed note.
    Checkpoint,
    /// `tile/entries/N[.p/W]`: a bundle of entries.
    Entries {
        /// Which one, from 0.
        index: u64,
        /// How many entries it has, 1 to 256.
        width: u16,
    },
    /// `leaf/N`: one entry, as the bytes that its leaf is the hash of. Ours: bundles cannot hold
    /// every entry.
    Leaf {
        /// The index of the entry, from 0.
        index: u64,
    },
    /// `tile/L/N[.p/W]`: hashes.
    Tile {
        /// The level, from 0, each 8 levels of the tree.
        level: u8,
        /// Which one of the level, from 0.
        index: u64,
        /// How many hashes it has, 1 to 256.
        width: u16,
    },
}

/// A log of some size, as files. Whatever a larger log has for the same path is the same bytes.
#[derive(Clone, Copy)]
pub struct Tiles<'a> {
    store: &'a dyn Store,
    size: u64,
    /// The root of the tree of this size, where it is known.
    root: Option<Hash>,
}

/// What there is at a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TileContent {
    /// These bytes.
    Bytes(Vec<u8>),
    /// It is in an archive, as is everything before this entry.
    Archived {
        /// The index of the first entry that is not.
        size: u64,
    },
    /// A bundle cannot hold this entry, whose length does not fit into 16 bits.
    EntryTooLong {
        /// The index of the entry.
        index: u64,
    },
    /// It would have this entry, which was erased.
    Erased {
        /// The index of the entry.
        index: u64,
    },
    /// Nothing: the log is not that long.
    Missing,
}

impl<'a> Tiles<'a> {
    /// The first entries of the log in a store, which has at least as many, by whoever does not
    /// know their root.
    #[cfg(test)]
    pub(super) fn new(store: &'a dyn Store, size: u64) -> Self {
        let root = None;
        Self { store, size, root }
    }

    /// The log of a checkpoint, in a store that has it. Nothing that differs from its tree is read.
    #[must_use]
    pub fn of(store: &'a dyn Store, checkpoint: &SignedCheckpoint) -> Self {
        Self {
            store,
            size: checkpoint.size(),
            root: Some(checkpoint.root()),
        }
    }

    /// What there is at a path, but for the checkpoint.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or does not have what it must.
    pub fn read(&self, path: TilePath) -> Result<TileContent, StoreError> {
        match self.read_stored(path) {
            Err(StoreError::Pruned { size }) => Ok(TileContent::Archived { size }),
            read => read,
        }
    }

    fn read_stored(&self, path: TilePath) -> Result<TileContent, StoreError> {
        match path {
            TilePath::Checkpoint => Ok(TileContent::Missing),
            TilePath::Entries { index, width } => self.bundle(index, width),
            TilePath::Leaf { index } => self.leaf(index),
            TilePath::Tile {
                level,
                index,
                width,
            } => self.tile(level, index, width),
        }
    }

    /// The tiles of the log, at their widest, that a log of this smaller size does not have: first
    /// those of the leaves, then those above.
    pub fn since(&self, older_size: u64) -> impl Iterator<Item = TilePath> + use<> {
        let size = self.size;
        (0..LEVELS_MAX).flat_map(move |level| {
            let (older, newer) = (hashes_count(older_size, level), hashes_count(size, level));
            // A tile that was partial is there anew; one that was full is the same for ever.
            let end = if older == newer {
                0
            } else {
                newer.div_ceil(TILE_WIDTH)
            };
            let tiles = (older / TILE_WIDTH)..end;
            tiles.map(move |index| TilePath::Tile {
                level,
                index,
                width: width_of(newer, index),
            })
        })
    }

    fn tile(&self, level: u8, index: u64, width: u16) -> Result<TileContent, StoreError> {
        if level >= LEVELS_MAX || !has(hashes_count(self.size, level), index, width) {
            return Ok(TileContent::Missing);
        }
        let whole = width_of(hashes_count(self.size, level), index);
        let first = index * TILE_WIDTH;
        let hashes = self
            .store
            .hashes(level * LEVEL_HEIGHT, first, usize::from(whole))?;
        if hashes.len() != usize::from(whole) {
            return Err(StoreError::Corrupt { table: "tiles" });
        }
        if u64::from(whole) == TILE_WIDTH {
            self.check_full(level, index, &hashes)?;
        } else {
            self.check_edge()?;
        }
        let published = hashes.iter().take(usize::from(width));
        Ok(TileContent::Bytes(
            published.copied().collect::<Vec<_>>().concat(),
        ))
    }

    /// Compares what is at the right edge of the tree, where no hash is above, with the root.
    fn check_edge(&self) -> Result<(), StoreError> {
        let Some(root) = self.root else { return Ok(()) };
        let frontier = StoredTree(self.store).frontier(self.size)?;
        if frontier.root() == root {
            Ok(())
        } else {
            Err(StoreError::Corrupt { table: "tiles" })
        }
    }

    /// Compares a full tile with the hash of it one tile above.
    fn check_full(
        &self,
        level: u8,
        index: u64,
        hashes: &[[u8; Hash::LENGTH]],
    ) -> Result<(), StoreError> {
        let mut frontier = Frontier::new();
        for hash in hashes {
            let appended = frontier.append(Hash::from_bytes(*hash), |_, _, _| ());
            appended.map_err(|_| StoreError::Corrupt { table: "tiles" })?;
        }
        let above = level.checked_add(1).filter(|level| *level < LEVELS_MAX);
        let Some(above) = above else { return Ok(()) };
        let above = self.store.hashes(above * LEVEL_HEIGHT, index, 1)?;
        match above.first() {
            Some(above) if above == frontier.root().as_bytes() => Ok(()),
            Some(_) | None => Err(StoreError::Corrupt { table: "tiles" }),
        }
    }

    fn bundle(&self, index: u64, width: u16) -> Result<TileContent, StoreError> {
        if !has(self.size, index, width) {
            return Ok(TileContent::Missing);
        }
        let width = usize::from(width);
        let entries = self.store.entries(index * TILE_WIDTH, width)?;
        let leaves = self.store.hashes(0, index * TILE_WIDTH, width)?;
        if entries.len() != width || leaves.len() != width {
            return Err(StoreError::Corrupt { table: "audit" });
        }
        let mut bytes = Vec::new();
        for (stored, leaf) in entries.iter().zip(&leaves) {
            let index = stored.index();
            if stored_leaf_hash(stored).as_bytes() != leaf {
                return Err(StoreError::Corrupt { table: "audit" });
            }
            let StoredLeaf::Kept(stored) = stored else {
                return Ok(TileContent::Erased { index });
            };
            let Ok(length) = u16::try_from(stored.salt.len() + stored.entry.len()) else {
                return Ok(TileContent::EntryTooLong { index });
            };
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&stored.salt);
            bytes.extend_from_slice(&stored.entry);
        }
        Ok(TileContent::Bytes(bytes))
    }

    fn leaf(&self, index: u64) -> Result<TileContent, StoreError> {
        if index >= self.size {
            return Ok(TileContent::Missing);
        }
        let stored = self.store.entries(index, 1)?;
        let leaf = self.store.hashes(0, index, 1)?;
        match (stored.first(), leaf.first()) {
            (Some(StoredLeaf::Erased { index, .. }), _) => {
                Ok(TileContent::Erased { index: *index })
            }
            (Some(StoredLeaf::Kept(stored)), Some(leaf))
                if entry_leaf_hash(stored).as_bytes() == leaf =>
            {
                let bytes = [&stored.salt, stored.entry.as_slice()].concat();
                Ok(TileContent::Bytes(bytes))
            }
            (_, _) => Err(StoreError::Corrupt { table: "audit" }),
        }
    }
}

impl TilePath {
    /// The bundle of the entries whose hashes a tile of level 0 has; nothing for other tiles.
    #[must_use]
    pub fn entries(self) -> Option<Self> {
        match self {
            Self::Tile {
                level: 0,
                index,
                width,
            } => Some(Self::Entries { index, width }),
            Self::Checkpoint | Self::Entries { .. } | Self::Leaf { .. } | Self::Tile { .. } => None,
        }
    }

    /// Whether it has its whole width, and so will never be wider.
    #[must_use]
    pub fn is_full(self) -> bool {
        match self {
            Self::Checkpoint | Self::Leaf { .. } => true,
            Self::Entries { width, .. } | Self::Tile { width, .. } => {
                u64::from(width) == TILE_WIDTH
            }
        }
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Checkpoint => write!(formatter, "checkpoint"),
            Self::Entries { index, width } => {
                write!(formatter, "tile/entries/{}", number(index, width))
            }
            Self::Leaf { index } => write!(formatter, "leaf/{index}"),
            Self::Tile {
                level,
                index,
                width,
            } => write!(formatter, "tile/{level}/{}", number(index, width)),
        }
    }
}

/// Reads a path that has one spelling only.
impl FromStr for TilePath {
    type Err = NoTilePath;

    fn from_str(text: &str) -> Result<Self, NoTilePath> {
        let read = || {
            if text == "checkpoint" {
                return Some(Self::Checkpoint);
            }
            if let Some(index) = text.strip_prefix("leaf/") {
                let index = index.parse().ok()?;
                return Some(Self::Leaf { index });
            }
            let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
            let (index, width) = read_number(rest)?;
            if level == "entries" {
                return Some(Self::Entries { index, width });
            }
            let level = level.parse().ok()?;
            Some(Self::Tile {
                level,
                index,
                width,
            })
        };
        // Refuses zeros and signs before numbers, and whatever else has two spellings.
        let is_same = |path: &Self| text.len() <= PATH_BYTES_MAX && path.to_string() == text;
        read().filter(is_same).ok_or(NoTilePath)
    }
}

impl fmt::Debug for Tiles<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tiles")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// The text is not a path of a published log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NoTilePath;

/// `x001/x234/067`, and `.p/W` where it is partial.
fn number(index: u64, width: u16) -> String {
    let mut text = format!("{:03}", index % 1_000);
    let mut above = index / 1_000;
    while above > 0 {
        text = format!("x{:03}/{text}", above % 1_000);
        above /= 1_000;
    }
    if u64::from(width) != TILE_WIDTH {
        text.push_str(&format!(".p/{width}"));
    }
    text
}

fn read_number(text: &str) -> Option<(u64, u16)> {
    let (number, width) = match text.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok()?),
        None => (text, 256),
    };
    if width == 0 || u64::from(width) > TILE_WIDTH {
        return None;
    }
    let mut index = 0_u64;
    for part in number.split('/') {
        let digits = part.strip_prefix('x').unwrap_or(part);
        let digits: u64 = digits.parse().ok()?;
        index = index.checked_mul(1_000)?.checked_add(digits)?;
    }
    Some((index, width))
}

/// How many hashes a level of tiles has: of complete subtrees of 256^level leaves.
fn hashes_count(size: u64, level: u8) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(LEVEL_HEIGHT))
        .unwrap_or(0)
}

/// Whether these many hashes fill a tile at this place to this width.
fn has(count: u64, index: u64, width: u16) -> bool {
    let end = index.checked_mul(TILE_WIDTH);
    let end = end.and_then(|first| first.checked_add(u64::from(width)));
    end.is_some_and(|end| end <= count)
}

/// How wide a tile is that is there.
fn width_of(count: u64, index: u64) -> u16 {
    let width = (count - index * TILE_WIDTH).min(TILE_WIDTH);
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// How many hashes a full tile has.
const TILE_WIDTH: u64 = 256;
/// How many levels of the tree a tile has.
const LEVEL_HEIGHT: u8 = 8;
/// No tree has more levels of tiles: it would have more than 2^64 leaves.
const LEVELS_MAX: u8 = 8;
/// The longest path of an index of 64 bits, and room.
const PATH_BYTES_MAX: usize = 64;
