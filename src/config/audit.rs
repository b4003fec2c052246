//! The audit log: `[audit]`.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::witness::AuditWitness;
use crate::config::witness::RawAuditWitness;

/// The audit log: `[audit]`. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditConfig {
    /// `origin`: the log's name in every checkpoint (C2SP tlog-checkpoint), a URL without a
    /// scheme, of at most 128 printable ASCII characters without space and `+`. It can never be
    /// changed. Required. Example: `"acme.example/counterfoil"`.
    pub origin: String,
    /// `head_dir`: where the latest checkpoint is kept outside the database, so that a database
    /// put back to an earlier state is noticed; best on another disk. Default: `head` in
    /// `vault.data_dir`. Example: `"/var/lib/counterfoil-head"`.
    pub head_dir: PathBuf,
    /// `[audit.witness]`: who else remembers how large the log is. Default: nobody.
    pub witness: Option<AuditWitness>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAudit {
    origin: String,
    head_dir: Option<PathBuf>,
    witness: Option<RawAuditWitness>,
}

impl RawAudit {
    pub(super) fn check(
        self,
        base_dir: &Path,
        data_dir: &Path,
    ) -> Result<AuditConfig, ConfigError> {
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'+';
        let is_origin = !self.origin.is_empty()
            && self.origin.len() <= ORIGIN_BYTES_MAX
            && self.origin.bytes().all(plain);
        if !is_origin {
            return Err(ConfigError::value(
                "audit.origin",
                "is not the name of a log",
                "use a name of your own without a scheme, like \"acme.example/counterfoil\"",
            ));
        }
        let head_dir = match self.head_dir {
            Some(directory) => base_dir.join(directory),
            None => data_dir.join("head"),
        };
        Ok(AuditConfig {
            origin: self.origin,
            head_dir,
            witness: self.witness.map(|it| it.check(base_dir)).transpose()?,
        })
    }
}

const ORIGIN_BYTES_MAX: usize = 128;
