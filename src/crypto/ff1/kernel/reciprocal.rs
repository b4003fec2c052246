//! Exact division by a divisor that is known beforehand, with multiplications alone.
//!
//! A processor's own division takes a time that depends on the numbers, and tens of cycles. Here
//! the divisor is public and its reciprocal is computed once; then each quotient word costs three
//! multiplications and two corrections by masks, always the same.
//!
//! Source: Möller and Granlund, "Improved division by invariant integers", IEEE Transactions on
//! Computers 60 (2011): algorithms 4 (two words by one), 5 (three words by two), 6 (the reciprocal
//! of two words).

use super::words::high;
use super::words::low;
use super::words::mask;
use super::words::product;
use super::words::wide;
use super::words::wide_mask;

/// A divisor of one word whose highest bit is set, with its reciprocal.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordReciprocal {
    divisor: u64,
    /// floor((2^128 - 1) / divisor) - 2^64.
    inverse: u64,
}

impl WordReciprocal {
    /// The reciprocal of a public divisor, whose highest bit must be set. Costs one division, in
    /// time that depends on the divisor.
    pub(super) fn of(divisor: u64) -> Self {
        Self {
            divisor,
            inverse: reciprocal_of_word(divisor),
        }
    }

    /// Quotient and remainder of `top × 2^64 + bottom`, where `top` is below the divisor: so the
    /// quotient is one word.
    ///
    /// Its time depends on nothing.
    #[inline(always)]
    pub(super) fn divide(self, top: u64, bottom: u64) -> (u64, u64) {
        let divisor = self.divisor;
        // 1 to 3. (q1, q0) = v × u1 + (u1, u0), and q1 + 1 is the estimate.
        let q = product(self.inverse, top).wrapping_add(wide(top, bottom));
        let q1 = high(q).wrapping_add(1);
        // 4. r = (u0 - q1 × d) mod 2^64.
        let r = bottom.wrapping_sub(q1.wrapping_mul(divisor));
        // 5. The estimate is one too large in about half of the cases.
        let is_too_large = mask(r > low(q));
        let (q1, r) = (
            q1.wrapping_add(is_too_large),
            r.wrapping_add(divisor & is_too_large),
        );
        // 6. It is one too small in hardly any, and that costs the same.
        let is_too_small = mask(r >= divisor);
        (
            q1.wrapping_sub(is_too_small),
            r.wrapping_sub(divisor & is_too_small),
        )
    }
}

/// A divisor of two words whose highest bit is set, with its reciprocal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reciprocal {
    divisor: u128,
    /// floor((2^192 - 1) / divisor) - 2^64.
    inverse: u64,
}

impl Reciprocal {
    /// The reciprocal of a public divisor, whose highest bit must be set. Costs one division, in
    /// time that depends on the divisor.
    pub(super) fn of(divisor: u128) -> Self {
        let (d1, d0) = (high(divisor), low(divisor));
        let mut v = reciprocal_of_word(d1);
        let mut p = d1.wrapping_mul(v).wrapping_add(d0);
        if p < d0 {
            v = v.wrapping_sub(1);
            if p >= d1 {
                v = v.wrapping_sub(1);
                p = p.wrapping_sub(d1);
            }
            p = p.wrapping_sub(d1);
        }
        let t = product(v, d0);
        let t1 = high(t);
        p = p.wrapping_add(t1);
        if p < t1 {
            v = v.wrapping_sub(1);
            if wide(p, low(t)) >= divisor {
                v = v.wrapping_sub(1);
            }
        }
        Self {
            divisor,
            inverse: v,
        }
    }

    /// Quotient and remainder of `top × 2^64 + bottom`, where `top` is below the divisor: so the
    /// quotient is one word.
    ///
    /// Its time depends on nothing.
    #[inline(always)]
    pub(super) fn divide(self, top: u128, bottom: u64) -> (u64, u128) {
        let divisor = self.divisor;
        // 1, 2. (q1, q0) = v × u2 + (u2, u1).
        let q = product(self.inverse, high(top)).wrapping_add(top);
        let q1 = high(q);
        // 3. r1 = (u1 - q1 × d1) mod 2^64.
        let r1 = low(top).wrapping_sub(q1.wrapping_mul(high(divisor)));
        // 4, 5. (r1, r0) = (r1, u0) - q1 × d0 - (d1, d0).
        let r = wide(r1, bottom)
            .wrapping_sub(product(q1, low(divisor)))
            .wrapping_sub(divisor);
        // 6, 7. The estimate is one too large in about half of the cases.
        let is_too_large = high(r) >= low(q);
        let q1 = q1.wrapping_add(1).wrapping_add(mask(is_too_large));
        let r = r.wrapping_add(divisor & wide_mask(is_too_large));
        // 8. It is one too small in hardly any, and that costs the same.
        let is_too_small = r >= divisor;
        let q1 = q1.wrapping_sub(mask(is_too_small));
        (q1, r.wrapping_sub(divisor & wide_mask(is_too_small)))
    }
}

/// floor((2^128 - 1) / d) - 2^64 of a word whose highest bit is set.
fn reciprocal_of_word(d: u64) -> u64 {
    low(wide(!d, u64::MAX) / u128::from(d.max(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words that carries and estimates go wrong at, and random ones.
    fn word() -> impl Strategy<Value = u64> {
        prop_oneof![
            Just(0_u64),
            Just(1),
            Just(u64::MAX),
            Just(u64::MAX - 1),
            Just(1 << 63),
            Just((1 << 63) - 1),
            Just(1 << 32),
            any::<u64>(),
        ]
    }

    /// `quotient × divisor + remainder` as top and bottom.
    fn product_of(quotient: u64, divisor: u128, remainder: u128) -> (u128, u64) {
        let lower = product(quotient, low(divisor));
        let (sum, carried) = lower.overflowing_add(remainder);
        let top = product(quotient, high(divisor)) + u128::from(high(sum));
        (top + (u128::from(carried) << 64), low(sum))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn division_by_a_word_is_exact_at_its_multiples(
            d in word(), quotient in word(), offset in word(), near: bool,
        ) {
            let divisor = d | 1 << 63;
            let remainder = match near {
                true => offset % 3,
                false => divisor - 1 - offset % divisor,
            };
            let number = product(quotient, divisor) + u128::from(remainder);
            let result = WordReciprocal::of(divisor).divide(high(number), low(number));
            prop_assert_eq!(result, (quotient, remainder));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Goal: no estimate is left uncorrected. Method: numbers right at, above and below
        /// multiples of the divisor, where estimates are off by one or two.
        #[test]
        fn division_is_exact_at_multiples_of_the_divisor(
            d1 in word(), d0 in word(), quotient in word(), offset in word(), near: bool,
        ) {
            let divisor = wide(d1 | 1 << 63, d0);
            let remainder = match near {
                true => u128::from(offset % 3),
                false => divisor - 1 - u128::from(offset % (1 << 63)),
            };
            let (top, bottom) = product_of(quotient, divisor, remainder);
            prop_assert!(top < divisor);
            let result = Reciprocal::of(divisor).divide(top, bottom);
            prop_assert_eq!(result, (quotient, remainder));
        }
    }
}
