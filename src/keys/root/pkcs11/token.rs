//! The calls to the module: loading it, finding token and key, making the key.

use std::path::Path;

use cryptoki::context::CInitializeArgs;
use cryptoki::context::CInitializeFlags;
use cryptoki::context::Pkcs11;
use cryptoki::error::Error;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::object::KeyType;
use cryptoki::object::ObjectClass;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use secrecy::SecretString;

use super::Pkcs11Error;
use super::TokenKeyName;

/// A module that is loaded.
pub(in crate::keys) struct Module(Pkcs11);

/// What a session is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::keys) enum Access {
    Read,
    /// To make keys.
    Write,
}

/// A session with the key in it.
pub(super) struct Found {
    pub(super) session: Session,
    pub(super) key: ObjectHandle,
}

impl Module {
    pub(in crate::keys) fn load(path: &Path) -> Result<Self, Pkcs11Error> {
        let module = Self(Pkcs11::new(path).map_err(|_| Pkcs11Error::Module)?);
        module.initialize()?;
        Ok(module)
    }

    /// Finds the token with the label, by no slot's number, and says nothing to it.
    pub(super) fn check(&self, token: &str) -> Result<(), Pkcs11Error> {
        self.slot(token).map(drop)
    }

    /// Opens a session in which the key can be used.
    pub(super) fn open(
        &self,
        name: &TokenKeyName,
        pin: &SecretString,
    ) -> Result<Found, Pkcs11Error> {
        let session = self.session(&name.token, pin, Access::Read)?;
        let key = find_one(&session, ObjectClass::SECRET_KEY, &name.key)?;
        check_key(&session, key)?;
        Ok(Found { session, key })
    }

    /// Opens a session with the token, logged in.
    pub(in crate::keys) fn session(
        &self,
        token: &str,
        pin: &SecretString,
        access: Access,
    ) -> Result<Session, Pkcs11Error> {
        // After the module was told to end, by whoever: it begins anew.
        self.initialize()?;
        let slot = self.slot(token)?;
        let session = match access {
            Access::Read => self.0.open_ro_session(slot),
            Access::Write => self.0.open_rw_session(slot),
        };
        let session = session.map_err(|error| self::error(&error))?;
        log_in(&session, pin)?;
        Ok(session)
    }

    /// Makes the key, such that it never leaves the token.
    pub(super) fn create_key(
        &self,
        name: &TokenKeyName,
        pin: &SecretString,
    ) -> Result<(), Pkcs11Error> {
        let session = self.session(&name.token, pin, Access::Write)?;
        if !find(&session, ObjectClass::SECRET_KEY, &name.key)?.is_empty() {
            return Err(Pkcs11Error::KeyExists);
        }
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::ValueLen(KEY_BYTES.into()),
            Attribute::Label(name.key.as_bytes().to_vec()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            // It protects keys that the vault knows, and no keys of the token.
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
        ];
        session
            .generate_key(&Mechanism::AesKeyGen, &template)
            .map(drop)
            .map_err(|error| self::error(&error))
    }

    fn initialize(&self) -> Result<(), Pkcs11Error> {
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match self.0.initialize(arguments) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            Err(error) => Err(self::error(&error)),
        }
    }

    fn slot(&self, token: &str) -> Result<Slot, Pkcs11Error> {
        let slots = self.0.get_slots_with_initialized_token();
        let slots = slots.map_err(|error| self::error(&error))?;
        let has_label = |slot: &Slot| {
            let information = self.0.get_token_info(*slot);
            information.is_ok_and(|it| it.label().trim_end() == token)
        };
        let mut matching = slots.into_iter().filter(has_label);
        let slot = matching.next().ok_or(Pkcs11Error::TokenMissing)?;
        match matching.next() {
            None => Ok(slot),
            Some(_) => Err(Pkcs11Error::TokenAmbiguous),
        }
    }
}

