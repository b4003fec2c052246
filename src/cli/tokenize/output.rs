//! Where the rows of a CSV run go, so that an interrupted run can go on.
//!
//! Rows go to `FILE.partial`, which becomes FILE at the end. After each batch `FILE.state` says
//! how many rows are done and how long the partial file is. If we crash between the two, the
//! partial file is longer than the state says and is cut back; the batch is sent again with the
//! request id that it had, so that the vault answers with the tokens that it made.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use csv::StringRecord;
use serde::Deserialize;
use serde::Serialize;

use crate::cli::error::CliError;
use crate::cli::run_id::RunId;

/// How far a run is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunState {
    /// What the request ids begin with.
    run_id: String,
    /// What the run does, to recognize another one.
    arguments: String,
    /// Rows that are done, without the header.
    pub(super) rows: u64,
    /// Calls that are done.
    pub(super) calls: u64,
    /// Cells that got a token.
    pub(super) done: u64,
    /// Cells that failed.
    pub(super) failed: u64,
    /// Bytes of the partial file that belong to these rows.
    output_bytes: u64,
}

impl RunState {
    fn new(arguments: String) -> Self {
        Self {
            run_id: RunId::random().to_string(),
            arguments,
            rows: 0,
            calls: 0,
            done: 0,
            failed: 0,
            output_bytes: 0,
        }
    }
}

/// Where rows go.
pub(super) struct CsvOutput {
    sink: Sink,
    state: RunState,
    run_id: RunId,
}

enum Sink {
    File {
        target: PathBuf,
        partial: csv::Writer<File>,
    },
    Stdout(csv::Writer<io::Stdout>),
}

impl CsvOutput {
    /// Standard output: nothing is kept, so an interrupted run begins anew.
    pub(super) fn stdout(arguments: String) -> Result<Self, CliError> {
        Self::new(
            Sink::Stdout(csv::Writer::from_writer(io::stdout())),
            RunState::new(arguments),
        )
    }

    /// A file. A run that was interrupted goes on.
    ///
    /// # Errors
    ///
    /// If the file is there already, what is there is of another run, or cannot be written.
    pub(super) fn file(target: PathBuf, arguments: String) -> Result<Self, CliError> {
        if target.exists() {
            let target = target.display();
            let problem = format!("{target} is there already\n  remove it, or name another file");
            return Err(CliError::Usage(problem));
        }
        let path = beside(&target, "partial");
        let state = match read_state(&beside(&target, "state"))? {
            Some(state) if state.arguments == arguments => state,
            Some(_) => {
                return Err(CliError::Usage(format!(
                    "{} is of a run with other arguments or another input\n  give those, or remove \
                     {0} and {}",
                    beside(&target, "state").display(),
                    path.display(),
                )));
            }
            None => RunState::new(arguments),
        };
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(CliError::file(&path))?;
        let is_whole = file.metadata()?.len() >= state.output_bytes;
        if !is_whole {
            let path = path.display();
            let problem = format!("{path} is shorter than its state says\n  remove both");
            return Err(CliError::Failed(problem));
        }
        file.set_len(state.output_bytes)?;
        file.seek(SeekFrom::End(0))?;
        let partial = csv::Writer::from_writer(file);
        Self::new(Sink::File { target, partial }, state)
    }

    fn new(sink: Sink, state: RunState) -> Result<Self, CliError> {
        let run_id = RunId::from_text(&state.run_id)
            .ok_or_else(|| CliError::Failed("the state of the run is damaged".to_owned()))?;
        Ok(Self {
            sink,
            state,
            run_id,
        })
    }

    pub(super) fn run_id(&self) -> RunId {
        self.run_id
    }

    pub(super) fn state(&self) -> &RunState {
        &self.state
    }

    /// Whether the header is still to be written.
    pub(super) fn is_new(&self) -> bool {
        self.state.output_bytes == 0
    }

