//! What a policy says, in short, and what about it deserves a second look.

use cedar_policy::ActionConstraint;
use cedar_policy::Effect;
use cedar_policy::EntityUid;
use cedar_policy::Policy;
use cedar_policy::PrincipalConstraint;
use cedar_policy::ResourceConstraint;

use crate::policy::action::Action;
use crate::policy::attributes::Attributes;
use crate::policy::load::Source;
use crate::policy::world::World;

/// What a policy says, in short.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicySummary {
    /// Its id.
    pub id: String,
    /// Whether it forbids; otherwise it permits.
    pub is_forbid: bool,
    /// The file and the line, or the `[[permit]]`.
    pub place: String,
    /// Whom its scope names.
    pub principal: String,
    /// Which actions its scope names.
    pub actions: String,
    /// What its scope names.
    pub resource: String,
    /// Whether it has a condition.
    pub is_conditional: bool,
    /// What its author says of it: `@description("…")`.
    pub description: Option<String>,
    /// What deserves a second look.
    pub warnings: Vec<String>,
}

impl PolicySummary {
    pub(super) fn of(id: &str, source: &Source, world: &World) -> Self {
        let policy = &source.policy;
        let mut warnings = source.warnings.clone();
        let unknown = policy.entity_literals();
        let mut unknown: Vec<String> = unknown
            .into_iter()
            .filter(|entity| !world.knows(entity))
            .map(|entity| format!("names {entity}, which is not configured"))
            .collect();
        unknown.sort();
        unknown.dedup();
        warnings.append(&mut unknown);
        if reveals_freely(policy) {
            let warning = "permits detokenize without asking for a grant or a purpose";
            warnings.push(warning.to_owned());
        }
        Self {
            id: id.to_owned(),
            is_forbid: policy.effect() == Effect::Forbid,
            place: source.place(),
            principal: principal(&policy.principal_constraint()),
            actions: actions(&policy.action_constraint()),
            resource: resource(&policy.resource_constraint()),
            is_conditional: policy.has_non_scope_constraint(),
            description: policy.annotation("description").map(str::to_owned),
            warnings,
        }
    }
}

/// Whether it permits revealing whole values, and its conditions speak of neither grant nor
/// purpose.
fn reveals_freely(policy: &Policy) -> bool {
    let is_reveal = |action: &EntityUid| action.id().unescaped() == Action::Detokenize.name();
    let is_about_reveals = match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(action) => is_reveal(&action),
        ActionConstraint::In(actions) => actions.iter().any(is_reveal),
    };
    let looks_at = Attributes::of(policy);
    let is_bound = looks_at.has("grant") || looks_at.has("purpose");
    policy.effect() == Effect::Permit && is_about_reveals && !is_bound
}

fn principal(constraint: &PrincipalConstraint) -> String {
    match constraint {
        PrincipalConstraint::Any => "any".to_owned(),
        PrincipalConstraint::Eq(entity) | PrincipalConstraint::In(entity) => entity.to_string(),
        PrincipalConstraint::Is(entity_type) => format!("any {entity_type}"),
        PrincipalConstraint::IsIn(entity_type, entity) => format!("{entity_type} in {entity}"),
    }
}

fn actions(constraint: &ActionConstraint) -> String {
    let name = |action: &EntityUid| action.id().unescaped().to_owned();
    match constraint {
        ActionConstraint::Any => "any".to_owned(),
        ActionConstraint::Eq(action) => name(action),
        ActionConstraint::In(actions) => actions.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

fn resource(constraint: &ResourceConstraint) -> String {
    match constraint {
        ResourceConstraint::Any => "any".to_owned(),
        ResourceConstraint::Eq(entity) => entity.to_string(),
        ResourceConstraint::In(entity) => format!("in {entity}"),
        ResourceConstraint::Is(entity_type) => format!("any {entity_type}"),
        ResourceConstraint::IsIn(entity_type, entity) => format!("{entity_type} in {entity}"),
    }
}
