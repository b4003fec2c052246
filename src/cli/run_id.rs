//! Request ids of one run of a command.

use std::fmt;

use rand::RngExt;

use crate::domain::RequestId;

/// What the request ids of one run of a command begin with, so that a call that is repeated after
/// a crash has the id that it had before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RunId(u64);

impl RunId {
    /// A run of its own.
    pub(super) fn random() -> Self {
        Self(rand::rng().random())
    }

    /// Reads what `Display` wrote.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }

    /// The id of the call with this number, from 0.
    pub(super) fn request_id(self, call: u64) -> RequestId {
        // 16 digits, a hyphen and at most 20 digits are a request id.
        RequestId::new(&format!("{self}-{call}")).unwrap_or_else(|_| unreachable!())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_is_read_back() {
        let run = RunId::random();
        assert_eq!(RunId::from_text(&run.to_string()), Some(run));
        assert_eq!(RunId(1).request_id(u64::MAX).as_str().len(), 37);
    }
}
