//! An officer's share in a file, under that officer's passphrase: Argon2id (RFC 9106) and
//! AES-256-GCM-SIV (RFC 8452), as the passphrase file of a whole root key.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use secrecy::ExposeSecret;
use secrecy::SecretString;
use serde::Deserialize;
use serde::Serialize;

use crate::crypto::Encoding;
use crate::crypto::Entropy;
use crate::crypto::SecretShare;
use crate::crypto::aead::Aead;
use crate::crypto::aead::NONCE_BYTES;
use crate::crypto::aead::TAG_BYTES;
use crate::domain::OfficerName;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::RootKeyError;
use crate::keys::root::key_file;

/// An officer's share, opened, with the sharing that it says it belongs to.
pub struct ShareOffer {
    /// The digest of the sharing file.
    pub sharing: [u8; 32],
    /// The share.
    pub share: SecretShare,
}

/// A share file. Who reads it learns whose it is, and of which sharing.
pub struct ShareFile {
    path: PathBuf,
    contents: Contents,
}

/// The file, line by line.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: String,
    version: u32,
    officer: String,
    number: u8,
    sharing: String,
    kdf: String,
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: String,
    aead: String,
    nonce: String,
    ciphertext: String,
}

impl ShareFile {
    /// Reads a share file, without opening it.
    ///
    /// # Errors
    ///
    /// If it is not there, or is none.
    pub fn read(path: &Path) -> Result<Self, RootKeyError> {
        let damaged = |part| RootKeyError::Damaged {
            part,
            path: path.to_owned(),
        };
        let text = key_file::read(path)?;
        let contents: Contents =
            toml::from_str(&text).map_err(|_| damaged("it is not a share file"))?;
        contents.check().map_err(damaged)?;
        Ok(Self {
            path: path.to_owned(),
            contents,
        })
    }

    /// Whose share it is.
    #[must_use]
    pub fn officer(&self) -> &str {
        &self.contents.officer
    }

    /// Opens the share.
    ///
    /// # Errors
    ///
    /// If the passphrase is another one, or the file was changed: which, nobody can tell.
    pub fn open(&self, passphrase: &SecretString) -> Result<ShareOffer, RootKeyError> {
        self.contents.open(passphrase)
    }

    /// Seals a share and writes it to a new file, readable for its owner alone.
    pub(super) fn create(
        path: &Path,
        officer: &OfficerName,
        offer: &ShareOffer,
        passphrase: &SecretString,
        parameters: Argon2Parameters,
        entropy: &dyn Entropy,
    ) -> Result<(), RootKeyError> {
        if passphrase.expose_secret().is_empty() {
            return Err(RootKeyError::PassphraseEmpty);
        }
        let contents = Contents::seal(officer, offer, passphrase, parameters, entropy)?;
        let text = toml::to_string(&contents).map_err(|_| RootKeyError::Parameters)?;
        key_file::write_new(path, text.as_bytes())
    }
}

impl Contents {
    fn seal(
        officer: &OfficerName,
        offer: &ShareOffer,
        passphrase: &SecretString,
        parameters: Argon2Parameters,
        entropy: &dyn Entropy,
    ) -> Result<Self, RootKeyError> {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
        entropy.fill(&mut salt);
        entropy.fill(&mut nonce);
        let mut contents = Self {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            officer: officer.to_string(),
            number: offer.share.number(),
            sharing: hex::encode(offer.sharing),
            kdf: KDF.to_owned(),
            memory_kib: parameters.memory_kib,
            iterations: parameters.iterations,
            parallelism: parameters.parallelism,
            salt: hex::encode(salt),
            aead: AEAD.to_owned(),
            nonce: hex::encode(nonce),
            ciphertext: String::new(),
        };
        let aead = Aead::new(&parameters.derive(passphrase, &salt)?);
        let share = offer.share.expose();
        let sealed = aead.seal(
            &nonce,
            &contents.associated(),
            &[&share],
            SecretShare::LENGTH,
        );
        contents.ciphertext = hex::encode(sealed.map_err(|_| RootKeyError::Opening)?);
        Ok(contents)
    }

    fn open(&self, passphrase: &SecretString) -> Result<ShareOffer, RootKeyError> {
        let decode = |text| hex::decode(text).map_err(|_| RootKeyError::Opening);
        let (salt, nonce) = (decode(&self.salt)?, decode(&self.nonce)?);
        let sharing = decode(&self.sharing)?.try_into();
        let nonce = nonce.as_slice().try_into();
        let nonce = nonce.map_err(|_| RootKeyError::Opening)?;
        let opened = Aead::new(&self.parameters().derive(passphrase, &salt)?)
            .open(nonce, &self.associated(), &decode(&self.ciphertext)?)
            .map_err(|_| RootKeyError::Opening)?;
        Ok(ShareOffer {
            sharing: sharing.map_err(|_| RootKeyError::Opening)?,
            share: SecretShare::from_bytes(self.number, &opened).ok_or(RootKeyError::Opening)?,
        })
    }

    /// Checks all that can be checked without the passphrase, and names what is wrong.
    fn check(&self) -> Result<(), &'static str> {
        let is_hex = |text: &str, bytes: usize| {
            text.len() == 2 * bytes && hex::decode(text).is_ok() && text == text.to_lowercase()
        };
        let checks = [
            (self.format == FORMAT, "format"),
            (self.version == FORMAT_VERSION, "version"),
            (OfficerName::new(&self.officer).is_ok(), "officer"),
            (self.number > 0, "number"),
            (is_hex(&self.sharing, 32), "sharing"),
            (self.kdf == KDF, "kdf"),
            (
                self.parameters().are_acceptable(),
                "memory_kib, iterations or parallelism",
            ),
            (is_hex(&self.salt, SALT_BYTES), "salt"),
            (self.aead == AEAD, "aead"),
            (is_hex(&self.nonce, NONCE_BYTES), "nonce"),
            (
                is_hex(&self.ciphertext, SecretShare::LENGTH + TAG_BYTES),
                "ciphertext",
            ),
        ];
        let wrong = checks.into_iter().find(|(holds, _)| !holds);
        wrong.map_or(Ok(()), |(_, part)| Err(part))
    }

    fn parameters(&self) -> Argon2Parameters {
        Argon2Parameters {
            memory_kib: self.memory_kib,
            iterations: self.iterations,
            parallelism: self.parallelism,
        }
    }

    /// Every line but the ciphertext.
    fn associated(&self) -> Vec<u8> {
        Encoding::begin(Vec::new(), "counterfoil/v1/share-file")
            .part(self.format.as_bytes())
            .part(&self.version.to_be_bytes())
            .part(self.officer.as_bytes())
            .part(&[self.number])
            .part(self.sharing.as_bytes())
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

impl fmt::Debug for ShareOffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ShareOffer")
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ShareFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ShareFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

const FORMAT: &str = "counterfoil-root-key-share";
const FORMAT_VERSION: u32 = 1;
const KDF: &str = "argon2id";
const AEAD: &str = "aes-256-gcm-siv";
const SALT_BYTES: usize = 16;
