//! Scripts that are written without spaces between words.

/// Whether words of the character's script stand side by side without a space.
pub(super) fn is_unspaced(character: char) -> bool {
    matches!(
        character,
        // Thai, Lao, Myanmar, Khmer
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        // Hangul jamo and syllables: particles follow names
        | '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}'
        // Kana and Han
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}
