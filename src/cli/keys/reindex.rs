//! `counterfoil keys reindex`: records move to where newer fingerprint keys find them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use clap::Args;
use csv::StringRecord;
use serde_json::json;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::cli::acting::ActingArgs;
use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::answer::say_failure;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::line_args::SUBJECT_HELP;
use crate::cli::line_args::subject;
use crate::cli::parts::PartsArgs;
use crate::cli::pipeline::CALLS_IN_FLIGHT_MAX;
use crate::cli::pipeline::LineCall;
use crate::cli::run_id::RunId;
use crate::cli::tokenize::Column;
use crate::cli::tokenize::Rows;
use crate::cli::tokenize::field;
use crate::cli::tokenize::progress_bar;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::client::KeyClient;
use crate::client::TokenItem;
use crate::domain::Clock;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::SystemClock;
use crate::domain::Token;
use crate::protocol::ReindexOutcome;

/// Moves the records of tokens to where newer fingerprint keys find them
///
/// After `keys propose rotate token-fingerprint` or `value-fingerprint`. No token changes; to do it
/// again changes nothing, so a run that was cut off is simply begun anew.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Of each line it writes `moved`, `current`, `later` (younger than a day, and found by its request id
too) or `not-found`. Of a CSV file it writes nothing but what came of all rows, on standard error.

Examples:
  psql -Atc 'select email from customers' |
    counterfoil keys reindex --field email --dev .dev > /dev/null
  counterfoil keys reindex --csv --columns mail=email --subject-column id customers.csv --dev .dev
  counterfoil keys list --count --dev .dev --as officer1")]
pub(in crate::cli) struct ReindexArgs {
    /// The field that the tokens are of; a line of the input is a token
    #[arg(long, value_parser = field, required_unless_present = "csv", conflicts_with = "csv")]
    field: Option<FieldName>,

    #[arg(long, value_parser = subject, conflicts_with = "csv", help = SUBJECT_HELP)]
    subject: Option<Subject>,

    #[command(flatten)]
    parts: PartsArgs,

    /// Read a CSV file with a header
    #[arg(long, requires = "columns")]
    csv: bool,

    /// The columns that have tokens, with the fields that they are of
    #[arg(
        long,
        value_name = "COLUMN=FIELD",
        value_delimiter = ',',
        requires = "csv"
    )]
    columns: Vec<Column>,

    /// The column that has your own opaque id of each row's customer: links of customers who share
    /// a token move with it only
    #[arg(long, value_name = "COLUMN", requires = "csv")]
    subject_column: Option<String>,

    #[command(flatten)]
    lines: LineArgs,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// How many tokens came to what.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    moved: u64,
    current: u64,
    later: u64,
    not_found: u64,
    failed: u64,
    /// Refused by the vault, among those that failed.
    denied: u64,
}

type Answers = Result<Vec<Result<ReindexOutcome, ItemError>>, ClientError>;

impl ReindexArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let clock = SystemClock::default();
        let started = clock.now();
        let client = self.acting.keys(&self.connection).await?;
        let namespace = self.connection.profile()?.namespace;
        let (exit, counts) = if self.csv {
            let counts = self.rows(&client, &namespace).await?;
            let exit = match (counts.failed, counts.denied) {
                (0, _) => Exit::Done,
                (failed, denied) if failed == denied => Exit::Denied,
                _ => Exit::Failed,
            };
            (exit, counts)
        } else {
            let counts = Arc::new(Mutex::new(Counts::default()));
            let call = Reindex {
                client,
                namespace,
                field: self.field,
                subject: self.subject,
                parts: self.parts,
                counts: Arc::clone(&counts),
            };
            let exit = self.lines.answer(call).await?;
            let counts = *counts.lock().unwrap_or_else(PoisonError::into_inner);
            (exit, counts)
        };
        let elapsed_ms = clock.now().unix_ms().saturating_sub(started.unix_ms());
        counts.say(Duration::from_millis(elapsed_ms));
        Ok(exit)
    }

    /// Sends the tokens of a CSV file, several calls at a time.
    async fn rows(&self, client: &KeyClient, namespace: &Namespace) -> Result<Counts, CliError> {
        let (_, mut rows) = Rows::open(&self.lines, &self.columns, self.subject_column.as_deref())?;
        let bar = progress_bar(&self.lines);
        let (mut counts, run_id) = (Counts::default(), RunId::random());
        let mut in_flight: VecDeque<(u64, Vec<u64>, JoinHandle<Answers>)> = VecDeque::new();
        let mut input_ended = false;
        for call in 0.. {
            while in_flight.len() >= CALLS_IN_FLIGHT_MAX || input_ended {
                let Some((bytes, lines, answers)) = in_flight.pop_front() else {
                    bar.finish_and_clear();
                    return Ok(counts);
                };
                let answers = answers.await.map_err(|_| CliError::panicked())?;
                let answers = answers.inspect_err(|_| bar.abandon())?;
                bar.set_position(bytes);
                for (line, answer) in lines.into_iter().zip(answers) {
                    let answer = answer.map_err(Failure::from);
                    bar.suspend(|| counts.note(line, &answer));
                }
            }
            let records = rows.take(self.columns.len())?;
            input_ended = records.is_empty();
            let (mut lines, mut items) = (Vec::new(), Vec::new());
            for record in records {
                let line = record.position().map_or(0, csv::Position::line);
                for item in items_of(&rows, &record) {
                    match item {
                        Ok(item) => {
                            lines.push(line);
                            items.push(item);
                        }
                        Err(failure) => bar.suspend(|| counts.note(line, &Err(failure))),
                    }
                }
            }
            if items.is_empty() {
                continue;
            }
            let (client, namespace) = (client.clone(), namespace.clone());
            let request_id = run_id.request_id(call);
            let answers = async move { client.reindex(&namespace, &request_id, items).await };
            in_flight.push_back((rows.bytes_read(), lines, tokio::spawn(answers)));
        }
        Ok(counts)
    }
}

