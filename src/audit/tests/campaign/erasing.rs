//! Entries that were erased: with a word of the log, and without one. Both verifiers find those
//! without; one that takes no notice of the words does not.

use super::*;
use crate::second_verifier::SecondVerifier;

/// A log with one erased entry at least, and one that is not and could be.
fn logs(count: u64) -> impl Iterator<Item = RandomLog> {
    let logs = (0..).map(|seed| RandomLog::new(seed, 40));
    let has_erased = |log: &RandomLog| !log.erased.is_empty() && log.entries.len() > 12;
    logs.filter(has_erased)
        .take(usize::try_from(count).unwrap())
}

/// What a verifier would say that takes no notice of what the log says of erased entries.
fn without_the_words(export: &[u8]) -> bool {
    let found = verify_export(export, &keys()).err();
    found.is_some_and(|error| {
        !matches!(
            error,
            VerifyError::Untold { .. } | VerifyError::Erasure { .. }
        )
    })
}

/// A log of these drafts, of which some entries are erased whatever they say.
fn log_of(drafts: Vec<EntryDraft>, erased: &[u64]) -> String {
    let mut log = Growing::default();
    for draft in drafts {
        log.append(draft, [7; 16], 1, false);
    }
    log.erased = erased.iter().copied().collect();
    log.finish().export()
}

fn outcome_of(intent: u64) -> EntryDraft {
    EntryDraft {
        intent_index: Some(intent),
        ..EntryDraft::new(Event::DetokenizeOutcome)
    }
}

#[test]
fn entry_that_is_gone_without_a_word_is_found() {
    let mut second = SecondVerifier::start();
    let mut missed_count = 0;
    for log in logs(cases(15)) {
        for stored in &log.entries {
            let mut gone = log.clone();
            if !gone.erased.insert(stored.index) {
                continue;
            }
            let export = gone.export();
            assert!(is_found(export.as_bytes()), "entry {}", stored.index);
            missed_count += u64::from(!without_the_words(export.as_bytes()));
        }
        if let Some(second) = &mut second {
            let mut gone = log.clone();
            gone.erased.insert(log.entries.len() as u64 - 1);
            gone.erased.insert(0);
            assert!(second.finds(gone.export().as_bytes()));
        }
    }
    assert!(missed_count > 0, "the planted fault is not found");
}

#[test]
fn word_of_an_entry_that_is_there_is_found() {
    let mut second = SecondVerifier::start();
    for log in logs(cases(60)) {
        for index in &log.erased {
            let mut kept = log.clone();
            kept.erased.remove(index);
            let export = kept.export();
            let found = verify_export(export.as_bytes(), &keys());
            assert!(matches!(found, Err(VerifyError::Erasure { .. })), "{index}");
            if let Some(second) = &mut second {
                assert!(second.finds(export.as_bytes()));
            }
        }
    }
}

#[test]
fn other_hash_of_an_erased_entry_is_found() {
    let mut second = SecondVerifier::start();
    for log in logs(cases(30)) {
        let export = log.export();
        for line in export.lines().filter(|it| it.starts_with("{\"erased\"")) {
            let Some(export::ExportLine::Erased { index, hash }) = export::read_line(line) else {
                panic!("it is what is left of an entry");
            };
            for byte in [0, 13, 31] {
                let mut other = *hash.as_bytes();
                other[byte] ^= 1;
                let other = export::erased_line(index, Hash::from_bytes(other)).unwrap();
                let changed = export.replace(line, &other);
                assert!(is_found(changed.as_bytes()));
                if let Some(second) = &mut second {
                    assert!(second.finds(changed.as_bytes()));
                }
            }
        }
    }
}

/// Small logs with which entries of them are erased, and whether they are whole.
type Cases = Vec<(&'static str, Vec<EntryDraft>, &'static [u64], bool)>;

