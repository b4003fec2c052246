//! A root key on a PKCS#11 token: an HSM, or SoftHSM for trying it. The key is made there, and
//! never leaves it: keys are wrapped and unwrapped by the token.
//!
//! What is wrapped has the form of [`RootKey`]: a nonce, and the key sealed by AES-256-GCM with
//! the key's identity as associated data. `docs/decisions/0021-root-key-on-a-token.md` says why.
//!
//! Source: PKCS #11 Cryptographic Token Interface 2.40.

pub(in crate::keys) mod token;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::types::Ulong;
use secrecy::SecretString;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use self::token::Found;
use self::token::Module;
use super::HolderError;
use super::RootKeyError;
use super::RootKeyHolder;
use super::RootKeyProvider;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;
use crate::crypto::KeyIdentity;
use crate::crypto::RootKey;
use crate::crypto::aead::NONCE_BYTES;

/// Which key of which token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenKeyName {
    /// The module, a shared library of the HSM's vendor.
    pub module: PathBuf,
    /// The label of the token; the numbers of slots change.
    pub token: String,
    /// The label of the key on it.
    pub key: String,
}

/// A root key on a token, with the PIN that opens it.
pub struct TokenRootKey {
    name: TokenKeyName,
    pin: SecretString,
}

/// Why a root key on a token cannot be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Pkcs11Error {
    /// There are several keys with the label.
    #[error("token has several keys with this label\ngive the root key a label of its own")]
    KeyAmbiguous,
    /// A key with the label is there already.
    #[error("token has a key with this label already\nit is another's: choose another label")]
    KeyExists,
    /// There is no key with the label.
    #[error(
        "token has no key with this label\ncheck the labels of token and key, or restore the token \
         from its backup"
    )]
    KeyMissing,
    /// The key could be taken off the token, or is of another kind.
    #[error(
        "key on the token is of another kind: its {attribute} is not what it must be\nuse a key \
         that this program has made"
    )]
    KeyUnfit {
        /// Which attribute.
        attribute: &'static str,
    },
    /// The module cannot be loaded.
    #[error("PKCS#11 module cannot be loaded\ncheck its path, and what it depends on")]
    Module,
    /// The PIN is another one. It is not tried again, since tokens lock after a few tries.
    #[error("token refuses the PIN\ncheck where it comes from; a token locks after a few tries")]
    Pin,
    /// The token does not do what it is asked.
    #[error("token does not answer: {function} failed\ncheck the HSM, its connection and its log")]
    Token {
        /// Which call.
        function: String,
    },
    /// There are several tokens with the label.
    #[error("several tokens have this label\ngive each token a label of its own")]
    TokenAmbiguous,
    /// There is no token with the label.
    #[error("there is no token with this label\ncheck the label, and that the HSM is there")]
    TokenMissing,
}

impl TokenRootKey {
    /// The key of this name, to be opened with this PIN. Nothing is loaded yet.
    #[must_use]
    pub fn new(name: TokenKeyName, pin: SecretString) -> Self {
        Self { name, pin }
    }

    /// Makes the key on the token, where there must be none with its label.
    ///
    /// # Errors
    ///
    /// If there is one, or the token does not make it.
    pub fn create(&self) -> Result<Arc<dyn RootKeyHolder>, RootKeyError> {
        let holder = self.holder()?;
        holder.module.create_key(&self.name, &self.pin)?;
        self.root_key()
    }

