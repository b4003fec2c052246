//! Keys, officers and operations, to and from the wire.

use tonic::Status;

use crate::ceremony::Ceremony;
use crate::ceremony::CeremonyState;
use crate::ceremony::Signed;
use crate::crypto::note::SignedNote;
use crate::domain::CeremonyId;
use crate::domain::KeyState;
use crate::keys::KeyMetadata;
use crate::protocol;
use crate::server::convert::part;
use crate::server::convert::timestamp;
use crate::server::status;
use crate::vault::Briefing;
use crate::vault::Proposal;

/// An operation that an officer proposes.
pub(in crate::server) fn proposal(
    request: protocol::ProposeOperationRequest,
) -> Result<Proposal, Status> {
    if request.charter.len() > CHARTER_BYTES_MAX {
        return Err(status::invalid("charter", "is longer than 16 KiB"));
    }
    Ok(Proposal {
        note: note(&request.note)?,
        charter: (!request.charter.is_empty()).then_some(request.charter),
    })
}

/// A text with signatures.
pub(in crate::server) fn note(text: &str) -> Result<SignedNote, Status> {
    text.parse()
        .map_err(|_| status::invalid("note", "is not a signed note"))
}

/// The operation that a call is about.
pub(in crate::server) fn operation_id(text: &str) -> Result<CeremonyId, Status> {
    part("operation_id", text, CeremonyId::new)
}

pub(in crate::server) fn briefing(briefing: &Briefing) -> protocol::ListKeysResponse {
    let charter = briefing.charter.as_ref();
    protocol::ListKeysResponse {
        vault: briefing.vault.clone(),
        charter: charter.map(ToString::to_string).unwrap_or_default(),
        charter_digest: charter.map_or_else(Vec::new, |charter| charter.digest().to_vec()),
        keys: briefing
            .keys
            .iter()
            .map(|key| key_version(key, briefing))
            .collect(),
        operations: briefing.operations.iter().map(operation).collect(),
    }
}

fn key_version(key: &KeyMetadata, briefing: &Briefing) -> protocol::KeyVersion {
    let usage = briefing.usage.get(&key.name());
    let changes = key.changes().iter();
    protocol::KeyVersion {
        name: key.name().to_string(),
        state: key_state(key.state()).into(),
        created: Some(timestamp(key.created())),
        changes: changes
            .map(|(state, time)| protocol::KeyStateChange {
                state: key_state(*state).into(),
                time: Some(timestamp(*time)),
            })
            .collect(),
        usage: usage.map(|usage| protocol::KeyUsage {
            records: usage.records_count,
            links: usage.links_count,
            erased_tokens: usage.tombstones_count,
            rows: usage.rows_count,
        }),
    }
}

const fn key_state(state: KeyState) -> protocol::KeyState {
    match state {
        KeyState::Active => protocol::KeyState::Active,
        KeyState::Compromised => protocol::KeyState::Compromised,
        KeyState::Deactivated => protocol::KeyState::Deactivated,
        KeyState::Destroyed => protocol::KeyState::Destroyed,
        KeyState::PreActivation => protocol::KeyState::PreActivation,
        KeyState::Suspended => protocol::KeyState::Suspended,
    }
}

pub(in crate::server) fn operation(ceremony: &Ceremony) -> protocol::Operation {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    protocol::Operation {
        operation_id: ceremony.id().as_str().to_owned(),
        note: ceremony.note.to_string(),
        state: state(ceremony.state).into(),
        approvals_needed: count(ceremony.rule.approvals),
        approvals: ceremony.approvals.iter().map(signature).collect(),
        cancellations: ceremony.cancellations.iter().map(signature).collect(),
        cancel_note: ceremony
            .cancel_note
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        expires: Some(timestamp(ceremony.statement.expires)),
        due: ceremony.due.map(timestamp),
        ended: ceremony.ended.map(timestamp),
        failure: ceremony.failure.clone().unwrap_or_default(),
        record: String::new(),
        charter: ceremony.charter.clone().unwrap_or_default(),
        progress: ceremony.progress.map(|progress| protocol::JobProgress {
            records_looked_at: progress.looked_at,
            records_changed: progress.changed,
            records_damaged: progress.damaged,
            done_millionths: ceremony.millionths(),
        }),
    }
}

fn signature(signed: &Signed) -> protocol::OfficerSignature {
    protocol::OfficerSignature {
        officer: signed.officer.as_str().to_owned(),
        time: Some(timestamp(signed.time)),
    }
}

const fn state(state: CeremonyState) -> protocol::OperationState {
    match state {
        CeremonyState::Cancelled => protocol::OperationState::Cancelled,
        CeremonyState::Done => protocol::OperationState::Done,
        CeremonyState::Expired => protocol::OperationState::Expired,
        CeremonyState::Failed => protocol::OperationState::Failed,
        CeremonyState::Proposed => protocol::OperationState::Proposed,
        CeremonyState::Running => protocol::OperationState::Running,
        CeremonyState::Waiting => protocol::OperationState::Waiting,
    }
}

/// Twenty officers and every rule, with room to spare.
const CHARTER_BYTES_MAX: usize = 16 * 1_024;
