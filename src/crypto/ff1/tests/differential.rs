//! The kernel against the `fpe` crate, which shares no code with it.

use aes::Aes128Enc;
use aes::Aes192Enc;
use aes::Aes256Enc;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::BlockSizeUser;
use aes::cipher::consts::U16;
use proptest::prelude::*;

use super::*;
use crate::crypto::ff1::kernel::Layout;

/// FF1 of a numeral string by whatever computes it: key, radix, direction, tweak, numerals.
type Implementation = fn(&[u8], u32, Direction, &[u8], &[u16]) -> Option<Vec<u16>>;

fn applied<C>(
    cipher: &C,
    radix: u32,
    direction: Direction,
    tweak: &[u8],
    numerals: &[u16],
) -> Option<Vec<u16>>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let count = u32::try_from(numerals.len()).unwrap();
    let layout = Layout::of(radix, count)?;
    let mut domain = DomainSize::one();
    (0..count).for_each(|_| domain.multiply(radix));
    let system = Numerals { radix, count };
    let rank = system.rank_of(numerals, &domain);
    let job = Job {
        layout: &layout,
        direction,
        tweak,
        rank: rank.expose_limbs(),
        domain: domain.limbs(),
    };
    let rank = Rank::from_limbs(kernel::walk(cipher, job)?);
    Some(system.string_of(&rank).to_vec())
}

/// The kernel, under a key of any length.
pub(super) fn through_kernel(
    key: &[u8],
    radix: u32,
    direction: Direction,
    tweak: &[u8],
    numerals: &[u16],
) -> Option<Vec<u16>> {
    match key.len() {
        16 => {
            let cipher = Aes128Enc::new_from_slice(key).unwrap();
            applied(&cipher, radix, direction, tweak, numerals)
        }
        24 => {
            let cipher = Aes192Enc::new_from_slice(key).unwrap();
            applied(&cipher, radix, direction, tweak, numerals)
        }
        _ => {
            let cipher = Aes256Enc::new_from_slice(key).unwrap();
            applied(&cipher, radix, direction, tweak, numerals)
        }
    }
}

fn through_crate(
    key: &[u8],
    radix: u32,
    direction: Direction,
    tweak: &[u8],
    numerals: &[u16],
) -> Option<Vec<u16>> {
    let numerals = Zeroizing::new(numerals.to_vec());
    let output = match key.len() {
        16 => {
            let cipher = FF1::<Aes128Enc>::new(key, radix).unwrap();
            reference::apply(&cipher, direction, tweak, numerals)
        }
        24 => {
            let cipher = FF1::<Aes192Enc>::new(key, radix).unwrap();
            reference::apply(&cipher, direction, tweak, numerals)
        }
        _ => {
            let cipher = FF1::<Aes256Enc>::new(key, radix).unwrap();
            reference::apply(&cipher, direction, tweak, numerals)
        }
    };
    output.map(|numerals| numerals.to_vec())
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    SystemEntropy.fill(&mut bytes);
    bytes
}

fn random_below(limit: u32) -> u32 {
    let bytes = random_bytes(8);
    let number = u64::from_be_bytes(bytes.try_into().unwrap()) % u64::from(limit);
    u32::try_from(number).unwrap()
}

/// A random radix, of each count of bits as often as of any other.
fn random_radix() -> u32 {
    let bits = random_below(16) + 1;
    match random_below(4) {
        0 => 1 << bits,
        _ => (1 << bits) + random_below(1 << bits).min((1 << 16) - (1 << bits)),
    }
}

/// A string of at least 1,000,000: random, or with an extreme half.
fn random_numerals(radix: u32, count_max: u32) -> Vec<u16> {
    let count_min = (2..).find(|count| u64::from(radix).pow(*count) >= DOMAIN_SIZE_MIN);
    let count_min = count_min.unwrap();
    let count = count_min + random_below(count_max.max(count_min) - count_min + 1);
    let (first, second) = (random_below(4), random_below(4));
    let numeral = |place: u32| {
        let kind = if place < count / 2 { first } else { second };
        let numeral = match kind {
            0 => 0,
            1 => radix - 1,
            _ => random_below(radix),
        };
        u16::try_from(numeral).unwrap()
    };
    (0..count).map(numeral).collect()
}

