//! `counterfoil import`: tokens of another vault, with their values, from a CSV file.

use std::collections::VecDeque;
use std::io;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use csv::StringRecord;
use indicatif::ProgressBar;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::cli::answer::Failure;
use crate::cli::answer::Tally;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::pipeline::CALLS_IN_FLIGHT_MAX;
use crate::cli::run_id::RunId;
use crate::cli::tokenize::Column;
use crate::cli::tokenize::Rows;
use crate::cli::tokenize::Source;
use crate::cli::tokenize::field;
use crate::cli::tokenize::progress_bar;
use crate::client::ClaimItem;
use crate::client::ClientError;
use crate::client::IssuedToken;
use crate::client::ItemError;
use crate::client::TokenClient;
use crate::domain::Clock;
use crate::domain::FieldName;
use crate::domain::PartsError;
use crate::domain::Plaintext;
use crate::domain::Subject;
use crate::domain::SystemClock;
use crate::domain::Token;

/// Makes the tokens of another vault stand for their values here: a CSV file with both
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Rows that fail are listed on standard output, as a CSV file with row (from 1, without the header),
line, code and reason, never with a value or a token; the exit code is 1 then. Rows in which both
cells are empty are passed over. To go on after an interruption, give the same command again: pairs
that are known are found. Of a field with parts, both are in parts: columns joined with \"+\", each
named like its part or as COLUMN:PART; parts that are left out are empty.

Examples:
  counterfoil import --field email --value-column email --token-column email_token \\
    --subject-column id --dev .dev old_vault.csv > failed.csv
  counterfoil import --field postal --value-column line1+city+zip:postal_code \\
    --token-column t_line1:line1+t_city:city+t_zip:postal_code --dev .dev addresses.csv")]
pub(super) struct ImportArgs {
    /// The field that every pair belongs to
    #[arg(long, value_parser = field)]
    field: FieldName,

    /// The column that has the values, or the columns of their parts
    #[arg(long, value_name = "COLUMN[+COLUMN...]")]
    value_column: String,

    /// The column that has their tokens, or the columns of their parts
    #[arg(long, value_name = "COLUMN[+COLUMN...]")]
    token_column: String,

    /// The column that has your own opaque id of each row's customer
    #[arg(long, value_name = "COLUMN")]
    subject_column: Option<String>,

    /// Seconds until the tokens expire; the field's own setting if there is none
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    ttl: Option<u32>,

