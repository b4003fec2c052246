//! Randomness, as an argument, from a generator that forgets what it gave.

use std::cell::RefCell;
use std::fmt;
use std::process;

use zeroize::Zeroize;
use zeroize::Zeroizing;

/// Where random bytes come from. Whoever makes a key takes one as an argument.
pub trait Entropy: Send + Sync {
    /// Fills the bytes with randomness that is good enough for keys.
    fn fill(&self, bytes: &mut [u8]);
}

/// The thread's generator: AWS-LC's CTR_DRBG over AES-256, seeded and reseeded by the system.
///
/// Whoever sees the memory afterwards cannot tell what was drawn: each draw ends with another state
/// (NIST SP 800-90A Rev. 1, section 10.2.1), and what is drawn ahead is overwritten as it is given
/// away. `docs/decisions/0052-what-was-drawn-is-forgotten.md` says why that matters.
#[derive(Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(POOL_BYTES) {
            let taken = POOL.try_with(|pool| pool.borrow_mut().take(part));
            // The thread is ending.
            taken.unwrap_or_else(|_| draw(part));
        }
    }
}

impl fmt::Debug for SystemEntropy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SystemEntropy")
            .finish_non_exhaustive()
    }
}

/// Bytes that were drawn ahead, since a draw of 32 bytes takes almost as long as one of all.
struct Pool {
    /// In a place of their own on the heap, and overwritten when the thread ends.
    bytes: Box<Zeroizing<[u8; POOL_BYTES]>>,
    /// How many of them, the first ones, were not given away yet. The others are 0.
    left: usize,
}

impl Pool {
    fn new() -> Self {
        Self {
            bytes: Box::new(Zeroizing::new([0; POOL_BYTES])),
            left: 0,
        }
    }

    /// Gives the last ones away. There are never more wanted than a full pool has.
    fn take(&mut self, wanted: &mut [u8]) {
        if self.left < wanted.len() {
            draw(&mut **self.bytes);
            self.left = POOL_BYTES;
        }
        let rest = self.left.saturating_sub(wanted.len());
        match self.bytes.get_mut(rest..self.left) {
            Some(given) if given.len() == wanted.len() => {
                wanted.copy_from_slice(given);
                given.zeroize();
                self.left = rest;
            }
            Some(_) | None => draw(wanted),
        }
    }
}

/// Draws from the generator itself.
fn draw(bytes: &mut [u8]) {
    if aws_lc_rs::rand::fill(bytes).is_err() {
        // There is no randomness, and nothing that could be done without. AWS-LC ends the process
        // likewise.
        process::abort();
    }
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::new(Pool::new());
}

/// A draw of so many takes 1.2 times as long as one of 32 bytes.
const POOL_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread;

    use super::*;

    /// How often a piece of the bytes is in the thread's pool.
    fn count_in_pool(bytes: &[u8]) -> usize {
        POOL.with_borrow(|pool| {
            let pieces = bytes.windows(8);
            let is_there = |piece: &&[u8]| pool.bytes.windows(8).any(|window| window == *piece);
            pieces.filter(is_there).count()
        })
    }

    /// Goal: no two draws are alike, of any length, in any thread.
    #[test]
    fn draws_differ() {
        let draws = || {
            let lengths = [16, 32, 12, POOL_BYTES, 500, POOL_BYTES + 1, 3 * POOL_BYTES];
            let draws = lengths.iter().cycle().take(500).map(|length| {
                let mut bytes = vec![0; *length];
                SystemEntropy.fill(&mut bytes);
                bytes
            });
            draws.collect::<Vec<_>>()
        };
        let mut all = thread::spawn(draws).join().unwrap();
        all.extend(draws());
        let pieces = || all.iter().flat_map(|draw| draw.chunks_exact(12));
        let different: BTreeSet<_> = pieces().collect();
        assert_eq!(different.len(), pieces().count());
    }

    /// Goal: every byte is drawn, the last one of each length too. Method: draws until each place
    /// was something else than 0.
    #[test]
    fn all_is_filled() {
        for length in [1, 31, POOL_BYTES, 2 * POOL_BYTES + 7] {
            let mut was_filled = vec![false; length];
            for _ in 0..20 {
                let mut bytes = vec![0; length];
                SystemEntropy.fill(&mut bytes);
                let places = was_filled.iter_mut().zip(bytes);
                places.for_each(|(was, byte)| *was |= byte != 0);
            }
            assert!(was_filled.iter().all(|was| *was), "{length}");
        }
    }

    /// Goal: what was given away is not in the pool any more. That it would be found there is seen
    /// of what comes next.
    #[test]
    fn what_was_drawn_is_forgotten() {
        for length in [8, 12, 32, 100, 300, POOL_BYTES] {
            let mut bytes = vec![0; length];
            SystemEntropy.fill(&mut bytes);
            assert_eq!(count_in_pool(&bytes), 0, "{length}");
        }
        SystemEntropy.fill(&mut [0; 16]);
        let next = POOL.with_borrow(|pool| pool.bytes[pool.left - 16..pool.left].to_vec());
        assert_eq!(count_in_pool(&next), 9);
        let mut bytes = [0; 16];
        SystemEntropy.fill(&mut bytes);
        assert_eq!(bytes.as_slice(), next);
        assert_eq!(count_in_pool(&bytes), 0);
    }
}
