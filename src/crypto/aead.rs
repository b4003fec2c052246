//! AES-256-GCM-SIV, with the key schedule done once.
//!
//! Source: RFC 8452. A nonce that is used twice for different messages costs nothing but that
//! equal messages (same key, nonce and associated data) give equal ciphertexts.
//!
//! The schedule is in AWS-LC's memory, which it overwrites when it frees it.

use std::alloc::Layout;
use std::alloc::handle_alloc_error;

use aws_lc_rs::aead::AES_256_GCM_SIV;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::UnboundKey;
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
pub(crate) struct Aead(LessSafeKey);

impl Aead {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        match UnboundKey::new(&AES_256_GCM_SIV, key.expose()) {
            Ok(key) => Self(LessSafeKey::new(key)),
            // A key of this length is refused only where there is no memory for its schedule: that
            // ends as every other allocation does.
            Err(_) => handle_alloc_error(Layout::new::<[u8; SCHEDULE_BYTES]>()),
        }
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
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0
            .seal_in_place_append_tag(nonce, Aad::from(associated), &mut *buffer)
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
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self
            .0
            .open_in_place(nonce, Aad::from(associated), &mut buffer)
            .map_err(|_| CryptoError::Opening)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// About what a schedule takes, to say how much memory there was not.
const SCHEDULE_BYTES: usize = 600;

#[cfg(test)]
mod tests {
    use aes_gcm_siv::Aes256GcmSiv;
    use aes_gcm_siv::KeyInit;
    use aes_gcm_siv::aead::Aead as _;
    use aes_gcm_siv::aead::Payload;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Goal: what one library seals is what another seals, and opens. Method: RustCrypto's.
        #[test]
        fn sealed_message_is_that_of_another_library(
            key: [u8; 32],
            nonce: [u8; NONCE_BYTES],
            associated in prop::collection::vec(any::<u8>(), 0..200),
            message in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let other = Aes256GcmSiv::new((&key).into());
            let aead = Aead::new(&KeyBytes::from_array(&key));
            let payload = Payload { msg: &message, aad: &associated };
            let sealed = aead.seal(&nonce, &associated, &[&message], 600).unwrap();
            prop_assert_eq!(&sealed, &other.encrypt((&nonce).into(), payload).unwrap());
            let opened = aead.open(&nonce, &associated, &sealed).unwrap();
            prop_assert_eq!(&*opened, &message);
        }
    }

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
