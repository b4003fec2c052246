//! Grants: what they open, and when they end.

use super::*;

#[test]
fn grant_opens_what_it_names_until_it_ends() {
    let mut access = Access::new(AccessRules::default());
    let (ada, bob) = (agent("ada", None), agent("bob", None));
    let reveal = |access: &mut Access, actor: &Actor, number, now| {
        let act = Act::Disclose(Box::new(disclosure(Some("g-1"), [number])));
        judge(access, actor, act, now)
    };
    assert_eq!(reveal(&mut access, &ada, 1, 0), Err(Refusal::GrantMissing));
    let grant = requested("g-1", &ada, [1, 2], 0);
    let scope_digest = grant.scope.digest();
    let request = Act::RequestGrant {
        grant: Box::new(grant),
    };
    assert_eq!(
        judge(&mut access, &ada, request, 0),
        Ok(Some(Effect::Pending))
    );
    assert_eq!(reveal(&mut access, &ada, 1, 1), Err(Refusal::GrantMissing));

    let approve = |scope_digest| Act::ApproveGrant {
        id: GrantId::new("g-1").unwrap(),
        scope_digest,
    };
    let own = judge(&mut access, &ada, approve(scope_digest), 2);
    assert_eq!(own, Err(Refusal::SamePerson));
    assert_eq!(
        judge(&mut access, &bob, approve([0; 32]), 3),
        Err(Refusal::Scope)
    );
    judge(&mut access, &bob, approve(scope_digest), 4).unwrap();
    let twice = judge(&mut access, &bob, approve(scope_digest), 5);
    assert_eq!(twice, Err(Refusal::GrantState));

    reveal(&mut access, &ada, 1, 6).unwrap();
    assert_eq!(reveal(&mut access, &ada, 3, 7), Err(Refusal::GrantMissing));
    assert_eq!(reveal(&mut access, &bob, 1, 8), Err(Refusal::GrantMissing));
    let elsewhere = Actor {
        principal: Principal::new("laptop.example").unwrap(),
        ..ada.clone()
    };
    assert_eq!(
        reveal(&mut access, &elsewhere, 1, 9),
        Err(Refusal::GrantMissing)
    );
    reveal(&mut access, &ada, 2, 15 * MINUTE + 3).unwrap();
    assert_eq!(
        reveal(&mut access, &ada, 2, 15 * MINUTE + 4),
        Err(Refusal::GrantMissing)
    );
}

#[test]
fn grant_is_used_up() {
    let mut access = Access::new(AccessRules::default());
    let ada = agent("ada", None);
    let mut grant = requested("g-1", &ada, [1, 2], 0);
    grant.begin(at(0));
    judge(
        &mut access,
        &ada,
        Act::RequestGrant {
            grant: Box::new(grant),
        },
        0,
    )
    .unwrap();
    let reveal = |subjects: &[u8]| {
        Act::Disclose(Box::new(disclosure(Some("g-1"), subjects.iter().copied())))
    };
    judge(&mut access, &ada, reveal(&[1, 1]), 1).unwrap();
    // Two are too many: none is revealed.
    let two = judge(&mut access, &ada, reveal(&[1, 2]), 2);
    assert_eq!(two, Err(Refusal::GrantMissing));
    judge(&mut access, &ada, reveal(&[2]), 3).unwrap();
    assert_eq!(
        judge(&mut access, &ada, reveal(&[2]), 4),
        Err(Refusal::GrantMissing)
    );
}

#[test]
fn spent_budget_freezes_the_grant() {
    let mut access = Access::new(five_an_hour());
    let ada = agent("ada", Some(0));
    let mut grant = requested("g-1", &ada, 0..6, 0);
    grant.scope.reveals_max = 10;
    grant.begin(at(0));
    judge(
        &mut access,
        &ada,
        Act::RequestGrant {
            grant: Box::new(grant),
        },
        0,
    )
    .unwrap();
    let reveal = |subjects| Act::Disclose(Box::new(disclosure(Some("g-1"), subjects)));
    judge(&mut access, &ada, reveal(0..5), 1).unwrap();
    let claim = Claim {
        actor: ada.clone(),
        act: reveal(5..6),
    };
    let judgment = access.judge(&claim, at(2));
    assert!(matches!(judgment.outcome, Err(Refusal::BudgetSpent { .. })));
    let freeze = judgment.consequence.unwrap();
    assert_eq!(
        freeze.target,
        FreezeTarget::Grant(GrantId::new("g-1").unwrap())
    );
    assert_eq!(freeze.cause, Cause::BudgetSpent);
    assert_eq!(
        judge(&mut access, &ada, reveal(0..1), 3),
        Err(Refusal::Frozen)
    );
}

#[test]
fn emergency_begins_by_a_second_person_or_by_itself() {
    let ada = agent("ada", None);
    let begins = 15 * MINUTE;
    let emergency = || {
        let mut grant = requested("g-1", &ada, [], 0);
        grant.scope.kind = GrantKind::BreakGlass;
        grant.begin(at(begins));
        grant
    };
    let digest = emergency().scope.digest();
    let reveal = || Act::Disclose(Box::new(disclosure(Some("g-1"), [7])));
    let mut access = Access::new(AccessRules::default());
    let request = || Act::RequestGrant {
        grant: Box::new(emergency()),
    };
    assert_eq!(
        judge(&mut access, &ada, request(), 0),
        Ok(Some(Effect::Pending))
    );
    assert_eq!(
        judge(&mut access, &ada, reveal(), begins - 1),
        Err(Refusal::GrantMissing)
    );
    judge(&mut access, &ada, reveal(), begins).unwrap();

    let mut access = Access::new(AccessRules::default());
    judge(&mut access, &ada, request(), 0).unwrap();
    let approve = Act::ApproveGrant {
        id: GrantId::new("g-1").unwrap(),
        scope_digest: digest,
    };
    judge(&mut access, &agent("bob", None), approve, 1).unwrap();
    judge(&mut access, &ada, reveal(), 2).unwrap();

    let mut access = Access::new(AccessRules::default());
    judge(&mut access, &ada, request(), 0).unwrap();
    let revoke = Act::RevokeGrant {
        id: GrantId::new("g-1").unwrap(),
    };
    judge(&mut access, &agent("eve", None), revoke, 1).unwrap();
    assert_eq!(
        judge(&mut access, &ada, reveal(), begins),
        Err(Refusal::GrantMissing)
    );
}
