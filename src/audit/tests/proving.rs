//! Receipts: those that are right verify, whatever is changed in one is found, and a log shows
//! whether it is the one of the receipt.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::Cursor;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::crypto::merkle;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::crypto::merkle::leaf_hash;

/// Every complete subtree's hash.
struct Tree(Vec<Vec<Hash>>);

impl HashReader for Tree {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[usize::from(level)][usize::try_from(index).unwrap()])
    }
}

/// A tree of so many leaves, and its root at each size.
fn tree(size: u64) -> (Tree, Vec<Hash>) {
    let mut tree = Tree(vec![Vec::new(); 64]);
    let mut frontier = Frontier::new();
    let mut roots = vec![frontier.root()];
    for index in 0..size {
        let leaf = leaf_hash(&index.to_be_bytes());
        let keep = |level: u8, _, hash| tree.0[usize::from(level)].push(hash);
        frontier.append(leaf, keep).unwrap();
        roots.push(frontier.root());
    }
    (tree, roots)
}

/// A receipt of a log of a few entries, and the log.
fn receipt(index: u64) -> (TestLog, TlogProof) {
    let log = TestLog::with_entries(11);
    let store = log.store();
    let checkpoint = keys().verify(&store.checkpoint().unwrap().unwrap());
    let proof = prove_inclusion(&store, &checkpoint.unwrap(), index).unwrap();
    drop(store);
    (log, proof)
}

/// Goal: every right receipt verifies, and is the same text afterwards. Method: 10,000 random
/// places in trees of random sizes up to 4,096.
#[test]
fn right_receipts_verify() {
    let (tree, roots) = tree(4_096);
    let mut random = StdRng::seed_from_u64(26);
    let mut signed: BTreeMap<u64, SignedCheckpoint> = BTreeMap::new();
    for round in 0..10_000 {
        // As many sizes as there is time to sign for.
        let size = match round % 100 {
            0 => random.random_range(1..=4_096),
            _ => *signed.keys().nth(round % signed.len()).unwrap(),
        };
        let root = roots[usize::try_from(size).unwrap()];
        let sign = || signer().sign(size, root).unwrap();
        let checkpoint = signed.entry(size).or_insert_with(sign).clone();
        let index = random.random_range(0..size);
        let leaf = tree.hash(0, index).unwrap();
        let hashes = merkle::inclusion_proof(&tree, index, size).unwrap();
        let proof = TlogProof::new(index, leaf, hashes, checkpoint.note().to_owned());
        let text = proof.to_string();
        let read: TlogProof = text.parse().unwrap();
        assert_eq!((&read, read.to_string()), (&proof, text));
        let proven = if round % 100 == 0 {
            read.verify(&keys())
        } else {
            read.lead_to(checkpoint.clone())
        };
        let proven = proven.unwrap();
        assert_eq!((proven.index(), proven.leaf_hash()), (index, leaf));
        assert_eq!(proven.checkpoint(), &checkpoint);
        // And the next leaf is not proven by it.
        let other = leaf_hash(&(index + 1).to_be_bytes());
        let hashes = merkle::inclusion_proof(&tree, index, size).unwrap();
        let forged = TlogProof::new(index, other, hashes, String::new());
        assert_eq!(forged.lead_to(checkpoint), Err(TlogProofError::Inclusion));
    }
}

type Verify = fn(&str) -> bool;

thread_local! {
    /// What notes were verified as: most changes are not in the note, and signatures take time.
    static NOTES: RefCell<BTreeMap<String, Option<SignedCheckpoint>>> = RefCell::default();
}

fn signed(text: &str) -> Option<SignedCheckpoint> {
    let (_, note) = text.split_once("\n\n")?;
    NOTES.with_borrow_mut(|notes| {
        let verify = || keys().verify(note);
        notes.entry(note.to_owned()).or_insert_with(verify).clone()
    })
}

/// As [`TlogProof::verify`] does it.
fn verifies(text: &str) -> bool {
    let proof = text.parse::<TlogProof>().ok();
    let proof = proof.and_then(|proof| proof.lead_to(signed(text)?).ok());
    proof.is_some()
}

/// A planted fault: a verifier that looks at form and signature, and never at the root.
fn verifies_without_root(text: &str) -> bool {
    text.parse::<TlogProof>().is_ok() && signed(text).is_some()
}

/// How many changes of a receipt a verifier takes for right: every bit, or one in `step`; every
/// line dropped, doubled, and swapped with the next; and every end cut off.
fn missed(text: &str, step: usize, verify: Verify) -> usize {
    assert!(verify(text));
    let mut changed = Vec::new();
    for bit in (0..text.len() * 8).step_by(step) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        // What is no text is not read as one.
        changed.extend(String::from_utf8(bytes).ok());
    }
    let lines: Vec<&str> = text.split('\n').collect();
    for position in 0..lines.len() {
        let mut dropped = lines.clone();
        dropped.remove(position);
        changed.push(dropped.join("\n"));
        // The same signature twice is no other than once.
        if !lines[position].starts_with('\u{2014}') {
            let mut doubled = lines.clone();
            doubled.insert(position, lines[position]);
            changed.push(doubled.join("\n"));
        }
        if position > 0 {
            let mut swapped = lines.clone();
            swapped.swap(position - 1, position);
            changed.push(swapped.join("\n"));
        }
    }
    let ends = text.char_indices().map(|(end, _)| text.split_at(end).0);
    changed.extend(ends.map(str::to_owned));
    assert!(changed.len() > 3_000 / step, "{}", changed.len());
    let is_missed = |other: &&String| other.as_str() != text && verify(other);
    changed.iter().filter(is_missed).count()
}

