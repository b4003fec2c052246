//! The rules of the configuration, and the decision by them.

use std::collections::BTreeSet;

use sha2::Digest;
use sha2::Sha256;

use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::policy::action::Action;
use crate::policy::action::Request;
use crate::policy::permitted::Denied;
use crate::policy::permitted::Permit;
use crate::policy::permitted::Permitted;

/// Which fields a rule is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FieldSelection {
    /// Every field of the namespace.
    All,
    /// These fields.
    Only(BTreeSet<FieldName>),
}

impl FieldSelection {
    /// Whether the field is among them.
    #[must_use]
    pub fn covers(&self, field: &FieldName) -> bool {
        match self {
            Self::All => true,
            Self::Only(fields) => fields.contains(field),
        }
    }

    fn union(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(mut fields), Self::Only(more)) => {
                fields.extend(more.iter().cloned());
                Self::Only(fields)
            }
            (Self::All, _) | (_, Self::All) => Self::All,
        }
    }
}

/// Whether a request under a rule must name its case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CaseRequirement {
    /// It may.
    Optional,
    /// It must.
    Required,
}

/// Permits principals actions on fields of one namespace. There is no rule that forbids: what no
/// rule permits is denied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// To whom.
    pub principals: BTreeSet<Principal>,
    /// What.
    pub actions: BTreeSet<Action>,
    /// In which namespace.
    pub namespace: Namespace,
    /// On which fields.
    pub fields: FieldSelection,
    /// Whether the request must name its case.
    pub case: CaseRequirement,
}

/// All rules, and the hash that audit entries name them by.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    hash: [u8; 32],
}

impl Policy {
    /// The policy of these rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let hash = hash(&rules);
        Self { rules, hash }
    }

    /// SHA-256 of the rules in their canonical writing.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Decides a request of the principal: permitted for the fields of all rules that apply.
    ///
    /// # Errors
    ///
    /// If no rule applies.
    pub fn decide<T: Request>(
        &self,
        principal: &Principal,
        request: T,
    ) -> Result<Permitted<T>, Denied<T>> {
        let applies = |rule: &&Rule| {
            rule.principals.contains(principal)
                && rule.actions.contains(&request.action())
                && rule.namespace == *request.namespace()
                && (rule.case == CaseRequirement::Optional || request.case_id().is_some())
        };
        let fields = self
            .rules
            .iter()
            .filter(applies)
            .map(|rule| rule.fields.clone())
            .reduce(|fields, more| fields.union(&more));
        match fields {
            Some(fields) => {
                let permit = Permit {
                    principal: principal.clone(),
                    fields,
                    policy_hash: self.hash,
                };
                Ok(Permitted { request, permit })
            }
            None => Err(Denied { request }),
        }
    }
}

/// Hashes the rules, each part with its length before it, so that no two policies are written
/// alike.
fn hash(rules: &[Rule]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    part("counterfoil policy 1");
    for rule in rules {
        part("rule");
        for principal in &rule.principals {
            part("principal");
            part(principal.as_str());
        }
        for action in &rule.actions {
            part("action");
            part(action.name());
        }
        part("namespace");
        part(rule.namespace.as_str());
        match &rule.fields {
            FieldSelection::All => part("all fields"),
            FieldSelection::Only(fields) => {
                for field in fields {
                    part("field");
                    part(field.as_str());
                }
            }
        }
        part(match rule.case {
            CaseRequirement::Optional => "case optional",
            CaseRequirement::Required => "case required",
        });
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CaseId;

    struct Reveal {
        namespace: Namespace,
        case_id: Option<CaseId>,
    }

    impl Request for Reveal {
        fn action(&self) -> Action {
            Action::Detokenize
        }

        fn namespace(&self) -> &Namespace {
            &self.namespace
        }

        fn case_id(&self) -> Option<&CaseId> {
            self.case_id.as_ref()
        }
    }

    fn principal(text: &str) -> Principal {
        Principal::new(text).unwrap()
    }

    fn field(text: &str) -> FieldName {
        FieldName::new(text).unwrap()
    }

    fn rule(action: Action, fields: FieldSelection, case: CaseRequirement) -> Rule {
        Rule {
            principals: [principal("spiffe://a/b")].into(),
            actions: [action].into(),
            namespace: Namespace::new("shop").unwrap(),
            fields,
            case,
        }
    }

    fn reveal(namespace: &str, case: Option<&str>) -> Reveal {
        Reveal {
            namespace: Namespace::new(namespace).unwrap(),
            case_id: case.map(|text| CaseId::new(text).unwrap()),
        }
    }

    #[test]
    fn nothing_is_permitted_without_a_rule() {
        let policy = Policy::new(Vec::new());
        assert!(
            policy
                .decide(&principal("spiffe://a/b"), reveal("shop", None))
                .is_err()
        );
    }

    #[test]
    fn rule_permits_its_principal_action_and_namespace_only() {
        let all = || {
            rule(
                Action::Detokenize,
                FieldSelection::All,
                CaseRequirement::Optional,
            )
        };
        let policy = Policy::new(vec![all()]);
        assert!(
            policy
                .decide(&principal("spiffe://a/b"), reveal("shop", None))
                .is_ok()
        );
        assert!(
            policy
                .decide(&principal("spiffe://a/c"), reveal("shop", None))
                .is_err()
        );
        assert!(
            policy
                .decide(&principal("spiffe://a/b"), reveal("other", None))
                .is_err()
        );
        let policy = Policy::new(vec![Rule {
            actions: [Action::Tokenize].into(),
            ..all()
        }]);
        assert!(
            policy
                .decide(&principal("spiffe://a/b"), reveal("shop", None))
                .is_err()
        );
    }

    #[test]
    fn required_case_is_required() {
        let required = rule(
            Action::Detokenize,
            FieldSelection::All,
            CaseRequirement::Required,
        );
        let policy = Policy::new(vec![required]);
        assert!(
            policy
                .decide(&principal("spiffe://a/b"), reveal("shop", None))
                .is_err()
        );
        assert!(
            policy
                .decide(&principal("spiffe://a/b"), reveal("shop", Some("T-1")))
                .is_ok()
        );
    }

    #[test]
    fn permit_covers_the_fields_of_all_rules_that_apply() {
        let only = |name: &str| {
            rule(
                Action::Detokenize,
                FieldSelection::Only([field(name)].into()),
                CaseRequirement::Optional,
            )
        };
        let policy = Policy::new(vec![only("name"), only("email")]);
        let permitted = policy
            .decide(&principal("spiffe://a/b"), reveal("shop", None))
            .unwrap();
        assert!(permitted.permit().covers(&field("name")));
        assert!(permitted.permit().covers(&field("email")));
        assert!(!permitted.permit().covers(&field("address")));
        assert!(!permitted.permit().covers_all());
    }

    #[test]
    fn hash_tells_policies_apart() {
        let name = FieldSelection::Only([field("name")].into());
        let rules = [
            rule(
                Action::Detokenize,
                FieldSelection::All,
                CaseRequirement::Optional,
            ),
            rule(
                Action::Detokenize,
                FieldSelection::All,
                CaseRequirement::Required,
            ),
            rule(
                Action::Tokenize,
                FieldSelection::All,
                CaseRequirement::Optional,
            ),
            rule(Action::Tokenize, name, CaseRequirement::Optional),
        ];
        let hashes: BTreeSet<_> = rules
            .into_iter()
            .map(|rule| Policy::new(vec![rule]).hash())
            .collect();
        assert_eq!(hashes.len(), 4);
    }
}
