//! Each table of the configuration: what it takes, and how it refuses the rest.

use super::*;
use crate::domain::Equality;
use crate::domain::Fidelity;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::format::EmailDomain;
use crate::format::Length;
use crate::keys::root::TokenKeyName;
use crate::policy::Action;
use crate::policy::CaseRequirement;
use crate::policy::FieldSelection;
use std::time::Duration;

const SMALLEST: &str = r#"
[vault]
data_dir = "data"

[listen]
token = "127.0.0.1:7601"
reveal = "127.0.0.1:7602"

[tls]
certificate = "tls/server.pem"
key = "tls/server.key"
client_ca = "/etc/ca.pem"

[root_key]
provider = "passphrase-file"
file = "root-key.toml"

[audit]
origin = "acme.example/counterfoil"

[namespaces.shop.fields.name]
format = "name"

[namespaces.shop.fields.email]
format = "email"
token_domain = "tok.acme.example"

[[permit]]
principals = ["spiffe://acme.example/backend"]
actions = ["tokenize", "detokenize"]
namespace = "shop"
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::from_toml(text, Path::new("/srv/vault"))
}

fn error_of(from: &str, to: &str) -> String {
    assert!(SMALLEST.contains(from), "the smallest has no {from}");
    parse(&SMALLEST.replacen(from, to, 1))
        .unwrap_err()
        .to_string()
}

#[test]
fn smallest_configuration_has_the_documented_defaults() {
    let config = parse(SMALLEST).unwrap();
    assert_eq!(config.data_dir, Path::new("/srv/vault/data"));
    assert_eq!(config.audit.head_dir, Path::new("/srv/vault/data/head"));
    assert_eq!(config.tls.key, Path::new("/srv/vault/tls/server.key"));
    assert_eq!(config.tls.client_ca, Path::new("/etc/ca.pem"));
    assert_eq!(
        config.root_key,
        RootKeyConfig::PassphraseFile {
            file: "/srv/vault/root-key.toml".into(),
            passphrase: PassphraseSource::Terminal,
        }
    );
    assert_eq!(config.limits.connections, 1_000);
    assert_eq!(config.limits.connections_per_peer, 32);
    assert_eq!(config.limits.streams_per_connection, 64);
    assert_eq!(config.limits.handshake, Duration::from_secs(5));
    assert_eq!(config.limits.request_deadline, Duration::from_secs(10));
    assert_eq!(config.limits.message_bytes_max, 4_194_304);
    assert_eq!(config.limits.concurrent_requests, 256);
    assert_eq!(config.limits.connection_age, Duration::from_secs(1_800));
    assert_eq!(config.limits.items_per_request_max, 1_000);
    assert_eq!(config.limits.drain, Duration::from_secs(10));
    assert_eq!(config.store.block_cache_bytes, 256 << 20);
    assert_eq!(config.store.disk_reserve_bytes, 512 << 20);
    assert_eq!(config.listen.metrics, None);
    assert_eq!(config.purposes, Purposes::Any);
}

#[test]
fn fields_and_permits_are_read() {
    let config = parse(SMALLEST).unwrap();
    let shop = Namespace::new("shop").unwrap();
    let fields = &config.namespaces[&shop].fields;
    assert_eq!(
        fields[&FieldName::new("email").unwrap()],
        FieldConfig {
            format: FieldFormat::Text(TextFormat::Email),
            fidelity: Fidelity::Shape,
            equality: Equality::Field,
            token_domain: Some("tok.acme.example".to_owned()),
            domain: EmailDomain::Replace,
            length: Length::Exact,
            on_invalid: OnInvalid::Reject,
            level_max: Some(Level::Full),
            ttl_seconds: None,
        }
    );
    let expected = Rule {
        principals: [Principal::new("spiffe://acme.example/backend").unwrap()].into(),
        actions: [Action::Tokenize, Action::Detokenize].into(),
        namespace: shop,
        fields: FieldSelection::All,
        case: CaseRequirement::Optional,
    };
    assert_eq!(config.permits, [expected]);
}

