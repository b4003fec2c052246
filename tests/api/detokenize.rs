//! Detokenize: values come back for whoever brings the token, each with a proof that it was
//! recorded first.

use std::fs;

use counterfoil::assembly;
use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::merkle::verify_inclusion;
use counterfoil::crypto::note::Checkpoint;
use counterfoil::crypto::note::NoteVerifier;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::Level;
use counterfoil::protocol::Receipt;
use tonic::Code;
use unicode_normalization::UnicodeNormalization;

use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item_of;
use crate::support::reveal;
use crate::support::reveal_of;
use crate::support::value_of;

/// What applications do to a token that they store.
fn spellings(token: &str) -> Vec<String> {
    vec![
        token.to_uppercase(),
        token.to_lowercase(),
        token.nfd().collect(),
        token.to_uppercase().nfd().collect(),
        token.replace(' ', "\u{a0}"),
        token.replace('\'', "’"),
        token.replace('-', "\u{2011}"),
        token.replace(' ', "  "),
        token.replace('\n', "\r\n"),
        format!(" \t{token} "),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn token_opens_however_it_is_spelled() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    for (field, value) in [
        ("name", "Anna-Lena O'Müller Strauß"),
        ("name", "Γιώργος Σεφέρης"),
        ("name", "김민준"),
        ("name", "İbrahim Işıl"),
        ("name", "Li"),
        ("alias", "Ada Lovelace"),
        ("address", "221B Baker Street,\nLondon NW1 6XE"),
        ("email", "John.Doe+news@Example.com"),
        ("email", "li@x.com"),
        ("contact", "no address"),
    ] {
        let token = client.token(field, value).await;
        let canonical = client.value(field, &token).await.unwrap();
        let spelled = spellings(&token);
        let items = spelled.iter().map(|text| reveal(field, text)).collect();
        let response = client.detokenize(detokenize_items(items)).await.unwrap();
        for (result, spelling) in response.results.into_iter().zip(&spelled) {
            assert_eq!(
                value_of(result).ok().as_ref(),
                Some(&canonical),
                "{spelling:?}"
            );
            assert!(client.inspect(field, spelling, "").await.unwrap().known);
        }
        // A part of a token is no token.
        let mut part = token.clone();
        part.pop();
        assert!(client.value(field, &part).await.is_err());
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn value_of_two_subjects_opens_for_both_and_for_no_third() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let token = client
        .tokenized(item_of("name", "Ada Lovelace", "cus_1"))
        .await
        .token;
    assert!(client.value_of("name", &token, "cus_2").await.is_err());
    let again = client
        .tokenized(item_of("name", "Ada Lovelace", "cus_2"))
        .await;
    assert!(again.token == token && !again.created);
    vault.restart().await;
    let client = vault.backend().await;
    for subject in ["cus_1", "cus_2", ""] {
        let value = client.value_of("name", &token, subject).await;
        assert_eq!(value.unwrap(), "Ada Lovelace");
    }
    let foreign = client.value_of("name", &token, "cus_3").await.unwrap_err();
    let unknown = client
        .value_of("name", "Zzyx Qqqwer", "cus_3")
        .await
        .unwrap_err();
    assert!(foreign == unknown);
    // Whose data was seen is in the log, for whom it was asked.
    let entries = vault.entries();
    let intents = entries
        .iter()
        .filter(|entry| entry.draft.event == Event::Detokenize);
    let subjects: Vec<_> = intents
        .map(|entry| entry.draft.items[0].subject.as_ref().map(|it| it.as_str()))
        .collect();
    let expected = ["cus_2", "cus_1", "cus_2", "cus_1", "cus_3", "cus_3"].map(Some);
    assert_eq!(subjects, expected);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_proves_the_reveal_with_the_public_key_alone() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let verifier: NoteVerifier =
        fs::read_to_string(assembly::audit_key_file(&vault.config.data_dir))
            .unwrap()
            .trim()
            .parse()
            .unwrap();
    for count in 1..=40 {
        let items = (0..count).map(|_| reveal("name", &token)).collect();
        let response = client.detokenize(detokenize_items(items)).await.unwrap();
        let receipt = response.receipt.unwrap();
        assert!(proves(&receipt, &verifier));
        // The entry that it proves is the intent, and it was there before the answer.
        let entries = vault.entries();
        let entry = &entries[usize::try_from(receipt.leaf_index).unwrap()];
        assert_eq!(entry.draft.event, Event::Detokenize);
        assert_eq!(entry.draft.items.len(), count);
        assert!(
            entry
                .draft
                .items
                .iter()
                .all(|item| item.outcome == ItemOutcome::Intended)
        );
        // Any change of it is noticed.
        let changes: [fn(&mut Receipt); 4] = [
            |it| it.leaf_index += 1,
            |it| it.leaf_hash[3] ^= 1,
            |it| it.inclusion_proof[0][9] ^= 1,
            |it| it.checkpoint = it.checkpoint.replace("shop.example", "shup.example"),
        ];
        for change in changes {
            let mut forged = receipt.clone();
            change(&mut forged);
            assert!(!proves(&forged, &verifier));
        }
    }
    vault.wait_for(Event::DetokenizeOutcome, 40).await;
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Detokenize], 40);
    assert_eq!(report.counts[&Event::DetokenizeOutcome], 40);
    assert_eq!(report.open_intents_count, 0);
}

