//! Tenants and their fields: `[namespaces.NAME.fields.FIELD]`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::bounded;
use crate::config::error::choice;
use crate::config::format::FieldFormat;
use crate::config::format::RawKeep;
use crate::config::format::RawOptions;
use crate::config::format::TextFormat;
use crate::domain::Equality;
use crate::domain::Fidelity;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::format::EmailDomain;
use crate::format::GrammarSpec;
use crate::format::Length;

/// A tenant: `[namespaces.NAME]`, where NAME is `[a-z][a-z0-9_-]*`, at most 32 characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamespaceConfig {
    /// `[namespaces.NAME.fields.FIELD]`: its fields, at least one, with names like NAME.
    pub fields: BTreeMap<FieldName, FieldConfig>,
}

/// A kind of value: `[namespaces.NAME.fields.FIELD]`. Read at start.
///
/// `format`, `parts`, `keep`, `postal_code`, `equality`, `token_domain`, `domain`, `own_domains`
/// and `length` are part of how existing tokens are found and read: change them only for a new
/// field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldConfig {
    /// `format`: what values look like: `"name"`, `"address"`, `"email"`, `"text"` (anything),
    /// `"digits"`, `"card"`, `"date_of_birth"`, `"iban"`, `"national_id"`, `"phone"`, or the name
    /// of a table `[formats.NAME]`. Required.
    ///
    /// `parts`: the parts of a name or an address that are one value with one token. Of a name:
    /// `prefix`, `given`, `middle`, `family`, `family2`, `suffix`, `nickname`; of an address:
    /// `recipient`, `organization`, `line1`, `line2`, `line3`, `street`, `house_number`, `unit`,
    /// `district`, `city`, `region`, `postal_code`, `country`. Default: values have no parts.
    /// Example: `["line1", "city", "postal_code", "country"]`.
    ///
    /// `keep`: `["country"]`: tokens have the country of their value, where it is one. Only for
    /// addresses with such a part. Default: nothing.
    ///
    /// `postal_code`: postal codes become another one in the `"pattern"` of the kept country, or
    /// what their `"shape"` says. Default: `"pattern"` where the country is kept, else `"shape"`.
    pub format: FieldFormat,
    /// `fidelity`: how much of a value's form its token keeps: `"shape"`, character for character,
    /// or `"outline"`, only its kind. Default: `"shape"`.
    pub fidelity: Fidelity,
    /// `equality`: when equal values share a token: in the whole `"field"`, only within one
    /// `"subject"`, or `"none"`. Default: `"field"`.
    pub equality: Equality,
    /// `token_domain`: the domain of the tokens of e-mail addresses, in lower case: one of your
    /// own that takes no mail (RFC 7505), or a reserved one. Required for the format `"email"`,
    /// and for no other. Example: `"tok.acme.example"`.
    pub token_domain: Option<String>,
    /// `domain`: which domain the tokens of e-mail addresses have: `"replace"`, the token domain;
    /// `"replace+tag"`, that under a word that is the same for addresses in one domain; or
    /// `"keep"`, their own where it is one of `own_domains`, else the token domain. Default:
    /// `"replace"`.
    ///
    /// `own_domains`: your own domains, in lower case, where no mailbox begins with `tok0.`.
    /// Required for `domain = "keep"`, and only there. Example: `["acme.example"]`.
    pub domain: EmailDomain,
    /// `length`: how much of the length of a value's words a token of its shape shows: all of it,
    /// `"exact"`, or only a range, `"bucket"`. Not for the format `"digits"`. Default: `"exact"`.
    pub length: Length,
    /// `on_invalid`: what happens to a value that is not valid in its format: `"reject"` it, or
    /// take it with an `"outline"` token. Default: `"reject"`.
    pub on_invalid: OnInvalid,
    /// `level`: the most that is ever revealed of a value, whatever policies permit: the `"full"`
    /// value, what is left of it when it is `"masked"`, or nothing, `"none"`. Default: `"full"`.
    pub level_max: Option<Level>,
    /// `ttl_s`: seconds after which a token expires where the caller says nothing, 1 to
    /// 315,360,000 (10 years). Default: never.
    pub ttl_seconds: Option<u64>,
}

/// What happens to a value that is not valid in its format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnInvalid {
    /// It gets a token of its kind that keeps nothing of its form.
    Outline,
    /// It is refused.
    Reject,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNamespace {
    fields: BTreeMap<String, RawField>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    format: String,
    fidelity: Option<String>,
    equality: Option<String>,
    token_domain: Option<String>,
    domain: Option<String>,
    own_domains: Option<Vec<String>>,
    length: Option<String>,
    keep: Option<RawKeep>,
    layout: Option<String>,
    parts: Option<Vec<String>>,
    postal_code: Option<String>,
    region: Option<String>,
    scheme: Option<String>,
    tokens: Option<String>,
    on_invalid: Option<String>,
    level: Option<String>,
    ttl_s: Option<u64>,
}

