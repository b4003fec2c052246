//! A random history of calls: the entries that a vault writes, and beside them a ledger of what
//! each caller really got, kept by whoever made the calls and never read from the entries.

use std::collections::BTreeMap;

use super::*;
use crate::audit::Decision;
use crate::audit::ErrorClass;
use crate::domain::CaseId;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::PersonId;

/// What a caller did with one value, as the caller knows it.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) index: u64,
    pub(super) time: Timestamp,
    pub(super) principal: Principal,
    pub(super) person: Option<PersonId>,
    pub(super) credential: [u8; 32],
    pub(super) case_id: Option<CaseId>,
    pub(super) grant_id: Option<GrantId>,
    pub(super) key_version: Option<KeyVersion>,
    pub(super) seen: Seen,
    pub(super) status: Status,
}

/// A log and its ledger.
pub(super) struct History {
    pub(super) entries: Vec<Entry>,
    pub(super) ledger: Vec<Fact>,
    random: Random,
    time_ms: u64,
    /// Outcomes that are under way: they come later, or never.
    under_way: Vec<(EntryDraft, Vec<usize>)>,
}

/// A small generator (splitmix64), so that a history has one number.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn byte(&mut self, bound: u64) -> u8 {
        u8::try_from(self.below(bound)).unwrap()
    }

    fn position(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}

impl History {
    pub(super) fn random(number: u64, calls_count: usize) -> Self {
        let mut history = Self {
            entries: Vec::new(),
            ledger: Vec::new(),
            random: Random(number),
            time_ms: 1_000,
            under_way: Vec::new(),
        };
        history.append(EntryDraft::new(Event::Started));
        for _ in 0..calls_count {
            history.step();
        }
        history
    }

    fn step(&mut self) {
        self.time_ms += self.random.below(20);
        match self.random.below(40) {
            0 => {
                // The vault was killed: what was under way has no outcome.
                self.under_way.clear();
                self.append(EntryDraft::new(Event::Started));
            }
            1..=3 => {
                let draft = call(
                    Event::Tokenize,
                    vec![item("cus_1", "name", ItemOutcome::Created)],
                );
                self.append(draft);
            }
            4..=14 => self.settle(),
            _ => self.call(),
        }
    }

    /// One of the outcomes under way arrives.
    fn settle(&mut self) {
        if self.under_way.is_empty() {
            return;
        }
        let chosen = self.random.position(self.under_way.len());
        let (draft, facts) = self.under_way.swap_remove(chosen);
        for (item, fact) in draft.items.iter().zip(facts) {
            if item.outcome == ItemOutcome::Revealed {
                self.ledger[fact].status = Status::Released;
            } else {
                self.ledger[fact].status = Status::Refused;
            }
        }
        self.append(draft);
    }

    fn call(&mut self) {
        let kind = Kind::ALL[self.random.position(4)];
        let event = match kind {
            Kind::Revealed | Kind::Masked => Event::Detokenize,
            Kind::Compared => Event::VerifyMatch,
            Kind::LookedUp => Event::Lookup,
        };
        let is_denied = self.random.below(5) == 0;
        let mut draft = EntryDraft {
            principal: Some(Principal::new(&self.one_of("tool-", 3)).unwrap()),
            credential: Some([self.random.byte(3); 32]),
            person: self.maybe(|it| PersonId::read(&it.one_of("acme/", 3)).unwrap()),
            case_id: self.maybe(|it| CaseId::new(&it.one_of("CASE-", 3)).unwrap()),
            namespace: Some(Namespace::new(&self.one_of("shop-", 2)).unwrap()),
            decision: Some(if is_denied {
                Decision::Deny
            } else {
                Decision::Permit
            }),
            error: is_denied.then_some(ErrorClass::Denied),
            level: match kind {
                Kind::Masked => Some(Level::Masked),
                // As before there were levels.
                Kind::Revealed if self.random.below(4) == 0 => None,
                Kind::Revealed => Some(Level::Full),
                Kind::Compared | Kind::LookedUp => None,
            },
            ..EntryDraft::new(event)
        };
        draft.access.grant_id = self.maybe(|it| GrantId::new(&it.one_of("g-", 3)).unwrap());
        let mut facts = Vec::new();
        let mut late = draft.clone();
        for _ in 0..1 + self.random.below(4) {
            let (item, after, status) = self.item(kind, is_denied);
            facts.push(self.ledger.len());
            self.ledger.push(self.fact(&draft, &item, kind, status));
            draft.items.push(item.clone());
            late.items.push(EntryItem {
                outcome: after,
                ..item
            });
        }
        let index = self.entries.len() as u64;
        if event == Event::Detokenize && !is_denied {
            late.event = Event::DetokenizeOutcome;
            late.intent_index = Some(index);
            self.under_way.push((late, facts));
        }
        self.append(draft);
    }

