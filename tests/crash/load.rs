//! Clients that keep the vault busy until it dies.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use counterfoil::protocol;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use crate::ledger::Acknowledged;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::person::Provider;
use crate::server::Server;
use crate::standing::Officer;
use crate::testbed::Failure;
use crate::testbed::NAMESPACE;
use crate::values::Value;
use crate::values::letters;
use crate::values::scramble;
use crate::values::value;

/// Clients at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

struct Shared {
    ledger: Mutex<Ledger>,
    is_killed: AtomicBool,
    may_fail: AtomicBool,
}

struct Client {
    shared: Arc<Shared>,
    token: TokenServiceClient<Channel>,
    reveal: DetokenizationServiceClient<Channel>,
    officer: Option<Officer>,
    random: u64,
}

impl Load {
    /// Clients of a vault. With an identity provider they ask for grants and freeze, too.
    pub(crate) fn start(
        server: &Server,
        ledger: Ledger,
        random: u64,
        people: Option<&Provider>,
    ) -> Self {
        let shared = Arc::new(Shared {
            ledger: Mutex::new(ledger),
            is_killed: AtomicBool::new(false),
            may_fail: AtomicBool::new(false),
        });
        let clients = (0..CLIENTS_COUNT)
            .map(|number| {
                let client = Client {
                    shared: Arc::clone(&shared),
                    token: TokenServiceClient::new(server.token.clone()),
                    reveal: DetokenizationServiceClient::new(server.reveal.clone()),
                    officer: people.map(|people| Officer::new(&server.reveal, people)),
                    random: scramble(random ^ number),
                };
                tokio::spawn(client.run())
            })
            .collect();
        Self { shared, clients }
    }

    /// From now on a failed call is no fault, but calls go on.
    pub(crate) fn about_to_fail(&self) {
        self.shared.may_fail.store(true, Ordering::SeqCst);
    }

    /// From now on a failed call is no fault, and no other call begins.
    pub(crate) fn about_to_kill(&self) {
        self.about_to_fail();
        self.shared.is_killed.store(true, Ordering::SeqCst);
    }

    /// Waits for the clients to notice, and gives the ledger back.
    pub(crate) async fn finish(self) -> Result<Ledger, Failure> {
        for client in self.clients {
            client.await?;
        }
        let shared = Arc::into_inner(self.shared).ok_or("a client is still there")?;
        Ok(shared
            .ledger
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }
}

impl Client {
    async fn run(mut self) {
        while !self.shared.is_killed.load(Ordering::SeqCst) {
            let answered = match self.dice(12) {
                10 => self.decide().await,
                11 => self.freeze().await,
                0..4 => self.tokenize_new(1).await,
                4 => {
                    let count = self.dice(40) + 2;
                    self.tokenize_new(count).await
                }
                5 => self.tokenize_known().await,
                6 => self.tokenize_apart().await,
                _ => self.reveal().await,
            };
            if answered.is_none() {
                return;
            }
        }
    }

    async fn tokenize_new(&mut self, count: u64) -> Option<()> {
        let values: Vec<_> = self.ledger().numbers(count).map(value).collect();
        let with_id = self.dice(2) == 0;
        self.tokenize(values, with_id).await
    }

    async fn tokenize_known(&mut self) -> Option<()> {
        let known = self.some_known(20);
        let known = known.into_iter().map(|it| it.value);
        let values: Vec<_> = known.filter(|it| it.field != "note").collect();
        if values.is_empty() {
            return Some(());
        }
        self.tokenize(values, false).await
    }

    /// Values of a field that keeps equal values apart.
    async fn tokenize_apart(&mut self) -> Option<()> {
        let number = self.dice(50);
        let word = letters(number);
        let (first, last) = word.split_at(6);
        let note = Value {
            field: "note",
            text: format!("{first} {last}"),
            subject: format!("cus_{number}"),
        };
        self.tokenize(vec![note], true).await
    }

