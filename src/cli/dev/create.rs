//! Making a directory for development.

use std::fs;
use std::fs::DirBuilder;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rand::RngExt;
use rcgen::KeyPair;
use secrecy::SecretString;

use crate::cli::dev::DevDirectory;
use crate::cli::dev::IDENTITIES;
use crate::cli::dev::OFFICERS;
use crate::cli::dev::TRUST_DOMAIN;
use crate::cli::dev::authority::Authority;
use crate::cli::dev::authority::Credentials;
use crate::cli::error::CliError;
use crate::crypto::SystemEntropy;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::OfficerKey;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::PassphraseFile;

impl DevDirectory {
    /// Makes everything but the vault, unless it is there.
    ///
    /// # Errors
    ///
    /// If the directory has something else in it, or cannot be written.
    pub(in crate::cli) fn ensure(&self) -> Result<(), CliError> {
        if self.config().exists() {
            return Ok(());
        }
        let passphrase = hex::encode(rand::rng().random::<[u8; 16]>());
        self.create(&passphrase)
    }

    /// Makes everything but the vault, with the root key under this passphrase.
    ///
    /// The configuration is the last file: if we crash before it is there, the directory is not
    /// empty, and the next start says so.
    ///
    /// # Errors
    ///
    /// If the directory is not empty, or cannot be written.
    pub(in crate::cli) fn create(&self, passphrase: &str) -> Result<(), CliError> {
        let path = &self.path;
        self.make()?;
        self.create_certificates()?;
        let officers = self.create_officers()?;
        self.create_people()?;
        self.write("policies/dev.cedar", Access::All, include_str!("dev.cedar"))?;
        self.write("passphrase", Access::Owner, &format!("{passphrase}\n"))?;
        let passphrase = SecretString::from(passphrase.to_owned());
        PassphraseFile::new(path.join("root-key.toml"), passphrase)
            .create(Argon2Parameters::recommended(), &SystemEntropy)
            .map_err(CliError::failed)?;
        let config = format!("{}\n{officers}", include_str!("config.toml"));
        self.write("config.toml", Access::All, &config)
    }

    /// Writes files that exist already, keys for their owner alone.
    ///
    /// # Errors
    ///
    /// If the directory is not empty, or cannot be written.
    pub(in crate::cli) fn write_all(&self, files: &[(&str, &str)]) -> Result<(), CliError> {
        self.make()?;
        for (name, text) in files {
            let is_public = name.ends_with(".pem")
                || matches!(
                    *name,
                    "config.toml" | "people/jwks.json" | "policies/dev.cedar"
                );
            let access = if is_public {
                Access::All
            } else {
                Access::Owner
            };
            self.write(name, access, text)?;
        }
        Ok(())
    }

    /// Makes the directory, which must be empty if it is there.
    fn make(&self) -> Result<(), CliError> {
        let path = &self.path;
        make_directory(path)?;
        let mut files = fs::read_dir(path).map_err(CliError::file(path))?;
        if files.next().is_some() {
            let path = path.display();
            return Err(CliError::Usage(format!(
                "{path} is not empty, and has no config.toml\n  name a directory that is not there"
            )));
        }
        Ok(())
    }

    fn create_certificates(&self) -> Result<(), CliError> {
        let authority = Authority::generate()?;
        self.write_credentials("tls/ca", &authority.credentials())?;
        self.write_credentials("tls/server", &authority.server()?)?;
        for name in IDENTITIES {
            let credentials = authority.client(name, &format!("{TRUST_DOMAIN}/{name}"))?;
            self.write_credentials(&format!("identities/{name}"), &credentials)?;
        }
        Ok(())
    }

    /// Ed25519 keys, by which officers sign what they do, and the lines of the configuration that
    /// name them.
    fn create_officers(&self) -> Result<String, CliError> {
        let mut lines = String::from(OFFICERS_LINES);
        for name in OFFICERS {
            let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).map_err(CliError::failed)?;
            let public = key.public_key_pem();
            self.write(&format!("officers/{name}.pem"), Access::All, &public)?;
            self.write(
                &format!("officers/{name}.key"),
                Access::Owner,
                &key.serialize_pem(),
            )?;
            let signing = OfficerKey::from_pem(&key.serialize_pem(), None);
            let signing = signing.map_err(CliError::failed)?;
            let name = NoteKeyName::new(name).map_err(CliError::failed)?;
            lines.push_str(&format!("    \"{}\",\n", signing.verifier(name)));
        }
        lines
            .push_str("]\n\n# For tries: in production, leave the day that there is by default.\n");
        lines.push_str("[officers.rules]\n");
        for kind in ["destroy-key", "erase-entry", "prune-log"] {
            lines.push_str(&format!("{kind} = {{ delay_seconds = 5 }}\n"));
        }
        Ok(lines)
    }

    fn write_credentials(&self, name: &str, credentials: &Credentials) -> Result<(), CliError> {
        self.write(
            &format!("{name}.pem"),
            Access::All,
            &credentials.certificate,
        )?;
        self.write(&format!("{name}.key"), Access::Owner, &credentials.key)
    }

    /// Writes a new file, and its directory where that is missing.
    pub(super) fn write(&self, name: &str, access: Access, text: &str) -> Result<(), CliError> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            make_directory(parent)?;
        }
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options
                .write(true)
                .create_new(true)
                .mode(access.mode())
                .open(&path)?;
            file.write_all(text.as_bytes())
        };
        write().map_err(CliError::file(&path))
    }
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    /// Whoever reaches it.
    All,
    /// Its owner.
    Owner,
}

impl Access {
    fn mode(self) -> u32 {
        match self {
            Self::All => 0o644,
            Self::Owner => 0o600,
        }
    }
}

fn make_directory(path: &Path) -> Result<(), CliError> {
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(CliError::file(path))
}

const OFFICERS_LINES: &str = "\
# Who may change keys, and never alone: `counterfoil keys list`.
[officers]
keys = [
";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Config;

    #[test]
    fn created_directory_has_a_configuration_that_is_right() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dev");
        let dev = DevDirectory::new(&path);
        dev.ensure().unwrap();
        let config = Config::load(&dev.config(), None).unwrap();
        assert!(config.tls.certificate.exists() && config.tls.key.exists());
        assert_eq!(config.tls.client_ca, dev.ca());
        for name in IDENTITIES {
            let (certificate, key) = dev.identity(name).unwrap();
            assert!(certificate.exists());
            assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        // A second start keeps what is there.
        let before = fs::read(dev.ca()).unwrap();
        dev.ensure().unwrap();
        assert_eq!(fs::read(dev.ca()).unwrap(), before);
    }

    #[test]
    fn directory_of_something_else_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("mine"), "").unwrap();
        let error = DevDirectory::new(directory.path()).ensure().unwrap_err();
        assert!(error.to_string().contains("is not empty"), "{error}");
    }
}
