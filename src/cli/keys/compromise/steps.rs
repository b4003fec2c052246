//! The steps of the ceremony as a checklist: what is done, under way, and to do, and by which
//! command.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::ceremony::OperationKind;
use crate::cli::keys::compromise::course::Act;
use crate::cli::keys::compromise::course::Course;
use crate::cli::keys::show;
use crate::domain::KeyPurpose;
use crate::protocol::KeyState;
use crate::protocol::OperationState;

/// Where a step is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    Done,
    /// It can be done no more.
    Over,
    ToDo,
    UnderWay,
}

/// A step of the ceremony.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) standing: Standing,
    words: String,
    /// What to call next, if anything is to be called.
    command: Option<String>,
}

/// What this call knows beside the vault, and how commands name the vault.
pub(super) struct Hints<'a> {
    /// The list of whom the key protected, if there is one, and how many records it has.
    pub(super) list: Option<(&'a Path, u64)>,
    /// The document of records, if this call wrote one.
    pub(super) record: Option<&'a Path>,
    /// The flags that lead a command to the same vault, with a space before them.
    pub(super) vault: String,
    /// The same, and as the same identity.
    pub(super) caller: String,
}

impl Standing {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Over => "too late",
            Self::ToDo => "to do",
            Self::UnderWay => "under way",
        }
    }
}

impl Step {
    fn new(name: &'static str, standing: Standing, words: impl Into<String>) -> Self {
        Self {
            name,
            standing,
            words: words.into(),
            command: None,
        }
    }

    fn by(self, command: String) -> Self {
        let command = Some(command);
        Self { command, ..self }
    }

    pub(super) fn lines(&self) -> String {
        let standing = self.standing.name();
        let line = format!("{standing:<9}  {:<10}  {}", self.name, self.words);
        match &self.command {
            Some(command) => format!("{line}\n{:<23}{command}", ""),
            None => line,
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "step": self.name,
            "standing": self.standing.name(),
            "words": self.words,
            "command": self.command,
        })
    }
}

/// Every step for a key, in order.
pub(super) fn steps(course: &Course, hints: &Hints<'_>) -> Vec<Step> {
    let is_wrapping = course.key.purpose == KeyPurpose::Wrapping;
    let mut steps = Vec::new();
    steps.push(mark(course, hints));
    if is_wrapping {
        steps.push(list(course, hints));
    }
    steps.extend(moving(course, hints));
    if is_wrapping {
        steps.push(retokenize(course, hints));
    }
    steps.push(destroy(course, hints));
    steps.push(record(course, hints));
    steps
}

fn list(course: &Course, hints: &Hints<'_>) -> Step {
    let step = |standing, words: &str| Step::new("list", standing, words);
    match hints.list {
        Some((path, count)) => {
            let words = format!("whom it protected, {count} records: ");
            step(Standing::Done, &words).with(path)
        }
        None if course.state == KeyState::Destroyed => step(
            Standing::Over,
            "it opens nothing: keep the file, if one was made",
        ),
        None => {
            let command = guide(course, hints, "--list FILE");
            step(
                Standing::ToDo,
                "whom it protected, for as long as it is not destroyed",
            )
            .by(command)
        }
    }
}

impl Step {
    fn with(mut self, path: &Path) -> Self {
        self.words.push_str(&path.display().to_string());
        self
    }
}

fn mark(course: &Course, hints: &Hints<'_>) -> Step {
    let name = "compromise";
    if course.is_marked() {
        return Step::new(name, Standing::Done, "nothing new is under it");
    }
    match course.act(OperationKind::CompromiseKey) {
        Some(act) => waiting(name, act, hints),
        None if course.state == KeyState::Destroyed => {
            Step::new(name, Standing::Over, "it was destroyed, and opens nothing")
        }
        None => Step::new(name, Standing::ToDo, "that nothing new is under it").by(guide(
            course,
            hints,
            if course.is_listable() {
                "--list FILE"
            } else {
                ""
            },
        )),
    }
}

/// What moves everything to another version, where something does.
fn moving(course: &Course, hints: &Hints<'_>) -> Option<Step> {
    let name = "move";
    let is_found_by_tokens = match course.key.purpose {
        KeyPurpose::TokenFingerprint | KeyPurpose::ValueFingerprint => true,
        KeyPurpose::AuditFingerprint | KeyPurpose::Wrapping => false,
        KeyPurpose::AuditSigning | KeyPurpose::DomainTag => return None,
    };
    if course.state == KeyState::Destroyed {
        return Some(Step::new(name, Standing::Done, "nothing is under it"));
    }
    if is_found_by_tokens {
        let words = "who keeps the tokens brings them; `keys list --count` says what is left";
        let command = "counterfoil keys reindex --help".to_owned();
        return Some(Step::new(name, Standing::ToDo, words).by(command));
    }
    let act = course.act(OperationKind::CompromiseKey);
    let running = act.filter(|act| act.operation.state() == OperationState::Running);
    Some(match running {
        Some(act) => {
            let id = &act.operation.operation_id;
            let words = format!("its job moves what is under it: {}", share(act));
            let command = format!("counterfoil keys watch {id}{}", hints.caller);
            Step::new(name, Standing::UnderWay, words).by(command)
        }
        None if course.has_moved() => Step::new(
            name,
            Standing::Done,
            "what was under it is under another version",
        ),
        None => Step::new(name, Standing::ToDo, "a job does it, once that took effect"),
    })
}

