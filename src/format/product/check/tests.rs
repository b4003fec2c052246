//! The algorithms, against published examples.

use super::*;
use crate::format::product::error::Place;
use crate::format::product::spec::CaseSpec;
use crate::format::product::spec::PartSpec;
use crate::format::product::spelling::Spelling;

/// The check in the middle, of a specification like `check = "luhn"`.
fn check(spec: &str) -> Check {
    let spec: PartSpec = toml::from_str(spec).unwrap();
    let spelling = Spelling::new(CaseSpec::Keep, "").unwrap();
    Check::compile(&spec, (1, 3), &spelling, Place::default()).unwrap()
}

/// What stands between two texts on this side.
fn written(spec: &str, side: Side, before: &str, after: &str) -> Option<String> {
    let check = check(spec);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    check.count(before, &mut first)?;
    check.count(after, &mut last)?;
    let mut text = SecretText::with_capacity(8);
    check.write(side, &first, &last, &mut text)?;
    Some(text.into_string())
}

fn right(spec: &str, before: &str, after: &str) -> Option<String> {
    written(spec, Side::Value, before, after)
}

/// Goal: each algorithm is the published one.
/// Method: numbers from the standard or from the body that issues them, split before their check.
#[test]
fn published_numbers_are_right() {
    for (spec, number, digits) in [
        // https://en.wikipedia.org/wiki/Luhn_algorithm, after ISO/IEC 7812-1, annex B.
        ("check = 'luhn'", "79927398713", 1),
        // https://docs.stripe.com/testing, test cards.
        ("check = 'luhn'", "4242424242424242", 1),
        ("check = 'luhn'", "378282246310005", 1),
        // ISO 6166: letters are two digits. https://www.isin.org
        ("check = 'luhn'", "US0378331005", 1),
        // ISO 7064, section 7.4, the simplified procedure.
        ("check = 'mod97_10'", "79444", 2),
        // ISO 17442. https://www.gleif.org
        ("check = 'mod97_10'", "54930084UKLVMY22DS16", 2),
        ("check = 'mod97_10'", "213800WSGIIZCXF1P572", 2),
        // ISO 7064, section 8.
        ("check = 'mod11_10'", "07945", 1),
        // Bundeszentralamt für Steuern, Steuerliche Identifikationsnummer, test numbers.
        ("check = 'mod11_10'", "86095742719", 1),
        ("check = 'mod11_10'", "47036892816", 1),
        // ISO 7064, section 7.
        ("check = 'mod11_2'", "07940", 1),
        ("check = 'mod11_2'", "079X", 1),
        // https://support.orcid.org, Structure of the ORCID Identifier.
        ("check = 'mod11_2'", "0000000218250097", 1),
        ("check = 'mod11_2'", "000000021694233X", 1),
        // GB 11643-1999.
        ("check = 'mod11_2'", "11010519491231002X", 1),
        // Verhoeff 1969; Wikibooks, Algorithm Implementation/Checksums/Verhoeff Algorithm.
        ("check = 'verhoeff'", "2363", 1),
        ("check = 'verhoeff'", "1428570", 1),
        // Damm 2004; https://en.wikipedia.org/wiki/Damm_algorithm
        ("check = 'damm'", "5724", 1),
        // Instituto Nacional de Estadística; Orden INT/2058/2008 for NIE.
        (DNI, "12345678Z", 1),
        (DNI, "X1234567L", 1),
        // https://fr.wikipedia.org/wiki/Numéro_de_sécurité_sociale_en_France, after INSEE.
        (NIR, "255081416802538", 2),
        // ISO 2108:1992; https://en.wikipedia.org/wiki/ISBN
        (ISBN_10, "0306406152", 1),
        (ISBN_10, "080442957X", 1),
        // GS1 General Specifications, section 7.9.
        (EAN_13, "6291041500213", 1),
        // NHS Data Dictionary, NHS NUMBER.
        (NHS, "9434765919", 1),
        // https://en.wikipedia.org/wiki/PESEL
        (PESEL, "44051401359", 1),
    ] {
        let (before, expected) = number.split_at(number.len() - digits);
        assert_eq!(
            right(spec, before, "").as_deref(),
            Some(expected),
            "{number}"
        );
        let wrong = format!("{spec}\ntoken = 'wrong'");
        let token = written(&wrong, Side::Token, before, "").unwrap();
        assert_ne!(token, expected);
        assert_eq!(
            written(&wrong, Side::Value, before, "").as_deref(),
            Some(expected)
        );
    }
}

