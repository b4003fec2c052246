//! Configurations: whatever TOML says is refused, with where and what to do, or is a configuration
//! whose formats can be made.
//!
//! Where the text begins with an exclamation mark, the rest is the whole file; else it is what
//! follows the tables that every configuration has.

#![no_main]

use std::path::Path;

use counterfoil::assembly;
use counterfoil::config::Config;
use counterfoil::config::ConfigError;
use counterfoil_fuzz::fault;
use counterfoil_fuzz::input::Input;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some(text) = Input::new(data).text() else {
        return Corpus::Reject;
    };
    let text = match text.strip_prefix('!') {
        Some(whole) => whole.to_owned(),
        None => format!("{REQUIRED}{text}"),
    };
    let base = Path::new("/etc/counterfoil");
    match Config::from_toml(&text, base) {
        Ok(config) => accepted(&config, &text, base),
        Err(error) => refused(&error, &text),
    }
    Corpus::Keep
});

fn accepted(config: &Config, text: &str, base: &Path) {
    let mut again = Config::from_toml(text, base).expect("the same text is accepted again");
    if fault::is_planted() {
        for namespace in again.namespaces.values_mut() {
            namespace
                .fields
                .retain(|_, field| field.ttl_seconds.is_none());
        }
    }
    assert!(*config == again, "one text has two meanings");
    for namespace in config.namespaces.values() {
        for field in namespace.fields.values() {
            if let Ok(format) = assembly::format(field) {
                drop(format.summary());
            }
        }
    }
}

fn refused(error: &ConfigError, text: &str) {
    let shown = error.to_string();
    if let ConfigError::Syntax { line, .. } = error {
        assert!((1..=1 + text.lines().count()).contains(line), "{shown}");
    }
    if let ConfigError::Value { key, remedy, .. } = error {
        assert!(!key.is_empty() && !remedy.is_empty(), "{shown}");
    }
}

const REQUIRED: &str = r#"
[vault]
data_dir = "data"
[listen]
token = "127.0.0.1:0"
reveal = "127.0.0.1:0"
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
[root_key]
provider = "passphrase-file"
file = "root-key.toml"
[audit]
origin = "acme.example/audit"
"#;
