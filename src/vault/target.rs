//! What a reveal is after: the records of its tokens, whose they are, and by what it may see them.

use crate::access::Disclosure;
use crate::access::Glance;
use crate::access::Grant;
use crate::access::GrantUse;
use crate::audit::ItemOutcome;
use crate::domain::FieldName;
use crate::domain::Subject;
use crate::keys::Ring;
use crate::policy::Coverage;
use crate::policy::Permitted;
use crate::vault::Vault;
use crate::vault::answer::Item;
use crate::vault::detokenize::Detokenize;
use crate::vault::detokenize::DetokenizeItem;
use crate::vault::disclosure::glance;
use crate::vault::disclosure::seen;
use crate::vault::error::ItemError;
use crate::vault::error::VaultError;
use crate::vault::field::Field;
use crate::vault::field::NamespaceFields;
use crate::vault::find::Found;
use crate::vault::find::by_record_keys;
use crate::vault::find::by_token;
use crate::vault::is_missing;
use crate::vault::journal::Note;
use crate::vault::read::Presented;
use crate::vault::read::Workplace;

/// A record that a token names, and whose it is. Nothing of it has been opened but the subject.
pub(super) struct Target {
    pub(super) found: Found,
    pub(super) subject: Option<Subject>,
    /// What the grant must cover, where nothing else permits to see it.
    under_grant: Option<(Subject, FieldName)>,
}

/// A field that may be revealed, and what a grant must cover for that.
type Revealable<'a> = (&'a Field, Option<(Subject, FieldName)>);

/// A token where its record may be, and what a grant must cover for it.
type Revealing<'a> = (Presented<'a>, Option<(Subject, FieldName)>);

