//! Where the root key comes from: `[root_key]`.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::ceremony::RootKeyKind;
use crate::config::error::ConfigError;
use crate::config::error::choice;
use crate::keys::root::TokenKeyName;

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
    /// `provider = "pkcs11"`: a key on a PKCS#11 token, which never leaves it.
    Pkcs11 {
        /// `module`, `token` and `key`: which key. Required. Example:
        /// `"/usr/lib/softhsm/libsofthsm2.so"`, `"counterfoil"` and `"root-key"`.
        name: TokenKeyName,
        /// Where the PIN comes from: `pin_file`.
        pin: PassphraseSource,
    },
    /// `provider = "shares"`: officers' shares. The vault starts sealed, until enough of them have
    /// given theirs.
    Shares {
        /// `file`: the sharing file. Required. Example: `"sharing.toml"`.
        file: PathBuf,
    },
}

/// Where the passphrase of the root key comes from, or the PIN of its token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PassphraseSource {
    /// `passphrase_file` or `pin_file`, or the file that the environment's
    /// `COUNTERFOIL_PASSPHRASE_FILE` names, which comes first. One line. Example:
    /// `"/run/credentials/counterfoil/passphrase"`.
    File(PathBuf),
    /// Asked for on the terminal. The default.
    Terminal,
}

impl RootKeyConfig {
    /// Reads a file that has the table `[root_key]` alone, as a configuration is to have it.
    /// Relative paths are relative to the configuration, `config`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not TOML, or says something that it may not.
    pub fn load(path: &Path, config: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let raw: RawFile =
            toml::from_str(&text).map_err(|error| ConfigError::syntax(&text, &error))?;
        raw.root_key.check(config.parent().unwrap_or(Path::new("")))
    }

    /// What holds the root key.
    #[must_use]
    pub const fn kind(&self) -> RootKeyKind {
        match self {
            Self::PassphraseFile { .. } => RootKeyKind::PassphraseFile,
            Self::Pkcs11 { .. } => RootKeyKind::Pkcs11,
            Self::Shares { .. } => RootKeyKind::Shares,
        }
    }

    /// Whether the other root key would be kept where this one is.
    #[must_use]
    pub fn is_in_place_of(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::PassphraseFile { file, .. } | Self::Shares { file },
                Self::PassphraseFile { file: other, .. } | Self::Shares { file: other },
            ) => file == other,
            (Self::Pkcs11 { name, .. }, Self::Pkcs11 { name: other, .. }) => name == other,
            (_, _) => false,
        }
    }

    /// Takes the passphrase or the PIN from another file. Officers have passphrases of their own.
    pub(super) fn set_passphrase_file(&mut self, path: PathBuf) {
        match self {
            Self::PassphraseFile { passphrase, .. } => *passphrase = PassphraseSource::File(path),
            Self::Pkcs11 { pin, .. } => *pin = PassphraseSource::File(path),
            Self::Shares { .. } => {}
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRootKey {
    provider: String,
    file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    module: Option<PathBuf>,
    token: Option<String>,
    key: Option<String>,
    pin_file: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    root_key: RawRootKey,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Provider {
    PassphraseFile,
    Pkcs11,
    Shares,
}

impl RawRootKey {
    pub(super) fn check(self, base_dir: &Path) -> Result<RootKeyConfig, ConfigError> {
        let provider = choice("root_key.provider", &self.provider, &PROVIDERS)?;
        self.refuse_others(provider)?;
        match provider {
            Provider::PassphraseFile => Ok(RootKeyConfig::PassphraseFile {
                file: base_dir.join(required("file", self.file)?),
                passphrase: source(base_dir, self.passphrase_file),
            }),
            Provider::Pkcs11 => Ok(RootKeyConfig::Pkcs11 {
                name: TokenKeyName {
                    module: base_dir.join(required("module", self.module)?),
                    token: label("token", self.token, TOKEN_LABEL_BYTES_MAX)?,
                    key: label("key", self.key, KEY_LABEL_BYTES_MAX)?,
                },
                pin: source(base_dir, self.pin_file),
            }),
            Provider::Shares => Ok(RootKeyConfig::Shares {
                file: base_dir.join(required("file", self.file)?),
            }),
        }
    }

    /// Refuses keys that another provider has: whoever wrote them believes that they do something.
    fn refuse_others(&self, provider: Provider) -> Result<(), ConfigError> {
        let given = [
            ("file", self.file.is_some(), provider != Provider::Pkcs11),
            (
                "passphrase_file",
                self.passphrase_file.is_some(),
                provider == Provider::PassphraseFile,
            ),
            (
                "module",
                self.module.is_some(),
                provider == Provider::Pkcs11,
            ),
            ("token", self.token.is_some(), provider == Provider::Pkcs11),
            ("key", self.key.is_some(), provider == Provider::Pkcs11),
            (
                "pin_file",
                self.pin_file.is_some(),
                provider == Provider::Pkcs11,
            ),
        ];
        let wrong = given
            .into_iter()
            .find(|(_, is_given, fits)| *is_given && !fits);
        match wrong {
            None => Ok(()),
            Some((name, _, _)) => Err(ConfigError::value(
                format!("root_key.{name}"),
                "is of another provider",
                "remove it, or choose the provider that has it",
            )),
        }
    }
}

fn source(base_dir: &Path, file: Option<PathBuf>) -> PassphraseSource {
    match file {
        Some(file) => PassphraseSource::File(base_dir.join(file)),
        None => PassphraseSource::Terminal,
    }
}

fn required<T>(name: &str, given: Option<T>) -> Result<T, ConfigError> {
    given.ok_or_else(|| {
        ConfigError::value(
            format!("root_key.{name}"),
            "is missing",
            "the provider needs it: docs/root-key.md",
        )
    })
}

fn label(name: &str, given: Option<String>, bytes_max: usize) -> Result<String, ConfigError> {
    let label = required(name, given)?;
    let is_label = !label.is_empty()
        && label.len() <= bytes_max
        && label.trim() == label
        && !label.contains(char::is_control);
    if is_label {
        return Ok(label);
    }
    Err(ConfigError::value(
        format!("root_key.{name}"),
        "is not a label",
        format!("use 1 to {bytes_max} bytes, without spaces around them"),
    ))
}

const PROVIDERS: [(&str, Provider); 3] = [
    ("passphrase-file", Provider::PassphraseFile),
    ("pkcs11", Provider::Pkcs11),
    ("shares", Provider::Shares),
];
/// CK_TOKEN_INFO has so many, filled up with spaces.
const TOKEN_LABEL_BYTES_MAX: usize = 32;
const KEY_LABEL_BYTES_MAX: usize = 64;
