//! FF1 as a permutation of a domain, and what is frozen of it.

mod batch;
mod differential;
mod vectors;

use aes::Aes256;
use fpe::ff1::FF1;
use zeroize::Zeroizing;

use super::*;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;
use crate::crypto::numerals::Numerals;

fn ff1() -> Ff1 {
    Ff1::new(&TokenKey::generate(&SystemEntropy))
}

/// A size of exactly this many bits, otherwise random.
fn random_size(bits: u32) -> DomainSize {
    let mut size = DomainSize::one();
    while size.bits() < bits as usize {
        let mut factor = [0; 2];
        SystemEntropy.fill(&mut factor);
        let room = (bits as usize - size.bits()).min(16);
        size.multiply(u32::from(u16::from_be_bytes(factor)) % ((1 << room) - 1) + 2);
    }
    size
}

fn random_rank(domain: &DomainSize) -> Rank {
    TokenKey::generate(&SystemEntropy)
        .pseudo_random_rank(b"", domain)
        .unwrap()
}

fn last_rank(domain: &DomainSize) -> Rank {
    let mut limbs = domain.limbs().to_vec();
    for limb in &mut limbs {
        let (less_one, borrowed) = limb.overflowing_sub(1);
        *limb = less_one;
        if !borrowed {
            break;
        }
    }
    Rank::from_limbs(Zeroizing::new(limbs))
}

#[test]
fn every_rank_has_one_image_and_comes_back() {
    let domain = DomainSize::from_u64(1_000_003);
    let ff1 = ff1();
    let mut seen = vec![false; 1_000_003];
    for number in 0..1_000_003 {
        let image = ff1
            .encipher(b"tweak", &Rank::from_u64(number), &domain)
            .unwrap();
        let place = image.expose_limbs().first().copied().unwrap_or(0);
        let place = usize::try_from(place).unwrap();
        assert!(!seen[place]);
        seen[place] = true;
        if number % 97 == 0 {
            let back = ff1.decipher(b"tweak", &image, &domain).unwrap();
            assert!(back.equals(&Rank::from_u64(number)));
        }
    }
}

#[test]
fn deciphering_undoes_enciphering_at_the_ends_and_between() {
    for bits in (21..2_000).step_by(13) {
        let domain = random_size(bits);
        let ff1 = ff1();
        for rank in [
            Rank::from_u64(0),
            Rank::from_u64(1),
            last_rank(&domain),
            random_rank(&domain),
            random_rank(&domain),
        ] {
            let image = ff1.encipher(b"tweak", &rank, &domain).unwrap();
            assert!(image.is_in(&domain));
            assert!(
                ff1.decipher(b"tweak", &image, &domain)
                    .unwrap()
                    .equals(&rank)
            );
            assert!(
                !ff1.decipher(b"other", &image, &domain)
                    .unwrap()
                    .equals(&rank)
                    || bits < 40
            );
        }
    }
}

#[test]
fn walk_is_one_step_but_for_a_few() {
    let (mut steps_total, mut steps_max, mut expected_max, runs) = (0_usize, 0, 0_f64, 3_000);
    for run in 0..runs {
        let domain = random_size(20 + run * 1_980 / runs + 1);
        let numerals = Numerals::of(&domain);
        let expected = expected_steps(numerals, &domain);
        expected_max = expected_max.max(expected);
        let key = KeyBytes::generate(&SystemEntropy);
        let cipher = FF1::<Aes256>::new(key.expose(), numerals.radix).unwrap();
        let mut string = numerals.string_of(&random_rank(&domain));
        let mut steps = 0;
        loop {
            string = reference::apply(&cipher, Direction::Encrypt, b"", string).unwrap();
            steps += 1;
            if numerals.rank_of(&string, &domain).is_in(&domain) {
                break;
            }
        }
        steps_total += steps;
        steps_max = steps_max.max(steps);
    }
    let mean = steps_total as f64 / f64::from(runs);
    println!("walk: mean {mean}, most {steps_max} of {runs}; largest expectation {expected_max}");
    assert!(mean < 1.05);
    assert!(expected_max < 1.03);
}

/// r^n / N, by logarithms of the leading bits.
fn expected_steps(numerals: Numerals, domain: &DomainSize) -> f64 {
    let limbs = domain.limbs();
    let top = limbs[limbs.len() - 1] as f64 * 2_f64.powi(64);
    let leading = top
        + limbs
            .len()
            .checked_sub(2)
            .map_or(0.0, |second| limbs[second] as f64);
    let size_log2 = leading.log2() + 64.0 * (limbs.len() as f64 - 2.0);
    (f64::from(numerals.count) * f64::from(numerals.radix).log2() - size_log2).exp2()
}

#[test]
fn limits_are_checked_at_every_call() {
    let ff1 = ff1();
    let domain = DomainSize::from_u64(1_000_000);
    let zero = Rank::from_u64(0);
    for (expected, tweak, rank, domain) in [
        (
            Ff1Error::DomainTooSmall,
            0,
            &zero,
            &DomainSize::from_u64(999_999),
        ),
        (Ff1Error::DomainTooLarge, 0, &zero, &random_size(16_385)),
        (
            Ff1Error::RankOutsideDomain,
            0,
            &Rank::from_u64(1_000_000),
            &domain,
        ),
        (Ff1Error::TweakTooLong, TWEAK_BYTES_MAX + 1, &zero, &domain),
    ] {
        let tweak = vec![0; tweak];
        assert_eq!(ff1.encipher(&tweak, rank, domain).err(), Some(expected));
        assert_eq!(ff1.decipher(&tweak, rank, domain).err(), Some(expected));
    }
    assert!(ff1.encipher(&[0; TWEAK_BYTES_MAX], &zero, &domain).is_ok());
    let largest = random_size(16_384);
    let image = ff1.encipher(b"", &zero, &largest).unwrap();
    assert!(ff1.decipher(b"", &image, &largest).unwrap().is_zero());
}

/// Goal: no token ever opens to something else than it did.
/// Method: values computed with an FF1 written in Python from the standard, with OpenSSL's AES.
#[test]
fn token_of_format_version_1_is_frozen() {
    let ff1 = Ff1::new(&TokenKey::new(KeyBytes::from_array(&[1; 32])));
    let large = Numerals {
        radix: 52_069,
        count: 6,
    };
    let mut domain = DomainSize::one();
    (0..20).for_each(|_| domain.multiply(26));
    assert_eq!(Numerals::of(&domain), large);
    for (number, domain, expected) in [
        (0, DomainSize::from_u64(1_000_003), vec![315_445]),
        (42, DomainSize::from_u64(1_000_003), vec![142_275]),
        (42, domain, vec![15_930_290_542_835_047_587, 765_318_662]),
    ] {
        let image = ff1
            .encipher(b"tweak", &Rank::from_u64(number), &domain)
            .unwrap();
        assert_eq!(image.expose_limbs(), expected);
    }
}
