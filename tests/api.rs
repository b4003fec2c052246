//! The vault as its clients see it: over gRPC, with certificates, on a real disk.
//!
//! Each test has a vault of its own, and ends by verifying the whole audit log of it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "clippy takes only functions with #[test] for tests"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a test tells one story, and tables are long"
)]

#[path = "support/scanner.rs"]
mod scanner;
mod support;

#[path = "api/access.rs"]
mod access;
#[path = "api/acting.rs"]
mod acting;
#[path = "api/audit_fingerprint_key.rs"]
mod audit_fingerprint_key;
#[path = "api/audit_log.rs"]
mod audit_log;
#[path = "api/authorization.rs"]
mod authorization;
#[path = "api/backup.rs"]
mod backup;
#[path = "api/backup_pruned.rs"]
mod backup_pruned;
#[path = "api/break_glass.rs"]
mod break_glass;
#[path = "api/cases.rs"]
mod cases;
#[path = "api/charters.rs"]
mod charters;
#[path = "api/concurrency.rs"]
mod concurrency;
#[path = "api/corpora.rs"]
mod corpora;
#[path = "api/cosigned.rs"]
mod cosigned;
#[path = "api/damage.rs"]
mod damage;
#[path = "api/detokenize.rs"]
mod detokenize;
#[path = "api/erase.rs"]
mod erase;
#[path = "api/erase_entry.rs"]
mod erase_entry;
#[path = "api/exposure.rs"]
mod exposure;
#[path = "api/fingerprints.rs"]
mod fingerprints;
#[path = "api/freeze_load.rs"]
mod freeze_load;
#[path = "api/identifiers.rs"]
mod identifiers;
#[path = "api/idle_stream.rs"]
mod idle_stream;
#[path = "api/import.rs"]
mod import;
#[path = "api/import_parts.rs"]
mod import_parts;
#[path = "api/inspect.rs"]
mod inspect;
#[path = "api/jobs.rs"]
mod jobs;
#[path = "api/limits.rs"]
mod limits;
#[path = "api/lookup.rs"]
mod lookup;
#[path = "api/masked.rs"]
mod masked;
#[path = "api/matrix/mod.rs"]
mod matrix;
#[path = "api/office.rs"]
mod office;
#[path = "api/officers.rs"]
mod officers;
#[path = "api/people.rs"]
mod people;
#[path = "api/policies.rs"]
mod policies;
#[path = "api/proposals.rs"]
mod proposals;
#[path = "api/protected.rs"]
mod protected;
#[path = "api/prune.rs"]
mod prune;
#[path = "api/purge.rs"]
mod purge;
#[path = "api/purge_waits.rs"]
mod purge_waits;
#[path = "api/quorum/mod.rs"]
mod quorum;
#[path = "api/redact.rs"]
mod redact;
#[path = "api/register.rs"]
mod register;
#[path = "api/reindex.rs"]
mod reindex;
#[path = "api/report_exposure.rs"]
mod report_exposure;
#[path = "api/restart.rs"]
mod restart;
#[path = "api/retokenize.rs"]
mod retokenize;
#[path = "api/retokenize_allowance.rs"]
mod retokenize_allowance;
#[path = "api/retokenize_tampered.rs"]
mod retokenize_tampered;
#[path = "api/retry.rs"]
mod retry;
#[path = "api/sealed.rs"]
mod sealed;
#[path = "api/signing_key.rs"]
mod signing_key;
#[path = "api/stage.rs"]
mod stage;
#[path = "api/stream.rs"]
mod stream;
#[path = "api/structured.rs"]
mod structured;
#[path = "api/tokenize.rs"]
mod tokenize;
#[path = "api/verify_match.rs"]
mod verify_match;
#[path = "api/witness.rs"]
mod witness;
