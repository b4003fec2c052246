//! Freezes at full load: no reveal that a freeze stops has a higher index than it, until it ends.
//!
//! Many callers reveal as fast as the log takes it, while others freeze and unfreeze everything
//! that can be frozen. Each keeps the indices that it was told; at the end they are compared.
//! `COUNTERFOIL_FREEZES` says how many freezes there are.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::*;
use crate::access::Act;
use crate::access::Actor;
use crate::access::Claim;
use crate::access::Disclosure;
use crate::access::Effect;
use crate::access::Glance;
use crate::access::Refusal;
use crate::access::SeenKey;
use crate::domain::CaseId;
use crate::domain::FreezeTarget;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;

/// Whether callers ask as they must.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asking {
    /// With a claim, which is judged where the call gets its place.
    InOrder,
    /// Planted: they look whether they are frozen, and write what they do after that.
    BeforeTheirTurn,
}

/// Who reveals, and what for.
#[derive(Clone)]
struct Caller {
    actor: Actor,
    disclosure: Disclosure,
}

/// A freeze, from its entry to the one that ended it.
struct Interval {
    target: FreezeTarget,
    frozen: u64,
    unfrozen: u64,
}

#[derive(Default)]
struct Campaign {
    is_over: AtomicBool,
    refused_count: AtomicU64,
    reveals: Mutex<Vec<(u64, usize)>>,
    intervals: Mutex<Vec<Interval>>,
}

fn caller(number: usize) -> Caller {
    let namespace = Namespace::new(["shop", "bank"][number % 2]).unwrap();
    let subject = Subject::new(&format!("cus_{number}")).unwrap();
    let glance = Glance {
        seen: SeenKey::subject(&namespace, &subject),
        under_grant: None,
        guessed: None,
        is_foreign: false,
    };
    Caller {
        actor: Actor {
            principal: Principal::new(["a.example", "b.example", "c.example"][number % 3]).unwrap(),
            credential: [u8::try_from(number % 4).unwrap(); 32],
            person: Some(person(number % PEOPLE_COUNT)),
            authenticated: None,
        },
        disclosure: Disclosure {
            namespace,
            case_id: CaseId::new(["T-1", "T-2", "T-3"][number % 3]).ok(),
            grant: None,
            glances: vec![glance],
        },
    }
}

fn person(number: usize) -> PersonId {
    PersonId::read(&format!("acme/person-{number}")).unwrap()
}

/// What each of those who freeze is in charge of: no two freeze the same.
fn targets(officer: usize) -> Vec<FreezeTarget> {
    let read = |text: &str| FreezeTarget::read(text).unwrap();
    match officer {
        0 => vec![read("all"), read("principal:a.example")],
        1 => vec![read("namespace:shop"), read("case:bank:T-2")],
        2 => vec![
            FreezeTarget::Certificate([3; 32]),
            read("person:acme/person-0"),
        ],
        _ => (1..PEOPLE_COUNT)
            .map(|it| FreezeTarget::Person(person(it)))
            .collect(),
    }
}

impl Caller {
    fn is_stopped_by(&self, target: &FreezeTarget) -> bool {
        let Self { actor, disclosure } = self;
        match target {
            FreezeTarget::AllReveals => true,
            FreezeTarget::Case(namespace, case) => {
                disclosure.namespace == *namespace && disclosure.case_id.as_ref() == Some(case)
            }
            FreezeTarget::Certificate(credential) => actor.credential == *credential,
            FreezeTarget::Grant(_) => false,
            FreezeTarget::Namespace(namespace) => disclosure.namespace == *namespace,
            FreezeTarget::Person(person) => actor.person.as_ref() == Some(person),
            FreezeTarget::Principal(principal) => actor.principal == *principal,
        }
    }

    /// Reveals once, and says at which index.
    async fn reveal(&self, audit: &AuditLog, asking: Asking) -> Result<u64, CommitError> {
        let act = Act::Disclose(Box::new(self.disclosure.clone()));
        let claim = Claim {
            actor: self.actor.clone(),
            act,
        };
        let mut commit = Commit::new(
            Changes::default(),
            EntryDraft::new(Event::Detokenize),
            Some(claim),
        );
        if asking == Asking::BeforeTheirTurn {
            let is_stopped = audit.access(|access| {
                access.stops(&self.actor) || access.stops_disclosure(&self.disclosure)
            });
            if is_stopped.await {
                return Err(CommitError::Refused(Refusal::Frozen));
            }
            commit.claim = None;
        }
        Ok(audit.commit(commit).await?.index)
    }
}

