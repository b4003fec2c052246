//! Every subset of officers that is too small × operation × state of the ceremony × replay: none
//! has an effect, whatever they send and however often.
//!
//! Four officers, of whom three must sign, whatever it is. Each operation is tried by each of the
//! eleven subsets below three, in each state that a ceremony comes to; after each, the keys, the
//! charter and the ceremonies that others have begun are what they were. Then three do sign, and
//! the same look must see it: that is the planted fault.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use counterfoil::audit::Event;
use counterfoil::ceremony::Charter;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::OperationKind;
use counterfoil::ceremony::Rule;
use counterfoil::ceremony::cancellation;
use counterfoil::client::statement;
use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::CeremonyId;
use counterfoil::domain::Clock;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;

use crate::office::Office;
use crate::office::officer;
use crate::office::sign;
use crate::office::wrapping;
use crate::retokenize::allowed;

/// What an effect would change.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Look {
    keys: Vec<(String, i32)>,
    charter: String,
    /// Operations that allow something now, whoever proposed them.
    allowances_count: usize,
    /// Whether the entry that is to be erased is.
    is_entry_erased: bool,
    /// Where the log begins.
    pruned_size: u64,
    /// Ceremonies that are under way, and not of the subset that tries.
    ceremonies: BTreeMap<String, i32>,
}

impl Look {
    async fn at(office: &Office, own: &BTreeSet<String>) -> Self {
        let listed = office.list().await;
        let is_allowance = |it: &&protocol::Operation| it.note.contains("\noperation retokenize\n");
        let allowances = listed.operations.iter().filter(is_allowance);
        let allowances = allowances.filter(|it| it.state() == OperationState::Running);
        let allowances_count = allowances.count();
        let others = listed.operations.into_iter();
        let others = others.filter(|it| it.ended.is_none() && !own.contains(&it.operation_id));
        Self {
            keys: listed
                .keys
                .into_iter()
                .map(|it| (it.name, it.state))
                .collect(),
            charter: listed.charter,
            allowances_count,
            is_entry_erased: is_erased(office),
            pruned_size: pruned_size(office),
            ceremonies: others.map(|it| (it.operation_id, it.state)).collect(),
        }
    }
}

/// What a few officers bring: an operation, and the charter of it where it has one.
#[derive(Clone)]
struct Wish {
    operation: Operation,
    charter: String,
}

/// A few officers, too few, with everything that they and the vault have ever signed.
struct Few<'a> {
    office: &'a Office,
    members: Vec<u8>,
    /// Every note that went over the wire: `Note` of a statement or cancellation, by its ceremony.
    seen: &'a mut Vec<(String, SignedNote)>,
    own: BTreeSet<String>,
}

impl Few<'_> {
    async fn propose(&mut self, by: u8, wish: &Wish) -> Option<protocol::Operation> {
        let (now, listed) = (self.office.vault.clock.now(), self.office.list().await);
        let text = statement(
            &listed,
            wish.operation.clone(),
            now,
            VALID_SECONDS,
            &SystemEntropy,
        );
        let text = text.unwrap();
        self.own.insert(text.id().as_str().to_owned());
        self.send_proposal(&sign(by, &text.to_string()), &wish.charter)
            .await
    }

    async fn send_proposal(
        &mut self,
        note: &SignedNote,
        charter: &str,
    ) -> Option<protocol::Operation> {
        let request = protocol::ProposeOperationRequest {
            note: note.to_string(),
            charter: charter.to_owned(),
            ..protocol::ProposeOperationRequest::default()
        };
        let answer = self.office.keys.clone().propose_operation(request).await;
        let operation = answer.ok()?.into_inner();
        self.seen
            .push((operation.operation_id.clone(), note.clone()));
        Some(operation)
    }

    /// Signs by every member, each twice, and as each other officer with a member's key.
    async fn sign_all(&mut self, operation: &protocol::Operation) {
        let note: SignedNote = operation.note.parse().unwrap();
        for &member in &self.members {
            let own = sign(member, note.text());
            for _ in 0..2 {
                let _ = self.office.approve_with(operation, &own).await;
            }
            self.seen.push((operation.operation_id.clone(), own));
            for name in (1..=OFFICERS).filter(|other| *other != member) {
                let (_, key) = officer(member);
                let in_anothers_name = key.sign(officer(name).0, note.text()).unwrap();
                let refused = self.office.approve_with(operation, &in_anothers_name).await;
                assert!(refused.is_err(), "{member} as {name}");
            }
        }
    }

    /// Sends everything that was ever signed again, to this ceremony and to its own.
    async fn replay(&mut self, operation: &protocol::Operation, wish: &Wish) {
        let mut keys = self.office.keys.clone();
        for (id, note) in lately(self.seen) {
            for to in [&operation.operation_id, &id] {
                let request = protocol::ApproveOperationRequest {
                    operation_id: to.clone(),
                    note: note.to_string(),
                    ..protocol::ApproveOperationRequest::default()
                };
                let _ = keys.approve_operation(request).await;
            }
            let request = protocol::ProposeOperationRequest {
                note: note.to_string(),
                charter: wish.charter.clone(),
                ..protocol::ProposeOperationRequest::default()
            };
            let _ = keys.propose_operation(request).await;
        }
        // The vault's own answer has every signature that it took: as one note, too.
        let joined: SignedNote = operation.note.parse().unwrap();
        let _ = self.office.approve_with(operation, &joined).await;
    }

    async fn state(&self, operation: &protocol::Operation) -> OperationState {
        let listed = self.office.list().await;
        let mut operations = listed.operations.iter();
        let is_it = |it: &&protocol::Operation| it.operation_id == operation.operation_id;
        operations.find(is_it).unwrap().state()
    }
}

