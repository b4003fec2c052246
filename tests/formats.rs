//! Every value of the corpora through its format, with a stand-in for the cipher.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "formats/parts.rs"]
mod parts;
mod round_trip;
#[path = "formats/table.rs"]
mod table;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use counterfoil::domain::Fidelity;
use counterfoil::domain::FidelityReason;
use counterfoil::domain::Plaintext;
use counterfoil::domain::Recognition;
use counterfoil::domain::Token;
use counterfoil::format::Format;
use counterfoil::format::FormatKind;
use counterfoil::format::FormatSpec;
use counterfoil::format::Length;
use round_trip::assert_closed;
use round_trip::mangled;
use round_trip::outline_round_trip;
use round_trip::shape_round_trip;
use unicode_segmentation::UnicodeSegmentation;

const NAMES: &str = include_str!("corpora/names.tsv");
const ADDRESSES: &str = include_str!("corpora/addresses.tsv");
const EMAILS: &str = include_str!("corpora/emails.tsv");
const CUSTOMERS: &str = include_str!("corpora/customers.csv");
const CUSTOMERS_COUNT: usize = 3_200;

/// The rows of a corpus: the source up to its first colon, and the value without escapes.
fn rows(corpus: &str) -> impl Iterator<Item = (&str, String)> {
    corpus.lines().map(|line| {
        let (source, value) = line.split_once('\t').unwrap();
        let value = value
            .replace("\\\\", "\0")
            .replace("\\n", "\n")
            .replace("\\t", "\t");
        (source.split(':').next().unwrap(), value.replace('\0', "\\"))
    })
}

fn format(kind: FormatKind) -> Format {
    format_with(kind, Length::Exact)
}

fn format_with(kind: FormatKind, length: Length) -> Format {
    let token_domain = (kind == FormatKind::Email).then(|| "tok.acme.example".to_owned());
    Format::new(FormatSpec {
        token_domain,
        length,
        ..FormatSpec::new(kind)
    })
    .unwrap()
}

/// What became of the values of a source.
#[derive(Clone, Copy, Default)]
struct Shares {
    rejected: u32,
    shape: u32,
    too_small: u32,
    unrepresentable: u32,
    residue_bytes: usize,
}

impl Shares {
    /// Shape, too small, not representable, in percent of the accepted values.
    fn percent(self) -> [f64; 3] {
        let accepted = f64::from(self.shape + self.too_small + self.unrepresentable);
        [self.shape, self.too_small, self.unrepresentable]
            .map(|count| 100.0 * f64::from(count) / accepted)
    }
}

/// Round trip for every accepted value. Returns the shares of the whole corpus.
fn walk(kind: FormatKind, corpus: &str, check: impl Fn(&str, &str)) -> Shares {
    walk_with(kind, Length::Exact, corpus, check)
}

fn walk_with(kind: FormatKind, length: Length, corpus: &str, check: impl Fn(&str, &str)) -> Shares {
    let format = format_with(kind, length);
    let mut state = 1;
    let mut sources = BTreeMap::<&str, Shares>::new();
    for (source, value) in rows(corpus) {
        let recognition = format.recognize(&Token::new(value.clone()));
        assert_ne!(recognition, Recognition::Token, "real value with a mark");
        let shares = sources.entry(source).or_default();
        let Ok(parsed) = format.parse(&Plaintext::new(value.clone())) else {
            shares.rejected += 1;
            continue;
        };
        let token = match parsed.preferred() {
            (Fidelity::Shape, FidelityReason::Configured) => {
                shares.shape += 1;
                shares.residue_bytes += parsed.residue(Fidelity::Shape).unwrap().expose().len();
                let token = shape_round_trip(&format, &parsed, &mut state, mangled);
                assert_closed(&format, &parsed, &token);
                if kind != FormatKind::Email && length == Length::Exact {
                    let canonical = str::from_utf8(parsed.equality()).unwrap();
                    assert_eq!(
                        token.graphemes(true).count(),
                        canonical.graphemes(true).count()
                    );
                }
                token
            }
            (Fidelity::Outline, reason) => {
                match reason {
                    FidelityReason::DomainTooSmall => shares.too_small += 1,
                    _ => shares.unrepresentable += 1,
                }
                outline_round_trip(&format, &parsed, &mut state, mangled)
            }
            _ => panic!("not asked for"),
        };
        assert_ne!(token, value);
        check(&value, &token);
    }
    let mut all = Shares::default();
    for (source, shares) in &sources {
        print_shares(source, *shares);
        all.rejected += shares.rejected;
        all.shape += shares.shape;
        all.too_small += shares.too_small;
        all.unrepresentable += shares.unrepresentable;
        all.residue_bytes += shares.residue_bytes;
    }
    print_shares("all", all);
    all
}

fn print_shares(source: &str, shares: Shares) {
    let [shape, too_small, unrepresentable] = shares.percent();
    println!(
        "{source:24} shape {shape:5.1} %, too small {too_small:5.1} %, not representable \
         {unrepresentable:5.1} %, rejected {:4}, residue {:5.1} bytes",
        shares.rejected,
        f64::from(u32::try_from(shares.residue_bytes).unwrap()) / f64::from(shares.shape.max(1)),
    );
}

fn assert_near(measured: f64, expected: f64) {
    assert!(
        (measured - expected).abs() <= 2.0,
        "{measured:.1} % is far from {expected} %"
    );
}

#[test]
fn names_round_trip() {
    let all = walk(FormatKind::Name, NAMES, |_, _| {});
    let [shape, too_small, unrepresentable] = all.percent();
    assert_near(shape, 88.8);
    assert_near(too_small, 5.7);
    assert_near(unrepresentable, 5.4);
    assert_eq!(all.rejected, 0);
}

