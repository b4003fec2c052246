//! Who vouches for people: `[people.issuers.NAME]`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::config::error::ConfigError;
use crate::config::error::bounded;
use crate::config::error::choice;
use crate::domain::Group;
use crate::domain::Issuer;
use crate::domain::Principal;
use crate::outbound::ServiceUrl;
use crate::people::Algorithm;
use crate::people::IssuerSettings;
use crate::people::KeyPlace;
use crate::people::NotBefore;
use crate::people::TokenType;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPeople {
    #[serde(default)]
    issuers: BTreeMap<String, RawIssuer>,
}

/// One `[people.issuers.NAME]`. Read at start; the keys follow the issuer's rotations.
///
/// - `issuer`: how it calls itself (`iss`). Required.
/// - `audience`: what it calls this vault, or the tools (`aud`). Required.
/// - `algorithms`: `"RS256"`, `"PS256"`, `"ES256"`, `"EdDSA"`, at least one. Required.
/// - `typ`: the type in the header; `"absent"`: it must have none. Default: `"JWT"`.
/// - `jwks_file` or `jwks_url`: where its keys are. Exactly one.
/// - `ca_file`: for `jwks_url`, the authorities, PEM, of its certificate. Default: the machine's.
/// - `refresh_seconds`: for `jwks_url`, 10 to 86,400. Default: 300.
/// - `stale_seconds_max`: how long keys are believed while they cannot be had again, 60 to
///   2,592,000. Default: 86,400.
/// - `leeway_seconds`: how far its clock may be off, 0 to 60. Default: 5.
/// - `lifetime_seconds_max`: of an assertion, 60 to 86,400. Default: 3,600.
/// - `not_before`: which claim says from when on it is valid, `"nbf"` or `"iat"`. Default: `"nbf"`.
/// - `tools`: principals that may present what is bound to no certificate. Default: none.
/// - `clients`: the clients that it must have been issued to. Default: not looked at.
/// - `groups_claim`: the claim with the person's groups. Default: `"groups"`.
/// - `classes`: words for the classes of logins (`acr`). Default: none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIssuer {
    issuer: String,
    audience: String,
    algorithms: Vec<String>,
    typ: Option<String>,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
    ca_file: Option<PathBuf>,
    refresh_seconds: Option<u64>,
    stale_seconds_max: Option<u64>,
    leeway_seconds: Option<u64>,
    lifetime_seconds_max: Option<u64>,
    not_before: Option<String>,
    #[serde(default)]
    tools: Vec<String>,
    #[serde(default)]
    clients: Vec<String>,
    groups_claim: Option<String>,
    #[serde(default)]
    classes: BTreeMap<String, String>,
}

impl RawPeople {
    pub(super) fn check(self, base_dir: &Path) -> Result<Vec<IssuerSettings>, ConfigError> {
        let mut checked: Vec<IssuerSettings> = Vec::with_capacity(self.issuers.len());
        for (name, raw) in self.issuers {
            let settings = raw.check(&name, base_dir)?;
            let is_fetched = matches!(settings.keys, KeyPlace::Url { .. });
            if is_fetched && settings.stale_seconds_max < settings.refresh_seconds {
                return Err(ConfigError::value(
                    format!("people.issuers.{name}.stale_seconds_max"),
                    "is less than refresh_seconds",
                    "keys are believed until they are fetched again: make it some times as long",
                ));
            }
            if checked.iter().any(|other| other.issuer == settings.issuer) {
                return Err(ConfigError::value(
                    format!("people.issuers.{name}.issuer"),
                    "is the issuer of another table",
                    "give each issuer one table: an assertion names its issuer and nothing else",
                ));
            }
            checked.push(settings);
        }
        Ok(checked)
    }
}

