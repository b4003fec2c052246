//! Grants and freezes, to and from the wire.

use tonic::Status;

use crate::access::Cause;
use crate::access::Freeze;
use crate::access::Grant;
use crate::access::GrantKind;
use crate::access::GrantScope;
use crate::access::GrantState;
use crate::access::Holder;
use crate::access::Usage;
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
use crate::protocol;
use crate::server::convert::optional_part;
use crate::server::convert::part;
use crate::server::convert::timestamp;
use crate::server::status;
use crate::vault::DecideGrant;
use crate::vault::GrantDecision;
use crate::vault::GrantView;
use crate::vault::ListGrants;
use crate::vault::PrincipalView;
use crate::vault::ReadGrant;
use crate::vault::ReadPrincipal;
use crate::vault::WantedScope;

/// What a person asks for.
pub(in crate::server) fn wanted(
    scope: Option<protocol::GrantScope>,
) -> Result<WantedScope, Status> {
    let scope = scope.ok_or_else(|| status::invalid("scope", "is required"))?;
    let subjects = scope.subjects.iter();
    let fields = scope.fields.iter();
    let kind = match protocol::GrantKind::try_from(scope.kind) {
        Ok(protocol::GrantKind::Case) => GrantKind::Case,
        Ok(protocol::GrantKind::BreakGlass) => GrantKind::BreakGlass,
        Ok(protocol::GrantKind::Unspecified) | Err(_) => {
            return Err(status::invalid("scope.kind", "is required"));
        }
    };
    Ok(WantedScope {
        kind,
        namespace: part("scope.namespace", &scope.namespace, Namespace::new)?,
        subjects: subjects
            .map(|text| part("scope.subjects", text, Subject::new))
            .collect::<Result<_, _>>()?,
        fields: fields
            .map(|text| part("scope.fields", text, FieldName::new))
            .collect::<Result<_, _>>()?,
        level: level(scope.level)?,
        purpose: part("scope.purpose", &scope.purpose, Purpose::new)?,
        case_id: optional_part("scope.case_id", &scope.case_id, CaseId::new)?,
        reveals_max: (scope.reveals_max > 0).then_some(scope.reveals_max),
        ttl_seconds: (scope.ttl_seconds > 0).then_some(scope.ttl_seconds),
    })
}

/// A yes, to the scope with this digest.
pub(in crate::server) fn approval(
    request: &protocol::ApproveGrantRequest,
) -> Result<DecideGrant, Status> {
    let scope_digest = request
        .scope_digest
        .as_slice()
        .try_into()
        .map_err(|_| status::invalid("scope_digest", "is not 32 bytes"))?;
    Ok(DecideGrant {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        id: part("grant_id", &request.grant_id, GrantId::new)?,
        decision: GrantDecision::Approve { scope_digest },
    })
}

/// A no.
pub(in crate::server) fn decision(
    request: &protocol::DecideGrantRequest,
    decision: GrantDecision,
) -> Result<DecideGrant, Status> {
    Ok(DecideGrant {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        id: part("grant_id", &request.grant_id, GrantId::new)?,
        decision,
    })
}

pub(in crate::server) fn read_grant(
    request: &protocol::GetGrantRequest,
) -> Result<ReadGrant, Status> {
    Ok(ReadGrant {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        id: part("grant_id", &request.grant_id, GrantId::new)?,
    })
}

pub(in crate::server) fn list_grants(
    request: &protocol::ListGrantsRequest,
) -> Result<ListGrants, Status> {
    let limit = match usize::try_from(request.limit).unwrap_or(usize::MAX) {
        0 => PAGE_DEFAULT,
        limit if limit <= PAGE_MAX => limit,
        _ => return Err(status::invalid("limit", format!("is more than {PAGE_MAX}"))),
    };
    Ok(ListGrants {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        after: optional_part("after", &request.after, GrantId::new)?,
        limit,
    })
}

pub(in crate::server) fn read_principal(
    request: &protocol::GetPrincipalRequest,
) -> Result<ReadPrincipal, Status> {
    let person = match request.person.as_str() {
        "" => None,
        text => Some(
            PersonId::read(text).map_err(|error| status::invalid("person", error.to_string()))?,
        ),
    };
    Ok(ReadPrincipal {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        principal: Principal::new(&request.principal)
            .map_err(|error| status::invalid("principal", error.to_string()))?,
        person,
    })
}

pub(in crate::server) fn target(text: &str) -> Result<FreezeTarget, Status> {
    let forms = "is none of all, namespace:NAME, case:NAMESPACE:CASE, grant:ID, \
                 person:ISSUER/SUBJECT, principal:NAME, certificate:SHA256";
    FreezeTarget::read(text).ok_or_else(|| status::invalid("target", forms))
}

