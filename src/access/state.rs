//! The state, and the one way to change it.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;

use crate::access::actor::Actor;
use crate::access::alarm::Denials;
use crate::access::alarm::GuessKey;
use crate::access::budget::HolderKey;
use crate::access::claim::Act;
use crate::access::claim::Claim;
use crate::access::event::AccessEvent;
use crate::access::event::Cause;
use crate::access::event::Effect;
use crate::access::freeze::Freeze;
use crate::access::freeze::Freezes;
use crate::access::grant::Grant;
use crate::access::ledger::Ledger;
use crate::access::refusal::Refusal;
use crate::access::rules::AccessRules;
use crate::access::seen::SeenKey;
use crate::access::wire;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Timestamp;
use crate::store::RowPut;
use crate::store::Table;

/// Grants, budgets, freezes and alarms, as they are now.
pub struct Access {
    pub(super) rules: AccessRules,
    rules_hash: [u8; 32],
    pub(super) grants: BTreeMap<GrantId, Grant>,
    pub(super) freezes: Freezes,
    pub(super) ledgers: HashMap<HolderKey, Ledger>,
    pub(super) guesses: BTreeMap<GuessKey, Vec<u64>>,
    /// Where forgetting old guesses goes on.
    pub(super) guesses_place: GuessKey,
    pub(super) decoys: HashSet<SeenKey>,
    pub(super) denials: Denials,
    /// What must be written with the next batch.
    puts: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    /// What the changes since the last batch replaced, in their order.
    undo: Vec<Undo>,
    /// What watchers are told once it is durable.
    events: Vec<AccessEvent>,
}

/// What a change replaced.
enum Undo {
    Decoy(SeenKey),
    Freeze(FreezeTarget, Option<Freeze>),
    Grant(GrantId, Option<Grant>),
    Guesses(GuessKey, Option<Vec<u64>>),
    Seen(HolderKey, SeenKey, Option<u64>),
}

/// What came of a claim.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Judgment {
    /// Whether it is granted.
    pub outcome: Result<Granted, Refusal>,
    /// What is frozen because of it, after it.
    pub consequence: Option<Freeze>,
}

/// A claim that was granted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Granted {
    /// Whether an act that needs two has taken effect; nothing for other acts.
    pub effect: Option<Effect>,
    /// How many more subjects the actor may see: of the budget that has the fewest left.
    pub budget_left: Option<u64>,
}

impl Access {
    /// The state without anything in it.
    #[must_use]
    pub fn new(rules: AccessRules) -> Self {
        Self {
            rules_hash: rules.hash(),
            rules,
            grants: BTreeMap::new(),
            freezes: Freezes::default(),
            ledgers: HashMap::new(),
            guesses: BTreeMap::new(),
            guesses_place: GuessKey::default(),
            decoys: HashSet::new(),
            denials: Denials::default(),
            puts: BTreeMap::new(),
            undo: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Judges a claim, and carries it out in memory if it is granted. `now` never goes back.
    ///
    /// What it changed is written by the caller, from [`Access::puts`]; then the caller says
    /// [`Access::settle`], or [`Access::undo`] if nothing was written.
    pub fn judge(&mut self, claim: &Claim, now: Timestamp) -> Judgment {
        let Claim { actor, act } = claim;
        // The log has every refusal, those of who is frozen too.
        if *act == Act::Refused {
            return self.count_denial(actor, now);
        }
        if self.freezes.stop(actor) {
            return Judgment::refused(Refusal::Frozen);
        }
        match act {
            Act::ApproveGrant { id, scope_digest } => {
                self.approve(actor, id, scope_digest, now).into()
            }
            Act::DenyGrant { id } => self.deny(id, now).into(),
            Act::Disclose(disclosure) => self.disclose(actor, disclosure, now),
            Act::Freeze { target } => self.freeze_on_call(target, now).into(),
            Act::MarkDecoys { subjects } => self.mark_decoys(subjects).into(),
            Act::Refused | Act::Work => Ok(Granted::default()).into(),
            Act::RequestGrant { grant } => self.request(grant, now).into(),
            Act::Retokenize { opened, until } => self.retokenize(actor, opened, *until, now),
            Act::RevokeGrant { id } => self.revoke(id, now).into(),
            Act::Unfreeze { target } => self.unfreeze(actor, target, now).into(),
        }
    }

    /// The version of the rules: what they did by themselves is recorded with it.
    #[must_use]
    pub fn rules_hash(&self) -> [u8; 32] {
        self.rules_hash
    }

    /// The rows that the batch must have: all that changed since the last.
    #[must_use]
    pub fn puts(&self) -> Vec<RowPut> {
        let put = |((table, key), value): (&(Table, Vec<u8>), &Option<Vec<u8>>)| RowPut {
            table: *table,
            key: key.clone(),
            value: value.clone(),
        };
        self.puts.iter().map(put).collect()
    }

    /// Learns that the batch is durable, and says what watchers may now be told.
    pub fn settle(&mut self) -> Vec<AccessEvent> {
        self.puts.clear();
        self.undo.clear();
        std::mem::take(&mut self.events)
    }

    /// Takes everything back that was changed since the last batch.
    pub fn undo(&mut self) {
        self.puts.clear();
        self.events.clear();
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Decoy(key) => {
                    self.decoys.remove(&key);
                }
                Undo::Freeze(target, before) => {
                    put_back(&mut self.freezes.all, target, before);
                }
                Undo::Grant(id, before) => put_back(&mut self.grants, id, before),
                Undo::Guesses(key, before) => put_back(&mut self.guesses, key, before),
                Undo::Seen(holder, key, before_ms) => {
                    self.ledgers.entry(holder).or_default().set(key, before_ms);
                }
            }
        }
    }

