//! Accepts connections: a seat first, then the handshake within its time, then the server.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use crate::inbound::Seats;
use crate::server::connection::Connection;
use crate::server::limits::ServerLimits;

/// A bound listener with its limits.
pub(super) struct Listener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    limits: ServerLimits,
    server: watch::Receiver<()>,
}

impl Listener {
    /// A listener whose connections end when the sender of `server` is dropped.
    pub(super) fn new(
        listener: TcpListener,
        acceptor: TlsAcceptor,
        limits: ServerLimits,
        server: watch::Receiver<()>,
    ) -> Self {
        Self {
            listener,
            acceptor,
            limits,
            server,
        }
    }

    /// The connections whose handshakes have succeeded. The listener closes with the stream.
    pub(super) fn connections(
        self,
    ) -> impl Stream<Item = std::io::Result<Connection>> + Send + 'static {
        let (sender, receiver) = mpsc::channel(HANDSHAKEN_WAITING_MAX);
        tokio::spawn(self.accept(sender));
        ReceiverStream::new(receiver)
    }

    async fn accept(self, connections: mpsc::Sender<std::io::Result<Connection>>) {
        let limits = &self.limits;
        let seats = Seats::new(limits.connections, limits.connections_per_peer);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = connections.closed() => return,
            };
            let Ok((stream, address)) = accepted else {
                // Out of file descriptors, most likely: others must close first.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Some(seat) = seats.take(address.ip()) else {
                continue;
            };
            let acceptor = self.acceptor.clone();
            let connections = connections.clone();
            let time_max = self.limits.handshake;
            let server = self.server.clone();
            tokio::spawn(async move {
                // A peer that does not finish its handshake, or has no certificate that we trust,
                // is dropped without an answer beyond TLS's own alert.
                if let Some(stream) = handshake(acceptor, stream, time_max).await {
                    let connection = Connection::new(stream, seat, server);
                    let _ = connections.send(Ok(connection)).await;
                }
            });
        }
    }
}

async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    time_max: Duration,
) -> Option<TlsStream<TcpStream>> {
    stream.set_nodelay(true).ok()?;
    match tokio::time::timeout(time_max, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        // What TLS says of it: an unknown authority, an expired certificate, no certificate.
        Ok(Err(error)) => {
            tracing::info!(%error, "connection refused in the TLS handshake");
            None
        }
        Err(_) => {
            tracing::info!("connection dropped: no TLS handshake in time");
            None
        }
    }
}

/// Connections with a handshake behind them that wait for the server.
const HANDSHAKEN_WAITING_MAX: usize = 64;
/// How long accepting pauses after an error.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
