//! A line in, a line out: batches of lines become calls, and answers come back in order.
//!
//! A batch is whatever waits when a call may start, so that somebody who types gets an answer to
//! each line, and a file is sent 1,000 lines at a time, several calls under way.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::io::BufRead;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::cli::answer::Answer;
use crate::cli::answer::AnswerForm;
use crate::cli::answer::AnswerWriter;
use crate::cli::answer::Failure;
use crate::cli::answer::Tally;
use crate::cli::answer::say_failure;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::line;
use crate::cli::line::Line;
use crate::cli::run_id::RunId;
use crate::client::ClientError;
use crate::client::ITEMS_MAX;
use crate::client::ItemError;
use crate::domain::RequestId;

/// A call whose items are lines.
pub(super) trait LineCall: Send + Sync + 'static {
    /// What a line becomes.
    type Item: Send;

    /// Reads an item from a line's value.
    ///
    /// # Errors
    ///
    /// If the value is no item.
    fn item(&self, value: Zeroizing<String>) -> Result<Self::Item, Failure>;

    /// Makes the call: one answer for each item, in order.
    fn call(
        &self,
        request_id: RequestId,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<Vec<Result<Answer, ItemError>>, ClientError>> + Send;
}

/// Answers each line of the input with a line of output, in order, whatever happens to a call.
///
/// # Errors
///
/// If the input cannot be read or the output cannot be written.
pub(super) async fn run<C: LineCall>(
    call: C,
    input: impl BufRead + Send + 'static,
    output: impl Write,
    form: AnswerForm,
) -> Result<Tally, CliError> {
    let (sender, mut lines) = mpsc::channel(LINES_WAITING_MAX);
    let reader = thread::spawn(move || line::read_lines(input, &sender));
    let mut calls = Calls::new(call);
    let mut writer = AnswerWriter::new(output, form);
    let mut waiting = Vec::with_capacity(ITEMS_MAX);
    let mut input_ended = false;
    loop {
        let may_call = calls.in_flight.len() < CALLS_IN_FLIGHT_MAX;
        if may_call && !waiting.is_empty() {
            calls.start(&mut waiting);
            continue;
        }
        tokio::select! {
            biased;
            batch = next(&mut calls.in_flight), if !calls.in_flight.is_empty() => {
                calls.in_flight.pop_front();
                write(&mut writer, batch?)?;
            }
            count = lines.recv_many(&mut waiting, ITEMS_MAX), if may_call && !input_ended => {
                input_ended = count == 0;
            }
            else => break,
        }
    }
    match reader.join() {
        Ok(read) => read?,
        Err(_) => return Err(CliError::Failed("the input's reader stopped".to_owned())),
    }
    Ok(writer.tally())
}

struct Calls<C> {
    call: Arc<C>,
    run_id: RunId,
    count: u64,
    /// Set by the first call that fails as a whole: what follows is not sent.
    given_up: Arc<AtomicBool>,
    in_flight: VecDeque<JoinHandle<Batch>>,
}

/// A batch that is done: its lines' numbers with their results, in order, and why the call failed
/// as a whole, where it did.
struct Batch {
    results: Vec<(u64, Result<Answer, Failure>)>,
    call_failure: Option<Failure>,
}

impl<C: LineCall> Calls<C> {
    fn new(call: C) -> Self {
        Self {
            call: Arc::new(call),
            run_id: RunId::random(),
            count: 0,
            given_up: Arc::new(AtomicBool::new(false)),
            in_flight: VecDeque::with_capacity(CALLS_IN_FLIGHT_MAX),
        }
    }

    /// Starts a call with as many of the lines as fit into a message.
    fn start(&mut self, waiting: &mut Vec<Line>) {
        let mut bytes = 0;
        let fits = |line: &&Line| {
            bytes += line.value.as_ref().map_or(0, |value| value.len());
            bytes <= BATCH_BYTES_MAX
        };
        // One line always fits: it is shorter than a message.
        let count = waiting
            .iter()
            .take(ITEMS_MAX)
            .take_while(fits)
            .count()
            .max(1);
        let lines: Vec<_> = waiting.drain(..count.min(waiting.len())).collect();
        let request_id = self.run_id.request_id(self.count);
        self.count += 1;
        let (call, given_up) = (Arc::clone(&self.call), Arc::clone(&self.given_up));
        let batch = async move { answer(call.as_ref(), request_id, lines, &given_up).await };
        self.in_flight.push_back(tokio::spawn(batch));
    }
}

/// Waits for the oldest call, without taking it away: the wait may be given up.
async fn next(in_flight: &mut VecDeque<JoinHandle<Batch>>) -> Result<Batch, CliError> {
    match in_flight.front_mut() {
        Some(batch) => batch.await.map_err(|_| CliError::panicked()),
        None => std::future::pending().await,
    }
}

async fn answer<C: LineCall>(
    call: &C,
    request_id: RequestId,
    lines: Vec<Line>,
    given_up: &AtomicBool,
) -> Batch {
    let mut items = Vec::with_capacity(lines.len());
    let mut results = Vec::with_capacity(lines.len());
    let mut sent = Vec::with_capacity(lines.len());
    for line in lines {
        let item = line
            .value
            .map_err(Failure::invalid)
            .and_then(|value| call.item(value));
        let failure = item.map(|item| items.push(item)).err();
        sent.push(failure.is_none());
        results.push((line.number, Err(failure.unwrap_or_else(Failure::not_sent))));
    }
    let mut call_failure = None;
    if !items.is_empty() && !given_up.load(Ordering::Acquire) {
        let sent_results = results.iter_mut().zip(sent).filter(|(_, sent)| *sent);
        let sent_results = sent_results.map(|((_, result), _)| result);
        match call.call(request_id, items).await {
            Ok(answers) => {
                for (result, answer) in sent_results.zip(answers) {
                    *result = answer.map_err(Failure::from);
                }
            }
            Err(error) => {
                given_up.store(true, Ordering::Release);
                let failure = Failure::call(&error);
                sent_results.for_each(|result| *result = Err(failure.clone()));
                call_failure = Some(failure);
            }
        }
    }
    Batch {
        results,
        call_failure,
    }
}

fn write(writer: &mut AnswerWriter<impl Write>, batch: Batch) -> io::Result<()> {
    if let Some(failure) = &batch.call_failure {
        say_call_failure(&batch.results, failure);
    }
    for (line, result) in batch.results {
        match result {
            Ok(answer) => writer.answer(line, &answer)?,
            Err(failure) => {
                if Some(&failure) != batch.call_failure.as_ref() {
                    say_failure(line, &failure);
                }
                writer.failure(line, &failure)?;
            }
        }
    }
    writer.flush()
}

/// A call that failed as a whole is said once, not once for each of its lines.
fn say_call_failure(results: &[(u64, Result<Answer, Failure>)], failure: &Failure) {
    if let (Some((first, _)), Some((last, _))) = (results.first(), results.last()) {
        match first == last {
            true => say_failure(*first, failure),
            false => say(format_args!("lines {first} to {last}: {failure}")),
        }
    }
}

/// Lines that are read ahead: as many as all calls under way may have.
const LINES_WAITING_MAX: usize = CALLS_IN_FLIGHT_MAX * ITEMS_MAX;

/// Bytes of values in one call. A vault takes messages of 4 MiB by default.
pub(super) const BATCH_BYTES_MAX: usize = 2 << 20;

/// Calls under way: enough to keep a vault busy while answers are written.
pub(super) const CALLS_IN_FLIGHT_MAX: usize = 4;
