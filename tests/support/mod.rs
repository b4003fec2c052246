//! A vault of its own for each test: made, opened and served as the program does it, with a clock
//! that the test moves, and identities that hold different permits.

pub(crate) mod both_verifiers;
mod certificates;
pub(crate) mod checking;
mod client;
mod clock;
pub(crate) mod people;
pub(crate) mod second_verifier;
mod untried;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::assembly::AssemblyError;
use counterfoil::assembly::OpenVault;
use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::audit::Head;
use counterfoil::audit::SignedCheckpoint;
use counterfoil::audit::following_keys;
use counterfoil::config::Config;
use counterfoil::crypto::Entropy;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::Clock;
use counterfoil::keys::root::Argon2Parameters;
use counterfoil::keys::root::PassphraseFile;
use counterfoil::keys::root::RootKeyHolder;
use counterfoil::keys::root::RootKeyProvider;
use counterfoil::server;
use counterfoil::server::BoundAddresses;
use counterfoil::server::ServerError;
use counterfoil::store::Store;
use counterfoil::store::StoredLeaf;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Certificate;
use tonic::transport::Channel;
use tonic::transport::ClientTlsConfig;
use tonic::transport::Endpoint;
use tonic::transport::Identity;

pub(crate) use certificates::Credential;
pub(crate) use certificates::Identities;
pub(crate) use client::Client;
pub(crate) use client::detokenize_items;
pub(crate) use client::import_of;
pub(crate) use client::imported_of;
pub(crate) use client::item;
pub(crate) use client::item_of;
pub(crate) use client::reveal;
pub(crate) use client::reveal_of;
pub(crate) use client::token_of;
pub(crate) use client::value_of;
pub(crate) use clock::TestClock;

/// A vault and its server, in a directory that goes away with it.
pub(crate) struct TestVault {
    pub(crate) config: Config,
    pub(crate) clock: Arc<TestClock>,
    identities: Arc<Identities>,
    root_key_file: PathBuf,
    entropy: Arc<dyn Entropy>,
    /// What holds the root key, if it is something else than the operator's file.
    pub(crate) holder: Option<Arc<dyn RootKeyHolder>>,
    running: Option<Running>,
    is_checked: bool,
    // Last, so that everything else has let go of it.
    directory: TempDir,
}

struct Running {
    open: OpenVault,
    addresses: BoundAddresses,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServerError>>,
}

/// Which listener.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Token,
    Reveal,
}

impl TestVault {
    /// A vault that serves with the default limits.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// A vault that serves, with further lines of configuration.
    pub(crate) async fn start_with(lines: &str) -> Self {
        Self::start_with_files(lines, &[]).await
    }

    /// A vault that serves, with further lines of configuration, and files that they speak of.
    pub(crate) async fn start_with_files(lines: &str, files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let identities = Identities::shared();
        identities.write_to(directory.path());
        let text = config_text(lines);
        let config = Config::from_toml(&text, directory.path()).unwrap();
        let root_key_file = directory.path().join("root-key.toml");
        let file = PassphraseFile::new(root_key_file.clone(), PASSPHRASE.into());
        let parameters = Argon2Parameters::insecure_for_development();
        let root = file.create(parameters, &SystemEntropy).unwrap();
        let clock = Arc::new(TestClock::default());
        let vault_clock = Arc::clone(&clock) as Arc<dyn Clock>;
        assembly::create(&config, &root, vault_clock, Arc::new(SystemEntropy))
            .await
            .unwrap();
        let mut vault = Self {
            config,
            clock,
            identities,
            root_key_file,
            entropy: Arc::new(SystemEntropy),
            holder: None,
            running: None,
            is_checked: false,
            directory,
        };
        vault.serve().await.unwrap();
        vault
    }

    /// Its configuration with these further lines instead of those that it has.
    pub(crate) fn config_with(&self, lines: &str) -> Config {
        Config::from_toml(&config_text(lines), self.directory.path()).unwrap()
    }

    /// The root key, as the operator's file has it.
    pub(crate) fn root_key(&self) -> Arc<dyn RootKeyHolder> {
        let file = PassphraseFile::new(self.root_key_file.clone(), PASSPHRASE.into());
        file.root_key().unwrap()
    }

    /// Stops and serves again, with another source of randomness.
    pub(crate) async fn restart_with(&mut self, entropy: Arc<dyn Entropy>) {
        self.entropy = entropy;
        self.restart().await;
    }

