//! A reference that remembers everything and computes each answer from it anew.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;

use crate::access::AccessRules;
use crate::access::Act;
use crate::access::Actor;
use crate::access::Claim;
use crate::access::Disclosure;
use crate::access::Effect;
use crate::access::GrantKind;
use crate::access::HolderKind;
use crate::access::SeenKey;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Timestamp;

/// What the reference says of a claim: coarser than the code, so that it stays short.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Granted(Option<Effect>),
    Refused(&'static str),
}

/// What happened, in its order.
#[derive(Clone)]
enum Happened {
    Saw(u64, Vec<(HolderKind, String)>, SeenKey),
    Guessed(u64, String, SeenKey),
    Granted(GrantId),
}

/// A grant as the reference has it: when it may be used, if ever.
#[derive(Clone)]
struct Known {
    scope: crate::access::GrantScope,
    requester: PersonId,
    principal: String,
    requested: u64,
    live: Option<(u64, u64)>,
    is_over: bool,
}

#[derive(Clone, Default)]
pub(super) struct Model {
    rules: AccessRules,
    history: Vec<Happened>,
    grants: BTreeMap<GrantId, Known>,
    frozen: BTreeMap<FreezeTarget, Option<(String, u64)>>,
    decoys: BTreeSet<SeenKey>,
}

impl Model {
    pub(super) fn new(rules: AccessRules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Judges a claim; also says what it froze by itself.
    pub(super) fn judge(
        &mut self,
        claim: &Claim,
        now: Timestamp,
    ) -> (Verdict, Option<FreezeTarget>) {
        let now = now.unix_ms();
        let Claim { actor, act } = claim;
        if self.is_frozen(actor) {
            return (Verdict::Refused("frozen"), None);
        }
        if let Act::Disclose(disclosure) = act {
            return self.disclose(actor, disclosure, now);
        }
        if let Act::Retokenize { opened, until } = act {
            return self.retokenize(actor, opened, until.unix_ms(), now);
        }
        (self.administer(actor, act, now), None)
    }

    fn administer(&mut self, actor: &Actor, act: &Act, now: u64) -> Verdict {
        let refused = Verdict::Refused;
        match act {
            Act::Work | Act::Refused | Act::Disclose(_) | Act::Retokenize { .. } => {
                Verdict::Granted(None)
            }
            Act::Freeze { target } => {
                self.frozen.insert(target.clone(), None);
                Verdict::Granted(None)
            }
            Act::Unfreeze { target } => match self.frozen.get(target) {
                None => refused("denied"),
                Some(Some((first, time))) if *first != holder(actor) && now < time + 3_600_000 => {
                    self.frozen.remove(target);
                    Verdict::Granted(Some(Effect::Effective))
                }
                Some(_) => {
                    self.frozen
                        .insert(target.clone(), Some((holder(actor), now)));
                    Verdict::Granted(Some(Effect::Pending))
                }
            },
            Act::MarkDecoys { subjects } => {
                self.decoys.extend(subjects);
                Verdict::Granted(None)
            }
            Act::RequestGrant { grant } => {
                let known = Known {
                    scope: grant.scope.clone(),
                    requester: grant.requester.clone(),
                    principal: grant.principal.as_str().to_owned(),
                    requested: now,
                    live: None,
                    is_over: false,
                };
                // What has been over for a day is forgotten when the next is asked for.
                self.grants
                    .retain(|_, known| now <= known.over() + 24 * 3_600_000);
                self.grants.insert(grant.id.clone(), known);
                Verdict::Granted(Some(Effect::Pending))
            }
            Act::ApproveGrant { id, .. } | Act::DenyGrant { id } | Act::RevokeGrant { id } => {
                self.decide(actor, id, act, now)
            }
        }
    }

    fn decide(&mut self, actor: &Actor, id: &GrantId, act: &Act, now: u64) -> Verdict {
        let refused = Verdict::Refused;
        let is_frozen = self.frozen.contains_key(&FreezeTarget::Grant(id.clone()));
        let Some(known) = self.grants.get_mut(id) else {
            return refused("denied");
        };
        if let Act::RevokeGrant { .. } = act {
            let may_end = known.lives(now) || (known.waits(now) && !is_frozen);
            return if may_end {
                known.end()
            } else {
                refused("state")
            };
        }
        if is_frozen {
            return refused("frozen");
        }
        if !known.waits(now) {
            return refused("state");
        }
        let Act::ApproveGrant { scope_digest, .. } = act else {
            return known.end();
        };
        if actor
            .person
            .as_ref()
            .is_none_or(|it| *it == known.requester)
        {
            return refused("same person");
        }
        if known.scope.digest() != *scope_digest {
            return refused("scope");
        }
        let span = u64::from(known.scope.ttl_seconds) * 1_000;
        known.live = Some((now, now + span));
        Verdict::Granted(Some(Effect::Effective))
    }

    fn disclose(
        &mut self,
        actor: &Actor,
        disclosure: &Disclosure,
        now: u64,
    ) -> (Verdict, Option<FreezeTarget>) {
        if self.is_disclosure_frozen(disclosure) {
            return (Verdict::Refused("frozen"), None);
        }
        let is_person = actor.person.is_some();
        let touched = |it: &crate::access::Glance| {
            (it.is_foreign && is_person) || self.decoys.contains(&it.seen)
        };
        if disclosure.glances.iter().any(touched) {
            let target = match &actor.person {
                Some(person) => FreezeTarget::Person(person.clone()),
                None => FreezeTarget::Principal(actor.principal.clone()),
            };
            self.frozen.insert(target.clone(), None);
            return (Verdict::Refused("denied"), Some(target));
        }
        if !self.is_granted(actor, disclosure, now) {
            return (Verdict::Refused("grant"), None);
        }
        let guesses: Vec<SeenKey> = disclosure
            .glances
            .iter()
            .filter_map(|it| it.guessed)
            .collect();
        for token in &guesses {
            let asked = guesses.iter().filter(|other| *other == token).count();
            if self.guesses(actor, token, now) + asked > self.rules.guesses_max as usize {
                return (Verdict::Refused("guesses"), None);
            }
        }
        match self.within_budgets(actor, disclosure, now) {
            Ok(holders) => self.remember(actor, disclosure, holders, now),
            Err("budget") => {
                let grant = disclosure.grant.as_ref();
                let target = grant.map(|grant| FreezeTarget::Grant(grant.id.clone()));
                if let Some(target) = &target {
                    self.frozen.insert(target.clone(), None);
                }
                return (Verdict::Refused("budget"), target);
            }
            Err(why) => return (Verdict::Refused(why), None),
        }
        (Verdict::Granted(None), None)
    }

    /// What is opened inside: as a disclosure under no grant, which decoys do not stop.
    fn retokenize(
        &mut self,
        actor: &Actor,
        opened: &Disclosure,
        until: u64,
        now: u64,
    ) -> (Verdict, Option<FreezeTarget>) {
        if self.is_disclosure_frozen(opened) {
            return (Verdict::Refused("frozen"), None);
        }
        if let Some(person) = &actor.person
            && opened.glances.iter().any(|it| it.is_foreign)
        {
            let target = FreezeTarget::Person(person.clone());
            self.frozen.insert(target.clone(), None);
            return (Verdict::Refused("denied"), Some(target));
        }
        if until <= now {
            return (Verdict::Refused("allowance"), None);
        }
        if opened.glances.iter().all(|it| it.is_foreign) {
            return (Verdict::Granted(None), None);
        }
        match self.within_budgets(actor, opened, now) {
            Ok(holders) => self.remember(actor, opened, holders, now),
            Err(why) => return (Verdict::Refused(why), None),
        }
        (Verdict::Granted(None), None)
    }

    /// The budgets that apply, if they last for what would be seen.
    fn within_budgets(
        &self,
        actor: &Actor,
        disclosure: &Disclosure,
        now: u64,
    ) -> Result<Vec<(HolderKind, String, u64, u64)>, &'static str> {
        let holders = self.holders(actor, &disclosure.namespace);
        let own = disclosure.glances.iter().filter(|it| !it.is_foreign);
        let seen: HashSet<SeenKey> = own.map(|it| it.seen).collect();
        let mut needs_login = false;
        for (kind, name, span, limit) in &holders {
            let mut distinct = self.distinct(*kind, name, *span, now);
            distinct.extend(&seen);
            let used = distinct.len() as u64;
            if used > *limit {
                return Err("budget");
            }
            needs_login |= *kind == HolderKind::Person && used * 10 > limit * 8;
        }
        let fresh = self.rules.fresh_login_seconds * 1_000;
        let is_fresh = actor
            .authenticated
            .is_some_and(|time| now < time.unix_ms() + fresh);
        match needs_login && !is_fresh {
            true => Err("login"),
            false => Ok(holders),
        }
    }

