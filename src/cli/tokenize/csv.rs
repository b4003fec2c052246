//! A CSV file in, the same file out with tokens in its columns, or others in the place of its own.

use std::collections::VecDeque;
use std::fs;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use csv::StringRecord;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use tokio::task::JoinHandle;

use crate::cli::answer::Failure;
use crate::cli::answer::Tally;
use crate::cli::answer::say_failure;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::pipeline::BATCH_BYTES_MAX;
use crate::cli::pipeline::CALLS_IN_FLIGHT_MAX;
use crate::cli::tokenize::columns::Column;
use crate::cli::tokenize::columns::Layout;
use crate::cli::tokenize::columns::Source;
use crate::cli::tokenize::output::CsvOutput;
use crate::cli::tokenize::quotes::QuoteWatch;
use crate::client::ClientError;
use crate::client::ITEMS_MAX;
use crate::client::ItemError;
use crate::domain::Clock;
use crate::domain::FieldName;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::SystemClock;
use crate::domain::Token;

/// A call whose items are cells, and that gives each a token.
pub(in crate::cli) trait CellCall: Clone + Send + Sync + 'static {
    /// What a cell becomes.
    type Item: Send + 'static;

    /// Whether a cell that failed stays as it is: a token may, a value must not pass in clear.
    const KEEPS_FAILED: bool;

    /// Makes an item of a cell's text.
    fn item(&self, field: &FieldName, text: String, subject: Option<Subject>) -> Self::Item;

    /// Makes the call: one token for each item, in order.
    fn call(
        &self,
        request_id: RequestId,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Answers> + Send;
}

/// What to do with which file.
pub(in crate::cli) struct CsvJob {
    pub(in crate::cli) input: LineArgs,
    pub(in crate::cli) output: Option<PathBuf>,
    pub(in crate::cli) columns: Vec<Column>,
    pub(in crate::cli) subject_column: Option<String>,
    /// Tenant and further settings: a run with others is another run.
    pub(in crate::cli) settings: (String, String),
}

/// Rows with the cells of them that are sent.
struct Batch {
    rows: Vec<StringRecord>,
    /// The place of each value that is sent: its row in the batch and its place in the layout.
    cells: Vec<(usize, usize)>,
    /// The values that are not sent, with what is wrong with them.
    failures: Vec<(usize, usize, Failure)>,
    /// Bytes of the input up to the batch's end.
    input_bytes: u64,
}

/// A batch, and what its cells became.
type Filled<C> = (Batch, Vec<<C as CellCall>::Item>);

/// A token for each cell, or the call failed as a whole.
pub(in crate::cli) type Answers = Result<Vec<Result<Token, ItemError>>, ClientError>;

impl CsvJob {
    /// Does it, once the files are open, by the call that connecting gives.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written, or a call failed as a whole.
    pub(in crate::cli) async fn run<C: CellCall>(
        self,
        connect: impl Future<Output = Result<C, CliError>>,
    ) -> Result<Exit, CliError> {
        let clock = SystemClock::default();
        let started = clock.now();
        // Another file, or one that was changed since, has other rows at the same places.
        let input = self.input.identity()?;
        let (namespace, further) = &self.settings;
        let arguments = format!(
            "{namespace} {:?} {:?} {further} {input}",
            self.columns, self.subject_column
        );
        let (header, mut rows) =
            Rows::open(&self.input, &self.columns, self.subject_column.as_deref())?;
        let mut output = match self.output.clone() {
            Some(target) => CsvOutput::file(target, arguments)?,
            None => CsvOutput::stdout(arguments)?,
        };
        let cells = connect.await?;
        if output.is_new() {
            output.write(&header)?;
        }
        let bar = progress_bar(&self.input);
        rows.skip(output.state().rows)?;
        let tally = self.send(&cells, rows, &mut output, &bar).await?;
        bar.finish_and_clear();
        let state = output.finish()?;
        let elapsed_ms = clock.now().unix_ms().saturating_sub(started.unix_ms());
        let (rows, done, failed) = (state.rows, state.done, state.failed);
        let elapsed = Duration::from_millis(elapsed_ms).as_secs_f64();
        let rate = f64::from(u32::try_from(tally.done).unwrap_or(u32::MAX)) / elapsed.max(0.001);
        say(format_args!(
            "{rows} rows, {done} tokens, {failed} failures, {elapsed:.1} s, {rate:.0} a second"
        ));
        Ok(match failed {
            0 => Exit::Done,
            _ if tally.failed == failed => tally.exit(),
            _ => Exit::Failed,
        })
    }

