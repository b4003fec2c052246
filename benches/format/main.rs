//! What a format costs beside its cipher: values to ranks, ranks to tokens, and back. `cargo bench
//! --bench format`.
//!
//! The values are those of `tests/corpora`, as many as get a token of their shape. FF1 is one value
//! of the same slice under a key that is there already, so that the table says which of the two a
//! token's time is.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../machine/mod.rs"]
mod machine;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use counterfoil::crypto::{Ff1, KeyBytes};
use counterfoil::domain::{Fidelity, Plaintext, Token};
use counterfoil::format::{
    CardKeep, Format, FormatKind, FormatSpec, IdentifierSpec, Length, Mode, OnInvalid, Residue,
    Shaped,
};

fn main() -> Result<(), Box<dyn Error>> {
    let rounds_count = if machine::is_real_run() { 15 } else { 1 };
    println!("{}\n", machine::description());
    println!(
        "Nanoseconds for one value: medians of {rounds_count} rounds over all values, in turn."
    );
    println!("| format | values | bytes | to rank | to token | from token | to value | FF1 |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, format, values) in corpora()? {
        Case::new(&format, &values).print_row(name, rounds_count)?;
    }
    println!("\nThe same for addresses, by their length.");
    println!("| bytes up to | values | bytes | to rank | to token | from token | to value | FF1 |");
    println!("|---|---|---|---|---|---|---|---|");
    let format = text(FormatKind::Text, Length::Exact)?;
    let mut above = 0;
    for bytes_max in [16, 32, 64, 128, 256, 512] {
        let values = lengthened(above, bytes_max);
        above = bytes_max;
        Case::new(&format, &values).print_row(&bytes_max.to_string(), rounds_count)?;
    }
    Ok(())
}

/// A format, and what it is measured with.
struct Case<'a> {
    format: &'a Format,
    values: Vec<Value>,
}

/// A value, and what is made of it on its way to a token and back.
struct Value {
    plaintext: Plaintext,
    shaped: Shaped,
    residue: Residue,
    token: Token,
    bytes: usize,
}

impl<'a> Case<'a> {
    /// Values that get an outline, or none, are left out.
    fn new(format: &'a Format, texts: &[String]) -> Self {
        let values = texts.iter().filter_map(|text| Value::new(format, text));
        Self {
            format,
            values: values.collect(),
        }
    }

    fn print_row(&self, name: &str, rounds_count: usize) -> Result<(), Box<dyn Error>> {
        let ff1 = Ff1::under(&KeyBytes::from_array(&[7; 32]));
        let mut figures: [Vec<f64>; 5] = Default::default();
        for _ in 0..rounds_count {
            let round = [
                self.each(|value| {
                    drop(black_box(self.format.parse(black_box(&value.plaintext))?));
                    Ok(())
                })?,
                self.each(|value| {
                    let Shaped { slice, rank } = &value.shaped;
                    drop(black_box(slice.unrank(black_box(rank))?));
                    Ok(())
                })?,
                self.each(|value| {
                    let (token, residue) = (black_box(&value.token), &value.residue);
                    drop(black_box(self.format.read_token(token, residue)?));
                    Ok(())
                })?,
                self.each(|value| {
                    let Shaped { slice, rank } = &value.shaped;
                    let value = self
                        .format
                        .restore(slice, black_box(rank), &value.residue)?;
                    drop(black_box(value));
                    Ok(())
                })?,
                self.each(|value| {
                    let Shaped { slice, rank } = &value.shaped;
                    drop(black_box(ff1.encipher(&TWEAK, rank, slice.domain())?));
                    Ok(())
                })?,
            ];
            for (all, figure) in figures.iter_mut().zip(round) {
                all.push(figure);
            }
        }
        let bytes: usize = self.values.iter().map(|value| value.bytes).sum();
        let count = self.values.len();
        print!("| {name} | {count} | {} |", bytes / count.max(1));
        for all in &figures {
            print!(" {:.0} |", machine::median(all));
        }
        println!();
        Ok(())
    }

