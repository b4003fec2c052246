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

const SHAPES: [Golden; 5] = [
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
];

#[test]
fn shapes_are_frozen() {
    for golden in SHAPES {
        let parsed = parse(golden.kind, golden.text).unwrap();
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