/// Goal: each value that a key may not have is refused with the key's name and a remedy.
/// Method: the smallest configuration with one text in it replaced.
fn refuses(cases: &[(&str, &str, &str, &str)]) {
    for (from, to, key, problem) in cases {
        let error = error_of(from, to);
        assert!(error.starts_with(&format!("{key}: ")), "{error}");
        assert!(error.contains(problem), "{error}");
        assert_eq!(error.lines().count(), 2, "no remedy: {error}");
    }
}

/// As [`refuses`], with one more line in the field `name`.
fn field_refuses(line: &str, key: &str, problem: &str) {
    let to = format!("format = \"name\"\n{line}");
    let key = format!("namespaces.shop.fields.name.{key}");
    refuses(&[("format = \"name\"", &to, &key, problem)]);
}

#[test]
fn wrong_place_or_key_is_refused() {
    refuses(&[
        (
            "\"127.0.0.1:7601\"",
            "\"localhost\"",
            "listen.token",
            "not an IP address",
        ),
        (
            "7602",
            "7601",
            "listen.reveal",
            "is the address of listen.token",
        ),
        (
            "[tls]",
            "metrics = \"10.0.0.1:1\"\n[tls]",
            "listen.metrics",
            "not a loopback",
        ),
        ("passphrase-file", "hsm", "root_key.provider", "not a word"),
        (
            "acme.example/counterfoil",
            "acme example",
            "audit.origin",
            "not the name of a log",
        ),
    ]);
}

#[test]
fn wrong_field_is_refused() {
    let domain = "namespaces.shop.fields.email.token_domain";
    let format = "namespaces.shop.fields.name.format";
    refuses(&[
        (
            "format = \"name\"",
            "format = \"fax\"",
            format,
            "neither a built-in format",
        ),
        (
            "token_domain = \"tok.acme.example\"",
            "",
            domain,
            "is missing",
        ),
        ("tok.acme.example", "example", domain, "two labels"),
        ("tok.acme.example", "a.-b.c", domain, "two labels"),
        ("tok.acme.example", "10.0.0.1", domain, "two labels"),
        (
            "fields.name",
            "fields.Name",
            "namespaces.shop.fields.Name",
            "not allowed",
        ),
    ]);
    field_refuses(
        "token_domain = \"a.example\"",
        "token_domain",
        "only for the format",
    );
    field_refuses("fidelity = \"opaque\"", "fidelity", "not a word");
    field_refuses("equality = \"all\"", "equality", "not a word");
    field_refuses("on_invalid = \"drop\"", "on_invalid", "not a word");
    field_refuses("level = \"half\"", "level", "not a word");
    field_refuses("ttl_s = 0", "ttl_s", "out of bounds");
    field_refuses("length = \"short\"", "length", "not a word");
    field_refuses("domain = \"keep\"", "domain", "only for the format");
    field_refuses("own_domains = []", "own_domains", "only for the format");
    let digits = "format = \"digits\"\nlength = \"bucket\"";
    let key = "namespaces.shop.fields.name.length";
    refuses(&[("format = \"name\"", digits, key, "formats that have words")]);
}

#[test]
fn domains_of_an_email_field_are_checked() {
    let email = "format = \"email\"";
    for (lines, key, problem) in [
        ("domain = \"drop\"", "domain", "not a word"),
        ("domain = \"keep\"", "own_domains", "is missing"),
        (
            "domain = \"keep\"\nown_domains = []",
            "own_domains",
            "is missing",
        ),
        (
            "domain = \"keep\"\nown_domains = [\"acme.example\", \"Acme\"]",
            "own_domains",
            "not a domain",
        ),
        (
            "own_domains = [\"acme.example\"]",
            "own_domains",
            "only for domain",
        ),
    ] {
        let key = format!("namespaces.shop.fields.email.{key}");
        refuses(&[(email, &format!("{email}\n{lines}"), &key, problem)]);
    }
    let lines = "domain = \"keep\"\nown_domains = [\"acme.example\"]\nlength = \"bucket\"";
    let config = parse(&SMALLEST.replace(email, &format!("{email}\n{lines}"))).unwrap();
    let shop = Namespace::new("shop").unwrap();
    let field = &config.namespaces[&shop].fields[&FieldName::new("email").unwrap()];
    let own_domains = vec!["acme.example".to_owned()];
    assert_eq!(field.domain, EmailDomain::Keep { own_domains });
    assert_eq!(field.length, Length::Bucket);
}

