//! The witness of a log: whom a vault asks, `[audit.witness]`, and the configuration of a witness
//! itself, which is a file of its own.

use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::audit::WitnessWindow;
use crate::config::error::ConfigError;
use crate::config::error::bounded;
use crate::config::listen::address;
use crate::crypto::note::CosignerVerifier;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteVerifier;
use crate::outbound::ServiceUrl;
use crate::witness::CertificateFiles;
use crate::witness::ClientSettings;
use crate::witness::ServeSettings;

/// The witness of the audit log: `[audit.witness]`. Read at start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditWitness {
    /// `url`, `ca_file`, `public_key` or `public_key_file`: the witness's submission prefix, the
    /// authorities of its certificate, and its public key.
    pub client: ClientSettings,
    /// `entries_max`, `seconds_max`: how much may be revealed that the witness has not seen.
    pub window: WitnessWindow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuditWitness {
    url: String,
    ca_file: Option<PathBuf>,
    public_key: Option<String>,
    public_key_file: Option<PathBuf>,
    entries_max: Option<u64>,
    seconds_max: Option<u64>,
}

impl RawAuditWitness {
    pub(super) fn check(self, base_dir: &Path) -> Result<AuditWitness, ConfigError> {
        let prefix = self.url.trim_end_matches('/');
        let url = ServiceUrl::new(&format!("{prefix}/add-checkpoint")).map_err(|error| {
            let remedy = "write it like \"https://witness.example\", without add-checkpoint";
            ConfigError::value("audit.witness.url", error, remedy)
        })?;
        let verifier = verifier(self.public_key, self.public_key_file, base_dir)?;
        let window = WitnessWindow {
            entries_max: bounded(
                "audit.witness.entries_max",
                self.entries_max,
                WitnessWindow::default().entries_max,
                &ENTRIES_MAX_BOUNDS,
            )?,
            seconds_max: bounded(
                "audit.witness.seconds_max",
                self.seconds_max,
                WitnessWindow::default().seconds_max,
                &SECONDS_MAX_BOUNDS,
            )?,
        };
        let ca_file = self.ca_file.map(|file| base_dir.join(file));
        Ok(AuditWitness {
            client: ClientSettings {
                url,
                ca_file,
                verifier,
            },
            window,
        })
    }
}

fn verifier(
    text: Option<String>,
    file: Option<PathBuf>,
    base_dir: &Path,
) -> Result<CosignerVerifier, ConfigError> {
    let key = "audit.witness.public_key";
    let remedy = "use what `counterfoil witness key new` printed, name+id+key";
    let text = match (text, file) {
        (Some(text), None) => text,
        (None, Some(file)) => {
            let path = base_dir.join(file);
            fs::read_to_string(&path).map_err(|error| ConfigError::File {
                key: "audit.witness.public_key_file",
                path,
                problem: format!("cannot be read: {error}"),
                remedy: remedy.to_owned(),
            })?
        }
        (None, None) | (Some(_), Some(_)) => {
            let problem = "is needed, either as text or by public_key_file";
            return Err(ConfigError::value(key, problem, remedy));
        }
    };
    let parsed = text.trim().parse();
    parsed.map_err(|error| ConfigError::value(key, error, remedy))
}

/// The configuration of a witness: a TOML file of its own, since it is another process, best on
/// another machine. Unknown keys are refused; relative paths are relative to the file.
#[derive(Debug, Eq, PartialEq)]
pub struct WitnessConfig {
    /// `name`: the name of the witness in its cosignatures, a URL without a scheme. Required.
    /// Example: `"witness.example/w1"`.
    pub name: NoteKeyName,
    /// `key_file`: its key, as `counterfoil witness key new` made it. Required.
    pub key_file: PathBuf,
    /// `passphrase_file`: a file with the key's passphrase, one line. Default: the key has none.
    pub passphrase_file: Option<PathBuf>,
    /// `state_dir`: where it keeps what it has seen. Required. Example:
    /// `"/var/lib/counterfoil-witness"`.
    pub state_dir: PathBuf,
    /// `listen` and `[tls]`: where it answers; without TLS on a loopback address only.
    pub serve: ServeSettings,
    /// `[[log]]`: the logs that it witnesses, by the keys that sign their checkpoints, at least
    /// one.
    pub logs: Vec<WitnessedLog>,
}

