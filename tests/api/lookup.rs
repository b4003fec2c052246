//! Lookup: finds what is there, and makes nothing.

use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::lookup_result;
use tonic::Code;

use crate::support::TestVault;
use crate::support::item_of;

#[tokio::test(flavor = "multi_thread")]
async fn lookup_finds_known_values_and_makes_nothing() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let missing = client.lookup("name", "Ada Lovelace").await.err().unwrap();
    assert_eq!(missing.code, i32::from(Code::NotFound));
    let first = client
        .tokenized(item_of("name", "Ada Lovelace", "cus_1"))
        .await;
    assert!(first.created, "looking up made nothing");
    let found = client.lookup("name", " Ada  Lovelace").await.ok().unwrap();
    assert!(found.token == first.token && !found.created);
    assert!(client.lookup("name", "ADA LOVELACE").await.is_err());
    let email = client.token("email", "Ada@Example.com").await;
    let found = client
        .lookup("email", "ada@example.COM")
        .await
        .ok()
        .unwrap();
    assert_eq!(found.token, email);
    // Values that are kept apart are not found.
    client.token("nickname", "Ada Lovelace").await;
    assert!(client.lookup("nickname", "Ada Lovelace").await.is_err());
    // A token is not a value.
    assert!(client.lookup("name", &first.token).await.is_err());
    let token = client
        .tokenized(item_of("address_of", "1 Some Street", "cus_1"))
        .await
        .token;
    let of = |subject: &str| LookupItem {
        field: "address_of".to_owned(),
        value: "1 Some Street".to_owned(),
        subject: subject.to_owned(),
        ..LookupItem::default()
    };
    let items = vec![of("cus_1"), of("cus_2"), of("")];
    let results = client.lookup_items(items).await.unwrap();
    let mut codes = Vec::new();
    for result in results {
        match result.result.unwrap() {
            lookup_result::Result::Token(found) => assert_eq!(found.token, token),
            lookup_result::Result::Error(status) => codes.push(Code::from(status.code)),
        }
    }
    assert_eq!(codes, [Code::NotFound, Code::InvalidArgument]);
    // Who searched for whom is in the log.
    let entries = vault.entries();
    let last = entries
        .iter()
        .rfind(|it| it.draft.event == Event::Lookup)
        .unwrap();
    assert_eq!(
        last.draft.items[1].subject.as_ref().unwrap().as_str(),
        "cus_2"
    );
    assert_eq!(last.draft.items[0].outcome, ItemOutcome::Found);
    assert!(last.draft.items[0].token.is_some());
    assert_eq!(last.draft.items[1].outcome, ItemOutcome::NotFound);
    vault.check().await;
}
