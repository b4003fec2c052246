//! Retokenizing: every kind of token gets another, once, and the old one opens for a while.

use std::collections::HashMap;

use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::ceremony::Retokenization;
use counterfoil::domain::Clock;
use counterfoil::domain::Namespace;
use counterfoil::domain::Timestamp;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::RetokenizeItem;
use counterfoil::protocol::RetokenizedToken;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::protocol::retokenize_result::Result as Wire;
use tonic::Code;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::pb;

use crate::erase::token_for;
use crate::office::Office;
use crate::structured;
use crate::support::Client;
use crate::support::Side;
use crate::support::TestVault;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item;
use crate::support::item_of;
use crate::support::token_of;

pub(crate) const HOUR: u64 = 60 * 60;
/// How long a replaced token opens in a vault of [`office`].
pub(crate) const GRACE: u64 = 2 * HOUR;

/// What officers allow: so many tokens of `shop`, for so many seconds from now.
pub(crate) fn allowed(office: &Office, tokens_max: u64, seconds: u64) -> Operation {
    let until = office.vault.clock.now().plus_seconds(seconds);
    Operation::Retokenize(Retokenization {
        namespace: Namespace::new("shop").unwrap(),
        tokens_max,
        until: Timestamp::from_unix_ms(until.unix_ms() / 1_000 * 1_000),
    })
}

/// Two officers allow it, a second after everything that was made before.
pub(crate) async fn allow(office: &Office, tokens_max: u64, seconds: u64) -> String {
    office.vault.clock.advance_seconds(1);
    let operation = allowed(office, tokens_max, seconds);
    let proposed = office.propose(1, operation).await.unwrap();
    assert!(proposed.state() == OperationState::Proposed);
    let approved = office.approve(2, &proposed).await.unwrap();
    assert!(approved.state() == OperationState::Running);
    approved.operation_id
}

/// A vault with officers whose replaced tokens open for [`GRACE`].
pub(crate) async fn office(further: &str) -> Office {
    let lines = format!(
        "retokenize_grace_seconds = {GRACE}\n\
         [officers.rules]\ndestroy-key = {{ delay_seconds = 60 }}\n{further}"
    );
    Office::open_with(&[1, 2, 3], &lines).await
}

pub(crate) fn of(field: &str, token: &str, subject: &str) -> RetokenizeItem {
    RetokenizeItem {
        field: field.to_owned(),
        token: token.to_owned(),
        subject: subject.to_owned(),
        ..RetokenizeItem::default()
    }
}

pub(crate) fn request(operation: &str, items: Vec<RetokenizeItem>) -> protocol::RetokenizeRequest {
    protocol::RetokenizeRequest {
        namespace: "shop".to_owned(),
        operation_id: operation.to_owned(),
        items,
        ..protocol::RetokenizeRequest::default()
    }
}

pub(crate) async fn keeper(vault: &TestVault) -> KeyServiceClient<Channel> {
    let credential = vault.identities().credential("backend");
    KeyServiceClient::new(vault.connect(Side::Reveal, credential).await.unwrap())
}

pub(crate) async fn send(
    service: &KeyServiceClient<Channel>,
    requests: Vec<protocol::RetokenizeRequest>,
) -> Result<Vec<Vec<Result<RetokenizedToken, pb::Status>>>, Status> {
    let requests = tokio_stream::iter(requests);
    let answers = service.clone().retokenize(requests).await?;
    let (mut answers, mut all) = (answers.into_inner(), Vec::new());
    while let Some(answer) = answers.message().await? {
        let token = |result: protocol::RetokenizeResult| match result.result.unwrap() {
            Wire::Token(token) => Ok(token),
            Wire::Error(status) => Err(status),
        };
        all.push(answer.results.into_iter().map(token).collect());
    }
    Ok(all)
}

pub(crate) async fn try_replace(
    vault: &TestVault,
    operation: &str,
    items: Vec<RetokenizeItem>,
) -> Result<Vec<Result<RetokenizedToken, pb::Status>>, Status> {
    let answers = send(&keeper(vault).await, vec![request(operation, items)]).await?;
    Ok(answers.into_iter().next().unwrap())
}

