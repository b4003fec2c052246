//! `counterfoil keys compromise`: what is to be done when a key may be known, step by step.
//!
//! Nothing is remembered between two calls: where the ceremony is, the vault says.

mod course;
mod list;
mod partial;
mod steps;
mod users;

use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::ceremony::Operation;
use crate::ceremony::OperationKind;
use crate::ceremony::STATEMENT_SECONDS_MAX;
use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::compromise::course::Course;
use crate::cli::keys::compromise::steps::Hints;
use crate::cli::keys::compromise::steps::steps;
use crate::cli::keys::compromise::users::Users;
use crate::cli::keys::list::charter;
use crate::cli::keys::list::key_state_name;
use crate::cli::keys::propose::purpose;
use crate::cli::keys::propose::version;
use crate::cli::keys::record;
use crate::cli::keys::show;
use crate::cli::keys::signing::SigningArgs;
use crate::cli::keys::watch;
use crate::client;
use crate::client::KeyClient;
use crate::crypto::SystemEntropy;
use crate::domain::Clock;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::SystemClock;
use crate::durable;
use crate::durable::Readers;
use crate::protocol;
use crate::protocol::KeyState;
use crate::protocol::OperationState;

/// Leads through what is to be done when a key may be known to others
///
/// Each call does the next step, and prints what is done, under way, and to do: mark the key
/// compromised, list whom it protected, follow the job that moves everything away, replace tokens
/// where they must change, destroy the key, and write the signed record. Call it again to go on.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  counterfoil keys compromise --key-version 1 --dev .dev --as officer1
  counterfoil keys compromise --key-version 1 --list protected.csv --destroy --dev .dev \\
    --as officer1
  counterfoil keys compromise --key-version 1 --record record.txt --dev .dev --as auditor")]
pub(in crate::cli) struct CompromiseArgs {
    /// What the key is for
    #[arg(value_name = "KEY", value_parser = purpose, default_value = "wrapping")]
    purpose: KeyPurpose,

    /// Which version
    #[arg(long, value_name = "NUMBER", value_parser = version)]
    key_version: KeyVersion,

    /// Write whom a wrapping key protects, or protected, to this CSV file: the customer and the
    /// field of each record, and how many others share it. A file that is there is left as
    /// it is, and refused with --destroy
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,

    /// Destroy a wrapping key without a list: it cannot be made later
    #[arg(long, conflicts_with = "list")]
    without_list: bool,

    /// Propose to destroy the key, once nothing is under it
    #[arg(long)]
    destroy: bool,

    /// Write the signed records of all its operations that are over to this file, and propose
    /// nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "destroy"])]
    record: Option<PathBuf>,

    /// Only say what is done, under way, and to do
    #[arg(long, conflicts_with_all = ["list", "destroy", "record"])]
    status: bool,

