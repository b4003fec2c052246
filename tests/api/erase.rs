//! Erasing customers: what goes, and what stays for others.

use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::protocol::DescribeSubjectRequest;
use counterfoil::protocol::EraseSubjectRequest;
use counterfoil::protocol::EraseSubjectResponse;
use counterfoil::protocol::SubjectField;
use counterfoil::protocol::TokenizeItem;
use counterfoil::protocol::TokenizeRequest;
use tonic::Code;
use tonic::Status;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item;
use crate::support::item_of;
use crate::support::reveal_of;
use crate::support::token_of;
use crate::support::value_of;

const LINES: &str = r#"
[[permit]]
principals = ["spiffe://shop.example/backend"]
actions = ["describe_subject", "erase_subject"]
namespace = "shop"
"#;

pub(crate) async fn start() -> TestVault {
    TestVault::start_with(LINES).await
}

pub(crate) async fn erase(client: &Client, subject: &str, dry_run: bool) -> EraseSubjectResponse {
    try_erase(client, "shop", subject, dry_run).await.unwrap()
}

async fn try_erase(
    client: &Client,
    namespace: &str,
    subject: &str,
    dry_run: bool,
) -> Result<EraseSubjectResponse, Status> {
    let request = EraseSubjectRequest {
        namespace: namespace.to_owned(),
        subject: subject.to_owned(),
        dry_run,
        ..EraseSubjectRequest::default()
    };
    let answer = client.subjects.clone().erase_subject(request).await?;
    Ok(answer.into_inner())
}

async fn describe(client: &Client, subject: &str) -> Vec<(String, u64, u64, u64)> {
    let request = DescribeSubjectRequest {
        namespace: "shop".to_owned(),
        subject: subject.to_owned(),
        ..DescribeSubjectRequest::default()
    };
    let answer = client.subjects.clone().describe_subject(request).await;
    let answer = answer.unwrap().into_inner();
    assert!(answer.is_complete);
    let counts = |it: SubjectField| {
        (
            it.field,
            it.records_count,
            it.shared_count,
            it.expired_count,
        )
    };
    answer.fields.into_iter().map(counts).collect()
}

fn counts(answer: &EraseSubjectResponse) -> (u64, u64, bool) {
    (answer.erased_count, answer.kept_count, answer.is_complete)
}

fn request(id: &str, items: Vec<TokenizeItem>) -> TokenizeRequest {
    TokenizeRequest {
        namespace: "shop".to_owned(),
        request_id: id.to_owned(),
        items,
        ..TokenizeRequest::default()
    }
}

pub(crate) async fn token_for(client: &Client, field: &str, value: &str, subject: &str) -> String {
    client.tokenized(item_of(field, value, subject)).await.token
}

