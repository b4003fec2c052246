//! What officers allow is what is done: no token more, no second longer, and once.

use std::collections::BTreeSet;

use counterfoil::ceremony::Operation;
use counterfoil::ceremony::Retokenization;
use counterfoil::domain::Clock;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::Namespace;
use counterfoil::protocol;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::RetokenizeItem;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::Status;
use tonic_types::StatusExt;

use crate::erase::erase;
use crate::erase::token_for;
use crate::fingerprints;
use crate::fingerprints::BOTH;
use crate::office::Office;
use crate::office::revealed;
use crate::office::tokens;
use crate::office::wrapping;
use crate::retokenize::HOUR;
use crate::retokenize::allow;
use crate::retokenize::allowed;
use crate::retokenize::is_gone;
use crate::retokenize::keeper;
use crate::retokenize::of;
use crate::retokenize::office;
use crate::retokenize::progress;
use crate::retokenize::replace;
use crate::retokenize::replaced;
use crate::retokenize::request;
use crate::retokenize::send;
use crate::retokenize::try_replace;
use crate::support::Side;
use crate::support::item_of;
use crate::support::token_of;

fn emails(pairs: &[(String, String)]) -> Vec<RetokenizeItem> {
    let item = |(_, token): &(String, String)| of("email", token, "");
    pairs.iter().map(item).collect()
}

/// Why a call was refused as a whole.
fn reason(status: &Status) -> (Code, String) {
    let info = status.get_details_error_info();
    (status.code(), info.map_or_else(String::new, |it| it.reason))
}

async fn refused(office: &Office, operation: &str, items: Vec<RetokenizeItem>) -> (Code, String) {
    let answer = try_replace(&office.vault, operation, items).await;
    reason(&answer.err().unwrap())
}

fn missing() -> (Code, String) {
    (Code::PermissionDenied, "ALLOWANCE_REQUIRED".to_owned())
}

