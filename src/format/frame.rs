//! What a token has around the words that stand for its value.

use std::fmt;

use zeroize::Zeroizing;

use super::error::FormatError;
use super::outline::DomainTag;
use super::outline::TAG_OCTETS_MAX;
use super::secret_text::SecretText;

/// What is around the words of a token: nothing, or what makes an e-mail address of them.
#[derive(Clone, Default)]
pub(super) struct Frame(Option<Address>);

/// What makes an e-mail address of a token's words.
#[derive(Clone)]
struct Address {
    /// What the local part begins with.
    mark: &'static str,
    /// Before the domain: a word that stands for the value's own domain.
    tag: Tag,
    domain: Zeroizing<String>,
    /// Whether the domain is the value's own.
    is_kept: bool,
}

/// A word that stands for the domain of an address.
#[derive(Clone)]
enum Tag {
    /// The field has none.
    None,
    /// The caller has to make it, of this domain.
    Of(Zeroizing<String>),
    /// It is made.
    Made(DomainTag),
}

impl Frame {
    /// The token domain, whatever the value's.
    pub(super) fn replaced(token_domain: &str) -> Self {
        Self::address("", Tag::None, token_domain, false)
    }

    /// The token domain, with a tag that is made of the value's.
    pub(super) fn tagged(token_domain: &str, domain: &str) -> Self {
        let tag = Tag::Of(Zeroizing::new(domain.to_owned()));
        Self::address("", tag, token_domain, false)
    }

    /// The value's own domain, with a mark that no mailbox there has.
    pub(super) fn kept(mark: &'static str, domain: &str) -> Self {
        Self::address(mark, Tag::None, domain, true)
    }

    /// The token with these words.
    ///
    /// # Errors
    ///
    /// If the tag has not been made.
    pub(super) fn around(&self, words: SecretText) -> Result<SecretText, FormatError> {
        let Some(address) = &self.0 else {
            return Ok(words);
        };
        let mut token = SecretText::with_capacity(words.len() + self.octets_max());
        token.push_str(address.mark);
        token.push_str(&words);
        token.push('@');
        match &address.tag {
            Tag::None => {}
            Tag::Of(_) => return Err(FormatError::DomainTagMissing),
            Tag::Made(tag) => {
                token.push_str(tag.expose());
                token.push('.');
            }
        }
        token.push_str(&address.domain);
        Ok(token)
    }

    /// What the tag has to be made of, if there has to be one and there is none.
    pub(super) fn tagged_domain(&self) -> Option<&str> {
        match &self.0.as_ref()?.tag {
            Tag::Of(domain) => Some(domain),
            Tag::None | Tag::Made(_) => None,
        }
    }

    /// Puts the tag where one has to be.
    pub(super) fn set_tag(&mut self, tag: &DomainTag) {
        if let Some(Address { tag: place, .. }) = &mut self.0
            && !matches!(place, Tag::None)
        {
            *place = Tag::Made(tag.clone());
        }
    }

    /// The value's own domain, if tokens have it.
    pub(super) fn kept_domain(&self) -> Option<&str> {
        let address = self.0.as_ref().filter(|address| address.is_kept)?;
        Some(&address.domain)
    }

    /// The words of a folded token; nothing if this is not what is around them. The domain may be
    /// another one: tokens stay what they are when a field gets another token domain.
    pub(super) fn words<'token>(&self, folded: &'token str) -> Option<&'token str> {
        match &self.0 {
            Some(address) => folded.rsplit_once('@')?.0.strip_prefix(address.mark),
            None => Some(folded),
        }
    }

    /// How many octets it adds to the local part.
    pub(super) fn mark_octets(&self) -> usize {
        self.0.as_ref().map_or(0, |address| address.mark.len())
    }

    /// How many octets it adds to the words, at the most.
    pub(super) fn octets_max(&self) -> usize {
        self.0.as_ref().map_or(0, |address| {
            let tag = match address.tag {
                Tag::None => 0,
                Tag::Of(_) | Tag::Made(_) => TAG_OCTETS_MAX,
            };
            address.mark.len() + 1 + tag + address.domain.len()
        })
    }

    fn address(mark: &'static str, tag: Tag, domain: &str, is_kept: bool) -> Self {
        Self(Some(Address {
            mark,
            tag,
            domain: Zeroizing::new(domain.to_owned()),
            is_kept,
        }))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A kept domain is a part of the value.
        formatter.debug_struct("Frame").finish_non_exhaustive()
    }
}