    /// Whether the token has a key with the label, be it fit or not.
    ///
    /// # Errors
    ///
    /// If the token does not say.
    pub fn exists(&self) -> Result<bool, RootKeyError> {
        match self.holder()?.module.open(&self.name, &self.pin) {
            Ok(_) => Ok(true),
            Err(Pkcs11Error::KeyMissing) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn holder(&self) -> Result<TokenHolder, RootKeyError> {
        Ok(TokenHolder {
            module: Module::load(&self.name.module)?,
            name: self.name.clone(),
            pin: self.pin.clone(),
            state: Mutex::new(State::Closed),
        })
    }
}

impl TokenKeyName {
    /// Looks for the token, without the PIN.
    ///
    /// # Errors
    ///
    /// If the module cannot be loaded, or there is no such token.
    pub fn check(&self) -> Result<(), Pkcs11Error> {
        Module::load(&self.module)?.check(&self.token)
    }
}

impl RootKeyProvider for TokenRootKey {
    fn root_key(&self) -> Result<Arc<dyn RootKeyHolder>, RootKeyError> {
        let holder = self.holder()?;
        let found = holder.module.open(&self.name, &self.pin)?;
        *holder.state() = State::Open(found);
        Ok(Arc::new(holder))
    }
}

/// Holds the session in which the key is used.
struct TokenHolder {
    module: Module,
    name: TokenKeyName,
    pin: SecretString,
    state: Mutex<State>,
}

enum State {
    Open(Found),
    /// The session is to be opened again before the next use.
    Closed,
    /// The PIN that was right is not any more: trying again would lock the token.
    Refused,
}

impl TokenHolder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses the key, in a new session if the first fails: an HSM closes sessions when it restarts,
    /// or after a time. What fails in a session that has just been opened is not the session's
    /// fault.
    fn with_key<T>(
        &self,
        work: impl Fn(&Found) -> Result<T, Pkcs11Error>,
    ) -> Result<Result<T, Pkcs11Error>, HolderError> {
        let mut state = self.state();
        if let State::Open(found) = &*state {
            if let Ok(done) = work(found) {
                return Ok(Ok(done));
            }
            // Before the new one opens: the login belongs to all sessions of a token at once.
            *state = State::Closed;
        }
        if matches!(*state, State::Refused) {
            return Err(unavailable(&Pkcs11Error::Pin));
        }
        match self.module.open(&self.name, &self.pin) {
            Ok(found) => {
                let done = work(&found);
                *state = State::Open(found);
                Ok(done)
            }
            Err(error) => {
                if error == Pkcs11Error::Pin {
                    *state = State::Refused;
                }
                Err(unavailable(&error))
            }
        }
    }
}

impl RootKeyHolder for TokenHolder {
    fn wrap(
        &self,
        name: &KeyIdentity<'_>,
        key: &KeyBytes,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, HolderError> {
        let mut fresh = [0; NONCE_BYTES];
        entropy.fill(&mut fresh);
        let associated = name.encode();
        let wrapped = self.with_key(|found| {
            let mut nonce = fresh;
            let parameters = parameters(&mut nonce, &associated)?;
            let mechanism = Mechanism::AesGcm(parameters);
            let sealed = found.session.encrypt(&mechanism, found.key, key.expose());
            let sealed = sealed.map_err(|error| token::error(&error))?;
            // The nonce that the token used: some put their own in its place.
            Ok([nonce.as_slice(), &sealed].concat())
        })?;
        let wrapped = wrapped.map_err(|error| unavailable(&error))?;
        // A key that does not open again would be lost, so this is tried before anybody keeps it.
        let opened = self.unwrap(name, &wrapped);
        let opened = opened.map_err(|_| unproven())?;
        let is_same = bool::from(opened.expose().ct_eq(key.expose()));
        if !is_same || wrapped.len() != RootKey::WRAPPED_BYTES {
            return Err(unproven());
        }
        Ok(wrapped)
    }

    fn unwrap(&self, name: &KeyIdentity<'_>, wrapped: &[u8]) -> Result<KeyBytes, HolderError> {
        if wrapped.len() != RootKey::WRAPPED_BYTES {
            return Err(HolderError::Opening);
        }
        let (nonce, sealed) = wrapped
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(HolderError::Opening)?;
        let associated = name.encode();
        let opened = self.with_key(|found| {
            let mut nonce = *nonce;
            let mechanism = Mechanism::AesGcm(parameters(&mut nonce, &associated)?);
            let opened = found.session.decrypt(&mechanism, found.key, sealed);
            opened
                .map(Zeroizing::new)
                .map_err(|error| token::error(&error))
        })?;
        // In a session that has just been opened, a token refuses only what does not open.
        let opened = opened.map_err(|_| HolderError::Opening)?;
        KeyBytes::from_slice(&opened).ok_or(HolderError::Opening)
    }
}

/// What was wrapped did not open again.
fn unproven() -> HolderError {
    let reason = "what the token wraps does not open again";
    HolderError::Unavailable { reason }
}

fn parameters<'a>(
    nonce: &'a mut [u8; NONCE_BYTES],
    associated: &'a [u8],
) -> Result<GcmParams<'a>, Pkcs11Error> {
    GcmParams::new(nonce, associated, Ulong::from(TAG_BITS)).map_err(|error| token::error(&error))
}

fn unavailable(error: &Pkcs11Error) -> HolderError {
    let reason = match error {
        Pkcs11Error::KeyAmbiguous => "the token has several keys with its label",
        Pkcs11Error::KeyExists | Pkcs11Error::Token { .. } => "the token does not answer",
        Pkcs11Error::KeyMissing => "it is not on the token any more",
        Pkcs11Error::KeyUnfit { .. } => "the key on the token is another one",
        Pkcs11Error::Module => "the PKCS#11 module cannot be loaded",
        Pkcs11Error::Pin => "the token refuses the PIN",
        Pkcs11Error::TokenAmbiguous => "several tokens have its token's label",
        Pkcs11Error::TokenMissing => "the token is not there any more",
    };
    HolderError::Unavailable { reason }
}

impl fmt::Debug for TokenRootKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenRootKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenHolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenHolder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

const TAG_BITS: u64 = 128;

#[cfg(test)]
mod tests;
