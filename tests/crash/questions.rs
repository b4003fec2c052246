//! After a restart: does the vault still know what it acknowledged?

use counterfoil::protocol;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;

use crate::ledger::Acknowledged;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::detokenize_request;
use crate::load::tokenize_request;
use crate::server::Server;
use crate::testbed::Failure;
use crate::values::Value;
use crate::values::scramble;

/// Asks about all tokens since the last time, and about `old_count` of those before.
pub(crate) async fn ask(
    server: &Server,
    ledger: &mut Ledger,
    old_count: usize,
) -> Result<(), Failure> {
    repeat(server, ledger).await?;
    let (old, new) = ledger.tokens.split_at(ledger.asked_count);
    let mut asked: Vec<Acknowledged> = if old_count >= old.len() {
        old.to_vec()
    } else {
        let place = usize::try_from(scramble(ledger.tree_size)).unwrap_or(0) % old.len();
        old.iter()
            .cycle()
            .skip(place)
            .take(old_count)
            .cloned()
            .collect()
    };
    asked.extend_from_slice(new);
    ledger.asked_count = ledger.tokens.len();
    for asked in asked.chunks(ITEMS_MAX) {
        let request_id = format!("asked-{:016x}", scramble(ledger.reveals.len() as u64));
        let mut client = DetokenizationServiceClient::new(server.reveal.clone());
        let answer = client
            .detokenize(detokenize_request(asked, &request_id))
            .await?;
        ledger.revealed(request_id, asked, answer.into_inner());

        let with_equality = asked.iter().filter(|it| it.value.field != "note");
        let values: Vec<Value> = with_equality.map(|it| it.value.clone()).collect();
        let mut client = TokenServiceClient::new(server.token.clone());
        let answer = client
            .tokenize(tokenize_request(&values, None))
            .await?
            .into_inner();
        let is_new = |result: &protocol::TokenizeResult| {
            matches!(&result.result,
                Some(protocol::tokenize_result::Result::Token(token)) if token.created)
        };
        if answer.results.iter().any(is_new) {
            ledger.fault(Fault::ValueForgotten);
        }
        ledger.tokenized(&values, answer);
    }
    Ok(())
}

/// Repeats calls with their ids: those that were cut off twice, whose two answers must agree, and
/// those that were answered.
async fn repeat(server: &Server, ledger: &mut Ledger) -> Result<(), Failure> {
    let mut client = TokenServiceClient::new(server.token.clone());
    for request in std::mem::take(&mut ledger.cut_off) {
        let values: Vec<Value> = request.items.iter().map(value_of).collect();
        let first = client.tokenize(request.clone()).await?.into_inner();
        let first = ledger.tokenized(&values, first);
        let second = client.tokenize(request).await?.into_inner();
        if first != ledger.tokenized(&values, second) {
            ledger.fault(Fault::RetryDiffers);
        }
    }
    for (request, tokens) in std::mem::take(&mut ledger.repeatable) {
        let values: Vec<Value> = request.items.iter().map(value_of).collect();
        let again = client.tokenize(request).await?.into_inner();
        if tokens != ledger.tokenized(&values, again) {
            ledger.fault(Fault::RetryDiffers);
        }
    }
    Ok(())
}

fn value_of(item: &protocol::TokenizeItem) -> Value {
    let fields = ["name", "address", "email", "note"];
    Value {
        field: fields
            .into_iter()
            .find(|it| *it == item.field)
            .unwrap_or("name"),
        text: item.value.clone(),
        subject: item.subject.clone(),
    }
}

const ITEMS_MAX: usize = 1_000;
