//! Goal: a disk that does not answer holds up what needs it, and no thread of those who ask; the
//! log says for how long, and goes on once the disk answers. Method: a head whose write waits.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::access::Access;

/// A head whose disk answers only while nobody holds it.
struct HangingHead {
    inner: Head,
    hold: Arc<Mutex<()>>,
}

impl WriteHead for HangingHead {
    fn write(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        let _answers = self.hold.lock().unwrap();
        self.inner.write(checkpoint)
    }
}

/// Everything on one thread: whoever blocked it would end the test's own patience, too.
#[test]
fn hanging_disk_holds_no_thread_up() {
    let log = TestLog::create();
    let hold = Arc::new(Mutex::new(()));
    let (inner, _) = log.head().unwrap();
    let parts = LogParts {
        head: Box::new(HangingHead {
            inner,
            hold: Arc::clone(&hold),
        }),
        ..log.parts().unwrap()
    };
    let (audit, thread) = AuditLog::open(parts).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    assert_eq!(audit.writing_ms(), 0);
    let hanging = hold.lock().unwrap();
    runtime.block_on(async {
        let (writer, second) = (audit.clone(), audit.clone());
        let written = tokio::spawn(async move { writer.commit(commit(0)).await });
        while audit.writing_ms() == 0 {
            tokio::time::sleep(SHORT).await;
        }
        let look = |access: &mut Access| access.freezes().count();
        // Given up, and nothing is lost by it.
        let given_up = tokio::time::timeout(SHORT, audit.access(look)).await;
        assert!(given_up.is_err());
        let waits = tokio::spawn(async move { second.access(look).await });
        tokio::task::yield_now().await;
        assert!(!written.is_finished() && !waits.is_finished());
        assert!(audit.latest_checkpoint().is_none(), "nothing is told yet");

        drop(hanging);
        assert_eq!(written.await.unwrap().unwrap().index, 0);
        assert_eq!(waits.await.unwrap(), 0);
        while audit.writing_ms() > 0 {
            tokio::time::sleep(SHORT).await;
        }
        assert_eq!(audit.commit(commit(1)).await.unwrap().index, 1);
    });
    drop(audit);
    thread.join();
    assert_eq!(log.verify().unwrap().tree_size, 2);
}

const SHORT: Duration = Duration::from_millis(2);