impl Vault {
    /// Finds the records of the tokens, and whose they are.
    pub(super) fn targets(
        &self,
        ring: &Ring,
        fields: &NamespaceFields,
        permitted: &Permitted<Detokenize>,
        grant: Option<&Grant>,
    ) -> Result<Vec<Item<Target>>, VaultError> {
        let request = permitted.request();
        let workplace = self.workplace(ring, request, fields)?;
        let presented: Vec<Item<Revealing<'_>>> = self.crew.spread(&request.items, |_, item| {
            let item = item.as_ref().map_err(|error| *error)?;
            let (field, under_grant) = fields.revealable(permitted, grant, item)?;
            let presented = workplace.present(field, &item.token, item.subject.as_ref())?;
            Ok((presented, under_grant))
        });
        let all: Vec<&Presented<'_>> = presented.iter().flatten().map(|(it, _)| it).collect();
        let mut found = by_token(self.store(), &all, self.parts.clock.now())?.into_iter();
        let of_item = |presented: &Item<Revealing<'_>>| -> Item<Found> {
            presented.as_ref().map_err(|error| *error)?;
            found
                .next()
                .unwrap_or(Ok(None))?
                .ok_or(ItemError::UnknownToken)
        };
        let found: Vec<Item<Found>> = presented.iter().map(of_item).collect();
        let subjects = self.crew.spread(&found, |index, found| {
            match (found, presented.get(index), request.items.get(index)) {
                (Ok(found), Some(Ok((presented, _))), Some(Ok(item))) => {
                    self.subject_of(&workplace, presented, found, item.subject.as_ref())
                }
                (Err(error), _, _) | (_, Some(Err(error)), _) | (_, _, Some(Err(error))) => {
                    Ok(Err(*error))
                }
                (Ok(_), _, _) => Ok(Err(ItemError::UnknownToken)),
            }
        });
        let mut targets = Vec::with_capacity(presented.len());
        for ((presented, found), subject) in presented.into_iter().zip(found).zip(subjects) {
            let subject = subject?;
            let target = || {
                Ok(Target {
                    found: found?,
                    subject: subject?,
                    under_grant: presented?.1,
                })
            };
            targets.push(target());
        }
        Ok(targets)
    }

    /// Takes back the records that were erased since they were found: what the log has before the
    /// intent is not revealed after it. A record that is not where it was has moved, so each is
    /// looked for by its token once more.
    pub(super) fn not_erased(
        &self,
        fields: &NamespaceFields,
        request: &Detokenize,
        targets: Vec<Item<Target>>,
        as_of: u64,
    ) -> Result<Vec<Item<Target>>, VaultError> {
        if self.store().endings_count() == as_of {
            return Ok(targets);
        }
        let pairs: Vec<(&Item<DetokenizeItem>, Item<Target>)> =
            request.items.iter().zip(targets).collect();
        let still_there = self.with_current_keys(|ring| {
            let workplace = self.workplace(ring, request, fields)?;
            let keys = |(item, target): &(&Item<DetokenizeItem>, Item<Target>)| {
                let (Ok(item), Ok(_)) = (item, target) else {
                    return Vec::new();
                };
                let field = fields.fields.get(&item.field);
                let subject = item.subject.as_ref();
                let place = field.and_then(|field| workplace.place(field, subject).ok());
                place.map_or_else(Vec::new, |place| {
                    workplace.record_keys(&place, item.token.expose())
                })
            };
            let now = self.parts.clock.now();
            let found = by_record_keys(self.store(), &pairs, keys, now)?;
            let is_there: Vec<Item<()>> = found
                .into_iter()
                .map(|found| found?.map(|_| ()).ok_or(ItemError::UnknownToken))
                .collect();
            let is_missing = is_missing(&is_there);
            Ok((is_there, is_missing))
        })?;
        let kept = |((_, target), is_there): ((_, Item<Target>), Item<()>)| {
            let target = target?;
            is_there.map(|()| target)
        };
        Ok(pairs.into_iter().zip(still_there).map(kept).collect())
    }

    /// Reads whose record it is. A caller who names somebody else gets the answer for an unknown
    /// token.
    pub(super) fn subject_of(
        &self,
        workplace: &Workplace<'_>,
        presented: &Presented<'_>,
        found: &Found,
        named: Option<&Subject>,
    ) -> Result<Item<Option<Subject>>, VaultError> {
        let name = presented.place.name(found.id);
        let own = workplace.subject(&name, &found.record);
        Ok(match (named, own) {
            (None, own) => own,
            (Some(named), Ok(Some(own))) if *named == own => Ok(Some(own)),
            // Equal values of several customers share a record; each customer's list has it.
            (Some(named), _) => {
                let lists = workplace.subject_keys(named).into_iter();
                let links: Vec<_> = lists.map(|list| (list, found.id)).collect();
                if self.store().subject_links(&links)?.contains(&true) {
                    Ok(Some(named.clone()))
                } else {
                    Err(ItemError::UnknownToken)
                }
            }
        })
    }

    /// What the call would let its caller see, and which tokens of other tenants it brings.
    pub(super) fn disclosure(
        &self,
        request: &Detokenize,
        targets: &[Item<Target>],
    ) -> Result<Disclosure, VaultError> {
        let namespace = &request.namespace;
        let known = targets.iter().flatten().map(|target| Glance {
            under_grant: target.under_grant.clone(),
            ..glance(seen(namespace, target.subject.as_ref(), target.found.id))
        });
        let mut glances: Vec<Glance> = known.collect();
        let unknown = request
            .items
            .iter()
            .zip(targets)
            .filter_map(|pair| match pair {
                (Ok(item), Err(ItemError::UnknownToken)) => {
                    Some((&item.field, &item.token, item.subject.as_ref()))
                }
                (Ok(_) | Err(_), Ok(_) | Err(_)) => None,
            });
        glances.extend(self.foreign(namespace, unknown)?);
        Ok(Disclosure {
            namespace: namespace.clone(),
            case_id: request.case_id.clone(),
            grant: request.grant_id.as_ref().map(|id| GrantUse {
                id: id.clone(),
                level: request.level,
                purpose: request.purpose.clone(),
            }),
            glances,
        })
    }
}

impl NamespaceFields {
    /// The field of an item, if it is permitted, by itself or by the grant, and is ever revealed
    /// as much as is asked for. Under a grant the item must name its customer.
    fn revealable(
        &self,
        permitted: &Permitted<Detokenize>,
        grant: Option<&Grant>,
        item: &DetokenizeItem,
    ) -> Result<Revealable<'_>, ItemError> {
        let (permit, level) = (permitted.permit(), permitted.request().level);
        let granted = || {
            let (grant, subject) = (grant?, item.subject.as_ref()?);
            let is_covered = permit.covers(&item.field, Coverage::ByGrant)
                && grant.scope.covers(subject, &item.field, level);
            let field = self.fields.get(&item.field).filter(|_| is_covered)?;
            Some((field, Some((subject.clone(), item.field.clone()))))
        };
        let (field, under_grant) = match (self.permitted(permit, &item.field), granted()) {
            (Ok(field), _) => (field, None),
            (Err(_), Some(granted)) => granted,
            (Err(error), None) => return Err(error),
        };
        if field.level_max < Some(level) {
            return Err(ItemError::Forbidden);
        }
        Ok((field, under_grant))
    }
}

impl Target {
    pub(super) fn note(&self, outcome: ItemOutcome) -> Note<'_> {
        Note {
            subject: self.subject.as_ref(),
            found: Some(&self.found),
            ..Note::new(outcome)
        }
    }
}