/// The tokens of a row.
fn items_of(rows: &Rows, record: &StringRecord) -> Vec<Result<TokenItem, Failure>> {
    let subject = rows.layout.subject.and_then(|it| record.get(it));
    let subject = subject.filter(|subject| !subject.is_empty());
    let subject = subject.map(Subject::new).transpose();
    let sources = rows.layout.values.iter();
    let item = |source: &crate::cli::tokenize::Source| {
        let text = source.text(record).map_err(Failure::invalid).transpose()?;
        Some(text.and_then(|mut text| {
            let subject = subject
                .as_ref()
                .map_err(|error| Failure::invalid(format_args!("subject: {error}")))?;
            Ok(TokenItem {
                field: Some(source.field().clone()),
                token: Token::new(std::mem::take(&mut *text)),
                subject: subject.clone(),
            })
        }))
    };
    sources.filter_map(item).collect()
}

struct Reindex {
    client: KeyClient,
    namespace: Namespace,
    field: Option<FieldName>,
    subject: Option<Subject>,
    parts: PartsArgs,
    counts: Arc<Mutex<Counts>>,
}

impl LineCall for Reindex {
    type Item = TokenItem;

    fn item(&self, value: Zeroizing<String>) -> Result<TokenItem, Failure> {
        Ok(TokenItem {
            field: self.field.clone(),
            token: Token::new(self.parts.text(&value)?),
            subject: self.subject.clone(),
        })
    }

    async fn call(
        &self,
        request_id: RequestId,
        items: Vec<TokenItem>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let results = self
            .client
            .reindex(&self.namespace, &request_id, items)
            .await?;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = |result: Result<ReindexOutcome, ItemError>| match result {
            Ok(outcome) => {
                counts.add(outcome);
                let name = name(outcome);
                Ok(Answer::new(name, [("outcome", json!(name))]))
            }
            Err(error) => {
                counts.failed += 1;
                Err(error)
            }
        };
        Ok(results.into_iter().map(answer).collect())
    }
}

impl Counts {
    fn add(&mut self, outcome: ReindexOutcome) {
        let count = match outcome {
            ReindexOutcome::Current => &mut self.current,
            ReindexOutcome::Later => &mut self.later,
            ReindexOutcome::Moved => &mut self.moved,
            ReindexOutcome::NotFound => &mut self.not_found,
            ReindexOutcome::Unspecified => &mut self.failed,
        };
        *count += 1;
    }

    fn note(&mut self, line: u64, answer: &Result<ReindexOutcome, Failure>) {
        match answer {
            Ok(outcome) => self.add(*outcome),
            Err(failure) => {
                self.failed += 1;
                self.denied += u64::from(failure.denied);
                say_failure(line, failure);
            }
        }
    }

    fn say(&self, elapsed: Duration) {
        let Self {
            moved,
            current,
            later,
            not_found,
            failed,
            ..
        } = self;
        let all = moved + current + later + not_found + failed;
        let seconds = elapsed.as_secs_f64();
        let rate = f64::from(u32::try_from(all).unwrap_or(u32::MAX)) / seconds.max(0.001);
        say(format_args!(
            "{all} tokens: {moved} moved, {current} current, {later} later, {not_found} not \
             found, {failed} failures, {seconds:.1} s, {rate:.0} a second"
        ));
    }
}

const fn name(outcome: ReindexOutcome) -> &'static str {
    match outcome {
        ReindexOutcome::Current => "current",
        ReindexOutcome::Later => "later",
        ReindexOutcome::Moved => "moved",
        ReindexOutcome::NotFound => "not-found",
        ReindexOutcome::Unspecified => "unspecified",
    }
}
