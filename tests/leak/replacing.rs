//! Tokens that are replaced by others, in order and in error.

use counterfoil::ceremony::Operation;
use counterfoil::ceremony::Retokenization;
use counterfoil::client::statement;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::OfficerKey;
use counterfoil::domain::Clock;
use counterfoil::domain::Namespace;
use counterfoil::protocol;
use counterfoil::protocol::RetokenizeItem;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::protocol::retokenize_result;
use tonic::Status;
use tonic::transport::Channel;

use crate::canaries::Canaries;
use crate::support::Side;
use crate::support::TestVault;
use crate::support::import_of;
use crate::support::item_of;

/// Who may have tokens replaced, and calls for the officers.
pub(crate) const POLICY: &str = r#"
permit (
  principal == Service::"spiffe://shop.example/backend",
  action == Action::"retokenize",
  resource in Namespace::"shop"
);

permit (
  principal == Service::"spiffe://shop.example/backend",
  action in [Action::"list_keys", Action::"propose_operation", Action::"approve_operation"],
  resource
);
"#;

fn officer(number: u8) -> (NoteKeyName, OfficerKey) {
    let name = NoteKeyName::new(&format!("officer{number}")).unwrap();
    (name, OfficerKey::new(&KeyBytes::from_array(&[number; 32])))
}

/// The officers, as the vault's configuration has them.
pub(crate) fn table() -> String {
    let line = |number| {
        let (name, key) = officer(number);
        format!("{:?}", key.verifier(name).to_string())
    };
    format!("\n[officers]\nkeys = [{}, {}]\n", line(1), line(2))
}

/// Officers allow some tokens to be replaced; they are, and then too many, and what is none.
pub(crate) async fn replace(vault: &TestVault, canaries: &mut Canaries) {
    let client = vault.backend().await;
    let credential = vault.identities().credential("backend");
    let channel = vault.connect(Side::Reveal, credential).await.unwrap();
    let service = KeyServiceClient::new(channel);
    let mut items = Vec::new();
    for field in ["name", "nickname", "email", "address_of", "alias", "card"] {
        let value = canaries.value(field);
        let made = client.tokenized(item_of(field, &value, "cus_77")).await;
        items.push(of(field, &canaries.keep(made.token)));
    }
    let (value, token) = (canaries.value("email"), canaries.word());
    let pair = import_of("email", &value, &token, "cus_77");
    client.import(vec![pair]).await.unwrap();
    items.push(of("email", &token));
    vault.clock.advance_seconds(1);
    let operation = allow(vault, &service, items.len()).await;
    for round in 0..2 {
        let results = send(&service, &operation, items.clone()).await.unwrap();
        for (result, old) in results.into_iter().zip(&items) {
            let token = match result.result.unwrap() {
                retokenize_result::Result::Token(token) => token.value.unwrap(),
                retokenize_result::Result::Error(status) => panic!("{}", status.message),
            };
            assert!(token.token != old.token && token.created == (round == 0));
            canaries.keep(token.token);
        }
    }
    // One more than is allowed, one that nobody allows, and texts that are no tokens.
    let value = canaries.value("name");
    let made = client.tokenized(item_of("name", &value, "cus_78")).await;
    let unknown = of("name", &canaries.keep(made.token));
    let nobodys = format!("c-{}", "0".repeat(32));
    for operation in [&operation, &nobodys] {
        let sent = send(&service, operation, vec![unknown.clone()]).await;
        canaries.outcome(sent);
    }
    let (word, long) = (canaries.word(), canaries.word().repeat(900));
    let wrong = vec![of("name", &word), of(&word, &word), of("name", &long)];
    for result in send(&service, &operation, wrong).await.unwrap() {
        match result.result.unwrap() {
            retokenize_result::Result::Token(_) => panic!("the text is no token"),
            retokenize_result::Result::Error(status) => {
                canaries.errors.push_str(&format!("{}\n", status.message));
            }
        }
    }
    let sent = send(&service, &word, vec![of("name", &word)]).await;
    assert!(canaries.outcome(sent).is_none());
}

fn of(field: &str, token: &str) -> RetokenizeItem {
    RetokenizeItem {
        field: field.to_owned(),
        token: token.to_owned(),
        subject: "cus_77".to_owned(),
        ..RetokenizeItem::default()
    }
}

async fn send(
    service: &KeyServiceClient<Channel>,
    operation: &str,
    items: Vec<RetokenizeItem>,
) -> Result<Vec<protocol::RetokenizeResult>, Status> {
    let request = protocol::RetokenizeRequest {
        namespace: "shop".to_owned(),
        operation_id: operation.to_owned(),
        items,
        ..protocol::RetokenizeRequest::default()
    };
    let mut service = service.clone();
    let stream = service.retokenize(tokio_stream::iter([request])).await?;
    let answer = stream.into_inner().message().await?;
    Ok(answer.unwrap().results)
}

async fn allow(vault: &TestVault, service: &KeyServiceClient<Channel>, count: usize) -> String {
    let mut keys = service.clone();
    let listed = keys.list_keys(protocol::ListKeysRequest::default()).await;
    let now = vault.clock.now();
    let operation = Operation::Retokenize(Retokenization {
        namespace: Namespace::new("shop").unwrap(),
        tokens_max: u64::try_from(count).unwrap(),
        until: now.plus_seconds(3_600),
    });
    let listed = listed.unwrap().into_inner();
    let made = statement(&listed, operation, now, 3_600, &SystemEntropy).unwrap();
    let sign = |number| {
        let (name, key) = officer(number);
        key.sign(name, &made.to_string()).unwrap().to_string()
    };
    let request = protocol::ProposeOperationRequest {
        note: sign(1),
        ..protocol::ProposeOperationRequest::default()
    };
    keys.propose_operation(request).await.unwrap();
    let request = protocol::ApproveOperationRequest {
        operation_id: made.id().as_str().to_owned(),
        note: sign(2),
        ..protocol::ApproveOperationRequest::default()
    };
    keys.approve_operation(request).await.unwrap();
    made.id().as_str().to_owned()
}
