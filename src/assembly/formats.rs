//! The formats of configured fields.

use crate::config::FieldConfig;
use crate::config::FormatName;
use crate::config::OnInvalid;
use crate::format::Format;
use crate::format::FormatKind;
use crate::format::FormatSpec;
use crate::format::FormatSpecError;

/// The format of a field.
///
/// # Errors
///
/// Which part of its configuration is wrong, with the remedy.
pub fn format(field: &FieldConfig) -> Result<Format, FormatSpecError> {
    Format::new(FormatSpec {
        kind: match field.format {
            FormatName::Address => FormatKind::Address,
            FormatName::Digits => FormatKind::Digits,
            FormatName::Email => FormatKind::Email,
            FormatName::Name => FormatKind::Name,
            FormatName::Text => FormatKind::Text,
        },
        fidelity: field.fidelity,
        token_domain: field.token_domain.clone(),
        domain: field.domain.clone(),
        length: field.length,
        on_invalid: match field.on_invalid {
            OnInvalid::Outline => crate::format::OnInvalid::Outline,
            OnInvalid::Reject => crate::format::OnInvalid::Reject,
        },
    })
}
