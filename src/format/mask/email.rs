//! E-mail addresses: the first letter of the mailbox and of the domain, and the top level.

use zeroize::Zeroizing;

use super::HIDDEN;
use super::SHARE;
use super::signs;
use crate::format::secret_text::SecretText;

/// The mask of an address with this local part, and this domain in A-labels. Every mask has one
/// form, `j••••@g••••.com`, however many labels there are.
pub(in crate::format) fn email(local: &str, domain: &str) -> Zeroizing<String> {
    let mut labels = domain.rsplit('.');
    let top = labels.next().unwrap_or_default();
    let (second, third) = (labels.next().unwrap_or_default(), labels.next());
    // `co.uk` is no more than `uk`: nobody's name is in it.
    let own = third
        .filter(|_| top.len() == COUNTRY_BYTES && second.len() <= SUFFIX_BYTES_MAX)
        .unwrap_or(second);
    let mut mask = SecretText::with_capacity(local.len() + domain.len() + HIDDEN.len() * 3);
    push_first(local, &mut mask);
    mask.push('@');
    // The first letter of an A-label says only that it is one.
    push_first(if own.starts_with("xn--") { "" } else { own }, &mut mask);
    mask.push('.');
    let is_common = (COUNTRY_BYTES..=TOP_BYTES_MAX).contains(&top.len())
        && top.bytes().all(|byte| byte.is_ascii_lowercase());
    mask.push_str(if is_common { top } else { HIDDEN });
    mask.finish()
}

/// Adds the first letter or digit, if it is a third of the text at the most.
fn push_first(text: &str, mask: &mut SecretText) {
    let first = signs(text).next().filter(|_| signs(text).count() >= SHARE);
    // One character and no marks: the rest of a grapheme may be a text by itself.
    mask.extend(first.and_then(|sign| sign.chars().next()).into_iter());
    mask.push_str(HIDDEN);
}

/// ISO 3166-1 alpha-2.
const COUNTRY_BYTES: usize = 2;

/// `com`, `org`, `gov`, `co`, `ac` and the like, below countries.
const SUFFIX_BYTES_MAX: usize = 3;

/// Longer top-level domains are brands and names.
const TOP_BYTES_MAX: usize = 7;
