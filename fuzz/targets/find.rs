//! Values in free text: what is found is there, and what is known to be there is found.
//!
//! One byte chooses the format, one how sure a find has to be, four a place in the text; the rest
//! is the text.

#![no_main]

use std::sync::LazyLock;

use counterfoil::domain::Plaintext;
use counterfoil::domain::Recognition;
use counterfoil::domain::Token;
use counterfoil::format::Finding;
use counterfoil::format::Format;
use counterfoil::format::find_known;
use counterfoil::format::fold;
use counterfoil_fuzz::fault;
use counterfoil_fuzz::identifiers::Identifier;
use counterfoil_fuzz::identifiers::built_in;
use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::values::Subject;
use counterfoil_fuzz::values::texts;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

static TEXTS: LazyLock<Vec<Subject>> = LazyLock::new(texts);
static IDENTIFIERS: LazyLock<Vec<Identifier>> = LazyLock::new(built_in);

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    let choice = usize::from(input.byte()) % (TEXTS.len() + IDENTIFIERS.len());
    let subject = match TEXTS.get(choice) {
        Some(subject) => subject,
        None => &IDENTIFIERS[choice - TEXTS.len()].subject().0,
    };
    let format = &subject.format;
    let finding = [Finding::Certain, Finding::Any][usize::from(input.flag())];
    let (start, length) = (input.below(1 << 16), input.below(1 << 16));
    let Some(text) = input.text() else {
        return Corpus::Reject;
    };
    by_form(format, finding, text);
    known(text, start, length);
    Corpus::Keep
});

/// What is found by its form is a value, and is found again where it is known.
fn by_form(format: &Format, finding: Finding, text: &str) {
    for mut place in format.find(text, finding) {
        if fault::is_planted() {
            place.end -= 1;
        }
        let piece = text.get(place.clone()).expect("a place in the text");
        assert!(!piece.is_empty());
        let value = Plaintext::new(piece.to_owned());
        assert!(format.parse(&value).is_ok(), "what is found is a value");
        let recognition = format.recognize(&Token::new(piece.to_owned()));
        assert_ne!(recognition, Recognition::Token);
        if format.digest().is_some() {
            let again = format.find_equal(text, &[(7, &value)]);
            let covers =
                |found: &std::ops::Range<usize>| found.start < place.end && place.start < found.end;
            assert!(
                again
                    .iter()
                    .any(|(number, found)| *number == 7 && covers(found))
            );
        }
    }
}

/// A piece of the text between spaces is found where it is known.
fn known(text: &str, start: usize, length: usize) {
    let mut words = text
        .split_inclusive(' ')
        .skip(start % 64)
        .take(1 + length % 4);
    let Some(first) = words.next() else {
        return;
    };
    let begin = first.as_ptr() as usize - text.as_ptr() as usize;
    let end = words.last().map_or(begin + first.len(), |last| {
        last.as_ptr() as usize - text.as_ptr() as usize + last.len()
    });
    let piece = text[begin..end].trim();
    let value = Plaintext::new(piece.to_owned());
    let found = find_known(text, &[&value]).expect("one value is not too many");
    for (number, place) in &found {
        assert_eq!(*number, 0);
        let there = text.get(place.clone()).expect("a place in the text");
        assert_eq!(*fold(there), *fold(piece));
    }
    // A piece that is folded away, or that begins with a mark of the letter before it, is none.
    let is_plain = |piece: &str| piece.chars().all(|c| c.is_alphanumeric() || c == ' ');
    assert!(!is_plain(piece) || fold(piece).is_empty() || !found.is_empty());
}
