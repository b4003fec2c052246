//! The layout of format version 1, frozen: a change here breaks live tokens.

use zeroize::Zeroizing;

use super::*;

struct Golden {
    kind: FormatKind,
    text: &'static str,
    /// The token at a seventh of the slice.
    token: &'static str,
    rank: &'static [u64],
    tweak: &'static [u8],
    residue: &'static [u8],
}

const SHAPES: [Golden; 7] = [
    Golden {
        kind: FormatKind::Name,
        text: "Anna-Lena Müller",
        token: "Dsow-Hlds Oỗowhl",
        rank: &[7_085_933_686_369_494_909],
        tweak: &[3, 195, 130, 195, 128, 2, 3, 65, 4],
        residue: &[4, 8, 195, 130, 195, 128, 2, 3, 65, 4],
    },
    Golden {
        kind: FormatKind::Name,
        text: "Γιώργοσ 김민준",
        token: "Όυΐΐΐΐΐ 가가가",
        rank: &[2_349_443_672_364_020_976, 1_310],
        tweak: &[3, 6, 69, 6, 128, 83, 3],
        residue: &[0b1_01_10, 1, 6],
    },
    Golden {
        kind: FormatKind::Address,
        text: "221B Baker Street,\nLondon NW1 6XE",
        token: "142W Hldso Whldso,\nWhldso WH4 2WH",
        rank: &[1_544_776_838_061_482_074, 16_142_274_650_603_359],
        tweak: &[
            1, 64, 3, 2, 128, 196, 128, 197, 130, 129, 197, 128, 66, 2, 0, 128, 0, 66, 2,
        ],
        residue: &[
            4, 18, 64, 3, 2, 128, 196, 128, 197, 130, 129, 197, 128, 66, 2, 0, 128, 0, 66, 2,
        ],
    },
    Golden {
        kind: FormatKind::Email,
        text: "John.Doe@Example.COM",
        token: "dsow.hld@tok.acme.example",
        rank: &[2_950_010_964],
        tweak: &[2, 65, 4, 128, 65, 3],
        residue: b"\x09example.com",
    },
    Golden {
        kind: FormatKind::Email,
        text: "johnDoe@example.com",
        token: "dsowhld@tok.acme.example",
        rank: &[2_950_010_964],
        tweak: &[2, 65, 7],
        residue: b"\x01\x07johnDoeexample.com",
    },
    Golden {
        kind: FormatKind::Text,
        text: "Call 12 <5 €>\nok!",
        token: "Dsow 28 <5 €>\nso!",
        rank: &[23_963_608_874],
        tweak: &[
            4, 195, 128, 64, 2, 128, 187, 0, 128, 127, 66, 188, 129, 65, 2, 153,
        ],
        residue: &[
            4, 15, 195, 128, 64, 2, 128, 187, 0, 128, 127, 66, 188, 129, 65, 2, 153,
        ],
    },
    Golden {
        kind: FormatKind::Digits,
        text: "(020) 7946-0958",
        token: "(142) 8571-4285",
        rank: &[2_079_460_958],
        tweak: &[5, 132, 64, 3, 133, 128, 64, 4, 129, 64, 4],
        residue: &[5],
    },
];

const FILLED_SHAPES: [Golden; 3] = [
    Golden {
        kind: FormatKind::Name,
        text: "Ada Lovelace",
        token: "Dsowhl Dsowhldsow",
        rank: &[9_062_546_190_949_719_360, 10],
        tweak: &[131, 197, 128, 201],
        residue: &[0x26, 2, 3, 8],
    },
    Golden {
        kind: FormatKind::Name,
        text: "McKay Li",
        token: "Dsowhl Dsowhl",
        rank: &[44_380_955_969_744_992],
        tweak: &[131, 197, 128, 197],
        residue: b"\x46\x20McKay Li\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    },
    Golden {
        kind: FormatKind::Email,
        text: "j.doe@X.com",
        token: "dsowhl.dsowhl@tok.acme.example",
        rank: &[33_033_100_425_002_080],
        tweak: &[130, 65, 6, 128, 65, 6],
        residue: b"\x25\x02\x01\x03x.com",
    },
];

#[test]
fn shapes_are_frozen() {
    let exact = SHAPES.map(|golden| (format(golden.kind), golden));
    let filled = FILLED_SHAPES.map(|golden| (bucket(golden.kind), golden));
    for (format, golden) in exact.into_iter().chain(filled) {
        let value = Plaintext::new(golden.text.to_owned());
        let parsed = format.parse(&value).unwrap();
        let Shaped { slice, rank } = parsed.shaped().unwrap();
        let mut seventh = Rank::from_limbs(Zeroizing::new(slice.domain().limbs().to_vec()));
        seventh.divide(7);
        assert_eq!(
            slice.unrank(&seventh).unwrap().unwrap().expose(),
            golden.token
        );
        assert_eq!(rank.expose_limbs(), golden.rank);
        assert_eq!(slice.tweak(), golden.tweak);
        assert_eq!(
            parsed.residue(Fidelity::Shape).unwrap().expose(),
            golden.residue
        );
    }
}

#[test]
fn outlines_are_frozen() {
    for (kind, text, size, expected) in [
        (FormatKind::Name, "Li", OutlineSize::Small, "Pebat Fifuldel"),
        (
            FormatKind::Name,
            "LI",
            OutlineSize::Large,
            "BAPEBAT FIFUNDEL",
        ),
        (
            FormatKind::Email,
            "li@x.com",
            OutlineSize::Small,
            "pebat.fifuldel@tok.acme.example",
        ),
        (
            FormatKind::Address,
            "5 a",
            OutlineSize::Small,
            "1000 badamok road, fifuntil",
        ),
    ] {
        let parsed = parse(kind, text).unwrap();
        let token = parsed
            .outlined()
            .unrank(size, &Rank::from_u64(9_876_543_210))
            .unwrap();
        assert_eq!(token.unwrap().expose(), expected);
    }
}
