//! The limits that the configuration sets.

use std::collections::BTreeSet;

use sha2::Digest;
use sha2::Sha256;

use crate::domain::Namespace;
use crate::domain::Principal;

/// The limits on everybody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessRules {
    /// How many distinct subjects may be seen.
    pub budgets: Vec<BudgetRule>,
    /// How old a login may be once four fifths of a person's budget are spent, in seconds.
    pub fresh_login_seconds: u64,
    /// How many refusals in [`Self::denials_seconds`] freeze who gets them; 0: none do.
    pub denials_max: u32,
    /// In how many seconds.
    pub denials_seconds: u64,
    /// How many values may be claimed for one token in a day.
    pub guesses_max: u32,
}

impl Default for AccessRules {
    fn default() -> Self {
        Self {
            budgets: Vec::new(),
            fresh_login_seconds: 300,
            denials_max: 50,
            denials_seconds: 600,
            guesses_max: 5,
        }
    }
}

impl AccessRules {
    /// SHA-256 of the rules in their one writing: the version that entries about what they did by
    /// themselves carry.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let mut part = |text: &str| {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        };
        part("counterfoil access rules 1");
        for rule in &self.budgets {
            part("budget");
            part(rule.holder.name());
            for principal in &rule.principals {
                part("principal");
                part(principal.as_str());
            }
            for namespace in &rule.namespaces {
                part("namespace");
                part(namespace.as_str());
            }
            for (window, limit) in &rule.limits {
                part(window.name());
                part(&limit.to_string());
            }
        }
        part("alarms");
        part(&self.fresh_login_seconds.to_string());
        part(&self.denials_max.to_string());
        part(&self.denials_seconds.to_string());
        part(&self.guesses_max.to_string());
        hasher.finalize().into()
    }
}

/// How many distinct subjects each holder may see.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BudgetRule {
    /// Whose it is.
    pub holder: HolderKind,
    /// Of these principals only; none: of all.
    pub principals: BTreeSet<Principal>,
    /// In these namespaces only; none: in all.
    pub namespaces: BTreeSet<Namespace>,
    /// How many distinct subjects in any interval of the window's length.
    pub limits: Vec<(Window, u64)>,
}

/// Whose a budget is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HolderKind {
    /// Each namespace has one, which everybody shares.
    Namespace,
    /// Each person has one, through whatever tool.
    Person,
    /// Each principal has one, for whomever it acts.
    Principal,
}

impl HolderKind {
    /// The name in configurations and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Person => "person",
            Self::Principal => "principal",
        }
    }
}

/// A length of time that ends now: it slides.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Window {
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 30 days of 24 hours.
    Month,
}

impl Window {
    /// Every window, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The name in configurations and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "30_days",
        }
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn span_ms(self) -> u64 {
        match self {
            Self::Hour => 3_600_000,
            Self::Day => 24 * 3_600_000,
            Self::Month => 30 * 24 * 3_600_000,
        }
    }
}
