//! Why officers are refused.

use thiserror::Error;

use crate::domain::OfficerName;

/// Why an officer's act has no effect.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum CeremonyError {
    /// What should be allowed for a time cannot be.
    #[error("{0}")]
    Allowance(&'static str),
    /// A charter is not one that can be.
    #[error("charter: {0}")]
    Charter(&'static str),
    /// A line of a charter's text is not one that can be.
    #[error("charter, line {line}: {problem}")]
    CharterLine {
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A charter's text lacks the rule of this operation.
    #[error("charter: the line `rule {0} OFFICERS SECONDS` is missing")]
    CharterRule(&'static str),
    /// Somebody else acted on the same ceremony or key at the same time.
    #[error("somebody else acted on this at the same time: look at it, and try again")]
    Concurrent,
    /// The entry cannot be erased, or the log not be pruned.
    #[error("{0}")]
    Entry(&'static str),
    /// The statement's time is over, or too far away.
    #[error("statement must end after now, and within a day")]
    Expired,
    /// Something is still found by the key version.
    #[error(
        "{records_count} records and {links_count} links of customers are still found by this key \
         version only: `counterfoil keys reindex` moves them"
    )]
    KeyInUse {
        /// Records.
        records_count: u64,
        /// Links of customers with their records.
        links_count: u64,
    },
    /// The key is not in a state for the operation.
    #[error("{0}")]
    KeyState(&'static str),
    /// Records are still wrapped under the key version.
    #[error(
        "{records_count} records are still under this key version: rotate, and wait for the job; \
         those that the job says are damaged stay under it"
    )]
    KeyWraps {
        /// How many.
        records_count: u64,
    },
    /// There is no such ceremony.
    #[error("there is no such operation")]
    Missing,
    /// The vault has no officers.
    #[error("vault has no officers: configure [officers], and start it anew")]
    NoOfficers,
    /// The statement is not about this vault, or under another charter.
    #[error("statement is for another vault, or under officers and rules that changed since")]
    OtherCharter,
    /// The signature is not one of an officer on this text.
    #[error("signature is not one of an officer of this vault on this text")]
    Signature,
    /// The officer has signed already.
    #[error("officer has signed already")]
    SignedAlready,
    /// The text is not a statement.
    #[error("text is not a statement in its one form")]
    Statement,
    /// The ceremony is not in a state for this.
    #[error("operation is not in a state for this")]
    State,
    /// Nobody has signed, or not as many officers as the charter asks for.
    #[error(
        "statement needs the signatures of {needed} officers of this vault, and has those of: {}\n\
         under another name than the charter's, or with another key, a signature does not count",
        names(.signed)
    )]
    TooFew {
        /// Which officers have signed.
        signed: Vec<OfficerName>,
        /// How many must sign.
        needed: usize,
    },
    /// More operations are open than may be.
    #[error(
        "officer has {open_max} open operations, or the vault {all_max}: carry them out, or cancel \
         some"
    )]
    TooManyOpen {
        /// How many one officer may have.
        open_max: usize,
        /// How many there may be.
        all_max: usize,
    },
    /// The vault cannot do it with this key.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// Whose signatures count, in words.
fn names(officers: &[OfficerName]) -> String {
    if officers.is_empty() {
        return "nobody".to_owned();
    }
    let names: Vec<&str> = officers.iter().map(OfficerName::as_str).collect();
    names.join(", ")
}
