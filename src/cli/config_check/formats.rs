//! What each field's format does, as a table or as JSON.

use std::io;
use std::io::Write;

use comfy_table::ContentArrangement;
use comfy_table::Table;
use serde_json::Value;
use serde_json::json;

use crate::assembly;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::escape::escape;
use crate::config::Config;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::format::FormatSummary;

/// A field, and what its format does.
pub(super) struct Described {
    namespace: Namespace,
    field: FieldName,
    format: String,
    /// The most that is ever revealed.
    level_max: Option<Level>,
    summary: FormatSummary,
}

/// Describes every field.
///
/// # Errors
///
/// If a format is refused.
pub(super) fn describe(config: &Config) -> Result<Vec<Described>, CliError> {
    let mut described = Vec::new();
    for (namespace, fields) in &config.namespaces {
        for (name, field) in &fields.fields {
            let format = assembly::format(field).map_err(|error| {
                CliError::Usage(format!("namespaces.{namespace}.fields.{name}: {error}"))
            })?;
            described.push(Described {
                namespace: namespace.clone(),
                field: name.clone(),
                format: field.format.name().to_owned(),
                level_max: field.level_max,
                summary: format.summary(),
            });
        }
    }
    Ok(described)
}

/// Writes a table; warnings go where words go.
///
/// # Errors
///
/// If the output cannot be written.
pub(super) fn write_table(described: &[Described]) -> Result<(), CliError> {
    let mut table = Table::new();
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header([
            "field",
            "format",
            "bits",
            "made-up value",
            "token",
            "masked",
            "revealed",
            "a token shows",
        ]);
    for Described {
        namespace,
        field,
        format,
        level_max,
        summary,
    } in described
    {
        let (value, token) = summary.example.clone().unwrap_or_default();
        table.add_row([
            format!("{namespace}.{field}"),
            format.clone(),
            bits(summary),
            escape(&value).to_string(),
            escape(&token).to_string(),
            escape(summary.example_mask.as_deref().unwrap_or_default()).to_string(),
            level(*level_max).to_owned(),
            summary.reveals.join("; "),
        ]);
    }
    writeln!(io::stdout(), "{table}")?;
    for described in described {
        let Described {
            namespace, field, ..
        } = described;
        for warning in &described.summary.warnings {
            say(format_args!("warning: {namespace}.{field}: {warning}"));
        }
    }
    Ok(())
}

/// Writes one JSON object for each field.
///
/// # Errors
///
/// If the output cannot be written.
pub(super) fn write_json(described: &[Described]) -> Result<(), CliError> {
    for described in described {
        writeln!(io::stdout(), "{}", object(described))?;
    }
    Ok(())
}

fn object(described: &Described) -> Value {
    let summary = &described.summary;
    let example = summary.example.as_ref();
    json!({
        "namespace": described.namespace.as_str(),
        "field": described.field.as_str(),
        "format": described.format,
        "bits_smallest": summary.bits.map(|bits| bits.0),
        "bits_largest": summary.bits.map(|bits| bits.1),
        "slices": summary.slices_count,
        "example_value": example.map(|example| &example.0),
        "example_token": example.map(|example| &example.1),
        "example_mask": summary.example_mask,
        "level": level(described.level_max),
        "reveals": summary.reveals,
        "warnings": summary.warnings,
    })
}

/// The most that is revealed, as the configuration says it.
fn level(level_max: Option<Level>) -> &'static str {
    level_max.map_or("none", Level::name)
}

/// The bits of the smallest and the largest slice.
fn bits(summary: &FormatSummary) -> String {
    match summary.bits {
        Some((smallest, largest)) if smallest == largest => smallest.to_string(),
        Some((smallest, largest)) => format!("{smallest} to {largest}"),
        None => "-".to_owned(),
    }
}
