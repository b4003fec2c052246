//! What values and tokens of a format are, and what they share.

use super::*;

const MEMBER: &str = "
    case = 'upper'
    ignore = ' .-'
    parts = [
        { literal = 'M' },
        { one_of = ['AA', 'BB', 'C'], keep = true },
        { class = 'digit', length = [6, 9] },
        { alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789', length = 2 },
        { check = 'luhn', over = [3] },
    ]
";

/// The card with its last four kept: the check that makes all of it right is in the middle.
const CARD: &str = "
    ignore = ' -'
    parts = [
        { class = 'digit', length = 11 },
        { check = 'luhn', over = [1, 3], token = 'wrong' },
        { class = 'digit', length = 4, keep = true },
    ]
";

const BIRTH_DATE: &str = "
    parts = [
        { date = ['1850-01-01', '2150-12-31'], layout = 'YYYY-MM-DD', token = { date = [
            ['1000-01-01', '1849-12-31'], ['2151-01-01', '9999-12-31'] ] } },
    ]
";

#[test]
fn spellings_of_a_value_are_one() {
    let member = product(MEMBER);
    for value in ["MAA1234566AB", "maa 123456-6ab", " M-AA-123 456.6\u{a0}Ab"] {
        // 123456 has no check here: the run takes what is before two letters.
        let canonical = member.canonical(value).unwrap();
        assert_eq!(*canonical, "MAA1234566AB");
    }
    assert!(accepted(&member, "maa 1234-56 AB 6").is_some());
    assert!(accepted(&member, "maa 1234-56 AB 7").is_none());
    assert!(accepted(&member, "mdd 1234-56 AB 6").is_none());
    assert!(accepted(&member, "maa 12345 AB 6").is_none());
}

#[test]
fn token_shares_what_is_kept_and_the_length() {
    let member = product(MEMBER);
    for (value, begin, length) in [("MC123456AB6", "MC", 11), ("MBB123456789237", "MBB", 15)] {
        let Some(canonical) = accepted(&member, value) else {
            panic!("{value}");
        };
        for rank in [0, 1, 999_999, 123_456_789] {
            let token = token(&member, &canonical, &Rank::from_u64(rank)).unwrap();
            assert!(token.starts_with(begin), "{token}");
            assert_eq!(token.chars().count(), length, "{token}");
            assert_eq!(accepted(&member, &token).as_ref(), Some(&token));
        }
    }
}

#[test]
fn card_keeps_its_last_four_and_fails_the_check() {
    let card = product(CARD);
    let value = "4242 4242-4242 4242";
    let canonical = accepted(&card, value).unwrap();
    for rank in 0..200 {
        let token = token(&card, &canonical, &Rank::from_u64(rank * 499_999_999)).unwrap();
        assert!(token.ends_with("4242"));
        assert_eq!(token.len(), 16);
        assert_eq!(accepted(&card, &token), None);
        let recognized = card.recognize(&fold(&token));
        assert!(recognized.is_token && !recognized.is_value);
    }
    let recognized = card.recognize(&fold(value));
    assert!(recognized.is_value && !recognized.is_token);
}

#[test]
fn birth_date_gets_a_date_that_is_nobodys() {
    let birth_date = product(BIRTH_DATE);
    let canonical = accepted(&birth_date, "1985-02-28").unwrap();
    let read = birth_date.parse(&canonical).unwrap();
    assert!(read.quotient.is_empty());
    assert_eq!(read.slice.domain().bits(), 22);
    for (rank, expected) in [
        (0, "1000-01-01"),
        (310_455, "1849-12-31"),
        (310_456, "2151-01-01"),
    ] {
        let token = read.slice.unrank(&Rank::from_u64(rank)).unwrap().unwrap();
        assert_eq!(&*token, expected);
    }
    for no_value in [
        "1985-02-29",
        "1849-12-31",
        "2151-01-01",
        "1985-2-28",
        "19850228",
    ] {
        assert_eq!(accepted(&birth_date, no_value), None);
    }
}

#[test]
fn token_of_a_smaller_set_needs_the_quotient() {
    let marked = product(
        "parts = [
            { class = 'digit', length = 1, token = { literal = '0' } },
            { class = 'alnum_upper', length = 7, token = { class = 'digit' } },
            { integer = [1, 900], width = 3, token = { integer = [1, 7] } },
        ]",
    );
    let canonical = accepted(&marked, "9ZX01239899").unwrap();
    let read = marked.parse(&canonical).unwrap();
    // One byte for the first digit, one for each of seven characters, one for the integer.
    assert_eq!(read.quotient.len(), 9);
    let token = read.slice.unrank(&read.rank).unwrap().unwrap();
    assert_eq!(&*token, "053012393");
    assert_eq!(
        *read.slice.restore(&read.rank, &read.quotient).unwrap(),
        *canonical
    );
    let refused = |quotient: &[u8]| read.slice.restore(&read.rank, quotient).err();
    let corrupt = Some(FormatError::CorruptResidue);
    assert_eq!(refused(&[]), corrupt);
    assert_eq!(refused(&read.quotient[1..]), corrupt);
    let longer = [&read.quotient[..], &[0]].concat();
    assert_eq!(refused(&longer), corrupt);
    let too_large = [&[10], &read.quotient[1..]].concat();
    assert_eq!(refused(&too_large), corrupt);
    let outside = Rank::from_u64(70_000_000);
    assert_eq!(
        read.slice.unrank(&outside).err(),
        Some(FormatError::RankOutsideDomain)
    );
}

