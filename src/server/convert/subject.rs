//! Customers and what they have, on the wire.

use tonic::Status;

use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::protocol;
use crate::server::convert::timestamp;
use crate::server::status;
use crate::vault::DescribeSubject;
use crate::vault::EraseSubject;
use crate::vault::ErasedSubject;
use crate::vault::SubjectDescription;

/// Who is asked about.
///
/// # Errors
///
/// If the namespace or the customer is no such name.
pub(in crate::server) fn describe(
    message: &protocol::DescribeSubjectRequest,
) -> Result<DescribeSubject, Status> {
    Ok(DescribeSubject {
        namespace: namespace(&message.namespace)?,
        subject: subject(&message.subject)?,
    })
}

/// Who is to be erased.
///
/// # Errors
///
/// If the namespace or the customer is no such name.
pub(in crate::server) fn erase(
    message: &protocol::EraseSubjectRequest,
) -> Result<EraseSubject, Status> {
    Ok(EraseSubject {
        namespace: namespace(&message.namespace)?,
        subject: subject(&message.subject)?,
        is_dry_run: message.dry_run,
    })
}

/// What a customer has.
pub(in crate::server) fn description(
    description: SubjectDescription,
) -> protocol::DescribeSubjectResponse {
    let fields = description.fields.into_iter().map(|(field, records)| {
        let field = field.as_ref().map_or("", FieldName::as_str);
        protocol::SubjectField {
            field: field.to_owned(),
            records_count: records.records_count,
            shared_count: records.shared_count,
            expired_count: records.expired_count,
            first_created: Some(timestamp(records.first_created)),
            last_created: Some(timestamp(records.last_created)),
        }
    });
    protocol::DescribeSubjectResponse {
        fields: fields.collect(),
        is_complete: description.is_complete,
    }
}

/// What became of a customer's records.
pub(in crate::server) fn erased(erased: &ErasedSubject) -> protocol::EraseSubjectResponse {
    protocol::EraseSubjectResponse {
        erased_count: erased.erased_count,
        kept_count: erased.kept_count,
        is_complete: erased.is_complete,
        leaf_index: erased.leaf_index,
    }
}

fn namespace(text: &str) -> Result<Namespace, Status> {
    Namespace::new(text).map_err(|error| status::invalid("namespace", error.to_string()))
}

fn subject(text: &str) -> Result<Subject, Status> {
    Subject::new(text).map_err(|error| status::invalid("subject", error.to_string()))
}
