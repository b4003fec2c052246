//! Payment cards: primary account numbers (PAN) of 12 to 19 digits.
//!
//! The check digit is Luhn's (ISO/IEC 7812-1, annex B). A marked token has it wrong, so that no
//! terminal and no gateway takes it for a card. Where the last four digits are kept, the last is
//! one of them; then the digit before the four is the one that makes the whole right or wrong.
//!
//! What PCI DSS 4.0 (requirement 3.4.1) permits to display is at most the first six or eight and
//! the last four digits. A token keeps either end and not both: of a number of 16 digits only six
//! would be left, and with the check digit 100,000 numbers, which is no cipher's domain.

use super::Mode;
use super::parts;
use crate::format::product::GrammarSpec;

/// Which digits of a card the token has too.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum CardKeep {
    /// The first six, which say who issued it. Cards of 12 digits are in no form then.
    First6,
    /// The last four, by which people know their card.
    #[default]
    Last4,
    /// None.
    Nothing,
}

/// Why no field can keep both ends of a card.
pub const BOTH_ENDS_REFUSED: &str = "the first six and the last four digits \
     leave only 10^5 cards, fewer than 10^6\nkeep one end: \"last4\" or \"first6\"";

/// The specification of cards.
pub(in crate::format) fn grammar(keep: CardKeep, mode: Mode) -> GrammarSpec {
    let check = parts::check("luhn", mode);
    let parts = match keep {
        CardKeep::First6 => vec![
            parts::kept(parts::digits(6)),
            parts::digits_between(6, 12),
            check,
        ],
        CardKeep::Last4 => {
            let mut check = check;
            check.over = Some(vec![1, 2, 4]);
            vec![
                parts::leading_digit(),
                parts::digits_between(6, 13),
                check,
                parts::kept(parts::digits(4)),
            ]
        }
        CardKeep::Nothing => vec![parts::leading_digit(), parts::digits_between(10, 17), check],
    };
    GrammarSpec {
        ignore: " -".to_owned(),
        parts: Some(parts),
        ..GrammarSpec::default()
    }
}

/// Whether a card with these digits can have this length: that of its brand, where its first digits
/// say one. Whether its check digit is right is the specification's business.
pub(in crate::format) fn is_brand_length(digits: &str) -> bool {
    let brand = BRANDS.iter().find(|brand| {
        let Some(first) = digits.get(..brand.first.len()) else {
            return false;
        };
        // Of one length, texts of digits are in the order of their numbers.
        (brand.first..=brand.last).contains(&first)
    });
    let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
    match brand {
        Some(brand) => brand.lengths.contains(&length),
        None => (LENGTH_LEAST..=LENGTH_MOST).contains(&length),
    }
}

/// Numbers that a brand has been given, and how long they are.
struct Brand {
    first: &'static str,
    last: &'static str,
    lengths: &'static [u8],
}

const fn brand(first: &'static str, last: &'static str, lengths: &'static [u8]) -> Brand {
    Brand {
        first,
        last,
        lengths,
    }
}

/// ISO/IEC 7812-1 permits fewer than 12 digits, which no brand uses.
const LENGTH_LEAST: u8 = 12;
const LENGTH_MOST: u8 = 19;

