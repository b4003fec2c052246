//! `counterfoil keys propose`.

use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::audit::Archive;
use crate::audit::verify_archive;
use crate::ceremony::Charter;
use crate::ceremony::LogPoint;
use crate::ceremony::Operation;
use crate::ceremony::Retokenization;
use crate::ceremony::STATEMENT_SECONDS_MAX;
use crate::cli::acting::ActingArgs;
use crate::cli::audit::verify_error;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::charter_text::show_brought;
use crate::cli::keys::list::charter;
use crate::cli::keys::show;
use crate::cli::keys::signing::Officer;
use crate::cli::keys::signing::SigningArgs;
use crate::cli::public_keys::read_public_keys;
use crate::client;
use crate::client::KeyClient;
use crate::crypto::SystemEntropy;
use crate::domain::Clock;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::SystemClock;
use crate::domain::Timestamp;
use crate::protocol;

/// Proposes an operation, by signing what it will do
///
/// Standard output gets the operation's id. It is carried out once as many officers have signed as
/// the charter asks for, and its delay is over: the others sign with `keys approve ID`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ProposeCommand {
    Charter(CharterArgs),

    /// That a key version may be known to others: it protects nothing new, for good
    ///
    /// If it was the active one, another takes its place. Of a wrapping key, a job moves everything
    /// away from it; a compromised signing key signs nothing more.
    #[command(after_help = "\
Example:
  counterfoil keys propose compromise --key-version 1 --dev .dev --as officer1 --yes")]
    Compromise(KeyArgs),

    /// That a key version opens nothing any more, ever again
    ///
    /// Refused while anything is still under it, and for the active version. Its bytes are removed
    /// from the disk.
    #[command(after_help = "\
Example:
  counterfoil keys propose destroy --key-version 1 --dev .dev --as officer1 --yes")]
    Destroy(KeyArgs),

    /// That a suspended key version is trusted again, to open what it protected
    #[command(after_help = "\
Example:
  counterfoil keys propose resume --key-version 1 --dev .dev --as officer1 --yes")]
    Resume(KeyArgs),

    EraseEntry(EraseEntryArgs),
    PruneLog(PruneLogArgs),
    Retokenize(RetokenizeArgs),
    Rotate(RotateArgs),

    /// That a key version protects nothing new for now
    ///
    /// If it was the active one, another takes its place.
    #[command(after_help = "\
Example:
  counterfoil keys propose suspend --key-version 1 --dev .dev --as officer1 --yes")]
    Suspend(KeyArgs),
}

/// A new version of a key, active at once
///
/// Of a wrapping key and the audit fingerprint key, a job moves everything to it. What the other
/// fingerprint keys find moves as known values are tokenized, and with `keys reindex`. Nothing
/// moves to a new signing key: `audit verify` prints its public key.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys propose rotate --dev .dev --as officer1 --yes")]
pub(in crate::cli) struct RotateArgs {
    /// What the key is for: wrapping, token-fingerprint, value-fingerprint, audit-fingerprint or
    /// audit-signing
    #[arg(value_name = "KEY", value_parser = purpose, default_value = "wrapping")]
    purpose: KeyPurpose,

    #[command(flatten)]
    proposing: ProposingArgs,
}

// Which operation it is, the command says: help of its own would stand in the place of that.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct KeyArgs {
    /// What the key is for: wrapping, token-fingerprint, value-fingerprint, audit-fingerprint or
    /// audit-signing
    #[arg(value_name = "KEY", value_parser = purpose, default_value = "wrapping")]
    purpose: KeyPurpose,

    /// Which version
    #[arg(long, value_name = "NUMBER", value_parser = version)]
    key_version: KeyVersion,

    #[command(flatten)]
    proposing: ProposingArgs,
}

/// Other officers, or other rules: the text of a new charter
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
`counterfoil keys list --charter` prints the charter that is in force, to start from.

Example:
  counterfoil keys propose charter new-charter.txt --dev .dev --as officer1 --yes")]
pub(in crate::cli) struct CharterArgs {
    /// The file with the text
    file: PathBuf,

    #[command(flatten)]
    proposing: ProposingArgs,
}

/// That tokens of the namespace may be replaced by others for the same values, for a time
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
For after keys became known to others. Nothing happens by itself: who has the tokens replaces them
with `counterfoil retokenize --operation ID`, where a policy permits it.

Example:
  counterfoil keys propose retokenize --tokens 500000 --open-hours 72 --dev .dev --as officer1")]
