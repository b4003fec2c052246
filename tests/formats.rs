//! Every value of the corpora through its format, with a stand-in for the cipher: the rank moves
//! by a pseudo-random step within its domain.

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

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use counterfoil::domain::DomainSize;
use counterfoil::domain::Fidelity;
use counterfoil::domain::FidelityReason;
use counterfoil::domain::Plaintext;
use counterfoil::domain::Rank;
use counterfoil::domain::Recognition;
use counterfoil::domain::Token;
use counterfoil::format::Format;
use counterfoil::format::FormatKind;
use counterfoil::format::FormatSpec;
use counterfoil::format::Length;
use counterfoil::format::OutlineSize;
use counterfoil::format::Parsed;
use counterfoil::format::Residue;
use counterfoil::format::fold;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc;
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

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

/// Pseudo-random numbers. Source: Steele, Lea and Flood, SplitMix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A pseudo-random rank of the domain.
fn random_rank(domain: &DomainSize, state: &mut u64) -> Rank {
    loop {
        let mut limbs: Vec<u64> = domain.limbs().iter().map(|_| random(state)).collect();
        let top = limbs.last_mut().unwrap();
        *top >>= domain.limbs().last().unwrap().leading_zeros();
        let rank = Rank::from_limbs(Zeroizing::new(limbs));
        if rank.is_in(domain) {
            return rank;
        }
    }
}

/// `left + right`, or `left − right` modulo 2^(64 × limbs), with one limb more than the domain.
fn add(left: &[u64], right: &[u64], limbs_count: usize, is_negative: bool) -> Vec<u64> {
    let mut carry = is_negative;
    (0..limbs_count)
        .map(|place| {
            let addend = right.get(place).copied().unwrap_or(0);
            let addend = if is_negative { !addend } else { addend };
            let (sum, one) = left
                .get(place)
                .copied()
                .unwrap_or(0)
                .overflowing_add(addend);
            let (sum, other) = sum.overflowing_add(u64::from(carry));
            carry = one || other;
            sum
        })
        .collect()
}

/// The stand-in cipher: `rank + step mod N`, and back.
fn moved(rank: &Rank, step: &Rank, domain: &DomainSize, is_back: bool) -> Rank {
    let count = domain.limbs().len() + 1;
    let mut sum = add(rank.expose_limbs(), step.expose_limbs(), count, is_back);
    let is_negative = sum[count - 1] == u64::MAX;
    if is_negative {
        sum = add(&sum, domain.limbs(), count, false);
    }
    let moved = Rank::from_limbs(Zeroizing::new(sum.clone()));
    if moved.is_in(domain) {
        return moved;
    }
    Rank::from_limbs(Zeroizing::new(add(&sum, domain.limbs(), count, true)))
}

/// What applications do to a token.
fn mangled(token: &str) -> [String; 8] {
    [
        token.to_owned(),
        token.to_uppercase(),
        token.to_lowercase(),
        token.nfd().collect(),
        token
            .to_uppercase()
            .nfd()
            .collect::<String>()
            .to_lowercase(),
        token.replace(' ', "\u{a0}"),
        token.replace('\'', "’").replace('"', "”"),
        format!("  {} ", token.replace(' ', "  ").replace('\n', "\r\n")),
    ]
}

/// Makes a shape token, opens it in every spelling, and returns it.
fn shape_round_trip(format: &Format, parsed: &Parsed, state: &mut u64) -> String {
    let shaped = parsed.shaped().unwrap();
    let domain = shaped.slice.domain();
    assert!(domain.is_large_enough());
    let step = random_rank(domain, state);
    let token = shaped
        .slice
        .unrank(&moved(&shaped.rank, &step, domain, false))
        .unwrap()
        .unwrap();
    let text = token.expose().to_owned();
    assert!(is_nfc(&text));
    // Closure: the token read as a value is of the same slice.
    let again = format.parse(&Plaintext::new(text.clone())).unwrap();
    assert_eq!(again.shaped().unwrap().slice.tweak(), shaped.slice.tweak());
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    for spelling in mangled(&text) {
        assert_eq!(*fold(&spelling), *fold(&text), "{text}");
        let residue = Residue::from_bytes(Zeroizing::new(residue.expose().to_vec()));
        let read = format.read_token(&Token::new(spelling), &residue).unwrap();
        assert_eq!(read.slice.tweak(), shaped.slice.tweak());
        let rank = moved(&read.rank, &step, read.slice.domain(), true);
        assert!(rank.equals(&shaped.rank), "{text}");
        let value = format.restore(&read.slice, &rank, &residue).unwrap();
        let restored = format.parse(&value).unwrap();
        assert_eq!(restored.equality(), parsed.equality());
        let whole = parsed.residue(Fidelity::Outline).unwrap();
        assert_eq!(value.expose().as_bytes(), whole.expose());
    }
    text
}

fn outline_round_trip(format: &Format, parsed: &Parsed, state: &mut u64) -> String {
    let outlined = parsed.outlined();
    let token = loop {
        let rank = random_rank(&outlined.domain(OutlineSize::Small), state);
        if let Some(token) = outlined.unrank(OutlineSize::Small, &rank).unwrap() {
            break token;
        }
    };
    for spelling in mangled(token.expose()) {
        assert_eq!(*fold(&spelling), *fold(token.expose()));
        let recognition = format.recognize(&Token::new(spelling));
        assert_eq!(recognition, Recognition::Token);
    }
    let residue = parsed.residue(Fidelity::Outline).unwrap();
    let value = format.restore_outline(&residue).unwrap();
    assert_eq!(format.parse(&value).unwrap().equality(), parsed.equality());
    token.expose().to_owned()
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
                let token = shape_round_trip(&format, &parsed, &mut state);
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
                outline_round_trip(&format, &parsed, &mut state)
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
