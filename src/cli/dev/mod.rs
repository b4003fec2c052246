//! A vault for development: a directory with everything that `serve --dev` needs.
//!
//! ```text
//! config.toml            the configuration, with its policy
//! tls/                   ca, server: certificates and keys
//! identities/            dev-backend, agent, approver, officer1..3, auditor: client certificates
//! officers/              officer1..3: Ed25519 keys
//! people/                the identity provider: its key, and jwks.json
//! root-key.toml          the wrapped root key
//! passphrase             its passphrase
//! data/                  the vault
//! audit.vkey             the audit log's public key
//! endpoints.toml         where the running vault answers
//! ```

mod authority;
mod create;
pub(in crate::cli) mod identity_provider;
pub(in crate::cli) mod keys_example;
pub(in crate::cli) mod login;
pub(in crate::cli) mod people;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::cli::error::CliError;

/// A directory of a vault for development.
#[derive(Clone, Debug)]
pub(super) struct DevDirectory {
    path: PathBuf,
}

/// Where the running vault answers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoints {
    /// The token listener.
    pub(super) token: SocketAddr,
    /// The reveal listener.
    pub(super) reveal: SocketAddr,
}

impl DevDirectory {
    /// The one namespace of its configuration.
    pub(super) const NAMESPACE: &str = "dev";

    pub(super) fn new(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path }
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    pub(super) fn ca(&self) -> PathBuf {
        self.path.join("tls/ca.pem")
    }

    /// The data directory of the vault.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The public key of the audit log. There is one exactly if the vault was created.
    pub(super) fn audit_vkey(&self) -> PathBuf {
        self.path.join("audit.vkey")
    }

    /// The certificate and the key of an identity.
    ///
    /// # Errors
    ///
    /// If there is none with this name.
    pub(super) fn identity(&self, name: &str) -> Result<(PathBuf, PathBuf), CliError> {
        if !IDENTITIES.contains(&name) {
            let names = IDENTITIES.join(", ");
            return Err(CliError::Usage(format!(
                "--as: no such identity\n  use one of {names}"
            )));
        }
        let directory = self.path.join("identities");
        let certificate = directory.join(format!("{name}.pem"));
        Ok((certificate, directory.join(format!("{name}.key"))))
    }

    /// Where the vault answers.
    ///
    /// # Errors
    ///
    /// If it has never run.
    pub(super) fn endpoints(&self) -> Result<Endpoints, CliError> {
        let directory = self.path.display();
        let text = fs::read_to_string(self.endpoints_file()).map_err(|_| {
            CliError::Usage(format!(
                "no vault has run in {directory}\n  start one: counterfoil serve --dev {directory}"
            ))
        })?;
        toml::from_str(&text).map_err(CliError::failed)
    }

    /// Says where the vault answers, to the commands that come.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(super) fn set_endpoints(&self, endpoints: &Endpoints) -> Result<(), CliError> {
        let path = self.endpoints_file();
        let text = toml::to_string(endpoints).map_err(CliError::failed)?;
        // Written beside and renamed, so that no command reads half of it.
        let new = self.path.join("endpoints.toml.new");
        fs::write(&new, text).map_err(CliError::file(&new))?;
        fs::rename(&new, &path).map_err(CliError::file(&path))
    }

    fn endpoints_file(&self) -> PathBuf {
        self.path.join("endpoints.toml")
    }
}

/// Who there is. Their principals are `spiffe://dev.counterfoil.example/NAME`.
const IDENTITIES: [&str; 7] = [
    "dev-backend",
    "agent",
    "approver",
    "officer1",
    "officer2",
    "officer3",
    "auditor",
];

/// Those of them who are to hold keys of their own.
const OFFICERS: [&str; 3] = ["officer1", "officer2", "officer3"];

/// What their SPIFFE ids begin with.
const TRUST_DOMAIN: &str = "spiffe://dev.counterfoil.example";