    /// Take values that are tokens of the field: needed where tokens look like values
    #[arg(long)]
    allow_token_values: bool,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Where a row is: its number from 1, and its line.
#[derive(Clone, Copy)]
struct Place {
    row: u64,
    line: u64,
}

/// A call under way: the rows that it has, and those that it does not have.
struct Batch {
    sent: Vec<Place>,
    failures: Vec<(Place, Failure)>,
    /// Bytes of the input up to the batch's end.
    input_bytes: u64,
}

type Answers = Result<Vec<Result<IssuedToken, ItemError>>, ClientError>;

/// What came of the rows.
#[derive(Default)]
struct Outcome {
    rows: u64,
    created: u64,
    tally: Tally,
}

impl ImportArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let clock = SystemClock::default();
        let started = clock.now();
        let columns = [&self.value_column, &self.token_column]
            .map(|name| Column::new(name.clone(), self.field.clone()));
        let (_, rows) = Rows::open(&self.lines, &columns, self.subject_column.as_deref())?;
        check_sources(&rows.layout.values)?;
        let client = TokenClient::connect(&self.connection.profile()?).await?;
        let bar = progress_bar(&self.lines);
        let mut report = Report::new(io::stdout(), self.lines.json)?;
        let outcome = self.import(&client, rows, &mut report, &bar).await?;
        bar.finish_and_clear();
        let elapsed_ms = clock.now().unix_ms().saturating_sub(started.unix_ms());
        let elapsed = Duration::from_millis(elapsed_ms).as_secs_f64();
        let Outcome {
            rows,
            created,
            tally,
        } = outcome;
        let (known, failed) = (tally.done - created, tally.failed);
        say(format_args!(
            "{rows} rows, {created} tokens imported, {known} known before, {failed} failures, \
             {elapsed:.1} s"
        ));
        Ok(tally.exit())
    }

    /// Sends batches, several at a time, and reports their rows in order.
    async fn import(
        &self,
        client: &TokenClient,
        mut rows: Rows,
        report: &mut Report<impl Write>,
        bar: &ProgressBar,
    ) -> Result<Outcome, CliError> {
        let mut outcome = Outcome::default();
        let mut in_flight: VecDeque<(Batch, JoinHandle<Answers>)> = VecDeque::new();
        let run_id = RunId::random();
        let mut input_ended = false;
        for call in 0.. {
            while in_flight.len() >= CALLS_IN_FLIGHT_MAX || input_ended {
                let Some((batch, answers)) = in_flight.pop_front() else {
                    return Ok(outcome);
                };
                let answers = answers.await.map_err(|_| CliError::panicked())?;
                let answers = answers.inspect_err(|error| {
                    bar.abandon();
                    if !error.is_denied() {
                        say("interrupted: give the same command again to go on");
                    }
                })?;
                bar.set_position(batch.input_bytes);
                bar.suspend(|| report.batch(batch, answers, &mut outcome))?;
            }
            let Some((batch, items)) = self.batch(&mut rows, &mut outcome.rows)? else {
                input_ended = true;
                continue;
            };
            let (client, request_id) = (client.clone(), run_id.request_id(call));
            let (ttl, allow_token_values) = (self.ttl, self.allow_token_values);
            let answers = async move {
                match items.is_empty() {
                    true => Ok(Vec::new()),
                    false => {
                        let call =
                            client.import_tokens(&request_id, items, ttl, allow_token_values);
                        call.await
                    }
                }
            };
            in_flight.push_back((batch, tokio::spawn(answers)));
        }
        Ok(outcome)
    }

    /// The pairs of the next rows; nothing at the end.
    fn batch(
        &self,
        rows: &mut Rows,
        rows_count: &mut u64,
    ) -> Result<Option<(Batch, Vec<ClaimItem>)>, CliError> {
        let records = rows.take(1)?;
        if records.is_empty() {
            return Ok(None);
        }
        let mut batch = Batch {
            sent: Vec::with_capacity(records.len()),
            failures: Vec::new(),
            input_bytes: rows.bytes_read(),
        };
        let mut items = Vec::with_capacity(records.len());
        for record in records {
            *rows_count += 1;
            let place = Place {
                row: *rows_count,
                line: record.position().map_or(0, csv::Position::line),
            };
            match self.pair(rows, &record) {
                Ok(Some(item)) => {
                    batch.sent.push(place);
                    items.push(item);
                }
                Ok(None) => (),
                Err(failure) => batch.failures.push((place, failure)),
            }
        }
        Ok(Some((batch, items)))
    }

    /// The pair of a row, if it has one.
    fn pair(&self, rows: &Rows, record: &StringRecord) -> Result<Option<ClaimItem>, Failure> {
        let mut texts = rows.layout.values.iter().map(|source| source.text(record));
        let (value, token) = (texts.next(), texts.next());
        let text_of = |name, text: Option<Result<_, PartsError>>| {
            let text = text.transpose().map(Option::flatten);
            text.map_err(|error| Failure::invalid(format_args!("{name}: {error}")))
        };
        let (mut value, mut token) = match (text_of("value", value)?, text_of("token", token)?) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(Failure::invalid("token has no value")),
            (Some(_), None) => return Err(Failure::invalid("value has no token")),
            (Some(value), Some(token)) => (value, token),
        };
        let subject = rows
            .layout
            .subject
            .and_then(|position| record.get(position));
        let subject = subject
            .map(Subject::new)
            .transpose()
            .map_err(|error| Failure::invalid(format_args!("subject: {error}")))?;
        Ok(Some(ClaimItem {
            field: self.field.clone(),
            token: Token::new(std::mem::take(&mut *token)),
            value: Plaintext::new(std::mem::take(&mut *value)),
            subject,
        }))
    }
}

