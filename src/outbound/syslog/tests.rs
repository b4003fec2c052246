//! Collectors of each kind: those that take everything, and those that lose it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tempfile::TempDir;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::net::UnixDatagram;
use tokio_rustls::TlsAcceptor;

use super::*;

/// What a collector has read, message by message.
type Read = Arc<Mutex<Vec<String>>>;

fn message(index: u64) -> SyslogMessage {
    SyslogMessage {
        index,
        bytes: format!("<110>1 - - - - - - {index}").into_bytes(),
        note: format!("<110>1 - - - - - - {index} is too long").into_bytes(),
    }
}

fn delivery(target: &str, tls: Option<&SyslogTls>, patience: Patience) -> SyslogDelivery {
    let syslog = Syslog::new(target.parse().unwrap(), tls).unwrap();
    SyslogDelivery::new(syslog, patience, |_| {})
}

const PATIENT: Patience = Patience::Endless(Duration::from_millis(1));

/// Reads a message after its length; nothing at the end.
async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut length = 0;
    loop {
        match stream.read_u8().await.ok()? {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit.checked_sub(b'0')?),
        }
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.ok()?;
    String::from_utf8(bytes).ok()
}

/// How much of a connection a collector reads before it is gone: by the connection's number.
type Appetite = fn(usize) -> Option<usize>;

async fn collect(listener: TcpListener, read: Read, appetite: Appetite) {
    for number in 0.. {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut left = appetite(number);
        while left != Some(0) {
            let Some(message) = frame(&mut stream).await else {
                break;
            };
            read.lock().unwrap().push(message);
            left = left.map(|left| left - 1);
        }
    }
}

async fn collector(appetite: Appetite) -> (String, Read) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("tcp:{}", listener.local_addr().unwrap());
    let read = Read::default();
    tokio::spawn(collect(listener, Arc::clone(&read), appetite));
    (target, read)
}

fn indexes(read: &Read) -> BTreeSet<u64> {
    let read = read.lock().unwrap();
    let last = read.iter().map(|it| it.rsplit(' ').next().unwrap().parse());
    last.map(Result::unwrap).collect()
}

