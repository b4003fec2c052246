//! The vault in a child process: this program again, told by its environment to serve.

use std::collections::HashMap;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::domain::Clock;
use counterfoil::domain::SystemClock;
use counterfoil::domain::Timestamp;
use counterfoil::protocol;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::detokenization_service_server::DetokenizationService;
use counterfoil::protocol::detokenization_service_server::DetokenizationServiceServer;
use counterfoil::server;
use rustix::process::Pid;
use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic::Streaming;
use tonic::service::Routes;
use tonic::transport::Channel;

use crate::Plant;
use crate::entropy;
use crate::testbed;
use crate::testbed::Failure;

/// A vault that serves, until it is killed.
pub(crate) struct Server {
    child: Child,
    pub(crate) token: Channel,
    pub(crate) reveal: Channel,
    /// Where tokens and reveals are served.
    pub(crate) addresses: (SocketAddr, SocketAddr),
}

/// Time that a file says, in milliseconds: a campaign moves it, for a vault in another process.
#[derive(Clone)]
pub(crate) struct FileClock(Arc<File>);

impl FileClock {
    pub(crate) fn create(directory: &Path, now_ms: u64) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        let clock = Self(Arc::new(options.open(directory.join(CLOCK))?));
        clock.set(now_ms)?;
        Ok(clock)
    }

    pub(crate) fn set(&self, now_ms: u64) -> Result<(), Failure> {
        Ok(self.0.write_all_at(&now_ms.to_be_bytes(), 0)?)
    }

    /// The clock of a directory that has one.
    fn of(directory: &Path) -> Option<Self> {
        let file = File::open(directory.join(CLOCK)).ok()?;
        Some(Self(Arc::new(file)))
    }
}

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        let mut bytes = [0; 8];
        // Eight bytes of one page: a read sees all of a write, or nothing.
        let read = self.0.read_exact_at(&mut bytes, 0);
        assert!(read.is_ok(), "the clock's file can be read");
        Timestamp::from_unix_ms(u64::from_be_bytes(bytes))
    }
}

impl Server {
    /// Starts a vault; nothing if it refuses to serve.
    pub(crate) async fn start(directory: &Path, plant: Plant) -> Result<Option<Self>, Failure> {
        Self::start_by(directory, plant, &[]).await
    }

    /// The same by another program with its arguments, which becomes the vault.
    pub(crate) async fn start_by(
        directory: &Path,
        plant: Plant,
        program: &[String],
    ) -> Result<Option<Self>, Failure> {
        let vault = std::env::current_exe()?;
        let mut command = match program {
            [] => Command::new(vault),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(vault).process_group(0);
                command
            }
        };
        let mut child = command
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env(DIRECTORY, directory)
            .env(PLANT, format!("{plant:?}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or("child has no output")?;
        let (tell, ready) = oneshot::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let mut addresses = lines.filter_map(|line| Some(line.split_once(READY)?.1.to_owned()));
            let told = tell.send(addresses.next());
            // Whoever writes where nobody reads is ended for it.
            addresses.for_each(drop);
            told
        });
        let Ok(ready) = tokio::time::timeout(READY_TIME_MAX, ready).await else {
            // strace may wait for ever for threads of a process that was killed, and keeps its
            // output open.
            let id = i32::try_from(child.id())?;
            let group = Pid::from_raw(id).ok_or("a process has an id")?;
            let _gone = rustix::process::kill_process_group(group, Signal::KILL);
            child.kill()?;
            child.wait()?;
            return Ok(None);
        };
        let Some(addresses) = ready? else {
            child.wait()?;
            return Ok(None);
        };
        let (token, reveal) = addresses.split_once(' ').ok_or("child has two addresses")?;
        let addresses: (SocketAddr, SocketAddr) = (token.parse()?, reveal.parse()?);
        Ok(Some(Self {
            child,
            token: connect(directory, addresses.0).await?,
            reveal: connect(directory, addresses.1).await?,
            addresses,
        }))
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process is gone.
    pub(crate) fn has_ended(&mut self) -> Result<bool, Failure> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// SIGKILL: no destructor runs, nothing is flushed.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    /// A test that fails leaves no vault behind.
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Connects to a vault that has just begun: on a busy machine a handshake may come too late.
async fn connect(directory: &Path, address: SocketAddr) -> Result<Channel, Failure> {
    for _ in 1..CONNECT_TRIES {
        if let Ok(channel) = testbed::connect(directory, address).await {
            return Ok(channel);
        }
    }
    testbed::connect(directory, address).await
}

/// Whether this process was started to serve.
pub(crate) fn is_child() -> bool {
    std::env::var_os(DIRECTORY).is_some()
}

/// Serves until the process is killed.
pub(crate) async fn serve() -> Result<(), Failure> {
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).ok_or("no directory")?);
    let plant = std::env::var(PLANT)?;
    let is = |fault: Plant| plant == format!("{fault:?}");
    let recording = match (is(Plant::EarlyRelease), is(Plant::DroppedEntry)) {
        (true, _) => Some(Recording::Later),
        (_, true) => Some(Recording::AllButOne),
        (false, false) => None,
    };
    let config = testbed::config(&directory)?;
    let clock: Arc<dyn Clock> = match FileClock::of(&directory) {
        Some(clock) => Arc::new(clock),
        None => Arc::new(SystemClock::default()),
    };
    let entropy = entropy::of(&directory);
    let open = assembly::open(&config, Arc::new(testbed::root_key()), clock, entropy).await?;
    let settings = testbed::settings(&config);
    let ready = |addresses: server::BoundAddresses| {
        tokio::spawn(async move {
            let reveal = match recording {
                Some(recording) => plant_recording(&directory, addresses.reveal, recording).await?,
                None => addresses.reveal,
            };
            println!("{READY}{} {reveal}", addresses.token);
            Ok::<_, Failure>(())
        });
    };
    let never = std::future::pending();
    Ok(server::run(Arc::clone(&open.vault), settings, never, ready).await?)
}

