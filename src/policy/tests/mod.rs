//! Policies: what they take, what they decide, and what the ones that come along decide.

mod decisions;
mod defaults;
mod loading;
mod matrix;
mod speed;

use std::path::Path;

use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Group;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Person;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Timestamp;
use crate::policy::Action;
use crate::policy::CaseRequirement;
use crate::policy::FieldFacts;
use crate::policy::FieldSelection;
use crate::policy::Policy;
use crate::policy::PolicyError;
use crate::policy::PolicyFile;
use crate::policy::PolicySources;
use crate::policy::Proposal;
use crate::policy::Request;
use crate::policy::Rule;
use crate::policy::Scope;

/// A request of any action, in the namespace `shop` or everywhere.
#[derive(Clone)]
struct Asked {
    action: Action,
    namespace: Option<Namespace>,
    purpose: Option<Purpose>,
    case_id: Option<CaseId>,
    requester: Option<PersonId>,
    level: Level,
    ttl_seconds: u64,
}

impl Asked {
    fn new(action: Action) -> Self {
        Self {
            action,
            namespace: Some(namespace("shop")),
            purpose: None,
            case_id: None,
            requester: None,
            level: Level::Masked,
            ttl_seconds: 600,
        }
    }
}

impl Request for Asked {
    fn action(&self) -> Action {
        self.action
    }

    fn scope(&self) -> Scope<'_> {
        self.namespace
            .as_ref()
            .map_or(Scope::Vault, Scope::Namespace)
    }

    fn purpose(&self) -> Option<&Purpose> {
        self.purpose.as_ref()
    }

    fn case_id(&self) -> Option<&CaseId> {
        self.case_id.as_ref()
    }

    fn proposal(&self) -> Option<Proposal<'_>> {
        Some(Proposal {
            requester: self.requester.as_ref(),
            level: self.level,
            ttl_seconds: self.ttl_seconds,
            reveals_max: 10,
            subjects_count: 1,
        })
    }
}

fn principal(text: &str) -> Principal {
    Principal::new(text).unwrap()
}

fn namespace(text: &str) -> Namespace {
    Namespace::new(text).unwrap()
}

fn field(text: &str) -> FieldName {
    FieldName::new(text).unwrap()
}

fn group(text: &str) -> Group {
    Group::new(text).unwrap()
}

/// Somebody who has just logged in with a second factor and a bound assertion.
fn person(subject: &str, groups: &[&str]) -> Person {
    Person {
        id: PersonId::read(&format!("acme/{subject}")).unwrap(),
        login: [1; 32],
        authenticated: Some(NOW),
        methods: [group("mfa")].into(),
        class: Some(group("silver")),
        groups: groups.iter().map(|name| group(name)).collect(),
        expires: NOW.plus_seconds(3_600),
        is_bound: true,
    }
}

/// Permits `spiffe://a/b` the action in `shop`.
fn rule(action: Action, fields: FieldSelection, case: CaseRequirement) -> Rule {
    Rule {
        principals: [principal("spiffe://a/b")].into(),
        actions: [action].into(),
        namespace: namespace("shop"),
        fields,
        case,
    }
}

/// The namespaces `shop` with name, email and card, and `other` with name.
fn sources(rules: Vec<Rule>, text: &str) -> PolicySources {
    let facts = |names: &[&str]| {
        let fact = |name: &&str| {
            let format = Some((*name).to_owned());
            (field(name), FieldFacts { format })
        };
        names.iter().map(fact).collect()
    };
    let name = "test.cedar".to_owned();
    let text = text.to_owned();
    PolicySources {
        rules,
        files: vec![PolicyFile { name, text }],
        namespaces: [
            (namespace("shop"), facts(&["name", "email", "card"])),
            (namespace("other"), facts(&["name"])),
        ]
        .into(),
    }
}

fn policy(text: &str) -> Policy {
    Policy::load(&sources(Vec::new(), text)).unwrap()
}

fn error_of(text: &str) -> PolicyError {
    Policy::load(&sources(Vec::new(), text)).unwrap_err()
}

/// The policies that come along.
fn default_files() -> Vec<PolicyFile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    PolicyFile::read_all(&directory).unwrap()
}

fn default_policy() -> Policy {
    Policy::load(&PolicySources {
        files: default_files(),
        ..sources(Vec::new(), "")
    })
    .unwrap()
}

/// 2026-11-23T10:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_ms(1_795_428_000_000);