/// Checks `[namespaces]`.
pub(super) fn check(
    raw: BTreeMap<String, RawNamespace>,
    formats: &BTreeMap<String, GrammarSpec>,
) -> Result<BTreeMap<Namespace, NamespaceConfig>, ConfigError> {
    if raw.is_empty() {
        return Err(ConfigError::value(
            "namespaces",
            "has no namespace",
            "add a table like [namespaces.shop.fields.email] with format = \"email\"",
        ));
    }
    let namespaces = raw.into_iter().map(|(name, raw)| {
        let table = format!("namespaces.{name}");
        let namespace = Namespace::new(&name)
            .map_err(|error| ConfigError::value(&table, error, NAME_REMEDY))?;
        Ok((namespace, raw.check(&table, formats)?))
    });
    namespaces.collect()
}

impl RawNamespace {
    fn check(
        self,
        table: &str,
        formats: &BTreeMap<String, GrammarSpec>,
    ) -> Result<NamespaceConfig, ConfigError> {
        if self.fields.is_empty() {
            return Err(ConfigError::value(
                format!("{table}.fields"),
                "has no field",
                format!("add a table like [{table}.fields.email] with format = \"email\""),
            ));
        }
        let fields = self.fields.into_iter().map(|(name, raw)| {
            let table = format!("{table}.fields.{name}");
            let field = FieldName::new(&name)
                .map_err(|error| ConfigError::value(&table, error, NAME_REMEDY))?;
            Ok((field, raw.check(&table, formats)?))
        });
        Ok(NamespaceConfig {
            fields: fields.collect::<Result<_, ConfigError>>()?,
        })
    }
}

impl RawField {
    fn check(
        self,
        table: &str,
        formats: &BTreeMap<String, GrammarSpec>,
    ) -> Result<FieldConfig, ConfigError> {
        let key = |name: &str| format!("{table}.{name}");
        let options = RawOptions {
            keep: self.keep,
            layout: self.layout,
            parts: self.parts,
            postal_code: self.postal_code,
            region: self.region,
            scheme: self.scheme,
            tokens: self.tokens,
        };
        let format = options.check(table, &self.format, formats)?;
        let text = format.text();
        let fidelity = match self.fidelity {
            Some(word) => choice(key("fidelity"), &word, &FIDELITIES)?,
            None => Fidelity::Shape,
        };
        let equality = match self.equality {
            Some(word) => choice(key("equality"), &word, &EQUALITIES)?,
            None => Equality::Field,
        };
        let on_invalid = match self.on_invalid {
            Some(word) => choice(key("on_invalid"), &word, &ON_INVALID)?,
            None => OnInvalid::Reject,
        };
        let level_max = match self.level {
            Some(word) => choice(key("level"), &word, &LEVELS)?,
            None => Some(Level::Full),
        };
        let ttl_seconds = match self.ttl_s {
            Some(seconds) => Some(bounded(
                &key("ttl_s"),
                Some(seconds),
                TTL_SECONDS_MAX,
                &(1..=TTL_SECONDS_MAX),
            )?),
            None => None,
        };
        let domain = email_domain(table, text, self.domain, self.own_domains)?;
        let length = length(key("length"), text, self.length)?;
        let token_domain = token_domain(&key("token_domain"), text, self.token_domain)?;
        Ok(FieldConfig {
            format,
            fidelity,
            equality,
            token_domain,
            domain,
            length,
            on_invalid,
            level_max,
            ttl_seconds,
        })
    }
}

fn length(
    key: String,
    format: Option<TextFormat>,
    word: Option<String>,
) -> Result<Length, ConfigError> {
    let length = match word {
        Some(word) => choice(key.clone(), &word, &LENGTHS)?,
        None => Length::Exact,
    };
    let has_words = !matches!(format, None | Some(TextFormat::Digits));
    if length == Length::Bucket && !has_words {
        let problem = "is for formats that have words";
        return Err(ConfigError::value(key, problem, "leave it out"));
    }
    Ok(length)
}

