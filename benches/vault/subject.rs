//! The thing that is measured: a vault, called over the network and in process.

#[path = "streams.rs"]
mod streams;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use counterfoil::assembly::{self, OpenVault};
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::{
    FieldName, Level, Namespace, Plaintext, Principal, Purpose, Subject, SystemClock, Token,
};
use counterfoil::protocol;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::server;
use counterfoil::store::Store;
use counterfoil::vault::{
    Caller, Detokenize, DetokenizeItem, Lookup, LookupItem, Tokenize, TokenizeItem, Vault,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use self::streams::Streams;
use crate::measure::{Measured, Shape, measure};
use crate::testbed::{self, Failure, NAMESPACE, PRINCIPAL};
use crate::values::{Value, scramble, value};

/// What is asked of the vault.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Work {
    New,
    Known,
    Lookup,
    Reveal,
}

/// How it is called.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Way {
    Grpc,
    InProcess,
    /// Over gRPC, each caller by a stream of its own that stays open.
    Stream,
}

/// A vault that serves on the loopback interface.
pub(crate) struct Served {
    open: OpenVault,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), server::ServerError>>,
    token: Vec<Channel>,
    reveal: Vec<Channel>,
    next: Arc<AtomicU64>,
    known: Arc<Mutex<Vec<(Value, String)>>>,
}

impl Served {
    /// Makes and serves a new vault in a prepared directory.
    pub(crate) async fn start(directory: &Path) -> Result<Self, Failure> {
        let config = testbed::config(directory)?;
        let (root, clock) = (testbed::root_key(), Arc::new(SystemClock::default()));
        assembly::create(&config, &root, clock, Arc::new(SystemEntropy)).await?;
        Self::open(directory, &[], 0).await
    }

    /// Serves the vault that is in a prepared directory: what is known of it, and the number of
    /// the next new value.
    pub(crate) async fn open(
        directory: &Path,
        known: &[(Value, String)],
        next: u64,
    ) -> Result<Self, Failure> {
        let config = testbed::config(directory)?;
        let (root, clock) = (testbed::root_key(), Arc::new(SystemClock::default()));
        let entropy = Arc::new(SystemEntropy);
        let open = assembly::open(&config, Arc::new(root), clock, entropy).await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, addresses) = oneshot::channel();
        let vault = Arc::clone(&open.vault);
        let settings = testbed::settings(&config);
        let server = tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.await;
            };
            server::run(vault, settings, shutdown, |addresses| {
                let _ = ready.send(addresses);
            })
            .await
        });
        let addresses = addresses.await?;
        Ok(Self {
            open,
            stop,
            server,
            token: connections(directory, addresses.token).await?,
            reveal: connections(directory, addresses.reveal).await?,
            next: Arc::new(AtomicU64::new(next)),
            known: Arc::new(Mutex::new(known.to_vec())),
        })
    }

    /// How many entries the log has.
    pub(crate) fn tree_size(&self) -> Result<u64, Failure> {
        Ok(self.open.vault.store().tree_size()?)
    }

    /// A connection to the listener of reveals.
    pub(crate) fn reveal_channel(&self) -> Result<Channel, Failure> {
        first(&self.reveal)
    }

    /// Fills the vault, so that there is something known.
    pub(crate) async fn fill(&self, batches_count: usize) -> Result<(), Failure> {
        let mut client = TokenServiceClient::new(first(&self.token)?);
        for _ in 0..batches_count {
            let values = new_values(&self.next, 1_000);
            let answer = client.tokenize(tokenize_request(&values)).await?;
            let tokens = answer.into_inner().results.into_iter().map(token_of);
            let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
            lock(&self.known).extend(values.into_iter().zip(tokens));
        }
        Ok(())
    }

    /// Every known value with its token.
    pub(crate) fn known_values(&self) -> Vec<(Value, String)> {
        lock(&self.known).clone()
    }

    /// The store, beneath everything.
    pub(crate) fn store(&self) -> &dyn Store {
        self.open.vault.store()
    }

    /// Some known values with their tokens.
    pub(crate) fn known(&self, items_count: usize) -> Vec<(Value, String)> {
        known_values(&self.known, &self.next, items_count)
    }

    /// Measures one case.
    pub(crate) async fn measure(
        &self,
        way: Way,
        work: Work,
        shape: Shape,
        time: Duration,
    ) -> Result<Measured, Failure> {
        let (next, known) = (Arc::clone(&self.next), Arc::clone(&self.known));
        let count = shape.items_count;
        let channels = match work {
            Work::New | Work::Known | Work::Lookup => self.token.clone(),
            Work::Reveal => self.reveal.clone(),
        };
        let streams_count = match way {
            Way::Grpc | Way::InProcess => 0,
            Way::Stream => shape.callers_count,
        };
        let first = || {
            let values = match work {
                Work::New => new_values(&next, count),
                Work::Known | Work::Lookup | Work::Reveal => known_values(&known, &next, count)
                    .into_iter()
                    .map(|(value, _)| value)
                    .collect(),
            };
            tokenize_request(&values)
        };
        let streams = Streams::open(&channels, streams_count, first).await?;
        let opened = streams.clone();
        let vault = Arc::clone(&self.open.vault);
        let call = move |caller: usize| {
            let channel = channels.get(caller % channels.len()).cloned();
            let (values, tokens) = match work {
                Work::New => (new_values(&next, count), Vec::new()),
                Work::Known | Work::Lookup | Work::Reveal => {
                    known_values(&known, &next, count).into_iter().unzip()
                }
            };
            let (vault, streams) = (Arc::clone(&vault), streams.clone());
            async move {
                match (way, work) {
                    (Way::Grpc, Work::New | Work::Known) => {
                        tokenize_over(channel.ok_or("no channel")?, &values).await
                    }
                    (Way::Grpc, Work::Lookup) => {
                        lookup_over(channel.ok_or("no channel")?, &values).await
                    }
                    (Way::Grpc, Work::Reveal) => {
                        reveal_over(channel.ok_or("no channel")?, &values, &tokens).await
                    }
                    (Way::Stream, Work::New | Work::Known) => {
                        all_tokens(streams.call(caller, tokenize_request(&values)).await?)
                    }
                    (Way::Stream, Work::Lookup | Work::Reveal) => {
                        Err("no stream of these is measured".into())
                    }
                    (Way::InProcess, Work::New | Work::Known) => tokenize_in(&vault, &values).await,
                    (Way::InProcess, Work::Lookup) => lookup_in(&vault, &values).await,
                    (Way::InProcess, Work::Reveal) => reveal_in(&vault, &values, &tokens).await,
                }
            }
        };
        let measured = measure(shape, time, call).await?;
        opened.finish().await?;
        Ok(measured)
    }

    /// Stops in order.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        drop((self.token, self.reveal));
        let _ = self.stop.send(());
        self.server.await??;
        Ok(self.open.close().await?)
    }
}

