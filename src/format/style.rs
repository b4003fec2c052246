//! Where a text has capital letters, in one word.

/// Which case the members of a class have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Case {
    Lower,
    None,
    Upper,
}

/// Where a text has capital letters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// None.
    Lower,
    /// At the start of each run of letters.
    Title,
    /// Everywhere.
    Upper,
}

impl Style {
    pub(super) const ALL: [Self; 3] = [Self::Lower, Self::Title, Self::Upper];

    /// The case of a letter that follows a letter, or does not.
    pub(super) fn case(self, follows_letter: bool) -> Case {
        match self {
            Self::Lower => Case::Lower,
            Self::Upper => Case::Upper,
            Self::Title if follows_letter => Case::Lower,
            Self::Title => Case::Upper,
        }
    }

    /// The style that an outline of this text has.
    pub(super) fn of(text: &str) -> Self {
        let uppers_count = text
            .chars()
            .filter(|character| character.is_uppercase())
            .count();
        let lowers_count = text
            .chars()
            .filter(|character| character.is_lowercase())
            .count();
        match (uppers_count, lowers_count) {
            (0, 1..) => Self::Lower,
            (2.., 0) => Self::Upper,
            _ => Self::Title,
        }
    }

    /// The ASCII letters of the text in this style.
    pub(super) fn apply(self, text: &str) -> impl Iterator<Item = char> {
        let mut follows_letter = false;
        text.chars().map(move |character| {
            let case = self.case(follows_letter);
            follows_letter = character.is_ascii_alphabetic();
            match case {
                Case::Lower | Case::None => character.to_ascii_lowercase(),
                Case::Upper => character.to_ascii_uppercase(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outline_follows_the_style_of_the_value() {
        assert_eq!(Style::of("de la cruz"), Style::Lower);
        assert_eq!(Style::of("DE LA CRUZ"), Style::Upper);
        for text in ["Li", "X", "山田", "O'Neill", "---"] {
            assert_eq!(Style::of(text), Style::Title);
        }
    }

    #[test]
    fn style_is_applied_per_run_of_letters() {
        assert_eq!(
            Style::Title.apply("john.o'doe2x").collect::<String>(),
            "John.O'Doe2X"
        );
        assert_eq!(Style::Upper.apply("john").collect::<String>(), "JOHN");
    }
}
