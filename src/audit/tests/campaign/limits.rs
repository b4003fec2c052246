//! Goal: no log is refused by one verifier and accepted by the other for what a note, a name or an
//! entry may have at the most. Method: each limit, and one more. Planted: verifiers that cut off
//! what is too long.

use super::*;
use crate::crypto::note::SIGNATURES_COUNT_MAX;
use crate::second_verifier::SecondVerifier;

/// What both verifiers say of an export.
pub(super) fn judged(second: &mut Option<SecondVerifier>, export: &str) -> bool {
    let ours = verify_export(export.as_bytes(), &keys()).is_ok();
    if let Some(second) = second {
        let answer = second.ask(export.as_bytes());
        assert_eq!(answer["verified"], ours, "{answer}");
    }
    ours
}

#[test]
fn signatures_of_strangers_have_one_form_for_both() {
    let log = RandomLog::of(5, 3);
    let note = log.checkpoint.note();
    let mut second = SecondVerifier::start();
    let mut judge = |lines: &str| {
        let export = log.export();
        let (entries, _) = export.trim_end().rsplit_once('\n').unwrap();
        let mut text = (entries.to_owned() + "\n").into_bytes();
        export::write_checkpoint(&mut text, &format!("{note}{lines}")).unwrap();
        judged(&mut second, &String::from_utf8(text).unwrap())
    };
    let named = |name: &str| format!("\u{2014} {name} AAAAAAA=\n");
    let names = [
        ("w".to_owned(), true),
        ("w".repeat(255), true),
        ("w".repeat(256), false),
        ("\u{e9}".repeat(127), true),
        ("\u{e9}".repeat(128), false),
        (String::new(), false),
        ("a b".to_owned(), false),
        ("a+b".to_owned(), false),
        ("a\tb".to_owned(), false),
        ("a\u{7f}b".to_owned(), false),
        ("a\u{85}b".to_owned(), false),
        ("a\u{a0}b".to_owned(), false),
        ("a\u{2003}b".to_owned(), false),
        ("a\u{3000}b".to_owned(), false),
        ("a\u{200b}b".to_owned(), true),
        ("\u{feff}".to_owned(), true),
    ];
    let mut wrong = |cut: fn(&str) -> String| {
        let misjudged = names
            .iter()
            .filter(|(name, is_name)| judge(&named(&cut(name))) != *is_name);
        misjudged.map(|(name, _)| name.len()).collect::<Vec<_>>()
    };
    assert_eq!(wrong(str::to_owned), Vec::<usize>::new());
    // Planted: verifiers that look at no more of a name than it may have.
    let cut = |name: &str| name.chars().take(127).collect();
    assert_eq!(wrong(cut), [256, 256]);
    let most = SIGNATURES_COUNT_MAX - 1;
    assert!(judge(&named("w").repeat(most)));
    assert!(!judge(&named("w").repeat(most + 1)));
    // An id and nothing after it; what is longer than any note.
    assert!(!judge("\u{2014} w AAAAAA==\n"));
    assert!(judge(&format!("\u{2014} w {}\n", "AAAA".repeat(13_000))));
    assert!(!judge(&format!("\u{2014} w {}\n", "AAAA".repeat(17_000))));
}

/// The export of a log of one entry, whether that can be read or not.
fn export_of(draft: EntryDraft) -> String {
    let entry = Entry {
        index: 0,
        time: Timestamp::from_unix_ms(1),
        uptime_ms: 1,
        draft,
    };
    let stored = StoredEntry {
        index: 0,
        salt: [7; 16],
        entry: entry.encode(),
    };
    let mut frontier = Frontier::new();
    let leaf = entry_leaf_hash(&stored);
    frontier.append(leaf, |_, _, _| ()).unwrap();
    let checkpoint = signer().sign(1, frontier.root()).unwrap();
    let mut text = (export::line(&entry, &stored).unwrap() + "\n").into_bytes();
    export::write_checkpoint(&mut text, checkpoint.note()).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn counts_of_an_entry_have_the_same_bounds_for_both() {
    let mut second = SecondVerifier::start();
    for (count, is_entry) in [(ITEMS_MAX, true), (ITEMS_MAX + 1, false)] {
        let mut entry = draft(0);
        entry.items = vec![entry.items[0].clone(); count];
        assert_eq!(judged(&mut second, &export_of(entry)), is_entry);
    }
    let share = ShareGiven {
        officer: OfficerName::new("officer1").unwrap(),
        principal: Principal::new("a.example").unwrap(),
        credential: [1; 32],
    };
    for (count, is_entry) in [(SHARES_GIVEN_MAX, true), (SHARES_GIVEN_MAX + 1, false)] {
        let mut entry = EntryDraft::new(Event::Started);
        entry.shares_given = vec![share.clone(); count];
        assert_eq!(judged(&mut second, &export_of(entry)), is_entry);
    }
    for (needed, officers_count, is_entry) in [
        (1, 1, true),
        (2, 1, false),
        (1, 0, false),
        (3, SHARES_GIVEN_MAX, true),
        (3, SHARES_GIVEN_MAX + 1, false),
    ] {
        let mut entry = EntryDraft::new(Event::RootKeyReshared);
        let name = |number| OfficerName::new(&format!("officer{number}")).unwrap();
        entry.sharing = Some(SharingNote {
            digest: [1; 32],
            needed,
            officers: (0..officers_count).map(name).collect(),
        });
        let export = export_of(entry);
        let said = judged(&mut second, &export);
        assert_eq!(said, is_entry, "{needed} of {officers_count}");
    }
}
