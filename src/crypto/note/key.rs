//! Signing and verifier keys of notes.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signature;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use sha2::Digest;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::NoteError;
use super::NoteSignature;
use super::SignedNote;
use super::signed_note::is_note_text;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;

/// The name of a note's key: a schema-less URL such as `example.com/log`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct NoteKeyName(Box<str>);

/// Signs checkpoints of the audit log (Ed25519, RFC 8032). One per vault, versioned.
pub struct AuditSigningKey(SigningKey);

/// Signs statements of key operations (Ed25519, RFC 8032). An officer's own; the vault never has
/// it.
pub struct OfficerKey(SigningKey);

/// What verifies the signatures of one key: public.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoteVerifier {
    name: NoteKeyName,
    key: VerifyingKey,
}

impl NoteKeyName {
    /// The most bytes that a name may have.
    pub const LENGTH_MAX: usize = 255;

    /// Reads a name.
    ///
    /// # Errors
    ///
    /// If it is empty, too long, or has a space, a plus sign or a control character.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if text.is_empty() || text.len() > Self::LENGTH_MAX || text.contains(forbidden) {
            return Err(NoteError::KeyName);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AuditSigningKey {
    /// The key with this seed.
    #[must_use]
    pub fn new(seed: &KeyBytes) -> Self {
        Self(SigningKey::from_bytes(seed.expose()))
    }

    /// A second copy, for a thread that signs by itself.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }

    /// What verifies this key's signatures under this name.
    #[must_use]
    pub fn verifier(&self, name: NoteKeyName) -> NoteVerifier {
        NoteVerifier {
            name,
            key: self.0.verifying_key(),
        }
    }

    /// Signs a text under this name. Ed25519 is deterministic: the same text gives the same note.
    ///
    /// # Errors
    ///
    /// If the text is empty, has no newline at its end, or has a control character.
    pub fn sign(&self, name: NoteKeyName, text: &str) -> Result<SignedNote, NoteError> {
        sign(&self.0, name, text)
    }
}

impl OfficerKey {
    /// Draws a new key.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(&KeyBytes::generate(entropy))
    }

    /// The key as a PKCS#8 file, encrypted under a passphrase (PKCS#5 with scrypt and AES-256).
    ///
    /// # Errors
    ///
    /// None that can happen: the parameters are within their bounds.
    pub fn to_pem(&self, passphrase: &[u8]) -> Result<Zeroizing<String>, NoteError> {
        self.0
            .to_pkcs8_encrypted_pem(passphrase, LineEnding::LF)
            .map_err(|_| NoteError::OfficerKey)
    }

    /// Reads a PKCS#8 file.
    ///
    /// # Errors
    ///
    /// If it is none, not of an Ed25519 key, or the passphrase is another one.
    pub fn from_pem(pem: &str, passphrase: Option<&[u8]>) -> Result<Self, NoteError> {
        let key = match passphrase {
            Some(passphrase) => SigningKey::from_pkcs8_encrypted_pem(pem, passphrase),
            None => SigningKey::from_pkcs8_pem(pem),
        };
        key.map(Self).map_err(|_| NoteError::OfficerKey)
    }

    /// Whether a PKCS#8 file is under a passphrase.
    #[must_use]
    pub fn is_encrypted(pem: &str) -> bool {
        pem.contains("BEGIN ENCRYPTED PRIVATE KEY")
    }

    /// The key with this seed.
    #[must_use]
    pub fn new(seed: &KeyBytes) -> Self {
        Self(SigningKey::from_bytes(seed.expose()))
    }

    /// What verifies this key's signatures under this name.
    #[must_use]
    pub fn verifier(&self, name: NoteKeyName) -> NoteVerifier {
        NoteVerifier {
            name,
            key: self.0.verifying_key(),
        }
    }

    /// Signs a text under this name.
    ///
    /// # Errors
    ///
    /// If the text is empty, has no newline at its end, or has a control character.
    pub fn sign(&self, name: NoteKeyName, text: &str) -> Result<SignedNote, NoteError> {
        sign(&self.0, name, text)
    }
}

fn sign(key: &SigningKey, name: NoteKeyName, text: &str) -> Result<SignedNote, NoteError> {
    if !is_note_text(text) {
        return Err(NoteError::Note);
    }
    let signature = key.sign(text.as_bytes()).to_bytes();
    let verifier = NoteVerifier {
        name: name.clone(),
        key: key.verifying_key(),
    };
    SignedNote::new(
        text,
        NoteSignature::new(name, verifier.key_id(), &signature),
    )
}

