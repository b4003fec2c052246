//! What is published of a log with a witness: the checkpoint that it has cosigned, and tiles as far
//! as the log goes.

use counterfoil::audit::PublishedCheckpoint;
use counterfoil::audit::WitnessKeys;

use crate::ask;
use crate::export;
use crate::in_directory;
use crate::over_http;
use crate::published;
use crate::published_with;
use crate::reader;
use crate::writer::Writer;
use crate::writer::cosigner;

/// The size of a checkpoint that is published, and whether the witness has cosigned it.
fn shown(note: &[u8]) -> (u64, bool) {
    let note = str::from_utf8(note).unwrap();
    let witnesses = WitnessKeys::new(vec![cosigner().verifier()]);
    let size = note.lines().nth(1).unwrap().parse().unwrap();
    (size, witnesses.verify(note).is_ok())
}

/// Goal: readers are shown what the witness has seen, and never a shorter log than before; tiles
/// are there for everybody who has a later checkpoint. Method: a log that grows while its witness
/// is away and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn served_checkpoint_is_the_latest_cosigned_one() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    let (address, _scratch) = published(&writer, true).await;
    let checkpoint = || shown(&ask(address, "GET", "/checkpoint").body);
    // No witness has seen anything yet.
    assert_eq!(checkpoint(), (300, false));
    writer.keep_cosigned(300);
    assert_eq!(checkpoint(), (300, true));
    writer.grow_to(400);
    assert_eq!(checkpoint(), (300, true));
    let (read, leaves) = reader::read(&over_http(address));
    assert_eq!((read.size, leaves.len()), (300, 300));
    assert_eq!(ask(address, "GET", "/tile/0/001.p/144").status, 200);
    assert_eq!(ask(address, "GET", "/leaf/399").status, 200);
    // The head says nothing new when the witness answers.
    writer.keep_cosigned(400);
    assert_eq!(checkpoint(), (400, true));
    // A row that went back shows nobody a shorter log.
    writer.keep_cosigned(350);
    assert_eq!(checkpoint(), (400, true));

    let latest = PublishedCheckpoint::Latest;
    let (address, _scratch) = published_with(&writer, false, latest).await;
    let checkpoint = || shown(&ask(address, "GET", "/checkpoint").body);
    assert_eq!(checkpoint(), (400, false));
    writer.grow_to(410);
    assert_eq!(checkpoint(), (410, false));
    writer.grow_to(420);
    writer.keep_cosigned(420);
    // Of the same log, the one with more signatures.
    assert_eq!(checkpoint(), (420, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_follows_the_witness_and_never_goes_back() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    let site = tempfile::tempdir().unwrap();
    let file = || shown(&std::fs::read(site.path().join("checkpoint")).unwrap());
    let run = |writer: &Writer, flags: &[&str]| {
        let output = export(writer, site.path(), flags);
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}");
        words
    };
    writer.keep_cosigned(290);
    let words = run(&writer, &[]);
    assert!(
        words.contains("290 entries, 290 of them new; 10 more"),
        "{words}"
    );
    assert_eq!(file(), (290, true));
    let (read, leaves) = reader::read(&in_directory(site.path()));
    assert_eq!((read.size, leaves.len()), (290, 290));

    writer.grow_to(400);
    run(&writer, &[]);
    assert_eq!(file(), (290, true));
    run(&writer, &["--latest"]);
    assert_eq!(file(), (400, false));
    // The witness has seen less than was published: that stays.
    writer.keep_cosigned(350);
    let words = run(&writer, &[]);
    assert!(words.contains("400 entries, 0 of them new"), "{words}");
    assert_eq!(file(), (400, false));
    writer.keep_cosigned(400);
    run(&writer, &[]);
    assert_eq!(file(), (400, true));
    // And a cosignature that was published is not taken away.
    writer.keep_cosigned(350);
    run(&writer, &["--latest"]);
    assert_eq!(file(), (400, true));
    let (read, leaves) = reader::read(&in_directory(site.path()));
    assert_eq!((read.size, leaves.len()), (400, 400));
}

/// What was erased is taken from what is published, though the entry that says so is not yet.
#[tokio::test(flavor = "multi_thread")]
async fn erased_entry_goes_before_the_witness_has_seen_it() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    writer.keep_cosigned(300);
    let site = tempfile::tempdir().unwrap();
    assert!(
        export(&writer, site.path(), &["--entries"])
            .status
            .success()
    );
    let bundle = site.path().join("tile/entries/000");
    assert!(bundle.exists());
    writer.erase(7);
    for _ in 0..2 {
        assert!(
            export(&writer, site.path(), &["--entries"])
                .status
                .success()
        );
        assert!(!bundle.exists());
        assert!(!site.path().join("leaf/7").exists());
        assert!(site.path().join("leaf/8").exists());
        let note = std::fs::read(site.path().join("checkpoint")).unwrap();
        assert_eq!(shown(&note), (300, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cosigned_checkpoint_of_another_log_is_not_published() {
    let (mut writer, mut other) = (Writer::new(1), Writer::new(2));
    writer.grow_to(300);
    other.grow_to(300);
    let (address, _scratch) = published(&writer, false).await;
    writer.keep_cosigned_of(&other, 280);
    assert_eq!(ask(address, "GET", "/checkpoint").status, 503);
    let site = tempfile::tempdir().unwrap();
    let output = export(&writer, site.path(), &[]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{words}");
    assert!(
        words.contains("cosigned checkpoint is not one of the log"),
        "{words}"
    );
    assert!(!site.path().join("checkpoint").exists());
}
