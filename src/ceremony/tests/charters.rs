//! What a charter must be, and how it says what is wrong with one.

use super::*;

fn of(count: u8, rules: &[(OperationKind, usize, u64)]) -> Result<Charter, CeremonyError> {
    let officers = (1..=count).map(|number| {
        let (name, key) = officer(number);
        key.verifier(name)
    });
    let rules = rules.iter().map(|(kind, approvals, delay_seconds)| {
        let rule = Rule {
            approvals: *approvals,
            delay_seconds: *delay_seconds,
        };
        (*kind, rule)
    });
    Charter::new(officers, rules.collect())
}

const CHANGE: OperationKind = OperationKind::ChangeCharter;
const DESTROY: OperationKind = OperationKind::DestroyKey;
/// What waits for a day by itself, and here for less.
const QUICK: [(OperationKind, usize, u64); 2] = [
    (OperationKind::EraseEntry, 2, 600),
    (OperationKind::PruneLog, 2, 600),
];

/// Who could change the charter could give themselves every other rule.
#[test]
fn charter_is_as_hard_to_change_as_any_of_its_rules() {
    let needed = |charter: &Charter| {
        let Rule {
            approvals,
            delay_seconds,
        } = charter.rule(CHANGE);
        (approvals, delay_seconds)
    };
    let destroy = (DESTROY, 3, 600);
    let [erase, prune] = QUICK;
    assert_eq!(needed(&of(3, &[]).unwrap()), (2, 86_400));
    // One more, as long as one of them may be lost.
    assert_eq!(needed(&of(3, &[destroy, erase, prune]).unwrap()), (3, 600));
    assert_eq!(needed(&of(4, &[destroy, erase, prune]).unwrap()), (3, 600));
    assert_eq!(needed(&of(5, &[destroy, erase, prune]).unwrap()), (4, 600));
    for (approvals, delay_seconds, is_enough) in [
        (2, 600, false),
        (3, 599, false),
        (3, 600, true),
        (4, 700, true),
    ] {
        let charter = of(
            4,
            &[destroy, erase, prune, (CHANGE, approvals, delay_seconds)],
        );
        assert_eq!(charter.is_ok(), is_enough, "{approvals} {delay_seconds}");
    }
    // What is done offline counts, too.
    let root = (OperationKind::RotateRootKey, 4, 0);
    assert_eq!(
        needed(&of(4, &[root, destroy, erase, prune]).unwrap()),
        (4, 600)
    );
}

#[test]
fn older_charter_that_fewer_could_change_is_read_and_held_to_its_strictest_rule() {
    let [erase, prune] = QUICK;
    let text = of(4, &[(DESTROY, 3, 600), erase, prune])
        .unwrap()
        .to_string();
    let older = text.replace("rule change-charter 3 600", "rule change-charter 2 0");
    assert_ne!(older, text);
    let read = Charter::read(&older).unwrap();
    assert_eq!(read.to_string(), older, "its digest stays");
    let expected = Rule {
        approvals: 3,
        delay_seconds: 600,
    };
    assert_eq!(read.rule(CHANGE), expected);
    assert!(read.check_new().is_err(), "no new one may be so");
    assert!(Charter::read(&text).unwrap().check_new().is_ok());
}

#[test]
fn charter_that_is_none_is_told_by_its_line() {
    let text = of(2, &[]).unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    let with = |index: usize, line: &str| -> String {
        let mut changed = lines.clone();
        changed[index] = line;
        changed.iter().map(|line| format!("{line}\n")).collect()
    };
    let swapped = {
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        swapped.iter().map(|line| format!("{line}\n")).collect()
    };
    for (text, line) in [
        (with(0, "counterfoil.v1/statement"), 1),
        (with(1, "officer officer1+00000000+AAAA"), 2),
        (with(2, "director officer2"), 3),
        (with(4, "rule dance 2 0"), 5),
        (with(4, "rule change-charter two 0"), 5),
        (with(4, "rule change-charter 02 86400"), 5),
        (swapped, 2),
        (format!("{text}\n"), lines.len() + 1),
    ] {
        let wrong = Charter::read(&text).unwrap_err();
        let said = format!("charter, line {line}: ");
        assert!(wrong.to_string().starts_with(&said), "{wrong} for {line}");
    }
    let missing = text.replace("rule rotate-key 1 0\n", "");
    let wrong = Charter::read(&missing).unwrap_err();
    assert_eq!(wrong, CeremonyError::CharterRule("rotate-key"));
}

#[test]
fn ceremony_takes_effect_only_after_it_waited() {
    for to in [
        CeremonyState::Running,
        CeremonyState::Done,
        CeremonyState::Failed,
    ] {
        assert!(CeremonyState::Proposed.transition(to).is_err(), "{to:?}");
        assert!(CeremonyState::Waiting.transition(to).is_ok(), "{to:?}");
    }
}

#[test]
fn too_few_signatures_are_told_by_whose_count() {
    let text = statement(Operation::RotateRootKey(RootKeyMove {
        keys: [3; 32],
        from: RootKeyKind::Pkcs11,
        to: RootKeyKind::PassphraseFile,
    }))
    .to_string();
    let (_, second) = officer(2);
    let in_anothers_name = second.sign(officer(3).0, &text).unwrap();
    let note = join([sign(1, &text), in_anothers_name]).unwrap();
    // A signature in an officer's name that is not theirs spoils nobody else's.
    let refused = Approved::by_officers(&charter(), VAULT, &note).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("2 officers of this vault, and has those of: officer1\n"),
        "{refused}"
    );
    let note = sign(9, &text);
    let refused = Approved::by_officers(&charter(), VAULT, &note).unwrap_err();
    assert!(refused.to_string().contains(": nobody\n"), "{refused}");
}
