//! What a vault hands out of its witness's cosignatures: the latest checkpoint with both
//! signatures, and proofs in its tree.

use counterfoil::audit::SignedCheckpoint;
use counterfoil::audit::WitnessKeys;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::merkle::verify_consistency;
use counterfoil::crypto::merkle::verify_inclusion;
use counterfoil::protocol::GetCheckpointRequest;
use counterfoil::protocol::ProveConsistencyRequest;
use counterfoil::protocol::ProveInclusionRequest;
use counterfoil::protocol::audit_service_client::AuditServiceClient;
use tonic::Code;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use crate::stage::Stage;
use crate::support::Side;
use crate::witness::TestWitness;
use crate::witness::cosigner;
use crate::witness::until_seen;

/// An auditor of a vault.
struct Auditor<'a> {
    stage: &'a Stage,
    service: AuditServiceClient<Channel>,
}

impl<'a> Auditor<'a> {
    async fn of(stage: &'a Stage) -> Self {
        let credential = stage.vault.identities().credential("approver");
        let channel = stage.vault.connect(Side::Reveal, credential).await;
        let service = AuditServiceClient::new(channel.unwrap());
        Self { stage, service }
    }

    fn assertion(&self) -> String {
        self.stage.assertion("approver", "max", "auditors")
    }

    /// The latest checkpoint, and the latest cosigned one, whose signatures verify.
    async fn checkpoints(&mut self) -> (SignedCheckpoint, Option<SignedCheckpoint>) {
        let request = GetCheckpointRequest {
            acting_principal: self.assertion(),
        };
        let answer = self.service.get_checkpoint(request).await.unwrap();
        let answer = answer.into_inner();
        let keys = self.stage.vault.public_keys();
        let cosigned = answer.cosigned_checkpoint;
        let cosigned = (!cosigned.is_empty()).then(|| {
            let witnesses = WitnessKeys::new(vec![cosigner().verifier()]);
            assert!(witnesses.verify(&cosigned).unwrap() > 0);
            keys.verify(&cosigned).unwrap()
        });
        (keys.verify(&answer.checkpoint).unwrap(), cosigned)
    }

    async fn prove_inclusion(&mut self, leaf_index: u64, tree_size: u64) -> Result<(), Status> {
        let request = ProveInclusionRequest {
            leaf_index,
            tree_size,
            cosigned: true,
            acting_principal: self.assertion(),
        };
        let proof = self.service.prove_inclusion(request).await?.into_inner();
        let checkpoint = self.cosigned(&proof.checkpoint);
        assert_eq!(proof.tree_size, checkpoint.size());
        let leaf = hashes(&[proof.leaf_hash])[0];
        let (size, root) = (checkpoint.size(), checkpoint.root());
        let path = hashes(&proof.inclusion_proof);
        verify_inclusion(leaf_index, size, &leaf, &path, &root).unwrap();
        Ok(())
    }

    async fn prove_consistency(
        &mut self,
        first: &SignedCheckpoint,
        second_size: u64,
    ) -> Result<(), Status> {
        let request = ProveConsistencyRequest {
            first_size: first.size(),
            second_size,
            cosigned: true,
            acting_principal: self.assertion(),
        };
        let proof = self.service.prove_consistency(request).await?.into_inner();
        let second = self.cosigned(&proof.checkpoint);
        assert_eq!(proof.second_size, second.size());
        let path = hashes(&proof.consistency_proof);
        let (size, root) = (second.size(), second.root());
        verify_consistency(first.size(), &first.root(), size, &root, &path).unwrap();
        Ok(())
    }

    fn cosigned(&self, note: &str) -> SignedCheckpoint {
        let witnesses = WitnessKeys::new(vec![cosigner().verifier()]);
        witnesses.verify(note).unwrap();
        self.stage.vault.public_keys().verify(note).unwrap()
    }
}

fn hashes(hashes: &[Vec<u8>]) -> Vec<Hash> {
    let hash = |bytes: &Vec<u8>| Hash::from_bytes(bytes.as_slice().try_into().unwrap());
    hashes.iter().map(hash).collect()
}

fn assert_uncosigned(status: &Status) {
    assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "NOT_COSIGNED");
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_without_a_witness_has_no_cosigned_checkpoint() {
    let stage = Stage::new(1).await;
    let mut auditor = Auditor::of(&stage).await;
    let (latest, cosigned) = auditor.checkpoints().await;
    assert_eq!(cosigned, None);
    assert_uncosigned(&auditor.prove_inclusion(0, 0).await.unwrap_err());
    assert_uncosigned(&auditor.prove_consistency(&latest, 0).await.unwrap_err());
    stage.vault.check().await;
}

/// Goal: what the witness has seen is proven to whoever asks, and what it has not seen is refused
/// with the reason. Method: a vault whose witness goes away, and comes back after a restart without
/// it.
#[tokio::test(flavor = "multi_thread")]
async fn cosigned_checkpoint_is_handed_out_with_proofs_in_its_tree() {
    let mut stage = Stage::new(1).await;
    let mut witness = TestWitness::of(&mut stage.vault).await;
    let backend = stage.vault.backend().await;
    backend.token("name", "Ada Lovelace").await;
    until_seen(&stage.vault).await;
    let seen = {
        let mut auditor = Auditor::of(&stage).await;
        let (latest, cosigned) = auditor.checkpoints().await;
        let cosigned = cosigned.unwrap();
        assert_eq!(
            (cosigned.size(), cosigned.root()),
            (latest.size(), latest.root())
        );
        for index in 0..cosigned.size() {
            auditor.prove_inclusion(index, 0).await.unwrap();
        }
        auditor.prove_consistency(&cosigned, 0).await.unwrap();
        cosigned
    };

    witness.go().await;
    for value in ["Ada A", "Ada B"] {
        backend.token("name", value).await;
    }
    stage.vault.restart().await;
    {
        let mut auditor = Auditor::of(&stage).await;
        let (latest, cosigned) = auditor.checkpoints().await;
        // What was kept is handed out, until the witness has seen more.
        assert_eq!(cosigned.as_ref(), Some(&seen));
        assert!(latest.size() > seen.size());
        auditor.prove_inclusion(seen.size() - 1, 0).await.unwrap();
        auditor.prove_consistency(&seen, 0).await.unwrap();
        let size = seen.size();
        assert_uncosigned(&auditor.prove_inclusion(size, 0).await.unwrap_err());
        assert_uncosigned(&auditor.prove_consistency(&latest, 0).await.unwrap_err());
        let beyond = auditor.prove_inclusion(latest.size(), 0).await;
        assert_eq!(beyond.unwrap_err().code(), Code::InvalidArgument);
        // Which tree is meant, is said once.
        let twice = auditor.prove_inclusion(0, size).await.unwrap_err();
        assert_eq!(twice.code(), Code::InvalidArgument);
        let twice = auditor.prove_consistency(&seen, size).await.unwrap_err();
        assert_eq!(twice.code(), Code::InvalidArgument);
    }
    witness.come().await;
    until_seen(&stage.vault).await;
    {
        let mut auditor = Auditor::of(&stage).await;
        auditor.prove_inclusion(seen.size(), 0).await.unwrap();
        auditor.prove_consistency(&seen, 0).await.unwrap();
    }
    stage.vault.check().await;
    witness.go().await;
}
