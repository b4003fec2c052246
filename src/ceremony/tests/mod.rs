//! What officers can do, and what none of them can do alone.

mod allowing;
mod charters;
mod forging;

use std::collections::BTreeMap;

use super::*;
use crate::crypto::KeyBytes;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::OfficerKey;
use crate::crypto::note::SignedNote;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Timestamp;

const VAULT: &str = "shop.example/audit";
const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

fn officer(number: u8) -> (NoteKeyName, OfficerKey) {
    let name = NoteKeyName::new(&format!("officer{number}")).unwrap();
    (name, OfficerKey::new(&KeyBytes::from_array(&[number; 32])))
}

fn sign(number: u8, text: &str) -> SignedNote {
    let (name, key) = officer(number);
    key.sign(name, text).unwrap()
}

fn charter() -> Charter {
    let officers = [1, 2, 3].map(|number| {
        let (name, key) = officer(number);
        key.verifier(name)
    });
    let rule = Rule {
        approvals: 2,
        delay_seconds: 60,
    };
    let rules = BTreeMap::from([(OperationKind::DestroyKey, rule)]);
    Charter::new(officers, rules).unwrap()
}

fn key() -> KeyName {
    KeyName {
        purpose: KeyPurpose::Wrapping,
        namespace: Some(Namespace::new("shop").unwrap()),
        version: KeyVersion::FIRST,
    }
}

fn statement(operation: Operation) -> Statement {
    Statement {
        vault: VAULT.to_owned(),
        operation,
        charter: charter().digest(),
        nonce: [9; 16],
        proposed: NOW,
        expires: NOW.plus_seconds(3_600),
    }
}

fn destroy() -> Statement {
    statement(Operation::DestroyKey(key()))
}

fn propose(by: u8, statement: &Statement) -> Result<Ceremony, CeremonyError> {
    let note = sign(by, &statement.to_string());
    Ceremony::propose(&charter(), VAULT, note, None, NOW)
}

#[test]
fn one_officer_rotates_where_the_charter_says_so() {
    let ceremony = propose(1, &statement(Operation::RotateKey(key()))).unwrap();
    assert_eq!(ceremony.state, CeremonyState::Waiting);
    assert!(ceremony.is_due(NOW));
}

#[test]
fn destroying_needs_two_and_waits() {
    let proposed = propose(1, &destroy()).unwrap();
    assert_eq!(proposed.state, CeremonyState::Proposed);
    let text = destroy().to_string();
    let again = proposed.approve(&charter(), sign(1, &text), NOW);
    assert_eq!(again, Err(CeremonyError::SignedAlready));

    let approved = proposed.approve(&charter(), sign(2, &text), NOW).unwrap();
    assert_eq!(approved.state, CeremonyState::Waiting);
    assert!(!approved.is_due(NOW.plus_seconds(59)));
    assert!(approved.is_due(NOW.plus_seconds(60)));
    let third = approved.approve(&charter(), sign(3, &text), NOW);
    assert_eq!(third, Err(CeremonyError::State));
    // Who got no answer and signs again is told so, whatever has happened since.
    let late = NOW.plus_seconds(7_200);
    let again = approved.approve(&charter(), sign(2, &text), late);
    assert_eq!(again, Err(CeremonyError::SignedAlready));
    assert!(approved.was_proposed_by(&sign(1, &text)));
    assert!(!approved.was_proposed_by(&sign(2, &text)));
}

