//! VerifyMatch: whether a token stands for the value that is claimed with it.
//!
//! Nothing is deciphered: the record's key enciphers the claimed value, and the result is the
//! token or is not.

use crate::access::Glance;
use crate::access::SeenKey;
use crate::audit::Event;
use crate::audit::ItemOutcome;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Token;
use crate::policy::Action;
use crate::policy::Permitted;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::caller::Caller;
use crate::vault::cipher::is_same_token;
use crate::vault::disclosure::ask;
use crate::vault::disclosure::glance;
use crate::vault::disclosure::seen;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::NamespaceFields;
use crate::vault::find::Found;
use crate::vault::find::by_token;
use crate::vault::is_missing;
use crate::vault::journal::About;
use crate::vault::journal::Journaled;
use crate::vault::journal::Note;
use crate::vault::journal::about;
use crate::vault::read::Presented;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;
use crate::vault::work;

/// Tokens and the values that they are claimed to stand for.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct VerifyMatch {
    /// The tenant.
    pub namespace: Namespace,
    /// For the audit log.
    pub request_id: Option<RequestId>,
    /// The pairs; an item that could not be converted is answered with its error.
    pub items: Vec<Item<VerifyMatchItem>>,
}

/// A token and the value that it is claimed to stand for.
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct VerifyMatchItem {
    /// The field of both.
    pub field: FieldName,
    /// The token.
    pub token: Token,
    /// The claimed value.
    pub value: Plaintext,
    /// The customer whom the value belongs to.
    pub subject: Option<Subject>,
}

impl Request for VerifyMatch {
    fn action(&self) -> Action {
        Action::VerifyMatch
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Journaled for VerifyMatch {
    const EVENT: Event = Event::VerifyMatch;

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
            token: Some(&item.token),
        })
    }
}

impl Vault {
    /// Says whether each token stands for its claimed value, under the field's equality.
    ///
    /// # Errors
    ///
    /// If the request as a whole cannot be carried out.
    pub async fn verify_match(
        &self,
        caller: &Caller,
        request: VerifyMatch,
    ) -> Result<Vec<Item<bool>>, VaultError> {
        let (permitted, fields) = self.permit(caller, request).await?;
        let items_count = permitted.request().items.len();
        let (answer, glances) = self.with_current_keys(|ring| {
            let workplace = self.workplace(ring, permitted.request(), fields)?;
            let compared = work(items_count, || self.compare(&workplace, fields, &permitted))?;
            let is_missing = is_missing(&compared.0);
            Ok((compared, is_missing))
        })?;
        let entry = self.entry(caller, &permitted, |index| match answer.get(index) {
            Some(Ok(true)) => Note::new(ItemOutcome::Matched),
            Some(Ok(false)) => Note::new(ItemOutcome::Differed),
            Some(Err(error)) => Note::failed(error),
            None => Note::new(ItemOutcome::NotDone),
        });
        let request = permitted.request();
        let act = ask(&request.namespace, None, glances);
        self.record_answer(caller, &permitted, entry, act).await?;
        Ok(answer)
    }

    fn compare(
        &self,
        workplace: &Workplace<'_>,
        fields: &NamespaceFields,
        permitted: &Permitted<VerifyMatch>,
    ) -> Result<(Vec<Item<bool>>, Vec<Glance>), VaultError> {
        let items = &permitted.request().items;
        let pairs: Vec<Item<(Presented<'_>, Reading<'_>)>> = items
            .iter()
            .map(|item| {
                let item = item.as_ref().map_err(|error| *error)?;
                let field = fields.permitted(permitted.permit(), &item.field)?;
                let subject = item.subject.as_ref();
                let presented = workplace.present(field, &item.token, subject)?;
                Ok((presented, workplace.read(field, &item.value, subject)?))
            })
            .collect();
        let presented: Vec<&Presented<'_>> = pairs
            .iter()
            .flatten()
            .map(|(presented, _)| presented)
            .collect();
        let mut found = by_token(self.store(), &presented, self.parts.clock.now())?.into_iter();
        let mut glances = Vec::with_capacity(items.len());
        let mut compare = |pair: &Item<(Presented<'_>, Reading<'_>)>, item: &Item<_>| {
            let (_, reading) = pair.as_ref().map_err(|error| *error)?;
            let item: &VerifyMatchItem = item.as_ref().map_err(|error| *error)?;
            let found = found.next().unwrap_or(Ok(None))?;
            let found = found.ok_or(ItemError::UnknownToken)?;
            glances.push(claimed(workplace, reading, item, &found));
            let token = workplace.encipher_again(reading, &found)?;
            let format = &reading.place.field.format;
            Ok(token.is_some_and(|token| is_same_token(format, &token, &item.token)))
        };
        let pairs = pairs.iter().zip(items);
        let answer: Vec<Item<bool>> = pairs.map(|(pair, item)| compare(pair, item)).collect();
        let unknown = items.iter().zip(&answer).filter_map(|pair| match pair {
            (Ok(item), Err(ItemError::UnknownToken)) => {
                Some((&item.field, &item.token, item.subject.as_ref()))
            }
            (Ok(_) | Err(_), Ok(_) | Err(_)) => None,
        });
        glances.extend(self.foreign(workplace.namespace, unknown)?);
        Ok((answer, glances))
    }
}

/// A claim about a token: budgets count its customer, and claims about one token are few.
fn claimed(
    workplace: &Workplace<'_>,
    reading: &Reading<'_>,
    item: &VerifyMatchItem,
    found: &Found,
) -> Glance {
    let namespace = workplace.namespace;
    // A damaged subject leaves the record itself to be counted.
    let own = workplace.subject(&reading.name(found.id), &found.record);
    let own = own.ok().flatten();
    let subject = item.subject.as_ref().or(own.as_ref());
    Glance {
        guessed: Some(SeenKey::value(namespace, &found.id.0)),
        ..glance(seen(namespace, subject, found.id))
    }
}
