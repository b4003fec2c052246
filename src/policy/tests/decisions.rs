//! What is decided by rules and by Cedar, and what a permit covers.

use std::net::IpAddr;

use cedar_policy::EntityTypeName;
use cedar_policy::Schema;

use super::*;
use crate::policy::CaseFacts;
use crate::policy::Circumstances;
use crate::policy::Coverage;
use crate::policy::GrantFacts;
use crate::policy::PolicyHandle;
use crate::policy::SCHEMA;
use crate::policy::action::Target;
use crate::policy::engine::Judge;
use crate::policy::world::action_uid;

/// Whether `spiffe://a/b` may do it, to a field by its name.
fn permits(policy: &Policy, asked: Asked, fields: &[&str]) -> bool {
    let caller = principal("spiffe://a/b");
    let fields: Vec<FieldName> = fields.iter().map(|name| field(name)).collect();
    let circumstances = Circumstances::new(&caller, NOW);
    policy.decide(&circumstances, asked, &fields).is_ok()
}

fn reveal() -> Asked {
    Asked::new(Action::Detokenize)
}

#[test]
fn nothing_is_permitted_without_a_policy() {
    let policy = Policy::load(&sources(Vec::new(), "")).unwrap();
    for action in Action::ALL {
        assert!(!permits(&policy, Asked::new(action), &["name"]));
        let everywhere = Asked {
            namespace: None,
            ..Asked::new(action)
        };
        assert!(!permits(&policy, everywhere, &["name"]));
    }
}

#[test]
fn rule_permits_its_principal_action_and_namespace_only() {
    let rule = rule(
        Action::Detokenize,
        FieldSelection::All,
        CaseRequirement::Optional,
    );
    let policy = Policy::load(&sources(vec![rule.clone()], "")).unwrap();
    assert!(permits(&policy, reveal(), &["name"]));
    let other = Asked {
        namespace: Some(namespace("other")),
        ..reveal()
    };
    assert!(!permits(&policy, other, &["name"]));
    let nowhere = Asked {
        namespace: Some(namespace("nowhere")),
        ..reveal()
    };
    assert!(!permits(&policy, nowhere, &["name"]));
    assert!(!permits(&policy, Asked::new(Action::Tokenize), &["name"]));
    let stranger = Rule {
        principals: [principal("spiffe://a/c"), principal("spiffe://a/d")].into(),
        ..rule
    };
    let policy = Policy::load(&sources(vec![stranger], "")).unwrap();
    assert!(!permits(&policy, reveal(), &["name"]));
}

#[test]
fn required_case_is_required() {
    let rule = rule(
        Action::Detokenize,
        FieldSelection::All,
        CaseRequirement::Required,
    );
    let policy = Policy::load(&sources(vec![rule], "")).unwrap();
    assert!(!permits(&policy, reveal(), &["name"]));
    let with_case = Asked {
        case_id: Some(CaseId::new("T-1").unwrap()),
        ..reveal()
    };
    assert!(permits(&policy, with_case, &["name"]));
}

#[test]
fn permit_covers_the_fields_of_all_rules_that_apply() {
    let only = |names: &[&str]| {
        let names = names.iter().map(|name| field(name)).collect();
        let fields = FieldSelection::Only(names);
        rule(Action::Detokenize, fields, CaseRequirement::Optional)
    };
    let policy = Policy::load(&sources(vec![only(&["name"]), only(&["email"])], "")).unwrap();
    let caller = principal("spiffe://a/b");
    let circumstances = Circumstances::new(&caller, NOW);
    let decide = |names: &[&str]| {
        let names: Vec<FieldName> = names.iter().map(|name| field(name)).collect();
        policy.decide(&circumstances, reveal(), &names)
    };
    let permit = decide(&[]).unwrap().permit().clone();
    assert!(permit.covers(&field("name"), Coverage::Standing));
    assert!(permit.covers(&field("email"), Coverage::Standing));
    assert!(!permit.covers(&field("card"), Coverage::Standing));
    assert!(!permit.covers(&field("name"), Coverage::ByGrant));
    assert!(!permit.covers_all());
    // Only what was asked about is covered.
    let permit = decide(&["name", "name"]).unwrap().permit().clone();
    assert!(permit.covers(&field("name"), Coverage::Standing));
    assert!(!permit.covers(&field("email"), Coverage::Standing));
    // Whoever may use any field is told of each that it may not.
    let permit = decide(&["card"]).unwrap().permit().clone();
    assert!(!permit.covers(&field("card"), Coverage::Standing));
    // An unknown field is told to those alone who may use every one.
    assert!(!decide(&["nofield"]).unwrap().permit().covers_all());
    let all = only(&["name", "email", "card"]);
    let policy = Policy::load(&sources(vec![all], "")).unwrap();
    let names = [field("nofield"), field("name")];
    let permitted = policy.decide(&circumstances, reveal(), &names).unwrap();
    assert!(permitted.permit().covers_all());
    assert!(
        !permitted
            .permit()
            .covers(&field("nofield"), Coverage::Standing)
    );
}

