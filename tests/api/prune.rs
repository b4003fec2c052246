//! Taking the beginning of the log out of the vault, once it is archived: by two officers, and what
//! is left goes on.

use counterfoil::audit::Archive;
use counterfoil::audit::Archived;
use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Event;
use counterfoil::audit::Report;
use counterfoil::audit::verify_archive;
use counterfoil::audit::verify_store;
use counterfoil::audit::verify_store_behind;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::Operation;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::audit_service_client::AuditServiceClient;
use counterfoil::store::Store;
use counterfoil::store::StoreError;
use tempfile::TempDir;
use tonic::Code;
use tonic::Status;

use crate::office::Office;
use crate::purge::contents;
use crate::purge::files_with;
use crate::signing_key;
use crate::support::Side;
use crate::support::item_of;
use crate::witness::TestWitness;
use crate::witness::until_seen;

const RULES: &str = "[officers.rules]\nprune-log = { delay_seconds = 0 }\n";
/// A customer whose id is found wherever it is written in clear.
const CANARY: &str = "cus_Pj4NqT8xVb2mLw6Y";

/// Goal: what officers prune is in the archive and nowhere else, and everything else goes on.
/// Method: an archive, two officers, the files of the data directory; then calls, proofs, restart.
#[tokio::test(flavor = "multi_thread")]
async fn two_officers_prune_what_is_archived() {
    let mut office = Office::open_with(&[1, 2, 3], RULES).await;
    let backend = office.vault.backend().await;
    let item = item_of("email", "ada@mail.example", CANARY);
    let token = backend.tokenized(item.clone()).await.token;
    for _ in 0..300 {
        office.list().await;
    }
    let keys = office.vault.public_keys();
    let directory = tempfile::tempdir().unwrap();
    let mut archive = Archive::open(directory.path()).unwrap();
    let archived = {
        let store = office.vault.read_only();
        archive.grow(&store, &keys, u64::MAX).unwrap()
    };
    assert_eq!(archived.size, 256);
    let point = LogPoint {
        size: archived.size,
        root: *archived.root.as_bytes(),
    };
    let data_dir = office.vault.config.data_dir.clone();
    let found = |text: &str| files_with(&contents(&data_dir), text.as_bytes());
    assert!(found(CANARY) > 0);

    let wrong = LogPoint {
        root: [1; 32],
        ..point
    };
    let refused = office.propose(1, Operation::PruneLog(wrong)).await;
    assert_eq!(refused.err().unwrap().code(), Code::FailedPrecondition);
    let proposed = office.propose(1, Operation::PruneLog(point)).await.unwrap();
    assert!(proposed.note.contains("\nobject log/256 "));
    let pruned_size = |office: &Office| {
        office
            .vault
            .with_store(|store| store.pruned_size().unwrap())
    };
    assert_eq!(pruned_size(&office), 0, "one officer has no effect");
    let approved = office.approve(2, &proposed).await.unwrap();
    assert_eq!(pruned_size(&office), 256);
    office.until(&approved, OperationState::Done).await;
    assert_eq!(found(CANARY), 0, "the vault has no byte of it");
    assert_eq!(
        files_with(&contents(directory.path()), CANARY.as_bytes()),
        1
    );
    assert_eq!(office.vault.counts()[&Event::LogPruned], 1);

    for round in 0..2 {
        // Values and tokens are as they were.
        let backend = office.vault.backend().await;
        assert_eq!(backend.tokenized(item.clone()).await.token, token);
        let credential = office.vault.identities().credential("approver");
        let channel = office.vault.connect(Side::Reveal, credential).await;
        let mut service = AuditServiceClient::new(channel.unwrap());
        let list = |first_index| protocol::ListEntriesRequest {
            first_index,
            entries_max: 5,
            ..protocol::ListEntriesRequest::default()
        };
        let refused = service.list_entries(list(255)).await.err().unwrap();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert!(refused.message().contains("before 256 are in an archive"));
        let page = service.list_entries(list(256)).await.unwrap().into_inner();
        assert_eq!(page.entries.len(), 5);
        let prove = |leaf_index| protocol::ProveInclusionRequest {
            leaf_index,
            ..protocol::ProveInclusionRequest::default()
        };
        service.prove_inclusion(prove(256)).await.unwrap();
        let refused = service.prove_inclusion(prove(3)).await.err().unwrap();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        if round == 0 {
            office.vault.restart().await;
            office.keys = Office::connect(&office.vault).await;
        }
    }
    office.vault.stop().await;
    let (store, head) = (office.vault.read_only(), office.vault.head());
    assert!(matches!(
        store.entries(0, 1),
        Err(StoreError::Pruned { size: 256 })
    ));
    let alone = verify_store(&store, Some(&head), &keys).unwrap();
    let whole = verify_store_behind(&archive, &store, Some(&head), &keys).unwrap();
    assert_eq!((alone.archived_size, whole.archived_size), (256, 0));
    assert_eq!(alone.root, whole.root);
    assert_eq!(verify_archive(&archive, &keys).unwrap().tree_size, 256);
    drop(store);
    office.vault.check().await;
}

