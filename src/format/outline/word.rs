//! Speakable words: `nunzos`, `teluber`, `zulnurvik`.
//!
//! ```text
//! C = b d f g k l m n p r s t v z       V = a e i o u
//! M = C, or one of l n r and another C  E = nothing, or one of k l n r s t
//! short word = C V M V E                long word = C V M V M V E
//! ```
//!
//! A vowel never touches a vowel and a cluster never three consonants, so a word is read in one
//! way only.

/// The syllables of a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WordLength {
    /// Two, with one inner cluster.
    Short,
    /// Three, with two inner clusters.
    Long,
}

/// How many symbols a word may have at the most.
pub(super) const SYMBOLS_MAX: usize = 7;

pub(super) const CONSONANTS: u32 = 14;
pub(super) const VOWELS: u32 = 5;
pub(super) const CLUSTERS: u32 = 53;
pub(super) const ENDINGS: u32 = 7;

/// How many symbols each place of a word chooses from.
pub(super) fn radices(length: WordLength) -> &'static [u32] {
    match length {
        WordLength::Short => &[CONSONANTS, VOWELS, CLUSTERS, VOWELS, ENDINGS],
        WordLength::Long => &[
            CONSONANTS, VOWELS, CLUSTERS, VOWELS, CLUSTERS, VOWELS, ENDINGS,
        ],
    }
}

/// The letters of a word in lower case, by its symbols.
pub(super) fn letters(symbols: &[u32]) -> impl Iterator<Item = char> {
    let last = symbols.len().saturating_sub(1);
    symbols
        .iter()
        .enumerate()
        .flat_map(move |(place, &symbol)| match place {
            0 => [nth(CONSONANT, symbol), None],
            _ if place == last => [
                symbol.checked_sub(1).and_then(|ending| nth(ENDING, ending)),
                None,
            ],
            _ if place % 2 == 1 => [nth(VOWEL, symbol), None],
            _ => cluster(symbol),
        })
        .flatten()
}

/// The symbols of a word in lower case.
pub(super) fn parse(word: &str) -> Option<Vec<u32>> {
    let mut characters = word.chars().peekable();
    let mut symbols = Vec::with_capacity(SYMBOLS_MAX + 1);
    symbols.push(index(CONSONANT, characters.next()?)?);
    loop {
        symbols.push(index(VOWEL, characters.next()?)?);
        let Some(first) = characters.next() else {
            symbols.push(0);
            break;
        };
        if characters.peek().is_none() {
            symbols.push(index(ENDING, first)? + 1);
            break;
        }
        let second = characters.next_if(|&second| index(VOWEL, second).is_none());
        symbols.push(cluster_index(first, second)?);
        if symbols.len() > SYMBOLS_MAX {
            return None;
        }
    }
    matches!(symbols.len(), 5 | 7).then_some(symbols)
}

/// The single consonants come first, then `l`, `n` and `r` with each other consonant.
fn cluster(symbol: u32) -> [Option<char>; 2] {
    let Some(pair) = symbol.checked_sub(CONSONANTS) else {
        return [nth(CONSONANT, symbol), None];
    };
    let first = nth(LEADING, pair / (CONSONANTS - 1));
    let second = CONSONANT.chars().filter(|&c| Some(c) != first);
    [
        first,
        usize::try_from(pair % (CONSONANTS - 1))
            .ok()
            .and_then(|n| second.clone().nth(n)),
    ]
}

fn cluster_index(first: char, second: Option<char>) -> Option<u32> {
    let Some(second) = second else {
        return index(CONSONANT, first);
    };
    let lead = index(LEADING, first)?;
    let others = CONSONANT.chars().filter(|&consonant| consonant != first);
    let other = (0..)
        .zip(others)
        .find(|&(_, consonant)| consonant == second)?
        .0;
    Some(CONSONANTS + lead * (CONSONANTS - 1) + other)
}

fn nth(letters: &str, place: u32) -> Option<char> {
    letters.chars().nth(usize::try_from(place).ok()?)
}

fn index(letters: &str, letter: char) -> Option<u32> {
    u32::try_from(letters.chars().position(|character| character == letter)?).ok()
}

const CONSONANT: &str = "bdfgklmnprstvz";
const VOWEL: &str = "aeiou";
const LEADING: &str = "lnr";
const ENDING: &str = "klnrst";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_their_sizes() {
        assert_eq!(radices(WordLength::Short).iter().product::<u32>(), 129_850);
        assert_eq!(
            radices(WordLength::Long).iter().product::<u32>(),
            34_410_250
        );
    }

    /// Goal: a word is read in one way. Method: every short word, and every 97th long one.
    #[test]
    fn every_word_reads_back() {
        for (length, step) in [(WordLength::Short, 1), (WordLength::Long, 97)] {
            let size = radices(length).iter().product::<u32>();
            for rank in (0..size).step_by(step) {
                let mut rest = rank;
                let mut symbols: Vec<u32> = Vec::new();
                for radix in radices(length) {
                    symbols.push(rest % radix);
                    rest /= radix;
                }
                let word: String = letters(&symbols).collect();
                assert_eq!(parse(&word), Some(symbols), "{word}");
            }
        }
    }

    #[test]
    fn other_words_are_refused() {
        for word in [
            "",
            "b",
            "ba",
            "bam",
            "bast",
            "haus",
            "anna",
            "mittag",
            "banbanbanban",
            "baeno",
        ] {
            assert_eq!(parse(word), None, "{word}");
        }
    }
}
