//! Randomness, as an argument.

use std::fmt;

/// Where random bytes come from. Whoever makes a key takes one as an argument.
pub trait Entropy: Send + Sync {
    /// Fills the bytes with randomness that is good enough for keys.
    fn fill(&self, bytes: &mut [u8]);
}

/// The thread's generator: ChaCha12, seeded and reseeded by the system.
///
/// A system call for each token key would cost 50 to 100 times as much.
#[derive(Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}

impl fmt::Debug for SystemEntropy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SystemEntropy")
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let (mut one, mut other) = ([0_u8; 32], [0_u8; 32]);
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut other);
        assert_ne!(one, other);
    }
}
