//! Calls to AuditService, on the reveal listener.

use std::fmt;
use std::sync::Arc;

use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::audit::exposure::Document;
use crate::audit::exposure::GrantLine;
use crate::audit::exposure::LogLine;
use crate::audit::exposure::NamespaceLine;
use crate::audit::exposure::Query;
use crate::audit::exposure::QueryLine;
use crate::audit::exposure::RowLine;
use crate::audit::exposure::SummaryLine;
use crate::audit::exposure::UnseenLine;
use crate::client::ActingPrincipal;
use crate::client::channel;
use crate::client::channel::MESSAGE_BYTES_MAX;
use crate::client::error::ClientError;
use crate::client::profile::Profile;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::protocol;
use crate::protocol::audit_service_client::AuditServiceClient;
use crate::protocol::report_exposure_response::Part;

/// Calls to AuditService. Cheap to clone; clones share one connection.
#[derive(Clone)]
pub struct AuditClient {
    pub(super) service: AuditServiceClient<Channel>,
    acting: Option<Arc<dyn ActingPrincipal>>,
}

impl AuditClient {
    /// Connects to the reveal listener.
    ///
    /// # Errors
    ///
    /// If a certificate or key cannot be read, or the vault does not answer.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let channel = channel::connect(profile, &profile.reveal_address).await?;
        let service = AuditServiceClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self {
            service,
            acting: None,
        })
    }

    /// The same client on behalf of a person.
    #[must_use]
    pub fn on_behalf_of(self, acting: Arc<dyn ActingPrincipal>) -> Self {
        let acting = Some(acting);
        Self { acting, ..self }
    }

    /// Asks who was seen. The report has a signature, which is not verified here.
    ///
    /// # Errors
    ///
    /// If the call fails, or what comes is no report.
    pub async fn report_exposure(&self, query: &Query) -> Result<Document, ClientError> {
        let message = self.request(query)?;
        let mut service = self.service.clone();
        let mut stream = service.report_exposure(message).await?.into_inner();
        let first = stream.message().await?.and_then(|it| it.part);
        let Some(Part::Header(header)) = first else {
            return Err(ClientError::Response("a report begins with its header"));
        };
        let log = header.log.ok_or(ClientError::Response("no log"))?;
        let mut namespaces: Vec<NamespaceLine> = Vec::new();
        loop {
            match stream.message().await?.and_then(|it| it.part) {
                Some(Part::Rows(part)) => take(&mut namespaces, part),
                Some(Part::Trailer(trailer)) => {
                    return Ok(Document {
                        format: header.format,
                        query: QueryLine::new(query),
                        log: log_of(log),
                        summary: summary(&trailer),
                        namespaces,
                        signature: some(trailer.signature),
                    });
                }
                Some(Part::Header(_)) | None => {
                    return Err(ClientError::Response("a report ends with its trailer"));
                }
            }
        }
    }

    /// The person of a call, as a signed assertion; empty for nobody.
    pub(super) fn assertion(&self) -> Result<Zeroizing<String>, ClientError> {
        match &self.acting {
            Some(acting) => acting.assertion(),
            None => Ok(Zeroizing::default()),
        }
    }

    fn request(&self, query: &Query) -> Result<protocol::ReportExposureRequest, ClientError> {
        let assertion = self.assertion()?;
        let who = &query.who;
        let namespace = query.namespace.as_ref();
        Ok(protocol::ReportExposureRequest {
            namespace: namespace.map_or_else(String::new, Namespace::to_string),
            principal: who
                .principal
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            person: who
                .person
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            credential: who.credential.map_or_else(Vec::new, Vec::from),
            case_id: who
                .case_id
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            grant_id: who
                .grant_id
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            key_version: who.key_version.map_or(0, KeyVersion::number),
            everybody: who.is_everybody(),
            from_unix_ms: query.from.unix_ms(),
            to_unix_ms: query.to.unix_ms(),
            // It leaves for the vault, which alone can use it under our certificate.
            acting_principal: assertion.as_str().to_owned(),
        })
    }
}

/// Takes a part: of the tenant of the one before, or of a new one.
fn take(namespaces: &mut Vec<NamespaceLine>, part: protocol::ExposurePart) {
    let namespace = some(part.namespace);
    let is_same = namespaces
        .last()
        .is_some_and(|it| it.namespace == namespace);
    if !is_same {
        namespaces.push(NamespaceLine {
            namespace,
            rows: Vec::new(),
            grants: Vec::new(),
        });
    }
    if let Some(last) = namespaces.last_mut() {
        last.rows.extend(part.rows.into_iter().map(row));
        last.grants.extend(part.grants.into_iter().map(grant));
    }
}

fn log_of(log: protocol::ExposureLog) -> LogLine {
    LogLine {
        first_index: log.first_index,
        end_index: log.end_index,
        first_root_hash: hex::encode(log.first_root_hash),
        first_proof: log.first_proof.iter().map(hex::encode).collect(),
        end_root_hash: hex::encode(log.end_root_hash),
        end_proof: log.end_proof.iter().map(hex::encode).collect(),
        checkpoint: log.checkpoint,
        erased_count: Some(log.erased_count).filter(|count| *count > 0),
    }
}

fn row(row: protocol::ExposureRow) -> RowLine {
    RowLine {
        subject: some(row.subject),
        token: some(row.token),
        field: some(row.field),
        level: some(row.level),
        kind: row.kind,
        status: row.status,
        count: row.count,
        first_unix_ms: row.first_unix_ms,
        first_index: row.first_index,
        last_unix_ms: row.last_unix_ms,
        last_index: row.last_index,
    }
}

fn grant(grant: protocol::ExposureGrant) -> GrantLine {
    let unseen = grant.could_have_been.into_iter().map(|it| UnseenLine {
        subject: some(it.subject),
        field: it.field,
    });
    GrantLine {
        could_have_been: unseen.collect(),
        person: some(grant.person),
        principal: some(grant.principal),
        case_id: some(grant.case_id),
        approver: some(grant.approver),
        grant_id: grant.grant_id,
        level: grant.level,
        requested_index: grant.requested_index,
        begins_unix_ms: grant.begins_unix_ms,
        ends_unix_ms: grant.ends_unix_ms,
    }
}

fn summary(trailer: &protocol::ExposureTrailer) -> SummaryLine {
    SummaryLine {
        released: trailer.released,
        possibly_released: trailer.possibly_released,
        refused: trailer.refused,
        tokens_released: trailer.tokens_released,
        tokens_possibly_released: trailer.tokens_possibly_released,
        tokens_refused: trailer.tokens_refused,
        could_have_been: trailer.could_have_been,
    }
}

/// Nothing for an empty text.
fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl fmt::Debug for AuditClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuditClient")
            .finish_non_exhaustive()
    }
}
