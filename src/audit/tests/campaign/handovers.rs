//! Lines by which a log comes under another key, in an archive and behind it, that somebody has
//! moved, repeated or left out.

use super::forged;
use super::*;
use crate::audit::archive_lines::SegmentEnd;
use crate::audit::archive_lines::segment_line;
use crate::crypto::merkle::consistency_proof;
use crate::second_verifier::SecondVerifier;

/// A log with an archive of its beginning.
pub(super) struct Archived {
    pub(super) directory: TempDir,
    /// The names of the files, and what is in them: two segments, and the rest as an export.
    pub(super) files: [(&'static str, String); 3],
}

/// A log of which these entries announce a key: in the middle of a segment, as the last of one, as
/// the first, and behind the archive.
pub(super) fn log_with_keys() -> RandomLog {
    let mut log = Growing::default();
    let mut maker = Maker::new(StdRng::seed_from_u64(8));
    for index in 0..ENTRIES_COUNT {
        let announces = ANNOUNCEMENTS.contains(&index);
        let draft = maker.draft(index, announces.then(|| log.next_key()));
        log.append(draft, maker.random.random(), 1, announces);
    }
    log.finish()
}

impl Archived {
    /// Its log begins with this entry.
    pub(super) fn new(log: &RandomLog, begins: u64) -> Self {
        let segments = [("0-256.jsonl", 0, 256), ("256-512.jsonl", 256, 512)];
        let segments = segments.map(|(name, first, end)| {
            let proof = consistency_proof(&Hashes::of(log), end, ENTRIES_COUNT).unwrap();
            let last = SegmentEnd {
                end_index: end,
                proof,
                checkpoint: log.checkpoint.note().to_owned(),
            };
            let lines = lines(log, first, end) + &segment_line(&last).unwrap() + "\n";
            (name, lines)
        });
        let mut rest = lines(log, begins, ENTRIES_COUNT).into_bytes();
        export::write_checkpoint(&mut rest, log.checkpoint.note()).unwrap();
        let [one, other] = segments;
        let archived = Self {
            directory: tempfile::tempdir().unwrap(),
            files: [one, other, ("log.export", String::from_utf8(rest).unwrap())],
        };
        for (name, text) in &archived.files {
            archived.write(name, text);
        }
        archived
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// What our verifier says of the log and its archive.
    pub(super) fn verify(&self) -> Result<Report, VerifyError> {
        let archive = Archive::open(self.directory.path()).unwrap();
        verify_export_behind(&archive, self.rest().as_slice(), &keys())
    }

    pub(super) fn rest(&self) -> Vec<u8> {
        fs::read(self.directory.path().join("log.export")).unwrap()
    }

    /// How many changes there are, and how many of them our verifier misses, a second one, and one
    /// that passes over lines that are not where they should be. Each line of a handover is left
    /// out, repeated, moved and copied to other places of its file, and its note exchanged for
    /// another one.
    fn missed(&self, second: &mut Option<SecondVerifier>) -> (usize, [usize; 3]) {
        let mut tried = 0;
        let mut missed = [0; 3];
        for (name, text) in &self.files {
            for changed in changes(text) {
                self.write(name, changed.join("\n") + "\n");
                tried += 1;
                let ours = self.verify().err();
                let theirs = second.as_mut().is_none_or(|it| it.finds(&self.rest()));
                let is_line = matches!(ours, Some(VerifyError::Line { .. }));
                let found = [ours.is_some(), theirs, ours.is_some() && !is_line];
                for (found, missed) in found.into_iter().zip(&mut missed) {
                    *missed += usize::from(!found);
                }
            }
            self.write(name, text);
        }
        (tried, missed)
    }
}

/// The entries of a part of a log, with the tree before it.
pub(super) fn lines(log: &RandomLog, first: u64, end: u64) -> String {
    let mut text = Vec::new();
    let mut before = Frontier::new();
    for stored in &log.entries[..usize::try_from(first).unwrap()] {
        before
            .append(entry_leaf_hash(stored), |_, _, _| ())
            .unwrap();
    }
    if first > 0 {
        export::write_archived(&mut text, &before).unwrap();
    }
    let part = first..end;
    let stored = leaves(&log.entries, &log.erased);
    for stored in stored.iter().filter(|it| part.contains(&it.index())) {
        export::write_leaf(&mut text, stored).unwrap();
        let after = stored.index() + 1;
        if let Some(handover) = log.handovers.iter().find(|it| it.size == after) {
            export::write_handover(&mut text, &handover.note).unwrap();
        }
    }
    String::from_utf8(text).unwrap()
}

fn changes(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<_> = text.lines().collect();
    let is_handover = |place: &usize| lines[*place].starts_with("{\"handover\":");
    let handovers: Vec<_> = (0..lines.len()).filter(is_handover).collect();
    let mut changed = Vec::new();
    for place in handovers.iter().copied() {
        let line = lines[place];
        let mut without = lines.clone();
        without.remove(place);
        let last = without.len();
        for to in [0, 1, place - 1, place + 1, last - 1, last] {
            if to == place {
                continue;
            }
            let mut moved = without.clone();
            moved.insert(to, line);
            changed.push(moved);
            let mut copied = lines.clone();
            copied.insert(to, line);
            changed.push(copied);
        }
        changed.push(without);
        for other in handovers.iter().copied().filter(|other| *other != place) {
            let mut exchanged = lines.clone();
            exchanged[place] = lines[other];
            changed.push(exchanged);
        }
    }
    changed
}

#[test]
fn handovers_that_were_moved_are_found_by_both_verifiers() {
    let log = log_with_keys();
    // The archive ends where the log begins, and behind that.
    for begins in [512, 256] {
        let archived = Archived::new(&log, begins);
        archived.verify().unwrap();
        let mut second = SecondVerifier::behind(archived.directory.path());
        if let Some(second) = &mut second {
            assert!(!second.finds(&archived.rest()), "{begins}");
        }
        let (tried, missed) = archived.missed(&mut second);
        assert!(tried > 60, "{tried}");
        assert_eq!(missed[..2], [0, 0], "of {tried}, log from {begins}");
        assert!(missed[2] > 0, "the planted fault is not found in {tried}");
    }
}

/// A log under its second key, or its third, whose last checkpoint the former ones sign beside.
fn log_signed_beside(last_key: u8) -> RandomLog {
    let mut log = Growing::default();
    for number in 0..last_key {
        log.append(draft(usize::from(number)), [7; 16], 1, false);
        let mut announcing = EntryDraft::new(Event::KeyCreated);
        announcing.ceremony.public_key = Some(log.next_key());
        log.append(announcing, [7; 16], 1, true);
    }
    log.append(draft(9), [7; 16], 1, false);
    let mut log = log.finish();
    let former = (0..last_key).rev().map(key_of).collect();
    let signer = CheckpointSigner::new(origin(), key_of(last_key)).beside(former);
    let (size, root) = (log.checkpoint.size(), log.checkpoint.root());
    log.checkpoint = signer.sign(size, root).unwrap();
    log
}

/// Without its last handover, a log is taken for one that ends with it, where the former key has
/// signed the end beside the new one: the end says then all that the line said. Any other line, and
/// the last one where the former key has not signed, is missed by whoever follows it from before.
#[test]
fn last_handover_is_needed_unless_the_former_key_signs_the_end_beside() {
    for (last_key, numbers) in [(1, [0, 1]), (2, [0, 2])] {
        let log = log_signed_beside(last_key);
        let export = log.export();
        let alone = CheckpointSigner::new(origin(), key_of(last_key));
        let (size, root) = (log.checkpoint.size(), log.checkpoint.root());
        let alone = alone.sign(size, root).unwrap();
        let alone = forged::with_checkpoint(&export, alone.note());
        for numbers in [&numbers[..1], &numbers[1..], &numbers[..]] {
            assert!(forged::judged(&export, numbers), "{numbers:?}");
            assert!(forged::judged(&alone, numbers), "{numbers:?}");
            for handover in &log.handovers {
                let line = serde_json::to_string(&handover.note).unwrap();
                let line = format!("{{\"handover\":{line}}}\n");
                let is_last = handover.size == log.handovers.last().unwrap().size;
                let without = export.replacen(&line, "", 1);
                assert_ne!(without, export);
                let is_whole = forged::judged(&without, numbers);
                assert_eq!(is_whole, is_last, "{numbers:?}, {}", handover.size);
                let without_beside = alone.replacen(&line, "", 1);
                // Who is given the key that was handed over to needs no word of the first.
                let is_given = last_key == 1 && numbers.contains(&1);
                let is_alone_whole = forged::judged(&without_beside, numbers);
                assert_eq!(is_alone_whole, is_given, "{numbers:?}");
                if is_whole {
                    let keys = forged::keys_of(numbers);
                    let report = |export: &str| verify_export(export.as_bytes(), &keys).unwrap();
                    assert_eq!(report(&without), report(&export));
                }
            }
        }
    }
}

const ENTRIES_COUNT: u64 = 600;
/// Which entries announce a key.
const ANNOUNCEMENTS: [u64; 5] = [100, 255, 256, 511, 550];