impl RawIssuer {
    fn check(self, name: &str, base_dir: &Path) -> Result<IssuerSettings, ConfigError> {
        let key = |key: &str| format!("people.issuers.{name}.{key}");
        let issuer_name = Issuer::new(name).map_err(|error| {
            let remedy = "use a name like \"acme\": [a-z][a-z0-9_-]*, at most 32 characters";
            ConfigError::value(format!("people.issuers.{name}"), error, remedy)
        })?;
        let keys = self.keys(&key, base_dir)?;
        let not_before = match &self.not_before {
            Some(word) => choice(key("not_before"), word, &NOT_BEFORE)?,
            None => NotBefore::NotBefore,
        };
        let seconds =
            |name: &str, given, default, bounds| bounded(&key(name), given, default, bounds);
        Ok(IssuerSettings {
            name: issuer_name,
            algorithms: algorithms(&key("algorithms"), &self.algorithms)?,
            token_type: token_type(&key("typ"), self.typ)?,
            keys,
            refresh_seconds: seconds("refresh_seconds", self.refresh_seconds, 300, &(10..=86_400))?,
            stale_seconds_max: seconds(
                "stale_seconds_max",
                self.stale_seconds_max,
                86_400,
                &(60..=2_592_000),
            )?,
            leeway_seconds: seconds("leeway_seconds", self.leeway_seconds, 5, &(0..=60))?,
            lifetime_seconds_max: seconds(
                "lifetime_seconds_max",
                self.lifetime_seconds_max,
                3_600,
                &(60..=86_400),
            )?,
            not_before,
            tools: tools(&key("tools"), &self.tools)?,
            groups_claim: match self.groups_claim {
                Some(text) => plain(&key("groups_claim"), text)?,
                None => "groups".to_owned(),
            },
            classes: classes(&key("classes"), self.classes)?,
            issuer: plain(&key("issuer"), self.issuer)?,
            audience: plain(&key("audience"), self.audience)?,
            clients: self
                .clients
                .into_iter()
                .map(|text| plain(&key("clients"), text))
                .collect::<Result<_, _>>()?,
        })
    }

    fn keys(
        &self,
        key: &impl Fn(&str) -> String,
        base_dir: &Path,
    ) -> Result<KeyPlace, ConfigError> {
        match (&self.jwks_file, &self.jwks_url) {
            (Some(file), None) => {
                for (name, is_given) in [
                    ("ca_file", self.ca_file.is_some()),
                    ("refresh_seconds", self.refresh_seconds.is_some()),
                ] {
                    if is_given {
                        let remedy = "remove it: a file is read again whenever it changes";
                        return Err(ConfigError::value(
                            key(name),
                            "is only for jwks_url",
                            remedy,
                        ));
                    }
                }
                Ok(KeyPlace::File(base_dir.join(file)))
            }
            (None, Some(text)) => {
                let url = ServiceUrl::new(text).map_err(|error| {
                    let remedy = "write it like \"https://login.acme.example/jwks.json\"";
                    ConfigError::value(key("jwks_url"), error, remedy)
                })?;
                let ca_file = self.ca_file.as_ref().map(|file| base_dir.join(file));
                Ok(KeyPlace::Url { url, ca_file })
            }
            (Some(_), Some(_)) | (None, None) => Err(ConfigError::value(
                key("jwks_file"),
                "and jwks_url: exactly one of them is needed",
                "name the place of the issuer's keys, a file or a URL",
            )),
        }
    }
}

fn algorithms(key: &str, words: &[String]) -> Result<BTreeSet<Algorithm>, ConfigError> {
    let read = |word: &String| choice(key, word, Algorithm::ALL);
    let algorithms: BTreeSet<_> = words.iter().map(read).collect::<Result<_, _>>()?;
    if algorithms.is_empty() {
        let remedy = "name the one that the issuer signs with, such as \"RS256\"";
        return Err(ConfigError::value(key, "is empty", remedy));
    }
    Ok(algorithms)
}

fn token_type(key: &str, text: Option<String>) -> Result<TokenType, ConfigError> {
    match text.as_deref() {
        None => Ok(TokenType::Named("JWT".to_owned())),
        Some("absent") => Ok(TokenType::Absent),
        Some(_) => plain(key, text.unwrap_or_default()).map(TokenType::Named),
    }
}