fn retokenize(course: &Course, hints: &Hints<'_>) -> Step {
    let name = "retokenize";
    let Some(act) = course.act(OperationKind::Retokenize) else {
        let words = "where records may have been copied too: tokens become others";
        let count = hints.list.map(|(_, count)| count.to_string());
        let count = count.unwrap_or_else(|| "NUMBER".to_owned());
        let propose = format!("counterfoil keys propose retokenize --tokens {count}");
        let command = format!("{propose}{}{}", namespace(course, hints), hints.caller);
        return Step::new(name, Standing::ToDo, words).by(command);
    };
    let id = &act.operation.operation_id;
    match act.operation.state() {
        OperationState::Done => {
            let words = format!("{} tokens are others", changed(act));
            Step::new(name, Standing::Done, words)
        }
        OperationState::Running => {
            let words = format!("{} tokens are others", changed(act));
            let flags = "--csv --columns COLUMN=FIELD --subject-column COLUMN FILE";
            let operation = format!("counterfoil retokenize --operation {id} {flags}");
            let command = format!("{operation}{}{}", namespace(course, hints), hints.vault);
            Step::new(name, Standing::UnderWay, words).by(command)
        }
        OperationState::Cancelled
        | OperationState::Expired
        | OperationState::Failed
        | OperationState::Proposed
        | OperationState::Unspecified
        | OperationState::Waiting => waiting(name, act, hints),
    }
}

fn destroy(course: &Course, hints: &Hints<'_>) -> Step {
    let name = "destroy";
    let act = course.act(OperationKind::DestroyKey);
    match act {
        Some(act) if act.operation.state() == OperationState::Running => {
            let words = "it opens nothing; its bytes are on their way off the disk";
            Step::new(name, Standing::UnderWay, words)
        }
        Some(act) if !act.took_effect() => waiting(name, act, hints),
        Some(_) => Step::new(name, Standing::Done, "it opens nothing, for ever"),
        None if course.state == KeyState::Destroyed => {
            Step::new(name, Standing::Done, "it opens nothing, for ever")
        }
        None => {
            let words = "that it opens nothing, for ever; once nothing is under it";
            let flags = match course.is_listable() {
                true => "--list FILE --destroy",
                false => "--destroy",
            };
            Step::new(name, Standing::ToDo, words).by(guide(course, hints, flags))
        }
    }
}

fn record(course: &Course, hints: &Hints<'_>) -> Step {
    let step = |standing, words: &str| Step::new("record", standing, words);
    match hints.record {
        Some(path) => step(Standing::Done, "signed, for auditors: ").with(path),
        None => {
            let words = "signed, for auditors; of every operation that is over by then";
            step(Standing::ToDo, words).by(guide(course, hints, "--record FILE"))
        }
    }
}

/// A step that waits for officers, or for its delay.
fn waiting(name: &'static str, act: &Act, hints: &Hints<'_>) -> Step {
    let operation = &act.operation;
    let id = &operation.operation_id;
    if operation.state() == OperationState::Waiting {
        return Step::new(name, Standing::UnderWay, show::next_step(operation));
    }
    let (signed, needed) = (operation.approvals.len(), operation.approvals_needed);
    let words = format!("{signed} of {needed} officers have signed; another of them signs with");
    let whose = if hints.vault.is_empty() {
        ""
    } else {
        " --as OFFICER"
    };
    let command = format!("counterfoil keys approve {id}{}{whose}", hints.vault);
    Step::new(name, Standing::UnderWay, words).by(command)
}

/// This command again, with another flag.
fn guide(course: &Course, hints: &Hints<'_>, flag: &str) -> String {
    let key = &course.key;
    let (purpose, version) = (key.purpose.name(), key.version);
    let space = if flag.is_empty() { "" } else { " " };
    format!(
        "counterfoil keys compromise {purpose} --key-version {version}{space}{flag}{}{}",
        namespace(course, hints),
        hints.caller
    )
}

/// The tenant as a flag; a development vault has only one, and its flags say so.
pub(super) fn namespace(course: &Course, hints: &Hints<'_>) -> String {
    match &course.key.namespace {
        Some(namespace) if hints.vault.is_empty() => format!(" --namespace {namespace}"),
        Some(_) | None => String::new(),
    }
}

fn share(act: &Act) -> String {
    let millionths = act.operation.progress.map_or(0, |it| it.done_millionths);
    format!("{:.1} %", f64::from(millionths) / 10_000.0)
}

fn changed(act: &Act) -> u64 {
    act.operation.progress.map_or(0, |it| it.records_changed)
}
