//! The keys of `keys-example/`, which are public: they are in every copy of this program.

use std::fs;
use std::path::Path;

use x509_parser::pem::Pem;

use crate::cli::dev::DevDirectory;
use crate::cli::error::CliError;
use crate::config::Config;
use crate::config::RootKeyConfig;
use crate::people::KeyPlace;

/// Refuses a configuration that names a certificate with one of the example's keys, or its root
/// key. Keys are compared, not files: another certificate for a public key is no better.
///
/// # Errors
///
/// If it does, or a file cannot be read.
pub(super) fn refuse(config: &Config) -> Result<(), CliError> {
    let examples: Vec<_> = FILES
        .iter()
        .flat_map(|(_, text)| public_keys(text.as_bytes()))
        .collect();
    for (key, path) in [
        ("tls.certificate", &config.tls.certificate),
        ("tls.client_ca", &config.tls.client_ca),
    ] {
        let pem = fs::read(path).map_err(CliError::file(path))?;
        if public_keys(&pem)
            .iter()
            .any(|public_key| examples.contains(public_key))
        {
            return Err(refused(key, path));
        }
    }
    for issuer in &config.people {
        let KeyPlace::File(path) = &issuer.keys else {
            continue;
        };
        let text = fs::read_to_string(path).map_err(CliError::file(path))?;
        if example_coordinate().is_some_and(|coordinate| text.contains(&coordinate)) {
            return Err(refused("people.issuers.jwks_file", path));
        }
    }
    let (name, file) = match &config.root_key {
        RootKeyConfig::PassphraseFile { file, .. } => ("root-key.toml", file),
        RootKeyConfig::Shares { file } => ("shares/sharing.toml", file),
        // A token cannot be in the example.
        RootKeyConfig::Pkcs11 { .. } => return Ok(()),
    };
    // One that is not there yet is none of them.
    let text = fs::read_to_string(file).unwrap_or_default();
    let example = FILES.iter().find(|(example, _)| *example == name);
    let example_id = example.and_then(|(_, text)| root_key_id(text));
    match root_key_id(&text) {
        Some(id) if Some(&id) == example_id.as_ref() => Err(refused("root_key.file", file)),
        Some(_) | None => Ok(()),
    }
}

/// Writes the example into a directory that is not there or empty.
///
/// # Errors
///
/// If it cannot be written.
pub(super) fn write(dev: &DevDirectory) -> Result<(), CliError> {
    dev.write_all(&FILES)
}

fn refused(key: &str, path: &Path) -> CliError {
    CliError::Usage(format!(
        "{key}: {} is an example key, which is public\n  make keys of your own, or use serve --dev",
        path.display()
    ))
}

/// The public keys, DER, of the certificates in a PEM file.
fn public_keys(pem: &[u8]) -> Vec<Vec<u8>> {
    let certificates = Pem::iter_from_buffer(pem).filter_map(Result::ok);
    let public_key = |pem: Pem| {
        let certificate = pem.parse_x509().ok()?;
        Some(certificate.tbs_certificate.subject_pki.raw.to_vec())
    };
    certificates.filter_map(public_key).collect()
}

/// What only the public key of the example's identity provider has: its x coordinate.
fn example_coordinate() -> Option<String> {
    let (_, text) = FILES.iter().find(|(name, _)| *name == "people/jwks.json")?;
    let set: serde_json::Value = serde_json::from_str(text).ok()?;
    let coordinate = set.pointer("/keys/0/x")?.as_str()?;
    Some(coordinate.to_owned())
}

/// The id of a root key file or a sharing file. It is authenticated: with another, nothing opens.
fn root_key_id(text: &str) -> Option<String> {
    let table: toml::Table = text.parse().ok()?;
    Some(table.get("id")?.as_str()?.to_owned())
}

macro_rules! files {
    ($($name:literal,)*) => {
        [$(($name, include_str!(concat!("../../keys-example/", $name))),)*]
    };
}