/// The tokens that these have now, each with whether it was made just now, and whether the old one
/// has an end.
pub(crate) async fn replace(
    vault: &TestVault,
    operation: &str,
    items: Vec<RetokenizeItem>,
) -> Vec<(String, bool, bool)> {
    let answers = try_replace(vault, operation, items).await.unwrap();
    let read = |answer: Result<RetokenizedToken, pb::Status>| {
        let answer = answer.unwrap_or_else(|status| panic!("{}", status.message));
        let value = answer.value.unwrap();
        (value.token, value.created, answer.old_ends.is_some())
    };
    answers.into_iter().map(read).collect()
}

/// The one token that this one has now.
pub(crate) async fn replaced(vault: &TestVault, operation: &str, item: RetokenizeItem) -> String {
    replace(vault, operation, vec![item]).await.remove(0).0
}

pub(crate) async fn progress(office: &Office, operation: &str) -> (OperationState, u64) {
    let listed = office.list().await.operations;
    let mut own = listed.iter().filter(|it| it.operation_id == operation);
    let own = own.next().unwrap();
    let changed = own.progress.as_ref().map_or(0, |it| it.records_changed);
    (own.state(), changed)
}

pub(crate) async fn is_gone(client: &Client, field: &str, token: &str, subject: &str) -> bool {
    let opened = client.value_of(field, token, subject).await;
    opened.is_err_and(|status| status.code == Code::PermissionDenied as i32)
}