    pub(super) fn write(&mut self, record: &StringRecord) -> Result<(), CliError> {
        let written = match &mut self.sink {
            Sink::File { partial, .. } => partial.write_record(record),
            Sink::Stdout(writer) => writer.write_record(record),
        };
        written.map_err(|error| {
            if let csv::ErrorKind::Io(error) = error.into_kind() {
                CliError::Stream(error)
            } else {
                CliError::Failed("cannot write a row".to_owned())
            }
        })
    }

    /// Ends a batch: `update` counts what it did.
    ///
    /// # Errors
    ///
    /// If the rows or the state cannot be written.
    pub(super) fn end_batch(&mut self, update: impl FnOnce(&mut RunState)) -> Result<(), CliError> {
        update(&mut self.state);
        match &mut self.sink {
            Sink::Stdout(writer) => writer.flush()?,
            Sink::File { target, partial } => {
                partial.flush()?;
                let mut file = partial.get_ref();
                // The rows are on the disk before the state says that they are done.
                file.sync_data()?;
                self.state.output_bytes = file.stream_position()?;
                write_state(&beside(target, "state"), &self.state)?;
            }
        }
        Ok(())
    }

    /// Ends the run: the partial file becomes the file.
    ///
    /// # Errors
    ///
    /// If it cannot be written or renamed.
    pub(super) fn finish(mut self) -> Result<RunState, CliError> {
        // The header of a file without rows, too.
        self.end_batch(|_| ())?;
        if let Sink::File { target, .. } = &self.sink {
            let (partial, state) = (beside(target, "partial"), beside(target, "state"));
            // If we crash before the state is removed, the file is there, and a new run says so.
            fs::rename(&partial, target).map_err(CliError::file(target))?;
            fs::remove_file(&state).map_err(CliError::file(&state))?;
        }
        Ok(self.state)
    }
}

/// The file beside the target with one more ending.
fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut path = target.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

fn read_state(path: &Path) -> Result<Option<RunState>, CliError> {
    match fs::read(path) {
        Ok(bytes) => {
            let state = serde_json::from_slice(&bytes);
            state.map(Some).map_err(|_| {
                let path = path.display();
                CliError::Failed(format!("{path} is damaged\n  remove it to begin anew"))
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CliError::file(path)(source)),
    }
}

/// Replaces the state at once: a crash leaves the one before or this one.
fn write_state(path: &Path, state: &RunState) -> Result<(), CliError> {
    let new = beside(path, "new");
    let json = serde_json::to_vec(state).map_err(CliError::failed)?;
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(&json)?;
        file.sync_data()?;
        fs::rename(&new, path)
    };
    write().map_err(CliError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> StringRecord {
        StringRecord::from(vec![text])
    }

    #[test]
    fn interrupted_run_goes_on_where_its_state_is() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out.csv");
        let open = || CsvOutput::file(target.clone(), "arguments".to_owned());

        let mut first = open().unwrap();
        assert!(first.is_new());
        first.write(&record("header")).unwrap();
        first.write(&record("one")).unwrap();
        first.end_batch(|state| state.rows += 1).unwrap();
        let run_id = first.run_id();
        // A row that the state does not know of: the crash came in between.
        first.write(&record("lost")).unwrap();
        drop(first);

        let mut second = open().unwrap();
        assert_eq!((second.run_id(), second.state().rows), (run_id, 1));
        assert!(!second.is_new());
        second.write(&record("two")).unwrap();
        second.end_batch(|state| state.rows += 1).unwrap();
        assert_eq!(second.finish().unwrap().rows, 2);
        assert_eq!(fs::read_to_string(&target).unwrap(), "header\none\ntwo\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn finished_output_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out.csv");
        fs::write(&target, "mine").unwrap();
        assert!(CsvOutput::file(target.clone(), String::new()).is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    }

    #[test]
    fn run_with_other_arguments_does_not_go_on() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out.csv");
        let mut first = CsvOutput::file(target.clone(), "name".to_owned()).unwrap();
        first.end_batch(|state| state.rows += 1).unwrap();
        let error = CsvOutput::file(target, "email".to_owned()).err().unwrap();
        assert!(error.to_string().contains("other arguments"), "{error}");
    }
}
