//! What trips an alarm: refusals in a row, and guesses at a value.

use std::collections::HashMap;
use std::collections::VecDeque;

use sha2::Digest;
use sha2::Sha256;

use crate::access::actor::Actor;
use crate::access::actor::Holder;
use crate::access::claim::Glance;
use crate::access::event::Cause;
use crate::access::freeze::Freeze;
use crate::access::refusal::Refusal;
use crate::access::rules::Window;
use crate::access::seen::SeenKey;
use crate::access::state::Access;
use crate::access::state::Granted;
use crate::access::state::Judgment;
use crate::domain::FreezeTarget;
use crate::domain::Timestamp;

/// Who guesses at which token: 16 bytes of a SHA-256.
pub(super) type GuessKey = [u8; 16];

/// When who was refused. It is not kept over a restart.
#[derive(Debug, Default)]
pub(super) struct Denials {
    times_ms: HashMap<Holder, VecDeque<u64>>,
}

impl Access {
    /// Counts a refusal of a person, and freezes who has had too many. A program is refused for
    /// what others ask of it.
    pub(super) fn count_denial(&mut self, actor: &Actor, now: Timestamp) -> Judgment {
        if actor.person.is_none() {
            return Ok(Granted::default()).into();
        }
        let is_run = self.denials.count(
            actor.holder(),
            now.unix_ms(),
            self.rules.denials_seconds.saturating_mul(1_000),
            self.rules.denials_max,
        );
        Judgment {
            outcome: Ok(Granted::default()),
            consequence: is_run.then(|| self.freeze_actor(actor, Cause::Denials, now)),
        }
    }

    /// Freezes the person, or the program that acts for nobody.
    pub(super) fn freeze_actor(&mut self, actor: &Actor, cause: Cause, now: Timestamp) -> Freeze {
        let target = match actor.holder() {
            Holder::Person(person) => FreezeTarget::Person(person),
            Holder::Principal(principal) => FreezeTarget::Principal(principal),
        };
        self.freeze_for(target, cause, now)
    }

    pub(super) fn freeze_for(
        &mut self,
        target: FreezeTarget,
        cause: Cause,
        now: Timestamp,
    ) -> Freeze {
        let freeze = Freeze {
            target,
            cause,
            since: now,
            unfreezing: None,
        };
        self.set_freeze(freeze.clone());
        freeze
    }

    /// Whether the claimed values may still be compared with their tokens.
    pub(super) fn check_guesses(
        &self,
        actor: &Actor,
        glances: &[Glance],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let guesses_max = usize::try_from(self.rules.guesses_max).unwrap_or(usize::MAX);
        let mut counts: HashMap<GuessKey, usize> = HashMap::new();
        for token in glances.iter().filter_map(|glance| glance.guessed) {
            *counts.entry(guess_key(actor, token)).or_default() += 1;
        }
        for (key, count) in counts {
            let recent = self.recent_guesses(&key, now);
            if recent.len() + count > guesses_max {
                let first_ms = recent.first().copied().unwrap_or(now.unix_ms());
                let free_ms = first_ms + Window::Day.span_ms();
                return Err(Refusal::Guesses {
                    retry_seconds: free_ms.saturating_sub(now.unix_ms()).div_ceil(1_000),
                });
            }
        }
        Ok(())
    }

    /// Counts the claimed values.
    pub(super) fn count_guesses(&mut self, actor: &Actor, glances: &[Glance], now: Timestamp) {
        for token in glances.iter().filter_map(|glance| glance.guessed) {
            let key = guess_key(actor, token);
            let mut times_ms = self.recent_guesses(&key, now);
            times_ms.push(now.unix_ms());
            self.put_guesses(key, Some(times_ms));
        }
        self.forget_guesses(now);
    }

    fn recent_guesses(&self, key: &GuessKey, now: Timestamp) -> Vec<u64> {
        let is_recent = |time_ms: &u64| time_ms + Window::Day.span_ms() > now.unix_ms();
        let times_ms = self.guesses.get(key).into_iter().flatten().copied();
        times_ms.filter(is_recent).collect()
    }

    /// Forgets some guesses that are a day old, looking at a few keys after a moving place.
    fn forget_guesses(&mut self, now: Timestamp) {
        let after = self.guesses_place;
        let keys: Vec<GuessKey> = self
            .guesses
            .range(after..)
            .take(FORGOTTEN_MAX)
            .map(|(key, _)| *key)
            .collect();
        self.guesses_place = match keys.last() {
            Some(last) if keys.len() == FORGOTTEN_MAX => *last,
            Some(_) | None => GuessKey::default(),
        };
        for key in keys {
            if self.recent_guesses(&key, now).is_empty() {
                self.put_guesses(key, None);
            }
        }
    }
}

impl Denials {
    /// Counts a refusal, and says whether there were too many.
    fn count(&mut self, holder: Holder, now_ms: u64, span_ms: u64, denials_max: u32) -> bool {
        let denials_max = usize::try_from(denials_max).unwrap_or(usize::MAX);
        if denials_max == 0 {
            return false;
        }
        if self.times_ms.len() >= HOLDERS_MAX {
            self.times_ms
                .retain(|_, times| times.back().is_some_and(|time| time + span_ms > now_ms));
        }
        let times = self.times_ms.entry(holder.clone()).or_default();
        while times.front().is_some_and(|time| time + span_ms <= now_ms) {
            times.pop_front();
        }
        times.push_back(now_ms);
        let is_run = times.len() >= denials_max;
        if is_run {
            self.times_ms.remove(&holder);
        }
        is_run
    }
}

fn guess_key(actor: &Actor, token: SeenKey) -> GuessKey {
    let mut hasher = Sha256::new();
    let (kind, holder) = match actor.holder() {
        Holder::Person(person) => ("person", person.as_str().to_owned()),
        Holder::Principal(principal) => ("principal", principal.as_str().to_owned()),
    };
    for part in ["counterfoil guess 1", kind, &holder] {
        hasher.update(part);
        hasher.update([0]);
    }
    hasher.update(token.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let mut key = GuessKey::default();
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

/// How many holders have their refusals counted before old ones are forgotten.
const HOLDERS_MAX: usize = 10_000;
/// How many guess rows are looked at, at a time, to be forgotten.
const FORGOTTEN_MAX: usize = 8;
