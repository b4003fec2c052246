//! The checks of an assertion, in their order: the signature first, then what it says.

use sha2::Digest;
use sha2::Sha256;

use crate::domain::Person;
use crate::domain::PersonId;
use crate::domain::Timestamp;
use crate::people::IssuerSettings;
use crate::people::NotBefore;
use crate::people::Presenter;
use crate::people::Refusal;
use crate::people::TokenType;
use crate::people::claims::Claims;
use crate::people::jws::Jws;
use crate::people::key_set::KeySet;
use crate::people::refusal::Checks;

/// How assertions of one issuer are checked now.
pub(super) struct Verification<'a> {
    pub(super) settings: &'a IssuerSettings,
    pub(super) checks: Checks,
    pub(super) now: Timestamp,
}

impl Verification<'_> {
    /// The person that an assertion is about.
    ///
    /// # Errors
    ///
    /// If any check fails.
    pub(super) fn person(
        &self,
        read: &Jws<'_>,
        keys: &KeySet,
        presenter: &Presenter<'_>,
    ) -> Result<Person, Refusal> {
        self.check_signature(read, keys)?;
        let claims = Claims::read(&read.claims, self.settings)?;
        self.check_audience(&claims)?;
        self.check_times(&claims)?;
        let is_bound = self.check_binding(&claims, presenter)?;
        let is_few = claims.methods.count <= METHODS_MAX && claims.groups.count <= GROUPS_MAX;
        self.checks.require(is_few, Refusal::TooMany)?;
        let id = PersonId::new(&self.settings.name, claims.subject);
        let class = claims
            .class
            .and_then(|class| self.settings.classes.get(class));
        Ok(Person {
            id: id.map_err(|_| Refusal::Subject)?,
            // Not of the signature: one login may be signed in several ways.
            login: Sha256::digest(claims.id.unwrap_or(read.signed)).into(),
            authenticated: claims.logged_in.map(timestamp),
            methods: claims.methods.known,
            class: class.cloned(),
            groups: claims.groups.known,
            expires: timestamp(claims.expires),
            is_bound,
        })
    }

    fn check_signature(&self, read: &Jws<'_>, keys: &KeySet) -> Result<(), Refusal> {
        let header = &read.header;
        let is_allowed = self.settings.algorithms.contains(&header.algorithm);
        self.checks.require(is_allowed, Refusal::Algorithm)?;
        let has_type = match &self.settings.token_type {
            TokenType::Absent => header.token_type.is_none(),
            TokenType::Named(name) => header.token_type.as_ref() == Some(name),
        };
        self.checks.require(has_type, Refusal::Type)?;
        let key = keys.key(&header.key_id)?;
        let is_for_it = key.is_for(header.algorithm);
        self.checks.require(is_for_it, Refusal::Key)?;
        let is_signed = key.has_signed(header.algorithm, read.signed, read.signature);
        self.checks.require(is_signed, Refusal::Signature)
    }

    /// The audience is this vault's alone; or there are others too, and a configured client has
    /// asked for the assertion. Where clients are configured, one of them has.
    fn check_audience(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        let Self {
            settings, checks, ..
        } = self;
        let own = settings.audience.as_str();
        let has_others = claims.audience.iter().any(|audience| *audience != own);
        let is_ours = claims.audience.contains(&own)
            && (!has_others || !settings.clients.is_empty())
            && claims.audience.len() <= AUDIENCES_MAX;
        checks.require(is_ours, Refusal::Audience)?;
        let is_client = settings.clients.is_empty()
            || claims
                .client
                .is_some_and(|client| settings.clients.contains(client));
        checks.require(is_client, Refusal::Client)
    }

    fn check_times(&self, claims: &Claims<'_>) -> Result<(), Refusal> {
        let Self {
            settings,
            checks,
            now,
        } = self;
        let is_past =
            |seconds: u64| timestamp(seconds) <= now.plus_seconds(settings.leeway_seconds);
        // Ended at `exp` itself: "on or after which" (RFC 7519, section 4.1.4).
        let end = timestamp(claims.expires).plus_seconds(settings.leeway_seconds);
        checks.require(*now < end, Refusal::Expired)?;
        let begin = match settings.not_before {
            NotBefore::NotBefore => claims.not_before,
            NotBefore::IssuedAt => claims.issued,
        };
        let begin = begin.ok_or(Refusal::Claim)?;
        let is_valid = is_past(begin) && claims.not_before.is_none_or(is_past);
        checks.require(is_valid, Refusal::NotYetValid)?;
        let is_issued = claims.issued.is_none_or(is_past);
        checks.require(is_issued, Refusal::IssuedLater)?;
        let issued = claims.issued.unwrap_or(begin).min(begin);
        let lifetime = claims.expires.checked_sub(issued);
        let is_short = lifetime.is_some_and(|seconds| seconds <= settings.lifetime_seconds_max);
        checks.require(is_short, Refusal::Lifetime)?;
        let has_logged_in = claims.logged_in.is_none_or(is_past);
        checks.require(has_logged_in, Refusal::LoginLater)
    }

    /// Whether the assertion is bound to the caller's certificate. One that is bound to nothing is
    /// believed from the issuer's tools alone.
    fn check_binding(
        &self,
        claims: &Claims<'_>,
        presenter: &Presenter<'_>,
    ) -> Result<bool, Refusal> {
        let Some(confirmation) = claims.confirmation else {
            let is_tool = self.settings.tools.contains(presenter.principal);
            self.checks.require(is_tool, Refusal::Unbound)?;
            return Ok(false);
        };
        let is_named = presenter.is_named_by(confirmation);
        self.checks.require(is_named, Refusal::Binding)?;
        Ok(true)
    }
}

const fn timestamp(seconds: u64) -> Timestamp {
    Timestamp::from_unix_ms(0).plus_seconds(seconds)
}

/// The most methods that an assertion may name.
const METHODS_MAX: usize = 16;
/// The most groups that an assertion may name. More are refused and not cut off: a policy may
/// forbid something to a group.
const GROUPS_MAX: usize = 256;
/// The most audiences that an assertion may name.
const AUDIENCES_MAX: usize = 16;
