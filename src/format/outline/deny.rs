//! Words that no token may have: real names, and rude words of several languages.

use std::sync::LazyLock;

/// Whether a word in lower case must not be in a token.
pub(super) fn is_denied(word: &str) -> bool {
    NAMES.binary_search(&word).is_ok() || RUDE.iter().any(|rude| word.contains(rude))
}

/// Names that happen to be words of the language, sorted: from the corpora in `tests/corpora`, and
/// well-known ones. Frozen with the format version, since `read` refuses what is in it.
static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("names.txt").lines().collect());

/// Denied wherever they are in a word. Frozen with the format version.
const RUDE: [&str; 76] = [
    "anal", "anus", "baka", "bordel", "bunda", "buseta", "dago", "debil", "demon", "devil",
    "dildo", "dupa", "fart", "foder", "fota", "fuk", "gandon", "gavn", "genit", "govn", "kafer",
    "kafir", "kaka", "kanker", "kanser", "karalo", "kurba", "kurva", "kuso", "manko", "marikon",
    "merda", "moron", "mudak", "mudil", "murder", "nazi", "niga", "niger", "nude", "nudi", "paki",
    "pede", "pedo", "pene", "penis", "perver", "pider", "pidor", "pipi", "polak", "porno", "puta",
    "puterel", "puto", "rape", "retar", "sado", "salop", "satan", "semen", "sikis", "sikme",
    "sikti", "sodom", "sukin", "teta", "titi", "tumor", "turd", "unko", "vagin", "vulva", "zalup",
    "zamel", "zigan",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::outline::word;

    #[test]
    fn names_are_sorted_words_of_the_language() {
        assert!(NAMES.is_sorted());
        assert!(NAMES.iter().all(|name| word::parse(name).is_some()));
    }

    #[test]
    fn names_and_rude_words_are_denied() {
        for word in ["linda", "robin", "putana", "kerpenis"] {
            assert!(is_denied(word));
        }
        assert!(!is_denied("kelzir"));
    }
}
