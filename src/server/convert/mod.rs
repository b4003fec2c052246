//! Text from the wire becomes typed values, and typed values become text for the wire.
//!
//! A malformed part of the request fails the request; a malformed part of an item fails the item.
//! Values and tokens move, and are never copied, into types that cannot be printed.

mod apart;
pub(super) mod exposure;
pub(super) mod grant;
mod import;
pub(super) mod key;
pub(super) mod log;
mod parts;
pub(super) mod protected;
mod redact;
pub(super) mod reindex;
pub(super) mod retokenize;
pub(super) mod subject;

use std::collections::HashMap;

use prost_types::Timestamp as WireTimestamp;
use tonic::Status;

use crate::audit::Receipt;
use crate::domain::CaseId;
use crate::domain::Fidelity;
use crate::domain::FidelityReason;
use crate::domain::FieldName;
use crate::domain::GrantId;
use crate::domain::IdentifierError;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::Purpose;
use crate::domain::Recognition;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::protocol;
use crate::server::status;
use crate::vault;
use crate::vault::Description;
use crate::vault::DetokenizeAnswer;
use crate::vault::Inspected;
use crate::vault::Item;
use crate::vault::ItemError;
use crate::vault::RevealReceipt;
use crate::vault::TokenizedValue;

use self::apart::Said;
use self::apart::keep_apart;
pub(super) use self::import::import_tokens;
pub(super) use self::import::imported;
pub(super) use self::redact::redact;
pub(super) use self::redact::redacted;

