//! Inspect: what is known of a token, and never its value.

use counterfoil::protocol::Fidelity;
use counterfoil::protocol::TokenDescription;
use tonic::Code;

use crate::support::TestVault;
use crate::support::item_of;

#[tokio::test(flavor = "multi_thread")]
async fn inspect_describes_live_tokens_and_nothing_else() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let name = client.token("name", "Ada Lovelace").await;
    let visitor = client.token("visitor", "Li").await;
    let address = client
        .tokenized(item_of("address_of", "1 Some Street", "cus_1"))
        .await
        .token;
    let described = client.inspect("name", &name, "").await.unwrap();
    assert!(described.known && described.field == "name" && described.expires.is_none());
    assert!(described.fidelity() == Fidelity::Shape);
    assert_eq!(described.created.unwrap().seconds, 1_800_000_000);
    // Without a field, every field is searched.
    let described = client.inspect("", &visitor, "").await.unwrap();
    assert!(described.known && described.field == "visitor");
    assert!(described.fidelity() == Fidelity::Outline);
    assert_eq!(described.expires.unwrap().seconds, 1_800_000_060);
    let unknown = TokenDescription::default();
    assert!(client.inspect("", &address, "").await.unwrap() == unknown);
    assert!(client.inspect("", &address, "cus_2").await.unwrap() == unknown);
    assert_eq!(
        client.inspect("", &address, "cus_1").await.unwrap().field,
        "address_of"
    );
    assert!(client.inspect("alias", &name, "").await.unwrap() == unknown);
    assert!(
        client
            .inspect("name", &"x".repeat(100_000), "")
            .await
            .unwrap()
            == unknown
    );
    assert!(client.inspect("", "", "").await.unwrap() == unknown);
    let error = client
        .inspect("address_of", &address, "")
        .await
        .err()
        .unwrap();
    assert_eq!(error.code, i32::from(Code::InvalidArgument));
    // The agent sees its own fields only.
    let agent = vault.client("agent").await;
    assert!(agent.inspect("", &name, "").await.unwrap().known);
    assert!(agent.inspect("", &visitor, "").await.unwrap() == unknown);
    let error = agent.inspect("visitor", &visitor, "").await.err().unwrap();
    assert_eq!(error.code, i32::from(Code::PermissionDenied));
    vault.check().await;
}