#[test]
fn proposer_cancels_alone_only_while_nobody_else_has_signed() {
    let proposed = propose(1, &destroy()).unwrap();
    let text = cancellation(&proposed.id());
    let cancelled = proposed.cancel(&charter(), sign(1, &text), NOW).unwrap();
    assert_eq!(cancelled.state, CeremonyState::Cancelled);
    let again = cancelled.cancel(&charter(), sign(1, &text), NOW);
    assert_eq!(again, Err(CeremonyError::SignedAlready));

    let one = proposed.cancel(&charter(), sign(2, &text), NOW).unwrap();
    assert_eq!(one.state, CeremonyState::Proposed, "another's, alone");
    let again = one.cancel(&charter(), sign(2, &text), NOW);
    assert_eq!(again, Err(CeremonyError::SignedAlready));
    let two = one.cancel(&charter(), sign(3, &text), NOW).unwrap();
    assert_eq!(two.state, CeremonyState::Cancelled);

    let note = sign(2, &destroy().to_string());
    let approved = proposed.approve(&charter(), note, NOW).unwrap();
    let one = approved.cancel(&charter(), sign(1, &text), NOW).unwrap();
    assert_eq!(one.state, CeremonyState::Waiting, "others have signed");
}

#[test]
fn abandoned_ceremony_expires_and_takes_no_signature() {
    let proposed = propose(1, &destroy()).unwrap();
    assert_eq!(proposed.expire(NOW.plus_seconds(3_599)), None);
    let late = NOW.plus_seconds(3_600);
    let signature = sign(2, &destroy().to_string());
    let approved = proposed.approve(&charter(), signature, late);
    assert_eq!(approved, Err(CeremonyError::Expired));
    let expired = proposed.expire(late).unwrap();
    assert_eq!(expired.state, CeremonyState::Expired);
    assert!(expired.state.is_final());
}

#[test]
fn final_states_are_final() {
    for from in CeremonyState::ALL {
        for to in CeremonyState::ALL {
            let went = from.transition(to).is_ok();
            assert!(!(went && from.is_final()), "{from:?} to {to:?}");
        }
    }
}

#[test]
fn ceremony_is_read_as_it_was_stored() {
    let proposed = propose(1, &destroy()).unwrap();
    let text = cancellation(&proposed.id());
    let cancelled = proposed.cancel(&charter(), sign(2, &text), NOW).unwrap();
    let progress = Progress {
        looked_at: 7,
        changed: 3,
        damaged: 1,
        after: Some([4; 16]),
    };
    for ceremony in [proposed, cancelled.clone(), cancelled.at(progress)] {
        assert_eq!(Ceremony::decode(&ceremony.encode()), Ok(ceremony));
    }
    assert_eq!(Ceremony::decode(b"{}"), Err(RowError));
}

#[test]
fn charter_is_read_as_it_is_written() {
    let text = charter().to_string();
    assert_eq!(Charter::read(&text), Ok(charter()));
    assert!(Charter::read(&text.replace("rule", "rules")).is_err());
    let lines: Vec<&str> = text.lines().collect();
    for missing in 0..lines.len() {
        let mut fewer = lines.clone();
        fewer.remove(missing);
        let fewer: String = fewer.iter().map(|line| format!("{line}\n")).collect();
        assert_ne!(Charter::read(&fewer), Ok(charter()), "line {missing}");
    }
}

/// A charter that was founded before some operations were known.
#[test]
fn older_charter_keeps_its_text_and_has_the_usual_rules() {
    let text = charter().to_string();
    let newer = [
        "accept-rollback",
        "erase-entry",
        "prune-log",
        "retokenize",
        "root-key",
    ];
    let is_older = |line: &&str| !newer.iter().any(|kind| line.contains(kind));
    let older: String = text
        .lines()
        .filter(is_older)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(older.lines().count() + 5, text.lines().count());
    let read = Charter::read(&older).unwrap();
    assert_eq!(read.to_string(), older);
    assert_ne!(read.digest(), charter().digest());
    assert!(read.agrees_with(&charter()) && charter().agrees_with(&read));
    for kind in [
        OperationKind::AcceptRollback,
        OperationKind::EraseEntry,
        OperationKind::PruneLog,
        OperationKind::Retokenize,
        OperationKind::RotateRootKey,
    ] {
        assert_eq!(read.rule(kind), Rule::usual(kind));
        assert_eq!(read.rule(kind).approvals, 2);
    }
    // An older one still has every rule that it could have.
    let fewer = older.replace("rule rotate-key 1 0\n", "");
    assert_ne!(fewer, older);
    assert!(Charter::read(&fewer).is_err());
}

