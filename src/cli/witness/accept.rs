//! `counterfoil witness accept`: a witness's operator lets a log go on that went back.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::audit::CheckpointKeys;
use crate::audit::TlogProof;
use crate::audit::read_rollback_proof;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::witness::key::name;
use crate::cli::witness::watched;
use crate::config::WitnessConfig;
use crate::config::WitnessedLog;
use crate::crypto::merkle::Hash;
use crate::crypto::note::Checkpoint;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteSignature;
use crate::crypto::note::SignedNote;
use crate::domain::Clock;
use crate::domain::SystemClock;
use crate::witness::KeepState;
use crate::witness::Latest;
use crate::witness::StateDirectory;
use crate::witness::StateError;

/// Lets a log go on from another place than where it was seen last
///
/// A witness refuses a log that was rolled back, for ever. The vault's officers may have accepted
/// that, and then its log says so in an entry; whether the witness does is for its own operator to
/// decide, who is best somebody else. Ask the officers by another way than the one on which the
/// proof came.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The proof has that entry, which names what is lost: all that this witness has seen. It comes from
the vault, after `recover accept-rollback --seen`:
  counterfoil audit prove-inclusion 4711 --with-entry --data-dir /var/lib/counterfoil \\
    --public-key audit.vkey > accepted.tlog-proof

Size and root without a proof are for logs that have no such entry (accept_without_proof in their
[[log]]), and for a log whose file here is damaged.

The witness must not run. What it had seen is set aside in its state directory, as evidence: the
log's own signature of a size that it has no more.

Exit code 3: it needs a proof. Exit code 4: the proof is none of a rollback that gives up what was
seen.

Examples:
  counterfoil witness accept --config witness.toml --log acme.example/counterfoil \\
    --proof accepted.tlog-proof
  counterfoil witness accept --config witness.toml --log other.example/log --size 4711 \\
    --root CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")]
pub(in crate::cli) struct AcceptArgs {
    /// The witness's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// The log: its origin
    #[arg(long, value_name = "ORIGIN", value_parser = name)]
    log: NoteKeyName,

    /// The proof of the entry by which officers accepted the rollback
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "root"])]
    proof: Option<PathBuf>,

    /// From how many entries on it goes on
    #[arg(long, required_unless_present = "proof", requires = "root")]
    size: Option<u64>,

    /// The root hash of these entries, in base64 as in a checkpoint, or in hexadecimal as in a
    /// statement
    #[arg(long, value_name = "HASH", value_parser = root, requires = "size")]
    root: Option<Hash>,
}

impl AcceptArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let config = WitnessConfig::load(&self.config)?;
        let log = watched(&config, &self.log)?;
        let state = StateDirectory::open(&config.state_dir);
        let state = state.map_err(|error| CliError::caused(&error))?;
        // A damaged file is no reason not to: this is how it is mended.
        let latest = state.read(&self.log);
        match &latest {
            Ok(Some(latest)) => say(format_args!(
                "it was seen with {} entries, root {}",
                latest.checkpoint().tree_size,
                latest.checkpoint().root_hash
            )),
            Ok(None) => say("it was never seen"),
            Err(error) => say(error),
        }
        let now = SystemClock::default().now();
        // No time is taken back; where none is known, that of now is one that none is after.
        let known = latest.as_ref().ok().and_then(Option::as_ref);
        let unix_seconds = known
            .map_or(0, Latest::cosigned_unix_seconds)
            .max(now.unix_ms() / 1_000);
        let next = match &self.proof {
            Some(path) => proven(path, log, &state, known, unix_seconds)?,
            None => Some(self.named(log, &latest, unix_seconds)?),
        };
        let Some(next) = next else {
            say("it was accepted before; nothing was changed");
            return Ok(Exit::Done);
        };
        let set_aside = state.set_aside(&self.log, now.unix_ms());
        set_aside.map_err(|error| CliError::caused(&error))?;
        // If we crash before this line, everything is as it was, and the command can be repeated.
        state.write(&next)?;
        let size = next.checkpoint().tree_size;
        say(format_args!(
            "it goes on from {size} entries; start the witness"
        ));
        Ok(Exit::Done)
    }

    /// What the operator names, where that may do.
    fn named(
        &self,
        log: &WitnessedLog,
        latest: &Result<Option<Latest>, StateError>,
        unix_seconds: u64,
    ) -> Result<Latest, CliError> {
        let (Some(tree_size), Some(root_hash)) = (self.size, self.root) else {
            return Err(CliError::Usage("--size and --root are missing".to_owned()));
        };
        if tree_size == 0 && root_hash != Hash::of_empty_tree() {
            return Err(CliError::Usage(
                "--root: is not that of a log without entries".to_owned(),
            ));
        }
        if latest.is_ok() && !log.accept_without_proof {
            return Err(CliError::Denied(
                "this log goes on with a proof that its officers have accepted that\n  \
                 give it with --proof; for a log that has no such entry, set \
                 accept_without_proof in its [[log]]"
                    .to_owned(),
            ));
        }
        let origin = self.log.clone();
        let checkpoint = Checkpoint {
            origin,
            tree_size,
            root_hash,
        };
        Ok(Latest::accepted(checkpoint, unix_seconds))
    }
}