fn small_logs() -> Cases {
    let event = EntryDraft::new;
    let erase = EntryDraft::of_entry_erasure;
    let intent = || event(Event::Detokenize);
    let nameless = event(Event::EntryErased);
    let mut other = event(Event::Tokenize);
    other.ceremony.erased_index = Some(0);
    vec![
        ("told", vec![intent(), erase(0)], &[0], true),
        ("told later", vec![intent(), intent(), erase(0)], &[0], true),
        ("untold", vec![intent(), intent()], &[0], false),
        (
            "told of another",
            vec![intent(), intent(), erase(1)],
            &[0],
            false,
        ),
        (
            "told twice",
            vec![intent(), erase(0), erase(0)],
            &[0],
            false,
        ),
        ("told and there", vec![intent(), erase(0)], &[], false),
        ("told of itself", vec![intent(), erase(1)], &[], false),
        ("told of a later one", vec![erase(1), intent()], &[1], false),
        ("nameless", vec![intent(), nameless], &[], false),
        ("by another event", vec![intent(), other], &[0], false),
        ("all but the word", vec![intent(), erase(0)], &[0, 1], false),
        (
            "intent",
            vec![intent(), outcome_of(0), erase(0)],
            &[0],
            true,
        ),
        (
            "intent before",
            vec![intent(), erase(0), outcome_of(0)],
            &[0],
            true,
        ),
        (
            "outcome",
            vec![intent(), outcome_of(0), erase(1)],
            &[1],
            true,
        ),
        (
            "both",
            vec![intent(), outcome_of(0), erase(0), erase(1)],
            &[0, 1],
            true,
        ),
        (
            "two outcomes of one erased intent",
            vec![intent(), outcome_of(0), outcome_of(0), erase(0)],
            &[0],
            false,
        ),
        (
            "outcome of an intent that had one, which nobody can know any more",
            vec![intent(), outcome_of(0), outcome_of(0), erase(1)],
            &[1],
            true,
        ),
    ]
}

/// The same of what a log says that was archived. Whole logs have it all: it is said of others.
fn small_logs_that_were_pruned() -> Cases {
    let event = EntryDraft::new;
    let prune = |size| {
        EntryDraft::of_pruning(LogPoint {
            size,
            root: [3; 32],
        })
    };
    let mut other = event(Event::Tokenize);
    other.ceremony.archived = Some(LogPoint {
        size: 0,
        root: [3; 32],
    });
    let nameless = event(Event::LogPruned);
    vec![
        ("pruned", vec![event(Event::Tokenize), prune(1)], &[], true),
        ("pruned up to a later one", vec![prune(1)], &[], false),
        ("pruned, and not up to where", vec![nameless], &[], false),
        ("pruned by another event", vec![other], &[], false),
    ]
}

/// The same of what starts and stops say that an archive has.
fn small_logs_that_count() -> Cases {
    let prune = |size| {
        EntryDraft::of_pruning(LogPoint {
            size,
            root: [3; 32],
        })
    };
    let counted = |event, size| {
        let mut draft = EntryDraft::new(event);
        draft.ceremony.archived_size = Some(size);
        draft
    };
    let old = EntryDraft::new(Event::Started);
    let started = |size| counted(Event::Started, size);
    let mut pruned = prune(1);
    pruned.ceremony.archived_size = Some(1);
    let several = vec![draft(0), draft(1), prune(2), started(1)];
    let again = vec![draft(0), prune(1), prune(2), started(1)];
    let as_much = vec![draft(0), prune(1), started(1)];
    let too_early = vec![draft(0), started(1), prune(1)];
    vec![
        ("start of an older version", vec![old], &[], true),
        ("nothing pruned", vec![started(0)], &[], true),
        ("less pruned than is said", vec![started(1)], &[], false),
        ("as much pruned", as_much, &[], true),
        ("more pruned", several, &[], false),
        ("pruned again", again, &[], false),
        ("said before", too_early, &[], false),
        (
            "counted by another event",
            vec![counted(Event::Tokenize, 0)],
            &[],
            false,
        ),
        (
            "counted as it is pruned",
            vec![draft(0), pruned],
            &[],
            false,
        ),
    ]
}

/// Goal: the words mean one entry, once, and one before them. Method: small logs, each with what
/// both verifiers must say of it.
#[test]
fn words_and_intents_of_erased_entries_are_judged_alike() {
    let mut second = SecondVerifier::start();
    for (name, drafts, erased, is_whole) in small_logs()
        .into_iter()
        .chain(small_logs_that_were_pruned())
        .chain(small_logs_that_count())
    {
        let export = log_of(drafts, erased);
        assert_eq!(!is_found(export.as_bytes()), is_whole, "{name}");
        if let Some(second) = &mut second {
            let answer = second.ask(export.as_bytes());
            assert_eq!(answer["verified"], is_whole, "{name}: {answer}");
        }
    }
}
