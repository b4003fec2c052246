//! Health: serving while the log can be written and the disk answers, and not a moment longer.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthReporter;
use tonic_health::server::HealthService;

use crate::audit::LogState;
use crate::protocol::detokenization_service_server;
use crate::protocol::token_service_server;
use crate::server::overdue::Overdue;
use crate::store::Store;
use crate::vault::Vault;

/// Tells health checks whether the services serve.
pub(super) struct Health {
    reporter: HealthReporter,
    overdue: Overdue,
}

impl Health {
    pub(super) fn new() -> Self {
        let (reporter, _) = tonic_health::server::health_reporter();
        let overdue = Overdue::default();
        Self { reporter, overdue }
    }

    /// Where calls are noted that were given up and are not over.
    pub(super) fn overdue(&self) -> &Overdue {
        &self.overdue
    }

    /// Answers health checks; each listener has one.
    pub(super) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    pub(super) async fn serving(&self, vault: &Arc<Vault>) {
        let condition = Probe::default().look(vault, &self.overdue).await;
        self.show(condition).await;
    }

    pub(super) async fn stopping(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    /// Follows the audit log: not serving while the disk is full or does not answer, serving when
    /// it does again. Reveals alone are not serving while the witness has not seen what it must
    /// have. Returns when the log has failed for good.
    pub(super) async fn watch(&self, vault: &Arc<Vault>) {
        let mut state = vault.log().state();
        let mut probe = Probe::default();
        let mut shown = Condition::GOOD;
        loop {
            let failed = state.wait_for(|state| *state == LogState::Fatal);
            if tokio::time::timeout(PROBE_INTERVAL, failed).await.is_ok() {
                self.set(ServingStatus::NotServing).await;
                tracing::error!("audit log failed; the process stops");
                return;
            }
            let condition = probe.look(vault, &self.overdue).await;
            if condition != shown {
                condition.tell_change(shown);
                shown = condition;
                self.show(condition).await;
            }
        }
    }

    async fn show(&self, condition: Condition) {
        if !condition.has_room || !condition.answers {
            return self.set(ServingStatus::NotServing).await;
        }
        self.set(ServingStatus::Serving).await;
        if !condition.can_reveal {
            let service = detokenization_service_server::SERVICE_NAME;
            let status = ServingStatus::NotServing;
            self.reporter.set_service_status(service, status).await;
        }
    }

    async fn set(&self, status: ServingStatus) {
        for service in [
            "",
            token_service_server::SERVICE_NAME,
            detokenization_service_server::SERVICE_NAME,
        ] {
            self.reporter.set_service_status(service, status).await;
        }
    }
}

/// What a vault can do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Condition {
    /// The disk answers.
    answers: bool,
    /// The disk has room.
    has_room: bool,
    can_reveal: bool,
}

impl Condition {
    const GOOD: Self = Self {
        answers: true,
        has_room: true,
        can_reveal: true,
    };

    /// Logs what is not as it was before.
    fn tell_change(self, before: Self) {
        match (before.answers, self.answers) {
            (true, false) => {
                tracing::error!("disk does not answer; health says not serving until it does")
            }
            (false, true) => tracing::info!("disk answers again"),
            (true, true) | (false, false) => {}
        }
        match (before.has_room, self.has_room) {
            (true, false) => {
                tracing::error!("disk is full; nothing is served until there is space")
            }
            (false, true) => tracing::info!("there is space on the disk again"),
            (true, true) | (false, false) => {}
        }
        match (before.can_reveal, self.can_reveal) {
            (true, false) => {
                tracing::error!("witness does not cosign; nothing is revealed until it does");
            }
            (false, true) => {
                tracing::info!("witness has seen the audit log; values are revealed again");
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// Asks the disk for its free space, on a thread that it may hold up.
#[derive(Default)]
struct Probe {
    /// An earlier question that has no answer yet: no more threads are spent on it.
    asked: Option<JoinHandle<bool>>,
}

impl Probe {
    async fn look(&mut self, vault: &Arc<Vault>, overdue: &Overdue) -> Condition {
        let log = vault.log();
        let unwitnessed = log.unwitnessed();
        let has_room = self.has_room(vault).await;
        Condition {
            answers: has_room.is_some()
                && log.writing_ms() < ANSWER_MS_MAX
                && !hangs(vault.store(), overdue),
            has_room: has_room.unwrap_or(true),
            can_reveal: unwitnessed.is_none_or(|it| it.may_reveal),
        }
    }

    /// Whether there is room; nothing if the disk does not say.
    async fn has_room(&mut self, vault: &Arc<Vault>) -> Option<bool> {
        let asked = self.asked.get_or_insert_with(|| {
            let vault = Arc::clone(vault);
            tokio::task::spawn_blocking(move || vault.store().check_space().is_ok())
        });
        let patience = Duration::from_millis(ANSWER_MS_MAX);
        let answered = tokio::time::timeout(patience, asked).await.ok()?;
        self.asked = None;
        Some(answered.unwrap_or(false))
    }
}

/// Whether a read of the disk hangs. A call that was given up and is not over may compute, and a
/// read that takes long may yet be waited for; both at once are a disk that does not answer.
fn hangs(store: &dyn Store, overdue: &Overdue) -> bool {
    let age_ms = u64::try_from(GIVEN_UP_MAX.as_millis()).unwrap_or(u64::MAX);
    overdue.is_any_older_than(GIVEN_UP_MAX) && store.reading_ms() > age_ms
}

/// How often the disk is looked at.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
/// How long the disk may take for one group of writes, or to say how much space it has, before the
/// vault says that it does not serve. A sync takes milliseconds; a busy network disk, now and then
/// a second.
const ANSWER_MS_MAX: u64 = 3_000;
/// How long a call may be there that nobody waits for any more, and a read that asks the disk. A
/// call ends at once, but for a read of the disk and for what it computes.
const GIVEN_UP_MAX: Duration = Duration::from_secs(1);