impl Campaign {
    async fn reveal_on(&self, audit: AuditLog, number: usize, asking: Asking) {
        let caller = caller(number);
        let mut indices = Vec::new();
        while !self.is_over.load(Ordering::Relaxed) {
            match caller.reveal(&audit, asking).await {
                Ok(index) => indices.push((index, number)),
                Err(CommitError::Refused(Refusal::Frozen)) => {
                    self.refused_count.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
        self.reveals.lock().unwrap().extend(indices);
    }

    async fn freeze(&self, audit: AuditLog, officer: usize, freezes_count: usize) {
        let targets = targets(officer);
        for target in targets.iter().cycle().take(freezes_count) {
            let freeze = Act::Freeze {
                target: target.clone(),
            };
            let frozen = audit.commit(by_officer("first", freeze)).await.unwrap();
            // Time for those who reveal to run into it, and to go on after it.
            audit.commit(by_officer("first", Act::Work)).await.unwrap();
            let unfreeze = || Act::Unfreeze {
                target: target.clone(),
            };
            audit.commit(by_officer("first", unfreeze())).await.unwrap();
            let unfrozen = audit
                .commit(by_officer("second", unfreeze()))
                .await
                .unwrap();
            assert_eq!(unfrozen.granted.effect, Some(Effect::Effective));
            self.intervals.lock().unwrap().push(Interval {
                target: target.clone(),
                frozen: frozen.index,
                unfrozen: unfrozen.index,
            });
            audit.commit(by_officer("first", Act::Work)).await.unwrap();
        }
    }

    /// How many reveals are where a freeze forbids them.
    fn late_count(&self) -> usize {
        let reveals = self.reveals.lock().unwrap();
        let intervals = self.intervals.lock().unwrap();
        let callers: Vec<Caller> = (0..CALLERS_COUNT).map(caller).collect();
        let mut late_count = 0;
        for Interval {
            target,
            frozen,
            unfrozen,
        } in intervals.iter()
        {
            let first = reveals.partition_point(|(index, _)| index < frozen);
            let during = reveals[first..]
                .iter()
                .take_while(|(index, _)| index < unfrozen);
            let late = during.filter(|(_, number)| callers[*number].is_stopped_by(target));
            late_count += late.count();
        }
        late_count
    }
}

fn by_officer(name: &str, act: Act) -> Commit {
    let actor = Actor {
        principal: Principal::new("officer.example").unwrap(),
        credential: [9; 32],
        person: Some(PersonId::read(&format!("acme/{name}")).unwrap()),
        authenticated: None,
    };
    Commit::new(
        Changes::default(),
        EntryDraft::new(Event::Frozen),
        Some(Claim { actor, act }),
    )
}

/// Reveals and freezes, and returns how many reveals came too late.
fn campaign(asking: Asking, freezes_count: usize) -> usize {
    let log = TestLog::create();
    let (audit, thread) = log.open();
    let campaign = Arc::new(Campaign::default());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    runtime.block_on(async {
        let callers: Vec<_> = (0..CALLERS_COUNT)
            .map(|number| {
                let (campaign, audit) = (Arc::clone(&campaign), audit.clone());
                tokio::spawn(async move { campaign.reveal_on(audit, number, asking).await })
            })
            .collect();
        let officers: Vec<_> = (0..OFFICERS_COUNT)
            .map(|officer| {
                let (campaign, audit) = (Arc::clone(&campaign), audit.clone());
                let count = freezes_count.div_ceil(OFFICERS_COUNT);
                tokio::spawn(async move { campaign.freeze(audit, officer, count).await })
            })
            .collect();
        for officer in officers {
            officer.await.unwrap();
        }
        campaign.is_over.store(true, Ordering::Relaxed);
        for caller in callers {
            caller.await.unwrap();
        }
    });
    drop(runtime);
    drop(audit);
    thread.join();
    log.verify().unwrap();

    campaign.reveals.lock().unwrap().sort_unstable();
    let reveals_count = campaign.reveals.lock().unwrap().len();
    let refused_count = campaign.refused_count.load(Ordering::Relaxed);
    let freezes_count = campaign.intervals.lock().unwrap().len();
    let late_count = campaign.late_count();
    println!(
        "freezes: {asking:?}, {freezes_count} freezes, {reveals_count} reveals, {refused_count} \
         refused, {late_count} late"
    );
    assert!(reveals_count > freezes_count, "there was little to stop");
    assert!(refused_count > 0, "nobody ran into a freeze");
    late_count
}

#[test]
fn no_reveal_comes_after_its_freeze_at_full_load() {
    let text = std::env::var("COUNTERFOIL_FREEZES").ok();
    let freezes_count = text.and_then(|text| text.parse().ok());
    assert_eq!(
        campaign(Asking::InOrder, freezes_count.unwrap_or(FREEZES)),
        0
    );
}

#[test]
fn who_looks_before_their_turn_reveals_too_late() {
    assert!(campaign(Asking::BeforeTheirTurn, FREEZES) > 0);
}

/// How many freezes a run in CI has.
const FREEZES: usize = 400;
const CALLERS_COUNT: usize = 48;
const OFFICERS_COUNT: usize = 4;
const PEOPLE_COUNT: usize = 6;
