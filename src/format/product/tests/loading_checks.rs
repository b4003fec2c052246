//! Every way in which the specification of a check can be wrong.

use super::loading::assert_refused;

#[test]
fn wrong_checks_are_refused() {
    assert_refused(CHECKS);
}

const CHECKS: &[(&str, &str)] = &[
    ("{ check = 'lun' }", "parts[1]: check `lun` does not exist"),
    (
        "{ check = 'luhn' }",
        "parts[1].over: covers no character that counts",
    ),
    (
        "{ check = 'luhn', over = [1] }",
        "parts[1].over: names part 1, which is the check itself",
    ),
    (
        "{ check = 'luhn', over = [0] }",
        "parts[1].over: names part 0, which is",
    ),
    (
        "{ check = 'luhn', over = [3] }",
        "parts[1].over: names part 3, which is",
    ),
    (
        "{ check = 'luhn', over = [2], modulus = 3 }",
        "parts[1].modulus: does not go with `luhn`",
    ),
    (
        "{ check = 'luhn', over = [2], keep = true }",
        "parts[1].keep: does not go with `luhn`",
    ),
    (
        "{ check = 'iban', over = [2] }",
        "parts[1].over: does not go with `iban`",
    ),
    (
        "{ check = 'iban' }",
        "parts[1]: does not have two letters and nothing else before it",
    ),
    (
        "{ check = 'luhn', over = [2], token = { class = 'digit' } }",
        "parts[1].token: is a table",
    ),
    (
        "{ check = 'weighted', over = [2] }",
        "parts[1].modulus: is missing for `weighted`",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 1 }",
        "parts[1].modulus: is not from 2 to 9999",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 10 }",
        "parts[1].symbols: is missing for",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 10, symbols = '' }",
        "parts[1].symbols: has m",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 3, symbols = '0123' }",
        "parts[1].symbols: has",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 3, symbols = '0éA' }",
        "parts[1].symbols: has",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 3, symbols = '01a' }",
        "parts[1].symbols: `01a`",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 3, symbols = '012', digits = 1 }",
        "parts[1].digits: does not go with `symbols`",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 101, digits = 2 }",
        "parts[1].digits: is 2 dig",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 97, digits = 5 }",
        "parts[1].digits: is 5 dig",
    ),
    (
        "{ check = 'remainder', over = [2], modulus = 3, symbols = '000', token = 'wrong' }",
        "parts[1].token: can never be wrong",
    ),
    (
        "{ check = 'weighted', over = [2], modulus = 10, digits = 2 }",
        "parts[1].weights: is missing",
    ),
    (
        "{ check = 'weighted', over = [2], modulus = 10, digits = 2, weights = [1, 2] }",
        "parts[1].weights: are 2 for 6 to 6 characters",
    ),
    (
        "{ check = 'luhn', over = [2], values = { '' = 3 } }",
        "parts[1].values: is empty",
    ),
    (
        "{ check = 'luhn', over = [2], values = { A = 100 } }",
        "parts[1].values: `A` is not a char",
    ),
    (
        "{ check = 'luhn', over = [2], values = { AB = 100 } }",
        "parts[1].values: `AB` is not a",
    ),
    (
        "{ check = 'damm', over = [2], values = { 5 = 10 } }",
        "parts[1].values: does not say what `5` counts as\nset it in `values`, from 0 to 9",
    ),
];