fn token_domain(
    key: &str,
    format: Option<TextFormat>,
    given: Option<String>,
) -> Result<Option<String>, ConfigError> {
    match (format, given) {
        (Some(TextFormat::Email), Some(domain)) if is_domain(&domain) => Ok(Some(domain)),
        (Some(TextFormat::Email), Some(_)) => Err(ConfigError::value(
            key,
            "is not a domain of at least two labels, in lower case",
            "write it like \"tok.acme.example\", an international domain as \"xn--\"",
        )),
        (Some(TextFormat::Email), None) => Err(ConfigError::value(
            key,
            "is missing, and a token must never be a stranger's mailbox",
            "name a domain of your own that takes no mail, like \"tok.acme.example\"",
        )),
        (_, Some(_)) => Err(ConfigError::value(
            key,
            "is only for the format \"email\"",
            "leave it out",
        )),
        (_, None) => Ok(None),
    }
}

fn email_domain(
    table: &str,
    format: Option<TextFormat>,
    word: Option<String>,
    own_domains: Option<Vec<String>>,
) -> Result<EmailDomain, ConfigError> {
    let refused = |name: &str, problem: &str, remedy: &str| {
        Err(ConfigError::value(
            format!("{table}.{name}"),
            problem,
            remedy,
        ))
    };
    if format != Some(TextFormat::Email) && (word.is_some() || own_domains.is_some()) {
        let problem = "is only for the format \"email\"";
        let name = word.map_or("own_domains", |_| "domain");
        return refused(name, problem, "leave it out");
    }
    let choice = match word {
        Some(word) => choice(format!("{table}.domain"), &word, &DOMAINS)?,
        None => DomainWord::Replace,
    };
    match (choice, own_domains) {
        (DomainWord::Keep, Some(own_domains)) if !own_domains.is_empty() => {
            if own_domains.iter().all(|domain| is_domain(domain)) {
                return Ok(EmailDomain::Keep { own_domains });
            }
            let problem = "has what is not a domain of at least two labels, in lower case";
            refused("own_domains", problem, "write them like [\"acme.example\"]")
        }
        (DomainWord::Keep, _) => {
            let problem = "is missing, and only a domain of your own may be kept";
            refused("own_domains", problem, "list them like [\"acme.example\"]")
        }
        (DomainWord::Replace | DomainWord::ReplaceTagged, Some(_)) => {
            let problem = "is only for domain = \"keep\"";
            refused("own_domains", problem, "leave it out")
        }
        (DomainWord::Replace, None) => Ok(EmailDomain::Replace),
        (DomainWord::ReplaceTagged, None) => Ok(EmailDomain::ReplaceTagged),
    }
}

/// Letters, digits and inner hyphens in at least two labels (RFC 1123, section 2.1), the last not
/// a number.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty()
            && label.len() <= LABEL_BYTES_MAX
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_a_word = |text: &str| {
        let last = text.rsplit('.').next().unwrap_or_default();
        last.bytes().any(|byte| byte.is_ascii_lowercase())
    };
    text.len() <= DOMAIN_BYTES_MAX
        && text.contains('.')
        && text.split('.').all(is_label)
        && last_is_a_word(text)
}

const NAME_REMEDY: &str =
    "use a lower-case letter, then lower-case letters, digits, \"_\" or \"-\", at most 32 in all";

const FIDELITIES: [(&str, Fidelity); 2] =
    [("shape", Fidelity::Shape), ("outline", Fidelity::Outline)];

const EQUALITIES: [(&str, Equality); 3] = [
    ("field", Equality::Field),
    ("subject", Equality::Subject),
    ("none", Equality::None),
];

/// What `domain` may say.
#[derive(Clone, Copy)]
enum DomainWord {
    Keep,
    Replace,
    ReplaceTagged,
}

const DOMAINS: [(&str, DomainWord); 3] = [
    ("replace", DomainWord::Replace),
    ("replace+tag", DomainWord::ReplaceTagged),
    ("keep", DomainWord::Keep),
];

const LENGTHS: [(&str, Length); 2] = [("exact", Length::Exact), ("bucket", Length::Bucket)];

const ON_INVALID: [(&str, OnInvalid); 2] = [
    ("reject", OnInvalid::Reject),
    ("outline", OnInvalid::Outline),
];

const LEVELS: [(&str, Option<Level>); 3] = [
    ("full", Some(Level::Full)),
    ("masked", Some(Level::Masked)),
    ("none", None),
];

/// Ten years.
const TTL_SECONDS_MAX: u64 = 315_360_000;

/// Leaves room for a local part of 64 octets and the `@` in an address of 254 (RFC 5321, section
/// 4.5.3.1), and some for the format.
const DOMAIN_BYTES_MAX: usize = 100;

const LABEL_BYTES_MAX: usize = 63;
