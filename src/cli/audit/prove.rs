//! `counterfoil audit prove-inclusion` and `prove-consistency`: proofs of the log, verified before
//! they are written.

use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::audit::CheckpointKeys;
use crate::audit::SignedCheckpoint;
use crate::audit::TlogProof;
use crate::audit::exposure::newest_checkpoint;
use crate::audit::prove_consistency;
use crate::audit::prove_entry;
use crate::audit::prove_inclusion;
use crate::cli::audit::LogArgs;
use crate::cli::audit::auditor::AuditorArgs;
use crate::cli::audit::open;
use crate::cli::audit::verify_error;
use crate::cli::block_on;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::client::ClientError;
use crate::client::Code;
use crate::client::Receipt;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::verify_consistency;
use crate::store::rocks::RocksStore;

/// Writes the proof that an entry is in the log: a receipt, in the form of C2SP tlog-proof
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: the proof does not verify.

Examples:
  counterfoil audit prove-inclusion 17 --dev .dev > 17.tlog-proof
  counterfoil audit prove-inclusion 17 --dev .dev --online > 17.tlog-proof")]
pub(in crate::cli) struct ProveInclusionArgs {
    /// The index of the entry, from 0
    #[arg(value_name = "INDEX")]
    index: u64,

    /// With the entry itself, for somebody who must know what it says, such as the operator of a
    /// witness of a rollback that officers have accepted; else the proof has the hash of its leaf
    #[arg(long, conflicts_with = "online")]
    with_entry: bool,

    #[command(flatten)]
    source: SourceArgs,
}

/// Proves that the log goes on from a checkpoint that you kept, and writes its latest checkpoint
///
/// Keep what it writes for the next time: so you see that nothing was taken back or changed, though
/// you see no entry.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: the log is not the one of the checkpoint, or went back behind it.

Examples:
  counterfoil audit prove-consistency --since kept.checkpoint --dev .dev --online > new.checkpoint
  counterfoil audit prove-consistency --since kept.checkpoint --data-dir /var/lib/counterfoil \\
    --public-key audit.vkey")]
pub(in crate::cli) struct ProveConsistencyArgs {
    /// The checkpoint that you kept; without it, the latest one is written and nothing proven
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,

    #[command(flatten)]
    source: SourceArgs,
}

/// Where proofs come from.
#[derive(Args, Clone, Debug)]
struct SourceArgs {
    #[command(flatten)]
    log: LogArgs,

    /// Ask the running vault
    #[arg(long, conflicts_with_all = ["data_dir", "head_dir"])]
    online: bool,

    #[command(flatten)]
    auditor: AuditorArgs,
}

impl ProveInclusionArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.source.log.public_keys()?;
        let proof = if self.source.online {
            let receipt = block_on(async {
                let client = self.source.auditor.connect(self.source.log.dev()).await?;
                Ok(client.prove_inclusion(self.index).await?)
            })?;
            text_of(&receipt)
        } else {
            let (store, checkpoint) = self.source.read(&keys)?;
            if self.index >= checkpoint.size() {
                let size = checkpoint.size();
                return Err(CliError::Failed(format!("the log has {size} entries")));
            }
            let prove = match self.with_entry {
                true => prove_entry,
                false => prove_inclusion,
            };
            Some(prove(&store, &checkpoint, self.index).map_err(verify_error)?)
        };
        let verified = proof.filter(|proof| {
            let verified = proof.verify(&keys);
            verified.is_ok_and(|entry| entry.index() == self.index)
        });
        let Some(proof) = verified else {
            let problem = "NOT verified: the proof is none of this entry";
            return Err(CliError::Verification(problem.to_owned()));
        };
        write!(io::stdout(), "{proof}")?;
        Ok(Exit::Done)
    }
}

impl ProveConsistencyArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.source.log.public_keys()?;
        let kept = match &self.since {
            Some(path) => {
                let note = fs::read_to_string(path).map_err(CliError::file(path))?;
                let kept = keys.verify(&note);
                Some(kept.ok_or_else(|| not_verified("--since is not signed by the given keys"))?)
            }
            None => None,
        };
        let kept_size = kept.as_ref().map(SignedCheckpoint::size);
        let (latest, proof) = if self.source.online {
            self.source.ask(&keys, kept_size)?
        } else {
            let (store, latest) = self.source.read(&keys)?;
            let first_size = kept_size.unwrap_or(latest.size());
            if first_size > latest.size() {
                return Err(went_back(latest.size()));
            }
            let proof = prove_consistency(&store, first_size, &latest).map_err(verify_error)?;
            (latest, proof)
        };
        if let Some(kept) = kept {
            let (first, second) = (kept.size(), latest.size());
            verify_consistency(first, &kept.root(), second, &latest.root(), &proof)
                .map_err(|_| not_verified("the log is another than that of the checkpoint"))?;
            say(format_args!(
                "verified: the first {first} of {second} entries are those of the checkpoint"
            ));
        }
        write!(io::stdout(), "{}", latest.note())?;
        Ok(Exit::Done)
    }
}

impl SourceArgs {
    /// The log on the disk, as of its newest checkpoint.
    fn read(&self, keys: &CheckpointKeys) -> Result<(RocksStore, SignedCheckpoint), CliError> {
        let head = self.log.head(keys)?;
        let store = open(&self.log.data_dir()?)?;
        let checkpoint = newest_checkpoint(&store, Some(&head), keys).map_err(verify_error)?;
        Ok((store, checkpoint))
    }

    /// The latest checkpoint of the running vault, and that it goes on from this size.
    fn ask(
        &self,
        keys: &CheckpointKeys,
        first_size: Option<u64>,
    ) -> Result<(SignedCheckpoint, Vec<Hash>), CliError> {
        block_on(async {
            let client = self.auditor.connect(self.log.dev()).await?;
            let latest = keys.verify(&client.checkpoint().await?);
            let latest = latest.ok_or_else(|| not_verified("the checkpoint is not signed"))?;
            let first_size = first_size.unwrap_or(latest.size());
            if first_size > latest.size() {
                return Err(went_back(latest.size()));
            }
            match client.prove_consistency(first_size, latest.size()).await {
                Ok(proof) => Ok((latest, proof.hashes)),
                // It had just said that it is that long.
                Err(ClientError::Call {
                    code: Code::InvalidArgument,
                    ..
                }) => Err(went_back(latest.size())),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// A receipt as the vault answers it; nothing if it is none.
pub(in crate::cli) fn text_of(receipt: &Receipt) -> Option<TlogProof> {
    let hash = |bytes: &Vec<u8>| Some(Hash::from_bytes(bytes.as_slice().try_into().ok()?));
    let hashes = receipt.inclusion_proof.iter().map(hash);
    Some(TlogProof::new(
        receipt.leaf_index,
        hash(&receipt.leaf_hash)?,
        hashes.collect::<Option<_>>()?,
        receipt.checkpoint.clone(),
    ))
}

fn went_back(size: u64) -> CliError {
    not_verified(&format!(
        "the log went back behind the checkpoint: it has {size} entries"
    ))
}

fn not_verified(problem: &str) -> CliError {
    CliError::Verification(format!("NOT verified: {problem}"))
}
