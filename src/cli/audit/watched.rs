//! Where entries go that are watched, and how far they are out.

use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::timeout_at;

use crate::audit::EntryFormat;
use crate::audit::EntryPage;
use crate::audit::PageEntry;
use crate::cli::audit::replace_file;
use crate::cli::audit::syslog::Collector;
use crate::cli::error::CliError;
use crate::client::ClientError;
use crate::client::WatchedEntries;
use crate::durable;
use crate::outbound::syslog::SyslogMessage;

/// Where entries go.
pub(super) enum Sink {
    Stdout(EntryFormat),
    Syslog(Box<Collector>),
}

/// Where entries go, and what to keep once they are there.
pub(super) struct Output {
    sink: Sink,
    state: Option<PathBuf>,
    /// What to keep of the last checkpoint whose entries were all written.
    verified: Option<String>,
    /// When it must be made sure that what was sent has arrived.
    due: Option<Instant>,
}

impl Output {
    pub(super) fn new(sink: Sink, state: Option<PathBuf>) -> Self {
        Self {
            sink,
            state,
            verified: None,
            due: None,
        }
    }

    /// The next page, as long as nothing else is due; nothing if [`Self::settle`] is.
    pub(super) async fn next_before_due(
        &self,
        pages: &mut WatchedEntries,
    ) -> Option<Result<Option<EntryPage>, ClientError>> {
        match self.due {
            Some(due) => timeout_at(due, pages.next()).await.ok(),
            None => Some(pages.next().await),
        }
    }

    /// Writes the entries of a page, before this index.
    pub(super) async fn write(
        &mut self,
        page: &EntryPage,
        end_index: Option<u64>,
    ) -> Result<(), CliError> {
        let wanted = |entry: &&PageEntry| end_index.is_none_or(|end| entry.index < end);
        let entries = page.entries.iter().filter(wanted);
        let origin = page.checkpoint.lines().next().unwrap_or_default();
        match &mut self.sink {
            Sink::Stdout(format) => {
                let mut output = io::stdout().lock();
                for entry in entries {
                    if let Some(line) = line(entry, *format, origin)? {
                        writeln!(output, "{line}")?;
                    }
                }
                Ok(output.flush()?)
            }
            Sink::Syslog(collector) => {
                // As in an export, there is nothing to tell of an erased entry.
                let kept = entries.filter(|entry| entry.erased.is_none());
                let messages = kept.map(|entry| message(entry, collector, origin));
                let messages = messages.collect::<Result<_, _>>()?;
                let sent = collector.delivery.deliver(messages).await;
                sent.map_err(|error| collector.failed(&error))?;
                if !collector.delivery.is_settled() {
                    self.due
                        .get_or_insert_with(|| Instant::now() + CONFIRM_AFTER);
                }
                Ok(())
            }
        }
    }

    /// Remembers what to keep of a checkpoint whose entries were all written, once they are out.
    pub(super) fn verified(&mut self, state: String) {
        self.verified = Some(state);
    }

    /// Settles if it is cheap, or if much is under way.
    pub(super) async fn settle_if_full(&mut self) -> Result<(), CliError> {
        let is_time = match &self.sink {
            Sink::Stdout(_) => true,
            Sink::Syslog(collector) => {
                let delivery = &collector.delivery;
                delivery.is_settled() || delivery.is_full()
            }
        };
        match is_time {
            true => self.settle().await,
            false => Ok(()),
        }
    }

    /// Makes sure that what was written has arrived, and then keeps how far it came.
    pub(super) async fn settle(&mut self) -> Result<(), CliError> {
        if let Sink::Syslog(collector) = &mut self.sink {
            let confirmed = collector.delivery.confirm().await;
            confirmed.map_err(|error| collector.failed(&error))?;
        }
        self.due = None;
        if let (Some(path), Some(state)) = (&self.state, self.verified.take()) {
            // If we crash before the state is written, entries come again. Were it there first, a
            // power cut could take the end of the file that it speaks of.
            match &self.sink {
                Sink::Stdout(_) => durable::sync_written(io::stdout())?,
                Sink::Syslog(_) => {}
            }
            replace_file(path, state.as_bytes())?;
        }
        Ok(())
    }
}

/// An entry as a line; nothing for an erased one, of which there is no event.
fn line(entry: &PageEntry, format: EntryFormat, origin: &str) -> Result<Option<String>, CliError> {
    match format {
        EntryFormat::Line => Ok(Some(entry.line.clone())),
        EntryFormat::Ocsf if entry.erased.is_some() => Ok(None),
        EntryFormat::Ocsf => {
            let stored = entry.stored();
            let line = stored.and_then(|stored| format.line(&stored, origin));
            line.map(Some).ok_or_else(|| unreadable(entry))
        }
    }
}

fn message(
    entry: &PageEntry,
    collector: &Collector,
    origin: &str,
) -> Result<SyslogMessage, CliError> {
    let stored = entry.stored();
    let message = stored.and_then(|stored| collector.form.message(&stored, origin));
    message.ok_or_else(|| unreadable(entry))
}

fn unreadable(entry: &PageEntry) -> CliError {
    CliError::Verification(format!("entry {} cannot be read", entry.index))
}

/// How long after the first message of a connection its arrival is made sure of.
const CONFIRM_AFTER: Duration = Duration::from_secs(5);
