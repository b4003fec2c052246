//! Moving records by their tokens, to and from the wire.

use tonic::Status;

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
use crate::server::status;
use crate::vault::Item;
use crate::vault::Reindex;
use crate::vault::ReindexItem;
use crate::vault::Reindexed;

/// Tokens whose records shall move.
pub(in crate::server) fn reindex(
    request: protocol::ReindexRequest,
    items_max: usize,
) -> Result<Reindex, Status> {
    check_count(request.items.len(), items_max)?;
    let item = |item: protocol::ReindexItem| {
        let token = parts::token(item.token, item.token_parts);
        Ok(ReindexItem {
            field: identifier("field", &item.field, FieldName::new)?,
            token: token?,
            subject: optional("subject", &item.subject, Subject::new)?,
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, |item: &ReindexItem| Said {
        texts: vec![item.token.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(Reindex {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
    })
}

/// What became of a token's record.
pub(in crate::server) fn reindexed(
    (index, item): (usize, Item<Reindexed>),
) -> protocol::ReindexResult {
    use protocol::ReindexOutcome;
    use protocol::reindex_result::Result as Wire;
    let result = match item {
        Ok(outcome) => {
            let outcome = match outcome {
                Reindexed::Current => ReindexOutcome::Current,
                Reindexed::Later => ReindexOutcome::Later,
                Reindexed::Moved => ReindexOutcome::Moved,
                Reindexed::NotFound => ReindexOutcome::NotFound,
            };
            Wire::Outcome(outcome.into())
        }
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::ReindexResult {
        result: Some(result),
    }
}
