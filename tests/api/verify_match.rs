//! VerifyMatch: whether a token stands for a value, under its field's equality.

use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::verify_match_result;
use tonic::Code;

use crate::support::TestVault;
use crate::support::item_of;

#[tokio::test(flavor = "multi_thread")]
async fn token_matches_its_value_and_no_other() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    for (field, value, equal, different) in [
        ("name", "Mary O'Neill", "Mary  O’Neill", "Mary O'Neil"),
        ("name", "Li", "Li", "Lo"),
        ("name", "Li", "Li", "Somebody With A Shape"),
        ("name", "Somebody Else", "Somebody Else", "Li"),
        (
            "email",
            "John.Doe@Example.com",
            "john.doe@example.COM",
            "johndoe@example.com",
        ),
        ("nickname", "Ada Lovelace", "Ada Lovelace", "Ada Lovelacf"),
        ("alias", "Ada Lovelace", "Ada Lovelace", "Ada"),
        ("contact", "no address", "no address", "a@example.com"),
    ] {
        let token = client.token(field, value).await;
        for spelling in [token.clone(), token.to_uppercase(), format!(" {token}")] {
            assert!(
                client.verify_match(field, &spelling, equal).await.unwrap(),
                "{value}"
            );
            assert!(
                !client
                    .verify_match(field, &spelling, different)
                    .await
                    .unwrap(),
                "{value}"
            );
        }
        let error = client
            .verify_match(field, "Nobody Atall", equal)
            .await
            .unwrap_err();
        assert_eq!(error.code, i32::from(Code::PermissionDenied));
        let error = client.verify_match(field, &token, "").await.unwrap_err();
        assert_eq!(error.code, i32::from(Code::InvalidArgument));
    }
    let token = client
        .tokenized(item_of("address_of", "1 Some Street", "cus_1"))
        .await
        .token;
    let of = |subject: &str| VerifyMatchItem {
        field: "address_of".to_owned(),
        token: token.clone(),
        value: "1 Some Street".to_owned(),
        subject: subject.to_owned(),
        ..VerifyMatchItem::default()
    };
    let items = vec![of("cus_1"), of("cus_2"), of("")];
    let results = client.verify_match_items(items).await.unwrap();
    let mut answers = results.into_iter().map(|it| match it.result.unwrap() {
        verify_match_result::Result::Equal(equal) => Ok(equal),
        verify_match_result::Result::Error(status) => Err(Code::from(status.code)),
    });
    assert_eq!(answers.next(), Some(Ok(true)));
    assert_eq!(answers.next(), Some(Err(Code::PermissionDenied)));
    assert_eq!(answers.next(), Some(Err(Code::InvalidArgument)));
    let entries = vault.entries();
    let count = |outcome| {
        let entries = entries
            .iter()
            .filter(|it| it.draft.event == Event::VerifyMatch);
        entries
            .filter(|it| it.draft.items[0].outcome == outcome)
            .count()
    };
    assert_eq!(count(ItemOutcome::Matched), 8 * 3 + 1);
    assert_eq!(count(ItemOutcome::Differed), 8 * 3);
    vault.check().await;
}

/// Goal: a holder claims few values for a token. Method: two wrong ones, then the right one, which
/// is not answered; a day later it is.
#[tokio::test(flavor = "multi_thread")]
async fn token_cannot_be_guessed_at() {
    let vault = TestVault::start_with("[alarms]\nclaims_per_token = 2\n").await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    for guess in ["Ada Byronovna", "Ada Kingsley"] {
        assert!(!client.verify_match("name", &token, guess).await.unwrap());
    }
    let right = || VerifyMatchItem {
        field: "name".to_owned(),
        token: token.clone(),
        value: "Ada Lovelace".to_owned(),
        ..VerifyMatchItem::default()
    };
    let refused = client.verify_match_items(vec![right()]).await;
    assert_eq!(refused.err().unwrap().code(), Code::ResourceExhausted);
    vault.clock.advance_seconds(24 * 60 * 60);
    assert!(
        client
            .verify_match("name", &token, "Ada Lovelace")
            .await
            .unwrap()
    );
    vault.check().await;
}
