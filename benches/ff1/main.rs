//! FF1 beside its floor and beside the `fpe` crate, and whether its time says anything about the
//! value. `cargo bench --bench ff1`.
//!
//! The floor is one AES-256 key schedule and the blocks that the standard needs for the value,
//! with those in a row that wait for each other.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod floor;
#[path = "../machine/mod.rs"]
mod machine;
mod timing;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use aes::Aes256;
use counterfoil::crypto::{Ff1, Ff1Message, KeyBytes, TokenKey};
use counterfoil::domain::{DomainSize, Rank};
use fpe::ff1::{FF1, FlexibleNumeralString};

use floor::Blocks;

fn main() -> Result<(), Box<dyn Error>> {
    let is_real_run = machine::is_real_run();
    println!("{}\n", machine::description());
    let rounds = if is_real_run { (31, 1_000) } else { (1, 1) };
    println!(
        "Nanoseconds for one value under a fresh key, with its key schedule: medians of {} rounds \
         of {} calls each, in turn. A batch has {BATCH_COUNT} values.",
        rounds.0, rounds.1
    );
    println!(
        "| domain | single | floor | single to floor | fpe | fpe to single | fpe to floor | batch \
         | single to batch |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for value in VALUES {
        value.print_row(rounds)?;
    }
    println!();
    print_surroundings(rounds)?;
    println!();
    timing::print_table(is_real_run)
}

/// A domain of radix^count values, of which the numerals are this radix and count, and the blocks
/// that the standard needs for a value of it with a tweak of 32 bytes.
struct Value {
    name: &'static str,
    radix: u32,
    count: u32,
    blocks: Blocks,
}

/// A round of a short value: its one block has everything that differs between the rounds.
const SHORT: Blocks = Blocks {
    common: 3,
    in_a_row: 1,
    further: 0,
};

const VALUES: [Value; 7] = [
    Value {
        name: "2^64",
        radix: 65_536,
        count: 4,
        blocks: SHORT,
    },
    Value {
        name: "2^96",
        radix: 65_536,
        count: 6,
        blocks: SHORT,
    },
    Value {
        name: "2^128",
        radix: 65_536,
        count: 8,
        blocks: SHORT,
    },
    Value {
        name: "2^192",
        radix: 65_536,
        count: 12,
        blocks: SHORT,
    },
    Value {
        name: "2^1024",
        radix: 65_536,
        count: 64,
        // Halves of 64 bytes with a byte for the round are 5 blocks, and S of 68 bytes is 5.
        blocks: Blocks {
            common: 3,
            in_a_row: 5,
            further: 4,
        },
    },
    Value {
        name: "26^12, a name",
        radix: 17_576,
        count: 4,
        blocks: SHORT,
    },
    Value {
        name: "60,000^8, an address",
        radix: 60_000,
        count: 8,
        blocks: SHORT,
    },
];

impl Value {
    fn print_row(&self, (rounds_count, calls_count): (u8, u32)) -> Result<(), Box<dyn Error>> {
        let domain = self.domain();
        let (mut singles, mut floors, mut crates, mut batches) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds_count {
            let key = [round; 32];
            let rank = self.rank(round);
            singles.push(nanoseconds(calls_count, || {
                let ff1 = Ff1::under(&KeyBytes::from_array(black_box(&key)));
                drop(black_box(ff1.encipher(&TWEAK, &rank, &domain)?));
                Ok(())
            })?);
            floors.push(nanoseconds(calls_count, || {
                floor::schedule_and_blocks(black_box(&key), &self.blocks);
                Ok(())
            })?);
            let numerals: Vec<u16> = (0..self.count).map(|_| u16::from(round)).collect();
            crates.push(nanoseconds(calls_count / 4 + 1, || {
                let fpe = FF1::<Aes256>::new(black_box(&key), self.radix)?;
                let input = FlexibleNumeralString::from(numerals.clone());
                let output = fpe.encrypt(&TWEAK, &input);
                drop(black_box(Vec::<u16>::from(output.map_err(|_| "refused")?)));
                Ok(())
            })?);
            batches.push(self.batch(round, calls_count, &domain)?);
        }
        let [single, floor, fpe, batch] =
            [singles, floors, crates, batches].map(|it| machine::median(&it));
        println!(
            "| {} | {single:.0} | {floor:.0} | {:.2} | {fpe:.0} | {:.1} | {:.1} | {batch:.0} \
             | {:.2} |",
            self.name,
            single / floor,
            fpe / single,
            fpe / floor,
            single / batch
        );
        Ok(())
    }

