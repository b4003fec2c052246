//! Inspect: what is known of a token, and never its value.

use counterfoil::protocol::Fidelity;
use counterfoil::protocol::Recognition;
use counterfoil::protocol::TokenDescription;
use tonic::Code;

use crate::support::TestVault;
use crate::support::item_of;

/// Nothing is said of it but what its form alone says.
fn assert_unknown(described: &TokenDescription) {
    let nothing = TokenDescription {
        recognition: described.recognition,
        ..TokenDescription::default()
    };
    assert!(*described == nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn form_alone_says_whether_a_text_may_be_a_token() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let email = client.token("email", "ada@shop.example").await;
    for (field, text, recognition) in [
        ("email", email.as_str(), Recognition::Token),
        ("email", "ada@shop.example", Recognition::NotToken),
        ("name", "Ada Lovelace", Recognition::Unsure),
        ("name", "Li", Recognition::NotToken),
        ("", email.as_str(), Recognition::Token),
    ] {
        let described = client.inspect(field, text, "").await.unwrap();
        assert!(described.recognition() == recognition, "{field} {text}");
    }
    vault.check().await;
}

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
    assert_unknown(&client.inspect("", &address, "").await.unwrap());
    assert_unknown(&client.inspect("", &address, "cus_2").await.unwrap());
    assert_eq!(
        client.inspect("", &address, "cus_1").await.unwrap().field,
        "address_of"
    );
    assert_unknown(&client.inspect("alias", &name, "").await.unwrap());
    let long = "x".repeat(100_000);
    assert_unknown(&client.inspect("name", &long, "").await.unwrap());
    assert_unknown(&client.inspect("", "", "").await.unwrap());
    let error = client
        .inspect("address_of", &address, "")
        .await
        .err()
        .unwrap();
    assert_eq!(error.code, i32::from(Code::InvalidArgument));
    // The agent sees its own fields only.
    let agent = vault.client("agent").await;
    assert!(agent.inspect("", &name, "").await.unwrap().known);
    assert_unknown(&agent.inspect("", &visitor, "").await.unwrap());
    let error = agent.inspect("visitor", &visitor, "").await.err().unwrap();
    assert_eq!(error.code, i32::from(Code::PermissionDenied));
    vault.check().await;
}
