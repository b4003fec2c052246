//! A root key that no officer has alone: M of N officers' shares give it.
//!
//! ```text
//! sharing file   public: who has a share, how many are needed, the commitments to the polynomials
//! share file     one for each officer, sealed under a passphrase of that officer
//! ```
//!
//! The sharing file is what the vault has. A share names the sharing file that it was made with by
//! its digest, and both the vault and the commitments refuse what does not belong together.

mod deal;
mod share_file;
mod sharing_file;
mod unsealing;

use thiserror::Error;

use crate::crypto::SharingError;
use crate::domain::OfficerName;

pub use deal::Dealt;
pub use deal::NewShare;
pub use deal::Occasion;
pub use deal::deal;
pub use deal::make;
pub use share_file::ShareFile;
pub use share_file::ShareOffer;
pub use sharing_file::SharingFile;
pub use unsealing::PROGRESS_SECONDS_MAX;
pub use unsealing::Progress;
pub use unsealing::Step;
pub use unsealing::Unsealing;

/// Why shares were not made, or not taken. It never has a part of a share.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum SharesError {
    /// An officer's share is in already.
    #[error("share of {officer} is in already\nanother officer's share is needed")]
    Duplicate {
        /// Whose share.
        officer: OfficerName,
    },
    /// The share was made with another sharing file, or that file was changed since.
    #[error(
        "share is of another sharing than the vault's\nuse the share that was made last, or \
         restore the sharing file that belongs to it"
    )]
    Foreign,
    /// An officer should get two shares.
    #[error("{officer} has a share already\nname each officer once")]
    OfficerTwice {
        /// Who.
        officer: OfficerName,
    },
    /// New shares were read back from the disk, and did not give the secret.
    #[error("new shares do not give the root key back, so nothing was changed\ncheck the disk")]
    Proof,
    /// The share is not the one that was made.
    #[error("share of {officer} is refused")]
    Refused {
        /// Whose share it says it is.
        officer: OfficerName,
    },
    /// Nobody can share like this.
    #[error(transparent)]
    Sharing(#[from] SharingError),
    /// Too few officers gave their shares.
    #[error("{given} of {needed} shares are there\nthe shares of more officers are needed")]
    TooFew {
        /// How many are there.
        given: usize,
        /// How many are needed.
        needed: usize,
    },
}

#[cfg(test)]
mod tests;