    fn remember(
        &mut self,
        actor: &Actor,
        disclosure: &Disclosure,
        holders: Vec<(HolderKind, String, u64, u64)>,
        now: u64,
    ) {
        let glances = &disclosure.glances;
        let own = glances.iter().filter(|it| !it.is_foreign);
        let seen: HashSet<SeenKey> = own.map(|it| it.seen).collect();
        let guesses: Vec<SeenKey> = glances.iter().filter_map(|it| it.guessed).collect();
        let names: Vec<_> = holders
            .into_iter()
            .map(|(kind, name, ..)| (kind, name))
            .collect();
        let saw = seen
            .into_iter()
            .map(|key| Happened::Saw(now, names.clone(), key));
        self.history.extend(saw);
        let guessed = guesses
            .into_iter()
            .map(|it| Happened::Guessed(now, holder(actor), it));
        self.history.extend(guessed);
        if let Some(grant) = &disclosure.grant {
            let under = disclosure
                .glances
                .iter()
                .filter(|it| it.under_grant.is_some());
            self.history
                .extend(under.map(|_| Happened::Granted(grant.id.clone())));
        }
    }

    fn is_granted(&self, actor: &Actor, disclosure: &Disclosure, now: u64) -> bool {
        let Some(wanted) = &disclosure.grant else {
            return disclosure.glances.iter().all(|it| it.under_grant.is_none());
        };
        let Some(known) = self.grants.get(&wanted.id) else {
            return false;
        };
        let used = |it: &&Happened| matches!(it, Happened::Granted(id) if *id == wanted.id);
        let used = self.history.iter().filter(used).count();
        let under: Vec<_> = disclosure
            .glances
            .iter()
            .filter_map(|it| it.under_grant.as_ref())
            .collect();
        let scope = &known.scope;
        let is_any = scope.kind == GrantKind::BreakGlass;
        let reveals_max = scope.reveals_max as usize;
        known
            .live
            .is_some_and(|(begins, ends)| begins <= now && now < ends)
            && !known.is_over
            && actor.person.as_ref() == Some(&known.requester)
            && actor.principal.as_str() == known.principal
            && scope.namespace == disclosure.namespace
            && scope.case_id == disclosure.case_id
            && scope.purpose == wanted.purpose
            // The level is of what is seen under the grant; what needs none is seen as permitted.
            && (under.is_empty() || wanted.level <= scope.level)
            && under.iter().all(|(subject, field)| {
                scope.fields.contains(field) && (is_any || scope.subjects.contains(subject))
            })
            && used < reveals_max
            && used + under.len() <= reveals_max
    }

