//! Removes the rows of request ids that are no longer remembered.

use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use crate::domain::Clock;
use crate::store::Store;
use crate::store::StoreError;

/// Sweeps now and then, until the store is closed. Retries stay safe without it: a row that has
/// expired counts as absent.
pub(super) async fn now_and_then(store: Weak<dyn Store>, clock: Arc<dyn Clock>) {
    loop {
        let Some(open) = store.upgrade() else { return };
        let clock = Arc::clone(&clock);
        let swept = tokio::task::spawn_blocking(move || sweep(&*open, &*clock)).await;
        match swept {
            Ok(Ok(0)) => {}
            Ok(Ok(removed_count)) => tracing::debug!(removed_count, "swept request ids"),
            Ok(Err(error)) => tracing::warn!(%error, "request ids were not swept"),
            Err(_) => return,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn sweep(store: &dyn Store, clock: &dyn Clock) -> Result<usize, StoreError> {
    let now = clock.now();
    let mut after = None;
    let mut removed_count = 0;
    loop {
        let swept = store.sweep_requests(now, after, ROWS_PER_STEP)?;
        removed_count += swept.removed_count;
        match swept.next {
            Some(next) => after = Some(next),
            None => return Ok(removed_count),
        }
    }
}

/// Between two sweeps.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// Rows in one step, so that the writer is never kept waiting for long.
const ROWS_PER_STEP: usize = 1_000;