/// A request for new or known tokens.
pub(crate) fn tokenize_request(values: &[Value]) -> protocol::TokenizeRequest {
    let item = |value: &Value| protocol::TokenizeItem {
        field: value.field.to_owned(),
        value: value.text.clone(),
        subject: value.subject.clone(),
        ttl: 0,
        ..protocol::TokenizeItem::default()
    };
    protocol::TokenizeRequest {
        namespace: NAMESPACE.to_owned(),
        items: values.iter().map(item).collect(),
        ..protocol::TokenizeRequest::default()
    }
}

/// A request for tokens that there are.
pub(crate) fn lookup_request(values: &[Value]) -> protocol::LookupRequest {
    let item = |value: &Value| protocol::LookupItem {
        field: value.field.to_owned(),
        value: value.text.clone(),
        subject: value.subject.clone(),
        ..protocol::LookupItem::default()
    };
    protocol::LookupRequest {
        namespace: NAMESPACE.to_owned(),
        items: values.iter().map(item).collect(),
        ..protocol::LookupRequest::default()
    }
}

/// A request for values.
pub(crate) fn detokenize_request(
    values: &[Value],
    tokens: &[String],
) -> protocol::DetokenizeRequest {
    let item = |(value, token): (&Value, &String)| protocol::DetokenizeItem {
        field: value.field.to_owned(),
        token: token.clone(),
        subject: value.subject.clone(),
        ..protocol::DetokenizeItem::default()
    };
    protocol::DetokenizeRequest {
        namespace: NAMESPACE.to_owned(),
        items: values.iter().zip(tokens).map(item).collect(),
        level: protocol::Level::Full.into(),
        purpose: "support".to_owned(),
        ..protocol::DetokenizeRequest::default()
    }
}

/// So many connections that no call waits for a stream.
pub(crate) async fn connections(
    directory: &Path,
    address: SocketAddr,
) -> Result<Vec<Channel>, Failure> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS_COUNT {
        channels.push(testbed::connect(directory, address).await?);
    }
    Ok(channels)
}

/// Removes a vault, to make room for the next.
pub(crate) fn remove(directory: &Path) -> Result<(), Failure> {
    Ok(fs::remove_dir_all(directory.join("vault"))?)
}

async fn tokenize_over(channel: Channel, values: &[Value]) -> Result<(), Failure> {
    let mut client = TokenServiceClient::new(channel);
    let answer = client.tokenize(tokenize_request(values)).await?;
    all_tokens(answer.into_inner())
}

fn all_tokens(answer: protocol::TokenizeResponse) -> Result<(), Failure> {
    let mut results = answer.results.into_iter();
    results.try_for_each(|it| token_of(it).map(drop))
}