/// Where the ceremony is that too few have signed, when they send everything again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum When {
    Proposed,
    Cancelled,
    Expired,
    /// Another of the same operation waits for its delay, which they did not ask for.
    AnotherWaits,
}

/// Goal: below the quorum nothing has an effect. Method: see the head of this file.
#[tokio::test(flavor = "multi_thread")]
async fn no_subset_below_the_quorum_has_an_effect() {
    let office = Office::open_with(&[1, 2, 3, 4], &rules()).await;
    for _ in 0..256 {
        office.list().await;
    }
    let entries = office.vault.entries();
    let read = entries.iter().find(|it| it.draft.event == Event::KeysRead);
    assert_eq!(
        read.unwrap().index,
        ERASED,
        "the entry that is to be erased"
    );
    let mut seen = Vec::new();
    let mut tried = 0;
    for wish in wishes(&office) {
        for members in subsets() {
            for when in [
                When::Proposed,
                When::Cancelled,
                When::Expired,
                When::AnotherWaits,
            ] {
                tried += usize::from(attempt(&office, &mut seen, &members, &wish, when).await);
            }
        }
        // Three do sign, and the look that saw nothing sees it.
        let before = Look::at(&office, &BTreeSet::new()).await;
        let mut three = Few {
            office: &office,
            members: vec![1, 2, 3],
            seen: &mut seen,
            own: BTreeSet::new(),
        };
        let operation = three.propose(1, &wish).await.unwrap();
        three.sign_all(&operation).await;
        office.vault.clock.advance_seconds(DELAY_SECONDS);
        let effect = match wish.operation {
            // It does nothing itself, and is done when it is over.
            Operation::Retokenize(_) => OperationState::Running,
            _ => OperationState::Done,
        };
        office.until(&operation, effect).await;
        let after = Look::at(&office, &BTreeSet::from([operation.operation_id])).await;
        assert_ne!(before, after, "{:?}", wish.operation);
    }
    println!("{tried} attempts by too few officers, none with an effect");
    assert_eq!(tried, 9 * (1 + 10 * 4));
    office.vault.check().await;
}

/// Too few officers try; says whether this way of trying is one for so few.
async fn attempt(
    office: &Office,
    seen: &mut Vec<(String, SignedNote)>,
    members: &[u8],
    wish: &Wish,
    when: When,
) -> bool {
    // Nobody at all can only send what others have signed.
    let Some(&first) = members.first() else {
        if when != When::Proposed {
            return false;
        }
        let before = Look::at(office, &BTreeSet::new()).await;
        for (_, note) in lately(seen) {
            let request = protocol::ProposeOperationRequest {
                note: note.to_string(),
                charter: wish.charter.clone(),
                ..protocol::ProposeOperationRequest::default()
            };
            let _ = office.keys.clone().propose_operation(request).await;
        }
        assert_eq!(Look::at(office, &BTreeSet::new()).await, before);
        return true;
    };
    let other = match when {
        When::AnotherWaits => Some(wait_for_delay(office, wish).await),
        When::Proposed | When::Cancelled | When::Expired => None,
    };
    // A few may cancel what is not theirs only as two: that is its own rule, not tried here.
    let mut few = Few {
        office,
        members: members.to_vec(),
        seen,
        own: BTreeSet::new(),
    };
    let operation = few.propose(first, wish).await.unwrap();
    let own = few.own.clone();
    let before = Look::at(office, &own).await;
    few.sign_all(&operation).await;
    let expected = match when {
        When::Proposed | When::AnotherWaits => OperationState::Proposed,
        When::Cancelled => {
            cancel(office, &operation, members).await;
            OperationState::Cancelled
        }
        When::Expired => {
            office.vault.clock.advance_seconds(VALID_SECONDS + 1);
            office.until(&operation, OperationState::Expired).await;
            OperationState::Expired
        }
    };
    few.replay(&operation, wish).await;
    assert!(
        few.state(&operation).await == expected,
        "{members:?} {when:?}"
    );
    let after = Look::at(office, &own).await;
    assert_eq!(before, after, "{members:?} {:?} {when:?}", wish.operation);
    if let Some(other) = other {
        cancel(office, &other, &[3, 4]).await;
    }
    if when != When::Cancelled && when != When::Expired {
        cancel(office, &operation, &[1, 2]).await;
    }
    true
}

