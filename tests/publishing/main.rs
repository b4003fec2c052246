//! The published log, read by who knows C2SP tlog-tiles and nothing of us; and the commands of
//! whoever checks a log: receipts, proofs, following.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::too_many_lines,
    reason = "clippy takes only functions with #[test] for tests"
)]
#![expect(dead_code, reason = "the stage has more than these stories need")]

mod archive;
#[path = "../support/commands.rs"]
mod commands;
mod cosigned;
mod evidence;
mod others;
mod reader;
mod syslog;
mod their_reader;
mod witnessed;
mod writer;

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use counterfoil::audit::PublishedCheckpoint;
use counterfoil::server::PublishedLog;
use counterfoil::server::publish;
use tempfile::TempDir;
use tokio::net::TcpListener;

use self::writer::Writer;
use self::writer::keys;

/// An answer over HTTP.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn ask(address: SocketAddr, method: &str, path: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: answer[end + 4..].to_vec(),
    }
}

/// Files over HTTP. Who is told to come again does, a few times.
pub(crate) fn over_http(address: SocketAddr) -> impl Fn(&str) -> Option<Vec<u8>> {
    move |path| {
        let ask = || ask(address, "GET", &format!("/{path}"));
        let mut answers = (0..TRIES_MAX).map(|_| ask());
        let answer = answers.find(|answer| answer.status != 503);
        match answer.map(|answer| (answer.status, answer.body)) {
            Some((200, body)) => Some(body),
            Some((404, _)) => None,
            Some((status, _)) => panic!("{path}: {status}"),
            None => panic!("{path}: 503 each time"),
        }
    }
}

/// How often a reader comes again.
const TRIES_MAX: usize = 20;

/// Files in a directory.
fn in_directory(directory: &Path) -> impl Fn(&str) -> Option<Vec<u8>> {
    move |path| fs::read(directory.join(path)).ok()
}

/// Publishes a log for as long as the process lives.
async fn published(writer: &Writer, with_entries: bool) -> (SocketAddr, TempDir) {
    published_with(writer, with_entries, PublishedCheckpoint::Cosigned).await
}

async fn published_with(
    writer: &Writer,
    with_entries: bool,
    checkpoint: PublishedCheckpoint,
) -> (SocketAddr, TempDir) {
    let scratch = tempfile::tempdir().unwrap();
    let (data, head) = (writer.path("data"), writer.path("head"));
    let log = PublishedLog::open(
        &data,
        &head,
        scratch.path(),
        keys(),
        with_entries,
        checkpoint,
    );
    let log = log.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(publish(log, listener, std::future::pending()));
    (address, scratch)
}

fn export(writer: &Writer, directory: &Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_counterfoil"))
        .args(["audit", "export", "--tiles"])
        .arg(directory)
        .args(writer.flags())
        .args(flags)
        .output()
        .unwrap()
}

