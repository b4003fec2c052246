//! Halves of any length up to 8,192 bits, and halves that are not equally long: words on the
//! stack.
//!
//! The radix of a half string is only ever needed as the modulus m = radix^u or radix^v, so a half
//! stays one integer from the first round to the last, whatever its length. A round costs the
//! blocks of CBC-MAC over the half, those of S, and one division of S by m, whose quotient has one
//! word (two where u = v - 1): it grows with the length, and not with its square.

use aes::cipher::BlockCipherEncBackend;
use aes::cipher::BlockCipherEncClosure;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::BlockSizeUser;
use aes::cipher::consts::U16;
use zeroize::Zeroizing;

use super::Direction;
use super::Job;
use super::WALK_STEPS_MAX;
use super::limbs::add_to;
use super::limbs::divide;
use super::limbs::from_bytes;
use super::limbs::is_below;
use super::limbs::multiply_add;
use super::limbs::shift_down;
use super::limbs::shift_up;
use super::limbs::subtract_from;
use super::limbs::to_bytes;
use super::long_layout::HALF_BITS_MAX;
use super::long_layout::LongLayout;
use super::long_layout::LongModulus;
use super::message::BLOCK_BYTES;
use super::message::ROUNDS_COUNT;
use super::message::encipher;
use super::words::mask;

/// Everything secret of one value on its way, for halves of fewer than `N` words.
struct Scratch<const N: usize> {
    a: Zeroizing<[u64; N]>,
    b: Zeroizing<[u64; N]>,
    /// y mod m.
    residue: Zeroizing<[u64; N]>,
    /// What is divided: a rank or y, shifted.
    number: Zeroizing<[[u64; N]; 2]>,
    /// The last blocks of Q: the rest of the tweak, zeros, the round and the half.
    message: Zeroizing<[[u8; 8]; N]>,
    /// S.
    s: Zeroizing<[[u8; 8]; N]>,
}

impl<const N: usize> Scratch<N> {
    fn new() -> Self {
        Self {
            a: Zeroizing::new([0; N]),
            b: Zeroizing::new([0; N]),
            residue: Zeroizing::new([0; N]),
            number: Zeroizing::new([[0; N]; 2]),
            message: Zeroizing::new([[0; 8]; N]),
            s: Zeroizing::new([[0; 8]; N]),
        }
    }
}

/// FF1 of one long value. `rank`, with [`LongLayout::room`], becomes its image; returns whether
/// the walk ended within the domain.
pub(super) fn walk<C>(cipher: &C, layout: &LongLayout, job: Job<'_>, rank: &mut [u64]) -> bool
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut has_arrived = false;
    let walk = Walk {
        layout,
        job,
        rank,
        has_arrived: &mut has_arrived,
    };
    if layout.half_words() <= FEW_WORDS - ROOM_WORDS {
        cipher.encrypt_with_backend(Roomy::<FEW_WORDS>(walk));
    } else {
        cipher.encrypt_with_backend(Roomy::<MANY_WORDS>(walk));
    }
    has_arrived
}

struct Walk<'a> {
    layout: &'a LongLayout,
    job: Job<'a>,
    rank: &'a mut [u64],
    has_arrived: &'a mut bool,
}

/// A walk that has room for halves of so many words.
struct Roomy<'a, const N: usize>(Walk<'a>);

impl<const N: usize> BlockSizeUser for Roomy<'_, N> {
    type BlockSize = U16;
}

impl<const N: usize> BlockCipherEncClosure for Roomy<'_, N> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self(walk) = self;
        let (layout, job) = (walk.layout, walk.job);
        let mut scratch = Scratch::<N>::new();
        // 2. Let A = X[1..u]; B = X[u + 1..n].
        scratch.split(layout, walk.rank);
        let (state, rest) = layout.shape.absorb_whole_blocks(backend, job.tweak);
        for _ in 0..WALK_STEPS_MAX {
            for step in 0..ROUNDS_COUNT {
                scratch.turn(backend, layout, job.direction, (state, rest), step);
            }
            // 7. Return A || B.
            scratch.join(layout, walk.rank);
            if is_below(walk.rank, job.domain) {
                *walk.has_arrived = true;
                return;
            }
        }
    }
}

impl<const N: usize> Scratch<N> {
    /// A = rank div radix^v and B = rank mod radix^v.
    fn split(&mut self, layout: &LongLayout, rank: &[u64]) {
        let modulus = &layout.odd;
        let quotient_words = layout.even.words.len();
        let length = modulus.shifted.len() + quotient_words;
        let number = self.number.as_flattened_mut();
        let number = number.get_mut(..length).unwrap_or_default();
        shift_up(number, rank, modulus.shift);
        let mut places = self.a.iter_mut().take(quotient_words).rev();
        divide(number, &modulus.shifted, modulus.reciprocal, |word| {
            if let Some(place) = places.next() {
                *place = word;
            }
        });
        let rest = number.get(..modulus.shifted.len()).unwrap_or_default();
        let b = self.b.get_mut(..modulus.words.len()).unwrap_or_default();
        shift_down(b, rest, modulus.shift);
    }

    /// A × radix^v + B.
    fn join(&self, layout: &LongLayout, rank: &mut [u64]) {
        let b = self.b.iter().take(layout.odd.words.len()).copied();
        for (to, from) in rank.iter_mut().zip(b.chain(std::iter::repeat(0))) {
            *to = from;
        }
        let a = self.a.get(..layout.even.words.len()).unwrap_or_default();
        multiply_add(rank, a, &layout.odd.words);
    }

