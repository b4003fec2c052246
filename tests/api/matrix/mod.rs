//! The whole matrix over the wire: who × call × tenant × field × state of the grant.
//!
//! The calls are read from the protocol's own files, so that one that is new fails here until it
//! has rows: in [`CALLS`] how it is asked, and in [`PERMITTED`] who may. What is in no row of
//! [`PERMITTED`] must be denied.

mod allowance;
mod asking;
mod expected;
mod grants;
mod keeping_calls;
mod log_calls;
mod token_calls;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use counterfoil::domain::Level;
use tokio::task::JoinSet;

use self::asking::Asker;
use self::asking::Question;
use self::expected::expected;
use self::grants::Grants;
use self::grants::State;
use crate::stage::Stage;

/// What a call is about, and so along which dimensions it is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum About {
    /// Values or tokens of a field.
    Field,
    /// Values of a field at a level, with or without a grant.
    Reveal,
    /// A grant in some state.
    Grant,
    /// A tenant.
    Namespace,
    /// Everything.
    Vault,
}

/// Every call of the protocol. Those that freeze come before those that unfreeze, and after those
/// that a freeze stops.
const CALLS: &[(&str, About)] = &[
    ("TokenService/Tokenize", About::Field),
    ("TokenService/TokenizeStream", About::Field),
    ("TokenService/Lookup", About::Field),
    ("TokenService/Inspect", About::Field),
    ("TokenService/VerifyMatch", About::Field),
    ("TokenService/ImportTokens", About::Field),
    ("TokenService/Redact", About::Field),
    ("DetokenizationService/Detokenize", About::Reveal),
    ("DetokenizationService/DetokenizeStream", About::Reveal),
    ("KeyService/Retokenize", About::Field),
    ("GrantService/RequestGrant", About::Field),
    ("GrantService/GetGrant", About::Grant),
    ("GrantService/ApproveGrant", About::Grant),
    ("GrantService/DenyGrant", About::Grant),
    ("GrantService/RevokeGrant", About::Grant),
    ("GrantService/ListGrants", About::Namespace),
    ("GrantService/WatchGrants", About::Namespace),
    ("PrincipalService/GetPrincipal", About::Namespace),
    ("PrincipalService/ListFreezes", About::Vault),
    ("PrincipalService/Freeze", About::Namespace),
    ("PrincipalService/Freeze", About::Vault),
    ("PrincipalService/Unfreeze", About::Namespace),
    ("PrincipalService/Unfreeze", About::Vault),
    ("AuditService/ReportExposure", About::Namespace),
    ("AuditService/ReportExposure", About::Vault),
    ("AuditService/ListEntries", About::Vault),
    ("AuditService/WatchEntries", About::Vault),
    ("AuditService/GetCheckpoint", About::Vault),
    ("AuditService/ProveInclusion", About::Vault),
    ("AuditService/ProveConsistency", About::Vault),
    ("SubjectService/DescribeSubject", About::Namespace),
    ("SubjectService/EraseSubject", About::Namespace),
    ("BackupService/CreateBackup", About::Vault),
    ("KeyService/ListKeys", About::Vault),
    ("KeyService/ListProtected", About::Vault),
    ("KeyService/ProposeOperation", About::Vault),
    ("KeyService/ApproveOperation", About::Vault),
    ("KeyService/CancelOperation", About::Vault),
    ("KeyService/GetOperation", About::Vault),
    ("KeyService/WatchOperation", About::Vault),
    ("KeyService/Reindex", About::Field),
];

/// Calls that only a sealed vault answers, which has no policies yet: `tests/api/sealed.rs`.
const OF_A_SEALED_VAULT: &str = "SealService/";

/// A role: a client certificate, and a person of a group who is behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Role {
    name: &'static str,
    certificate: &'static str,
    person: Person,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Person {
    Nobody,
    /// A name and a group.
    Of(&'static str, &'static str),
    /// Somebody whose assertion is of another certificate.
    Stolen,
}

const fn role(name: &'static str, certificate: &'static str, person: Person) -> Role {
    Role {
        name,
        certificate,
        person,
    }
}

