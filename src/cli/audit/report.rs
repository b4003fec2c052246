//! What `audit verify` says of a log that verifies.

use serde_json::json;

use crate::audit::AcceptedRollback;
use crate::audit::Report;
use crate::audit::Successor;
use crate::audit::Witnessed;
use crate::domain::DateTime;
use crate::domain::Timestamp;

pub(super) fn text_report(report: &Report) -> String {
    let (size, root) = (report.tree_size, hex::encode(report.root.as_bytes()));
    let mut text = match report.archived_size {
        0 => format!("verified: {size} entries, root hash {root}"),
        first => {
            format!("verified: the entries from {first} on of {size}, root hash {root}")
        }
    };
    for (event, count) in &report.counts {
        text.push_str(&format!("\n{count:>8} {}", event.name()));
    }
    let open = report.open_intents_count;
    text.push_str(&format!(
        "\n{open:>8} intents to reveal without an outcome, counted as revealed"
    ));
    if report.archived_size > 0 {
        let size = report.archived_size;
        text.push_str(&format!(
            "\nentries before {size} are in an archive that was not given: not verified"
        ));
    }
    text.push_str(&erased_words(report));
    if let Some(witnessed) = report.witnessed {
        text.push('\n');
        text.push_str(&witnessed_words(witnessed));
    }
    for successor in &report.successors {
        text.push('\n');
        text.push_str(&successor_words(successor));
    }
    for AcceptedRollback { index, lost } in &report.rollbacks {
        let size = lost.size;
        text.push_str(&format!(
            "\nentry {index}: officers accepted a rollback; the lost log had {size} entries"
        ));
    }
    text
}

/// What is erased, who says so, and what an archive has of it.
fn erased_words(report: &Report) -> String {
    let untold = report.untold_count;
    let told = report.erased_count - untold;
    let lines = [
        (told, "entries are erased, and entries after them say so"),
        (
            untold,
            "entries are erased, and what says so is not in the archive: verify it with the log",
        ),
        (
            report.still_archived_count,
            "entries were erased since they were archived: the archive has them still",
        ),
    ];
    let there = lines.into_iter().filter(|(count, _)| *count > 0);
    let lines = there.map(|(count, words)| format!("\n{count:>8} {words}"));
    lines.collect()
}

/// How much of the log a witness has seen, and when it said so.
fn witnessed_words(witnessed: Witnessed) -> String {
    let Witnessed { size, unix_seconds } = witnessed;
    let time = cosigned_time(unix_seconds);
    format!("{size:>8} entries were seen by the witness, which cosigned them on {time}")
}

/// When a witness cosigned, as people write it.
pub(super) fn cosigned_time(unix_seconds: u64) -> DateTime {
    DateTime(Timestamp::from_unix_ms(unix_seconds.saturating_mul(1_000)))
}

/// Where the log came under another key, and which.
pub(super) fn successor_words(successor: &Successor) -> String {
    let Successor { index, key } = successor;
    format!("entry {index}: signed by another key from here on: {key}")
}

/// The report as one line; `is_cut_off` where bytes behind the log were left out.
pub(super) fn json_report(report: &Report, is_cut_off: bool) -> String {
    let counts = report
        .counts
        .iter()
        .map(|(event, count)| (event.name().to_owned(), json!(count)));
    let successors = report.successors.iter().map(
        |successor| json!({ "index": successor.index, "public_key": successor.key.to_string() }),
    );
    let rollbacks = report.rollbacks.iter().map(|rollback| {
        let AcceptedRollback { index, lost } = rollback;
        json!({ "index": index, "lost_size": lost.size, "lost_root_hash": hex::encode(lost.root) })
    });
    let report = json!({
        "verified": true,
        "cut_off": is_cut_off,
        "tree_size": report.tree_size,
        "root_hash": hex::encode(report.root.as_bytes()),
        "archived_size": report.archived_size,
        "erased_count": report.erased_count,
        "still_archived_count": report.still_archived_count,
        "untold_count": report.untold_count,
        "counts": counts.collect::<serde_json::Map<_, _>>(),
        "open_intents_count": report.open_intents_count,
        "witnessed_size": report.witnessed.map(|witnessed| witnessed.size),
        "cosigned_unix_seconds": report.witnessed.map(|witnessed| witnessed.unix_seconds),
        "successors": successors.collect::<Vec<_>>(),
        "rollbacks": rollbacks.collect::<Vec<_>>(),
    });
    report.to_string()
}