#[test]
fn charter_lets_nothing_wait_that_is_done_offline() {
    let officers = || [1, 2].map(|number| officer(number).1.verifier(officer(number).0));
    for kind in OperationKind::ALL {
        let rule = Rule {
            approvals: 2,
            delay_seconds: 1,
        };
        // The charter's change waits for as long as what waits by itself, at the least.
        let rules = BTreeMap::from([
            (OperationKind::DestroyKey, rule),
            (OperationKind::EraseEntry, rule),
            (OperationKind::PruneLog, rule),
            (kind, rule),
        ]);
        let charter = Charter::new(officers(), rules);
        assert_eq!(charter.is_err(), kind.is_offline(), "{kind:?}");
        if kind.is_offline() {
            let alone = Rule {
                approvals: 1,
                delay_seconds: 0,
            };
            assert!(Charter::new(officers(), BTreeMap::from([(kind, alone)])).is_err());
        }
    }
}

#[test]
fn offline_statement_is_read_as_it_is_written_and_no_other_way() {
    let point = |size, byte| LogPoint {
        size,
        root: [byte; 32],
    };
    let rollback = Operation::AcceptRollback(Rollback {
        head: point(12, 1),
        database: point(10, 2),
    });
    let moved = Operation::RotateRootKey(RootKeyMove {
        keys: [3; 32],
        from: RootKeyKind::Pkcs11,
        to: RootKeyKind::PassphraseFile,
    });
    for operation in [rollback, moved] {
        let text = statement(operation.clone()).to_string();
        assert_eq!(Statement::read(&text), Ok(statement(operation.clone())));
        for (from, to) in [
            ("head 12", "head 012"),
            ("head 12", "head +12"),
            ("head 12", "head  12"),
            ("database 10", "database -1"),
            ("database", "head"),
            ("01010101", "0101010"),
            ("0a0a", "0A0A"),
            ("pkcs11", "hsm"),
            (" to ", " "),
            ("keys 03", "keys 3"),
        ] {
            if text.contains(from) {
                let wrong = text.replacen(from, to, 1);
                assert_eq!(
                    Statement::read(&wrong),
                    Err(CeremonyError::Statement),
                    "{wrong}"
                );
            }
        }
        let note = sign(1, &text);
        // What runs carries out nothing of this, whoever has signed: the vault refuses it.
        assert!(operation.kind().is_offline());
        assert!(Approved::by_officers(&charter(), VAULT, &note).is_err());
        let both = join([note, sign(2, &text)]).unwrap();
        assert!(Approved::by_officers(&charter(), VAULT, &both).is_ok());
    }
    // A statement for a running vault is of no use for a stopped one.
    let text = destroy().to_string();
    let both = join([sign(1, &text), sign(2, &text)]).unwrap();
    let refused = Approved::by_officers(&charter(), VAULT, &both);
    assert_eq!(refused, Err(CeremonyError::State));
}

#[test]
fn charter_never_lets_one_officer_destroy() {
    let officers = || [1, 2].map(|number| officer(number).1.verifier(officer(number).0));
    let with = |approvals| {
        let rule = Rule {
            approvals,
            delay_seconds: 0,
        };
        Charter::new(
            officers(),
            BTreeMap::from([(OperationKind::DestroyKey, rule)]),
        )
    };
    assert!(with(1).is_err());
    assert!(with(2).is_ok());
    assert!(with(3).is_err(), "more than there are");
    let [one, _] = officers();
    assert!(Charter::new([one.clone()], BTreeMap::new()).is_err());
    assert!(Charter::new([one.clone(), one], BTreeMap::new()).is_err());
}