/// How many of so many random keys, tweaks, radices and lengths the two do not agree about.
fn disagreements(implementation: Implementation, runs: u32, count_max: u32) -> u32 {
    let mut disagreements = 0;
    for run in 0..runs {
        let key = random_bytes([16, 24, 32][run as usize % 3]);
        let radix = random_radix();
        let tweak = random_bytes(random_below(50) as usize);
        let numerals = random_numerals(radix, count_max);
        for direction in [Direction::Encrypt, Direction::Decrypt] {
            let ours = implementation(&key, radix, direction, &tweak, &numerals);
            let theirs = through_crate(&key, radix, direction, &tweak, &numerals);
            assert!(theirs.is_some());
            if ours != theirs {
                disagreements += 1;
                println!("radix {radix}, {} numerals, {direction:?}", numerals.len());
            }
        }
    }
    disagreements
}

#[test]
fn kernel_agrees_with_the_crate_about_short_strings() {
    assert_eq!(disagreements(through_kernel, 4_000, 24), 0);
}

#[test]
fn kernel_agrees_with_the_crate_about_long_strings() {
    assert_eq!(disagreements(through_kernel, 400, 300), 0);
}

/// Goal: no carry between the words of a long half is lost. Method: lengths around each size at
/// which a word, a block or the room for a half changes, for halves that differ by one numeral.
#[test]
fn kernel_agrees_with_the_crate_at_every_edge() {
    for bits in [32, 64, 96, 120, 128, 576, 1_024, 8_190] {
        for radix in [2, 10, 256, 60_000, 65_536_u32] {
            let numeral_bits = 31 - radix.leading_zeros();
            for count in (2 * bits / numeral_bits).saturating_sub(1)..=2 * bits / numeral_bits + 2 {
                let numerals: Vec<u16> = (0..count)
                    .map(|place| u16::try_from((radix - 1).wrapping_sub(place % 2)).unwrap())
                    .collect();
                let (key, tweak) = (random_bytes(32), random_bytes(32));
                let Some(ours) = through_kernel(&key, radix, Direction::Encrypt, &tweak, &numerals)
                else {
                    assert!(bits == 8_190, "radix {radix}, {count} numerals");
                    continue;
                };
                let theirs = through_crate(&key, radix, Direction::Encrypt, &tweak, &numerals);
                assert_eq!(
                    Some(&ours),
                    theirs.as_ref(),
                    "radix {radix}, {count} numerals"
                );
                let back = through_kernel(&key, radix, Direction::Decrypt, &tweak, &ours);
                assert_eq!(back, Some(numerals), "radix {radix}, {count} numerals");
            }
        }
    }
}

/// A kernel that forgets a tweak's last block where the tweak ends with one.
fn forgetful(
    key: &[u8],
    radix: u32,
    direction: Direction,
    tweak: &[u8],
    numerals: &[u16],
) -> Option<Vec<u16>> {
    let kept = match tweak.len() {
        32 => &tweak[..16],
        _ => tweak,
    };
    through_kernel(key, radix, direction, kept, numerals)
}

/// A kernel whose S is never longer than one block.
fn short_of_blocks(
    key: &[u8],
    radix: u32,
    direction: Direction,
    tweak: &[u8],
    numerals: &[u16],
) -> Option<Vec<u16>> {
    let mut output = through_kernel(key, radix, direction, tweak, numerals)?;
    let half_bits = numerals.len().div_ceil(2) as f64 * f64::from(radix).log2();
    if half_bits > 96.0 {
        output[0] ^= 1;
    }
    Some(output)
}

#[test]
fn planted_faults_are_found() {
    assert!(disagreements(forgetful, 1_000, 24) > 0);
    assert!(disagreements(short_of_blocks, 100, 24) > 0);
}

proptest! {
    /// The whole of [`Ff1`], walks and numeral systems with it.
    #[test]
    fn domains_of_every_size_agree(bits in 21_u32..400, tweak_bytes in 0_usize..80) {
        let (domain, key) = (random_size(bits), KeyBytes::generate(&SystemEntropy));
        let (rank, tweak) = (random_rank(&domain), random_bytes(tweak_bytes));
        let ff1 = Ff1::under(&key);
        let image = ff1.encipher(&tweak, &rank, &domain).unwrap();
        let expected = reference::walk(&key, Direction::Encrypt, &tweak, &rank, &domain).unwrap();
        prop_assert!(image.equals(&expected));
        let back = reference::walk(&key, Direction::Decrypt, &tweak, &image, &domain).unwrap();
        prop_assert!(back.equals(&rank));
    }
}