const DNI: &str = "check = 'remainder'\nmodulus = 23\nsymbols = 'TRWAGMYFPDXBNJZSQVHLCKE'\n\
                   values = { X = 0, Y = 1, Z = 2 }";
const NIR: &str = "check = 'remainder'\nmodulus = 97\ncomplement = true\ndigits = 2\n\
                   values = { '2A' = 19, '2B' = 18 }";
const ISBN_10: &str = "check = 'weighted'\nweights = [10, 9, 8, 7, 6, 5, 4, 3, 2]\nmodulus = 11\n\
                       complement = true\nsymbols = '0123456789X'";
const EAN_13: &str = "check = 'weighted'\nweights = [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]\n\
                      modulus = 10\ncomplement = true\nsymbols = '0123456789'";
const NHS: &str = "check = 'weighted'\nweights = [10, 9, 8, 7, 6, 5, 4, 3, 2]\nmodulus = 11\n\
                   complement = true\nsymbols = '0123456789'";
const PESEL: &str = "check = 'weighted'\nweights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]\nmodulus = 10\n\
                     complement = true\nsymbols = '0123456789'";

#[test]
fn published_ibans_are_right() {
    // SWIFT IBAN Registry, examples.
    for iban in [
        "GB82WEST12345698765432",
        "DE89370400440532013000",
        "FR1420041010050500013M02606",
        "MT84MALT011000012345MTLCAST001S",
        "NO9386011117947",
        "BE68539007547034",
    ] {
        let (country, rest) = iban.split_at(2);
        let (expected, account) = rest.split_at(2);
        let check = right("check = 'iban'", country, account);
        assert_eq!(check.as_deref(), Some(expected), "{iban}");
    }
}

#[test]
fn remainder_without_a_symbol_has_no_number() {
    // 11 - 1 = 10, which the NHS never issues.
    assert_eq!(right(NHS, "080442957", ""), None);
    assert_eq!(right(ISBN_10, "080442957", "").as_deref(), Some("X"));
}

#[test]
fn two_remainders_may_have_one_symbol() {
    // CPF: 10 is written as 0. Receita Federal, Instrução Normativa 1548/2015.
    let first = "check = 'weighted'\nweights = [10, 9, 8, 7, 6, 5, 4, 3, 2]\nmodulus = 11\n\
                 complement = true\nsymbols = '01234567890'";
    let second = "check = 'weighted'\nweights = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]\nmodulus = 11\n\
                  complement = true\nsymbols = '01234567890'";
    for (number, one, other) in [("111444777", "3", "5"), ("529982247", "2", "5")] {
        assert_eq!(right(first, number, "").as_deref(), Some(one));
        assert_eq!(
            right(second, &format!("{number}{one}"), "").as_deref(),
            Some(other)
        );
    }
    assert_eq!(right(first, "000000006", "").as_deref(), Some("0"));
    let wrong = format!("{first}\ntoken = 'wrong'");
    let token = written(&wrong, Side::Token, "000000006", "");
    assert_eq!(token.as_deref(), Some("1"));
}

#[test]
fn text_of_a_part_may_count_as_another_number() {
    // INSEE: Corse-du-Sud 2A counts as 19, Haute-Corse 2B as 18.
    let check = check(NIR);
    let count = |text| {
        let mut numbers = Vec::new();
        check.count(text, &mut numbers).map(|()| numbers)
    };
    assert_eq!(count("2A"), Some(vec![1, 9]));
    assert_eq!(count("2B"), Some(vec![1, 8]));
    assert_eq!(count("12A"), Some(vec![1, 2, 1, 0]));
    let mut numbers = Vec::new();
    push_digits(&mut numbers, 4_294_967_295, 12);
    assert_eq!(numbers, [0, 0, 4, 2, 9, 4, 9, 6, 7, 2, 9, 5]);
    assert_eq!(count("1-2 /"), Some(vec![1, 2]));
    assert_eq!(count("é"), None);
}

