//! The formats of configured fields.

use thiserror::Error;

use crate::config::FieldConfig;
use crate::config::FieldFormat;
use crate::config::OnInvalid;
use crate::config::TextFormat;
use crate::format::Format;
use crate::format::FormatKind;
use crate::format::FormatSpec;
use crate::format::FormatSpecError;
use crate::format::IdentifierError;
use crate::format::StructuredError;

/// Why a field's format is refused.
#[derive(Debug, Error)]
pub enum FieldFormatError {
    /// A setting of identifiers is wrong.
    #[error(transparent)]
    Identifier(#[from] IdentifierError),
    /// A setting of parts is wrong.
    #[error(transparent)]
    Structured(#[from] StructuredError),
    /// A setting of texts is wrong.
    #[error(transparent)]
    Text(#[from] FormatSpecError),
}

/// The format of a field.
///
/// # Errors
///
/// Which part of its configuration is wrong, with the remedy.
pub fn format(field: &FieldConfig) -> Result<Format, FieldFormatError> {
    let on_invalid = match field.on_invalid {
        OnInvalid::Outline => crate::format::OnInvalid::Outline,
        OnInvalid::Reject => crate::format::OnInvalid::Reject,
    };
    let kind = match &field.format {
        FieldFormat::Identifier { spec, .. } => {
            return Ok(Format::identifier(spec, field.fidelity, on_invalid)?);
        }
        FieldFormat::Structured(spec) => {
            return Ok(Format::structured(spec, field.fidelity, field.length)?);
        }
        FieldFormat::Text(TextFormat::Address) => FormatKind::Address,
        FieldFormat::Text(TextFormat::Digits) => FormatKind::Digits,
        FieldFormat::Text(TextFormat::Email) => FormatKind::Email,
        FieldFormat::Text(TextFormat::Name) => FormatKind::Name,
        FieldFormat::Text(TextFormat::Text) => FormatKind::Text,
    };
    Ok(Format::new(FormatSpec {
        kind,
        fidelity: field.fidelity,
        token_domain: field.token_domain.clone(),
        domain: field.domain.clone(),
        length: field.length,
        on_invalid,
    })?)
}