pub(in crate::cli) struct RetokenizeArgs {
    /// How many tokens may be replaced at the most
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    tokens: u64,

    /// For how many hours from now, at most 90 days
    #[arg(long, value_name = "HOURS", default_value_t = 48,
        value_parser = clap::value_parser!(u64).range(1..=2160))]
    open_hours: u64,

    #[command(flatten)]
    proposing: ProposingArgs,
}

/// That the content of one entry of the log is erased, for ever
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
What is left is the hash of the entry's leaf: the log still verifies, receipts of the entry too, and
a new entry says who erased it. Reports of who was seen lack it from then on. A reveal has two
entries: its intent, and its outcome, which names it (intent_index).

Example:
  counterfoil keys propose erase-entry 4711 --dev .dev --as officer1")]
pub(in crate::cli) struct EraseEntryArgs {
    /// The index of the entry
    #[arg(value_name = "INDEX")]
    index: u64,

    #[command(flatten)]
    proposing: ProposingArgs,
}

/// That the beginning of the log is taken out of the vault: what an archive has
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The archive is verified first. It is then the only place that has these entries: keep it in two
places, away from the vault. Each officer verifies a copy: counterfoil audit verify --archive DIR

Example:
  counterfoil keys propose prune-log --archive /mnt/archive --public-key audit.vkey --dev .dev \\
    --as officer1")]
pub(in crate::cli) struct PruneLogArgs {
    /// The directory that `audit archive` has written
    #[arg(long, value_name = "DIR")]
    archive: PathBuf,

    /// The public key of the log, in a file
    #[arg(long = "public-key", value_name = "FILE", required = true)]
    public_keys: Vec<PathBuf>,

    #[command(flatten)]
    proposing: ProposingArgs,
}

#[derive(Args, Clone, Debug)]
pub(super) struct ProposingArgs {
    /// For how long others may sign, in hours
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=24))]
    hours: u64,

    /// Write the operation as one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    signing: SigningArgs,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ProposeCommand {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        type Make = fn(KeyName) -> Operation;
        let (arguments, make): (KeyArgs, Make) = match self {
            Self::Charter(arguments) => return arguments.run().await,
            Self::EraseEntry(arguments) => {
                let operation = Operation::EraseEntry(arguments.index);
                return arguments.proposing.propose(|_| Ok((operation, None))).await;
            }
            Self::PruneLog(arguments) => return arguments.run().await,
            Self::Retokenize(arguments) => return arguments.run().await,
            Self::Rotate(arguments) => return arguments.run().await,
            Self::Compromise(arguments) => (arguments, Operation::CompromiseKey),
            Self::Destroy(arguments) => (arguments, Operation::DestroyKey),
            Self::Resume(arguments) => (arguments, Operation::ResumeKey),
            Self::Suspend(arguments) => (arguments, Operation::SuspendKey),
        };
        let name = arguments.name()?;
        let proposing = arguments.proposing;
        proposing.propose(|_| Ok((make(name), None))).await
    }
}

impl KeyArgs {
    /// The version that it is about.
    fn name(&self) -> Result<KeyName, CliError> {
        Ok(KeyName {
            purpose: self.purpose,
            namespace: self.proposing.namespace(self.purpose)?,
            version: self.key_version,
        })
    }
}

impl RotateArgs {
    async fn run(self) -> Result<Exit, CliError> {
        let purpose = self.purpose;
        let namespace = self.proposing.namespace(purpose)?;
        let active = |listed: &protocol::ListKeysResponse| {
            let mut names = listed
                .keys
                .iter()
                .filter(|key| key.state() == protocol::KeyState::Active)
                .filter_map(|key| version_of(&key.name, purpose, namespace.as_ref()));
            let version = names.next().ok_or_else(|| {
                CliError::Usage("the vault has no such key, or none that is active".to_owned())
            })?;
            let name = KeyName {
                purpose,
                namespace: namespace.clone(),
                version,
            };
            Ok((Operation::RotateKey(name), None))
        };
        self.proposing.propose(active).await
    }
}

impl RetokenizeArgs {
    async fn run(self) -> Result<Exit, CliError> {
        let namespace = self.proposing.connection.profile()?.namespace;
        let until = SystemClock::default()
            .now()
            .plus_seconds(self.open_hours * 60 * 60);
        let allowed = Retokenization {
            namespace,
            tokens_max: self.tokens,
            // Statements have whole seconds.
            until: Timestamp::from_unix_ms(until.unix_ms() / 1_000 * 1_000),
        };
        let operation = Operation::Retokenize(allowed);
        self.proposing.propose(|_| Ok((operation, None))).await
    }
}

