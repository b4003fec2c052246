//! Rows of keys and operations that are put back into a stopped vault: the log knows better.

use std::fs;

use counterfoil::assembly::AssemblyError;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::backup::RestoredHead;
use counterfoil::ceremony::Operation;
use counterfoil::domain::KeyState;
use counterfoil::keys::StoredKey;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::store::Row;
use counterfoil::store::RowChange;
use counterfoil::store::Store;
use counterfoil::store::Table;

use crate::backup::back_up;
use crate::backup::restore;
use crate::office::Office;
use crate::office::all_open;
use crate::office::tokens;
use crate::office::wrapping;

/// Every row of keys and of operations, as they are stored.
struct Rows {
    keys: Vec<Row>,
    ceremonies: Vec<Row>,
}

impl Rows {
    fn of(store: &dyn Store) -> Self {
        let all = |table| store.rows(table, None, 1_000).unwrap();
        Self {
            keys: all(Table::Keys),
            ceremonies: all(Table::Ceremonies),
        }
    }

    /// Puts these rows in the place of others, each alone, and sees that no vault with one of them
    /// serves, and that it does once what was there is back. Says how many there were.
    async fn are_refused_among(&self, now: &Self, office: &Office) -> usize {
        let mut refused_count = 0;
        let tables = [
            (Table::Keys, &self.keys, &now.keys),
            (Table::Ceremonies, &self.ceremonies, &now.ceremonies),
        ];
        for (table, before, now) in tables {
            for (key, stored) in before {
                let current = now.iter().find(|(other, _)| other == key);
                let current = current.map(|(_, stored)| stored);
                if current == Some(stored) {
                    continue;
                }
                is_refused(office, (table, key), current, Some(stored)).await;
                refused_count += 1;
            }
        }
        refused_count
    }
}

/// Puts a row in the place of another, or takes it away, and sees that no such vault serves; then
/// everything is as it was.
async fn is_refused(
    office: &Office,
    (table, key): (Table, &[u8]),
    current: Option<&Vec<u8>>,
    other: Option<&Vec<u8>>,
) {
    let put = |expected: Option<&Vec<u8>>, value: Option<&Vec<u8>>| {
        let change = RowChange {
            table,
            key: key.to_vec(),
            expected: expected.cloned(),
            value: value.cloned(),
        };
        let store = office.vault.stopped_store();
        store.compare_and_set(&change).unwrap();
    };
    put(current, other);
    let refused = office.vault.open().await;
    assert!(matches!(refused, Err(AssemblyError::RegisterReplaced)));
    put(other, current);
}

fn destroy(version: u32) -> Operation {
    Operation::DestroyKey(wrapping(version))
}

async fn end(office: &Office, operation: &protocol::Operation) {
    office.vault.clock.advance_seconds(600);
    office.until(operation, OperationState::Done).await;
}

/// Goal: a destroyed version stays destroyed for who has the disk and a copy of yesterday's.
/// Method: the row of before, with the key's wrapped bytes, is put back.
#[tokio::test(flavor = "multi_thread")]
async fn destroyed_key_is_not_put_back() {
    let mut office = Office::open().await;
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..5).await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let before = office.vault.with_store(Rows::of);
    let destroying = office.propose(1, destroy(1)).await.unwrap();
    office.approve(2, &destroying).await.unwrap();
    end(&office, &destroying).await;
    drop(client);
    office.vault.stop().await;
    let now = Rows::of(&office.vault.read_only());
    assert_eq!(before.are_refused_among(&now, &office).await, 1);
    office.vault.serve().await.unwrap();
    let client = office.vault.backend().await;
    all_open(&client, &pairs).await;
    office.vault.check().await;
}

/// Goal: what officers have taken back is not carried out. Method: at each step of destructions
/// that are cancelled, expire or are done, the rows are kept; each is put back when all is over,
/// or taken away while it is open.
#[tokio::test(flavor = "multi_thread")]
async fn operation_is_not_put_back_to_an_earlier_step() {
    let mut office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let mut kept = Vec::new();
    let cancelled = office.propose(1, destroy(1)).await.unwrap();
    let expired = office.propose(2, destroy(1)).await.unwrap();
    kept.push(office.vault.with_store(Rows::of));
    let waiting = office.approve(2, &cancelled).await.unwrap();
    assert!(waiting.state() == OperationState::Waiting);
    kept.push(office.vault.with_store(Rows::of));
    office.cancel(3, &cancelled).await.unwrap();
    kept.push(office.vault.with_store(Rows::of));
    office.cancel(1, &cancelled).await.unwrap();
    office.vault.clock.advance_seconds(3_600);
    office.until(&expired, OperationState::Expired).await;

    let open = office.propose(1, destroy(1)).await.unwrap();
    office.vault.stop().await;
    let now = Rows::of(&office.vault.read_only());
    let mut refused_count = 0;
    for before in &kept {
        refused_count += before.are_refused_among(&now, &office).await;
    }
    // The one that was cancelled in three states, and in each the one that expired.
    assert_eq!(refused_count, 6);
    // What is taken away could be proposed again with what was signed for it, open or over.
    for operation in [&open, &cancelled, &expired, &rotated] {
        let key = operation.operation_id.as_bytes();
        let row = now.ceremonies.iter().find(|(other, _)| other == key);
        let row = row.map(|(_, stored)| stored);
        assert!(row.is_some());
        is_refused(&office, (Table::Ceremonies, key), row, None).await;
    }

    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    assert!(office.get(&cancelled).await.state() == OperationState::Cancelled);
    office.vault.check().await;
}

