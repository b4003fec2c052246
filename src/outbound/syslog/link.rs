//! One connection to a collector at a time.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::io::Errno;
use rustls::pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt;
use tokio::io::BufWriter;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::net::UnixDatagram;
use tokio::net::lookup_host;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::outbound::syslog::HostPort;
use crate::outbound::syslog::SyslogError;
use crate::outbound::syslog::SyslogTarget;
use crate::outbound::syslog::SyslogTls;

/// A collector of syslog, connected when something is sent.
pub struct Syslog {
    target: SyslogTarget,
    tls: Option<TlsConnector>,
    accepts_unsigned_end: bool,
    link: Option<Link>,
}

/// A connection, or a socket that is meant for one receiver.
enum Link {
    Stream(Connection),
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

/// A connection over which it becomes known what has arrived.
struct Connection {
    stream: BufWriter<Box<dyn Stream>>,
    /// How long it took to connect: about a round trip.
    connecting: Duration,
}

/// TCP, with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn socket(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Syslog {
    /// A collector. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// If the files of TLS cannot be used, or are not given where the target wants them.
    pub fn new(target: SyslogTarget, tls: Option<&SyslogTls>) -> Result<Self, SyslogError> {
        let accepts_unsigned_end = tls.is_some_and(|tls| tls.accepts_unsigned_end);
        let tls = match (&target, tls) {
            (SyslogTarget::Tls(_), None) => return Err(SyslogError::Authority),
            (SyslogTarget::Tls(_), Some(files)) => Some(files.connector()?),
            (SyslogTarget::Tcp(_) | SyslogTarget::Udp(_) | SyslogTarget::Unix(_), _) => None,
        };
        Ok(Self {
            target,
            tls,
            accepts_unsigned_end,
            link: None,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn target(&self) -> &SyslogTarget {
        &self.target
    }

    /// Sends a message, after connecting if there is no connection. Over a stream it may wait for
    /// others: see [`Self::flush`].
    ///
    /// # Errors
    ///
    /// [`SyslogError::TooLong`] if nothing was sent of it; anything else ends the connection, and
    /// nothing is known of what was sent over it.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), SyslogError> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connect().await?,
        };
        let sent = timeout(WRITE_TIME_MAX, link.send(message)).await;
        let sent = sent.unwrap_or(Err(SyslogError::Time("take a message")));
        if matches!(sent, Ok(()) | Err(SyslogError::TooLong)) {
            self.link = Some(link);
        }
        sent
    }

    /// Hands on what waits.
    ///
    /// # Errors
    ///
    /// As [`Self::send`].
    pub async fn flush(&mut self) -> Result<(), SyslogError> {
        let Some(Link::Stream(mut connection)) = self.link.take_if(|link| link.is_stream()) else {
            return Ok(());
        };
        connection.flush().await?;
        self.link = Some(Link::Stream(connection));
        Ok(())
    }

    /// Makes sure that the collector has read what was sent, by closing the connection. Of
    /// datagrams nothing can be known but that one was turned away.
    ///
    /// # Errors
    ///
    /// If it may not have.
    pub async fn confirm(&mut self) -> Result<(), SyslogError> {
        match self.link.take() {
            Some(Link::Stream(connection)) => connection.close(self.accepts_unsigned_end).await,
            Some(Link::Udp(socket)) => {
                let error = socket.take_error().ok().flatten();
                match error {
                    Some(error) => Err(SyslogError::io("send a datagram")(error)),
                    None => {
                        self.link = Some(Link::Udp(socket));
                        Ok(())
                    }
                }
            }
            link @ (Some(Link::Unix(_)) | None) => {
                self.link = link;
                Ok(())
            }
        }
    }

    async fn connect(&self) -> Result<Link, SyslogError> {
        let began = Instant::now();
        match &self.target {
            SyslogTarget::Unix(path) => {
                let socket = UnixDatagram::unbound().map_err(SyslogError::io("open a socket"))?;
                socket
                    .connect(path)
                    .map_err(SyslogError::io("reach the collector's socket"))?;
                Ok(Link::Unix(socket))
            }
            SyslogTarget::Udp(place) => Ok(Link::Udp(connect_udp(place).await?)),
            SyslogTarget::Tcp(place) | SyslogTarget::Tls(place) => {
                let connecting = timeout(CONNECT_TIME_MAX, self.connect_stream(place)).await;
                let stream = connecting.unwrap_or(Err(SyslogError::Time("answer")))?;
                Ok(Link::Stream(Connection {
                    stream: BufWriter::with_capacity(BUFFER_BYTES, stream),
                    connecting: began.elapsed(),
                }))
            }
        }
    }

    async fn connect_stream(&self, place: &HostPort) -> Result<Box<dyn Stream>, SyslogError> {
        let HostPort { host, port } = place;
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(SyslogError::io("connect to the collector"))?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.clone()).map_err(|_| SyslogError::Address)?;
        let stream = tls.connect(name, stream).await;
        let stream = stream.map_err(SyslogError::io("agree with the collector on TLS"))?;
        Ok(Box::new(stream))
    }
}

