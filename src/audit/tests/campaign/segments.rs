//! Lines that only parts of a log have, which somebody has written otherwise: where an archive's
//! segment ends, and where a log begins behind others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;
use sha2::Sha256;

use super::handovers::Archived;
use super::handovers::lines;
use super::handovers::log_with_keys;
use super::limits::judged;
use super::*;
use crate::audit::archive_lines::SegmentEnd;
use crate::audit::archive_lines::read_segment;
use crate::audit::archive_lines::segment_line;
use crate::second_verifier::SecondVerifier;

/// Lines that are none, or say that the segment ends elsewhere.
fn other_forms(line: &str, end: &SegmentEnd) -> Vec<String> {
    let index = end.end_index;
    let indexes = ["true", "null", "-1", "18446744073709551616"].map(str::to_owned);
    let indexes = indexes.into_iter().chain([
        format!("\"{index}\""),
        format!("{index}.0"),
        format!("0{index}"),
        (index + 1).to_string(),
        (index - 1).to_string(),
    ]);
    let numbered = format!("\"end_index\":{index}");
    let mut forms: Vec<_> = indexes
        .map(|other| line.replace(&numbered, &format!("\"end_index\":{other}")))
        .collect();
    let (_, rest) = line.split_once("\"proof\":").unwrap();
    let (proof, _) = rest.split_once("]").unwrap();
    let proof = format!("\"proof\":{proof}]");
    for other in ["null", "1", "{}", "[1]", "[\"\"]", "[\"AAAA\"]", "[null]"] {
        forms.push(line.replace(&proof, &format!("\"proof\":{other}")));
    }
    for length in [31, 33] {
        let hash = STANDARD.encode(vec![1; length]);
        forms.push(line.replace(&proof, &format!("\"proof\":[\"{hash}\"]")));
    }
    let (before, _) = line.split_once("\"checkpoint\":").unwrap();
    for other in ["null", "7", "[]"] {
        forms.push(format!("{before}\"checkpoint\":{other}}}}}"));
    }
    forms.push(line.replace("{\"end_index\"", "{ \"end_index\""));
    forms.push(line.replace("{\"end_index\"", "{\"more\":1,\"end_index\""));
    forms.push(line.replace(&numbered, &format!("{numbered},{numbered}")));
    let swapped = line.replace(&proof, &numbered);
    forms.push(swapped.replacen(&numbered, &proof, 1));
    for other in ["null", "1", "true", "\"\"", "[]", "{}"] {
        forms.push(format!("{{\"segment\":{other}}}"));
    }
    assert!(forms.iter().all(|form| form != line));
    forms
}

/// Ends of this form that prove nothing, and ends that prove as much as the one that was written.
fn other_proofs(end: &SegmentEnd, log: &RandomLog) -> (Vec<SegmentEnd>, Vec<SegmentEnd>) {
    let (size, root) = (log.checkpoint.size(), log.checkpoint.root());
    let sign = |number: u8, size: u64, root: Hash| {
        let signer = CheckpointSigner::new(origin(), key_of(number));
        signer.sign(size, root).unwrap().note().to_owned()
    };
    let with_proof = |proof: Vec<Hash>| SegmentEnd {
        proof,
        ..end.clone()
    };
    let with_checkpoint = |checkpoint: String| SegmentEnd {
        checkpoint,
        ..end.clone()
    };
    let other = Hash::from_bytes([9; 32]);
    let mut proofs = vec![with_proof(Vec::new())];
    proofs.push(with_proof([end.proof.as_slice(), &[other]].concat()));
    for place in 0..end.proof.len() {
        let mut changed = end.proof.clone();
        changed[place] = other;
        proofs.push(with_proof(changed));
        let mut shorter = end.proof.clone();
        shorter.remove(place);
        proofs.push(with_proof(shorter));
    }
    let own = &end.checkpoint;
    let forged = sign(0, size, other);
    let forged = forged.lines().last().unwrap();
    for checkpoint in [
        String::new(),
        "text\n".to_owned(),
        sign(9, size, root),
        sign(0, size, other),
        sign(0, end.end_index - 1, root),
        sign(0, 100, frontier_at(log, 100).root()),
        sign(0, end.end_index, root),
        format!("{own}{forged}\n"),
    ] {
        proofs.push(with_checkpoint(checkpoint));
    }
    let here = SegmentEnd {
        proof: Vec::new(),
        checkpoint: sign(0, end.end_index, frontier_at(log, end.end_index).root()),
        ..end.clone()
    };
    (proofs, vec![here, with_checkpoint(sign(0, size, root))])
}

fn frontier_at(log: &RandomLog, size: u64) -> Frontier {
    let mut frontier = Frontier::new();
    for stored in log.entries.iter().filter(|it| it.index < size) {
        let leaf = entry_leaf_hash(stored);
        frontier.append(leaf, |_, _, _| ()).unwrap();
    }
    frontier
}

