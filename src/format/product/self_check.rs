//! What a format promises, tried on samples when it is loaded: that every token and every value
//! comes back as it was written.

use unicode_normalization::is_nfc;

use super::Product;
use super::error::Fault;
use super::error::GrammarError;
use super::sample::Sampler;
use super::side::Side;
use super::size::Extreme;
use super::slice::ProductSlice;
use crate::format::fold;

/// Refuses a format with a sample that does not come back, or whose samples rarely exist.
///
/// The first and the last rank of the smallest and of the largest slice of every form, and
/// [`SAMPLES_COUNT`] others, shared among the forms.
pub(super) fn refuse_open(product: &Product) -> Result<(), GrammarError> {
    let grammar = &product.grammar;
    let samples_count = (SAMPLES_COUNT / grammar.forms.len().max(1)).max(SAMPLES_COUNT_MIN);
    let mut sampler = Sampler::new(SEED);
    for (number, form) in grammar.forms.iter().enumerate() {
        let place = grammar.place(number, None);
        let [smallest, largest] = [Extreme::Smallest, Extreme::Largest];
        let extremes: &[Extreme] = if form.choices(smallest) == form.choices(largest) {
            &[smallest]
        } else {
            &[smallest, largest]
        };
        for &extreme in extremes {
            let mut written_count = 0;
            for sample in 0..samples_count {
                let slice = sampler.extreme(grammar, number, extreme);
                let slice = slice.ok_or(not_closed("slices exist"));
                let tried = slice.and_then(|slice| try_one(product, &slice, sample, &mut sampler));
                written_count += tried.map_err(|fault| fault.at(place))?;
            }
            if written_count < samples_count / 2 {
                return Err(Fault::NumbersRare.at(place));
            }
        }
    }
    Ok(())
}

/// Tries a token and a value, and returns how many of the two exist.
fn try_one(
    product: &Product,
    slice: &ProductSlice,
    sample: usize,
    sampler: &mut Sampler,
) -> Result<usize, Fault> {
    let mut indexes = |side: Side| match sample {
        0 => slice.sizes(side).map(|_| 0).collect(),
        1 => slice.sizes(side).map(|size| size - 1).collect(),
        _ => (*sampler.indexes(slice, side)).clone(),
    };
    let token = try_token(product, slice, &indexes(Side::Token))?;
    let value = try_value(product, slice, &indexes(Side::Value))?;
    Ok(usize::from(token) + usize::from(value))
}

fn try_token(product: &Product, slice: &ProductSlice, indexes: &[u32]) -> Result<bool, Fault> {
    let rank = slice.join(indexes);
    let unranked = slice.unrank(&rank);
    let Some(token) = unranked.map_err(|_| not_closed("ranks are below the size"))? else {
        return Ok(false);
    };
    if !is_nfc(&token) || *product.grammar.spelling.strip(&fold(&token)) != *fold(&token) {
        return Err(not_closed(
            "tokens are in Unicode NFC and fold to themselves",
        ));
    }
    let read = product.read_token(&fold(&token));
    let is_same = read.is_some_and(|(own, read)| own.is(slice) && read.equals(&rank));
    is_same
        .then_some(true)
        .ok_or(not_closed("tokens are read back"))
}

fn try_value(product: &Product, slice: &ProductSlice, indexes: &[u32]) -> Result<bool, Fault> {
    let (rank, quotient) = slice.split(indexes);
    let Ok(value) = slice.restore(&rank, &quotient) else {
        // Only a check without a symbol: the indexes are below their sizes.
        return Ok(false);
    };
    let canonical = product.canonical(&value);
    if !canonical.is_ok_and(|canonical| *canonical == *value) {
        return Err(not_closed("values are in canonical form"));
    }
    let read = product
        .parse(&value)
        .ok_or(not_closed("values are read back"))?;
    let is_same = read.slice.is(slice) && read.rank.equals(&rank) && *read.quotient == *quotient;
    is_same
        .then_some(true)
        .ok_or(not_closed("values are read back as themselves"))
}

fn not_closed(claim: &'static str) -> Fault {
    Fault::NotClosed { claim }
}

const SAMPLES_COUNT: usize = 1_000;
const SAMPLES_COUNT_MIN: usize = 100;

/// Arbitrary, and fixed: a format loads everywhere or nowhere.
const SEED: u64 = 0x636f_756e_7465_7266;
