//! How far the ceremony of a compromised key is: read from what the vault lists, and from nothing
//! that a command would have to remember.

use crate::ceremony::OperationKind;
use crate::ceremony::Statement;
use crate::cli::error::CliError;
use crate::crypto::note::SignedNote;
use crate::domain::KeyName;
use crate::domain::KeyPurpose;
use crate::domain::Timestamp;
use crate::protocol;
use crate::protocol::KeyState;
use crate::protocol::OperationState;

/// An operation, and what its officers have signed.
pub(super) struct Act {
    pub(super) statement: Statement,
    pub(super) operation: protocol::Operation,
}

/// What the vault knows of a key version, and of what was done with it.
pub(super) struct Course {
    pub(super) key: KeyName,
    pub(super) state: KeyState,
    /// When the version was made, in seconds.
    pub(super) created_s: i64,
    /// In the order in which they were proposed.
    pub(super) acts: Vec<Act>,
}

impl Course {
    /// Finds the key version and its operations among what the vault has listed.
    pub(super) fn of(listed: &protocol::ListKeysResponse, key: &KeyName) -> Result<Self, CliError> {
        let name = key.to_string();
        let version = listed.keys.iter().find(|it| it.name == name);
        let version = version.ok_or_else(|| {
            CliError::Usage(format!(
                "the vault has no key {name}\n  see: counterfoil keys list"
            ))
        })?;
        let acts = listed.operations.iter().filter_map(Act::read);
        let mut acts: Vec<Act> = acts.collect();
        let compromised = acts
            .iter()
            .find(|act| act.is_about(key, OperationKind::CompromiseKey) && !act.has_failed())
            .map(|act| act.statement.proposed);
        acts.retain(|act| act.belongs_to(key, compromised));
        // Statements have whole seconds, by which the vault has sorted them.
        acts.sort_by_key(Act::first_signed);
        Ok(Self {
            key: key.clone(),
            state: version.state(),
            created_s: version.created.map_or(0, |created| created.seconds),
            acts,
        })
    }

    /// The last operation of a kind that was not taken back and did not fail.
    pub(super) fn act(&self, kind: OperationKind) -> Option<&Act> {
        let mut acts = self.acts.iter().rev();
        acts.find(|act| act.statement.operation.kind() == kind && !act.has_failed())
    }

    /// Whether the vault moves by itself what is under the key.
    pub(super) fn has_job(&self) -> bool {
        self.key.purpose.has_job()
    }

    /// Whether a list of whom it protects can be asked for.
    pub(super) fn is_listable(&self) -> bool {
        self.key.purpose == KeyPurpose::Wrapping && self.state != KeyState::Destroyed
    }

    /// Whether it took effect that the key is compromised.
    pub(super) fn is_marked(&self) -> bool {
        let act = self.act(OperationKind::CompromiseKey);
        self.state == KeyState::Compromised || act.is_some_and(Act::took_effect)
    }

    /// Whether the job that moves everything away is done.
    pub(super) fn has_moved(&self) -> bool {
        let act = self.act(OperationKind::CompromiseKey);
        self.is_marked() && act.is_none_or(|act| act.operation.state() == OperationState::Done)
    }
}

impl Act {
    fn read(operation: &protocol::Operation) -> Option<Self> {
        let note: SignedNote = operation.note.parse().ok()?;
        Some(Self {
            statement: Statement::read(note.text()).ok()?,
            operation: operation.clone(),
        })
    }

    fn is_about(&self, key: &KeyName, kind: OperationKind) -> bool {
        let operation = &self.statement.operation;
        operation.key() == Some(key) && operation.kind() == kind
    }

    /// Whether it is about the key, or lets tokens be replaced since the key was compromised.
    fn belongs_to(&self, key: &KeyName, compromised: Option<Timestamp>) -> bool {
        let operation = &self.statement.operation;
        if operation.key() == Some(key) {
            return true;
        }
        let is_of_tenant = operation
            .retokenization()
            .is_some_and(|allowed| Some(&allowed.namespace) == key.namespace.as_ref());
        is_of_tenant && compromised.is_some_and(|since| since <= self.statement.proposed)
    }

    fn has_failed(&self) -> bool {
        match self.operation.state() {
            OperationState::Cancelled | OperationState::Expired | OperationState::Failed => true,
            OperationState::Done
            | OperationState::Proposed
            | OperationState::Running
            | OperationState::Unspecified
            | OperationState::Waiting => false,
        }
    }

    fn first_signed(&self) -> Option<(i64, i32)> {
        let time = self.operation.approvals.first()?.time?;
        Some((time.seconds, time.nanos))
    }

    pub(super) fn took_effect(&self) -> bool {
        matches!(
            self.operation.state(),
            OperationState::Done | OperationState::Running
        )
    }
}
