//! Reads policies, and validates them against the schema before anything is decided by them.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::Policy;
use cedar_policy::PolicyId;
use cedar_policy::PolicySet;
use cedar_policy::Schema;
use cedar_policy::ValidationMode;
use cedar_policy::Validator;
use miette::Diagnostic;
use sha2::Digest;
use sha2::Sha256;

use crate::policy::error::PolicyError;
use crate::policy::source::PolicyFile;
use crate::policy::source::PolicySources;

/// The schema that every policy is validated against, in Cedar's own language.
pub const SCHEMA: &str = include_str!("schema.cedarschema");

/// Policies that agree with the schema, by their ids.
pub(super) struct Loaded {
    pub(super) schema: Schema,
    pub(super) policies: BTreeMap<String, Source>,
    pub(super) hash: [u8; 32],
}

/// A policy, and where it was read.
pub(super) struct Source {
    pub(super) policy: Policy,
    /// The file, or `[[permit]]`.
    origin: String,
    /// What the file has in it.
    text: String,
    /// The line that the policy begins in, from 1.
    line: Option<usize>,
    /// What the validator warns of.
    pub(super) warnings: Vec<String>,
}

impl Source {
    /// The file and the line.
    pub(super) fn place(&self) -> String {
        place(&self.origin, self.line)
    }
}

/// Reads and validates.
///
/// # Errors
///
/// If anything is not Cedar, or does not agree with the schema: the first in the order of the ids.
pub(super) fn load(sources: &PolicySources) -> Result<Loaded, PolicyError> {
    let (schema, _) =
        Schema::from_cedarschema_str(SCHEMA).map_err(|error| PolicyError::Schema {
            problem: error.to_string(),
        })?;
    let mut policies = BTreeMap::new();
    for (position, rule) in sources.rules.iter().enumerate() {
        let origin = format!("permit[{position}]");
        let text = rule.to_cedar();
        let policy = Policy::parse(None, &text).map_err(|error| syntax(&origin, &text, &error))?;
        let source = Source {
            policy,
            origin,
            text,
            line: None,
            warnings: Vec::new(),
        };
        add(&mut policies, format!("permit-{position}"), source)?;
    }
    for file in &sources.files {
        read(file, &mut policies)?;
    }
    validate(&schema, &mut policies)?;
    let hash = hash(&policies)?;
    Ok(Loaded {
        schema,
        policies,
        hash,
    })
}

/// Reads the policies of a file.
fn read(file: &PolicyFile, policies: &mut BTreeMap<String, Source>) -> Result<(), PolicyError> {
    let PolicyFile { name, text } = file;
    let set = PolicySet::from_str(text).map_err(|errors| syntax(name, text, &errors))?;
    if set.num_of_templates() > 0 {
        return Err(PolicyError::Syntax {
            place: name.clone(),
            problem: "has a template: a policy with ?principal or ?resource".to_owned(),
            remedy: "write a policy of its own for each principal and resource".to_owned(),
        });
    }
    let mut in_order: Vec<&Policy> = set.policies().collect();
    // The parser numbers them: policy0, policy1.
    in_order.sort_by_key(|policy| number(policy.id()));
    let mut from = 0;
    for (position, policy) in in_order.into_iter().enumerate() {
        let own_text = policy.to_cedar().unwrap_or_default();
        let start = text.get(from..).and_then(|rest| rest.find(&own_text));
        let start = start.map(|start| from + start);
        from = start.map_or(from, |start| start + own_text.len());
        let id = match policy.annotation("id") {
            Some(id) => id.to_owned(),
            None => format!("{name}#{position}"),
        };
        let source = Source {
            policy: policy.clone(),
            origin: name.clone(),
            text: text.clone(),
            line: start.map(|start| line_at(text, start)),
            warnings: Vec::new(),
        };
        add(policies, id, source)?;
    }
    Ok(())
}

fn add(
    policies: &mut BTreeMap<String, Source>,
    id: String,
    mut source: Source,
) -> Result<(), PolicyError> {
    if policies.contains_key(&id) {
        let place = source.place();
        return Err(PolicyError::Duplicate { place, id });
    }
    if policies.len() == POLICIES_MAX {
        return Err(PolicyError::TooMany {
            what: "policies",
            max: POLICIES_MAX,
        });
    }
    source.policy = source.policy.new_id(PolicyId::new(&id));
    policies.insert(id, source);
    Ok(())
}

