//! Which vault a command talks to, and as whom.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::cli::dev::DevDirectory;
use crate::cli::error::CliError;
use crate::client::Profile;
use crate::domain::Namespace;

/// Which vault a command talks to, and as whom. Flags come before the file of `--config-client`,
/// and that before what `--dev` has.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(super) struct ConnectionArgs {
    /// Talk to the vault that `serve --dev DIR` runs; every other setting is then ignored
    #[arg(long, value_name = "DIR")]
    dev: Option<PathBuf>,

    /// With --dev: which of its identities to be, such as agent or auditor
    #[arg(long = "as", value_name = "NAME", default_value = "dev-backend")]
    identity: String,

    /// A TOML file with the settings below: token_address, reveal_address, server_name, ca,
    /// certificate, key, namespace
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG_CLIENT")]
    config_client: Option<PathBuf>,

    /// The token listener, host:port
    #[arg(long, value_name = "ADDRESS", env = "COUNTERFOIL_TOKEN_ADDRESS")]
    token_address: Option<String>,

    /// The reveal listener, host:port
    #[arg(long, value_name = "ADDRESS", env = "COUNTERFOIL_REVEAL_ADDRESS")]
    reveal_address: Option<String>,

    /// The name that the server's certificate must have, where the address has another
    #[arg(long, value_name = "NAME", env = "COUNTERFOIL_SERVER_NAME")]
    server_name: Option<String>,

    /// The certificates, PEM, that the server's certificate must be signed by
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CA")]
    ca: Option<PathBuf>,

    /// Your certificate, PEM
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CERTIFICATE")]
    certificate: Option<PathBuf>,

    /// The private key of your certificate, PEM
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_KEY")]
    key: Option<PathBuf>,

    /// The tenant
    #[arg(long, value_name = "NAME", env = "COUNTERFOIL_NAMESPACE")]
    namespace: Option<String>,
}

/// What a file, or a development directory, says of a connection.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    token_address: Option<String>,
    reveal_address: Option<String>,
    server_name: Option<String>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    namespace: Option<String>,
}

impl ConnectionArgs {
    /// A connection of a command whose own flags say where: to a development vault under the name
    /// of an identity, or as a client's configuration says.
    pub(super) fn of(
        dev: Option<PathBuf>,
        identity: String,
        config_client: Option<PathBuf>,
        namespace: Option<String>,
    ) -> Self {
        Self {
            dev,
            identity,
            config_client,
            token_address: None,
            reveal_address: None,
            server_name: None,
            ca: None,
            certificate: None,
            key: None,
            namespace,
        }
    }

    /// The same connection for calls that are about no tenant.
    pub(super) fn of_the_whole_vault(mut self) -> Self {
        self.namespace.get_or_insert_with(|| "none".to_owned());
        self
    }

    /// The directory of a development vault, and the identity in it.
    pub(super) fn dev_identity(&self) -> Option<(&Path, &str)> {
        let directory = self.dev.as_deref()?;
        Some((directory, &self.identity))
    }

    /// The profile that the arguments give together.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or something is missing.
    pub(super) fn profile(&self) -> Result<Profile, CliError> {
        // Before everything else: settings of the environment, made for another vault, must not
        // turn a try into a call of that one.
        if let Some(directory) = &self.dev {
            return Settings::of_dev(directory, &self.identity)?.profile();
        }
        let flags = Settings {
            token_address: self.token_address.clone(),
            reveal_address: self.reveal_address.clone(),
            server_name: self.server_name.clone(),
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            namespace: self.namespace.clone(),
        };
        let file = match &self.config_client {
            Some(path) => Settings::read(path)?,
            None => Settings::default(),
        };
        flags.or(file).profile()
    }
}

