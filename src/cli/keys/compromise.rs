//! `counterfoil keys compromise`: leads officers through what is to do once a key may be known.
//!
//! It keeps nothing of its own: where they are, the states of key and operations say. So whoever
//! runs it, and however often, goes on where the others are.

use std::fs;
use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::ceremony::Operation;
use crate::ceremony::Statement;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::keys::propose::KeyArgs;
use crate::cli::keys::record;
use crate::cli::keys::show;
use crate::cli::keys::sign;
use crate::crypto::note::SignedNote;
use crate::domain::CeremonyId;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::protocol;
use crate::protocol::KeyState;
use crate::protocol::OperationState;

/// Leads through what is to do once a key version may be known to others
///
/// Does the next step that is yours as an officer: marks the version compromised, waits for its
/// job, has tokens replaced where records were copied, destroys the version, and writes the records
/// of all for the auditors. Says what others must do. Run it again, by any officer: it goes on
/// where you are. Exit code 0: all is done. Exit code 1: something is left.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Example:
  counterfoil keys compromise wrapping --key-version 1 --dev .dev --as officer1 --yes
  counterfoil keys compromise wrapping --key-version 1 --nothing-copied --output records.txt \\
    --dev .dev --as officer2 --yes")]
pub(in crate::cli) struct CompromiseArgs {
    /// Nobody can have copies of records: tokens need not be replaced before the key is destroyed
    #[arg(long)]
    nothing_copied: bool,

    /// Where to write the records of all operations, once they are over; standard output without it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    key: KeyArgs,
}

/// What is to do next.
#[derive(Debug, Eq, PartialEq)]
enum Next {
    /// To propose this.
    Propose(Operation),
    /// To sign what another has proposed.
    Sign(CeremonyId),
    /// To wait for this operation's delay, or its job.
    Wait(String),
    /// To replace tokens, or to say that they need not be.
    Replace,
    /// Nothing: these operations did it.
    Nothing(Vec<CeremonyId>),
}

impl CompromiseArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let name = self.key.name()?;
        let proposing = self.key.proposing();
        let client = proposing.client().await?;
        let listed = client.list().await?;
        match next(&listed, &name, self.nothing_copied)? {
            Next::Propose(operation) => {
                say(format_args!(
                    "{name}: proposing {}",
                    operation.kind().name()
                ));
                proposing.propose(|_| Ok((operation, None))).await?;
            }
            Next::Sign(id) => {
                let approved =
                    sign::approve(&client, &id, |charter| proposing.officer(charter)).await?;
                say(format_args!("{name}: {}", show::next_step(&approved)));
            }
            Next::Wait(words) => say(format_args!("{name}: {words}")),
            Next::Replace => say_replace(&name),
            Next::Nothing(ids) => {
                let mut records = Vec::with_capacity(ids.len());
                for id in ids {
                    records.push(record::text(&client.operation(id.as_str()).await?)?);
                }
                self.write(&record::join(&records))?;
                say(format_args!(
                    "{name}: it opens nothing any more, and all is over"
                ));
                return Ok(Exit::Done);
            }
        }
        say(format_args!("run this again once that is done"));
        Ok(Exit::Failed)
    }

    fn write(&self, records: &str) -> Result<(), CliError> {
        match &self.output {
            Some(path) => fs::write(path, records).map_err(CliError::file(path)),
            None => Ok(write!(io::stdout(), "{records}")?),
        }
    }
}

fn say_replace(name: &KeyName) {
    let version = name.version;
    say(format_args!(
        "{name}: nothing is under it any more\n  \
         whose values were seen under it: counterfoil audit exposure --key-version {version}\n  \
         if somebody may have copied records: counterfoil keys propose retokenize, and then \
         counterfoil retokenize\n  \
         if nobody can have: --nothing-copied"
    ));
}

