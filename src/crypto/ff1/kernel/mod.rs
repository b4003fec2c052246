//! FF1 on integers: no numeral string, no heap, no library of big integers.
//!
//! FF1 halves a string X of n numerals into A and B and, ten times, adds a pseudo-random number
//! made of one half to the other half. Its numerals matter in two places only: NUM, which makes a
//! half the integer that it stands for, and STR, which makes it numerals again (algorithm 7, steps
//! 6i and 6vii). The steps in between are about the integer, so a half *is* the integer here from
//! the first round to the last: A = X div m and B = X mod m, with m = radix^v.
//!
//! What that leaves of a round is a block or more of AES, and y mod m, where y is the number of
//! the block. m is known long before the value is, so the division is three multiplications by its
//! reciprocal (`reciprocal`). P, and the tweak's part of Q, are the same in every round and are
//! enciphered once (`message`).
//!
//! | halves | modules | |
//! |---|---|---|
//! | equal, m below 2^64 | `lane`, `modulus::OneWord` | values of up to 128 bits |
//! | equal, m up to 2^96 | `lane`, `modulus::TwoWords` | values of up to 192 bits |
//! | all others, up to 8,192 bits | `long`, `limbs` | |
//!
//! **Time.** It depends on the radix, the counts of numerals and of bytes of the tweak, the size
//! of the domain, and how many steps a walk takes, all of which are public. It does not depend on
//! key, rank and tweak: no branch and no address is made of them, a comparison is a borrow and a
//! choice is a mask. `benches/ff1` looks for a difference by statistics.
//!
//! **Memory.** What the kernel keeps of a value is overwritten when it is dropped, and so are the
//! round keys. What a compiler leaves in registers and in places of the stack that it chooses is
//! beyond safe Rust.
//!
//! Source: NIST SP 800-38G (2016), algorithms 6, 7 and 8. Step numbers are those of algorithm 7.

mod interleaved;
mod lane;
mod limbs;
mod long;
mod long_layout;
mod message;
mod modulus;
mod number;
mod reciprocal;
mod words;

use aes::Aes256Enc;
use aes::cipher::BlockCipherEncrypt;
use aes::cipher::BlockSizeUser;
use aes::cipher::consts::U16;
use zeroize::Zeroizing;

use self::interleaved::LANES_COUNT;
use self::lane::Lane;
use self::lane::ShortLayout;
use self::long_layout::LongLayout;
use self::modulus::Modulus;
use self::modulus::OneWord;
use self::modulus::TwoWords;
use self::number::Number;
use super::Direction;

/// What is public of strings of so many numerals, with everything that can be computed of it
/// before a value is known.
#[derive(Clone, Debug)]
pub(super) struct Layout(Kind);

#[derive(Clone, Debug)]
enum Kind {
    /// Equal halves below 2^64.
    OneWord(ShortLayout<OneWord>),
    /// Equal halves of up to 96 bits.
    TwoWords(ShortLayout<TwoWords>),
    /// All others.
    Long(Box<LongLayout>),
}

/// One value to be enciphered or deciphered.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) layout: &'a Layout,
    pub(super) direction: Direction,
    pub(super) tweak: &'a [u8],
    /// The value's rank, below the size of the domain, least significant word first.
    pub(super) rank: &'a [u64],
    /// The size of the domain: at most radix^n.
    pub(super) domain: &'a [u64],
}

/// The words of a rank, least significant first, perhaps with zeros at the end.
pub(super) type Words = Zeroizing<Vec<u64>>;

impl Layout {
    /// The layout of strings of so many numerals. Nothing, if there are fewer than 2 of them, the
    /// radix is below 2, or a half is longer than 8,192 bits.
    ///
    /// Costs a division and a multiplication for each numeral of a half; both depend on nothing
    /// but radix and count.
    pub(super) fn of(radix: u32, count: u32) -> Option<Self> {
        if let Some(layout) = ShortLayout::of(radix, count) {
            return Some(Self(Kind::OneWord(layout)));
        }
        if let Some(layout) = ShortLayout::of(radix, count) {
            return Some(Self(Kind::TwoWords(layout)));
        }
        let layout = LongLayout::of(radix, count)?;
        Some(Self(Kind::Long(Box::new(layout))))
    }
}