/// Goal: both verifiers read the last line of a segment, and believe it as far as the other does.
/// Method: the line in other forms, and with other proofs and checkpoints, in both segments of an
/// archive that ends where the log begins, and behind that. The proof says something where the
/// archive is compared by itself, and only that of its last segment.
#[test]
fn end_of_a_segment_is_judged_alike_by_both_verifiers() {
    let log = log_with_keys();
    let mut counts = [0; 2];
    for begins in [512, 256] {
        let archived = Archived::new(&log, begins);
        let mut second = SecondVerifier::behind(archived.directory.path());
        for (place, (name, text)) in archived.files[..2].iter().enumerate() {
            let (lines, line) = text.trim_end().rsplit_once('\n').unwrap();
            let end = read_segment(line).unwrap();
            let mut judge = |line: &str, is_whole: bool| {
                archived.write(name, format!("{lines}\n{line}\n"));
                let ours = archived.verify();
                assert_eq!(ours.is_ok(), is_whole, "{name} from {begins}: {line}");
                if let Some(second) = &mut second {
                    let answer = second.ask(&archived.rest());
                    assert_eq!(answer["verified"], is_whole, "{answer}: {line}");
                }
                counts[usize::from(is_whole)] += 1;
            };
            // Whether it is a line at all does not depend on where the log begins.
            if (begins == 256) == (place == 1) {
                let forms = other_forms(line, &end);
                forms.iter().for_each(|form| judge(form, false));
            }
            let is_proof_needed = begins == 256 && place == 1;
            let (wrong, right) = other_proofs(&end, &log);
            for other in wrong {
                judge(&segment_line(&other).unwrap(), !is_proof_needed);
            }
            for other in right {
                judge(&segment_line(&other).unwrap(), true);
            }
            archived.write(name, text);
        }
    }
    let [wrong_count, right_count] = counts;
    println!("{wrong_count} lines that are refused, {right_count} that are not");
    assert!(wrong_count > 60, "{wrong_count}");
    assert!(right_count > 30, "{right_count}");
}

/// A tree of hashes that need not have the length of one: what a reader makes of them who does not
/// look.
#[derive(Clone, Default)]
pub(super) struct LooseTree {
    size: u64,
    edge: Vec<Vec<u8>>,
}

impl LooseTree {
    fn append(&mut self, leaf: Hash) {
        self.edge.push(leaf.as_bytes().to_vec());
        for _ in 0..self.size.trailing_ones() {
            let (right, left) = (self.edge.pop().unwrap(), self.edge.pop().unwrap());
            self.edge.push(node(&left, &right));
        }
        self.size += 1;
    }

    fn root(&self) -> Hash {
        let (last, before) = self.edge.split_last().unwrap();
        let root = before
            .iter()
            .rev()
            .fold(last.clone(), |it, left| node(left, &it));
        Hash::from_bytes(root.try_into().unwrap())
    }

    fn line(&self) -> String {
        let hashes = self.edge.iter().map(|hash| STANDARD.encode(hash));
        let hashes: Vec<_> = hashes.collect();
        let hashes = serde_json::to_string(&hashes).unwrap();
        format!(
            "{{\"archived\":{{\"size\":{},\"hashes\":{hashes}}}}}",
            self.size
        )
    }
}

fn node(left: &[u8], right: &[u8]) -> Vec<u8> {
    Sha256::digest([[1].as_slice(), left, right].concat()).to_vec()
}

/// The export of a log that begins behind as many entries, signed whatever is made of the tree
/// before it.
pub(super) fn pruned(size: u64, change: impl FnOnce(&mut LooseTree)) -> String {
    let mut log = Growing::default();
    for position in 0..3 {
        log.append(draft(position), [7; 16], 1, false);
    }
    let root = *frontier_at(&log.clone().finish(), size).root().as_bytes();
    let pruning = EntryDraft::of_pruning(LogPoint { size, root });
    log.append(pruning, [7; 16], 1, false);
    let log = log.finish();
    let (before, after) = log.entries.split_at(usize::try_from(size).unwrap());
    let mut tree = LooseTree::default();
    before
        .iter()
        .for_each(|it| tree.append(entry_leaf_hash(it)));
    let own = tree.line();
    change(&mut tree);
    let changed = tree.line();
    after.iter().for_each(|it| tree.append(entry_leaf_hash(it)));
    let checkpoint = signer().sign(tree.size, tree.root()).unwrap();
    let lines = lines(&log, size, tree.size);
    assert!(lines.starts_with(&own), "{lines}");
    let mut text = lines.replace(&own, &changed).into_bytes();
    export::write_checkpoint(&mut text, checkpoint.note()).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn beginning_behind_others_is_judged_alike_by_both_verifiers() {
    let mut second = SecondVerifier::start();
    for size in 1..=3 {
        assert!(judged(&mut second, &pruned(size, |_| ())), "{size}");
    }
    // Together they are as many bytes, of which the same root comes out.
    let moved = pruned(3, |tree| {
        let byte = tree.edge[1].remove(0);
        tree.edge[0].push(byte);
    });
    assert!(!judged(&mut second, &moved), "{moved}");
    let whole = pruned(1, |_| ());
    for size in ["true", "null", "1.0", "\"1\"", "01", "-1", "3"] {
        let other = whole.replacen("\"size\":1", &format!("\"size\":{size}"), 1);
        assert_ne!(other, whole);
        assert!(!judged(&mut second, &other), "{size}");
    }
    let whole = RandomLog::of(5, 3).export();
    for (size, is_whole) in [
        ("0", true),
        ("false", false),
        ("null", false),
        ("-0", false),
    ] {
        let first = format!("{{\"archived\":{{\"size\":{size},\"hashes\":[]}}}}\n");
        assert_eq!(judged(&mut second, &(first + &whole)), is_whole, "{size}");
    }
}