/// Goal: the check makes the whole right wherever it stands.
/// Method: with the check at each place of a right number, the digit of that number is found.
#[test]
fn check_may_stand_before_what_it_covers() {
    for (spec, number) in [
        ("check = 'luhn'", "79927398713"),
        ("check = 'mod11_10'", "86095742719"),
        ("check = 'mod11_2'", "0000000218250097"),
        ("check = 'verhoeff'", "1428570"),
        ("check = 'damm'", "5724"),
    ] {
        for place in 0..number.len() {
            let (before, rest) = number.split_at(place);
            let (own, after) = rest.split_at(1);
            assert_eq!(
                right(spec, before, after).as_deref(),
                Some(own),
                "{number} {place}"
            );
        }
    }
    // Two digits: every pair of them that a check could be, which 00, 01 and 99 are not.
    let lei = "54930084UKLVMY22DS16";
    for place in [0, 2, 4, 6, 14, 18] {
        let (before, rest) = lei.split_at(place);
        let (own, after) = rest.split_at(2);
        let is_possible = !["00", "01", "99"].contains(&own);
        if is_possible && own.parse::<u32>().is_ok() {
            let solved = right("check = 'mod97_10'", before, after);
            assert_eq!(solved.as_deref(), Some(own), "{place}");
        }
    }
}

/// Goal: a wrong check is wrong for everybody who follows the standard.
/// Method: every number of four digits, for all algorithms of one symbol or two digits.
#[test]
fn wrong_check_is_never_right() {
    for (spec, symbols_count) in [
        ("check = 'luhn'", 10),
        ("check = 'mod11_10'", 10),
        ("check = 'mod11_2'", 11),
        ("check = 'verhoeff'", 10),
        ("check = 'damm'", 10),
        ("check = 'mod97_10'", 100),
        (
            "check = 'remainder'\nmodulus = 97\ncomplement = true\ndigits = 2",
            100,
        ),
        ("check = 'remainder'\nmodulus = 99\ndigits = 2", 100),
        (
            "check = 'remainder'\nmodulus = 99\ncomplement = true\ndigits = 2",
            100,
        ),
    ] {
        let check = Check {
            token: CheckToken::Wrong,
            ..check(spec)
        };
        for number in 0..10_000 {
            let digits = [
                number / 1_000,
                number / 100 % 10,
                number / 10 % 10,
                number % 10,
            ];
            let [value, token] = [Side::Value, Side::Token].map(|side| {
                let mut text = SecretText::with_capacity(2);
                check.write(side, &digits, &[], &mut text).unwrap();
                text.into_string()
            });
            assert_ne!(value, token);
            assert_eq!(value.len(), token.len());
            if symbols_count == 100 {
                let modulus = if spec.contains("99") { 99 } else { 97 };
                let numbers = [value, token].map(|text| text.parse::<u32>().unwrap() % modulus);
                assert_ne!(numbers[0], numbers[1], "{spec} {number}");
            }
        }
    }
}

/// Goal: each algorithm catches what its standard promises: all single typing errors.
#[test]
fn single_typing_errors_are_caught() {
    for spec in [
        "check = 'luhn'",
        "check = 'mod11_10'",
        "check = 'mod11_2'",
        "check = 'mod97_10'",
        "check = 'verhoeff'",
        "check = 'damm'",
    ] {
        let check = check(spec);
        let of = |digits: [u32; 4]| check.algorithm.solve(&digits, &[]);
        for number in 0..10_000 {
            let digits = [
                number / 1_000,
                number / 100 % 10,
                number / 10 % 10,
                number % 10,
            ];
            for place in 0..4 {
                let mut mistyped = digits;
                mistyped[place] = (mistyped[place] + 1 + number % 9) % 10;
                if mistyped != digits {
                    assert_ne!(of(digits), of(mistyped), "{spec} {number}");
                }
            }
        }
    }
}
