//! AES-256-GCM-SIV, with the key schedule done once.
//!
//! Source: RFC 8452. A nonce that is used twice for different messages costs nothing but that
//! equal messages (same key, nonce and associated data) give equal ciphertexts.

use aes_gcm_siv::AeadInOut;
use aes_gcm_siv::Aes256GcmSiv;
use aes_gcm_siv::KeyInit;
use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::KeyBytes;

/// How many bytes longer a sealed message is.
pub(crate) const TAG_BYTES: usize = 16;

/// How many bytes a nonce has.
pub(crate) const NONCE_BYTES: usize = 12;

/// AES-256-GCM-SIV under one key.
///
/// POLYVAL's key is derived from the nonce, so the schedule is all that can be prepared.
pub(crate) struct Aead(Aes256GcmSiv);

impl Aead {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        Self(Aes256GcmSiv::new(key.expose().into()))
    }

    /// Seals the parts, one after the other, as one message.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated: &[u8],
        parts: &[&[u8]],
        bytes_max: usize,
    ) -> Result<Vec<u8>, CryptoError> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length > bytes_max {
            return Err(CryptoError::TooLong { bytes_max });
        }
        // The whole capacity at once: growing would leave a plaintext in freed memory. From here
        // the buffer is sealed in place, and holds only ciphertext when it is given away.
        let mut buffer = Zeroizing::new(Vec::with_capacity(length + TAG_BYTES));
        parts.iter().for_each(|part| buffer.extend_from_slice(part));
        self.0
            .encrypt_in_place(nonce.into(), associated, &mut *buffer)
            .map_err(|_| CryptoError::TooLong { bytes_max })?;
        Ok(std::mem::take(&mut *buffer))
    }

    /// Opens a sealed message.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        self.0
            .decrypt_in_place(nonce.into(), associated, &mut *buffer)
            .map_err(|_| CryptoError::Opening)?;
        Ok(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_message_is_that_of_rfc_8452() {
        // RFC 8452, appendix C.2, the first and second vectors.
        let mut key = [0; 32];
        key[0] = 1;
        let mut nonce = [0; NONCE_BYTES];
        nonce[0] = 3;
        let aead = Aead::new(&KeyBytes::from_array(&key));
        let sealed = aead.seal(&nonce, &[], &[], 0).unwrap();
        assert_eq!(hex::encode(sealed), "07f5f4169bbf55a8400cd47ea6fd400f");
        let sealed = aead
            .seal(&nonce, &[], &[&[1, 0, 0, 0], &[0, 0, 0, 0]], 8)
            .unwrap();
        assert_eq!(
            hex::encode(sealed),
            "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"
        );
    }

    #[test]
    fn too_long_a_message_is_refused() {
        let aead = Aead::new(&KeyBytes::from_array(&[1; 32]));
        let result = aead.seal(&[0; NONCE_BYTES], &[], &[&[0; 9]], 8);
        assert_eq!(result, Err(CryptoError::TooLong { bytes_max: 8 }));
    }

    #[test]
    fn too_short_a_message_does_not_open() {
        let aead = Aead::new(&KeyBytes::from_array(&[1; 32]));
        for length in 0..TAG_BYTES {
            let opened = aead.open(&[0; NONCE_BYTES], &[], &vec![0; length]);
            assert!(matches!(opened, Err(CryptoError::Opening)));
        }
    }
}
