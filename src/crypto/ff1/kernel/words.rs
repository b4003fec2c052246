//! Words of 64 and 128 bits, and choices between them without a branch.

/// The low half.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low word is what is wanted"
)]
#[inline(always)]
pub(super) const fn low(wide: u128) -> u64 {
    wide as u64
}

/// The high half.
#[inline(always)]
pub(super) const fn high(wide: u128) -> u64 {
    low(wide >> 64)
}

/// Both halves.
#[inline(always)]
pub(super) const fn wide(high: u64, low: u64) -> u128 {
    ((high as u128) << 64) | low as u128
}

/// The product, which always fits.
#[inline(always)]
pub(super) const fn product(one: u64, other: u64) -> u128 {
    (one as u128).wrapping_mul(other as u128)
}

/// All bits where the condition holds, and none otherwise: a choice by `&` costs the same time
/// either way.
#[inline(always)]
pub(super) fn mask(condition: bool) -> u64 {
    u64::from(condition).wrapping_neg()
}

/// [`mask`] for 128 bits.
#[inline(always)]
pub(super) fn wide_mask(condition: bool) -> u128 {
    u128::from(condition).wrapping_neg()
}

/// `one - other - borrow` and the new borrow, 0 or 1.
#[inline(always)]
pub(super) fn subtract(one: u64, other: u64, borrow: u64) -> (u64, u64) {
    let (difference, first) = one.overflowing_sub(other);
    let (difference, second) = difference.overflowing_sub(borrow);
    (difference, u64::from(first | second))
}

/// `one + other + carry` and the new carry, 0 or 1.
#[inline(always)]
pub(super) fn add(one: u64, other: u64, carry: u64) -> (u64, u64) {
    let (sum, first) = one.overflowing_add(other);
    let (sum, second) = sum.overflowing_add(carry);
    (sum, u64::from(first | second))
}