/// Goal: since when a key is in its state is as sure as the state: whom a compromised key protected
/// is told by it. Method: the last change of a retired key is said to be of an hour before.
#[tokio::test(flavor = "multi_thread")]
async fn time_of_a_key_is_not_changed() {
    let mut office = Office::open().await;
    office.vault.clock.advance_seconds(7_200);
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    office.vault.stop().await;
    let now = Rows::of(&office.vault.read_only());
    let retired = now.keys.iter().find(|(_, stored)| {
        let key = StoredKey::decode(stored).unwrap();
        key.metadata().name() == wrapping(1)
    });
    let (key, stored) = retired.unwrap();
    let since = StoredKey::decode(stored)
        .unwrap()
        .metadata()
        .changes()
        .to_vec();
    let (_, since) = since.last().unwrap();
    let [now_ms, before_ms] = [since.unix_ms(), since.unix_ms() - 3_600_000].map(u64::to_be_bytes);
    let at = stored.windows(8).rposition(|it| it == now_ms).unwrap();
    let mut other = stored.clone();
    other[at..at + 8].copy_from_slice(&before_ms);
    let read = StoredKey::decode(&other).unwrap();
    assert_eq!(read.metadata().state(), KeyState::Deactivated);
    is_refused(&office, (Table::Keys, key), Some(stored), Some(&other)).await;
    office.vault.serve().await.unwrap();
    office.vault.check().await;
}

/// Goal: the register counts from the entry that changes it on, and not only once a vault stops in
/// order. Method: what each entry names is what the next start or stop reads from the store.
#[tokio::test(flavor = "multi_thread")]
async fn every_turn_names_the_register_after_it() {
    let office = Office::open().await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let destroying = office.propose(1, destroy(1)).await.unwrap();
    let mut named = Vec::new();
    for step in 0..4 {
        match step {
            0 => {}
            1 => drop(office.approve(2, &destroying).await.unwrap()),
            2 => drop(office.cancel(3, &destroying).await.unwrap()),
            _ => drop(office.cancel(1, &destroying).await.unwrap()),
        }
        let in_force = office.vault.vault().in_force().unwrap();
        let entries = office.vault.entries();
        let mut turns = entries.iter().filter(|it| is_turn(it));
        let last = turns.next_back().unwrap().draft.ceremony.register_digest;
        assert!(last.is_some());
        assert_eq!(last, in_force.register);
        named.push(last);
    }
    named.dedup();
    assert_eq!(named.len(), 4);
    office.vault.check().await;
}

/// Goal: a vault from a backup has the keys and operations of its moment, and goes on with them.
/// Method: a backup while a destruction waits; the vault that is made of it carries it out.
#[tokio::test(flavor = "multi_thread")]
async fn restored_vault_goes_on_with_its_operations() {
    let lines = "[officers.rules]\ndestroy-key = { delay_seconds = 60 }\n\
                 [backup]\ndir = \"backups\"\nkeep = 3\n";
    let mut office = Office::open_with(&[1, 2, 3], lines).await;
    fs::create_dir(office.vault.directory().join("backups")).unwrap();
    let client = office.vault.backend().await;
    let pairs = tokens(&client, 0..5).await;
    let rotated = office.rotate(1).await;
    office.until(&rotated, OperationState::Done).await;
    let destroying = office.propose(1, destroy(1)).await.unwrap();
    office.approve(2, &destroying).await.unwrap();
    back_up(&client, "").await.unwrap();
    office.cancel(1, &destroying).await.unwrap();
    office.cancel(2, &destroying).await.unwrap();
    office.vault.stop().await;
    assert_eq!(restore(&office.vault, false), RestoredHead::Made);
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    assert!(office.get(&destroying).await.state() == OperationState::Waiting);
    end(&office, &destroying).await;
    all_open(&office.vault.backend().await, &pairs).await;
    // The log of the backup has no end of the run that it was made in.
    office.vault.check_only_log().await;
}

fn is_turn(entry: &Entry) -> bool {
    let turns = [
        Event::OperationApproved,
        Event::OperationCancelled,
        Event::OperationEnded,
        Event::OperationProposed,
    ];
    turns.contains(&entry.draft.event)
}
