//! Every subset of officers that is too small × operation × state of the ceremony × replay: none
//! has an effect, whatever they send and however often.
//!
//! Four officers, of whom three must sign, whatever it is. Each operation is tried by each of the
//! eleven subsets below three, in each state that a ceremony comes to, with signatures of strangers
//! and of an officer of the charter before, and with what was signed before; after each, the table
//! of keys, the charter, the ceremonies of others and what the log says was done are what they
//! were. Then three do sign, and the same look must see it: that is the planted fault.

mod few;
mod look;
mod wishes;

use std::collections::BTreeSet;

use counterfoil::audit::Event;
use counterfoil::ceremony::Approved;
use counterfoil::ceremony::Operation;
use counterfoil::ceremony::join;
use counterfoil::client::statement;
use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::Clock;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;

use self::few::Few;
use self::few::Overheard;
use self::few::cancel;
use self::few::cancel_with;
use self::few::cancellation_of;
use self::few::propose_with;
use self::few::sign_as;
use self::look::Look;
use self::look::Since;
use self::look::has_entry_of_its_own;
use self::wishes::APPROVALS;
use self::wishes::DELAY_SECONDS;
use self::wishes::ERASED;
use self::wishes::FIRST_OFFICERS;
use self::wishes::FORMER;
use self::wishes::OFFICERS;
use self::wishes::STRANGER;
use self::wishes::VALID_SECONDS;
use self::wishes::Wish;
use self::wishes::charter_of;
use self::wishes::doomed;
use self::wishes::offline_wishes;
use self::wishes::others;
use self::wishes::rules;
use self::wishes::wishes;
use crate::office::Office;
use crate::office::many_tokens;
use crate::office::sign;
use crate::office::wrapping;
use crate::purge_waits::Gate;
use crate::purge_waits::back_up;
use crate::support::Client;

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
    let backups = tempfile::tempdir().unwrap();
    let further = format!("{}[backup]\ndir = {:?}\n", rules(), backups.path());
    let office = Office::open_with(&FIRST_OFFICERS, &further).await;
    for _ in 0..256 {
        office.list().await;
    }
    let entries = office.vault.entries();
    let read = entries.iter().find(|it| it.draft.event == Event::KeysRead);
    assert_eq!(read.unwrap().index, ERASED, "what is to be erased");
    let client = office.vault.backend().await;
    many_tokens(&client, 0..RECORDS_COUNT).await;
    let mut overheard = Overheard::default();
    change_officers(&office, &mut overheard).await;
    let gate = Gate::at(backups.path());
    let mut tried = 0;
    for wish in wishes(&office) {
        for members in subsets() {
            for when in [
                When::Proposed,
                When::Cancelled,
                When::Expired,
                When::AnotherWaits,
            ] {
                tried += usize::from(attempt(&office, &mut overheard, &members, &wish, when).await);
            }
        }
        let is_last = matches!(wish.operation, Operation::ChangeCharter(_));
        let doomed = if is_last {
            prepare_doomed(&office, &mut overheard).await
        } else {
            Vec::new()
        };
        let held = Held::begin(&gate, &client, &office, &wish).await;
        let (carried, waiting) = carry_out(&office, &mut overheard, &wish, &doomed).await;
        held.release(&office, &carried, &wish).await;
        office.vault.clock.advance_seconds(1);
        // All of them first: one that fails meanwhile would be seen beside another.
        for operation in &waiting {
            office.until_ended(operation, OperationState::Failed).await;
        }
        for (operation, wish) in waiting.into_iter().zip(doomed) {
            beset(&office, &operation, &wish).await;
        }
    }
    println!("{tried} attempts by too few officers, none with an effect");
    assert_eq!(tried, 9 * (1 + 10 * 4));
    office.vault.check().await;
}

/// Goal: what is signed for a vault that does not run is no operation for fewer than it needs.
/// Method: every subset signs each of them, twice, with strangers and an officer of before; a
/// running vault takes none of it, however many have signed.
#[tokio::test(flavor = "multi_thread")]
async fn no_subset_below_the_quorum_signs_for_a_stopped_vault() {
    let office = Office::open_with(&OFFICERS, &rules()).await;
    let charter = charter_of(OFFICERS);
    for operation in offline_wishes() {
        let (now, listed) = (office.vault.clock.now(), office.list().await);
        let made = statement(&listed, operation, now, VALID_SECONDS, &SystemEntropy).unwrap();
        let text = made.to_string();
        let others = [FORMER, STRANGER].map(|outsider| sign(outsider, &text));
        for members in subsets().into_iter().chain([vec![1, 2, 4]]) {
            let mut notes: Vec<SignedNote> = others.to_vec();
            notes.extend(members.iter().map(|member| sign(*member, &text)));
            let in_anothers_name = OFFICERS.iter().filter(|it| !members.contains(it));
            notes.extend(in_anothers_name.map(|name| sign_as(STRANGER, *name, &text)));
            let joined = join(notes.clone()).unwrap();
            let approved = Approved::by_officers(&charter, &made.vault, &joined);
            assert_eq!(approved.is_ok(), members.len() >= APPROVALS, "{members:?}");
            let (before, since) = (Look::at(&office, &BTreeSet::new()), Since::now(&office));
            for note in notes {
                let proposed = propose_with(&office, &note, "").await;
                assert!(proposed.is_none(), "{members:?}");
            }
            let nobodys = BTreeSet::new();
            assert_eq!(Look::at(&office, &nobodys), before, "{members:?}");
            assert_eq!(since.effects(&office, &nobodys), [], "{members:?}");
        }
    }
    office.vault.check().await;
}

