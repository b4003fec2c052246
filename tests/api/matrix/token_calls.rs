//! How the calls of TokenService are asked.

use counterfoil::protocol::ImportTokensRequest;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::InspectRequest;
use counterfoil::protocol::KnownValue;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::LookupRequest;
use counterfoil::protocol::RedactItem;
use counterfoil::protocol::RedactRequest;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::VerifyMatchRequest;
use counterfoil::protocol::inspect_result;
use counterfoil::protocol::lookup_result;
use counterfoil::protocol::redact_result;
use counterfoil::protocol::verify_match_result;
use tonic::Status;
use tonic_types::pb;

use super::asking::Asker;
use super::asking::Question;
use super::asking::SUBJECT;
use super::asking::first;
use super::asking::only;
use super::asking::value_in;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item_of;
use crate::support::token_of;

impl Asker {
    pub(super) async fn send_token(
        &self,
        call: &str,
        question: &Question,
    ) -> Result<Option<pb::Status>, Status> {
        let namespace = question.namespace.to_owned();
        let (field, value) = (
            question.field.to_owned(),
            value_in(question.field).to_owned(),
        );
        let (token, acting_principal) = (self.token(question), self.assertion());
        let mut service = self.client.token.clone();
        let tokenize = || TokenizeRequest {
            namespace: namespace.clone(),
            items: vec![item_of(&field, &value, SUBJECT)],
            ..TokenizeRequest::default()
        };
        match call {
            "Tokenize" => first(
                service.tokenize(tokenize()).await?.into_inner().results,
                token_of,
            ),
            "TokenizeStream" => {
                let stream = service
                    .tokenize_stream(tokio_stream::iter([tokenize()]))
                    .await?;
                first(only(stream).await?.results, token_of)
            }
            "ImportTokens" => {
                let request = ImportTokensRequest {
                    namespace,
                    items: vec![import_of(&field, &value, &token, SUBJECT)],
                    ..ImportTokensRequest::default()
                };
                first(
                    service.import_tokens(request).await?.into_inner().results,
                    imported_of,
                )
            }
            "Lookup" => {
                let item = LookupItem {
                    field,
                    value,
                    ..LookupItem::default()
                };
                let request = LookupRequest {
                    namespace,
                    items: vec![item],
                    acting_principal,
                    ..LookupRequest::default()
                };
                first(
                    service.lookup(request).await?.into_inner().results,
                    |result| match result.result.unwrap() {
                        lookup_result::Result::Token(token) => Ok(token),
                        lookup_result::Result::Error(status) => Err(status),
                    },
                )
            }
            "Inspect" => {
                let item = InspectItem {
                    field,
                    token,
                    ..InspectItem::default()
                };
                let request = InspectRequest {
                    namespace,
                    items: vec![item],
                    acting_principal,
                    ..InspectRequest::default()
                };
                first(
                    service.inspect(request).await?.into_inner().results,
                    |result| match result.result.unwrap() {
                        inspect_result::Result::Description(known) => {
                            assert!(known.known);
                            Ok(())
                        }
                        inspect_result::Result::Error(status) => Err(status),
                    },
                )
            }
            "VerifyMatch" => {
                let item = VerifyMatchItem {
                    field,
                    token,
                    value,
                    ..VerifyMatchItem::default()
                };
                let request = VerifyMatchRequest {
                    namespace,
                    items: vec![item],
                    acting_principal,
                    ..VerifyMatchRequest::default()
                };
                first(
                    service.verify_match(request).await?.into_inner().results,
                    |result| match result.result.unwrap() {
                        verify_match_result::Result::Equal(equal) => {
                            assert!(equal);
                            Ok(())
                        }
                        verify_match_result::Result::Error(status) => Err(status),
                    },
                )
            }
            "Redact" => {
                let item = RedactItem {
                    text: format!("it is {value} again"),
                    known: vec![KnownValue { field, value }],
                    ..RedactItem::default()
                };
                let request = RedactRequest {
                    namespace,
                    items: vec![item],
                    acting_principal,
                    ..RedactRequest::default()
                };
                first(
                    service.redact(request).await?.into_inner().results,
                    |result| match result.result.unwrap() {
                        redact_result::Result::Redacted(text) => {
                            assert_eq!(text.spans.len(), 1);
                            Ok(())
                        }
                        redact_result::Result::Error(status) => Err(status),
                    },
                )
            }
            _ => panic!("{call} is not asked"),
        }
    }
}
