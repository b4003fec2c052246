//! Gets what was erased off the disk.

use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use crate::domain::Clock;
use crate::store::Store;
use crate::store::StoreError;

/// Purges soon after something was erased, until the store is closed, and for no more than a share
/// of the time: a small vault purges within a minute, a large one goes on serving.
pub(super) async fn after_erasing(store: Weak<dyn Store>, clock: Arc<dyn Clock>) {
    loop {
        let Some(open) = store.upgrade() else { return };
        let clock = Arc::clone(&clock);
        let purged = tokio::task::spawn_blocking(move || purge(&*open, &*clock)).await;
        let took = match purged {
            Ok(Ok(took)) => took,
            Ok(Err(error)) => {
                tracing::warn!(%error, "bytes of what was erased are still on the disk");
                PAUSE_MIN
            }
            Err(_) => return,
        };
        tokio::time::sleep(PAUSE_MIN.max(took * WORK_SHARE)).await;
    }
}

/// Purges if anything was erased, and says how long that took.
fn purge(store: &dyn Store, clock: &dyn Clock) -> Result<Duration, StoreError> {
    let erasures_count = store.statistics()?.erasures_unpurged_count;
    if erasures_count == 0 {
        return Ok(Duration::ZERO);
    }
    let began = clock.now();
    store.purge()?;
    let took_ms = clock.now().unix_ms().saturating_sub(began.unix_ms());
    tracing::info!(erasures_count, took_ms, "purged what was erased");
    Ok(Duration::from_millis(took_ms))
}

/// Between two looks.
const PAUSE_MIN: Duration = Duration::from_secs(60);
/// A purge takes no more than one in so many parts of the time.
const WORK_SHARE: u32 = 20;
