//! Who may do what: `[[permit]]` and `[policies]`, and why: `[purposes]`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::choice;
use crate::config::namespace::NamespaceConfig;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::policy::Action;
use crate::policy::CaseRequirement;
use crate::policy::FieldSelection;
use crate::policy::Rule;
use crate::policy::Target;

/// Which purposes a reveal may name: `[purposes]`. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Purposes {
    /// Every well-formed one. The default.
    Any,
    /// `allowed`: these. Example: `["support", "billing"]`.
    Only(BTreeSet<Purpose>),
}

impl Purposes {
    /// Whether a reveal may name the purpose.
    #[must_use]
    pub fn allows(&self, purpose: &Purpose) -> bool {
        match self {
            Self::Any => true,
            Self::Only(allowed) => allowed.contains(purpose),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPurposes {
    allowed: Option<Vec<String>>,
}

impl RawPurposes {
    pub(super) fn check(self) -> Result<Purposes, ConfigError> {
        let Some(allowed) = self.allowed else {
            return Ok(Purposes::Any);
        };
        let purpose = |text: &String| {
            Purpose::new(text).map_err(|error| {
                ConfigError::value(
                    "purposes.allowed",
                    error,
                    "use words like \"support\", or leave the table out to allow all",
                )
            })
        };
        Ok(Purposes::Only(
            allowed.iter().map(purpose).collect::<Result<_, _>>()?,
        ))
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicies {
    pub(super) dir: Option<PathBuf>,
}

/// One `[[permit]]`: a shorthand for a policy in Cedar. What nothing permits is denied.
///
/// - `principals`: SPIFFE ids or DNS names of client certificates, at least one.
/// - `actions`: names of actions, such as `"tokenize"`, at least one.
/// - `namespace`: in which namespace.
/// - `fields`: on which of its fields; only of actions that are about fields. Default: on all.
/// - `case`: whether a request must name its case: `"optional"`, or `"required"`, which needs a
///   permit for actions alone that can name one, such as `"detokenize"`. Default: `"optional"`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPermit {
    principals: Vec<String>,
    actions: Vec<String>,
    namespace: String,
    fields: Option<Vec<String>>,
    case: Option<String>,
}

impl RawPermit {
    /// Checks the permit at this position, from 0.
    pub(super) fn check(
        &self,
        position: usize,
        namespaces: &BTreeMap<Namespace, NamespaceConfig>,
    ) -> Result<Rule, ConfigError> {
        let key = |name: &str| format!("permit[{position}].{name}");
        let known = Namespace::new(&self.namespace)
            .ok()
            .and_then(|namespace| namespaces.get_key_value(&namespace));
        let (namespace, config) = known.ok_or_else(|| {
            ConfigError::value(
                key("namespace"),
                "is not a namespace of this configuration",
                "name one that has a table [namespaces.NAME.fields.FIELD]",
            )
        })?;
        let case = match &self.case {
            Some(word) => choice(key("case"), word, &CASES)?,
            None => CaseRequirement::Optional,
        };
        let actions = actions(&key("actions"), &self.actions)?;
        if case == CaseRequirement::Required && !actions.iter().all(|action| action.names_case()) {
            return Err(ConfigError::value(
                key("case"),
                "is required of calls that cannot name a case",
                "require it in a permit of its own, for \"detokenize\" alone",
            ));
        }
        let is_about_field = |action: &Action| action.target() == Target::Fields;
        if self.fields.is_some() && !actions.iter().all(is_about_field) {
            return Err(ConfigError::value(
                key("fields"),
                "are named for a call that is about no field",
                "permit calls about a namespace in a permit of their own, without fields",
            ));
        }
        Ok(Rule {
            principals: principals(&key("principals"), &self.principals)?,
            actions,
            namespace: namespace.clone(),
            fields: fields(&key("fields"), self.fields.as_deref(), config)?,
            case,
        })
    }
}

fn principals(key: &str, texts: &[String]) -> Result<BTreeSet<Principal>, ConfigError> {
    let principal = |text: &String| {
        Principal::new(text).map_err(|error| {
            ConfigError::value(
                key,
                error,
                "write it like \"spiffe://acme.example/backend\" or \"backend.acme.example\"",
            )
        })
    };
    not_empty(key, texts.iter().map(principal).collect::<Result<_, _>>()?)
}

fn actions(key: &str, words: &[String]) -> Result<BTreeSet<Action>, ConfigError> {
    let choices = Action::ALL.map(|action| (action.name(), action));
    let action = |word: &String| choice(key, word, &choices);
    not_empty(key, words.iter().map(action).collect::<Result<_, _>>()?)
}

fn fields(
    key: &str,
    names: Option<&[String]>,
    namespace: &NamespaceConfig,
) -> Result<FieldSelection, ConfigError> {
    let Some(names) = names else {
        return Ok(FieldSelection::All);
    };
    let field = |name: &String| {
        let known = FieldName::new(name)
            .ok()
            .filter(|field| namespace.fields.contains_key(field));
        known.ok_or_else(|| {
            let remedy = "name fields that the namespace has, or leave the key out for all";
            ConfigError::value(
                key,
                "names a field that the namespace does not have",
                remedy,
            )
        })
    };
    let fields = names.iter().map(field).collect::<Result<_, _>>()?;
    not_empty(key, fields).map(FieldSelection::Only)
}

/// An empty list permits nothing, which nobody means.
fn not_empty<T>(key: &str, set: BTreeSet<T>) -> Result<BTreeSet<T>, ConfigError> {
    if set.is_empty() {
        let remedy = "name at least one, or remove the permit";
        return Err(ConfigError::value(key, "is empty", remedy));
    }
    Ok(set)
}

const CASES: [(&str, CaseRequirement); 2] = [
    ("optional", CaseRequirement::Optional),
    ("required", CaseRequirement::Required),
];
