//! E-mail addresses: one bare address, without comments, groups, display names and address
//! literals.
//!
//! Source: RFC 5321, section 4.1.2, with RFC 6531 for characters outside ASCII and UTS #46 for
//! domain names.

use idna::AsciiDenyList;
use idna::uts46::DnsLength;
use idna::uts46::Hyphens;
use idna::uts46::Uts46;
use zeroize::Zeroizing;

use super::skeleton::Literals;
use crate::format::canonical;
use crate::format::error::EmailFault;
use crate::format::error::FormatError;
use crate::format::error::LengthUnit;
use crate::format::secret_text::SecretText;

/// An e-mail address, read.
pub(super) struct Email {
    /// The local part as spelled.
    pub(super) spelling: Zeroizing<String>,
    /// The local part in lower case, without needless quotes.
    pub(super) local: Zeroizing<String>,
    /// The domain as A-labels in lower case.
    pub(super) domain: Zeroizing<String>,
}

/// The text in NFC, if it may be an e-mail address at all.
pub(super) fn normalize(text: &str) -> Result<Zeroizing<String>, FormatError> {
    refuse_longer(text)?;
    canonical::refuse_controls(text, &[])?;
    if text.trim().is_empty() {
        return Err(FormatError::Empty);
    }
    let normal = canonical::verbatim(text);
    // A few characters have a longer NFC.
    refuse_longer(&normal)?;
    Ok(normal)
}

impl Email {
    /// Reads an address in NFC, split at the last unquoted `@`.
    pub(super) fn parse(text: &str) -> Result<Self, EmailFault> {
        let (spelling, domain) = split(text)?;
        if spelling.len() > LOCAL_OCTETS_MAX {
            return Err(EmailFault::LocalPartTooLong);
        }
        let local = canonical_local(spelling).ok_or(EmailFault::LocalPart)?;
        let domain = ascii_domain(domain).ok_or(EmailFault::Domain)?;
        // A domain in A-labels may be longer than as it was spelled.
        if local.len().max(spelling.len()) + 1 + domain.len() > OCTETS_MAX {
            return Err(EmailFault::Domain);
        }
        Ok(Self {
            spelling: Zeroizing::new(spelling.to_owned()),
            local,
            domain,
        })
    }

    /// The form that equal addresses share.
    pub(super) fn equality(&self) -> Zeroizing<String> {
        join(&self.local, &self.domain)
    }

    /// The address as first spelled, with the domain in its canonical form.
    pub(super) fn spelled(&self) -> Zeroizing<String> {
        join(&self.spelling, &self.domain)
    }
}

/// The domain as A-labels in lower case, if it is a domain name.
pub(super) fn ascii_domain(domain: &str) -> Option<Zeroizing<String>> {
    Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()
        .map(|ascii| Zeroizing::new(ascii.into_owned()))
}

/// The canonical form of a local part: lower case, without needless quotes and escapes. It folds
/// no further (`ß` stays), since two mailboxes must never become one.
pub(super) fn canonical_local(spelling: &str) -> Option<Zeroizing<String>> {
    let mut content = SecretText::with_capacity(spelling.len() * 2);
    let Some(quoted) = spelling.strip_prefix('"') else {
        content.extend(spelling.chars().flat_map(char::to_lowercase));
        return is_dot_atom(spelling).then(|| content.finish());
    };
    let mut characters = quoted.strip_suffix('"')?.chars();
    while let Some(character) = characters.next() {
        let character = match character {
            '"' => return None,
            '\\' => characters
                .next()
                .filter(|&escaped| escaped == ' ' || is_graphic(escaped))?,
            _ if character == ' ' || is_graphic(character) => character,
            _ => return None,
        };
        content.extend(character.to_lowercase());
    }
    if content.is_empty() {
        return None;
    }
    if is_dot_atom(&content) {
        return Some(content.finish());
    }
    let mut requoted = SecretText::with_capacity(content.len() * 2 + 2);
    requoted.push('"');
    for character in content.chars() {
        if matches!(character, '"' | '\\') {
            requoted.push('\\');
        }
        requoted.push(character);
    }
    requoted.push('"');
    Some(requoted.finish())
}

fn refuse_longer(text: &str) -> Result<(), FormatError> {
    if text.len() > OCTETS_MAX {
        return Err(FormatError::TooLong {
            length_max: OCTETS_MAX,
            unit: LengthUnit::Octets,
        });
    }
    Ok(())
}

/// Splits at the last `@` outside quotes.
fn split(text: &str) -> Result<(&str, &str), EmailFault> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let mut separator = None;
    for (position, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '@' if !is_quoted => separator = Some(position),
            _ => {}
        }
    }
    let separator = separator.ok_or(EmailFault::NoSeparator)?;
    let (local, domain) = text
        .split_at_checked(separator)
        .ok_or(EmailFault::NoSeparator)?;
    Ok((
        local,
        domain.strip_prefix('@').ok_or(EmailFault::NoSeparator)?,
    ))
}

fn join(local: &str, domain: &str) -> Zeroizing<String> {
    let mut address = SecretText::with_capacity(local.len() + 1 + domain.len());
    address.push_str(local);
    address.push('@');
    address.push_str(domain);
    address.finish()
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// Source: RFC 5322, section 3.2.3, and RFC 6531, section 3.3.
fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(character)
        || (!character.is_ascii() && is_graphic(character))
}

fn is_graphic(character: char) -> bool {
    !character.is_control() && !character.is_whitespace()
}

/// What a token of a local part keeps. Frozen with the format version.
pub(super) const LITERALS: Literals = Literals::new("._-+");

/// The longest address. Source: RFC 5321, section 4.5.3.1.3, without the angle brackets.
pub(super) const OCTETS_MAX: usize = 254;

/// The longest local part. Source: RFC 5321, section 4.5.3.1.1.
pub(super) const LOCAL_OCTETS_MAX: usize = 64;