impl NoteVerifier {
    /// The verifier of a public key under this name.
    ///
    /// # Errors
    ///
    /// If the bytes are no public key.
    pub fn new(name: NoteKeyName, public_key: &[u8; 32]) -> Result<Self, NoteError> {
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| NoteError::VerifierKey)?;
        Ok(Self { name, key })
    }

    /// The note of a text with this key's signature, which was made elsewhere, such as by a token.
    ///
    /// # Errors
    ///
    /// If it is not this key's signature of the text, or the text is none that notes have.
    pub fn note(&self, text: &str, signature: &[u8; 64]) -> Result<SignedNote, NoteError> {
        if !is_note_text(text) {
            return Err(NoteError::Note);
        }
        let signature = NoteSignature::new(self.name.clone(), self.key_id(), signature);
        let note = SignedNote::new(text, signature)?;
        self.verify(&note)?;
        Ok(note)
    }

    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &NoteKeyName {
        &self.name
    }

    /// The public key, 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The first 32 bits of SHA-256 of name, newline, signature type and public key.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, TYPE_ED25519, &self.key)
    }

    /// Verifies that the note is signed by this key, and returns the text that is signed.
    ///
    /// Signatures of other keys are ignored, as the specification has it: so a log's key can be
    /// rotated, and witnesses can add theirs.
    ///
    /// # Errors
    ///
    /// If the key has not signed, or a signature in its name does not verify.
    pub fn verify<'a>(&self, note: &'a SignedNote) -> Result<&'a str, NoteError> {
        let key_id = self.key_id();
        let mut verified = Err(NoteError::NotSigned);
        for signature in note.signatures() {
            if *signature.name() == self.name && signature.key_id() == key_id {
                let bytes = signature
                    .bytes()
                    .try_into()
                    .map_err(|_| NoteError::Signature)?;
                self.key
                    .verify_strict(note.text().as_bytes(), &Signature::from_bytes(bytes))
                    .map_err(|_| NoteError::Signature)?;
                verified = Ok(note.text());
            }
        }
        verified
    }
}

/// Writes the verifier key in its usual form: `name+id+key`.
impl fmt::Display for NoteVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&verifier_key(&self.name, TYPE_ED25519, &self.key))
    }
}

/// Reads a verifier key, and checks that its id is the right one.
impl FromStr for NoteVerifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, key) = read_verifier_key(text, TYPE_ED25519)?;
        Ok(Self { name, key })
    }
}

/// The first 32 bits of SHA-256 of name, newline, signature type and public key.
pub(super) fn key_id(name: &NoteKeyName, signature_type: u8, key: &VerifyingKey) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name.as_str())
        .chain_update(b"\n")
        .chain_update([signature_type])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    let [first, second, third, fourth, ..] = digest;
    [first, second, third, fourth]
}

/// A verifier key of a signature type: `name+id+key`.
pub(super) fn verifier_key(name: &NoteKeyName, signature_type: u8, key: &VerifyingKey) -> String {
    let id = hex::encode(key_id(name, signature_type, key));
    let key = [&[signature_type], key.as_bytes().as_slice()].concat();
    format!("{}+{id}+{}", name.as_str(), STANDARD.encode(key))
}

/// Reads a verifier key of this signature type and no other, and checks that its id is the right
/// one.
pub(super) fn read_verifier_key(
    text: &str,
    signature_type: u8,
) -> Result<(NoteKeyName, VerifyingKey), NoteError> {
    // The key, in Base64, may have a plus sign: only the first two separate.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::VerifierKey);
    };
    let key = STANDARD.decode(key).map_err(|_| NoteError::VerifierKey)?;
    let key = key
        .split_first()
        .filter(|(first, _)| **first == signature_type);
    let (_, key) = key.ok_or(NoteError::VerifierKey)?;
    let key = key.try_into().map_err(|_| NoteError::VerifierKey)?;
    let key = VerifyingKey::from_bytes(key).map_err(|_| NoteError::VerifierKey)?;
    let name = NoteKeyName::new(name)?;
    // What is written back the same has the right id, and no second spelling.
    if verifier_key(&name, signature_type, &key) == text {
        Ok((name, key))
    } else {
        Err(NoteError::VerifierKey)
    }
}

impl fmt::Debug for AuditSigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuditSigningKey")
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for OfficerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OfficerKey").finish_non_exhaustive()
    }
}

/// The signature type of plain Ed25519.
const TYPE_ED25519: u8 = 0x01;
