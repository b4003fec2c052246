//! The published log, read and judged by code of others, and our proofs by theirs.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterfoil::audit::TilePath;
use counterfoil::audit::prove_consistency;
use counterfoil::audit::prove_inclusion;
use signed_note::Note;
use signed_note::key_id;
use tlog_tiles::Checkpoint;
use tlog_tiles::Hash;
use tlog_tiles::Tile;
use tlog_tiles::TileHashReader;
use tlog_tiles::check_record;
use tlog_tiles::check_tree;
use tlog_tiles::prove_tree;
use tlog_tiles::record_hash;
use tlog_tiles::tree_hash;

use crate::export;
use crate::in_directory;
use crate::over_http;
use crate::published;
use crate::reader::Fetch;
use crate::their_reader::Read;
use crate::their_reader::Site;
use crate::their_reader::path;
use crate::their_reader::read;
use crate::their_reader::some;
use crate::their_reader::tlog_proof;
use crate::writer::Writer;
use crate::writer::cosigner;
use crate::writer::keys;

fn key(writer: &Writer) -> String {
    let key = fs::read_to_string(writer.path("audit.vkey")).unwrap();
    key.trim().to_owned()
}

/// Hashes of ours as theirs.
fn theirs(hashes: &[counterfoil::crypto::merkle::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(*hash.as_bytes())).collect()
}

/// A receipt as the command writes it.
fn receipt(writer: &Writer, index: u64) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
        .args(["audit", "prove-inclusion", &index.to_string()])
        .args(writer.flags())
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words}");
    String::from_utf8(output.stdout).unwrap()
}

/// Proofs that are ours lead to the roots that they have read.
fn proofs_are_accepted(writer: &Writer, log: &Read, before: &[(u64, Hash)]) {
    let text = receipt(writer, log.size - 1);
    let (leaf, index, proof, note) = tlog_proof(&text);
    assert_eq!((index, note.as_bytes()), (log.size - 1, &*log.note));
    assert_eq!(Some(&leaf), log.leaves.last());
    check_record(&proof, log.size, log.root, index, leaf).unwrap();

    let checkpoint = keys().verify(&note).unwrap();
    for index in some(log.size) {
        let proof = prove_inclusion(writer.store(), &checkpoint, index).unwrap();
        let (leaf, index, proof, _) = tlog_proof(&proof.to_string());
        assert_eq!(leaf, log.leaves[usize::try_from(index).unwrap()]);
        check_record(&proof, log.size, log.root, index, leaf).unwrap();
    }
    for (size, root) in before {
        let proof = prove_consistency(writer.store(), *size, &checkpoint).unwrap();
        check_tree(&theirs(&proof), log.size, log.root, *size, *root).unwrap();
    }
}

/// Goal: what is published is what others take for a log. Method: one that grows through the edges
/// of tiles, over HTTP and from files, read and proven by their code; and their judgement of our
/// proofs. `./dev go` has other readers, of the files that are kept for it.
#[tokio::test(flavor = "multi_thread")]
async fn log_of_any_size_is_read_by_others() {
    let mut writer = Writer::new(1);
    writer.grow_to(1);
    let key = key(&writer);
    let (address, _scratch) = published(&writer, true).await;
    let site = tempfile::tempdir().unwrap();
    let (http, files) = (over_http(address), in_directory(site.path()));
    let kept = env::var_os("COUNTERFOIL_TILES").map(PathBuf::from);
    let mut before: Vec<(u64, Hash)> = Vec::new();
    for size in [1, 2, 255, 256, 257, 300, 513, 65_537] {
        writer.grow_to(size);
        let output = export(&writer, site.path(), &["--entries"]);
        assert!(output.status.success());
        if let Some(kept) = &kept {
            fs::write(kept.join("audit.vkey"), &key).unwrap();
            let output = export(&writer, &kept.join(size.to_string()), &["--entries"]);
            assert!(output.status.success());
        }
        let log = read(&http, &key).unwrap();
        assert_eq!((log.size, log.leaves.len() as u64), (size, size));
        assert_eq!(read(&files, &key).as_ref(), Ok(&log));
        before.push((log.size, log.root));
        for fetch in [&http as Fetch<'_>, &files] {
            let reader = Site(fetch);
            let tiles = TileHashReader::new(size, log.root, &reader);
            for (older, root) in &before {
                assert_eq!(tree_hash(*older, &tiles).unwrap(), *root);
                let proof = prove_tree(size, *older, &tiles).unwrap();
                check_tree(&proof, size, log.root, *older, *root).unwrap();
                // Whoever kept an older checkpoint has tiles of then, which have become full ones.
                let then = TileHashReader::new(*older, *root, &reader);
                assert_eq!(tree_hash(*older, &then).unwrap(), *root);
            }
        }
        proofs_are_accepted(&writer, &log, &before);
    }
}

