//! The stream of a list of whom a key protects: page after page, as fast as the caller reads.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::protocol::ListProtectedResponse;
use crate::server::convert::protected;
use crate::server::status;
use crate::vault::Caller;
use crate::vault::ProtectedList;
use crate::vault::Vault;

/// What the caller is sent.
pub(super) type Pages = ReceiverStream<Result<ListProtectedResponse, Status>>;

/// Sends the pages of a list, until it is over, or the caller leaves or is frozen.
pub(super) fn send(vault: Arc<Vault>, caller: Caller, mut list: ProtectedList) -> Pages {
    // One page is made while one is on its way, and no more.
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let page = if vault.is_frozen(&caller).await {
                Err(Status::permission_denied(status::DENIED))
            } else {
                let read = vault.next_protected(&mut list);
                read.map_err(|error| status::of(&error))
            };
            let (told, is_over) = match page {
                Ok(None) => return,
                Ok(Some(page)) => (Ok(protected::page(page)), false),
                Err(status) => (Err(status), true),
            };
            if sender.send(told).await.is_err() || is_over {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}
