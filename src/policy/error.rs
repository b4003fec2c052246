//! What is wrong with policies.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with policies: where, what, and what to do about it.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// Two policies have one id.
    #[error("{place}: the id {id:?} is taken already\n  give the policy another @id(\"…\")")]
    Duplicate {
        /// The file and the line of the second.
        place: String,
        /// The id.
        id: String,
    },
    /// The directory has no policy.
    #[error(
        "{} has no file that ends in .cedar\n  put one there, or leave policies.dir out",
        path.display()
    )]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The policy does not agree with the schema.
    #[error("{place}: {id}: {problem}\n  {remedy}")]
    Invalid {
        /// The file and the line.
        place: String,
        /// The policy.
        id: String,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// A file or the directory cannot be read.
    #[error(
        "cannot read {}: {source}\n  name a readable directory in policies.dir",
        path.display()
    )]
    Read {
        /// The file or the directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The schema that is built in cannot be read.
    #[error("schema of policies: {problem}")]
    Schema {
        /// What is wrong with it.
        problem: String,
    },
    /// The text is not Cedar.
    #[error("{place}: {problem}\n  {remedy}")]
    Syntax {
        /// The file and the line.
        place: String,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// There is more than is read.
    #[error("{what}: there are more than {max}\n  join or remove some")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}
