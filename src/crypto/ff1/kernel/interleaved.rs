//! Four values at once, each under a key of its own.
//!
//! A block of AES takes some 57 cycles and needs the processor's unit for AES in 14 of them; FF1's
//! blocks wait for each other, so one value leaves it idle most of the time. Values of a batch do
//! not wait for each other: their rounds go in step, and each fills the others' gaps.
//!
//! The `aes` crate lends its instructions to one key at a time, to a closure. So four closures are
//! nested, one in the other, and the innermost has all four keys. Every closure is compiled for
//! each set of instructions that a processor may have; only the nests of one and the same set are
//! ever run, and the others are not compiled further ([`is_same`]).

use aes::Aes256Enc;
use aes::cipher::BlockCipherEncBackend;
use aes::cipher::BlockCipherEncClosure;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::BlockSizeUser;
use aes::cipher::ParBlocksSizeUser;
use aes::cipher::consts::U16;
use aes::cipher::typenum::Unsigned;

use super::lane::Lane;
use super::lane::walk;
use super::lane::walk_on;
use super::message::ROUNDS_COUNT;
use super::message::encipher;
use super::modulus::Modulus;

/// How many values go in step.
pub(super) const LANES_COUNT: usize = 4;

/// Each lane with its key.
pub(super) type Lanes<'a, 'b, M> = [(&'b Aes256Enc, Lane<'a, M>); LANES_COUNT];

/// FF1 of four values.
pub(super) fn walk_together<M: Modulus>(lanes: &mut Lanes<'_, '_, M>) {
    let [(first, _), ..] = &*lanes;
    let first = *first;
    first.encrypt_with_backend(First(lanes));
    // Hardly any walk has a second step; one that does takes it alone.
    for (cipher, lane) in lanes {
        walk_on(*cipher, lane);
    }
}

/// The lanes alone.
struct First<'a, 'b, 'c, M: Modulus>(&'c mut Lanes<'a, 'b, M>);

/// The lanes, with the instructions under the first key.
struct Second<'a, 'b, 'c, M: Modulus, B1>(&'c mut Lanes<'a, 'b, M>, &'c B1);

/// The lanes, with the instructions under the first two keys.
struct Third<'a, 'b, 'c, M: Modulus, B1, B2>(&'c mut Lanes<'a, 'b, M>, &'c B1, &'c B2);

/// The lanes, with the instructions under all keys but the last.
struct Fourth<'a, 'b, 'c, M: Modulus, B1, B2, B3>(&'c mut Lanes<'a, 'b, M>, &'c B1, &'c B2, &'c B3);

impl<M: Modulus> BlockCipherEncClosure for First<'_, '_, '_, M> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self(lanes) = self;
        let [_, (second, _), _, _] = &*lanes;
        let second = *second;
        second.encrypt_with_backend(Second(lanes, backend));
    }
}

impl<M: Modulus, B1: BlockCipherEncBackend<BlockSize = U16>> BlockCipherEncClosure
    for Second<'_, '_, '_, M, B1>
{
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self(lanes, first) = self;
        if const { is_same::<B1, B>() } {
            let [_, _, (third, _), _] = &*lanes;
            let third = *third;
            third.encrypt_with_backend(Third(lanes, first, backend));
        } else {
            apart(lanes);
        }
    }
}

impl<M, B1, B2> BlockCipherEncClosure for Third<'_, '_, '_, M, B1, B2>
where
    M: Modulus,
    B1: BlockCipherEncBackend<BlockSize = U16>,
    B2: BlockCipherEncBackend<BlockSize = U16>,
{
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self(lanes, first, second) = self;
        if const { is_same::<B1, B>() } {
            let [_, _, _, (fourth, _)] = &*lanes;
            let fourth = *fourth;
            fourth.encrypt_with_backend(Fourth(lanes, first, second, backend));
        } else {
            apart(lanes);
        }
    }
}

impl<M, B1, B2, B3> BlockCipherEncClosure for Fourth<'_, '_, '_, M, B1, B2, B3>
where
    M: Modulus,
    B1: BlockCipherEncBackend<BlockSize = U16>,
    B2: BlockCipherEncBackend<BlockSize = U16>,
    B3: BlockCipherEncBackend<BlockSize = U16>,
{
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, fourth: &B) {
        let Self(lanes, first, second, third) = self;
        if const { is_same::<B1, B>() } {
            let [(_, a), (_, b), (_, c), (_, d)] = lanes;
            a.absorb(first);
            b.absorb(second);
            c.absorb(third);
            d.absorb(fourth);
            for step in 0..ROUNDS_COUNT {
                // All blocks before all divisions, so that the processor has the blocks of all
                // lanes before it at once.
                let (p, q) = (
                    encipher(first, a.block(step)),
                    encipher(second, b.block(step)),
                );
                let (r, s) = (
                    encipher(third, c.block(step)),
                    encipher(fourth, d.block(step)),
                );
                a.turn(p);
                b.turn(q);
                c.turn(r);
                d.turn(s);
            }
            a.arrive();
            b.arrive();
            c.arrive();
            d.arrive();
        } else {
            apart(lanes);
        }
    }
}

/// Each lane for itself: for two sets of instructions in one nest, which do not occur.
#[inline(never)]
fn apart<M: Modulus>(lanes: &mut Lanes<'_, '_, M>) {
    for (cipher, lane) in lanes {
        walk(*cipher, lane);
    }
}

/// Whether two sets of instructions are taken for the same: no two of them take as many blocks at
/// once. If two did, code would be compiled that never runs.
const fn is_same<B1: ParBlocksSizeUser, B2: ParBlocksSizeUser>() -> bool {
    B1::ParBlocksSize::USIZE == B2::ParBlocksSize::USIZE
}

impl<M: Modulus> BlockSizeUser for First<'_, '_, '_, M> {
    type BlockSize = U16;
}

impl<M: Modulus, B1> BlockSizeUser for Second<'_, '_, '_, M, B1> {
    type BlockSize = U16;
}

impl<M: Modulus, B1, B2> BlockSizeUser for Third<'_, '_, '_, M, B1, B2> {
    type BlockSize = U16;
}

impl<M: Modulus, B1, B2, B3> BlockSizeUser for Fourth<'_, '_, '_, M, B1, B2, B3> {
    type BlockSize = U16;
}