    /// For how long others may sign, in hours
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=24))]
    hours: u64,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    signing: SigningArgs,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl CompromiseArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.keys(&self.connection).await?;
        let key = self.key()?;
        let listed = client.list().await?;
        let course = Course::of(&listed, &key)?;
        if let Some(path) = &self.record {
            write_record(&client, &course, path).await?;
        } else if !self.status {
            self.go_on(&client, &listed, &course).await?;
        }
        let listed = client.list().await?;
        self.print(&Course::of(&listed, &key)?).await?;
        Ok(Exit::Done)
    }

    fn key(&self) -> Result<KeyName, CliError> {
        let namespace = match self.purpose.is_of_namespace() {
            true => Some(self.connection.profile()?.namespace),
            false => None,
        };
        Ok(KeyName {
            purpose: self.purpose,
            namespace,
            version: self.key_version,
        })
    }

    /// Does what is to be done next, as far as it goes without another officer.
    async fn go_on(
        &self,
        client: &KeyClient,
        listed: &protocol::ListKeysResponse,
        course: &Course,
    ) -> Result<(), CliError> {
        let marking = course.act(OperationKind::CompromiseKey);
        let is_new =
            marking.is_none() && !course.is_marked() && course.state != KeyState::Destroyed;
        let there = self.list.as_ref().filter(|path| path.exists());
        if (is_new || self.destroy)
            && let Some(path) = there
        {
            // It may be of another key, of another day, or not whole.
            let path = path.display();
            let problem = format!("{path} is there already\n  give another name");
            return Err(CliError::Usage(problem));
        }
        // Before everything else: from then on nothing new is under it.
        let operation_id = match marking {
            Some(act) => Some(act.operation.operation_id.clone()),
            None if is_new => {
                let operation = Operation::CompromiseKey(course.key.clone());
                Some(self.propose(client, listed, operation).await?)
            }
            None => None,
        };
        let course = Course::of(&client.list().await?, &course.key)?;
        let is_listed = self.write_list(client, &course).await?;
        if let Some(id) = operation_id {
            follow(client, &id).await?;
        }
        if self.destroy {
            self.propose_destruction(client, &course.key, is_listed)
                .await?;
        }
        Ok(())
    }

    /// Proposes that the version is destroyed, if its list is whole: none can be made later.
    async fn propose_destruction(
        &self,
        client: &KeyClient,
        key: &KeyName,
        is_listed: bool,
    ) -> Result<(), CliError> {
        // What has moved is seen anew: the job may just have ended.
        let listed = client.list().await?;
        let course = Course::of(&listed, key)?;
        let is_begun = course.act(OperationKind::DestroyKey).is_some();
        if is_begun || course.state == KeyState::Destroyed {
            return Ok(());
        }
        if course.is_listable() && !is_listed && !self.without_list {
            return Err(CliError::Usage(NO_LIST.to_owned()));
        }
        if !course.is_marked() || course.has_job() && !course.has_moved() {
            say("not yet: it is destroyed when it is marked, and nothing is under it");
            return Ok(());
        }
        let operation = Operation::DestroyKey(course.key);
        self.propose(client, &listed, operation).await?;
        Ok(())
    }

    /// Writes whom the key protects, where that is asked for and not done; says whether this call
    /// has written a whole list.
    async fn write_list(&self, client: &KeyClient, course: &Course) -> Result<bool, CliError> {
        let is_listable = |_: &&Namespace| course.is_listable();
        let namespace = course.key.namespace.as_ref().filter(is_listable);
        let path = self.list.as_ref().filter(|path| !path.exists());
        let (Some(namespace), Some(path)) = (namespace, path) else {
            return Ok(false);
        };
        let is_whole = list::write(client, namespace, course.key.version, path).await?;
        if !course.is_marked() {
            say("not on it: what is made under the key until it is marked; list again then");
        }
        Ok(is_whole && course.is_marked())
    }

    /// Signs and proposes an operation, and says what comes next.
    async fn propose(
        &self,
        client: &KeyClient,
        listed: &protocol::ListKeysResponse,
        operation: Operation,
    ) -> Result<String, CliError> {
        let officer = self.signing.officer(&self.connection, &charter(listed)?)?;
        let now = SystemClock::default().now();
        let seconds = (self.hours * 60 * 60).min(STATEMENT_SECONDS_MAX);
        let statement = client::statement(listed, operation, now, seconds, &SystemEntropy)?;
        let note = officer.sign(&statement.to_string())?;
        let operation = client.propose(&note, None).await?;
        say(format_args!("{}", show::next_step(&operation)));
        Ok(operation.operation_id)
    }

    async fn print(&self, course: &Course) -> Result<(), CliError> {
        let (vault, caller) = match self.connection.dev_identity() {
            Some((directory, identity)) => {
                let vault = format!(" --dev {}", directory.display());
                let caller = format!("{vault} --as {identity}");
                (vault, caller)
            }
            None => (String::new(), String::new()),
        };
        let hints = Hints {
            list: match &self.list {
                Some(path) if path.exists() => Some((path, list::count(path)?)),
                Some(_) | None => None,
            },
            record: self.record.as_deref(),
            vault,
            caller,
        };
        let access = self.acting.access(&self.connection).await?;
        let users = Users::of(course, &hints, &access).await?;
        let steps = steps(course, &hints);
        let state = key_state_name(course.state);
        let mut output = io::stdout().lock();
        if self.json {
            let acts = course.acts.iter().map(|act| show::to_json(&act.operation));
            let object = json!({
                "key": course.key.to_string(),
                "state": state,
                "could_have_used": users.map(|users| users.json()),
                "steps": steps.iter().map(steps::Step::json).collect::<Vec<_>>(),
                "operations": acts.collect::<Vec<_>>(),
            });
            writeln!(output, "{object}")?;
            return Ok(());
        }
        writeln!(output, "{} is {state}\n", course.key)?;
        for step in &steps {
            writeln!(output, "{}", step.lines())?;
        }
        if let Some(users) = &users {
            writeln!(output)?;
            for line in users.lines() {
                writeln!(output, "{line}")?;
            }
        }
        Ok(())
    }
}

/// Follows an operation to its end, if it has taken effect; what waits for others is left to them.
async fn follow(client: &KeyClient, id: &str) -> Result<(), CliError> {
    let operation = client.operation(id).await?;
    if operation.state() == OperationState::Running {
        watch::follow(client, id).await?;
    }
    Ok(())
}

/// Writes the records of everything that is over, one after the other.
async fn write_record(client: &KeyClient, course: &Course, path: &Path) -> Result<(), CliError> {
    let mut records = Vec::new();
    for act in &course.acts {
        let operation = client.operation(&act.operation.operation_id).await?;
        if operation.record.is_empty() {
            let kind = act.statement.operation.kind().name();
            say(format_args!("not over, and without a record: {kind}"));
        } else {
            records.push(record::text(&operation));
        }
    }
    if records.is_empty() {
        let words = "no operation with this key is over, and only those have records";
        return Err(CliError::Usage(words.to_owned()));
    }
    let text = records.join(record::NEXT_RECORD);
    durable::create(path, text.as_bytes(), Readers::Owner).map_err(CliError::file(path))?;
    say(format_args!(
        "{}: {} records",
        path.display(),
        records.len()
    ));
    Ok(())
}

const NO_LIST: &str =
    "whom the key protected can be listed no more once it is destroyed: this call has no whole list
  give --list FILE, with a name that is not there yet, or --without-list";
