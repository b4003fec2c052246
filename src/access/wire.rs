//! The rows: keys of hashes and ids, values of frozen protobuf messages.

use prost::Message;

use crate::access::actor::Holder;
use crate::access::alarm::GuessKey;
use crate::access::budget::HolderKey;
use crate::access::event::Cause;
use crate::access::freeze::Freeze;
use crate::access::grant::Approval;
use crate::access::grant::Grant;
use crate::access::grant::GrantKind;
use crate::access::grant::GrantScope;
use crate::access::grant::GrantState;
use crate::access::seen::SeenKey;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::store::RowPut;
use crate::store::Table;

#[derive(Clone, PartialEq, Message)]
struct GrantMessage {
    #[prost(bool, tag = "1")]
    is_break_glass: bool,
    #[prost(string, tag = "2")]
    namespace: String,
    #[prost(string, repeated, tag = "3")]
    subjects: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    fields: Vec<String>,
    #[prost(bool, tag = "5")]
    is_full: bool,
    #[prost(string, tag = "6")]
    purpose: String,
    #[prost(string, tag = "7")]
    case_id: String,
    #[prost(uint32, tag = "8")]
    reveals_max: u32,
    #[prost(uint32, tag = "9")]
    ttl_seconds: u32,
    #[prost(string, tag = "10")]
    requester: String,
    #[prost(string, tag = "11")]
    principal: String,
    #[prost(uint64, tag = "12")]
    requested_ms: u64,
    #[prost(string, tag = "13")]
    approver: String,
    #[prost(uint64, tag = "14")]
    approved_ms: u64,
    /// 1 requested, 2 live, 3 denied, 4 revoked.
    #[prost(uint32, tag = "15")]
    state: u32,
    #[prost(uint64, tag = "16")]
    begins_ms: u64,
    #[prost(uint64, tag = "17")]
    ends_ms: u64,
    #[prost(uint32, tag = "18")]
    reveals_count: u32,
}

