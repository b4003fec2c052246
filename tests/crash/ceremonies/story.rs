//! What officers do, step by step: each step is one call, or the wait for what the vault does by
//! itself.

use counterfoil::ceremony::Operation;
use counterfoil::ceremony::cancellation;
use counterfoil::client::statement;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::OfficerKey;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::CeremonyId;
use counterfoil::domain::KeyName;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::KeyVersion;
use counterfoil::domain::Namespace;
use counterfoil::domain::Timestamp;
use counterfoil::protocol;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::testbed::Failure;
use crate::testbed::NAMESPACE;

/// One step of a ceremony.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Propose(u8),
    Approve(u8),
    Cancel(u8),
    /// The delay is over; the vault carries it out, and its job comes to its end.
    End,
}

/// An officer's calls to a vault that may be killed under them.
#[derive(Clone)]
pub(crate) struct Officers {
    keys: KeyServiceClient<Channel>,
    /// What comes with a proposal to change the charter.
    charter: String,
}

impl Officers {
    pub(crate) fn new(channel: &Channel) -> Self {
        Self::bringing(channel, "")
    }

    /// Officers whose proposals come with this charter.
    pub(crate) fn bringing(channel: &Channel, charter: &str) -> Self {
        Self {
            keys: KeyServiceClient::new(channel.clone()),
            charter: charter.to_owned(),
        }
    }

    pub(crate) async fn list(&mut self) -> Result<protocol::ListKeysResponse, Status> {
        let request = protocol::ListKeysRequest::default();
        Ok(self.keys.list_keys(request).await?.into_inner())
    }

    /// The text of an operation, made once: whoever repeats a step signs the same text.
    pub(crate) async fn statement(
        &mut self,
        operation: &Operation,
        now_ms: u64,
    ) -> Result<(CeremonyId, String), Failure> {
        let (listed, now) = (self.list().await?, Timestamp::from_unix_ms(now_ms));
        let valid_seconds = 12 * 60 * 60;
        let made = statement(
            &listed,
            operation.clone(),
            now,
            valid_seconds,
            &SystemEntropy,
        )?;
        Ok((made.id(), made.to_string()))
    }

    /// Takes one step. To take it again, after no answer came, is what an officer would do.
    pub(crate) async fn take(
        &mut self,
        step: Step,
        id: &CeremonyId,
        text: &str,
    ) -> Result<protocol::Operation, Status> {
        let operation_id = id.as_str().to_owned();
        let acting_principal = String::new();
        let answer = match step {
            Step::Propose(by) => {
                let request = protocol::ProposeOperationRequest {
                    note: sign(by, text)?.to_string(),
                    charter: self.charter.clone(),
                    acting_principal,
                };
                self.keys.propose_operation(request).await?
            }
            Step::Approve(by) => {
                let request = protocol::ApproveOperationRequest {
                    operation_id,
                    note: sign(by, text)?.to_string(),
                    acting_principal,
                };
                self.keys.approve_operation(request).await?
            }
            Step::Cancel(by) => {
                let request = protocol::CancelOperationRequest {
                    operation_id,
                    note: sign(by, &cancellation(id))?.to_string(),
                    acting_principal,
                };
                self.keys.cancel_operation(request).await?
            }
            Step::End => {
                let request = protocol::WatchOperationRequest {
                    operation_id,
                    acting_principal,
                };
                let mut seen = self.keys.watch_operation(request).await?.into_inner();
                let mut last = None;
                while let Some(operation) = seen.message().await? {
                    last = Some(operation);
                }
                return last.ok_or_else(|| Status::unknown("nothing was seen"));
            }
        };
        Ok(answer.into_inner())
    }

    /// Where a ceremony is; nothing if there is none.
    pub(crate) async fn ask(
        &mut self,
        id: &CeremonyId,
    ) -> Result<Option<protocol::Operation>, Status> {
        let request = protocol::GetOperationRequest {
            operation_id: id.as_str().to_owned(),
            acting_principal: String::new(),
        };
        match self.keys.get_operation(request).await {
            Ok(operation) => Ok(Some(operation.into_inner())),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
    }
}

/// The officers' table of the configuration: two destroy a key, so long before it happens.
pub(crate) fn table(delay_seconds: u64) -> Result<String, Failure> {
    let mut keys = String::new();
    for number in 1..=3 {
        let (name, key) = officer(number)?;
        keys += &format!("{:?}, ", key.verifier(name).to_string());
    }
    Ok(format!(
        "[officers]\nkeys = [{keys}]\nrewrap_records_per_second = 3000\n\
         [officers.rules]\ndestroy-key = {{ delay_seconds = {delay_seconds} }}\n\
         erase-entry = {{ delay_seconds = {delay_seconds} }}\n\
         prune-log = {{ delay_seconds = {delay_seconds} }}\n\
         suspend-key = {{ approvals = 1 }}\ncompromise-key = {{ approvals = 1 }}\n"
    ))
}

fn sign(by: u8, text: &str) -> Result<SignedNote, Status> {
    let failed = || Status::internal("an officer cannot sign");
    let (name, key) = officer(by).map_err(|_| failed())?;
    key.sign(name, text).map_err(|_| failed())
}

pub(crate) fn officer(number: u8) -> Result<(NoteKeyName, OfficerKey), Failure> {
    let name = NoteKeyName::new(&format!("officer{number}"))?;
    let key = OfficerKey::new(&KeyBytes::from_array(&[number; KeyBytes::LENGTH]));
    Ok((name, key))
}

pub(crate) fn wrapping(version: u32) -> Result<KeyName, Failure> {
    shops(KeyPurpose::Wrapping, version)
}

pub(crate) fn shops(purpose: KeyPurpose, version: u32) -> Result<KeyName, Failure> {
    Ok(KeyName {
        namespace: Some(Namespace::new(NAMESPACE)?),
        ..vaults(purpose, version)?
    })
}

pub(crate) fn vaults(purpose: KeyPurpose, version: u32) -> Result<KeyName, Failure> {
    Ok(KeyName {
        purpose,
        namespace: None,
        version: KeyVersion::new(version).ok_or("a version is not 0")?,
    })
}

pub(crate) const POLICY: &str = r#"
permit (
  principal == Service::"client.shop.example",
  action in [
    Action::"list_keys", Action::"propose_operation", Action::"approve_operation",
    Action::"cancel_operation"
  ],
  resource
);
"#;
pub(crate) const DELAY_SECONDS: u64 = 600;
