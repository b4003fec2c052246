//! Whom a wrapping key protects: who is on the list, before, while and after a job moves records;
//! and who may read it.

use counterfoil::audit::Decision;
use counterfoil::audit::Event;
use counterfoil::ceremony::Operation;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::KeyVersion;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::ListProtectedRequest;
use counterfoil::protocol::ListProtectedResponse;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use tonic::Code;
use tonic::Status;
use tonic::transport::Channel;

use crate::damage::put;
use crate::damage::raw;
use crate::erase::erase;
use crate::office::Office;
use crate::office::tokens;
use crate::office::wrapping;
use crate::support::Side;
use crate::support::item;
use crate::support::item_of;

type Row = (String, String, u32);

async fn pages(
    keys: &KeyServiceClient<Channel>,
    namespace: &str,
    key_version: u32,
) -> Result<Vec<ListProtectedResponse>, Status> {
    pages_with(keys, namespace, key_version, false).await
}

async fn pages_with(
    keys: &KeyServiceClient<Channel>,
    namespace: &str,
    key_version: u32,
    with_moved: bool,
) -> Result<Vec<ListProtectedResponse>, Status> {
    let request = ListProtectedRequest {
        namespace: namespace.to_owned(),
        key_version,
        with_moved,
        ..ListProtectedRequest::default()
    };
    let mut stream = keys.clone().list_protected(request).await?.into_inner();
    let mut pages = Vec::new();
    while let Some(page) = stream.message().await? {
        pages.push(page);
    }
    Ok(pages)
}

async fn refusal(keys: &KeyServiceClient<Channel>, namespace: &str, version: u32) -> Status {
    pages(keys, namespace, version).await.err().unwrap()
}

/// The customers, their fields, and how many others share the record, in order.
async fn rows(office: &Office, key_version: u32) -> Vec<Row> {
    sorted(pages(&office.keys, "shop", key_version).await.unwrap())
}

/// The same of those whom it protected until it retired.
async fn rows_of_then(office: &Office, key_version: u32) -> Vec<Row> {
    let pages = pages_with(&office.keys, "shop", key_version, true).await;
    sorted(pages.unwrap())
}

fn sorted(pages: Vec<ListProtectedResponse>) -> Vec<Row> {
    let last = pages.last().unwrap();
    assert!(last.done_millionths == 1_000_000 && !last.has_moved);
    assert!(pages.iter().all(|page| page.records_damaged == 0));
    let records = pages.into_iter().flat_map(|page| page.records);
    let mut rows: Vec<Row> = records
        .map(|it| (it.subject, it.field, it.further_customers))
        .collect();
    rows.sort();
    rows
}

fn row(subject: &str, field: &str, further: u32) -> Row {
    (subject.to_owned(), field.to_owned(), further)
}

