//! Both verifiers, ours and the second one, which say the same of every log that a test leaves.

use std::path::Path;

use counterfoil::audit::Archive;
use counterfoil::audit::Evidence;
use counterfoil::audit::Report;
use counterfoil::audit::VerifyError;
use counterfoil::audit::WitnessKeys;
use counterfoil::audit::verify_store_against;
use counterfoil::audit::write_export;
use counterfoil::crypto::note::CosignerVerifier;
use counterfoil::store::Store;
use serde_json::Value;
use serde_json::json;

use super::second_verifier::SecondVerifier;

/// Verifies the log of a store, and of what is in an archive if there is one, by our verifier; and
/// by the second one, which reads an export of it and must say the same.
///
/// # Errors
///
/// What ours says, if it does not believe the log. The second is not asked then.
pub(crate) fn verify_by_both(
    store: &dyn Store,
    archive: Option<&Path>,
    evidence: &Evidence<'_>,
) -> Result<Report, VerifyError> {
    let opened = archive.map(Archive::open).transpose()?;
    let report = verify_store_against(store, opened.as_ref(), evidence)?;
    if let Some(mut second) = second_of(evidence, archive) {
        second.assert_agrees(&export_of(store, evidence), &said(&report));
    }
    Ok(report)
}

/// Asks both whether the witness has seen the log, which they say or deny alike.
pub(crate) fn ask_both_for_witness(
    store: &dyn Store,
    witness: &CosignerVerifier,
    evidence: &Evidence<'_>,
) -> Result<Report, VerifyError> {
    let witnesses = WitnessKeys::new(vec![witness.clone()]);
    let evidence = Evidence {
        witnesses: Some(&witnesses),
        ..*evidence
    };
    let ours = verify_store_against(store, None, &evidence);
    if let Some(second) = second_of(&evidence, None) {
        let mut second = second.with_file("--witness-key", witness.to_string().as_bytes());
        let export = export_of(store, &evidence);
        match &ours {
            Ok(report) => second.assert_agrees(&export, &said(report)),
            Err(error) => assert!(second.finds(&export), "only ours denies it: {error}"),
        }
    }
    ours
}

fn second_of(evidence: &Evidence<'_>, archive: Option<&Path>) -> Option<SecondVerifier> {
    let second = SecondVerifier::of_keys(&evidence.keys.lines())?;
    Some(match archive {
        Some(directory) => second.with_path("--archive", directory),
        None => second,
    })
}

fn export_of(store: &dyn Store, evidence: &Evidence<'_>) -> Vec<u8> {
    let mut export = Vec::new();
    write_export(&mut export, store, evidence.keys).unwrap();
    export
}

/// What our verifier says, as the second one would.
fn said(report: &Report) -> Value {
    let counts = report.counts.iter();
    let counts = counts.map(|(event, count)| (event.name().to_owned(), json!(count)));
    json!({
        "archived_size": report.archived_size,
        "cosigned_unix_seconds": report.witnessed.map(|witnessed| witnessed.unix_seconds),
        "counts": counts.collect::<serde_json::Map<_, _>>(),
        "erased_count": report.erased_count,
        "open_intents_count": report.open_intents_count,
        "root_hash": report.root.to_string(),
        "still_archived_count": report.still_archived_count,
        "tree_size": report.tree_size,
        "verified": true,
        "witnessed_size": report.witnessed.map(|witnessed| witnessed.size),
    })
}
