//! Reindexing: every kind of record moves with its token, and nobody learns more than that.

use std::collections::BTreeMap;

use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use tonic::Code;

use crate::erase::erase;
use crate::erase::token_for;
use crate::fingerprints::BOTH;
use crate::fingerprints::CURRENT;
use crate::fingerprints::DAY;
use crate::fingerprints::LATER;
use crate::fingerprints::MOVED;
use crate::fingerprints::NOT_FOUND;
use crate::fingerprints::all_under;
use crate::fingerprints::destroy;
use crate::fingerprints::found;
use crate::fingerprints::of;
use crate::fingerprints::reindex;
use crate::fingerprints::rotate;
use crate::fingerprints::try_reindex;
use crate::office::Office;
use crate::office::revealed;
use crate::support::Side;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item;
use crate::support::item_of;
use crate::support::token_of;

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_record_moves_with_its_token() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let mut all = Vec::new();
    for (field, value, subject) in [
        ("name", "Ada Lovelace", "cus_1"),
        ("alias", "Ada Lovelace", "cus_1"),
        ("nickname", "Ada", "cus_1"),
        ("address_of", "12 Main Street", "cus_1"),
        ("contact", "no e-mail address at all", "cus_1"),
    ] {
        let token = token_for(&client, field, value, subject).await;
        all.push((field, value.to_owned(), token));
    }
    let pair = import_of("email", "ada@old.example", "tok_0001", "cus_1");
    let imported = client.import(vec![pair]).await.unwrap().remove(0);
    let token = imported_of(imported).unwrap().token;
    all.push(("email", "ada@old.example".to_owned(), token));
    let items = || {
        let item = |(field, _, token): &(&str, String, String)| of(field, token, "cus_1");
        all.iter().map(item).collect::<Vec<_>>()
    };
    office.vault.clock.advance_seconds(DAY);
    for purpose in BOTH {
        rotate(&office, purpose, 1).await;
        let outcomes = reindex(&office.vault, items()).await;
        assert_eq!(outcomes, vec![MOVED; 6], "{purpose:?}");
    }
    assert_eq!(found(&office.vault), all_under(2, 6, 5, 6));
    for (field, value, token) in &all {
        let opened = client.value_of(field, token, "cus_1").await;
        assert_eq!(opened.unwrap(), *value, "{field}");
        if *field != "nickname" {
            assert_eq!(token_for(&client, field, value, "cus_1").await, *token);
        }
    }
    // Two at once: rotated both, and moved as they are seen, the imported one too.
    for purpose in BOTH {
        rotate(&office, purpose, 2).await;
    }
    for (field, value, token) in all.iter().filter(|it| it.0 != "nickname") {
        assert_eq!(token_for(&client, field, value, "cus_1").await, *token);
        let opened = client.value_of(field, token, "cus_1").await;
        assert_eq!(opened.unwrap(), *value, "{field}");
    }
    assert_eq!(
        found(&office.vault).by_token,
        BTreeMap::from([(2, 1), (3, 5)])
    );
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_finds_what_older_keys_list() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let own = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    let apart = token_for(&client, "nickname", "Ada", "cus_1").await;
    let shared = token_for(&client, "email", "ada@mail.example", "cus_1").await;
    let joined = token_for(&client, "email", "ada@mail.example", "cus_2").await;
    assert_eq!(shared, joined);
    for purpose in BOTH {
        rotate(&office, purpose, 1).await;
    }
    // One of the records moves, with the link of a customer whom nobody names; one stays.
    let moved = reindex(&office.vault, vec![of("email", &shared, "")]).await;
    assert_eq!(moved, [MOVED]);
    assert_eq!(found(&office.vault).links, BTreeMap::from([(1, 3), (2, 1)]));
    let young = reindex(&office.vault, vec![of("nickname", &apart, "")]).await;
    assert_eq!(young, [LATER]);
    let erased = erase(&client, "cus_1", false).await;
    assert_eq!((erased.erased_count, erased.kept_count), (2, 1));
    for (field, token) in [("name", &own), ("nickname", &apart)] {
        let gone = client.value(field, token).await.unwrap_err();
        assert_eq!(gone.code, Code::PermissionDenied as i32);
    }
    assert_eq!(revealed(&client, &shared).await, "ada@mail.example");
    // Whoever joined is named, so the link moves too; erasing then takes the last.
    let named = reindex(&office.vault, vec![of("email", &shared, "cus_2")]).await;
    assert_eq!(named, [MOVED]);
    assert_eq!(found(&office.vault).links, BTreeMap::from([(2, 1)]));
    let again = reindex(&office.vault, vec![of("email", &shared, "cus_2")]).await;
    assert_eq!(again, [CURRENT]);
    let erased = erase(&client, "cus_2", false).await;
    assert_eq!((erased.erased_count, erased.kept_count), (1, 0));
    // A tombstone moves with its token, and nobody is told.
    assert_eq!(
        found(&office.vault).by_token,
        BTreeMap::from([(1, 2), (2, 1)])
    );
    let items = || vec![of("name", &own, ""), of("nickname", &apart, "")];
    let told = reindex(&office.vault, items()).await;
    assert_eq!(told, [NOT_FOUND; 2]);
    assert_eq!(found(&office.vault), all_under(2, 3, 0, 0));
    office.vault.clock.advance_seconds(DAY);
    for purpose in BOTH {
        assert_eq!(destroy(&office, purpose, 1).await, Ok(()));
    }
    office.vault.check().await;
}