/// What is to do next for a key version, by the states of it and of the operations.
fn next(
    listed: &protocol::ListKeysResponse,
    name: &KeyName,
    nothing_copied: bool,
) -> Result<Next, CliError> {
    let text = name.to_string();
    let key = listed.keys.iter().find(|key| key.name == text);
    let state = key.map(protocol::KeyVersion::state);
    let state = state.ok_or_else(|| CliError::Usage("the vault has no such key".to_owned()))?;
    let (mark, destroy) = (
        Operation::CompromiseKey(name.clone()),
        Operation::DestroyKey(name.clone()),
    );
    let marked = last(listed, |operation| *operation == mark);
    let destroyed = last(listed, |operation| *operation == destroy);
    if let Some(next) = marked.and_then(under_way) {
        return Ok(next);
    }
    if state != KeyState::Compromised && state != KeyState::Destroyed {
        return Ok(Next::Propose(mark));
    }
    let replaced = last(listed, |operation| replaces(operation, name));
    // One of before is about what was copied before.
    let replaced = replaced.filter(|it| seconds(it.approvals.first()) >= marked.map_or(0, ended));
    if let Some(next) = replaced.and_then(under_way) {
        return Ok(next);
    }
    if let Some(next) = destroyed.and_then(under_way) {
        return Ok(next);
    }
    if state == KeyState::Destroyed {
        let all = [marked, replaced, destroyed].into_iter().flatten();
        let ids = all.filter_map(|it| CeremonyId::new(&it.operation_id).ok());
        return Ok(Next::Nothing(ids.collect()));
    }
    let is_replaceable = name.purpose == KeyPurpose::Wrapping;
    if is_replaceable && replaced.is_none() && !nothing_copied {
        return Ok(Next::Replace);
    }
    Ok(Next::Propose(destroy))
}

/// What an operation that is not over waits for.
fn under_way(operation: &protocol::Operation) -> Option<Next> {
    match operation.state() {
        OperationState::Proposed => CeremonyId::new(&operation.operation_id)
            .ok()
            .map(Next::Sign),
        OperationState::Running | OperationState::Waiting => {
            Some(Next::Wait(show::next_step(operation)))
        }
        OperationState::Cancelled
        | OperationState::Done
        | OperationState::Expired
        | OperationState::Failed
        | OperationState::Unspecified => None,
    }
}

/// The last operation of this kind that came, or may come, to something.
fn last(
    listed: &protocol::ListKeysResponse,
    is_it: impl Fn(&Operation) -> bool,
) -> Option<&protocol::Operation> {
    let mut operations = listed.operations.iter().rev();
    operations.find(|it| {
        let is_void = matches!(
            it.state(),
            OperationState::Cancelled | OperationState::Expired | OperationState::Failed
        );
        !is_void && statement(it).is_some_and(|statement| is_it(&statement.operation))
    })
}

fn statement(operation: &protocol::Operation) -> Option<Statement> {
    let note: SignedNote = operation.note.parse().ok()?;
    Statement::read(note.text()).ok()
}

fn replaces(operation: &Operation, name: &KeyName) -> bool {
    let allowed = operation.retokenization();
    allowed.is_some_and(|allowed| Some(&allowed.namespace) == name.namespace.as_ref())
}

fn seconds(signed: Option<&protocol::OfficerSignature>) -> i64 {
    signed.and_then(|it| it.time).map_or(0, |time| time.seconds)
}

