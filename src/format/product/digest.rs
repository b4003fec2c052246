//! The digest of a format: two specifications have one digest only if they mean the same.
//!
//! It is of what the specification means, not of how it is written: a class and an alphabet with
//! the same characters are one.

use sha2::Digest;
use sha2::Sha256;

use super::alphabet::Alphabet;
use super::check::Algorithm;
use super::check::Check;
use super::check::Complement;
use super::check::Output;
use super::check::Remainder;
use super::grammar::Form;
use super::grammar::Grammar;
use super::part::Body;
use super::part::Kept;
use super::part::Part;
use super::part::Run;
use super::set::Piece;
use super::set::Set;
use super::spec::CaseSpec;
use super::spec::CheckToken;

/// The digest of a grammar. Frozen with the format version.
pub(super) fn of(grammar: &Grammar) -> [u8; 16] {
    let mut writer = Writer(Sha256::new());
    writer.text(LABEL);
    writer.number(match grammar.spelling.case {
        CaseSpec::Keep => 0_u64,
        CaseSpec::Lower => 1,
        CaseSpec::Upper => 2,
    });
    writer.characters(&grammar.spelling.ignored);
    writer.list(&grammar.forms, Writer::form);
    let digest = writer.0.finalize();
    let mut first = [0; 16];
    for (byte, own) in first.iter_mut().zip(digest) {
        *byte = own;
    }
    first
}

/// Everything that it writes has its length before it, or has a fixed length.
struct Writer(Sha256);

impl Writer {
    fn number(&mut self, number: impl Into<u64>) {
        self.0.update(number.into().to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text);
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
    }

    fn characters(&mut self, characters: &[char]) {
        self.list(characters, |writer, &character| {
            writer.number(u32::from(character))
        });
    }

    fn form(&mut self, form: &Form) {
        self.list(&form.parts, Self::part);
    }

    fn part(&mut self, part: &Part) {
        self.number(u8::from(part.is_optional));
        match &part.body {
            Body::Check(check) => {
                self.number(0_u64);
                self.check(check);
            }
            Body::Kept(Kept::Run(run)) => {
                self.number(1_u64);
                self.run(run);
            }
            Body::Kept(Kept::Whole(set)) => {
                self.number(2_u64);
                self.set(set);
            }
            Body::Run(run) => {
                self.number(3_u64);
                self.run(run);
            }
            Body::Whole { value, token } => {
                self.number(4_u64);
                self.set(value);
                self.set(token);
            }
        }
    }

    fn run(&mut self, run: &Run) {
        self.count(run.length_least);
        self.count(run.length_most);
        self.alphabet(&run.value);
        self.alphabet(&run.token);
    }

    fn alphabet(&mut self, alphabet: &Alphabet) {
        self.characters(alphabet.characters());
    }

    fn set(&mut self, set: &Set) {
        match set {
            Set::Dates(dates) => {
                self.number(0_u64);
                self.list(dates.ranges(), |writer, &(first, last)| {
                    writer.number(first);
                    writer.number(last);
                });
                self.list(&dates.layout, |writer, piece| {
                    writer.number(match *piece {
                        Piece::Day => 0,
                        Piece::Month => 1,
                        Piece::Year => 2,
                        Piece::Separator { character, .. } => u32::from(character),
                    });
                });
            }
            Set::Integers(integers) => {
                self.number(1_u64);
                self.list(integers.ranges(), |writer, &(first, last)| {
                    writer.number(first);
                    writer.number(last);
                });
                self.count(integers.width.unwrap_or(0));
            }
            Set::Texts(texts) => {
                self.number(2_u64);
                self.list(texts.texts(), |writer, text| writer.text(text));
            }
            Set::Word(word) => {
                self.number(3_u64);
                self.alphabet(&word.alphabet);
                self.count(word.length());
            }
        }
    }

    fn check(&mut self, check: &Check) {
        self.algorithm(&check.algorithm);
        self.list(&check.over, |writer, &part| writer.count(part));
        self.count(check.values.characters.len());
        for (&character, &value) in &check.values.characters {
            self.number(u32::from(character));
            self.number(value);
        }
        self.count(check.values.texts.len());
        for (text, &value) in &check.values.texts {
            self.text(text);
            self.number(value);
        }
        match &check.output {
            Output::Digits(digits) => {
                self.number(0_u64);
                self.count(*digits);
            }
            Output::Symbols(symbols) => {
                self.number(1_u64);
                self.characters(symbols);
            }
        }
        self.number(match check.token {
            CheckToken::Right => 0_u64,
            CheckToken::Wrong => 1,
        });
    }

    fn algorithm(&mut self, algorithm: &Algorithm) {
        match algorithm {
            Algorithm::Damm => self.number(0_u64),
            Algorithm::Iban => self.number(1_u64),
            Algorithm::Luhn => self.number(2_u64),
            Algorithm::Mod11Radix10 => self.number(3_u64),
            Algorithm::Mod11Radix2 => self.number(4_u64),
            Algorithm::Mod97Radix10 => self.number(5_u64),
            Algorithm::Remainder(remainder) => {
                self.number(6_u64);
                self.remainder(*remainder);
            }
            Algorithm::Verhoeff => self.number(7_u64),
            Algorithm::Weighted { weights, remainder } => {
                self.number(8_u64);
                self.list(weights, |writer, &weight| writer.number(weight));
                self.remainder(*remainder);
            }
        }
    }

    fn remainder(&mut self, remainder: Remainder) {
        self.number(remainder.modulus);
        self.number(match remainder.complement {
            Complement::No => 0_u64,
            Complement::Number => 1,
            Complement::Symbol => 2,
        });
    }
}

const LABEL: &str = "counterfoil product format 1";
