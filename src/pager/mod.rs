//! Tells people what must not wait: what was frozen, and which grants want an approval.
//!
//! A page is a JSON document that is posted to one configured URL, signed with a shared secret.
//! It names people, programs, cases and grants, and never a subject, a token or a value. The audit
//! log is the record; a page that cannot be delivered is given up after some attempts, and said so
//! in the log of the process.

mod page;
mod post;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::access::AccessEvent;
use crate::domain::Clock;

pub use page::Page;
pub use post::Pager;
pub use post::PagerError;
pub use post::PagerSettings;

/// Pages for every event that deserves it, until nobody can send any more.
pub async fn run(
    pager: Pager,
    mut events: broadcast::Receiver<AccessEvent>,
    clock: Arc<dyn Clock>,
) {
    loop {
        let page = match events.recv().await {
            Ok(event) => Page::of(&event, clock.now()),
            // What was missed is in the audit log; somebody must look.
            Err(RecvError::Lagged(count)) => Some(Page::missed(count, clock.now())),
            Err(RecvError::Closed) => return,
        };
        let Some(page) = page else { continue };
        deliver(&pager, &page).await;
    }
}

/// Posts a page until it is taken, a bounded number of times.
async fn deliver(pager: &Pager, page: &Page) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS_MAX {
        match pager.post(page).await {
            Ok(()) => return,
            Err(error) if attempt == ATTEMPTS_MAX => {
                tracing::error!(error = %error, page = page.kind(), "page was not delivered");
            }
            Err(error) => {
                tracing::warn!(error = %error, attempt, "page was not delivered yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
        }
    }
}

/// How often a page is posted.
const ATTEMPTS_MAX: u32 = 5;
/// How long to wait after the first attempt; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
