//! Accepts connections: a bounded number, each for a bounded time, with TLS where it is configured.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
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

/// The certificate of a witness, by which its logs know that they speak to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// A bound listener.
pub(super) struct Listener {
    connections: mpsc::Receiver<(Connection, SocketAddr)>,
    address: SocketAddr,
}

/// A connection that ends by itself when nothing comes for a while, or when it is old.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    idle: Pin<Box<Sleep>>,
    age: Pin<Box<Sleep>>,
    _seat: Seat,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl CertificateFiles {
    /// TLS 1.3 with this certificate. The protocol has no client certificates: a checkpoint is
    /// signed.
    pub(super) fn acceptor(&self) -> Option<TlsAcceptor> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .ok()?;
        let key = PrivateKeyDer::from_pem_file(&self.key).ok()?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .ok()?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .ok()?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Some(TlsAcceptor::from(Arc::new(config)))
    }
}

impl Listener {
    /// Accepts from now on, until it is dropped.
    pub(super) fn start(
        bound: TcpListener,
        address: SocketAddr,
        acceptor: Option<TlsAcceptor>,
    ) -> Self {
        let (sender, connections) = mpsc::channel(WAITING_MAX);
        tokio::spawn(accept(bound, acceptor, sender));
        Self {
            connections,
            address,
        }
    }
}

async fn accept(
    bound: TcpListener,
    acceptor: Option<TlsAcceptor>,
    connections: mpsc::Sender<(Connection, SocketAddr)>,
) {
    let seats = Seats::new(CONNECTIONS_MAX, CONNECTIONS_PER_PEER_MAX);
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
        // Who has more than their part, or comes when all is taken, is turned away at once: the
        // witness has no other way to tell those whom it is for.
        let Some(seat) = seats.take(address.ip()) else {
            continue;
        };
        let (acceptor, connections) = (acceptor.clone(), connections.clone());
        tokio::spawn(async move {
            let opened = tokio::time::timeout(HANDSHAKE_TIME_MAX, open(stream, acceptor)).await;
            let Ok(Some(stream)) = opened else { return };
            let connection = Connection {
                stream,
                idle: Box::pin(tokio::time::sleep(IDLE_TIME_MAX)),
                age: Box::pin(tokio::time::sleep(AGE_MAX)),
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
        self.idle.as_mut().reset(now() + IDLE_TIME_MAX);
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

fn now() -> Instant {
    Instant::now()
}

/// Connections that are open at once.
const CONNECTIONS_MAX: usize = 128;
/// Connections that one address has open at once: a vault needs one.
const CONNECTIONS_PER_PEER_MAX: usize = 16;
/// Connections that wait for the server.
const WAITING_MAX: usize = 16;
/// The longest that a handshake may take.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a connection may say nothing: longer than clients keep theirs.
const IDLE_TIME_MAX: Duration = Duration::from_secs(120);
/// How long a connection may live, however slowly something comes.
const AGE_MAX: Duration = Duration::from_secs(15 * 60);
/// How long accepting pauses after an error.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
