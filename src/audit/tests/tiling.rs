//! The log as tiles: paths, widths, and what is new.

use super::*;
use crate::store::Append;
use crate::store::CommitBatch;
use crate::store::StoredEntry;
use crate::store::StoredHash;

fn tile(level: u8, index: u64, width: u16) -> TilePath {
    TilePath::Tile {
        level,
        index,
        width,
    }
}

#[test]
fn path_has_one_spelling() {
    let entries = |index, width| TilePath::Entries { index, width };
    for (text, path) in [
        ("checkpoint", TilePath::Checkpoint),
        ("tile/0/000", tile(0, 0, 256)),
        ("tile/0/x001/x234/067", tile(0, 1_234_067, 256)),
        ("tile/63/001.p/5", tile(63, 1, 5)),
        ("tile/1/x001/000.p/255", tile(1, 1_000, 255)),
        ("tile/entries/x273/112", entries(273_112, 256)),
        ("tile/entries/000.p/1", entries(0, 1)),
        ("leaf/0", TilePath::Leaf { index: 0 }),
        ("leaf/70000", TilePath::Leaf { index: 70_000 }),
    ] {
        assert_eq!(text.parse(), Ok(path), "{text}");
        assert_eq!(path.to_string(), text);
    }
    for text in [
        "",
        "checkpoint/",
        "Checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/256/000",
        "tile/0/001/234",
        "tile/0/x000/001",
        "tile/0/x1/001",
        "tile/0/x001",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/05",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/70000",
        "tile/0/000.p/1/1",
        "tile/0/../000",
        "tile/data/000",
        "tile/entries",
        "leaf/",
        "leaf/01",
        "leaf/-1",
        "leaf/99999999999999999999",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ] {
        assert_eq!(text.parse::<TilePath>(), Err(NoTilePath), "{text}");
    }
}

/// The example of the specification: 70,000 entries.
#[test]
fn tiles_of_a_log_are_those_of_the_specification() {
    let log = TestLog::create();
    let store = log.store();
    let tiles: Vec<TilePath> = Tiles::new(&store, 70_000).since(0).collect();
    let of_level = |wanted: u8| {
        let is_wanted =
            |path: &&TilePath| matches!(path, TilePath::Tile { level, .. } if *level == wanted);
        tiles.iter().filter(is_wanted).copied().collect::<Vec<_>>()
    };
    assert_eq!(of_level(0).len(), 274);
    assert_eq!(of_level(0).last(), Some(&tile(0, 273, 112)));
    assert_eq!(of_level(1), [tile(1, 0, 256), tile(1, 1, 17)]);
    assert_eq!(of_level(2), [tile(2, 0, 1)]);
    assert_eq!(tiles.len(), 274 + 2 + 1);
    let small: Vec<_> = Tiles::new(&store, 256).since(0).collect();
    assert_eq!(small, [tile(0, 0, 256), tile(1, 0, 1)]);
    assert_eq!(Tiles::new(&store, 0).since(0).count(), 0);
    // What is new is what is not there, or not that wide.
    for (older, newer) in [
        (0, 1),
        (1, 2),
        (255, 257),
        (256, 256),
        (255, 256),
        (600, 66_000),
    ] {
        let all = |size| Tiles::new(&store, size).since(0).collect::<Vec<_>>();
        let new: Vec<_> = Tiles::new(&store, newer).since(older).collect();
        let expected = all(newer).into_iter().filter(|it| !all(older).contains(it));
        assert_eq!(new, expected.collect::<Vec<_>>(), "{older} {newer}");
    }
}

