//! `counterfoil keys statement`: what officers sign for a vault that does not run.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::assembly;
use crate::assembly::OfflineBriefing;
use crate::ceremony::NO_CHARTER;
use crate::ceremony::Operation;
use crate::ceremony::Rollback;
use crate::ceremony::Statement;
use crate::cli::config_check;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::offline::offline_error;
use crate::cli::public_keys::LaterLogArgs;
use crate::config::Config;
use crate::config::RootKeyConfig;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;
use crate::domain::Clock;
use crate::domain::DateTime;
use crate::domain::SystemClock;
use crate::domain::Timestamp;

/// Writes what officers sign for a vault that does not run
///
/// Standard output gets the text. Each officer signs it with `keys sign`, on their own machine.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StatementCommand {
    AcceptRollback(AcceptRollbackArgs),
    RotateRootKey(RotateRootKeyArgs),
}

/// That the vault goes on with a database that is behind its head or its witness, or is another log
///
/// Says on standard error what is lost. Nothing is changed, and no root key is needed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys statement accept-rollback --config config.toml > statement.txt

If the key that signs the log has changed since this database was written, its head may be signed by
a key that is not in it. Give that key's public key, as `audit verify` printed it:
  counterfoil keys statement accept-rollback --config config.toml --public-key newer.vkey

If the head went back with the database, only others know what is lost. Give a checkpoint that they
have seen, such as what the witness's operator gets by `counterfoil witness latest`:
  counterfoil keys statement accept-rollback --config config.toml --seen seen.checkpoint")]
pub(in crate::cli) struct AcceptRollbackArgs {
    #[command(flatten)]
    making: MakingArgs,

    #[command(flatten)]
    later: LaterLogArgs,
}

/// That every key of the vault is wrapped under another root key
///
/// Nothing is changed, no root key is needed, and the vault may run. The statement is for the keys
/// as they are now: a key operation in between makes it void.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys statement rotate-root-key --config config.toml --new-root-key new.toml > text")]
pub(in crate::cli) struct RotateRootKeyArgs {
    /// A file with the table of `root_key` as the configuration is to have it afterwards
    #[arg(long, value_name = "FILE")]
    new_root_key: PathBuf,

    #[command(flatten)]
    making: MakingArgs,
}

#[derive(Args, Clone, Debug)]
struct MakingArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG")]
    config: PathBuf,

    /// For how long it may be carried out, in hours
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=24))]
    hours: u64,
}

impl StatementCommand {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        match self {
            Self::AcceptRollback(arguments) => arguments.run(),
            Self::RotateRootKey(arguments) => arguments.run(),
        }
    }
}

impl AcceptRollbackArgs {
    fn run(self) -> Result<Exit, CliError> {
        let config = config_check::load(&self.making.config)?;
        let later = self.later.read()?;
        let found = assembly::brief_rollback(&config, &later);
        let found = found.map_err(|error| offline_error(&error))?;
        let briefing = found.ok_or_else(|| {
            CliError::Failed(
                "the database is not behind its head: there is nothing to accept\n  \
                 if its witness has seen more, give that checkpoint with --seen"
                    .to_owned(),
            )
        })?;
        if let Operation::AcceptRollback(rollback) = &briefing.operation {
            say(what_is_lost(rollback, briefing.latest_time));
        }
        self.making.write(&config, briefing)
    }
}

impl RotateRootKeyArgs {
    fn run(self) -> Result<Exit, CliError> {
        let config = config_check::load(&self.making.config)?;
        let new = RootKeyConfig::load(&self.new_root_key, &self.making.config)?;
        let (from, to) = (config.root_key.kind(), new.kind());
        let briefing = assembly::brief_root_key_move(&config, from, to);
        let briefing = briefing.map_err(|error| offline_error(&error))?;
        self.making.write(&config, briefing)
    }
}

impl MakingArgs {
    fn write(&self, config: &Config, briefing: OfflineBriefing) -> Result<Exit, CliError> {
        let OfflineBriefing {
            operation, charter, ..
        } = briefing;
        let mut nonce = [0; 16];
        SystemEntropy.fill(&mut nonce);
        let now = SystemClock::default().now();
        // Statements have whole seconds.
        let proposed = Timestamp::from_unix_ms(now.unix_ms() / 1_000 * 1_000);
        let statement = Statement {
            vault: config.audit.origin.clone(),
            operation,
            charter,
            nonce,
            proposed,
            expires: proposed.plus_seconds(self.hours * 60 * 60),
        };
        write!(io::stdout(), "{statement}")?;
        say(if charter == NO_CHARTER {
            "the vault has no officers: nobody has to sign this"
        } else {
            "each officer signs it on a machine of their own: counterfoil keys sign FILE"
        });
        Ok(Exit::Done)
    }
}

/// What the officers must know, and what nobody can know.
fn what_is_lost(rollback: &Rollback, latest: Timestamp) -> String {
    let (database, head) = (rollback.database.size, rollback.head.size);
    let latest = DateTime(latest);
    if rollback.is_fork() {
        return format!(
            "the database is ANOTHER LOG: it has {database} entries, the last of {latest},\n  \
             and they are not those of the log that was signed for\n  \
             how many of its {head} entries are lost cannot be told from here: as many as \
             all of them\n  accept this only if you know why"
        );
    }
    let lost = head - database;
    format!(
        "the database has {database} entries, the last of {latest};\n  \
         the vault has signed for {head}\n  \
         lost are at least {lost} entries, after that time, with everything that they tell of\n  \
         that the {database} are among those cannot be proven without those that are lost"
    )
}
