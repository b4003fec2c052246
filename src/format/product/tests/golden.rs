//! The layout of product formats, frozen: a change here breaks live tokens.

use super::*;

struct Golden {
    spec: &'static str,
    value: &'static str,
    value_rank: &'static [u64],
    /// A rank of the value's slice, and the token there.
    rank: u64,
    token: &'static str,
    digest: &'static str,
}

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
        { date = ['1850-01-01', '2150-12-31'], layout = 'DD.MM.YYYY', token = { date = [
            ['1000-01-01', '1849-12-31'], ['2151-01-01', '9999-12-31'] ] } },
    ]
";

const DNI: &str = "
    case = 'upper'
    ignore = ' -.'
    forms = [
        { parts = [
            { class = 'digit', length = 8 },
            { check = 'remainder', modulus = 23, symbols = 'TRWAGMYFPDXBNJZSQVHLCKE' },
        ] },
        { parts = [
            { one_of = ['X', 'Y', 'Z'] },
            { class = 'digit', length = 7 },
            { check = 'remainder', modulus = 23, symbols = 'TRWAGMYFPDXBNJZSQVHLCKE',
              values = { X = 0, Y = 1, Z = 2 } },
        ] },
    ]
";

const IBAN: &str = "
    case = 'upper'
    ignore = ' '
    parts = [
        { one_of = ['FR', 'MC'], keep = true },
        { check = 'iban', token = 'wrong' },
        { class = 'digit', length = 10 },
        { class = 'alnum_upper', length = 11 },
        { class = 'digit', length = 2 },
    ]
";

const ORCID: &str = "
    case = 'upper'
    parts = [
        { literal = '0000-000' },
        { class = 'digit', length = 1 },
        { literal = '-' },
        { class = 'digit', length = 4 },
        { literal = '-' },
        { class = 'digit', length = 3 },
        { check = 'mod11_2', token = 'wrong' },
    ]
";

const AADHAAR: &str = "
    ignore = ' '
    parts = [
        { alphabet = '23456789', length = 1, token = { one_of = ['0', '1'] } },
        { class = 'digit', length = 10 },
        { check = 'verhoeff' },
    ]
";

const TAX: &str = "
    parts = [
        { integer = [1, 9], token = { integer = [1, 9] } },
        { class = 'digit', length = 9 },
        { check = 'mod11_10' },
        { literal = '/', optional = true },
        { check = 'mod97_10', over = [1, 2, 3], token = 'wrong' },
        { check = 'damm', over = [2] },
    ]
";

const CPF: &str = "
    ignore = ' '
    parts = [
        { class = 'digit', length = 3 }, { literal = '.' },
        { class = 'digit', length = 3 }, { literal = '.' },
        { class = 'digit', length = 3 }, { literal = '-' },
        { check = 'weighted', weights = [10, 9, 8, 7, 6, 5, 4, 3, 2], modulus = 11,
          complement = true, symbols = '01234567890' },
        { check = 'weighted', weights = [11, 10, 9, 8, 7, 6, 5, 4, 3, 2], modulus = 11,
          complement = true, symbols = '01234567890' },
    ]
";

const WORDS: &str = "
    case = 'lower'
    ignore = '_'
    parts = [
        { one_of = ['alpha', 'beta x', 'øre', 'жук'] },
        { literal = ' / ' },
        { class = 'lower', length = [4, 12] },
        { literal = '/' },
        { integer = [0, 99], width = 3, keep = true },
        { class = 'hex_lower', length = 2, token = { class = 'lower', length = 3 } },
    ]
";

/// All of them, for other tests.
pub(super) const SPECS: [&str; 10] = [
    MEMBER, CARD, BIRTH_DATE, DNI, IBAN, ORCID, AADHAAR, TAX, CPF, WORDS,
];

