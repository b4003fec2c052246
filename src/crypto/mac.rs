//! HMAC-SHA-256 over encoded lists, with the key's part of the work done once.
//!
//! Source: RFC 2104, FIPS 180-4.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crypto::Encoding;
use crate::crypto::KeyBytes;
use crate::crypto::Sink;

/// HMAC-SHA-256 under one key: the two blocks that hold the key are already hashed.
pub(super) struct Mac(Hmac<Sha256>);

impl Mac {
    pub(super) fn new(key: &KeyBytes) -> Self {
        // RFC 2104, section 2: a key shorter than a block is filled up with zeros. Done here,
        // since a key of exactly one block cannot be refused.
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        block
            .iter_mut()
            .zip(key.expose())
            .for_each(|(to, from)| *to = *from);
        Self(Hmac::new((&*block).into()))
    }

    /// Starts the input with the label that names its use.
    pub(super) fn begin(&self, label: &'static str) -> Encoding<Hmac<Sha256>> {
        Encoding::begin(self.0.clone(), label)
    }
}

impl Sink for Hmac<Sha256> {
    fn write(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// The 256 bits of the result.
pub(super) fn digest(input: Encoding<Hmac<Sha256>>) -> [u8; 32] {
    input.finish().finalize().into_bytes().into()
}

/// The result as a key of its own.
///
/// One block of HKDF-Expand (RFC 5869, section 2.3), whose info is the encoding; its extract step
/// is for keys that are not uniform, and ours are.
pub(super) fn derive_key(input: Encoding<Hmac<Sha256>>) -> KeyBytes {
    let mut mac = input.finish();
    mac.update(&[0x01]);
    let derived: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
    KeyBytes::from_array(&derived)
}

/// The block of SHA-256, in bytes.
const BLOCK_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use hkdf::Hkdf;

    use super::*;

    #[test]
    fn derived_key_is_hkdf_expand() {
        let key = KeyBytes::from_slice(&[3; 32]).unwrap();
        let info = Encoding::begin(Vec::new(), "label").part(b"part").finish();
        let mut expected = [0; 32];
        Hkdf::<Sha256>::from_prk(key.expose())
            .unwrap()
            .expand(&info, &mut expected)
            .unwrap();
        let derived = derive_key(Mac::new(&key).begin("label").part(b"part"));
        assert_eq!(derived.expose(), &expected);
    }

    #[test]
    fn digest_is_hmac_sha_256() {
        // RFC 4231, test case 2, has a key of 4 bytes: zeros at its end change nothing.
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(b"Jefe");
        let mut mac = Mac::new(&KeyBytes::from_slice(&bytes).unwrap()).0;
        mac.update(b"what do ya want for nothing?");
        assert_eq!(
            hex::encode(mac.finalize().into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
    }
}
