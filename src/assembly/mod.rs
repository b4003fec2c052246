//! A vault from its configuration: made once by [`create()`], and opened at each start by
//! [`open()`].
//!
//! The data directory:
//!
//! ```text
//! rocksdb/    the database
//! ballast     space that a full disk gives back; it may be deleted at any time
//! head/a, b   the signed head of the audit log; it may be kept elsewhere
//! snapshot    while a backup is made: links to tables; removed at a start
//! audit.vkey  the public key of the audit log, as a C2SP verifier key
//! ```
//!
//! Nothing here makes a key or a log but [`create()`] and [`add_namespace`]: a vault that does not
//! find its keys must not make new ones.

mod create;
mod error;
mod fields;
mod formats;
mod in_force;
mod namespaces;
mod offline;
mod open;
mod policies;
mod purge;
mod resharing;
mod rollback;
mod root_key;
mod settings;
mod sweep;
mod witness;

pub use create::add_namespace;
pub use create::create;
pub use error::AssemblyError;
pub use formats::FieldFormatError;
pub use formats::format;
pub use offline::LaterLog;
pub use offline::Offered;
pub use offline::OfflineBriefing;
pub use offline::brief_rollback;
pub use offline::brief_root_key_move;
pub use open::OpenVault;
pub use open::open;
pub use open::open_store;
pub use open::open_unsealed;
pub use policies::load_policies;
pub use policies::reload_policies;
pub use resharing::Resharing;
pub use rollback::accept_rollback;
pub use root_key::RootKeyRotation;
pub use root_key::purge_old_root_key;
pub use root_key::root_key_opens;
pub use settings::server_settings;

use std::path::Path;
use std::path::PathBuf;

use crate::config::Config;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

/// Whether the database of a vault is where the configuration says.
#[must_use]
pub fn is_there(config: &Config) -> bool {
    RocksStore::is_in(&config.data_dir)
}

/// The public key of the audit log in a data directory.
#[must_use]
pub fn audit_key_file(data_dir: &Path) -> PathBuf {
    data_dir.join("audit.vkey")
}

/// The options of the embedded store.
fn rocks_options(config: &Config) -> RocksOptions {
    RocksOptions {
        block_cache_bytes: config.store.block_cache_bytes,
        memtable_bytes: config.store.memtable_bytes,
        disk_reserve_bytes: config.store.disk_reserve_bytes,
    }
}
