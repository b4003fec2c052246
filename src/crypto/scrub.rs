//! The stack, after keys were worked with.

use std::hint::black_box;

/// Overwrites the stack below the caller: what functions that have returned have left there, such
/// as the copies of a key schedule that a compiler makes when it moves one. Call it right after a
/// function that is not inlined.
#[inline(never)]
pub fn scrub_stack() {
    // Filled as one block, and then handed to code that the compiler does not know, so that the
    // filling cannot be left out. Byte by byte it took 20 µs, at every call.
    let mut area = [0_u8; SCRUBBED_BYTES];
    black_box(&mut area);
}

/// Deeper than anything that makes keys goes.
const SCRUBBED_BYTES: usize = 64 * 1024;
