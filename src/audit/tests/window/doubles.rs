//! What a test holds of the world around a log: its clock, its head, and its witness.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use super::super::witnessing::cosigner;
use super::super::*;
use crate::crypto::note::Submission;
use crate::domain::Clock;
use crate::domain::Timestamp;
use crate::outbound::ServiceUrl;
use crate::witness::ClientSettings;

/// A machine's clock, and what a process makes of it: as [`SystemClock`], it goes on at its own
/// pace where the machine's is set back, and follows where that is set forward.
pub(super) struct MovedClock {
    machine_ms: AtomicU64,
    process_ms: AtomicU64,
}

impl MovedClock {
    pub(super) fn new() -> Self {
        Self {
            machine_ms: AtomicU64::new(BEGIN_MS),
            process_ms: AtomicU64::new(BEGIN_MS),
        }
    }

    pub(super) fn pass(&self, ms: u64) {
        self.machine_ms.fetch_add(ms, Ordering::SeqCst);
        self.process_ms.fetch_add(ms, Ordering::SeqCst);
        self.follow();
    }

    pub(super) fn set_back(&self, ms: u64) {
        self.machine_ms.fetch_sub(ms, Ordering::SeqCst);
    }

    pub(super) fn set_forward(&self, ms: u64) {
        self.machine_ms.fetch_add(ms, Ordering::SeqCst);
        self.follow();
    }

    /// Another process begins with what the machine says.
    pub(super) fn restart(&self) {
        let machine_ms = self.machine_ms.load(Ordering::SeqCst);
        self.process_ms.store(machine_ms, Ordering::SeqCst);
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.process_ms.load(Ordering::SeqCst)
    }

    fn follow(&self) {
        let machine_ms = self.machine_ms.load(Ordering::SeqCst);
        self.process_ms.fetch_max(machine_ms, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.now_ms())
    }

    fn not_before(&self, past: Timestamp) {
        self.process_ms.fetch_max(past.unix_ms(), Ordering::SeqCst);
    }
}

/// Planted: a clock that goes back with the machine's.
pub(super) struct GoesBack(pub(super) Arc<MovedClock>);

impl Clock for GoesBack {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.machine_ms.load(Ordering::SeqCst))
    }
}

/// Planted: a clock that says whatever time a cosignature says.
#[derive(Default)]
pub(super) struct Agreeing(pub(super) AtomicU64);

impl Clock for Agreeing {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

/// A head in memory, whose disk does not answer while its gate is shut.
#[derive(Clone)]
pub(super) struct MemoryHead {
    latest: Arc<Mutex<SignedCheckpoint>>,
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Gate {
    Open,
    Shut,
    /// It is shut, and a write waits before it.
    Besieged,
}

impl MemoryHead {
    pub(super) fn new(latest: SignedCheckpoint) -> Self {
        Self {
            latest: Arc::new(Mutex::new(latest)),
            gate: Arc::new((Mutex::new(Gate::Open), Condvar::new())),
        }
    }

    pub(super) fn latest(&self) -> SignedCheckpoint {
        self.latest.lock().unwrap().clone()
    }

    pub(super) fn shut(&self) {
        *self.gate.0.lock().unwrap() = Gate::Shut;
    }

    pub(super) fn open(&self) {
        *self.gate.0.lock().unwrap() = Gate::Open;
        self.gate.1.notify_all();
    }

    /// Waits until a write waits.
    pub(super) fn until_besieged(&self) {
        let (gate, changed) = &*self.gate;
        let waits = |it: &mut Gate| *it != Gate::Besieged;
        drop(changed.wait_while(gate.lock().unwrap(), waits).unwrap());
    }
}

impl WriteHead for MemoryHead {
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        let (gate, changed) = &*self.gate;
        let mut held = gate.lock().unwrap();
        while *held != Gate::Open {
            *held = Gate::Besieged;
            changed.notify_all();
            held = changed.wait(held).unwrap();
        }
        *self.latest.lock().unwrap() = checkpoint.clone();
        Ok(())
    }
}

/// A submission that waits for its answer.
pub(super) struct Asked {
    pub(super) submission: Submission,
    pub(super) answer: oneshot::Sender<(u16, String)>,
}

/// A witness that answers as it is told.
pub(super) struct TestWitness {
    /// How a log's client finds it.
    pub(super) settings: ClientSettings,
    /// What was submitted and waits.
    pub(super) asked: mpsc::Receiver<Asked>,
    _directory: TempDir,
}

impl TestWitness {
    pub(super) async fn serve() -> Self {
        let (asks, asked) = mpsc::channel(1);
        let take = move |document: String| async move {
            let (answer, answered) = oneshot::channel();
            let submission = document.parse().unwrap();
            asks.send(Asked { submission, answer }).await.unwrap();
            // A log that is closed waits no longer.
            let (status, body) = answered.await.unwrap_or((503, String::new()));
            let kind = [(CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::from_u16(status).unwrap(), kind, body)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/add-checkpoint", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        // One authority of nobody: reading the machine's takes longer than everything else.
        let directory = tempfile::tempdir().unwrap();
        let ca_file = directory.path().join("ca.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        fs::write(&ca_file, certificate.pem()).unwrap();
        let settings = ClientSettings {
            url: ServiceUrl::new(&format!("http://{address}/add-checkpoint")).unwrap(),
            ca_file: Some(ca_file),
            verifier: cosigner().verifier(),
        };
        Self {
            settings,
            asked,
            _directory: directory,
        }
    }
}

const BEGIN_MS: u64 = 1_800_000_000_000;
