//! One value of up to 192 bits on its way through FF1.
//!
//! Its halves are equally long, and each is one integer. A round is one block of AES and one
//! division by a modulus that is known beforehand; nothing of it leaves the stack.

use aes::cipher::BlockCipherEncBackend;
use aes::cipher::BlockCipherEncClosure;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::BlockSizeUser;
use aes::cipher::consts::U16;
use zeroize::Zeroize;

use super::Direction;
use super::WALK_STEPS_MAX;
use super::message::ROUNDS_COUNT;
use super::message::Shape;
use super::message::encipher;
use super::modulus::Modulus;
use super::modulus::half_bytes;
use super::number::Number;

/// What is public of numeral strings whose halves are equal and short.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortLayout<M> {
    shape: Shape,
    /// By how many bits the round's number is above the half, in the last block of Q.
    round_shift: u32,
    modulus: M,
}

impl<M: Modulus> ShortLayout<M> {
    /// The layout of strings of so many numerals, if the halves are equal and short enough.
    pub(super) fn of(radix: u32, count: u32) -> Option<Self> {
        if !count.is_multiple_of(2) {
            return None;
        }
        let power = u128::from(radix).checked_pow(count / 2)?;
        let modulus = M::of(power)?;
        let half_bytes = half_bytes(power);
        let shape = Shape {
            radix,
            count,
            half_bytes: usize::try_from(half_bytes).ok()?,
        };
        Some(Self {
            shape,
            round_shift: 8 * half_bytes,
            modulus,
        })
    }
}

/// A value between its rank and its image, without its key.
pub(super) struct Lane<'a, M: Modulus> {
    layout: &'a ShortLayout<M>,
    direction: Direction,
    tweak: &'a [u8],
    /// The size of the domain, at most m².
    domain: Number,
    /// The state of CBC-MAC where the rounds part.
    state: u128,
    /// The half that the round's number is added to, or taken from.
    other: M::Half,
    /// The half that the round's number is made of.
    fed: M::Half,
    arrived: Option<Number>,
}

impl<'a, M: Modulus> Lane<'a, M> {
    /// A lane for a rank of the domain, which must be below its size.
    #[inline(always)]
    pub(super) fn new(
        layout: &'a ShortLayout<M>,
        direction: Direction,
        tweak: &'a [u8],
        rank: Number,
        domain: Number,
    ) -> Self {
        // 1, 2. u = v = n / 2; A = X[1..u], B = X[u + 1..n].
        let (a, b) = layout.modulus.split(rank);
        let (other, fed) = in_order(direction, (a, b));
        Self {
            layout,
            direction,
            tweak,
            domain,
            state: 0,
            other,
            fed,
            arrived: None,
        }
    }

    /// 5 to 6i. Absorbs what all rounds have in common.
    #[inline(always)]
    pub(super) fn absorb<B>(&mut self, backend: &B)
    where
        B: BlockCipherEncBackend<BlockSize = U16>,
    {
        self.state = self.layout.shape.absorb(backend, self.tweak);
    }

    /// The last block of P || Q, to be enciphered. Steps are counted from 0 in either direction.
    ///
    /// Source: NIST SP 800-38G, algorithms 7 and 8, step 6i.
    #[inline(always)]
    pub(super) fn block(&self, step: u32) -> u128 {
        let round = match self.direction {
            Direction::Decrypt => ROUNDS_COUNT.wrapping_sub(1).wrapping_sub(step),
            Direction::Encrypt => step,
        };
        let fed: u128 = self.fed.into();
        self.state ^ fed ^ u128::from(round).wrapping_shl(self.layout.round_shift)
    }

    /// 6iii to 6ix, with the block enciphered to R.
    #[inline(always)]
    pub(super) fn turn(&mut self, r: u128) {
        let modulus = &self.layout.modulus;
        let y = modulus.residue(r);
        let c = match self.direction {
            Direction::Decrypt => modulus.subtract(self.other, y),
            Direction::Encrypt => modulus.add(self.other, y),
        };
        (self.other, self.fed) = (self.fed, c);
    }

    /// 7. Ends the walk, if the halves are a number of the domain.
    #[inline(always)]
    pub(super) fn arrive(&mut self) {
        let (a, b) = in_order(self.direction, (self.other, self.fed));
        let rank = self.layout.modulus.join(a, b);
        if rank.is_below(self.domain) {
            self.arrived = Some(rank);
        }
    }

    /// The number that the walk ended at; nothing, if it took too many steps.
    #[inline(always)]
    pub(super) fn arrived(&self) -> Option<Number> {
        self.arrived
    }

    /// Goes on until the walk ends, at most for so many applications of FF1.
    #[inline(always)]
    pub(super) fn walk<B>(&mut self, backend: &B, steps_max: u32)
    where
        B: BlockCipherEncBackend<BlockSize = U16>,
    {
        for _ in 0..steps_max {
            if self.arrived.is_some() {
                return;
            }
            for step in 0..ROUNDS_COUNT {
                let r = encipher(backend, self.block(step));
                self.turn(r);
            }
            self.arrive();
        }
    }
}

/// A and B as the direction takes them: to decrypt, each round is made of A. Its own inverse.
#[inline(always)]
fn in_order<T>(direction: Direction, (a, b): (T, T)) -> (T, T) {
    match direction {
        Direction::Decrypt => (b, a),
        Direction::Encrypt => (a, b),
    }
}

impl<M: Modulus> Drop for Lane<'_, M> {
    fn drop(&mut self) {
        self.state.zeroize();
        self.other.zeroize();
        self.fed.zeroize();
        self.arrived.zeroize();
    }
}

/// FF1 of one value, from its first block to its last under one look at the key.
pub(super) fn walk<C, M>(cipher: &C, lane: &mut Lane<'_, M>)
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    M: Modulus,
{
    cipher.encrypt_with_backend(Walk(lane));
}

/// The further steps of a walk that has taken one; none, if it has arrived.
pub(super) fn walk_on<C, M>(cipher: &C, lane: &mut Lane<'_, M>)
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    M: Modulus,
{
    if lane.arrived.is_none() {
        cipher.encrypt_with_backend(WalkOn(lane));
    }
}

struct Walk<'a, 'b, M: Modulus>(&'b mut Lane<'a, M>);

struct WalkOn<'a, 'b, M: Modulus>(&'b mut Lane<'a, M>);

impl<M: Modulus> BlockCipherEncClosure for Walk<'_, '_, M> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        self.0.absorb(backend);
        self.0.walk(backend, WALK_STEPS_MAX);
    }
}

impl<M: Modulus> BlockCipherEncClosure for WalkOn<'_, '_, M> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        self.0.walk(backend, WALK_STEPS_MAX.saturating_sub(1));
    }
}

impl<M: Modulus> BlockSizeUser for Walk<'_, '_, M> {
    type BlockSize = U16;
}

impl<M: Modulus> BlockSizeUser for WalkOn<'_, '_, M> {
    type BlockSize = U16;
}