#[test]
fn addresses_round_trip() {
    let all = walk(FormatKind::Address, ADDRESSES, |_, _| {});
    let [shape, _, _] = all.percent();
    assert_near(shape, 97.5);
    assert_eq!(all.rejected, 0);
}

#[test]
fn addresses_round_trip_as_free_texts() {
    let all = walk(FormatKind::Text, ADDRESSES, |_, _| {});
    assert_near(all.percent()[0], 97.5);
    assert_eq!(all.rejected, 0);
}

#[test]
fn values_round_trip_with_hidden_lengths() {
    for (kind, corpus, shape) in [
        (FormatKind::Name, NAMES, 93.8),
        (FormatKind::Address, ADDRESSES, 97.1),
        (FormatKind::Email, EMAILS, 95.0),
        (FormatKind::Text, ADDRESSES, 97.1),
    ] {
        let all = walk_with(kind, Length::Bucket, corpus, |_, token| {
            assert!(kind != FormatKind::Email || token.ends_with("@tok.acme.example"));
        });
        assert_near(all.percent()[0], shape);
    }
}

/// Goal: hidden lengths make a shape less of a fingerprint. Method: the share of distinct full
/// names and addresses that no other one of their corpus shares its slice with.
#[test]
fn fewer_shapes_are_unique_with_hidden_lengths() {
    for (kind, corpus) in [(FormatKind::Name, NAMES), (FormatKind::Address, ADDRESSES)] {
        let is_full = |value: &String| kind == FormatKind::Address || value.contains(' ');
        let values: BTreeSet<String> = rows(corpus).map(|row| row.1).filter(is_full).collect();
        let [exact, bucket] = [Length::Exact, Length::Bucket].map(|length| {
            let format = format_with(kind, length);
            let mut slices = BTreeMap::<Vec<u8>, u32>::new();
            let parsed = values.iter().map(|value| {
                let parsed = format.parse(&Plaintext::new(value.clone())).unwrap();
                parsed.shaped().ok().map(|it| it.slice.tweak().to_vec())
            });
            for tweak in parsed.flatten() {
                *slices.entry(tweak).or_default() += 1;
            }
            let count = |count: usize| f64::from(u32::try_from(count).unwrap());
            let unique = slices.values().filter(|&&count| count == 1).count();
            100.0 * count(unique) / f64::from(slices.values().sum::<u32>())
        });
        println!("{kind:?} of a unique shape: {exact:.1} %, {bucket:.1} % with hidden lengths");
        assert!(bucket < 0.75 * exact);
    }
}

#[test]
fn emails_round_trip_under_the_token_domain() {
    walk(FormatKind::Email, EMAILS, |_, token| {
        assert!(token.is_ascii() && token.len() <= 254);
        assert!(token.ends_with("@tok.acme.example"));
        assert!(email_address::EmailAddress::is_valid(token), "{token}");
    });
}

/// Goal: what is refused is what others refuse. Method: the verdicts of isemail's own test set;
/// comments, folding white space and address literals are refused by choice.
#[test]
fn emails_fare_as_isemail_says() {
    let format = format(FormatKind::Email);
    for line in EMAILS.lines().filter(|line| line.starts_with("isemail")) {
        let (source, value) = line.split_once('\t').unwrap();
        // The set shows control characters as pictures, U+2400 to U+241F.
        let value: String = value
            .replace("\\\\", "\\")
            .chars()
            .map(|shown| match u32::from(shown) {
                picture @ 0x2400..=0x241f => char::from_u32(picture - 0x2400).unwrap(),
                _ => shown,
            })
            .collect();
        let is_accepted = format.parse(&Plaintext::new(value.clone())).is_ok();
        match source.split_once(':').unwrap().1 {
            "VALID_CATEGORY" | "DNSWARN" => assert!(is_accepted, "{value}"),
            "ERR" => assert!(!is_accepted || !value.is_ascii(), "{value}"),
            "CFWS" | "DEPREC" | "RFC5322" => assert!(!is_accepted, "{value}"),
            _ => {}
        }
    }
}

/// Goal: `customers.csv` is what `SOURCES.md` says. Method: the procedure described there.
#[test]
fn customers_are_made_from_the_corpora() {
    let values = |kind, corpus, sources: &'static [&str], is_wanted: fn(&str) -> bool| {
        let format = format(kind);
        rows(corpus)
            .filter(|(source, value)| sources.contains(source) && is_wanted(value))
            .map(|(_, value)| value)
            .filter(|value| format.parse(&Plaintext::new(value.clone())).is_ok())
            .collect::<Vec<String>>()
    };
    let is_full = |name: &str| name.contains(' ') || !name.is_ascii();
    let names = values(
        FormatKind::Name,
        NAMES,
        &["probablepeople", "faker"],
        is_full,
    );
    let sources = &["faker", "random-address", "dad-tool"];
    let addresses = values(FormatKind::Address, ADDRESSES, sources, |_| true);
    let emails = values(FormatKind::Email, EMAILS, &["faker"], |_| true);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["id", "name", "address", "email"])
        .unwrap();
    for row in 0..CUSTOMERS_COUNT {
        let pick = |values: &[String], step: usize| values[row * step % values.len()].clone();
        let id = format!("cus_{:05}", row + 1);
        let record = [
            id,
            pick(&names, 997),
            pick(&addresses, 613),
            pick(&emails, 389),
        ];
        writer.write_record(record).unwrap();
    }
    let made = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    println!(
        "{} names, {} addresses, {} e-mails",
        names.len(),
        addresses.len(),
        emails.len()
    );
    assert!(
        made == CUSTOMERS,
        "customers.csv is not what the procedure makes"
    );
}
