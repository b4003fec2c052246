//! Goal: each answer of C2SP tlog-witness is given, and no other. Method: a table of requests, one
//! after another, to a witness that serves over HTTP.

use std::fs;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;
use crate::outbound::Answer;
use crate::outbound::Client;
use crate::outbound::ServiceUrl;

struct Served {
    url: String,
    stop: oneshot::Sender<()>,
}

async fn serve_witness(witness: Witness) -> Served {
    serve_with(witness, None).await
}

async fn serve_with(witness: Witness, certificate: Option<CertificateFiles>) -> Served {
    let (scheme, host) = match certificate {
        Some(_) => ("https", "localhost"),
        None => ("http", "127.0.0.1"),
    };
    let (stop, stopping) = oneshot::channel();
    let (ready, is_ready) = oneshot::channel();
    tokio::spawn(async move {
        let settings = ServeSettings {
            address: "127.0.0.1:0".parse().unwrap(),
            certificate,
        };
        let stopping = async move {
            let _ = stopping.await;
        };
        let ready = move |address| {
            let _ = ready.send(address);
        };
        serve(witness, &settings, stopping, ready).await.unwrap();
    });
    let port = is_ready.await.unwrap().port();
    let url = format!("{scheme}://{host}:{port}/add-checkpoint");
    Served { url, stop }
}

impl Served {
    async fn post(&self, body: String) -> Answer {
        let url = ServiceUrl::new(&self.url).unwrap();
        let client = Client::new(&url, None, Duration::from_secs(5)).unwrap();
        let answer = client
            .exchange(body.into_bytes(), "text/plain", 1 << 20)
            .await;
        answer.unwrap()
    }

    fn client(&self) -> WitnessClient {
        let settings = ClientSettings {
            url: ServiceUrl::new(&self.url).unwrap(),
            ca_file: None,
            verifier: verifier(),
        };
        WitnessClient::new(&settings, Arc::new(Still)).unwrap()
    }
}

fn changed(submission: Submission, change: impl FnOnce(&mut Submission)) -> String {
    let mut submission = submission;
    change(&mut submission);
    submission.to_string()
}

