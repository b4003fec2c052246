//! Calls about the audit log.

use counterfoil::protocol;
use counterfoil::protocol::audit_service_client::AuditServiceClient;
use tonic::Status;

use super::asking::Asker;
use super::asking::Question;

impl Asker {
    pub(super) async fn send_audit(&self, call: &str, question: &Question) -> Result<(), Status> {
        let mut service = AuditServiceClient::new(self.reveal.clone());
        let acting_principal = self.assertion();
        match call {
            "ReportExposure" => {
                let request = protocol::ReportExposureRequest {
                    namespace: question.namespace.to_owned(),
                    everybody: true,
                    from_unix_ms: 0,
                    to_unix_ms: u64::MAX / 2,
                    acting_principal,
                    ..protocol::ReportExposureRequest::default()
                };
                let mut parts = service.report_exposure(request).await?.into_inner();
                // One report is made at a time: this one is over at its end.
                while parts.message().await?.is_some() {}
                Ok(())
            }
            "ListEntries" => {
                let request = protocol::ListEntriesRequest {
                    entries_max: 1,
                    acting_principal,
                    ..protocol::ListEntriesRequest::default()
                };
                service.list_entries(request).await.map(drop)
            }
            "WatchEntries" => {
                let request = protocol::WatchEntriesRequest {
                    acting_principal,
                    ..protocol::WatchEntriesRequest::default()
                };
                service.watch_entries(request).await.map(drop)
            }
            "GetCheckpoint" => {
                let request = protocol::GetCheckpointRequest { acting_principal };
                service.get_checkpoint(request).await.map(drop)
            }
            "ProveInclusion" => {
                let request = protocol::ProveInclusionRequest {
                    acting_principal,
                    ..protocol::ProveInclusionRequest::default()
                };
                service.prove_inclusion(request).await.map(drop)
            }
            "ProveConsistency" => {
                let request = protocol::ProveConsistencyRequest {
                    acting_principal,
                    first_size: 1,
                    ..protocol::ProveConsistencyRequest::default()
                };
                service.prove_consistency(request).await.map(drop)
            }
            _ => panic!("{call} is not asked"),
        }
    }
}