#[test]
fn changed_receipt_is_found() {
    let (_log, proof) = receipt(5);
    proof.verify(&keys()).unwrap();
    let text = proof.to_string();
    assert_eq!(missed(&text, 1, verifies), 0);
    let faults_count = missed(&text, 5, verifies_without_root);
    assert!(faults_count > 50, "{faults_count}");
}

#[test]
fn receipt_has_the_form_of_the_specification() {
    let (_log, proof) = receipt(5);
    let text = proof.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
    assert!(lines[1].starts_with("extra ") && lines[1].len() == 6 + 44);
    assert_eq!(lines[2], "index 5");
    // 11 leaves: three hashes to the subtree of 8, and one beside it.
    assert!(lines[3..7].iter().all(|line| line.len() == 44));
    assert_eq!(lines[7], "");
    assert_eq!(lines[8..10], ["vault.example/audit", "11"]);
    // Without extra data it is a proof too, but not one that is enough by itself.
    let bare = text.replace(&format!("{}\n", lines[1]), "");
    let bare: TlogProof = bare.parse().unwrap();
    assert_eq!(bare.verify(&keys()), Err(TlogProofError::LeafHash));
    let spelled = text.replace("index 5", "index 05");
    assert_eq!(spelled.parse::<TlogProof>(), Err(TlogProofError::Form));
}

#[test]
fn receipt_of_another_log_or_time_is_refused() {
    let (log, proof) = receipt(5);
    let other = AuditSigningKey::new(&KeyBytes::from_slice(&[8; 32]).unwrap());
    let others = CheckpointKeys::new(vec![other.verifier(origin())]);
    assert_eq!(proof.verify(&others), Err(TlogProofError::Checkpoint));
    let name = NoteKeyName::new("other.example/audit").unwrap();
    let others = CheckpointKeys::new(vec![key().verifier(name)]);
    assert_eq!(proof.verify(&others), Err(TlogProofError::Checkpoint));
    // A later checkpoint of the same log: signed all right, and another tree.
    let (audit, thread) = log.open();
    let later = block_on(audit.commit(commit(11))).unwrap();
    drop(audit);
    thread.join();
    let text = proof.to_string();
    let (_, note) = text.split_once("\n\n").unwrap();
    let mixed = text.replace(note, later.checkpoint.note());
    let mixed: TlogProof = mixed.parse().unwrap();
    assert_eq!(mixed.verify(&keys()), Err(TlogProofError::Inclusion));
}

/// The log as an export.
fn export_of(log: &TestLog) -> Vec<u8> {
    let mut export = Vec::new();
    write_export(&mut export, &log.store(), &keys()).unwrap();
    export
}

/// What a log says of a proven entry: in the store, and in its export.
fn find(log: &TestLog, proven: &ProvenEntry) -> [Result<String, FindError>; 2] {
    let store = log.store();
    let checkpoint = keys().verify(&store.checkpoint().unwrap().unwrap());
    let in_store = find_in_store(&store, &checkpoint.unwrap(), proven);
    drop(store);
    let export = export_of(log);
    let open = || Ok(Cursor::new(export.clone()));
    let mut found = find_in_export(open, &keys(), std::slice::from_ref(proven)).unwrap();
    [in_store, found.remove(0)]
}

#[test]
fn entry_is_found_in_its_log_and_in_no_other() {
    let (log, proof) = receipt(5);
    let proven = proof.verify(&keys()).unwrap();
    let older = tempfile::tempdir().unwrap();
    let found = find(&log, &proven);
    let line = found[0].as_ref().unwrap().clone();
    assert!(line.starts_with("{\"index\":5,"), "{line}");
    assert_eq!(found[1].as_ref().unwrap(), &line);
    // A log that went on has it too.
    copy_directory(log.directory.path(), older.path());
    let (audit, thread) = log.open();
    let later = block_on(audit.commit(commit(11))).unwrap();
    drop(audit);
    thread.join();
    assert_eq!(
        find(&log, &proven).map(Result::unwrap),
        [line.clone(), line]
    );
    // One that went back has not what was promised later.
    let store = log.store();
    let proof = prove_inclusion(&store, &later.checkpoint, 11).unwrap();
    drop(store);
    let later = proof.verify(&keys()).unwrap();
    let older = TestLog { directory: older };
    for found in find(&older, &later) {
        assert!(matches!(found, Err(FindError::Behind { .. })), "{found:?}");
    }
    // Another that the same key signed has other entries in the same places.
    let (forged, _) = receipt(0);
    for found in find(&forged, &proven) {
        assert!(matches!(found, Err(FindError::Fork)), "{found:?}");
    }
}
