//! Redact: free text with tokens in the place of its values.

use counterfoil::audit::Event;
use counterfoil::protocol::KnownValue;
use counterfoil::protocol::Recognition;
use counterfoil::protocol::RedactItem;
use counterfoil::protocol::RedactRequest;
use counterfoil::protocol::RedactedText;
use counterfoil::protocol::redact_result::Result as Redacted;
use tonic::Code;
use tonic::Status;
use tonic_types::pb;

use crate::support::Client;
use crate::support::TestVault;

const FIELDS: &str = r#"
[namespaces.shop.fields.card]
format = "card"
[namespaces.shop.fields.phone]
format = "phone"
"#;

async fn redact(
    client: &Client,
    request: RedactRequest,
) -> Result<Vec<Result<RedactedText, pb::Status>>, Status> {
    let answer = client.token.clone().redact(request).await?.into_inner();
    let result = |result: counterfoil::protocol::RedactResult| match result.result.unwrap() {
        Redacted::Redacted(text) => Ok(text),
        Redacted::Error(error) => Err(error),
    };
    Ok(answer.results.into_iter().map(result).collect())
}

fn text(text: &str, known: &[(&str, &str)]) -> RedactItem {
    let known = known.iter().map(|(field, value)| KnownValue {
        field: (*field).to_owned(),
        value: (*value).to_owned(),
    });
    RedactItem {
        text: text.to_owned(),
        subject: "cus_1".to_owned(),
        known: known.collect(),
    }
}

fn shop(items: Vec<RedactItem>) -> RedactRequest {
    RedactRequest {
        namespace: "shop".to_owned(),
        items,
        fields: ["email", "card", "phone"].map(str::to_owned).into(),
        ..RedactRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_in_text_become_the_tokens_that_others_have() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let name = client.token("name", "Zoë Example").await;
    let email = client.token("email", "zoe@shop.example").await;
    let original = "Hi, ZOË EXAMPLE here (Zoe@shop.example), +44 20 7946 0958.\n\
        Card 4111 1111 1111 1111, ref 12345.";
    let item = text(original, &[("name", "Zoë Example")]);
    let results = redact(&client, shop(vec![item])).await.unwrap();
    let redacted = results.into_iter().next().unwrap().unwrap();
    let fields: Vec<&str> = redacted.spans.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["name", "email", "phone", "card"]);
    // The spans are those of the original, and the tokens stand in the text in their place.
    let characters: Vec<char> = original.chars().collect();
    let mut rest = redacted.text.as_str();
    let mut done = 0;
    for span in &redacted.spans {
        let (start, end) = (span.start as usize, span.end as usize);
        let between: String = characters[done..start].iter().collect();
        let token = &span.token.as_ref().unwrap().token;
        rest = rest.strip_prefix(&between).unwrap();
        rest = rest.strip_prefix(token.as_str()).unwrap();
        done = end;
    }
    assert_eq!(rest, characters[done..].iter().collect::<String>());
    assert!(redacted.text.contains(&name) && redacted.text.contains(&email));
    // What is redacted already stays as it is.
    let again = redact(&client, shop(vec![text(&redacted.text, &[])]))
        .await
        .unwrap();
    let again = again.into_iter().next().unwrap().unwrap();
    assert!(again.text == redacted.text && again.spans.is_empty());
    vault.check().await;
}

/// Goal: nothing that was found stays, however values overlap.
#[tokio::test(flavor = "multi_thread")]
async fn values_that_overlap_are_replaced_together() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    for (original, known, left) in [
        ("ada.lovelace@shop.example!", "Lovelace", "!"),
        ("to ada@shop.example +44 20 7946 0958", "Ada", "to "),
        ("Ada Lovelace +44 20 7946 0958", "Ada Lovelace", " "),
        ("Ada Lovelace Street", "Lovelace Street", "Ada "),
    ] {
        let item = text(original, &[("name", known)]);
        let results = redact(&client, shop(vec![item])).await.unwrap();
        let redacted = results.into_iter().next().unwrap().unwrap();
        let tokens = redacted
            .spans
            .iter()
            .map(|it| &it.token.as_ref().unwrap().token);
        let rest = tokens.fold(redacted.text.clone(), |text, token| text.replace(token, ""));
        assert!(rest.trim_end() == left.trim_end(), "{original}: {rest}");
    }
    // Windows of one number that pass its check by chance do not leave the rest of it.
    let original = "ref 71 4111 1111 1111 1111";
    let results = redact(&client, shop(vec![text(original, &[])]))
        .await
        .unwrap();
    let redacted = results.into_iter().next().unwrap().unwrap();
    let spans: Vec<(u32, u32)> = redacted.spans.iter().map(|it| (it.start, it.end)).collect();
    assert!(spans == [(4, 26)], "{spans:?}");
    vault.check().await;
}