#[test]
fn integer_is_written_as_its_width_says() {
    let integers = product(
        "parts = [
            { integer = [0, 20000000], token = { integer = [5, 50000000] } },
            { literal = '/' },
            { integer = [7, 366], width = 4 },
        ]",
    );
    let ranges = product(
        "parts = [
            { integer = [[1, 12], [21, 32]], token = { integer = [[13, 20], [41, 56]] } },
            { class = 'upper', length = 4 },
        ]",
    );
    for (value, rank) in [("1AAAA", 0), ("12AAAA", 11), ("21AAAA", 12), ("32AAAA", 23)] {
        let read = ranges.parse(value).unwrap();
        assert!(read.rank.equals(&Rank::from_u64(rank * 456_976)));
        let token = read.slice.unrank(&read.rank).unwrap().unwrap();
        let expected = if rank < 8 { 13 + rank } else { 33 + rank };
        assert_eq!(*token, *format!("{expected}AAAA"));
        assert_eq!(
            *read.slice.restore(&read.rank, &read.quotient).unwrap(),
            *value
        );
    }
    for value in ["0AAAA", "13AAAA", "33AAAA", "01AAAA"] {
        assert!(ranges.parse(value).is_none(), "{value}");
    }
    for value in ["0/0007", "20000000/0366", "10/0100"] {
        assert!(accepted(&integers, value).is_some(), "{value}");
    }
    for value in [
        "00/0007",
        "20000001/0366",
        "1/0006",
        "1/7",
        "1/367",
        "/0007",
        "1 /0007",
    ] {
        assert!(accepted(&integers, value).is_none(), "{value}");
    }
}

#[test]
fn optional_part_is_present_in_both_or_in_neither() {
    let optional = product(
        "parts = [
            { class = 'digit', length = 3 },
            { literal = '-', optional = true },
            { class = 'digit', length = 5 },
        ]",
    );
    for (value, expected) in [("123-45678", "000-00000"), ("12345678", "00000000")] {
        assert_eq!(
            token(&optional, value, &Rank::from_u64(0)).as_deref(),
            Some(expected)
        );
    }
    let tweak = |value| optional.parse(value).unwrap().slice.tweak();
    assert_ne!(tweak("123-45678"), tweak("12345678"));
    assert_eq!(tweak("123-45678"), tweak("999-99999"));
    assert_eq!(optional.slices().slices_count, 2);
}

#[test]
fn token_without_a_check_symbol_does_not_exist() {
    let nhs = product(
        "ignore = ' '
        parts = [
            { class = 'digit', length = 9 },
            { check = 'weighted', weights = [10, 9, 8, 7, 6, 5, 4, 3, 2], modulus = 11,
              complement = true, symbols = '0123456789' },
        ]",
    );
    assert!(accepted(&nhs, "943 476 5919").is_some());
    let missing = (0..1_100).filter(|&rank| {
        let token = token(&nhs, "9434765919", &Rank::from_u64(rank));
        token.is_none()
    });
    assert_eq!(missing.count(), 100);
    assert!(accepted(&nhs, "080442957X").is_none());
}

#[test]
fn identifier_with_two_forms_keeps_its_form() {
    let dni = product(
        "case = 'upper'
        ignore = ' -.'
        [[forms]]
        parts = [
            { class = 'digit', length = 8 },
            { check = 'remainder', modulus = 23, symbols = 'TRWAGMYFPDXBNJZSQVHLCKE' },
        ]
        [[forms]]
        parts = [
            { one_of = ['X', 'Y', 'Z'] },
            { class = 'digit', length = 7 },
            { check = 'remainder', modulus = 23, symbols = 'TRWAGMYFPDXBNJZSQVHLCKE',
              values = { X = 0, Y = 1, Z = 2 } },
        ]",
    );
    assert_eq!(accepted(&dni, "12.345.678-z").as_deref(), Some("12345678Z"));
    assert_eq!(accepted(&dni, "x-1234567-L").as_deref(), Some("X1234567L"));
    for value in ["12345678A", "X1234567Z", "W1234567L", "1234567L"] {
        assert!(accepted(&dni, value).is_none(), "{value}");
    }
    assert_eq!(
        token(&dni, "12345678Z", &Rank::from_u64(0)).as_deref(),
        Some("00000000T")
    );
    assert_eq!(
        token(&dni, "X1234567L", &Rank::from_u64(0)).as_deref(),
        Some("X0000000T")
    );
}

