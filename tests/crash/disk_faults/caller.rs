//! One client that makes its calls one by one, none without an end.

use std::time::Duration;

use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::detokenize_request;
use crate::load::tokenize_request;
use crate::server::Server;
use crate::values::value;

/// What became of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Became {
    Answered,
    Failed,
}

/// A client of a vault.
pub(crate) struct Caller {
    token: TokenServiceClient<Channel>,
    reveal: DetokenizationServiceClient<Channel>,
    process: u32,
    calls_count: u64,
    /// What ends later has no end.
    call_time_max: Duration,
    /// What the latest call that failed was told.
    told: Option<Code>,
}

impl Caller {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            token: TokenServiceClient::new(server.token.clone()),
            reveal: DetokenizationServiceClient::new(server.reveal.clone()),
            process: server.process(),
            calls_count: 0,
            call_time_max: CALL_TIME_MAX,
            told: None,
        }
    }

    /// The same for a vault whose calls may take no longer than this.
    pub(crate) fn within(server: &Server, deadline: Duration) -> Self {
        Self {
            call_time_max: deadline + ANSWER_TIME_MAX,
            ..Self::new(server)
        }
    }

    /// Whether the latest call that failed was told that it came to no end in its time, or that
    /// nothing is served.
    pub(crate) fn is_told_of_the_disk(&self) -> bool {
        matches!(self.told, Some(Code::DeadlineExceeded | Code::Unavailable))
    }

    /// Tokenizes and reveals in turn.
    pub(crate) async fn call(&mut self, ledger: &mut Ledger) -> Became {
        if self.calls_count.is_multiple_of(2) {
            self.tokenize(ledger).await
        } else {
            self.reveal(ledger).await
        }
    }

    pub(crate) async fn tokenize(&mut self, ledger: &mut Ledger) -> Became {
        let values: Vec<_> = ledger.numbers(1).map(value).collect();
        let request = tokenize_request(&values, Some(self.request_id()));
        let answer = self.token.tokenize(request.clone());
        match tokio::time::timeout(self.call_time_max, answer).await {
            Ok(Ok(answer)) => {
                ledger.tokenized(&values, answer.into_inner());
                Became::Answered
            }
            Ok(Err(status)) => {
                self.told = Some(status.code());
                ledger.cut_off_count += 1;
                ledger.cut_off.push(request);
                Became::Failed
            }
            Err(_) => {
                ledger.fault(Fault::CallHung);
                Became::Failed
            }
        }
    }

    pub(crate) async fn reveal(&mut self, ledger: &mut Ledger) -> Became {
        let asked: Vec<_> = ledger.tokens.iter().rev().take(1).cloned().collect();
        let request_id = self.request_id();
        let answer = self
            .reveal
            .detokenize(detokenize_request(&asked, &request_id));
        match tokio::time::timeout(self.call_time_max, answer).await {
            Ok(Ok(answer)) => {
                ledger.revealed(request_id, &asked, answer.into_inner());
                Became::Answered
            }
            Ok(Err(status)) => {
                self.told = Some(status.code());
                ledger.cut_off_count += 1;
                Became::Failed
            }
            Err(_) => {
                ledger.fault(Fault::CallHung);
                Became::Failed
            }
        }
    }

    /// An id that no call of any vault of the campaign had.
    fn request_id(&mut self) -> String {
        self.calls_count += 1;
        format!("fault-{}-{}", self.process, self.calls_count)
    }
}

/// Longer than the vault lets a call take; what ends later has no end.
pub(crate) const CALL_TIME_MAX: Duration = Duration::from_secs(20);
/// How long an answer may be under way on a busy machine.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