fn tools(key: &str, texts: &[String]) -> Result<BTreeSet<Principal>, ConfigError> {
    let tool = |text: &String| {
        Principal::new(text).map_err(|error| {
            let remedy = "write it like \"spiffe://acme.example/support-tool\"";
            ConfigError::value(key, error, remedy)
        })
    };
    texts.iter().map(tool).collect()
}

fn classes(
    key: &str,
    texts: BTreeMap<String, String>,
) -> Result<BTreeMap<String, Group>, ConfigError> {
    let class = |(claim, word): (String, String)| {
        let word = Group::new(&word).map_err(|error| {
            let remedy = "map each acr to a word like \"silver\": [A-Za-z0-9._:-]+";
            ConfigError::value(key, error, remedy)
        })?;
        Ok((claim, word))
    };
    texts.into_iter().map(class).collect()
}

/// A text that is compared with a claim: visible, so that what is in the file is what is seen.
fn plain(key: &str, text: String) -> Result<String, ConfigError> {
    let is_plain = !text.is_empty()
        && text.len() <= TEXT_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain {
        return Ok(text);
    }
    let problem = "is empty, too long, or has a character that is not visible ASCII";
    Err(ConfigError::value(
        key,
        problem,
        "copy it from the issuer's documents",
    ))
}

const NOT_BEFORE: [(&str, NotBefore); 2] =
    [("nbf", NotBefore::NotBefore), ("iat", NotBefore::IssuedAt)];