/// The witness's signature is passed over by who does not know it, and has the id that theirs
/// computes of its key.
#[tokio::test(flavor = "multi_thread")]
async fn cosigned_checkpoint_is_opened_by_others() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    writer.keep_cosigned(290);
    let site = tempfile::tempdir().unwrap();
    let output = export(&writer, site.path(), &["--entries"]);
    assert!(output.status.success());
    let (address, _scratch) = published(&writer, true).await;
    let log = read(&over_http(address), &key(&writer)).unwrap();
    assert_eq!(log.size, 290);
    let witness = cosigner().verifier().to_string();
    let (name, rest) = witness.split_once('+').unwrap();
    let (id, key_of_witness) = rest.split_once('+').unwrap();
    let bytes = STANDARD.decode(key_of_witness);
    let own = key_id(name, &bytes.unwrap());
    assert_eq!(u32::from_str_radix(id, 16), Ok(own));
    assert_eq!(log.others, [(name.to_owned(), own)]);
    let of_files = read(&in_directory(site.path()), &key(&writer));
    assert_eq!(of_files, Ok(log));
}

/// Goal: the readers above would say so if something were wrong. Method: one bit of each kind of
/// file is another, and of each kind of proof.
#[test]
fn changed_bit_is_refused_by_others() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    let site = tempfile::tempdir().unwrap();
    let files = in_directory(site.path());
    assert!(export(&writer, site.path(), &[]).status.success());
    let note = Note::from_bytes(&files("checkpoint").unwrap()).unwrap();
    let older = Checkpoint::from_bytes(note.text()).unwrap();
    writer.grow_to(513);
    assert!(
        export(&writer, site.path(), &["--entries"])
            .status
            .success()
    );
    let key = key(&writer);
    let log = read(&files, &key).unwrap();
    let text = String::from_utf8(log.note.clone()).unwrap();
    let in_root = text.match_indices('\n').nth(1).unwrap().0 + 5;
    for (path, place, words) in [
        ("checkpoint", in_root, "invalid signature"),
        ("tile/0/000", 17 * 32, "inconsistent tile"),
        ("tile/0/001", 255 * 32, "inconsistent tile"),
        ("tile/0/002.p/1", 0, "inconsistent tile"),
        ("tile/1/000.p/2", 32, "inconsistent tile"),
        ("tile/entries/001", 40, "not that of its leaf"),
    ] {
        let changed = |asked: &str| {
            let mut bytes = files(asked)?;
            if asked == path {
                bytes[place] ^= 1;
            }
            Some(bytes)
        };
        let said = read(&changed, &key).unwrap_err();
        assert!(said.contains(words), "{path}: {said}");
    }

    let tiles = Site(&files);
    let tiles = TileHashReader::new(log.size, log.root, &tiles);
    let (then, mut root) = (older.size(), *older.hash());
    let proof = prove_tree(log.size, then, &tiles).unwrap();
    check_tree(&proof, log.size, log.root, then, root).unwrap();
    root.0[31] ^= 1;
    assert!(check_tree(&proof, log.size, log.root, then, root).is_err());

    let (leaf, index, proof, _) = tlog_proof(&receipt(&writer, 400));
    check_record(&proof, log.size, log.root, index, leaf).unwrap();
    for place in 0..proof.len() {
        let mut changed = proof.clone();
        changed[place].0[7] ^= 1;
        assert!(check_record(&changed, log.size, log.root, index, leaf).is_err());
    }
    assert!(check_record(&proof, log.size, log.root, index, record_hash(b"")).is_err());
    assert!(check_record(&proof, log.size, log.root, index + 1, leaf).is_err());
}

/// Goal: a tile that their reader of tiles does not compare with its parent is found all the same.
/// Method: a log whose root is made of more hashes than tiles (CVE-2026-56865).
#[test]
fn tile_that_their_reader_passes_over_is_found() {
    let mut writer = Writer::new(1);
    writer.grow_to(300);
    let site = tempfile::tempdir().unwrap();
    let output = export(&writer, site.path(), &["--entries"]);
    assert!(output.status.success());
    let files = in_directory(site.path());
    let changed = |asked: &str| {
        let mut bytes = files(asked)?;
        if asked == "tile/0/000" {
            bytes[17 * 32] ^= 1;
        }
        Some(bytes)
    };
    let said = read(&changed, &key(&writer)).unwrap_err();
    // Not by their reader, which says "downloaded inconsistent tile" of others.
    assert_eq!(said, "the leaves do not lead to the root");
}

/// Their paths are ours, but for the height.
#[test]
fn paths_of_tiles_are_those_of_others() {
    let tile = Tile::new(8, 0, 1_234, 5, false);
    assert_eq!(tile.path(), "tile/8/0/x001/234.p/5");
    for (tile, own) in [
        (tile, "tile/0/x001/234.p/5"),
        (Tile::new(8, 2, 7, 256, false), "tile/2/007"),
        (
            Tile::new(8, 1, 1_234_567, 1, false),
            "tile/1/x001/x234/567.p/1",
        ),
    ] {
        assert_eq!(path(&tile), own);
        let read: TilePath = own.parse().unwrap();
        assert_eq!(read.to_string(), own);
    }
}
