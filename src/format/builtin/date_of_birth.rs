//! Dates of birth.
//!
//! A value is a day from 1850 to 2150. A token is a day of the Gregorian calendar, counted back
//! where it was not in use, in the years 1000 to 1849 or 2151 to 9999: nobody's date of birth, and
//! a date all the same wherever a column or a library asks for one. Nothing of the value is kept.
//!
//! Some systems do not take all of these years: spreadsheets none before 1900, SQL Server's
//! `datetime` none before 1753, and libraries that count nanoseconds in 64 bits none outside of
//! 1677 to 2262. The field's type must be a date after ISO 8601 or SQL.

use crate::format::product::DatesSpec;
use crate::format::product::GrammarSpec;
use crate::format::product::PartSpec;
use crate::format::product::SetSpec;
use crate::format::product::TokenSpec;

/// How a field writes its dates.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum DateLayout {
    /// `24.12.1985`
    DayMonthYearDots,
    /// `24/12/1985`
    DayMonthYearSlashes,
    /// `12/24/1985`
    MonthDayYear,
    /// `1985-12-24`, ISO 8601.
    #[default]
    YearMonthDay,
    /// `19851224`, the basic format of ISO 8601.
    YearMonthDayBasic,
}

impl DateLayout {
    /// Every layout.
    pub const ALL: [Self; 5] = [
        Self::DayMonthYearDots,
        Self::DayMonthYearSlashes,
        Self::MonthDayYear,
        Self::YearMonthDay,
        Self::YearMonthDayBasic,
    ];

    /// What the configuration calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DayMonthYearDots => "DD.MM.YYYY",
            Self::DayMonthYearSlashes => "DD/MM/YYYY",
            Self::MonthDayYear => "MM/DD/YYYY",
            Self::YearMonthDay => "YYYY-MM-DD",
            Self::YearMonthDayBasic => "YYYYMMDD",
        }
    }
}

/// The specification of dates of birth in a layout.
pub(in crate::format) fn grammar(layout: DateLayout) -> GrammarSpec {
    let range = |[first, last]: [&str; 2]| [first.to_owned(), last.to_owned()];
    let token = SetSpec {
        date: Some(DatesSpec::Ranges(TOKENS.map(range).into())),
        ..SetSpec::default()
    };
    GrammarSpec {
        parts: Some(vec![PartSpec {
            date: Some(DatesSpec::Range(range(VALUES))),
            layout: Some(layout.name().to_owned()),
            token: Some(TokenSpec::Set(Box::new(token))),
            ..PartSpec::default()
        }]),
        ..GrammarSpec::default()
    }
}

/// Who is alive was born in these years, and who will be alive for a long time.
const VALUES: [&str; 2] = ["1850-01-01", "2150-12-31"];

/// 3,177,244 days.
const TOKENS: [[&str; 2]; 2] = [["1000-01-01", "1849-12-31"], ["2151-01-01", "9999-12-31"]];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::product::Product;

    fn is_value(product: &Product, text: &str) -> bool {
        product.parse(&product.canonical(text).unwrap()).is_some()
    }

    #[test]
    fn day_of_a_life_is_a_value_in_its_layout() {
        for (layout, day) in [
            (DateLayout::DayMonthYearDots, "24.12.1985"),
            (DateLayout::DayMonthYearSlashes, "24/12/1985"),
            (DateLayout::MonthDayYear, "12/24/1985"),
            (DateLayout::YearMonthDay, "1985-12-24"),
            (DateLayout::YearMonthDayBasic, "19851224"),
        ] {
            for own in DateLayout::ALL {
                let product = Product::new(&grammar(own)).unwrap();
                assert_eq!(is_value(&product, day), own == layout, "{day}");
            }
        }
    }

    #[test]
    fn only_days_of_the_window_are_values() {
        let product = Product::new(&grammar(DateLayout::YearMonthDay)).unwrap();
        for day in ["1850-01-01", "2150-12-31", "2000-02-29"] {
            assert!(is_value(&product, day), "{day}");
        }
        for day in [
            "1849-12-31",
            "2151-01-01",
            "1900-02-29",
            "1985-13-01",
            "1985-1-1",
        ] {
            assert!(!is_value(&product, day), "{day}");
        }
    }

    #[test]
    fn token_is_a_day_of_no_life() {
        for layout in DateLayout::ALL {
            let product = Product::new(&grammar(layout)).unwrap();
            for seed in 0..500 {
                let (value, token) = product.example(seed).unwrap();
                assert!(is_value(&product, &value));
                assert!(!is_value(&product, &token), "{token}");
                assert_eq!(value.len(), token.len());
            }
        }
    }
}
