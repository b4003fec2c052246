//! People: on whose behalf a tool calls, as an identity provider vouches for it.
//!
//! A tool passes a signed assertion (a JSON Web Token, RFC 7519) of the person who sits before it.
//! [`People::verify`] makes a [`Person`] of it, or says why not. Nothing else makes one: a bare
//! name is never believed.
//!
//! ```text
//! text ─ length ─ three parts ─ header ─ claims ─ whose issuer? ─ key ─ SIGNATURE
//!      ─ audience ─ times ─ bound to the caller's certificate ─▶ Person
//! ```
//!
//! All that a provider may vary is configured and fixed ([`IssuerSettings`]); an assertion chooses
//! nothing but one key of its issuer's set. Times come from the caller, never from the machine.

mod binding;
mod claims;
mod issuer;
mod json;
mod jws;
mod key_set;
mod key_source;
mod refusal;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;

use thiserror::Error;

use crate::domain::Issuer;
use crate::domain::Person;
use crate::domain::Timestamp;

pub use binding::Presenter;
pub use issuer::Algorithm;
pub use issuer::IssuerSettings;
pub use issuer::KeyPlace;
pub use issuer::NotBefore;
pub use issuer::TokenType;
pub use jws::ASSERTION_BYTES_MAX;
pub use key_set::KeySetError;
pub use key_source::LoadError;
pub use refusal::Refusal;

use self::key_source::KeySource;

use self::refusal::Checks;

/// The configured identity providers.
#[derive(Debug, Default)]
pub struct People {
    providers: Vec<Provider>,
    checks: Checks,
}

/// An identity provider with its keys.
#[derive(Debug)]
struct Provider {
    settings: IssuerSettings,
    keys: Arc<KeySource>,
}

/// Why an identity provider cannot be used. For the operator.
#[derive(Debug, Error)]
#[error("people.issuers.{issuer}.{key}: {source}")]
pub struct PeopleError {
    /// Which one.
    pub issuer: Issuer,
    /// The key of the configuration.
    pub key: &'static str,
    /// What is wrong.
    #[source]
    pub source: LoadError,
}

impl People {
    /// Reads the key sets that are files, and prepares to fetch the others at their first use.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or is no set of keys.
    pub fn open(issuers: &[IssuerSettings], now: Timestamp) -> Result<Self, PeopleError> {
        let provider = |settings: &IssuerSettings| {
            let keys = KeySource::open(settings, now).map_err(|source| PeopleError {
                issuer: settings.name.clone(),
                key: match settings.keys {
                    KeyPlace::File(_) => "jwks_file",
                    KeyPlace::Url { .. } => "ca_file",
                },
                source,
            })?;
            Ok(Provider {
                settings: settings.clone(),
                keys: Arc::new(keys),
            })
        };
        Ok(Self {
            providers: issuers.iter().map(provider).collect::<Result<_, _>>()?,
            checks: Checks::default(),
        })
    }

    /// Verifies an assertion that a caller presents: the person, or why it is not believed.
    ///
    /// May read a file or fetch a URL, within five seconds, where a key is not known
    /// or the keys are old.
    ///
    /// # Errors
    ///
    /// If any check fails.
    pub async fn verify(
        &self,
        assertion: &str,
        presenter: &Presenter<'_>,
        now: Timestamp,
    ) -> Result<Person, Refusal> {
        let read = jws::Jws::read(assertion, self.checks)?;
        let issuer = claims::issuer(&read.claims)?;
        let provider = self
            .providers
            .iter()
            .find(|provider| provider.settings.issuer == issuer)
            .ok_or(Refusal::UnknownIssuer)?;
        let keys = provider.keys.keys_with(&read.header.key_id, now).await?;
        let verification = verify::Verification {
            settings: &provider.settings,
            checks: self.checks,
            now,
        };
        verification.person(&read, &keys, presenter)
    }

    /// Reads every key set anew, as the operator asked for. What cannot be read is logged, and the
    /// last good set stays.
    pub async fn reload(&self, now: Timestamp) {
        for provider in &self.providers {
            provider.keys.reload(now).await;
        }
    }

    /// Whether any identity provider is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    /// A verifier that leaves one check out, so that tests can show that they would notice.
    #[cfg(test)]
    fn without(mut self, skipped: Refusal) -> Self {
        self.checks = Checks::without(skipped);
        self
    }
}
