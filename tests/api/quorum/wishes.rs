//! What officers want, under which charter.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use counterfoil::ceremony::Charter;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::ceremony::Rollback;
use counterfoil::ceremony::RootKeyKind;
use counterfoil::ceremony::RootKeyMove;
use counterfoil::ceremony::Rule;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::merkle::node_hash;
use counterfoil::domain::KeyName;
use counterfoil::domain::Namespace;

use crate::office::Office;
use crate::office::officer;
use crate::office::wrapping;
use crate::retokenize::allowed;

/// What a few officers bring: an operation, and the charter of it where it has one.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) operation: Operation,
    pub(super) charter: String,
}

impl Wish {
    pub(super) fn of(operation: Operation) -> Self {
        let charter = String::new();
        Self { operation, charter }
    }

    /// Other officers, under the same rules.
    pub(super) fn officers(numbers: [u8; 4]) -> Self {
        let charter = charter_of(numbers);
        Self {
            operation: Operation::ChangeCharter(charter.digest()),
            charter: charter.to_string(),
        }
    }
}

/// Every operation, in an order in which each can be carried out after those before it.
pub(super) fn wishes(office: &Office) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = [
        Operation::SuspendKey(wrapping(1)),
        Operation::ResumeKey(wrapping(1)),
        Operation::RotateKey(wrapping(2)),
        Operation::CompromiseKey(wrapping(3)),
        Operation::DestroyKey(wrapping(1)),
        allowed(office, 1_000, 80 * 24 * 60 * 60),
        Operation::EraseEntry(ERASED),
        Operation::PruneLog(beginning(office, 1)),
    ]
    .map(Wish::of)
    .into();
    wishes.push(Wish::officers(LAST_OFFICERS));
    check_kinds(&wishes);
    wishes
}

/// Every operation once more, after all those: each waits when the officers change, and fails.
pub(super) fn doomed(office: &Office, erasable: u64) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = [
        Operation::SuspendKey(wrapping(4)),
        Operation::ResumeKey(others()),
        Operation::RotateKey(wrapping(4)),
        Operation::CompromiseKey(wrapping(2)),
        Operation::DestroyKey(wrapping(2)),
        allowed(office, 1_000, 60 * 24 * 60 * 60),
        Operation::EraseEntry(erasable),
        Operation::PruneLog(beginning(office, 2)),
    ]
    .map(Wish::of)
    .into();
    wishes.push(Wish::officers([2, 3, 4, 5]));
    check_kinds(&wishes);
    wishes
}

/// What officers sign for a vault that does not run.
pub(super) fn offline_wishes() -> [Operation; 2] {
    let at = |size| LogPoint {
        size,
        root: [7; 32],
    };
    let wishes = [
        Operation::AcceptRollback(Rollback {
            head: at(9),
            database: at(7),
        }),
        Operation::RotateRootKey(RootKeyMove {
            keys: [7; 32],
            from: RootKeyKind::Pkcs11,
            to: RootKeyKind::PassphraseFile,
        }),
    ];
    let kinds: BTreeSet<OperationKind> = wishes.iter().map(Operation::kind).collect();
    let offline = OperationKind::ALL.into_iter().filter(|it| it.is_offline());
    assert_eq!(kinds, offline.collect(), "each kind is tried");
    wishes
}

fn check_kinds(wishes: &[Wish]) {
    let kinds: BTreeSet<OperationKind> = wishes.iter().map(|it| it.operation.kind()).collect();
    let online = OperationKind::ALL.into_iter().filter(|it| !it.is_offline());
    assert_eq!(kinds, online.collect(), "each kind is tried");
}

/// The first wrapping key of the other namespace.
pub(super) fn others() -> KeyName {
    KeyName {
        namespace: Some(Namespace::new("other").unwrap()),
        ..wrapping(1)
    }
}

pub(super) fn charter_of(numbers: [u8; 4]) -> Charter {
    let verifiers = numbers.map(|number| {
        let (name, key) = officer(number);
        key.verifier(name)
    });
    Charter::new(verifiers, rule_of_each()).unwrap()
}

/// The first tiles of the log, one or two, as an archive would have them.
fn beginning(office: &Office, tiles: u64) -> LogPoint {
    let tile = |index| {
        let hashes = office.vault.with_store(|store| store.hashes(8, index, 1));
        hashes.unwrap()[0]
    };
    let root = match tiles {
        1 => tile(0),
        _ => *node_hash(&Hash::from_bytes(tile(0)), &Hash::from_bytes(tile(1))).as_bytes(),
    };
    let size = 256 * tiles;
    LogPoint { size, root }
}

fn rule_of_each() -> BTreeMap<OperationKind, Rule> {
    let rule = |kind: OperationKind| Rule {
        approvals: APPROVALS,
        delay_seconds: if kind.is_offline() { 0 } else { DELAY_SECONDS },
    };
    OperationKind::ALL.map(|kind| (kind, rule(kind))).into()
}

/// The officers' table, with jobs so slow that they are seen under way.
pub(super) fn rules() -> String {
    let rules = rule_of_each().into_iter().map(|(kind, rule)| {
        let Rule {
            approvals,
            delay_seconds,
        } = rule;
        let name = kind.name();
        format!("{name} = {{ approvals = {approvals}, delay_seconds = {delay_seconds} }}\n")
    });
    let rules: String = rules.collect();
    format!("rewrap_records_per_second = 100\n[officers.rules]\n{rules}")
}

/// An entry of the beginning.
pub(super) const ERASED: u64 = 14;
/// Who founded the vault, who are its officers while few try, and who are in the end.
pub(super) const FIRST_OFFICERS: [u8; 4] = [1, 2, 3, 6];
pub(super) const OFFICERS: [u8; 4] = [1, 2, 3, 4];
pub(super) const LAST_OFFICERS: [u8; 4] = [1, 2, 3, 5];
/// An officer of the first charter, and none of the second; nobody's officer.
pub(super) const FORMER: u8 = 6;
pub(super) const STRANGER: u8 = 7;
pub(super) const APPROVALS: usize = 3;
pub(super) const DELAY_SECONDS: u64 = 600;
pub(super) const VALID_SECONDS: u64 = 3_600;