/// A vault with officers who need not wait, and a log of 300 entries and more.
async fn office() -> Office {
    let office = Office::open_with(&[1, 2, 3], RULES).await;
    for _ in 0..300 {
        office.list().await;
    }
    office
}

fn grow(office: &Office, directory: &TempDir) -> Archived {
    let mut archive = Archive::open(directory.path()).unwrap();
    let (store, keys) = (office.vault.read_only(), office.vault.public_keys());
    archive.grow(&store, &keys, u64::MAX).unwrap()
}

/// Two officers prune what was archived, if they may.
async fn prune(office: &Office, archived: &Archived) -> Result<(), Status> {
    let point = LogPoint {
        size: archived.size,
        root: *archived.root.as_bytes(),
    };
    let proposed = office.propose(1, Operation::PruneLog(point)).await?;
    let approved = office.approve(2, &proposed).await?;
    office.until(&approved, OperationState::Done).await;
    Ok(())
}

/// Verifies the stopped vault's log with its archive, by the first public key.
fn verify_behind(office: &Office, directory: &TempDir) -> Report {
    let archive = Archive::open(directory.path()).unwrap();
    let (store, keys) = (office.vault.read_only(), office.vault.public_keys());
    verify_store_behind(&archive, &store, Some(&office.vault.head()), &keys).unwrap()
}

/// Goal: nothing is pruned that the witness has not seen, and none that is configured no more is
/// asked. Method: a witness that is away while the log grows, that comes back, and that is taken
/// out of the configuration while it is behind.
#[tokio::test(flavor = "multi_thread")]
async fn witness_must_have_seen_what_is_pruned() {
    let mut office = office().await;
    let directory = tempfile::tempdir().unwrap();
    let mut witness = TestWitness::of(&mut office.vault).await;
    office.keys = Office::connect(&office.vault).await;
    until_seen(&office.vault).await;
    prune(&office, &grow(&office, &directory)).await.unwrap();

    witness.go().await;
    for _ in 0..260 {
        office.list().await;
    }
    let archived = grow(&office, &directory);
    assert_eq!(archived.size, 512);
    let refused = prune(&office, &archived).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused.message().contains("witness has not seen"),
        "{refused}"
    );
    witness.come().await;
    until_seen(&office.vault).await;
    prune(&office, &archived).await.unwrap();

    // What the store keeps of it is older than the log from here on.
    witness.go().await;
    office.vault.config.audit.witness = None;
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    for _ in 0..260 {
        office.list().await;
    }
    let archived = grow(&office, &directory);
    assert_eq!(archived.size, 768);
    prune(&office, &archived).await.unwrap();
    office.vault.restart().await;
    office.vault.stop().await;
    let whole = verify_behind(&office, &directory);
    assert_eq!((whole.archived_size, whole.untold_count), (0, 0));
    let alone = office.vault.check().await;
    assert_eq!((alone.archived_size, alone.root), (768, whole.root));
}

/// Goal: a log that came under other keys is pruned, and its archive verifies by any key that is
/// known. Method: the key rotated before what is archived ends, and after; pruned after each.
#[tokio::test(flavor = "multi_thread")]
async fn archive_of_before_and_after_a_rotation_verifies_by_the_first_key() {
    let mut office = office().await;
    let first = office.vault.public_keys();
    let directory = tempfile::tempdir().unwrap();
    // The archive ends before the rotation, and is pruned after it.
    let archived = grow(&office, &directory);
    signing_key::rotate(&office, 1).await;
    prune(&office, &archived).await.unwrap();
    for _ in 0..260 {
        office.list().await;
    }
    // This one has the rotation, and another follows.
    let archived = grow(&office, &directory);
    assert_eq!((archived.size, archived.added), (512, 256));
    prune(&office, &archived).await.unwrap();
    signing_key::rotate(&office, 2).await;
    office.vault.restart().await;
    office.vault.stop().await;

    let whole = verify_behind(&office, &directory);
    assert_eq!((whole.archived_size, whole.successors.len()), (0, 2));
    let archive = Archive::open(directory.path()).unwrap();
    let alone = verify_archive(&archive, &first).unwrap();
    assert_eq!((alone.tree_size, alone.successors.len()), (512, 1));
    // By the newest key alone as well; what it signs is only in the log.
    let newest = whole.successors.last().unwrap().key.clone();
    let newest = CheckpointKeys::new(vec![newest]);
    let store = office.vault.read_only();
    let by_newest = verify_store_behind(&archive, &store, None, &newest).unwrap();
    assert_eq!(by_newest, whole);
    drop(store);
    assert_eq!(office.vault.check().await.archived_size, 512);
}
