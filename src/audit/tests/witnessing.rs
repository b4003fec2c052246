//! Goal: no value leaves whose intent is further ahead of what the witness has seen than the
//! window allows. Method: many callers reveal as fast as the log takes it, while the witness comes
//! and goes; each index is compared with what the witness had on its disk when the caller was
//! answered. Planted: a log that does not ask, and callers who look before their turn.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::failing::Fault;
use super::failing::FaultyStore;
use super::*;
use crate::access::Act;
use crate::access::Actor;
use crate::access::Claim;
use crate::access::Disclosure;
use crate::crypto::note::CosignerKey;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::outbound::ServiceUrl;
use crate::witness;
use crate::witness::ClientSettings;
use crate::witness::KeepState;
use crate::witness::Latest;
use crate::witness::ServeSettings;
use crate::witness::WatchedLog;
use crate::witness::Witness;
use crate::witness::WitnessClient;

/// Whether callers ask as they must.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asking {
    /// The log judges, where the call gets its place.
    InOrder,
    /// Planted: they look how much was not seen, and reveal after that.
    BeforeTheirTurn,
    /// Planted: nobody asks.
    Never,
}

/// The disk of a witness, which takes its time while it is away.
#[derive(Default)]
struct Memory {
    size: AtomicU64,
    is_away: AtomicBool,
}

struct Keeper(Arc<Memory>);

impl KeepState for Keeper {
    fn write(&self, latest: &Latest) -> io::Result<()> {
        while self.0.is_away.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let size = latest.checkpoint().tree_size;
        self.0.size.store(size, Ordering::SeqCst);
        Ok(())
    }
}

pub(super) fn cosigner() -> CosignerKey {
    let name = NoteKeyName::new("witness.example/w1").unwrap();
    CosignerKey::new(name, &KeyBytes::from_array(&[5; 32]))
}

async fn serve_witness(memory: Arc<Memory>) -> (SocketAddr, oneshot::Sender<()>) {
    let log = WatchedLog {
        origin: origin(),
        keys: vec![key().verifier(origin())],
        latest: None,
    };
    let clock = Arc::new(SystemClock::default());
    let witness = Witness::new(cosigner(), vec![log], Box::new(Keeper(memory)), clock);
    let (stop, stopping) = oneshot::channel();
    let (ready, is_ready) = oneshot::channel();
    tokio::spawn(async move {
        let settings = ServeSettings {
            address: "127.0.0.1:0".parse().unwrap(),
            certificate: None,
        };
        let stopping = async move {
            let _ = stopping.await;
        };
        let ready = move |address| {
            let _ = ready.send(address);
        };
        let served = witness::serve(witness, &settings, stopping, ready).await;
        served.unwrap();
    });
    (is_ready.await.unwrap(), stop)
}

fn client(address: SocketAddr) -> WitnessClient {
    let settings = ClientSettings {
        url: ServiceUrl::new(&format!("http://{address}/add-checkpoint")).unwrap(),
        ca_file: None,
        verifier: cosigner().verifier(),
    };
    WitnessClient::new(&settings, Arc::new(SystemClock::default())).unwrap()
}

pub(super) fn reveal() -> Commit {
    let claim = Claim {
        actor: Actor {
            principal: Principal::new("a.example").unwrap(),
            credential: [1; 32],
            person: None,
            authenticated: None,
        },
        act: Act::Disclose(Box::new(Disclosure {
            namespace: Namespace::new("shop").unwrap(),
            case_id: None,
            grant: None,
            glances: Vec::new(),
        })),
    };
    let entry = EntryDraft::new(Event::Detokenize);
    Commit::new(Changes::default(), entry, Some(claim))
}

/// What came of a campaign.
#[derive(Debug, Default)]
struct Outcome {
    /// The most entries that the witness had not seen when a caller was answered, up to the
    /// caller's own.
    worst: AtomicU64,
    reveals_count: AtomicU64,
    refused_count: AtomicU64,
}

