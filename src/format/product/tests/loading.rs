//! Every way in which a specification can be wrong, and what the operator is told.

use super::*;

/// Goal: each fault names the key, says what is wrong, and on a second line what to do.
/// Method: one specification for each fault, wrong in one way.
#[test]
fn wrong_parts_are_refused() {
    assert_refused(PARTS);
}

/// Each part, before six digits, is refused with a message that begins so.
pub(super) fn assert_refused(parts: &[(&str, &str)]) {
    for (part, expected) in parts {
        let spec = format!("case = 'upper'\nignore = '.'\nparts = [ {part}, {DIGITS} ]");
        let refused = refusal(&spec);
        assert!(
            refused.starts_with(expected),
            "{part}\n{refused}\n{expected}"
        );
        let (problem, remedy) = refused.split_once('\n').unwrap_or_default();
        assert!(!problem.is_empty() && !remedy.is_empty(), "{refused}");
        assert!(!remedy.contains('\n'), "{refused}");
    }
}

pub(super) const DIGITS: &str = "{ class = 'digit', length = 6 }";

const PARTS: &[(&str, &str)] = &[
    ("{ optional = true }", "parts[1]: has no kind"),
    (
        "{ literal = 'A', class = 'digit' }",
        "parts[1]: has the kinds `literal` and `class`",
    ),
    (
        "{ literal = 'A', length = 3 }",
        "parts[1].length: does not go with `literal`",
    ),
    (
        "{ literal = 'A', keep = true }",
        "parts[1].keep: does not go with `literal`",
    ),
    (
        "{ one_of = ['A'], width = 3 }",
        "parts[1].width: does not go with `one_of`",
    ),
    (
        "{ class = 'digit', length = 1, over = [2] }",
        "parts[1].over: does not go with `class`",
    ),
    (
        "{ integer = [1, 2], layout = 'x' }",
        "parts[1].layout: does not go with `integer`",
    ),
    ("{ literal = '' }", "parts[1].literal: is empty"),
    (
        "{ literal = 'é' }",
        "parts[1].literal: has `é`, which does not survive",
    ),
    (
        "{ literal = 'Aß' }",
        "parts[1].literal: has `ß`, which does not survive",
    ),
    (
        "{ literal = 'A.B' }",
        "parts[1].literal: has `.`, which the canonical form drops",
    ),
    (
        "{ literal = 'Ab' }",
        "parts[1].literal: `Ab` has letters that are not in the canonical",
    ),
    ("{ one_of = [] }", "parts[1].one_of: has no member"),
    ("{ one_of = ['A', ''] }", "parts[1].one_of: is empty"),
    (
        "{ one_of = ['A', 'B', 'A'] }",
        "parts[1].one_of: has `A` and `A`, which are one text",
    ),
    (
        "{ one_of = ['A-', 'A–'] }",
        "parts[1].one_of: has `A-` and `A–`, which are one text",
    ),
    (
        "{ class = 'digits', length = 3 }",
        "parts[1].class: class `digits` does not exist",
    ),
    (
        "{ class = 'lower', length = 3 }",
        "parts[1].class: `abcdefghijklmnopqrstuvwxyz` has",
    ),
    (
        "{ class = 'digit' }",
        "parts[1].length: is missing for `class`",
    ),
    (
        "{ class = 'digit', length = [4, 3] }",
        "parts[1].length: begins with more than it ends",
    ),
    (
        "{ class = 'digit', length = 0 }",
        "parts[1].length: has no member",
    ),
    (
        "{ class = 'digit', length = 65 }",
        "parts[1].length: is too long: 64 characters at",
    ),
    (
        "{ class = 'upper', length = [0, 1], optional = true }",
        "parts[1]: both can be absent and",
    ),
    (
        "{ alphabet = '', length = 3 }",
        "parts[1].alphabet: has no member",
    ),
    (
        "{ alphabet = 'ABA', length = 3 }",
        "parts[1].alphabet: has both `A` and `A`",
    ),
    (
        "{ alphabet = '-–', length = 3 }",
        "parts[1].alphabet: has both `-` and `–`",
    ),
    (
        "{ alphabet = 'A\u{301}', length = 3 }",
        "parts[1].alphabet: has `\u{301}`, which does not",
    ),
    (
        "{ alphabet = 'A B', length = 3 }",
        "parts[1].alphabet: has ` `, which does not",
    ),
    (
        "{ alphabet = 'A.', length = 3 }",
        "parts[1].alphabet: has `.`, which the canonical",
    ),
    (
        "{ integer = [2, 1] }",
        "parts[1].integer: begins with more than it ends with",
    ),
    (
        "{ integer = [0, 4294967295] }",
        "parts[1].integer: has more than 4,294,967,295 members",
    ),
    ("{ integer = [] }", "parts[1].integer: "),
    (
        "{ integer = [[1, 3], [3, 4]] }",
        "parts[1].integer: ranges are not in order, or overlap",
    ),
    (
        "{ integer = [0, 100], width = 2 }",
        "parts[1].integer: is too small for the largest number",
    ),
    (
        "{ integer = [0, 100], width = 21 }",
        "parts[1].integer: is too small for the largest number",
    ),
    (
        "{ date = ['2000-01-01', '2000-12-31'] }",
        "parts[1].layout: is missing for `date`",
    ),
    (
        "{ date = ['2000-02-30', '2000-12-31'], layout = 'YYYYMMDD' }",
        "parts[1].date: `2000-02-30`",
    ),
    (
        "{ date = ['2000-02-03', '2000-02-02'], layout = 'YYYYMMDD' }",
        "parts[1].date: begins with",
    ),
    (
        "{ date = [['2000-02-03', '2000-02-04'], ['2000-02-04', '2000-02-05']], \
         layout = 'YYYYMMDD' }",
        "parts[1].date: ranges are not in order, or overlap",
    ),
    (
        "{ date = [], layout = 'YYYYMMDD' }",
        "parts[1].date: has no member",
    ),
    (
        "{ date = ['2000-01-01', '2000-12-31'], layout = 'YYMMDD' }",
        "parts[1].layout: is not a lay",
    ),
    (
        "{ date = ['2000-01-01', '2000-12-31'], layout = 'YYYY-MM-MM' }",
        "parts[1].layout: is not a",
    ),
    (
        "{ date = ['2000-01-01', '2000-12-31'], layout = 'YYYYMM' }",
        "parts[1].layout: is not a lay",
    ),
    (
        "{ date = ['2000-01-01', '2000-12-31'], layout = 'YYYYMMDDT' }",
        "parts[1].layout: is not a",
    ),
    (
        "{ date = ['2000-01-01', '2000-12-31'], layout = 'DD.MM.YYYY' }",
        "parts[1].layout: has `.`,",
    ),
    (
        "{ class = 'digit', length = 2, keep = true, token = { class = 'upper' } }",
        "parts[1]: both keeps the value's text and has another",
    ),
    (
        "{ class = 'digit', length = 2, token = 'wrong' }",
        "parts[1].token: is a word, which is for",
    ),
    (
        "{ class = 'digit', length = 2, token = {} }",
        "parts[1].token: has no kind",
    ),
    (
        "{ class = 'digit', length = 2, token = { class = 'uper' } }",
        "parts[1].token: class `uper`",
    ),
    (
        "{ class = 'digit', length = [2, 3], token = { literal = 'A' } }",
        "parts[1].length: is not one length",
    ),
    (
        "{ class = 'digit', length = 2, token = { class = 'upper', length = [1, 2] } }",
        "parts[1].token: is not one length",
    ),
    (
        "{ literal = 'A', token = { class = 'upper' } }",
        "parts[1].token: is not one length",
    ),
    (
        "{ class = 'digit', length = 10, token = { literal = 'A' } }",
        "parts[1].length: has more than 4,294,967,295 members, too many to exchange as a whole",
    ),
];