impl PruneLogArgs {
    async fn run(self) -> Result<Exit, CliError> {
        let keys = read_public_keys(&self.public_keys)?;
        let archive = Archive::open(&self.archive).map_err(verify_error)?;
        let report = verify_archive(&archive, &keys).map_err(verify_error)?;
        if report.untold_count > 0 {
            let problem = "the archive has erased entries, and not the entries that say so\n  \
                archive more of the log: they could have been left out of the archive";
            return Err(CliError::Verification(problem.to_owned()));
        }
        let operation = Operation::PruneLog(LogPoint {
            size: report.tree_size,
            root: *report.root.as_bytes(),
        });
        self.proposing.propose(|_| Ok((operation, None))).await
    }
}

impl CharterArgs {
    async fn run(self) -> Result<Exit, CliError> {
        let text = fs::read_to_string(&self.file).map_err(CliError::file(&self.file))?;
        let charter = Charter::read(&text)
            .and_then(Charter::check_new)
            .map_err(|error| CliError::Usage(format!("{}: {error}", self.file.display())))?;
        let operation = Operation::ChangeCharter(charter.digest());
        let brought = Some(text);
        self.proposing.propose(|_| Ok((operation, brought))).await
    }
}

impl ProposingArgs {
    async fn client(&self) -> Result<KeyClient, CliError> {
        self.acting.keys(&self.connection).await
    }

    /// Opens the officer's key, and finds in the charter whose it is.
    fn officer(&self, charter: &Charter) -> Result<Officer, CliError> {
        self.signing.officer(&self.connection, charter)
    }

    /// Asks the vault what must be known, signs the statement, and proposes it.
    async fn propose(
        &self,
        choose: impl FnOnce(
            &protocol::ListKeysResponse,
        ) -> Result<(Operation, Option<String>), CliError>,
    ) -> Result<Exit, CliError> {
        let client = self.client().await?;
        let listed = client.list().await?;
        let charter = charter(&listed)?;
        let officer = self.officer(&charter)?;
        let (operation, brought) = choose(&listed)?;
        let now = SystemClock::default().now();
        let seconds = (self.hours * 60 * 60).min(STATEMENT_SECONDS_MAX);
        let statement = client::statement(&listed, operation, now, seconds, &SystemEntropy)?;
        show_brought(&statement, brought.as_deref().unwrap_or_default(), &charter)?;
        let note = officer.sign(&statement.to_string())?;
        let operation = client.propose(&note, brought.as_deref()).await?;
        say(format_args!("{}", show::next_step(&operation)));
        let mut output = io::stdout().lock();
        if self.json {
            writeln!(output, "{}", show::to_json(&operation))?;
        } else {
            writeln!(output, "{}", operation.operation_id)?;
        }
        Ok(Exit::Done)
    }

    /// The namespace of the key, if it is one of a namespace.
    fn namespace(&self, purpose: KeyPurpose) -> Result<Option<Namespace>, CliError> {
        if !purpose.is_of_namespace() {
            return Ok(None);
        }
        Ok(Some(self.connection.profile()?.namespace))
    }
}

/// The version in a key's name, if it is this key's.
fn version_of(
    text: &str,
    purpose: KeyPurpose,
    namespace: Option<&Namespace>,
) -> Option<KeyVersion> {
    let rest = text.strip_prefix(purpose.name())?.strip_prefix('/')?;
    let version = match namespace {
        Some(namespace) => rest.strip_prefix(namespace.as_str())?.strip_prefix('/')?,
        None => rest,
    };
    KeyVersion::new(version.parse().ok()?)
}

pub(super) fn purpose(text: &str) -> Result<KeyPurpose, String> {
    // Tokens would change with the domain tag key, so nothing changes it.
    let purposes = KeyPurpose::ALL.into_iter();
    let mut purposes = purposes.filter(|purpose| *purpose != KeyPurpose::DomainTag);
    let names: Vec<&str> = purposes.clone().map(KeyPurpose::name).collect();
    purposes
        .find(|purpose| purpose.name() == text)
        .ok_or_else(|| format!("use one of {}", names.join(", ")))
}

pub(super) fn version(text: &str) -> Result<KeyVersion, String> {
    let number = text.parse().ok();
    number
        .and_then(KeyVersion::new)
        .ok_or_else(|| "use a number from 1".to_owned())
}