impl Settings {
    /// Reads a client's configuration; relative paths are relative to the file.
    fn read(path: &Path) -> Result<Self, CliError> {
        let text = fs::read_to_string(path).map_err(CliError::file(path))?;
        let settings: Self = toml::from_str(&text)
            .map_err(|error| CliError::Usage(format!("{}: {}", path.display(), error.message())))?;
        let base_dir = path.parent().unwrap_or(Path::new(""));
        let beside = |file: Option<PathBuf>| file.map(|file| base_dir.join(file));
        Ok(Self {
            ca: beside(settings.ca),
            certificate: beside(settings.certificate),
            key: beside(settings.key),
            ..settings
        })
    }

    fn of_dev(directory: &Path, identity: &str) -> Result<Self, CliError> {
        let dev = DevDirectory::new(directory);
        let endpoints = dev.endpoints()?;
        let (certificate, key) = dev.identity(identity)?;
        Ok(Self {
            token_address: Some(endpoints.token.to_string()),
            reveal_address: Some(endpoints.reveal.to_string()),
            server_name: None,
            ca: Some(dev.ca()),
            certificate: Some(certificate),
            key: Some(key),
            namespace: Some(DevDirectory::NAMESPACE.to_owned()),
        })
    }

    /// These settings, and the others where these have nothing.
    fn or(self, others: Self) -> Self {
        Self {
            token_address: self.token_address.or(others.token_address),
            reveal_address: self.reveal_address.or(others.reveal_address),
            server_name: self.server_name.or(others.server_name),
            ca: self.ca.or(others.ca),
            certificate: self.certificate.or(others.certificate),
            key: self.key.or(others.key),
            namespace: self.namespace.or(others.namespace),
        }
    }

    fn profile(self) -> Result<Profile, CliError> {
        let namespace = required("--namespace", self.namespace)?;
        let namespace = Namespace::new(&namespace)
            .map_err(|error| CliError::Usage(format!("--namespace: {error}")))?;
        // Who may reach one listener need not know the other.
        let addresses = (self.token_address, self.reveal_address);
        let (token_address, reveal_address) = match addresses {
            (None, None) => return Err(missing("--token-address")),
            (token, reveal) => (token.unwrap_or_default(), reveal.unwrap_or_default()),
        };
        Ok(Profile {
            token_address,
            reveal_address,
            server_name: self.server_name,
            ca: required("--ca", self.ca)?,
            certificate: required("--certificate", self.certificate)?,
            key: required("--key", self.key)?,
            namespace,
        })
    }
}

fn required<T>(flag: &str, given: Option<T>) -> Result<T, CliError> {
    given.ok_or_else(|| missing(flag))
}

fn missing(flag: &str) -> CliError {
    CliError::Usage(format!(
        "{flag} is missing\n  give it, or --config-client FILE, or --dev DIR for a development \
         vault"
    ))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        connection: ConnectionArgs,
    }

    fn profile(arguments: &[&str]) -> Result<Profile, CliError> {
        let arguments = ["counterfoil"].iter().chain(arguments);
        Cli::try_parse_from(arguments).unwrap().connection.profile()
    }

    #[test]
    fn flags_come_before_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("client.toml");
        let text = "token_address = \"vault.example:7601\"\nca = \"ca.pem\"\n\
            certificate = \"me.pem\"\nkey = \"/etc/me.key\"\nnamespace = \"shop\"\n";
        fs::write(&path, text).unwrap();
        let file = path.to_str().unwrap();
        let profile = profile(&["--config-client", file, "--namespace", "other"]).unwrap();
        assert_eq!(profile.namespace.as_str(), "other");
        assert_eq!(profile.token_address, "vault.example:7601");
        assert_eq!(profile.ca, directory.path().join("ca.pem"));
        assert_eq!(profile.key, Path::new("/etc/me.key"));
    }

    #[test]
    fn missing_setting_is_named() {
        let error = profile(&["--namespace", "shop"]).unwrap_err();
        assert!(
            error.to_string().starts_with("--token-address is missing"),
            "{error}"
        );
        assert_eq!(error.exit(), crate::cli::Exit::Usage);
    }
}
