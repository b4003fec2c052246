//! The decision.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;

use cedar_policy::ActionConstraint;
use cedar_policy::AuthorizationError;
use cedar_policy::Authorizer;
use cedar_policy::Decision;
use cedar_policy::EntityUid;
use cedar_policy::PolicySet;
use cedar_policy::PrincipalConstraint;
use cedar_policy::Response;

use crate::domain::FieldName;
use crate::domain::Principal;
use crate::policy::action::Action;
use crate::policy::action::Target;
use crate::policy::attributes::Attributes;
use crate::policy::context::Known;
use crate::policy::context::WithGrant;
use crate::policy::context::context;
use crate::policy::error::PolicyError;
use crate::policy::load::Loaded;
use crate::policy::load::Source;
use crate::policy::load::load;
use crate::policy::permitted::Denied;
use crate::policy::permitted::Permit;
use crate::policy::permitted::Permitted;
use crate::policy::plain::PlainDecisions;
use crate::policy::request::Circumstances;
use crate::policy::request::Request;
use crate::policy::request::Scope;
use crate::policy::source::PolicySources;
use crate::policy::summary::PolicySummary;
use crate::policy::world::Place;
use crate::policy::world::World;
use crate::policy::world::action_uid;

/// All policies, validated, and the hash that audit entries name them by.
pub struct Policy {
    by_action: BTreeMap<Action, OfAction>,
    world: World,
    authorizer: Authorizer,
    plain: PlainDecisions,
    summaries: Vec<PolicySummary>,
    hash: [u8; 32],
}

/// The policies whose scope an action is in. The others cannot be satisfied by it.
struct OfAction {
    entity: EntityUid,
    /// For each principal that a policy names in its scope: those that name it, and those that
    /// name none.
    by_principal: HashMap<EntityUid, Group>,
    /// For every other principal.
    others: Group,
}

/// Policies that are asked together.
struct Group {
    policies: PolicySet,
    attributes: Attributes,
}

/// A policy could not be evaluated, or the request cannot be said in Cedar.
pub(super) struct Failed;

impl Policy {
    /// Reads policies, and validates them against the schema.
    ///
    /// # Errors
    ///
    /// If anything of them is wrong: then none of them takes effect.
    pub fn load(sources: &PolicySources) -> Result<Self, PolicyError> {
        let Loaded {
            schema,
            policies,
            hash,
        } = load(sources)?;
        let world = World::new(&schema, &sources.namespaces)?;
        let mut by_action = BTreeMap::new();
        for action in Action::ALL {
            let entity = action_uid(action)?;
            let all = policies.values().map(|source| &source.policy);
            let own = all.filter(|policy| is_in_scope(&policy.action_constraint(), &entity));
            by_action.insert(action, OfAction::new(entity.clone(), own.collect())?);
        }
        let summary = |(id, source): (&String, &Source)| PolicySummary::of(id, source, &world);
        Ok(Self {
            by_action,
            summaries: policies.iter().map(summary).collect(),
            authorizer: Authorizer::new(),
            plain: PlainDecisions::default(),
            world,
            hash,
        })
    }

    /// SHA-256 of the schema and of all policies in their canonical writing.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// What each policy says, in the order of their ids.
    #[must_use]
    pub fn summaries(&self) -> &[PolicySummary] {
        &self.summaries
    }

    /// Decides a request about these fields; about none: about every field of its namespace. For
    /// an action that is about no field, the fields are not looked at.
    ///
    /// A request about fields is permitted if any field of its namespace is, and its permit says
    /// which of those that it names are covered: the others are refused one by one.
    ///
    /// # Errors
    ///
    /// If no policy permits it, one forbids it, or one fails to evaluate.
    pub fn decide<T: Request>(
        &self,
        circumstances: &Circumstances<'_>,
        request: T,
        fields: &[FieldName],
    ) -> Result<Permitted<T>, Denied<T>> {
        match self.permit(circumstances, &request, fields) {
            Ok(Some(permit)) => Ok(Permitted { request, permit }),
            Ok(None) | Err(Failed) => Err(Denied {
                request,
                policy_hash: self.hash,
            }),
        }
    }