/// A log that a witness cosigns: `[[log]]`.
#[derive(Debug, Eq, PartialEq)]
pub struct WitnessedLog {
    /// The name of its keys.
    pub origin: NoteKeyName,
    /// `public_keys`: the log's verifier keys, as in `audit.vkey` of the vault; more than one while
    /// its key is rotated.
    pub keys: Vec<NoteVerifier>,
    /// `accept_without_proof`: whether the witness's operator may let it go on from elsewhere by
    /// size and root alone: for logs that have no entry about it. Default: false.
    pub accept_without_proof: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWitness {
    name: String,
    key_file: PathBuf,
    passphrase_file: Option<PathBuf>,
    state_dir: PathBuf,
    listen: String,
    tls: Option<RawCertificate>,
    #[serde(default)]
    log: Vec<RawLog>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCertificate {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    public_keys: Vec<String>,
    #[serde(default)]
    accept_without_proof: bool,
}

impl WitnessConfig {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not TOML, or says something that it may not.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::from_toml(&text, path.parent().unwrap_or(Path::new("")))
    }

    /// Checks a configuration; relative paths are relative to `base_dir`.
    ///
    /// # Errors
    ///
    /// If the text is not TOML, or says something that it may not.
    pub fn from_toml(text: &str, base_dir: &Path) -> Result<Self, ConfigError> {
        let raw: RawWitness =
            toml::from_str(text).map_err(|error| ConfigError::syntax(text, &error))?;
        let name = NoteKeyName::new(&raw.name).map_err(|error| {
            let remedy = "use a name of your own without a scheme, like \"witness.example/w1\"";
            ConfigError::value("name", error, remedy)
        })?;
        let certificate = raw.tls.map(|tls| CertificateFiles {
            certificate: base_dir.join(tls.certificate),
            key: base_dir.join(tls.key),
        });
        let listen = listen(&raw.listen, certificate.is_some())?;
        Ok(Self {
            name,
            key_file: base_dir.join(raw.key_file),
            passphrase_file: raw.passphrase_file.map(|file| base_dir.join(file)),
            state_dir: base_dir.join(raw.state_dir),
            serve: ServeSettings {
                address: listen,
                certificate,
            },
            logs: logs(&raw.log)?,
        })
    }
}

fn listen(text: &str, has_tls: bool) -> Result<SocketAddr, ConfigError> {
    let address = address("listen", text)?;
    if has_tls || address.ip().is_loopback() {
        return Ok(address);
    }
    Err(ConfigError::value(
        "listen",
        "is not a loopback address, and there is no [tls]",
        "give it a certificate; anybody on the way could answer in its place",
    ))
}

fn logs(raw: &[RawLog]) -> Result<Vec<WitnessedLog>, ConfigError> {
    let mut logs: Vec<WitnessedLog> = Vec::new();
    for (position, log) in raw.iter().enumerate() {
        let wrong = |problem: &str| {
            let remedy = "use the line in audit.vkey of the vault's data directory, name+id+key";
            ConfigError::value(format!("log[{position}].public_keys"), problem, remedy)
        };
        let keys = log.public_keys.iter().map(|text| text.trim().parse());
        let keys = keys.collect::<Result<Vec<NoteVerifier>, _>>();
        let keys = keys.map_err(|error| wrong(&error.to_string()))?;
        let first = keys.first().ok_or_else(|| wrong("has no key"))?;
        let origin = first.name().clone();
        if keys.iter().any(|key| *key.name() != origin) {
            return Err(wrong("has keys of two names, which are two logs"));
        }
        if logs.iter().any(|log| log.origin == origin) {
            return Err(wrong("is a log that is there already"));
        }
        logs.push(WitnessedLog {
            origin,
            keys,
            accept_without_proof: log.accept_without_proof,
        });
    }
    if logs.is_empty() {
        let remedy = "add a table [[log]] with the public_keys of a log";
        return Err(ConfigError::value("log", "is missing", remedy));
    }
    Ok(logs)
}

/// A reveal and its outcome are two entries, and so are those of whoever reveals beside it.
const ENTRIES_MAX_BOUNDS: RangeInclusive<u64> = 10..=100_000;
const SECONDS_MAX_BOUNDS: RangeInclusive<u64> = 1..=3_600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::AuditSigningKey;
    use crate::crypto::KeyBytes;
    use crate::crypto::note::CosignerKey;

