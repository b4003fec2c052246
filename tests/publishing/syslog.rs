//! The log as a collector of syslog gets it, over each transport.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use serde_json::Value;

use crate::commands::Stage;
use crate::evidence::stage;
use crate::evidence::write_client;

const LOG: &str = "--data-dir data --public-key data/audit.vkey";

/// A message in its parts.
struct Message {
    priority: u64,
    time: String,
    name: String,
    text: String,
}

/// Reads a message as RFC 5424 has it, where there is no structured data.
fn parse(message: &str) -> Message {
    let parts: Vec<&str> = message.splitn(8, ' ').collect();
    let [first, time, host, application, process, name, data, text] = parts[..] else {
        panic!("{message}");
    };
    let priority = first.strip_prefix('<').unwrap().strip_suffix(">1").unwrap();
    assert_eq!((application, data), ("counterfoil", "-"));
    assert!(!host.is_empty() && process.parse::<u32>().is_ok());
    assert!(!text.starts_with('\u{feff}') && !text.contains('\n'));
    Message {
        priority: priority.parse().unwrap(),
        time: time.to_owned(),
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

/// Reads a message after its length; nothing at the end.
fn frame(stream: &mut impl Read) -> Option<String> {
    let (mut length, mut byte) = (0, [0]);
    loop {
        stream.read_exact(&mut byte).ok()?;
        match byte[0] {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit.checked_sub(b'0').unwrap()),
        }
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).ok()?;
    Some(String::from_utf8(message).unwrap())
}

/// Reads what comes over each connection, but nothing over the first so many.
fn collect(listener: TcpListener, refused_count: usize, tls: Option<Arc<ServerConfig>>) -> Inbox {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            if number < refused_count {
                continue;
            }
            let mut stream = stream.unwrap();
            match &tls {
                None => {
                    while let Some(message) = frame(&mut stream) {
                        sender.send(message).unwrap();
                    }
                }
                Some(config) => {
                    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                    let mut stream = StreamOwned::new(connection, stream);
                    while let Some(message) = frame(&mut stream) {
                        sender.send(message).unwrap();
                    }
                    stream.conn.send_close_notify();
                    let _ = stream.conn.complete_io(&mut stream.sock);
                }
            }
        }
    });
    Inbox(receiver)
}

/// What a collector has read.
struct Inbox(Receiver<String>);

impl Inbox {
    /// What is there once the command that sent it is over.
    fn all(&self) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(message) = self.0.recv_timeout(Duration::from_millis(200)) {
            all.push(message);
        }
        all
    }

    fn next(&self) -> String {
        self.0.recv_timeout(Duration::from_secs(60)).unwrap()
    }
}

/// A collector that has the stage's server certificate, and wants one of its authority.
fn tls(stage: &Stage) -> Arc<ServerConfig> {
    let read = |name: &str| {
        let chain = CertificateDer::pem_file_iter(stage.path(name)).unwrap();
        chain.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read("ca.pem"));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            read("server.pem"),
            PrivateKeyDer::from_pem_file(stage.path("server.key")).unwrap(),
        );
    Arc::new(config.unwrap())
}

