//! A sealed vault: both listeners answer health (not serving) and unsealing, and nothing else.
//!
//! There is no vault yet, so nothing here can reach one: what opens it is what comes out.

mod gate;
mod service;

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::service::Routes;

use crate::audit::ShareGiven;
use crate::domain::Clock;
use crate::keys::root::RootKeyHolder;
use crate::keys::root::shares::SharingFile;
use crate::server::BoundServer;
use crate::server::ServerError;
use crate::server::health::Health;
use crate::server::limits::ServerLimits;
use crate::server::metrics;
use crate::server::status;

pub(super) use self::gate::Gate;
pub(super) use self::service::SealEndpoint;

/// What officers have unsealed.
#[derive(Debug)]
pub struct Unsealed {
    /// The root key.
    pub root_key: Arc<dyn RootKeyHolder>,
    /// Whose shares gave it, and who brought them.
    pub shares_given: Vec<ShareGiven>,
}

/// A server that answers for a vault that is sealed.
pub struct SealedServer {
    unsealed: oneshot::Receiver<Unsealed>,
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    limits: ServerLimits,
    // No connection outlives it.
    _alive: watch::Sender<()>,
}

impl SealedServer {
    pub(super) async fn start(
        bound: &BoundServer,
        sharing: SharingFile,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServerError> {
        let limits = bound.limits();
        let (sender, unsealed) = oneshot::channel();
        let gate = Arc::new(Gate::new(sharing, clock, sender));
        let health = Health::new();
        health.stopping().await;
        let (stop, stopping) = watch::channel(false);
        let (keep, alive) = watch::channel(());
        let token_routes = sealed(Routes::new(health.service()));
        let reveal_routes = sealed(
            Routes::new(health.service()).add_service(SealEndpoint::service(Some(gate), &limits)),
        );
        let (token, reveal) = bound.listeners(&alive)?;
        let serve = |listener, routes| {
            let overdue = health.overdue().clone();
            let served = super::serve(listener, routes, limits, overdue, stopping.clone());
            tokio::spawn(async move {
                if let Err(error) = served.await {
                    tracing::error!(%error, "listener of a sealed vault failed");
                }
            })
        };
        let mut tasks = vec![serve(token, token_routes), serve(reveal, reveal_routes)];
        if let Some(listener) = bound.metrics_listener()? {
            let text = || metrics::SEALED.to_owned();
            tasks.push(tokio::spawn(metrics::serve(listener, text, stopping)));
        }
        Ok(Self {
            unsealed,
            tasks,
            stop,
            limits,
            _alive: keep,
        })
    }

    /// Waits for the officers.
    pub async fn unsealed(&mut self) -> Unsealed {
        match (&mut self.unsealed).await {
            Ok(unsealed) => unsealed,
            // The gate lives as long as the routes do; without them nobody can unseal.
            Err(_) => std::future::pending().await,
        }
    }

    /// Answers what is under way, and nothing further. The addresses stay bound.
    pub async fn finish(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = tokio::time::timeout(self.limits.drain, task).await;
        }
    }
}

/// These services, and for every other call the answer of a sealed vault.
fn sealed(routes: Routes) -> Routes {
    let fallback = || async { status::sealed().into_http::<tonic::body::Body>() };
    Routes::from(routes.into_axum_router().fallback(fallback))
}

impl std::fmt::Debug for SealedServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SealedServer")
            .finish_non_exhaustive()
    }
}
