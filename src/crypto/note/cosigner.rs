//! Cosignatures: what a witness says of a checkpoint that it found consistent.
//!
//! Source: C2SP tlog-cosignature (<https://c2sp.org/tlog-cosignature>), the Ed25519 type. A
//! cosignature says that, at its time, this checkpoint was the largest that the witness had seen
//! of its log, and that it extends every one that it had seen before.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::Signature;
use ed25519_dalek::Signer;
use ed25519_dalek::SigningKey;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use zeroize::Zeroizing;

use super::NoteError;
use super::NoteKeyName;
use super::NoteSignature;
use super::SignedNote;
use super::key::key_id;
use super::key::read_verifier_key;
use super::key::verifier_key;
use super::signed_note::is_note_text;
use crate::crypto::Entropy;
use crate::crypto::KeyBytes;

/// Cosigns checkpoints (Ed25519, RFC 8032). A witness's own, and of one name: what is signed does
/// not say which.
pub struct CosignerKey {
    name: NoteKeyName,
    key: SigningKey,
}

/// What verifies the cosignatures of one witness: public.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CosignerVerifier {
    name: NoteKeyName,
    key: VerifyingKey,
}

impl CosignerKey {
    /// Draws a new key.
    #[must_use]
    pub fn generate(name: NoteKeyName, entropy: &dyn Entropy) -> Self {
        Self::new(name, &KeyBytes::generate(entropy))
    }

    /// The key with this seed.
    #[must_use]
    pub fn new(name: NoteKeyName, seed: &KeyBytes) -> Self {
        let key = SigningKey::from_bytes(seed.expose());
        Self { name, key }
    }

    /// The key as a PKCS#8 file: under a passphrase (PKCS#5 with scrypt and AES-256), or plain.
    ///
    /// # Errors
    ///
    /// None that can happen: the parameters are within their bounds.
    pub fn to_pem(&self, passphrase: Option<&[u8]>) -> Result<Zeroizing<String>, NoteError> {
        let pem = match passphrase {
            Some(passphrase) => self.key.to_pkcs8_encrypted_pem(passphrase, LineEnding::LF),
            None => self.key.to_pkcs8_pem(LineEnding::LF),
        };
        pem.map_err(|_| NoteError::CosignerKey)
    }

    /// Reads a PKCS#8 file.
    ///
    /// # Errors
    ///
    /// If it is none, not of an Ed25519 key, or the passphrase is another one.
    pub fn from_pem(
        name: NoteKeyName,
        pem: &str,
        passphrase: Option<&[u8]>,
    ) -> Result<Self, NoteError> {
        let key = match passphrase {
            Some(passphrase) => SigningKey::from_pkcs8_encrypted_pem(pem, passphrase),
            None => SigningKey::from_pkcs8_pem(pem),
        };
        let key = key.map_err(|_| NoteError::CosignerKey)?;
        Ok(Self { name, key })
    }

