//! What every test of a vault ends with: the whole log, verified with nothing but public keys by
//! two verifiers that share no code.

use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::audit::Evidence;
use counterfoil::audit::Head;
use counterfoil::audit::Report;
use counterfoil::audit::following_keys;
use counterfoil::config::Config;
use counterfoil::store::Store;
use counterfoil::store::StoredLeaf;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use super::TestVault;
use super::both_verifiers::ask_both_for_witness;
use super::both_verifiers::verify_by_both;
use super::public_keys_of;

impl TestVault {
    /// Stops, and verifies the whole audit log with nothing but the public key, by both verifiers.
    /// Every test ends with it.
    pub(crate) async fn check(mut self) -> Report {
        self.stop().await;
        let report = verify_log_of(&self.config);
        let count = |event| report.counts.get(&event).copied().unwrap_or(0);
        // Where the beginning is in an archive, the first start is.
        let is_whole = report.archived_size == 0;
        assert!(!is_whole || count(Event::Started) == count(Event::Stopped));
        check_register(&self.read_only());
        self.is_checked = true;
        report
    }

    /// The same for a log that verifies and yet does not say all: one of a run that has no end, or
    /// in which somebody has changed keys behind the vault's back.
    pub(crate) async fn check_only_log(mut self) -> Report {
        self.stop().await;
        self.is_checked = true;
        verify_log_of(&self.config)
    }
}

/// Verifies the log of a vault that is stopped, by both verifiers.
pub(crate) fn verify_log_of(config: &Config) -> Report {
    let store = RocksStore::open_read_only(&config.data_dir, &RocksOptions::default()).unwrap();
    let keys = public_keys_of(config);
    let head_keys = following_keys(&store, &keys).unwrap();
    let head = Head::read(&config.audit.head_dir, &head_keys).unwrap();
    let evidence = Evidence::of(&keys).with_head(Some(&head));
    let report = verify_by_both(&store, None, &evidence).unwrap();
    if let Some(witness) = &config.audit.witness {
        let _may_not_have_been_asked_yet =
            ask_both_for_witness(&store, &witness.client.verifier, &evidence);
    }
    report
}

/// Whoever changes keys or operations names them as they are after it: a start or stop, which reads
/// them from the store, never names others than the entry before.
fn check_register(store: &dyn Store) {
    let stored = store.entries(store.pruned_size().unwrap(), usize::MAX);
    let mut named = None;
    for stored in stored.unwrap().iter().filter_map(StoredLeaf::entry) {
        let draft = Entry::decode(&stored.entry).unwrap().draft;
        let Some(digest) = draft.ceremony.register_digest else {
            assert_ne!(draft.event, Event::Stopped);
            continue;
        };
        if matches!(draft.event, Event::Started | Event::Stopped) {
            assert_eq!(
                named.unwrap_or(digest),
                digest,
                "entry names another register"
            );
        }
        named = Some(digest);
    }
}