    fn log_key(name: &str, seed: u8) -> String {
        let key = AuditSigningKey::new(&KeyBytes::from_array(&[seed; 32]));
        key.verifier(NoteKeyName::new(name).unwrap()).to_string()
    }

    fn config(listen: &str, rest: &str) -> Result<WitnessConfig, ConfigError> {
        let text = format!(
            "name = \"witness.example/w1\"\nkey_file = \"w1.pem\"\nstate_dir = \"state\"\n\
             listen = \"{listen}\"\n{rest}"
        );
        WitnessConfig::from_toml(&text, Path::new("/etc/witness"))
    }

    #[test]
    fn vault_is_told_of_its_witness() {
        let name = NoteKeyName::new("witness.example/w1").unwrap();
        let key = CosignerKey::new(name, &KeyBytes::from_array(&[5; 32]));
        let key = key.verifier();
        let check = |text: &str| {
            let raw: RawAuditWitness = toml::from_str(text).unwrap();
            raw.check(Path::new("/etc"))
        };
        let url = "url = \"https://witness.example/\"\n";
        let witness = check(&format!("{url}public_key = \"{key}\"")).unwrap();
        assert_eq!(witness.client.verifier, key);
        assert_eq!(witness.window, WitnessWindow::default());
        let expected = ServiceUrl::new("https://witness.example/add-checkpoint").unwrap();
        assert_eq!(witness.client.url, expected);
        for (rest, wrong) in [
            (String::new(), "public_key"),
            (
                format!("public_key = {:?}", log_key("a.example", 1)),
                "public_key",
            ),
            ("public_key_file = \"none\"".to_owned(), "public_key_file"),
            (
                format!("public_key = \"{key}\"\nentries_max = 9"),
                "entries_max",
            ),
            (
                format!("public_key = \"{key}\"\nseconds_max = 0"),
                "seconds_max",
            ),
        ] {
            let error = check(&format!("{url}{rest}")).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("audit.witness.{wrong}")),
                "{error}"
            );
        }
        let open = check(&format!(
            "url = \"http://witness.example\"\npublic_key = \"{key}\""
        ));
        assert!(
            open.unwrap_err()
                .to_string()
                .starts_with("audit.witness.url")
        );
    }

    fn log(keys: &[String]) -> String {
        format!("[[log]]\npublic_keys = {keys:?}\n")
    }

    #[test]
    fn witness_is_configured() {
        let (a, b) = (log_key("a.example", 1), log_key("b.example", 1));
        let a_rotated = log_key("a.example", 2);
        let tls = "[tls]\ncertificate = \"w.pem\"\nkey = \"w.key\"\n";
        let rest = format!("{tls}{}{}", log(&[a, a_rotated]), log(&[b]));
        let config = config("10.0.0.5:7610", &rest).unwrap();
        assert_eq!(config.state_dir, Path::new("/etc/witness/state"));
        let origins: Vec<_> = config.logs.iter().map(|it| it.origin.as_str()).collect();
        assert_eq!(origins, ["a.example", "b.example"]);
        assert_eq!(config.logs[0].keys.len(), 2);
    }

    #[test]
    fn wrong_configuration_is_refused() {
        let (a, b) = (log_key("a.example", 1), log_key("b.example", 1));
        let good = log(std::slice::from_ref(&a));
        assert!(config("127.0.0.1:0", &good).is_ok());
        for (listen, rest, key) in [
            ("127.0.0.1:0", String::new(), "log"),
            ("127.0.0.1:0", log(&[]), "log[0]"),
            ("127.0.0.1:0", log(&["x".to_owned()]), "log[0]"),
            ("127.0.0.1:0", log(&[a, b]), "log[0]"),
            ("127.0.0.1:0", format!("{good}{good}"), "log[1]"),
            ("10.0.0.5:7610", good.clone(), "listen"),
            ("localhost", good, "listen"),
        ] {
            let error = config(listen, &rest).unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
