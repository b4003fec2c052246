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
use crate::audit::cosigned_checkpoint;
use crate::audit::exposure::newest_checkpoint;
use crate::audit::prove_consistency;
use crate::audit::prove_entry;
use crate::audit::prove_inclusion;
use crate::cli::audit::LogArgs;
use crate::cli::audit::auditor::AuditorArgs;
use crate::cli::audit::cosigned_at;
use crate::cli::audit::verify_error;
use crate::cli::block_on;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::public_keys::WitnessKeyArgs;
use crate::client::ClientError;
use crate::client::Code;
use crate::client::Receipt;
use crate::client::WantedTree;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::verify_consistency;
use crate::store::rocks::RocksStore;

/// Writes the proof that an entry is in the log: a receipt, in the form of C2SP tlog-proof
///
/// With --cosigned, it is a receipt in the latest checkpoint that the vault's witness has cosigned:
/// whoever has the witness's public key need not trust that the log has shown everybody the same.
/// The receipt of a reveal is made before the witness can have seen it, and has no cosignature.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: the proof does not verify. Exit code 1 with --cosigned: the witness has not seen the
entry yet; try again later.

Examples:
  counterfoil audit prove-inclusion 17 --dev .dev > 17.tlog-proof
  counterfoil audit prove-inclusion 17 --dev .dev --online > 17.tlog-proof
  counterfoil audit prove-inclusion 17 --data-dir /var/lib/counterfoil --public-key audit.vkey \\
    --witness-key w1.vkey > 17.tlog-proof")]
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
/// you see no entry. With --cosigned, the latest checkpoint that the vault's witness has cosigned
/// is written: nobody else is shown another log of that size.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: the log is not the one of the checkpoint, or went back behind it.

Examples:
  counterfoil audit prove-consistency --since kept.checkpoint --dev .dev --online > new.checkpoint
  counterfoil audit prove-consistency --since kept.checkpoint --data-dir /var/lib/counterfoil \\
    --public-key audit.vkey
  counterfoil audit prove-consistency --since kept.checkpoint --online --witness-key w1.vkey \\
    --config-client auditor.toml --public-key audit.vkey > new.checkpoint")]
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

    /// In the tree of the latest checkpoint that the witness has cosigned, which is written
    #[arg(long)]
    cosigned: bool,

    #[command(flatten)]
    witness: WitnessKeyArgs,

    #[command(flatten)]
    auditor: AuditorArgs,
}

impl ProveInclusionArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.source.log.public_keys()?;
        let witnesses = self.source.witness.read()?;
        let proof = if self.source.online {
            let receipt = block_on(async {
                let client = self.source.auditor.connect(self.source.log.dev()).await?;
                let tree = self.source.wanted();
                Ok(client.prove_inclusion(self.index, tree).await?)
            })?;
            text_of(&receipt)
        } else {
            let (store, latest) = self.source.read(&keys)?;
            if self.index >= latest.size() {
                let size = latest.size();
                return Err(CliError::Failed(format!("the log has {size} entries")));
            }
            let checkpoint = self.source.checkpoint(&store, latest, &keys)?;
            if self.index >= checkpoint.size() {
                return Err(unseen(checkpoint.size()));
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
        let is_readable = |proof: &TlogProof| proof.to_string().parse::<TlogProof>().is_ok();
        if verified.as_ref().is_some_and(|proof| !is_readable(proof)) {
            return Err(CliError::Failed(
                "the entry is too long for a proof that has it: leave out --with-entry".to_owned(),
            ));
        }
        let Some(proof) = verified else {
            let problem = "NOT verified: the proof is none of this entry";
            return Err(CliError::Verification(problem.to_owned()));
        };
        if let Some(witnesses) = &witnesses {
            cosigned_at(witnesses, proof.checkpoint()).map_err(|problem| not_verified(&problem))?;
        }
        write!(io::stdout(), "{proof}")?;
        Ok(Exit::Done)
    }
}

