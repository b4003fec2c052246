//! The one encoding of a list of byte strings, for everything that is hashed or authenticated.
//!
//! Each part is written as its length, 64 bits big-endian, and its bytes. So no two different
//! lists have the same encoding: reading from the front recovers each part, and the end of the
//! input is the end of the list. The first part is always a label that names the use.

use sha2::Digest;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Where encoded bytes go.
pub trait Sink {
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]);
}

/// A list of byte strings, written part by part.
///
/// ```
/// use counterfoil::crypto::Encoding;
///
/// let one = Encoding::begin(Vec::new(), "example").part(b"ab").part(b"c").finish();
/// let other = Encoding::begin(Vec::new(), "example").part(b"a").part(b"bc").finish();
/// assert_ne!(one, other);
/// ```
#[derive(Debug)]
pub struct Encoding<S>(S);

impl<S: Sink> Encoding<S> {
    /// Starts a list with the label that names its use.
    pub fn begin(sink: S, label: &'static str) -> Self {
        Self(sink).part(label.as_bytes())
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, bytes: &[u8]) -> Self {
        self.0.write(&(bytes.len() as u64).to_be_bytes());
        self.0.write(bytes);
        self
    }

    /// Ends the list.
    #[must_use]
    pub fn finish(self) -> S {
        self.0
    }
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// For parts that are secret: give it the capacity first, so that growing leaves no copy behind.
impl Sink for Zeroizing<Vec<u8>> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn encode(parts: &[Vec<u8>]) -> Vec<u8> {
        let start = Encoding::begin(Vec::new(), "test");
        parts
            .iter()
            .fold(start, |encoding, part| encoding.part(part))
            .finish()
    }

    fn decode(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut parts = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_at(8);
            let length = u64::from_be_bytes(length.try_into().unwrap());
            let (part, rest) = rest.split_at(usize::try_from(length).unwrap());
            parts.push(part.to_vec());
            bytes = rest;
        }
        parts
    }

    proptest! {
        #[test]
        fn encoding_can_be_read_back(parts in vec(vec(any::<u8>(), 0..20), 0..6)) {
            let mut expected = vec![b"test".to_vec()];
            expected.extend(parts.iter().cloned());
            prop_assert_eq!(decode(&encode(&parts)), expected);
        }

        #[test]
        fn different_lists_have_different_encodings(
            one in vec(vec(0_u8..2, 0..3), 0..4),
            other in vec(vec(0_u8..2, 0..3), 0..4),
        ) {
            prop_assert_eq!(one == other, encode(&one) == encode(&other));
        }
    }

    #[test]
    fn empty_part_is_not_a_missing_part() {
        assert_ne!(encode(&[]), encode(&[Vec::new()]));
    }
}
