//! What every command takes that answers line by line.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::cli::answer::AnswerForm;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::pipeline;
use crate::cli::pipeline::LineCall;
use crate::domain::Subject;

/// The error of an input that is not there. It may be a value, which must not be repeated.
fn input_error(path: &Path, error: io::Error) -> CliError {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return CliError::Usage(
            "there is no such input FILE\n  values come on standard input or in a file, never as \
             arguments, which everybody on the machine can read"
                .to_owned(),
        );
    }
    CliError::file(path)(error)
}

/// What every command takes that answers line by line.
#[derive(Args, Clone, Debug)]
pub(super) struct LineArgs {
    /// Read from this file; from standard input if there is none
    #[arg(value_name = "FILE")]
    pub(super) input: Option<PathBuf>,

    /// Write one JSON object for each line
    #[arg(long)]
    pub(super) json: bool,
}

impl LineArgs {
    /// Opens the input.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub(super) fn open(&self) -> Result<Box<dyn BufRead + Send>, CliError> {
        match &self.input {
            Some(path) => {
                let file = File::open(path).map_err(|error| input_error(path, error))?;
                Ok(Box::new(BufReader::with_capacity(INPUT_BUFFER_BYTES, file)))
            }
            None => Ok(Box::new(BufReader::new(io::stdin()))),
        }
    }

    /// Which input it is: a file's length and time of change, nothing for standard input.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub(super) fn identity(&self) -> Result<String, CliError> {
        let Some(path) = &self.input else {
            return Ok(String::new());
        };
        let metadata = fs::metadata(path).map_err(|error| input_error(path, error))?;
        let (length, time) = (metadata.len(), metadata.mtime());
        Ok(format!("{length} {time}"))
    }

    /// Answers each line of the input on standard output.
    ///
    /// # Errors
    ///
    /// If the input cannot be read or the output cannot be written.
    pub(super) async fn answer(&self, call: impl LineCall) -> Result<Exit, CliError> {
        let form = if self.json {
            AnswerForm::Json
        } else {
            AnswerForm::Text
        };
        let output = io::BufWriter::new(io::stdout().lock());
        let tally = pipeline::run(call, self.open()?, output, form).await?;
        Ok(tally.exit())
    }
}

/// Reads a subject from an argument.
pub(super) fn subject(text: &str) -> Result<Subject, String> {
    Subject::new(text).map_err(|error| error.to_string())
}

/// How values of a subject are described in `--help`.
pub(super) const SUBJECT_HELP: &str =
    "Your own opaque id of the customer whom every value belongs to, such as cus_123";

const INPUT_BUFFER_BYTES: usize = 64 << 10;
