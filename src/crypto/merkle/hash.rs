//! The hashes of leaves and nodes.

use std::fmt;

use sha2::Digest;
use sha2::Sha256;

/// A SHA-256 hash of a leaf, a node or a whole tree.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hash([u8; Hash::LENGTH]);

impl Hash {
    /// How many bytes a hash has.
    pub const LENGTH: usize = 32;

    /// The hash with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The root of the tree without leaves: the hash of nothing.
    #[must_use]
    pub fn of_empty_tree() -> Self {
        Self(Sha256::digest([]).into())
    }
}

/// The hash of a leaf: of 0x00 and its bytes.
///
/// Source: RFC 6962, section 2.1. The first byte keeps leaves and nodes apart.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([0x00])
            .chain_update(leaf)
            .finalize()
            .into(),
    )
}

/// The hash of a node: of 0x01 and both hashes below it.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([0x01])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hash({self})")
    }
}