/// Delivers so many messages in batches, and confirms now and then, or never.
async fn deliver(target: &str, is_confirmed: bool) {
    let mut delivery = delivery(target, None, PATIENT);
    for batch in 0..MESSAGES / BATCH {
        let messages = (batch * BATCH..(batch + 1) * BATCH).map(message).collect();
        delivery.deliver(messages).await.unwrap();
        if is_confirmed && batch % 4 == 3 {
            delivery.confirm().await.unwrap();
            assert!(delivery.is_settled());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn collector_that_reads_all_has_each_message_once() {
    let (target, read) = collector(|_| None).await;
    deliver(&target, true).await;
    assert_eq!(indexes(&read), (0..MESSAGES).collect());
    assert_eq!(read.lock().unwrap().len() as u64, MESSAGES);
}

/// Goal: nothing that was confirmed is missing. Method: a collector that is gone after a few
/// messages, or at once, or with the last that was under way, over and over.
#[tokio::test(flavor = "multi_thread")]
async fn collector_that_goes_away_has_each_message_at_least_once() {
    // Once in five connections all is read.
    let appetite: Appetite = |number| match number % 5 {
        0 => Some(0),
        1 => Some(7),
        2 => Some(usize::try_from(BATCH).unwrap() * 4),
        3 => Some(39),
        _ => None,
    };
    let (target, read) = collector(appetite).await;
    deliver(&target, true).await;
    assert_eq!(indexes(&read), (0..MESSAGES).collect());
    assert!(read.lock().unwrap().len() as u64 > MESSAGES);
}

/// The planted fault: what was written is taken for delivered.
#[tokio::test(flavor = "multi_thread")]
async fn writing_alone_loses_messages() {
    let (target, read) = collector(|_| Some(7)).await;
    deliver(&target, false).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(indexes(&read).len() < usize::try_from(MESSAGES).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn collector_that_is_not_there_is_an_error_without_patience() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("tcp:{}", listener.local_addr().unwrap());
    drop(listener);
    let mut delivery = delivery(&target, None, Patience::None);
    let refused = delivery.deliver(vec![message(5)]).await;
    assert!(matches!(refused, Err(SyslogError::Io { .. })));
    assert_eq!(delivery.first_unconfirmed(), Some(5));
    for target in ["unix:/no/such/socket", "tcp:no.such.host.invalid:1"] {
        let mut delivery = self::delivery(target, None, Patience::None);
        let refused = delivery.deliver(vec![message(0)]).await;
        assert!(matches!(refused, Err(SyslogError::Io { .. })), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn message_without_room_in_a_datagram_is_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let (unix, udp) = (
        UnixDatagram::bind(&path).unwrap(),
        UdpSocket::bind("127.0.0.1:0").await.unwrap(),
    );
    let targets = [
        (format!("udp:{}", udp.local_addr().unwrap()), 65_508),
        (format!("unix:{}", path.display()), 8 << 20),
    ];
    for (target, too_long) in targets {
        let mut delivery = delivery(&target, None, Patience::None);
        let long = SyslogMessage {
            bytes: vec![b'x'; too_long],
            ..message(1)
        };
        let messages = vec![message(0), long, message(2)];
        delivery.deliver(messages).await.unwrap();
        delivery.confirm().await.unwrap();
        assert_eq!(delivery.too_long_count(), 1, "{target}");
        let mut buffer = vec![0; 70_000];
        for expected in [message(0).bytes, message(1).note, message(2).bytes] {
            let length = match target.starts_with("udp") {
                true => udp.recv(&mut buffer).await.unwrap(),
                false => unix.recv(&mut buffer).await.unwrap(),
            };
            assert_eq!(&buffer[..length], expected, "{target}");
        }
    }
}

/// A collector's certificates, and a client's.
struct Certificates {
    directory: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).unwrap();
        };
        for authority in ["ca", "other"] {
            let mut parameters = CertificateParams::default();
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let issuer =
                CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
            write(&format!("{authority}.pem"), &issuer.pem());
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            let certificate = parameters.signed_by(&key, &issuer).unwrap();
            write(&format!("{authority}.leaf.pem"), &certificate.pem());
            write(&format!("{authority}.leaf.key"), &key.serialize_pem());
        }
        Self { directory }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn files(&self, authority: &str, identity: Option<&str>) -> SyslogTls {
        let of = |name| self.path(&format!("{name}.leaf.pem"));
        let key = |name| self.path(&format!("{name}.leaf.key"));
        SyslogTls {
            ca: self.path(&format!("{authority}.pem")),
            identity: identity.map(|name| (of(name), key(name))),
            accepts_unsigned_end: false,
        }
    }

    /// Accepts those whom the authority has signed.
    fn acceptor(&self) -> TlsAcceptor {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;
        let read = |path: &Path| {
            let chain = CertificateDer::pem_file_iter(path).unwrap();
            chain.collect::<Result<Vec<_>, _>>().unwrap()
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(read(&self.path("ca.pem")));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let key = PrivateKeyDer::from_pem_file(self.path("ca.leaf.key")).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(read(&self.path("ca.leaf.pem")), key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A collector over TLS, which says that it closes, or does not.
async fn tls_collector(certificates: &Certificates, says_goodbye: bool) -> (String, Read) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("tls:localhost:{}", listener.local_addr().unwrap().port());
    let (read, acceptor) = (Read::default(), certificates.acceptor());
    let own = Arc::clone(&read);
    tokio::spawn(async move {
        loop {
            let (stream, _): (TcpStream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            while let Some(message) = frame(&mut stream).await {
                own.lock().unwrap().push(message);
            }
            if says_goodbye {
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
            }
        }
    });
    (target, read)
}

#[tokio::test(flavor = "multi_thread")]
async fn collector_over_tls_is_the_one_of_its_authority() {
    let certificates = Certificates::new();
    let (target, read) = tls_collector(&certificates, true).await;
    let own = certificates.files("ca", Some("ca"));
    let mut delivery = delivery(&target, Some(&own), Patience::None);
    for batch in 0..3 {
        let messages = (batch * BATCH..(batch + 1) * BATCH).map(message).collect();
        delivery.deliver(messages).await.unwrap();
        delivery.confirm().await.unwrap();
    }
    assert_eq!(indexes(&read), (0..3 * BATCH).collect());

    for (authority, identity) in [("other", Some("ca")), ("ca", None), ("ca", Some("other"))] {
        let files = certificates.files(authority, identity);
        let mut delivery = self::delivery(&target, Some(&files), Patience::None);
        // With TLS 1.3 a client learns only afterwards that it was not wanted.
        let sent = match delivery.deliver(vec![message(99)]).await {
            Ok(()) => delivery.confirm().await,
            refused => refused,
        };
        assert!(sent.is_err(), "{authority} {identity:?}");
    }
    assert!(!indexes(&read).contains(&99));
    let no_files = Syslog::new(target.parse().unwrap(), None);
    assert!(matches!(no_files, Err(SyslogError::Authority)));
}

#[tokio::test(flavor = "multi_thread")]
async fn end_that_nobody_signed_confirms_nothing() {
    let certificates = Certificates::new();
    let (target, read) = tls_collector(&certificates, false).await;
    let files = certificates.files("ca", Some("ca"));
    let mut delivery = delivery(&target, Some(&files), Patience::None);
    delivery.deliver(vec![message(0)]).await.unwrap();
    let closed = delivery.confirm().await;
    assert!(matches!(closed, Err(SyslogError::UnsignedEnd)));
    assert!(!delivery.is_settled());
    // It did read it: at least once.
    assert_eq!(indexes(&read), BTreeSet::from([0]));

    let files = SyslogTls {
        accepts_unsigned_end: true,
        ..files
    };
    let mut delivery = self::delivery(&target, Some(&files), Patience::None);
    delivery.deliver(vec![message(1)]).await.unwrap();
    delivery.confirm().await.unwrap();
    assert_eq!(indexes(&read), BTreeSet::from([0, 1]));
}

const MESSAGES: u64 = 400;
const BATCH: u64 = 10;
