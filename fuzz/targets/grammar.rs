//! Formats of an operator's own: whatever TOML says is refused or keeps every promise, in bounded
//! time (libFuzzer's own limit for an input, `-timeout`).
//!
//! Eight bytes are a seed, the rest is the table of a format.

#![no_main]

use counterfoil::domain::Fidelity;
use counterfoil::format::Format;
use counterfoil::format::GrammarSpec;
use counterfoil::format::IdentifierSpec;
use counterfoil::format::OnInvalid;
use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::values::Subject;
use counterfoil_fuzz::values::neighbour;
use counterfoil_fuzz::values::try_value;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    let place = input.array::<8>();
    let Some(Ok(grammar)) = input.text().map(toml::from_str::<GrammarSpec>) else {
        return Corpus::Reject;
    };
    let spec = IdentifierSpec::Custom(grammar);
    let format = match Format::identifier(&spec, Fidelity::Shape, OnInvalid::Reject) {
        Ok(format) => format,
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains('\n'), "the error has no remedy: {text}");
            return Corpus::Keep;
        }
    };
    let subject = Subject {
        format,
        is_closed: false,
        is_outline_told: false,
        is_whole: true,
    };
    let Some((value, _)) = subject.format.summary().example else {
        return Corpus::Keep;
    };
    let seed = u64::from_be_bytes(place);
    assert!(try_value(&subject, &value, seed), "an example is a value");
    if let Some(other) = neighbour(&subject.format, &value, &place) {
        assert!(try_value(&subject, &other, seed), "a value is one again");
    }
    Corpus::Keep
});