fn spent() -> (Code, String) {
    (Code::PermissionDenied, "ALLOWANCE_SPENT".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replaced_that_officers_do_not_allow() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..6).await;
    let nobodys = format!("c-{}", "0".repeat(32));
    assert_eq!(refused(&office, &nobodys, emails(&pairs)).await, missing());
    // One officer alone allows nothing.
    office.vault.clock.advance_seconds(1);
    let proposed = office.propose(1, allowed(&office, 9, HOUR)).await.unwrap();
    let id = &proposed.operation_id;
    assert_eq!(refused(&office, id, emails(&pairs)).await, missing());
    // Nor does an operation of another kind, or for another tenant.
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    assert_eq!(
        refused(&office, &rotated.operation_id, emails(&pairs)).await,
        missing()
    );
    let of_other = Operation::Retokenize(Retokenization {
        namespace: Namespace::new("other").unwrap(),
        tokens_max: 9,
        until: office.vault.clock.now().plus_seconds(HOUR),
    });
    let of_other = office.propose(1, of_other).await.unwrap();
    let of_other = office.approve(2, &of_other).await.unwrap();
    assert_eq!(
        refused(&office, &of_other.operation_id, emails(&pairs)).await,
        missing()
    );

    // Fewer tokens than a message has: nothing of the message is done.
    let four = allow(&office, 4, HOUR).await;
    assert_eq!(refused(&office, &four, emails(&pairs)).await, spent());
    for (value, token) in &pairs {
        assert_eq!(client.token("email", value).await, *token);
    }
    let first = replace(&office.vault, &four, emails(&pairs[..3])).await;
    assert_eq!(refused(&office, &four, emails(&pairs)).await, spent());
    replace(&office.vault, &four, emails(&pairs[3..4])).await;
    // All are used. Who asks again is answered, who asks for more is not.
    let again = replace(&office.vault, &four, emails(&pairs[..3])).await;
    assert!(
        again
            .iter()
            .zip(&first)
            .all(|(one, other)| one.0 == other.0)
    );
    assert_eq!(refused(&office, &four, emails(&pairs[4..5])).await, spent());
    assert!(progress(&office, &four).await == (OperationState::Running, 4));

    // Nobody else may use it.
    for name in ["agent", "approver", "writer", "other", "stranger"] {
        let credential = office.vault.identities().credential(name);
        let channel = office
            .vault
            .connect(Side::Reveal, credential)
            .await
            .unwrap();
        let service = protocol::key_service_client::KeyServiceClient::new(channel);
        let denied = send(&service, vec![request(&four, emails(&pairs[..1]))]).await;
        assert_eq!(
            reason(&denied.err().unwrap()),
            (Code::PermissionDenied, String::new())
        );
    }
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn allowance_ends_by_time_or_when_two_officers_cancel_it() {
    let mut office = office("").await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..4).await;
    let timed = allow(&office, 9, HOUR).await;
    replace(&office.vault, &timed, emails(&pairs[..1])).await;
    office.vault.clock.advance_seconds(HOUR - 1);
    replace(&office.vault, &timed, emails(&pairs[1..2])).await;
    office.vault.clock.advance_seconds(1);
    assert_eq!(
        refused(&office, &timed, emails(&pairs[2..])).await,
        missing()
    );
    let ended = protocol::Operation {
        operation_id: timed.clone(),
        ..protocol::Operation::default()
    };
    office.until(&ended, OperationState::Done).await;
    assert!(progress(&office, &timed).await == (OperationState::Done, 2));

    let cancelled = allow(&office, 9, HOUR).await;
    let running = protocol::Operation {
        operation_id: cancelled.clone(),
        ..protocol::Operation::default()
    };
    replace(&office.vault, &cancelled, emails(&pairs[2..3])).await;
    // It outlasts a restart, with what is used of it.
    office.vault.restart().await;
    office.keys = Office::connect(&office.vault).await;
    assert!(progress(&office, &cancelled).await == (OperationState::Running, 1));
    let one = office.cancel(3, &running).await.unwrap();
    assert!(
        one.state() == OperationState::Running,
        "one officer stops nothing"
    );
    replace(&office.vault, &cancelled, emails(&pairs[2..3])).await;
    let two = office.cancel(1, &running).await.unwrap();
    assert!(two.state() == OperationState::Cancelled);
    assert_eq!(
        refused(&office, &cancelled, emails(&pairs[3..])).await,
        missing()
    );
    assert_eq!(
        refused(&office, &cancelled, emails(&pairs[2..3])).await,
        missing()
    );
    // What is under way by itself is still not stopped half way.
    let rotated = office.rotate(1).await;
    let kept = office.cancel(1, &rotated).await;
    assert!(kept.is_err() || rotated.state() == OperationState::Done);
    // Never longer than 90 days, never in the past, never where there is nothing.
    for (seconds, tokens_max) in [(0, 9), (91 * 24 * HOUR, 9)] {
        let wish = allowed(&office, tokens_max, seconds);
        let status = office.propose(1, wish).await.err().unwrap();
        assert_eq!(status.code(), Code::FailedPrecondition, "{seconds}");
    }
    let nowhere = Operation::Retokenize(Retokenization {
        namespace: Namespace::new("nowhere").unwrap(),
        tokens_max: 1,
        until: office.vault.clock.now().plus_seconds(HOUR),
    });
    let status = office.propose(1, nowhere).await.err().unwrap();
    assert_eq!(status.code(), Code::FailedPrecondition);
    office.vault.check().await;
}

