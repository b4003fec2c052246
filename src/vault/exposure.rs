//! Who was seen: asked over the wire, recorded, and answered with a signed report.

use crate::access::Act;
use crate::audit::Event;
use crate::audit::VerifyError;
use crate::audit::exposure::Document;
use crate::audit::exposure::ExposureError;
use crate::audit::exposure::Query;
use crate::audit::exposure::report_store;
use crate::crypto::note::NoteKeyName;
use crate::domain::Namespace;
use crate::policy::Action;
use crate::policy::Request;
use crate::policy::Scope;
use crate::store::StoreError;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::signing::checkpoint_signer;
use crate::vault::work;

/// A report that is asked for.
struct ReportExposure(Query);

impl Request for ReportExposure {
    fn action(&self) -> Action {
        Action::ReportExposure
    }

    fn scope(&self) -> Scope<'_> {
        match &self.0.namespace {
            Some(namespace) => Scope::Namespace(namespace),
            None => Scope::Vault,
        }
    }
}

impl Administrative for ReportExposure {
    fn event(&self) -> Event {
        Event::ExposureReported
    }

    fn namespace(&self) -> Option<&Namespace> {
        self.0.namespace.as_ref()
    }
}

impl Vault {
    /// Lists who was seen, as of the checkpoint that covers the entry of this call, and signs it.
    ///
    /// # Errors
    ///
    /// If the caller may not know, the report is too long, or the log is damaged.
    pub async fn report_exposure(
        &self,
        caller: &Caller,
        query: Query,
    ) -> Result<Document, VaultError> {
        let asked = ReportExposure(query);
        let (permitted, receipt) = self.administer(caller, asked, None, |_| Act::Work).await?;
        let ReportExposure(query) = permitted.request();
        let checkpoint = receipt.checkpoint;
        work(usize::MAX, || {
            let report = report_store(self.store(), &checkpoint, query, |_| ());
            let report = report.map_err(|error| match error {
                // The second, where it is taken out while it is read.
                ExposureError::Log(
                    VerifyError::Archived { size }
                    | VerifyError::Store(StoreError::Pruned { size }),
                ) => VaultError::ExposureArchived { size },
                ExposureError::Log(VerifyError::Store(error)) => error.into(),
                ExposureError::Log(error) => {
                    tracing::error!(%error, "audit log is damaged");
                    VaultError::Store(StoreError::Corrupt { table: "audit" })
                }
                ExposureError::TooMany(error) => VaultError::ExposureTooLong(error),
            })?;
            let origin = checkpoint.note().lines().next().unwrap_or_default();
            let corrupt = |_| VaultError::Store(StoreError::Corrupt { table: "audit" });
            let origin = NoteKeyName::new(origin).map_err(corrupt)?;
            let signer = checkpoint_signer(&self.ring(), origin);
            Ok(Document::new(query, &report).signed(&signer))
        })
    }
}
