//! What a report of who was seen is asked.

use crate::audit::Entry;
use crate::audit::EntryItem;
use crate::domain::CaseId;
use crate::domain::GrantId;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Timestamp;

/// What a report is asked: who saw, and when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query {
    /// The first time that counts.
    pub from: Timestamp,
    /// The first time that no longer counts.
    pub to: Timestamp,
    /// Whose customers; nothing: every tenant's.
    pub namespace: Option<Namespace>,
    /// Who saw them.
    pub who: Who,
}

/// Who saw: every part that is there must hold. Nothing of it: everybody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Who {
    /// The principal of the client certificate.
    pub principal: Option<Principal>,
    /// On whose behalf.
    pub person: Option<PersonId>,
    /// SHA-256 of the client certificate.
    pub credential: Option<[u8; 32]>,
    /// For which case.
    pub case_id: Option<CaseId>,
    /// Under which grant.
    pub grant_id: Option<GrantId>,
    /// Under which version of a namespace's wrapping key. Each namespace counts its own. Items that
    /// no record was found for have none.
    pub key_version: Option<KeyVersion>,
}

impl Query {
    /// Whether the time is one that counts.
    #[must_use]
    pub fn has_time(&self, time: Timestamp) -> bool {
        self.from <= time && time < self.to
    }

    /// Whether the entry, as far as it is not about its items, is one that is asked about.
    #[must_use]
    pub fn has_entry(&self, entry: &Entry) -> bool {
        let draft = &entry.draft;
        let who = &self.who;
        is_wanted(&self.namespace, &draft.namespace)
            && is_wanted(&who.principal, &draft.principal)
            && is_wanted(&who.person, &draft.person)
            && is_wanted(&who.credential, &draft.credential)
            && is_wanted(&who.case_id, &draft.case_id)
            && is_wanted(&who.grant_id, &draft.access.grant_id)
    }

    /// Whether the item of such an entry is one that is asked about.
    #[must_use]
    pub fn has_item(&self, item: &EntryItem) -> bool {
        is_wanted(&self.who.key_version, &item.key_version)
    }
}

impl Who {
    /// Whether it is everybody.
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether what there is, is what is asked for, if anything is.
fn is_wanted<T: PartialEq>(wanted: &Option<T>, own: &Option<T>) -> bool {
    wanted.is_none() || wanted == own
}
