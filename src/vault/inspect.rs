//! Inspect: what is known of a token. Never its value.

use crate::access::Act;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::domain::Fidelity;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Recognition;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;
use crate::policy::Action;
use crate::policy::Coverage;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::Vault;
use crate::vault::answer::Description;
use crate::vault::answer::Inspected;
use crate::vault::answer::Item;
use crate::vault::caller::Caller;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::Field;
use crate::vault::field::NamespaceFields;
use crate::vault::find::Found;
use crate::vault::find::by_token;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::journal::distinct;
use crate::vault::read::Presented;
use crate::vault::read::Workplace;
use crate::vault::work;

/// Tokens to describe.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct Inspect {
    /// The tenant.
    pub namespace: Namespace,
    /// For the audit log.
    pub request_id: Option<RequestId>,
    /// The tokens; an item that could not be converted is answered with its error.
    pub items: Vec<Item<InspectItem>>,
}

/// A token to describe.
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct InspectItem {
    /// The field to look in; nothing: every field that the permit covers.
    pub field: Option<FieldName>,
    /// The token.
    pub token: Token,
    /// The customer whom its value belongs to.
    pub subject: Option<Subject>,
}

impl Request for Inspect {
    fn action(&self) -> Action {
        Action::Inspect
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for Inspect {
    const EVENT: Event = Event::Inspect;

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    fn items_count(&self) -> usize {
        self.items.len()
    }

    fn item(&self, index: usize) -> About<'_> {
        about(&self.items, index, |item| About {
            field: item.field.as_ref(),
            subject: item.subject.as_ref(),
            token: Some(&item.token),
        })
    }

    fn fields(&self) -> Vec<FieldName> {
        let named = self.items.iter().flatten().map(|item| item.field.as_ref());
        // One that names no field asks about every field.
        match named.collect::<Option<Vec<_>>>() {
            Some(named) => distinct(named.into_iter()),
            None => Vec::new(),
        }
    }
}

impl Vault {
    /// Says what is known of each token; nothing of one that is unknown, expired or foreign.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out.
    pub async fn inspect(
        &self,
        caller: &Caller,
        request: Inspect,
    ) -> Result<Vec<Item<Inspected>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        let items_count = permitted.request().items.len();
        let answer = self.with_current_keys(|ring| {
            let workplace = self.workplace(ring, permitted.request(), fields)?;
            let answer = work(items_count, || {
                self.describe(&workplace, fields, &permitted)
            })?;
            let is_unknown = |item: &Item<Inspected>| match item {
                Ok(inspected) => inspected.known.is_none(),
                Err(_) => false,
            };
            let is_missing = answer.iter().any(is_unknown);
            Ok((answer, is_missing))
        })?;
        let entry = self.entry(caller, &permitted, |index| match answer.get(index) {
            Some(Ok(inspected)) => match &inspected.known {
                Some(description) => Note {
                    field: Some(&description.field),
                    ..Note::new(ItemOutcome::Found)
                },
                None => Note::new(ItemOutcome::NotFound),
            },
            Some(Err(error)) => Note::failed(error),
            None => Note::new(ItemOutcome::NotDone),
        });
        self.record_answer(caller, &permitted, entry, Act::Work)
            .await?;
        Ok(answer)
    }

    fn describe(
        &self,
        workplace: &Workplace<'_>,
        fields: &NamespaceFields,
        permitted: &Permitted<Inspect>,
    ) -> Result<Vec<Item<Inspected>>, VaultError> {
        let items = &permitted.request().items;
        let presented: Vec<Item<Vec<Presented<'_>>>> = items
            .iter()
            .map(|item| match item {
                Ok(item) => presented(workplace, fields, permitted, item),
                Err(error) => Err(*error),
            })
            .collect();
        let all: Vec<&Presented<'_>> = presented.iter().flatten().flatten().collect();
        let mut found = by_token(self.store(), &all, self.parts.clock.now())?.into_iter();
        let mut describe = |presented: &Presented<'_>| {
            let found = found.next().unwrap_or(Ok(None))?;
            Ok(found.map(|Found { record, .. }| Description {
                field: presented.place.field.name.clone(),
                created: record.created,
                expires: record.expires,
                fidelity: record.fidelity,
            }))
        };
        Ok(presented
            .iter()
            .zip(items)
            .map(|(presented, item)| {
                let (places, item) = match (presented, item) {
                    (Ok(places), Ok(item)) => (places, item),
                    (Err(error), _) | (_, Err(error)) => return Err(*error),
                };
                // Every place is asked, so that the next item's answers are its own.
                let descriptions: Vec<_> = places.iter().map(&mut describe).collect();
                let described: Item<Vec<_>> = descriptions.into_iter().collect();
                let recognized = places
                    .iter()
                    .map(|presented| presented.place.field.format.recognize(&item.token));
                let known = described?.into_iter().flatten().next();
                let by_form = Recognition::of_any(recognized);
                let is_imported = |known: &Description| known.fidelity == Fidelity::Imported;
                // It is a token, which its form says of none that was imported.
                let recognition = match by_form {
                    Recognition::NotToken if known.as_ref().is_some_and(is_imported) => {
                        Recognition::Unsure
                    }
                    Recognition::NotToken | Recognition::Token | Recognition::Unsure => by_form,
                };
                Ok(Inspected { known, recognition })
            })
            .collect())
    }
}

/// The fields that the token may be of.
fn presented<'a>(
    workplace: &Workplace<'a>,
    fields: &'a NamespaceFields,
    permitted: &'a Permitted<Inspect>,
    item: &'a InspectItem,
) -> Item<Vec<Presented<'a>>> {
    let subject = item.subject.as_ref();
    let present = |field: &'a Field| match workplace.present(field, &item.token, subject) {
        // Too long for any token: no field knows it.
        Err(ItemError::UnknownToken) => Ok(None),
        presented => presented.map(Some),
    };
    match &item.field {
        Some(name) => {
            let field = fields.permitted(permitted.permit(), name)?;
            Ok(present(field)?.into_iter().collect())
        }
        None => {
            let covered = fields
                .fields
                .values()
                .filter(|field| permitted.permit().covers(&field.name, Coverage::Standing))
                // A field that needs the subject cannot be searched without one.
                .filter(|field| field.scope(subject).is_ok());
            let places: Item<Vec<Option<Presented<'a>>>> = covered.map(present).collect();
            Ok(places?.into_iter().flatten().collect())
        }
    }
}
