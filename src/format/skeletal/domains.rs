//! Which domain the token of an e-mail address has: never one where a stranger reads its mail.
//!
//! ```text
//! replace        qkfm.htw@tok.acme.example
//! replace+tag    qkfm.htw@zulnurvik.tok.acme.example    the tag stands for the value's domain
//! keep           tok0.qkfm.htw@acme.example             only for the operator's own domains
//! ```
//!
//! In a domain of the operator's own there are mailboxes. Its tokens have a mark before anything
//! that a mail system may cut off or overlook (`+news`, capital letters), which no mailbox there
//! may begin with.

use super::email;
use super::strangers;
use crate::format::error::FormatSpecError;
use crate::format::frame::Frame;
use crate::format::outline;
use crate::format::outline::DomainTag;
use crate::format::spec::EmailDomain;

/// The domains of an e-mail field, as A-labels in lower case.
pub(in crate::format) struct Domains {
    token_domain: Box<str>,
    choice: Choice,
}

enum Choice {
    Keep { own_domains: Vec<Box<str>> },
    Replace,
    ReplaceTagged,
}

impl Domains {
    pub(super) fn new(
        token_domain: Option<&str>,
        domain: &EmailDomain,
    ) -> Result<Self, FormatSpecError> {
        let token_domain = token_domain.ok_or(FormatSpecError::TokenDomainMissing)?;
        let token_domain =
            email::ascii_domain(token_domain).ok_or(FormatSpecError::TokenDomainInvalid)?;
        let (choice, octets_max) = match domain {
            EmailDomain::Keep { own_domains } => {
                let own_domains = own(own_domains)?;
                (Choice::Keep { own_domains }, DOMAIN_OCTETS_MAX)
            }
            EmailDomain::Replace => (Choice::Replace, DOMAIN_OCTETS_MAX),
            EmailDomain::ReplaceTagged => {
                let octets_max = DOMAIN_OCTETS_MAX - outline::TAG_OCTETS_MAX;
                (Choice::ReplaceTagged, octets_max)
            }
        };
        if token_domain.len() > octets_max {
            return Err(FormatSpecError::TokenDomainTooLong { octets_max });
        }
        let domains = Self {
            token_domain: token_domain.as_str().into(),
            choice,
        };
        if domains.is_own(&token_domain) {
            return Err(FormatSpecError::TokenDomainIsOwn);
        }
        Ok(domains)
    }

    /// The domain of most tokens.
    pub(in crate::format) fn token_domain(&self) -> &str {
        &self.token_domain
    }

    /// What every token says of its value's domain.
    pub(in crate::format) fn reveals(&self) -> Option<&'static str> {
        match self.choice {
            Choice::Keep { .. } => Some("the domain, if it is one of yours"),
            Choice::Replace => None,
            Choice::ReplaceTagged => Some("whether its domain is another's too"),
        }
    }

    /// What should be thought about: domains that are no operator's own.
    pub(in crate::format) fn warnings(&self) -> Vec<String> {
        let own_domains = match &self.choice {
            Choice::Keep { own_domains } => own_domains.as_slice(),
            Choice::Replace | Choice::ReplaceTagged => &[],
        };
        let own_domains = own_domains.iter().map(|domain| ("own_domains", domain));
        [("token_domain", &self.token_domain)]
            .into_iter()
            .chain(own_domains)
            .filter_map(|(key, domain)| {
                let concern = strangers::concern(domain)?;
                Some(format!("{key}: {domain} {concern}"))
            })
            .collect()
    }

    /// What is around the words of a new token for an address in this domain.
    pub(super) fn frame(&self, domain: &str) -> Frame {
        self.frame_of_token(domain, self.is_own(domain))
    }

    /// What is around the words of a token that was made before.
    pub(super) fn frame_of_token(&self, domain: &str, is_kept: bool) -> Frame {
        match self.choice {
            _ if is_kept => Frame::kept(MARK, domain),
            Choice::Keep { .. } | Choice::Replace => Frame::replaced(&self.token_domain),
            Choice::ReplaceTagged => Frame::tagged(&self.token_domain, domain),
        }
    }

    /// What is around the words of a token for what is no e-mail address.
    pub(super) fn frame_of_invalid(&self) -> Frame {
        Frame::replaced(&self.token_domain)
    }

    /// Whether a folded text is an address that only a token has.
    pub(super) fn recognizes(&self, folded: &str) -> bool {
        let Some((local, domain)) = folded.rsplit_once('@') else {
            return false;
        };
        let is_tagged = |(tag, rest)| rest == &*self.token_domain && DomainTag::is_tag(tag);
        *domain == *self.token_domain
            || match self.choice {
                Choice::Keep { .. } => self.is_own(domain) && local.starts_with(MARK),
                Choice::Replace => false,
                Choice::ReplaceTagged => domain.split_once('.').is_some_and(is_tagged),
            }
    }

    fn is_own(&self, domain: &str) -> bool {
        match &self.choice {
            Choice::Keep { own_domains } => own_domains.iter().any(|own| **own == *domain),
            Choice::Replace | Choice::ReplaceTagged => false,
        }
    }
}

fn own(domains: &[String]) -> Result<Vec<Box<str>>, FormatSpecError> {
    if domains.is_empty() {
        return Err(FormatSpecError::OwnDomainsMissing);
    }
    let octets_max = DOMAIN_OCTETS_MAX - MARK.len();
    let own = |(position, domain): (usize, &String)| {
        let ascii =
            email::ascii_domain(domain).ok_or(FormatSpecError::OwnDomainInvalid { position })?;
        if ascii.len() > octets_max {
            let too_long = FormatSpecError::OwnDomainTooLong {
                position,
                octets_max,
            };
            return Err(too_long);
        }
        Ok(ascii.as_str().into())
    };
    domains.iter().enumerate().map(own).collect()
}

/// What the token of an address that keeps its domain begins with. Frozen with the format version.
///
/// No name has a digit before a dot, no mail system takes any of it for a separator, and editors
/// leave it as it is.
const MARK: &str = "tok0.";

/// Leaves room for the longest outline and the `@`.
const DOMAIN_OCTETS_MAX: usize = email::OCTETS_MAX - 1 - outline::LOCAL_OCTETS_MAX;