/// FF1 of one value, again and again until its image is in the domain. Nothing, if the walk does
/// not end in [`WALK_STEPS_MAX`] steps.
pub(super) fn walk<C>(cipher: &C, job: Job<'_>) -> Option<Words>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    match &job.layout.0 {
        Kind::OneWord(layout) => walk_alone(cipher, layout, job),
        Kind::TwoWords(layout) => walk_alone(cipher, layout, job),
        Kind::Long(layout) => {
            let mut rank = layout.room();
            for (to, from) in rank.iter_mut().zip(job.rank) {
                *to = *from;
            }
            long::walk(cipher, layout, job, &mut rank).then_some(rank)
        }
    }
}

fn walk_alone<C, M>(cipher: &C, layout: &ShortLayout<M>, job: Job<'_>) -> Option<Words>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
    M: Modulus,
{
    let mut lane = lane_of(layout, job)?;
    lane::walk(cipher, &mut lane);
    words_of(&lane)
}

/// FF1 of many values, each under a key of its own, in any order; `arrive` takes each result with
/// the position of its job. Values whose halves are short go four at a time.
pub(super) fn walk_all<'a>(
    jobs: &[(&'a Aes256Enc, Job<'a>)],
    mut arrive: impl FnMut(usize, Option<Words>),
) {
    let (mut one_word, mut two_words) = (Vec::new(), Vec::new());
    for (position, (cipher, job)) in jobs.iter().enumerate() {
        match &job.layout.0 {
            Kind::OneWord(layout) => one_word.push((position, *cipher, layout, *job)),
            Kind::TwoWords(layout) => two_words.push((position, *cipher, layout, *job)),
            Kind::Long(_) => arrive(position, walk(*cipher, *job)),
        }
    }
    walk_in_step(&one_word, &mut arrive);
    walk_in_step(&two_words, &mut arrive);
}

type Placed<'a, M> = (usize, &'a Aes256Enc, &'a ShortLayout<M>, Job<'a>);

fn walk_in_step<M: Modulus>(
    placed: &[Placed<'_, M>],
    arrive: &mut impl FnMut(usize, Option<Words>),
) {
    let (together, alone) = placed.as_chunks::<LANES_COUNT>();
    for four in together {
        let lanes = four
            .each_ref()
            .map(|(_, cipher, layout, job)| lane_of(layout, *job).map(|lane| (*cipher, lane)));
        let [Some(a), Some(b), Some(c), Some(d)] = lanes else {
            // A rank or a domain longer than its layout, which nobody makes.
            four.iter()
                .for_each(|(position, ..)| arrive(*position, None));
            continue;
        };
        let mut lanes = [a, b, c, d];
        interleaved::walk_together(&mut lanes);
        for ((position, ..), (_, lane)) in four.iter().zip(&lanes) {
            arrive(*position, words_of(lane));
        }
    }
    for (position, cipher, _, job) in alone {
        arrive(*position, walk(*cipher, *job));
    }
}

#[inline(always)]
fn lane_of<'a, M: Modulus>(layout: &'a ShortLayout<M>, job: Job<'a>) -> Option<Lane<'a, M>> {
    let rank = Number::from_limbs(job.rank)?;
    let domain = Number::from_limbs(job.domain)?;
    Some(Lane::new(layout, job.direction, job.tweak, rank, domain))
}

fn words_of<M: Modulus>(lane: &Lane<'_, M>) -> Option<Words> {
    let number = lane.arrived()?;
    Some(Zeroizing::new(number.limbs().to_vec()))
}

/// How many steps a walk may take. Each leaves the domain with a chance of at most 1 in 25.
pub(super) const WALK_STEPS_MAX: u32 = 64;
