//! The configuration: one TOML file, read into one [`Config`], all of it checked before a port is
//! bound.
//!
//! Unknown keys are refused, so that a misspelt limit is no limit that is silently missing.
//! Relative paths are relative to the file. Errors name the key and the remedy.

mod access;
mod audit;
mod backup;
mod error;
mod format;
mod limits;
mod listen;
mod namespace;
mod officers;
mod people;
mod permit;
mod root_key;
mod services;
mod store;
#[cfg(test)]
mod tests;
mod tls;
mod witness;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::access::AccessRules;
use crate::cases::CaseSettings;
use crate::domain::Namespace;
use crate::format::GrammarSpec;
use crate::pager::PagerSettings;
use crate::people::IssuerSettings;
use crate::policy::Rule;

pub use audit::AuditConfig;
pub use backup::BackupConfig;
pub use error::ConfigError;
pub use format::FieldFormat;
pub use format::TextFormat;
pub use limits::ITEMS_PER_REQUEST_MAX;
pub use limits::Limits;
pub use listen::ListenConfig;
pub use namespace::FieldConfig;
pub use namespace::NamespaceConfig;
pub use namespace::OnInvalid;
pub use officers::OfficersConfig;
pub use permit::Purposes;
pub use root_key::PassphraseSource;
pub use root_key::RootKeyConfig;
pub use store::StoreConfig;
pub use tls::TlsConfig;
pub use witness::AuditWitness;
pub use witness::WitnessConfig;
pub use witness::WitnessedLog;

/// The whole configuration. Every table is read once, at start, where it does not say otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// `vault.data_dir`: the directory of the database. Required. Example:
    /// `"/var/lib/counterfoil"`.
    pub data_dir: PathBuf,
    /// `[listen]`: where the vault answers.
    pub listen: ListenConfig,
    /// `[tls]`: who the vault is, and whom it believes.
    pub tls: TlsConfig,
    /// `[root_key]`: where the root key comes from.
    pub root_key: RootKeyConfig,
    /// `[audit]`: the audit log.
    pub audit: AuditConfig,
    /// `[officers]`: who may change keys.
    pub officers: OfficersConfig,
    /// `[backup]`: where backups go. Default: none are made.
    pub backup: Option<BackupConfig>,
    /// `[limits]`: how much the vault takes on.
    pub limits: Limits,
    /// `[store]`: how the embedded store uses the machine.
    pub store: StoreConfig,
    /// `[namespaces]`: tenants and their fields, at least one.
    pub namespaces: BTreeMap<Namespace, NamespaceConfig>,
    /// `[[permit]]`: who may do what, in the order of the file. Default: nobody anything. Read
    /// again at SIGHUP.
    pub permits: Vec<Rule>,
    /// `policies.dir`: a directory with policies in Cedar. Default: none. Example:
    /// `"/etc/counterfoil/policies"`. Its files are read again at SIGHUP.
    pub policies_dir: Option<PathBuf>,
    /// `[people.issuers]`: who vouches for people, in the order of their names. Default: nobody.
    pub people: Vec<IssuerSettings>,
    /// `[purposes]`: which purposes a reveal may name.
    pub purposes: Purposes,
    /// `[pager]`: whom to page. Default: nobody.
    pub pager: Option<PagerSettings>,
    /// `[cases]`: who knows of cases. Default: nobody.
    pub cases: Option<CaseSettings>,
    /// `[[budget]]` and `[alarms]`: how much anybody may see, and what freezes them.
    pub access: AccessRules,
}

impl Config {
    /// Reads and checks a configuration file. `passphrase_file` is what the environment's
    /// [`PASSPHRASE_FILE_VARIABLE`] names; it comes before the file's own key.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not TOML, or says something that it may not.
    pub fn load(path: &Path, passphrase_file: Option<OsString>) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut config = Self::from_toml(&text, path.parent().unwrap_or(Path::new("")))?;
        if let Some(file) = passphrase_file {
            config.root_key.set_passphrase_file(file.into());
        }
        Ok(config)
    }

    /// Checks a configuration; relative paths are relative to `base_dir`.
    ///
    /// # Errors
    ///
    /// If the text is not TOML, or says something that it may not.
    pub fn from_toml(text: &str, base_dir: &Path) -> Result<Self, ConfigError> {
        let raw: RawConfig =
            toml::from_str(text).map_err(|error| ConfigError::syntax(text, &error))?;
        let data_dir = base_dir.join(raw.vault.data_dir);
        let audit = raw.audit.check(base_dir, &data_dir)?;
        format::check_formats(&raw.formats)?;
        let namespaces = namespace::check(raw.namespaces, &raw.formats)?;
        let permits = raw.permit.iter().enumerate();
        let permits = permits.map(|(position, permit)| permit.check(position, &namespaces));
        Ok(Self {
            listen: raw.listen.check()?,
            tls: raw.tls.check(base_dir),
            root_key: raw.root_key.check(base_dir)?,
            officers: raw.officers.check()?,
            backup: raw.backup.map(|it| it.check(base_dir)).transpose()?,
            limits: raw.limits.check()?,
            store: raw.store.check()?,
            pager: raw.pager.map(|it| it.check(base_dir)).transpose()?,
            cases: raw.cases.map(|it| it.check(base_dir)).transpose()?,
            access: access::check(&raw.budget, &raw.alarms, &namespaces)?,
            permits: permits.collect::<Result<_, _>>()?,
            policies_dir: raw.policies.dir.map(|dir| base_dir.join(dir)),
            people: raw.people.check(base_dir)?,
            purposes: raw.purposes.check()?,
            data_dir,
            audit,
            namespaces,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    vault: RawVault,
    listen: listen::RawListen,
    tls: tls::RawTls,
    root_key: root_key::RawRootKey,
    audit: audit::RawAudit,
    backup: Option<backup::RawBackup>,
    #[serde(default)]
    officers: officers::RawOfficers,
    #[serde(default)]
    limits: limits::RawLimits,
    #[serde(default)]
    store: store::RawStore,
    #[serde(default)]
    formats: BTreeMap<String, GrammarSpec>,
    #[serde(default)]
    namespaces: BTreeMap<String, namespace::RawNamespace>,
    #[serde(default)]
    permit: Vec<permit::RawPermit>,
    #[serde(default)]
    policies: permit::RawPolicies,
    #[serde(default)]
    people: people::RawPeople,
    #[serde(default)]
    purposes: permit::RawPurposes,
    #[serde(default)]
    budget: Vec<access::RawBudget>,
    #[serde(default)]
    alarms: access::RawAlarms,
    pager: Option<services::RawPager>,
    cases: Option<services::RawCases>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVault {
    data_dir: PathBuf,
}

/// The environment variable that names the file of the root key's passphrase.
pub const PASSPHRASE_FILE_VARIABLE: &str = "COUNTERFOIL_PASSPHRASE_FILE";
