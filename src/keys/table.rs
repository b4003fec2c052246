//! The stored keys of a vault, and the changes of their rows.

use sha2::Digest;
use sha2::Sha256;

use crate::crypto::Encoding;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::Namespace;
use crate::keys::KeyError;
use crate::keys::StoredKey;
use crate::store::NamespaceId;
use crate::store::RowChange;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Table;

/// Every stored key of a vault, as the store has them.
#[derive(Clone, Debug, Default)]
pub struct KeyTable {
    rows: Vec<KeyRow>,
}

#[derive(Clone, Debug)]
struct KeyRow {
    row_key: Vec<u8>,
    stored: Vec<u8>,
    key: StoredKey,
}

/// Why the table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeyTableError {
    /// A row is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeyTable {
    /// Reads every key of the vault.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or a row is no key.
    pub fn read(store: &dyn Store) -> Result<Self, KeyTableError> {
        let mut rows = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = store.rows(Table::Keys, after.as_deref(), KEYS_PER_READ)?;
            let Some((last, _)) = page.last() else {
                return Ok(Self { rows });
            };
            after = Some(last.clone());
            for (row_key, stored) in page {
                let key = StoredKey::decode(&stored)?;
                rows.push(KeyRow {
                    row_key,
                    stored,
                    key,
                });
            }
        }
    }

    /// SHA-256 of every row, as it is stored: of other keys, states or wrappings it is another one.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let rows = self.rows.iter();
        let encoding = Encoding::begin(Sha256::new(), "counterfoil/v1/key-table");
        let encoding = rows.fold(encoding, |encoding, row| {
            encoding.part(&row.row_key).part(&row.stored)
        });
        encoding.finish().finalize().into()
    }

    /// The keys, in the order of namespaces, purposes and versions.
    #[must_use]
    pub fn keys(&self) -> Vec<StoredKey> {
        self.rows.iter().map(|row| row.key.clone()).collect()
    }

    /// The key with this name.
    #[must_use]
    pub fn key(&self, name: &KeyName) -> Option<&StoredKey> {
        let mut keys = self.rows.iter().map(|row| &row.key);
        keys.find(|key| key.metadata().name() == *name)
    }

    /// The active version of a key.
    #[must_use]
    pub fn active(&self, purpose: KeyPurpose, namespace: Option<&Namespace>) -> Option<&StoredKey> {
        let mut keys = self.rows.iter().map(|row| &row.key);
        keys.find(|key| {
            let metadata = key.metadata();
            metadata.purpose() == purpose
                && metadata.namespace() == namespace
                && metadata.state() == KeyState::Active
        })
    }

    /// The newest version of a key, in whatever state.
    #[must_use]
    pub fn newest(&self, purpose: KeyPurpose, namespace: Option<&Namespace>) -> Option<&StoredKey> {
        let of_key = self.rows.iter().map(|row| &row.key).filter(|key| {
            key.metadata().purpose() == purpose && key.metadata().namespace() == namespace
        });
        of_key.max_by_key(|key| key.metadata().version())
    }

    /// Puts a key in its place, new or changed, and returns the change of its row: it holds only if
    /// nobody else has changed the row since it was read.
    pub fn put(&mut self, namespace: Option<NamespaceId>, key: StoredKey) -> RowChange {
        let row_key = row_key(namespace, &key);
        let value = key.encode();
        let place = self.rows.iter_mut().find(|row| row.row_key == row_key);
        let expected = match place {
            Some(row) => {
                row.key = key;
                Some(std::mem::replace(&mut row.stored, value.clone()))
            }
            None => {
                self.rows.push(KeyRow {
                    row_key: row_key.clone(),
                    stored: value.clone(),
                    key,
                });
                None
            }
        };
        RowChange {
            table: Table::Keys,
            key: row_key,
            expected,
            value: Some(value),
        }
    }
}

/// Namespace 4 bytes, 0 for the whole vault; purpose 1; version 4.
fn row_key(namespace: Option<NamespaceId>, key: &StoredKey) -> Vec<u8> {
    let metadata = key.metadata();
    let mut row_key = namespace.map_or(0, |id| id.0).to_be_bytes().to_vec();
    row_key.push(metadata.purpose().number());
    row_key.extend_from_slice(&metadata.version().number().to_be_bytes());
    row_key
}

/// Rows in one read.
const KEYS_PER_READ: usize = 1_000;
