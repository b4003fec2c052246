//! Retokenize: values get other tokens, under keys that nobody can have copied before.
//!
//! ```text
//! permit → do officers allow it? → find → record the intent → open, draw → successors, the old
//! records beside them, what is left of the allowance, and the outcome, one batch → answer
//! ```
//!
//! Values are opened inside for it, so the intent is durable first. None leaves these modules. A
//! token that was replaced is answered with its successor again, however often it is sent.

use crate::access::Act;
use crate::access::Disclosure;
use crate::access::Glance;
use crate::access::Refusal;
use crate::audit::CeremonyNote;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::audit::Recorded;
use crate::domain::CeremonyId;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::keys::Ring;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::Changes;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::caller::Caller;
use crate::vault::disclosure::glance;
use crate::vault::disclosure::seen;
use crate::vault::drawing::Drawing;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::find::Found;
use crate::vault::find::by_token;
use crate::vault::find::is_settled;
use crate::vault::is_missing;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::officers::Allowance;
use crate::vault::read::Presented;
use crate::vault::read::Workplace;
use crate::vault::retokenize_plan::Plan;
use crate::vault::work;

/// Tokens that shall be replaced.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct Retokenize {
    /// The tenant.
    pub namespace: Namespace,
    /// The operation of the officers that allows it.
    pub operation: CeremonyId,
    /// For the audit log.
    pub request_id: Option<RequestId>,
    /// The tokens; an item that could not be converted is answered with its error.
    pub items: Vec<Item<RetokenizeItem>>,
}

/// A token that shall be replaced.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct RetokenizeItem {
    /// Its field.
    pub field: FieldName,
    /// The token.
    pub token: Token,
    /// A customer whom its value belongs to.
    pub subject: Option<Subject>,
}

/// The token that a value has now.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct Retokenized {
    /// The token. It was not created by this call where the old one had been replaced before, or
    /// where it is the very one that was sent, which is young enough.
    pub value: TokenizedValue,
    /// When the token that was sent opens no more; nothing, where it is the value's token still.
    pub old_ends: Option<Timestamp>,
}

/// The intent to replace tokens, on the disk.
pub(super) struct Intent {
    pub(super) recorded: Recorded<Permitted<Retokenize>>,
    /// Which tokens it was for: no other is opened, whatever has become known since.
    pub(super) items: Vec<Item<()>>,
    /// When the officers' operation took effect: tokens that were made since stay.
    pub(super) begins: Timestamp,
}

/// A record that a token names, and whose it is. Nothing of it has been opened but the subject.
pub(super) struct OldToken {
    pub(super) found: Found,
    pub(super) subject: Option<Subject>,
}