fn is_unknown(answer: Result<String, tonic_types::pb::Status>) -> bool {
    answer.is_err_and(|status| status.code == Code::PermissionDenied as i32)
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_customer_is_gone_and_others_keep_what_they_share() {
    let vault = start().await;
    let client = vault.backend().await;
    let own = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    let apart = token_for(&client, "nickname", "Ada", "cus_1").await;
    let bound = token_for(&client, "address_of", "12 Main Street", "cus_1").await;
    let first = token_for(&client, "email", "ada@mail.example", "cus_1").await;
    assert_eq!(
        token_for(&client, "email", "ada@mail.example", "cus_2").await,
        first
    );
    let joined = token_for(&client, "name", "Grace Hopper", "cus_2").await;
    assert_eq!(
        token_for(&client, "name", "Grace Hopper", "cus_1").await,
        joined
    );
    let nobodys = client.token("name", "Alan Turing").await;
    assert_eq!(
        token_for(&client, "name", "Alan Turing", "cus_1").await,
        nobodys
    );
    let expired = token_for(&client, "visitor", "Ada Byron", "cus_1").await;
    vault.clock.advance_seconds(61);

    assert_eq!(
        describe(&client, "cus_1").await,
        [
            ("address_of".to_owned(), 1, 0, 0),
            ("email".to_owned(), 1, 1, 0),
            ("name".to_owned(), 3, 1, 0),
            ("nickname".to_owned(), 1, 0, 0),
            ("visitor".to_owned(), 1, 0, 1),
        ]
    );
    let rehearsed = erase(&client, "cus_1", true).await;
    assert_eq!(counts(&rehearsed), (5, 2, true));
    assert!(
        client.value("name", &own).await.is_ok(),
        "nothing was erased yet"
    );
    let erased = erase(&client, "cus_1", false).await;
    assert_eq!(counts(&erased), (5, 2, true));

    for (field, token, subject) in [
        ("name", &own, ""),
        ("nickname", &apart, "cus_1"),
        ("address_of", &bound, "cus_1"),
        ("name", &nobodys, ""),
        ("visitor", &expired, ""),
        ("email", &first, "cus_1"),
        ("name", &joined, "cus_1"),
    ] {
        assert!(
            is_unknown(client.value_of(field, token, subject).await),
            "{field}"
        );
    }
    // The other customer notices nothing, whoever the record was made for.
    for (field, token, value) in [
        ("email", &first, "ada@mail.example"),
        ("name", &joined, "Grace Hopper"),
    ] {
        assert_eq!(client.value_of(field, token, "cus_2").await.unwrap(), value);
        assert_eq!(client.value(field, token).await.unwrap(), value);
        assert_eq!(client.token(field, value).await, *token);
    }
    assert_eq!(describe(&client, "cus_1").await, []);
    let status = client.lookup("name", "Ada Lovelace").await.err().unwrap();
    assert_eq!(status.code, Code::NotFound as i32);
    assert_ne!(client.token("name", "Ada Lovelace").await, own);
    // Nothing is left to be done, and it is no error to ask.
    assert_eq!(counts(&erase(&client, "cus_1", false).await), (0, 0, true));
    // With the last who has it, a value goes.
    assert_eq!(counts(&erase(&client, "cus_2", false).await), (2, 0, true));
    assert!(is_unknown(client.value("email", &first).await));
    assert!(is_unknown(client.value("name", &joined).await));
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::SubjectErased], 3);
    assert_eq!(report.counts[&Event::SubjectDescribed], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_names_the_customer_and_what_became_of_each_record() {
    let vault = start().await;
    let client = vault.backend().await;
    token_for(&client, "email", "ada@mail.example", "cus_1").await;
    token_for(&client, "email", "ada@mail.example", "cus_2").await;
    token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    let erased = erase(&client, "cus_1", false).await;
    let entries = vault.entries();
    let entry = &entries[usize::try_from(erased.leaf_index).unwrap()].draft;
    assert_eq!(entry.event, Event::SubjectErased);
    let mut items: Vec<_> = entry
        .items
        .iter()
        .map(|it| (it.field.as_ref().unwrap().as_str(), it.outcome))
        .collect();
    items.sort_unstable();
    let expected = [("email", ItemOutcome::Kept), ("name", ItemOutcome::Erased)];
    assert_eq!(items, expected);
    for item in &entry.items {
        assert_eq!(item.subject.as_ref().unwrap().as_str(), "cus_1");
        assert!(item.token.is_none() && item.key_version.is_some());
    }
    // Who has nothing is named too: somebody was asked to be erased.
    let nothing = erase(&client, "cus_9", false).await;
    let entries = vault.entries();
    let entry = &entries[usize::try_from(nothing.leaf_index).unwrap()].draft;
    assert_eq!(entry.items[0].outcome, ItemOutcome::NotFound);
    assert_eq!(entry.items[0].subject.as_ref().unwrap().as_str(), "cus_9");
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_of_before_does_not_bring_a_customer_back() {
    let vault = start().await;
    let client = vault.backend().await;
    let items = || {
        vec![
            item_of("name", "Ada Lovelace", "cus_1"),
            item_of("nickname", "Ada", "cus_1"),
            item_of("name", "Grace Hopper", "cus_2"),
            item("name", "Alan Turing"),
        ]
    };
    let first = client
        .tokenize_request(request("r-1", items()))
        .await
        .unwrap();
    let first: Vec<String> = first
        .into_iter()
        .map(|it| token_of(it).unwrap().token)
        .collect();
    erase(&client, "cus_1", false).await;
    vault.clock.advance_seconds(60);

    let again = client
        .tokenize_request(request("r-1", items()))
        .await
        .unwrap();
    let again: Vec<_> = again.into_iter().map(token_of).collect();
    for refused in &again[..2] {
        let status = refused.as_ref().err().unwrap();
        assert_eq!(status.code, Code::FailedPrecondition as i32);
    }
    assert_eq!(again[2].as_ref().ok().unwrap().token, first[2]);
    assert_eq!(again[3].as_ref().ok().unwrap().token, first[3]);
    assert_eq!(describe(&client, "cus_1").await, []);
    // Whoever means it says so: a request of its own.
    let anew = client
        .tokenize_request(request("r-2", items()))
        .await
        .unwrap();
    let anew: Vec<String> = anew
        .into_iter()
        .map(|it| token_of(it).unwrap().token)
        .collect();
    assert!(anew[0] != first[0] && anew[1] != first[1]);
    // And that can be repeated.
    let repeated = client
        .tokenize_request(request("r-2", items()))
        .await
        .unwrap();
    let repeated = repeated.into_iter().map(|it| token_of(it).unwrap().token);
    assert_eq!(repeated.collect::<Vec<_>>(), anew);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_token_is_never_given_again() {
    let vault = start().await;
    let client = vault.backend().await;
    let token = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    erase(&client, "cus_1", false).await;
    // Not by a draw, nor to who brings it along.
    for value in ["Ada Lovelace", "Max Müller"] {
        let results = client
            .import(vec![import_of("name", value, &token, "")])
            .await;
        let refused = imported_of(results.unwrap().remove(0)).err().unwrap();
        assert_eq!(refused.code, Code::AlreadyExists as i32);
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customer_with_many_records_is_erased_in_batches() {
    let vault = start().await;
    let client = vault.backend().await;
    for _ in 0..2 {
        let items = (0..600).map(|_| item_of("nickname", "Ada Lovelace", "cus_1"));
        client.tokenize(items.collect()).await.unwrap();
    }
    assert_eq!(
        describe(&client, "cus_1").await,
        [("nickname".to_owned(), 1_200, 0, 0)]
    );
    assert_eq!(
        counts(&erase(&client, "cus_1", true).await),
        (1_200, 0, true)
    );
    assert_eq!(
        counts(&erase(&client, "cus_1", false).await),
        (1_200, 0, true)
    );
    assert_eq!(vault.counts()[&Event::SubjectErased], 3);
    assert_eq!(describe(&client, "cus_1").await, []);
    vault.check().await;
}

/// Goal: a token that is given out after an erasing opens. Method: both at once, over and over; the
/// log says which of them came first.
#[tokio::test(flavor = "multi_thread")]
async fn token_that_is_given_after_an_erasing_opens() {
    let vault = start().await;
    let client = vault.backend().await;
    let (mut before_count, mut after_count) = (0, 0);
    for round in 0..40 {
        token_for(&client, "name", "Ada Lovelace", "cus_1").await;
        let given = async {
            for _ in 0..round % 4 {
                tokio::task::yield_now().await;
            }
            token_for(&client, "name", "Ada Lovelace", "cus_2").await
        };
        let (erased, token) = tokio::join!(erase(&client, "cus_1", false), given);
        let opens = client.value_of("name", &token, "cus_2").await;
        assert_eq!(opens.unwrap(), "Ada Lovelace", "round {round}");
        // Who came first kept the value from being erased, or found that it was.
        match counts(&erased) {
            (1, 0, true) => after_count += 1,
            (0, 1, true) => before_count += 1,
            other => panic!("round {round}: {other:?}"),
        }
        assert_eq!(counts(&erase(&client, "cus_2", false).await), (1, 0, true));
    }
    assert!(before_count + after_count == 40);
    vault.check().await;
}

/// Goal: what the log has after an erasing reveals nothing of it. Method: both at once, over and
/// over; whoever saw the value has a receipt of before it.
#[tokio::test(flavor = "multi_thread")]
async fn reveal_that_is_recorded_after_an_erasing_opens_nothing() {
    let vault = start().await;
    let client = vault.backend().await;
    for round in 0..40 {
        let token = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
        let reveals = (0..4).map(|_| {
            let items = vec![reveal_of("name", &token, "cus_1")];
            let client = client.clone();
            tokio::spawn(async move { client.detokenize(detokenize_items(items)).await.unwrap() })
        });
        let reveals: Vec<_> = reveals.collect();
        for _ in 0..round % 4 {
            tokio::task::yield_now().await;
        }
        let erased = erase(&client, "cus_1", false).await;
        for reveal in reveals {
            let answer = reveal.await.unwrap();
            let leaf_index = answer.receipt.unwrap().leaf_index;
            let seen = value_of(answer.results.into_iter().next().unwrap());
            if leaf_index > erased.leaf_index {
                assert!(is_unknown(seen), "round {round}");
            }
        }
        assert!(is_unknown(client.value_of("name", &token, "cus_1").await));
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_erases_whom_no_policy_names() {
    let vault = start().await;
    let client = vault.backend().await;
    let token = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    for identity in ["other", "writer", "agent", "approver", "stranger"] {
        let stranger = vault.client(identity).await;
        for (namespace, dry_run) in [("shop", false), ("shop", true), ("nowhere", false)] {
            let refused = try_erase(&stranger, namespace, "cus_1", dry_run).await;
            let status = refused.err().unwrap();
            assert_eq!(status.code(), Code::PermissionDenied, "{identity}");
            assert_eq!(status.message(), "permission denied");
        }
    }
    let elsewhere = try_erase(&client, "other", "cus_1", false)
        .await
        .err()
        .unwrap();
    assert_eq!(elsewhere.code(), Code::PermissionDenied);
    let nameless = vault.client("nameless").await;
    let refused = try_erase(&nameless, "shop", "cus_1", false)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
    for wrong in ["", "Ada Lovelace", "a/b"] {
        let refused = try_erase(&client, "shop", wrong, false)
            .await
            .err()
            .unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(wrong.is_empty() || !refused.message().contains(wrong));
    }
    assert_eq!(client.value("name", &token).await.unwrap(), "Ada Lovelace");
    vault.check().await;
}
