//! The two listeners: tokens on one, reveals on the other, TLS 1.3 with client certificates on
//! both.
//!
//! ```text
//! accept → limits → handshake → identity → (tonic) → convert → vault → convert → answer
//! ```
//!
//! Text becomes [`crate::domain`] types in `convert`, and nowhere deeper; errors become statuses in
//! `status`, and nowhere else.

mod admission;
mod audit_service;
mod backup_service;
mod bound;
mod connection;
mod convert;
mod detokenization_service;
mod grant_service;
mod health;
mod identity;
mod key_service;
mod limits;
mod listener;
mod metrics;
mod overdue;
mod principal_service;
mod protected;
mod sealed;
mod status;
mod stream;
mod subject_service;
mod tiles;
mod tls;
mod token_service;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::vault::Vault;

pub use bound::BoundServer;
pub use limits::ServerLimits;
pub use sealed::SealedServer;
pub use sealed::Unsealed;
pub use tiles::PublishError;
pub use tiles::PublishedLog;
pub use tiles::publish;
pub use tls::TlsError;
pub use tls::TlsFiles;

use self::audit_service::AuditEndpoint;
use self::backup_service::BackupEndpoint;
use self::detokenization_service::DetokenizationEndpoint;
use self::grant_service::GrantEndpoint;
use self::health::Health;
use self::key_service::KeyEndpoint;
use self::listener::Listener;
use self::metrics::Metrics;
use self::overdue::Overdue;
use self::principal_service::PrincipalEndpoint;
use self::sealed::SealEndpoint;
use self::subject_service::SubjectEndpoint;
use self::token_service::TokenEndpoint;

/// What a server needs beside its vault.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where the token listener binds.
    pub token_address: SocketAddr,
    /// Where the reveal listener binds.
    pub reveal_address: SocketAddr,
    /// Where metrics are served, over plain HTTP, if at all.
    pub metrics_address: Option<SocketAddr>,
    /// Certificates.
    pub tls: TlsFiles,
    /// Limits on everything.
    pub limits: ServerLimits,
}

/// The addresses that a server is bound to.
#[derive(Clone, Copy, Debug)]
pub struct BoundAddresses {
    /// Of the token listener.
    pub token: SocketAddr,
    /// Of the reveal listener.
    pub reveal: SocketAddr,
    /// Of the metrics, if they are served.
    pub metrics: Option<SocketAddr>,
}

/// Why a server did not start, or stopped.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The audit log failed while serving: what was being written may be there or not.
    #[error("audit log failed, so the process stops\nremedy: start it anew; it verifies the log")]
    AuditFailed,
    /// A listener could not be bound.
    #[error("{listener} listener cannot be bound\nremedy: choose a free address")]
    Bind {
        /// Which listener.
        listener: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The transport failed.
    #[error("transport failed")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves the vault until `shutdown` completes, then drains. `ready` learns the addresses once
/// both listeners answer.
///
/// # Errors
///
/// If the server cannot start, or the audit log fails.
pub async fn run(
    vault: Arc<Vault>,
    settings: ServerSettings,
    shutdown: impl Future<Output = ()> + Send,
    ready: impl FnOnce(BoundAddresses),
) -> Result<(), ServerError> {
    let bound = BoundServer::bind(&settings).await?;
    bound.serve(vault, shutdown, ready).await
}

async fn serve_vault(
    bound: BoundServer,
    vault: Arc<Vault>,
    shutdown: impl Future<Output = ()> + Send,
    ready: impl FnOnce(BoundAddresses),
) -> Result<(), ServerError> {
    let limits = bound.limits();
    let metrics = Arc::new(Metrics::new());
    let health = Health::new();
    let (stop, stopping) = watch::channel(false);
    let token_routes = Routes::new(health.service()).add_service(TokenEndpoint::service(
        Arc::clone(&vault),
        &limits,
        Arc::clone(&metrics),
        health.overdue(),
    ));
    let reveal_routes = reveal_routes(&vault, &limits, &metrics, &health, &stopping);
    // Dropped at the end of this function, however it ends: no connection outlives it.
    let (_server, alive) = watch::channel(());
    let (token, reveal) = bound.listeners(&alive)?;
    let serve = |listener, routes| {
        let overdue = health.overdue().clone();
        serve(listener, routes, limits, overdue, stopping.clone())
    };
    let (token, reveal) = (serve(token, token_routes), serve(reveal, reveal_routes));
    if let Some(listener) = bound.metrics_listener()? {
        let vault = Arc::clone(&vault);
        let text = move || metrics.text(&vault);
        tokio::spawn(metrics::serve(listener, text, stopping));
    }
    let addresses = bound.addresses();
    // The sockets are the listeners' alone from here on: they close as soon as those do.
    drop(bound);
    health.serving(&vault).await;
    ready(addresses);

    let served = async { tokio::try_join!(token, reveal) };
    tokio::pin!(served);
    let reason = tokio::select! {
        served = &mut served => return served.map(drop).map_err(ServerError::from),
        () = shutdown => Ok(()),
        () = health.watch(&vault) => Err(ServerError::AuditFailed),
    };
    health.stopping().await;
    let _ = stop.send(true);
    // What is still under way when the time is over is cut off; each call's intent is durable.
    let _ = tokio::time::timeout(limits.drain, served).await;
    reason
}

/// The services of the reveal listener.
fn reveal_routes(
    vault: &Arc<Vault>,
    limits: &ServerLimits,
    metrics: &Arc<Metrics>,
    health: &Health,
    stopping: &watch::Receiver<bool>,
) -> Routes {
    Routes::new(health.service())
        .add_service(SealEndpoint::service(None, limits))
        .add_service(DetokenizationEndpoint::service(
            Arc::clone(vault),
            limits,
            Arc::clone(metrics),
            health.overdue(),
        ))
        .add_service(GrantEndpoint::service(
            Arc::clone(vault),
            limits,
            Arc::clone(metrics),
        ))
        .add_service(PrincipalEndpoint::service(
            Arc::clone(vault),
            limits,
            Arc::clone(metrics),
        ))
        .add_service(KeyEndpoint::service(
            Arc::clone(vault),
            limits,
            Arc::clone(metrics),
            health.overdue(),
        ))
        .add_service(AuditEndpoint::service(
            Arc::clone(vault),
            limits,
            Arc::clone(metrics),
            stopping.clone(),
        ))
        .add_service(SubjectEndpoint::service(
            Arc::clone(vault),
            limits,
            Arc::clone(metrics),
        ))
        .add_service(BackupEndpoint::service(
            Arc::clone(vault),
            limits,
            Arc::clone(metrics),
        ))
}

async fn serve(
    listener: Listener,
    routes: Routes,
    limits: ServerLimits,
    overdue: Overdue,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    let stop = async move {
        // An error means that the sender is gone, which is a stop too.
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    limits
        .apply(Server::builder())
        .layer(limits.admission(overdue))
        .add_routes(routes)
        .serve_with_incoming_shutdown(listener.connections(), stop)
        .await
}
