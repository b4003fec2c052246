//! Where the story plays: a directory, a running vault, and the commands of its callers.

use std::env;
use std::fs;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::cli::dev::DevDirectory;
use crate::cli::error::CliError;
use crate::cli::example_keys;
use crate::domain::Clock;
use crate::domain::SystemClock;
use crate::domain::Timestamp;

/// Where the story plays.
pub(super) struct Stage {
    program: PathBuf,
    directory: PathBuf,
    vault: Option<Child>,
    clock: SystemClock,
    started: Timestamp,
    steps_count: u32,
}

/// What a command did.
pub(super) struct Played {
    /// Its exit code.
    pub(super) code: i32,
    /// What it wrote on standard output.
    pub(super) output: String,
    /// What it wrote on standard error.
    pub(super) words: String,
}

impl Stage {
    /// Makes the directory, with the example keys in `dev`.
    ///
    /// # Errors
    ///
    /// If the directory is not empty, or cannot be written.
    pub(super) fn open(directory: PathBuf) -> Result<Self, CliError> {
        let is_empty = match fs::read_dir(&directory) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if !is_empty {
            return Err(CliError::Usage(format!(
                "{} is not an empty directory\n  name one that is not there, or is empty",
                directory.display()
            )));
        }
        example_keys::write(&DevDirectory::new(&directory.join("dev")))?;
        let clock = SystemClock::default();
        Ok(Self {
            program: env::current_exe()?,
            directory,
            vault: None,
            started: clock.now(),
            clock,
            steps_count: 0,
        })
    }

    /// Begins a step of the story.
    pub(super) fn step(&mut self, title: &str) -> Result<(), CliError> {
        self.steps_count += 1;
        self.tell(&format!("\n{}. {title}", self.steps_count))
    }

    /// Says something.
    pub(super) fn tell(&self, words: &str) -> Result<(), CliError> {
        Ok(writeln!(io::stdout(), "{words}")?)
    }

    /// A file of the stage.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(super) fn write(&self, name: &str, contents: &[u8]) -> Result<(), CliError> {
        let path = self.path(name);
        fs::write(&path, contents).map_err(CliError::file(&path))
    }

    /// The path of the only file in a directory, as commands on the stage name it.
    pub(super) fn only_file(&self, directory: &str) -> Result<String, CliError> {
        let path = self.path(directory);
        let mut files = fs::read_dir(&path).map_err(CliError::file(&path))?;
        let file = files.next().transpose().map_err(CliError::file(&path))?;
        let file = file.ok_or_else(|| CliError::failed("there is no file"))?;
        Ok(format!("{directory}/{}", file.file_name().display()))
    }

    pub(super) fn read(&self, name: &str) -> Result<String, CliError> {
        let path = self.path(name);
        fs::read_to_string(&path).map_err(CliError::file(&path))
    }

    /// Starts the vault, and returns the line that it prints when it answers.
    ///
    /// # Errors
    ///
    /// If it does not.
    pub(super) fn start_vault(&mut self) -> Result<String, CliError> {
        self.show(&["serve", "--dev", "dev"], None)?;
        let mut vault = self
            .command(&["serve", "--dev", "dev"])
            .env("COUNTERFOIL_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = vault.stdout.take();
        self.vault = Some(vault);
        let mut line = String::new();
        if let Some(output) = output {
            BufReader::new(output).read_line(&mut line)?;
        }
        match line.trim_end() {
            "" => Err(CliError::Failed("the vault did not start".to_owned())),
            ready => Ok(ready.to_owned()),
        }
    }

    /// Runs a command with the input, and expects its exit code.
    ///
    /// # Errors
    ///
    /// If it ends otherwise; its words are in the error.
    pub(super) fn play(
        &self,
        arguments: &[&str],
        input: Option<&str>,
        expected: i32,
    ) -> Result<Played, CliError> {
        self.show(arguments, input)?;
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // The input is a line; a command that does not read it has failed already.
            let _ = stdin.write_all(input.unwrap_or_default().as_bytes());
        }
        let output = child.wait_with_output()?;
        let played = Played {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned(),
            words: String::from_utf8_lossy(&output.stderr)
                .trim_end()
                .to_owned(),
        };
        if played.code != expected {
            let Played { code, words, .. } = played;
            let problem = format!("exit code {code} where {expected} was expected: {words}");
            return Err(CliError::Failed(problem));
        }
        Ok(played)
    }

    /// Stops the vault in order and says how long it all took.
    ///
    /// # Errors
    ///
    /// If nobody listens.
    pub(super) fn close(&mut self) -> Result<(), CliError> {
        self.stop_vault();
        let elapsed_ms = self
            .clock
            .now()
            .unix_ms()
            .saturating_sub(self.started.unix_ms());
        let (seconds, tenths) = (elapsed_ms / 1_000, elapsed_ms / 100 % 10);
        self.tell(&format!("\nAll of it took {seconds}.{tenths} seconds."))
    }

    fn stop_vault(&mut self) {
        if let Some(mut vault) = self.vault.take() {
            let pid = i32::try_from(vault.id()).ok().and_then(Pid::from_raw);
            // A vault that is gone already needs no signal.
            let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
            let _ = vault.wait();
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(&self.directory);
        // Settings of the environment are of another vault.
        for (name, _) in env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"COUNTERFOIL_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Shows a command as somebody would type it.
    fn show(&self, arguments: &[&str], input: Option<&str>) -> Result<(), CliError> {
        let quoted = |text: &str| match text.contains(' ') {
            true => format!("'{text}'"),
            false => text.to_owned(),
        };
        let arguments: Vec<_> = arguments.iter().map(|argument| quoted(argument)).collect();
        let command = format!("counterfoil {}", arguments.join(" "));
        match input {
            Some(input) => self.tell(&format!(
                "   $ echo {} | {command}",
                quoted(input.trim_end())
            )),
            None => self.tell(&format!("   $ {command}")),
        }
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop_vault();
    }
}
