//! Budgets: how many distinct subjects each holder may see in a window.

use std::collections::HashSet;

use sha2::Digest;
use sha2::Sha256;

use crate::access::actor::Actor;
use crate::access::refusal::Refusal;
use crate::access::rules::BudgetRule;
use crate::access::rules::HolderKind;
use crate::access::rules::Window;
use crate::access::seen::SeenKey;
use crate::access::state::Access;
use crate::domain::Namespace;
use crate::domain::Timestamp;

/// Whose ledger it is: 16 bytes of a SHA-256 of the kind of holder and its name.
pub(super) type HolderKey = [u8; 16];

/// A budget that applies to an actor, with what is used of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// Whose it is.
    pub holder: HolderKind,
    /// In which window.
    pub window: Window,
    /// How many distinct subjects were seen in it.
    pub used: u64,
    /// How many may be.
    pub limit: u64,
}

/// One limit that applies, and whose ledger it looks at.
pub(super) struct Applied {
    holder: HolderKey,
    kind: HolderKind,
    window: Window,
    limit: u64,
}

impl Access {
    /// Whether budgets last for what would be seen; nothing is counted yet.
    pub(super) fn check_budgets(
        &mut self,
        actor: &Actor,
        budgets: &[Applied],
        seen: &HashSet<SeenKey>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut fresh_login = false;
        for applied in budgets {
            let ledger = self.ledgers.entry(applied.holder).or_default();
            ledger.advance(now.unix_ms());
            let after = ledger.count_with(applied.window, seen);
            if after > applied.limit {
                let excess = after - applied.limit;
                let used = ledger.values_count(applied.window);
                let free_ms = ledger.falls_to(applied.window, used.saturating_sub(excess));
                return Err(Refusal::BudgetSpent {
                    retry_seconds: free_ms.saturating_sub(now.unix_ms()).div_ceil(1_000),
                });
            }
            let is_nearly_spent = after * 100 > applied.limit * NEARLY_SPENT_PERCENT;
            fresh_login |= applied.kind == HolderKind::Person && is_nearly_spent;
        }
        if fresh_login && !self.is_login_fresh(actor, now) {
            return Err(Refusal::FreshLogin {
                age_seconds_max: self.rules.fresh_login_seconds,
            });
        }
        Ok(())
    }

    /// Counts what is seen, in the ledger of each holder once.
    pub(super) fn count_seen(
        &mut self,
        budgets: &[Applied],
        seen: &HashSet<SeenKey>,
        now: Timestamp,
    ) {
        let holders: HashSet<HolderKey> = budgets.iter().map(|applied| applied.holder).collect();
        for holder in holders {
            for key in seen {
                self.put_seen(holder, *key, now);
            }
            self.forget_seen(holder, now);
        }
    }

    /// What the actor has used of each budget, as of now.
    #[must_use]
    pub fn usage(&mut self, actor: &Actor, namespace: &Namespace, now: Timestamp) -> Vec<Usage> {
        let budgets = self.applied(actor, namespace);
        self.usage_of(&budgets, now)
    }

    /// What is used of these budgets, as of now.
    pub(super) fn usage_of(&mut self, budgets: &[Applied], now: Timestamp) -> Vec<Usage> {
        let mut usage = Vec::with_capacity(budgets.len());
        for applied in budgets {
            let used = self.ledgers.get_mut(&applied.holder).map_or(0, |ledger| {
                ledger.advance(now.unix_ms());
                ledger.values_count(applied.window)
            });
            usage.push(Usage {
                holder: applied.kind,
                window: applied.window,
                used,
                limit: applied.limit,
            });
        }
        usage
    }

    fn is_login_fresh(&self, actor: &Actor, now: Timestamp) -> bool {
        actor
            .authenticated
            .is_some_and(|time| now < time.plus_seconds(self.rules.fresh_login_seconds))
    }

    /// The limits that apply to the actor in the namespace.
    pub(super) fn applied(&self, actor: &Actor, namespace: &Namespace) -> Vec<Applied> {
        let mut applied = Vec::new();
        for rule in &self.rules.budgets {
            if !rule.applies(actor, namespace) {
                continue;
            }
            let holder = match (rule.holder, &actor.person) {
                (HolderKind::Namespace, _) => holder_key("namespace", namespace.as_str()),
                (HolderKind::Person, Some(person)) => holder_key("person", person.as_str()),
                (HolderKind::Person, None) => continue,
                (HolderKind::Principal, _) => holder_key("principal", actor.principal.as_str()),
            };
            let limits = rule.limits.iter().map(|(window, limit)| Applied {
                holder,
                kind: rule.holder,
                window: *window,
                limit: *limit,
            });
            applied.extend(limits);
        }
        applied
    }
}

impl BudgetRule {
    fn applies(&self, actor: &Actor, namespace: &Namespace) -> bool {
        (self.principals.is_empty() || self.principals.contains(&actor.principal))
            && (self.namespaces.is_empty() || self.namespaces.contains(namespace))
    }
}

fn holder_key(kind: &str, name: &str) -> HolderKey {
    let mut hasher = Sha256::new();
    for part in ["counterfoil holder 1", kind] {
        hasher.update(part);
        hasher.update([0]);
    }
    hasher.update(name);
    let digest: [u8; 32] = hasher.finalize().into();
    let mut key = HolderKey::default();
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

/// Beyond this part of a person's budget, they must have proven lately who they are.
const NEARLY_SPENT_PERCENT: u64 = 80;
