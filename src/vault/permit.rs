//! The first gate: policy, and the entry of who was turned away at it.

use crate::access::Act;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::ErrorClass;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::audit::Receipt;
use crate::domain::FieldName;
use crate::policy::Circumstances;
use crate::policy::Coverage;
use crate::policy::Permit;
use crate::policy::Permitted;
use crate::policy::Policy;
use crate::store::Changes;
use crate::vault::ITEMS_MAX;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::Field;
use crate::vault::field::NamespaceFields;
use crate::vault::journal::Journaled;
use crate::vault::journal::error_class;
use crate::vault::read::Workplace;

impl Vault {
    /// Decides a request. A refusal is recorded before it is told.
    pub(super) async fn permit<T: Journaled>(
        &self,
        caller: &Caller,
        request: T,
    ) -> Result<(Permitted<T>, &NamespaceFields), VaultError> {
        let items_count = request.items_count();
        if items_count == 0 || items_count > ITEMS_MAX {
            return Err(VaultError::ItemCount {
                items_count,
                items_max: ITEMS_MAX,
            });
        }
        // A rule is only ever about a configured namespace, but a vault that finds none must not
        // say which of the two was missing.
        let fields = self.parts.namespaces.get(request.namespace());
        let circumstances = Circumstances {
            principal: &caller.principal,
            person: caller.person.as_ref(),
            address: caller.address,
            time: self.parts.clock.now(),
            case: None,
            grant: None,
            budget_used_percent: None,
        };
        let policy = self.parts.policy.current();
        let named = request.fields();
        let decision = policy.decide(&circumstances, request, &named);
        let denied = |request, hash| {
            let (outcome, class) = (ItemOutcome::Denied, ErrorClass::Denied);
            self.entry_of_refusal(caller, request, hash, outcome, class)
        };
        let denial = match (decision, fields) {
            (Ok(permitted), Some(fields)) => return Ok((permitted, fields)),
            (Ok(permitted), None) => denied(permitted.request(), permitted.permit().policy_hash()),
            (Err(denial), _) => denied(denial.request(), denial.policy_hash()),
        };
        self.record(caller, denial, Act::Refused).await?;
        Err(VaultError::Denied)
    }

    /// Records that a request was refused as a whole after it was permitted, and returns why: the
    /// log has every request, whatever became of it.
    pub(super) async fn refuse<T: Journaled>(
        &self,
        caller: &Caller,
        permitted: &Permitted<T>,
        error: VaultError,
    ) -> VaultError {
        let class = error_class(&error);
        let (request, hash) = (permitted.request(), permitted.permit().policy_hash());
        let entry = self.entry_of_refusal(caller, request, hash, ItemOutcome::NotDone, class);
        match self.record(caller, entry, Act::Refused).await {
            Ok(_) => error,
            Err(unrecorded) => unrecorded.into(),
        }
    }

    /// Records an entry that changes nothing but what the act does, and returns once it is durable.
    pub(super) async fn record(
        &self,
        caller: &Caller,
        entry: EntryDraft,
        act: Act,
    ) -> Result<Receipt, CommitError> {
        let commit = Commit {
            changes: Changes::default(),
            entry,
            claim: Some(caller.claim(act)),
        };
        self.parts.log.commit(commit).await
    }

    /// Records what is about to be answered. If grants, budgets or freezes do not allow it, the
    /// refusal is recorded instead, and nothing of the answer may leave.
    pub(super) async fn record_answer<T: Journaled>(
        &self,
        caller: &Caller,
        permitted: &Permitted<T>,
        entry: EntryDraft,
        act: Act,
    ) -> Result<Receipt, VaultError> {
        match self.record(caller, entry, act).await {
            Ok(receipt) => Ok(receipt),
            Err(error) => Err(self.unrecorded(caller, permitted, error).await),
        }
    }

    /// Why a call was not carried out, whose entry the log did not take: a refusal has an entry of
    /// its own, everything else means that none can be written.
    pub(super) async fn unrecorded<T: Journaled>(
        &self,
        caller: &Caller,
        permitted: &Permitted<T>,
        error: CommitError,
    ) -> VaultError {
        let error = VaultError::from(error);
        match error {
            VaultError::Refused(_) => self.refuse(caller, permitted, error).await,
            VaultError::AuditUnavailable(_)
            | VaultError::Denied
            | VaultError::ItemCount { .. }
            | VaultError::Overloaded
            | VaultError::Purpose
            | VaultError::RequestIdReused
            | VaultError::Store(_) => error,
        }
    }

    /// Puts another policy in force, after the log has it: no entry names a policy that the log has
    /// not named before.
    ///
    /// # Errors
    ///
    /// If the log cannot be written; the policy that was in force stays.
    pub async fn load_policy(&self, policy: Policy) -> Result<(), VaultError> {
        let entry = EntryDraft {
            policy_hash: Some(policy.hash()),
            ..EntryDraft::new(Event::PolicyLoaded)
        };
        let commit = Commit {
            changes: Changes::default(),
            entry,
            claim: None,
        };
        self.parts.log.commit(commit).await?;
        self.parts.policy.replace(policy);
        Ok(())
    }

    /// The namespace that a request works in, with its keys.
    pub(super) fn workplace<'a, T: Journaled>(
        &'a self,
        request: &'a T,
        fields: &NamespaceFields,
    ) -> Result<Workplace<'a>, VaultError> {
        let namespace = request.namespace();
        // A start refuses a namespace without keys, so this finds them.
        let keys = self
            .parts
            .keyring
            .namespace(namespace)
            .ok_or(VaultError::Denied)?;
        Ok(Workplace {
            namespace,
            id: fields.id,
            keys,
        })
    }
}

impl NamespaceFields {
    /// The field, if the permit covers it. Who may not use every field does not learn which
    /// exist.
    pub(super) fn permitted(&self, permit: &Permit, name: &FieldName) -> Result<&Field, ItemError> {
        match self.fields.get(name) {
            Some(field) if permit.covers(name, Coverage::Standing) => Ok(field),
            None if permit.covers_all() => Err(ItemError::UnknownField),
            Some(_) | None => Err(ItemError::Forbidden),
        }
    }
}
