//! Key officers: `[officers]`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ceremony::Charter;
use crate::ceremony::OperationKind;
use crate::ceremony::Rule;
use crate::config::ConfigError;
use crate::crypto::note::NoteVerifier;

/// Key officers: `[officers]`. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OfficersConfig {
    /// `keys` and `rules`: the officers of a vault that has none yet. Afterwards they change by a
    /// ceremony, and a start says so where the two differ. Default: none, and no key operations.
    pub charter: Option<Charter>,
    /// `rewrap_records_per_second`: how many records a rotation moves to the new key in a second,
    /// at the most, 100 to 1,000,000. Default: 20,000.
    pub rewrap_records_per_second: u32,
    /// `retokenize_grace_seconds`: how long a token that was replaced still opens, 3,600 to
    /// 31,622,400 (366 days). Default: 2,592,000 (30 days).
    pub retokenize_grace_seconds: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOfficers {
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    rules: BTreeMap<String, RawRule>,
    rewrap_records_per_second: Option<u32>,
    retokenize_grace_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    approvals: Option<usize>,
    delay_seconds: Option<u64>,
}

impl RawRule {
    fn completed(&self, usual: Rule) -> Rule {
        Rule {
            approvals: self.approvals.unwrap_or(usual.approvals),
            delay_seconds: self.delay_seconds.unwrap_or(usual.delay_seconds),
        }
    }
}

impl RawOfficers {
    pub(super) fn check(self) -> Result<OfficersConfig, ConfigError> {
        let rate = self.rewrap_records_per_second.unwrap_or(RATE);
        if !(RATE_MIN..=RATE_MAX).contains(&rate) {
            return Err(ConfigError::value(
                "officers.rewrap_records_per_second",
                "is out of range",
                "use 100 to 1000000",
            ));
        }
        let grace_seconds = self.retokenize_grace_seconds.unwrap_or(GRACE_SECONDS);
        if !(GRACE_SECONDS_MIN..=GRACE_SECONDS_MAX).contains(&grace_seconds) {
            return Err(ConfigError::value(
                "officers.retokenize_grace_seconds",
                "is out of range",
                "use 3600 to 31622400",
            ));
        }
        let charter = if self.keys.is_empty() {
            if !self.rules.is_empty() {
                return Err(ConfigError::value(
                    "officers.rules",
                    "are there without officers",
                    "add officers.keys, or leave them out",
                ));
            }
            None
        } else {
            Some(charter(&self.keys, &self.rules)?)
        };
        Ok(OfficersConfig {
            charter,
            rewrap_records_per_second: rate,
            retokenize_grace_seconds: grace_seconds,
        })
    }
}

fn charter(keys: &[String], rules: &BTreeMap<String, RawRule>) -> Result<Charter, ConfigError> {
    let verifier = |text: &String| -> Result<NoteVerifier, ConfigError> {
        text.parse().map_err(|_| {
            ConfigError::value(
                "officers.keys",
                "has one that is no verifier key",
                "copy the line that `counterfoil keys officer new` prints",
            )
        })
    };
    let verifiers = keys.iter().map(verifier).collect::<Result<Vec<_>, _>>()?;
    let mut checked = BTreeMap::new();
    for (name, rule) in rules {
        let kind = OperationKind::from_name(name).ok_or_else(|| {
            ConfigError::value(
                "officers.rules",
                "has an operation that there is none of",
                "use accept-rollback, change-charter, compromise-key, destroy-key, resume-key, \
                 retokenize, rotate-key, rotate-root-key or suspend-key",
            )
        })?;
        checked.insert(kind, rule.completed(Rule::usual(kind)));
    }
    // What is usual for this one depends on the others.
    let change = OperationKind::ChangeCharter;
    if let Some(rule) = rules.get(change.name()) {
        let usual = Rule::usual_change(verifiers.len(), &checked);
        checked.insert(change, rule.completed(usual));
    }
    Charter::new(verifiers, checked).map_err(|error| {
        ConfigError::value(
            "officers",
            error,
            "see docs/officers.md for what officers and rules must be",
        )
    })
}

const RATE: u32 = 20_000;
const RATE_MIN: u32 = 100;
const RATE_MAX: u32 = 1_000_000;
const GRACE_SECONDS: u64 = 30 * 24 * 60 * 60;
const GRACE_SECONDS_MIN: u64 = 60 * 60;
const GRACE_SECONDS_MAX: u64 = 366 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grace_of_replaced_tokens_has_limits() {
        let check = |seconds| {
            let raw = RawOfficers {
                retokenize_grace_seconds: seconds,
                ..RawOfficers::default()
            };
            raw.check()
                .map(|officers| officers.retokenize_grace_seconds)
        };
        assert_eq!(check(None).unwrap(), 30 * 24 * 60 * 60);
        for seconds in [3_600, 31_622_400] {
            assert_eq!(check(Some(seconds)).unwrap(), seconds);
        }
        for seconds in [0, 3_599, 31_622_401, u64::MAX] {
            let error = check(Some(seconds)).unwrap_err().to_string();
            assert!(error.contains("retokenize_grace_seconds"), "{error}");
        }
    }
}
