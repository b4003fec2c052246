//! Claims: what is refused has no entry of its own, and what follows from it comes right after.

use super::*;
use crate::access::Act;
use crate::access::Actor;
use crate::access::Claim;
use crate::access::Disclosure;
use crate::access::Glance;
use crate::access::Refusal;
use crate::access::SeenKey;
use crate::domain::FreezeTarget;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::domain::Subject;

fn actor(name: &str) -> Actor {
    Actor {
        principal: Principal::new(name).unwrap(),
        credential: [1; 32],
        person: None,
        authenticated: None,
    }
}

fn claim(name: &str, act: Act) -> Commit {
    Commit {
        changes: Changes::default(),
        entry: EntryDraft::new(match act {
            Act::Freeze { .. } => Event::Frozen,
            _ => Event::Lookup,
        }),
        claim: Some(Claim {
            actor: actor(name),
            act,
        }),
    }
}

fn look_at(subject: &str) -> Act {
    let namespace = Namespace::new("shop").unwrap();
    let subject = Subject::new(subject).unwrap();
    let glance = Glance {
        seen: SeenKey::subject(&namespace, &subject),
        under_grant: None,
        guessed: None,
        is_foreign: false,
    };
    Act::Disclose(Box::new(Disclosure {
        namespace,
        case_id: None,
        grant: None,
        glances: vec![glance],
    }))
}

#[test]
fn touched_decoy_leaves_a_freeze_in_the_place_of_the_reveal() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let namespace = Namespace::new("shop").unwrap();
    let decoy = SeenKey::subject(&namespace, &Subject::new("cus_decoy").unwrap());
    let mark = Act::MarkDecoys {
        subjects: vec![decoy],
    };
    block_on(audit.commit(claim("officer.example", mark))).unwrap();
    let mut events = audit.events();
    let touched = block_on(audit.commit(claim("a.example", look_at("cus_decoy"))));
    assert_eq!(touched.unwrap_err(), CommitError::Refused(Refusal::Denied));
    let again = block_on(audit.commit(claim("a.example", Act::Work)));
    assert_eq!(again.unwrap_err(), CommitError::Refused(Refusal::Frozen));
    let other = block_on(audit.commit(claim("b.example", look_at("cus_1")))).unwrap();
    assert_eq!(other.index, 2, "the freeze has the index between");
    assert!(events.try_recv().is_ok(), "watchers are told of the freeze");
    drop(audit);
    thread.join();

    let entries = log.store().entries(0, 10).unwrap();
    let frozen = Entry::decode(&entries[1].entry).unwrap().draft;
    assert_eq!(frozen.event, Event::Frozen);
    let target = FreezeTarget::Principal(Principal::new("a.example").unwrap());
    assert_eq!(frozen.access.freeze, Some(target));
    assert!(
        frozen.policy_hash.is_some(),
        "the version of the rules is there"
    );
}

#[test]
fn freeze_outlives_a_restart() {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let target = FreezeTarget::AllReveals;
    let freeze = Act::Freeze {
        target: target.clone(),
    };
    block_on(audit.commit(claim("officer.example", freeze))).unwrap();
    drop(audit);
    thread.join();

    let store: Arc<dyn Store> = Arc::new(log.store());
    let mut parts = log.parts_over(Arc::clone(&store)).unwrap();
    let now = parts.clock.now();
    let access = Access::load(AccessRules::default(), &*store, now).unwrap();
    parts.access = Arc::new(Mutex::new(access));
    let (audit, thread) = AuditLog::open(parts).unwrap();
    let reveal = block_on(audit.commit(claim("a.example", look_at("cus_1"))));
    assert_eq!(reveal.unwrap_err(), CommitError::Refused(Refusal::Frozen));
    block_on(audit.commit(claim("a.example", Act::Work))).unwrap();
    drop(audit);
    thread.join();
}
