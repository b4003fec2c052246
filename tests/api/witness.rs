//! A vault with a witness: reveals stop when the witness is away and come back with it, everything
//! else goes on; a vault that went back is told so by somebody who has not.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::assembly::AssemblyError;
use counterfoil::audit::Evidence;
use counterfoil::audit::StartError;
use counterfoil::audit::WitnessWindow;
use counterfoil::config::AuditWitness;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::note::Checkpoint;
use counterfoil::crypto::note::CosignerKey;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::NoteVerifier;
use counterfoil::outbound::ServiceUrl;
use counterfoil::store::Store;
use counterfoil::witness;
use counterfoil::witness::ClientSettings;
use counterfoil::witness::KeepState;
use counterfoil::witness::Latest;
use counterfoil::witness::ServeSettings;
use counterfoil::witness::StateDirectory;
use counterfoil::witness::WatchedLog;
use counterfoil::witness::Witness;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::Status;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::support::Client;
use crate::support::Side;
use crate::support::TestClock;
use crate::support::TestVault;
use crate::support::both_verifiers::verify_by_both;
use crate::support::detokenize_items;
use crate::support::reveal;

/// A witness of one vault, which comes and goes at one address.
pub(crate) struct TestWitness {
    // Its own, which outlives the vault's.
    directory: TempDir,
    key: NoteVerifier,
    address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    /// The vault's: each looks at what the other says of the time.
    clock: Arc<TestClock>,
}

impl TestWitness {
    /// A witness of this vault, which is served anew with it.
    pub(crate) async fn of(vault: &mut TestVault) -> Self {
        let key = fs::read_to_string(assembly::audit_key_file(&vault.config.data_dir)).unwrap();
        let mut witness = Self {
            directory: tempfile::tempdir().unwrap(),
            key: key.trim().parse().unwrap(),
            address: "127.0.0.1:0".parse().unwrap(),
            running: None,
            clock: Arc::clone(&vault.clock),
        };
        witness.come().await;
        vault.config.audit.witness = Some(witness.config());
        vault.restart().await;
        witness
    }

    fn config(&self) -> AuditWitness {
        AuditWitness {
            client: ClientSettings {
                url: ServiceUrl::new(&format!("http://{}/add-checkpoint", self.address)).unwrap(),
                ca_file: None,
                verifier: cosigner().verifier(),
            },
            window: WitnessWindow {
                entries_max: ENTRIES_MAX,
                seconds_max: 5,
            },
        }
    }

    fn state(&self) -> StateDirectory {
        StateDirectory::open(&self.directory.path().join("state")).unwrap()
    }

    pub(crate) async fn come(&mut self) {
        let state = self.state();
        let log = WatchedLog {
            origin: self.key.name().clone(),
            keys: vec![self.key.clone()],
            latest: state.read(self.key.name()).unwrap(),
        };
        let clock = Arc::clone(&self.clock);
        let witness = Witness::new(cosigner(), vec![log], Box::new(state), clock);
        let (stop, stopping) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let settings = ServeSettings {
            address: self.address,
            certificate: None,
        };
        let served = tokio::spawn(async move {
            let stopping = async move {
                let _ = stopping.await;
            };
            let ready = move |address| {
                let _ = ready.send(address);
            };
            let served = witness::serve(witness, &settings, stopping, ready).await;
            served.unwrap();
        });
        self.address = is_ready.await.unwrap();
        self.running = Some((stop, served));
    }

    pub(crate) async fn go(&mut self) {
        let (stop, served) = self.running.take().unwrap();
        stop.send(()).unwrap();
        served.await.unwrap();
    }

    /// What it has seen last, while it is away.
    fn seen(&self) -> Checkpoint {
        let latest = self.state().read(self.key.name()).unwrap().unwrap();
        latest.checkpoint().clone()
    }

    /// What its operator says where the log goes on.
    fn accept(&self, tree_size: u64, root_hash: counterfoil::crypto::merkle::Hash) {
        let checkpoint = Checkpoint {
            origin: self.key.name().clone(),
            tree_size,
            root_hash,
        };
        let accepted = Latest::accepted(checkpoint, 0);
        self.state().write(&accepted).unwrap();
    }
}

pub(crate) fn cosigner() -> CosignerKey {
    let name = NoteKeyName::new("witness.example/w1").unwrap();
    CosignerKey::new(name, &KeyBytes::from_array(&[5; 32]))
}

/// Reveals a token; says at which index the intent is.
async fn reveal_once(client: &Client, token: &str) -> Result<u64, Status> {
    let request = detokenize_items(vec![reveal("name", token)]);
    let answer = client.detokenize(request).await?;
    Ok(answer.receipt.unwrap().leaf_index)
}

