//! Where the root key comes from: `[root_key]`.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::choice;

/// Where the root key comes from: `[root_key]`. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RootKeyConfig {
    /// `provider = "passphrase-file"`: a file that has the root key, wrapped under a passphrase.
    PassphraseFile {
        /// `file`: the wrapped root key. Required. Example: `"root-key.toml"`.
        file: PathBuf,
        /// Where the passphrase comes from.
        passphrase: PassphraseSource,
    },
}

/// Where the passphrase of the root key comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PassphraseSource {
    /// `passphrase_file`, or the file that the environment's `COUNTERFOIL_PASSPHRASE_FILE` names,
    /// which comes first. One line. Example: `"/run/credentials/counterfoil/passphrase"`.
    File(PathBuf),
    /// Asked for on the terminal. The default.
    Terminal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRootKey {
    provider: String,
    file: PathBuf,
    passphrase_file: Option<PathBuf>,
}

impl RawRootKey {
    pub(super) fn check(self, base_dir: &Path) -> Result<RootKeyConfig, ConfigError> {
        choice("root_key.provider", &self.provider, &[(PROVIDER, ())])?;
        let passphrase = match self.passphrase_file {
            Some(file) => PassphraseSource::File(base_dir.join(file)),
            None => PassphraseSource::Terminal,
        };
        Ok(RootKeyConfig::PassphraseFile {
            file: base_dir.join(self.file),
            passphrase,
        })
    }
}

const PROVIDER: &str = "passphrase-file";
