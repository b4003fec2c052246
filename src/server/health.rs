//! Health: serving while the audit log can be written, and not a moment longer.

use std::time::Duration;

use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::HealthReporter;
use tonic_health::server::HealthService;

use crate::audit::LogState;
use crate::protocol::detokenization_service_server;
use crate::protocol::token_service_server;
use crate::vault::Vault;

/// Tells health checks whether the services serve.
pub(super) struct Health {
    reporter: HealthReporter,
}

impl Health {
    pub(super) fn new() -> Self {
        let (reporter, _) = tonic_health::server::health_reporter();
        Self { reporter }
    }

    /// Answers health checks; each listener has one.
    pub(super) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    pub(super) async fn serving(&self, vault: &Vault) {
        self.show(Condition::of(vault)).await;
    }

    pub(super) async fn stopping(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    /// Follows the audit log: not serving while the disk is full, serving when there is room
    /// again. Reveals alone are not serving while the witness has not seen what it must have.
    /// Returns when the log has failed for good.
    pub(super) async fn watch(&self, vault: &Vault) {
        let mut state = vault.log().state();
        let mut shown = Condition {
            can_write: true,
            can_reveal: true,
        };
        loop {
            let failed = state.wait_for(|state| *state == LogState::Fatal);
            if tokio::time::timeout(PROBE_INTERVAL, failed).await.is_ok() {
                self.set(ServingStatus::NotServing).await;
                tracing::error!("audit log failed; the process stops");
                return;
            }
            let condition = Condition::of(vault);
            if condition.can_write != shown.can_write {
                if condition.can_write {
                    tracing::info!("there is space on the disk again");
                } else {
                    tracing::error!("disk is full; nothing is served until there is space");
                }
            }
            if condition.can_reveal != shown.can_reveal {
                if condition.can_reveal {
                    tracing::info!("witness has seen the audit log; values are revealed again");
                } else {
                    tracing::error!("witness does not cosign; nothing is revealed until it does");
                }
            }
            if condition != shown {
                shown = condition;
                self.show(condition).await;
            }
        }
    }

    async fn show(&self, condition: Condition) {
        if !condition.can_write {
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
    can_write: bool,
    can_reveal: bool,
}

impl Condition {
    fn of(vault: &Vault) -> Self {
        let unwitnessed = vault.log().unwitnessed();
        Self {
            can_write: vault.store().check_space().is_ok(),
            can_reveal: unwitnessed.is_none_or(|it| it.may_reveal),
        }
    }
}

/// How often the disk is looked at.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);
