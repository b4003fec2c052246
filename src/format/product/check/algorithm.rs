//! The check algorithms. Each says which number stands at the place of a check; how that number
//! is written is the business of the check.

use super::iso7064;
use super::luhn;
use super::quasigroup;

/// How the number of a check follows from what it covers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) enum Algorithm {
    Damm,
    /// ISO 13616: MOD 97-10 with the first four characters moved to the end.
    Iban,
    Luhn,
    Mod11Radix10,
    Mod11Radix2,
    Mod97Radix10,
    /// What the digits leave when they are divided as one number.
    Remainder(Remainder),
    Verhoeff,
    /// What the weighted sum leaves when it is divided.
    Weighted {
        weights: Box<[u32]>,
        remainder: Remainder,
    },
}

/// What becomes of a remainder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) struct Remainder {
    pub(in super::super) modulus: u32,
    pub(in super::super) complement: Complement,
}

/// Whether a check is the remainder or its complement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Complement {
    /// It is the remainder.
    No,
    /// It is the modulus less the remainder, 1 to the modulus.
    Number,
    /// The same, but 0 for the modulus.
    Symbol,
}

/// What an algorithm makes of what characters count as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Counting {
    /// 10 and above become two digits.
    Decimal,
    /// There must be nothing above 9.
    Digit,
    /// Any number.
    Number,
}

impl Algorithm {
    pub(in super::super) fn counting(&self) -> Counting {
        match self {
            Self::Damm | Self::Mod11Radix10 | Self::Mod11Radix2 | Self::Verhoeff => Counting::Digit,
            Self::Iban | Self::Luhn | Self::Mod97Radix10 | Self::Remainder(_) => Counting::Decimal,
            Self::Weighted { .. } => Counting::Number,
        }
    }

    /// The number at the place between `before` and `after` that makes the whole right; nothing
    /// if there is none.
    pub(in super::super) fn solve(&self, before: &[u32], after: &[u32]) -> Option<u32> {
        let ends = || before.iter().chain(after).copied();
        let whole = |check| {
            before
                .iter()
                .copied()
                .chain([check])
                .chain(after.iter().copied())
        };
        match self {
            Self::Damm => (0..10).find(|&check| quasigroup::damm_holds(whole(check))),
            Self::Iban => {
                let moved = after.iter().chain(before).copied();
                Some(98 - iso7064::remainder(moved.chain([0, 0]), 97))
            }
            Self::Luhn => (0..10).find(|&check| luhn::holds(whole(check))),
            Self::Mod11Radix10 => (0..10).find(|&check| iso7064::mod11_10_holds(whole(check))),
            Self::Mod11Radix2 => (0..11).find(|&check| iso7064::mod11_2_holds(whole(check))),
            // 00, 01 and 99 are never written, though 97, 98 and 02 leave the same.
            Self::Mod97Radix10 => (2..=98).find(|&check| {
                let before = before.iter().copied().chain([check / 10, check % 10]);
                iso7064::mod97_10_holds(before.chain(after.iter().copied()))
            }),
            Self::Remainder(remainder) => {
                Some(remainder.number(iso7064::remainder(ends(), remainder.modulus)))
            }
            Self::Verhoeff => (0..10).find(|&check| quasigroup::verhoeff_holds(whole(check))),
            Self::Weighted { weights, remainder } => {
                let terms = weights.iter().zip(ends());
                let sum = terms.map(|(&weight, value)| u64::from(weight) * u64::from(value));
                let rest = sum.sum::<u64>() % u64::from(remainder.modulus);
                Some(remainder.number(u32::try_from(rest).ok()?))
            }
        }
    }
}

impl Remainder {
    fn number(self, rest: u32) -> u32 {
        match self.complement {
            Complement::No => rest,
            Complement::Number => self.modulus - rest,
            Complement::Symbol => (self.modulus - rest) % self.modulus,
        }
    }
}