#[test]
fn bundle_that_cannot_hold_an_entry_says_so() {
    let log = TestLog::create();
    let store = log.store();
    let entry = |index: u64, length: usize| StoredEntry {
        index,
        salt: [3; 16],
        entry: vec![7; length],
    };
    let entries = vec![entry(0, 100), entry(1, 65_519), entry(2, 65_520)];
    let mut hashes = Vec::new();
    let mut frontier = crate::crypto::merkle::Frontier::new();
    for stored in &entries {
        let leaf = tree::entry_leaf_hash(stored);
        tree::append(&mut frontier, leaf, &mut hashes).unwrap();
    }
    let _: &Vec<StoredHash> = &hashes;
    let batch = CommitBatch {
        changes: Vec::new(),
        puts: Vec::new(),
        append: Append {
            entries,
            hashes,
            ..Append::default()
        },
    };
    store.commit(&batch).unwrap();
    let tiles = Tiles::new(&store, 3);
    let bundle = |width| tiles.read(TilePath::Entries { index: 0, width }).unwrap();
    let TileContent::Bytes(bytes) = bundle(2) else {
        panic!("two entries fit");
    };
    assert_eq!(bytes.len(), 2 + 116 + 2 + 65_535);
    assert_eq!(bytes[..2], [0, 116]);
    assert_eq!(bundle(3), TileContent::EntryTooLong { index: 2 });
    assert_eq!(bundle(4), TileContent::Missing);
    let leaf = |index| tiles.read(TilePath::Leaf { index }).unwrap();
    assert_eq!(
        leaf(2),
        TileContent::Bytes([vec![3; 16], vec![7; 65_520]].concat())
    );
    assert_eq!(leaf(3), TileContent::Missing);
    // Not beyond what is published, though the store has it.
    let published = Tiles::new(&store, 1);
    let read = |path| published.read(path).unwrap();
    assert_eq!(read(TilePath::Leaf { index: 1 }), TileContent::Missing);
    assert_eq!(read(tile(0, 0, 2)), TileContent::Missing);
    assert_eq!(read(tile(7, 0, 1)), TileContent::Missing);
    assert_eq!(read(tile(40, 0, 1)), TileContent::Missing);
    assert_eq!(read(tile(0, u64::MAX / 2, 1)), TileContent::Missing);
}

/// Goal: what somebody changed in the database is not published. Method: each row of hashes, and
/// whatever is published without entries; rows of some entries, and all bundles. The planted fault:
/// a reader who does not know the root misses what is at the right edge.
#[test]
fn rows_that_were_changed_are_not_published() {
    let size = 600;
    let log = TestLog::with_entries(usize::try_from(size).unwrap());
    let store = log.store();
    let (_, head) = log.head().unwrap();
    let paths: Vec<TilePath> = Tiles::new(&store, size).since(0).collect();
    let bundles: Vec<TilePath> = paths.iter().filter_map(|path| path.entries()).collect();
    let is_read = |tiles: Tiles<'_>, paths: &[TilePath]| {
        let read: Result<Vec<_>, _> = paths.iter().map(|path| tiles.read(*path)).collect();
        read.is_ok()
    };
    let of = |tiles: Tiles<'_>| [is_read(tiles, &paths), is_read(tiles, &bundles)];
    assert_eq!(of(Tiles::of(&store, &head)), [true, true]);
    let (mut found_count, mut missed_count, mut planted_count) = (0, 0, 0);
    for (table, step, kind) in [("tiles", 1, 0), ("audit", 37, 1)] {
        for (key, value) in store.raw_rows(table).into_iter().step_by(step) {
            let mut changed = value.clone();
            *changed.last_mut().unwrap() ^= 1;
            store.tamper(table, &key, Some(&changed));
            if of(Tiles::of(&store, &head))[kind] {
                missed_count += 1;
            } else {
                found_count += 1;
            }
            planted_count += u64::from(of(Tiles::new(&store, size))[kind]);
            store.tamper(table, &key, Some(&value));
        }
    }
    println!("changed rows: {found_count} found, {missed_count} not");
    // 602 hashes and 17 entries.
    assert_eq!(found_count, 602 + 17);
    assert_eq!(missed_count, 0);
    // The leaves of the last tile, and both hashes above.
    assert_eq!(planted_count, 88);
    assert_eq!(of(Tiles::of(&store, &head)), [true, true]);
}