/// Two of the first officers sign an operation, and then the officers change: whoever is officer
/// now, or was, cannot complete it.
async fn change_officers(office: &Office, overheard: &mut Overheard) {
    let mut three = Few::of(office, &FIRST_OFFICERS[..3], overheard);
    let wish = Wish::officers(OFFICERS);
    let changed = three.propose(1, &wish).await.unwrap();
    for by in [2, 3] {
        office.approve(by, &changed).await.unwrap();
    }
    office.vault.clock.advance_seconds(DELAY_SECONDS - 1);
    let older = Wish::of(Operation::RotateKey(wrapping(1)));
    let older = three.propose(1, &older).await.unwrap();
    let note: SignedNote = older.note.parse().unwrap();
    let formers = sign(FORMER, note.text());
    office.approve_with(&older, &formers).await.unwrap();
    office.vault.clock.advance_seconds(1);
    office.until(&changed, OperationState::Done).await;

    let own = BTreeSet::new();
    let (before, since) = (Look::at(office, &own), Since::now(office));
    let mut sent = vec![formers];
    sent.extend(OFFICERS.map(|number| sign(number, note.text())));
    for note in &sent {
        let _ = office.approve_with(&older, note).await;
        let _ = propose_with(office, note, "").await;
    }
    assert!(office.get(&older).await.state() == OperationState::Proposed);
    assert_eq!(Look::at(office, &own), before);
    assert_eq!(since.effects(office, &own), []);
    // It would expire otherwise while others are looked at.
    cancel(office, &older, &[1, 2]).await;
    let id = &older.operation_id;
    let former = sent.into_iter().take(2);
    overheard.former = former.map(|note| (id.clone(), note)).collect();
}

/// Too few officers try; says whether this way of trying is one for so few.
async fn attempt(
    office: &Office,
    overheard: &mut Overheard,
    members: &[u8],
    wish: &Wish,
    when: When,
) -> bool {
    if members.is_empty() && when != When::Proposed {
        return false;
    }
    let other = match when {
        When::AnotherWaits => Some(wait_for_delay(office, wish).await),
        When::Proposed | When::Cancelled | When::Expired => None,
    };
    let mut few = Few::of(office, members, overheard);
    let Some(&first) = members.first() else {
        let (before, since) = (Look::at(office, &few.own), Since::now(office));
        few.replay_proposals(wish).await;
        assert_eq!(Look::at(office, &few.own), before);
        assert_eq!(since.effects(office, &few.own), []);
        return true;
    };
    let since = Since::now(office);
    let operation = few.propose(first, wish).await.unwrap();
    let before = Look::at(office, &few.own);
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
    let after = Look::at(office, &few.own);
    assert_eq!(before, after, "{members:?} {:?} {when:?}", wish.operation);
    let effects = since.effects(office, &few.own);
    assert_eq!(effects, [], "{members:?} {:?} {when:?}", wish.operation);
    if let Some(other) = other {
        // One stops nothing of others, however often; two do, by a rule of its own.
        if let [alone] = members {
            let note = sign(*alone, &cancellation_of(&other));
            for _ in 0..2 {
                let _ = cancel_with(office, &other.operation_id, &note).await;
            }
            assert!(few.state(&other).await == OperationState::Waiting);
        }
        cancel(office, &other, &[3, 4]).await;
    }
    if expected == OperationState::Proposed {
        cancel(office, &operation, &[1, 2]).await;
    }
    true
}

/// Three do sign, and the look that saw nothing sees it. Then few try to undo it, or to do it
/// again, while its job is under way. What is doomed is signed a second after it, and waits.
async fn carry_out(
    office: &Office,
    overheard: &mut Overheard,
    wish: &Wish,
    doomed: &[Wish],
) -> (protocol::Operation, Vec<protocol::Operation>) {
    let (before, since) = (Look::at(office, &BTreeSet::new()), Since::now(office));
    let mut three = Few::of(office, &OFFICERS[..APPROVALS], overheard);
    let operation = three.propose(1, wish).await.unwrap();
    three.sign_all(&operation).await;
    office.vault.clock.advance_seconds(1);
    let mut waiting = Vec::new();
    for wish in doomed {
        let operation = three.propose(2, wish).await.unwrap();
        three.sign_all(&operation).await;
        assert!(three.state(&operation).await == OperationState::Waiting);
        waiting.push(operation);
    }
    let own = three.own;
    office.vault.clock.advance_seconds(DELAY_SECONDS - 1);
    let has_job = !matches!(
        wish.operation,
        Operation::ResumeKey(_) | Operation::ChangeCharter(_)
    );
    if has_job {
        office.until(&operation, OperationState::Running).await;
    } else {
        office.until(&operation, OperationState::Done).await;
    }
    assert_ne!(before, Look::at(office, &own), "{wish:?}");
    assert_eq!(
        !since.effects(office, &own).is_empty(),
        has_entry_of_its_own(wish.operation.kind()),
        "{wish:?}"
    );
    beset(office, &operation, wish).await;
    (operation, waiting)
}