/// Values in parts have tokens in parts, and whole ones whole ones.
fn check_sources(sources: &[Source]) -> Result<(), CliError> {
    let in_parts = sources.iter().filter(|source| source.has_parts()).count();
    match in_parts == 0 || in_parts == sources.len() {
        true => Ok(()),
        false => Err(CliError::Usage(
            "of --value-column and --token-column one is in parts\n  join the columns of both with \
             \"+\", each named like its part or as COLUMN:PART"
                .to_owned(),
        )),
    }
}

/// Lists the rows that failed.
struct Report<W: Write> {
    form: Form<W>,
}

enum Form<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Json(W),
}

impl<W: Write> Report<W> {
    fn new(output: W, is_json: bool) -> Result<Self, CliError> {
        let form = if is_json {
            Form::Json(output)
        } else {
            let mut writer = csv::Writer::from_writer(output);
            let header = ["row", "line", "code", "reason"];
            writer.write_record(header).map_err(CliError::failed)?;
            writer.flush()?;
            Form::Csv(Box::new(writer))
        };
        Ok(Self { form })
    }

    /// Counts the rows of a batch, and lists those that failed in their order.
    fn batch(
        &mut self,
        batch: Batch,
        answers: Vec<Result<IssuedToken, ItemError>>,
        outcome: &mut Outcome,
    ) -> Result<(), CliError> {
        let mut failures = batch.failures;
        for (place, answer) in batch.sent.into_iter().zip(answers) {
            match answer {
                Ok(issued) => {
                    outcome.tally.done += 1;
                    outcome.created += u64::from(issued.created);
                }
                Err(error) => failures.push((place, error.into())),
            }
        }
        failures.sort_by_key(|(place, _)| place.row);
        for (place, failure) in &failures {
            outcome.tally.count(failure);
            self.failure(*place, failure)?;
        }
        match &mut self.form {
            Form::Csv(writer) => writer.flush()?,
            Form::Json(writer) => writer.flush()?,
        }
        Ok(())
    }

    fn failure(&mut self, place: Place, failure: &Failure) -> Result<(), CliError> {
        let Place { row, line } = place;
        let Failure { code, message, .. } = failure;
        match &mut self.form {
            Form::Csv(writer) => {
                let cells = [&row.to_string(), &line.to_string(), *code, message];
                writer.write_record(cells).map_err(CliError::failed)
            }
            Form::Json(writer) => {
                let error = json!({ "code": code, "message": message });
                Ok(writeln!(
                    writer,
                    "{{\"row\":{row},\"line\":{line},\"error\":{error}}}"
                )?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_rows_are_listed_in_their_order() {
        for (is_json, expected) in [
            (
                false,
                "row,line,code,reason\n1,2,invalid_argument,value has no token\n\
                 3,5,invalid_argument,\"no, never\"\n",
            ),
            (
                true,
                "{\"row\":1,\"line\":2,\"error\":{\"code\":\"invalid_argument\",\
                 \"message\":\"value has no token\"}}\n\
                 {\"row\":3,\"line\":5,\"error\":{\"code\":\"invalid_argument\",\
                 \"message\":\"no, never\"}}\n",
            ),
        ] {
            let mut output = Vec::new();
            let mut outcome = Outcome::default();
            let mut report = Report::new(&mut output, is_json).unwrap();
            let place = |row, line| Place { row, line };
            let failures = vec![
                (place(3, 5), Failure::invalid("no, never")),
                (place(1, 2), Failure::invalid("value has no token")),
            ];
            let batch = Batch {
                sent: Vec::new(),
                failures,
                input_bytes: 0,
            };
            report.batch(batch, Vec::new(), &mut outcome).unwrap();
            drop(report);
            assert_eq!(str::from_utf8(&output).unwrap(), expected);
            assert_eq!(outcome.tally.exit(), Exit::Failed);
        }
    }
}