#[test]
fn level_of_a_field_is_read() {
    for (word, level_max) in [
        ("full", Some(Level::Full)),
        ("masked", Some(Level::Masked)),
        ("none", None),
    ] {
        let lines = format!("format = \"name\"\nlevel = {word:?}");
        let config = parse(&SMALLEST.replace("format = \"name\"", &lines)).unwrap();
        let shop = Namespace::new("shop").unwrap();
        let field = &config.namespaces[&shop].fields[&FieldName::new("name").unwrap()];
        assert_eq!(field.level_max, level_max);
    }
}

#[test]
fn reveals_of_both_levels_may_require_a_case() {
    let permit = |actions: &str| {
        let lines = format!("actions = {actions}\ncase = \"required\"");
        parse(&SMALLEST.replace("actions = [\"tokenize\", \"detokenize\"]", &lines))
    };
    let config = permit("[\"detokenize\", \"detokenize_masked\"]").unwrap();
    let actions = [Action::Detokenize, Action::DetokenizeMasked].into();
    assert_eq!(config.permits[0].actions, actions);
    let error = permit("[\"detokenize_masked\", \"lookup\"]").unwrap_err();
    assert!(error.to_string().starts_with("permit[0].case: "));
}

#[test]
fn wrong_permit_is_refused() {
    let shop = "namespace = \"shop\"";
    let fields = "namespace = \"shop\"\nfields = [\"phone\"]";
    let case = "namespace = \"shop\"\ncase = \"maybe\"";
    let purposes = "[purposes]\nallowed = [\"A b\"]\n[audit]";
    refuses(&[
        (
            "backend",
            "back end",
            "permit[0].principals",
            "not a SPIFFE id",
        ),
        (
            "\"detokenize\"",
            "\"reveal\"",
            "permit[0].actions",
            "not a word",
        ),
        (
            "[\"tokenize\", \"detokenize\"]",
            "[]",
            "permit[0].actions",
            "is empty",
        ),
        (
            shop,
            "namespace = \"stop\"",
            "permit[0].namespace",
            "not a namespace",
        ),
        (shop, fields, "permit[0].fields", "does not have"),
        (shop, case, "permit[0].case", "not a word"),
        ("[audit]", purposes, "purposes.allowed", "character 0"),
    ]);
}

#[test]
fn limits_are_bounded() {
    for (line, key) in [
        ("connections = 0", "limits.connections"),
        ("connections_per_peer = 0", "limits.connections_per_peer"),
        (
            "streams_per_connection = 100000",
            "limits.streams_per_connection",
        ),
        ("handshake_ms = 1", "limits.handshake_ms"),
        (
            "request_deadline_ms = 3600000",
            "limits.request_deadline_ms",
        ),
        ("message_bytes_max = 1", "limits.message_bytes_max"),
        ("concurrent_requests = 0", "limits.concurrent_requests"),
        ("connection_age_s = 1", "limits.connection_age_s"),
        (
            "items_per_request_max = 1001",
            "limits.items_per_request_max",
        ),
        ("drain_ms = 60001", "limits.drain_ms"),
    ] {
        let error = error_of("[audit]", &format!("[limits]\n{line}\n[audit]"));
        assert!(
            error.starts_with(&format!("{key}: is out of bounds")),
            "{error}"
        );
    }
    for (line, key) in [
        ("block_cache_mib = 1", "store.block_cache_mib"),
        ("memtable_mib = 8", "store.memtable_mib"),
        ("disk_reserve_mib = 1", "store.disk_reserve_mib"),
    ] {
        let error = error_of("[audit]", &format!("[store]\n{line}\n[audit]"));
        assert!(
            error.starts_with(&format!("{key}: is out of bounds")),
            "{error}"
        );
    }
}

#[test]
fn unknown_key_is_refused_with_its_line() {
    let error = error_of(
        "data_dir = \"data\"",
        "data_dir = \"data\"\ndata_dri = \"x\"",
    );
    assert!(
        error.starts_with("line 4: unknown field `data_dri`"),
        "{error}"
    );
    let error = error_of("format = \"name\"", "format = \"name\"\nshade = 1");
    assert!(error.contains("unknown field `shade`"), "{error}");
}

