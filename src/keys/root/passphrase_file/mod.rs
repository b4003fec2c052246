//! A root key in a file, under a passphrase: Argon2id (RFC 9106) and AES-256-GCM-SIV (RFC 8452).
//!
//! The file is TOML with every parameter by name, and every line of it is authenticated.
//! `docs/decisions/0001-passphrase-file-with-argon2id.md` says why it is not an `age` file.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::ExposeSecret;
use secrecy::SecretString;
use serde::Deserialize;
use serde::Serialize;

use super::Argon2Parameters;
use super::RootKeyError;
use super::RootKeyHolder;
use super::RootKeyProvider;
use super::key_file;
use crate::crypto::Encoding;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;
use crate::crypto::RootKey;
use crate::crypto::aead::Aead;
use crate::crypto::aead::NONCE_BYTES;
use crate::crypto::aead::TAG_BYTES;

/// A root key file and its passphrase.
pub struct PassphraseFile {
    path: PathBuf,
    passphrase: SecretString,
}

/// The file, line by line.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: String,
    version: u32,
    id: String,
    kdf: String,
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: String,
    aead: String,
    nonce: String,
    ciphertext: String,
}

impl PassphraseFile {
    /// The file at this path, to be opened with this passphrase. Nothing is read yet.
    ///
    /// The passphrase is used byte for byte: no spaces are trimmed, no characters composed.
    #[must_use]
    pub fn new(path: PathBuf, passphrase: SecretString) -> Self {
        Self { path, passphrase }
    }

    /// Draws a root key and writes it to a new file, readable for its owner alone.
    ///
    /// It is on disk when this returns. After a crash in between, the file is missing, or damaged
    /// and in nobody's use yet: no key has been wrapped under it.
    ///
    /// # Errors
    ///
    /// If the file exists already, cannot be written, or the passphrase is empty.
    pub fn create(
        &self,
        parameters: Argon2Parameters,
        entropy: &dyn Entropy,
    ) -> Result<RootKey, RootKeyError> {
        if self.passphrase.expose_secret().is_empty() {
            return Err(RootKeyError::PassphraseEmpty);
        }
        let key = KeyBytes::generate(entropy);
        let contents = Contents::seal(&key, &self.passphrase, parameters, entropy)?;
        let text = toml::to_string(&contents).map_err(|_| RootKeyError::Parameters)?;
        key_file::write_new(&self.path, text.as_bytes())?;
        Ok(RootKey::new(&key))
    }

    fn read(&self) -> Result<Contents, RootKeyError> {
        let damaged = |part| RootKeyError::Damaged {
            part,
            path: self.path.clone(),
        };
        let text = key_file::read(&self.path)?;
        let contents: Contents =
            toml::from_str(&text).map_err(|_| damaged("it is not a root key file"))?;
        contents.check().map_err(damaged)?;
        Ok(contents)
    }
}

impl RootKeyProvider for PassphraseFile {
    fn root_key(&self) -> Result<Arc<dyn RootKeyHolder>, RootKeyError> {
        let key = self.read()?.open(&self.passphrase)?;
        Ok(Arc::new(RootKey::new(&key)))
    }
}

impl Contents {
    fn seal(
        key: &KeyBytes,
        passphrase: &SecretString,
        parameters: Argon2Parameters,
        entropy: &dyn Entropy,
    ) -> Result<Self, RootKeyError> {
        let (mut id, mut salt, mut nonce) = ([0; ID_BYTES], [0; SALT_BYTES], [0; NONCE_BYTES]);
        entropy.fill(&mut id);
        entropy.fill(&mut salt);
        entropy.fill(&mut nonce);
        let mut contents = Self {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            id: hex::encode(id),
            kdf: KDF.to_owned(),
            memory_kib: parameters.memory_kib,
            iterations: parameters.iterations,
            parallelism: parameters.parallelism,
            salt: hex::encode(salt),
            aead: AEAD.to_owned(),
            nonce: hex::encode(nonce),
            ciphertext: String::new(),
        };
        let sealed = Aead::new(&parameters.derive(passphrase, &salt)?)
            .seal(
                &nonce,
                &contents.associated(),
                &[key.expose()],
                KeyBytes::LENGTH,
            )
            .map_err(|_| RootKeyError::Opening)?;
        contents.ciphertext = hex::encode(sealed);
        Ok(contents)
    }

    fn open(&self, passphrase: &SecretString) -> Result<KeyBytes, RootKeyError> {
        let decode = |text| hex::decode(text).map_err(|_| RootKeyError::Opening);
        let (salt, nonce) = (decode(&self.salt)?, decode(&self.nonce)?);
        let nonce = nonce
            .as_slice()
            .try_into()
            .map_err(|_| RootKeyError::Opening)?;
        let opened = Aead::new(&self.parameters().derive(passphrase, &salt)?)
            .open(nonce, &self.associated(), &decode(&self.ciphertext)?)
            .map_err(|_| RootKeyError::Opening)?;
        KeyBytes::from_slice(&opened).ok_or(RootKeyError::Opening)
    }

    /// Checks all that can be checked without the passphrase, and names what is wrong.
    fn check(&self) -> Result<(), &'static str> {
        let is_hex = |text: &str, bytes: usize| {
            text.len() == 2 * bytes && hex::decode(text).is_ok() && text == text.to_lowercase()
        };
        let checks = [
            (self.format == FORMAT, "format"),
            (self.version == FORMAT_VERSION, "version"),
            (is_hex(&self.id, ID_BYTES), "id"),
            (self.kdf == KDF, "kdf"),
            (
                self.parameters().are_acceptable(),
                "memory_kib, iterations or parallelism",
            ),
            (is_hex(&self.salt, SALT_BYTES), "salt"),
            (self.aead == AEAD, "aead"),
            (is_hex(&self.nonce, NONCE_BYTES), "nonce"),
            (is_hex(&self.ciphertext, SEALED_BYTES), "ciphertext"),
        ];
        checks
            .into_iter()
            .find(|(holds, _)| !holds)
            .map_or(Ok(()), |(_, part)| Err(part))
    }

    fn parameters(&self) -> Argon2Parameters {
        let Self {
            memory_kib,
            iterations,
            parallelism,
            ..
        } = *self;
        Argon2Parameters {
            memory_kib,
            iterations,
            parallelism,
        }
    }

    /// Every line but the ciphertext.
    fn associated(&self) -> Vec<u8> {
        Encoding::begin(Vec::new(), "counterfoil/v1/root-key-file")
            .part(self.format.as_bytes())
            .part(&self.version.to_be_bytes())
            .part(self.id.as_bytes())
            .part(self.kdf.as_bytes())
            .part(&self.memory_kib.to_be_bytes())
            .part(&self.iterations.to_be_bytes())
            .part(&self.parallelism.to_be_bytes())
            .part(self.salt.as_bytes())
            .part(self.aead.as_bytes())
            .part(self.nonce.as_bytes())
            .finish()
    }
}

impl fmt::Debug for PassphraseFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PassphraseFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

const FORMAT: &str = "counterfoil-root-key";
const FORMAT_VERSION: u32 = 1;
const KDF: &str = "argon2id";
const AEAD: &str = "aes-256-gcm-siv";
const ID_BYTES: usize = 16;
const SALT_BYTES: usize = 16;
const SEALED_BYTES: usize = KeyBytes::LENGTH + TAG_BYTES;

#[cfg(test)]
mod tests;
