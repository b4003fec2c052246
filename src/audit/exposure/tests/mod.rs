//! Who was seen, against a ledger that is kept beside the log.

mod documents;
mod grants;
mod history;
mod ranges;
mod reports;

use super::*;
use crate::audit::Entry;
use crate::audit::EntryDraft;
use crate::audit::EntryItem;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::crypto::Fingerprint;
use crate::domain::FieldName;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// Everything, of everybody, at any time.
fn everything() -> Query {
    Query {
        from: Timestamp::from_unix_ms(0),
        to: Timestamp::from_unix_ms(u64::MAX),
        namespace: None,
        who: Who::default(),
    }
}

fn between(from_ms: u64, to_ms: u64) -> Query {
    Query {
        from: Timestamp::from_unix_ms(from_ms),
        to: Timestamp::from_unix_ms(to_ms),
        ..everything()
    }
}

fn report(query: &Query, entries: &[Entry]) -> Exposure {
    let mut scan = Scan::new(query.clone());
    for entry in entries {
        if !scan.is_done() {
            scan.entry(entry).unwrap();
        }
    }
    scan.finish()
}

fn entry(index: u64, time_ms: u64, draft: EntryDraft) -> Entry {
    Entry {
        index,
        time: Timestamp::from_unix_ms(time_ms),
        uptime_ms: 0,
        draft,
    }
}

fn item(subject: &str, field: &str, outcome: ItemOutcome) -> EntryItem {
    EntryItem {
        field: Some(FieldName::new(field).unwrap()),
        subject: Some(Subject::new(subject).unwrap()),
        token: Some(Fingerprint::from_bytes([1; 16])),
        key_version: Some(KeyVersion::FIRST),
        outcome,
    }
}

fn call(event: Event, items: Vec<EntryItem>) -> EntryDraft {
    EntryDraft {
        principal: Some(Principal::new("agent-tool").unwrap()),
        namespace: Some(Namespace::new("shop").unwrap()),
        items,
        ..EntryDraft::new(event)
    }
}

fn outcome_of(intent: u64, draft: &EntryDraft, outcome: ItemOutcome) -> EntryDraft {
    let mut draft = EntryDraft {
        event: Event::DetokenizeOutcome,
        intent_index: Some(intent),
        ..draft.clone()
    };
    draft.items.iter_mut().for_each(|it| it.outcome = outcome);
    draft
}