/// Goal: what one field would call a token is still a value of another. Method: a format whose
/// tokens begin like a real card.
#[tokio::test(flavor = "multi_thread")]
async fn another_fields_mark_hides_no_value() {
    let fields = r#"
[formats.reference]
parts = [
    { integer = [10, 39], token = { integer = [40, 49] } },
    { class = "digit", length = 14 },
]
[namespaces.shop.fields.reference]
format = "reference"
[namespaces.shop.fields.card]
format = "card"
"#;
    let vault = TestVault::start_with(fields).await;
    let client = vault.backend().await;
    let described = client.inspect("reference", "4111111111111111", "").await;
    assert!(described.unwrap().recognition() == Recognition::Token);
    let request = RedactRequest {
        fields: vec!["card".to_owned()],
        ..shop(vec![text("card 4111111111111111", &[])])
    };
    let results = redact(&client, request).await.unwrap();
    assert_eq!(results.into_iter().next().unwrap().unwrap().spans.len(), 1);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn field_is_searched_by_name_or_refused() {
    let fields = r#"
[namespaces.shop.fields.ssn]
format = "national_id"
scheme = "us_ssn"
"#;
    let vault = TestVault::start_with(fields).await;
    let client = vault.backend().await;
    let named = |name: &str, item: RedactItem| RedactRequest {
        fields: vec![name.to_owned()],
        ..shop(vec![item])
    };
    let results = redact(&client, named("ssn", text("it is 219-09-9999", &[])))
        .await
        .unwrap();
    assert_eq!(results.into_iter().next().unwrap().unwrap().spans.len(), 1);
    // As a known value it is found however its ignored characters are written.
    let item = text("or 219-09 -9999", &[("ssn", "219-09-9999")]);
    let results = redact(&client, named("email", item)).await.unwrap();
    assert_eq!(results.into_iter().next().unwrap().unwrap().spans.len(), 1);
    let results = redact(&client, named("name", text("Ada", &[])))
        .await
        .unwrap();
    let error = results.into_iter().next().unwrap().err().unwrap();
    assert_eq!(error.code, i32::from(Code::InvalidArgument));
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_redacted_whole_or_not_at_all() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let long = "a".repeat(10_001);
    let results = redact(
        &client,
        shop(vec![
            text("write to ada@shop.example", &[]),
            text(&long, &[]),
            text("Ada Example", &[("unknown", "Ada Example")]),
            text("nothing to see", &[]),
        ]),
    )
    .await
    .unwrap();
    let [good, long, unknown, nothing] = results.try_into().ok().unwrap();
    assert_eq!(good.unwrap().spans.len(), 1);
    for error in [long.err().unwrap(), unknown.err().unwrap()] {
        assert_eq!(error.code, i32::from(Code::InvalidArgument));
        assert!(!error.message.contains("Ada"));
    }
    let nothing = nothing.unwrap();
    assert!(nothing.text == "nothing to see" && nothing.spans.is_empty());
    vault.check().await;
}

/// Goal: texts that fail never make the call fail. Method: as many as a call may have, the last of
/// them with as many values as its errors leave room for, and more.
#[tokio::test(flavor = "multi_thread")]
async fn failed_texts_leave_the_call_whole() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let emails = |count: usize| -> String {
        (0..count)
            .map(|n| format!("person{n}@shop.example "))
            .collect()
    };
    let bad = || text("x", &[("unknown", "x")]);
    for (count, is_done) in [(100, true), (101, false)] {
        let mut items: Vec<RedactItem> = (0..900).map(|_| bad()).collect();
        items.push(text(&emails(count), &[]));
        let results = redact(&client, shop(items)).await.unwrap();
        assert_eq!(results.len(), 901);
        assert!(results.iter().take(900).all(Result::is_err));
        assert_eq!(results.last().unwrap().is_ok(), is_done, "{count}");
    }
    // Values that overlap without end are refused, and do not burn time.
    let known: Vec<(&str, &str)> = vec![("name", "a"); 100];
    let results = redact(&client, shop(vec![text(&"a ".repeat(5_000), &known)]))
        .await
        .unwrap();
    let error = results.into_iter().next().unwrap().err().unwrap();
    assert_eq!(error.code, i32::from(Code::InvalidArgument));
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_redaction_is_recorded_and_needs_a_permit() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    redact(&client, shop(vec![text("nothing", &[])]))
        .await
        .unwrap();
    redact(&client, shop(vec![text("ada@shop.example", &[])]))
        .await
        .unwrap();
    let agent = vault.client("agent").await;
    let refused = redact(&agent, shop(vec![text("ada@shop.example", &[])])).await;
    assert_eq!(refused.err().unwrap().code(), Code::PermissionDenied);
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Tokenize], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_redaction_has_the_same_tokens() {
    let vault = TestVault::start_with(FIELDS).await;
    let client = vault.backend().await;
    let request = || RedactRequest {
        request_id: "r-1".to_owned(),
        ..shop(vec![text("ada@shop.example and 4111111111111111", &[])])
    };
    let mut texts = Vec::new();
    for _ in 0..2 {
        let results = redact(&client, request()).await.unwrap();
        texts.push(results.into_iter().next().unwrap().unwrap().text);
    }
    assert_eq!(texts[0], texts[1]);
    vault.check().await;
}