const ROLES: &[Role] = &[
    role("backend", "backend", Person::Nobody),
    role("other", "other", Person::Nobody),
    role("writer", "writer", Person::Nobody),
    role("tool", "agent", Person::Nobody),
    role("agent", "agent", Person::Of("ada", "agents")),
    role("colleague", "agent", Person::Of("cat", "agents")),
    role("visitor", "agent", Person::Of("zoe", "visitors")),
    role("approver", "approver", Person::Of("bob", "approvers")),
    role("on call", "approver", Person::Of("eve", "oncall")),
    role("auditor", "approver", Person::Of("max", "auditors")),
    role("officer", "approver", Person::Of("kim", "officers")),
    role("keeper", "approver", Person::Of("pia", "keepers")),
    role("stranger", "stranger", Person::Nobody),
    role("nameless", "nameless", Person::Nobody),
    role("thief", "agent", Person::Stolen),
];

const NAMESPACES: [&str; 3] = ["shop", "other", "nowhere"];
const FIELDS: [&str; 3] = ["name", "email", "nofield"];
const BOTH: &[&str] = &["name", "email"];

/// Who may do what: a call and a role, a tenant, and the fields; for calls that are not about a
/// field, none. A reveal says its level.
const PERMITTED: &[(&str, &str, &str, &[&str])] = &[
    ("TokenService/Tokenize", "backend", "shop", BOTH),
    ("TokenService/Tokenize", "other", "other", BOTH),
    ("TokenService/Tokenize", "writer", "shop", &["name"]),
    ("TokenService/TokenizeStream", "backend", "shop", BOTH),
    ("TokenService/TokenizeStream", "other", "other", BOTH),
    ("TokenService/TokenizeStream", "writer", "shop", &["name"]),
    ("TokenService/Redact", "backend", "shop", BOTH),
    ("TokenService/Redact", "other", "other", BOTH),
    ("TokenService/Redact", "writer", "shop", &["name"]),
    ("TokenService/ImportTokens", "backend", "shop", BOTH),
    ("TokenService/ImportTokens", "other", "other", BOTH),
    ("TokenService/Lookup", "backend", "shop", BOTH),
    ("TokenService/Lookup", "other", "other", BOTH),
    // What a tool may do, it may do on behalf of whomever.
    ("TokenService/Lookup", "tool", "shop", &["name"]),
    ("TokenService/Lookup", "agent", "shop", &["name"]),
    ("TokenService/Lookup", "colleague", "shop", &["name"]),
    ("TokenService/Lookup", "visitor", "shop", &["name"]),
    ("TokenService/Inspect", "backend", "shop", BOTH),
    ("TokenService/Inspect", "other", "other", BOTH),
    ("TokenService/Inspect", "tool", "shop", &["name"]),
    ("TokenService/Inspect", "agent", "shop", &["name"]),
    ("TokenService/Inspect", "colleague", "shop", &["name"]),
    ("TokenService/Inspect", "visitor", "shop", &["name"]),
    ("TokenService/VerifyMatch", "backend", "shop", BOTH),
    ("TokenService/VerifyMatch", "other", "other", BOTH),
    ("TokenService/VerifyMatch", "tool", "shop", &["email"]),
    ("TokenService/VerifyMatch", "agent", "shop", &["email"]),
    ("TokenService/VerifyMatch", "colleague", "shop", &["email"]),
    ("TokenService/VerifyMatch", "visitor", "shop", &["email"]),
    ("full Detokenize", "backend", "shop", BOTH),
    ("full Detokenize", "other", "other", BOTH),
    ("full Detokenize", "approver", "shop", &["name"]),
    ("full Detokenize", "on call", "shop", &["name"]),
    ("full Detokenize", "auditor", "shop", &["name"]),
    ("full Detokenize", "officer", "shop", &["name"]),
    ("full Detokenize", "keeper", "shop", &["name"]),
    ("masked Detokenize", "backend", "shop", BOTH),
    ("masked Detokenize", "other", "other", BOTH),
    ("GrantService/RequestGrant", "agent", "shop", BOTH),
    ("GrantService/RequestGrant", "colleague", "shop", BOTH),
    ("GrantService/GetGrant", "agent", "shop", &[]),
    ("GrantService/GetGrant", "colleague", "shop", &[]),
    ("GrantService/GetGrant", "approver", "shop", &[]),
    ("GrantService/ListGrants", "agent", "shop", &[]),
    ("GrantService/ListGrants", "colleague", "shop", &[]),
    ("GrantService/ListGrants", "approver", "shop", &[]),
    ("GrantService/WatchGrants", "agent", "shop", &[]),
    ("GrantService/WatchGrants", "colleague", "shop", &[]),
    ("GrantService/WatchGrants", "approver", "shop", &[]),
    ("GrantService/ApproveGrant", "approver", "shop", &[]),
    ("GrantService/DenyGrant", "approver", "shop", &[]),
    ("GrantService/RevokeGrant", "approver", "shop", &[]),
    ("PrincipalService/GetPrincipal", "on call", "shop", &[]),
    ("PrincipalService/GetPrincipal", "on call", "other", &[]),
    ("PrincipalService/ListFreezes", "on call", VAULT, &[]),
    ("PrincipalService/Freeze", "on call", "shop", &[]),
    ("PrincipalService/Freeze", "on call", "other", &[]),
    ("PrincipalService/Freeze", "on call", VAULT, &[]),
    ("PrincipalService/Unfreeze", "on call", "shop", &[]),
    ("PrincipalService/Unfreeze", "on call", "other", &[]),
    ("PrincipalService/Unfreeze", "on call", VAULT, &[]),
    ("AuditService/ReportExposure", "auditor", "shop", &[]),
    ("AuditService/ListEntries", "auditor", VAULT, &[]),
    ("AuditService/WatchEntries", "auditor", VAULT, &[]),
    ("AuditService/GetCheckpoint", "auditor", VAULT, &[]),
    ("AuditService/ProveInclusion", "auditor", VAULT, &[]),
    ("AuditService/ProveConsistency", "auditor", VAULT, &[]),
    ("SubjectService/DescribeSubject", "keeper", "shop", &[]),
    ("SubjectService/EraseSubject", "keeper", "shop", &[]),
    ("BackupService/CreateBackup", "keeper", VAULT, &[]),
    ("KeyService/ListKeys", "officer", VAULT, &[]),
    ("KeyService/ListProtected", "officer", VAULT, &[]),
    ("KeyService/ProposeOperation", "officer", VAULT, &[]),
    ("KeyService/ApproveOperation", "officer", VAULT, &[]),
    ("KeyService/CancelOperation", "officer", VAULT, &[]),
    ("KeyService/GetOperation", "officer", VAULT, &[]),
    ("KeyService/WatchOperation", "officer", VAULT, &[]),
    ("KeyService/Reindex", "writer", "shop", &["name"]),
    ("KeyService/Retokenize", "writer", "shop", &["name"]),
];

