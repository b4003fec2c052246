//! The layouts of domains, computed once for the domains that are in use.
//!
//! Radix, count and reciprocal of a domain cost more than FF1 itself, and depend on the size of
//! the domain alone, which is public. A field's values have few sizes: one for each length, or
//! one at all. So each thread keeps the layouts that it last used.

use std::cell::RefCell;
use std::rc::Rc;

use super::kernel::Layout;
use crate::crypto::numerals::Numerals;
use crate::domain::DomainSize;

/// The layout of the numerals that stand for the ranks of a domain; nothing, if it is too large.
pub(super) fn of_domain(domain: &DomainSize) -> Option<Rc<Layout>> {
    let limbs = domain.limbs();
    if limbs.len() > KEPT_LIMBS_MAX {
        return computed(domain).map(Rc::new);
    }
    KEPT.with_borrow_mut(|kept| {
        kept.resize_with(KEPT_COUNT, || None);
        let slot = kept.get_mut(slot(limbs))?;
        if let Some(kept) = slot
            && *kept.domain == *limbs
        {
            return Some(Rc::clone(&kept.layout));
        }
        let layout = Rc::new(computed(domain)?);
        *slot = Some(Kept {
            domain: limbs.into(),
            layout: Rc::clone(&layout),
        });
        Some(layout)
    })
}

fn computed(domain: &DomainSize) -> Option<Layout> {
    let numerals = Numerals::of(domain);
    Layout::of(numerals.radix, numerals.count)
}

/// A layout, with the size of the domain that it is for.
struct Kept {
    domain: Box<[u64]>,
    layout: Rc<Layout>,
}

thread_local! {
    static KEPT: RefCell<Vec<Option<Kept>>> = const { RefCell::new(Vec::new()) };
}

/// Where the layout of a size is kept: sizes that meet there take it from each other.
fn slot(limbs: &[u64]) -> usize {
    let mixed = limbs.iter().fold(0_u64, |mixed, limb| {
        (mixed ^ limb).wrapping_mul(MULTIPLIER).rotate_left(29)
    });
    usize::try_from(mixed.wrapping_mul(MULTIPLIER) >> SLOT_SHIFT).unwrap_or(0)
}

/// How many layouts a thread keeps, of some 200 bytes each, or up to 800 for the longest.
const KEPT_COUNT: usize = 1 << 7;

/// Leaves as many bits as [`KEPT_COUNT`] needs.
const SLOT_SHIFT: u32 = 64 - 7;

/// Domains of more than 1,024 bits are rare, and their values cost more than their layouts.
const KEPT_LIMBS_MAX: usize = 16;

/// 2^64 divided by the golden ratio: Knuth, volume 3, section 6.4.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a size that takes another's place never gets the other's layout.
    /// Method: more sizes than there is room for, over and over, against layouts computed anew.
    #[test]
    fn every_size_has_its_own_layout() {
        for _ in 0..2 {
            for number in 0..2_000_u64 {
                let mut domain = DomainSize::from_u64(1_000_000 + number * number);
                (0..number % 5).for_each(|_| domain.multiply(65_521));
                let kept = of_domain(&domain).unwrap();
                let expected = computed(&domain).unwrap();
                assert_eq!(format!("{kept:?}"), format!("{expected:?}"));
            }
        }
    }
}