    /// Sends batches, several at a time, and writes their rows in order.
    async fn send<C: CellCall>(
        &self,
        cells: &C,
        mut rows: Rows,
        output: &mut CsvOutput,
        bar: &ProgressBar,
    ) -> Result<Tally, CliError> {
        let mut tally = Tally::default();
        let mut in_flight: VecDeque<(Batch, JoinHandle<Answers>)> = VecDeque::new();
        let run_id = output.run_id();
        let mut call = output.state().calls;
        loop {
            if in_flight.len() < CALLS_IN_FLIGHT_MAX
                && let Some((batch, items)) = rows.batch(cells)?
            {
                let request_id = run_id.request_id(call);
                call += 1;
                let answers = answers(cells.clone(), request_id, items);
                in_flight.push_back((batch, tokio::spawn(answers)));
                continue;
            }
            let Some((batch, answers)) = in_flight.pop_front() else {
                return Ok(tally);
            };
            let answers = answers.await.map_err(|_| CliError::panicked())?;
            let answers = answers.inspect_err(|_| {
                bar.abandon();
                if self.output.is_some() {
                    say("interrupted: give the same command again to go on");
                }
            })?;
            bar.set_position(batch.input_bytes);
            let sources = &rows.layout.values;
            let keeps = C::KEEPS_FAILED;
            bar.suspend(|| write(batch, answers, sources, output, (keeps, &mut tally)))?;
        }
    }
}

