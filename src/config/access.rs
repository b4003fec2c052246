//! How much anybody may see: `[[budget]]`, and what trips an alarm: `[alarms]`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::access::AccessRules;
use crate::access::BudgetRule;
use crate::access::HolderKind;
use crate::access::Window;
use crate::config::error::ConfigError;
use crate::config::error::bounded;
use crate::config::error::choice;
use crate::config::namespace::NamespaceConfig;
use crate::domain::Namespace;
use crate::domain::Principal;

/// One `[[budget]]`: how many distinct subjects each holder may see, by revealing their values,
/// searching for them, or comparing claims with them. Windows slide: the limit holds for every
/// interval of that length.
///
/// - `holder`: whose budget it is: `"person"` (each person has one, through whatever tool),
///   `"principal"` (each program has one), or `"namespace"` (all share one).
/// - `principals`: calls of these programs only. Default: of all.
/// - `namespaces`: in these namespaces only. Default: in all.
/// - `subjects_per_hour`, `subjects_per_day`, `subjects_per_30_days`: the limits, 1 to 10,000,000,
///   at least one of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    holder: String,
    #[serde(default)]
    principals: Vec<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    subjects_per_hour: Option<u64>,
    subjects_per_day: Option<u64>,
    subjects_per_30_days: Option<u64>,
}

/// `[alarms]`: what freezes a person, and what they may ask. Read at start.
///
/// - `denials`: this many refused calls within `denials_seconds` freeze a person, 0 to 1,000,000;
///   0: never. Default: 50.
/// - `denials_seconds`: 1 to 86,400. Default: 600.
/// - `claims_per_token`: how many values one holder may claim for one token in a day
///   (VerifyMatch), 1 to 1,000,000; more are refused. Default: 5.
/// - `fresh_login_seconds`: how old a person's login may be once four fifths of one of their
///   budgets are used, 10 to 86,400. Default: 300.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAlarms {
    denials: Option<u32>,
    denials_seconds: Option<u64>,
    claims_per_token: Option<u32>,
    fresh_login_seconds: Option<u64>,
}

/// Checks both.
pub(super) fn check(
    budgets: &[RawBudget],
    alarms: &RawAlarms,
    namespaces: &BTreeMap<Namespace, NamespaceConfig>,
) -> Result<AccessRules, ConfigError> {
    let default = AccessRules::default();
    let budget = |(position, budget): (usize, &RawBudget)| budget.check(position, namespaces);
    Ok(AccessRules {
        budgets: budgets
            .iter()
            .enumerate()
            .map(budget)
            .collect::<Result<_, _>>()?,
        fresh_login_seconds: bounded(
            "alarms.fresh_login_seconds",
            alarms.fresh_login_seconds,
            default.fresh_login_seconds,
            &(10..=DAY_SECONDS),
        )?,
        denials_max: bounded(
            "alarms.denials",
            alarms.denials,
            default.denials_max,
            &(0..=1_000_000),
        )?,
        denials_seconds: bounded(
            "alarms.denials_seconds",
            alarms.denials_seconds,
            default.denials_seconds,
            &(1..=DAY_SECONDS),
        )?,
        guesses_max: bounded(
            "alarms.claims_per_token",
            alarms.claims_per_token,
            default.guesses_max,
            &(1..=1_000_000),
        )?,
    })
}

impl RawBudget {
    fn check(
        &self,
        position: usize,
        namespaces: &BTreeMap<Namespace, NamespaceConfig>,
    ) -> Result<BudgetRule, ConfigError> {
        let key = |name: &str| format!("budget[{position}].{name}");
        let holders = [
            HolderKind::Person,
            HolderKind::Principal,
            HolderKind::Namespace,
        ]
        .map(|holder| (holder.name(), holder));
        let principal = |text: &String| {
            Principal::new(text).map_err(|error| {
                ConfigError::value(
                    key("principals"),
                    error,
                    "write it like \"spiffe://acme.example/backend\" or \"backend.acme.example\"",
                )
            })
        };
        let namespace = |text: &String| {
            let known = Namespace::new(text)
                .ok()
                .filter(|namespace| namespaces.contains_key(namespace));
            known.ok_or_else(|| {
                ConfigError::value(
                    key("namespaces"),
                    "names a namespace that this configuration does not have",
                    "name one that has a table [namespaces.NAME.fields.FIELD]",
                )
            })
        };
        let given = [
            (Window::Hour, "subjects_per_hour", self.subjects_per_hour),
            (Window::Day, "subjects_per_day", self.subjects_per_day),
            (
                Window::Month,
                "subjects_per_30_days",
                self.subjects_per_30_days,
            ),
        ];
        let mut limits = Vec::new();
        for (window, name, limit) in given {
            if limit.is_some() {
                let limit = bounded(&key(name), limit, 1, &(1..=SUBJECTS_MAX))?;
                limits.push((window, limit));
            }
        }
        if limits.is_empty() {
            return Err(ConfigError::value(
                key("subjects_per_hour"),
                "is missing, and so are the limits of the other windows",
                "give subjects_per_hour, subjects_per_day or subjects_per_30_days",
            ));
        }
        Ok(BudgetRule {
            holder: choice(key("holder"), &self.holder, &holders)?,
            principals: self
                .principals
                .iter()
                .map(principal)
                .collect::<Result<BTreeSet<_>, _>>()?,
            namespaces: self
                .namespaces
                .iter()
                .map(namespace)
                .collect::<Result<BTreeSet<_>, _>>()?,
            limits,
        })
    }
}

const DAY_SECONDS: u64 = 24 * 60 * 60;
/// The highest limit: each subject that was seen is kept in memory.
const SUBJECTS_MAX: u64 = 10_000_000;
