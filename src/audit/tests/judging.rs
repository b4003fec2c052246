//! Claims: what is refused has no entry of its own, and what follows from it comes right after.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::*;
use crate::access::Act;
use crate::access::Actor;
use crate::access::Claim;
use crate::access::Disclosure;
use crate::access::Glance;
use crate::access::Grant;
use crate::access::GrantKind;
use crate::access::GrantScope;
use crate::access::GrantState;
use crate::access::Refusal;
use crate::access::SeenKey;
use crate::domain::Clock;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Subject;
use crate::domain::Timestamp;

fn actor(name: &str) -> Actor {
    Actor {
        principal: Principal::new(name).unwrap(),
        credential: [1; 32],
        person: None,
        authenticated: None,
    }
}

fn claim(name: &str, act: Act) -> Commit {
    Commit::new(
        Changes::default(),
        EntryDraft::new(if matches!(act, Act::Freeze { .. }) {
            Event::Frozen
        } else {
            Event::Lookup
        }),
        Some(Claim {
            actor: actor(name),
            act,
        }),
    )
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
    let frozen = Entry::decode(&entries[1].entry().unwrap().entry)
        .unwrap()
        .draft;
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
    parts.access = access;
    let (audit, thread) = AuditLog::open(parts).unwrap();
    let reveal = block_on(audit.commit(claim("a.example", look_at("cus_1"))));
    assert_eq!(reveal.unwrap_err(), CommitError::Refused(Refusal::Frozen));
    block_on(audit.commit(claim("a.example", Act::Work))).unwrap();
    drop(audit);
    thread.join();
}

/// A clock that stands.
struct Standing(AtomicU64);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::Relaxed))
    }

    fn not_before(&self, past: Timestamp) {
        self.0.fetch_max(past.unix_ms(), Ordering::Relaxed);
    }
}

fn grant(now: Timestamp) -> Grant {
    let mut grant = Grant {
        id: GrantId::new("g-1").unwrap(),
        scope: GrantScope {
            kind: GrantKind::Case,
            namespace: Namespace::new("shop").unwrap(),
            subjects: [Subject::new("cus_1").unwrap()].into(),
            fields: [FieldName::new("email").unwrap()].into(),
            level: Level::Full,
            purpose: Purpose::new("support").unwrap(),
            case_id: None,
            reveals_max: 9,
            ttl_seconds: 900,
        },
        requester: PersonId::read("acme/ada").unwrap(),
        principal: Principal::new("support.example").unwrap(),
        requested: now,
        approval: None,
        state: GrantState::Requested,
        reveals_count: 0,
    };
    grant.begin(now);
    grant
}

#[test]
fn clock_that_was_set_back_ends_grants_at_the_start() {
    for (at_restart_ms, is_live) in [(1_000_001, true), (999_999, false)] {
        let log = TestLog::create();
        let open = |now_ms| {
            let store: Arc<dyn Store> = Arc::new(log.store());
            let mut parts = log.parts_over(Arc::clone(&store)).unwrap();
            parts.clock = Arc::new(Standing(AtomicU64::new(now_ms)));
            let now = parts.clock.now();
            let access = Access::load(AccessRules::default(), &*store, now).unwrap();
            parts.access = access;
            AuditLog::open(parts).unwrap()
        };
        let (audit, thread) = open(1_000_000);
        let now = Timestamp::from_unix_ms(1_000_000);
        let request = Act::RequestGrant {
            grant: Box::new(grant(now)),
        };
        block_on(audit.commit(claim("support.example", request))).unwrap();
        drop(audit);
        thread.join();

        let (audit, thread) = open(at_restart_ms);
        let id = GrantId::new("g-1").unwrap();
        let live = block_on(audit.access(|access| access.grant(&id).unwrap().is_live(now)));
        assert_eq!(live, is_live);
        // What ended stays ended when the clock is right again.
        block_on(audit.commit(claim("support.example", Act::Work))).unwrap();
        drop(audit);
        thread.join();
        let (audit, thread) = open(1_000_002);
        let live = block_on(audit.access(|access| access.grant(&id).unwrap().is_live(now)));
        assert_eq!(live, is_live);
        drop(audit);
        thread.join();
    }
}
