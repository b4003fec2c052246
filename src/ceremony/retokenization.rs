//! What officers allow who retokenizes: whose tokens, how many of them, and until when.

use std::fmt;

use crate::domain::DateTime;
use crate::domain::Namespace;
use crate::domain::Timestamp;

/// The longest that an allowance may last, in seconds, from when it is proposed: 90 days.
pub const RETOKENIZATION_SECONDS_MAX: u64 = 90 * 24 * 60 * 60;

/// What officers allow: that tokens of a namespace are replaced, so many at the most, until then.
///
/// As a statement says it: `shop tokens 100000 until 2026-12-01T10:00:00Z`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Retokenization {
    /// The tenant.
    pub namespace: Namespace,
    /// How many tokens may be replaced, at least 1.
    pub tokens_max: u64,
    /// When it is over, in whole seconds.
    pub until: Timestamp,
}

impl Retokenization {
    /// Reads what [`fmt::Display`] writes; the statement around it is compared with its text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(' ').collect();
        let [namespace, "tokens", tokens_max, "until", until] = parts.as_slice() else {
            return None;
        };
        let tokens_max: u64 = tokens_max.parse().ok()?;
        Some(Self {
            namespace: Namespace::new(namespace).ok()?,
            tokens_max: Some(tokens_max).filter(|count| *count > 0)?,
            until: DateTime::read(until)?.0,
        })
    }
}

impl fmt::Display for Retokenization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, until) = (self.namespace.as_str(), DateTime(self.until));
        write!(
            formatter,
            "{namespace} tokens {} until {until}",
            self.tokens_max
        )
    }
}
