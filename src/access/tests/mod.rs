//! Grants, budgets and freezes: single rules here, random histories against a reference.

mod grants;
mod model;
mod random;

use std::collections::BTreeSet;

use crate::access::Access;
use crate::access::AccessRules;
use crate::access::Act;
use crate::access::Actor;
use crate::access::BudgetRule;
use crate::access::Cause;
use crate::access::Claim;
use crate::access::Disclosure;
use crate::access::Effect;
use crate::access::Glance;
use crate::access::Grant;
use crate::access::GrantKind;
use crate::access::GrantScope;
use crate::access::GrantState;
use crate::access::GrantUse;
use crate::access::HolderKind;
use crate::access::Refusal;
use crate::access::SeenKey;
use crate::access::Window;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Subject;
use crate::domain::Timestamp;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn at(unix_ms: u64) -> Timestamp {
    Timestamp::from_unix_ms(unix_ms)
}

fn shop() -> Namespace {
    Namespace::new("shop").unwrap()
}

fn subject(number: u8) -> Subject {
    Subject::new(&format!("cus_{number}")).unwrap()
}

fn field(name: &str) -> FieldName {
    FieldName::new(name).unwrap()
}

fn agent(name: &str, authenticated: Option<u64>) -> Actor {
    Actor {
        principal: Principal::new("support.example").unwrap(),
        credential: [1; 32],
        person: Some(PersonId::read(&format!("acme/{name}")).unwrap()),
        authenticated: authenticated.map(at),
    }
}

fn five_an_hour() -> AccessRules {
    AccessRules {
        budgets: vec![BudgetRule {
            holder: HolderKind::Person,
            principals: BTreeSet::new(),
            namespaces: BTreeSet::new(),
            limits: vec![(Window::Hour, 5), (Window::Day, 20)],
        }],
        ..AccessRules::default()
    }
}

fn disclosure(grant: Option<&str>, subjects: impl IntoIterator<Item = u8>) -> Disclosure {
    let glance = |number: u8| Glance {
        seen: SeenKey::subject(&shop(), &subject(number)),
        under_grant: grant.map(|_| (subject(number), field("email"))),
        guessed: None,
        is_foreign: false,
    };
    Disclosure {
        namespace: shop(),
        case_id: Some(CaseId::new("T-1").unwrap()),
        grant: grant.map(|id| GrantUse {
            id: GrantId::new(id).unwrap(),
            level: Level::Full,
            purpose: Purpose::new("support").unwrap(),
        }),
        glances: subjects.into_iter().map(glance).collect(),
    }
}

fn requested(id: &str, by: &Actor, subjects: impl IntoIterator<Item = u8>, now: u64) -> Grant {
    Grant {
        id: GrantId::new(id).unwrap(),
        scope: GrantScope {
            kind: GrantKind::Case,
            namespace: shop(),
            subjects: subjects.into_iter().map(subject).collect(),
            fields: [field("email")].into(),
            level: Level::Full,
            purpose: Purpose::new("support").unwrap(),
            case_id: Some(CaseId::new("T-1").unwrap()),
            reveals_max: 3,
            ttl_seconds: 900,
        },
        requester: by.person.clone().unwrap(),
        principal: by.principal.clone(),
        requested: at(now),
        approval: None,
        state: GrantState::Requested,
        reveals_count: 0,
    }
}

/// Judges, and takes it as written.
fn judge(
    access: &mut Access,
    actor: &Actor,
    act: Act,
    now: u64,
) -> Result<Option<Effect>, Refusal> {
    let claim = Claim {
        actor: actor.clone(),
        act,
    };
    let judgment = access.judge(&claim, at(now));
    access.settle();
    judgment.outcome.map(|granted| granted.effect)
}

fn see(access: &mut Access, actor: &Actor, subjects: &[u8], now: u64) -> Result<(), Refusal> {
    let act = Act::Disclose(Box::new(disclosure(None, subjects.iter().copied())));
    judge(access, actor, act, now).map(|_| ())
}

fn is_spent(outcome: Result<(), Refusal>) -> bool {
    matches!(outcome, Err(Refusal::BudgetSpent { .. }))
}