impl Request for Retokenize {
    fn action(&self) -> Action {
        Action::Retokenize
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for Retokenize {
    const EVENT: Event = Event::Retokenize;

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    fn operation(&self) -> Option<&CeremonyId> {
        Some(&self.operation)
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
    /// Gives the values of tokens other tokens, as far as an operation of the officers allows it,
    /// and says which. To do it again gives the same ones.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out; no token was replaced then.
    pub async fn retokenize(
        &self,
        caller: &Caller,
        request: Retokenize,
    ) -> Result<Vec<Item<Retokenized>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        let request = permitted.request();
        let allowance = self.allowance(&request.operation, &request.namespace);
        let allowance = match allowance {
            Ok(allowance) => allowance,
            Err(error) => return Err(self.refuse(caller, &permitted, error).await),
        };
        let intent = self.intend(caller, fields, permitted, &allowance).await?;
        self.replace(caller, fields, &intent).await
    }

    /// Makes the intent durable.
    async fn intend(
        &self,
        caller: &Caller,
        fields: &NamespaceFields,
        permitted: Permitted<Retokenize>,
        allowance: &Allowance,
    ) -> Result<Intent, VaultError> {
        let request = permitted.request();
        let old_tokens = self.with_current_keys(|ring| {
            let workplace = self.workplace(ring, request, fields)?;
            let found = work(request.items.len(), || {
                self.old_tokens(&workplace, fields, &permitted)
            })?;
            let is_missing = is_missing(&found);
            Ok((found, is_missing))
        })?;
        let entry = self.entry(caller, &permitted, |index| match old_tokens.get(index) {
            Some(Ok(old)) => old.note(ItemOutcome::Intended),
            Some(Err(error)) => Note::failed(error),
            None => Note::new(ItemOutcome::NotDone),
        });
        let act = Act::Retokenize {
            opened: Box::new(Disclosure {
                glances: self.glances_at(request, &old_tokens)?,
                ..nothing_opened(request)
            }),
            until: allowance.until(),
        };
        let commit = Commit::new(Changes::default(), entry, Some(caller.claim(act)));
        match self.parts.log.record(permitted, commit).await {
            Ok(recorded) => Ok(Intent {
                recorded,
                items: old_tokens.into_iter().map(|old| old.map(drop)).collect(),
                begins: allowance.begins(),
            }),
            Err((back, error)) => Err(self.unrecorded(caller, &back, error).await),
        }
    }

    /// What budgets count, and what trips an alarm.
    fn glances_at(
        &self,
        request: &Retokenize,
        old_tokens: &[Item<OldToken>],
    ) -> Result<Vec<Glance>, VaultError> {
        let namespace = &request.namespace;
        let known = old_tokens.iter().flatten();
        let known = known.map(|old| glance(seen(namespace, old.subject.as_ref(), old.found.id)));
        let mut glances: Vec<Glance> = known.collect();
        let unknown = request
            .items
            .iter()
            .zip(old_tokens)
            .filter_map(|pair| match pair {
                (Ok(item), Err(ItemError::UnknownToken)) => {
                    Some((&item.field, &item.token, item.subject.as_ref()))
                }
                (Ok(_) | Err(_), Ok(_) | Err(_)) => None,
            });
        glances.extend(self.foreign(namespace, unknown)?);
        Ok(glances)
    }

    /// Finds the records of the tokens, and whose they are.
    pub(super) fn old_tokens(
        &self,
        workplace: &Workplace<'_>,
        fields: &NamespaceFields,
        permitted: &Permitted<Retokenize>,
    ) -> Result<Vec<Item<OldToken>>, VaultError> {
        let (permit, items) = (permitted.permit(), &permitted.request().items);
        let presented: Vec<Item<Presented<'_>>> = items
            .iter()
            .map(|item| {
                let item = item.as_ref().map_err(|error| *error)?;
                let field = fields.permitted(permit, &item.field)?;
                workplace.present(field, &item.token, item.subject.as_ref())
            })
            .collect();
        let all: Vec<&Presented<'_>> = presented.iter().flatten().collect();
        let mut found = by_token(self.store(), &all, self.parts.clock.now())?.into_iter();
        let mut old_tokens = Vec::with_capacity(items.len());
        for (presented, item) in presented.iter().zip(items) {
            old_tokens.push(match (presented, item) {
                (Ok(presented), Ok(item)) => match found.next().unwrap_or(Ok(None)) {
                    Ok(Some(found)) => self
                        .subject_of(workplace, presented, &found, item.subject.as_ref())?
                        .map(|subject| OldToken { found, subject }),
                    Ok(None) => Err(ItemError::UnknownToken),
                    Err(error) => Err(error),
                },
                (Err(error), _) | (_, Err(error)) => Err(*error),
            });
        }
        Ok(old_tokens)
    }

    /// Replaces the tokens: successors, the old records beside them, what is left of the allowance,
    /// and the outcome are one batch. What two callers bring is replaced once: one of them reads
    /// again, and then keeps the desk from reading to writing.
    async fn replace(
        &self,
        caller: &Caller,
        fields: &NamespaceFields,
        intent: &Intent,
    ) -> Result<Vec<Item<Retokenized>>, VaultError> {
        let permitted = intent.recorded.inner();
        let items_count = permitted.request().items.len();
        let mut drawing = Drawing::new(items_count);
        let mut desk = None;
        loop {
            let (before, ring) = (self.store().relocations_count(), self.ring());
            let plan = work(items_count, || {
                self.plan_successors(&ring, fields, intent, &drawing)
            });
            let mut plan = match plan {
                Ok(plan) => plan,
                Err(error) => return Err(self.refuse(caller, permitted, error).await),
            };
            let was_held = desk.is_some();
            let kept = match desk.take() {
                Some(kept) => kept,
                None => self.take_desk().await,
            };
            // What is missing may only have moved meanwhile.
            let has_moved = is_missing(&plan.items) && !is_settled(self.store(), before);
            let commit = match has_moved {
                true => Err(VaultError::KeysChanged),
                false => self.outcome(caller, intent, &ring, &mut plan),
            };
            let again = match commit {
                Ok(commit) => match self.parts.log.commit(commit).await {
                    Ok(_) => return Ok(plan.into_answer()),
                    // A token was taken, a record was replaced, moved, joined or erased: nothing
                    // was written, and the next round sees that.
                    Err(CommitError::Conflicts(conflicts)) => {
                        drawing.again(&plan.items, &conflicts)
                    }
                    Err(CommitError::KeysChanged) => drawing.once_more(),
                    Err(error) => return Err(self.unrecorded(caller, permitted, error).await),
                },
                Err(_) if has_moved => drawing.once_more(),
                // Others may have replaced meanwhile what this call would, too.
                Err(VaultError::Refused(Refusal::AllowanceSpent { .. })) if !was_held => {
                    drawing.once_more()
                }
                Err(error) => Err(error),
            };
            if let Err(error) = again {
                return Err(self.refuse(caller, permitted, error).await);
            }
            desk = Some(kept);
        }
    }

    /// What is written for a plan, if the officers' operation still allows it. Whoever asks has the
    /// desk.
    fn outcome(
        &self,
        caller: &Caller,
        intent: &Intent,
        ring: &Ring,
        plan: &mut Plan,
    ) -> Result<Commit, VaultError> {
        let permitted = intent.recorded.inner();
        let request = permitted.request();
        let allowance = self.allowance(&request.operation, &request.namespace)?;
        let mut changes = std::mem::take(&mut plan.changes);
        let replaced_count = changes.successions.len();
        changes.rows.extend(allowance.take(ring, replaced_count)?);
        let entry = self.entry(caller, permitted, |index| plan.note(index));
        let entry = EntryDraft {
            event: Event::RetokenizeOutcome,
            ceremony: CeremonyNote {
                records_count: u64::try_from(replaced_count).ok(),
                ..entry.ceremony
            },
            ..entry
        };
        let act = Act::Retokenize {
            opened: Box::new(nothing_opened(request)),
            until: allowance.until(),
        };
        Ok(Commit {
            epoch: Some(ring.epoch().clone()),
            ..Commit::new(changes, entry, Some(caller.claim(act)))
        })
    }
}

impl OldToken {
    pub(super) fn note(&self, outcome: ItemOutcome) -> Note<'_> {
        Note {
            subject: self.subject.as_ref(),
            found: Some(&self.found),
            ..Note::new(outcome)
        }
    }
}

/// What is judged where nothing more is opened.
fn nothing_opened(request: &Retokenize) -> Disclosure {
    Disclosure {
        namespace: request.namespace.clone(),
        case_id: None,
        grant: None,
        glances: Vec::new(),
    }
}