/// A grant, as of now.
pub(in crate::server) fn grant(view: &GrantView, now: Timestamp) -> protocol::Grant {
    let GrantView { grant, is_frozen } = view;
    let (begins, ends) = match grant.state {
        GrantState::Live { begins, ends } => (Some(timestamp(begins)), Some(timestamp(ends))),
        GrantState::Denied | GrantState::Requested | GrantState::Revoked => (None, None),
    };
    let approval = grant.approval.as_ref();
    protocol::Grant {
        id: grant.id.as_str().to_owned(),
        scope: Some(scope(&grant.scope)),
        scope_digest: grant.scope.digest().to_vec(),
        requester: grant.requester.as_str().to_owned(),
        principal: grant.principal.as_str().to_owned(),
        requested: Some(timestamp(grant.requested)),
        approver: approval.map_or_else(String::new, |it| it.person.as_str().to_owned()),
        approved: approval.map(|it| timestamp(it.time)),
        state: state(grant, *is_frozen, now).into(),
        begins,
        ends,
        reveals_count: grant.reveals_count,
    }
}

fn state(grant: &Grant, is_frozen: bool, now: Timestamp) -> protocol::GrantState {
    match grant.state {
        GrantState::Denied => protocol::GrantState::Denied,
        GrantState::Revoked => protocol::GrantState::Revoked,
        GrantState::Live { ends, .. } if ends <= now || grant.reveals_left() == 0 => {
            protocol::GrantState::Ended
        }
        GrantState::Requested if grant.has_lapsed(now) => protocol::GrantState::Ended,
        GrantState::Live { .. } | GrantState::Requested if is_frozen => {
            protocol::GrantState::Frozen
        }
        GrantState::Live { .. } => protocol::GrantState::Live,
        GrantState::Requested => protocol::GrantState::Requested,
    }
}

fn scope(scope: &GrantScope) -> protocol::GrantScope {
    let kind = match scope.kind {
        GrantKind::BreakGlass => protocol::GrantKind::BreakGlass,
        GrantKind::Case => protocol::GrantKind::Case,
    };
    let level = match scope.level {
        Level::Full => protocol::Level::Full,
        Level::Masked => protocol::Level::Masked,
    };
    protocol::GrantScope {
        namespace: scope.namespace.as_str().to_owned(),
        kind: kind.into(),
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
        level: level.into(),
        purpose: scope.purpose.as_str().to_owned(),
        case_id: scope
            .case_id
            .as_ref()
            .map_or_else(String::new, |it| it.as_str().to_owned()),
        reveals_max: scope.reveals_max,
        ttl_seconds: scope.ttl_seconds,
    }
}

pub(in crate::server) fn principal(view: &PrincipalView) -> protocol::GetPrincipalResponse {
    protocol::GetPrincipalResponse {
        frozen: view.freezes.iter().map(frozen).collect(),
        budgets: view.usage.iter().map(budget).collect(),
    }
}

pub(in crate::server) fn frozen(freeze: &Freeze) -> protocol::Frozen {
    let cause = match freeze.cause {
        Cause::BudgetSpent => protocol::FreezeCause::BudgetSpent,
        Cause::Decoy => protocol::FreezeCause::Decoy,
        Cause::Denials => protocol::FreezeCause::Denials,
        Cause::ForeignToken => protocol::FreezeCause::ForeignToken,
        Cause::OnCall => protocol::FreezeCause::OnCall,
    };
    let unfreezing = match &freeze.unfreezing {
        Some((Holder::Person(person), _)) => person.as_str(),
        Some((Holder::Principal(principal), _)) => principal.as_str(),
        None => "",
    };
    protocol::Frozen {
        target: freeze.target.to_string(),
        cause: cause.into(),
        since: Some(timestamp(freeze.since)),
        unfreezing: unfreezing.to_owned(),
    }
}

fn budget(usage: &Usage) -> protocol::BudgetUse {
    protocol::BudgetUse {
        holder: usage.holder.name().to_owned(),
        window: usage.window.name().to_owned(),
        used: usage.used,
        limit: usage.limit,
    }
}

/// Grants on one page, unless the caller asks for another number.
const PAGE_DEFAULT: usize = 100;
/// The most grants on one page.
const PAGE_MAX: usize = 1_000;

fn level(level: i32) -> Result<Level, Status> {
    match protocol::Level::try_from(level) {
        Ok(protocol::Level::Full) => Ok(Level::Full),
        Ok(protocol::Level::Masked) => Ok(Level::Masked),
        Ok(protocol::Level::Unspecified) | Err(_) => Err(status::invalid(
            "scope.level",
            "is not specified or not known",
        )),
    }
}
