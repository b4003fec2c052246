//! Imports, from the wire and back.

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
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::protocol;
use crate::server::status;
use crate::vault;
use crate::vault::Item;
use crate::vault::TokenizedValue;

pub(in crate::server) fn import_tokens(
    request: protocol::ImportTokensRequest,
    items_max: usize,
) -> Result<vault::ImportTokens, Status> {
    check_count(request.items.len(), items_max)?;
    let item = |item: protocol::ImportItem| {
        // Taken over first: an early return must not leave them behind in plain strings.
        let value = parts::value(item.value, item.value_parts);
        let token = parts::token(item.token, item.token_parts);
        Ok(vault::ImportItem {
            field: identifier("field", &item.field, FieldName::new)?,
            value: value?,
            token: token?,
            subject: optional("subject", &item.subject, Subject::new)?,
            ttl_seconds: (item.ttl > 0).then_some(u64::from(item.ttl)),
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, |item: &vault::ImportItem| Said {
        texts: vec![item.value.expose(), item.token.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(vault::ImportTokens {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
        allow_token_values: request.allow_token_values,
    })
}

pub(in crate::server) fn imported(
    (index, item): (usize, Item<TokenizedValue>),
) -> protocol::ImportTokensResult {
    use protocol::import_tokens_result::Result as Wire;
    let result = match item {
        Ok(value) => Wire::Token(tokenized_value(&value)),
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::ImportTokensResult {
        result: Some(result),
    }
}