impl Link {
    const fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    async fn send(&mut self, message: &[u8]) -> Result<(), SyslogError> {
        let sent = match self {
            Self::Stream(connection) => return connection.send(message).await,
            Self::Udp(socket) => socket.send(message).await,
            Self::Unix(socket) => socket.send(message).await,
        };
        match sent {
            Ok(bytes) if bytes == message.len() => Ok(()),
            Ok(_) => Err(SyslogError::TooLong),
            Err(error) if is_too_long(&error) => Err(SyslogError::TooLong),
            Err(error) => Err(SyslogError::io("send a datagram")(error)),
        }
    }
}

impl Connection {
    /// Octet counting: RFC 6587, section 3.4.1, and RFC 5425, section 4.3.
    async fn send(&mut self, message: &[u8]) -> Result<(), SyslogError> {
        let failed = SyslogError::io("write to the collector");
        let length = format!("{} ", message.len());
        let written = async {
            self.stream.write_all(length.as_bytes()).await?;
            self.stream.write_all(message).await
        };
        written.await.map_err(failed)
    }

    async fn flush(&mut self) -> Result<(), SyslogError> {
        let flushed = timeout(WRITE_TIME_MAX, self.stream.flush()).await;
        let flushed = flushed.map_err(|_| SyslogError::Time("take a message"))?;
        flushed.map_err(SyslogError::io("write to the collector"))
    }

    /// Closes the connection towards the collector, and waits until it closes it, too: it does that
    /// when it has read all. With TLS only its signed word for that counts (`close_notify`), unless
    /// an unsigned one is accepted.
    async fn close(mut self, accepts_unsigned_end: bool) -> Result<(), SyslogError> {
        self.flush().await?;
        let mut answer = [0; 512];
        // Who closed before us did so without having read all.
        let early = timeout(Duration::ZERO, self.stream.read(&mut answer)).await;
        if matches!(early, Ok(Ok(0) | Err(_))) {
            return Err(SyslogError::Closed);
        }
        let closing = async {
            self.stream.shutdown().await?;
            let mut answered = 0;
            loop {
                match self.stream.read(&mut answer).await? {
                    0 => return Ok(()),
                    count => answered += count,
                }
                if answered > ANSWER_BYTES_MAX {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        };
        let closed = timeout(CLOSE_TIME_MAX, closing).await;
        let closed: io::Result<()> =
            closed.map_err(|_| SyslogError::Time("close the connection after the last message"))?;
        match closed {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                if !accepts_unsigned_end {
                    return Err(SyslogError::UnsignedEnd);
                }
            }
            Err(_) => return Err(SyslogError::Closed),
        }
        // Its end may have crossed ours on the way: then what was under way is turned away now.
        tokio::time::sleep(self.connecting * 2 + CROSSING_TIME).await;
        match self.stream.get_ref().socket().take_error() {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(SyslogError::Closed),
        }
    }
}

async fn connect_udp(place: &HostPort) -> Result<UdpSocket, SyslogError> {
    let HostPort { host, port } = place;
    let failed = || SyslogError::io("find the collector's address");
    let mut found = lookup_host((host.as_str(), *port))
        .await
        .map_err(failed())?;
    let address = found.next();
    let address = address.ok_or_else(|| failed()(io::ErrorKind::NotFound.into()))?;
    let own: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(own).await;
    let socket = socket.map_err(SyslogError::io("open a socket"))?;
    let connected = socket.connect(address).await;
    connected.map_err(SyslogError::io("reach the collector"))?;
    Ok(socket)
}

fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::MSGSIZE.raw_os_error())
}

impl fmt::Debug for Syslog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Syslog")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// For one message, or what waits in the buffer: a collector that does not read.
const WRITE_TIME_MAX: Duration = Duration::from_secs(30);
/// For a collector to read what is under way, and to close.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(30);
const CROSSING_TIME: Duration = Duration::from_millis(20);
const BUFFER_BYTES: usize = 64 << 10;
/// A collector has nothing to say.
const ANSWER_BYTES_MAX: usize = 64 << 10;
