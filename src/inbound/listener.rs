//! A listener for HTTP that anybody may reach: so many connections at once, none for longer than a
//! while, whatever the peer does or leaves undone, and with TLS where that is configured.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

use crate::inbound::Seat;
use crate::inbound::Seats;

/// How many connections there may be, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConnectionLimits {
    /// At once.
    pub all_max: usize,
    /// Of one address at once.
    pub per_peer_max: usize,
    /// How long one may say nothing.
    pub idle_max: Duration,
    /// How long one may live, however slowly something comes.
    pub age_max: Duration,
}

/// A bound listener.
pub struct Listener {
    connections: mpsc::Receiver<(Connection, SocketAddr)>,
    address: SocketAddr,
}

/// A connection that ends by itself when nothing comes for a while, or when it is old.
pub struct Connection {
    stream: Box<dyn Stream>,
    idle_max: Duration,
    idle: Pin<Box<Sleep>>,
    age: Pin<Box<Sleep>>,
    _seat: Seat,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listener {
    /// Accepts from now on, until it is dropped.
    ///
    /// # Errors
    ///
    /// If the listener has no address.
    pub fn start(
        bound: TcpListener,
        acceptor: Option<TlsAcceptor>,
        limits: ConnectionLimits,
    ) -> io::Result<Self> {
        let address = bound.local_addr()?;
        let (sender, connections) = mpsc::channel(WAITING_MAX);
        tokio::spawn(accept(bound, acceptor, limits, sender));
        Ok(Self {
            connections,
            address,
        })
    }
}

async fn accept(
    bound: TcpListener,
    acceptor: Option<TlsAcceptor>,
    limits: ConnectionLimits,
    connections: mpsc::Sender<(Connection, SocketAddr)>,
) {
    let seats = Seats::new(limits.all_max, limits.per_peer_max);
    loop {
        let accepted = tokio::select! {
            accepted = bound.accept() => accepted,
            () = connections.closed() => return,
        };
        let Ok((stream, address)) = accepted else {
            // Out of file descriptors, most likely: others must close first.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Who has more than their part, or comes when all is taken, is turned away at once.
        let Some(seat) = seats.take(address.ip()) else {
            continue;
        };
        let (acceptor, connections) = (acceptor.clone(), connections.clone());
        tokio::spawn(async move {
            let opened = tokio::time::timeout(HANDSHAKE_TIME_MAX, open(stream, acceptor)).await;
            let Ok(Some(stream)) = opened else { return };
            let connection = Connection {
                stream,
                idle_max: limits.idle_max,
                idle: Box::pin(tokio::time::sleep(limits.idle_max)),
                age: Box::pin(tokio::time::sleep(limits.age_max)),
                _seat: seat,
            };
            let _closed = connections.send((connection, address)).await;
        });
    }
}

async fn open(stream: TcpStream, acceptor: Option<TlsAcceptor>) -> Option<Box<dyn Stream>> {
    stream.set_nodelay(true).ok()?;
    match acceptor {
        Some(acceptor) => Some(Box::new(acceptor.accept(stream).await.ok()?)),
        None => Some(Box::new(stream)),
    }
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.connections.recv().await {
            Some(accepted) => accepted,
            // The accepting task lives as long as this does.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connection {
    /// Whether its time is over.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.age.as_mut().poll(context).is_ready() || self.idle.as_mut().poll(context).is_ready()
    }

    /// Something came, or went: it is not idle.
    fn touch(&mut self) {
        self.idle.as_mut().reset(now() + self.idle_max);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let connection = self.get_mut();
        if connection.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let read = Pin::new(&mut connection.stream).poll_read(context, buffer);
        if read.is_ready() {
            connection.touch();
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let connection = self.get_mut();
        if connection.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let written = Pin::new(&mut connection.stream).poll_write(context, bytes);
        if written.is_ready() {
            connection.touch();
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Listener")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").finish_non_exhaustive()
    }
}

fn now() -> Instant {
    Instant::now()
}

/// Connections that wait for the server.
const WAITING_MAX: usize = 16;
/// The longest that a handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long accepting pauses after an error.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
