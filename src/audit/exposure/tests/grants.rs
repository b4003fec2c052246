//! What could have been seen under grants, and was not.

use super::*;
use crate::access::Effect;
use crate::audit::AccessNote;
use crate::audit::Decision;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::PersonId;

const MINUTE_MS: u64 = 60_000;

/// A log that is written by hand, a minute an entry.
#[derive(Default)]
struct Log(Vec<Entry>);

impl Log {
    fn at(mut self, minute: u64, draft: EntryDraft) -> Self {
        let index = self.0.len() as u64;
        self.0.push(entry(index, minute * MINUTE_MS, draft));
        self
    }

    /// What could have been seen between two minutes: subjects and fields of each grant.
    fn unseen(&self, from: u64, to: u64) -> Vec<Vec<String>> {
        let query = Query {
            who: Who {
                person: PersonId::read("acme/agent").ok(),
                ..Who::default()
            },
            ..between(from * MINUTE_MS, to * MINUTE_MS)
        };
        let text = |it: &Unseen| {
            let subject = it.subject.as_ref().map_or("any", |it| it.as_str());
            format!("{subject} {}", it.field.as_str())
        };
        let grants = report(&query, &self.0).grants;
        let grants = grants.iter();
        grants
            .map(|grant| grant.unseen.iter().map(text).collect())
            .collect()
    }
}

fn by(person: &str, event: Event, access: AccessNote) -> EntryDraft {
    EntryDraft {
        person: PersonId::read(person).ok(),
        decision: Some(Decision::Permit),
        access,
        ..call(event, Vec::new())
    }
}

fn note(effect: Option<Effect>) -> AccessNote {
    AccessNote {
        grant_id: GrantId::new("g-1").ok(),
        effect,
        ..AccessNote::default()
    }
}

fn request(effect: Effect) -> EntryDraft {
    let items = ["name", "email"].map(|field| item("cus_1", field, ItemOutcome::Intended));
    EntryDraft {
        items: items.into(),
        ..by("acme/agent", Event::GrantRequested, note(Some(effect)))
    }
}

fn approval() -> EntryDraft {
    let effect = Some(Effect::Effective);
    by("acme/approver", Event::GrantApproved, note(effect))
}

fn reveal(field: &str, level: Level) -> EntryDraft {
    let items = vec![item("cus_1", field, ItemOutcome::Intended)];
    EntryDraft {
        items,
        level: Some(level),
        ..by("acme/agent", Event::Detokenize, note(None))
    }
}

fn frozen(target: &str) -> EntryDraft {
    let access = AccessNote {
        freeze: FreezeTarget::read(target),
        ..AccessNote::default()
    };
    by("acme/oncall", Event::Frozen, access)
}

fn unfrozen(target: &str, effect: Effect) -> EntryDraft {
    let mut draft = frozen(target);
    draft.event = Event::Unfreeze;
    draft.access.effect = Some(effect);
    draft
}

#[test]
fn approved_grant_could_have_been_used() {
    let log = Log::default()
        .at(0, request(Effect::Pending))
        .at(5, approval())
        .at(6, reveal("name", Level::Full));
    assert_eq!(log.unseen(0, 60), [["cus_1 email"]]);
    // It was held from its approval until its end, and the window has what was seen in it.
    assert!(log.unseen(0, 5).is_empty());
    assert_eq!(log.unseen(0, 6), [["cus_1 email", "cus_1 name"]]);
    assert_eq!(log.unseen(20, 21), [["cus_1 email", "cus_1 name"]]);
    assert!(log.unseen(21, 60).is_empty());
}

#[test]
fn grant_that_nobody_approved_was_not_held() {
    let waiting = Log::default().at(0, request(Effect::Pending));
    assert!(waiting.unseen(0, 60).is_empty());
    let alone = Log::default().at(0, request(Effect::Effective));
    assert_eq!(alone.unseen(0, 60), [["cus_1 email", "cus_1 name"]]);
    let mut refused = request(Effect::Effective);
    refused.decision = Some(Decision::Deny);
    assert!(Log::default().at(0, refused).unseen(0, 60).is_empty());
    let mut another = request(Effect::Effective);
    another.person = PersonId::read("acme/other").ok();
    assert!(Log::default().at(0, another).unseen(0, 60).is_empty());
}

#[test]
fn revoked_grant_could_not_be_used_afterwards() {
    let log = Log::default()
        .at(0, request(Effect::Effective))
        .at(3, by("acme/approver", Event::GrantRevoked, note(None)));
    assert_eq!(log.unseen(2, 60).len(), 1);
    assert!(log.unseen(4, 60).is_empty());
}

#[test]
fn frozen_grant_could_not_be_used() {
    for target in [
        "all",
        "namespace:shop",
        "grant:g-1",
        "person:acme/agent",
        "principal:agent-tool",
    ] {
        let log = Log::default()
            .at(0, frozen(target))
            .at(1, request(Effect::Effective));
        assert!(log.unseen(0, 60).is_empty(), "{target}");
        let log = log
            .at(2, unfrozen(target, Effect::Pending))
            .at(4, unfrozen(target, Effect::Effective))
            .at(6, frozen(target));
        assert!(log.unseen(0, 4).is_empty(), "{target}");
        assert_eq!(log.unseen(4, 5).len(), 1, "{target}");
        assert!(log.unseen(7, 60).is_empty(), "{target}");
    }
    for target in ["namespace:bank", "grant:g-2", "person:acme/approver"] {
        let log = Log::default()
            .at(0, frozen(target))
            .at(1, request(Effect::Effective));
        assert_eq!(log.unseen(0, 60).len(), 1, "{target}");
    }
}

#[test]
fn masked_value_could_have_been_seen_in_full() {
    let log = Log::default()
        .at(0, request(Effect::Effective))
        .at(1, reveal("name", Level::Masked));
    assert_eq!(log.unseen(0, 60), [["cus_1 email", "cus_1 name"]]);
    let mut masked = request(Effect::Effective);
    masked.level = Some(Level::Masked);
    let log = Log::default()
        .at(0, masked)
        .at(1, reveal("name", Level::Masked))
        .at(2, reveal("email", Level::Full));
    assert_eq!(log.unseen(0, 60), [[""; 0]]);
}

#[test]
fn emergency_could_have_been_any_customers() {
    let mut emergency = request(Effect::Pending);
    for item in &mut emergency.items {
        item.subject = None;
    }
    let log = Log::default()
        .at(0, emergency)
        .at(16, reveal("name", Level::Full));
    assert!(log.unseen(0, 15).is_empty());
    assert_eq!(log.unseen(15, 16), [["any email", "any name"]]);
    assert_eq!(log.unseen(75, 76).len(), 1);
    assert!(log.unseen(76, 99).is_empty());
    let soon = log.at(17, approval());
    assert_eq!(soon.unseen(17, 99).len(), 1);
}

#[test]
fn could_have_been_is_counted() {
    let log = Log::default().at(0, request(Effect::Effective));
    let summary = report(&everything(), &log.0).summary();
    assert_eq!(summary.could_have_been, 2);
    assert_eq!(summary.customers.all(), 0);
}
