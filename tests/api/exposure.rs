//! Who was seen: what clients got over the wire is what the report of the log lists.

use counterfoil::audit::Event;
use counterfoil::audit::exposure::Document;
use counterfoil::audit::exposure::Query;
use counterfoil::audit::exposure::Who;
use counterfoil::audit::exposure::newest_checkpoint;
use counterfoil::audit::exposure::report_export;
use counterfoil::audit::exposure::report_store;
use counterfoil::audit::write_export;
use counterfoil::domain::Principal;
use counterfoil::domain::Timestamp;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::Level;

use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item_of;
use crate::support::reveal;
use crate::support::value_of;

/// Everything that a program saw.
fn seen_by(principal: &str) -> Query {
    Query {
        from: Timestamp::from_unix_ms(0),
        to: Timestamp::from_unix_ms(u64::MAX),
        namespace: None,
        who: Who {
            principal: Principal::new(&format!("spiffe://shop.example/{principal}")).ok(),
            ..Who::default()
        },
    }
}

/// The rows, as customer, field, way, status and count.
fn rows(document: &Document) -> Vec<String> {
    let parts = document.namespaces.iter();
    let rows = parts.flat_map(|part| &part.rows).map(|row| {
        let whose = match (&row.subject, &row.token) {
            (Some(subject), _) => subject.as_str(),
            (None, Some(_)) => "token",
            (None, None) => "nobody",
        };
        let field = row.field.as_deref().unwrap_or("-");
        format!("{whose} {field} {} {} {}", row.kind, row.status, row.count)
    });
    let mut rows: Vec<String> = rows.collect();
    // Tokens have the order of their fingerprints, which is another in each vault.
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn report_lists_what_clients_got() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let mut tokens = Vec::new();
    for number in 1..=4 {
        let (value, subject) = (format!("Ada Number {number}x"), format!("cus_{number}"));
        tokens.push(
            client
                .tokenized(item_of("name", &value, &subject))
                .await
                .token,
        );
    }
    // Two in full, one of them twice.
    let of = |tokens: &[String]| tokens.iter().map(|it| reveal("name", it)).collect();
    for wanted in [&tokens[..2], &tokens[..1]] {
        let answer = client
            .detokenize(detokenize_items(of(wanted)))
            .await
            .unwrap();
        assert!(answer.results.into_iter().all(|it| value_of(it).is_ok()));
    }
    // One in part, and a token that is none.
    let masked = DetokenizeRequest {
        level: Level::Masked.into(),
        ..detokenize_items(of(&tokens[2..3]))
    };
    let answer = client.detokenize(masked).await.unwrap();
    assert!(answer.results.into_iter().all(|it| value_of(it).is_ok()));
    assert!(client.value("name", "Nobody Atall").await.is_err());
    // One is compared, one is looked up.
    assert!(
        client
            .verify_match("name", &tokens[3], "Ada Number 4x")
            .await
            .unwrap()
    );
    assert!(client.lookup("name", "Ada Number 4x").await.is_ok());
    // Another is refused as a whole.
    let stranger = vault.client("stranger").await;
    let refused = detokenize_items(of(&tokens[3..4]));
    assert!(stranger.detokenize(refused).await.is_err());
    vault.wait_for(Event::DetokenizeOutcome, 4).await;
    vault.stop().await;

    let (store, head, keys) = (vault.read_only(), vault.head(), vault.public_keys());
    let checkpoint = newest_checkpoint(&store, Some(&head), &keys).unwrap();
    let mut export = Vec::new();
    write_export(&mut export, &store, &keys).unwrap();
    let document = |principal| {
        let query = seen_by(principal);
        let report = report_store(&store, &checkpoint, &query, |_| ()).unwrap();
        let of_export = report_export(export.as_slice(), &checkpoint, &query, |_| ());
        assert_eq!(of_export.unwrap(), report);
        Document::new(&query, &report)
    };
    let seen = document("backend");
    assert_eq!(
        rows(&seen),
        [
            "cus_1 name revealed released 2",
            "cus_2 name revealed released 1",
            "cus_3 name masked released 1",
            "token name compared released 1",
            "token name looked_up released 1",
            "token name revealed refused 1",
        ]
    );
    assert_eq!(seen.summary.released, 3);
    assert_eq!(
        (seen.summary.tokens_released, seen.summary.tokens_refused),
        (1, 1)
    );
    let refused = document("stranger");
    assert_eq!(rows(&refused), ["token name revealed refused 1"]);
    drop(store);
    vault.check().await;
}
