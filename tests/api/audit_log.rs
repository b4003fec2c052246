//! The log over the wire: entries, following, checkpoints and proofs, each verified with public
//! keys only.

use counterfoil::audit::Decision;
use counterfoil::audit::EntryPage;
use counterfoil::audit::Event;
use counterfoil::audit::Follower;
use counterfoil::audit::PageEntry;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::merkle::verify_consistency;
use counterfoil::crypto::merkle::verify_inclusion;
use counterfoil::protocol;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::GetCheckpointRequest;
use counterfoil::protocol::ListEntriesRequest;
use counterfoil::protocol::ProveConsistencyRequest;
use counterfoil::protocol::ProveInclusionRequest;
use counterfoil::protocol::WatchEntriesRequest;
use counterfoil::protocol::audit_service_client::AuditServiceClient;
use tonic::Code;
use tonic::Status;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::stage::Stage;
use crate::support::Side;
use crate::support::item_of;

type Service = AuditServiceClient<Channel>;

async fn service(stage: &Stage) -> Service {
    let credential = stage.vault.identities().credential("approver");
    let channel = stage.vault.connect(Side::Reveal, credential).await;
    AuditServiceClient::new(channel.unwrap())
}

fn auditor(stage: &Stage) -> String {
    stage.assertion("approver", "max", "auditors")
}

fn hashes(hashes: &[Vec<u8>]) -> Vec<Hash> {
    let hash = |bytes: &Vec<u8>| Hash::from_bytes(bytes.as_slice().try_into().unwrap());
    hashes.iter().map(hash).collect()
}

fn page(page: protocol::EntryPage) -> EntryPage {
    let entry = |entry: protocol::LogEntry| PageEntry {
        index: entry.index,
        leaf: entry.leaf,
        erased: entry.leaf_hash.try_into().ok().map(Hash::from_bytes),
        line: entry.json,
    };
    EntryPage {
        first_index: page.first_index,
        first_hashes: hashes(&page.first_hashes),
        entries: page.entries.into_iter().map(entry).collect(),
        proof: hashes(&page.proof),
        checkpoint: page.checkpoint,
    }
}

async fn list(
    stage: &Stage,
    service: &mut Service,
    first_index: u64,
    end_index: u64,
    entries_max: u32,
) -> Result<EntryPage, Status> {
    let request = ListEntriesRequest {
        first_index,
        end_index,
        entries_max,
        acting_principal: auditor(stage),
    };
    Ok(page(service.list_entries(request).await?.into_inner()))
}

async fn watch(
    stage: &Stage,
    service: &mut Service,
    first_index: u64,
) -> Result<Streaming<protocol::EntryPage>, Status> {
    let request = WatchEntriesRequest {
        first_index,
        acting_principal: auditor(stage),
    };
    Ok(service.watch_entries(request).await?.into_inner())
}

