//! Replacing tokens by others for the same values, to and from the wire.

use tonic::Status;

use crate::domain::CeremonyId;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::protocol;
use crate::server::convert::apart::Said;
use crate::server::convert::apart::keep_apart;
use crate::server::convert::check_count;
use crate::server::convert::identifier;
use crate::server::convert::optional;
use crate::server::convert::optional_part;
use crate::server::convert::part;
use crate::server::convert::parts;
use crate::server::convert::timestamp;
use crate::server::convert::tokenized_value;
use crate::server::status;
use crate::vault::Item;
use crate::vault::Retokenize;
use crate::vault::RetokenizeItem;
use crate::vault::Retokenized;

/// Tokens that shall be replaced.
pub(in crate::server) fn retokenize(
    request: protocol::RetokenizeRequest,
    items_max: usize,
) -> Result<Retokenize, Status> {
    check_count(request.items.len(), items_max)?;
    let item = |item: protocol::RetokenizeItem| {
        let token = parts::token(item.token, item.token_parts);
        Ok(RetokenizeItem {
            field: identifier("field", &item.field, FieldName::new)?,
            token: token?,
            subject: optional("subject", &item.subject, Subject::new)?,
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, |item: &RetokenizeItem| Said {
        texts: vec![item.token.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(Retokenize {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        operation: part("operation_id", &request.operation_id, CeremonyId::new)?,
        request_id,
        items,
    })
}

/// The tokens that values have now.
pub(in crate::server) fn retokenized(
    items: Vec<Item<Retokenized>>,
) -> protocol::RetokenizeResponse {
    let results = items.into_iter().enumerate().map(result);
    protocol::RetokenizeResponse {
        results: results.collect(),
    }
}

fn result((index, item): (usize, Item<Retokenized>)) -> protocol::RetokenizeResult {
    use protocol::retokenize_result::Result as Wire;
    let result = match item {
        Ok(Retokenized { value, old_ends }) => Wire::Token(protocol::RetokenizedToken {
            value: Some(tokenized_value(&value)),
            old_ends: old_ends.map(timestamp),
        }),
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::RetokenizeResult {
        result: Some(result),
    }
}
