//! Reports of who was seen, on the wire.

use tonic::Status;

use crate::audit::exposure::Document;
use crate::audit::exposure::GrantLine;
use crate::audit::exposure::LogLine;
use crate::audit::exposure::NamespaceLine;
use crate::audit::exposure::Query;
use crate::audit::exposure::RowLine;
use crate::audit::exposure::SummaryLine;
use crate::audit::exposure::Who;
use crate::domain::CaseId;
use crate::domain::GrantId;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Timestamp;
use crate::protocol;
use crate::protocol::report_exposure_response::Part;
use crate::server::status;

/// What is asked.
///
/// # Errors
///
/// If a part of it is not one, or it is not said who is asked about.
pub(in crate::server) fn query(message: &protocol::ReportExposureRequest) -> Result<Query, Status> {
    let credential = match message.credential.as_slice() {
        [] => None,
        bytes => {
            let hash = bytes.try_into();
            Some(hash.map_err(|_| status::invalid("credential", "is not 32 bytes"))?)
        }
    };
    let who = Who {
        principal: part("principal", &message.principal, |it| {
            Principal::new(it).ok()
        })?,
        person: part("person", &message.person, |it| PersonId::read(it).ok())?,
        credential,
        case_id: part("case_id", &message.case_id, |it| CaseId::new(it).ok())?,
        grant_id: part("grant_id", &message.grant_id, |it| GrantId::new(it).ok())?,
        key_version: KeyVersion::new(message.key_version),
    };
    if who.is_everybody() != message.everybody {
        let problem = "must be true if nobody else is asked about, and stand alone";
        return Err(status::invalid("everybody", problem));
    }
    if message.from_unix_ms >= message.to_unix_ms {
        return Err(status::invalid("from_unix_ms", "must be before to_unix_ms"));
    }
    Ok(Query {
        from: Timestamp::from_unix_ms(message.from_unix_ms),
        to: Timestamp::from_unix_ms(message.to_unix_ms),
        namespace: part("namespace", &message.namespace, |it| {
            Namespace::new(it).ok()
        })?,
        who,
    })
}

/// The parts of a report, in their order.
pub(in crate::server) fn parts(
    report: Document,
) -> impl Iterator<Item = protocol::ReportExposureResponse> + Send {
    let Document {
        format,
        log,
        summary,
        namespaces,
        signature,
        ..
    } = report;
    let header = protocol::ExposureHeader {
        format,
        log: Some(log_of(log)),
    };
    let trailer = trailer(&summary, signature.unwrap_or_default());
    let rows = namespaces.into_iter().flat_map(chunks);
    [Part::Header(header)]
        .into_iter()
        .chain(rows.map(Part::Rows))
        .chain([Part::Trailer(trailer)])
        .map(|part| protocol::ReportExposureResponse { part: Some(part) })
}

/// What was seen of one tenant's customers, in pieces.
fn chunks(part: NamespaceLine) -> Vec<protocol::ExposurePart> {
    let namespace = part.namespace.unwrap_or_default();
    let of_rows = part
        .rows
        .chunks(ROWS_MAX)
        .map(|rows| protocol::ExposurePart {
            namespace: namespace.clone(),
            rows: rows.iter().map(row).collect(),
            grants: Vec::new(),
        });
    // A grant may have as many values as a piece has rows.
    let of_grants = part.grants.iter().map(|it| protocol::ExposurePart {
        namespace: namespace.clone(),
        rows: Vec::new(),
        grants: vec![grant(it)],
    });
    of_rows.chain(of_grants).collect()
}

fn log_of(log: LogLine) -> protocol::ExposureLog {
    // They were written from hashes.
    let hash = |text: &String| hex::decode(text).unwrap_or_default();
    protocol::ExposureLog {
        first_index: log.first_index,
        end_index: log.end_index,
        first_root_hash: hash(&log.first_root_hash),
        first_proof: log.first_proof.iter().map(hash).collect(),
        end_root_hash: hash(&log.end_root_hash),
        end_proof: log.end_proof.iter().map(hash).collect(),
        checkpoint: log.checkpoint,
        erased_count: log.erased_count.unwrap_or(0),
    }
}

fn row(row: &RowLine) -> protocol::ExposureRow {
    protocol::ExposureRow {
        subject: text(&row.subject),
        token: text(&row.token),
        field: text(&row.field),
        level: text(&row.level),
        kind: row.kind.clone(),
        status: row.status.clone(),
        count: row.count,
        first_unix_ms: row.first_unix_ms,
        first_index: row.first_index,
        last_unix_ms: row.last_unix_ms,
        last_index: row.last_index,
    }
}

fn grant(grant: &GrantLine) -> protocol::ExposureGrant {
    let unseen = grant.could_have_been.iter();
    let unseen = unseen.map(|it| protocol::UnseenValue {
        subject: text(&it.subject),
        field: it.field.clone(),
    });
    protocol::ExposureGrant {
        grant_id: grant.grant_id.clone(),
        person: text(&grant.person),
        principal: text(&grant.principal),
        case_id: text(&grant.case_id),
        approver: text(&grant.approver),
        level: grant.level.clone(),
        requested_index: grant.requested_index,
        begins_unix_ms: grant.begins_unix_ms,
        ends_unix_ms: grant.ends_unix_ms,
        could_have_been: unseen.collect(),
    }
}

fn trailer(summary: &SummaryLine, signature: String) -> protocol::ExposureTrailer {
    protocol::ExposureTrailer {
        released: summary.released,
        possibly_released: summary.possibly_released,
        refused: summary.refused,
        tokens_released: summary.tokens_released,
        tokens_possibly_released: summary.tokens_possibly_released,
        tokens_refused: summary.tokens_refused,
        could_have_been: summary.could_have_been,
        signature,
    }
}

fn text(text: &Option<String>) -> String {
    text.clone().unwrap_or_default()
}

/// Nothing for an empty text.
fn part<T>(
    name: &'static str,
    text: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let part = read(text).ok_or_else(|| status::invalid(name, "is not one"))?;
    Ok(Some(part))
}

/// The most rows of one message.
const ROWS_MAX: usize = 1_000;