    /// One round, of algorithm 7 or 8; steps are counted from 0 in either direction.
    #[inline(always)]
    fn turn<B>(
        &mut self,
        backend: &B,
        layout: &LongLayout,
        direction: Direction,
        (state, rest): (u128, &[u8]),
        step: u32,
    ) where
        B: BlockCipherEncBackend<BlockSize = U16>,
    {
        let round = match direction {
            Direction::Decrypt => ROUNDS_COUNT - 1 - step,
            Direction::Encrypt => step,
        };
        // 6v. If i is even, let m = u; else, let m = v.
        let modulus = match round.is_multiple_of(2) {
            true => &layout.even,
            false => &layout.odd,
        };
        self.write_message(layout, direction, rest, round);
        self.fill_s(backend, layout, (state, rest));
        self.reduce(layout, modulus);
        // 6vi. c = (NUM(A) + y) mod radix^m, or (NUM(B) - y) mod radix^m.
        let length = modulus.words.len();
        let residue = self.residue.get(..length).unwrap_or_default();
        let other = match direction {
            Direction::Decrypt => &mut self.b,
            Direction::Encrypt => &mut self.a,
        };
        let c = other.get_mut(..length).unwrap_or_default();
        match direction {
            Direction::Decrypt => {
                let is_negative = mask(subtract_from(c, residue, u64::MAX) == 1);
                add_to(c, &modulus.words, is_negative);
            }
            Direction::Encrypt => {
                let carry = add_to(c, residue, u64::MAX);
                let is_large = mask((carry == 1) | !is_below(c, &modulus.words));
                subtract_from(c, &modulus.words, is_large);
            }
        }
        // 6viii, 6ix. The halves change places, each as long as the next round takes it.
        let half_words = layout.half_words();
        let a = self.a.get_mut(..half_words).unwrap_or_default();
        let b = self.b.get_mut(..half_words).unwrap_or_default();
        a.swap_with_slice(b);
    }

    /// 6i. `[0]^((-t-b-1) mod 16) || [i] || [NUM(B)]`, behind the rest of the tweak.
    #[inline(always)]
    fn write_message(
        &mut self,
        layout: &LongLayout,
        direction: Direction,
        rest: &[u8],
        round: u32,
    ) {
        let half_bytes = layout.shape.half_bytes;
        let fed = match direction {
            Direction::Decrypt => &self.a,
            Direction::Encrypt => &self.b,
        };
        let message = self.message.as_flattened_mut();
        let message = message
            .get_mut(..layout.message_bytes(rest))
            .unwrap_or_default();
        for (to, from) in message.iter_mut().zip(rest) {
            *to = *from;
        }
        let half_place = message.len().saturating_sub(half_bytes);
        let (head, half) = message.split_at_mut_checked(half_place).unwrap_or_default();
        if let Some(to) = head.last_mut() {
            *to = u8::try_from(round).unwrap_or(0);
        }
        to_bytes(half, &**fed);
    }

    /// 6ii, 6iii. R = PRF(P || Q), and S is the first d bytes of
    /// `R || CIPH(R xor [1]) || CIPH(R xor [2]) ...`
    #[inline(always)]
    fn fill_s<B>(&mut self, backend: &B, layout: &LongLayout, (state, rest): (u128, &[u8]))
    where
        B: BlockCipherEncBackend<BlockSize = U16>,
    {
        let message = self.message.as_flattened();
        let message = message
            .get(..layout.message_bytes(rest))
            .unwrap_or_default();
        let (blocks, _) = message.as_chunks::<BLOCK_BYTES>();
        let mut r = state;
        for block in blocks {
            r = encipher(backend, r ^ u128::from_be_bytes(*block));
        }
        let blocks_count = layout.number_bytes.div_ceil(BLOCK_BYTES);
        let (blocks, _) = self.s.as_flattened_mut().as_chunks_mut::<BLOCK_BYTES>();
        let mut blocks = blocks.iter_mut().take(blocks_count);
        if let Some(first) = blocks.next() {
            *first = r.to_be_bytes();
        }
        for (number, block) in (1_u128..).zip(blocks) {
            *block = encipher(backend, r ^ number).to_be_bytes();
        }
    }

    /// 6iv, 6v. y = NUM(S), and the residue becomes y mod m.
    fn reduce(&mut self, layout: &LongLayout, modulus: &LongModulus) {
        let s = self.s.as_flattened();
        let s = s.get(..layout.number_bytes).unwrap_or_default();
        let words = layout.number_bytes.div_ceil(8);
        let y = self.residue.get_mut(..words).unwrap_or_default();
        from_bytes(y, s);
        let length = modulus.shifted.len() + modulus.quotient_words(8 * layout.number_bytes);
        let number = self.number.as_flattened_mut();
        let number = number.get_mut(..length).unwrap_or_default();
        shift_up(number, y, modulus.shift);
        divide(number, &modulus.shifted, modulus.reciprocal, |_| ());
        let rest = number.get(..modulus.shifted.len()).unwrap_or_default();
        let residue = self.residue.get_mut(..rest.len()).unwrap_or_default();
        shift_down(residue, rest, modulus.shift);
    }
}

/// Words beyond a half's own that a scratch has: y has up to 7 bytes more than a half, a message
/// 31, and S is whole blocks.
const ROOM_WORDS: usize = 6;

/// For halves of up to 576 bits.
const FEW_WORDS: usize = 9 + ROOM_WORDS;

/// For halves of up to [`HALF_BITS_MAX`].
const MANY_WORDS: usize = HALF_BITS_MAX / 64 + 1 + ROOM_WORDS;