/// Checks every policy against the schema, strictly.
fn validate(schema: &Schema, policies: &mut BTreeMap<String, Source>) -> Result<(), PolicyError> {
    let all = policies.values().map(|source| source.policy.clone());
    let set = PolicySet::from_policies(all).map_err(|error| PolicyError::Schema {
        problem: error.to_string(),
    })?;
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let mut errors: Vec<PolicyError> = Vec::new();
    let mut found: Vec<_> = result.validation_errors().collect();
    found.sort_by_key(|error| (error.policy_id().to_string(), error.to_string()));
    for error in found {
        let id = error.policy_id().to_string();
        let Some(source) = policies.get(&id) else {
            continue;
        };
        let line = line_of(&source.text, error).filter(|_| source.line.is_some());
        errors.push(PolicyError::Invalid {
            place: place(&source.origin, line.or(source.line)),
            problem: problem(error, &id),
            remedy: remedy(error, SCHEMA_REMEDY),
            id,
        });
    }
    if let Some(first) = errors.into_iter().next() {
        return Err(first);
    }
    for warning in result.validation_warnings() {
        let id = warning.policy_id().to_string();
        if let Some(source) = policies.get_mut(&id) {
            source.warnings.push(problem(warning, &id));
        }
    }
    Ok(())
}

/// Hashes schema and policies, each part with its length before it, so that no two are written
/// alike. Comments and white space are not part of a policy.
fn hash(policies: &BTreeMap<String, Source>) -> Result<[u8; 32], PolicyError> {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    part("counterfoil policy 2");
    part(SCHEMA);
    for (id, source) in policies {
        let canonical = canonical(&source.policy).ok_or_else(|| PolicyError::Schema {
            problem: format!("policy {id:?} cannot be written"),
        })?;
        part(id);
        part(&canonical);
    }
    Ok(hasher.finalize().into())
}

/// A policy in Cedar's own writing, which has neither comments nor the author's white space.
fn canonical(policy: &Policy) -> Option<String> {
    let json = policy.to_json().ok()?;
    Policy::from_json(None, json).ok()?.to_cedar()
}

fn syntax(origin: &str, text: &str, errors: &(impl Diagnostic + ToString)) -> PolicyError {
    PolicyError::Syntax {
        place: place(origin, line_of(text, errors)),
        problem: problem(errors, ""),
        remedy: remedy(errors, SYNTAX_REMEDY),
    }
}

/// What is wrong, in one line and without the id, which stands before it.
fn problem(error: &(impl Diagnostic + ToString), id: &str) -> String {
    let text = error.to_string();
    let prefix = format!("for policy `{id}`, ");
    let text = text.strip_prefix(&prefix).unwrap_or(&text);
    let label = error
        .labels()
        .and_then(|mut labels| labels.next())
        .and_then(|label| label.label().map(str::to_owned));
    let text = match label {
        Some(label) => format!("{text}: {label}"),
        None => text.to_owned(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn remedy(error: &impl Diagnostic, otherwise: &str) -> String {
    match error.help() {
        Some(help) => {
            let help = help.to_string();
            help.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        None => otherwise.to_owned(),
    }
}

/// The line of an error, from 1.
fn line_of(text: &str, error: &impl Diagnostic) -> Option<usize> {
    let offset = error.labels()?.next()?.offset();
    Some(line_at(text, offset))
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    1 + before.filter(|&byte| byte == b'\n').count()
}

fn place(origin: &str, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{origin}:{line}"),
        None => origin.to_owned(),
    }
}

/// The number that the parser has given.
fn number(id: &PolicyId) -> usize {
    let digits = id.to_string();
    let digits = digits.trim_start_matches(|character: char| !character.is_ascii_digit());
    digits.parse().unwrap_or(usize::MAX)
}

/// Policies together: each is looked at by every decision about its action.
const POLICIES_MAX: usize = 1_000;

const SCHEMA_REMEDY: &str = "see `counterfoil policy schema` for what policies may speak of";
const SYNTAX_REMEDY: &str = "write it in Cedar: docs/policies.md has examples";
