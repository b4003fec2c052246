//! The first gate: policy, and the entry of who was turned away at it.

use std::collections::BTreeSet;

use crate::access::Act;
use crate::access::Grant;
use crate::access::GrantKind;
use crate::access::Refusal;
use crate::access::SUBJECTS_MAX;
use crate::access::Usage;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::ErrorClass;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::audit::Receipt;
use crate::cases::CaseQuestion;
use crate::domain::FieldName;
use crate::domain::GrantId;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::keys::Ring;
use crate::policy::CaseFacts;
use crate::policy::Circumstances;
use crate::policy::Coverage;
use crate::policy::GrantFacts;
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
    /// Decides a request that is made under no grant.
    pub(super) async fn permit<T: Journaled>(
        &self,
        caller: &Caller,
        request: T,
    ) -> Result<(Permitted<T>, &NamespaceFields), VaultError> {
        let admitted = self.admit(caller, request).await?;
        Ok((admitted.permitted, admitted.fields))
    }

    /// Decides a request. A refusal is recorded before it is told.
    pub(super) async fn admit<T: Journaled>(
        &self,
        caller: &Caller,
        request: T,
    ) -> Result<Admitted<'_, T>, VaultError> {
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
        let grant = match request.grant_id() {
            Some(id) => self.live_grant(caller, id).await,
            None => None,
        };
        let policy = self.parts.policy.current();
        let circumstances = Circumstances {
            case: self.case_of(caller, &request, &policy).await,
            grant: grant.as_ref().map(facts),
            budget_used_percent: self.budget_used_percent(caller, request.namespace()).await,
            ..self.circumstances(caller)
        };
        let named = request.fields();
        let is_grant_missing = request.grant_id().is_some() && grant.is_none();
        let decision = policy.decide(&circumstances, request, &named);
        let denied = |request, hash| {
            let (outcome, class) = (ItemOutcome::Denied, ErrorClass::Denied);
            self.entry_of_refusal(caller, request, hash, outcome, class)
        };
        let denial = match (decision, fields) {
            (Ok(permitted), Some(fields)) if !is_grant_missing => {
                return Ok(Admitted {
                    permitted,
                    fields,
                    grant,
                });
            }
            (Ok(permitted), _) => denied(permitted.request(), permitted.permit().policy_hash()),
            (Err(denial), _) => denied(denial.request(), denial.policy_hash()),
        };
        self.record(caller, denial, Act::Refused).await?;
        if is_grant_missing {
            return Err(VaultError::Refused(Refusal::GrantMissing));
        }
        Err(VaultError::Denied)
    }

    /// The grant, if it was given to the caller and may be used now. Whether it covers the call is
    /// decided item by item, and once more when the call gets its place in the log.
    async fn live_grant(&self, caller: &Caller, id: &GrantId) -> Option<Grant> {
        let person = &caller.person.as_ref()?.id;
        let now = self.parts.clock.now();
        let grant = self.parts.log.access(|access| access.grant(id).cloned());
        let grant = grant.await?;
        let is_own = grant.requester == *person && grant.principal == caller.principal;
        (is_own && grant.is_live(now)).then_some(grant)
    }

    /// What the case system says of the case of a reveal, where a policy wants to know: of the
    /// customers whom the call names, and of nobody where it names one for not every item.
    async fn case_of<T: Journaled>(
        &self,
        caller: &Caller,
        request: &T,
        policy: &Policy,
    ) -> Option<CaseFacts> {
        let (case_id, person) = (request.case_id()?, caller.person.as_ref()?);
        let cases = self.parts.cases.as_ref()?;
        if !policy.looks_at_case(&caller.principal, request.action()) {
            return None;
        }
        let items = 0..request.items_count();
        let subjects: Option<BTreeSet<&Subject>> =
            items.map(|index| request.item(index).subject).collect();
        let is_about_all = subjects.is_some();
        let subjects: Vec<&Subject> = subjects.unwrap_or_default().into_iter().collect();
        if subjects.len() > SUBJECTS_MAX {
            return None;
        }
        let question = CaseQuestion {
            namespace: request.namespace(),
            case_id,
            person: &person.id,
            subjects: &subjects,
        };
        let answer = cases
            .ask_or_recall(question, self.parts.clock.now())
            .await?;
        Some(CaseFacts {
            is_open: answer.open,
            is_assigned: answer.assigned,
            is_about_subject: answer.about_subject && is_about_all,
        })
    }

    /// How much is used of the budget that is used the most, of callers who act for a person: the
    /// others need not wait for the answer.
    async fn budget_used_percent(&self, caller: &Caller, namespace: &Namespace) -> Option<u32> {
        caller.person.as_ref()?;
        let (actor, clock) = (caller.actor(), &self.parts.clock);
        let usage = self
            .parts
            .log
            .access(|access| access.usage(&actor, namespace, clock.now()))
            .await;
        let percent = |usage: &Usage| usage.used.saturating_mul(100) / usage.limit.max(1);
        let most = usage.iter().map(percent).max()?;
        u32::try_from(most).ok()
    }

    /// The circumstances of a caller, without a case or a grant.
    pub(super) fn circumstances<'a>(&self, caller: &'a Caller) -> Circumstances<'a> {
        Circumstances {
            person: caller.person.as_ref(),
            address: caller.address,
            ..Circumstances::new(&caller.principal, self.parts.clock.now())
        }
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
        let commit = Commit::new(Changes::default(), entry, Some(caller.claim(act)));
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
            | VaultError::Backup(_)
            | VaultError::Ceremony(_)
            | VaultError::Denied
            | VaultError::ExposureArchived { .. }
            | VaultError::ExposureTooLong(_)
            | VaultError::GrantScope { .. }
            | VaultError::ItemCount { .. }
            | VaultError::KeysChanged
            | VaultError::NotCosigned { .. }
            | VaultError::OutsideLog { .. }
            | VaultError::Overloaded
            | VaultError::PersonRefused(_)
            | VaultError::Purpose
            | VaultError::RequestIdReused
            | VaultError::RootKeyUnavailable
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
        let commit = Commit::of_vault(entry);
        self.parts.log.commit(commit).await?;
        self.parts.policy.replace(policy);
        Ok(())
    }

    /// The namespace that a request works in, with its keys.
    pub(super) fn workplace<'a, T: Journaled>(
        &self,
        ring: &'a Ring,
        request: &'a T,
        fields: &NamespaceFields,
    ) -> Result<Workplace<'a>, VaultError> {
        self.place_of(ring, request.namespace(), fields)
    }

    /// A namespace, with its keys.
    pub(super) fn place_of<'a>(
        &self,
        ring: &'a Ring,
        namespace: &'a Namespace,
        fields: &NamespaceFields,
    ) -> Result<Workplace<'a>, VaultError> {
        // A start refuses a namespace without keys, so this finds them.
        let keys = ring.namespace(namespace).ok_or(VaultError::Denied)?;
        Ok(Workplace {
            namespace,
            id: fields.id,
            keys,
        })
    }
}

/// A request that was permitted, and the grant that it may be carried out under.
pub(super) struct Admitted<'a, T> {
    pub(super) permitted: Permitted<T>,
    pub(super) fields: &'a NamespaceFields,
    pub(super) grant: Option<Grant>,
}

fn facts(grant: &Grant) -> GrantFacts<'_> {
    GrantFacts {
        level: grant.scope.level,
        case_id: grant.scope.case_id.as_ref(),
        reveals_left: u64::from(grant.reveals_left()),
        is_break_glass: grant.scope.kind == GrantKind::BreakGlass,
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
