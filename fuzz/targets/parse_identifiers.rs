//! Formats of identifiers that are built in: a value becomes a token, and the token the value.
//!
//! One byte chooses the format, one whether the rest is a value as it stands or a place in the
//! slice of a made-up value, so that values with right checks are among them; eight are the seed.

#![no_main]

use std::sync::LazyLock;

use counterfoil_fuzz::identifiers::Identifier;
use counterfoil_fuzz::identifiers::built_in;
use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::values::neighbour;
use counterfoil_fuzz::values::try_value;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

static FORMATS: LazyLock<Vec<Identifier>> = LazyLock::new(built_in);

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    let choice = usize::from(input.byte()) % FORMATS.len();
    let (subject, example) = FORMATS[choice].subject();
    let is_place = input.flag();
    let seed = input.number();
    if is_place {
        if let Some(value) = neighbour(&subject.format, example, input.rest()) {
            let is_value = try_value(subject, &value, seed);
            assert!(is_value || !subject.is_whole, "a value is one again");
        }
        return Corpus::Keep;
    }
    let Some(text) = input.text() else {
        return Corpus::Reject;
    };
    try_value(subject, text, seed);
    Corpus::Keep
});
