//! What only token and token key together open: the residue, and the rank of an outline token.
//!
//! The residue's key is derived from the token key *and the token*, so who has the vault's disk
//! and keys still opens nothing without the token. Each such key seals one message, which is why
//! the nonce can be fixed; should a record be written twice, AES-GCM-SIV (RFC 8452) keeps its
//! promises all the same.

use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::KeyBytes;
use crate::crypto::TokenKey;
use crate::crypto::aead::Aead;
use crate::crypto::aead::NONCE_BYTES;
use crate::crypto::mac::Mac;
use crate::crypto::mac::digest;
use crate::crypto::wrap::RecordName;
use crate::domain::DomainSize;
use crate::domain::Rank;

/// The longest residue, in bytes: a whole address of 1,024 characters with room to spare.
pub const RESIDUE_BYTES_MAX: usize = 8_192;

impl TokenKey {
    /// Seals what the token cannot carry, for this record, under the terms that the
    /// record states in the clear.
    ///
    /// # Errors
    ///
    /// If the residue is longer than [`RESIDUE_BYTES_MAX`].
    pub fn seal_residue(
        &self,
        record: &RecordName<'_>,
        terms: &[u8],
        folded_token: &[u8],
        residue: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let associated = associated(record, terms);
        let parts = [residue];
        self.residue_aead(folded_token)
            .seal(&NONCE, &associated, &parts, RESIDUE_BYTES_MAX)
    }

    /// Opens what the token cannot carry.
    ///
    /// # Errors
    ///
    /// If it was not sealed with this token and token key for this record and these terms.
    pub fn open_residue(
        &self,
        record: &RecordName<'_>,
        terms: &[u8],
        folded_token: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let associated = associated(record, terms);
        self.residue_aead(folded_token)
            .open(&NONCE, &associated, sealed)
    }

    /// Seals what the token cannot carry for another place of the record. It is not shown.
    ///
    /// # Errors
    ///
    /// If it was not sealed with this token and token key for the first place and these terms.
    pub fn move_residue(
        &self,
        (from, to): (&RecordName<'_>, &RecordName<'_>),
        terms: &[u8],
        folded_token: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let residue = self.open_residue(from, terms, folded_token, sealed)?;
        self.seal_residue(to, terms, folded_token, &residue)
    }

    fn residue_aead(&self, folded_token: &[u8]) -> Aead {
        Aead::new(&self.derive("counterfoil/v1/residue", folded_token))
    }

    /// Draws the rank that an outline token has for this value: the same for the same token key
    /// and value, and otherwise uniform over the domain.
    ///
    /// # Errors
    ///
    /// If the domain has no values, or (with a chance of 2^-128) no rank was found.
    pub fn pseudo_random_rank(
        &self,
        value: &[u8],
        domain: &DomainSize,
    ) -> Result<Rank, CryptoError> {
        let mac = Mac::new(&self.derive("counterfoil/v1/outline", &[]));
        // HMAC as a pseudo-random function in counter mode (NIST SP 800-108r1, section 4.1): first
        // a seed of the value, since the value may be long, then blocks of the seed.
        let seed = Zeroizing::new(digest(mac.begin("seed").part(value)));
        let stream = Mac::new(&KeyBytes::from_array(&seed));
        (0..DRAWS_MAX)
            .map(|draw| draw_rank(&stream, draw, domain))
            .find(|rank| rank.is_in(domain))
            .ok_or(CryptoError::Domain)
    }
}

/// Draws a number of as many bits as the domain has. At least half of these are in the domain,
/// so rejecting the others is quick, and leaves the rest exactly uniform.
fn draw_rank(stream: &Mac, draw: u32, domain: &DomainSize) -> Rank {
    let limbs_count = domain.limbs().len();
    let mut limbs = Zeroizing::new(Vec::with_capacity(limbs_count));
    let mut block = 0_u32;
    while limbs.len() < limbs_count {
        let input = stream
            .begin("rank")
            .part(&draw.to_be_bytes())
            .part(&block.to_be_bytes());
        let bytes = Zeroizing::new(digest(input));
        let (words, _) = bytes.as_chunks::<8>();
        let wanted = limbs_count - limbs.len();
        limbs.extend(
            words
                .iter()
                .take(wanted)
                .map(|word| u64::from_be_bytes(*word)),
        );
        block += 1;
    }
    if let (Some(top), Some(size)) = (limbs.last_mut(), domain.limbs().last()) {
        *top &= u64::MAX >> size.leading_zeros();
    }
    Rank::from_limbs(limbs)
}

fn associated(record: &RecordName<'_>, terms: &[u8]) -> Vec<u8> {
    record.encode("counterfoil/v1/residue").part(terms).finish()
}

