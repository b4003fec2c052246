//! On whose behalf a caller calls: verified before anything else of a call is decided.

use crate::access::Act;
use crate::audit::Decision;
use crate::audit::EntryDraft;
use crate::audit::ErrorClass;
use crate::audit::Event;
use crate::people::Presenter;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;

impl Vault {
    /// The caller with the person that its assertion is about; with nobody where there is none. A
    /// refusal is recorded before it is told.
    ///
    /// # Errors
    ///
    /// If the assertion is not believed, or the refusal cannot be recorded.
    pub async fn on_behalf_of(
        &self,
        caller: Caller,
        assertion: &str,
    ) -> Result<Caller, VaultError> {
        if assertion.is_empty() {
            return Ok(caller);
        }
        let presenter = Presenter {
            principal: &caller.principal,
            certificate: &caller.credential_fingerprint,
        };
        let people = &self.parts.people;
        let verified = people
            .verify(assertion, &presenter, self.parts.clock.now())
            .await;
        match verified {
            Ok(person) => Ok(Caller {
                person: Some(person),
                ..caller
            }),
            Err(refusal) => {
                let (principal, reason) = (&caller.principal, refusal.name());
                tracing::warn!(%principal, reason, "acting principal refused: {refusal}");
                let entry = EntryDraft {
                    decision: Some(Decision::Deny),
                    error: Some(ErrorClass::Denied),
                    ..caller.entry(Event::PersonRefused)
                };
                self.record(&caller, entry, Act::Refused).await?;
                Err(VaultError::PersonRefused(refusal))
            }
        }
    }

    /// Reads the keys of all identity providers anew; what cannot be read is logged.
    pub async fn reload_people(&self) {
        self.parts.people.reload(self.parts.clock.now()).await;
    }
}