    fn freeze_on_call(
        &mut self,
        target: &FreezeTarget,
        now: Timestamp,
    ) -> Result<Granted, Refusal> {
        self.set_freeze(Freeze {
            target: target.clone(),
            cause: Cause::OnCall,
            since: now,
            unfreezing: None,
        });
        Ok(Granted::default())
    }

    fn unfreeze(
        &mut self,
        actor: &Actor,
        target: &FreezeTarget,
        now: Timestamp,
    ) -> Result<Granted, Refusal> {
        let freeze = self.freezes.all.get(target).ok_or(Refusal::Denied)?;
        let (after, effect) = Freezes::unfrozen_by(freeze, actor.holder(), now);
        match after {
            Some(waiting) => self.put_freeze(target, Some(waiting)),
            None => {
                self.put_freeze(target, None);
                self.events.push(AccessEvent::Unfrozen(target.clone()));
            }
        }
        Ok(Granted {
            effect: Some(effect),
            ..Granted::default()
        })
    }

    fn mark_decoys(&mut self, subjects: &[SeenKey]) -> Result<Granted, Refusal> {
        for key in subjects {
            if self.decoys.insert(*key) {
                self.undo.push(Undo::Decoy(*key));
                self.put(wire::decoy_row(*key));
            }
        }
        Ok(Granted::default())
    }

    /// Freezes. What is frozen already is frozen anew: who wanted it unfrozen must say so again.
    pub(super) fn set_freeze(&mut self, freeze: Freeze) {
        self.put_freeze(&freeze.target.clone(), Some(freeze.clone()));
        self.events.push(AccessEvent::Frozen(freeze));
    }

    fn put_freeze(&mut self, target: &FreezeTarget, freeze: Option<Freeze>) {
        self.put(wire::freeze_row(target, freeze.as_ref()));
        let before = match freeze {
            Some(freeze) => self.freezes.all.insert(target.clone(), freeze),
            None => self.freezes.all.remove(target),
        };
        self.undo.push(Undo::Freeze(target.clone(), before));
    }

    pub(super) fn put_grant(&mut self, id: &GrantId, grant: Option<Grant>) {
        self.put(wire::grant_row(id, grant.as_ref()));
        let before = match grant {
            Some(grant) => self.grants.insert(id.clone(), grant),
            None => self.grants.remove(id),
        };
        self.undo.push(Undo::Grant(id.clone(), before));
    }

    pub(super) fn put_seen(&mut self, holder: HolderKey, key: SeenKey, now: Timestamp) {
        self.put(wire::seen_row(holder, key, Some(now.unix_ms())));
        let ledger = self.ledgers.entry(holder).or_default();
        let before_ms = ledger.set(key, Some(now.unix_ms()));
        self.undo.push(Undo::Seen(holder, key, before_ms));
    }

    /// Forgets some of what a holder has seen that no window has any more.
    pub(super) fn forget_seen(&mut self, holder: HolderKey, now: Timestamp) {
        let Some(ledger) = self.ledgers.get_mut(&holder) else {
            return;
        };
        // Should the batch fail, the rows stay, and the next start forgets them.
        for key in ledger.prune(now.unix_ms(), FORGOTTEN_MAX) {
            self.put(wire::seen_row(holder, key, None));
        }
    }

    pub(super) fn put_guesses(&mut self, key: GuessKey, times_ms: Option<Vec<u64>>) {
        self.put(wire::guesses_row(key, times_ms.as_deref()));
        let before = match times_ms {
            Some(times_ms) => self.guesses.insert(key, times_ms),
            None => self.guesses.remove(&key),
        };
        self.undo.push(Undo::Guesses(key, before));
    }

    pub(super) fn put(&mut self, put: RowPut) {
        self.puts.insert((put.table, put.key), put.value);
    }

    pub(super) fn tell(&mut self, event: AccessEvent) {
        self.events.push(event);
    }
}

impl Judgment {
    pub(super) fn refused(refusal: Refusal) -> Self {
        Err(refusal).into()
    }
}

impl From<Result<Granted, Refusal>> for Judgment {
    fn from(outcome: Result<Granted, Refusal>) -> Self {
        Self {
            outcome,
            consequence: None,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Access").finish_non_exhaustive()
    }
}

fn put_back<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, before: Option<V>) {
    match before {
        Some(before) => map.insert(key, before),
        None => map.remove(&key),
    };
}

/// How much of what was seen is forgotten at a time.
const FORGOTTEN_MAX: usize = 64;
