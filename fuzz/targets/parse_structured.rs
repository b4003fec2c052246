//! Names and addresses in parts: a value becomes a token of as many parts, and the token the value.
//!
//! Four bytes choose the format, eight are the seed of the stand-in cipher, four say whether the
//! value is in a country of the table; the rest are the texts of its parts, a line each.

#![no_main]

use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::structured::Layout;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    let Some(layout) = Layout::read(&mut input) else {
        return Corpus::Reject;
    };
    let seed = input.number();
    let Some(value) = layout.value(&mut input) else {
        return Corpus::Reject;
    };
    layout.try_value(&value, seed);
    Corpus::Keep
});