    /// Opens the vault without serving it.
    pub(crate) async fn open(&self) -> Result<OpenVault, AssemblyError> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let entropy = Arc::clone(&self.entropy);
        let root_key = self.holder.clone().unwrap_or_else(|| self.root_key());
        assembly::open(&self.config, root_key, clock, entropy).await
    }

    /// Opens and serves the vault that is on the disk.
    pub(crate) async fn serve(&mut self) -> Result<(), AssemblyError> {
        let open = self.open().await?;
        let (stop, stopping) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        let vault = Arc::clone(&open.vault);
        let settings = assembly::server_settings(&self.config);
        let served = tokio::spawn(async move {
            let stopping = async move {
                let _ = stopping.await;
            };
            let ready = move |addresses| {
                let _ = ready.send(addresses);
            };
            server::run(vault, settings, stopping, ready).await
        });
        let addresses = is_ready.await.unwrap();
        self.running = Some(Running {
            open,
            addresses,
            stop,
            served,
        });
        Ok(())
    }

    /// Stops the server and closes the vault, in order.
    pub(crate) async fn stop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let _ = running.stop.send(());
        running.served.await.unwrap().unwrap();
        running.open.close().await.unwrap();
    }

    /// Waits until the server fails by itself, and says how.
    pub(crate) async fn until_failed(&mut self) -> String {
        let running = self.running.take().unwrap();
        let served = tokio::time::timeout(Duration::from_secs(60), running.served).await;
        let error = served.unwrap().unwrap().unwrap_err();
        assert!(running.open.close().await.is_err(), "nothing is written");
        error.to_string()
    }

    /// Asks the server to stop, and does not wait for it.
    pub(crate) fn begin_stop(&mut self) -> impl Future<Output = ()> + use<> {
        let running = self.running.take().unwrap();
        let _ = running.stop.send(());
        async move {
            running.served.await.unwrap().unwrap();
            running.open.close().await.unwrap();
        }
    }

    /// Stops and serves again. Clients must connect anew.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.serve().await.unwrap();
    }

    /// For a test that leaves a vault behind that cannot be opened.
    pub(crate) fn leave_unchecked(mut self) {
        self.is_checked = true;
    }

    /// The key that anybody may have.
    pub(crate) fn public_keys(&self) -> CheckpointKeys {
        public_keys_of(&self.config)
    }

    /// The head outside of the database.
    pub(crate) fn head(&self) -> SignedCheckpoint {
        let keys = following_keys(&self.read_only(), &self.public_keys()).unwrap();
        Head::read(&self.config.audit.head_dir, &keys).unwrap()
    }

    /// The store of a vault that is stopped.
    pub(crate) fn read_only(&self) -> RocksStore {
        RocksStore::open_read_only(&self.config.data_dir, &RocksOptions::default()).unwrap()
    }

    /// The store of a vault that is stopped, to be written to.
    pub(crate) fn stopped_store(&self) -> RocksStore {
        RocksStore::open(&self.config.data_dir, &RocksOptions::default()).unwrap()
    }

    /// The running vault.
    pub(crate) fn vault(&self) -> Arc<counterfoil::vault::Vault> {
        Arc::clone(&self.running.as_ref().unwrap().open.vault)
    }

    /// The store of the running vault.
    pub(crate) fn with_store<T>(&self, read: impl FnOnce(&dyn Store) -> T) -> T {
        read(self.vault().store())
    }

    /// Every entry of the running vault's log that was neither erased nor archived.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let stored = self.with_store(|store| {
            store
                .entries(store.pruned_size().unwrap(), usize::MAX)
                .unwrap()
        });
        let kept = stored.iter().filter_map(StoredLeaf::entry);
        kept.map(|stored| Entry::decode(&stored.entry).unwrap())
            .collect()
    }

    /// How many entries of each event the running vault's log has.
    pub(crate) fn counts(&self) -> BTreeMap<Event, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.entries() {
            *counts.entry(entry.draft.event).or_default() += 1;
        }
        counts
    }

    /// Waits until there are as many entries of the event: outcomes are not waited for by calls.
    pub(crate) async fn wait_for(&self, event: Event, count: usize) {
        for _ in 0..500 {
            if self.counts().get(&event).copied().unwrap_or(0) >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("entries of {event:?} did not come");
    }

    /// Where a listener answers.
    pub(crate) fn address(&self, side: Side) -> SocketAddr {
        let addresses = self.running.as_ref().unwrap().addresses;
        match side {
            Side::Token => addresses.token,
            Side::Reveal => addresses.reveal,
        }
    }

    /// What the metrics say.
    pub(crate) async fn metrics_text(&self) -> String {
        let address = self.running.as_ref().unwrap().addresses.metrics.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    /// The certificates of everybody.
    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// The directory of configuration, keys and data.
    pub(crate) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// A connection to a listener with a credential, if the handshake succeeds.
    pub(crate) async fn connect(
        &self,
        side: Side,
        credential: &Credential,
    ) -> Result<Channel, tonic::transport::Error> {
        self.endpoint(side, credential).connect().await
    }

    fn endpoint(&self, side: Side, credential: &Credential) -> Endpoint {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.identities.ca_pem()))
            .domain_name("localhost")
            .identity(Identity::from_pem(&credential.certificate, &credential.key));
        let address = self.address(side);
        Endpoint::from_shared(format!("https://{address}"))
            .unwrap()
            .tls_config(tls)
            .unwrap()
    }

    /// A client of both listeners under the name of an identity.
    pub(crate) async fn client(&self, name: &str) -> Client {
        let credential = self.identities.credential(name);
        let token = self.connect(Side::Token, credential).await.unwrap();
        let reveal = self.connect(Side::Reveal, credential).await.unwrap();
        Client::new(token, reveal)
    }

    /// The client that may do everything in the namespace `shop`.
    pub(crate) async fn backend(&self) -> Client {
        self.client("backend").await
    }
}

