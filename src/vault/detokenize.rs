//! Detokenize: values given back, each call permitted, recorded durably, and only then opened.

use crate::access::Act;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::audit::Receipt;
use crate::audit::Recorded;
use crate::crypto::merkle::Hash;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::Purpose;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;
use crate::keys::Ring;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::Changes;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::caller::Caller;
use crate::vault::cipher::decipher;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::is_missing;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::permit::Admitted;
use crate::vault::retry::Retry;
use crate::vault::target::Target;
use crate::vault::work;

/// Tokens whose values are wanted.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct Detokenize {
    /// The tenant.
    pub namespace: Namespace,
    /// The caller's id of the request.
    pub request_id: Option<RequestId>,
    /// The tokens; an item that could not be converted is answered with its error.
    pub items: Vec<Item<DetokenizeItem>>,
    /// How much of the values.
    pub level: Level,
    /// Why.
    pub purpose: Purpose,
    /// The case.
    pub case_id: Option<CaseId>,
    /// The grant that it is made under.
    pub grant_id: Option<GrantId>,
}

/// A token whose value is wanted.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct DetokenizeItem {
    /// Its field.
    pub field: FieldName,
    /// The token.
    pub token: Token,
    /// The customer whom its value belongs to.
    pub subject: Option<Subject>,
}

/// Values, and the proof that revealing them was recorded.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct DetokenizeAnswer {
    /// A value, as much of it as was asked for, or an error for each item.
    pub items: Vec<Item<Plaintext>>,
    /// The proof.
    pub receipt: RevealReceipt,
    /// How many more subjects the caller may see, where a budget applies.
    pub budget_left: Option<u64>,
}

/// Proof that a reveal is in the audit log, to be checked with the log's public key alone.
#[derive(Debug)]
pub struct RevealReceipt {
    /// Where the intent is, and the checkpoint that covers it.
    pub receipt: Receipt,
    /// The hash of its leaf.
    pub leaf_hash: Hash,
    /// The hashes from the leaf to the checkpoint's root.
    pub proof: Vec<Hash>,
}

impl Request for Detokenize {
    fn action(&self) -> Action {
        match self.level {
            Level::Full => Action::Detokenize,
            Level::Masked => Action::DetokenizeMasked,
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }

    fn purpose(&self) -> Option<&Purpose> {
        Some(&self.purpose)
    }

    fn case_id(&self) -> Option<&CaseId> {
        self.case_id.as_ref()
    }
}

impl Journaled for Detokenize {
    const EVENT: Event = Event::Detokenize;

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    fn level(&self) -> Option<Level> {
        Some(self.level)
    }

    fn grant_id(&self) -> Option<&GrantId> {
        self.grant_id.as_ref()
    }

    fn items_count(&self) -> usize {
        self.items.len()
    }

    fn item(&self, index: usize) -> About<'_> {
        about(&self.items, index, |item| About {
            field: Some(&item.field),
            subject: item.subject.as_ref(),
            token: Some(&item.token),
        })
    }
}

impl Vault {
    /// Reveals the values of tokens, after the intent to do so is durable in the audit log. An
    /// intent without an outcome counts as revealed.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out; nothing was opened then.
    pub async fn detokenize(
        &self,
        caller: &Caller,
        request: Detokenize,
    ) -> Result<DetokenizeAnswer, VaultError> {
        let Admitted {
            permitted,
            fields,
            grant,
        } = self.admit(caller, request).await?;
        if let Err(error) = self.check_purpose(&permitted.request().purpose) {
            return Err(self.refuse(caller, &permitted, error).await);
        }
        let items_count = permitted.request().items.len();
        let as_of = self.store().endings_count();
        let targets = self.with_current_keys(|ring| {
            let targets = work(items_count, || {
                self.targets(ring, fields, &permitted, grant.as_ref())
            })?;
            let is_missing = is_missing(&targets);
            Ok((targets, is_missing))
        })?;
        // Both entries have the same fingerprints of the tokens, whatever is rotated in between.
        let journal = self.ring();
        let recorded = self
            .record_intent(&journal, caller, fields, permitted, &targets)
            .await?;
        let request = recorded.inner().request();
        let targets = self.not_erased(fields, request, targets, as_of)?;
        // From here on the call counts as a reveal, whatever becomes of it.
        let items = work(items_count, || self.open(fields, &recorded, &targets))?;
        self.follow_up(&journal, caller, &recorded, &targets, &items);
        let receipt = prove(recorded.receipt())?;
        let budget_left = receipt.receipt.granted.budget_left;
        Ok(DetokenizeAnswer {
            items,
            receipt,
            budget_left,
        })
    }

    fn check_purpose(&self, purpose: &Purpose) -> Result<(), VaultError> {
        match &self.parts.purposes {
            Some(allowed) if !allowed.contains(purpose) => Err(VaultError::Purpose),
            Some(_) | None => Ok(()),
        }
    }