/// Everybody, in every subset below three, sends whatever there is to an operation that took
/// effect, is over, or has failed: it stays what it is, and so does all else.
async fn beset(office: &Office, operation: &protocol::Operation, wish: &Wish) {
    let own = BTreeSet::from([operation.operation_id.clone()]);
    let state = office.get(operation).await.state();
    let (before, since) = (Look::at(office, &own), Since::now(office));
    let note: SignedNote = operation.note.parse().unwrap();
    let is_allowance = matches!(wish.operation, Operation::Retokenize(_));
    for by in OFFICERS.into_iter().chain([5, FORMER, STRANGER]) {
        let own = sign(by, note.text());
        let _ = office.approve_with(operation, &own).await;
        let _ = propose_with(office, &own, &wish.charter).await;
        // What is allowed two officers may end: one alone tries it, and those who are none.
        if !is_allowance || by == 1 || !OFFICERS.contains(&by) {
            let note = sign(by, &cancellation_of(operation));
            let _ = cancel_with(office, &operation.operation_id, &note).await;
        }
    }
    let now = office.get(operation).await.state();
    // Its job may have come to its end.
    let is_kept = now == state || (state, now) == (OperationState::Running, OperationState::Done);
    assert!(is_kept, "{wish:?} {}", now.as_str_name());
    assert_eq!(
        Look::at(office, &own),
        before,
        "{wish:?} {}",
        state.as_str_name()
    );
    assert_eq!(
        since.effects(office, &own),
        [],
        "{wish:?} {}",
        state.as_str_name()
    );
}

/// What keeps an operation from being done: a backup of before it.
struct Held<'a> {
    gate: &'a Gate,
    backup: Option<tokio::task::JoinHandle<Result<(), tonic::Status>>>,
}

impl<'a> Held<'a> {
    async fn begin(gate: &'a Gate, client: &Client, office: &Office, wish: &Wish) -> Self {
        let is_purged = matches!(
            wish.operation,
            Operation::DestroyKey(_) | Operation::EraseEntry(_) | Operation::PruneLog(_)
        );
        let backup = is_purged.then(|| tokio::spawn(back_up(client.clone())));
        if backup.is_some() {
            Gate::reached(&office.vault.config.data_dir).await;
        }
        Self { gate, backup }
    }

    /// Lets it be done; few try once more.
    async fn release(self, office: &Office, operation: &protocol::Operation, wish: &Wish) {
        if let Some(backup) = self.backup {
            assert!(office.get(operation).await.state() == OperationState::Running);
            let _opened = self.gate.open();
            backup.await.unwrap().unwrap();
        }
        if !matches!(wish.operation, Operation::Retokenize(_)) {
            office.until(operation, OperationState::Done).await;
            beset(office, operation, wish).await;
        }
    }
}

/// One operation of each kind, each of which would be possible when other officers come.
async fn prepare_doomed(office: &Office, overheard: &mut Overheard) -> Vec<Wish> {
    let suspend = Wish::of(Operation::SuspendKey(others()));
    let mut three = Few::of(office, &OFFICERS[..APPROVALS], overheard);
    let suspended = three.propose(1, &suspend).await.unwrap();
    three.sign_all(&suspended).await;
    office.vault.clock.advance_seconds(DELAY_SECONDS);
    office.until(&suspended, OperationState::Done).await;
    let entries = office.vault.entries().into_iter();
    let mut reads = entries.filter(|it| it.draft.event == Event::KeysRead);
    let erasable = reads.find(|it| it.index > 512).unwrap().index;
    doomed(office, erasable)
}

/// Three officers sign the same operation, and its delay begins.
async fn wait_for_delay(office: &Office, wish: &Wish) -> protocol::Operation {
    let mut overheard = Overheard::default();
    let mut three = Few::of(office, &[2, 3, 4], &mut overheard);
    let operation = three.propose(2, wish).await.unwrap();
    for by in [3, 4] {
        office.approve(by, &operation).await.unwrap();
    }
    assert!(three.state(&operation).await == OperationState::Waiting);
    operation
}

/// The subsets of the officers that are smaller than three: nobody, one, two.
fn subsets() -> Vec<Vec<u8>> {
    let all = 0_u8..1 << OFFICERS.len();
    let is_in = |set: u8, number: u8| set & (1 << (number - 1)) != 0;
    let members = |set: u8| OFFICERS.into_iter().filter(move |it| is_in(set, *it));
    all.map(|set| members(set).collect::<Vec<u8>>())
        .filter(|members| members.len() < APPROVALS)
        .collect()
}

/// Records that a job moves, in some seconds.
const RECORDS_COUNT: usize = 400;
