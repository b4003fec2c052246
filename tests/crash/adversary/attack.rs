//! What the adversary does, all at once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counterfoil::protocol;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use tonic::Code;
use tonic::Status;
use tonic::transport::Channel;

use super::Customer;
use crate::server::Server;
use crate::testbed;
use crate::testbed::NAMESPACE;
use crate::values::scramble;

/// What the attackers of a burst share.
pub(super) struct Shared {
    pub(super) directory: PathBuf,
    pub(super) addresses: (SocketAddr, SocketAddr),
    pub(super) customers: Arc<Vec<Customer>>,
    pub(super) assertion: String,
    pub(super) now_ms: u64,
    pub(super) has_streams: bool,
    pub(super) is_killed: AtomicBool,
    pub(super) cut_off_count: AtomicU64,
    pub(super) refused_count: AtomicU64,
    pub(super) found: Mutex<Found>,
}

/// What a burst found.
#[derive(Default)]
pub(super) struct Found {
    /// Whom it saw.
    pub(super) seen: Vec<String>,
    /// Answers that nobody should get.
    pub(super) strange: Vec<String>,
}

impl Shared {
    /// Waits until somebody has seen something, or was told that nothing is left to see.
    pub(super) async fn wait_for_an_answer(&self) {
        for _ in 0..WAITS_MAX {
            let has_seen = !self.found().seen.is_empty();
            if has_seen || self.refused_count.load(Ordering::SeqCst) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of several that attack at once.
pub(super) struct Attacker {
    shared: Arc<Shared>,
    token: Channel,
    reveal: Channel,
    random: u64,
}

impl Attacker {
    pub(super) fn new(shared: &Arc<Shared>, server: &Server, random: u64) -> Self {
        Self {
            shared: Arc::clone(shared),
            token: server.token.clone(),
            reveal: server.reveal.clone(),
            random: scramble(random),
        }
    }

    /// Asks again and again, one way or another, until the vault is gone or some calls were made.
    pub(super) async fn run(mut self) {
        for _ in 0..CALLS_COUNT {
            let answered = match self.dice(10) {
                0 => self.reconnect().await,
                1 | 2 => self.batch(protocol::Level::Full).await,
                3 => self.batch(protocol::Level::Masked).await,
                4 | 5 => self.one(None).await,
                6 => self.retry().await,
                7 if self.shared.has_streams => self.stream().await,
                8 => self.compare().await,
                _ => self.search().await,
            };
            if let Err(status) = answered {
                self.note(&status);
            }
            if self.shared.is_killed.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    /// New connections, as after every few calls of somebody who covers their tracks.
    async fn reconnect(&mut self) -> Result<(), Status> {
        let (token, reveal) = self.shared.addresses;
        let directory = &self.shared.directory;
        let gone = |_| Status::unavailable("no connection");
        self.token = testbed::connect(directory, token).await.map_err(gone)?;
        self.reveal = testbed::connect(directory, reveal).await.map_err(gone)?;
        self.one(None).await
    }

    async fn one(&mut self, request_id: Option<String>) -> Result<(), Status> {
        let whom = self.some(1);
        self.reveal(&whom, protocol::Level::Full, request_id).await
    }

    async fn batch(&mut self, level: protocol::Level) -> Result<(), Status> {
        let count = self.dice(6) + 1;
        let whom = self.some(count);
        self.reveal(&whom, level, None).await
    }

    /// The same call three times at once, under one id.
    async fn retry(&mut self) -> Result<(), Status> {
        let (whom, id) = (self.some(2), format!("again-{:016x}", self.roll()));
        let calls = (0..3).map(|_| self.reveal(&whom, protocol::Level::Full, Some(id.clone())));
        let [first, second, third] = match calls.collect::<Vec<_>>().try_into() {
            Ok(three) => three,
            Err(_) => return Ok(()),
        };
        let (first, second, third) = tokio::join!(first, second, third);
        for answered in [first, second] {
            if let Err(status) = answered {
                self.note(&status);
            }
        }
        third
    }

    async fn reveal(
        &self,
        whom: &[usize],
        level: protocol::Level,
        request_id: Option<String>,
    ) -> Result<(), Status> {
        let mut client = DetokenizationServiceClient::new(self.reveal.clone());
        let request = self.reveal_request(whom, level, request_id);
        let answer = client.detokenize(request).await?.into_inner();
        self.saw_values(whom, &answer, level);
        Ok(())
    }

    async fn stream(&mut self) -> Result<(), Status> {
        let mut client = DetokenizationServiceClient::new(self.reveal.clone());
        let calls: Vec<Vec<usize>> = (0..4).map(|_| self.some(1)).collect();
        let request = |whom: &Vec<usize>| self.reveal_request(whom, protocol::Level::Full, None);
        let requests: Vec<_> = calls.iter().map(request).collect();
        let stream = client
            .detokenize_stream(tokio_stream::iter(requests))
            .await?;
        let mut answers = stream.into_inner();
        for whom in &calls {
            match answers.message().await? {
                Some(answer) => self.saw_values(whom, &answer, protocol::Level::Full),
                None => break,
            }
        }
        Ok(())
    }

    async fn search(&mut self) -> Result<(), Status> {
        let mut client = TokenServiceClient::new(self.token.clone());
        let whom = self.some(2);
        let item = |customer: &Customer| protocol::LookupItem {
            field: customer.value.field.to_owned(),
            value: customer.value.text.clone(),
            ..protocol::LookupItem::default()
        };
        let request = protocol::LookupRequest {
            namespace: NAMESPACE.to_owned(),
            items: self.customers(&whom).map(item).collect(),
            acting_principal: self.shared.assertion.clone(),
            ..protocol::LookupRequest::default()
        };
        let answer = client.lookup(request).await?.into_inner();
        for (customer, result) in self.customers(&whom).zip(answer.results) {
            match result.result {
                Some(protocol::lookup_result::Result::Token(token))
                    if token.token == customer.token =>
                {
                    // Budgets count a search by its value.
                    self.saw(format!("value {}", customer.value.text));
                }
                Some(_) | None => self.strange("a known value was not found"),
            }
        }
        Ok(())
    }

    async fn compare(&mut self) -> Result<(), Status> {
        let mut client = TokenServiceClient::new(self.token.clone());
        let whom = self.some(2);
        let item = |customer: &Customer| protocol::VerifyMatchItem {
            field: customer.value.field.to_owned(),
            token: customer.token.clone(),
            value: customer.value.text.clone(),
            ..protocol::VerifyMatchItem::default()
        };
        let request = protocol::VerifyMatchRequest {
            namespace: NAMESPACE.to_owned(),
            items: self.customers(&whom).map(item).collect(),
            acting_principal: self.shared.assertion.clone(),
            ..protocol::VerifyMatchRequest::default()
        };
        let answer = client.verify_match(request).await?.into_inner();
        for (customer, result) in self.customers(&whom).zip(answer.results) {
            match result.result {
                Some(protocol::verify_match_result::Result::Equal(true)) => {
                    self.saw(customer.value.subject.clone());
                }
                Some(_) | None => self.strange("a token did not match its value"),
            }
        }
        Ok(())
    }

    fn reveal_request(
        &self,
        whom: &[usize],
        level: protocol::Level,
        request_id: Option<String>,
    ) -> protocol::DetokenizeRequest {
        let item = |customer: &Customer| protocol::DetokenizeItem {
            field: customer.value.field.to_owned(),
            token: customer.token.clone(),
            subject: customer.value.subject.clone(),
            ..protocol::DetokenizeItem::default()
        };
        protocol::DetokenizeRequest {
            namespace: NAMESPACE.to_owned(),
            request_id: request_id.unwrap_or_default(),
            items: self.customers(whom).map(item).collect(),
            level: level.into(),
            purpose: "support".to_owned(),
            acting_principal: self.shared.assertion.clone(),
            ..protocol::DetokenizeRequest::default()
        }
    }

    fn saw_values(
        &self,
        whom: &[usize],
        answer: &protocol::DetokenizeResponse,
        level: protocol::Level,
    ) {
        for (customer, result) in self.customers(whom).zip(&answer.results) {
            match &result.result {
                Some(protocol::detokenize_result::Result::Value(value))
                    if level == protocol::Level::Masked || *value == customer.value.text =>
                {
                    self.saw(customer.value.subject.clone());
                }
                Some(_) | None => self.strange("a token did not open to its value"),
            }
        }
    }

    fn saw(&self, whom: String) {
        self.shared.found().seen.push(whom);
    }

    fn strange(&self, what: &str) {
        self.shared
            .found()
            .strange
            .push(format!("{what}, at {}", self.shared.now_ms));
    }

    fn note(&self, status: &Status) {
        let count = if status.code() == Code::ResourceExhausted {
            &self.shared.refused_count
        } else if self.shared.is_killed.load(Ordering::SeqCst) {
            &self.shared.cut_off_count
        } else {
            let (code, words) = (status.code(), status.message());
            return self.strange(&format!("{code:?}: {words}"));
        };
        count.fetch_add(1, Ordering::SeqCst);
    }

    fn customers<'a>(&'a self, whom: &'a [usize]) -> impl Iterator<Item = &'a Customer> {
        whom.iter()
            .filter_map(|number| self.shared.customers.get(*number))
    }

    /// Some customers, each once.
    fn some(&mut self, count: u64) -> Vec<usize> {
        let customers_count = self.shared.customers.len() as u64;
        let first = self.dice(customers_count);
        let number = |offset| (first + offset * 7) % customers_count;
        (0..count)
            .filter_map(|offset| usize::try_from(number(offset)).ok())
            .collect()
    }

    fn dice(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    fn roll(&mut self) -> u64 {
        self.random = scramble(self.random.wrapping_add(1));
        self.random
    }
}

/// Calls of one attacker in a burst.
const CALLS_COUNT: u64 = 12;
/// How often a kill waits for something to kill.
const WAITS_MAX: usize = 2_500;