    /// Makes the intent durable: the second gate.
    async fn record_intent(
        &self,
        journal: &Ring,
        caller: &Caller,
        fields: &NamespaceFields,
        mut permitted: Permitted<Detokenize>,
        targets: &[Item<Target>],
    ) -> Result<Recorded<Permitted<Detokenize>>, VaultError> {
        let disclosure = self.disclosure(permitted.request(), targets)?;
        loop {
            let now = self.parts.clock.now();
            let note = |index: usize| match targets.get(index) {
                Some(Ok(target)) => target.note(ItemOutcome::Intended),
                Some(Err(error)) => Note::failed(error),
                None => Note::new(ItemOutcome::NotDone),
            };
            let entry = self.entry_under(journal, caller, &permitted, note);
            let request = {
                let request = permitted.request();
                let ring = self.ring();
                let workplace = self.workplace(&ring, request, fields)?;
                let case_id = request.case_id.as_ref().map_or("", CaseId::as_str);
                let grant_id = request.grant_id.as_ref().map_or("", GrantId::as_str);
                let head = [
                    // Differs by the level.
                    request.action().name().as_bytes(),
                    request.purpose.as_str().as_bytes(),
                    case_id.as_bytes(),
                    grant_id.as_bytes(),
                ];
                let items = request.items.iter().flat_map(contents);
                let contents = head.into_iter().chain(items);
                let retry = Retry::new(&workplace, caller, request.request_id.as_ref(), contents);
                let replay = retry.find(self.store(), now);
                replay.map(|replay| match replay {
                    Some(_) => None,
                    None => retry.row(now, &[]),
                })
            };
            let request = match request {
                Ok(request) => request,
                Err(error) => return Err(self.refuse(caller, &permitted, error).await),
            };
            let changes = Changes {
                request,
                ..Changes::default()
            };
            let act = Act::Disclose(Box::new(disclosure.clone()));
            let claim = Some(caller.claim(act));
            let commit = Commit::new(changes, entry, claim);
            match self.parts.log.record(permitted, commit).await {
                Ok(recorded) => return Ok(recorded),
                // The same request arrived twice at once: the other was faster.
                Err((back, CommitError::Conflicts(_))) => permitted = back,
                Err((back, error)) => {
                    return Err(self.unrecorded(caller, &back, error).await);
                }
            }
        }
    }

    /// Opens the records: what the gates were for.
    fn open(
        &self,
        fields: &NamespaceFields,
        recorded: &Recorded<Permitted<Detokenize>>,
        targets: &[Item<Target>],
    ) -> Result<Vec<Item<Plaintext>>, VaultError> {
        let permitted = recorded.inner();
        let request = permitted.request();
        // The keys of now: those that the targets were found with, and newer ones.
        let ring = self.ring();
        let workplace = self.workplace(&ring, request, fields)?;
        Ok(self.crew.spread(targets, |index, target| {
            let item = request.items.get(index).ok_or(ItemError::Damaged)?;
            let item = item.as_ref().map_err(|error| *error)?;
            let target = target.as_ref().map_err(|error| *error)?;
            // A target is one only if its field was permitted.
            let field = fields.fields.get(&item.field).ok_or(ItemError::Forbidden)?;
            let place = workplace.place(field, item.subject.as_ref())?;
            let name = place.name(target.found.id);
            let record = &target.found.record;
            let key = workplace.token_key(&name, record)?;
            decipher(recorded, &place, &name, record, &key, &item.token)
        }))
    }

    /// Sends the outcome after the intent. It is not waited for: without it, the intent counts as
    /// revealed.
    fn follow_up(
        &self,
        journal: &Ring,
        caller: &Caller,
        recorded: &Recorded<Permitted<Detokenize>>,
        targets: &[Item<Target>],
        items: &[Item<Plaintext>],
    ) {
        let entry = self.entry_under(journal, caller, recorded.inner(), |index| {
            match (targets.get(index), items.get(index)) {
                (Some(Ok(target)), Some(Ok(_))) => target.note(ItemOutcome::Revealed),
                (Some(Ok(target)), Some(Err(error))) => target.note(Note::failed(error).outcome),
                (Some(Err(error)), _) => Note::failed(error),
                (_, _) => Note::new(ItemOutcome::NotDone),
            }
        });
        let entry = EntryDraft {
            event: Event::DetokenizeOutcome,
            intent_index: Some(recorded.receipt().index),
            ..entry
        };
        let log = self.parts.log.clone();
        tokio::spawn(async move {
            let commit = Commit::of_vault(entry);
            if log.commit(commit).await.is_err() {
                tracing::warn!("outcome of a reveal was not recorded; it counts as revealed");
            }
        });
    }
}

/// Proves that the intent is in the log.
fn prove(receipt: &Receipt) -> Result<RevealReceipt, VaultError> {
    let corrupt = StoreError::Corrupt { table: "tiles" };
    let (leaf_hash, proof) = receipt.prove().ok_or(VaultError::Store(corrupt))?;
    Ok(RevealReceipt {
        receipt: receipt.clone(),
        leaf_hash,
        proof,
    })
}

/// The parts of an item that its request's digest is made of.
fn contents(item: &Item<DetokenizeItem>) -> [&[u8]; 3] {
    match item {
        Ok(item) => [
            item.field.as_str().as_bytes(),
            // Into a keyed digest, which says nothing of it.
            item.token.expose().as_bytes(),
            item.subject
                .as_ref()
                .map(|subject| subject.as_str().as_bytes())
                .unwrap_or_default(),
        ],
        Err(_) => [b""; 3],
    }
}