fn log_in(session: &Session, pin: &SecretString) -> Result<(), Pkcs11Error> {
    match session.login(UserType::User, Some(pin)) {
        // The login is of all sessions with the token at once.
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(
            RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinExpired
            | RvError::PinLocked,
            _,
        )) => Err(Pkcs11Error::Pin),
        Err(error) => Err(self::error(&error)),
    }
}

/// The one object of this class with this label.
pub(in crate::keys) fn find_one(
    session: &Session,
    class: ObjectClass,
    label: &str,
) -> Result<ObjectHandle, Pkcs11Error> {
    match find(session, class, label)?.as_slice() {
        [] => Err(Pkcs11Error::KeyMissing),
        [key] => Ok(*key),
        [_, _, ..] => Err(Pkcs11Error::KeyAmbiguous),
    }
}

pub(in crate::keys) fn find(
    session: &Session,
    class: ObjectClass,
    label: &str,
) -> Result<Vec<ObjectHandle>, Pkcs11Error> {
    let template = [
        Attribute::Class(class),
        Attribute::Token(true),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let found = session.find_objects(&template);
    found.map_err(|error| self::error(&error))
}

/// Refuses a key that is of another kind, or was ever where somebody could read it.
fn check_key(session: &Session, key: ObjectHandle) -> Result<(), Pkcs11Error> {
    let kind = [
        (Attribute::KeyType(KeyType::AES), "type"),
        (Attribute::ValueLen(KEY_BYTES.into()), "length"),
        (Attribute::Encrypt(true), "permission to encrypt"),
        (Attribute::Decrypt(true), "permission to decrypt"),
    ];
    check(session, key, &kind)?;
    check_kept(session, key)
}

/// Refuses a key that was ever where somebody could read it.
pub(in crate::keys) fn check_kept(session: &Session, key: ObjectHandle) -> Result<(), Pkcs11Error> {
    let kept = [
        (Attribute::Sensitive(true), "sensitivity"),
        (Attribute::AlwaysSensitive(true), "sensitivity in the past"),
        (Attribute::Extractable(false), "extractability"),
        (
            Attribute::NeverExtractable(true),
            "extractability in the past",
        ),
    ];
    check(session, key, &kept)
}

pub(in crate::keys) fn check(
    session: &Session,
    key: ObjectHandle,
    expected: &[(Attribute, &'static str)],
) -> Result<(), Pkcs11Error> {
    for (expected, attribute) in expected {
        let actual = session.get_attributes(key, &[expected.attribute_type()]);
        let actual = actual.map_err(|error| self::error(&error))?;
        if actual.as_slice() != std::slice::from_ref(expected) {
            return Err(Pkcs11Error::KeyUnfit { attribute });
        }
    }
    Ok(())
}

/// What a failed call says: which one it was. The code is in the vault's log, at its finest.
pub(in crate::keys) fn error(error: &Error) -> Pkcs11Error {
    let mut name = "a call".to_owned();
    if let Error::Pkcs11(code, function) = error {
        tracing::debug!(?code, ?function, "PKCS#11 call failed");
        name = format!("C_{function:?}");
    }
    Pkcs11Error::Token { function: name }
}

/// AES-256.
const KEY_BYTES: u64 = 32;

#[cfg(test)]
impl Module {
    /// A session in which a test makes keys of other kinds.
    pub(super) fn session_for_tests(&self, token: &str) -> Session {
        let slot = self.slot(token).unwrap();
        self.0.open_rw_session(slot).unwrap()
    }

    /// Ends the module's life in this process: every session is gone.
    pub(super) fn finalize_for_tests(&self) {
        self.0.clone().finalize().unwrap();
    }
}

/// For the test that the key cannot be read: what the token says to whoever asks for its value.
#[cfg(test)]
pub(super) fn value_of(found: &Found) -> Result<Vec<Attribute>, Error> {
    found
        .session
        .get_attributes(found.key, &[cryptoki::object::AttributeType::Value])
}
