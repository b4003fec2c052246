//! Metrics: counts by call and outcome, and the store's own figures. No label ever holds what a
//! caller sent.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::audit::CommitError;
use crate::audit::Unwitnessed;
use crate::vault::Vault;
use crate::vault::VaultError;

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct CallLabels {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct ItemLabels {
    call: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct PersonLabels {
    reason: &'static str,
}

/// The counters of one server.
pub(super) struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    items: Family<ItemLabels, Counter>,
    people_refused: Family<PersonLabels, Counter>,
    tree_size: Gauge<u64, AtomicU64>,
    free_bytes: Gauge<u64, AtomicU64>,
    records: Gauge<u64, AtomicU64>,
    unpurged: Gauge<u64, AtomicU64>,
    witness: WitnessGauges,
}

/// What the witness has not seen; zeros without one.
struct WitnessGauges {
    entries: Gauge<u64, AtomicU64>,
    seconds: Gauge<f64, AtomicU64>,
    stopped: Gauge<u64, AtomicU64>,
}

impl WitnessGauges {
    fn register(registry: &mut Registry) -> Self {
        let (entries, seconds, stopped) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register(
            "audit_unwitnessed_entries",
            "Entries of the audit log that its witness has not seen",
            entries.clone(),
        );
        registry.register(
            "audit_unwitnessed_seconds",
            "Age of the oldest entry that the witness has not seen",
            seconds.clone(),
        );
        registry.register(
            "reveals_stopped",
            "Whether reveals are stopped until the witness has seen more",
            stopped.clone(),
        );
        Self {
            entries,
            seconds,
            stopped,
        }
    }

    fn set(&self, unwitnessed: Unwitnessed) {
        let Unwitnessed {
            entries_count,
            age_ms,
            may_reveal,
        } = unwitnessed;
        self.entries.set(entries_count);
        self.seconds
            .set(Duration::from_millis(age_ms).as_secs_f64());
        self.stopped.set(u64::from(!may_reveal));
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("counterfoil");
        let calls = Family::default();
        registry.register("calls", "Calls by name and outcome", calls.clone());
        let items = Family::default();
        registry.register(
            "items",
            "Items of calls that were carried out",
            items.clone(),
        );
        let people_refused = Family::default();
        registry.register(
            "people_refused",
            "Acting principals that were not accepted, by reason",
            people_refused.clone(),
        );
        let tree_size = Gauge::default();
        registry.register(
            "audit_tree_size",
            "Entries of the audit log",
            tree_size.clone(),
        );
        let free_bytes = Gauge::default();
        registry.register(
            "store_free_bytes",
            "Free bytes on the store's disk",
            free_bytes.clone(),
        );
        let sealed: Gauge<u64, AtomicU64> = Gauge::default();
        registry.register(
            "sealed",
            "Whether the vault waits for officers' shares",
            sealed,
        );
        let records = Gauge::default();
        registry.register("store_records", "Records, estimated", records.clone());
        let unpurged = Gauge::default();
        registry.register(
            "erasures_unpurged",
            "Calls that erased, whose bytes may still be on the disk",
            unpurged.clone(),
        );
        Self {
            witness: WitnessGauges::register(&mut registry),
            registry,
            calls,
            items,
            people_refused,
            tree_size,
            free_bytes,
            records,
            unpurged,
        }
    }

    /// Counts a call.
    pub(super) fn count(&self, call: &'static str, items_count: usize, error: Option<&VaultError>) {
        let outcome = error.map_or("done", outcome);
        self.calls
            .get_or_create(&CallLabels { call, outcome })
            .inc();
        if let Some(VaultError::PersonRefused(refusal)) = error {
            let reason = refusal.name();
            self.people_refused
                .get_or_create(&PersonLabels { reason })
                .inc();
        }
        if error.is_none() {
            let items_count = u64::try_from(items_count).unwrap_or(u64::MAX);
            self.items
                .get_or_create(&ItemLabels { call })
                .inc_by(items_count);
        }
    }

    pub(super) fn text(&self, vault: &Vault) -> String {
        if let Ok(statistics) = vault.store().statistics() {
            self.tree_size.set(statistics.tree_size);
            self.free_bytes.set(statistics.free_bytes);
            self.records.set(statistics.records_count_estimate);
            self.unpurged.set(statistics.erasures_unpurged_count);
        }
        if let Some(unwitnessed) = vault.log().unwitnessed() {
            self.witness.set(unwitnessed);
        }
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Serves the metrics until the server stops.
pub(super) async fn serve(
    listener: TcpListener,
    text: impl Fn() -> String + Clone + Send + Sync + 'static,
    mut stopping: watch::Receiver<bool>,
) {
    let answer = move || async move {
        (
            [(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0")],
            text(),
        )
    };
    let routes = Router::new().route("/metrics", get(answer));
    let stop = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    if axum::serve(listener, routes)
        .with_graceful_shutdown(stop)
        .await
        .is_err()
    {
        tracing::error!("metrics listener failed");
    }
}

/// What is answered for a vault that is sealed.
pub(super) const SEALED: &str = "\
# HELP counterfoil_sealed Whether the vault waits for officers' shares.
# TYPE counterfoil_sealed gauge
counterfoil_sealed 1
# EOF
";

fn outcome(error: &VaultError) -> &'static str {
    match error {
        VaultError::AuditUnavailable(CommitError::Unwitnessed) => "unwitnessed",
        VaultError::AuditUnavailable(_) => "audit_unavailable",
        VaultError::Backup(_) => "backup_failed",
        VaultError::Denied => "denied",
        VaultError::Ceremony(_)
        | VaultError::ExposureArchived { .. }
        | VaultError::ExposureTooLong(_)
        | VaultError::GrantScope { .. }
        | VaultError::ItemCount { .. }
        | VaultError::NotCosigned { .. }
        | VaultError::OutsideLog { .. }
        | VaultError::Purpose
        | VaultError::RequestIdReused => "invalid",
        VaultError::KeysChanged | VaultError::Overloaded => "overloaded",
        VaultError::Refused(_) => "refused",
        VaultError::PersonRefused(_) => "person_refused",
        VaultError::RootKeyUnavailable => "root_key_unavailable",
        VaultError::Store(_) => "store_unavailable",
    }
}
