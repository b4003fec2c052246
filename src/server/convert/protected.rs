//! Whom a key protects, to and from the wire.

use tonic::Status;

use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::protocol;
use crate::server::convert::part;
use crate::server::status;
use crate::vault::ProtectedPage;
use crate::vault::ProtectedRecord;
use crate::vault::ProtectingKey;

/// Which key is asked about.
///
/// # Errors
///
/// If the namespace is no such name, or the version is 0.
pub(in crate::server) fn key(
    message: &protocol::ListProtectedRequest,
) -> Result<ProtectingKey, Status> {
    let version = KeyVersion::new(message.key_version);
    Ok(ProtectingKey {
        namespace: part("namespace", &message.namespace, Namespace::new)?,
        version: version.ok_or_else(|| status::invalid("key_version", "is from 1"))?,
        with_moved: message.with_moved,
    })
}

/// What a page of records had.
pub(in crate::server) fn page(page: ProtectedPage) -> protocol::ListProtectedResponse {
    protocol::ListProtectedResponse {
        records: page.records.into_iter().map(record).collect(),
        records_looked_at: count(page.looked_at_count),
        records_damaged: count(page.damaged_count),
        done_millionths: page.done_millionths,
        has_moved: page.has_moved,
    }
}

fn record(record: ProtectedRecord) -> protocol::ProtectedRecord {
    let subject = record.subject.as_ref().map_or("", Subject::as_str);
    protocol::ProtectedRecord {
        subject: subject.to_owned(),
        field: record.field.as_str().to_owned(),
        further_customers: count(record.further_count),
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