async fn tokenize(stage: &Stage, value: &str) {
    let backend = stage.vault.backend().await;
    backend.tokenized(item_of("name", value, "cus_9")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_is_listed_page_by_page_and_verifies() {
    let stage = Stage::new(5).await;
    let mut service = service(&stage).await;
    let before = stage.vault.entries().len() as u64;
    for first_index in [0, 1, 6] {
        let mut follower = Follower::new(stage.vault.public_keys(), first_index);
        let mut lines = Vec::new();
        while follower.next_index() < before {
            let (first, end) = (follower.next_index(), before);
            let page = list(&stage, &mut service, first, end, 4).await.unwrap();
            assert!((1..=4).contains(&page.entries.len()));
            follower.take(&page).unwrap();
            lines.extend(page.entries.into_iter().map(|entry| entry.line));
        }
        assert_eq!(lines.len() as u64, before - first_index);
        let events = stage.vault.entries();
        let skipped = usize::try_from(first_index).unwrap();
        for (line, entry) in lines.iter().zip(events.iter().skip(skipped)) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["event"], entry.draft.event.name());
        }
    }
    // Each call is an entry, and the answer's checkpoint has it.
    let calls_count = stage.vault.counts()[&Event::AuditRead] as u64;
    let latest = list(&stage, &mut service, 0, 1, 1).await.unwrap();
    let checkpoint = stage.vault.public_keys().verify(&latest.checkpoint);
    assert_eq!(checkpoint.unwrap().size(), before + calls_count + 1);
    // At the end there is nothing, beyond it there is no log.
    let end = stage.vault.entries().len() as u64;
    let empty = list(&stage, &mut service, end + 1, 0, 0).await.unwrap();
    assert!(empty.entries.is_empty());
    let beyond = list(&stage, &mut service, end + 9, 0, 0).await;
    assert_eq!(beyond.err().unwrap().code(), Code::InvalidArgument);
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watcher_sees_what_comes_and_is_recorded_once() {
    let stage = Stage::new(3).await;
    let mut service = service(&stage).await;
    let mut follower = Follower::new(stage.vault.public_keys(), 0);
    let mut pages = watch(&stage, &mut service, 0).await.unwrap();
    let mut tokenized_count = 0;
    for round in 0..5 {
        tokenize(&stage, &format!("Ada {}", ["A", "B", "C", "D", "E"][round])).await;
        let size = stage.vault.entries().len() as u64;
        while follower.next_index() < size {
            let page = page(pages.message().await.unwrap().unwrap());
            follower.take(&page).unwrap();
            let is_tokenize = |entry: &&PageEntry| entry.line.contains("\"event\":\"tokenize\"");
            tokenized_count += page.entries.iter().filter(is_tokenize).count();
        }
    }
    assert_eq!(tokenized_count, 3 + 5);
    let size = stage.vault.entries().len() as u64;
    assert_eq!(follower.next_index(), size, "watching writes no entries");
    assert_eq!(stage.vault.counts()[&Event::AuditRead], 1);
    // The vault stops without waiting for whoever watches: the stream ends in order.
    let mut stage = stage;
    let stopped = stage.vault.begin_stop();
    while pages.message().await.unwrap().is_some() {}
    stopped.await;
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freeze_ends_watching_and_proofs() {
    let stage = Stage::new(1).await;
    let mut service = service(&stage).await;
    let mut pages = watch(&stage, &mut service, 0).await.unwrap();
    assert!(!pages.message().await.unwrap().unwrap().entries.is_empty());
    let request = FreezeRequest {
        target: "person:acme/max".to_owned(),
        acting_principal: stage.assertion("approver", "eve", "oncall"),
    };
    let mut principals = stage.principals("approver").await;
    principals.freeze(request).await.unwrap();
    let status = loop {
        match pages.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a frozen watcher is told so"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::PermissionDenied);
    let refused = checkpoint(&stage, &mut service).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = watch(&stage, &mut service, 0).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let entries = stage.vault.entries();
    let reads = entries
        .iter()
        .filter(|it| it.draft.event == Event::AuditRead);
    let decisions: Vec<_> = reads.map(|it| it.draft.decision.unwrap()).collect();
    assert_eq!(
        decisions,
        [Decision::Permit, Decision::Deny, Decision::Deny]
    );
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_are_bounded_and_leave_their_seats() {
    let stage = Stage::new(1).await;
    let mut service = service(&stage).await;
    let mut watching = Vec::new();
    for _ in 0..16 {
        watching.push(watch(&stage, &mut service, 0).await.unwrap());
    }
    let refused = watch(&stage, &mut service, 0).await.err().unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    drop(watching);
    for attempt in 0.. {
        match watch(&stage, &mut service, 0).await {
            Ok(_) => break,
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
        }
        assert!(attempt < 1_000, "seats are not left");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    stage.vault.check().await;
}

async fn checkpoint(stage: &Stage, service: &mut Service) -> Result<String, Status> {
    let request = GetCheckpointRequest {
        acting_principal: auditor(stage),
    };
    Ok(service
        .get_checkpoint(request)
        .await?
        .into_inner()
        .checkpoint)
}

/// Goal: every proof that can be asked for verifies, and none makes the log grow. Method: every
/// entry in trees of several sizes, every pair of sizes, against checkpoints kept on the way.
#[tokio::test(flavor = "multi_thread")]
async fn proofs_verify_and_are_not_recorded() {
    let stage = Stage::new(1).await;
    let mut service = service(&stage).await;
    let keys = stage.vault.public_keys();
    let mut checkpoints = Vec::new();
    for value in ["Ada A", "Ada B", "Ada C", "Ada D"] {
        let note = checkpoint(&stage, &mut service).await.unwrap();
        checkpoints.push(keys.verify(&note).unwrap());
        tokenize(&stage, value).await;
    }
    let note = checkpoint(&stage, &mut service).await.unwrap();
    let latest = keys.verify(&note).unwrap();
    checkpoints.push(latest.clone());
    let mut proven_count = 0;
    for checkpoint in &checkpoints {
        for leaf_index in 0..checkpoint.size() {
            let is_latest = checkpoint.size() == latest.size();
            let request = ProveInclusionRequest {
                leaf_index,
                tree_size: if is_latest { 0 } else { checkpoint.size() },
                acting_principal: auditor(&stage),
                ..ProveInclusionRequest::default()
            };
            let proof = service.prove_inclusion(request).await.unwrap().into_inner();
            assert_eq!(proof.tree_size, checkpoint.size());
            assert_eq!(proof.checkpoint.is_empty(), !is_latest);
            let leaf = hashes(&[proof.leaf_hash])[0];
            let path = hashes(&proof.inclusion_proof);
            let (size, root) = (checkpoint.size(), checkpoint.root());
            verify_inclusion(leaf_index, size, &leaf, &path, &root).unwrap();
            proven_count += 1;
        }
        for older in checkpoints
            .iter()
            .filter(|it| it.size() <= checkpoint.size())
        {
            let request = ProveConsistencyRequest {
                first_size: older.size(),
                second_size: checkpoint.size(),
                acting_principal: auditor(&stage),
                ..ProveConsistencyRequest::default()
            };
            let proof = service.prove_consistency(request).await.unwrap();
            let path = hashes(&proof.into_inner().consistency_proof);
            let (first, second) = (older.size(), checkpoint.size());
            verify_consistency(first, &older.root(), second, &checkpoint.root(), &path).unwrap();
            proven_count += 1;
        }
    }
    assert!(proven_count > 50, "{proven_count}");
    assert_eq!(stage.vault.entries().len() as u64, latest.size());
    let (size, acting_principal) = (latest.size(), auditor(&stage));
    for (leaf_index, tree_size) in [(size, 0), (0, size + 1), (1, 1)] {
        let request = ProveInclusionRequest {
            leaf_index,
            tree_size,
            acting_principal: acting_principal.clone(),
            ..ProveInclusionRequest::default()
        };
        let refused = service.prove_inclusion(request).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    for (first_size, second_size) in [(2, 1), (1, size + 1), (size + 1, 0)] {
        let request = ProveConsistencyRequest {
            first_size,
            second_size,
            acting_principal: acting_principal.clone(),
            ..ProveConsistencyRequest::default()
        };
        let refused = service.prove_consistency(request).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    // Who may not is refused, and that is an entry.
    let stranger = GetCheckpointRequest {
        acting_principal: stage.assertion("approver", "bob", "approvers"),
    };
    let refused = service.get_checkpoint(stranger).await.err().unwrap();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(stage.vault.entries().len() as u64, size + 1);
    stage.vault.check().await;
}