/// Goal: at any size the published log is the log. Method: one that grows through the edges of
/// tiles, while it is published; read over HTTP and from files at each.
#[tokio::test(flavor = "multi_thread")]
async fn log_of_any_size_is_read() {
    let mut writer = Writer::new(1);
    writer.grow_to(1);
    let (address, _scratch) = published(&writer, true).await;
    let site = tempfile::tempdir().unwrap();
    let (http, files) = (over_http(address), in_directory(site.path()));
    let mut written = Vec::new();
    for size in [1, 2, 255, 256, 257, 513, 65_535, 65_536, 65_537, 66_000] {
        writer.grow_to(size);
        let (checkpoint, leaves) = reader::read(&http);
        assert_eq!(checkpoint.size, size);
        assert!(keys().verify(&checkpoint.note).is_some());
        let output = export(&writer, site.path(), &["--entries"]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}");
        written.push(words.split(' ').next().unwrap().parse::<u64>().unwrap());
        let (of_files, leaves_of_files) = reader::read(&files);
        assert_eq!(
            (of_files.note, &leaves_of_files),
            (checkpoint.note, &leaves)
        );
        if size < 1_000 || size == 66_000 {
            let entries = reader::entries(&http, &leaves);
            assert_eq!(entries.len() as u64, size);
            assert_eq!(entries, reader::entries(&files, &leaves));
            let last = [vec![1; 17], (size - 1).to_be_bytes().to_vec()].concat();
            assert_eq!(entries.last(), Some(&last));
        }
    }
    // Only what is new: a leaf tile and its bundle, and the tile above where one was filled.
    assert_eq!(written[..5], [2, 2, 2, 3, 2]);
    // Of 65,537: one leaf tile and bundle; the tiles above are as they were for 65,536.
    assert_eq!(written[7..9], [4, 2]);
    // Partial tiles have gone where the full one is.
    assert!(!site.path().join("tile/0/000.p").exists());
    assert!(site.path().join("tile/0/257.p/208").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_their_headers_and_nothing_else_is_there() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    let (address, _scratch) = published(&writer, false).await;
    let get = |path: &str| ask(address, "GET", path);
    let checkpoint = get("/checkpoint");
    assert_eq!(checkpoint.status, 200);
    assert!(
        checkpoint
            .head
            .contains("content-type: text/plain; charset=utf-8")
    );
    assert!(
        checkpoint
            .head
            .contains("cache-control: public, max-age=1\r\n")
    );
    for path in [
        "/tile/0/000",
        "/tile/0/001.p/44",
        "/tile/0/001.p/7",
        "/tile/1/000.p/1",
    ] {
        let tile = get(path);
        assert_eq!(tile.status, 200, "{path}");
        assert!(tile.head.contains("content-type: application/octet-stream"));
        assert!(tile.head.contains("max-age=31536000, immutable"));
    }
    let head = ask(address, "HEAD", "/tile/0/000");
    assert!(head.status == 200 && head.body.is_empty());
    assert!(head.head.contains("content-length: 8192"), "{}", head.head);
    for path in [
        "/",
        "/tile/0/001",
        "/tile/0/001.p/45",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/002.p/1",
        "/tile/1/000",
        "/tile/2/000.p/1",
        "/tile/0/../../head/a",
        "/tile/0/%2e%2e/000",
        "/head/a",
        "/data/rocksdb/CURRENT",
        "/checkpoint/",
        "/tile/0/x000/000",
        // Entries only where they are published.
        "/tile/entries/000",
        "/leaf/0",
    ] {
        let answer = get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.head.contains("immutable"), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let refused = ask(address, method, "/checkpoint");
        assert_eq!(refused.status, 405, "{method}");
        assert!(refused.head.contains("allow: get, head"));
    }
}

/// An entry of 1,000 items with long names does not fit into a bundle's 16 bits.
#[tokio::test(flavor = "multi_thread")]
async fn entry_that_is_too_long_for_a_bundle_is_a_leaf() {
    let mut writer = Writer::new(1);
    writer.grow_to(3);
    writer.append(vec![vec![9; 70_000]]);
    writer.grow_to(5);
    let (address, _scratch) = published(&writer, true).await;
    let (_, leaves) = reader::read(&over_http(address));
    let refused = ask(address, "GET", "/tile/entries/000.p/5");
    assert_eq!(refused.status, 404);
    let words = String::from_utf8(refused.body).unwrap();
    assert!(words.contains("entry 3 is too long"), "{words}");
    assert_eq!(ask(address, "GET", "/tile/entries/000.p/3").status, 200);
    let leaf = ask(address, "GET", "/leaf/3");
    assert_eq!(leaf.body, [vec![1; 16], vec![9; 70_000]].concat());
    let site = tempfile::tempdir().unwrap();
    let output = export(&writer, site.path(), &["--entries"]);
    assert!(output.status.success());
    for index in 0..leaves.len() {
        let path = format!("leaf/{index}");
        let file = fs::read(site.path().join(&path)).unwrap();
        assert_eq!(file, ask(address, "GET", &format!("/{path}")).body);
    }
}

/// Goal: what was erased is not published any more, and what was published of it is removed; hashes
/// and the other entries stay. Method: a server and a directory of a log, before and after.
#[tokio::test(flavor = "multi_thread")]
async fn erased_entry_is_taken_from_what_is_published() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    let site = tempfile::tempdir().unwrap();
    assert!(
        export(&writer, site.path(), &["--entries"])
            .status
            .success()
    );
    let file = |path: &str| fs::read(site.path().join(path)).ok();
    let hashes = file("tile/0/000");
    assert!(file("tile/entries/000").is_some() && file("tile/entries/001.p/44").is_some());
    let (address, _scratch) = published(&writer, true).await;
    let bundle = ask(address, "GET", "/tile/entries/000");
    assert!(bundle.head.contains("max-age=86400") && !bundle.head.contains("immutable"));

    writer.erase(7);
    writer.erase(299);
    for path in [
        "/tile/entries/000",
        "/tile/entries/001.p/46",
        "/leaf/7",
        "/leaf/299",
    ] {
        // The server learns of the log's growth as its checkpoint is asked for.
        ask(address, "GET", "/checkpoint");
        let gone = ask(address, "GET", path);
        assert_eq!(gone.status, 410, "{path}");
        assert!(!gone.head.contains("immutable"));
        assert!(String::from_utf8(gone.body).unwrap().contains("is erased"));
    }
    assert_eq!(
        ask(address, "GET", "/tile/0/000").body,
        hashes.clone().unwrap()
    );
    assert_eq!(ask(address, "GET", "/leaf/8").status, 200);

    // A run without entries removes what one with them had written.
    assert!(export(&writer, site.path(), &[]).status.success());
    assert_eq!(file("tile/entries/000"), None);
    assert_eq!(file("tile/entries/001.p/44"), None);
    for _ in 0..2 {
        assert!(
            export(&writer, site.path(), &["--entries"])
                .status
                .success()
        );
        assert_eq!(file("tile/0/000"), hashes);
        assert_eq!(file("tile/entries/000"), None);
        let (erased, kept): (Vec<u64>, Vec<u64>) = (0..302).partition(|it| [7, 299].contains(it));
        for index in erased {
            assert_eq!(file(&format!("leaf/{index}")), None, "{index}");
        }
        for index in kept {
            let path = format!("leaf/{index}");
            assert_eq!(
                file(&path),
                Some(ask(address, "GET", &format!("/{path}")).body)
            );
        }
    }
    let (_, leaves) = reader::read(&in_directory(site.path()));
    assert_eq!(leaves.len(), 302);
}