#[expect(clippy::too_many_lines, reason = "a table is long")]
#[tokio::test]
async fn every_answer_of_the_specification_is_given() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(40, 40, 0);
    let fork = TestLog::new(40, 5, 1);
    let stranger = TestLog {
        origin: NoteKeyName::new("other.example/audit").unwrap(),
        ..TestLog::new(40, 40, 0)
    };
    let thief = TestLog {
        key: AuditSigningKey::new(&KeyBytes::from_array(&[4; 32])),
        ..TestLog::new(40, 40, 0)
    };
    let state = StateDirectory::open(&directory.path().join("state")).unwrap();
    let served = serve_witness(log.witness(state)).await;
    let both = thief.note(12).with_signatures_of(log.note(12)).unwrap();
    let conflict = |size: u64| (409, format!("{size}\n"));
    let refused = |status: u16| (status, String::new());
    let cosigned = (200, String::new());
    let table = [
        ("not a submission", "old 0\n".to_owned(), refused(400)),
        ("empty", String::new(), refused(400)),
        (
            "not a checkpoint",
            format!("old 0\n\n{}", log.key.sign(origin(), "text\n").unwrap()),
            refused(400),
        ),
        (
            "too long",
            format!("old 0\n\n{}", "x".repeat(1 << 20)),
            refused(413),
        ),
        (
            "another log",
            stranger.submission(0, 9).to_string(),
            refused(404),
        ),
        (
            "another key",
            thief.submission(0, 9).to_string(),
            refused(403),
        ),
        (
            "old size beyond",
            log.submission(12, 9).to_string(),
            refused(400),
        ),
        ("never seen", log.submission(3, 9).to_string(), conflict(0)),
        (
            "proof from nothing",
            changed(log.submission(0, 9), |it| it.proof = log.proof(3, 9)),
            refused(422),
        ),
        ("first", log.submission(0, 9).to_string(), cosigned.clone()),
        ("again", log.submission(9, 9).to_string(), cosigned.clone()),
        (
            "nothing known",
            log.submission(0, 12).to_string(),
            conflict(9),
        ),
        ("older", log.submission(3, 7).to_string(), conflict(9)),
        (
            "same size, other root",
            fork.submission(9, 9).to_string(),
            conflict(9),
        ),
        ("fork", fork.submission(9, 12).to_string(), refused(422)),
        (
            "proof cut",
            changed(log.submission(9, 12), |it| {
                it.proof.truncate(it.proof.len() - 1)
            }),
            refused(422),
        ),
        (
            "proof of the same size",
            changed(log.submission(9, 9), |it| it.proof = log.proof(3, 9)),
            refused(422),
        ),
        (
            "strangers' signatures too",
            changed(log.submission(9, 12), |it| it.note = both.clone()),
            cosigned.clone(),
        ),
        ("leap", log.submission(12, 40).to_string(), cosigned.clone()),
        ("back", log.submission(12, 13).to_string(), conflict(40)),
    ];
    for (what, body, (status, expected)) in table {
        let text = body.split_once("\n\n").map(|(_, note)| note.to_owned());
        let answer = served.post(body).await;
        assert_eq!(answer.status, status, "{what}");
        let body = String::from_utf8(answer.body).unwrap();
        let is_size = answer.content_type.as_deref() == Some("text/x.tlog.size");
        assert_eq!(is_size, status == 409, "{what}");
        if status == 409 {
            assert_eq!(body, expected, "{what}");
        }
        if status == 200 {
            let note: SignedNote = text.unwrap().parse().unwrap();
            let cosigned: SignedNote = format!("{}\n{body}", note.text()).parse().unwrap();
            assert_eq!(cosigned.signatures().len(), 1, "{what}");
            assert_eq!(verifier().verify(&cosigned), Ok(NOW), "{what}");
        }
    }
    served.stop.send(()).unwrap();
}

#[tokio::test]
async fn client_and_witness_agree() {
    let directory = tempfile::tempdir().unwrap();
    let log = TestLog::new(40, 40, 0);
    let fork = TestLog::new(40, 5, 1);
    let state = StateDirectory::open(&directory.path().join("state")).unwrap();
    let served = serve_witness(log.witness(state)).await;
    let client = served.client();
    let submit = async |submission: Submission| client.submit(&submission).await.unwrap();
    let Submitted::Cosigned(note) = submit(log.submission(0, 9)).await else {
        panic!("not cosigned");
    };
    assert_eq!(note.text(), log.note(9).text());
    assert_eq!(verifier().verify(&note), Ok(NOW));
    let conflict = Submitted::Conflict { latest_size: 9 };
    assert_eq!(submit(log.submission(0, 12)).await, conflict);
    assert_eq!(submit(fork.submission(9, 9)).await, conflict);
    assert_eq!(
        submit(fork.submission(9, 12)).await,
        Submitted::Inconsistent
    );

    // Another key than the configured one: its cosignature is nobody's.
    let other = ClientSettings {
        url: ServiceUrl::new(&served.url).unwrap(),
        ca_file: None,
        verifier: CosignerKey::new(verifier().name().clone(), &KeyBytes::from_array(&[6; 32]))
            .verifier(),
    };
    let other = WitnessClient::new(&other, Arc::new(Still)).unwrap();
    let answer = other.submit(&log.submission(9, 9)).await;
    assert!(matches!(answer, Err(WitnessError::Answer)), "{answer:?}");

    // What is cosigned now is nothing to a vault that lives five minutes later: it may have been
    // kept by whoever answers then.
    let settings = ClientSettings {
        url: ServiceUrl::new(&served.url).unwrap(),
        ca_file: None,
        verifier: verifier(),
    };
    for (seconds, is_now) in [(300, true), (301, false)] {
        let later = Arc::new(Later(seconds));
        let later = WitnessClient::new(&settings, later).unwrap();
        let answer = later.submit(&log.submission(9, 9)).await;
        assert_eq!(matches!(answer, Ok(Submitted::Cosigned(_))), is_now);
        assert_eq!(matches!(answer, Err(WitnessError::Time)), !is_now);
    }
    served.stop.send(()).unwrap();
}

