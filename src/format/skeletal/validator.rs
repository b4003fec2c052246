//! What applications' own checks say of the addresses in a token domain.
//!
//! Applications that check e-mail addresses check tokens as well. The local part of a token is a
//! dot-atom in ASCII, which all of these accept: only the domain decides.

use super::email::ascii_domain;

/// What well-known validators say of every token in this domain: each validator's name, and
/// whether it accepts them.
///
/// They were asked: `input type=email` of the HTML standard as of 2026, and from the Python Package
/// Index `email-validator` 2.4.0 (without its DNS query, which a domain with a null MX fails),
/// Django 5.2.19 and `validators` 0.36.0. An internationalized domain may be refused by
/// `email-validator` nevertheless, where IDNA 2008 is stricter than UTS #46. All of them refuse
/// what is no domain name.
#[must_use]
pub fn validators(token_domain: &str) -> Vec<(&'static str, bool)> {
    let domain = ascii_domain(token_domain);
    let verdict = |accepts: fn(&str) -> bool| domain.as_ref().is_some_and(|domain| accepts(domain));
    vec![
        ("HTML input type=email", domain.is_some()),
        ("Python email-validator", verdict(email_validator)),
        ("Django EmailValidator", verdict(django)),
        ("Python validators", verdict(python_validators)),
    ]
}

/// Two labels or more, the last one ending with a letter; no reserved label, no special-use name.
fn email_validator(domain: &str) -> bool {
    let is_special = SPECIAL_USE.iter().any(|special| {
        domain
            .strip_suffix(special)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    let is_reserved = |label: &str| label.get(2..4) == Some("--") && !label.starts_with("xn");
    domain.contains('.')
        && domain.ends_with(|end: char| end.is_ascii_alphabetic())
        && !is_special
        && !domain.split('.').any(is_reserved)
}

/// Two labels or more, the last one of two letters or hyphens or more, or in Punycode.
fn django(domain: &str) -> bool {
    let is_top = |top: &str| {
        let is_word = top.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
        top.len() >= 2 && (is_word || top.starts_with("xn--"))
    };
    domain == "localhost" || top(domain).is_some_and(is_top)
}

/// Two labels or more, the last one of two characters or more, ending with a letter.
fn python_validators(domain: &str) -> bool {
    let is_top = |top: &str| top.len() >= 2 && top.ends_with(|end: char| end.is_ascii_alphabetic());
    top(domain).is_some_and(is_top)
}

/// The last label of two or more.
fn top(domain: &str) -> Option<&str> {
    domain.rsplit_once('.').map(|(_, top)| top)
}

/// What `email-validator` calls special-use domain names. Others that RFC 6761 reserves, such as
/// `example`, are not among them.
const SPECIAL_USE: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the verdicts are the validators' own. Method: `qkfm@` each domain was given to each
    /// of them, in the versions above; HTML's is the standard's regular expression.
    #[test]
    fn verdicts_are_the_validators_own() {
        for (domain, verdicts) in [
            ("tok.acme.example", [true, true, true, true]),
            ("tok.example", [true, true, true, true]),
            ("tok.example.com", [true, true, true, true]),
            ("tok.internal", [true, true, true, true]),
            ("tok.invalid", [true, false, true, true]),
            ("tok.test", [true, false, true, true]),
            ("tok.local", [true, false, true, true]),
            ("tok.localhost", [true, false, true, true]),
            ("tok.onion", [true, false, true, true]),
            ("tok.home.arpa", [true, false, true, true]),
            ("local.acme.com", [true, true, true, true]),
            ("test", [true, false, false, false]),
            ("localhost", [true, false, true, false]),
            ("tok", [true, false, false, false]),
            ("tok.x", [true, true, false, false]),
            ("tok.1", [true, false, false, false]),
            ("tok.a1", [true, false, false, false]),
            ("tok.c0m", [true, true, false, true]),
            ("tok.c-m", [true, true, true, true]),
            ("1tok.9com", [true, true, false, true]),
            ("tok.xn--p1ai", [true, true, true, true]),
            ("xn--bcher-kva.example", [true, true, true, true]),
            ("ab--cd.acme.com", [true, false, true, true]),
            ("tok--x.acme.com", [true, true, true, true]),
            ("a_b.com", [false, false, false, false]),
            ("", [false, false, false, false]),
        ] {
            let found: Vec<bool> = validators(domain).into_iter().map(|it| it.1).collect();
            assert_eq!(found, verdicts, "{domain}");
        }
    }
}