/// The example's files; the configuration last, as `serve --dev` takes it for the sign that the
/// others are there.
const FILES: [(&str, &str); 31] = files![
    "identities/agent.key",
    "identities/agent.pem",
    "identities/approver.key",
    "identities/approver.pem",
    "identities/auditor.key",
    "identities/auditor.pem",
    "identities/dev-backend.key",
    "identities/dev-backend.pem",
    "identities/officer1.key",
    "identities/officer1.pem",
    "identities/officer2.key",
    "identities/officer2.pem",
    "identities/officer3.key",
    "identities/officer3.pem",
    "officers/officer1.key",
    "officers/officer1.pem",
    "officers/officer2.key",
    "officers/officer2.pem",
    "officers/officer3.key",
    "officers/officer3.pem",
    "passphrase",
    "people/issuer.key",
    "people/jwks.json",
    "policies/dev.cedar",
    "root-key.toml",
    "shares/sharing.toml",
    "tls/ca.key",
    "tls/ca.pem",
    "tls/server.key",
    "tls/server.pem",
    "config.toml",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::root::shares::ShareFile;
    use crate::keys::root::shares::SharingFile;

    /// A directory with keys of its own, in which some files are the example's.
    fn refused_with(names: &[&str]) -> Option<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dev");
        let dev = DevDirectory::new(&path);
        dev.ensure().unwrap();
        for name in names {
            let (_, text) = FILES.iter().find(|(file, _)| file == name).unwrap();
            fs::write(path.join(name), text).unwrap();
        }
        let config = Config::load(&dev.config(), None).unwrap();
        refuse(&config).err().map(|error| error.to_string())
    }

    #[test]
    fn example_keys_are_refused_one_by_one() {
        assert_eq!(refused_with(&[]), None);
        for (name, key) in [
            ("tls/ca.pem", "tls.client_ca"),
            ("tls/server.pem", "tls.certificate"),
            ("root-key.toml", "root_key.file"),
            ("people/jwks.json", "people.issuers.jwks_file"),
        ] {
            let error = refused_with(&[name]).unwrap();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
    }

    #[test]
    fn example_sharing_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dev");
        let dev = DevDirectory::new(&path);
        dev.ensure().unwrap();
        let mut config = Config::load(&dev.config(), None).unwrap();
        let file = path.join("sharing.toml");
        config.root_key = RootKeyConfig::Shares { file: file.clone() };
        assert!(refuse(&config).is_ok());
        let (_, text) = FILES
            .iter()
            .find(|(name, _)| name.starts_with("shares/"))
            .unwrap();
        fs::write(file, text).unwrap();
        let error = refuse(&config).unwrap_err().to_string();
        assert!(error.starts_with("root_key.file: "), "{error}");
    }

    #[test]
    fn example_has_a_configuration_for_each_kind_of_root_key() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("keys-example");
        let load = |name: &str| Config::load(&example.join(name), None).unwrap().root_key;
        assert!(matches!(load("hsm.toml"), RootKeyConfig::Pkcs11 { .. }));
        let RootKeyConfig::Shares { file } = load("shares.toml") else {
            panic!("no shares")
        };
        let sharing = SharingFile::read(&file).unwrap();
        let offers = ["officer1", "officer3"].map(|name| {
            let path = file.with_file_name(format!("{name}.share.toml"));
            let share = ShareFile::read(&path).unwrap();
            share
                .open(&"counterfoil-example".to_owned().into())
                .unwrap()
        });
        assert!(sharing.combine(&[&offers[0], &offers[1]]).is_ok());
    }

    #[test]
    fn example_opens_with_its_passphrase() {
        let directory = tempfile::tempdir().unwrap();
        let dev = DevDirectory::new(&directory.path().join("example"));
        write(&dev).unwrap();
        let config = Config::load(&dev.config(), None).unwrap();
        let shares = crate::cli::shares::ShareArgs::default();
        assert!(crate::cli::root_key::open(&config, &shares).is_ok());
        assert!(refuse(&config).is_err());
    }
}
