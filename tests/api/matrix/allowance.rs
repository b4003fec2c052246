//! An operation of the officers that lets tokens of `shop` be replaced, so that a call that is
//! permitted is carried out.

use counterfoil::ceremony::Operation;
use counterfoil::ceremony::Retokenization;
use counterfoil::client::statement;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::Clock;
use counterfoil::domain::Namespace;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::key_service_client::KeyServiceClient;

use crate::office::key_line;
use crate::office::sign;
use crate::stage::Stage;
use crate::support::Side;

/// The officers of the configuration.
pub(super) fn table() -> String {
    let keys = [1, 2].map(key_line).join(", ");
    format!("[officers]\nkeys = [{keys}]\n")
}

/// The operation's id.
pub(super) async fn allow(stage: &Stage) -> String {
    let credential = stage.vault.identities().credential("approver");
    let channel = stage.vault.connect(Side::Reveal, credential).await.unwrap();
    let mut keys = KeyServiceClient::new(channel);
    let acting_principal = stage.assertion("approver", "kim", "officers");
    let request = protocol::ListKeysRequest {
        acting_principal: acting_principal.clone(),
        ..protocol::ListKeysRequest::default()
    };
    let listed = keys.list_keys(request).await.unwrap().into_inner();
    let now = stage.vault.clock.now();
    let operation = Operation::Retokenize(Retokenization {
        namespace: Namespace::new("shop").unwrap(),
        tokens_max: 1_000,
        until: now.plus_seconds(24 * 60 * 60),
    });
    let made = statement(&listed, operation, now, 3_600, &SystemEntropy).unwrap();
    let text = made.to_string();
    let request = protocol::ProposeOperationRequest {
        note: sign(1, &text).to_string(),
        charter: String::new(),
        acting_principal: acting_principal.clone(),
    };
    keys.propose_operation(request).await.unwrap();
    let request = protocol::ApproveOperationRequest {
        operation_id: made.id().as_str().to_owned(),
        note: sign(2, &text).to_string(),
        acting_principal,
    };
    let approved = keys.approve_operation(request).await.unwrap().into_inner();
    assert!(approved.state() == OperationState::Running);
    approved.operation_id
}