/// What was signed lately: that of all attempts before would be as many again for each.
fn lately(seen: &[(String, SignedNote)]) -> Vec<(String, SignedNote)> {
    seen[seen.len().saturating_sub(REPLAYED)..].to_vec()
}

/// Three officers sign the same operation, and its delay begins.
async fn wait_for_delay(office: &Office, wish: &Wish) -> protocol::Operation {
    let mut seen = Vec::new();
    let mut three = Few {
        office,
        members: vec![2, 3, 4],
        seen: &mut seen,
        own: BTreeSet::new(),
    };
    let operation = three.propose(2, wish).await.unwrap();
    three.sign_all(&operation).await;
    assert!(three.state(&operation).await == OperationState::Waiting);
    operation
}

/// As many of these as it takes, and another if they are one, say that it is cancelled.
async fn cancel(office: &Office, operation: &protocol::Operation, members: &[u8]) {
    let id = CeremonyId::new(&operation.operation_id).unwrap();
    for by in members.iter().copied().chain(1..=OFFICERS) {
        let request = protocol::CancelOperationRequest {
            operation_id: operation.operation_id.clone(),
            note: sign(by, &cancellation(&id)).to_string(),
            ..protocol::CancelOperationRequest::default()
        };
        let cancelled = office.keys.clone().cancel_operation(request).await;
        let is_cancelled = |it: tonic::Response<protocol::Operation>| {
            it.into_inner().state() == OperationState::Cancelled
        };
        if cancelled.is_ok_and(is_cancelled) {
            return;
        }
    }
    panic!("two can cancel");
}

/// Every operation, in an order in which each can be carried out after those before it.
fn wishes(office: &Office) -> Vec<Wish> {
    let charter = Charter::new(
        [1, 2, 3, 5].map(|number| {
            let (name, key) = officer(number);
            key.verifier(name)
        }),
        rule_of_each(),
    )
    .unwrap();
    let wishes = [
        Operation::SuspendKey(wrapping(1)),
        Operation::ResumeKey(wrapping(1)),
        Operation::RotateKey(wrapping(2)),
        Operation::CompromiseKey(wrapping(3)),
        Operation::DestroyKey(wrapping(1)),
        allowed(office, 1_000, 80 * 24 * 60 * 60),
        Operation::EraseEntry(ERASED),
        Operation::PruneLog(beginning(office)),
        Operation::ChangeCharter(charter.digest()),
    ];
    let kinds: BTreeSet<OperationKind> = wishes.iter().map(Operation::kind).collect();
    // What is done to a vault that does not run, no service takes.
    let online = OperationKind::ALL.into_iter().filter(|it| !it.is_offline());
    assert_eq!(kinds, online.collect(), "each kind is tried");
    let wish = |operation: Operation| Wish {
        charter: match operation {
            Operation::ChangeCharter(_) => charter.to_string(),
            _ => String::new(),
        },
        operation,
    };
    wishes.map(wish).into()
}

/// The subsets of the officers that are smaller than three: nobody, one, two.
fn subsets() -> Vec<Vec<u8>> {
    let all = 0_u8..1 << OFFICERS;
    let members = |set: u8| (1..=OFFICERS).filter(move |number| set & (1 << (number - 1)) != 0);
    all.map(|set| members(set).collect::<Vec<u8>>())
        .filter(|members| members.len() < APPROVALS)
        .collect()
}

fn is_erased(office: &Office) -> bool {
    let stored = office.vault.with_store(|store| store.entries(ERASED, 1));
    // Once it is in the archive, it is not to be erased any more.
    stored.is_ok_and(|stored| stored.iter().any(|it| it.entry().is_none()))
}

fn pruned_size(office: &Office) -> u64 {
    office
        .vault
        .with_store(|store| store.pruned_size().unwrap())
}

/// The first entries of the log, as an archive would have them.
fn beginning(office: &Office) -> LogPoint {
    let size = 256;
    let root = office
        .vault
        .with_store(|store| store.hashes(8, 0, 1).unwrap());
    LogPoint {
        size,
        root: root[0],
    }
}

fn rule_of_each() -> BTreeMap<OperationKind, Rule> {
    let rule = |kind: OperationKind| Rule {
        approvals: APPROVALS,
        delay_seconds: if kind.is_offline() { 0 } else { DELAY_SECONDS },
    };
    OperationKind::ALL.map(|kind| (kind, rule(kind))).into()
}

fn rules() -> String {
    let rules = rule_of_each().into_iter().map(|(kind, rule)| {
        let Rule {
            approvals,
            delay_seconds,
        } = rule;
        let name = kind.name();
        format!("{name} = {{ approvals = {approvals}, delay_seconds = {delay_seconds} }}\n")
    });
    format!("[officers.rules]\n{}", rules.collect::<String>())
}

/// An entry of the beginning.
const ERASED: u64 = 14;
const OFFICERS: u8 = 4;
const APPROVALS: usize = 3;
const DELAY_SECONDS: u64 = 600;
const VALID_SECONDS: u64 = 3_600;
/// Notes that are sent again in each attempt: those of some attempts before, and of the last
/// operation that three had signed.
const REPLAYED: usize = 8;
