//! Requests about grants and freezes: decided, recorded, and carried out by the sequencer.

use crate::access::Act;
use crate::audit::AccessNote;
use crate::audit::CeremonyNote;
use crate::audit::CommitError;
use crate::audit::Decision;
use crate::audit::EntryDraft;
use crate::audit::EntryItem;
use crate::audit::ErrorClass;
use crate::audit::Event;
use crate::audit::Receipt;
use crate::domain::FieldName;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::policy::CaseFacts;
use crate::policy::Circumstances;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::journal::error_class;

/// A request that carries no value and no token.
pub(super) trait Administrative: Request {
    /// How the log calls it.
    fn event(&self) -> Event;

    /// The tenant that it is about, if it is about one.
    fn namespace(&self) -> Option<&Namespace> {
        None
    }

    /// The key version that it is about, if it is about one.
    fn key(&self) -> Option<(KeyPurpose, KeyVersion)> {
        None
    }

    /// What it has to do with grants and freezes.
    fn note(&self) -> AccessNote {
        AccessNote::default()
    }

    /// What it has to do with key officers.
    fn ceremony(&self) -> CeremonyNote {
        CeremonyNote::default()
    }

    /// The fields that policies decide about, each for itself.
    fn fields(&self) -> Vec<FieldName> {
        Vec::new()
    }

    /// How much of values it is about, if it is about any.
    fn level(&self) -> Option<Level> {
        None
    }

    /// What it would open.
    fn items(&self) -> Vec<EntryItem> {
        Vec::new()
    }
}

impl Vault {
    /// Decides an administrative request, records it, and has it carried out: all three, or a
    /// refusal that is recorded.
    pub(super) async fn administer<T: Administrative>(
        &self,
        caller: &Caller,
        request: T,
        case: Option<CaseFacts>,
        act: impl FnOnce(&Permitted<T>) -> Act,
    ) -> Result<(Permitted<T>, Receipt), VaultError> {
        let permitted = self.permit_administrative(caller, request, case).await?;
        let hash = permitted.permit().policy_hash();
        let entry = EntryDraft {
            decision: Some(Decision::Permit),
            ..self.administrative_entry(caller, permitted.request(), hash)
        };
        let act = act(&permitted);
        match self.record(caller, entry, act).await {
            Ok(receipt) => Ok((permitted, receipt)),
            Err(error) => {
                let request = permitted.request();
                Err(self.not_administered(caller, request, hash, error).await)
            }
        }
    }

    /// Decides an administrative request. A refusal is recorded before it is told.
    pub(super) async fn permit_administrative<T: Administrative>(
        &self,
        caller: &Caller,
        request: T,
        case: Option<CaseFacts>,
    ) -> Result<Permitted<T>, VaultError> {
        let fields = request.fields();
        let circumstances = Circumstances {
            case,
            ..self.circumstances(caller)
        };
        let denied = match self
            .parts
            .policy
            .current()
            .decide(&circumstances, request, &fields)
        {
            // A grant for a field that is not permitted is no grant for the others either.
            Ok(permitted) if permitted.covers_named(&fields) => return Ok(permitted),
            Ok(permitted) => {
                let hash = permitted.permit().policy_hash();
                self.denial(caller, permitted.request(), hash, ErrorClass::Denied)
            }
            Err(denied) => self.denial(
                caller,
                denied.request(),
                denied.policy_hash(),
                ErrorClass::Denied,
            ),
        };
        self.record(caller, denied, Act::Refused).await?;
        Err(VaultError::Denied)
    }

    /// Records that a request was refused before any policy was asked.
    pub(super) async fn deny_administrative<T: Administrative>(
        &self,
        caller: &Caller,
        request: &T,
    ) -> VaultError {
        let hash = self.parts.policy.current().hash();
        let entry = self.denial(caller, request, hash, ErrorClass::Denied);
        match self.record(caller, entry, Act::Refused).await {
            Ok(_) => VaultError::Denied,
            Err(unrecorded) => unrecorded.into(),
        }
    }

    /// Records why a permitted request was not carried out.
    pub(super) async fn not_administered<T: Administrative>(
        &self,
        caller: &Caller,
        request: &T,
        policy_hash: [u8; 32],
        error: CommitError,
    ) -> VaultError {
        let error = VaultError::from(error);
        if !matches!(error, VaultError::Refused(_)) {
            return error;
        }
        let entry = self.denial(caller, request, policy_hash, error_class(&error));
        match self.record(caller, entry, Act::Refused).await {
            Ok(_) => error,
            Err(unrecorded) => unrecorded.into(),
        }
    }

    pub(super) fn denial<T: Administrative>(
        &self,
        caller: &Caller,
        request: &T,
        policy_hash: [u8; 32],
        error: ErrorClass,
    ) -> EntryDraft {
        EntryDraft {
            decision: Some(Decision::Deny),
            error: Some(error),
            ..self.administrative_entry(caller, request, policy_hash)
        }
    }

    pub(super) fn administrative_entry<T: Administrative>(
        &self,
        caller: &Caller,
        request: &T,
        policy_hash: [u8; 32],
    ) -> EntryDraft {
        // A namespace that is not configured is a text that the caller chose.
        let namespace = request
            .namespace()
            .filter(|namespace| self.parts.namespaces.contains_key(*namespace));
        EntryDraft {
            case_id: request.case_id().cloned(),
            purpose: request.purpose().cloned(),
            namespace: namespace.cloned(),
            items: request.items(),
            key: request.key(),
            level: request.level(),
            policy_hash: Some(policy_hash),
            access: request.note(),
            ceremony: request.ceremony(),
            ..caller.entry(request.event())
        }
    }
}