    async fn tokenize(&mut self, values: Vec<Value>, with_id: bool) -> Option<()> {
        let request = tokenize_request(&values, with_id.then(|| self.request_id()));
        match self.token.tokenize(request.clone()).await {
            Ok(answer) => {
                let mut ledger = self.ledger();
                let tokens = ledger.tokenized(&values, answer.into_inner());
                if values.iter().any(|it| it.field == "note") {
                    ledger.repeatable.push((request, tokens));
                }
                Some(())
            }
            Err(_) => self.failed(with_id.then_some(request)),
        }
    }

    async fn reveal(&mut self) -> Option<()> {
        let asked = self.some_known(3);
        if asked.is_empty() {
            return Some(());
        }
        let request_id = self.request_id();
        let request = detokenize_request(&asked, &request_id);
        match self.reveal.detokenize(request).await {
            Ok(answer) => {
                let mut ledger = self.ledger();
                ledger.revealed(request_id, &asked, answer.into_inner());
                Some(())
            }
            Err(_) => self.failed(None),
        }
    }

    async fn decide(&mut self) -> Option<()> {
        let (shared, number) = (Arc::clone(&self.shared), self.roll());
        let note = |done| shared.ledger().standing.note(done);
        match &mut self.officer {
            Some(officer) => match officer.decide(number, note).await {
                Ok(()) => Some(()),
                Err(_) => self.failed(None),
            },
            None => Some(()),
        }
    }

    async fn freeze(&mut self) -> Option<()> {
        let (shared, number) = (Arc::clone(&self.shared), self.roll());
        let note = |done| shared.ledger().standing.note(done);
        match &mut self.officer {
            Some(officer) => match officer.freeze(number, note).await {
                Ok(()) => Some(()),
                Err(_) => self.failed(None),
            },
            None => Some(()),
        }
    }

    fn failed(&self, request: Option<protocol::TokenizeRequest>) -> Option<()> {
        let mut ledger = self.ledger();
        if self.shared.may_fail.load(Ordering::SeqCst) {
            ledger.cut_off_count += 1;
            ledger.cut_off.extend(request);
        } else {
            ledger.fault(Fault::CallFailed);
        }
        None
    }

    /// Some of the latest tokens, at most `most`.
    fn some_known(&mut self, most: u64) -> Vec<Acknowledged> {
        let (count, place) = (self.dice(most) + 1, self.dice(LATEST_COUNT));
        let ledger = self.ledger();
        let latest = ledger.tokens.iter().rev();
        let place = usize::try_from(place).unwrap_or(0);
        let count = usize::try_from(count).unwrap_or(1);
        latest.skip(place).take(count).cloned().collect()
    }

    fn request_id(&mut self) -> String {
        format!("crash-{:016x}", self.roll())
    }

    fn dice(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    fn roll(&mut self) -> u64 {
        self.random = scramble(self.random.wrapping_add(1));
        self.random
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger()
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn tokenize_request(
    values: &[Value],
    request_id: Option<String>,
) -> protocol::TokenizeRequest {
    let item = |value: &Value| protocol::TokenizeItem {
        field: value.field.to_owned(),
        value: value.text.clone(),
        subject: value.subject.clone(),
        ttl: 0,
        ..protocol::TokenizeItem::default()
    };
    protocol::TokenizeRequest {
        namespace: NAMESPACE.to_owned(),
        request_id: request_id.unwrap_or_default(),
        items: values.iter().map(item).collect(),
        allow_token_values: false,
        decoys: false,
    }
}

pub(crate) fn detokenize_request(
    asked: &[Acknowledged],
    request_id: &str,
) -> protocol::DetokenizeRequest {
    let item = |asked: &Acknowledged| protocol::DetokenizeItem {
        field: asked.value.field.to_owned(),
        token: asked.token.clone(),
        subject: asked.value.subject.clone(),
        ..protocol::DetokenizeItem::default()
    };
    protocol::DetokenizeRequest {
        namespace: NAMESPACE.to_owned(),
        request_id: request_id.to_owned(),
        items: asked.iter().map(item).collect(),
        level: protocol::Level::Full.into(),
        purpose: "support".to_owned(),
        ..protocol::DetokenizeRequest::default()
    }
}

const CLIENTS_COUNT: u64 = 12;
/// Reveals and repetitions are of the latest tokens, which a fault would lose first.
const LATEST_COUNT: u64 = 40;
