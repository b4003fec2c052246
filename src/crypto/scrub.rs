//! The stack, after keys were worked with.

use std::hint::black_box;

use zeroize::Zeroize;

/// Overwrites the stack below the caller: what functions that have returned have left there, such
/// as the copies of a key schedule that a compiler makes when it moves one. Call it right after a
/// function that is not inlined.
#[inline(never)]
pub fn scrub_stack() {
    let mut area = [0_u8; SCRUBBED_BYTES];
    black_box(&mut area).zeroize();
    black_box(&area);
}

/// Deeper than anything that makes keys goes.
const SCRUBBED_BYTES: usize = 64 * 1024;