fn proves(receipt: &Receipt, verifier: &NoteVerifier) -> bool {
    let hash = |bytes: &[u8]| Hash::from_bytes(bytes.try_into().unwrap());
    let proof: Vec<Hash> = receipt.inclusion_proof.iter().map(|it| hash(it)).collect();
    let note = receipt.checkpoint.parse().unwrap();
    let Ok(checkpoint) = Checkpoint::verify(&note, verifier) else {
        return false;
    };
    verify_inclusion(
        receipt.leaf_index,
        checkpoint.tree_size,
        &hash(&receipt.leaf_hash),
        &proof,
        &checkpoint.root_hash,
    )
    .is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn outcome_follows_its_intent_and_says_what_came_of_each_item() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let token = client
        .tokenized(item_of("name", "Ada Lovelace", "cus_1"))
        .await
        .token;
    let request = DetokenizeRequest {
        request_id: "call-1".to_owned(),
        case_id: "T-17".to_owned(),
        ..detokenize_items(vec![
            reveal("name", &token),
            reveal_of("name", &token, "cus_9"),
            reveal("secretfield", &token),
            reveal("name", "Nobody Atall"),
            reveal("BAD", &token),
        ])
    };
    let response = client.detokenize(request).await.unwrap();
    vault.wait_for(Event::DetokenizeOutcome, 1).await;
    let entries = vault.entries();
    let intent = entries
        .iter()
        .find(|it| it.draft.event == Event::Detokenize)
        .unwrap();
    let outcome = entries
        .iter()
        .find(|it| it.draft.event == Event::DetokenizeOutcome)
        .unwrap();
    assert_eq!(response.receipt.unwrap().leaf_index, intent.index);
    assert_eq!(outcome.draft.intent_index, Some(intent.index));
    for entry in [intent, outcome] {
        assert_eq!(entry.draft.case_id.as_ref().unwrap().as_str(), "T-17");
        assert_eq!(entry.draft.request_id.as_ref().unwrap().as_str(), "call-1");
        assert_eq!(entry.draft.purpose.as_ref().unwrap().as_str(), "support");
        let principal = entry.draft.principal.as_ref().unwrap();
        assert_eq!(principal.as_str(), "spiffe://shop.example/backend");
        assert!(entry.draft.credential.is_some() && entry.draft.policy_hash.is_some());
        assert_eq!(
            entry.draft.items[0].subject.as_ref().unwrap().as_str(),
            "cus_1"
        );
        assert!(
            entry.draft.items[2].field.is_none(),
            "a name that is not configured"
        );
        assert!(entry.draft.items[0].token == entry.draft.items[1].token);
    }
    let outcomes: Vec<_> = outcome
        .draft
        .items
        .iter()
        .map(|item| item.outcome)
        .collect();
    let expected = [
        ItemOutcome::Revealed,
        ItemOutcome::NotFound,
        ItemOutcome::Denied,
        ItemOutcome::NotFound,
        ItemOutcome::Invalid,
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(intent.draft.items[0].outcome, ItemOutcome::Intended);
    assert_eq!(
        outcomes[1..],
        intent
            .draft
            .items
            .iter()
            .map(|it| it.outcome)
            .collect::<Vec<_>>()[1..]
    );
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_refused() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let good = || detokenize_items(vec![reveal("name", &token)]);
    let level = |level: i32| DetokenizeRequest { level, ..good() };
    for (request, code) in [
        (level(Level::Unspecified.into()), Code::InvalidArgument),
        (level(77), Code::InvalidArgument),
        (
            DetokenizeRequest {
                grant_id: "g-1".to_owned(),
                ..good()
            },
            Code::FailedPrecondition,
        ),
        (
            DetokenizeRequest {
                acting_principal: "eyJ.x.y".to_owned(),
                ..good()
            },
            Code::Unauthenticated,
        ),
        (
            DetokenizeRequest {
                purpose: String::new(),
                ..good()
            },
            Code::InvalidArgument,
        ),
        (
            DetokenizeRequest {
                purpose: "Free Text".to_owned(),
                ..good()
            },
            Code::InvalidArgument,
        ),
    ] {
        let error = client.detokenize(request).await.err().unwrap();
        assert_eq!(error.code(), code, "{error}");
    }
    assert!(!vault.counts().contains_key(&Event::Detokenize));
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn purpose_that_is_not_configured_is_refused_and_recorded() {
    let vault = TestVault::start_with("[purposes]\nallowed = [\"billing\"]").await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let request = detokenize_items(vec![reveal("name", &token)]);
    let error = client.detokenize(request.clone()).await.err().unwrap();
    assert_eq!(error.code(), Code::InvalidArgument);
    let billing = DetokenizeRequest {
        purpose: "billing".to_owned(),
        ..request
    };
    assert!(client.detokenize(billing).await.is_ok());
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Detokenize], 2);
    assert_eq!(report.open_intents_count, 0, "a refusal is no reveal");
}
