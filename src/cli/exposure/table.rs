//! Reports as tables.

use std::io;
use std::io::Write;

use comfy_table::ContentArrangement;
use comfy_table::Table;

use crate::audit::exposure::Comparison;
use crate::audit::exposure::Count;
use crate::audit::exposure::Difference;
use crate::audit::exposure::Document;
use crate::audit::exposure::NamespaceLine;
use crate::cli::error::CliError;
use crate::domain::DateTime;
use crate::domain::Timestamp;

/// Writes a report: what was seen, then what could have been.
///
/// # Errors
///
/// If the output cannot be written.
pub(super) fn write(document: &Document) -> Result<(), CliError> {
    let mut seen = table([
        "customer",
        "namespace",
        "field",
        "how",
        "status",
        "times",
        "first",
        "last",
    ]);
    for part in &document.namespaces {
        for row in &part.rows {
            let token = row.token.as_ref().map(|token| format!("token {token}"));
            let whose = row.subject.clone().or(token).unwrap_or_else(none);
            seen.add_row([
                whose,
                namespace(part),
                row.field.clone().unwrap_or_else(none),
                row.kind.clone(),
                row.status.clone(),
                row.count.to_string(),
                time(row.first_unix_ms),
                time(row.last_unix_ms),
            ]);
        }
    }
    let mut output = io::stdout().lock();
    writeln!(output, "{seen}")?;
    if let Some(unseen) = could_have_been(document) {
        writeln!(
            output,
            "\nCould have been seen under grants, and was not:\n{unseen}"
        )?;
    }
    Ok(())
}

/// How many customers were seen: `7 customers: 5 released, 1 possibly, 1 refused`.
#[must_use]
pub(super) fn summary(document: &Document) -> String {
    let summary = &document.summary;
    let mut text = counted("customer", summary.customers());
    if summary.tokens().all() > 0 {
        text.push_str("\nof customers whose ids the log does not have: ");
        text.push_str(&counted("token", summary.tokens()));
    }
    if summary.could_have_been > 0 {
        let count = summary.could_have_been;
        text.push_str(&format!(
            "\nunder grants, {count} more values could have been seen"
        ));
    }
    if let Some(count) = document.log.erased_count {
        text.push_str(&format!(
            "\n{count} entries of this part of the log are erased: the list may lack what they said"
        ));
    }
    text
}

/// Writes what two reports differ about.
///
/// # Errors
///
/// If the output cannot be written.
pub(super) fn write_comparison(comparison: &Comparison) -> Result<(), CliError> {
    let mut differences = table([
        "change",
        "customer",
        "namespace",
        "field",
        "how",
        "older",
        "newer",
    ]);
    let Comparison {
        added,
        widened,
        narrowed,
    } = comparison;
    let changes = [
        ("added", added),
        ("widened", widened),
        ("narrowed", narrowed),
    ];
    for (change, each) in changes {
        for difference in each {
            differences.add_row(row(change, difference));
        }
    }
    writeln!(io::stdout(), "{differences}")?;
    Ok(())
}

fn row(change: &str, difference: &Difference) -> [String; 7] {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(none);
    let status = |status: Option<&'static str>| status.map_or_else(none, str::to_owned);
    [
        change.to_owned(),
        text(&difference.whose),
        text(&difference.namespace),
        text(&difference.field),
        difference.kind.clone(),
        status(difference.older),
        status(difference.newer),
    ]
}

/// The table of what could have been seen; nothing if nothing could.
fn could_have_been(document: &Document) -> Option<Table> {
    let mut unseen = table([
        "customer",
        "namespace",
        "field",
        "level",
        "grant",
        "person",
        "from",
        "at most until",
    ]);
    let mut is_empty = true;
    for part in &document.namespaces {
        for grant in &part.grants {
            for value in &grant.could_have_been {
                is_empty = false;
                unseen.add_row([
                    value.subject.clone().unwrap_or_else(|| "any".to_owned()),
                    namespace(part),
                    value.field.clone(),
                    grant.level.clone(),
                    grant.grant_id.clone(),
                    grant.person.clone().unwrap_or_else(none),
                    time(grant.begins_unix_ms),
                    time(grant.ends_unix_ms),
                ]);
            }
        }
    }
    (!is_empty).then_some(unseen)
}

fn counted(name: &str, count: Count) -> String {
    let all = count.all();
    let plural = if all == 1 { "" } else { "s" };
    let Count {
        released,
        possibly_released,
        refused,
    } = count;
    format!(
        "{all} {name}{plural}: {released} released, {possibly_released} possibly, {refused} refused"
    )
}

fn table<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Table {
    let mut table = Table::new();
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}

fn namespace(part: &NamespaceLine) -> String {
    part.namespace.clone().unwrap_or_else(none)
}

fn time(unix_ms: u64) -> String {
    DateTime(Timestamp::from_unix_ms(unix_ms)).to_string()
}

fn none() -> String {
    "-".to_owned()
}
