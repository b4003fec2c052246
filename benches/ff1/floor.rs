//! What FF1 cannot cost less than: AES itself, through the same crate.

use std::hint::black_box;

use aes::Aes256Enc;
use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};

/// The blocks that the standard needs.
pub(crate) struct Blocks {
    /// Those that all rounds have in common, each of which waits for the one before.
    pub(crate) common: u32,
    /// Those of a round that wait for each other, and for the round before.
    pub(crate) in_a_row: u32,
    /// Those of a round that wait for none of their fellows.
    pub(crate) further: u32,
}

/// One key schedule, and the blocks under it.
pub(crate) fn schedule_and_blocks(key: &[u8; 32], blocks: &Blocks) {
    let cipher = Aes256Enc::new(key.into());
    let mut block = Array::from([0; 16]);
    cipher.encrypt_with_backend(Floor {
        blocks,
        block: &mut block,
    });
    black_box(block);
}

struct Floor<'a> {
    blocks: &'a Blocks,
    block: &'a mut Array<u8, U16>,
}

impl BlockSizeUser for Floor<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Floor<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self { blocks, block } = self;
        for _ in 0..blocks.common {
            backend.encrypt_block_inplace(block);
        }
        for _ in 0..10 {
            for _ in 0..blocks.in_a_row {
                backend.encrypt_block_inplace(block);
            }
            for _ in 0..blocks.further {
                let mut further = *block;
                backend.encrypt_block_inplace(&mut further);
                black_box(further);
            }
        }
    }
}
