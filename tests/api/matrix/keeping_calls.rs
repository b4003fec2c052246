//! Calls of who keeps the vault: customers' records, backups, keys.

use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::OfficerKey;
use counterfoil::protocol;
use counterfoil::protocol::backup_service_client::BackupServiceClient;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::protocol::reindex_result;
use counterfoil::protocol::retokenize_result;
use counterfoil::protocol::subject_service_client::SubjectServiceClient;
use tonic::Code;
use tonic::Status;
use tonic_types::pb;

use super::asking::Asker;
use super::asking::Question;
use super::asking::first;
use super::asking::only;

impl Asker {
    /// Sends a call that keeps something. What comes after the policies, such as that there
    /// is no such operation, is not asked about here: the call was permitted.
    pub(super) async fn send_keeping(&self, call: &str, question: &Question) -> Result<(), Status> {
        let sent = match call {
            "DescribeSubject" | "EraseSubject" => self.send_subject(call, question).await,
            "CreateBackup" => {
                let request = protocol::CreateBackupRequest {
                    acting_principal: self.assertion(),
                    ..protocol::CreateBackupRequest::default()
                };
                let mut service = BackupServiceClient::new(self.reveal.clone());
                match service.create_backup(request).await {
                    Ok(stream) => stream.into_inner().message().await.map(drop),
                    Err(status) => Err(status),
                }
            }
            _ => self.send_key(call).await,
        };
        match sent {
            // A text that is no statement is seen only after the policies were asked.
            Err(status)
                if matches!(
                    status.code(),
                    Code::FailedPrecondition | Code::InvalidArgument | Code::NotFound
                ) =>
            {
                Ok(())
            }
            sent => sent,
        }
    }

    async fn send_subject(&self, call: &str, question: &Question) -> Result<(), Status> {
        let mut service = SubjectServiceClient::new(self.reveal.clone());
        let (namespace, subject) = (question.namespace.to_owned(), "cus_nobody".to_owned());
        let acting_principal = self.assertion();
        if call == "DescribeSubject" {
            let request = protocol::DescribeSubjectRequest {
                namespace,
                subject,
                acting_principal,
            };
            return service.describe_subject(request).await.map(drop);
        }
        let request = protocol::EraseSubjectRequest {
            namespace,
            subject,
            dry_run: false,
            acting_principal,
        };
        service.erase_subject(request).await.map(drop)
    }

    /// A field that is not permitted and a token that is unknown are told alike.
    pub(super) async fn send_reindex(
        &self,
        question: &Question,
    ) -> Result<Option<pb::Status>, Status> {
        let item = protocol::ReindexItem {
            field: question.field.to_owned(),
            token: self.token(question),
            ..protocol::ReindexItem::default()
        };
        let request = protocol::ReindexRequest {
            namespace: question.namespace.to_owned(),
            items: vec![item],
            acting_principal: self.assertion(),
            ..protocol::ReindexRequest::default()
        };
        let mut service = KeyServiceClient::new(self.reveal.clone());
        let results = service.reindex(request).await?.into_inner().results;
        first(results, |result| match result.result.unwrap() {
            reindex_result::Result::Outcome(outcome)
                if outcome == protocol::ReindexOutcome::NotFound as i32 =>
            {
                Err(pb::Status {
                    code: Code::PermissionDenied as i32,
                    ..pb::Status::default()
                })
            }
            reindex_result::Result::Outcome(_) => Ok(()),
            reindex_result::Result::Error(status) => Err(status),
        })
    }

    pub(super) async fn send_retokenize(
        &self,
        question: &Question,
    ) -> Result<Option<pb::Status>, Status> {
        let item = protocol::RetokenizeItem {
            field: question.field.to_owned(),
            token: self.token(question),
            ..protocol::RetokenizeItem::default()
        };
        let request = protocol::RetokenizeRequest {
            namespace: question.namespace.to_owned(),
            operation_id: self.operation.to_string(),
            items: vec![item],
            acting_principal: self.assertion(),
            ..protocol::RetokenizeRequest::default()
        };
        let mut service = KeyServiceClient::new(self.reveal.clone());
        let stream = service.retokenize(tokio_stream::iter([request])).await?;
        let results = only(stream).await?.results;
        first(results, |result| match result.result.unwrap() {
            retokenize_result::Result::Token(_) => Ok(()),
            retokenize_result::Result::Error(status) => Err(status),
        })
    }

    async fn send_key(&self, call: &str) -> Result<(), Status> {
        let mut service = KeyServiceClient::new(self.reveal.clone());
        let acting_principal = self.assertion();
        let (operation_id, note) = ("c-0".to_owned(), note());
        match call {
            "ListKeys" => {
                let request = protocol::ListKeysRequest {
                    acting_principal,
                    ..protocol::ListKeysRequest::default()
                };
                service.list_keys(request).await.map(drop)
            }
            "ListProtected" => {
                let request = protocol::ListProtectedRequest {
                    namespace: "shop".to_owned(),
                    key_version: 1,
                    with_moved: false,
                    acting_principal,
                };
                let pages = service.list_protected(request).await?;
                pages.into_inner().message().await.map(drop)
            }
            "ProposeOperation" => {
                let request = protocol::ProposeOperationRequest {
                    note,
                    charter: String::new(),
                    acting_principal,
                };
                service.propose_operation(request).await.map(drop)
            }
            "ApproveOperation" => {
                let request = protocol::ApproveOperationRequest {
                    operation_id,
                    note,
                    acting_principal,
                };
                service.approve_operation(request).await.map(drop)
            }
            "CancelOperation" => {
                let request = protocol::CancelOperationRequest {
                    operation_id,
                    note,
                    acting_principal,
                };
                service.cancel_operation(request).await.map(drop)
            }
            "GetOperation" => {
                let request = protocol::GetOperationRequest {
                    operation_id,
                    acting_principal,
                };
                service.get_operation(request).await.map(drop)
            }
            "WatchOperation" => {
                let request = protocol::WatchOperationRequest {
                    operation_id,
                    acting_principal,
                };
                service.watch_operation(request).await.map(drop)
            }
            _ => panic!("{call} is not asked"),
        }
    }
}

/// A text with a signature, of nobody's.
fn note() -> String {
    let key = OfficerKey::new(&KeyBytes::from_array(&[7; 32]));
    let name = NoteKeyName::new("nobody").unwrap();
    key.sign(name, "a text\n").unwrap().to_string()
}
