//! The check character systems of ISO/IEC 7064.
//!
//! Source: ISO/IEC 7064:2003, sections 7 (pure systems) and 8 (hybrid systems).

/// The number modulo `modulus`, of decimal digits from the left.
pub(super) fn remainder(digits: impl Iterator<Item = u32>, modulus: u32) -> u32 {
    let rest = digits.fold(0, |rest, digit| {
        (rest * 10 + u64::from(digit)) % u64::from(modulus)
    });
    u32::try_from(rest).unwrap_or(0)
}

/// MOD 97-10: two check digits.
pub(super) fn mod97_10_holds(digits: impl Iterator<Item = u32>) -> bool {
    remainder(digits, 97) == 1
}

/// MOD 11-2: one check character, where X counts as 10.
pub(super) fn mod11_2_holds(digits: impl Iterator<Item = u32>) -> bool {
    digits.fold(0, |sum, digit| (sum * 2 + digit) % 11) == 1
}

/// MOD 11,10: one check digit.
pub(super) fn mod11_10_holds(digits: impl Iterator<Item = u32>) -> bool {
    let mut product = 10;
    let mut sum = 0;
    for digit in digits {
        sum = (product + digit) % 10;
        product = match sum {
            0 => 9,
            _ => sum * 2 % 11,
        };
    }
    sum == 1
}