#[test]
fn iban_keeps_its_country_and_fails_the_check() {
    let iban = product(
        "case = 'upper'
        ignore = ' '
        parts = [
            { literal = 'DE' },
            { check = 'iban', token = 'wrong' },
            { class = 'digit', length = 18 },
        ]",
    );
    let value = "de89 3704 0044 0532 0130 00";
    assert_eq!(
        accepted(&iban, value).as_deref(),
        Some("DE89370400440532013000")
    );
    let token = token(&iban, value, &Rank::from_u64(12_345)).unwrap();
    assert!(token.starts_with("DE") && accepted(&iban, &token).is_none());
}

#[test]
fn checks_are_written_after_what_they_cover() {
    // CPF: the second check covers the first. The one before both covers all.
    let cpf = product(
        "parts = [
            { check = 'damm', over = [2, 3, 4] },
            { class = 'digit', length = 9 },
            { check = 'weighted', weights = [10, 9, 8, 7, 6, 5, 4, 3, 2], modulus = 11,
              complement = true, symbols = '01234567890', over = [2] },
            { check = 'weighted', weights = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2], modulus = 11,
              complement = true, symbols = '01234567890', over = [2, 3] },
        ]",
    );
    let found = (0..10).filter_map(|digit| accepted(&cpf, &format!("{digit}11144477735")));
    assert_eq!(found.count(), 1);
    let found = (0..10).filter_map(|digit| accepted(&cpf, &format!("{digit}11144477753")));
    assert_eq!(found.count(), 0);
}

/// Goal: tokens are found whatever applications do to them.
/// Method: letter case, hyphens, white space, ignored characters dropped and added.
#[test]
fn token_is_read_from_every_spelling() {
    let format = product(
        "ignore = '.'
        parts = [
            { one_of = ['Ab', 'Cd x'], keep = true },
            { literal = ' - ' },
            { class = 'upper', length = [5, 6] },
            { literal = \"/'\" },
            { alphabet = 'ŁØжиαβ', length = 2 },
        ]",
    );
    let read = format.parse("Cd x - ABCDE/'Łж").unwrap();
    let token = read
        .slice
        .unrank(&Rank::from_u64(9_876_543))
        .unwrap()
        .unwrap();
    for spelling in [
        token.to_owned(),
        token.to_lowercase(),
        token.to_uppercase(),
        token.replace(' ', "\u{a0}\u{2003} "),
        token.replace('-', "–").replace('\'', "\u{2019}"),
        format!("\n {}.\t", token.replace("x", "x..").replace('/', "./.")),
        token.replace(" - ", " . -\u{a0}.. "),
    ] {
        let (slice, rank) = format.read_token(&fold(&spelling)).expect(&spelling);
        assert!(rank.equals(&Rank::from_u64(9_876_543)));
        assert!(slice.is(&read.slice));
    }
    for other in [
        "",
        "Cd x",
        "Cd x - ABCDE/'Ł",
        "Cd x-ABCDE/'Łж",
        &"x".repeat(10_000),
    ] {
        assert!(format.read_token(&fold(other)).is_none());
    }
}

#[test]
fn tweak_tells_formats_and_slices_apart() {
    let of = |spec: &str, value: &str| product(spec).parse(value).unwrap().slice.tweak();
    let one = "parts = [ { one_of = ['A', 'AB'], keep = true }, { class = 'digit', length = 7 } ]";
    let renamed = "parts = [ { one_of = ['A', 'AB'], keep = true },
                   { alphabet = '0123456789', length = [7, 7] } ]";
    let other =
        "parts = [ { one_of = ['AB', 'A'], keep = true }, { class = 'digit', length = 7 } ]";
    assert_eq!(of(one, "A1234567"), of(one, "A0000000"));
    assert_eq!(of(one, "A1234567"), of(renamed, "A1234567"));
    assert_ne!(of(one, "A1234567"), of(one, "AB1234567"));
    assert_ne!(of(one, "A1234567"), of(other, "A1234567"));
    assert_ne!(product(one).digest(), product(other).digest());
}

#[test]
fn slices_are_counted() {
    let counts = product(MEMBER).slices();
    assert_eq!(counts.slices_count, 12);
    // 10^6 × 32^2, and 10^9 × 32^2.
    assert_eq!((counts.smallest_bits, counts.largest_bits), (30, 40));
    assert_eq!(product(CARD).slices().slices_count, 10_000);
}

#[test]
fn example_is_a_value_and_a_token_of_its_slice() {
    for spec in [MEMBER, CARD, BIRTH_DATE] {
        let format = product(spec);
        for seed in 0..50 {
            let (value, token) = format.example(seed).unwrap();
            assert_eq!(accepted(&format, &value).as_ref(), Some(&value));
            let (slice, _) = format.read_token(&fold(&token)).unwrap();
            assert!(slice.is(&format.parse(&value).unwrap().slice));
            assert_eq!(format.example(seed), Some((value, token)));
        }
    }
}
