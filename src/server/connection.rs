//! A connection whose peer has proved who it is.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use crate::inbound::Seat;
use crate::server::identity::Peer;

/// A connection whose peer has proved who it is. It keeps its seat until it closes, and ends at
/// the latest when the server does, since it runs as a task of its own.
pub(super) struct Connection {
    stream: TlsStream<TcpStream>,
    cut_off: Pin<Box<dyn Future<Output = ()> + Send>>,
    peer: Arc<Peer>,
    _seat: Seat,
}

impl Connection {
    /// A connection that ends when the sender of `server` is dropped.
    pub(super) fn new(
        stream: TlsStream<TcpStream>,
        seat: Seat,
        mut server: watch::Receiver<()>,
    ) -> Self {
        let (_, session) = stream.get_ref();
        let peer = Arc::new(Peer::of(session.peer_certificates(), seat.address()));
        Self {
            stream,
            cut_off: Box::pin(async move { while server.changed().await.is_ok() {} }),
            peer,
            _seat: seat,
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Arc<Peer>;

    fn connect_info(&self) -> Self::ConnectInfo {
        Arc::clone(&self.peer)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let connection = self.get_mut();
        // The transport always waits for the next frame, so it learns of this at once.
        if connection.cut_off.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut connection.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