/// Nobody has its value any more, which the seal of an imported token takes; its customer's link
/// must move all the same.
#[tokio::test(flavor = "multi_thread")]
async fn imported_token_that_has_ended_holds_no_key_back() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pair = import_of("visitor", "Ada Byron", "tok_0001", "cus_1");
    let imported = client.import(vec![pair]).await.unwrap().remove(0);
    imported_of(imported).unwrap();
    for purpose in BOTH {
        rotate(&office, purpose, 1).await;
    }
    office.vault.clock.advance_seconds(DAY);
    let told = reindex(&office.vault, vec![of("visitor", "tok_0001", "")]).await;
    assert_eq!(told, [NOT_FOUND]);
    assert_eq!(found(&office.vault), all_under(2, 1, 0, 1));
    for purpose in BOTH {
        assert_eq!(destroy(&office, purpose, 1).await, Ok(()));
    }
    assert_eq!(erase(&client, "cus_1", false).await.erased_count, 1);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_of_before_a_rotation_has_the_same_result_after_it() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let request = || TokenizeRequest {
        namespace: "shop".to_owned(),
        request_id: "r-1".to_owned(),
        items: vec![item("nickname", "Ada"), item_of("name", "Ada Li", "cus_1")],
        ..TokenizeRequest::default()
    };
    let send = async || {
        let results = client.tokenize_request(request()).await.unwrap();
        let token = |result| token_of(result).unwrap().token;
        results.into_iter().map(token).collect::<Vec<_>>()
    };
    let first = send().await;
    for purpose in BOTH {
        rotate(&office, purpose, 1).await;
        assert_eq!(send().await, first, "{purpose:?}");
        reindex(&office.vault, vec![of("nickname", &first[0], "")]).await;
        assert_eq!(send().await, first, "{purpose:?}, reindexed");
    }
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reindex_says_no_more_than_it_must() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let other = office.vault.client("other").await;
    let known = client.token("name", "Ada Lovelace").await;
    let foreign = {
        let request = TokenizeRequest {
            namespace: "other".to_owned(),
            items: vec![item("name", "Grace Hopper")],
            ..TokenizeRequest::default()
        };
        let results = other.tokenize_request(request).await.unwrap();
        token_of(results.into_iter().next().unwrap()).unwrap().token
    };
    let ended = client.token("visitor", "Ada Byron").await;
    office.vault.clock.advance_seconds(61);
    for purpose in BOTH {
        rotate(&office, purpose, 1).await;
    }
    let long = "x".repeat(9_000);
    let items = vec![
        of("name", &known, ""),
        of("name", &known, ""),
        of("name", "Xyz Abcdefgh", ""),
        of("name", &foreign, ""),
        of("visitor", &ended, ""),
        of("name", &long, ""),
        of("address", "12 Main Street", ""),
    ];
    let outcomes = reindex(&office.vault, items).await;
    let (moved, unknown) = outcomes.split_at(2);
    assert_eq!(moved, [MOVED; 2]);
    assert_eq!(unknown, [NOT_FOUND; 5]);
    // What has ended moves without a word, and its value's row goes.
    assert_eq!(found(&office.vault), all_under(2, 2, 1, 0));
    for name in ["agent", "approver", "other", "stranger"] {
        let credential = office.vault.identities().credential(name);
        let channel = office
            .vault
            .connect(Side::Reveal, credential)
            .await
            .unwrap();
        let service = KeyServiceClient::new(channel);
        let denied = try_reindex(&service, vec![of("name", &known, "")]).await;
        assert_eq!(denied.unwrap_err().code(), Code::PermissionDenied, "{name}");
    }
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn token_of_an_older_key_is_never_given_twice() {
    let office = Office::open().await;
    let client = office.vault.backend().await;
    let pair = import_of("name", "Grace Hopper", "Kfo Mbwqtird", "");
    let imported = client.import(vec![pair]).await.unwrap().remove(0);
    assert!(imported_of(imported).is_ok());
    for purpose in BOTH {
        rotate(&office, purpose, 1).await;
    }
    let pair = import_of("name", "Ada Lovelace", "Kfo Mbwqtird", "");
    let taken = client.import(vec![pair]).await.unwrap().remove(0);
    assert!(imported_of(taken).is_err());
    office.vault.check().await;
}
