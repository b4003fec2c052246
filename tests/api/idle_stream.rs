//! A freeze ends streams that nobody sends anything on.

use std::time::Duration;

use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::DetokenizeResponse;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::UnfreezeRequest;
use counterfoil::protocol::WatchGrantsRequest;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::Digest;
use sha2::Sha256;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::Status;
use tonic::Streaming;

use crate::stage::Stage;
use crate::stage::scope;
use crate::support::item;

/// A stream, and what messages go into it by.
struct Open {
    sender: mpsc::Sender<DetokenizeRequest>,
    answers: Streaming<DetokenizeResponse>,
}

impl Open {
    async fn new(stage: &Stage) -> Self {
        let (sender, receiver) = mpsc::channel(4);
        let mut reveal = stage.agent_client().await.reveal;
        let opened = reveal.detokenize_stream(ReceiverStream::new(receiver));
        let answers = opened.await.unwrap().into_inner();
        Self { sender, answers }
    }

    /// A call on the stream that must be answered.
    async fn reveal(&mut self, request: DetokenizeRequest) {
        self.sender.send(request).await.unwrap();
        let answer = next(&mut self.answers).await.unwrap();
        assert!(answer.is_some(), "the stream goes on");
    }
}

/// What comes next on a stream. A stream that never ends fails the test, and does not hang it.
async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, Status> {
    let next = tokio::time::timeout(GIVEN_UP, stream.message()).await;
    next.expect("nothing came on the stream")
}

async fn ends_as_denied<T>(stream: &mut Streaming<T>, what: &str) {
    let ended = next(stream).await.err().expect(what);
    assert_eq!(ended.code(), Code::PermissionDenied, "{what}");
    assert_eq!(ended.message(), "permission denied", "{what}");
    assert!(ended.details().is_empty(), "{what}");
}

async fn freeze(stage: &Stage, target: &str) {
    let request = FreezeRequest {
        target: target.to_owned(),
        acting_principal: stage.assertion("approver", "eve", "oncall"),
    };
    let mut principals = stage.principals("approver").await;
    principals.freeze(request).await.unwrap();
}

async fn unfreeze(stage: &Stage, target: &str) {
    let mut principals = stage.principals("approver").await;
    for person in ["eve", "dan"] {
        let request = UnfreezeRequest {
            target: target.to_owned(),
            acting_principal: stage.assertion("approver", person, "oncall"),
        };
        principals.unfreeze(request).await.unwrap();
    }
}

fn certificate_of(stage: &Stage, identity: &str) -> String {
    let credential = stage.vault.identities().credential(identity);
    let der = CertificateDer::from_pem_slice(credential.certificate.as_bytes()).unwrap();
    let hash: [u8; 32] = Sha256::digest(der).into();
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("certificate:{digits}")
}

#[tokio::test(flavor = "multi_thread")]
async fn freeze_of_anything_that_a_reveal_lives_by_ends_its_idle_stream() {
    let stage = Stage::new(1).await;
    let grant = stage.granted([0]).await;
    let targets = [
        "person:acme/ada".to_owned(),
        "principal:spiffe://shop.example/agent".to_owned(),
        certificate_of(&stage, "agent"),
        format!("grant:{}", grant.id),
        "case:shop:T-1".to_owned(),
        "namespace:shop".to_owned(),
        "all".to_owned(),
    ];
    for target in &targets {
        let mut open = Open::new(&stage).await;
        open.reveal(stage.reveal(&grant, &[0])).await;
        // Somebody else's freeze is nothing to it.
        freeze(&stage, "person:acme/zoe").await;
        freeze(&stage, "namespace:other").await;
        open.reveal(stage.reveal(&grant, &[0])).await;
        freeze(&stage, target).await;
        ends_as_denied(&mut open.answers, target).await;
        unfreeze(&stage, target).await;
    }
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freeze_ends_a_stream_on_which_nothing_was_sent_yet() {
    let stage = Stage::new(1).await;
    for target in ["principal:spiffe://shop.example/agent", "all"] {
        let mut open = Open::new(&stage).await;
        freeze(&stage, target).await;
        ends_as_denied(&mut open.answers, target).await;
        unfreeze(&stage, target).await;
    }
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_that_tokenizes_ends_with_its_program_and_not_with_reveals() {
    let stage = Stage::new(1).await;
    let request = || TokenizeRequest {
        namespace: "shop".to_owned(),
        items: vec![item("name", "Ada Lovelace")],
        ..TokenizeRequest::default()
    };
    let (sender, receiver) = mpsc::channel(4);
    let mut backend = stage.vault.backend().await.token;
    let opened = backend.tokenize_stream(ReceiverStream::new(receiver));
    let mut answers = opened.await.unwrap().into_inner();
    for target in ["all", "namespace:shop", "person:acme/ada"] {
        freeze(&stage, target).await;
        sender.send(request()).await.unwrap();
        assert!(next(&mut answers).await.unwrap().is_some(), "{target}");
    }
    freeze(&stage, "principal:spiffe://shop.example/backend").await;
    ends_as_denied(&mut answers, "principal").await;
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freeze_ends_who_watches_grants() {
    let stage = Stage::new(1).await;
    let targets = [
        "person:acme/ada".to_owned(),
        "principal:spiffe://shop.example/agent".to_owned(),
        certificate_of(&stage, "agent"),
    ];
    for target in &targets {
        let request = WatchGrantsRequest {
            namespace: "shop".to_owned(),
            acting_principal: stage.agent(),
        };
        let mut grants = stage.grants("agent").await;
        let watching = grants.watch_grants(request).await.unwrap();
        let mut watching = watching.into_inner();
        freeze(&stage, "all").await;
        let asked = stage.request(scope([0])).await.unwrap();
        let told = next(&mut watching).await.unwrap().unwrap();
        assert_eq!(told.id, asked.id, "a freeze of reveals hides no grant");
        freeze(&stage, target).await;
        ends_as_denied(&mut watching, target).await;
        unfreeze(&stage, target).await;
    }
    stage.vault.check().await;
}

/// How long a test waits before it says that nothing came.
const GIVEN_UP: Duration = Duration::from_secs(60);
