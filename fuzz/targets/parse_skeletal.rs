//! Formats of texts: a value becomes a token, and the token the value.
//!
//! One byte chooses the format, eight are the seed of the stand-in cipher, the rest is the value.

#![no_main]

use std::sync::LazyLock;

use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::values::Subject;
use counterfoil_fuzz::values::texts;
use counterfoil_fuzz::values::try_value;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

static FORMATS: LazyLock<Vec<Subject>> = LazyLock::new(texts);

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    let choice = usize::from(input.byte()) % FORMATS.len();
    let seed = input.number();
    let Some(text) = input.text() else {
        return Corpus::Reject;
    };
    try_value(&FORMATS[choice], text, seed);
    Corpus::Keep
});
