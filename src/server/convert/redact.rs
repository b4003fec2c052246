//! Redaction on the wire.

use std::collections::HashMap;

use tonic::Status;

use super::apart::Said;
use super::apart::keep_apart;
use super::check_count;
use super::identifier;
use super::optional;
use super::optional_part;
use super::part;
use super::parts;
use super::tokenized_value;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::protocol;
use crate::server::status;
use crate::vault;
use crate::vault::Item;
use crate::vault::Redacted;
use crate::vault::RedactedSpan;

pub(in crate::server) fn redact(
    request: protocol::RedactRequest,
    items_max: usize,
) -> Result<vault::Redact, Status> {
    check_count(request.items.len(), items_max)?;
    let known = |known: protocol::KnownValue| {
        let value = parts::value(known.value, HashMap::new());
        Ok(vault::KnownValue {
            field: identifier("field", &known.field, FieldName::new)?,
            value: value?,
        })
    };
    let item = |item: protocol::RedactItem| {
        // Taken over first: an early return must not leave the text behind in a plain string.
        let text = Plaintext::new(item.text);
        let known: Vec<Item<vault::KnownValue>> = item.known.into_iter().map(known).collect();
        Ok(vault::RedactItem {
            text,
            subject: optional("subject", &item.subject, Subject::new)?,
            known: known.into_iter().collect::<Item<_>>()?,
        })
    };
    let field = |name: &String| part("fields", name, FieldName::new);
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, said)?;
    Ok(vault::Redact {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
        fields: request.fields.iter().map(field).collect::<Result<_, _>>()?,
    })
}

fn said(item: &vault::RedactItem) -> Said<'_> {
    let known = item.known.iter().map(|known| known.value.expose());
    Said {
        texts: known.chain([item.text.expose()]).collect(),
        subject: item.subject.as_ref(),
    }
}

pub(in crate::server) fn redacted(
    (index, item): (usize, Item<Redacted>),
) -> protocol::RedactResult {
    use protocol::redact_result::Result as Wire;
    let result = match item {
        Ok(redacted) => Wire::Redacted(protocol::RedactedText {
            // This is the answer.
            text: redacted.text.expose().to_owned(),
            spans: redacted.spans.iter().map(span).collect(),
        }),
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::RedactResult {
        result: Some(result),
    }
}

fn span(span: &RedactedSpan) -> protocol::RedactedSpan {
    let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    protocol::RedactedSpan {
        start: place(span.characters.start),
        end: place(span.characters.end),
        field: span.field.as_str().to_owned(),
        token: Some(tokenized_value(&span.token)),
    }
}
