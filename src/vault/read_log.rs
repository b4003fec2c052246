//! The audit log read over the wire: entries, which is recorded, and proofs, which are not.
//!
//! A proof tells sizes and hashes, and nobody's data. It is decided like every request, and a
//! refusal is recorded; but a log that grew each time that somebody checked it could not be watched
//! at all (`docs/decisions/0026-proofs-are-not-recorded.md`).

use std::sync::Arc;

use tokio::sync::watch;

use crate::access::Act;
use crate::audit::CommitError;
use crate::audit::EntryPage;
use crate::audit::Event;
use crate::audit::PageRange;
use crate::audit::SignedCheckpoint;
use crate::audit::VerifyError;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::ProofError;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::Store;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::work;

/// Reading entries, or proofs alone. Both are of the whole log: a part of it proves nothing.
struct ReadLog(Action);

/// The proof that an entry is in the log.
#[derive(Clone, Debug)]
pub struct InclusionProof {
    /// The index of the entry.
    pub index: u64,
    /// The hash of its leaf.
    pub leaf_hash: Hash,
    /// The size of the tree that the proof is for.
    pub tree_size: u64,
    /// Hashes from the leaf to the root.
    pub hashes: Vec<Hash>,
    /// The checkpoint of that tree, where it is the latest, or the cosigned one that was asked for.
    pub checkpoint: Option<Arc<SignedCheckpoint>>,
}

/// Which tree is asked about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogTree {
    /// That of the latest checkpoint that the witness has cosigned.
    Cosigned,
    /// That of the latest checkpoint.
    Latest,
    /// That of so many entries.
    OfSize(u64),
}

/// The latest checkpoint of a log, and the latest that its witness has cosigned, if it has.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// The latest.
    pub latest: Arc<SignedCheckpoint>,
    /// The latest with a cosignature.
    pub cosigned: Option<Arc<SignedCheckpoint>>,
}

/// Follows the log: everything from an index on, and then what comes.
pub struct EntryWatch {
    store: Arc<dyn Store>,
    checkpoints: watch::Receiver<Option<Arc<SignedCheckpoint>>>,
    next_index: u64,
}

impl Request for ReadLog {
    fn action(&self) -> Action {
        self.0
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Vault
    }
}

impl Administrative for ReadLog {
    fn event(&self) -> Event {
        Event::AuditRead
    }
}

impl Vault {
    /// Reads entries, as of the checkpoint that covers the entry of this call.
    ///
    /// # Errors
    ///
    /// If the caller may not read, the log is not that long, or it is damaged.
    pub async fn list_entries(
        &self,
        caller: &Caller,
        range: PageRange,
    ) -> Result<EntryPage, VaultError> {
        let asked = ReadLog(Action::ListEntries);
        let (_, receipt) = self.administer(caller, asked, None, |_| Act::Work).await?;
        let checkpoint = receipt.checkpoint;
        if range.first_index > checkpoint.size() {
            return Err(outside(&checkpoint));
        }
        work(usize::MAX, || {
            EntryPage::read(self.store(), &checkpoint, range).map_err(damaged)
        })
    }

    /// Follows the log from an index on. The entry of this call is the only one that following
    /// makes, however long it goes on.
    ///
    /// # Errors
    ///
    /// If the caller may not read, or the log is not that long.
    pub async fn watch_entries(
        &self,
        caller: &Caller,
        first_index: u64,
    ) -> Result<EntryWatch, VaultError> {
        let asked = ReadLog(Action::ListEntries);
        let (_, receipt) = self.administer(caller, asked, None, |_| Act::Work).await?;
        if first_index > receipt.checkpoint.size() {
            return Err(outside(&receipt.checkpoint));
        }
        Ok(EntryWatch {
            store: Arc::clone(&self.parts.store),
            checkpoints: self.parts.log.checkpoints(),
            next_index: first_index,
        })
    }

    /// The latest signed checkpoint, and the latest that the witness has cosigned.
    ///
    /// # Errors
    ///
    /// If the caller may not read them.
    pub async fn checkpoint(&self, caller: &Caller) -> Result<Checkpoints, VaultError> {
        self.permit_proof(caller).await?;
        self.latest_checkpoints()
    }

    /// Proves that an entry is in a tree.
    ///
    /// # Errors
    ///
    /// If the caller may not read proofs, or the tree does not have the entry.
    pub async fn prove_inclusion(
        &self,
        caller: &Caller,
        index: u64,
        tree: LogTree,
    ) -> Result<InclusionProof, VaultError> {
        self.permit_proof(caller).await?;
        let checkpoints = self.latest_checkpoints()?;
        let (tree_size, checkpoint) = checkpoints.tree(tree, index.saturating_add(1))?;
        let latest = checkpoints.latest;
        work(usize::MAX, || {
            let hashes = self.parts.log.inclusion_proof(index, tree_size);
            Ok(InclusionProof {
                index,
                leaf_hash: self.parts.log.leaf_hash(index)?,
                tree_size,
                hashes: hashes.map_err(|error| unproven(&latest, error))?,
                checkpoint: Some(checkpoint).filter(|it| it.size() == tree_size),
            })
        })
    }