async fn lookup_over(channel: Channel, values: &[Value]) -> Result<(), Failure> {
    let mut client = TokenServiceClient::new(channel);
    let answer = client.lookup(lookup_request(values)).await?;
    for result in answer.into_inner().results {
        match result.result {
            Some(protocol::lookup_result::Result::Token(_)) => {}
            Some(_) | None => return Err("value was not found".into()),
        }
    }
    Ok(())
}

async fn reveal_over(channel: Channel, values: &[Value], tokens: &[String]) -> Result<(), Failure> {
    let mut client =
        DetokenizationServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
    let answer = client
        .detokenize(detokenize_request(values, tokens))
        .await?;
    for (result, value) in answer.into_inner().results.into_iter().zip(values) {
        match result.result {
            Some(protocol::detokenize_result::Result::Value(text)) if text == value.text => {}
            Some(_) | None => return Err("value was not revealed".into()),
        }
    }
    Ok(())
}

async fn tokenize_in(vault: &Vault, values: &[Value]) -> Result<(), Failure> {
    let item = |value: &Value| {
        Ok(TokenizeItem {
            field: FieldName::new(value.field)?,
            value: Plaintext::new(value.text.clone()),
            subject: Some(Subject::new(&value.subject)?),
            ttl_seconds: None,
        })
    };
    let items = values.iter().map(|value| item(value).map(Ok));
    let request = Tokenize {
        namespace: Namespace::new(NAMESPACE)?,
        request_id: None,
        items: items.collect::<Result<_, Failure>>()?,
        allow_token_values: false,
        decoys: false,
    };
    let answers = vault.tokenize(&caller()?, request).await?;
    answers
        .into_iter()
        .try_for_each(|answer| Ok(answer.map(drop)?))
}

async fn lookup_in(vault: &Vault, values: &[Value]) -> Result<(), Failure> {
    let item = |value: &Value| {
        Ok(LookupItem {
            field: FieldName::new(value.field)?,
            value: Plaintext::new(value.text.clone()),
            subject: Some(Subject::new(&value.subject)?),
        })
    };
    let items = values.iter().map(|value| item(value).map(Ok));
    let request = Lookup {
        namespace: Namespace::new(NAMESPACE)?,
        request_id: None,
        items: items.collect::<Result<_, Failure>>()?,
    };
    let answers = vault.lookup(&caller()?, request).await?;
    answers
        .into_iter()
        .try_for_each(|answer| Ok(answer.map(drop)?))
}

async fn reveal_in(vault: &Vault, values: &[Value], tokens: &[String]) -> Result<(), Failure> {
    let item = |(value, token): (&Value, &String)| {
        Ok(DetokenizeItem {
            field: FieldName::new(value.field)?,
            token: Token::new(token.clone()),
            subject: Some(Subject::new(&value.subject)?),
        })
    };
    let items = values.iter().zip(tokens).map(|pair| item(pair).map(Ok));
    let request = Detokenize {
        namespace: Namespace::new(NAMESPACE)?,
        request_id: None,
        items: items.collect::<Result<_, Failure>>()?,
        level: Level::Full,
        purpose: Purpose::new("support")?,
        case_id: None,
        grant_id: None,
    };
    let answer = vault.detokenize(&caller()?, request).await?;
    answer
        .items
        .into_iter()
        .try_for_each(|item| Ok(item.map(drop)?))
}

fn caller() -> Result<Caller, Failure> {
    Ok(Caller {
        principal: Principal::new(PRINCIPAL)?,
        credential_fingerprint: [3; 32],
        person: None,
        address: None,
    })
}

fn token_of(result: protocol::TokenizeResult) -> Result<String, Failure> {
    match result.result {
        Some(protocol::tokenize_result::Result::Token(token)) => Ok(token.token),
        Some(protocol::tokenize_result::Result::Error(error)) => Err(error.message.into()),
        None => Err("item has no result".into()),
    }
}

fn new_values(next: &AtomicU64, count: usize) -> Vec<Value> {
    let first = next.fetch_add(count as u64, Ordering::Relaxed);
    (first..).take(count).map(value).collect()
}

/// Known values from a pseudo-random place on.
fn known_values(
    known: &Mutex<Vec<(Value, String)>>,
    next: &AtomicU64,
    count: usize,
) -> Vec<(Value, String)> {
    let known = lock(known);
    let place = scramble(next.fetch_add(1, Ordering::Relaxed)) % known.len().max(1) as u64;
    let place = usize::try_from(place).unwrap_or(0);
    // At once there: walking to the place would be a third of what a call costs.
    let (before, after) = known.split_at(place);
    let round = after.iter().chain(before).cycle();
    round.take(count).cloned().collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn first(channels: &[Channel]) -> Result<Channel, Failure> {
    Ok(channels.first().cloned().ok_or("no channel")?)
}

const CONNECTIONS_COUNT: usize = 4;
pub(crate) const MESSAGE_BYTES_MAX: usize = 4 << 20;
