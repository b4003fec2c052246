//! Every way in which the parts and forms of a specification can be wrong together.

use super::loading::DIGITS;
use super::*;

fn assert_refused(spec: &str, expected: &str) {
    let refused = refusal(spec);
    assert!(
        refused.starts_with(expected),
        "{spec}\n{refused}\n{expected}"
    );
}

fn assert_parts_refused(parts: &str, expected: &str) {
    assert_refused(&format!("parts = [ {parts} ]"), expected);
}

#[test]
fn wrong_forms_are_refused() {
    let form = format!("[[forms]]\nparts = [ {DIGITS} ]\n");
    for (spec, expected) in [
        ("", "format: has neither `parts` nor `forms`"),
        (
            "parts = []\nforms = []",
            "format: has both `parts` and `forms`",
        ),
        ("parts = []", "format: has no part"),
        ("forms = []", "forms: are not from 1 to 16"),
        (&form.repeat(17), "forms: are not from 1 to 16"),
        (&format!("{form}[[forms]]\n"), "forms[2]: has no part"),
        (
            &format!("{form}[[forms]]\nparts = [ {{ class = 'x' }} ]"),
            "forms[2].parts[1].class: class `x` does not exist",
        ),
        (
            "ignore = 'é'\nparts = []",
            "ignore: has `é`, which does not survive",
        ),
    ] {
        assert_refused(spec, expected);
    }
    assert_parts_refused(&format!("{DIGITS}, ").repeat(65), "parts: are more than 64");
    assert_parts_refused(
        &"{ class = 'digit', length = 64 }, ".repeat(5),
        "format: is longer than 256 characters at its longest",
    );
}

#[test]
fn spaces_that_texts_lose_are_refused() {
    for (parts, place, side) in [
        ("{ literal = ' ' }, DIGITS", 1, "values"),
        ("DIGITS, { literal = '- ', optional = true }", 2, "values"),
        (
            "DIGITS, { one_of = ['A ', 'B'] }, { literal = ' -' }",
            2,
            "values",
        ),
        ("DIGITS, { literal = 'A  B' }", 2, "values"),
        (
            "DIGITS, { literal = 'A', token = { literal = 'A ' } }",
            2,
            "tokens",
        ),
        (
            "DIGITS, { date = ['2000-01-01', '2000-12-31'], layout = 'DD MM YYYY ' }",
            2,
            "values",
        ),
    ] {
        let expected =
            format!("parts[{place}]: begins or ends with a space, or has two in a row, in {side}");
        assert_parts_refused(&parts.replace("DIGITS", DIGITS), &expected);
    }
}

#[test]
fn small_slices_are_refused() {
    for (parts, expected) in [
        (
            "{ class = 'digit', length = 2, keep = true }, { class = 'digit', length = 4 }",
            "format: has only 10000 tokens at its smallest\nat least 1,000,000 are needed: \
             lengthen parts[2], or keep less",
        ),
        (
            "{ class = 'digit', length = 9, token = { alphabet = '01' } }",
            "format: has only 512 tokens at its smallest",
        ),
        (
            "{ integer = [1, 9999] }",
            "format: has only 9999 tokens at its smallest\nat least 1,000,000 are needed: add a",
        ),
        (
            "{ class = 'digit', length = [5, 9] }, { literal = '-', optional = true }",
            "format: has only 100000 tokens at its smallest",
        ),
    ] {
        assert_parts_refused(parts, expected);
    }
    assert_refused(
        &format!(
            "[[forms]]\nparts = [ {DIGITS} ]\n\
             [[forms]]\nparts = [ {{ class = 'upper', length = 2 }} ]"
        ),
        "forms[2]: has only 676 tokens at its smallest\nat least 1,000,000 are needed: lengthen \
         forms[2].parts[1], or keep less",
    );
}

#[test]
fn checks_that_cannot_be_written_are_refused() {
    for (parts, expected) in [
        (
            "DIGITS, { check = 'luhn', over = [1, 3] }, { check = 'luhn' }",
            "parts[2].over: checks cover one another",
        ),
        (
            "{ class = 'digit', length = [6, 7] }, { check = 'weighted', modulus = 10, \
             digits = 2, weights = [1, 2, 3, 4, 5, 6] }",
            "parts[2].weights: are 6 for 6 to 7 characters",
        ),
        (
            "{ class = 'digit', length = 6 }, { class = 'digit', length = 1, optional = true }, \
             { literal = '-' }, { check = 'weighted', modulus = 10, digits = 2, \
             weights = [1, 2, 3, 4, 5, 6, 7] }",
            "parts[4].weights: are 7 for 6 to 7 characters",
        ),
        (
            "DIGITS, { check = 'remainder', modulus = 11, symbols = '0' }",
            "format: fewer than a quarter of its numbers have a check symbol",
        ),
        (
            "DIGITS, { literal = 'Ж' }, { check = 'luhn' }",
            "parts[3].values: does not say what `Ж` counts as",
        ),
        (
            "DIGITS, { alphabet = 'AB-', length = 2 }, { check = 'luhn' }",
            "parts[3].values: does not say what `-` counts as",
        ),
        (
            "{ literal = 'DE1' }, { check = 'iban' }, DIGITS",
            "parts[2]: does not have two letters",
        ),
        (
            "{ one_of = ['DE', 'F'] }, { check = 'iban' }, DIGITS",
            "parts[2]: does not have two letters",
        ),
    ] {
        assert_parts_refused(&parts.replace("DIGITS", DIGITS), expected);
    }
}