impl ProveConsistencyArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let keys = self.source.log.public_keys()?;
        let witnesses = self.source.witness.read()?;
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
            let checkpoint = self.source.checkpoint(&store, latest, &keys)?;
            let first_size = kept_size.unwrap_or(checkpoint.size());
            if first_size > checkpoint.size() {
                return Err(unseen(checkpoint.size()));
            }
            let proof = prove_consistency(&store, first_size, &checkpoint);
            (checkpoint, proof.map_err(verify_error)?)
        };
        if let Some(witnesses) = &witnesses {
            cosigned_at(witnesses, latest.note()).map_err(|problem| not_verified(&problem))?;
        }
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
        let store = self.log.open()?;
        let checkpoint = newest_checkpoint(&store, Some(&head), keys).map_err(verify_error)?;
        Ok((store, checkpoint))
    }

    /// Which tree is wanted.
    fn wanted(&self) -> WantedTree {
        if self.cosigned || self.witness.is_given() {
            WantedTree::Cosigned
        } else {
            WantedTree::Latest
        }
    }

    /// The checkpoint that is wanted, of a log on the disk.
    fn checkpoint(
        &self,
        store: &RocksStore,
        latest: SignedCheckpoint,
        keys: &CheckpointKeys,
    ) -> Result<SignedCheckpoint, CliError> {
        match self.wanted() {
            WantedTree::Latest => Ok(latest),
            WantedTree::Cosigned => {
                let cosigned = cosigned_checkpoint(store, keys).map_err(verify_error)?;
                cosigned.ok_or_else(|| unseen(0))
            }
        }
    }

    /// The latest checkpoint of the running vault, or the latest cosigned one, and that it goes on
    /// from this size.
    fn ask(
        &self,
        keys: &CheckpointKeys,
        first_size: Option<u64>,
    ) -> Result<(SignedCheckpoint, Vec<Hash>), CliError> {
        block_on(async {
            let client = self.auditor.connect(self.log.dev()).await?;
            let unsigned = || not_verified("the checkpoint is not signed");
            let checkpoints = client.checkpoints().await?;
            let latest = keys.verify(&checkpoints.latest).ok_or_else(unsigned)?;
            if first_size.is_some_and(|first_size| first_size > latest.size()) {
                return Err(went_back(latest.size()));
            }
            let tree = self.wanted();
            let wanted = match tree {
                WantedTree::Latest => latest.clone(),
                WantedTree::Cosigned => {
                    let note = checkpoints.cosigned.ok_or_else(|| unseen(0))?;
                    keys.verify(&note).ok_or_else(unsigned)?
                }
            };
            let first_size = first_size.unwrap_or(wanted.size());
            let second_size = match tree {
                WantedTree::Latest => latest.size(),
                WantedTree::Cosigned => 0,
            };
            match client
                .prove_consistency(first_size, second_size, tree)
                .await
            {
                // The witness may have seen more meanwhile.
                Ok(proof) if tree == WantedTree::Cosigned => {
                    let cosigned = keys.verify(&proof.checkpoint).ok_or_else(unsigned)?;
                    Ok((cosigned, proof.hashes))
                }
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

/// What the witness has not seen is no reason to suspect the log.
fn unseen(seen_size: u64) -> CliError {
    CliError::Failed(match seen_size {
        0 => "there is no checkpoint that a witness has cosigned\n  a vault has one when \
              audit.witness is configured"
            .to_owned(),
        size => format!(
            "the witness has seen {size} entries, and not this much yet\n  try again later, or \
             without --cosigned and --witness-key"
        ),
    })
}

fn went_back(size: u64) -> CliError {
    not_verified(&format!(
        "the log went back behind the checkpoint: it has {size} entries"
    ))
}

fn not_verified(problem: &str) -> CliError {
    CliError::Verification(format!("NOT verified: {problem}"))
}