    /// Nanoseconds of a call, over all values.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    fn each(
        &self,
        mut call: impl FnMut(&Value) -> Result<(), Box<dyn Error>>,
    ) -> Result<f64, Box<dyn Error>> {
        let started = Instant::now();
        for value in &self.values {
            call(value)?;
        }
        let count = u32::try_from(self.values.len())?;
        Ok(started.elapsed().as_secs_f64() * 1e9 / f64::from(count.max(1)))
    }
}

impl Value {
    fn new(format: &Format, text: &str) -> Option<Self> {
        let plaintext = Plaintext::new(text.to_owned());
        let parsed = format.parse(&plaintext).ok()?;
        if parsed.preferred().0 != Fidelity::Shape {
            return None;
        }
        let residue = parsed.residue(Fidelity::Shape).ok()?;
        // A place that every slice of a shape has; checks may leave it without a text.
        let token = parsed
            .shaped()
            .ok()?
            .slice
            .unrank(&parsed.shaped().ok()?.rank);
        let token = token.ok()??;
        let shaped = format.read_token(&token, &residue).ok()?;
        Some(Self {
            plaintext,
            shaped,
            residue,
            token,
            bytes: text.len(),
        })
    }
}

/// A name, a format, and texts to make values of.
type Corpus = (&'static str, Format, Vec<String>);

/// Each format with the values of its corpus.
fn corpora() -> Result<Vec<Corpus>, Box<dyn Error>> {
    let shape = |spec| Format::identifier(&spec, Fidelity::Shape, OnInvalid::Reject);
    let phones = IdentifierSpec::Phone {
        region: Some("US".to_owned()),
        mode: Mode::Marked,
    };
    let cards = IdentifierSpec::Card {
        keep: CardKeep::Last4,
        mode: Mode::Marked,
    };
    Ok(vec![
        (
            "names",
            text(FormatKind::Name, Length::Exact)?,
            column(NAMES),
        ),
        (
            "names, `bucket`",
            text(FormatKind::Name, Length::Bucket)?,
            column(NAMES),
        ),
        (
            "addresses",
            text(FormatKind::Address, Length::Exact)?,
            column(ADDRESSES),
        ),
        (
            "addresses, `bucket`",
            text(FormatKind::Address, Length::Bucket)?,
            column(ADDRESSES),
        ),
        (
            "e-mails",
            text(FormatKind::Email, Length::Exact)?,
            column(EMAILS),
        ),
        ("phone numbers", shape(phones)?, column(PHONES)),
        ("cards", shape(cards)?, column(CARDS)),
    ])
}

fn text(kind: FormatKind, length: Length) -> Result<Format, Box<dyn Error>> {
    let token_domain = (kind == FormatKind::Email).then(|| "token.example".to_owned());
    Ok(Format::new(FormatSpec {
        token_domain,
        length,
        ..FormatSpec::new(kind)
    })?)
}

/// The second column of each line.
fn column(lines: &str) -> Vec<String> {
    let lines = lines.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(_, value)| value.to_owned()).collect()
}

/// Addresses one after the other, as many of them as give texts between these lengths.
fn lengthened(above: usize, bytes_max: usize) -> Vec<String> {
    let mut texts = Vec::new();
    let mut text = String::new();
    for address in column(ADDRESSES) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&address);
        if text.len() > bytes_max {
            text.clear();
        } else if text.len() > above {
            texts.push(std::mem::take(&mut text));
        }
    }
    texts
}

const ADDRESSES: &str = include_str!("../../tests/corpora/addresses.tsv");
const CARDS: &str = include_str!("../../tests/corpora/cards.tsv");
const EMAILS: &str = include_str!("../../tests/corpora/emails.tsv");
const NAMES: &str = include_str!("../../tests/corpora/names.tsv");
const PHONES: &str = include_str!("../../tests/corpora/phones.tsv");

/// As long as the vault's.
const TWEAK: [u8; 32] = [7; 32];