/// Goal: what two callers bring is replaced once. Method: eight callers send the same tokens in
/// different orders and batches, while others tokenize the values, look them up and join them.
#[tokio::test(flavor = "multi_thread")]
async fn racing_callers_get_one_successor_of_each_token() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..48).await;
    let operation = allow(&office, 48, HOUR).await;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..8_usize {
        let (mut items, operation) = (emails(&pairs), operation.clone());
        let service = keeper(&office.vault).await;
        callers.spawn(async move {
            let length = items.len();
            items.rotate_left(caller * 7 % length);
            let batches = items
                .chunks(5 + caller)
                .map(|it| request(&operation, it.to_vec()));
            let answers = send(&service, batches.collect()).await.unwrap();
            let tokens = answers.into_iter().flatten();
            let mut tokens: Vec<_> = tokens.map(|it| it.unwrap().value.unwrap()).collect();
            tokens.rotate_right(caller * 7 % length);
            tokens
        });
    }
    let mut joiners = tokio::task::JoinSet::new();
    for joiner in 0..2_usize {
        let (client, pairs) = (client.clone(), pairs.clone());
        joiners.spawn(async move {
            let mut handed_out = Vec::new();
            for (number, (value, _)) in pairs.iter().enumerate() {
                let subject = format!("friend_{joiner}");
                let token = token_for(&client, "email", value, &subject).await;
                handed_out.push((number, token, subject));
            }
            handed_out
        });
    }
    let answers = callers.join_all().await;
    let created = answers.iter().flatten().filter(|it| it.created).count();
    assert_eq!(created, pairs.len());
    assert!(progress(&office, &operation).await.1 == 48);
    let distinct: BTreeSet<&String> = answers.iter().flatten().map(|it| &it.token).collect();
    assert_eq!(distinct.len(), pairs.len());
    for (number, (value, old)) in pairs.iter().enumerate() {
        let new = &answers[0][number].token;
        assert!(answers.iter().all(|tokens| tokens[number].token == *new));
        assert_eq!(client.token("email", value).await, *new);
        for token in [old, new] {
            assert_eq!(revealed(&client, token).await, *value);
        }
    }
    // Whoever joined has the new token, whichever they were given.
    for (number, token, subject) in joiners.join_all().await.into_iter().flatten() {
        let (value, new) = (&pairs[number].0, &answers[0][number].token);
        assert!(token == pairs[number].1 || token == *new);
        let opened = client.value_of("email", new, &subject).await;
        assert_eq!(opened.unwrap(), *value, "{subject}");
    }
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_takes_both_tokens_and_others_keep_both() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let own = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    let shared = token_for(&client, "email", "ada@mail.example", "cus_1").await;
    token_for(&client, "email", "ada@mail.example", "cus_2").await;
    let operation = allow(&office, 9, HOUR).await;
    let items = vec![of("name", &own, ""), of("email", &shared, "cus_2")];
    let new = replace(&office.vault, &operation, items).await;
    let erased = erase(&client, "cus_1", false).await;
    assert_eq!((erased.erased_count, erased.kept_count), (2, 2));
    for token in [&own, &new[0].0] {
        assert!(is_gone(&client, "name", token, "").await);
    }
    let gone = try_replace(&office.vault, &operation, vec![of("name", &own, "")]).await;
    assert_eq!(
        gone.unwrap().remove(0).err().unwrap().code,
        Code::PermissionDenied as i32
    );
    for token in [&shared, &new[1].0] {
        let opened = client.value_of("email", token, "cus_2").await;
        assert_eq!(opened.unwrap(), "ada@mail.example");
    }
    // A record that was disowned is replaced like every other, with who still has it.
    let later = allow(&office, 9, HOUR).await;
    let third = replaced(&office.vault, &later, of("email", &shared, "")).await;
    let opened = client.value_of("email", &third, "cus_2").await;
    assert_eq!(opened.unwrap(), "ada@mail.example");
    let erased = erase(&client, "cus_2", false).await;
    assert_eq!((erased.erased_count, erased.kept_count), (3, 0));
    for token in [&shared, &new[1].0, &third] {
        assert!(is_gone(&client, "email", token, "cus_2").await);
    }
    // An equal value is a new one.
    let fresh = client.token("email", "ada@mail.example").await;
    assert!(![&shared, &new[1].0, &third].contains(&&fresh));
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_and_new_tokens_outlast_every_rotation() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..4).await;
    let imported = crate::support::import_of("email", "ada@old.example", "tok_0001", "cus_9");
    client.import(vec![imported]).await.unwrap();
    let mut all = pairs.clone();
    all.push(("ada@old.example".to_owned(), "tok_0001".to_owned()));
    // The value's row is under an older key when it is taken over.
    fingerprints::rotate(&office, KeyPurpose::ValueFingerprint, 1).await;
    let operation = allow(&office, 9, 99 * HOUR).await;
    let new = replace(&office.vault, &operation, emails(&all)).await;
    let new = all
        .iter()
        .zip(&new)
        .map(|(old, new)| (old.0.clone(), new.0.clone()));
    let new: Vec<(String, String)> = new.collect();
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    assert!(office.records().contains_key(&2) && office.records().len() == 1);
    for (purpose, version) in BOTH.into_iter().zip([1, 2]) {
        fingerprints::rotate(&office, purpose, version).await;
    }
    let items = |pairs: &[(String, String)]| {
        let item = |(_, token): &(String, String)| fingerprints::of("email", token, "");
        pairs.iter().map(item).collect::<Vec<_>>()
    };
    let destroyed = office
        .propose(1, Operation::DestroyKey(wrapping(1)))
        .await
        .unwrap();
    office.approve(2, &destroyed).await.unwrap();
    office.vault.clock.advance_seconds(60);
    office.until(&destroyed, OperationState::Done).await;
    for pairs in [&all, &new] {
        // Some are found where they were, some have moved.
        fingerprints::reindex(&office.vault, items(&pairs[..3])).await;
    }
    let again = replace(&office.vault, &operation, emails(&all)).await;
    assert!(
        again
            .iter()
            .zip(&new)
            .all(|(again, new)| again.0 == new.1 && !again.1)
    );
    for (value, token) in all.iter().chain(&new) {
        assert_eq!(revealed(&client, token).await, *value);
    }
    for (value, token) in &new {
        assert_eq!(client.token("email", value).await, *token);
    }
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_reveals_stops_it_too() {
    let budget = "[[budget]]\nholder = \"principal\"\nsubjects_per_hour = 3\n";
    let office = office(budget).await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..8).await;
    let operation = allow(&office, 9, HOUR).await;
    replace(&office.vault, &operation, emails(&pairs[..2])).await;
    let (code, _) = refused(&office, &operation, emails(&pairs[2..4])).await;
    assert_eq!(code, Code::ResourceExhausted, "its customers are counted");
    replace(&office.vault, &operation, emails(&pairs[..3])).await;

    // A stream ends at once when the namespace is frozen, and no other begins.
    let (sender, receiver) = mpsc::channel(4);
    let service = keeper(&office.vault).await;
    let stream = service
        .clone()
        .retokenize(ReceiverStream::new(receiver))
        .await;
    let mut stream = stream.unwrap().into_inner();
    let message = request(&operation, emails(&pairs[..1]));
    sender.send(message).await.unwrap();
    assert!(stream.message().await.unwrap().is_some());
    let credential = office.vault.identities().credential("approver");
    let channel = office
        .vault
        .connect(Side::Reveal, credential)
        .await
        .unwrap();
    let frozen = FreezeRequest {
        target: "namespace:shop".to_owned(),
        acting_principal: String::new(),
    };
    PrincipalServiceClient::new(channel)
        .freeze(frozen)
        .await
        .unwrap();
    let ended = stream.message().await.err().expect("the stream ends");
    assert_eq!(ended.code(), Code::PermissionDenied);
    let denied = refused(&office, &operation, emails(&pairs[..1])).await;
    assert_eq!(denied, (Code::PermissionDenied, String::new()));
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decoy_gets_another_token_and_stays_one() {
    let office = office("").await;
    let client = office.vault.backend().await;
    let decoys = TokenizeRequest {
        namespace: "shop".to_owned(),
        items: vec![item_of("email", "ada@mail.example", "cus_decoy")],
        decoys: true,
        ..TokenizeRequest::default()
    };
    let made = client.tokenize_request(decoys).await.unwrap().remove(0);
    let decoy = token_of(made).unwrap().token;
    let real = token_for(&client, "email", "ada@mail.example", "cus_1").await;
    let operation = allow(&office, 9, HOUR).await;
    let items = vec![of("email", &decoy, ""), of("email", &real, "")];
    let new = replace(&office.vault, &operation, items).await;
    assert!(new[0].0 != new[1].0 && new[0].1 && new[1].1);
    // No value leads to it, as none did to the old one.
    assert_eq!(client.token("email", "ada@mail.example").await, new[1].0);
    assert_eq!(revealed(&client, &new[1].0).await, "ada@mail.example");
    let items = vec![crate::support::reveal("email", &new[0].0)];
    let touched = client
        .detokenize(crate::support::detokenize_items(items))
        .await;
    assert_eq!(touched.err().unwrap().code(), Code::PermissionDenied);
    let frozen = client.detokenize(crate::support::detokenize_items(vec![
        crate::support::reveal("email", &new[1].0),
    ]));
    assert_eq!(frozen.await.err().unwrap().code(), Code::PermissionDenied);
    office.vault.check().await;
}