/// Calls that take no assertion: they are the tool's own, whoever is behind it.
const OF_THE_TOOL: [&str; 3] = [
    "TokenService/Tokenize",
    "TokenService/TokenizeStream",
    "TokenService/ImportTokens",
];

/// In the place of a tenant: everything.
const VAULT: &str = "";

/// Every call of the protocol's files, as `Service/Call`.
fn calls_of_the_protocol() -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    for file in fs::read_dir("proto/counterfoil/v1").unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut service = String::new();
        for line in text.lines() {
            let mut words = line.split(|it: char| !it.is_alphanumeric());
            let mut words = words.by_ref().filter(|word| !word.is_empty());
            match (words.next(), words.next()) {
                (Some("service"), Some(name)) if line.starts_with("service") => {
                    service = name.to_owned();
                }
                (Some("rpc"), Some(name)) if line.trim_start().starts_with("rpc") => {
                    assert!(calls.insert(format!("{service}/{name}")));
                }
                _ => {}
            }
        }
    }
    calls
}

#[test]
fn every_call_of_the_protocol_has_rows() {
    let calls = calls_of_the_protocol();
    assert!(calls.contains("TokenService/Tokenize"), "{calls:?}");
    for call in calls
        .iter()
        .filter(|call| !call.starts_with(OF_A_SEALED_VAULT))
    {
        assert!(
            CALLS.iter().any(|(name, _)| name == call),
            "{call} has no row. In tests/api/matrix/mod.rs add (\"{call}\", About::…) to CALLS, \
             and to PERMITTED a row for each role and tenant that may call it; in \
             tests/api/matrix/asking.rs say in `Asker::send` how it is called"
        );
    }
    for (name, _) in CALLS {
        assert!(calls.contains(*name), "{name} is no call of the protocol");
    }
}