pub(super) fn tokenize(
    request: protocol::TokenizeRequest,
    items_max: usize,
) -> Result<vault::Tokenize, Status> {
    check_count(request.items.len(), items_max)?;
    let item = |item: protocol::TokenizeItem| {
        // Taken over first: an early return must not leave the value behind in a plain string.
        let value = parts::value(item.value, item.value_parts);
        Ok(vault::TokenizeItem {
            field: identifier("field", &item.field, FieldName::new)?,
            value: value?,
            subject: optional("subject", &item.subject, Subject::new)?,
            ttl_seconds: (item.ttl > 0).then_some(u64::from(item.ttl)),
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, |item: &vault::TokenizeItem| Said {
        texts: vec![item.value.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(vault::Tokenize {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
        allow_token_values: request.allow_token_values,
        decoys: request.decoys,
    })
}

pub(super) fn lookup(
    request: protocol::LookupRequest,
    items_max: usize,
) -> Result<vault::Lookup, Status> {
    check_count(request.items.len(), items_max)?;
    let item = |item: protocol::LookupItem| {
        let value = parts::value(item.value, item.value_parts);
        Ok(vault::LookupItem {
            field: identifier("field", &item.field, FieldName::new)?,
            value: value?,
            subject: optional("subject", &item.subject, Subject::new)?,
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, |item: &vault::LookupItem| Said {
        texts: vec![item.value.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(vault::Lookup {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
    })
}

pub(super) fn inspect(
    request: protocol::InspectRequest,
    items_max: usize,
) -> Result<vault::Inspect, Status> {
    check_count(request.items.len(), items_max)?;
    let item = |item: protocol::InspectItem| {
        let token = parts::token(item.token, item.token_parts);
        Ok(vault::InspectItem {
            field: optional("field", &item.field, FieldName::new)?,
            token: token?,
            subject: optional("subject", &item.subject, Subject::new)?,
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, |item: &vault::InspectItem| Said {
        texts: vec![item.token.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(vault::Inspect {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
    })
}

pub(super) fn verify_match(
    request: protocol::VerifyMatchRequest,
    items_max: usize,
) -> Result<vault::VerifyMatch, Status> {
    check_count(request.items.len(), items_max)?;
    let item = |item: protocol::VerifyMatchItem| {
        let token = parts::token(item.token, item.token_parts);
        let value = parts::value(item.value, item.value_parts);
        Ok(vault::VerifyMatchItem {
            field: identifier("field", &item.field, FieldName::new)?,
            token: token?,
            value: value?,
            subject: optional("subject", &item.subject, Subject::new)?,
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [("request_id", request_id.as_ref().map(RequestId::as_str))];
    let items = keep_apart(&ids, items, |item: &vault::VerifyMatchItem| Said {
        texts: vec![item.value.expose(), item.token.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(vault::VerifyMatch {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
    })
}

pub(super) fn detokenize(
    request: protocol::DetokenizeRequest,
    items_max: usize,
) -> Result<vault::Detokenize, Status> {
    check_count(request.items.len(), items_max)?;
    let level = match request.level() {
        protocol::Level::Full => Level::Full,
        protocol::Level::Masked => Level::Masked,
        protocol::Level::Unspecified => {
            return Err(status::invalid("level", "is not specified or not known"));
        }
    };
    let item = |item: protocol::DetokenizeItem| {
        let token = parts::token(item.token, item.token_parts);
        Ok(vault::DetokenizeItem {
            field: identifier("field", &item.field, FieldName::new)?,
            token: token?,
            subject: optional("subject", &item.subject, Subject::new)?,
        })
    };
    let request_id = optional_part("request_id", &request.request_id, RequestId::new)?;
    let case_id = optional_part("case_id", &request.case_id, CaseId::new)?;
    let items = request.items.into_iter().map(item);
    let ids = [
        ("request_id", request_id.as_ref().map(RequestId::as_str)),
        ("case_id", case_id.as_ref().map(CaseId::as_str)),
    ];
    let items = keep_apart(&ids, items, |item: &vault::DetokenizeItem| Said {
        texts: vec![item.token.expose()],
        subject: item.subject.as_ref(),
    })?;
    Ok(vault::Detokenize {
        namespace: part("namespace", &request.namespace, Namespace::new)?,
        request_id,
        items,
        level,
        purpose: part("purpose", &request.purpose, Purpose::new)?,
        case_id,
        grant_id: optional_part("grant_id", &request.grant_id, GrantId::new)?,
    })
}

pub(super) fn tokenized((index, item): (usize, Item<TokenizedValue>)) -> protocol::TokenizeResult {
    use protocol::tokenize_result::Result as Wire;
    let result = match item {
        Ok(value) => Wire::Token(tokenized_value(&value)),
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::TokenizeResult {
        result: Some(result),
    }
}

pub(super) fn looked_up((index, item): (usize, Item<TokenizedValue>)) -> protocol::LookupResult {
    use protocol::lookup_result::Result as Wire;
    let result = match item {
        Ok(value) => Wire::Token(tokenized_value(&value)),
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::LookupResult {
        result: Some(result),
    }
}

pub(super) fn inspected((index, item): (usize, Item<Inspected>)) -> protocol::InspectResult {
    use protocol::inspect_result::Result as Wire;
    let result = match item {
        Ok(Inspected { known, recognition }) => {
            let mut wire = known.map(description).unwrap_or_default();
            wire.set_recognition(recognition_of(recognition));
            Wire::Description(wire)
        }
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::InspectResult {
        result: Some(result),
    }
}

fn description(description: Description) -> protocol::TokenDescription {
    protocol::TokenDescription {
        known: true,
        field: description.field.as_str().to_owned(),
        created: Some(timestamp(description.created)),
        expires: description.expires.map(timestamp),
        fidelity: fidelity(description.fidelity).into(),
        ..protocol::TokenDescription::default()
    }
}

fn recognition_of(recognition: Recognition) -> protocol::Recognition {
    match recognition {
        Recognition::NotToken => protocol::Recognition::NotToken,
        Recognition::Token => protocol::Recognition::Token,
        Recognition::Unsure => protocol::Recognition::Unsure,
    }
}

pub(super) fn verified((index, item): (usize, Item<bool>)) -> protocol::VerifyMatchResult {
    use protocol::verify_match_result::Result as Wire;
    let result = match item {
        Ok(equal) => Wire::Equal(equal),
        Err(error) => Wire::Error(status::of_item(index, &error)),
    };
    protocol::VerifyMatchResult {
        result: Some(result),
    }
}

pub(super) fn detokenized(answer: DetokenizeAnswer) -> protocol::DetokenizeResponse {
    use protocol::detokenize_result::Result as Wire;
    let result = |(index, item): (usize, Item<Plaintext>)| {
        let result = match item {
            // This is the answer: the value leaves the vault here, after both gates.
            Ok(value) => match parts::split(value.expose()) {
                Ok(parts) => Wire::ValueParts(protocol::Parts { parts }),
                Err(whole) => Wire::Value(whole),
            },
            Err(error) => Wire::Error(status::of_item(index, &error)),
        };
        protocol::DetokenizeResult {
            result: Some(result),
        }
    };
    protocol::DetokenizeResponse {
        results: answer.items.into_iter().enumerate().map(result).collect(),
        receipt: Some(receipt(answer.receipt)),
        budget_remaining: answer.budget_left,
    }
}

fn receipt(receipt: RevealReceipt) -> protocol::Receipt {
    let RevealReceipt {
        receipt: Receipt {
            index, checkpoint, ..
        },
        leaf_hash,
        proof,
    } = receipt;
    protocol::Receipt {
        leaf_index: index,
        inclusion_proof: proof.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
        checkpoint: checkpoint.note().to_owned(),
        leaf_hash: leaf_hash.as_bytes().to_vec(),
    }
}

fn tokenized_value(value: &TokenizedValue) -> protocol::TokenizedValue {
    // This is the answer.
    let (token_parts, token) = match parts::split(value.token.expose()) {
        Ok(parts) => (parts, String::new()),
        Err(whole) => (HashMap::new(), whole),
    };
    protocol::TokenizedValue {
        token,
        token_parts,
        fidelity: fidelity(value.fidelity).into(),
        reason: reason(value.reason).into(),
        created: value.created,
        expires: value.expires.map(timestamp),
    }
}

fn fidelity(fidelity: Fidelity) -> protocol::Fidelity {
    match fidelity {
        Fidelity::Imported => protocol::Fidelity::Imported,
        Fidelity::Shape => protocol::Fidelity::Shape,
        Fidelity::Outline => protocol::Fidelity::Outline,
        Fidelity::Opaque => protocol::Fidelity::Opaque,
    }
}

fn reason(reason: FidelityReason) -> protocol::FidelityReason {
    match reason {
        FidelityReason::Configured => protocol::FidelityReason::Configured,
        FidelityReason::DomainTooSmall => protocol::FidelityReason::DomainTooSmall,
        FidelityReason::Imported => protocol::FidelityReason::Imported,
        FidelityReason::Invalid => protocol::FidelityReason::Invalid,
        FidelityReason::NotRepresentable => protocol::FidelityReason::NotRepresentable,
        FidelityReason::TooLong => protocol::FidelityReason::TooLong,
    }
}

pub(super) fn timestamp(time: Timestamp) -> WireTimestamp {
    let seconds = i64::try_from(time.unix_ms() / 1_000).unwrap_or(i64::MAX);
    let nanos = i32::try_from(time.unix_ms() % 1_000).unwrap_or(0) * 1_000_000;
    WireTimestamp { seconds, nanos }
}

fn check_count(items_count: usize, items_max: usize) -> Result<(), Status> {
    if items_count == 0 || items_count > items_max {
        let description = format!("has {items_count} items, must have 1 to {items_max}");
        return Err(status::invalid("items", description));
    }
    Ok(())
}

type Parse<T> = fn(&str) -> Result<T, IdentifierError>;

fn identifier<T>(part: &'static str, text: &str, parse: Parse<T>) -> Result<T, ItemError> {
    parse(text).map_err(|error| ItemError::Identifier { part, error })
}

fn optional<T>(part: &'static str, text: &str, parse: Parse<T>) -> Result<Option<T>, ItemError> {
    if text.is_empty() {
        Ok(None)
    } else {
        identifier(part, text, parse).map(Some)
    }
}

pub(super) fn part<T>(part: &'static str, text: &str, parse: Parse<T>) -> Result<T, Status> {
    parse(text).map_err(|error| status::invalid(part, error.to_string()))
}

pub(super) fn optional_part<T>(
    name: &'static str,
    text: &str,
    parse: Parse<T>,
) -> Result<Option<T>, Status> {
    if text.is_empty() {
        Ok(None)
    } else {
        part(name, text, parse).map(Some)
    }
}