/// Shows how much of the input is done, where standard error is a terminal.
pub(in crate::cli) fn progress_bar(input: &LineArgs) -> ProgressBar {
    let length = input
        .input
        .as_ref()
        .and_then(|path| fs::metadata(path).ok());
    let bar = match length {
        Some(metadata) => ProgressBar::new(metadata.len()),
        None => ProgressBar::new_spinner(),
    };
    let template = match bar.length() {
        Some(_) => "{bar:40} {percent:>3} %  {bytes_per_sec}  {eta} left",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    bar.with_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

async fn answers<C: CellCall>(cells: C, request_id: RequestId, items: Vec<C::Item>) -> Answers {
    match items.is_empty() {
        true => Ok(Vec::new()),
        false => cells.call(request_id, items).await,
    }
}

/// Puts the tokens into the rows and writes them. Cells that failed become empty, unless they are
/// kept.
fn write(
    mut batch: Batch,
    answers: Vec<Result<Token, ItemError>>,
    sources: &[Source],
    output: &mut CsvOutput,
    (keeps_failed, tally): (bool, &mut Tally),
) -> Result<(), CliError> {
    let mut tokens = Vec::with_capacity(answers.len());
    for ((row, value), answer) in batch.cells.into_iter().zip(answers) {
        match answer {
            Ok(token) => tokens.push((row, value, token)),
            Err(error) => batch.failures.push((row, value, error.into())),
        }
    }
    let before = *tally;
    let column_of = |value: usize| sources.get(value).map_or(0, Source::first_column);
    batch
        .failures
        .sort_by_key(|(row, value, _)| (*row, column_of(*value)));
    for (row, value, failure) in &batch.failures {
        let line = batch.rows.get(*row).and_then(StringRecord::position);
        let column = column_of(*value) + 1;
        let failure = Failure {
            message: format!("column {column}: {}", failure.message),
            ..failure.clone()
        };
        say_failure(line.map_or(0, csv::Position::line), &failure);
        tally.count(&failure);
    }
    tally.done += u64::try_from(tokens.len()).unwrap_or(u64::MAX);
    let mut texts: Vec<Vec<Option<&str>>> = batch
        .rows
        .iter()
        .map(|row| row.iter().map(Some).collect())
        .collect();
    let mut set = |row: usize, column: usize, text| {
        if let Some(cell) = texts.get_mut(row).and_then(|cells| cells.get_mut(column)) {
            *cell = text;
        }
    };
    for (row, value, _) in batch.failures.iter().filter(|_| !keeps_failed) {
        let columns = sources.get(*value).map_or(&[][..], |it| &it.columns);
        columns.iter().for_each(|&column| set(*row, column, None));
    }
    for (row, value, token) in &tokens {
        // The file is where tokens belong.
        let cells = sources.get(*value).map(|it| it.cells(token.expose()));
        for (column, text) in cells.unwrap_or_default() {
            set(*row, column, Some(text));
        }
    }
    for cells in &texts {
        let cells = cells.iter().map(|cell| cell.unwrap_or_default());
        output.write(&cells.collect())?;
    }
    let rows_count = u64::try_from(texts.len()).unwrap_or(u64::MAX);
    output.end_batch(|state| {
        state.rows += rows_count;
        state.calls += 1;
        state.done += tally.done - before.done;
        state.failed += tally.failed - before.failed;
    })
}

/// The rows of the input, in batches. The same rows make the same batches, whenever a run goes on.
pub(in crate::cli) struct Rows {
    reader: csv::Reader<QuoteWatch<Box<dyn BufRead + Send>>>,
    pub(in crate::cli) layout: Layout,
    /// Whether the input ended within quotes.
    ended_open: Arc<AtomicBool>,
    /// The row that did not fit into the batch before.
    left_over: Option<StringRecord>,
}

impl Rows {
    /// Opens the input, and finds the columns in its header.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or does not have the columns.
    pub(in crate::cli) fn open(
        input: &LineArgs,
        columns: &[Column],
        subject_column: Option<&str>,
    ) -> Result<(StringRecord, Self), CliError> {
        let mut reader = csv::Reader::from_reader(QuoteWatch::new(input.open()?));
        let header = reader.headers().map_err(|error| csv_error(&error))?.clone();
        let rows = Self {
            layout: Layout::find(&header, columns, subject_column)?,
            ended_open: reader.get_ref().ended_open(),
            reader,
            left_over: None,
        };
        Ok((header, rows))
    }

    /// The next rows, as many as fit into a call where each has so many items; none at the end.
    ///
    /// # Errors
    ///
    /// If the input cannot be read, or is not CSV.
    pub(in crate::cli) fn take(
        &mut self,
        items_each: usize,
    ) -> Result<Vec<StringRecord>, CliError> {
        let mut rows = Vec::new();
        let (mut items_count, mut bytes) = (0, 0);
        while let Some(row) = self.next()? {
            items_count += items_each;
            bytes += row.as_slice().len();
            let is_full =
                items_count > ITEMS_MAX || bytes > BATCH_BYTES_MAX || rows.len() == ROWS_MAX;
            if is_full && !rows.is_empty() {
                self.left_over = Some(row);
                break;
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Bytes of the input that were read.
    pub(in crate::cli) fn bytes_read(&self) -> u64 {
        self.reader.position().byte()
    }

    fn next(&mut self) -> Result<Option<StringRecord>, CliError> {
        if let Some(row) = self.left_over.take() {
            return Ok(Some(row));
        }
        let mut row = StringRecord::new();
        let read = self.reader.read_record(&mut row);
        if self.ended_open.load(Ordering::Acquire) {
            let problem = "a quote in the input is never closed, so it has taken the rest of the \
                           file into one cell\n  close it, or double a quote that is meant";
            return Err(CliError::Usage(problem.to_owned()));
        }
        Ok(read.map_err(|error| csv_error(&error))?.then_some(row))
    }

    /// Passes over rows that an earlier run has done.
    fn skip(&mut self, count: u64) -> Result<(), CliError> {
        for _ in 0..count {
            if self.next()?.is_none() {
                let problem =
                    "the input is shorter than what is done of it\n  is it the same file?";
                return Err(CliError::Usage(problem.to_owned()));
            }
        }
        Ok(())
    }

    /// The next rows, as many as fit into a call, with the values of their cells.
    fn batch<C: CellCall>(&mut self, cells: &C) -> Result<Option<Filled<C>>, CliError> {
        let mut batch = Batch {
            rows: Vec::new(),
            cells: Vec::new(),
            failures: Vec::new(),
            input_bytes: 0,
        };
        let mut items = Vec::with_capacity(ITEMS_MAX);
        for row in self.take(self.layout.values.len())? {
            self.read(cells, row, &mut batch, &mut items);
        }
        batch.input_bytes = self.bytes_read();
        Ok((!batch.rows.is_empty()).then_some((batch, items)))
    }

    /// Takes the cells of a row that have something in them.
    fn read<C: CellCall>(
        &self,
        cells: &C,
        row: StringRecord,
        batch: &mut Batch,
        items: &mut Vec<C::Item>,
    ) {
        let number = batch.rows.len();
        let subject = self.layout.subject.and_then(|position| row.get(position));
        let subject = subject.map(Subject::new).transpose();
        for (place, source) in self.layout.values.iter().enumerate() {
            match (source.text(&row), &subject) {
                (Ok(None), _) => (),
                (Ok(Some(mut text)), Ok(subject)) => {
                    batch.cells.push((number, place));
                    let text = std::mem::take(&mut *text);
                    items.push(cells.item(&source.field, text, subject.clone()));
                }
                (Err(error), _) => {
                    batch
                        .failures
                        .push((number, place, Failure::invalid(error)));
                }
                (Ok(Some(_)), Err(error)) => {
                    let failure = Failure::invalid(format_args!("subject: {error}"));
                    batch.failures.push((number, place, failure));
                }
            }
        }
        batch.rows.push(row);
    }
}

/// What is wrong with a CSV file, without what is in it.
fn csv_error(error: &csv::Error) -> CliError {
    let line = error.position().map_or(0, csv::Position::line);
    let problem = if let csv::ErrorKind::Io(error) = error.kind() {
        format!("cannot read the input: {error}")
    } else if let csv::ErrorKind::Utf8 { .. } = error.kind() {
        format!("line {line}: the row is not UTF-8")
    } else if let csv::ErrorKind::UnequalLengths { expected_len, .. } = error.kind() {
        format!("line {line}: the row does not have {expected_len} cells, as the header does")
    } else {
        format!("line {line}: the row is not CSV")
    };
    CliError::Failed(problem)
}

/// Rows of one batch, where most cells are empty.
const ROWS_MAX: usize = 1_000;