/// Goal: nobody does what no row says. Method: every call is asked by every role in every tenant,
/// for every field, at every level, with a grant in every state; what is not permitted is denied.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_asks_for_everything() {
    let stage = Arc::new(Stage::with(2, &lines()).await);
    let (asked_count, differences) = differences(&stage, CALLS).await;
    println!("matrix: {asked_count} questions");
    assert_eq!(differences, Vec::<String>::new());
    assert!(asked_count > 3_000, "{asked_count}");
    Arc::into_inner(stage).unwrap().vault.check().await;
}

/// A permission that no row has is seen, or the matrix proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn permission_too_many_is_noticed() {
    let planted = r#"
permit (
  principal == Service::"spiffe://shop.example/stranger",
  action == Action::"lookup",
  resource in Namespace::"other"
);"#;
    let stage = Arc::new(Stage::with_policies(2, &lines(), planted).await);
    let calls = [("TokenService/Lookup", About::Field)];
    let (_, differences) = differences(&stage, &calls).await;
    let of_stranger = |it: &&String| it.starts_with("stranger asks") && it.contains("\"other\"");
    assert_eq!(differences.iter().filter(of_stranger).count(), FIELDS.len());
    assert_eq!(differences.len(), FIELDS.len());
    Arc::into_inner(stage).unwrap().vault.check().await;
}

/// Asks calls in every way, and says how many questions there were, and which answers are not
/// those of the rows.
async fn differences(stage: &Arc<Stage>, calls: &[(&'static str, About)]) -> (usize, Vec<String>) {
    let mut grants = Grants::new(stage).await;
    let tokens = Arc::new(asking::tokens(stage).await);
    let operation: Arc<str> = allowance::allow(stage).await.into();
    let (mut asked_count, mut differences) = (0, Vec::new());
    for (call, about) in calls {
        let mut roles = JoinSet::new();
        for role in ROLES {
            let asker = Asker::new(stage, *role, &tokens, &operation).await;
            let mut asked = Vec::new();
            for question in questions(call, *about) {
                let want = expected(*role, &question);
                let grant = grants.for_question(&question, want).await;
                asked.push((question, grant, want));
            }
            asked_count += asked.len();
            roles.spawn(asker.differences(asked));
            // One report, and one backup, is made at a time.
            if call.starts_with("AuditService/") || call.starts_with("BackupService/") {
                differences.extend(roles.join_next().await.unwrap().unwrap());
            }
        }
        while let Some(of_role) = roles.join_next().await {
            differences.extend(of_role.unwrap());
        }
    }
    (asked_count, differences)
}

/// A role is refused hundreds of times here; and there are officers.
fn lines() -> String {
    let alarms = "[alarms]\nclaims_per_token = 100_000\ndenials = 0\n";
    format!("{alarms}{}", allowance::table())
}

/// Every question that a call can be asked.
fn questions(call: &'static str, about: About) -> Vec<Question> {
    let question = |namespace, field, level, state| Question {
        call,
        about,
        namespace,
        field,
        level,
        state,
    };
    let mut questions = Vec::new();
    if about == About::Vault {
        return vec![question(VAULT, "email", Level::Full, State::None)];
    }
    for namespace in NAMESPACES {
        match about {
            About::Namespace | About::Vault => {
                questions.push(question(namespace, "email", Level::Full, State::None));
            }
            About::Field => {
                let of_field = |field| question(namespace, field, Level::Full, State::None);
                questions.extend(FIELDS.map(of_field));
            }
            About::Grant => {
                let of_state = |state| question(namespace, "email", Level::Full, state);
                questions.extend(State::OF_GRANTS.map(of_state));
            }
            About::Reveal => {
                for field in FIELDS {
                    for level in [Level::Full, Level::Masked] {
                        let of_state = |state| question(namespace, field, level, state);
                        questions.extend(State::OF_REVEALS.map(of_state));
                    }
                }
            }
        }
    }
    questions
}