    /// Nanoseconds for one value of a batch.
    fn batch(
        &self,
        round: u8,
        calls_count: u32,
        domain: &DomainSize,
    ) -> Result<f64, Box<dyn Error>> {
        let ranks: Vec<Rank> = (0..BATCH_COUNT).map(|_| self.rank(round)).collect();
        let per_batch = nanoseconds(calls_count / BATCH_COUNT + 1, || {
            let keys = (0..BATCH_COUNT).map(|number| {
                let mut key = [round; 32];
                for (to, from) in key.iter_mut().zip(number.to_be_bytes()) {
                    *to = from;
                }
                Ff1::under(&KeyBytes::from_array(black_box(&key)))
            });
            let keys: Vec<Ff1> = keys.collect();
            let message = |(ff1, rank)| Ff1Message {
                ff1,
                tweak: &TWEAK,
                rank,
                domain,
            };
            let messages: Vec<Ff1Message<'_>> = keys.iter().zip(&ranks).map(message).collect();
            for image in Ff1::encipher_all(&messages) {
                drop(black_box(image?));
            }
            Ok(())
        })?;
        Ok(per_batch / f64::from(BATCH_COUNT))
    }

    fn domain(&self) -> DomainSize {
        let mut domain = DomainSize::one();
        (0..self.count).for_each(|_| domain.multiply(self.radix));
        domain
    }

    fn rank(&self, round: u8) -> Rank {
        let mut rank = Rank::zero(&self.domain());
        (0..self.count).for_each(|_| rank.multiply_add(self.radix, u32::from(round)));
        rank
    }
}

/// What a token costs around FF1 itself.
fn print_surroundings((rounds_count, calls_count): (u8, u32)) -> Result<(), Box<dyn Error>> {
    let (mut derived, mut under, mut unseen) = (Vec::new(), Vec::new(), Vec::new());
    let rank = Rank::from_u64(17);
    let mut size = 1_u64 << 60;
    for round in 0..rounds_count {
        let key = TokenKey::new(KeyBytes::from_array(&[round; 32]));
        derived.push(nanoseconds(calls_count, || {
            drop(black_box(Ff1::new(black_box(&key))));
            Ok(())
        })?);
        let key = KeyBytes::from_array(&[round; 32]);
        under.push(nanoseconds(calls_count, || {
            drop(black_box(Ff1::under(black_box(&key))));
            Ok(())
        })?);
        let ff1 = Ff1::under(&key);
        unseen.push(nanoseconds(calls_count, || {
            size += 1;
            let domain = DomainSize::from_u64(size);
            drop(black_box(ff1.encipher(&TWEAK, &rank, &domain)?));
            Ok(())
        })?);
    }
    println!("| around it | ns |\n|---|---|");
    for (name, figures) in [
        ("FF1's key from the token's key, and its schedule", &derived),
        ("the schedule alone", &under),
        (
            "a value of a domain whose size was not seen before, key kept",
            &unseen,
        ),
    ] {
        println!("| {name} | {:.0} |", machine::median(figures));
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn nanoseconds(
    calls_count: u32,
    mut call: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    for _ in 0..calls_count {
        call()?;
    }
    Ok(started.elapsed().as_secs_f64() * 1e9 / f64::from(calls_count))
}

/// As long as the vault's.
const TWEAK: [u8; 32] = [7; 32];

const BATCH_COUNT: u32 = 256;