#[derive(Clone, PartialEq, Message)]
struct FreezeMessage {
    #[prost(uint32, tag = "1")]
    cause: u32,
    #[prost(uint64, tag = "2")]
    since_ms: u64,
    #[prost(string, tag = "3")]
    unfreezing_person: String,
    #[prost(string, tag = "4")]
    unfreezing_principal: String,
    #[prost(uint64, tag = "5")]
    unfreezing_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
struct GuessesMessage {
    #[prost(uint64, repeated, tag = "1")]
    times_ms: Vec<u64>,
}

pub(super) fn grant_row(id: &GrantId, grant: Option<&Grant>) -> RowPut {
    RowPut {
        table: Table::Grants,
        key: id.as_str().as_bytes().to_vec(),
        value: grant.map(|grant| grant_message(grant).encode_to_vec()),
    }
}

pub(super) fn freeze_row(target: &FreezeTarget, freeze: Option<&Freeze>) -> RowPut {
    RowPut {
        table: Table::Freezes,
        key: target.to_string().into_bytes(),
        value: freeze.map(|freeze| freeze_message(freeze).encode_to_vec()),
    }
}

pub(super) fn seen_row(holder: HolderKey, key: SeenKey, time_ms: Option<u64>) -> RowPut {
    let mut row_key = holder.to_vec();
    row_key.extend_from_slice(key.as_bytes());
    RowPut {
        table: Table::Budgets,
        key: row_key,
        value: time_ms.map(|time_ms| time_ms.to_be_bytes().to_vec()),
    }
}

pub(super) fn guesses_row(key: GuessKey, times_ms: Option<&[u64]>) -> RowPut {
    let message = |times_ms: &[u64]| GuessesMessage {
        times_ms: times_ms.to_vec(),
    };
    RowPut {
        table: Table::Guesses,
        key: key.to_vec(),
        value: times_ms.map(|times_ms| message(times_ms).encode_to_vec()),
    }
}

pub(super) fn decoy_row(key: SeenKey) -> RowPut {
    RowPut {
        table: Table::Decoys,
        key: key.as_bytes().to_vec(),
        value: Some(Vec::new()),
    }
}

pub(super) fn read_seen(key: &[u8], value: &[u8]) -> Option<(HolderKey, SeenKey, u64)> {
    let (holder, seen) = key.split_first_chunk::<16>()?;
    let time_ms = u64::from_be_bytes(value.try_into().ok()?);
    Some((*holder, SeenKey::read(seen)?, time_ms))
}

pub(super) fn read_guesses(key: &[u8], value: &[u8]) -> Option<(GuessKey, Vec<u64>)> {
    let message = GuessesMessage::decode(value).ok()?;
    Some((key.try_into().ok()?, message.times_ms))
}

pub(super) fn read_grant(key: &[u8], value: &[u8]) -> Option<Grant> {
    let message = GrantMessage::decode(value).ok()?;
    let subjects = message.subjects.iter().map(|text| Subject::new(text));
    let fields = message.fields.iter().map(|text| FieldName::new(text));
    let state = match message.state {
        1 => GrantState::Requested,
        2 => GrantState::Live {
            begins: Timestamp::from_unix_ms(message.begins_ms),
            ends: Timestamp::from_unix_ms(message.ends_ms),
        },
        3 => GrantState::Denied,
        4 => GrantState::Revoked,
        _ => return None,
    };
    let approval = match message.approver.as_str() {
        "" => None,
        person => Some(Approval {
            person: PersonId::read(person).ok()?,
            time: Timestamp::from_unix_ms(message.approved_ms),
        }),
    };
    Some(Grant {
        id: GrantId::new(std::str::from_utf8(key).ok()?).ok()?,
        scope: GrantScope {
            kind: if message.is_break_glass {
                GrantKind::BreakGlass
            } else {
                GrantKind::Case
            },
            namespace: Namespace::new(&message.namespace).ok()?,
            subjects: subjects.collect::<Result<_, _>>().ok()?,
            fields: fields.collect::<Result<_, _>>().ok()?,
            level: if message.is_full {
                Level::Full
            } else {
                Level::Masked
            },
            purpose: Purpose::new(&message.purpose).ok()?,
            case_id: read_case(&message.case_id)?,
            reveals_max: message.reveals_max,
            ttl_seconds: message.ttl_seconds,
        },
        requester: PersonId::read(&message.requester).ok()?,
        principal: Principal::new(&message.principal).ok()?,
        requested: Timestamp::from_unix_ms(message.requested_ms),
        approval,
        state,
        reveals_count: message.reveals_count,
    })
}

pub(super) fn read_freeze(key: &[u8], value: &[u8]) -> Option<Freeze> {
    let message = FreezeMessage::decode(value).ok()?;
    let person = message.unfreezing_person.as_str();
    let principal = message.unfreezing_principal.as_str();
    let holder = match (person, principal) {
        ("", "") => None,
        (person, "") => Some(Holder::Person(PersonId::read(person).ok()?)),
        ("", principal) => Some(Holder::Principal(Principal::new(principal).ok()?)),
        (_, _) => return None,
    };
    let asked = Timestamp::from_unix_ms(message.unfreezing_ms);
    Some(Freeze {
        target: FreezeTarget::read(std::str::from_utf8(key).ok()?)?,
        cause: Cause::from_number(message.cause)?,
        since: Timestamp::from_unix_ms(message.since_ms),
        unfreezing: holder.map(|holder| (holder, asked)),
    })
}

fn grant_message(grant: &Grant) -> GrantMessage {
    let scope = &grant.scope;
    let (state, begins_ms, ends_ms) = match grant.state {
        GrantState::Requested => (1, 0, 0),
        GrantState::Live { begins, ends } => (2, begins.unix_ms(), ends.unix_ms()),
        GrantState::Denied => (3, 0, 0),
        GrantState::Revoked => (4, 0, 0),
    };
    let approval = grant.approval.as_ref();
    GrantMessage {
        is_break_glass: scope.kind == GrantKind::BreakGlass,
        namespace: scope.namespace.as_str().to_owned(),
        subjects: scope
            .subjects
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect(),
        fields: scope
            .fields
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect(),
        is_full: scope.level == Level::Full,
        purpose: scope.purpose.as_str().to_owned(),
        case_id: scope.case_id.as_ref().map_or("", CaseId::as_str).to_owned(),
        reveals_max: scope.reveals_max,
        ttl_seconds: scope.ttl_seconds,
        requester: grant.requester.as_str().to_owned(),
        principal: grant.principal.as_str().to_owned(),
        requested_ms: grant.requested.unix_ms(),
        approver: approval.map_or("", |it| it.person.as_str()).to_owned(),
        approved_ms: approval.map_or(0, |it| it.time.unix_ms()),
        state,
        begins_ms,
        ends_ms,
        reveals_count: grant.reveals_count,
    }
}

fn freeze_message(freeze: &Freeze) -> FreezeMessage {
    let mut message = FreezeMessage {
        cause: freeze.cause.number(),
        since_ms: freeze.since.unix_ms(),
        ..FreezeMessage::default()
    };
    if let Some((holder, since)) = &freeze.unfreezing {
        match holder {
            Holder::Person(person) => message.unfreezing_person = person.as_str().to_owned(),
            Holder::Principal(name) => message.unfreezing_principal = name.as_str().to_owned(),
        }
        message.unfreezing_ms = since.unix_ms();
    }
    message
}

fn read_case(text: &str) -> Option<Option<CaseId>> {
    match text {
        "" => Some(None),
        text => CaseId::new(text).ok().map(Some),
    }
}