/// Each residue key seals one message.
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// How many numbers are drawn at most, each in the domain with a chance of at least a half.
const DRAWS_MAX: u32 = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Fingerprint;
    use crate::crypto::SystemEntropy;
    use crate::domain::FieldName;
    use crate::domain::Namespace;

    #[test]
    fn residue_opens_only_with_its_token_at_its_place() {
        let namespace = Namespace::new("shop").unwrap();
        let (email, name) = (
            FieldName::new("email").unwrap(),
            FieldName::new("name").unwrap(),
        );
        let record_id = Fingerprint::from_bytes([1; 16]);
        let home = RecordName {
            namespace: &namespace,
            field: &email,
            record_id,
        };
        let key = TokenKey::generate(&SystemEntropy);
        let sealed = key
            .seal_residue(&home, b"1", b"kfo@tok", b"gmail.com")
            .unwrap();
        let opened = key.open_residue(&home, b"1", b"kfo@tok", &sealed).unwrap();
        assert_eq!(opened.as_slice(), b"gmail.com");

        assert!(key.open_residue(&home, b"1", b"kfp@tok", &sealed).is_err());
        assert!(key.open_residue(&home, b"2", b"kfo@tok", &sealed).is_err());
        for elsewhere in [
            RecordName {
                field: &name,
                ..home
            },
            RecordName {
                record_id: Fingerprint::from_bytes([2; 16]),
                ..home
            },
        ] {
            assert!(
                key.open_residue(&elsewhere, b"1", b"kfo@tok", &sealed)
                    .is_err()
            );
        }
        // Moved, it opens at its new place only.
        let there = RecordName {
            record_id: Fingerprint::from_bytes([2; 16]),
            ..home
        };
        let places = (&home, &there);
        let moved = key.move_residue(places, b"1", b"kfo@tok", &sealed).unwrap();
        let opened = key.open_residue(&there, b"1", b"kfo@tok", &moved).unwrap();
        assert_eq!(opened.as_slice(), b"gmail.com");
        assert!(key.open_residue(&home, b"1", b"kfo@tok", &moved).is_err());
        assert!(key.move_residue(places, b"2", b"kfo@tok", &sealed).is_err());
        let other = TokenKey::generate(&SystemEntropy);
        assert!(
            other
                .open_residue(&home, b"1", b"kfo@tok", &sealed)
                .is_err()
        );
    }

    #[test]
    fn residue_has_a_longest_length() {
        let namespace = Namespace::new("shop").unwrap();
        let field = FieldName::new("email").unwrap();
        let record_id = Fingerprint::from_bytes([1; 16]);
        let record = RecordName {
            namespace: &namespace,
            field: &field,
            record_id,
        };
        let key = TokenKey::generate(&SystemEntropy);
        assert!(
            key.seal_residue(&record, b"1", b"t", &[0; RESIDUE_BYTES_MAX])
                .is_ok()
        );
        assert!(
            key.seal_residue(&record, b"1", b"t", &[0; RESIDUE_BYTES_MAX + 1])
                .is_err()
        );
    }

    #[test]
    fn rank_of_an_outline_depends_on_key_and_value_alone() {
        let domain = DomainSize::from_u64(1 << 34);
        let key = TokenKey::generate(&SystemEntropy);
        let rank = key.pseudo_random_rank(b"Li", &domain).unwrap();
        assert!(rank.equals(&key.pseudo_random_rank(b"Li", &domain).unwrap()));
        assert!(!rank.equals(&key.pseudo_random_rank(b"Lu", &domain).unwrap()));
        let other = TokenKey::generate(&SystemEntropy);
        assert!(!rank.equals(&other.pseudo_random_rank(b"Li", &domain).unwrap()));
    }

    #[test]
    fn rank_of_an_outline_is_uniform() {
        // Chi-squared over 10 cells, 10,000 draws: 9 degrees of freedom, 40 has p < 10^-5.
        let key = TokenKey::new(KeyBytes::from_array(&[8; 32]));
        let domain = DomainSize::from_u64(10);
        let mut counts = [0_u32; 10];
        for value in 0..10_000_u32 {
            let mut rank = key
                .pseudo_random_rank(&value.to_be_bytes(), &domain)
                .unwrap();
            counts[rank.divide(10) as usize] += 1;
        }
        let chi_squared: f64 = counts
            .iter()
            .map(|count| (f64::from(*count) - 1_000.0).powi(2) / 1_000.0)
            .sum();
        assert!(chi_squared < 40.0, "{chi_squared}");
    }

    #[test]
    fn rank_fills_domains_of_any_size() {
        let key = TokenKey::generate(&SystemEntropy);
        let mut domain = DomainSize::from_u64(3);
        for size in 0..700_u32 {
            let rank = key
                .pseudo_random_rank(&size.to_be_bytes(), &domain)
                .unwrap();
            assert!(rank.is_in(&domain));
            domain.multiply(3);
        }
        assert!(
            key.pseudo_random_rank(b"", &DomainSize::one())
                .unwrap()
                .is_zero()
        );
        let empty = DomainSize::from_u64(0);
        assert!(matches!(
            key.pseudo_random_rank(b"", &empty),
            Err(CryptoError::Domain)
        ));
    }
}
