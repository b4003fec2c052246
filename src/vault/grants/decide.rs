//! Another person decides about a grant.

use crate::access::Act;
use crate::access::Grant;
use crate::access::GrantScope;
use crate::audit::AccessNote;
use crate::audit::Event;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Purpose;
use crate::policy::Action;
use crate::policy::Proposal;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::grants::note;
use crate::vault::grants::proposal;

/// What a person decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GrantDecision {
    /// Yes, to exactly the scope with this digest.
    Approve {
        /// The digest of the scope that they saw.
        scope_digest: [u8; 32],
    },
    /// No.
    Deny,
    /// No longer.
    Revoke,
}

/// A decision about a grant.
#[derive(Clone, Debug)]
pub struct DecideGrant {
    /// The tenant of the grant.
    pub namespace: Namespace,
    /// The grant.
    pub id: GrantId,
    /// What is decided.
    pub decision: GrantDecision,
}

/// A decision, with the grant that it is about: none, if there is none in the namespace.
struct About {
    asked: DecideGrant,
    grant: Option<Grant>,
}

impl About {
    fn scope(&self) -> Option<&GrantScope> {
        Some(&self.grant.as_ref()?.scope)
    }
}

impl Request for About {
    fn action(&self) -> Action {
        match self.asked.decision {
            GrantDecision::Approve { .. } | GrantDecision::Deny => Action::ApproveGrant,
            GrantDecision::Revoke => Action::RevokeGrant,
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.asked.namespace)
    }

    fn purpose(&self) -> Option<&Purpose> {
        Some(&About::scope(self)?.purpose)
    }

    fn case_id(&self) -> Option<&CaseId> {
        About::scope(self)?.case_id.as_ref()
    }

    /// A grant that is not there has no proposal, so no policy permits to decide about it.
    fn proposal(&self) -> Option<Proposal<'_>> {
        Some(proposal(About::scope(self)?, self.grant.as_ref()))
    }
}

impl Administrative for About {
    fn event(&self) -> Event {
        match self.asked.decision {
            GrantDecision::Approve { .. } => Event::GrantApproved,
            GrantDecision::Deny => Event::GrantDenied,
            GrantDecision::Revoke => Event::GrantRevoked,
        }
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.asked.namespace)
    }

    /// An id of no grant is a text that the caller chose.
    fn note(&self) -> AccessNote {
        match &self.grant {
            Some(grant) => note(&grant.id, Some(&grant.scope)),
            None => AccessNote::default(),
        }
    }

    fn level(&self) -> Option<Level> {
        Some(About::scope(self)?.level)
    }

    /// Ending a grant is about no field.
    fn fields(&self) -> Vec<FieldName> {
        if self.asked.decision == GrantDecision::Revoke {
            return Vec::new();
        }
        let fields = About::scope(self).map(|scope| scope.fields.iter().cloned().collect());
        fields.unwrap_or_default()
    }
}

impl Vault {
    /// Carries a person's decision about a grant out, and returns what became of it.
    ///
    /// # Errors
    ///
    /// If there is no such grant in the namespace, or the person may not decide so.
    pub async fn decide_grant(
        &self,
        caller: &Caller,
        asked: DecideGrant,
    ) -> Result<Grant, VaultError> {
        let DecideGrant { id, decision, .. } = asked.clone();
        let grant = self.grant_of(&asked.namespace, &id).await;
        let is_there = grant.is_some();
        let about = About { asked, grant };
        if !is_there {
            return Err(self.deny_administrative(caller, &about).await);
        }
        let act = match decision {
            GrantDecision::Approve { scope_digest } => Act::ApproveGrant {
                id: id.clone(),
                scope_digest,
            },
            GrantDecision::Deny => Act::DenyGrant { id: id.clone() },
            GrantDecision::Revoke => Act::RevokeGrant { id: id.clone() },
        };
        let (permitted, _) = self.administer(caller, about, None, |_| act).await?;
        self.grant_of(&permitted.request().asked.namespace, &id)
            .await
            .ok_or(VaultError::Denied)
    }

    /// A grant of a namespace.
    pub(super) async fn grant_of(&self, namespace: &Namespace, id: &GrantId) -> Option<Grant> {
        let grant = self
            .parts
            .log
            .access(|access| access.grant(id).cloned())
            .await;
        grant.filter(|grant| grant.scope.namespace == *namespace)
    }
}