#[test]
fn one_thousand_texts_are_the_most() {
    let spec = |count: u32| {
        let texts: Vec<_> = (0..count).map(|text| format!("'{text:04}'")).collect();
        format!(
            "parts = [ {{ one_of = [{}] }}, {DIGITS} ]",
            texts.join(", ")
        )
    };
    assert_eq!(refusal(&spec(1_000)), "accepted");
    assert!(refusal(&spec(1_001)).starts_with("parts[1].one_of: has more than 1000 texts"));
}

#[test]
fn large_alphabet_is_refused() {
    let alphabet = |count| ('\u{4e00}'..).take(count).collect::<String>();
    let spec = |count| {
        format!(
            "parts = [ {{ alphabet = '{}', length = 9 }} ]",
            alphabet(count)
        )
    };
    assert_eq!(refusal(&spec(4_096)), "accepted");
    assert!(refusal(&spec(4_097)).starts_with("parts[1].alphabet: has more than 4096"));
}

/// Goal: a misspelled key is told as such, in tables and in tables of tables.
#[test]
fn unknown_keys_are_refused() {
    for (spec, expected) in [
        ("part = []", "unknown field `part`"),
        ("case = 'Upper'", "unknown variant `Upper`"),
        ("parts = [ { clas = 'digit' } ]", "unknown field `clas`"),
        (
            "parts = [ { class = 'digit', token = { clas = 'digit' } } ]",
            "unknown field `clas`",
        ),
        (
            "parts = [ { check = 'luhn', token = 'rong' } ]",
            "unknown variant `rong`",
        ),
        (
            "parts = [ { check = 'luhn', token = 3 } ]",
            "a table like { class",
        ),
        (
            "parts = [ { class = 'digit', length = 'x' } ]",
            "length is a number, or the least",
        ),
        (
            "parts = [ { class = 'digit', length = -1 } ]",
            "length is a number, or the least",
        ),
        (
            "parts = [ { date = ['2000-01-01'] } ]",
            "date is a pair of days",
        ),
        (
            "parts = [ { integer = [1] } ]",
            "integer is a pair of numbers",
        ),
        (
            "parts = [ { integer = [-1, 3] } ]",
            "integer is a pair of numbers",
        ),
        ("[[forms]]\npart = []", "unknown field `part`"),
    ] {
        let error = toml::from_str::<GrammarSpec>(spec).unwrap_err().to_string();
        assert!(error.contains(expected), "{spec}\n{error}");
    }
}