    /// Proves that a tree has the one of the first size as a prefix. Returns its size, the proof,
    /// and its checkpoint if it is the cosigned one, else the latest.
    ///
    /// # Errors
    ///
    /// If the caller may not read proofs, or there is no such tree.
    pub async fn prove_consistency(
        &self,
        caller: &Caller,
        first_size: u64,
        second: LogTree,
    ) -> Result<(u64, Vec<Hash>, Arc<SignedCheckpoint>), VaultError> {
        self.permit_proof(caller).await?;
        let checkpoints = self.latest_checkpoints()?;
        let (second_size, checkpoint) = checkpoints.tree(second, first_size)?;
        let proof = work(usize::MAX, || {
            self.parts.log.consistency_proof(first_size, second_size)
        });
        let proof = proof.map_err(|error| unproven(&checkpoints.latest, error))?;
        Ok((second_size, proof, checkpoint))
    }

    /// Decides about a proof. It is not recorded, so the sequencer does not see it, and who is
    /// frozen is turned away here.
    async fn permit_proof(&self, caller: &Caller) -> Result<(), VaultError> {
        let asked = ReadLog(Action::ProveAuditLog);
        let permitted = self.permit_administrative(caller, asked, None).await?;
        if self.is_frozen(caller).await {
            return Err(self.deny_administrative(caller, permitted.request()).await);
        }
        Ok(())
    }

    /// There is a latest one as soon as the vault serves: that it started is an entry.
    fn latest_checkpoints(&self) -> Result<Checkpoints, VaultError> {
        // In this order: what was cosigned was the latest before.
        let cosigned = self.parts.log.witnessed().borrow().clone();
        let latest = self.parts.log.latest_checkpoint();
        let latest = latest.ok_or(VaultError::AuditUnavailable(CommitError::Unavailable))?;
        Ok(Checkpoints { latest, cosigned })
    }
}

impl Checkpoints {
    /// The size of a tree, which must have so many entries, and the checkpoint to return with what
    /// is said of it: its own if it is the cosigned one, else the latest.
    fn tree(
        &self,
        tree: LogTree,
        size_min: u64,
    ) -> Result<(u64, Arc<SignedCheckpoint>), VaultError> {
        let latest = &self.latest;
        let (size, checkpoint) = match (tree, &self.cosigned) {
            (LogTree::Latest, _) => (latest.size(), latest),
            (LogTree::OfSize(size), _) => (size, latest),
            (LogTree::Cosigned, Some(cosigned)) => (cosigned.size(), cosigned),
            (LogTree::Cosigned, None) => return Err(VaultError::NotCosigned { seen_size: 0 }),
        };
        if tree == LogTree::Cosigned && size_min > size && size_min <= latest.size() {
            return Err(VaultError::NotCosigned { seen_size: size });
        }
        if size > latest.size() || size_min > size {
            return Err(outside(latest));
        }
        Ok((size, Arc::clone(checkpoint)))
    }
}

impl EntryWatch {
    /// Waits for entries, and reads at most these many and these bytes of them; nothing when the
    /// log is closed. Given up while it waits, it has lost nothing.
    ///
    /// # Errors
    ///
    /// If the log is damaged, or cannot be read.
    pub async fn next(
        &mut self,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Option<EntryPage>, VaultError> {
        let checkpoint = loop {
            let latest = self.checkpoints.borrow_and_update().clone();
            match latest {
                Some(latest) if latest.size() > self.next_index => break latest,
                Some(_) | None => {}
            }
            if self.checkpoints.changed().await.is_err() {
                return Ok(None);
            }
        };
        let range = PageRange {
            first_index: self.next_index,
            end_index: checkpoint.size(),
            entries_max,
            bytes_max,
        };
        let page = work(usize::MAX, || {
            EntryPage::read(&*self.store, &checkpoint, range).map_err(damaged)
        })?;
        self.next_index = page.end_index();
        Ok(Some(page))
    }
}

impl std::fmt::Debug for EntryWatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EntryWatch")
            .field("next_index", &self.next_index)
            .finish_non_exhaustive()
    }
}

fn outside(checkpoint: &SignedCheckpoint) -> VaultError {
    VaultError::OutsideLog {
        tree_size: checkpoint.size(),
    }
}

fn unproven(latest: &SignedCheckpoint, error: ProofError<StoreError>) -> VaultError {
    match error {
        ProofError::OutsideTree => outside(latest),
        ProofError::Reader(error) => error.into(),
    }
}

fn damaged(error: VerifyError) -> VaultError {
    if let VerifyError::Store(error) = error {
        return VaultError::Store(error);
    }
    if let VerifyError::Archived { size } = error {
        return StoreError::Pruned { size }.into();
    }
    tracing::error!(%error, "audit log is damaged");
    VaultError::Store(StoreError::Corrupt { table: "audit" })
}
