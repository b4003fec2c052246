//! The policies that come along: role × action × situation.

use super::*;
use crate::policy::CaseFacts;
use crate::policy::Circumstances;
use crate::policy::GrantFacts;
use crate::policy::Question;

/// Who calls, and how: the rest is the same in all rows.
#[derive(Clone)]
struct Situation {
    service: &'static str,
    person: Option<Person>,
    purpose: Option<&'static str>,
    case_id: Option<&'static str>,
    case: Option<CaseFacts>,
    grant: Option<(Level, Option<&'static str>)>,
    budget_used_percent: Option<u32>,
    requester: Option<&'static str>,
    level: Level,
    ttl_seconds: u64,
    namespace: Option<&'static str>,
}

impl Situation {
    fn of(service: &'static str, groups: &[&str]) -> Self {
        Self {
            service,
            person: (!groups.is_empty()).then(|| person("ada", groups)),
            purpose: Some("support"),
            case_id: Some("T-1"),
            case: None,
            grant: None,
            budget_used_percent: None,
            requester: None,
            level: Level::Masked,
            ttl_seconds: 900,
            namespace: Some("shop"),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn person(self, change: impl FnOnce(&mut Person)) -> Self {
        self.with(|it| change(it.person.as_mut().unwrap()))
    }

    fn permits(&self, policy: &Policy, action: Action) -> bool {
        let caller = principal(&format!("spiffe://acme.example/{}", self.service));
        let case_id = |text: &str| CaseId::new(text).unwrap();
        let (own_case, grant_case) = (
            self.case_id.map(case_id),
            self.grant.and_then(|grant| grant.1).map(case_id),
        );
        let circumstances = Circumstances {
            person: self.person.as_ref(),
            case: self.case,
            grant: self.grant.map(|(level, _)| GrantFacts {
                level,
                case_id: grant_case.as_ref(),
                reveals_left: 5,
                is_break_glass: false,
            }),
            budget_used_percent: self.budget_used_percent,
            ..Circumstances::new(&caller, NOW)
        };
        let purpose = self.purpose.map(|text| Purpose::new(text).unwrap());
        let requester = self.requester.map(|text| PersonId::read(text).unwrap());
        let namespace = self.namespace.map(namespace);
        let name = field("name");
        let question = Question {
            action,
            scope: namespace.as_ref().map_or(Scope::Vault, Scope::Namespace),
            field: Some(&name),
            purpose: purpose.as_ref(),
            case_id: own_case.as_ref(),
            proposal: Some(Proposal {
                requester: requester.as_ref(),
                level: self.level,
                ttl_seconds: self.ttl_seconds,
                reveals_max: 10,
                subjects_count: 1,
            }),
        };
        let explanation = policy.explain(&circumstances, &question);
        assert!(explanation.failed.is_empty(), "{explanation:?}");
        explanation.is_permitted
    }
}

fn agent() -> Situation {
    Situation::of("support-tool", &["support-agents"])
}

fn approver() -> Situation {
    Situation::of("support-tool", &["support-approvers"])
        .with(|it| it.requester = Some("acme/grace"))
}

fn check(rows: Vec<(&str, Situation, &[Action])>) {
    let policy = default_policy();
    for (what, situation, permitted) in rows {
        for action in Action::ALL {
            let expected = permitted.contains(&action);
            assert_eq!(
                situation.permits(&policy, action),
                expected,
                "{what}: {action:?}"
            );
        }
    }
}

#[test]
fn defaults_have_nothing_to_warn_of() {
    for summary in default_policy().summaries() {
        assert!(summary.warnings.is_empty(), "{summary:?}");
        assert!(summary.description.is_some(), "{summary:?}");
    }
}

#[test]
fn services_store_and_never_reveal() {
    const STORES: &[Action] = &[
        Action::Tokenize,
        Action::ImportTokens,
        Action::Lookup,
        Action::Inspect,
    ];
    let service = || Situation::of("backend", &[]);
    let person = || Situation::of("backend", &["support-agents", "officers"]);
    check(vec![
        ("service", service(), STORES),
        (
            "service with a grant",
            service().with(|it| it.grant = Some((Level::Full, None))),
            STORES,
        ),
        ("service for a person", person(), STORES),
        (
            "service in another namespace",
            service().with(|it| it.namespace = Some("other")),
            &[],
        ),
        ("stranger", Situation::of("stranger", &[]), &[]),
        (
            "tool without a person",
            Situation::of("support-tool", &[]),
            &[],
        ),
    ]);
}

#[test]
fn agents_hold_nothing_standing() {
    const SEARCH: &[Action] = &[Action::Lookup, Action::Inspect, Action::ListGrants];
    const IDLE: &[Action] = &[
        Action::Lookup,
        Action::Inspect,
        Action::ListGrants,
        Action::RequestGrant,
    ];
    check(vec![
        ("agent", agent(), IDLE),
        (
            "agent without mfa",
            agent().person(|it| it.methods.clear()),
            SEARCH,
        ),
        (
            "agent with an old login",
            agent().person(|it| it.authenticated = Some(before(28_801))),
            SEARCH,
        ),
        (
            "agent with a login of 8 hours",
            agent().person(|it| it.authenticated = Some(before(28_800))),
            IDLE,
        ),
        (
            "agent with a login of unknown age",
            agent().person(|it| it.authenticated = None),
            SEARCH,
        ),
        (
            "agent without purpose",
            agent().with(|it| it.purpose = None),
            SEARCH,
        ),
        (
            "agent without case",
            agent().with(|it| it.case_id = None),
            SEARCH,
        ),
        (
            "agent who wants it for long",
            agent().with(|it| it.ttl_seconds = 901),
            SEARCH,
        ),
        (
            "agent who is not bound",
            agent().person(|it| it.is_bound = false),
            &[],
        ),
    ]);
}

#[test]
fn agents_end_their_own_grants_and_reach_no_other_namespace() {
    let own_grant = |it: &mut Situation| it.requester = Some("acme/ada");
    check(vec![
        (
            "agent in another namespace",
            agent().with(|it| it.namespace = Some("other")),
            &[],
        ),
        (
            "agent and own grant",
            agent().with(own_grant),
            &[
                Action::Lookup,
                Action::Inspect,
                Action::ListGrants,
                Action::RequestGrant,
                Action::RevokeGrant,
            ],
        ),
        (
            "customer",
            Situation::of("support-tool", &["customers"]),
            &[],
        ),
    ]);
}

#[test]
fn grants_open_what_they_are_for() {
    let policy = default_policy();
    let under = |level, case_id| agent().with(|it| it.grant = Some((level, case_id)));
    let old =
        |seconds| under(Level::Full, None).person(|it| it.authenticated = Some(before(seconds)));
    let near = |percent, age| old(age).with(|it| it.budget_used_percent = Some(percent));
    for (what, situation, masked, full) in [
        ("no grant", agent(), false, false),
        ("full", under(Level::Full, None), true, true),
        ("masked", under(Level::Masked, None), true, false),
        ("of this case", under(Level::Full, Some("T-1")), true, true),
        (
            "of another case",
            under(Level::Full, Some("T-2")),
            false,
            false,
        ),
        ("login of 1 hour", old(3_600), true, true),
        ("login of more", old(3_601), true, false),
        (
            "no purpose",
            under(Level::Full, None).with(|it| it.purpose = None),
            false,
            false,
        ),
        (
            "no mfa",
            under(Level::Full, None).person(|it| it.methods.clear()),
            true,
            false,
        ),
        (
            "not bound",
            under(Level::Full, None).person(|it| it.is_bound = false),
            false,
            false,
        ),
        ("79 percent", near(79, 901), true, true),
        ("80 percent, fresh login", near(80, 900), true, true),
        ("80 percent, old login", near(80, 901), false, false),
    ] {
        let permits = |action| situation.permits(&policy, action);
        assert_eq!(permits(Action::DetokenizeMasked), masked, "{what}: masked");
        assert_eq!(permits(Action::Detokenize), full, "{what}: full");
    }
}

#[test]
fn only_masked_values_of_the_own_case_need_no_second_person() {
    let policy = default_policy();
    let facts = |is_open, is_assigned, is_about_subject| CaseFacts {
        is_open,
        is_assigned,
        is_about_subject,
    };
    for (what, situation, permitted) in [
        ("unknown case", agent(), false),
        (
            "own open case",
            agent().with(|it| it.case = Some(facts(true, true, true))),
            true,
        ),
        (
            "closed",
            agent().with(|it| it.case = Some(facts(false, true, true))),
            false,
        ),
        (
            "another's",
            agent().with(|it| it.case = Some(facts(true, false, true))),
            false,
        ),
        (
            "about others",
            agent().with(|it| it.case = Some(facts(true, true, false))),
            false,
        ),
        (
            "whole values",
            agent().with(|it| {
                it.case = Some(facts(true, true, true));
                it.level = Level::Full;
            }),
            false,
        ),
    ] {
        assert_eq!(
            situation.permits(&policy, Action::AutoApproveGrant),
            permitted,
            "{what}"
        );
    }
}

#[test]
fn approvers_decide_what_others_ask() {
    const READ: &[Action] = &[Action::ListGrants, Action::RevokeGrant];
    check(vec![
        (
            "approver",
            approver(),
            &[
                Action::ListGrants,
                Action::RevokeGrant,
                Action::ApproveGrant,
            ],
        ),
        (
            "own request",
            approver().with(|it| it.requester = Some("acme/ada")),
            READ,
        ),
        (
            "nobody's request",
            approver().with(|it| it.requester = None),
            READ,
        ),
        (
            "approver without mfa",
            approver().person(|it| it.methods.clear()),
            READ,
        ),
        (
            "approver with an old login",
            approver().person(|it| it.authenticated = Some(before(28_801))),
            READ,
        ),
        (
            "for too long",
            approver().with(|it| it.ttl_seconds = 901),
            READ,
        ),
    ]);
}

#[test]
fn security_stops_and_sees_and_reveals_nothing() {
    let of = |group| {
        Situation::of("security-tool", &[group]).with(|it| it.grant = Some((Level::Full, None)))
    };
    let everywhere = |group| of(group).with(|it| it.namespace = None);
    let freezes: &[Action] = &[Action::Freeze, Action::GetPrincipal];
    let reads: &[Action] = &[
        Action::ListEntries,
        Action::ProveAuditLog,
        Action::ReportExposure,
        Action::ListGrants,
        Action::GetPrincipal,
    ];
    check(vec![
        (
            "on call",
            of("security-oncall"),
            &[Action::Freeze, Action::GetPrincipal, Action::CreateDecoys],
        ),
        (
            "on call, everywhere",
            everywhere("security-oncall"),
            freezes,
        ),
        ("officer", of("officers"), &[Action::Unfreeze]),
        (
            "officer, everywhere",
            everywhere("officers"),
            &[Action::Unfreeze],
        ),
        (
            "officer with an old login",
            of("officers").person(|it| it.authenticated = Some(before(3_601))),
            &[],
        ),
        (
            "officer without mfa",
            of("officers").person(|it| it.methods.clear()),
            &[],
        ),
        ("auditor", of("auditors"), reads),
        ("auditor, everywhere", everywhere("auditors"), reads),
        (
            "auditor who is not bound",
            of("auditors").person(|it| it.is_bound = false),
            &[],
        ),
    ]);
}

/// Goal: who erases does nothing else, and what makes backups neither. Method: each with and
/// without what the policies ask for.
#[test]
fn privacy_desk_erases_and_scheduler_backs_up() {
    const ERASES: &[Action] = &[Action::DescribeSubject, Action::EraseSubject];
    let desk = |groups: &[&str]| Situation::of("privacy-desk", groups);
    let scheduler = || Situation::of("backup-scheduler", &[]);
    check(vec![
        ("privacy desk", desk(&["privacy"]), ERASES),
        ("somebody else at the desk", desk(&["support-agents"]), &[]),
        ("the desk without a person", desk(&[]), &[]),
        (
            "privacy desk without mfa",
            desk(&["privacy"]).person(|it| it.methods.clear()),
            &[],
        ),
        (
            "privacy desk, everywhere",
            desk(&["privacy"]).with(|it| it.namespace = None),
            &[],
        ),
        (
            "scheduler",
            scheduler().with(|it| it.namespace = None),
            &[Action::CreateBackup],
        ),
        ("scheduler in a namespace", scheduler(), &[]),
    ]);
}

/// Goal: the guardrails hold for permits as well. Method: a permit of everything beside them.
#[test]
fn guardrails_hold_for_permits() {
    let all = Rule {
        actions: Action::ALL.into(),
        ..rule(
            Action::Detokenize,
            FieldSelection::All,
            CaseRequirement::Optional,
        )
    };
    let policy = Policy::load(&PolicySources {
        files: default_files(),
        ..sources(vec![all], "")
    })
    .unwrap();
    let caller = principal("spiffe://a/b");
    let circumstances = Circumstances::new(&caller, NOW);
    let asked = Asked::new(Action::Detokenize);
    assert!(policy.decide(&circumstances, asked.clone(), &[]).is_err());
    let with_purpose = Asked {
        purpose: Some(Purpose::new("support").unwrap()),
        ..asked
    };
    assert!(policy.decide(&circumstances, with_purpose, &[]).is_ok());
}

/// So many seconds before now.
fn before(seconds: u64) -> Timestamp {
    Timestamp::from_unix_ms(NOW.unix_ms() - seconds * 1_000)
}