    /// What verifies this key's cosignatures.
    #[must_use]
    pub fn verifier(&self) -> CosignerVerifier {
        CosignerVerifier {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// Cosigns the text of a checkpoint, as of `unix_seconds`. The caller has found it consistent
    /// with all that was cosigned before, and will never forget it.
    ///
    /// # Errors
    ///
    /// If it is no text that notes have, or the time cannot be written.
    pub fn cosign(&self, text: &str, unix_seconds: u64) -> Result<NoteSignature, NoteError> {
        if !is_note_text(text) || unix_seconds > UNIX_SECONDS_MAX {
            return Err(NoteError::Note);
        }
        let signature = self.key.sign(&message(text, unix_seconds)).to_bytes();
        let bytes = [unix_seconds.to_be_bytes().as_slice(), &signature].concat();
        let key_id = self.verifier().key_id();
        Ok(NoteSignature::new(self.name.clone(), key_id, &bytes))
    }
}

impl CosignerVerifier {
    /// The name of the witness.
    #[must_use]
    pub fn name(&self) -> &NoteKeyName {
        &self.name
    }

    /// The first 32 bits of SHA-256 of name, newline, signature type and public key.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, TYPE_COSIGNATURE, &self.key)
    }

    /// Verifies that the witness cosigned the note's text, and says when, in seconds since
    /// 1970-01-01T00:00:00Z. Signatures of other keys are ignored.
    ///
    /// # Errors
    ///
    /// If the witness has not cosigned, or a cosignature in its name does not verify.
    pub fn verify(&self, note: &SignedNote) -> Result<u64, NoteError> {
        let mut latest = None;
        for signature in note.signatures() {
            if self.is_own(signature) {
                latest = latest.max(Some(self.verify_one(note.text(), signature)?));
            }
        }
        latest.ok_or(NoteError::NotSigned)
    }

    /// Whether a signature line says that it is of this key.
    #[must_use]
    pub fn is_own(&self, signature: &NoteSignature) -> bool {
        *signature.name() == self.name && signature.key_id() == self.key_id()
    }

    fn verify_one(&self, text: &str, signature: &NoteSignature) -> Result<u64, NoteError> {
        let (seconds, bytes) = signature
            .bytes()
            .split_first_chunk()
            .ok_or(NoteError::Signature)?;
        let seconds = u64::from_be_bytes(*seconds);
        let bytes = bytes.try_into().map_err(|_| NoteError::Signature)?;
        if seconds > UNIX_SECONDS_MAX {
            return Err(NoteError::Signature);
        }
        self.key
            .verify_strict(&message(text, seconds), &Signature::from_bytes(bytes))
            .map_err(|_| NoteError::Signature)?;
        Ok(seconds)
    }
}

/// Writes the verifier key in its usual form: `name+id+key`.
impl fmt::Display for CosignerVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&verifier_key(&self.name, TYPE_COSIGNATURE, &self.key))
    }
}

/// Reads a verifier key, and checks that its id is the right one. A log's key is refused, though
/// its bytes are of the same kind: its type is another one.
impl FromStr for CosignerVerifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, key) = read_verifier_key(text, TYPE_COSIGNATURE)?;
        Ok(Self { name, key })
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CosignerKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What is signed: two lines that no checkpoint begins with, then the whole text.
fn message(text: &str, unix_seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {unix_seconds}\n{text}").into_bytes()
}