/// Goal: nobody is shown two logs. Method: a directory and a server of one log, and then another's
/// that the same key signed, and one that went back.
#[tokio::test(flavor = "multi_thread")]
async fn other_log_is_not_published_over_it() {
    let (mut writer, mut other, mut older) = (Writer::new(1), Writer::new(2), Writer::new(1));
    writer.grow_to(300);
    other.grow_to(400);
    older.grow_to(299);
    let site = tempfile::tempdir().unwrap();
    assert!(export(&writer, site.path(), &[]).status.success());
    let published_note = fs::read(site.path().join("checkpoint")).unwrap();
    for (wrong, problem) in [(&other, "another log"), (&older, "went back")] {
        let output = export(wrong, site.path(), &[]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{words}");
        assert!(words.contains(problem), "{words}");
    }
    assert_eq!(
        fs::read(site.path().join("checkpoint")).unwrap(),
        published_note
    );
    // Without --entries there are none; with them later there are all.
    assert!(!site.path().join("tile/entries").exists());
    assert!(
        export(&writer, site.path(), &["--entries"])
            .status
            .success()
    );
    let (_, leaves) = reader::read(&in_directory(site.path()));
    reader::entries(&in_directory(site.path()), &leaves);

    let (address, _scratch) = published(&writer, false).await;
    assert_eq!(ask(address, "GET", "/checkpoint").body, published_note);
    writer.write_head_of(&other);
    assert_eq!(ask(address, "GET", "/checkpoint").status, 503);
}
