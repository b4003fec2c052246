//! Why a request is permitted or denied: for people, and never for a decision.

use cedar_policy::AuthorizationError;
use cedar_policy::Decision;

use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Purpose;
use crate::policy::action::Action;
use crate::policy::action::Target;
use crate::policy::context::WithGrant;
use crate::policy::engine::Judge;
use crate::policy::engine::Policy;
use crate::policy::request::Circumstances;
use crate::policy::request::Proposal;
use crate::policy::request::Request;
use crate::policy::request::Scope;

/// A request that nobody made.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What it wants done.
    pub action: Action,
    /// Where.
    pub scope: Scope<'a>,
    /// On which field, where the action is about one.
    pub field: Option<&'a FieldName>,
    /// Why.
    pub purpose: Option<&'a Purpose>,
    /// For which case.
    pub case_id: Option<&'a CaseId>,
    /// Of an action about grants: which.
    pub proposal: Option<Proposal<'a>>,
}

/// Why a request is permitted or denied.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Explanation {
    /// Whether it is permitted.
    pub is_permitted: bool,
    /// The policies that decided: those that permit, or those that forbid. None of a denial: no
    /// policy permits it.
    pub policies: Vec<String>,
    /// The policies that failed to evaluate, for which it is denied.
    pub failed: Vec<String>,
}

impl Request for Question<'_> {
    fn action(&self) -> Action {
        self.action
    }

    fn scope(&self) -> Scope<'_> {
        self.scope
    }

    fn purpose(&self) -> Option<&Purpose> {
        self.purpose
    }

    fn case_id(&self) -> Option<&CaseId> {
        self.case_id
    }

    fn proposal(&self) -> Option<Proposal<'_>> {
        self.proposal
    }
}

impl Policy {
    /// Says how a request would be decided, and by which policies. A grant of the circumstances is
    /// taken to cover it.
    #[must_use]
    pub fn explain(
        &self,
        circumstances: &Circumstances<'_>,
        question: &Question<'_>,
    ) -> Explanation {
        self.explained(circumstances, question).unwrap_or_default()
    }

    fn explained(
        &self,
        circumstances: &Circumstances<'_>,
        question: &Question<'_>,
    ) -> Option<Explanation> {
        let judge = Judge::new(self, circumstances, question).ok()?;
        let place = match question.scope {
            Scope::Namespace(namespace) => Some(self.world().place(namespace)?),
            Scope::Vault => None,
        };
        let resource = match (question.action.target(), place) {
            (Target::Fields, Some(place)) => place.fields.get(question.field?)?,
            (Target::Fields, None) => return None,
            (Target::Place, Some(place)) => &place.entity,
            (Target::Place, None) => &self.world().vault,
        };
        let response = judge.respond(resource, WithGrant::Yes).ok()?;
        let diagnostics = response.diagnostics();
        let mut policies: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        policies.sort();
        let failed = diagnostics.errors().map(|error| {
            let AuthorizationError::PolicyEvaluationError(error) = error;
            error.policy_id().to_string()
        });
        let mut failed: Vec<String> = failed.collect();
        failed.sort();
        Some(Explanation {
            is_permitted: response.decision() == Decision::Allow && failed.is_empty(),
            policies,
            failed,
        })
    }
}
