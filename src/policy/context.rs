//! What policies know of a call: the types of the schema, filled.

use cedar_policy::Context;
use cedar_policy::RestrictedExpression as Value;

use crate::domain::DateTime;
use crate::domain::Person;
use crate::domain::Timestamp;
use crate::policy::action::Shape;
use crate::policy::attributes::Attributes;
use crate::policy::request::CaseFacts;
use crate::policy::request::Circumstances;
use crate::policy::request::GrantFacts;
use crate::policy::request::Proposal;
use crate::policy::request::Request;

/// Whether the grant of the circumstances covers what is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WithGrant {
    No,
    Yes,
}

/// What policies know of a request, of which they look at these attributes. Nothing if something
/// of it cannot be said in Cedar, or if a request about grants has none: it is denied then.
pub(super) fn context(
    circumstances: &Circumstances<'_>,
    request: &impl Request,
    with_grant: WithGrant,
    attributes: &Attributes,
) -> Option<Known> {
    let mut pairs = Pairs {
        attributes,
        pairs: Vec::new(),
    };
    let Circumstances { time, .. } = *circumstances;
    pairs.add("time", || Some(Value::new_datetime(datetime(time))))?;
    if let Some(address) = circumstances.address {
        let text = || address.to_canonical().to_string();
        pairs.add("address", || Some(Value::new_ip(text())))?;
    }
    if let Some(person) = circumstances.person {
        pairs.add("person", || of_person(person, time))?;
    }
    if let Some(percent) = circumstances.budget_used_percent {
        let used = || Value::new_long(i64::from(percent));
        pairs.add("budget", || record([("used_percent", used())]))?;
    }
    let shape = request.action().shape();
    if shape != Shape::Call {
        if let Some(purpose) = request.purpose() {
            pairs.add("purpose", || Some(text(purpose.as_str())))?;
        }
        if let Some(case_id) = request.case_id() {
            pairs.add("case_id", || Some(text(case_id.as_str())))?;
        }
        if let Some(case) = circumstances.case {
            pairs.add("case", || of_case(case))?;
        }
    }
    match (shape, circumstances.grant, with_grant) {
        (Shape::Reveal, Some(grant), WithGrant::Yes) => pairs.add("grant", || of_grant(&grant))?,
        (Shape::Proposal, _, _) => pairs.add_proposal(&request.proposal()?)?,
        (_, _, _) => {}
    }
    let is_empty = pairs.pairs.is_empty();
    let context = Context::from_pairs(pairs.pairs).ok()?;
    Some(Known { context, is_empty })
}

/// What policies know of a call.
pub(super) struct Known {
    pub(super) context: Context,
    /// Whether they know nothing: the decision is a plain one.
    pub(super) is_empty: bool,
}

struct Pairs<'a> {
    attributes: &'a Attributes,
    pairs: Vec<(String, Value)>,
}

impl Pairs<'_> {
    /// Adds an attribute, if a policy looks at it. Nothing if it has no value.
    fn add(&mut self, name: &str, value: impl FnOnce() -> Option<Value>) -> Option<()> {
        if self.attributes.has(name) {
            self.pairs.push((name.to_owned(), value()?));
        }
        Some(())
    }

    fn add_proposal(&mut self, proposal: &Proposal<'_>) -> Option<()> {
        if let Some(requester) = proposal.requester {
            self.add("requester", || Some(text(requester.as_str())))?;
        }
        self.add("level", || Some(text(proposal.level.name())))?;
        self.add("ttl_seconds", || Some(long(proposal.ttl_seconds)))?;
        self.add("reveals_max", || Some(long(proposal.reveals_max)))?;
        self.add("subjects_count", || Some(long(proposal.subjects_count)))
    }
}

fn of_person(person: &Person, now: Timestamp) -> Option<Value> {
    let id = person.id.as_str();
    let (issuer, _) = id.split_once('/')?;
    let words = |words: &std::collections::BTreeSet<crate::domain::Group>| {
        Value::new_set(words.iter().map(|word| text(word.as_str())))
    };
    let mut pairs = vec![
        ("id", text(id)),
        ("issuer", text(issuer)),
        ("groups", words(&person.groups)),
        ("methods", words(&person.methods)),
        ("is_bound", Value::new_bool(person.is_bound)),
    ];
    if let Some(class) = &person.class {
        pairs.push(("class", text(class.as_str())));
    }
    if let Some(authenticated) = person.authenticated {
        // Clocks differ by seconds: a login that seems to be to come was just now.
        let age_ms = now.unix_ms().saturating_sub(authenticated.unix_ms());
        pairs.push(("login_age_seconds", long(age_ms / 1_000)));
    }
    record(pairs)
}

fn of_case(case: CaseFacts) -> Option<Value> {
    record([
        ("open", Value::new_bool(case.is_open)),
        ("assigned", Value::new_bool(case.is_assigned)),
        ("about_subject", Value::new_bool(case.is_about_subject)),
    ])
}

fn of_grant(grant: &GrantFacts<'_>) -> Option<Value> {
    let mut pairs = vec![
        ("level", text(grant.level.name())),
        ("reveals_left", long(grant.reveals_left)),
        ("is_break_glass", Value::new_bool(grant.is_break_glass)),
    ];
    if let Some(case_id) = grant.case_id {
        pairs.push(("case_id", text(case_id.as_str())));
    }
    record(pairs)
}

fn record(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Option<Value> {
    let named = pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Value::new_record(named).ok()
}

fn text(text: &str) -> Value {
    Value::new_string(text.to_owned())
}

fn long(number: u64) -> Value {
    Value::new_long(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The time in the writing that Cedar reads: whole seconds, UTC.
fn datetime(time: Timestamp) -> String {
    DateTime(time).to_string()
}