const GOLDEN: [Golden; 10] = [
    Golden {
        spec: MEMBER,
        value: "M BB 123456 AB 6",
        value_rank: &[126_418_945],
        rank: 987_654_321,
        token: "MBB964506FT0",
        digest: "3e3fbc623cb14729921869df3b329563",
    },
    Golden {
        spec: CARD,
        value: "4242424242424242",
        value_rank: &[42_424_242_424],
        rank: 98_765_432_109,
        token: "9876543210994242",
        digest: "63ebf1c7b7b26a69d451cda88f8c46f9",
    },
    Golden {
        spec: BIRTH_DATE,
        value: "28.02.1985",
        value_rank: &[49_366],
        rank: 1_234_567,
        token: "17.02.4681",
        digest: "3d003746e1fdd861c0d7f64ed4390a0c",
    },
    Golden {
        spec: DNI,
        value: "X1234567L",
        value_rank: &[1_234_567],
        rank: 7_654_321,
        token: "X7654321J",
        digest: "5501141a6f832adfb06649c6ef43abc3",
    },
    Golden {
        spec: IBAN,
        value: "FR14 2004 1010 0505 0001 3M02 606",
        value_rank: &[11_566_404_411_229_933_694, 1_429_971_532],
        rank: 9_876_543_210_123_456_789,
        token: "FR800000000000R0HF94X6PHJ89",
        digest: "4ce30ccc670aade7a19c631cff4cad5c",
    },
    Golden {
        spec: ORCID,
        value: "0000-0002-1694-233X",
        value_rank: &[21_694_233],
        rank: 87_654_321,
        token: "0000-0008-7654-3212",
        digest: "f9bc162f563ff322a9e6d54324ae5246",
    },
    Golden {
        spec: AADHAAR,
        value: "2341 2341 2346",
        value_rank: &[3_412_341_234],
        rank: 19_876_543_210,
        token: "198765432107",
        digest: "85b5d767b30e11b53c86397db2cf8545",
    },
    Golden {
        spec: TAX,
        value: "62012128072/784",
        value_rank: &[5_201_212_807],
        rank: 8_765_432_109,
        token: "97654321098/031",
        digest: "c1d0acfde3b9d9ebec743df3e2a82432",
    },
    Golden {
        spec: CPF,
        value: "529.982.247-25",
        value_rank: &[529_982_247],
        rank: 987_654_321,
        token: "987.654.321-00",
        digest: "1cf412625a64748ce80acc68af869232",
    },
    Golden {
        spec: WORDS,
        value: "Beta X / q_uietly/042a7",
        value_rank: &[232_281_417_147_895],
        rank: 4_321_098_765,
        token: "alpha / aaanzrw/042fyj",
        digest: "303010834ea81e169556c5bca43f2718",
    },
];

#[test]
fn tokens_are_frozen() {
    for golden in GOLDEN {
        let format = product(golden.spec);
        let canonical = format.canonical(golden.value).unwrap();
        let read = format.parse(&canonical).expect(golden.value);
        assert_eq!(read.rank.expose_limbs(), golden.value_rank);
        let token = token(&format, golden.value, &Rank::from_u64(golden.rank));
        assert_eq!(token.as_deref(), Some(golden.token));
        let digest = format.digest().map(|byte| format!("{byte:02x}"));
        assert_eq!(digest.concat(), golden.digest, "{}", golden.value);
    }
}

#[test]
fn tweak_is_frozen() {
    let tweak = |spec, value: &str| {
        let format = product(spec);
        let canonical = format.canonical(value).unwrap();
        let read = format.parse(&canonical).unwrap();
        assert_eq!(read.slice.tweak()[..16], format.digest());
        read.slice.tweak()[16..].to_vec()
    };
    // The form, then for each part 0 if it is absent, else 1 and its length if it is a run; then
    // what is kept.
    let member = [&[0, 1, 1, 7, 3, 1, 0, 2][..], b"BB"].concat();
    assert_eq!(tweak(MEMBER, "M BB 123456 AB 6"), member);
    let card = [&[0, 12, 1, 5, 0, 4][..], b"4242"].concat();
    assert_eq!(tweak(CARD, "4242424242424242"), card);
    assert_eq!(tweak(DNI, "X1234567L"), [1, 1, 8, 1]);
    assert_eq!(tweak(TAX, "62012128072/784"), [0, 1, 10, 1, 1, 1, 1]);
}