/// The signature type of timestamped Ed25519 cosignatures.
const TYPE_COSIGNATURE: u8 = 0x04;
/// The last time that a cosignature may have.
const UNIX_SECONDS_MAX: u64 = i64::MAX.unsigned_abs();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::AuditSigningKey;

    // C2SP tlog-cosignature.md. The public keys of its example are not published.
    const TEXT: &str = "example.com/behind-the-sofa\n20852163\n\
                        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    const LOG_LINE: &str = "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurm\
                            RDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    const COSIGNATURE: &str = "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtP\
                               HeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    const TIME: u64 = 1_679_315_147;

    // The same text and time under the seed 00, 01, .. 1f, by Python's `cryptography` 48.
    const VERIFIER_KEY: &str = "witness.example.com/w1+a0059f11+BAOhB7/zzhC+HXDdGOdLwJln5NYw\
                       m6UNXx3chmQSVTG4";
    const OWN: &str = "— witness.example.com/w1 oAWfEQAAAABkGFDLBuRDazBLVac2NE+Y+IjbjQOcXLfF9\
                       CSDZVUIoS83rE1nFZsVE8YiWV6Ngr7lV8H6bdoBQGP/l73euDMQ9k+bBQ==\n";

    fn key() -> CosignerKey {
        let mut seed = [0; 32];
        for (position, byte) in (0..).zip(&mut seed) {
            *byte = position;
        }
        CosignerKey::new(name(), &KeyBytes::from_array(&seed))
    }

    fn name() -> NoteKeyName {
        NoteKeyName::new("witness.example.com/w1").unwrap()
    }

    fn note(lines: &[&str]) -> SignedNote {
        format!("{TEXT}\n{}", lines.concat()).parse().unwrap()
    }

    #[test]
    fn example_of_c2sp_is_framed_as_ours() {
        let note = note(&[LOG_LINE, COSIGNATURE]);
        let line = &note.signatures()[1];
        assert_eq!(*line.name(), name());
        let (seconds, signature) = line.bytes().split_first_chunk().unwrap();
        assert_eq!(u64::from_be_bytes(*seconds), TIME);
        assert_eq!(signature.len(), 64);
        assert_eq!(note.to_string(), format!("{TEXT}\n{LOG_LINE}{COSIGNATURE}"));
        assert_eq!(
            message(TEXT, TIME),
            format!("cosignature/v1\ntime 1679315147\n{TEXT}").into_bytes()
        );
        // Another key of the same name: its lines are nobody's that we know.
        assert_eq!(key().verifier().verify(&note), Err(NoteError::NotSigned));
    }

    #[test]
    fn cosignature_is_that_of_another_implementation() {
        assert_eq!(key().verifier().to_string(), VERIFIER_KEY);
        let line = key().cosign(TEXT, TIME).unwrap();
        assert_eq!(format!("{line}\n"), OWN);
        let verifier: CosignerVerifier = VERIFIER_KEY.parse().unwrap();
        assert_eq!(verifier.verify(&note(&[LOG_LINE, OWN])), Ok(TIME));
        let later = format!("{}\n", key().cosign(TEXT, TIME + 7).unwrap());
        assert_eq!(verifier.verify(&note(&[OWN, &later])), Ok(TIME + 7));
    }

    #[test]
    fn changed_cosignature_is_refused() {
        let verifier = key().verifier();
        let whole = format!("{TEXT}\n{OWN}");
        for position in 0..whole.len() {
            let mut bytes = whole.as_bytes().to_vec();
            bytes[position] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let verified = text.parse().map(|note| verifier.verify(&note).is_ok());
            assert_ne!(verified, Ok(true), "byte {position}");
        }
    }

    #[test]
    fn times_that_no_cosignature_has_are_refused() {
        assert!(key().cosign(TEXT, UNIX_SECONDS_MAX).is_ok());
        assert!(key().cosign(TEXT, UNIX_SECONDS_MAX + 1).is_err());
        let too_late = UNIX_SECONDS_MAX + 1;
        let signature = key().key.sign(&message(TEXT, too_late)).to_bytes();
        let bytes = [too_late.to_be_bytes().as_slice(), &signature].concat();
        let line = NoteSignature::new(name(), key().verifier().key_id(), &bytes);
        let forged = note(&[&format!("{line}\n")]);
        assert_eq!(key().verifier().verify(&forged), Err(NoteError::Signature));
    }

    #[test]
    fn signature_of_the_log_is_no_cosignature() {
        // The same key bytes in both roles: neither's signature is the other's.
        let mut seed = [0; 32];
        for (position, byte) in (0..).zip(&mut seed) {
            *byte = position;
        }
        let log = AuditSigningKey::new(&KeyBytes::from_array(&seed));
        let signed = log.sign(name(), TEXT).unwrap();
        assert_eq!(key().verifier().verify(&signed), Err(NoteError::NotSigned));
        let cosigned = note(&[OWN]);
        let verifier = log.verifier(name());
        assert_eq!(verifier.verify(&cosigned), Err(NoteError::NotSigned));
        assert!(verifier.to_string().parse::<CosignerVerifier>().is_err());
        assert!(VERIFIER_KEY.parse::<super::super::NoteVerifier>().is_err());
    }

    #[test]
    fn verifier_key_has_one_form() {
        for wrong in [
            VERIFIER_KEY.replace("w1+", "w2+"),
            VERIFIER_KEY.replace("w1+", " w1+"),
            VERIFIER_KEY.to_uppercase(),
            VERIFIER_KEY.trim_end_matches('=').to_owned() + "A",
            "witness.example.com/w1".to_owned(),
        ] {
            assert!(wrong.parse::<CosignerVerifier>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn key_file_opens_under_its_passphrase_alone() {
        let pem = key().to_pem(Some(b"six words")).unwrap();
        let open = |passphrase| CosignerKey::from_pem(name(), &pem, passphrase);
        assert!(open(Some(b"other words")).is_err());
        assert!(open(None).is_err());
        assert_eq!(
            open(Some(b"six words")).unwrap().verifier(),
            key().verifier()
        );
        let plain = key().to_pem(None).unwrap();
        let opened = CosignerKey::from_pem(name(), &plain, None).unwrap();
        assert_eq!(opened.verifier(), key().verifier());
    }
}
