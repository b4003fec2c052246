//! A vault whose root key is shared among officers: sealed, it answers health and unsealing and
//! nothing else; enough officers open it, and the log says who.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use counterfoil::assembly;
use counterfoil::assembly::AssemblyError;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::config::Config;
use counterfoil::config::RootKeyConfig;
use counterfoil::crypto::RootKey;
use counterfoil::crypto::SharedSecret;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::Clock;
use counterfoil::domain::OfficerName;
use counterfoil::keys::root::Argon2Parameters;
use counterfoil::keys::root::shares;
use counterfoil::keys::root::shares::NewShare;
use counterfoil::keys::root::shares::PROGRESS_SECONDS_MAX;
use counterfoil::keys::root::shares::ShareFile;
use counterfoil::keys::root::shares::ShareOffer;
use counterfoil::keys::root::shares::SharingFile;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::GetPrincipalRequest;
use counterfoil::protocol::GetSealStatusRequest;
use counterfoil::protocol::SealStatus;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::UnsealRequest;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use counterfoil::protocol::seal_service_client::SealServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::server::BoundServer;
use counterfoil::server::SealedServer;
use counterfoil::store::Store;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tonic::Code;
use tonic::Status;
use tonic::transport::Certificate;
use tonic::transport::Channel;
use tonic::transport::ClientTlsConfig;
use tonic::transport::Endpoint;
use tonic::transport::Identity;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::Identities;
use crate::support::TestClock;
use crate::support::checking::verify_log_of;
use crate::support::item;

const OFFICERS: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