    /// An item as its entry has it, as its outcome has it, and what is known of it until then.
    fn item(&mut self, kind: Kind, is_denied: bool) -> (EntryItem, ItemOutcome, Status) {
        let subject = self.maybe(|it| Subject::new(&it.one_of("cus_", 6)).unwrap());
        let token = self.maybe(|it| Fingerprint::from_bytes([it.random.byte(6); 16]));
        let field = FieldName::new(&self.one_of("field_", 3)).unwrap();
        let is_good = self.random.below(3) > 0;
        let (now, after, status) = match (is_denied, kind, is_good) {
            (true, ..) => {
                let denied = ItemOutcome::Denied;
                (denied, denied, Status::Refused)
            }
            (_, Kind::Compared, true) => {
                (ItemOutcome::Matched, ItemOutcome::Matched, Status::Released)
            }
            (_, Kind::Compared, false) => (
                ItemOutcome::Differed,
                ItemOutcome::Differed,
                Status::Refused,
            ),
            (_, Kind::LookedUp, true) => (ItemOutcome::Found, ItemOutcome::Found, Status::Released),
            (_, Kind::LookedUp, false) => {
                let none = ItemOutcome::NotFound;
                (none, none, Status::Refused)
            }
            (_, _, false) if self.random.below(2) == 0 => {
                let erased = ItemOutcome::Erased;
                (erased, erased, Status::Refused)
            }
            (_, _, good) => {
                let after = if good {
                    ItemOutcome::Revealed
                } else {
                    ItemOutcome::Damaged
                };
                (ItemOutcome::Intended, after, Status::PossiblyReleased)
            }
        };
        let item = EntryItem {
            field: Some(field),
            subject,
            token,
            key_version: self.maybe(|it| {
                KeyVersion::new(1 + u32::try_from(it.random.below(3)).unwrap()).unwrap()
            }),
            outcome: now,
        };
        (item, after, status)
    }

    fn fact(&self, draft: &EntryDraft, item: &EntryItem, kind: Kind, status: Status) -> Fact {
        Fact {
            index: self.entries.len() as u64,
            time: Timestamp::from_unix_ms(self.time_ms),
            principal: draft.principal.clone().unwrap(),
            person: draft.person.clone(),
            credential: draft.credential.unwrap(),
            case_id: draft.case_id.clone(),
            grant_id: draft.access.grant_id.clone(),
            key_version: item.key_version,
            seen: Seen {
                namespace: draft.namespace.clone(),
                whose: match (&item.subject, item.token) {
                    (Some(subject), _) => Whose::Subject(subject.clone()),
                    (None, Some(token)) => Whose::Token(token),
                    (None, None) => Whose::Nobody,
                },
                field: item.field.clone(),
                kind,
            },
            status,
        }
    }

    fn append(&mut self, draft: EntryDraft) {
        let index = self.entries.len() as u64;
        self.entries.push(entry(index, self.time_ms, draft));
    }

    fn one_of(&mut self, start: &str, count: u64) -> String {
        format!("{start}{}", self.random.below(count))
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.random.below(4) > 0).then(|| make(self))
    }
}

/// The rows that the ledger has for a query, counted in the plainest way.
pub(super) fn expected(ledger: &[Fact], query: &Query) -> Vec<Row> {
    let who = &query.who;
    let mut rows: BTreeMap<(Seen, Status), Tally> = BTreeMap::new();
    for fact in ledger {
        let holds = [
            query.from <= fact.time && fact.time < query.to,
            query.namespace.is_none() || query.namespace == fact.seen.namespace,
            who.principal
                .as_ref()
                .is_none_or(|it| *it == fact.principal),
            who.person.is_none() || who.person == fact.person,
            who.credential.is_none_or(|it| it == fact.credential),
            who.case_id.is_none() || who.case_id == fact.case_id,
            who.grant_id.is_none() || who.grant_id == fact.grant_id,
            who.key_version.is_none() || who.key_version == fact.key_version,
        ];
        if holds.contains(&false) {
            continue;
        }
        let tally = rows
            .entry((fact.seen.clone(), fact.status))
            .or_insert(Tally {
                count: 0,
                first: fact.time,
                first_index: fact.index,
                last: fact.time,
                last_index: fact.index,
            });
        tally.count += 1;
        (tally.last, tally.last_index) = (fact.time, fact.index);
    }
    rows.into_iter()
        .map(|((seen, status), tally)| Row {
            seen,
            status,
            tally,
        })
        .collect()
}