#[test]
fn sixth_customer_of_an_hour_is_never_seen() {
    let mut access = Access::new(five_an_hour());
    let ada = agent("ada", Some(0));
    for number in 0..5 {
        see(&mut access, &ada, &[number], 1_000 + u64::from(number)).unwrap();
    }
    // Who was seen may be seen again, and does not count again.
    see(&mut access, &ada, &[0, 1, 2, 3, 4], 2_000).unwrap();
    assert!(is_spent(see(&mut access, &ada, &[5], 2_001)));
    assert!(is_spent(see(&mut access, &ada, &[4, 5], 2_002)));
    // Another person has a budget of their own.
    see(&mut access, &agent("bob", Some(0)), &[5], 2_003).unwrap();
    // The five were seen last at 2,000; until an hour later, none of them leaves.
    let ada = agent("ada", Some(HOUR));
    assert!(is_spent(see(&mut access, &ada, &[5], 1_999 + HOUR)));
    see(&mut access, &ada, &[5], 2_000 + HOUR).unwrap();
}

#[test]
fn batch_is_seen_whole_or_not_at_all() {
    let mut access = Access::new(five_an_hour());
    let ada = agent("ada", Some(0));
    let outcome = see(&mut access, &ada, &[0, 1, 2, 3, 4, 5], 0);
    assert_eq!(outcome, Err(Refusal::BudgetSpent { retry_seconds: 0 }));
    let usage = access.usage(&ada, &shop(), at(0));
    assert_eq!(
        usage.iter().map(|usage| usage.used).collect::<Vec<_>>(),
        [0, 0]
    );
}

#[test]
fn last_fifth_of_a_budget_needs_a_fresh_login() {
    let mut access = Access::new(five_an_hour());
    let stale = agent("ada", Some(0));
    let now = 20 * MINUTE;
    see(&mut access, &stale, &[0, 1, 2, 3], now).unwrap();
    let refused = see(&mut access, &stale, &[4], now);
    assert_eq!(
        refused,
        Err(Refusal::FreshLogin {
            age_seconds_max: 300
        })
    );
    let unknown = agent("ada", None);
    assert!(see(&mut access, &unknown, &[4], now).is_err());
    let fresh = agent("ada", Some(now - MINUTE));
    see(&mut access, &fresh, &[4], now).unwrap();
}

#[test]
fn decoy_and_foreign_token_freeze_who_touches_them() {
    for is_decoy in [true, false] {
        let mut access = Access::new(AccessRules::default());
        let ada = agent("ada", None);
        let decoy = SeenKey::subject(&shop(), &subject(9));
        let officer = agent("officer", None);
        let mark = Act::MarkDecoys {
            subjects: vec![decoy],
        };
        judge(&mut access, &officer, mark, 0).unwrap();
        let mut touched = disclosure(None, if is_decoy { [1, 9] } else { [1, 2] });
        touched.glances[1].is_foreign = !is_decoy;
        let claim = Claim {
            actor: ada.clone(),
            act: Act::Disclose(Box::new(touched)),
        };
        let judgment = access.judge(&claim, at(1));
        assert_eq!(judgment.outcome, Err(Refusal::Denied));
        let cause = judgment.consequence.unwrap().cause;
        assert_eq!(
            cause,
            if is_decoy {
                Cause::Decoy
            } else {
                Cause::ForeignToken
            }
        );
        assert_eq!(judge(&mut access, &ada, Act::Work, 2), Err(Refusal::Frozen));
        assert_eq!(see(&mut access, &agent("bob", None), &[1], 3), Ok(()));
    }
}

