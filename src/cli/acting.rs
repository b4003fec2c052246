//! On whose behalf a command calls.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::connection::ConnectionArgs;
use crate::cli::dev::DevDirectory;
use crate::cli::dev::people::Login;
use crate::cli::error::CliError;
use crate::client::AccessClient;
use crate::client::ActingPrincipal;
use crate::client::AuditClient;
use crate::client::BackupClient;
use crate::client::ClientError;
use crate::client::KeyClient;
use crate::client::RevealClient;
use crate::client::SubjectClient;
use crate::client::TokenClient;
use crate::domain::Clock;
use crate::domain::SystemClock;

/// On whose behalf a command calls.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Acting principal")]
pub(super) struct ActingArgs {
    /// A file with a signed assertion (JWT) of the person on whose behalf you call, read anew for
    /// each call. With --dev and --as, the development vault's identity provider gives one
    #[arg(long, value_name = "FILE")]
    acting_principal_file: Option<PathBuf>,
}

impl ActingArgs {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a setting is missing, a file cannot be read, or the vault does not answer.
    pub(super) async fn connect(
        &self,
        connection: &ConnectionArgs,
    ) -> Result<RevealClient, CliError> {
        let client = RevealClient::connect(&connection.profile()?).await?;
        Ok(match self.acting(connection) {
            Some(acting) => client.on_behalf_of(acting),
            None => client,
        })
    }

    /// Connects to the token listener.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(super) async fn token(&self, connection: &ConnectionArgs) -> Result<TokenClient, CliError> {
        let client = TokenClient::connect(&connection.profile()?).await?;
        Ok(match self.acting(connection) {
            Some(acting) => client.on_behalf_of(acting),
            None => client,
        })
    }

    /// Connects to the reveal listener for calls about grants, freezes and budgets.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(super) async fn access(
        &self,
        connection: &ConnectionArgs,
    ) -> Result<AccessClient, CliError> {
        let client = AccessClient::connect(&connection.profile()?).await?;
        Ok(match self.acting(connection) {
            Some(acting) => client.on_behalf_of(acting),
            None => client,
        })
    }

    /// Connects to the reveal listener for calls about the audit log.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(super) async fn audit(&self, connection: &ConnectionArgs) -> Result<AuditClient, CliError> {
        let client = AuditClient::connect(&connection.profile()?).await?;
        Ok(match self.acting(connection) {
            Some(acting) => client.on_behalf_of(acting),
            None => client,
        })
    }

    /// Connects to the reveal listener for calls about keys.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(super) async fn keys(&self, connection: &ConnectionArgs) -> Result<KeyClient, CliError> {
        let client = KeyClient::connect(&connection.profile()?).await?;
        Ok(match self.acting(connection) {
            Some(acting) => client.on_behalf_of(acting),
            None => client,
        })
    }

    /// Connects to the reveal listener to have backups made.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(super) async fn backups(
        &self,
        connection: &ConnectionArgs,
    ) -> Result<BackupClient, CliError> {
        let client = BackupClient::connect(&connection.profile()?).await?;
        Ok(match self.acting(connection) {
            Some(acting) => client.on_behalf_of(acting),
            None => client,
        })
    }

    /// Connects to the reveal listener for calls about customers.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub(super) async fn subjects(
        &self,
        connection: &ConnectionArgs,
    ) -> Result<SubjectClient, CliError> {
        let client = SubjectClient::connect(&connection.profile()?).await?;
        Ok(match self.acting(connection) {
            Some(acting) => client.on_behalf_of(acting),
            None => client,
        })
    }

    fn acting(&self, connection: &ConnectionArgs) -> Option<Arc<dyn ActingPrincipal>> {
        match &self.acting_principal_file {
            Some(path) => Some(Arc::new(AssertionFile(path.clone()))),
            None => {
                let (directory, identity) = connection.dev_identity()?;
                dev_person(DevDirectory::new(directory), identity)
            }
        }
    }
}

/// The person that an identity of a development vault is, if it is one.
fn dev_person(dev: DevDirectory, identity: &str) -> Option<Arc<dyn ActingPrincipal>> {
    let login = Login::of(identity).filter(|_| dev.has_people())?;
    let clock = SystemClock::default();
    Some(Arc::new(DevPerson { dev, login, clock }))
}

/// A file that whoever put it there may renew.
struct AssertionFile(PathBuf);

impl ActingPrincipal for AssertionFile {
    fn assertion(&self) -> Result<Zeroizing<String>, ClientError> {
        let text = fs::read_to_string(&self.0).map_err(|source| ClientError::Credentials {
            path: self.0.clone(),
            source,
        })?;
        let text = Zeroizing::new(text);
        Ok(Zeroizing::new(text.trim().to_owned()))
    }
}

/// A person of a development vault, whose assertions live as long as one call needs them.
struct DevPerson {
    dev: DevDirectory,
    login: Login,
    clock: SystemClock,
}

impl ActingPrincipal for DevPerson {
    fn assertion(&self) -> Result<Zeroizing<String>, ClientError> {
        let vouched = self.dev.vouch(&self.login, self.clock.now());
        vouched.map_err(|error| ClientError::Credentials {
            path: self.dev.jwks(),
            source: io::Error::other(error.to_string()),
        })
    }
}
