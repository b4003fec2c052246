//! FF1 beside its floor: one AES-256 key schedule and ten blocks, each of which waits for the one
//! before. `cargo bench --bench ff1`.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../machine/mod.rs"]
mod machine;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use aes::Aes256;
use aes::cipher::{Block, BlockCipherEncrypt, KeyInit};
use counterfoil::crypto::{Ff1, KeyBytes, TokenKey};
use counterfoil::domain::{DomainSize, Rank};

fn main() -> Result<(), Box<dyn Error>> {
    let (rounds_count, calls_count) = if machine::is_real_run() {
        (31, 2_000)
    } else {
        (1, 1)
    };
    println!("{}", machine::description());
    println!("medians of {rounds_count} rounds of {calls_count} calls each, in turn");
    println!("| domain | Ff1::new and encipher | schedule and ten blocks | ratio |");
    println!("|---|---|---|---|");
    for bits in [64, 96, 128, 192] {
        let (mut enciphers, mut floors) = (Vec::new(), Vec::new());
        let domain = domain(bits);
        for round in 0..rounds_count {
            let key = TokenKey::new(KeyBytes::from_array(&[round; 32]));
            let rank = Rank::from_u64(u64::from(round) * 31 + 17);
            // A fresh key each time: a token has a key of its own.
            enciphers.push(nanoseconds(calls_count, || {
                let cipher = Ff1::new(black_box(&key));
                drop(black_box(cipher.encipher(&TWEAK, &rank, &domain)?));
                Ok(())
            })?);
            floors.push(nanoseconds(calls_count, || {
                ten_blocks(black_box([round; 32]));
                Ok(())
            })?);
        }
        let (encipher, floor) = (machine::median(&enciphers), machine::median(&floors));
        println!(
            "| {bits} bits | {encipher:.0} ns | {floor:.0} ns | {:.1} |",
            encipher / floor
        );
    }
    Ok(())
}

fn ten_blocks(key: [u8; 32]) {
    let cipher = Aes256::new(&key.into());
    let mut block = Block::<Aes256>::default();
    for _ in 0..10 {
        cipher.encrypt_block(&mut block);
    }
    black_box(block);
}

/// The domain with 2^bits values.
fn domain(bits: u32) -> DomainSize {
    let mut domain = DomainSize::one();
    for _ in 0..bits {
        domain.multiply(2);
    }
    domain
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