#[test]
fn grant_covers_apart_from_what_stands() {
    let policy = policy(
        r#"
        permit (principal, action == Action::"detokenize", resource == Field::"shop/name")
        when { context has grant && context.grant.reveals_left > 0 };
        permit (principal, action == Action::"detokenize", resource == Field::"shop/email");
        "#,
    );
    let caller = principal("spiffe://a/b");
    let grant = |reveals_left| GrantFacts {
        level: Level::Full,
        case_id: None,
        reveals_left,
        is_break_glass: false,
    };
    let decide = |grant| {
        let circumstances = Circumstances {
            grant,
            ..Circumstances::new(&caller, NOW)
        };
        let names = [field("name"), field("email")];
        let permitted = policy.decide(&circumstances, reveal(), &names).unwrap();
        permitted.permit().clone()
    };
    let permit = decide(Some(grant(1)));
    assert!(permit.covers(&field("name"), Coverage::ByGrant));
    assert!(!permit.covers(&field("name"), Coverage::Standing));
    assert!(permit.covers(&field("email"), Coverage::Standing));
    for grant in [None, Some(grant(0))] {
        assert!(!decide(grant).covers(&field("name"), Coverage::ByGrant));
    }
}

#[test]
fn forbid_comes_before_permit() {
    let text = r#"
        permit (principal, action, resource);
        forbid (principal, action, resource == Field::"shop/card");
        forbid (principal, action == Action::"freeze", resource == Namespace::"shop");
    "#;
    let policy = policy(text);
    let caller = principal("spiffe://a/b");
    let circumstances = Circumstances::new(&caller, NOW);
    let permitted = policy.decide(&circumstances, reveal(), &[]).unwrap();
    assert!(
        permitted
            .permit()
            .covers(&field("name"), Coverage::Standing)
    );
    assert!(
        !permitted
            .permit()
            .covers(&field("card"), Coverage::Standing)
    );
    assert!(!permits(&policy, Asked::new(Action::Freeze), &[]));
    assert!(permits(&policy, Asked::new(Action::Unfreeze), &[]));
}

#[test]
fn policy_that_fails_to_evaluate_denies() {
    let permit = "permit (principal, action, resource);";
    // More than a Long can be: the validator cannot see it.
    let fails = r#"
        forbid (principal, action == Action::"approve_grant", resource == Field::"shop/card")
        when { context.ttl_seconds * 9223372036854775807 > 0 };
    "#;
    let with = policy(&format!("{permit}{fails}"));
    let without = policy(permit);
    let asked = || Asked::new(Action::ApproveGrant);
    assert!(permits(&without, asked(), &["card"]));
    assert!(!permits(&with, asked(), &["card"]));
    // One item of a request is enough.
    assert!(!permits(&with, asked(), &["name", "card"]));
    assert!(permits(&with, asked(), &["name"]));
    let caller = principal("spiffe://a/b");
    let shop = namespace("shop");
    let card = field("card");
    let asked = asked();
    let question = crate::policy::Question {
        action: Action::ApproveGrant,
        scope: Scope::Namespace(&shop),
        field: Some(&card),
        purpose: None,
        case_id: None,
        proposal: asked.proposal(),
    };
    let explanation = with.explain(&Circumstances::new(&caller, NOW), &question);
    assert!(!explanation.is_permitted);
    assert_eq!(explanation.failed, ["test.cedar#1"]);
}

#[test]
fn address_and_time_are_known() {
    let policy = policy(
        r#"
        permit (principal, action == Action::"tokenize", resource)
        when {
          context has address && context.address.isInRange(ip("10.0.0.0/8")) &&
          context.time.toTime() >= duration("9h") && context.time.toTime() < duration("17h")
        };
        "#,
    );
    let caller = principal("spiffe://a/b");
    let decide = |address: &str, time: Timestamp| {
        let circumstances = Circumstances {
            address: Some(address.parse::<IpAddr>().unwrap()),
            ..Circumstances::new(&caller, time)
        };
        let asked = Asked::new(Action::Tokenize);
        policy.decide(&circumstances, asked, &[]).is_ok()
    };
    assert!(decide("10.1.2.3", NOW));
    assert!(decide("::ffff:10.1.2.3", NOW));
    assert!(!decide("192.0.2.1", NOW));
    assert!(!decide("::1", NOW));
    assert!(!decide("10.1.2.3", NOW.plus_seconds(7 * 3_600)));
}