    /// Whether a policy for this principal and action looks at what the case system says: if none
    /// does, it need not be asked.
    #[must_use]
    pub fn looks_at_case(&self, principal: &Principal, action: Action) -> bool {
        self.by_action.get(&action).is_some_and(|of_action| {
            let own = of_action.by_principal.get(&self.world.principal(principal));
            own.unwrap_or(&of_action.others).attributes.has("case")
        })
    }

    fn permit(
        &self,
        circumstances: &Circumstances<'_>,
        request: &impl Request,
        fields: &[FieldName],
    ) -> Result<Option<Permit>, Failed> {
        let judge = Judge::new(self, circumstances, request)?;
        let permit = Permit {
            principal: circumstances.principal.clone(),
            standing: BTreeSet::new(),
            by_grant: BTreeSet::new(),
            covers_all: false,
            policy_hash: self.hash,
        };
        let place = match request.scope() {
            Scope::Namespace(namespace) => self.world.place(namespace).map(Some),
            Scope::Vault => Some(None),
        };
        // Nothing is permitted in a namespace that is not there.
        let Some(place) = place else { return Ok(None) };
        match (request.action().target(), place) {
            (Target::Fields, Some(place)) => judge.permit_of_fields(permit, place, fields),
            (Target::Fields, None) => Ok(None),
            (Target::Place, place) => {
                let resource = place.map_or(&self.world.vault, |place| &place.entity);
                let is_permitted = judge.permits(resource, WithGrant::No)?;
                Ok(is_permitted.then_some(permit))
            }
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Policy")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

impl OfAction {
    fn new(entity: EntityUid, policies: Vec<&cedar_policy::Policy>) -> Result<Self, PolicyError> {
        let mut others = Vec::new();
        let mut named: HashMap<EntityUid, Vec<&cedar_policy::Policy>> = HashMap::new();
        for policy in policies {
            match policy.principal_constraint() {
                PrincipalConstraint::Eq(principal) => {
                    named.entry(principal).or_default().push(policy);
                }
                PrincipalConstraint::Any
                | PrincipalConstraint::In(_)
                | PrincipalConstraint::Is(_)
                | PrincipalConstraint::IsIn(_, _) => others.push(policy),
            }
        }
        let mut by_principal = HashMap::new();
        for (principal, mut own) in named {
            own.extend(&others);
            by_principal.insert(principal, Group::new(&own)?);
        }
        Ok(Self {
            entity,
            by_principal,
            others: Group::new(&others)?,
        })
    }
}

impl Group {
    fn new(policies: &[&cedar_policy::Policy]) -> Result<Self, PolicyError> {
        let own = policies.iter().map(|policy| (*policy).clone());
        Ok(Self {
            policies: PolicySet::from_policies(own).map_err(|error| PolicyError::Schema {
                problem: error.to_string(),
            })?,
            attributes: Attributes::of_all(policies.iter().copied()),
        })
    }
}

/// Decides what one request asks: what is known of it is put together once.
pub(super) struct Judge<'a> {
    policy: &'a Policy,
    action: &'a EntityUid,
    group: &'a Group,
    principal: EntityUid,
    without_grant: Known,
    with_grant: Option<Known>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        circumstances: &Circumstances<'_>,
        request: &impl Request,
    ) -> Result<Self, Failed> {
        let of_action = policy.by_action.get(&request.action()).ok_or(Failed)?;
        let principal = policy.world.principal(circumstances.principal);
        let own = of_action.by_principal.get(&principal);
        let group = own.unwrap_or(&of_action.others);
        let known = |with_grant| {
            context(circumstances, request, with_grant, &group.attributes).ok_or_else(|| {
                tracing::error!("a request cannot be said in Cedar; it is denied");
                Failed
            })
        };
        let with_grant = match circumstances.grant {
            Some(_) => Some(known(WithGrant::Yes)?),
            None => None,
        };
        Ok(Self {
            policy,
            action: &of_action.entity,
            group,
            principal,
            without_grant: known(WithGrant::No)?,
            with_grant,
        })
    }

    /// The permit of a request about fields.
    fn permit_of_fields(
        &self,
        mut permit: Permit,
        place: &Place,
        fields: &[FieldName],
    ) -> Result<Option<Permit>, Failed> {
        let is_unknown = |name: &FieldName| !place.fields.contains_key(name);
        let asks_all = fields.is_empty() || fields.iter().any(is_unknown);
        for (name, entity) in &place.fields {
            if !fields.is_empty() && !fields.contains(name) {
                continue;
            }
            if self.permits(entity, WithGrant::No)? {
                permit.standing.insert(name.clone());
            }
            if self.with_grant.is_some() && self.permits(entity, WithGrant::Yes)? {
                permit.by_grant.insert(name.clone());
            }
        }
        let mut is_permitted = !permit.standing.is_empty() || !permit.by_grant.is_empty();
        let mut covers_all = asks_all && !place.fields.is_empty();
        // Who may use none of the fields that it names, but another, is refused item by item, so
        // that a refusal of one field is the same for everybody who may use any.
        for (name, entity) in &place.fields {
            if is_permitted && !covers_all {
                break;
            }
            if permit.standing.contains(name) {
                continue;
            }
            let is_other = !fields.is_empty() && !fields.contains(name);
            let may = is_other && self.permits(entity, WithGrant::No)?;
            let asks_grant = is_other && !may && self.with_grant.is_some();
            is_permitted |= may || (asks_grant && self.permits(entity, WithGrant::Yes)?);
            covers_all &= may;
        }
        permit.covers_all = covers_all;
        Ok(is_permitted.then_some(permit))
    }

    /// Whether the policies permit it. An error of any policy denies, whatever the others say: the
    /// one that failed may have been meant to forbid.
    fn permits(&self, resource: &EntityUid, with_grant: WithGrant) -> Result<bool, Failed> {
        let is_plain = self.known(with_grant).is_empty;
        let asked = || {
            (
                self.principal.clone(),
                self.action.clone(),
                resource.clone(),
            )
        };
        if is_plain && let Some(is_permitted) = self.policy.plain.find(&asked()) {
            return Ok(is_permitted);
        }
        let is_permitted = self.judge(resource, with_grant)?;
        if is_plain {
            self.policy.plain.keep(asked(), is_permitted);
        }
        Ok(is_permitted)
    }

    fn judge(&self, resource: &EntityUid, with_grant: WithGrant) -> Result<bool, Failed> {
        let response = self.respond(resource, with_grant)?;
        let mut failed = response.diagnostics().errors().peekable();
        if failed.peek().is_none() {
            return Ok(response.decision() == Decision::Allow);
        }
        for error in failed {
            // Not in its own words: they may quote what is known of the call.
            let AuthorizationError::PolicyEvaluationError(error) = error;
            let policy = error.policy_id();
            tracing::error!(%policy, "a policy failed to evaluate; the request is denied");
        }
        Err(Failed)
    }

    /// What Cedar says.
    pub(super) fn respond(
        &self,
        resource: &EntityUid,
        with_grant: WithGrant,
    ) -> Result<Response, Failed> {
        // Not validated against the schema: it is made by the schema, which the tests check.
        let request = cedar_policy::Request::new(
            self.principal.clone(),
            self.action.clone(),
            resource.clone(),
            self.known(with_grant).context.clone(),
            None,
        )
        .map_err(|_| Failed)?;
        let Policy {
            authorizer, world, ..
        } = self.policy;
        Ok(authorizer.is_authorized(&request, &self.group.policies, &world.entities))
    }

    fn known(&self, with_grant: WithGrant) -> &Known {
        match (with_grant, &self.with_grant) {
            (WithGrant::Yes, Some(known)) => known,
            (WithGrant::Yes, None) | (WithGrant::No, _) => &self.without_grant,
        }
    }

    #[cfg(test)]
    pub(super) fn contexts(&self) -> impl Iterator<Item = &cedar_policy::Context> {
        let known = [&self.without_grant].into_iter().chain(&self.with_grant);
        known.map(|known| &known.context)
    }
}

fn is_in_scope(constraint: &ActionConstraint, action: &EntityUid) -> bool {
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => one == action,
        // There are no groups of actions, so that `in` is one of them.
        ActionConstraint::In(several) => several.contains(action),
    }
}