/// What came over a socket of datagrams.
fn datagrams(receive: impl Fn(&mut [u8]) -> Option<usize>) -> Vec<String> {
    let mut buffer = vec![0; 1 << 20];
    let mut all = Vec::new();
    while let Some(length) = receive(&mut buffer) {
        all.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    all
}

/// Goal: a collector gets each entry, in the form that it asked for. Method: the log by each
/// transport, held against the events that the export writes.
#[test]
fn export_reaches_a_collector_over_each_transport() {
    let stage = stage();
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    for value in ["Ada Lovelace", "Grace Hopper"] {
        stage.tokenize(&client, value);
    }
    vault.stop();
    let events = stage.done(&format!("audit export {LOG} --format ocsf"));
    let events: Vec<&str> = events.lines().collect();
    assert!(events.len() > 5);

    let unix = UnixDatagram::bind(stage.path("log")).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    unix.set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    udp.set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let bind = || TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (over_tcp, over_tls) = (bind(), bind());
    let (tcp_port, tls_port) = (port(&over_tcp), port(&over_tls));
    let over_tcp = collect(over_tcp, 0, None);
    let over_tls = collect(over_tls, 0, Some(tls(&stage)));
    let send = |target: &str| stage.done(&format!("audit export {LOG} --syslog {target}"));

    assert_eq!(send(&format!("tcp:localhost:{tcp_port}")), "");
    let by_tcp = over_tcp.all();
    let credentials = "--syslog-ca ca.pem --syslog-cert client.pem --syslog-key client.key";
    send(&format!("tls:localhost:{tls_port} {credentials}"));
    let by_tls = over_tls.all();
    send(&format!("udp:{}", udp.local_addr().unwrap()));
    let by_udp = datagrams(|buffer| udp.recv(buffer).ok());
    // The queue of such a socket is short: who sends waits until there is room.
    let sending = stage
        .command(&format!("audit export {LOG} --syslog unix:log"))
        .spawn()
        .unwrap();
    let by_unix = datagrams(|buffer| unix.recv(buffer).ok());
    assert!(sending.wait_with_output().unwrap().status.success());

    for all in [by_tcp, by_tls, by_udp, by_unix] {
        assert_eq!(all.len(), events.len());
        for (message, event) in all.iter().zip(&events) {
            let message = parse(message);
            assert_eq!(message.text, *event);
            let event: Value = serde_json::from_str(event).unwrap();
            assert_eq!(message.name, event["metadata"]["event_code"]);
            let severity = match event["severity_id"].as_u64().unwrap() {
                1 => 6,
                other => 7 - other,
            };
            assert_eq!(message.priority, 13 * 8 + severity);
            let millisecond = event["time"].as_u64().unwrap() % 1_000;
            assert!(
                message.time.ends_with(&format!(".{millisecond:03}Z")),
                "{}",
                message.time
            );
        }
    }
    let lines = stage.done(&format!("audit export {LOG}"));
    send(&format!("tcp:localhost:{tcp_port} --format jsonl"));
    for (message, line) in over_tcp.all().iter().zip(lines.lines()) {
        assert_eq!(parse(message).text, line);
    }

    // What cannot be is said, and nothing is taken for delivered.
    for (target, code) in [
        ("tls:localhost:6514", 2),
        ("localhost:514", 2),
        ("unix:no/such/socket", 1),
    ] {
        let said = stage.run(&format!("audit export {LOG} --syslog {target}"));
        assert_eq!((said.code, said.output.as_str()), (code, ""), "{target}");
    }
    let silent = collect(bind_and_tell(&stage), usize::MAX, None);
    let target = fs::read_to_string(stage.path("silent")).unwrap();
    let said = stage.run(&format!("audit export {LOG} --syslog {target}"));
    assert_eq!(said.code, 1, "{}", said.words);
    assert!(said.words.contains("no entry is known"), "{}", said.words);
    assert!(silent.all().is_empty());
}

/// A listener, whose address is in the file `silent`.
fn bind_and_tell(stage: &Stage) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    fs::write(stage.path("silent"), format!("tcp:{address}")).unwrap();
    listener
}

/// Goal: a collector that was away misses nothing, and the state is kept of what it has read.
/// Method: a collector that closes the first connections unread; then the command is killed in its
/// work and begun anew.
#[test]
fn watched_entries_reach_a_collector_that_was_away() {
    let stage = stage();
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    write_client(&stage, &client);
    stage.tokenize(&client, "Ada Lovelace");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("tcp:{}", listener.local_addr().unwrap());
    let watch = format!(
        "audit watch --config-client client.toml --public-key data/audit.vkey --state watched \
         --syslog {target}"
    );
    let inbox = collect(listener, 2, None);
    let said = stage.run(&format!("{watch} --count 5"));
    assert_eq!((said.code, said.output.as_str()), (0, ""), "{}", said.words);
    assert!(said.words.contains("trying again"), "{}", said.words);
    let mut indexes = BTreeMap::<u64, usize>::new();
    let index = |message: &str| {
        let event: Value = serde_json::from_str(&parse(message).text).unwrap();
        event["metadata"]["sequence"].as_u64().unwrap()
    };
    for message in inbox.all() {
        *indexes.entry(index(&message)).or_default() += 1;
    }
    assert!(indexes.keys().copied().eq(0..5), "{indexes:?}");

    // Killed before it could know that all has arrived, or just after: nothing is left out.
    let size = || -> Option<u64> {
        let note = fs::read_to_string(stage.path("watched")).ok()?;
        note.lines().nth(1)?.parse().ok()
    };
    let run = || {
        let mut command = stage.command(&watch);
        command.stderr(Stdio::null()).spawn().unwrap()
    };
    let mut watching = run();
    stage.tokenize(&client, "Grace Hopper");
    let first = index(&inbox.next());
    assert!(first <= 5, "{first}");
    watching.kill().unwrap();
    watching.wait().unwrap();
    inbox.all();
    let kept = size().unwrap_or(0);
    let mut watching = run();
    assert_eq!(index(&inbox.next()), kept);
    // Once nothing more comes, what came is confirmed, and the state kept.
    let mut waited = 0;
    while size().unwrap_or(0) <= kept {
        assert!(waited < 600, "the state is not kept");
        std::thread::sleep(Duration::from_millis(100));
        waited += 1;
    }
    watching.kill().unwrap();
    watching.wait().unwrap();
    let last = inbox.all().iter().map(|message| index(message)).max();
    assert!(last.unwrap_or(kept) + 1 >= size().unwrap());
    vault.stop();
}
