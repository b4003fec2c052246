//! The logs that the fuzz targets `entry` and `archive` begin with: one log of nine entries with
//! every kind of line that an export or a segment can have, in the parts that readers are handed.
//!
//! `COUNTERFOIL_WRITE_SEEDS` writes them into `fuzz/seeds`; without it they must be there as they
//! are made here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::cosigned::cosign;
use super::cosigned::cosigner;
use super::handovers::lines;
use super::*;
use crate::audit::archive_lines::SegmentEnd;
use crate::audit::archive_lines::segment_line;
use crate::crypto::merkle::consistency_proof;
use crate::crypto::merkle::inclusion_proof;

/// The log, and what was kept of it as it grew.
struct Seeds {
    log: RandomLog,
    /// The log when it had four entries, and none was erased.
    young: RandomLog,
    /// Another log after its third entry, of five.
    fork: RandomLog,
    /// The root hash of each size.
    roots: Vec<Hash>,
    tree: Hashes,
}

impl Seeds {
    fn new() -> Self {
        let mut log = Growing::default();
        let mut roots = vec![log.frontier.root()];
        let (mut young, mut forked) = (None, None);
        for index in 0..9 {
            if index == 3 {
                forked = Some(log.clone());
            }
            if index == 4 {
                young = Some(log.clone().finish());
            }
            let (mut draft, announces) = (Self::draft(index, &roots), index == 2);
            if announces {
                draft.ceremony.public_key = Some(log.next_key());
            }
            log.append(draft, [3; 16], 1, announces);
            roots.push(log.frontier.root());
            if index == 6 {
                let checkpoint = log.checkpoint();
                log.cosigned = Some((checkpoint.size(), cosign(&checkpoint, &cosigner(0))));
            }
        }
        let mut fork = forked.unwrap();
        for _ in 0..2 {
            fork.append(EntryDraft::new(Event::Stopped), [4; 16], 1, false);
        }
        let log = log.finish();
        Self {
            tree: Hashes::of(&log),
            log,
            young: young.unwrap(),
            fork: fork.finish(),
            roots,
        }
    }

    fn draft(index: usize, roots: &[Hash]) -> EntryDraft {
        match index {
            2 => EntryDraft::new(Event::KeyCreated),
            1 | 5 => draft(index),
            3 => EntryDraft::new(Event::Stopped),
            4 => EntryDraft::of_pruning(LogPoint {
                size: 4,
                root: *roots[4].as_bytes(),
            }),
            6 => EntryDraft::of_entry_erasure(1),
            7 => EntryDraft::of_entry_erasure(5),
            8 => {
                let mut accepted = EntryDraft::new(Event::RollbackAccepted);
                accepted.ceremony.statement_digest = Some([5; 32]);
                accepted.ceremony.officers = vec![OfficerName::new("officer1").unwrap()];
                accepted.ceremony.lost_head = Some(LogPoint {
                    size: 12,
                    root: [6; 32],
                });
                accepted
            }
            _ => EntryDraft::new(Event::Started),
        }
    }

    /// A segment, proven in the latest checkpoint.
    fn segment(&self, log: &RandomLog, first: u64, end: u64) -> String {
        let last = SegmentEnd {
            end_index: end,
            proof: consistency_proof(&self.tree, end, 9).unwrap(),
            checkpoint: self.log.checkpoint.note().to_owned(),
        };
        lines(log, first, end) + &segment_line(&last).unwrap() + "\n"
    }

    /// The log from its fifth entry on.
    fn rest(&self) -> String {
        let (whole, fifth) = (self.log.export(), "{\"index\":4,");
        let (_, after) = whole.split_once(fifth).unwrap();
        lines(&self.log, 4, 4) + fifth + after
    }

    fn proof(&self, index: u64) -> TlogProof {
        let path = inclusion_proof(&self.tree, index, 9).unwrap();
        let leaf = self.tree.hash(0, index).unwrap();
        let note = self.log.checkpoint.note().to_owned();
        TlogProof::new(index, leaf, path, note)
    }

    fn rollback_proof(&self) -> String {
        let stored = &self.log.entries[8];
        let proof = self.proof(8).with_leaf(&stored.salt, &stored.entry);
        proof.to_string()
    }

    fn files(&self) -> Vec<(&'static str, String)> {
        let (whole, rest) = (self.log.export(), self.rest());
        let [kept, erased] = [&self.young, &self.log].map(|log| self.segment(log, 0, 2));
        let second = self.segment(&self.log, 2, 4);
        let young = self.young.checkpoint.note();
        let receipt = self.proof(6).to_string();
        let witness = cosigner(0).verifier().to_string() + "\n";
        let root = |root: &Hash| format!("{} {root}\n", STANDARD.encode(root.as_bytes()));
        let roots = self.roots.iter().map(root).collect();
        let archive = |first: &str| format!("=0-2.jsonl\n{first}=2-4.jsonl\n{second}");
        vec![
            ("archive.vkey", both_keys().lines().join("\n") + "\n"),
            ("archive.roots", roots),
            ("archive/alone", archive(&erased)),
            (
                "archive/behind",
                archive(&kept) + &format!("=export\n{rest}=kept\n{young}=witness\n{witness}"),
            ),
            (
                "archive/beside",
                archive(&erased) + &format!("=export\n{whole}"),
            ),
            (
                "archive/fork",
                format!("=export\n{whole}=kept\n{}", self.fork.checkpoint.note()),
            ),
            (
                "archive/receipt",
                format!("=export\n{whole}=kept\n{receipt}=witness\n{witness}"),
            ),
            (
                "archive/rollback",
                format!("=rollback\n{}", self.rollback_proof()),
            ),
            ("entry/archived", rest),
            ("entry/handover", self.young.export()),
            ("entry/segment", second.clone()),
            ("entry/whole", whole),
        ]
    }
}

/// The log's first key, and the one that it came under: who has its end alone needs that.
fn both_keys() -> CheckpointKeys {
    keys().and(key_of(1).verifier(origin()))
}

#[test]
fn seeds_of_the_fuzz_targets_are_these_logs() {
    let seeds = Seeds::new();
    for log in [&seeds.log, &seeds.young, &seeds.fork] {
        verify_export(log.export().as_bytes(), &keys()).unwrap();
    }
    verify_export(seeds.rest().as_bytes(), &both_keys()).unwrap();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    // `./dev fuzz` hands no more bytes than these to a target.
    for (name, text) in seeds.files() {
        let path = directory.join(name);
        if std::env::var_os("COUNTERFOIL_WRITE_SEEDS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap();
        assert!(there == text, "{name} is another");
        let bytes_max = if name.starts_with("entry") {
            4_096
        } else {
            8_192
        };
        assert!(text.len() <= bytes_max, "{name}: {}", text.len());
    }
}
