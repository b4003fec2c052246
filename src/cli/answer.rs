//! The answer to one line, in words or as JSON.

use std::fmt;
use std::io;
use std::io::Write;

use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::error::say;
use crate::cli::escape::escape;
use crate::cli::exit::Exit;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::code_name;

/// The answer to one line of input.
pub(super) struct Answer {
    /// As plain texts, which tabs go between; not escaped yet.
    pub(super) texts: Vec<Zeroizing<String>>,
    /// As members of a JSON object, in order.
    pub(super) members: Vec<(&'static str, Value)>,
}

impl Answer {
    pub(super) fn new<const N: usize>(text: &str, members: [(&'static str, Value); N]) -> Self {
        Self {
            texts: vec![Zeroizing::new(text.to_owned())],
            members: members.into(),
        }
    }

    /// The answer with these texts in the place of its own.
    pub(super) fn with_texts(self, texts: Vec<Zeroizing<String>>) -> Self {
        Self { texts, ..self }
    }
}

/// What went wrong with one line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// The code, as the documents write it.
    pub(super) code: &'static str,
    /// What is wrong; never the value.
    pub(super) message: String,
    /// Whether the vault refused the caller.
    pub(super) denied: bool,
}

impl Failure {
    /// A line that is wrong before it is sent.
    pub(super) fn invalid(error: impl ToString) -> Self {
        Self {
            code: "invalid_argument",
            message: error.to_string(),
            denied: false,
        }
    }

    /// A line that is not sent, since a call before it failed.
    pub(super) fn not_sent() -> Self {
        Self {
            code: NOT_SENT,
            message: "not sent, since a call before it failed".to_owned(),
            denied: false,
        }
    }

    /// A line of a call that failed as a whole.
    pub(super) fn call(error: &ClientError) -> Self {
        let denied = error.is_denied();
        match error {
            ClientError::Call { code, message } => {
                let (code, message) = (code_name(*code), message.clone());
                Self {
                    code,
                    message,
                    denied,
                }
            }
            ClientError::Connect { .. }
            | ClientError::Credentials { .. }
            | ClientError::Response(_) => {
                let message = error.to_string();
                Self {
                    code: "failed",
                    message,
                    denied,
                }
            }
        }
    }
}

impl From<ItemError> for Failure {
    fn from(error: ItemError) -> Self {
        Self {
            code: code_name(error.code),
            denied: error.is_denied(),
            message: error.message,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code)
    }
}

/// Writes one line of output for each line of input, and counts.
pub(super) struct AnswerWriter<W> {
    output: W,
    form: AnswerForm,
    tally: Tally,
}

/// How answers are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AnswerForm {
    /// One JSON object a line.
    Json,
    /// The text alone, escaped; nothing where there is none.
    Text,
}

impl<W: Write> AnswerWriter<W> {
    pub(super) fn new(output: W, form: AnswerForm) -> Self {
        Self {
            output,
            form,
            tally: Tally::default(),
        }
    }

    /// Writes the answer to a line.
    pub(super) fn answer(&mut self, line: u64, answer: &Answer) -> io::Result<()> {
        self.tally.done += 1;
        match self.form {
            AnswerForm::Text => {
                for (place, text) in answer.texts.iter().enumerate() {
                    let separator = if place > 0 { "\t" } else { "" };
                    write!(self.output, "{separator}{}", escape(text).as_str())?;
                }
                writeln!(self.output)
            }
            AnswerForm::Json => self.write_object(line, &answer.members),
        }
    }

    /// Writes that a line has no answer.
    pub(super) fn failure(&mut self, line: u64, failure: &Failure) -> io::Result<()> {
        self.tally.count(failure);
        let Failure { code, message, .. } = failure;
        match self.form {
            AnswerForm::Text => writeln!(self.output),
            AnswerForm::Json => {
                let error = json!({ "code": code, "message": message });
                self.write_object(line, &[("error", error)])
            }
        }
    }

    /// Writes a JSON object with the line's number first: whoever reads a log of them looks for it.
    fn write_object(&mut self, line: u64, members: &[(&str, Value)]) -> io::Result<()> {
        write!(self.output, "{{\"line\":{line}")?;
        for (name, value) in members {
            write!(self.output, ",\"{name}\":{value}")?;
        }
        writeln!(self.output, "}}")
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }
}

/// How many lines or cells came to what.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    /// Answered.
    pub(super) done: u64,
    /// Failed.
    pub(super) failed: u64,
    /// Failed since the vault refused the caller, or not sent after such a refusal.
    pub(super) denied: u64,
}

impl Tally {
    /// Counts a failure. What is not sent shares the fate of what was refused before it.
    pub(super) fn count(&mut self, failure: &Failure) {
        let not_sent_after_refusal = failure.code == NOT_SENT && self.denied == self.failed;
        self.failed += 1;
        if failure.denied || not_sent_after_refusal {
            self.denied += 1;
        }
    }

    /// How a command with these counts ends: denied only where nothing else went wrong.
    pub(super) fn exit(&self) -> Exit {
        if self.failed == 0 {
            Exit::Done
        } else if self.denied == self.failed {
            Exit::Denied
        } else {
            Exit::Failed
        }
    }
}

/// Says on standard error what went wrong with a line. What was not sent is known from what went
/// wrong before it.
pub(super) fn say_failure(line: u64, failure: &Failure) {
    if failure.code == NOT_SENT {
        return;
    }
    say(format_args!("line {line}: {failure}"));
}

/// The code of a line that was not sent. It is no code of gRPC.
const NOT_SENT: &str = "not_sent";

#[cfg(test)]
mod tests {
    use super::*;

    fn denied() -> Failure {
        let denied = true;
        Failure {
            denied,
            ..Failure::invalid("no")
        }
    }

    #[test]
    fn failed_line_is_an_empty_line() {
        let mut output = Vec::new();
        let mut writer = AnswerWriter::new(&mut output, AnswerForm::Text);
        writer.answer(1, &Answer::new("a\nb", [])).unwrap();
        writer.failure(2, &Failure::invalid("no")).unwrap();
        assert_eq!(writer.tally().exit(), Exit::Failed);
        assert_eq!(output, b"a\\nb\n\n");
    }

    #[test]
    fn json_has_one_object_a_line() {
        let mut output = Vec::new();
        let mut writer = AnswerWriter::new(&mut output, AnswerForm::Json);
        let answer = Answer::new("Kfo", [("token", json!("K\"fo")), ("created", json!(true))]);
        writer.answer(1, &answer).unwrap();
        writer.failure(2, &Failure::invalid("no")).unwrap();
        let expected = "{\"line\":1,\"token\":\"K\\\"fo\",\"created\":true}\n\
            {\"line\":2,\"error\":{\"code\":\"invalid_argument\",\"message\":\"no\"}}\n";
        assert_eq!(str::from_utf8(&output).unwrap(), expected);
    }

    #[test]
    fn denied_only_where_nothing_else_went_wrong() {
        let mut tally = Tally::default();
        assert_eq!(tally.exit(), Exit::Done);
        tally.count(&denied());
        tally.count(&Failure::not_sent());
        assert_eq!(tally.exit(), Exit::Denied);
        tally.count(&Failure::invalid("no"));
        assert_eq!(tally.exit(), Exit::Failed);
    }
}