/// The longest text that is compared with a claim.
const TEXT_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = r#"
[issuers.acme]
issuer = "https://login.acme.example"
audience = "counterfoil"
algorithms = ["ES256"]
jwks_file = "jwks.json"
"#;

    fn parse(text: &str) -> Result<Vec<IssuerSettings>, String> {
        let raw: RawPeople = toml::from_str(text).map_err(|error| error.to_string())?;
        let checked = raw.check(Path::new("/srv"));
        checked.map_err(|error| error.to_string())
    }

    fn parse_with(from: &str, to: &str) -> Result<Vec<IssuerSettings>, String> {
        assert!(SMALLEST.contains(from), "the smallest has no {from}");
        parse(&SMALLEST.replacen(from, to, 1))
    }

    #[test]
    fn smallest_issuer_has_the_documented_defaults() {
        let expected = IssuerSettings {
            name: Issuer::new("acme").unwrap(),
            issuer: "https://login.acme.example".to_owned(),
            audience: "counterfoil".to_owned(),
            algorithms: [Algorithm::ES256].into(),
            token_type: TokenType::Named("JWT".to_owned()),
            keys: KeyPlace::File("/srv/jwks.json".into()),
            refresh_seconds: 300,
            stale_seconds_max: 86_400,
            leeway_seconds: 5,
            lifetime_seconds_max: 3_600,
            not_before: NotBefore::NotBefore,
            tools: BTreeSet::new(),
            clients: BTreeSet::new(),
            groups_claim: "groups".to_owned(),
            classes: BTreeMap::new(),
        };
        assert_eq!(parse(SMALLEST).unwrap(), [expected]);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn every_key_is_read() {
        let lines = r#"
typ = "at+jwt"
jwks_url = "https://login.acme.example/keys"
ca_file = "idp.pem"
refresh_seconds = 60
stale_seconds_max = 3600
leeway_seconds = 0
lifetime_seconds_max = 900
not_before = "iat"
tools = ["spiffe://acme.example/tool"]
clients = ["support-tool"]
groups_claim = "https://acme.example/roles"
classes = { "urn:mace:incommon:iap:silver" = "silver" }
"#;
        let settings = parse_with("jwks_file = \"jwks.json\"", lines)
            .unwrap()
            .remove(0);
        assert_eq!(settings.token_type, TokenType::Named("at+jwt".to_owned()));
        let url = ServiceUrl::new("https://login.acme.example/keys").unwrap();
        let ca_file = Some("/srv/idp.pem".into());
        assert_eq!(settings.keys, KeyPlace::Url { url, ca_file });
        assert_eq!(settings.refresh_seconds, 60);
        assert_eq!(settings.stale_seconds_max, 3_600);
        assert_eq!(settings.leeway_seconds, 0);
        assert_eq!(settings.lifetime_seconds_max, 900);
        assert_eq!(settings.not_before, NotBefore::IssuedAt);
        assert_eq!(settings.tools.len(), 1);
        assert!(settings.clients.contains("support-tool"));
        assert_eq!(settings.groups_claim, "https://acme.example/roles");
        let silver = Group::new("silver").unwrap();
        assert_eq!(settings.classes["urn:mace:incommon:iap:silver"], silver);
        let absent = parse_with("audience", "typ = \"absent\"\naudience").unwrap();
        assert_eq!(absent[0].token_type, TokenType::Absent);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "tables are long")]
    fn wrong_value_is_refused() {
        let file = "jwks_file = \"jwks.json\"";
        for (from, to, key, problem) in [
            ("\"ES256\"", "\"HS256\"", "algorithms", "not a word"),
            ("\"ES256\"", "\"none\"", "algorithms", "not a word"),
            ("\"ES256\"", "", "algorithms", "is empty"),
            ("\"counterfoil\"", "\"\"", "audience", "is empty"),
            ("https://login", "https:// login", "issuer", "not visible"),
            (file, "", "jwks_file", "exactly one"),
            (
                file,
                "jwks_file = \"a\"\njwks_url = \"https://b.example\"",
                "jwks_file",
                "exactly one",
            ),
            (
                file,
                "jwks_url = \"http://b.example/\"",
                "jwks_url",
                "is not https",
            ),
            (file, "jwks_url = \"keys\"", "jwks_url", "not a URL"),
            (
                file,
                "jwks_file = \"a\"\nca_file = \"b\"",
                "ca_file",
                "only for jwks_url",
            ),
            (
                file,
                "jwks_file = \"a\"\nrefresh_seconds = 60",
                "refresh_seconds",
                "only for",
            ),
            (
                file,
                "jwks_file = \"a\"\nleeway_seconds = 61",
                "leeway_seconds",
                "out of bounds",
            ),
            (
                file,
                "jwks_file = \"a\"\nstale_seconds_max = 0",
                "stale_seconds_max",
                "out of",
            ),
            (
                file,
                "jwks_file = \"a\"\nlifetime_seconds_max = 0",
                "lifetime_seconds_max",
                "out",
            ),
            (
                file,
                "jwks_file = \"a\"\nnot_before = \"no\"",
                "not_before",
                "not a word",
            ),
            (
                file,
                "jwks_file = \"a\"\ntools = [\"a b\"]",
                "tools",
                "not a SPIFFE id",
            ),
            (
                file,
                "jwks_file = \"a\"\nclients = [\"\"]",
                "clients",
                "is empty",
            ),
            (
                file,
                "jwks_file = \"a\"\nclasses = { a = \"b c\" }",
                "classes",
                "not allowed",
            ),
            (file, "jwks_file = \"a\"\ntyp = \"\"", "typ", "is empty"),
        ] {
            let error = parse_with(from, to).unwrap_err();
            assert!(
                error.starts_with(&format!("people.issuers.acme.{key}: ")),
                "{error}"
            );
            assert!(error.contains(problem), "{error}");
            assert_eq!(error.lines().count(), 2, "no remedy: {error}");
        }
        let error = parse_with("[issuers.acme]", "[issuers.Acme]").unwrap_err();
        assert!(error.starts_with("people.issuers.Acme: "), "{error}");
        let url = "jwks_url = \"https://b.example/\"\nstale_seconds_max = 60";
        let error = parse_with(file, url).unwrap_err();
        assert!(error.contains("stale_seconds_max: is less than"), "{error}");
        let error = parse_with("audience", "audiences = []\naudience").unwrap_err();
        assert!(error.contains("unknown field `audiences`"), "{error}");
    }

    #[test]
    fn issuer_has_one_table() {
        let other = SMALLEST.replace("[issuers.acme]", "[issuers.other]");
        let error = parse(&format!("{SMALLEST}{other}")).unwrap_err();
        assert!(error.starts_with("people.issuers.other.issuer: is the issuer of another"));
    }
}
