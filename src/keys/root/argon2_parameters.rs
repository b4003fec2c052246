//! What Argon2id (RFC 9106) costs whoever tries a passphrase, and the key that it makes of one.

use argon2::Algorithm;
use argon2::Argon2;
use argon2::Params;
use argon2::Version;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::RootKeyError;
use crate::crypto::KeyBytes;

/// What Argon2id costs whoever tries a passphrase.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Argon2Parameters {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) parallelism: u32,
}

impl Argon2Parameters {
    /// 64 MiB, 3 iterations, 4 lanes: the second recommended option.
    ///
    /// Source: RFC 9106, section 4.
    #[must_use]
    pub const fn recommended() -> Self {
        Self {
            memory_kib: 64 * 1_024,
            iterations: 3,
            parallelism: 4,
        }
    }

    /// So cheap that a passphrase can be guessed: for tests, and for vaults that hold nothing.
    #[must_use]
    pub const fn insecure_for_development() -> Self {
        Self {
            memory_kib: 32,
            iterations: 1,
            parallelism: 1,
        }
    }

    /// Bounds what a planted file can make this process do.
    pub(super) fn are_acceptable(self) -> bool {
        (MEMORY_KIB_MIN..=MEMORY_KIB_MAX).contains(&self.memory_kib)
            && (1..=ITERATIONS_MAX).contains(&self.iterations)
            && (1..=PARALLELISM_MAX).contains(&self.parallelism)
    }

    /// The key of a passphrase. It takes long, on purpose.
    pub(super) fn derive(
        self,
        passphrase: &SecretString,
        salt: &[u8],
    ) -> Result<KeyBytes, RootKeyError> {
        if !self.are_acceptable() {
            return Err(RootKeyError::Parameters);
        }
        let parameters = Params::new(
            self.memory_kib,
            self.iterations,
            self.parallelism,
            Some(KeyBytes::LENGTH),
        );
        let parameters = parameters.map_err(|_| RootKeyError::Parameters)?;
        let mut key = Zeroizing::new([0; KeyBytes::LENGTH]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase.expose_secret().as_bytes(), salt, &mut *key)
            .map_err(|_| RootKeyError::Parameters)?;
        Ok(KeyBytes::from_array(&key))
    }
}

const MEMORY_KIB_MIN: u32 = 8;
const MEMORY_KIB_MAX: u32 = 1_024 * 1_024;
const ITERATIONS_MAX: u32 = 16;
const PARALLELISM_MAX: u32 = 16;