fn ended(operation: &protocol::Operation) -> i64 {
    operation.ended.map_or(i64::MAX, |time| time.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ceremony::Retokenization;
    use crate::crypto::KeyBytes;
    use crate::crypto::note::NoteKeyName;
    use crate::crypto::note::OfficerKey;
    use crate::domain::KeyVersion;
    use crate::domain::Namespace;
    use crate::domain::Timestamp;

    fn key() -> KeyName {
        KeyName {
            purpose: KeyPurpose::Wrapping,
            namespace: Some(Namespace::new("shop").unwrap()),
            version: KeyVersion::FIRST,
        }
    }

    fn replace(namespace: &str) -> Operation {
        Operation::Retokenize(Retokenization {
            namespace: Namespace::new(namespace).unwrap(),
            tokens_max: 7,
            until: Timestamp::from_unix_ms(9_000_000),
        })
    }

    /// An operation that was proposed, and ended, so many seconds after 1970.
    fn of(operation: Operation, state: OperationState, seconds: i64) -> protocol::Operation {
        let statement = Statement {
            vault: "shop.example/audit".to_owned(),
            operation,
            charter: [8; 32],
            nonce: [9; 16],
            proposed: Timestamp::from_unix_ms(1_000),
            expires: Timestamp::from_unix_ms(9_000_000),
        };
        let key = OfficerKey::new(&KeyBytes::from_array(&[1; 32]));
        let name = NoteKeyName::new("officer1").unwrap();
        let note = key.sign(name, &statement.to_string()).unwrap();
        let time = Some(prost_types::Timestamp { seconds, nanos: 0 });
        protocol::Operation {
            operation_id: statement.id().as_str().to_owned(),
            note: note.to_string(),
            state: state.into(),
            approvals: vec![protocol::OfficerSignature {
                officer: "officer1".to_owned(),
                time,
            }],
            ended: time.filter(|_| state == OperationState::Done),
            ..protocol::Operation::default()
        }
    }

    fn then(state: KeyState, operations: Vec<protocol::Operation>, nothing_copied: bool) -> Next {
        let listed = protocol::ListKeysResponse {
            keys: vec![protocol::KeyVersion {
                name: key().to_string(),
                state: state.into(),
                ..protocol::KeyVersion::default()
            }],
            operations,
            ..protocol::ListKeysResponse::default()
        };
        next(&listed, &key(), nothing_copied).unwrap()
    }

    #[test]
    fn key_is_destroyed_after_tokens_were_replaced_or_need_not_be() {
        use OperationState::Cancelled;
        use OperationState::Done;
        use OperationState::Running;
        let (mark, destroy) = (
            Operation::CompromiseKey(key()),
            Operation::DestroyKey(key()),
        );
        let propose_mark = Next::Propose(mark.clone());
        let propose_destroy = Next::Propose(destroy.clone());
        let marked = of(mark.clone(), Done, 100);
        let with = |further: &[protocol::Operation], nothing_copied| {
            let all = [std::slice::from_ref(&marked), further].concat();
            then(KeyState::Compromised, all, nothing_copied)
        };
        assert_eq!(then(KeyState::Active, Vec::new(), false), propose_mark);
        let cancelled = of(mark.clone(), Cancelled, 90);
        assert_eq!(then(KeyState::Active, vec![cancelled], false), propose_mark);
        let running = then(KeyState::Compromised, vec![of(mark, Running, 90)], true);
        assert!(matches!(running, Next::Wait(_)), "its job is not over");

        assert_eq!(with(&[], false), Next::Replace);
        assert_eq!(with(&[], true), propose_destroy);
        let replacing = of(replace("shop"), Running, 200);
        assert!(matches!(with(&[replacing], false), Next::Wait(_)));
        assert_eq!(
            with(&[of(replace("shop"), Done, 200)], false),
            propose_destroy
        );
        for void in [
            of(replace("shop"), Done, 50),
            of(replace("other"), Done, 200),
            of(replace("shop"), Cancelled, 200),
        ] {
            assert_eq!(with(&[void], false), Next::Replace);
        }

        let (replaced, gone) = (of(replace("shop"), Done, 200), of(destroy, Done, 300));
        let ids = [&marked, &replaced, &gone].map(|it| CeremonyId::new(&it.operation_id).unwrap());
        let all = vec![marked.clone(), replaced, gone];
        assert_eq!(
            then(KeyState::Destroyed, all, false),
            Next::Nothing(ids.into())
        );
    }
}