#[test]
fn missing_key_is_named() {
    let error = error_of("origin = \"acme.example/counterfoil\"", "");
    assert!(error.contains("missing field `origin`"), "{error}");
}

#[test]
fn text_in_a_wrong_place_is_not_repeated() {
    let error = error_of("[audit]", "[limits]\nconnections = \"hunter2\"\n[audit]");
    assert!(error.contains("expected"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn namespaces_are_required() {
    let (start, _) = SMALLEST.split_once("[namespaces").unwrap();
    let error = parse(start).unwrap_err().to_string();
    assert!(error.starts_with("namespaces: has no namespace"), "{error}");
}

#[test]
fn purposes_limit_what_a_reveal_may_name() {
    let text = SMALLEST.replacen("[audit]", "[purposes]\nallowed = [\"support\"]\n[audit]", 1);
    let purposes = parse(&text).unwrap().purposes;
    assert!(purposes.allows(&Purpose::new("support").unwrap()));
    assert!(!purposes.allows(&Purpose::new("curiosity").unwrap()));
}

#[test]
fn passphrase_file_of_the_environment_comes_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let provider = "provider = \"passphrase-file\"";
    let text = SMALLEST.replacen(
        provider,
        &format!("{provider}\npassphrase_file = \"own\""),
        1,
    );
    fs::write(&path, text).unwrap();
    let source = |variable: Option<&str>| {
        let config = Config::load(&path, variable.map(OsString::from)).unwrap();
        let RootKeyConfig::PassphraseFile { passphrase, .. } = config.root_key else {
            panic!("another provider")
        };
        passphrase
    };
    assert_eq!(
        source(None),
        PassphraseSource::File(directory.path().join("own"))
    );
    assert_eq!(
        source(Some("/run/p")),
        PassphraseSource::File("/run/p".into())
    );
}

/// Goal: each provider has its keys and no other's. Method: a table of `[root_key]`.
#[test]
fn root_key_has_the_keys_of_its_provider() {
    let with = |root_key: &str| {
        let (before, rest) = SMALLEST.split_once("[root_key]").unwrap();
        let (_, after) = rest.split_once("[audit]").unwrap();
        let text = format!("{before}[root_key]\n{root_key}\n[audit]{after}");
        Config::from_toml(&text, Path::new("/etc/vault")).map(|config| config.root_key)
    };
    let file = PathBuf::from("/etc/vault/sharing.toml");
    let shares = with("provider = \"shares\"\nfile = \"sharing.toml\"");
    assert_eq!(shares.unwrap(), RootKeyConfig::Shares { file });
    let hsm = "provider = \"pkcs11\"\nmodule = \"/lib/m.so\"\ntoken = \"t\"\nkey = \"k\"";
    let name = TokenKeyName {
        module: "/lib/m.so".into(),
        token: "t".to_owned(),
        key: "k".to_owned(),
    };
    let pin = PassphraseSource::Terminal;
    let expected = RootKeyConfig::Pkcs11 { name, pin };
    assert_eq!(with(hsm).unwrap(), expected);
    for (text, key, problem) in [
        ("provider = \"shares\"", "root_key.file", "is missing"),
        (
            "provider = \"passphrase-file\"",
            "root_key.file",
            "is missing",
        ),
        ("provider = \"pkcs11\"", "root_key.module", "is missing"),
        (
            "provider = \"shares\"\nfile = \"f\"\npassphrase_file = \"p\"",
            "root_key.passphrase_file",
            "is of another provider",
        ),
        (
            "provider = \"passphrase-file\"\nfile = \"f\"\npin_file = \"p\"",
            "root_key.pin_file",
            "is of another provider",
        ),
        (
            &format!("{hsm}\nfile = \"f\""),
            "root_key.file",
            "is of another provider",
        ),
        (
            &hsm.replace("\"t\"", "\" t\""),
            "root_key.token",
            "is not a label",
        ),
        (
            &hsm.replace("\"k\"", "\"\""),
            "root_key.key",
            "is not a label",
        ),
    ] {
        let error = with(text).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(problem), "{error}");
    }
}
