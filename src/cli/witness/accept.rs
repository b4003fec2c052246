//! `counterfoil witness accept`: a witness's operator says where a log goes on.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::witness::key::name;
use crate::config::WitnessConfig;
use crate::crypto::merkle::Hash;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::NoteKeyName;
use crate::domain::Clock;
use crate::domain::SystemClock;
use crate::witness::KeepState;
use crate::witness::Latest;
use crate::witness::StateDirectory;

/// Lets a log go on from another place than where it was seen last
///
/// A witness refuses a log that was rolled back, for ever. Officers of the vault may have accepted
/// that; whether the witness does is for its own operator to decide, who is best somebody else. The
/// size and the root are those of the database in the statement that the officers signed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The witness must not run. What it had seen is set aside in its state directory, as evidence: the
log's own signature of a size that it has no more.

Example:
  counterfoil witness accept --config witness.toml --log acme.example/counterfoil --size 4711 \\
    --root CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")]
pub(in crate::cli) struct AcceptArgs {
    /// The witness's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// The log: its origin
    #[arg(long, value_name = "ORIGIN", value_parser = name)]
    log: NoteKeyName,

    /// From how many entries on it goes on
    #[arg(long)]
    size: u64,

    /// The root hash of these entries, in base64 as in a checkpoint, or in hexadecimal as in a
    /// statement
    #[arg(long, value_name = "HASH", value_parser = root)]
    root: Hash,
}

impl AcceptArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let config = WitnessConfig::load(&self.config)?;
        if !config.logs.iter().any(|log| log.origin == self.log) {
            return Err(CliError::Usage(
                "--log: this witness has no such log\n  its configuration names them in [[log]]"
                    .to_owned(),
            ));
        }
        if self.size == 0 && self.root != Hash::of_empty_tree() {
            return Err(CliError::Usage(
                "--root: is not that of a log without entries".to_owned(),
            ));
        }
        let state = StateDirectory::open(&config.state_dir);
        let state = state.map_err(|error| CliError::caused(&error))?;
        // A damaged file is no reason not to: this is how it is mended.
        let now = SystemClock::default().now();
        // No time is taken back; where none is known, that of now is one that none is after.
        let mut unix_seconds = now.unix_ms() / 1_000;
        match state.read(&self.log) {
            Ok(Some(latest)) => {
                unix_seconds = unix_seconds.max(latest.cosigned_unix_seconds());
                let Checkpoint {
                    tree_size,
                    root_hash,
                    ..
                } = latest.checkpoint();
                say(format_args!(
                    "it was seen with {tree_size} entries, root {root_hash}"
                ));
            }
            Ok(None) => say("it was never seen"),
            Err(error) => say(&error),
        }
        let set_aside = state.set_aside(&self.log, now.unix_ms());
        set_aside.map_err(|error| CliError::caused(&error))?;
        let checkpoint = Checkpoint {
            origin: self.log,
            tree_size: self.size,
            root_hash: self.root,
        };
        // If we crash before this line, everything is as it was, and the command can be repeated.
        state.write(&Latest::accepted(checkpoint, unix_seconds))?;
        say(format_args!(
            "it goes on from {} entries; start the witness",
            self.size
        ));
        Ok(Exit::Done)
    }
}

fn root(text: &str) -> Result<Hash, String> {
    let bytes = hex::decode(text)
        .ok()
        .or_else(|| STANDARD.decode(text).ok());
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    let bytes = bytes.ok_or_else(|| "is no hash of 32 bytes".to_owned())?;
    Ok(Hash::from_bytes(bytes))
}