    fn guesses(&self, actor: &Actor, token: &SeenKey, now: u64) -> usize {
        let is_it = |it: &&Happened| match it {
            Happened::Guessed(time, name, key) => {
                *name == holder(actor) && key == token && now < time + 86_400_000
            }
            Happened::Saw(..) | Happened::Granted(_) => false,
        };
        self.history.iter().filter(is_it).count()
    }

    /// Which values the holder saw within the span that ends now.
    fn distinct(&self, kind: HolderKind, name: &str, span: u64, now: u64) -> HashSet<SeenKey> {
        let seen = self.history.iter().filter_map(|it| match it {
            Happened::Saw(time, holders, key) => {
                let is_own = holders
                    .iter()
                    .any(|(own, text)| *own == kind && text == name);
                (is_own && now < time + span).then_some(*key)
            }
            Happened::Guessed(..) | Happened::Granted(_) => None,
        });
        seen.collect()
    }

    fn holders(&self, actor: &Actor, namespace: &Namespace) -> Vec<(HolderKind, String, u64, u64)> {
        let mut holders = Vec::new();
        for rule in &self.rules.budgets {
            let name = match rule.holder {
                HolderKind::Namespace => Some(namespace.as_str().to_owned()),
                HolderKind::Person => actor.person.as_ref().map(|it| it.as_str().to_owned()),
                HolderKind::Principal => Some(actor.principal.as_str().to_owned()),
            };
            let is_for = (rule.principals.is_empty() || rule.principals.contains(&actor.principal))
                && (rule.namespaces.is_empty() || rule.namespaces.contains(namespace));
            let Some(name) = name.filter(|_| is_for) else {
                continue;
            };
            let limits = rule.limits.iter();
            holders.extend(limits.map(|(it, max)| (rule.holder, name.clone(), it.span_ms(), *max)));
        }
        holders
    }

    fn is_frozen(&self, actor: &Actor) -> bool {
        self.frozen.keys().any(|target| match target {
            FreezeTarget::Certificate(certificate) => *certificate == actor.credential,
            FreezeTarget::Person(person) => actor.person.as_ref() == Some(person),
            FreezeTarget::Principal(principal) => *principal == actor.principal,
            FreezeTarget::AllReveals
            | FreezeTarget::Case(..)
            | FreezeTarget::Grant(_)
            | FreezeTarget::Namespace(_) => false,
        })
    }

    fn is_disclosure_frozen(&self, disclosure: &Disclosure) -> bool {
        self.frozen.keys().any(|target| match target {
            FreezeTarget::AllReveals => true,
            FreezeTarget::Case(namespace, case) => {
                *namespace == disclosure.namespace && Some(case) == disclosure.case_id.as_ref()
            }
            FreezeTarget::Grant(id) => disclosure
                .grant
                .as_ref()
                .is_some_and(|grant| grant.id == *id),
            FreezeTarget::Namespace(namespace) => *namespace == disclosure.namespace,
            FreezeTarget::Certificate(_) | FreezeTarget::Person(_) | FreezeTarget::Principal(_) => {
                false
            }
        })
    }
}

impl Known {
    fn waits(&self, now: u64) -> bool {
        self.live.is_none() && !self.is_over && now < self.requested + 12 * 3_600_000
    }

    fn lives(&self, now: u64) -> bool {
        !self.is_over && self.live.is_some_and(|(_, ends)| now < ends)
    }

    fn over(&self) -> u64 {
        let lapses = self.requested + 12 * 3_600_000;
        let ends = self.live.map(|(_, ends)| ends);
        ends.filter(|_| !self.is_over).unwrap_or(lapses)
    }

    fn end(&mut self) -> Verdict {
        self.is_over = true;
        Verdict::Granted(None)
    }
}

fn holder(actor: &Actor) -> String {
    match &actor.person {
        Some(person) => format!("person {person}"),
        None => format!("principal {}", actor.principal),
    }
}