async fn reveal_often(audit: AuditLog, asking: Asking, memory: Arc<Memory>, outcome: Arc<Outcome>) {
    while outcome.reveals_count.load(Ordering::SeqCst) < REVEALS_COUNT {
        let is_stopped = || audit.unwitnessed().unwrap().entries_count >= ENTRIES_MAX;
        let answer = if asking == Asking::BeforeTheirTurn && is_stopped() {
            Err(CommitError::Unwitnessed)
        } else {
            audit.commit(reveal()).await
        };
        match answer {
            Ok(receipt) => {
                let seen = memory.size.load(Ordering::SeqCst);
                let unseen = (receipt.index + 1).saturating_sub(seen);
                outcome.worst.fetch_max(unseen, Ordering::SeqCst);
                outcome.reveals_count.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => {
                assert_eq!(error, CommitError::Unwitnessed);
                outcome.refused_count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
}

async fn campaign(asking: Asking) -> Arc<Outcome> {
    let log = TestLog::create();
    let memory = Arc::new(Memory::default());
    let (address, stop) = serve_witness(Arc::clone(&memory)).await;
    let mut parts = log.parts().unwrap();
    let store = Arc::clone(&parts.store);
    parts.witness = Some(WitnessWindow {
        entries_max: match asking {
            Asking::InOrder => ENTRIES_MAX,
            Asking::BeforeTheirTurn | Asking::Never => u64::MAX,
        },
        seconds_max: 3_600,
    });
    let (audit, thread) = AuditLog::open(parts).unwrap();
    let mut witnessing = audit.witnessing(client(address), None).unwrap();
    let empty = signer().sign_empty().unwrap();
    witnessing.begin(&empty).await.unwrap();
    let task = tokio::spawn(witnessing.run());

    let outcome = Arc::new(Outcome::default());
    let callers: Vec<_> = (0..CALLERS_COUNT)
        .map(|_| {
            let (audit, outcome) = (audit.clone(), Arc::clone(&outcome));
            tokio::spawn(reveal_often(audit, asking, Arc::clone(&memory), outcome))
        })
        .collect();
    let coming_and_going = tokio::spawn({
        let memory = Arc::clone(&memory);
        async move {
            loop {
                memory.is_away.fetch_xor(true, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(70)).await;
            }
        }
    });
    for caller in callers {
        caller.await.unwrap();
    }
    coming_and_going.abort();
    let _ = coming_and_going.await;
    memory.is_away.store(false, Ordering::SeqCst);

    // What the log ends with is seen too, and what was seen is kept.
    let witnessed = audit.witnessed();
    drop(audit);
    tokio::task::spawn_blocking(|| thread.join()).await.unwrap();
    task.await.unwrap();
    let _ = stop.send(());
    let kept = store.cosigned_checkpoint().unwrap();
    drop(store);
    let report = log.verify().unwrap();
    let cosigned = witnessed.borrow().clone().unwrap();
    assert_eq!(cosigned.size(), report.tree_size);
    let note = cosigned.note().parse().unwrap();
    assert!(cosigner().verifier().verify(&note).is_ok());
    assert_eq!(keys().verify(cosigned.note()).as_ref(), Some(&*cosigned));
    assert_eq!(kept.as_deref(), Some(cosigned.note()));
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reveal_is_further_ahead_than_the_window() {
    let outcome = campaign(Asking::InOrder).await;
    assert!(
        outcome.worst.load(Ordering::SeqCst) <= ENTRIES_MAX,
        "{outcome:?}"
    );
    // It was tried: the window was full, and opened again.
    assert!(
        outcome.refused_count.load(Ordering::SeqCst) > 0,
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn log_that_does_not_ask_is_caught() {
    for asking in [Asking::Never, Asking::BeforeTheirTurn] {
        let outcome = campaign(asking).await;
        assert!(
            outcome.worst.load(Ordering::SeqCst) > ENTRIES_MAX,
            "{asking:?}: {outcome:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_releases_values_waits_for_the_witness() {
    let log = TestLog::create();
    let mut parts = log.parts().unwrap();
    parts.witness = Some(WitnessWindow::default());
    let (audit, thread) = AuditLog::open(parts).unwrap();
    // The witness has not answered yet.
    let revealed = audit.commit(reveal()).await;
    assert_eq!(revealed.unwrap_err(), CommitError::Unwitnessed);
    for (event, act) in [
        (Event::Lookup, reveal().claim.unwrap().act),
        (Event::Tokenize, Act::Work),
        (Event::Detokenize, Act::Refused),
    ] {
        let mut commit = reveal();
        commit.entry.event = event;
        commit.claim = commit.claim.map(|claim| Claim { act, ..claim });
        let answer = audit.commit(commit).await;
        assert!(
            !matches!(answer, Err(CommitError::Unwitnessed)),
            "{event:?}"
        );
    }
    drop(audit);
    tokio::task::spawn_blocking(|| thread.join()).await.unwrap();
}

/// Opens a log over a store, whose witness is asked about where it starts.
async fn open_witnessed(
    log: &TestLog,
    store: Arc<dyn Store>,
    address: SocketAddr,
) -> (AuditLog, SequencerThread, Witnessing) {
    let kept = store.cosigned_checkpoint().unwrap();
    let known = kept.and_then(|note| keys().verify(&note));
    let latest = store.checkpoint().unwrap();
    let latest = latest.and_then(|note| keys().verify(&note));
    let latest = latest.unwrap_or_else(|| signer().sign_empty().unwrap());
    let mut parts = log.parts_over(store).unwrap();
    parts.witness = Some(WitnessWindow::default());
    let (audit, thread) = AuditLog::open(parts).unwrap();
    let mut witnessing = audit.witnessing(client(address), known).unwrap();
    witnessing.begin(&latest).await.unwrap();
    (audit, thread, witnessing)
}

/// Goal: a cosigned checkpoint that is not kept costs the log its process and nothing else.
/// Method: the write of it fails, with the checkpoint on the disk and without, after the witness
/// has seen an entry; the call after it is refused, and the next start goes on with that witness.
#[tokio::test(flavor = "multi_thread")]
async fn cosigned_checkpoint_whose_write_fails_closes_the_log_and_loses_nothing() {
    for (fault, kept_size) in [
        (Fault::CosignedFails, 0),
        (Fault::CosignedFailsButPersisted, 1),
    ] {
        let log = TestLog::create();
        let memory = Arc::new(Memory::default());
        let (address, stop) = serve_witness(Arc::clone(&memory)).await;
        let store = Arc::new(FaultyStore::new(log.store(), fault, 1));
        let (audit, thread, witnessing) = open_witnessed(&log, store.clone(), address).await;
        let asking = tokio::spawn(witnessing.run());
        // It was cosigned, so who asks is told, and what is seen may be revealed.
        let index = audit.commit(reveal()).await.unwrap().index;
        assert_eq!(index, 0, "{fault:?}");
        let mut witnessed = audit.witnessed();
        let is_seen =
            |it: &Option<Arc<SignedCheckpoint>>| it.as_ref().is_some_and(|it| it.size() == 1);
        witnessed.wait_for(is_seen).await.unwrap();
        while !store.is_poisoned.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Nobody reveals by a store of which it is not known what it has.
        let refused = audit.commit(reveal()).await.err();
        assert_eq!(refused, Some(CommitError::Unavailable), "{fault:?}");
        let state = audit.state();
        drop(audit);
        tokio::task::spawn_blocking(|| thread.join()).await.unwrap();
        assert_eq!(*state.borrow(), LogState::Fatal, "{fault:?}");
        asking.await.unwrap();
        drop(store);

        let kept = log.store().cosigned_checkpoint().unwrap().unwrap();
        let kept = keys().verify(&kept).unwrap();
        assert_eq!(kept.size(), kept_size, "{fault:?}");
        assert_eq!(log.verify().unwrap().tree_size, 1, "{fault:?}");
        let store: Arc<dyn Store> = Arc::new(log.store());
        let (audit, thread, witnessing) = open_witnessed(&log, store.clone(), address).await;
        let asking = tokio::spawn(witnessing.run());
        assert_eq!(audit.commit(reveal()).await.unwrap().index, 1, "{fault:?}");
        drop(audit);
        tokio::task::spawn_blocking(|| thread.join()).await.unwrap();
        asking.await.unwrap();
        drop(store);
        assert_eq!(memory.size.load(Ordering::SeqCst), 2, "{fault:?}");
        let kept = log.store().cosigned_checkpoint().unwrap().unwrap();
        assert_eq!(keys().verify(&kept).unwrap().size(), 2, "{fault:?}");
        let _ = stop.send(());
    }
}

const CALLERS_COUNT: usize = 32;
const ENTRIES_MAX: u64 = 20;
const REVEALS_COUNT: u64 = 300;
