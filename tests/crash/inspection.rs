//! After a kill: the log in the files, read by nothing but public keys.
//!
//! The log is verified twice: by the verifier of the library, and by growing the tree anew and
//! comparing it with every checkpoint that any client ever had. Of what officers had erased or
//! pruned, the leaves are taken from the readings of before.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;

use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::audit::Evidence;
use counterfoil::audit::Head;
use counterfoil::audit::VerifyError;
use counterfoil::audit::following_keys;
use counterfoil::audit::verify_store;
use counterfoil::crypto::merkle::Frontier;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::merkle::leaf_hash;
use counterfoil::store::Store;
use counterfoil::store::StoreError;
use counterfoil::store::StoredEntry;
use counterfoil::store::StoredLeaf;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::both_verifiers::verify_by_both;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::ledger::Reveal;
use crate::testbed;
use crate::testbed::Failure;

/// Has the whole log verified by both verifiers, which must say the same of it.
pub(crate) fn judge(directory: &Path, ledger: &Ledger) -> Result<(), Failure> {
    let config = testbed::config(directory)?;
    let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default())?;
    verify_by_both(&store, None, &Evidence::of(&ledger.keys))?;
    Ok(())
}

/// Checks the log against the ledger, and, where that finds nothing, has it verified by both.
pub(crate) fn inspect_by_both(directory: &Path, ledger: &mut Ledger) -> Result<(), Failure> {
    inspect(directory, ledger)?;
    if ledger.faults.is_empty() {
        judge(directory, ledger)?;
    }
    Ok(())
}

/// The same after one kill of many: by both while the log is short, since the second verifier takes
/// longer for a long one than the vault took to write it.
pub(crate) fn inspect_one_of_many(directory: &Path, ledger: &mut Ledger) -> Result<(), Failure> {
    inspect(directory, ledger)?;
    if ledger.faults.is_empty() && ledger.tree_size < SHORT_ENTRIES {
        judge(directory, ledger)?;
    }
    Ok(())
}

/// Checks the log against the ledger.
pub(crate) fn inspect(directory: &Path, ledger: &mut Ledger) -> Result<(), Failure> {
    let config = testbed::config(directory)?;
    let options = RocksOptions::default();
    let store = match RocksStore::open_read_only(&config.data_dir, &options) {
        // What was never synced may be anything after a power cut.
        Err(StoreError::Corrupt { .. }) => {
            let promised = Head::claimed_size(&config.audit.head_dir)?.ok_or("no head")?;
            RocksStore::read_cut_off(&config.data_dir, &options, promised)?
        }
        opened => opened?,
    };
    // Keys that replaced others are believed from here on, as whoever follows the log would.
    ledger.keys = following_keys(&store, &ledger.keys)?;
    let head = Head::read(&config.audit.head_dir, &ledger.keys)?;
    match verify_store(&store, Some(&head), &ledger.keys) {
        Ok(_) => {}
        Err(VerifyError::Size { .. }) => ledger.fault(Fault::LogBehindHead),
        Err(_) => ledger.fault(Fault::LogDamaged),
    }
    let mut pass = Pass::new(&ledger.reveals);
    let mut frontier = Frontier::new();
    let mut is_forked = false;
    let pruned = usize::try_from(store.pruned_size()?)?;
    let known = ledger.leaves.get(..pruned);
    for hash in known.ok_or("entries were pruned that nobody has read")? {
        frontier.append(*hash, |_, _, _| {})?;
    }
    loop {
        let page = store.entries(frontier.size(), PAGE_ENTRIES)?;
        if page.is_empty() {
            break;
        }
        for leaf in &page {
            let hash = match leaf {
                StoredLeaf::Kept(stored) => {
                    let hash = leaf_hash(&[&stored.salt, stored.entry.as_slice()].concat());
                    pass.entry(stored, hash.as_bytes())?;
                    hash
                }
                StoredLeaf::Erased { hash, .. } => Hash::from_bytes(*hash),
            };
            let place = usize::try_from(frontier.size())?;
            match ledger.leaves.get(place) {
                Some(known) => is_forked |= *known != hash,
                None => ledger.leaves.push(hash),
            }
            frontier.append(hash, |_, _, _| {})?;
            let root = ledger.checkpoints.get(&frontier.size());
            is_forked |= root.is_some_and(|root| *root != frontier.root());
        }
    }
    let last = ledger.checkpoints.last_key_value();
    is_forked |= last.is_some_and(|(size, _)| *size > frontier.size());
    let Pass {
        intents,
        mut wrong_count,
        found_count,
        ..
    } = pass;
    wrong_count += ledger.reveals.len() - found_count.min(ledger.reveals.len());
    let is_missing = |reveal: &Reveal| !intents.contains(&reveal.request_id);
    if ledger.reveals.iter().any(is_missing) {
        ledger.fault(Fault::IntentMissing);
    }
    if wrong_count > 0 {
        ledger.fault(Fault::ReceiptWrong);
    }
    if is_forked || frontier.size() < ledger.tree_size {
        ledger.fault(Fault::CheckpointForked);
    }
    ledger.tree_size = frontier.size();
    ledger.checkpoints.insert(frontier.size(), frontier.root());
    Ok(())
}

/// One reading of the log, with the receipts at their places.
struct Pass<'a> {
    expected: HashMap<u64, Vec<&'a Reveal>>,
    intents: HashSet<String>,
    found_count: usize,
    wrong_count: usize,
}

impl<'a> Pass<'a> {
    fn new(reveals: &'a [Reveal]) -> Self {
        let mut expected: HashMap<u64, Vec<&Reveal>> = HashMap::new();
        for reveal in reveals {
            expected.entry(reveal.leaf_index).or_default().push(reveal);
        }
        Self {
            expected,
            intents: HashSet::new(),
            found_count: 0,
            wrong_count: 0,
        }
    }

    fn entry(&mut self, stored: &StoredEntry, hash: &[u8]) -> Result<(), Failure> {
        let entry = Entry::decode(&stored.entry)?;
        let request_id = entry.draft.request_id.as_ref().map(|id| id.as_str());
        let is_intent = entry.draft.event == Event::Detokenize;
        for reveal in self.expected.get(&stored.index).into_iter().flatten() {
            let is_its = is_intent
                && reveal.leaf_hash == hash
                && request_id == Some(&reveal.request_id)
                && entry.draft.items.len() == reveal.items_count;
            self.found_count += 1;
            self.wrong_count += usize::from(!is_its);
        }
        if is_intent {
            self.intents.extend(request_id.map(str::to_owned));
        }
        Ok(())
    }
}

const SHORT_ENTRIES: u64 = 10_000;
const PAGE_ENTRIES: usize = 1_024;