/// What a listener with a fault does with reveals that it can answer from memory.
#[derive(Clone, Copy)]
enum Recording {
    /// Each is recorded, but only after it was answered.
    Later,
    /// The first of them is not recorded at all, all others are as they should be.
    AllButOne,
}

/// Puts a listener with a fault before the real one.
async fn plant_recording(
    directory: &Path,
    real: SocketAddr,
    recording: Recording,
) -> Result<SocketAddr, Failure> {
    let real = DetokenizationServiceClient::new(testbed::connect(directory, real).await?);
    let endpoint = EarlyRelease {
        real,
        memory: Arc::default(),
        recording,
        has_dropped: AtomicBool::new(false),
    };
    let routes = Routes::new(DetokenizationServiceServer::new(endpoint));
    testbed::serve_without_vault(directory, routes).await
}

/// Answers from memory what was revealed before, with an old receipt, and records it only later, or
/// never.
struct EarlyRelease {
    real: DetokenizationServiceClient<Channel>,
    memory: Arc<Mutex<Memory>>,
    recording: Recording,
    has_dropped: AtomicBool,
}

#[derive(Default)]
struct Memory {
    results: HashMap<String, protocol::DetokenizeResult>,
    receipt: Option<protocol::Receipt>,
}

impl Memory {
    fn answer(&self, items: &[protocol::DetokenizeItem]) -> Option<protocol::DetokenizeResponse> {
        let results = items
            .iter()
            .map(|item| self.results.get(&item.token).cloned());
        Some(protocol::DetokenizeResponse {
            results: results.collect::<Option<_>>()?,
            receipt: Some(self.receipt.clone()?),
            budget_remaining: None,
        })
    }

    fn keep(
        &mut self,
        items: Vec<protocol::DetokenizeItem>,
        answer: &protocol::DetokenizeResponse,
    ) {
        let tokens = items.into_iter().map(|item| item.token);
        self.results
            .extend(tokens.zip(answer.results.iter().cloned()));
        self.receipt.clone_from(&answer.receipt);
    }
}

#[tonic::async_trait]
impl DetokenizationService for EarlyRelease {
    async fn detokenize(
        &self,
        request: Request<protocol::DetokenizeRequest>,
    ) -> Result<Response<protocol::DetokenizeResponse>, Status> {
        let request = request.into_inner();
        let mut real = self.real.clone();
        let memory = || self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = memory().answer(&request.items);
        if let Some(answer) = remembered {
            match self.recording {
                Recording::Later => {
                    tokio::spawn(async move {
                        tokio::time::sleep(RECORDED_LATER).await;
                        real.detokenize(request).await
                    });
                    return Ok(Response::new(answer));
                }
                Recording::AllButOne if !self.has_dropped.swap(true, Ordering::SeqCst) => {
                    return Ok(Response::new(answer));
                }
                Recording::AllButOne => {}
            }
        }
        let items = request.items.clone();
        let answer = real.detokenize(request).await?.into_inner();
        memory().keep(items, &answer);
        Ok(Response::new(answer))
    }

    type DetokenizeStreamStream = ReceiverStream<Result<protocol::DetokenizeResponse, Status>>;

    async fn detokenize_stream(
        &self,
        _: Request<Streaming<protocol::DetokenizeRequest>>,
    ) -> Result<Response<Self::DetokenizeStreamStream>, Status> {
        Err(Status::unimplemented("not used"))
    }
}

const CONNECT_TRIES: usize = 5;
const DIRECTORY: &str = "COUNTERFOIL_CRASH_DIRECTORY";
const PLANT: &str = "COUNTERFOIL_CRASH_PLANT";
const CLOCK: &str = "clock";
const READY: &str = "serving at ";
/// A start takes a second at the most, and longer where strace looks at it on a busy machine.
const READY_TIME_MAX: Duration = Duration::from_secs(60);
const RECORDED_LATER: Duration = Duration::from_millis(30);
