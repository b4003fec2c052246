//! What a call would let its caller see: what budgets count, and what trips an alarm.

use crate::access::Act;
use crate::access::Disclosure;
use crate::access::Glance;
use crate::access::SeenKey;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::domain::Token;
use crate::store::RecordId;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::find::by_token;
use crate::vault::read::Presented;
use crate::vault::read::Workplace;

/// What budgets count for a value: the customer, or the record of a value that names none.
pub(super) fn seen(namespace: &Namespace, subject: Option<&Subject>, id: RecordId) -> SeenKey {
    match subject {
        Some(subject) => SeenKey::subject(namespace, subject),
        None => SeenKey::value(namespace, &id.0),
    }
}

/// A value that is seen by itself: without a grant, without a claim about it.
pub(super) fn glance(seen: SeenKey) -> Glance {
    Glance {
        seen,
        under_grant: None,
        guessed: None,
        is_foreign: false,
    }
}

/// The question that such glances answer.
pub(super) fn ask(namespace: &Namespace, case_id: Option<&CaseId>, glances: Vec<Glance>) -> Act {
    Act::Disclose(Box::new(Disclosure {
        namespace: namespace.clone(),
        case_id: case_id.cloned(),
        grant: None,
        glances,
    }))
}

impl Vault {
    /// A glance for each of these unknown tokens that is a token of another tenant, at its field
    /// of the same name: nobody comes by one honestly. Looks at the first few only.
    pub(super) fn foreign<'a>(
        &self,
        own: &Namespace,
        unknown: impl Iterator<Item = (&'a FieldName, &'a Token, Option<&'a Subject>)>,
    ) -> Result<Vec<Glance>, StoreError> {
        let mut glances = Vec::new();
        let ring = self.ring();
        for (name, token, subject) in unknown.take(UNKNOWN_TOKENS_MAX) {
            for (namespace, fields) in &self.parts.namespaces {
                let keys = ring.namespace(namespace);
                let (Some(field), Some(keys)) = (fields.fields.get(name), keys) else {
                    continue;
                };
                if namespace == own {
                    continue;
                }
                let workplace = Workplace {
                    namespace,
                    id: fields.id,
                    keys,
                };
                // A token that this field could not have is none of its.
                let Ok(presented) = workplace.present(field, token, subject) else {
                    continue;
                };
                let presented: [&Presented<'_>; 1] = [&presented];
                let found = by_token(self.store(), &presented, self.parts.clock.now())?;
                if let Some(Ok(Some(found))) = found.into_iter().next() {
                    glances.push(Glance {
                        is_foreign: true,
                        ..glance(SeenKey::value(namespace, &found.id.0))
                    });
                }
            }
        }
        Ok(glances)
    }
}

/// How many unknown tokens of a call are looked for in other namespaces.
const UNKNOWN_TOKENS_MAX: usize = 16;
