//! Domains that are no operator's own, so that an address in them may be a stranger's mailbox.
//!
//! A short list: it catches an example that was copied, or a slip, and not every domain of others.

/// Why an address in this domain, as A-labels in lower case, may be a stranger's.
pub(super) fn concern(domain: &str) -> Option<&'static str> {
    let is_host = MAIL_HOSTS.iter().any(|host| {
        domain
            .strip_suffix(host)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    });
    if is_host {
        return Some("is of a public mail service, where a token may be a stranger's address");
    }
    let is_top = !domain.contains('.') && !RESERVED_TOPS.contains(&domain);
    (is_top || PUBLIC_SUFFIXES.contains(&domain))
        .then_some("is a public suffix, under which anybody may take a name")
}

/// Public mail services. Subdomains are theirs too.
const MAIL_HOSTS: [&str; 34] = [
    "126.com",
    "163.com",
    "aol.com",
    "fastmail.com",
    "foxmail.com",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "live.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "orange.fr",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "t-online.de",
    "web.de",
    "yahoo.co.jp",
    "yahoo.com",
    "yandex.ru",
];

/// Top levels that nobody can register a name under. Source: RFC 2606, RFC 6761, RFC 6762, RFC
/// 7686, and ICANN's resolution of 2024-07-29 on `internal`.
const RESERVED_TOPS: [&str; 7] = [
    "example",
    "internal",
    "invalid",
    "local",
    "localhost",
    "onion",
    "test",
];

/// Public suffixes of two labels that are often met. Source: <https://publicsuffix.org>.
const PUBLIC_SUFFIXES: [&str; 33] = [
    "ac.uk",
    "appspot.com",
    "azurewebsites.net",
    "co.id",
    "co.il",
    "co.in",
    "co.jp",
    "co.kr",
    "co.nz",
    "co.th",
    "co.uk",
    "co.za",
    "com.ar",
    "com.au",
    "com.br",
    "com.cn",
    "com.hk",
    "com.mx",
    "com.my",
    "com.sg",
    "com.tr",
    "com.tw",
    "com.ua",
    "github.io",
    "gov.uk",
    "herokuapp.com",
    "netlify.app",
    "or.jp",
    "org.au",
    "org.uk",
    "pages.dev",
    "vercel.app",
    "web.app",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_others_are_told_from_own_and_reserved_ones() {
        for domain in ["gmail.com", "tok.gmail.com", "web.de", "co.uk", "com"] {
            assert!(concern(domain).is_some(), "{domain}");
        }
        for domain in [
            "tok.acme.example",
            "example",
            "tok.internal",
            "notgmail.com",
            "acme.co.uk",
            "tok.acme.com",
            "xweb.de",
        ] {
            assert_eq!(concern(domain), None, "{domain}");
        }
    }

    #[test]
    fn lists_are_in_order() {
        assert!(MAIL_HOSTS.is_sorted() && PUBLIC_SUFFIXES.is_sorted());
        assert!(RESERVED_TOPS.is_sorted());
    }
}
