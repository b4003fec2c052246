//! An officer's key on a PKCS#11 token: a smart card, an HSM, or SoftHSM for trying it. The key is
//! made there, and never leaves it: statements are signed by the token.
//!
//! Source: PKCS #11 Cryptographic Token Interface 3.0, section 2.3 (EdDSA); RFC 8032, RFC 8410.

use std::fmt;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::EddsaParams;
use cryptoki::mechanism::eddsa::EddsaSignatureScheme;
use cryptoki::object::Attribute;
use cryptoki::object::AttributeType;
use cryptoki::object::KeyType;
use cryptoki::object::ObjectClass;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use secrecy::SecretString;

use crate::keys::root::Pkcs11Error;
use crate::keys::root::TokenKeyName;
use crate::keys::root::pkcs11::token::Access;
use crate::keys::root::pkcs11::token::Module;
use crate::keys::root::pkcs11::token::check;
use crate::keys::root::pkcs11::token::check_kept;
use crate::keys::root::pkcs11::token::error;
use crate::keys::root::pkcs11::token::find;
use crate::keys::root::pkcs11::token::find_one;

/// An officer's key on a token, in a session that is logged in.
pub struct OfficerToken {
    session: Session,
    key: ObjectHandle,
    public_key: [u8; 32],
    /// Loaded for as long as the session is there.
    _module: Module,
}

impl OfficerToken {
    /// Makes a key on the token, where there must be none with its label.
    ///
    /// # Errors
    ///
    /// If there is one, or the token does not make it: not every token knows Ed25519.
    pub fn create(name: &TokenKeyName, pin: &SecretString) -> Result<Self, Pkcs11Error> {
        let module = Module::load(&name.module)?;
        let session = module.session(&name.token, pin, Access::Write)?;
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            if !find(&session, class, &name.key)?.is_empty() {
                return Err(Pkcs11Error::KeyExists);
            }
        }
        let label = || Attribute::Label(name.key.as_bytes().to_vec());
        let public = [
            Attribute::Token(true),
            Attribute::Verify(true),
            Attribute::EcParams(ED25519.to_vec()),
            label(),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            label(),
        ];
        session
            .generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private)
            .map_err(|it| error(&it))?;
        drop(session);
        Self::open(name, pin)
    }

    /// Opens the key that is on the token.
    ///
    /// # Errors
    ///
    /// If there is none with its label, it is of another kind, or was ever where somebody could
    /// read it.
    pub fn open(name: &TokenKeyName, pin: &SecretString) -> Result<Self, Pkcs11Error> {
        let module = Module::load(&name.module)?;
        let session = module.session(&name.token, pin, Access::Read)?;
        let key = find_one(&session, ObjectClass::PRIVATE_KEY, &name.key)?;
        let kind = [
            (Attribute::KeyType(KeyType::EC_EDWARDS), "type"),
            (Attribute::Sign(true), "permission to sign"),
        ];
        check(&session, key, &kind)?;
        check_kept(&session, key)?;
        let public = find_one(&session, ObjectClass::PUBLIC_KEY, &name.key)?;
        let public_key = public_key(&session, public)?;
        Ok(Self {
            session,
            key,
            public_key,
            _module: module,
        })
    }

    /// The public key, as RFC 8032 has it.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Signs a text by Ed25519. Whoever uses the signature verifies it first.
    ///
    /// # Errors
    ///
    /// If the token does not sign.
    pub fn sign(&self, text: &[u8]) -> Result<[u8; 64], Pkcs11Error> {
        let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
        let signature = self.session.sign(&mechanism, self.key, text);
        let signature = signature.map_err(|it| error(&it))?;
        let length = Pkcs11Error::KeyUnfit {
            attribute: "signature",
        };
        signature.try_into().map_err(|_| length)
    }
}

/// The point, which some tokens give as it is, and others as a DER octet string.
fn public_key(session: &Session, key: ObjectHandle) -> Result<[u8; 32], Pkcs11Error> {
    let found = session.get_attributes(key, &[AttributeType::EcPoint]);
    let found = found.map_err(|it| error(&it))?;
    let unfit = || Pkcs11Error::KeyUnfit {
        attribute: "public key",
    };
    let [Attribute::EcPoint(point)] = found.as_slice() else {
        return Err(unfit());
    };
    let bytes = match point.as_slice() {
        [OCTET_STRING, 32, bytes @ ..] if bytes.len() == 32 => bytes,
        bytes => bytes,
    };
    bytes.try_into().map_err(|_| unfit())
}

impl fmt::Debug for OfficerToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OfficerToken")
            .finish_non_exhaustive()
    }
}

/// id-Ed25519 of RFC 8410, 1.3.101.112, in DER.
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// The tag of an octet string in DER.
const OCTET_STRING: u8 = 0x04;
