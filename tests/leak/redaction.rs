//! Free text with values in it, in order and in error.

use counterfoil::protocol::KnownValue;
use counterfoil::protocol::RedactItem;
use counterfoil::protocol::RedactRequest;
use counterfoil::protocol::redact_result::Result as Redacted;

use crate::canaries::Canaries;
use crate::support::Client;

pub(crate) async fn redact(client: &Client, canaries: &mut Canaries) {
    let [name, email, card, phone] =
        ["name", "email", "card", "phone"].map(|field| canaries.value(field));
    let text = format!("{name} wrote from {email}, card {card}, call {phone}");
    let known = |field: &str, value: &str| KnownValue {
        field: field.to_owned(),
        value: value.to_owned(),
    };
    let item = |text: &str, known: Vec<KnownValue>| RedactItem {
        text: text.to_owned(),
        subject: "cus_1".to_owned(),
        known,
    };
    let request = |items: Vec<RedactItem>| RedactRequest {
        namespace: "shop".to_owned(),
        items,
        fields: ["email", "card", "phone"].map(str::to_owned).into(),
        ..RedactRequest::default()
    };
    let good = request(vec![item(&text, vec![known("name", &name)])]);
    let answer = client
        .token
        .clone()
        .redact(good)
        .await
        .unwrap()
        .into_inner();
    let Some(Redacted::Redacted(redacted)) = answer.results[0].result.clone() else {
        panic!("the text is redacted");
    };
    assert_eq!(redacted.spans.len(), 4);
    for value in [&name, &email, &card, &phone] {
        assert!(!redacted.text.contains(value.as_str()), "a value is left");
    }
    for span in redacted.spans {
        canaries.keep(span.token.unwrap().token);
    }
    let word = canaries.word();
    for bad in [
        request(vec![item(&text.repeat(200), vec![])]),
        request(vec![item(&text, vec![known(&word, &name)])]),
        request(vec![item(&text, vec![known("name", &format!("{name}\0"))])]),
        request(vec![item(
            &format!("{text}\0{text}"),
            vec![known("email", &name)],
        )]),
        RedactRequest {
            fields: vec![word.clone()],
            ..request(vec![item(&text, vec![])])
        },
        RedactRequest {
            request_id: format!("{word} {word}"),
            ..request(vec![item(&text, vec![])])
        },
    ] {
        let answer = client.token.clone().redact(bad).await;
        let Some(answer) = canaries.outcome(answer) else {
            continue;
        };
        for result in answer.into_inner().results {
            match result.result.unwrap() {
                Redacted::Redacted(text) => {
                    let tokens = text.spans.into_iter().map(|span| span.token.unwrap().token);
                    tokens.for_each(|token| drop(canaries.keep(token)));
                }
                Redacted::Error(error) => canaries.error(&error),
            }
        }
    }
}