pub(crate) async fn until_revealed(client: &Client, token: &str) {
    for _ in 0..600 {
        if reveal_once(client, token).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("reveals did not come back");
}

fn assert_stopped(status: &Status) {
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "UNWITNESSED");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
}

pub(crate) async fn until_seen(vault: &TestVault) {
    for _ in 0..600 {
        if vault.vault().log().unwitnessed().unwrap().entries_count == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the witness did not see the log");
}

async fn health(vault: &TestVault, service: &str) -> ServingStatus {
    let backend = vault.identities().credential("backend");
    let channel = vault.connect(Side::Reveal, backend).await.unwrap();
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(channel).check(request).await.unwrap();
    answer.into_inner().status()
}

async fn until_health(vault: &TestVault, service: &str, expected: ServingStatus) {
    for _ in 0..600 {
        if health(vault, service).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("health of {service} did not become {expected:?}");
}

const TOKENS: &str = "counterfoil.v1.TokenService";
const REVEALS: &str = "counterfoil.v1.DetokenizationService";
const ENTRIES_MAX: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn reveals_stop_without_their_witness_and_nothing_else_does() {
    let mut vault = TestVault::start().await;
    let mut witness = TestWitness::of(&mut vault).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    until_revealed(&client, &token).await;
    until_health(&vault, REVEALS, ServingStatus::Serving).await;

    witness.go().await;
    let seen = witness.seen().tree_size;
    let mut revealed_count = 0;
    let stopped = loop {
        match reveal_once(&client, &token).await {
            Ok(index) => {
                assert!(index < seen + ENTRIES_MAX, "{index} is beyond {seen}");
                revealed_count += 1;
            }
            Err(status) => break status,
        }
        assert!(revealed_count <= ENTRIES_MAX);
    };
    assert!(revealed_count > 0, "a short absence is bridged");
    assert_stopped(&stopped);
    until_health(&vault, REVEALS, ServingStatus::NotServing).await;
    assert_eq!(health(&vault, TOKENS).await, ServingStatus::Serving);
    assert_eq!(health(&vault, "").await, ServingStatus::Serving);
    let metrics = vault.metrics_text().await;
    assert!(
        metrics.contains("counterfoil_reveals_stopped 1"),
        "{metrics}"
    );
    assert!(metrics.contains("outcome=\"unwitnessed\""), "{metrics}");

    // Whoever does not take values out is not stopped.
    let other = client.token("name", "Grace Hopper").await;
    let known = client.lookup("name", "Grace Hopper").await.unwrap();
    assert_eq!(known.token, other);
    assert!(
        client
            .verify_match("name", &other, "Grace Hopper")
            .await
            .unwrap()
    );
    client.inspect("name", &other, "").await.unwrap();
    assert_stopped(&reveal_once(&client, &other).await.unwrap_err());

    witness.come().await;
    until_revealed(&client, &other).await;
    until_health(&vault, REVEALS, ServingStatus::Serving).await;
    until_seen(&vault).await;
    let metrics = vault.metrics_text().await;
    assert!(
        metrics.contains("counterfoil_reveals_stopped 0"),
        "{metrics}"
    );
    assert!(metrics.contains("counterfoil_audit_unwitnessed_entries 0"));

    // A vault that stops in order leaves nothing behind that was not seen.
    let report = vault.check().await;
    witness.go().await;
    assert_eq!(witness.seen().tree_size, report.tree_size);
    assert_eq!(witness.seen().root_hash, report.root);
}

#[tokio::test(flavor = "multi_thread")]
async fn reveals_stop_when_what_was_not_seen_grows_old() {
    let mut vault = TestVault::start().await;
    let mut witness = TestWitness::of(&mut vault).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    until_revealed(&client, &token).await;
    until_seen(&vault).await;
    // Outcomes are not waited for by calls.
    vault
        .wait_for(counterfoil::audit::Event::DetokenizeOutcome, 1)
        .await;
    until_seen(&vault).await;
    witness.go().await;
    // A log that was seen to its end has no age.
    vault.clock.advance_seconds(3_600);
    reveal_once(&client, &token).await.unwrap();
    vault.clock.advance_seconds(5);
    reveal_once(&client, &token).await.unwrap();
    vault.clock.advance_seconds(1);
    assert_stopped(&reveal_once(&client, &token).await.unwrap_err());
    assert!(vault.vault().log().unwitnessed().unwrap().age_ms >= 6_000);
    witness.come().await;
    until_revealed(&client, &token).await;
    vault.check().await;
    witness.go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_that_starts_without_its_witness_reveals_nothing() {
    let mut vault = TestVault::start().await;
    let mut witness = TestWitness::of(&mut vault).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    until_revealed(&client, &token).await;
    vault.stop().await;
    witness.go().await;
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    assert_stopped(&reveal_once(&client, &token).await.unwrap_err());
    assert_eq!(health(&vault, REVEALS).await, ServingStatus::NotServing);
    assert_eq!(client.token("name", "Ada Lovelace").await, token);
    witness.come().await;
    until_revealed(&client, &token).await;
    vault.check().await;
    witness.go().await;
}

/// A vault whose disk went back as a whole, its head with it: what only a witness can tell.
struct WentBack {
    vault: TestVault,
    witness: TestWitness,
    old_size: u64,
    new_size: u64,
    token: String,
}

impl WentBack {
    async fn make() -> Self {
        let mut vault = TestVault::start().await;
        let witness = TestWitness::of(&mut vault).await;
        let client = vault.backend().await;
        let token = client.token("name", "Ada Lovelace").await;
        vault.stop().await;
        let copied = vault.directory().join("old");
        copy(&vault.config.data_dir, &copied);
        let old_size = vault.read_only().tree_size().unwrap();
        vault.serve().await.unwrap();
        let client = vault.backend().await;
        until_revealed(&client, &token).await;
        vault.stop().await;
        let new_size = vault.read_only().tree_size().unwrap();
        fs::rename(&vault.config.data_dir, vault.directory().join("new")).unwrap();
        fs::rename(&copied, &vault.config.data_dir).unwrap();
        Self {
            vault,
            witness,
            old_size,
            new_size,
            token,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_that_went_back_with_its_head_is_refused() {
    let mut went_back = WentBack::make().await;
    let vault = &mut went_back.vault;
    let refused = vault.open().await.expect_err("it must stay closed");
    let words = refused.to_string();
    let AssemblyError::Start(StartError::WitnessAhead {
        database_size,
        witness_size,
    }) = refused
    else {
        panic!("{words}");
    };
    let sizes = (went_back.old_size, went_back.new_size);
    assert_eq!((database_size, witness_size), sizes);
    assert!(words.contains("counterfoil witness accept"), "{words}");
    // Nothing was written by the attempt, and the newest disk is still good.
    assert_eq!(vault.read_only().tree_size().unwrap(), went_back.old_size);
    fs::remove_dir_all(&vault.config.data_dir).unwrap();
    fs::rename(vault.directory().join("new"), &vault.config.data_dir).unwrap();
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    until_revealed(&client, &went_back.token).await;
    went_back.vault.check().await;
    went_back.witness.go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_that_went_back_goes_on_when_its_witness_accepts_it() {
    let WentBack {
        mut vault,
        mut witness,
        old_size,
        new_size,
        token,
    } = WentBack::make().await;
    witness.go().await;
    assert_eq!(witness.seen().tree_size, new_size);
    let report = {
        let keys = vault.public_keys();
        verify_by_both(&vault.read_only(), None, &Evidence::of(&keys)).unwrap()
    };
    assert_eq!(report.tree_size, old_size);
    witness.accept(old_size, report.root);
    witness.come().await;
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    until_revealed(&client, &token).await;
    until_seen(&vault).await;
    vault.check().await;
    witness.go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_with_another_past_is_refused() {
    let mut went_back = WentBack::make().await;
    let vault = &mut went_back.vault;
    // Without its witness, the old disk grows past what the witness has seen.
    let configured = vault.config.audit.witness.take();
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    while vault.with_store(|store| store.tree_size().unwrap()) <= went_back.new_size {
        reveal_once(&client, &went_back.token).await.unwrap();
    }
    vault.stop().await;
    vault.config.audit.witness = configured;
    let refused = vault.open().await.expect_err("it must stay closed");
    let AssemblyError::Start(StartError::WitnessForked { witness_size }) = refused else {
        panic!("{refused}");
    };
    assert_eq!(witness_size, went_back.new_size);
    went_back.vault.check_only_log().await;
    went_back.witness.go().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_is_closed_when_its_witness_turns_out_to_have_seen_more() {
    let WentBack {
        mut vault,
        mut witness,
        token,
        ..
    } = WentBack::make().await;
    witness.go().await;
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    assert_stopped(&reveal_once(&client, &token).await.unwrap_err());
    witness.come().await;
    let failed = vault.until_failed().await;
    assert!(failed.contains("audit log failed"), "{failed}");
    vault.check_only_log().await;
    witness.go().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if name != "ballast" {
            fs::copy(path, to.join(name)).unwrap();
        }
    }
}
