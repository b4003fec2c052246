//! Lookup: the existing token of a value. It creates nothing.

use crate::access::Glance;
use crate::access::SeenKey;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::answer::TokenizedValue;
use crate::vault::caller::Caller;
use crate::vault::crew::Crew;
use crate::vault::disclosure::ask;
use crate::vault::disclosure::glance;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::find::Known;
use crate::vault::find::by_value;
use crate::vault::is_missing;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::work;

/// Values whose tokens are wanted, if there are any.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Lookup {
    /// The tenant.
    pub namespace: Namespace,
    /// For the audit log.
    pub request_id: Option<RequestId>,
    /// The values; an item that could not be converted is answered with its error.
    pub items: Vec<Item<LookupItem>>,
}

/// A value whose token is wanted.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct LookupItem {
    /// Its field.
    pub field: FieldName,
    /// The value.
    pub value: Plaintext,
    /// The customer whom it belongs to.
    pub subject: Option<Subject>,
}

impl Request for Lookup {
    fn action(&self) -> Action {
        Action::Lookup
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for Lookup {
    const EVENT: Event = Event::Lookup;

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
            field: Some(&item.field),
            subject: item.subject.as_ref(),
            token: None,
        })
    }
}

impl Vault {
    /// Finds the existing token of each value.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out.
    pub async fn lookup(
        &self,
        caller: &Caller,
        request: Lookup,
    ) -> Result<Vec<Item<TokenizedValue>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        let items_count = permitted.request().items.len();
        let (answer, glances) = self.with_current_keys(|ring| {
            let workplace = self.workplace(ring, permitted.request(), fields)?;
            work(items_count, || {
                let readings = readings(&self.crew, &workplace, fields, &permitted);
                let answer = self.tokens_of(&workplace, &readings)?;
                let is_missing = is_missing(&answer);
                Ok(((answer, glances(&workplace, &readings)), is_missing))
            })
        })?;
        let entry = self.entry(caller, &permitted, |index| match answer.get(index) {
            Some(Ok(value)) => Note {
                token: Some(&value.token),
                ..Note::new(ItemOutcome::Found)
            },
            Some(Err(error)) => Note::failed(error),
            None => Note::new(ItemOutcome::NotDone),
        });
        // Who searched for whom is on the disk before the answer leaves.
        let request = permitted.request();
        let act = ask(&request.namespace, None, glances);
        self.record_answer(caller, &permitted, entry, act).await?;
        Ok(answer)
    }

    fn tokens_of<'r>(
        &self,
        workplace: &Workplace<'_>,
        readings: &'r [Item<Reading<'r>>],
    ) -> Result<Vec<Item<TokenizedValue>>, VaultError> {
        let read: Vec<&Reading<'_>> = readings.iter().flatten().collect();
        let mut known = by_value(self.store(), &read, self.parts.clock.now())?.into_iter();
        let found = |reading: &'r Item<Reading<'r>>| match reading {
            Ok(reading) => Ok((reading, known.next().unwrap_or(Known::No))),
            Err(error) => Err(*error),
        };
        let found: Vec<Item<(&Reading<'_>, Known)>> = readings.iter().map(found).collect();
        Ok(self.crew.spread(&found, |_, found| {
            let (reading, known) = found.as_ref().map_err(|error| *error)?;
            match known {
                Known::Live(found) => Ok(workplace.token_of(reading, found)?.value),
                Known::Damaged => Err(ItemError::Damaged),
                Known::Expired(_) | Known::No => Err(ItemError::NotFound),
            }
        }))
    }
}

/// The values, each read into its field's format.
fn readings<'a>(
    crew: &Crew,
    workplace: &Workplace<'a>,
    fields: &'a NamespaceFields,
    permitted: &'a Permitted<Lookup>,
) -> Vec<Item<Reading<'a>>> {
    crew.spread(&permitted.request().items, |_, item| {
        let item = item.as_ref().map_err(|error| *error)?;
        let field = fields.permitted(permitted.permit(), &item.field)?;
        workplace.read(field, &item.value, item.subject.as_ref())
    })
}

/// Each value that is asked about counts, known or not: that it is known is an answer too.
fn glances(workplace: &Workplace<'_>, readings: &[Item<Reading<'_>>]) -> Vec<Glance> {
    let key = |reading: &Reading<'_>| reading.value_keys.first().copied();
    let keys = readings.iter().flatten().filter_map(key);
    keys.map(|key| glance(SeenKey::value(workplace.namespace, &key.fingerprint)))
        .collect()
}