#[test]
fn unfreezing_needs_two() {
    let mut access = Access::new(AccessRules::default());
    let (ada, bob, eve) = (agent("ada", None), agent("bob", None), agent("eve", None));
    let target = FreezeTarget::Person(eve.person.clone().unwrap());
    let freeze = || Act::Freeze {
        target: target.clone(),
    };
    let unfreeze = || Act::Unfreeze {
        target: target.clone(),
    };
    judge(&mut access, &ada, freeze(), 0).unwrap();
    assert_eq!(
        judge(&mut access, &eve, unfreeze(), 1),
        Err(Refusal::Frozen)
    );
    assert_eq!(
        judge(&mut access, &ada, unfreeze(), 2),
        Ok(Some(Effect::Pending))
    );
    assert_eq!(
        judge(&mut access, &ada, unfreeze(), 3),
        Ok(Some(Effect::Pending))
    );
    // The first one's word does not last for ever.
    let late = 3 + HOUR;
    assert_eq!(
        judge(&mut access, &bob, unfreeze(), late),
        Ok(Some(Effect::Pending))
    );
    assert_eq!(
        judge(&mut access, &eve, Act::Work, late),
        Err(Refusal::Frozen)
    );
    assert_eq!(
        judge(&mut access, &ada, unfreeze(), late + 1),
        Ok(Some(Effect::Effective))
    );
    assert_eq!(judge(&mut access, &eve, Act::Work, late + 2), Ok(None));
    assert_eq!(
        judge(&mut access, &ada, unfreeze(), late + 3),
        Err(Refusal::Denied)
    );
}

#[test]
fn run_of_refusals_freezes() {
    let rules = AccessRules {
        denials_max: 3,
        denials_seconds: 60,
        ..AccessRules::default()
    };
    let mut access = Access::new(rules);
    let ada = agent("ada", None);
    let refused = |access: &mut Access, now| {
        let claim = Claim {
            actor: ada.clone(),
            act: Act::Refused,
        };
        access
            .judge(&claim, at(now))
            .consequence
            .map(|freeze| freeze.cause)
    };
    assert_eq!(refused(&mut access, 0), None);
    assert_eq!(refused(&mut access, 1), None);
    assert_eq!(refused(&mut access, MINUTE), None);
    assert_eq!(refused(&mut access, MINUTE + 1), None);
    assert_eq!(refused(&mut access, MINUTE + 2), Some(Cause::Denials));
}

#[test]
fn token_cannot_be_guessed_at() {
    let mut access = Access::new(AccessRules::default());
    let (ada, bob) = (agent("ada", None), agent("bob", None));
    let guess = |access: &mut Access, actor: &Actor, now| {
        let mut question = disclosure(None, [1]);
        question.glances[0].guessed = Some(SeenKey::value(&shop(), &[7; 16]));
        judge(access, actor, Act::Disclose(Box::new(question)), now)
    };
    for now in 0..5 {
        guess(&mut access, &ada, now).unwrap();
    }
    let refused = guess(&mut access, &ada, 5);
    assert!(
        matches!(refused, Err(Refusal::Guesses { .. })),
        "{refused:?}"
    );
    guess(&mut access, &bob, 6).unwrap();
    assert!(guess(&mut access, &ada, 24 * HOUR - 1).is_err());
    guess(&mut access, &ada, 24 * HOUR).unwrap();
}

#[test]
fn what_was_not_written_did_not_happen() {
    let mut access = Access::new(five_an_hour());
    let ada = agent("ada", Some(0));
    see(&mut access, &ada, &[0], 0).unwrap();
    let target = FreezeTarget::AllReveals;
    for act in [
        Act::Disclose(Box::new(disclosure(None, [0, 1, 2]))),
        Act::RequestGrant {
            grant: Box::new(requested("g-1", &ada, [1], 1)),
        },
        Act::MarkDecoys {
            subjects: vec![SeenKey::subject(&shop(), &subject(3))],
        },
        Act::Freeze {
            target: target.clone(),
        },
    ] {
        let claim = Claim {
            actor: ada.clone(),
            act,
        };
        access.judge(&claim, at(1)).outcome.unwrap();
    }
    assert!(!access.puts().is_empty());
    access.undo();
    assert!(access.puts().is_empty());
    assert_eq!(access.usage(&ada, &shop(), at(2))[0].used, 1);
    assert!(access.grants_after(None).next().is_none());
    assert!(access.freeze(&target).is_none());
    assert_eq!(access.decoys_count(), 0);
}
