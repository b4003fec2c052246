//! What grants there are.

use tokio::sync::broadcast;

use crate::access::Access;
use crate::access::AccessEvent;
use crate::access::Act;
use crate::access::Grant;
use crate::audit::Event;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Namespace;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;

/// A grant that is asked about.
#[derive(Clone, Debug)]
pub struct ReadGrant {
    /// Its tenant.
    pub namespace: Namespace,
    /// Its id.
    pub id: GrantId,
}

/// Grants that are asked about.
#[derive(Clone, Debug)]
pub struct ListGrants {
    /// Their tenant.
    pub namespace: Namespace,
    /// Only those after this one.
    pub after: Option<GrantId>,
    /// At most so many.
    pub limit: usize,
}

/// A grant as it is now, and whether it is frozen.
#[derive(Clone, Debug)]
pub struct GrantView {
    /// The grant.
    pub grant: Grant,
    /// Whether it is frozen.
    pub is_frozen: bool,
}

impl Request for ReadGrant {
    fn action(&self) -> Action {
        Action::ListGrants
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Administrative for ReadGrant {
    fn event(&self) -> Event {
        Event::AccessRead
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.namespace)
    }
}

impl Request for ListGrants {
    fn action(&self) -> Action {
        Action::ListGrants
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.namespace)
    }
}

impl Administrative for ListGrants {
    fn event(&self) -> Event {
        Event::AccessRead
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.namespace)
    }
}

impl Vault {
    /// Describes a grant.
    ///
    /// # Errors
    ///
    /// If there is none in the namespace, or the caller may not know.
    pub async fn read_grant(
        &self,
        caller: &Caller,
        asked: ReadGrant,
    ) -> Result<GrantView, VaultError> {
        let (permitted, _) = self.administer(caller, asked, None, |_| Act::Work).await?;
        let ReadGrant { namespace, id } = permitted.request();
        let grant = self.grant_of(namespace, id).await;
        Ok(self.view(grant.ok_or(VaultError::Denied)?).await)
    }

    /// Lists grants in the order of their ids; fewer than the limit at the end.
    ///
    /// # Errors
    ///
    /// If the caller may not know.
    pub async fn list_grants(
        &self,
        caller: &Caller,
        asked: ListGrants,
    ) -> Result<Vec<GrantView>, VaultError> {
        let (permitted, _) = self.administer(caller, asked, None, |_| Act::Work).await?;
        let ListGrants {
            namespace,
            after,
            limit,
        } = permitted.request();
        let view = |access: &Access, grant: &Grant| view(access, grant.clone());
        let looked = self.parts.log.access(|access| {
            let own = access
                .grants_after(after.as_ref())
                .filter(|grant| grant.scope.namespace == *namespace);
            own.take(*limit).map(|grant| view(access, grant)).collect()
        });
        Ok(looked.await)
    }

    /// Lets the caller watch the grants of a namespace from now on.
    ///
    /// # Errors
    ///
    /// If the caller may not know.
    pub async fn watch_grants(
        &self,
        caller: &Caller,
        namespace: Namespace,
    ) -> Result<broadcast::Receiver<AccessEvent>, VaultError> {
        // Before the permission, so that nothing falls between the two.
        let events = self.parts.log.events();
        let asked = ListGrants {
            namespace,
            after: None,
            limit: 0,
        };
        self.administer(caller, asked, None, |_| Act::Work).await?;
        Ok(events)
    }

    /// A grant, and whether it is frozen.
    pub async fn view(&self, grant: Grant) -> GrantView {
        self.parts.log.access(|access| view(access, grant)).await
    }
}

fn view(access: &Access, grant: Grant) -> GrantView {
    let target = FreezeTarget::Grant(grant.id.clone());
    let is_frozen = access.freeze(&target).is_some();
    GrantView { grant, is_frozen }
}