/// The checkpoint of the proof, whose entry must give up all that was seen. Nothing, if it is what
/// was seen last: the command is repeated.
fn proven(
    path: &Path,
    log: &WitnessedLog,
    state: &StateDirectory,
    known: Option<&Latest>,
    unix_seconds: u64,
) -> Result<Option<Latest>, CliError> {
    let not_verified = |problem: &dyn std::fmt::Display| {
        CliError::Verification(format!("NOT verified: {}: {problem}", path.display()))
    };
    let text = fs::read_to_string(path).map_err(CliError::file(path))?;
    let proof: TlogProof = text.parse().map_err(|error| not_verified(&error))?;
    let keys = CheckpointKeys::new(log.keys.clone());
    let proven = read_rollback_proof(&proof, &keys).map_err(|error| not_verified(&error))?;
    let (index, lost) = (proven.accepted.index, proven.accepted.lost);
    let seen = known.map(Latest::checkpoint).ok_or_else(|| {
        not_verified(&"what was seen of the log is not known, so nothing says what it gave up")
    })?;
    let checkpoint = &proven.checkpoint;
    if (seen.tree_size, seen.root_hash) == (checkpoint.size(), checkpoint.root()) {
        return Ok(None);
    }
    let is_lost = lost.size > seen.tree_size
        || (lost.size == seen.tree_size && lost.root == *seen.root_hash.as_bytes());
    if !is_lost {
        return Err(not_verified(&format_args!(
            "its entry gives up a log of {} entries, which is not what was seen\n  \
             officers accept this one with --seen: counterfoil witness latest",
            lost.size
        )));
    }
    let is_free = state.use_statement(seen, &proven.statement_digest);
    if !is_free.map_err(|error| CliError::caused(&error))? {
        return Err(not_verified(
            &"what its officers signed has let this log go back before: each time needs a \
              statement of its own",
        ));
    }
    say(format_args!(
        "verified: the log went back to {index} entries, and {} officers have accepted that \
         {} are given up",
        proven.officers_count, lost.size
    ));
    let note: SignedNote = proven.checkpoint.note().parse().map_err(CliError::failed)?;
    let signed = Checkpoint::of_any_log(note.text()).map_err(CliError::failed)?;
    // A witness's own or another's cosignature is not among what the log has signed.
    let is_own = |line: &NoteSignature| log.keys.iter().any(|key| key.key_id() == line.key_id());
    let note = note.with_signatures_where(is_own);
    let note = note.ok_or_else(|| not_verified(&"its checkpoint is not signed by the log"))?;
    Ok(Some(Latest::signed(signed, note, unix_seconds)))
}

fn root(text: &str) -> Result<Hash, String> {
    let bytes = hex::decode(text)
        .ok()
        .or_else(|| STANDARD.decode(text).ok());
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    let bytes = bytes.ok_or_else(|| "is no hash of 32 bytes".to_owned())?;
    Ok(Hash::from_bytes(bytes))
}
