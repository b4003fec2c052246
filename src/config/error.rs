//! What is wrong with a configuration.

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with a configuration: which key, and what to do about it. It never repeats what
/// a file that the configuration names has in it.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file that a key names cannot be used.
    #[error("{key}: {} {problem}\n  {remedy}", path.display())]
    File {
        /// The key that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// The configuration itself cannot be read.
    #[error("cannot read {}: {source}\n  name an existing file with --config FILE", path.display())]
    Read {
        /// The configuration's file.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// The text is not TOML, or has a key that does not exist, or lacks one.
    #[error("line {line}: {problem}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A key has a value that it cannot have.
    #[error("{key}: {problem}\n  {remedy}")]
    Value {
        /// The key, with its tables before it.
        key: String,
        /// What is wrong with the value.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
}

impl ConfigError {
    pub(super) fn value(
        key: impl Into<String>,
        problem: impl ToString,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Value {
            key: key.into(),
            problem: problem.to_string(),
            remedy: remedy.into(),
        }
    }

    /// What the parser found, with its line and without the text that stood there: a passphrase
    /// that somebody wrote into the file by mistake must not reach a terminal or a log.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text
            .bytes()
            .take(start)
            .filter(|&byte| byte == b'\n')
            .count();
        let problem = match error.message().split_once(": string \"") {
            Some((kind, rest)) => {
                let expected = rest
                    .rsplit_once("\", ")
                    .map_or("", |(_, expected)| expected);
                format!("{kind}: a string, {expected}")
            }
            None => error.message().to_owned(),
        };
        Self::Syntax { line, problem }
    }
}

/// A number within its bounds, or its default.
pub(super) fn bounded<T: Copy + PartialOrd + ToString>(
    key: &str,
    given: Option<T>,
    default: T,
    bounds: &RangeInclusive<T>,
) -> Result<T, ConfigError> {
    match given {
        None => Ok(default),
        Some(number) if bounds.contains(&number) => Ok(number),
        Some(_) => Err(ConfigError::value(
            key,
            "is out of bounds",
            format!(
                "use a number from {} to {}, or leave it out for {}",
                bounds.start().to_string(),
                bounds.end().to_string(),
                default.to_string()
            ),
        )),
    }
}

/// What one of a few words stands for.
pub(super) fn choice<T: Copy>(
    key: impl Into<String>,
    word: &str,
    choices: &[(&str, T)],
) -> Result<T, ConfigError> {
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|&(_, meaning)| meaning).ok_or_else(|| {
        let words: Vec<_> = choices
            .iter()
            .map(|(name, _)| format!("{name:?}"))
            .collect();
        ConfigError::value(
            key,
            "is not a word that it knows",
            format!("use one of {}", words.join(", ")),
        )
    })
}
