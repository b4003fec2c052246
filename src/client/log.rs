//! Entries and proofs of the audit log, as the vault hands them out. Nothing is verified here: see
//! [`crate::audit::Follower`] and [`crate::audit::TlogProof`].

use std::fmt;

use tonic::Streaming;

use crate::audit::EntryPage;
use crate::audit::PageEntry;
use crate::client::AuditClient;
use crate::client::Receipt;
use crate::client::error::ClientError;
use crate::crypto::merkle::Hash;
use crate::protocol;

/// The proof that a log is the beginning of another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConsistencyProof {
    /// The size of the newer tree.
    pub second_size: u64,
    /// The proof (RFC 9162, section 2.1.4).
    pub hashes: Vec<Hash>,
    /// The latest signed checkpoint, or the cosigned one that was asked for: a note.
    pub checkpoint: String,
}

/// Which tree a proof is to be of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WantedTree {
    /// That of the latest checkpoint that the witness has cosigned.
    Cosigned,
    /// That of the latest checkpoint.
    Latest,
}

/// The checkpoints of a log, as notes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedCheckpoints {
    /// The latest.
    pub latest: String,
    /// The latest that the witness has cosigned; nothing if there is none.
    pub cosigned: Option<String>,
}

/// The pages of a log that is followed.
pub struct WatchedEntries(Streaming<protocol::EntryPage>);

impl AuditClient {
    /// Reads entries from an index on; those before `end_index`, or to the end of the log where
    /// that is 0.
    ///
    /// # Errors
    ///
    /// If the call fails, or what comes is no page.
    pub async fn list_entries(
        &self,
        first_index: u64,
        end_index: u64,
    ) -> Result<EntryPage, ClientError> {
        let request = protocol::ListEntriesRequest {
            first_index,
            end_index,
            entries_max: 0,
            acting_principal: self.assertion()?.as_str().to_owned(),
        };
        let mut service = self.service.clone();
        page(service.list_entries(request).await?.into_inner())
    }

    /// Follows the log from an index on.
    ///
    /// # Errors
    ///
    /// If the call fails.
    pub async fn watch_entries(&self, first_index: u64) -> Result<WatchedEntries, ClientError> {
        let request = protocol::WatchEntriesRequest {
            first_index,
            acting_principal: self.assertion()?.as_str().to_owned(),
        };
        let mut service = self.service.clone();
        let stream = service.watch_entries(request).await?;
        Ok(WatchedEntries(stream.into_inner()))
    }

    /// The latest signed checkpoint, and the latest that the witness has cosigned.
    ///
    /// # Errors
    ///
    /// If the call fails.
    pub async fn checkpoints(&self) -> Result<SignedCheckpoints, ClientError> {
        let request = protocol::GetCheckpointRequest {
            acting_principal: self.assertion()?.as_str().to_owned(),
        };
        let mut service = self.service.clone();
        let answer = service.get_checkpoint(request).await?.into_inner();
        let cosigned = answer.cosigned_checkpoint;
        Ok(SignedCheckpoints {
            latest: answer.checkpoint,
            cosigned: (!cosigned.is_empty()).then_some(cosigned),
        })
    }

    /// The proof that an entry is in the log of a checkpoint.
    ///
    /// # Errors
    ///
    /// If the call fails.
    pub async fn prove_inclusion(
        &self,
        leaf_index: u64,
        tree: WantedTree,
    ) -> Result<Receipt, ClientError> {
        let request = protocol::ProveInclusionRequest {
            leaf_index,
            tree_size: 0,
            cosigned: tree == WantedTree::Cosigned,
            acting_principal: self.assertion()?.as_str().to_owned(),
        };
        let mut service = self.service.clone();
        let answer = service.prove_inclusion(request).await?.into_inner();
        Ok(Receipt {
            leaf_index: answer.leaf_index,
            leaf_hash: answer.leaf_hash,
            inclusion_proof: answer.inclusion_proof,
            checkpoint: answer.checkpoint,
        })
    }

    /// The proof that the log of this size is the beginning of another; 0: of the checkpoint's that
    /// is wanted.
    ///
    /// # Errors
    ///
    /// If the call fails, or what comes is no proof.
    pub async fn prove_consistency(
        &self,
        first_size: u64,
        second_size: u64,
        tree: WantedTree,
    ) -> Result<ConsistencyProof, ClientError> {
        let request = protocol::ProveConsistencyRequest {
            first_size,
            second_size,
            cosigned: tree == WantedTree::Cosigned,
            acting_principal: self.assertion()?.as_str().to_owned(),
        };
        let mut service = self.service.clone();
        let answer = service.prove_consistency(request).await?.into_inner();
        Ok(ConsistencyProof {
            second_size: answer.second_size,
            hashes: hashes(&answer.consistency_proof)?,
            checkpoint: answer.checkpoint,
        })
    }
}

impl WatchedEntries {
    /// Waits for the next page; nothing when the vault ends the stream, which it does now and then:
    /// go on by following anew.
    ///
    /// # Errors
    ///
    /// If the call fails, or what comes is no page.
    pub async fn next(&mut self) -> Result<Option<EntryPage>, ClientError> {
        match self.0.message().await? {
            Some(message) => page(message).map(Some),
            None => Ok(None),
        }
    }
}

impl fmt::Debug for WatchedEntries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WatchedEntries")
            .finish_non_exhaustive()
    }
}

fn page(page: protocol::EntryPage) -> Result<EntryPage, ClientError> {
    let entry = |entry: protocol::LogEntry| {
        let erased = match entry.leaf_hash.is_empty() {
            true => None,
            false => hashes(&[entry.leaf_hash])?.into_iter().next(),
        };
        Ok(PageEntry {
            index: entry.index,
            leaf: entry.leaf,
            erased,
            line: entry.json,
        })
    };
    let entries = page.entries.into_iter().map(entry);
    Ok(EntryPage {
        first_index: page.first_index,
        first_hashes: hashes(&page.first_hashes)?,
        entries: entries.collect::<Result<_, ClientError>>()?,
        proof: hashes(&page.proof)?,
        checkpoint: page.checkpoint,
    })
}

/// Hashes as the wire has them.
fn hashes(hashes: &[Vec<u8>]) -> Result<Vec<Hash>, ClientError> {
    let hash = |bytes: &Vec<u8>| {
        let bytes = bytes.as_slice().try_into();
        let bytes = bytes.map_err(|_| ClientError::Response("a hash has not 32 bytes"))?;
        Ok(Hash::from_bytes(bytes))
    };
    hashes.iter().map(hash).collect()
}