/// From what the brands publish for acquirers. The first that fits counts. What several brands
/// share (60, 65, 81, 82) may have any length.
const BRANDS: [Brand; 18] = [
    // Visa.
    brand("4", "4", &[13, 16, 19]),
    // Mastercard.
    brand("51", "55", &[16]),
    brand("2221", "2720", &[16]),
    // American Express.
    brand("34", "34", &[15]),
    brand("37", "37", &[15]),
    // Discover; what it shares with UnionPay.
    brand("6011", "6011", &[16, 17, 18, 19]),
    brand("644", "649", &[16, 17, 18, 19]),
    brand("622126", "622925", &[16, 17, 18, 19]),
    // Diners Club.
    brand("300", "305", &[14, 15, 16, 17, 18, 19]),
    brand("3095", "3095", &[14, 15, 16, 17, 18, 19]),
    brand("36", "36", &[14, 15, 16, 17, 18, 19]),
    brand("38", "39", &[14, 15, 16, 17, 18, 19]),
    // JCB.
    brand("3528", "3589", &[16, 17, 18, 19]),
    // UnionPay.
    brand("62", "62", &[16, 17, 18, 19]),
    // Mir.
    brand("2200", "2204", &[16, 17, 18, 19]),
    // Troy.
    brand("9792", "9792", &[16]),
    // Maestro.
    brand("50", "50", &[12, 13, 14, 15, 16, 17, 18, 19]),
    brand("56", "69", &[12, 13, 14, 15, 16, 17, 18, 19]),
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::format::product::Product;

    /// Cards of the corpus whose check digit is wrong on purpose.
    const UNCHECKED: [&str; 2] = ["4242424242424240", "4000002760003180"];

    const KEEPS: [CardKeep; 3] = [CardKeep::First6, CardKeep::Last4, CardKeep::Nothing];

    fn product(keep: CardKeep, mode: Mode) -> Product {
        Product::new(&grammar(keep, mode)).unwrap()
    }

    fn is_value(product: &Product, text: &str) -> bool {
        product.parse(&product.canonical(text).unwrap()).is_some()
    }

    #[test]
    fn card_of_the_corpus_is_a_value() {
        let corpus = fs::read_to_string("tests/corpora/cards.tsv").unwrap();
        let cards = corpus.lines().map(|line| line.split_once('\t').unwrap().1);
        let product = product(CardKeep::Last4, Mode::Marked);
        let mut cards_count = 0;
        for card in cards {
            assert_eq!(
                is_value(&product, card),
                !UNCHECKED.contains(&card),
                "{card}"
            );
            assert!(is_brand_length(card), "{card}");
            cards_count += 1;
        }
        assert!(cards_count > 250);
    }

    #[test]
    fn separators_do_not_count() {
        let product = product(CardKeep::Last4, Mode::Marked);
        for card in [
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "378282246310005",
        ] {
            assert!(is_value(&product, card), "{card}");
        }
        for card in ["4111 1111 1111 1112", "4111", "4111.1111.1111.1111"] {
            assert!(!is_value(&product, card), "{card}");
        }
    }

    #[test]
    fn length_is_that_of_the_brand() {
        for (card, is_possible) in [
            ("4222222222222", true),
            ("4111111111111111", true),
            ("411111111111111", false),
            ("5555555555554444", true),
            ("55555555555544445", false),
            ("2221000000000009", true),
            ("222100000000009", false),
            ("378282246310005", true),
            ("3782822463100050", false),
            ("30569309025904", true),
            ("6011000990139424", true),
            ("6304000000000000", true),
            ("675900000000", true),
            // No brand of ours.
            ("190000000000", true),
            ("19000000000", false),
            ("", false),
        ] {
            assert_eq!(is_brand_length(card), is_possible, "{card}");
        }
    }

    #[test]
    fn token_keeps_its_end_and_is_a_card_only_if_valid() {
        for keep in KEEPS {
            for mode in [Mode::Marked, Mode::Valid] {
                let product = product(keep, mode);
                for seed in 0..300 {
                    let (value, token) = product.example(seed).unwrap();
                    assert_eq!(value.len(), token.len());
                    match keep {
                        CardKeep::First6 => assert_eq!(value.get(..6), token.get(..6)),
                        CardKeep::Last4 => {
                            let last = value.len() - 4..;
                            assert_eq!(value.get(last.clone()), token.get(last));
                        }
                        CardKeep::Nothing => {}
                    }
                    assert_eq!(is_value(&product, &token), mode == Mode::Valid, "{token}");
                }
            }
        }
    }

    #[test]
    fn both_ends_would_leave_too_few() {
        let mut spec = grammar(CardKeep::First6, Mode::Marked);
        let parts = spec.parts.as_mut().unwrap();
        parts[1] = parts::digits(5);
        parts.push(parts::kept(parts::digits(4)));
        assert!(Product::new(&spec).is_err());
        assert!(BOTH_ENDS_REFUSED.contains("10^5"));
    }
}