#[tokio::test]
async fn witness_over_tls_is_known_by_its_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["w", "other"] {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap();
        fs::write(path(&format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    let log = TestLog::new(9, 9, 0);
    let witness = log.witness(StateDirectory::open(&path("state")).unwrap());
    let files = CertificateFiles {
        certificate: path("w.pem"),
        key: path("w.key"),
    };
    let served = serve_with(witness, Some(files)).await;
    let client = |ca_file: Option<&str>| {
        let settings = ClientSettings {
            url: ServiceUrl::new(&served.url).unwrap(),
            ca_file: ca_file.map(path),
            verifier: verifier(),
        };
        WitnessClient::new(&settings, Arc::new(Still)).unwrap()
    };
    let submission = log.submission(0, 9);
    for stranger in [None, Some("other.pem")] {
        let answer = client(stranger).submit(&submission).await;
        assert!(
            matches!(answer, Err(WitnessError::Outbound(_))),
            "{answer:?}"
        );
    }
    let answer = client(Some("w.pem")).submit(&submission).await;
    assert!(matches!(answer, Ok(Submitted::Cosigned(_))), "{answer:?}");
    served.stop.send(()).unwrap();
}

/// Goal: what one key of a log has signed is not cosigned beside a forgery in the name of another,
/// whichever stands first. Method: a log with two keys; the forgery is the second key's signature
/// of another checkpoint.
#[test]
fn forged_signature_of_a_known_key_is_refused() {
    let log = TestLog::new(12, 12, 0);
    let second = TestLog {
        key: AuditSigningKey::new(&KeyBytes::from_array(&[4; 32])),
        ..TestLog::new(12, 12, 0)
    };
    let line = |note: SignedNote| note.to_string().lines().last().unwrap().to_owned() + "\n";
    let note = log.note(9);
    let (own, right, forged) = (
        line(note.clone()),
        line(second.note(9)),
        line(second.note(8)),
    );
    for (lines, is_cosigned_by_both, is_cosigned_by_one) in [
        ([&own, &right], true, true),
        ([&own, &forged], false, true),
        ([&forged, &own], false, true),
        ([&right, &forged], false, false),
    ] {
        let lines = lines.map(String::as_str).concat();
        let submission = Submission {
            note: format!("{}\n{lines}", note.text()).parse().unwrap(),
            ..log.submission(0, 9)
        };
        for (is_second_known, is_cosigned) in
            [(true, is_cosigned_by_both), (false, is_cosigned_by_one)]
        {
            let directory = tempfile::tempdir().unwrap();
            let keeper = Box::new(StateDirectory::open(directory.path()).unwrap());
            let mut watched = log.watched(None);
            let key = second.key.verifier(origin());
            watched.keys.extend(is_second_known.then_some(key));
            let witness = Witness::new(cosigner(), vec![watched], keeper, Arc::new(Still));
            let answer = add(&witness, &submission);
            let expected = if is_cosigned {
                None
            } else {
                Some(Refusal::NotSigned)
            };
            assert_eq!(answer.err(), expected, "{lines}");
        }
    }
}

/// Goal: one address cannot take every connection from the logs of others. Method: it opens as many
/// as it can, and another asks.
#[tokio::test]
async fn one_address_leaves_connections_for_others() {
    let directory = tempfile::tempdir().unwrap();
    let witness = TestLog::new(9, 9, 0).witness(StateDirectory::open(directory.path()).unwrap());
    let served = serve_witness(witness).await;
    let port: u16 = served
        .url
        .split([':', '/'])
        .nth(4)
        .unwrap()
        .parse()
        .unwrap();
    let mut held = Vec::new();
    for _ in 0..140 {
        held.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = socket.connect(([127, 0, 0, 1], port).into()).await.unwrap();
    let asked = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    other.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    other.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
