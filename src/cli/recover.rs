//! `counterfoil recover`: lets a vault go on that does not start by itself.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::audit::RollbackOutcome;
use crate::cli::block_on;
use crate::cli::config_check;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::offline::OfferedArgs;
use crate::cli::offline::offline_error;
use crate::cli::public_keys::LaterLogArgs;
use crate::cli::root_key;
use crate::cli::shares::ShareArgs;
use crate::cli::wiring;
use crate::keys::hardening;

/// Lets a vault go on that refuses to start, as its officers have signed
#[derive(Debug, Subcommand)]
pub(super) enum RecoverCommand {
    AcceptRollback(AcceptRollbackArgs),
}

/// Goes on with a database that is behind its head or its witness, or is another log, once officers
/// accept that
///
/// What came after it is lost, and the audit log says so from now on.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The vault must not run. The charter that counts is the one in this database: the officers of the
time that it is from. To repeat the command after a crash is safe.

Exit code 3: too few officers have signed, or they signed something else. Exit code 4: the log in
the database does not verify.

A database from before a change of the signing key does not know who signed its head: give the newer
public key, as `audit verify` printed it, with --public-key. Where the head went back with the
database, give the checkpoint that the statement was made with, with --seen.

Example:
  counterfoil keys statement accept-rollback --config config.toml > statement.txt
  counterfoil keys sign statement.txt --name officer1 --officer-key officer1.pem > one.txt
  counterfoil keys sign one.txt --name officer2 --officer-key officer2.pem > both.txt
  counterfoil recover accept-rollback --config config.toml --statement both.txt
  counterfoil recover accept-rollback --config config.toml --statement both.txt \\
    --public-key later.vkey
  counterfoil recover accept-rollback --config config.toml --statement both.txt \\
    --seen seen.checkpoint")]
pub(super) struct AcceptRollbackArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    #[command(flatten)]
    offered: OfferedArgs,

    #[command(flatten)]
    later: LaterLogArgs,

    #[command(flatten)]
    shares: ShareArgs,
}

impl RecoverCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::AcceptRollback(arguments) => arguments.run(),
        }
    }
}

impl AcceptRollbackArgs {
    fn run(self) -> Result<Exit, CliError> {
        let config = config_check::load(&self.config)?;
        let offered = self.offered.read()?.ok_or_else(|| {
            CliError::Usage(
                "--statement is missing\n  make it: counterfoil keys statement accept-rollback"
                    .to_owned(),
            )
        })?;
        let later = self.later.read()?;
        hardening::protect_process_memory()?;
        let root = root_key::open(&config, &self.shares)?;
        let (accepted, index) = block_on(async {
            let accepted = wiring::accept_rollback(&config, &*root, &offered, &later).await;
            accepted.map_err(|error| offline_error(&error))
        })?;
        say(match accepted {
            RollbackOutcome::Accepted => {
                "the log goes on with this database, and says what is lost; start the vault\n  \
                 what was erased, frozen, revoked, rotated or destroyed since then is so no more: \
                 do it again"
            }
            RollbackOutcome::Finished => {
                "an earlier attempt was cut off; it is finished now: start the vault"
            }
            RollbackOutcome::Before => "it was accepted before; nothing was changed",
        });
        if config.audit.witness.is_some() {
            say(format_args!(
                "the witness refuses until its operator accepts it too, by the proof of this:\n  \
                 counterfoil audit prove-inclusion {index} --with-entry"
            ));
        }
        Ok(Exit::Done)
    }
}
