//! The addresses of a server, bound before there is a vault to serve: a vault that starts sealed
//! answers on the same ones before and after.

use std::future::Future;
use std::net::SocketAddr;
use std::net::TcpListener as StdListener;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::domain::Clock;
use crate::keys::root::shares::SharingFile;
use crate::server::BoundAddresses;
use crate::server::SealedServer;
use crate::server::ServerError;
use crate::server::ServerLimits;
use crate::server::ServerSettings;
use crate::server::listener::Listener;
use crate::vault::Vault;

/// The addresses of a server, bound. Connections wait until somebody serves.
pub struct BoundServer {
    token: StdListener,
    reveal: StdListener,
    metrics: Option<StdListener>,
    addresses: BoundAddresses,
    acceptor: TlsAcceptor,
    limits: ServerLimits,
}

impl BoundServer {
    /// Reads the certificates and binds the addresses.
    ///
    /// # Errors
    ///
    /// If a certificate cannot be used, or an address is not free.
    pub async fn bind(settings: &ServerSettings) -> Result<Self, ServerError> {
        let acceptor = settings.tls.acceptor()?;
        let token = bind("token", settings.token_address).await?;
        let reveal = bind("reveal", settings.reveal_address).await?;
        let metrics = match settings.metrics_address {
            Some(address) => Some(bind("metrics", address).await?),
            None => None,
        };
        let addresses = BoundAddresses {
            token: local_address("token", &token)?,
            reveal: local_address("reveal", &reveal)?,
            metrics: match &metrics {
                Some(listener) => Some(local_address("metrics", listener)?),
                None => None,
            },
        };
        Ok(Self {
            token,
            reveal,
            metrics,
            addresses,
            acceptor,
            limits: settings.limits,
        })
    }

    /// Where it is bound.
    #[must_use]
    pub fn addresses(&self) -> BoundAddresses {
        self.addresses
    }

    /// Answers for a sealed vault, until officers have unsealed it.
    ///
    /// # Errors
    ///
    /// If the system has no more listeners to give.
    pub async fn seal(
        &self,
        sharing: SharingFile,
        clock: Arc<dyn Clock>,
    ) -> Result<SealedServer, ServerError> {
        SealedServer::start(self, sharing, clock).await
    }

    /// Serves the vault until `shutdown` completes, then drains. `ready` learns the addresses once
    /// both listeners answer.
    ///
    /// # Errors
    ///
    /// If the server cannot start, or the audit log fails.
    pub async fn serve(
        self,
        vault: Arc<Vault>,
        shutdown: impl Future<Output = ()> + Send,
        ready: impl FnOnce(BoundAddresses),
    ) -> Result<(), ServerError> {
        super::serve_vault(self, vault, shutdown, ready).await
    }

    pub(super) fn limits(&self) -> ServerLimits {
        self.limits
    }

    /// Listeners of token and reveal addresses, whose connections end with the sender of `server`.
    pub(super) fn listeners(
        &self,
        server: &watch::Receiver<()>,
    ) -> Result<(Listener, Listener), ServerError> {
        let listener = |bound| {
            let (acceptor, server) = (self.acceptor.clone(), server.clone());
            Listener::new(bound, acceptor, self.limits, server)
        };
        Ok((
            listener(duplicate("token", &self.token)?),
            listener(duplicate("reveal", &self.reveal)?),
        ))
    }

    pub(super) fn metrics_listener(&self) -> Result<Option<TcpListener>, ServerError> {
        let metrics = self.metrics.as_ref();
        metrics.map(|bound| duplicate("metrics", bound)).transpose()
    }
}

async fn bind(listener: &'static str, address: SocketAddr) -> Result<StdListener, ServerError> {
    let failed = |source| ServerError::Bind { listener, source };
    let bound = TcpListener::bind(address).await.map_err(failed)?;
    bound.into_std().map_err(failed)
}

/// The same socket once more: it stays bound as long as one of them is there.
fn duplicate(listener: &'static str, bound: &StdListener) -> Result<TcpListener, ServerError> {
    let duplicate = bound.try_clone().and_then(TcpListener::from_std);
    duplicate.map_err(|source| ServerError::Bind { listener, source })
}

fn local_address(listener: &'static str, bound: &StdListener) -> Result<SocketAddr, ServerError> {
    bound
        .local_addr()
        .map_err(|source| ServerError::Bind { listener, source })
}

impl std::fmt::Debug for BoundServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BoundServer")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}
