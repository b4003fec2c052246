//! Built-in formats: every slice keeps every promise.

use super::random::assert_closed;
use super::*;
use crate::format::builtin::Mode;
use crate::format::builtin::card;
use crate::format::builtin::card::CardKeep;
use crate::format::builtin::date_of_birth;
use crate::format::builtin::date_of_birth::DateLayout;
use crate::format::builtin::iban;
use crate::format::builtin::national_id::SCHEMES;
use crate::format::builtin::phone;

/// Goal: what is asked of formats made up at random holds for the built-in ones. Method: slices of
/// some of them, or of all where many cases are asked for.
#[test]
fn built_in_formats_are_closed() {
    let grammars = grammars();
    let cases = usize::try_from(cases_count(1_000)).unwrap();
    let slices_count = (cases / grammars.len()).max(SLICES_MIN);
    let count = cases.div_ceil(slices_count).min(grammars.len());
    println!(
        "{count} of {} formats, {slices_count} slices each",
        grammars.len()
    );
    for pick in 0..count {
        // A stride that has no divisor in common with the number of formats visits each once.
        let grammar = &grammars[pick * STRIDE % grammars.len()];
        let product = Product::new(grammar).unwrap();
        let mut sampler = Sampler::new(u64::try_from(pick).unwrap());
        assert_closed(&product, &mut sampler, u32::try_from(slices_count).unwrap());
    }
}

fn grammars() -> Vec<GrammarSpec> {
    let mut grammars = Vec::new();
    for mode in [Mode::Marked, Mode::Valid] {
        for keep in [CardKeep::Last4, CardKeep::First6, CardKeep::Nothing] {
            grammars.push(card::grammar(keep, mode));
        }
        grammars.extend(iban::countries().filter_map(|country| iban::grammar(country, mode)));
        let codes = phone::marks::calling_codes();
        grammars.extend(
            codes
                .into_iter()
                .filter_map(|code| phone::grammar(code, mode)),
        );
    }
    grammars.extend(DateLayout::ALL.map(date_of_birth::grammar));
    grammars.extend(SCHEMES.iter().map(|scheme| scheme.grammar().unwrap()));
    grammars
}

const SLICES_MIN: usize = 20;
const STRIDE: usize = 1_009;
