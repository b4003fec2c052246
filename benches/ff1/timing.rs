//! Whether the time of FF1 says anything about the value: a statistical test, as dudect does it.
//!
//! Two classes of values are measured in random order: one and the same value, and random ones.
//! If the time depends on nothing but public sizes, the two classes have one mean. Welch's t says
//! how far apart their means are, in standard errors; the slowest measurements are left out, since
//! they are the machine's interruptions. That a difference would be seen is shown by an FF1 that
//! takes one block of AES more for an odd rank.
//!
//! Source: Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", DATE 2017.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use aes::Aes256Enc;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use counterfoil::crypto::{Entropy, Ff1, KeyBytes, SystemEntropy};
use counterfoil::domain::{DomainSize, Rank};

/// Prints t of each kind of layout.
///
/// # Errors
///
/// If the planted difference is not found: then the other figures mean nothing.
pub(crate) fn print_table(is_real_run: bool) -> Result<(), Box<dyn Error>> {
    let measurements_count = if is_real_run { 200_000 } else { 100 };
    println!(
        "Welch's t of one value against random values, each measured {measurements_count} times \
         in all; beyond {T_MAX} the time depends on the value."
    );
    println!("| domain | encipher | decipher |\n|---|---|---|");
    let ff1 = Ff1::under(&KeyBytes::generate(&SystemEntropy));
    for words in [1, 2, 3, 4, 16] {
        let classes = Classes::new(words, measurements_count);
        let enciphered =
            classes.t(|rank| drop(black_box(ff1.encipher(&TWEAK, rank, &classes.domain))));
        let deciphered =
            classes.t(|rank| drop(black_box(ff1.decipher(&TWEAK, rank, &classes.domain))));
        let bits = 64 * words;
        println!("| 2^{bits} | {enciphered:.1} | {deciphered:.1} |");
    }
    let classes = Classes::new(2, measurements_count);
    let cipher = Aes256Enc::new(&[7; 32].into());
    let planted = classes.t(|rank| {
        drop(black_box(ff1.encipher(&TWEAK, rank, &classes.domain)));
        if rank
            .expose_limbs()
            .first()
            .is_some_and(|limb| limb % 2 == 1)
        {
            let mut block = Array::from([0; 16]);
            cipher.encrypt_block(&mut block);
            black_box(block);
        }
    });
    println!("| 2^128, with a planted difference | {planted:.1} | |");
    if is_real_run && planted.abs() <= T_MAX {
        return Err(
            "the planted difference was not found: measure again, without neighbours".into(),
        );
    }
    Ok(())
}

/// Values in random order, with the class of each.
struct Classes {
    domain: DomainSize,
    values: Vec<(Class, Rank)>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Class {
    Fixed,
    Random,
}

impl Classes {
    /// Values of so many words. The fixed one is even, and each time another copy, so that it is
    /// not nearer to the processor than the random ones.
    fn new(words: usize, count: usize) -> Self {
        let mut domain = DomainSize::one();
        (0..4 * words).for_each(|_| domain.multiply(1 << 16));
        let value = |_| {
            let mut class = [0];
            SystemEntropy.fill(&mut class);
            let mut bytes = vec![0xa6; 8 * words];
            let class = if class.iter().all(|byte| byte % 2 == 0) {
                SystemEntropy.fill(&mut bytes);
                Class::Random
            } else {
                Class::Fixed
            };
            (class, rank(&domain, &bytes))
        };
        let values = (0..count).map(value).collect();
        Self { domain, values }
    }

    /// Welch's t of the two classes' times.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    fn t(&self, call: impl Fn(&Rank)) -> f64 {
        let measure = |(class, rank): &(Class, Rank)| {
            let started = Instant::now();
            for _ in 0..CALLS_COUNT {
                call(black_box(rank));
            }
            (*class, started.elapsed().as_secs_f64() * 1e9)
        };
        // What runs first is slower, whatever it is.
        self.values.iter().take(1_000).map(measure).for_each(drop);
        let measurements: Vec<(Class, f64)> = self.values.iter().map(measure).collect();
        let mut times: Vec<f64> = measurements.iter().map(|(_, time)| *time).collect();
        times.sort_by(f64::total_cmp);
        let longest = times.get(times.len() * 9 / 10).copied().unwrap_or(f64::MAX);
        let of = |wanted: Class| {
            let kept = measurements.iter().filter(|(_, time)| *time <= longest);
            Sample::of(
                kept.filter(|(class, _)| *class == wanted)
                    .map(|(_, time)| *time),
            )
        };
        let (fixed, random) = (of(Class::Fixed), of(Class::Random));
        let error = (fixed.variance / fixed.count + random.variance / random.count).sqrt();
        (fixed.mean - random.mean) / error
    }
}

struct Sample {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    /// Welford's way: one pass, and no difference of large squares.
    fn of(times: impl Iterator<Item = f64>) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for time in times {
            count += 1.0;
            let difference = time - mean;
            mean += difference / count;
            squares += difference * (time - mean);
        }
        Self {
            count,
            mean,
            variance: squares / (count - 1.0),
        }
    }
}

/// The number of these bytes.
fn rank(domain: &DomainSize, bytes: &[u8]) -> Rank {
    let mut rank = Rank::zero(domain);
    for byte in bytes {
        rank.multiply_add(256, u32::from(*byte));
    }
    rank
}

/// How many calls one measurement is, so that the clock's steps are small beside it.
const CALLS_COUNT: usize = 4;

/// dudect's own bound.
const T_MAX: f64 = 10.0;

const TWEAK: [u8; 32] = [7; 32];
