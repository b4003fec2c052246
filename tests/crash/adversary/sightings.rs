//! Whom the adversary saw, and when.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;

use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Decision;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::audit::Evidence;
use counterfoil::audit::Head;
use counterfoil::audit::ItemOutcome;
use counterfoil::store::Store;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::both_verifiers::verify_by_both;
use crate::testbed;
use crate::testbed::Failure;

/// Whom the adversary saw, and when: by time, in milliseconds.
#[derive(Default)]
pub(super) struct Sightings {
    seen: BTreeMap<u64, Vec<String>>,
}

impl Sightings {
    pub(super) fn extend(&mut self, now_ms: u64, whom: impl IntoIterator<Item = String>) {
        self.seen.entry(now_ms).or_default().extend(whom);
    }

    pub(super) fn count(&self) -> usize {
        self.seen.values().map(Vec::len).sum()
    }

    /// The most distinct customers in any interval of this length.
    pub(super) fn most_in(&self, span_ms: u64) -> usize {
        let mut inside: HashMap<&str, usize> = HashMap::new();
        let mut first = self.seen.iter().peekable();
        let mut most = 0;
        for (now_ms, whom) in &self.seen {
            for name in whom {
                *inside.entry(name).or_default() += 1;
            }
            while let Some((_, gone)) = first.next_if(|(time_ms, _)| *time_ms + span_ms <= *now_ms)
            {
                for name in gone {
                    if let Some(count) = inside.get_mut(name.as_str()) {
                        *count -= 1;
                    }
                }
                inside.retain(|_, count| *count > 0);
            }
            most = most.max(inside.len());
        }
        most
    }
}

/// Whom a person was going to see by the log, which must verify: reveals, comparisons and searches
/// that were permitted.
pub(super) fn of_the_log(directory: &Path) -> Result<Sightings, Failure> {
    let config = testbed::config(directory)?;
    let key = std::fs::read_to_string(directory.join("vault/audit.vkey"))?;
    let keys = CheckpointKeys::new(vec![key.trim_end().parse()?]);
    let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default())?;
    let head = Head::read(&config.audit.head_dir, &keys)?;
    verify_by_both(&store, None, &Evidence::of(&keys).with_head(Some(&head)))?;
    let mut sightings = Sightings::default();
    for stored in store.entries(0, usize::MAX)? {
        let Some(stored) = stored.entry() else {
            continue;
        };
        let Entry { time, draft, .. } = Entry::decode(&stored.entry)?;
        let is_sight = matches!(
            draft.event,
            Event::Detokenize | Event::Lookup | Event::VerifyMatch
        );
        if !is_sight || draft.person.is_none() || draft.decision != Some(Decision::Permit) {
            continue;
        }
        let of_item = |item: &counterfoil::audit::EntryItem| match (&item.outcome, draft.event) {
            // A search is counted by what was searched for, which has one token.
            (ItemOutcome::Found, Event::Lookup) => Some(format!("value {:?}", item.token)),
            (ItemOutcome::Intended, _) => Some(item.subject.as_ref()?.as_str().to_owned()),
            _ => None,
        };
        let whom: Vec<String> = draft.items.iter().filter_map(of_item).collect();
        sightings.extend(time.unix_ms(), whom);
    }
    Ok(sightings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_is_as_long_as_it_says() {
        let mut sightings = Sightings::default();
        for (time_ms, whom) in [(0, "a"), (5, "b"), (9, "a"), (10, "c"), (15, "d")] {
            sightings.extend(time_ms, [whom.to_owned()]);
        }
        assert_eq!(sightings.most_in(1), 1);
        assert_eq!(sightings.most_in(6), 3);
        assert_eq!(sightings.most_in(10), 3);
        assert_eq!(sightings.most_in(11), 4);
        assert_eq!(sightings.count(), 5);
    }
}