/// Goal: what is given to Cedar is what policies were validated against. Method: the context of
/// every action, with everything in it and with nothing, against the schema.
#[test]
fn contexts_agree_with_the_schema() {
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    // A policy that looks at the context as a whole gets the whole.
    let policy = policy("permit (principal, action, resource) when { context == context };");
    let caller = principal("spiffe://a/b");
    let agent = person("ada", &["support-agents"]);
    let case_id = CaseId::new("T-1").unwrap();
    let full = Circumstances {
        person: Some(&agent),
        address: Some([127, 0, 0, 1].into()),
        case: Some(CaseFacts {
            is_open: true,
            is_assigned: true,
            is_about_subject: true,
        }),
        grant: Some(GrantFacts {
            level: Level::Full,
            case_id: Some(&case_id),
            reveals_left: u64::MAX,
            is_break_glass: false,
        }),
        budget_used_percent: Some(80),
        ..Circumstances::new(&caller, NOW)
    };
    for action in Action::ALL {
        let asked = Asked {
            purpose: Some(Purpose::new("support").unwrap()),
            case_id: Some(case_id.clone()),
            requester: Some(agent.id.clone()),
            ..Asked::new(action)
        };
        for (circumstances, asked) in [
            (full, asked),
            (Circumstances::new(&caller, NOW), Asked::new(action)),
        ] {
            let judge = Judge::new(&policy, &circumstances, &asked).ok().unwrap();
            let entity = action_uid(action).unwrap();
            for context in judge.contexts() {
                assert!(context.get("time").is_some());
                context.validate(&schema, &entity).unwrap();
            }
        }
        let entity = action_uid(action).unwrap();
        let resources = schema.resources_for_action(&entity).unwrap();
        let resources: Vec<String> = resources.map(EntityTypeName::to_string).collect();
        let is_about_fields = resources == ["Field"];
        assert_eq!(
            is_about_fields,
            action.target() == Target::Fields,
            "{action:?}"
        );
    }
    assert_eq!(schema.actions().count(), Action::ALL.len());
}

#[test]
fn time_that_cedar_cannot_read_denies() {
    let policy = policy("permit (principal, action, resource) when { context has time };");
    let caller = principal("spiffe://a/b");
    let circumstances = Circumstances::new(&caller, Timestamp::from_unix_ms(u64::MAX));
    let decision = policy.decide(&circumstances, reveal(), &[]);
    assert!(decision.is_err());
}

/// Goal: a decision that was kept is never given to another question. Method: every question
/// twice, forwards and backwards, of policies that decide without conditions and with them.
#[test]
fn kept_decision_is_of_its_question_alone() {
    let text = r#"
        permit (principal == Service::"spiffe://a/b", action, resource == Field::"shop/name");
        permit (principal, action == Action::"tokenize", resource in Namespace::"other");
        forbid (principal, action, resource) when { context has address };
        permit (principal, action == Action::"lookup", resource)
        when { context has person && context.person.groups.contains("staff") };
    "#;
    let (used, staff) = (policy(text), person("ada", &["staff"]));
    let callers = [principal("spiffe://a/b"), principal("spiffe://a/c")];
    let mut questions = Vec::new();
    for caller in &callers {
        for action in [Action::Tokenize, Action::Lookup] {
            for place in ["shop", "other"] {
                for (address, person) in [(false, false), (true, false), (false, true)] {
                    questions.push((caller, action, place, address, person));
                }
            }
        }
    }
    let again: Vec<_> = questions.iter().rev().copied().collect();
    questions.extend(again);
    for (caller, action, place, has_address, has_person) in questions {
        let circumstances = Circumstances {
            address: has_address.then_some([127, 0, 0, 1].into()),
            person: has_person.then_some(&staff),
            ..Circumstances::new(caller, NOW)
        };
        let decide = |policy: &Policy| {
            let asked = Asked {
                namespace: Some(namespace(place)),
                ..Asked::new(action)
            };
            let names = [field("name")];
            let decision = policy.decide(&circumstances, asked, &names);
            decision.is_ok_and(|it| it.permit().covers(&names[0], Coverage::Standing))
        };
        // One that has never decided anything.
        assert_eq!(
            decide(&used),
            decide(&policy(text)),
            "{caller} {action:?} {place}"
        );
    }
}

#[test]
fn handle_replaces_the_policy_as_a_whole() {
    let handle = PolicyHandle::new(policy("permit (principal, action, resource);"));
    let before = handle.current();
    handle.replace(policy(""));
    assert!(permits(&before, reveal(), &["name"]));
    assert!(!permits(&handle.current(), reveal(), &["name"]));
    assert_ne!(before.hash(), handle.current().hash());
}