const KINDS: [(&str, &str, &str); 6] = [
    ("name", "Ada Lovelace", "cus_1"),
    ("alias", "Ada Lovelace", "cus_1"),
    ("nickname", "Ada", "cus_1"),
    ("address_of", "12 Main Street", "cus_1"),
    ("contact", "no e-mail address at all", "cus_1"),
    ("contact", "grace@mail.example", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_token_gets_another() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let mut all = Vec::new();
    for (field, value, subject) in KINDS {
        let token = token_for(&client, field, value, subject).await;
        all.push((field, value, subject, token));
    }
    let pair = import_of("email", "ada@old.example", "tok_0001", "cus_1");
    let imported = client.import(vec![pair]).await.unwrap().remove(0);
    let token = imported_of(imported).unwrap().token;
    all.push(("email", "ada@old.example", "cus_1", token));
    let items = || {
        let item = |(field, _, subject, token): &(&str, &str, &str, String)| {
            let is_bound = *field == "address_of";
            of(field, token, if is_bound { subject } else { "" })
        };
        all.iter().map(item).collect::<Vec<_>>()
    };
    let operation = allow(&office, 100, HOUR).await;
    let answers = replace(&office.vault, &operation, items()).await;
    assert!(answers.iter().all(|(_, created, ends)| *created && *ends));
    let expected = (OperationState::Running, 7);
    assert!(progress(&office, &operation).await == expected);
    // Who lost the answer asks again, and is told the same; nothing is counted.
    let again = replace(&office.vault, &operation, items()).await;
    let as_before = answers
        .iter()
        .map(|(token, _, _)| (token.clone(), false, true));
    assert_eq!(again, as_before.collect::<Vec<_>>());
    assert!(progress(&office, &operation).await == expected);
    for ((field, value, subject, old), (new, _, _)) in all.iter().zip(&answers) {
        assert_ne!(old, new, "{field}");
        for token in [old, new] {
            let opened = client.value_of(field, token, subject).await;
            assert_eq!(opened.unwrap(), *value, "{field}");
        }
        if *field != "nickname" {
            assert_eq!(token_for(&client, field, value, subject).await, *new);
        }
        if *field != "address_of" {
            for token in [old, new] {
                let is_its = client.verify_match(field, token, value).await;
                assert!(is_its.unwrap(), "{field}");
            }
            assert!(
                client
                    .inspect(field, old, "")
                    .await
                    .unwrap()
                    .expires
                    .is_some()
            );
            assert!(
                client
                    .inspect(field, new, "")
                    .await
                    .unwrap()
                    .expires
                    .is_none()
            );
        }
    }
    assert_eq!(
        client
            .lookup("email", "ada@old.example")
            .await
            .unwrap()
            .token,
        answers[6].0
    );
    // A token that was made since the operation took effect stays.
    let young = answers.iter().zip(&all);
    let young = young.map(|((new, _, _), (field, _, subject, _))| of(field, new, subject));
    let kept = replace(&office.vault, &operation, young.collect()).await;
    let as_it_is = answers
        .iter()
        .map(|(token, _, _)| (token.clone(), false, false));
    assert_eq!(kept, as_it_is.collect::<Vec<_>>());

    office.vault.clock.advance_seconds(GRACE);
    let operation = allow(&office, 100, HOUR).await;
    for item in items() {
        let ended = try_replace(&office.vault, &operation, vec![item]).await;
        let status = ended.unwrap().remove(0).err().unwrap();
        assert_eq!(status.code, Code::PermissionDenied as i32);
    }
    for ((field, value, subject, old), (new, _, _)) in all.iter().zip(&answers) {
        assert!(is_gone(&client, field, old, subject).await, "{field}");
        let opened = client.value_of(field, new, subject).await;
        assert_eq!(opened.unwrap(), *value, "{field}");
    }
    log_says_which_operation(&office);
    office.vault.check().await;
}

/// Each intent comes before its outcome, names the operation, and says nothing of values.
fn log_says_which_operation(office: &Office) {
    let entries = office.vault.entries();
    let of_event = |event| entries.iter().filter(move |it| it.draft.event == event);
    let (intents, outcomes): (Vec<_>, Vec<_>) = (
        of_event(Event::Retokenize).collect(),
        of_event(Event::RetokenizeOutcome).collect(),
    );
    assert!(!intents.is_empty() && intents.len() == outcomes.len());
    for (intent, outcome) in intents.iter().zip(&outcomes) {
        assert!(intent.index < outcome.index);
        for entry in [intent, outcome] {
            let ceremony = &entry.draft.ceremony;
            assert_eq!(ceremony.operation, Some(OperationKind::Retokenize));
            assert!(ceremony.id.is_some() && ceremony.statement_digest.is_some());
        }
    }
    let of_first = |entry: &counterfoil::audit::Entry| {
        let items = entry.draft.items.iter();
        items.map(|item| item.outcome).collect::<Vec<_>>()
    };
    assert_eq!(of_first(intents[0]), [ItemOutcome::Intended; 7]);
    assert_eq!(of_first(outcomes[0]), [ItemOutcome::Created; 7]);
    assert_eq!(outcomes[0].draft.ceremony.records_count, Some(7));
    let subject = outcomes[0].draft.items[0].subject.as_ref();
    assert_eq!(subject.unwrap().as_str(), "cus_1");
    assert_eq!(of_first(outcomes[1]), [ItemOutcome::Found; 7]);
    assert_eq!(outcomes[1].draft.ceremony.records_count, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_parts_get_others_in_parts() {
    let office = office(structured::FIELDS).await;
    let client = office.vault.backend().await;
    let old = structured::tokenized(&client, "postal", &structured::ADDRESS).await;
    let operation = allow(&office, 1, HOUR).await;
    let item = RetokenizeItem {
        field: "postal".to_owned(),
        token_parts: old.token_parts.clone(),
        ..RetokenizeItem::default()
    };
    let answer = try_replace(&office.vault, &operation, vec![item]).await;
    let new = answer.unwrap().remove(0).unwrap().value.unwrap();
    assert!(new.created && new.token.is_empty());
    assert_ne!(new.token_parts, old.token_parts);
    let value: HashMap<String, String> = structured::parts(&structured::ADDRESS);
    for token in [&old.token_parts, &new.token_parts] {
        let opened = structured::revealed(&client, "postal", token.clone()).await;
        assert_eq!(opened, Ok(value.clone()));
    }
    let again = structured::tokenized(&client, "postal", &structured::ADDRESS).await;
    assert_eq!(again.token_parts, new.token_parts);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_operation_after_another_leads_to_the_last_token() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let expiring = client.token("visitor", "Ada Byron").await;
    let first = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    let one = allow(&office, 9, 9 * HOUR).await;
    let second = replaced(&office.vault, &one, of("name", &first, "")).await;
    // The old one never lives longer than it would have, and neither does the new one.
    let visitor = replaced(&office.vault, &one, of("visitor", &expiring, "")).await;
    office.vault.clock.advance_seconds(HOUR);
    for token in [&expiring, &visitor] {
        assert!(is_gone(&client, "visitor", token, "").await);
    }
    let two = allow(&office, 9, 9 * HOUR).await;
    let items = ["second", "first", "second again"].map(|which| match which {
        "first" => of("name", &first, ""),
        _ => of("name", &second, ""),
    });
    let answers = replace(&office.vault, &two, items.to_vec()).await;
    let third = &answers[0].0;
    assert!(
        answers
            .iter()
            .all(|(token, _, ends)| token == third && *ends)
    );
    let made = answers.iter().filter(|(_, created, _)| *created);
    assert_eq!(made.count(), 1);
    assert!(progress(&office, &two).await.1 == 1);
    assert!(![&first, &second].contains(&third));
    // By the first operation too: the last token is what every one of them leads to.
    assert_eq!(
        replaced(&office.vault, &one, of("name", &first, "")).await,
        *third
    );
    assert_eq!(client.token("name", "Ada Lovelace").await, *third);
    // Each opens until its own end.
    office.vault.clock.advance_seconds(GRACE - HOUR);
    assert!(is_gone(&client, "name", &first, "").await);
    assert_eq!(client.value("name", &second).await.unwrap(), "Ada Lovelace");
    office.vault.clock.advance_seconds(HOUR);
    assert!(is_gone(&client, "name", &second, "").await);
    assert_eq!(client.value("name", third).await.unwrap(), "Ada Lovelace");
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_hands_out_a_token_that_was_replaced() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let again = || TokenizeRequest {
        namespace: "shop".to_owned(),
        request_id: "r-1".to_owned(),
        items: vec![item("nickname", "Ada"), item_of("name", "Ada Li", "cus_1")],
        ..TokenizeRequest::default()
    };
    let tokens = async || {
        let results = client.tokenize_request(again()).await.unwrap();
        let token = |result| token_of(result).unwrap().token;
        results.into_iter().map(token).collect::<Vec<_>>()
    };
    let old = tokens().await;
    let operation = allow(&office, 9, 20 * HOUR).await;
    let items = vec![of("nickname", &old[0], ""), of("name", &old[1], "")];
    let new = replace(&office.vault, &operation, items).await;
    let new: Vec<String> = new.into_iter().map(|(token, _, _)| token).collect();
    // The request of before is answered with the tokens of now, also when the old ones have ended.
    assert_eq!(tokens().await, new);
    office.vault.clock.advance_seconds(GRACE);
    assert_eq!(tokens().await, new);
    // To import the old token for its value again is refused, as for any other value.
    let pairs = vec![
        import_of("nickname", "Ada", &old[0], ""),
        import_of("name", "Ada Li", &old[1], ""),
        import_of("nickname", "Ada", &new[0], ""),
    ];
    let imported = client.import(pairs).await.unwrap().into_iter();
    let imported: Vec<bool> = imported.map(|it| imported_of(it).is_ok()).collect();
    assert_eq!(imported, [false, false, true]);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_item_fails_nobody_else() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let own = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    let other = office.vault.client("other").await;
    let foreign = TokenizeRequest {
        namespace: "other".to_owned(),
        items: vec![item("name", "Grace Hopper")],
        ..TokenizeRequest::default()
    };
    let foreign = other.tokenize_request(foreign).await.unwrap().remove(0);
    let foreign = token_of(foreign).unwrap().token;
    let operation = allow(&office, 9, HOUR).await;
    let items = vec![
        of("name", "Xyz Abcdefgh", ""),
        of("name", &foreign, ""),
        of("name", &own, "cus_2"),
        of("Not A Field", &own, ""),
        of("address_of", "Kfo 12", ""),
        of("name", &own, "cus_1"),
        of("name", &own, ""),
    ];
    let answers = try_replace(&office.vault, &operation, items).await.unwrap();
    let denied = Code::PermissionDenied as i32;
    let invalid = Code::InvalidArgument as i32;
    let codes = answers.iter().map(|it| it.as_ref().err().map(|it| it.code));
    assert_eq!(
        codes.collect::<Vec<_>>(),
        [
            Some(denied),
            Some(denied),
            Some(denied),
            Some(invalid),
            Some(invalid),
            None,
            None
        ]
    );
    let token = |index: usize| answers[index].as_ref().unwrap().value.clone().unwrap();
    assert_eq!(token(5).token, token(6).token);
    assert!(token(5).created && !token(6).created);
    assert!(progress(&office, &operation).await.1 == 1);
    office.vault.check().await;
}
