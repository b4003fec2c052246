//! What of the context policies look at. Putting the rest of it together would cost more than the
//! decision itself.

use std::collections::BTreeSet;

use cedar_policy::Policy;
use serde_json::Value;

/// The attributes of the context that policies look at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Attributes {
    /// Perhaps all of them.
    All,
    /// None but these.
    Only(BTreeSet<String>),
}

impl Attributes {
    /// Those that a policy looks at.
    pub(super) fn of(policy: &Policy) -> Self {
        let mut own = Self::Only(BTreeSet::new());
        match policy.to_json() {
            Ok(json) => match json.get("conditions") {
                Some(conditions) => own.look_into(conditions),
                None => own = Self::All,
            },
            Err(_) => own = Self::All,
        }
        own
    }

    /// Those that any of the policies looks at.
    pub(super) fn of_all<'a>(policies: impl Iterator<Item = &'a Policy>) -> Self {
        let none = Self::Only(BTreeSet::new());
        policies
            .map(Self::of)
            .fold(none, |all, own| match (all, own) {
                (Self::Only(mut all), Self::Only(own)) => {
                    all.extend(own);
                    Self::Only(all)
                }
                (Self::All, _) | (_, Self::All) => Self::All,
            })
    }

    /// Whether the attribute may be looked at.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// Adds what an expression, in Cedar's JSON, looks at: `context.NAME` and `context has NAME`.
    /// Wherever else the context stands, all of it is looked at. Expressions are nested no deeper
    /// than their parser goes.
    fn look_into(&mut self, expression: &Value) {
        match expression {
            Value::Array(parts) => {
                for part in parts {
                    self.look_into(part);
                }
            }
            Value::Object(parts) => {
                for (operator, part) in parts {
                    match of_context(operator, part) {
                        Some(name) => {
                            if let Self::Only(names) = self {
                                names.insert(name.to_owned());
                            }
                        }
                        None if operator == "Var" && part.as_str() == Some("context") => {
                            *self = Self::All;
                        }
                        None => self.look_into(part),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The attribute, where an operation is a look at one of the context's.
fn of_context<'a>(operator: &str, operands: &'a Value) -> Option<&'a str> {
    let is_look = matches!(operator, "." | "has");
    let variable = operands.pointer("/left/Var").and_then(Value::as_str);
    if !is_look || variable != Some("context") {
        return None;
    }
    let name = operands.get("attr")?;
    // Of `context has grant.level` it is the whole path.
    name.get(0).unwrap_or(name).as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(conditions: &str) -> Attributes {
        let text = format!("permit (principal, action, resource) {conditions};");
        Attributes::of(&Policy::parse(None, text).unwrap())
    }

    #[test]
    fn every_look_at_the_context_is_seen() {
        let only = |names: &[&str]| {
            Attributes::Only(names.iter().map(|name| (*name).to_owned()).collect())
        };
        for (conditions, expected) in [
            ("", only(&[])),
            ("when { principal == resource }", only(&[])),
            ("when { context has time }", only(&["time"])),
            ("when { context has grant.level }", only(&["grant"])),
            (
                "when { context.person.id == \"a\" } unless { context.case.open }",
                { only(&["case", "person"]) },
            ),
            (
                "when { context[\"purpose\"] == \"context\" }",
                only(&["purpose"]),
            ),
            (
                "when { [1, context.a].contains({b: context.c}.b) }",
                only(&["a", "c"]),
            ),
            (
                "when { if context.a then context.b else context.c }",
                only(&["a", "b", "c"]),
            ),
            (
                "when { context.address.isInRange(ip(\"10.0.0.0/8\")) }",
                only(&["address"]),
            ),
            ("when { context == {} }", Attributes::All),
            ("when { [context].contains({}) }", Attributes::All),
            ("when { {a: context}.a.b }", Attributes::All),
            (
                "when { (if true then context else context).a }",
                Attributes::All,
            ),
        ] {
            assert_eq!(used(conditions), expected, "{conditions}");
        }
    }
}
