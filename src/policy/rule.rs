//! The rules of the configuration: a shorthand for Cedar.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::policy::action::Action;

/// Which fields a rule is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FieldSelection {
    /// Every field of the namespace.
    All,
    /// These fields.
    Only(BTreeSet<FieldName>),
}

/// Whether a request under a rule must name its case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CaseRequirement {
    /// It may.
    Optional,
    /// It must.
    Required,
}

/// Permits principals actions in one namespace. There is no rule that forbids: what no policy
/// permits is denied.
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

impl Rule {
    /// The rule in Cedar.
    ///
    /// No text in it needs to be escaped: principals and names have neither quotes nor
    /// backslashes.
    pub(super) fn to_cedar(&self) -> String {
        let Self {
            principals,
            actions,
            namespace,
            fields,
            case,
        } = self;
        let actions = actions
            .iter()
            .map(|action| format!("Action::\"{}\"", action.name()));
        let actions = actions.collect::<Vec<_>>().join(", ");
        let services: Vec<String> = principals
            .iter()
            .map(|principal| format!("Service::\"{principal}\""))
            .collect();
        let mut conditions = Vec::new();
        let principal = match services.as_slice() {
            [service] => format!("principal == {service}"),
            several => {
                conditions.push(any("principal", several));
                "principal is Service".to_owned()
            }
        };
        let resource = format!("resource in Namespace::\"{namespace}\"");
        if let FieldSelection::Only(names) = fields {
            let fields: Vec<String> = names
                .iter()
                .map(|name| format!("Field::\"{namespace}/{name}\""))
                .collect();
            conditions.push(any("resource", &fields));
        }
        if *case == CaseRequirement::Required {
            conditions.push("context has case_id".to_owned());
        }
        let mut text =
            format!("permit (\n  {principal},\n  action in [{actions}],\n  {resource}\n)");
        if !conditions.is_empty() {
            // Writing into a string does not fail.
            let _ = write!(text, "\nwhen {{ {} }}", conditions.join(" && "));
        }
        text.push_str(";\n");
        text
    }
}

/// That a variable is one of several entities. Comparisons are cheaper than a set, which would be
/// built anew by each decision.
fn any(variable: &str, entities: &[String]) -> String {
    let equal: Vec<String> = entities
        .iter()
        .map(|entity| format!("{variable} == {entity}"))
        .collect();
    format!("({})", equal.join(" || "))
}