/// State, shares given, shares needed.
type Progress = (&'static str, u32, u32);

const SEALED: &str = "SEAL_STATE_SEALED";
const OPENING: &str = "SEAL_STATE_OPENING";
const UNSEALED: &str = "SEAL_STATE_UNSEALED";

/// A vault on the disk, which three of five officers open.
struct Officers {
    config: Config,
    clock: Arc<TestClock>,
    identities: Arc<Identities>,
    directory: TempDir,
}

/// What answers for it while it is sealed.
struct Sealed {
    bound: BoundServer,
    server: SealedServer,
}

impl Officers {
    async fn make() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let identities = Identities::shared();
        identities.write_to(directory.path());
        let config = Config::from_toml(CONFIG, directory.path()).unwrap();
        let officers = Self {
            config,
            clock: Arc::new(TestClock::default()),
            identities,
            directory,
        };
        let secret = SharedSecret::generate(&SystemEntropy);
        officers.deal(&secret, "first", 3, shares::Occasion::First);
        let root = RootKey::new(&secret.root_key());
        let clock = officers.clock();
        let made = assembly::create(&officers.config, &root, clock, Arc::new(SystemEntropy));
        made.await.unwrap();
        officers
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    fn sharing_file(&self) -> PathBuf {
        match &self.config.root_key {
            RootKeyConfig::Shares { file } => file.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn deal(&self, secret: &SharedSecret, round: &str, threshold: u8, occasion: shares::Occasion) {
        let new: Vec<NewShare> = OFFICERS
            .iter()
            .map(|name| NewShare {
                officer: OfficerName::new(name).unwrap(),
                file: self.share_file(round, name),
                passphrase: format!("words of {name}").into(),
            })
            .collect();
        let file = self.sharing_file();
        let at = (file.as_path(), occasion);
        let cheap = Argon2Parameters::insecure_for_development();
        shares::deal(secret, threshold, &new, at, cheap, &SystemEntropy).unwrap();
    }

    fn share_file(&self, round: &str, name: &str) -> PathBuf {
        self.directory.path().join(format!("{round}-{name}.toml"))
    }

    fn offer(&self, round: &str, name: &str) -> ShareOffer {
        let file = ShareFile::read(&self.share_file(round, name)).unwrap();
        file.open(&format!("words of {name}").into()).unwrap()
    }

    async fn seal(&self) -> Sealed {
        let settings = assembly::server_settings(&self.config);
        let bound = BoundServer::bind(&settings).await.unwrap();
        let sharing = SharingFile::read(&self.sharing_file()).unwrap();
        let server = bound.seal(sharing, self.clock()).await.unwrap();
        Sealed { bound, server }
    }

    async fn channel(&self, address: SocketAddr, name: &str) -> Channel {
        let credential = self.identities.credential(name);
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.identities.ca_pem()))
            .domain_name("localhost")
            .identity(Identity::from_pem(&credential.certificate, &credential.key));
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await.unwrap()
    }

    async fn seal_client(&self, sealed: &Sealed, name: &str) -> SealServiceClient<Channel> {
        let address = sealed.bound.addresses().reveal;
        SealServiceClient::new(self.channel(address, name).await)
    }

    /// Opens the vault as the officers have unsealed it, serves it on the same addresses while
    /// `work` runs, and closes it in order.
    async fn open_and_serve<F: Future<Output = ()>>(
        &self,
        mut sealed: Sealed,
        work: impl FnOnce(SocketAddr, SocketAddr) -> F,
    ) {
        let unsealed = sealed.server.unsealed().await;
        let root = unsealed.root_key;
        let given = unsealed.shares_given;
        let entropy = Arc::new(SystemEntropy);
        let open = assembly::open_unsealed(&self.config, root, given, self.clock(), entropy);
        let open = open.await.unwrap();
        sealed.server.finish().await;
        let (stop, stopping) = oneshot::channel::<()>();
        let (ready, is_ready) = oneshot::channel();
        let vault = Arc::clone(&open.vault);
        let bound = sealed.bound;
        let before = bound.addresses();
        let served = tokio::spawn(async move {
            let stopping = async move {
                let _ = stopping.await;
            };
            let ready = move |addresses| {
                let _ = ready.send(addresses);
            };
            bound.serve(vault, stopping, ready).await
        });
        let addresses = is_ready.await.unwrap();
        assert_eq!(addresses.token, before.token);
        assert_eq!(addresses.reveal, before.reveal);
        work(addresses.token, addresses.reveal).await;
        let _ = stop.send(());
        served.await.unwrap().unwrap();
        open.close().await.unwrap();
    }

    /// Every `started` entry, from a log that verifies.
    fn starts(&self) -> Vec<Entry> {
        verify_log_of(&self.config);
        let options = RocksOptions::default();
        let store = RocksStore::open_read_only(&self.config.data_dir, &options).unwrap();
        let leaves = store.entries(0, usize::MAX).unwrap();
        let entries = leaves.iter().filter_map(|it| it.entry());
        let entries = entries.map(|it| Entry::decode(&it.entry).unwrap());
        let is_start = |it: &Entry| it.draft.event == Event::Started;
        entries.filter(is_start).collect()
    }
}

fn request(offer: &ShareOffer) -> UnsealRequest {
    UnsealRequest {
        sharing: offer.sharing.to_vec(),
        number: offer.share.number().into(),
        share: offer.share.expose().to_vec(),
    }
}

fn progress(status: &SealStatus) -> Progress {
    let state = status.state().as_str_name();
    (state, status.shares_given, status.shares_needed)
}

async fn give(
    client: &mut SealServiceClient<Channel>,
    offer: &ShareOffer,
) -> Result<Progress, Status> {
    let answer = client.unseal(request(offer)).await?;
    Ok(progress(&answer.into_inner()))
}

async fn health(channel: Channel) -> ServingStatus {
    let request = HealthCheckRequest::default();
    let answer = HealthClient::new(channel).check(request).await.unwrap();
    answer.into_inner().status()
}

fn tokenize() -> TokenizeRequest {
    TokenizeRequest {
        namespace: "shop".to_owned(),
        items: vec![item("name", "Ada Lovelace")],
        ..TokenizeRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_vault_answers_health_and_unsealing_and_nothing_else() {
    let officers = Officers::make().await;
    let sealed = officers.seal().await;
    let addresses = sealed.bound.addresses();
    let token = officers.channel(addresses.token, "backend").await;
    let reveal = officers.channel(addresses.reveal, "backend").await;
    assert_eq!(health(token.clone()).await, ServingStatus::NotServing);
    assert_eq!(health(reveal.clone()).await, ServingStatus::NotServing);

    let sealed_answer = |status: Option<Status>| {
        let status = status.unwrap();
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        assert!(status.message().contains("sealed"), "{status}");
    };
    let mut tokens = TokenServiceClient::new(token.clone());
    sealed_answer(tokens.tokenize(tokenize()).await.err());
    let mut reveals = DetokenizationServiceClient::new(reveal.clone());
    let nothing = DetokenizeRequest::default();
    sealed_answer(reveals.detokenize(nothing).await.err());
    let mut principals = PrincipalServiceClient::new(reveal.clone());
    let nothing = GetPrincipalRequest::default();
    sealed_answer(principals.get_principal(nothing).await.err());
    // Unsealing is not for who reaches the token listener alone.
    let mut elsewhere = SealServiceClient::new(token);
    sealed_answer(
        elsewhere
            .get_seal_status(GetSealStatusRequest {})
            .await
            .err(),
    );
    // A certificate that names nobody is nobody, here too.
    let nameless = officers.channel(addresses.reveal, "nameless").await;
    let mut nobody = SealServiceClient::new(nameless);
    let refused = nobody
        .unseal(request(&officers.offer("first", "bob")))
        .await;
    assert_eq!(refused.err().unwrap().code(), Code::Unauthenticated);

    let mut seal = SealServiceClient::new(reveal);
    let status = seal.get_seal_status(GetSealStatusRequest {}).await.unwrap();
    assert_eq!(progress(&status.into_inner()), (SEALED, 0, 3));
    sealed.server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_open_the_vault_and_the_log_says_who() {
    let officers = Officers::make().await;
    for round in 0..2 {
        let sealed = officers.seal().await;
        let mut backend = officers.seal_client(&sealed, "backend").await;
        let mut agent = officers.seal_client(&sealed, "agent").await;
        let names = ["erin", "alice", "carol"];
        let offers = names.map(|name| officers.offer("first", name));
        let given = give(&mut backend, &offers[0]).await.unwrap();
        assert_eq!(given, (SEALED, 1, 3));
        let again = give(&mut agent, &offers[0]).await.err().unwrap();
        assert_eq!(again.code(), Code::AlreadyExists);
        assert!(again.message().starts_with("share of erin is in already"));
        let given = give(&mut agent, &offers[1]).await.unwrap();
        assert_eq!(given, (SEALED, 2, 3));
        let given = give(&mut backend, &offers[2]).await.unwrap();
        assert_eq!(given, (OPENING, 0, 0));
        officers
            .open_and_serve(sealed, async |token, reveal| {
                let channel = officers.channel(token, "backend").await;
                assert_eq!(health(channel.clone()).await, ServingStatus::Serving);
                let mut tokens = TokenServiceClient::new(channel);
                tokens.tokenize(tokenize()).await.unwrap();
                let channel = officers.channel(reveal, "backend").await;
                let mut seal = SealServiceClient::new(channel);
                let status = seal.get_seal_status(GetSealStatusRequest {}).await.unwrap();
                assert_eq!(progress(&status.into_inner()), (UNSEALED, 0, 0));
                let late = give(&mut seal, &officers.offer("first", "bob")).await;
                assert_eq!(late.err().unwrap().code(), Code::FailedPrecondition);
            })
            .await;
        let starts = officers.starts();
        assert_eq!(starts.len(), round + 1);
        let given: Vec<_> = starts[round]
            .draft
            .shares_given
            .iter()
            .map(|share| (share.officer.as_str(), share.principal.as_str()))
            .collect();
        let (backend, agent) = (
            "spiffe://shop.example/backend",
            "spiffe://shop.example/agent",
        );
        let expected = [("erin", backend), ("alice", agent), ("carol", backend)];
        assert_eq!(given, expected);
        let credentials = &starts[round].draft.shares_given;
        assert_ne!(credentials[0].credential, credentials[1].credential);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_shares_are_refused_and_change_nothing() {
    let officers = Officers::make().await;
    let strangers = Officers::make().await;
    let sealed = officers.seal().await;
    let mut client = officers.seal_client(&sealed, "backend").await;
    give(&mut client, &officers.offer("first", "alice"))
        .await
        .unwrap();

    let right = request(&officers.offer("first", "bob"));
    let mut flipped = right.clone();
    flipped.share[5] ^= 1;
    let mut renumbered = right.clone();
    renumbered.number = 3;
    for (wrong, message) in [
        (flipped, "share of bob is refused"),
        (renumbered, "share of carol is refused"),
        (
            request(&strangers.offer("first", "bob")),
            "share is of another sharing than the vault's",
        ),
        (
            UnsealRequest {
                number: 6,
                ..right.clone()
            },
            "share is of another",
        ),
        (
            UnsealRequest {
                number: 0,
                ..right.clone()
            },
            "share is of another",
        ),
        (
            UnsealRequest {
                number: 256,
                ..right.clone()
            },
            "number: is not a share's",
        ),
        (
            UnsealRequest {
                sharing: vec![1; 31],
                ..right.clone()
            },
            "sharing: is not 32 bytes",
        ),
        (
            UnsealRequest {
                share: vec![1; 63],
                ..right.clone()
            },
            "share: is not 64 bytes",
        ),
    ] {
        let refused = client.unseal(wrong).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().starts_with(message), "{refused}");
        let status = client
            .get_seal_status(GetSealStatusRequest {})
            .await
            .unwrap();
        assert_eq!(progress(&status.into_inner()), (SEALED, 1, 3));
    }
    let given = client.unseal(right).await.unwrap().into_inner();
    assert_eq!(progress(&given), (SEALED, 2, 3));
    sealed.server.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn abandoned_shares_are_forgotten() {
    let officers = Officers::make().await;
    let sealed = officers.seal().await;
    let mut client = officers.seal_client(&sealed, "backend").await;
    for name in ["alice", "bob"] {
        give(&mut client, &officers.offer("first", name))
            .await
            .unwrap();
    }
    officers.clock.advance_seconds(PROGRESS_SECONDS_MAX);
    let given = give(&mut client, &officers.offer("first", "carol"))
        .await
        .unwrap();
    assert_eq!(given, (SEALED, 1, 3));
    sealed.server.finish().await;
}

/// Goal: the vault opens with the shares that were made last, and with no others. Method: new
/// shares of the same secret, with another threshold.
#[tokio::test(flavor = "multi_thread")]
async fn reshared_vault_opens_with_new_shares_only() {
    let officers = Officers::make().await;
    let sharing = SharingFile::read(&officers.sharing_file()).unwrap();
    let old = ["bob", "dave", "erin"].map(|name| officers.offer("first", name));
    let secret = sharing.combine(&[&old[0], &old[1], &old[2]]).unwrap();
    officers.deal(&secret, "second", 2, shares::Occasion::Again);
    let sealed = officers.seal().await;
    let mut client = officers.seal_client(&sealed, "backend").await;
    let refused = give(&mut client, &old[0]).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
    for (name, expected) in [("bob", (SEALED, 1, 2)), ("erin", (OPENING, 0, 0))] {
        let given = give(&mut client, &officers.offer("second", name)).await;
        assert_eq!(given.unwrap(), expected);
    }
    officers.open_and_serve(sealed, async |_, _| {}).await;
    assert_eq!(officers.starts().len(), 1);
}

/// Goal: shares of another vault's root key open nothing. Method: the sharing file and shares of
/// another vault in the place of this one's.
#[tokio::test(flavor = "multi_thread")]
async fn shares_of_another_vault_open_nothing() {
    let officers = Officers::make().await;
    let strangers = Officers::make().await;
    copy(&strangers.sharing_file(), &officers.sharing_file());
    let mut sealed = officers.seal().await;
    let mut client = officers.seal_client(&sealed, "backend").await;
    for name in ["alice", "bob", "carol"] {
        give(&mut client, &strangers.offer("first", name))
            .await
            .unwrap();
    }
    let unsealed = sealed.server.unsealed().await;
    let root = unsealed.root_key;
    let entropy = Arc::new(SystemEntropy);
    let open = assembly::open(&officers.config, root, officers.clock(), entropy).await;
    assert!(matches!(open.err().unwrap(), AssemblyError::Keys(_)));
    sealed.server.finish().await;
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
}

const CONFIG: &str = r#"
vault = { data_dir = "data" }
listen = { token = "127.0.0.1:0", reveal = "127.0.0.1:0" }
tls = { certificate = "server.pem", key = "server.key", client_ca = "ca.pem" }
root_key = { provider = "shares", file = "sharing.toml" }
audit = { origin = "shop.example/counterfoil" }
store = { block_cache_mib = 8, memtable_mib = 16, disk_reserve_mib = 64 }

[namespaces.shop.fields]
name = { format = "name" }

[[permit]]
principals = ["spiffe://shop.example/backend"]
actions = ["tokenize", "detokenize"]
namespace = "shop"
"#;
