//! What every token promises, asserted with a stand-in for the cipher: the rank moves by a
//! pseudo-random step within its domain. Tests of formats and fuzz targets share it.

pub(crate) mod parts;

use counterfoil::domain::DomainSize;
use counterfoil::domain::Fidelity;
use counterfoil::domain::Plaintext;
use counterfoil::domain::Rank;
use counterfoil::domain::Recognition;
use counterfoil::domain::Token;
use counterfoil::format::Format;
use counterfoil::format::OutlineSize;
use counterfoil::format::Parsed;
use counterfoil::format::Residue;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc;
use zeroize::Zeroizing;

/// Pseudo-random numbers. Source: Steele, Lea and Flood, SplitMix64.
pub(crate) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A pseudo-random rank of the domain.
pub(crate) fn random_rank(domain: &DomainSize, state: &mut u64) -> Rank {
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
pub(crate) fn moved(rank: &Rank, step: &Rank, domain: &DomainSize, is_back: bool) -> Rank {
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
pub(crate) fn mangled(token: &str) -> Vec<String> {
    vec![
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

/// Makes a shape token, opens it in every spelling that it comes back in, and returns it.
pub(crate) fn shape_round_trip(
    format: &Format,
    parsed: &Parsed,
    state: &mut u64,
    spellings: impl Fn(&str) -> Vec<String>,
) -> String {
    let shaped = parsed.shaped().unwrap();
    let domain = shaped.slice.domain();
    assert!(domain.is_large_enough());
    let (step, token) = (0..DRAWS_MAX)
        .find_map(|_| {
            let step = random_rank(domain, state);
            let rank = moved(&shaped.rank, &step, domain, false);
            Some((step, shaped.slice.unrank(&rank).unwrap()?))
        })
        .unwrap();
    let text = token.expose().to_owned();
    assert!(is_nfc(&text));
    let residue = parsed.residue(Fidelity::Shape).unwrap();
    for spelling in spellings(&text) {
        assert_eq!(*format.fold(&spelling), *format.fold(&text), "{text}");
        let residue = Residue::from_bytes(Zeroizing::new(residue.expose().to_vec()));
        let read = format.read_token(&Token::new(spelling), &residue).unwrap();
        assert_eq!(read.slice.tweak(), shaped.slice.tweak());
        let rank = moved(&read.rank, &step, read.slice.domain(), true);
        assert!(rank.equals(&shaped.rank), "{text}");
        let value = format.restore(&read.slice, &rank, &residue).unwrap();
        let restored = format.parse(&value).unwrap();
        assert_eq!(restored.equality(), parsed.equality());
        assert_eq!(value.expose(), parsed.canonical());
    }
    text
}

/// Closure: a token of a text, read as a value, is of the same slice.
pub(crate) fn assert_closed(format: &Format, parsed: &Parsed, token: &str) {
    let again = format.parse(&Plaintext::new(token.to_owned())).unwrap();
    let tweak = parsed.shaped().unwrap().slice.tweak();
    assert_eq!(again.shaped().unwrap().slice.tweak(), tweak);
}

/// Draws an outline, looks at it in every spelling that it comes back in, and returns it.
pub(crate) fn outline_round_trip(
    format: &Format,
    parsed: &Parsed,
    state: &mut u64,
    spellings: impl Fn(&str) -> Vec<String>,
) -> String {
    let outlined = parsed.outlined();
    let token = loop {
        let rank = random_rank(&outlined.domain(OutlineSize::Small), state);
        if let Some(token) = outlined.unrank(OutlineSize::Small, &rank).unwrap() {
            break token;
        }
    };
    for spelling in spellings(token.expose()) {
        assert_eq!(*format.fold(&spelling), *format.fold(token.expose()));
        let recognition = format.recognize(&Token::new(spelling));
        assert_eq!(recognition, Recognition::Token);
    }
    let residue = parsed.residue(Fidelity::Outline).unwrap();
    let value = format.restore_outline(&residue).unwrap();
    assert_eq!(format.parse(&value).unwrap().equality(), parsed.equality());
    token.expose().to_owned()
}

/// Where no check character makes a number right, another rank is drawn: about one in eleven.
const DRAWS_MAX: u32 = 1_000;
