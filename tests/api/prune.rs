//! Taking the beginning of the log out of the vault, once it is archived: by two officers, and what
//! is left goes on.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;
use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterfoil::assembly;
use counterfoil::audit::Archive;
use counterfoil::audit::Archived;
use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Event;
use counterfoil::audit::Evidence;
use counterfoil::audit::Report;
use counterfoil::audit::verify_archive;
use counterfoil::audit::verify_store;
use counterfoil::audit::write_export;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::Operation;
use counterfoil::crypto::merkle::leaf_hash;
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
use crate::support::both_verifiers::verify_by_both;
use crate::support::detokenize_items;
use crate::support::item_of;
use crate::support::reveal;
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
    let evidence = Evidence::of(&keys).with_head(Some(&head));
    let whole = verify_by_both(&store, Some(directory.path()), &evidence).unwrap();
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

pub(crate) fn grow(office: &Office, directory: &TempDir) -> Archived {
    let mut archive = Archive::open(directory.path()).unwrap();
    let (store, keys) = (office.vault.read_only(), office.vault.public_keys());
    archive.grow(&store, &keys, u64::MAX).unwrap()
}

/// Two officers prune what was archived, if they may.
pub(crate) async fn prune(office: &Office, archived: &Archived) -> Result<(), Status> {
    let point = LogPoint {
        size: archived.size,
        root: *archived.root.as_bytes(),
    };
    let proposed = office.propose(1, Operation::PruneLog(point)).await?;
    let approved = office.approve(2, &proposed).await?;
    office.until(&approved, OperationState::Done).await;
    Ok(())
}

/// Verifies the stopped vault's log with its archive, by the first public key, by both verifiers.
pub(crate) fn verify_behind(office: &Office, directory: &TempDir) -> Report {
    let (store, keys) = (office.vault.read_only(), office.vault.public_keys());
    let head = office.vault.head();
    let evidence = Evidence::of(&keys).with_head(Some(&head));
    verify_by_both(&store, Some(directory.path()), &evidence).unwrap()
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
    let evidence = Evidence::of(&newest);
    let by_newest = verify_by_both(&store, Some(directory.path()), &evidence).unwrap();
    assert_eq!(by_newest, whole);
    drop(store);
    assert_eq!(office.vault.check().await.archived_size, 512);
}

/// Runs `audit exposure` over the stopped vault's log, with further flags.
fn exposure(office: &Office, further: &[&OsStr]) -> Output {
    let config = &office.vault.config;
    let key = assembly::audit_key_file(&config.data_dir);
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command.args(["audit", "exposure", "--json", "--everybody", "--from"]);
    command.args([
        OsStr::new("2000-01-01"),
        OsStr::new("--to"),
        OsStr::new("2100-01-01"),
        OsStr::new("--public-key"),
        key.as_os_str(),
    ]);
    command.args(further);
    command.output().unwrap()
}

/// Runs `audit exposure` to check a report.
fn check(office: &Office, further: &[&OsStr]) -> Output {
    let key = assembly::audit_key_file(&office.vault.config.data_dir);
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command.args(["audit", "exposure", "--public-key"]).arg(key);
    command.args(further).output().unwrap()
}

/// What is left of an entry, by the line of an export.
fn leaf_hash_of(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let leaf = STANDARD.decode(line["leaf"].as_str().unwrap()).unwrap();
    STANDARD.encode(leaf_hash(&leaf).as_bytes())
}

/// Goal: who was seen is known of all of the log, whether it was pruned or not. Method: a customer
/// whose value was seen before the archive ends; the vault, which names the command that knows; the
/// command, from the log and from an export, without the archive and with it.
#[tokio::test(flavor = "multi_thread")]
async fn report_of_what_was_pruned_is_made_with_the_archive() {
    let mut office = Office::open_with(&[1, 2, 3], RULES).await;
    let client = office.vault.backend().await;
    let item = item_of("email", "ada@mail.example", CANARY);
    let token = client.tokenized(item).await.token;
    let seen = detokenize_items(vec![reveal("email", &token)]);
    client.detokenize(seen).await.unwrap();
    for _ in 0..300 {
        office.list().await;
    }
    let directory = tempfile::tempdir().unwrap();
    prune(&office, &grow(&office, &directory)).await.unwrap();

    let credential = office.vault.identities().credential("approver");
    let channel = office.vault.connect(Side::Reveal, credential).await;
    let mut service = AuditServiceClient::new(channel.unwrap());
    let request = protocol::ReportExposureRequest {
        everybody: true,
        to_unix_ms: u64::MAX,
        ..protocol::ReportExposureRequest::default()
    };
    let refused = service.report_exposure(request).await.err().unwrap();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(
        refused
            .message()
            .contains("entries before 256 are in an archive")
    );
    assert!(
        refused
            .message()
            .contains("`counterfoil audit exposure --archive DIR`")
    );

    office.vault.stop().await;
    let export = directory.path().join("log.export");
    let mut file = fs::File::create(&export).unwrap();
    let keys = office.vault.public_keys();
    write_export(&mut file, &office.vault.read_only(), &keys).unwrap();
    let config = &office.vault.config;
    let of_store = [
        OsStr::new("--data-dir"),
        config.data_dir.as_os_str(),
        OsStr::new("--head-dir"),
        config.audit.head_dir.as_os_str(),
    ];
    let of_export = [OsStr::new("--export"), export.as_os_str()];
    let archive = [OsStr::new("--archive"), directory.path().as_os_str()];
    for log in [of_store.as_slice(), of_export.as_slice()] {
        let refused = exposure(&office, log);
        let words = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{words}");
        assert!(words.contains("give it with --archive DIR"), "{words}");
        let done = exposure(&office, &[log, archive.as_slice()].concat());
        let words = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(0), "{words}");
        let report = String::from_utf8(done.stdout).unwrap();
        assert!(report.contains(CANARY) && report.contains("\"first_index\":0"));
        // And what was reported is made again.
        let kept = directory.path().join("report.json");
        fs::write(&kept, &report).unwrap();
        let against = [
            OsStr::new("--check"),
            kept.as_os_str(),
            OsStr::new("--against"),
            log[1],
        ];
        let checked = check(&office, &[against.as_slice(), archive.as_slice()].concat());
        assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    }
    // One that leaves an entry out as if it were erased is not believed.
    let path = directory.path().join("0-256.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let place = text.lines().position(|line| line.contains(CANARY)).unwrap();
    let hash = leaf_hash_of(text.lines().nth(place).unwrap());
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[place] = format!("{{\"erased\":{place},\"leaf_hash\":\"{hash}\"}}");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let refused = exposure(&office, &[of_store.as_slice(), archive.as_slice()].concat());
    assert_eq!(refused.status.code(), Some(4));
    office.vault.check().await;
}
