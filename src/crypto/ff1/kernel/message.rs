//! The bytes that FF1's PRF takes: what is the same in every round is absorbed once.
//!
//! In each round, PRF is the CBC-MAC of P || Q, where Q = T || zeros || i || NUM(B). Only the last
//! b + 1 bytes differ from round to round. So everything before them is enciphered once, and each
//! round goes on from there: 10 blocks instead of 40 for a short value and a tweak of 32 bytes.
//!
//! Source: NIST SP 800-38G, algorithms 6 and 7.

use aes::cipher::Array;
use aes::cipher::BlockCipherEncBackend;
use aes::cipher::consts::U16;

/// The public numbers of a numeral string that go into P and Q.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) radix: u32,
    /// n, the count of numerals.
    pub(super) count: u32,
    /// b, the bytes of the larger half.
    pub(super) half_bytes: usize,
}

impl Shape {
    /// 5. `P = [1, 2, 1] || [radix] || [10] || [u mod 256] || [n] || [t]`.
    #[inline(always)]
    fn first_block(self, tweak: &[u8]) -> u128 {
        // A tweak has at most 8,192 bytes.
        let tweak_bytes = u32::try_from(tweak.len()).unwrap_or(u32::MAX);
        (0x01_02_01 << 104)
            | (u128::from(self.radix) << 80)
            | (u128::from(ROUNDS_COUNT) << 72)
            | (u128::from((self.count / 2) & 0xff) << 64)
            | (u128::from(self.count) << 32)
            | u128::from(tweak_bytes)
    }

    /// The state of CBC-MAC where the rounds part, with what the last block has in common already
    /// added: the next block to encipher is this, with the round and the half added.
    ///
    /// Takes halves of at most 15 bytes, which with the round's number are in one block.
    #[inline(always)]
    pub(super) fn absorb<B>(self, backend: &B, tweak: &[u8]) -> u128
    where
        B: BlockCipherEncBackend<BlockSize = U16>,
    {
        let (state, rest) = self.absorb_whole_blocks(backend, tweak);
        let state = state ^ padded(rest);
        // 6i. The zeros fill up a block of their own where the rest leaves too little room.
        if rest.len() + self.half_bytes + 1 > BLOCK_BYTES {
            encipher(backend, state)
        } else {
            state
        }
    }

    /// CBC-MAC of P and of the whole blocks of the tweak, and the rest of the tweak.
    #[inline(always)]
    pub(super) fn absorb_whole_blocks<'a, B>(self, backend: &B, tweak: &'a [u8]) -> (u128, &'a [u8])
    where
        B: BlockCipherEncBackend<BlockSize = U16>,
    {
        let mut state = encipher(backend, self.first_block(tweak));
        let (blocks, rest) = tweak.as_chunks::<BLOCK_BYTES>();
        for block in blocks {
            state = encipher(backend, state ^ u128::from_be_bytes(*block));
        }
        (state, rest)
    }
}

/// One block of AES, as a number.
#[inline(always)]
pub(super) fn encipher<B>(backend: &B, block: u128) -> u128
where
    B: BlockCipherEncBackend<BlockSize = U16>,
{
    let mut block = Array::from(block.to_be_bytes());
    backend.encrypt_block_inplace(&mut block);
    u128::from_be_bytes(block.into())
}

/// The bytes at the front of a block of zeros.
#[inline(always)]
fn padded(bytes: &[u8]) -> u128 {
    let mut block = [0; BLOCK_BYTES];
    for (to, from) in block.iter_mut().zip(bytes) {
        *to = *from;
    }
    u128::from_be_bytes(block)
}

/// NIST SP 800-38G, algorithm 7: as many rounds as FF1 has.
pub(super) const ROUNDS_COUNT: u32 = 10;

pub(super) const BLOCK_BYTES: usize = 16;