impl Drop for TestVault {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.is_checked, "a test must end with check()");
        }
    }
}

/// The key that anybody may have of a vault, as `init` wrote it.
fn public_keys_of(config: &Config) -> CheckpointKeys {
    let file = assembly::audit_key_file(&config.data_dir);
    let key = fs::read_to_string(file).unwrap();
    CheckpointKeys::new(vec![key.trim().parse().unwrap()])
}

/// The configuration of the tests with further lines. One value may be claimed for a token as often
/// as a test likes, unless its lines say otherwise.
fn config_text(lines: &str) -> String {
    let alarms = if lines.contains("[alarms]") {
        ""
    } else {
        "[alarms]\nclaims_per_token = 1_000\n"
    };
    format!("{CONFIG}\n{alarms}{lines}")
}

const PASSPHRASE: &str = "six words that nobody uses twice";

const CONFIG: &str = r#"
vault = { data_dir = "data" }
listen = { token = "127.0.0.1:0", reveal = "127.0.0.1:0", metrics = "127.0.0.1:0" }
tls = { certificate = "server.pem", key = "server.key", client_ca = "ca.pem" }
root_key = { provider = "passphrase-file", file = "root-key.toml" }
audit = { origin = "shop.example/counterfoil" }
store = { block_cache_mib = 8, memtable_mib = 16, disk_reserve_mib = 64 }

[namespaces.shop.fields]
name = { format = "name" }
address = { format = "address" }
email = { format = "email", token_domain = "tok.acme.example" }
contact = { format = "email", token_domain = "tok.acme.example", on_invalid = "outline" }
nickname = { format = "name", equality = "none" }
address_of = { format = "address", equality = "subject" }
alias = { format = "name", fidelity = "outline" }
visitor = { format = "name", ttl_s = 60 }

[namespaces.other.fields]
name = { format = "name" }
email = { format = "email", token_domain = "tok.other.example" }

[[permit]]
principals = ["spiffe://shop.example/backend"]
actions = [
    "tokenize",
    "lookup",
    "inspect",
    "verify_match",
    "detokenize",
    "detokenize_masked",
    "import_tokens",
]
namespace = "shop"

[[permit]]
principals = ["spiffe://other.example/backend"]
actions = [
    "tokenize",
    "lookup",
    "inspect",
    "verify_match",
    "detokenize",
    "detokenize_masked",
    "import_tokens",
]
namespace = "other"

[[permit]]
principals = ["spiffe://shop.example/writer"]
actions = ["tokenize"]
namespace = "shop"
fields = ["name", "address"]

[[permit]]
principals = ["spiffe://shop.example/agent", "agent.shop.example"]
actions = ["lookup", "inspect"]
namespace = "shop"
fields = ["name"]

[[permit]]
principals = ["spiffe://shop.example/agent"]
actions = ["verify_match"]
namespace = "shop"
fields = ["email"]

[[permit]]
principals = ["spiffe://shop.example/approver"]
actions = ["detokenize"]
namespace = "shop"
fields = ["name"]
case = "required"
"#;