#[tokio::test(flavor = "multi_thread")]
async fn list_has_customers_with_their_fields_until_their_records_move() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    for (field, value, subject) in [
        ("name", "Ada Lovelace", "cus_1"),
        ("email", "ada@mail.example", "cus_1"),
        ("email", "ada@mail.example", "cus_2"),
        ("email", "ada@mail.example", "cus_3"),
        ("nickname", "Ada", "cus_2"),
        ("address_of", "12 Main Street", "cus_3"),
        ("name", "Grace Hopper", "cus_gone"),
    ] {
        client.tokenized(item_of(field, value, subject)).await;
    }
    client.tokenized(item("name", "Of Nobody")).await;
    erase(&client, "cus_gone", false).await;
    // Of another tenant, which has the same version of a key of its own.
    let other = office.vault.client("other").await;
    let request = TokenizeRequest {
        namespace: "other".to_owned(),
        items: vec![item_of("name", "Ada Lovelace", "cus_other")],
        ..TokenizeRequest::default()
    };
    other.tokenize_request(request).await.unwrap();

    let all = [
        row("", "name", 0),
        row("cus_1", "email", 2),
        row("cus_1", "name", 0),
        row("cus_2", "nickname", 0),
        row("cus_3", "address_of", 0),
    ];
    assert_eq!(rows(&office, 1).await, all);
    let of_other = pages(&office.keys, "other", 1).await.unwrap();
    let of_other: Vec<_> = of_other.into_iter().flat_map(|page| page.records).collect();
    assert_eq!(of_other.len(), 1);
    assert_eq!(of_other[0].subject, "cus_other");

    let compromised = office.propose(1, Operation::CompromiseKey(wrapping(1)));
    let compromised = compromised.await.unwrap();
    office.until(&compromised, OperationState::Done).await;
    assert_eq!(rows(&office, 1).await, []);
    assert_eq!(rows(&office, 2).await, all);
    // What is made after it retired is not what it protected.
    office.vault.clock.advance_seconds(61);
    client
        .tokenized(item_of("name", "Alan Turing", "cus_new"))
        .await;
    assert_eq!(rows_of_then(&office, 1).await, all);
    let mut new = [&all[..], &[row("cus_new", "name", 0)]].concat();
    new.sort();
    assert_eq!(rows_of_then(&office, 2).await, new);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_list_has_pages_and_what_a_job_has_left() {
    let office = Office::open_with(
        &[1, 2, 3],
        "rewrap_records_per_second = 500\n[officers.rules]\n",
    )
    .await;
    let client = office.vault.backend().await;
    let mut whole = Vec::new();
    for thousand in 0..2 {
        let numbers = thousand * 1_000..(thousand + 1) * 1_000;
        let item = |number: usize| {
            let value = format!("customer.number{number}@mail.example");
            item_of("email", &value, &format!("cus_{number}"))
        };
        let results = client.tokenize(numbers.clone().map(item).collect()).await;
        assert_eq!(results.unwrap().len(), 1_000);
        whole.extend(numbers.map(|number| row(&format!("cus_{number}"), "email", 0)));
    }
    whole.sort();
    assert_eq!(rows(&office, 1).await, whole);
    let read = pages(&office.keys, "shop", 1).await.unwrap();
    let looked_at: Vec<u32> = read.iter().map(|page| page.records_looked_at).collect();
    assert_eq!(looked_at, [1_000, 1_000, 0]);
    let shares: Vec<u32> = read.iter().map(|page| page.done_millionths).collect();
    assert!(shares.is_sorted() && shares[0] > 0 && shares[1] < 1_000_000);

    // The job moves half a thousand, and then waits: what is left is listed, or all has moved.
    let compromised = office.propose(1, Operation::CompromiseKey(wrapping(1)));
    compromised.await.unwrap();
    office.vault.wait_for(Event::RecordsRewrapped, 1).await;
    let (left, moved) = (rows(&office, 1).await, rows(&office, 2).await);
    let is_between_batches = left.len() % 500 == 0 && left.len() < 2_000;
    assert!(is_between_batches, "{}", left.len());
    assert_eq!(rows_of_then(&office, 1).await, whole);
    let mut both = [left, moved].concat();
    both.sort();
    both.dedup();
    assert_eq!(both, whole);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn list_is_recorded_with_its_key_and_refused_to_others() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    tokens(&client, 0..2).await;
    pages(&office.keys, "shop", 1).await.unwrap();
    let backend = office.vault.identities().credential("backend");
    let backend = office.vault.connect(Side::Reveal, backend).await.unwrap();
    let denied = refusal(&KeyServiceClient::new(backend), "shop", 1).await;
    assert_eq!(denied.code(), Code::PermissionDenied);
    let missing = refusal(&office.keys, "shop", 7).await;
    assert_eq!(missing.code(), Code::FailedPrecondition);
    let nowhere = refusal(&office.keys, "nowhere", 1).await;
    assert_eq!(nowhere.code(), Code::FailedPrecondition);
    let none = refusal(&office.keys, "shop", 0).await;
    assert_eq!(none.code(), Code::InvalidArgument);

    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let destroyed = office.propose(1, Operation::DestroyKey(wrapping(1)));
    let destroyed = destroyed.await.unwrap();
    office.approve(2, &destroyed).await.unwrap();
    office.vault.clock.advance_seconds(60);
    office.until(&destroyed, OperationState::Done).await;
    let gone = refusal(&office.keys, "shop", 1).await;
    assert_eq!(gone.code(), Code::FailedPrecondition);
    assert!(gone.message().contains("destroyed"), "{}", gone.message());

    let credential = office.vault.identities().credential("approver");
    let channel = office
        .vault
        .connect(Side::Reveal, credential)
        .await
        .unwrap();
    let request = FreezeRequest {
        target: "principal:spiffe://shop.example/approver".to_owned(),
        ..FreezeRequest::default()
    };
    let frozen = PrincipalServiceClient::new(channel).freeze(request).await;
    frozen.unwrap();
    let refused = refusal(&office.keys, "shop", 2).await;
    assert_eq!(refused.code(), Code::PermissionDenied);

    let of_lists: Vec<_> = office
        .vault
        .entries()
        .into_iter()
        .filter(|entry| entry.draft.event == Event::KeysRead && entry.draft.key.is_some())
        .map(|entry| {
            let draft = entry.draft;
            let namespace = draft.namespace.map(|it| it.to_string());
            (namespace, draft.key.unwrap(), draft.decision.unwrap())
        })
        .collect();
    let entry = |namespace: Option<&str>, version, decision| {
        let key = (KeyPurpose::Wrapping, KeyVersion::new(version).unwrap());
        (namespace.map(str::to_owned), key, decision)
    };
    let expected = [
        entry(Some("shop"), 1, Decision::Permit),
        entry(Some("shop"), 1, Decision::Deny),
        entry(Some("shop"), 7, Decision::Deny),
        entry(None, 1, Decision::Deny),
        entry(Some("shop"), 1, Decision::Deny),
        entry(Some("shop"), 2, Decision::Deny),
    ];
    assert_eq!(of_lists, expected);
    office.vault.check().await;
}

/// Two records in each other's places open in neither: the others are listed, and these counted.
#[tokio::test(flavor = "multi_thread")]
async fn records_that_do_not_open_are_counted() {
    let mut office = Office::open().await;
    let client = office.vault.backend().await;
    tokens(&client, 0..4).await;
    let before = rows(&office, 1).await;
    office.vault.stop().await;
    {
        let database = raw(&office.vault);
        let stored = crate::damage::rows(&database, "records");
        assert_eq!(stored.len(), 4);
        put(&database, "records", &stored[0].0, &stored[1].1);
        put(&database, "records", &stored[1].0, &stored[0].1);
    }
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    let page = pages(&office.keys, "shop", 1).await.unwrap().remove(0);
    assert_eq!((page.records.len(), page.records_damaged), (2, 2));
    for record in page.records {
        assert!(before.contains(&row(&record.subject, &record.field, 0)));
    }
    office.vault.check().await;
}
