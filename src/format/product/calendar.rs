//! Days of the proleptic Gregorian calendar, numbered.
//!
//! Source: ISO 8601-1:2019, section 4.2.1.

/// The number of a day, 0 for 0001-01-01.
pub(super) type DayNumber = u32;

/// A day of the years 1 to 9999.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Day {
    pub(super) year: u32,
    pub(super) month: u32,
    pub(super) day: u32,
}

impl Day {
    /// The day, if the calendar has it.
    pub(super) fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let is_day = (1..=YEAR_MAX).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        is_day.then_some(Self { year, month, day })
    }

    /// Reads `YYYY-MM-DD`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut field = |width: usize| {
            let digits = fields.next()?;
            let is_decimal = digits.len() == width && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|_| is_decimal)
        };
        let day = Self::new(field(4)?, field(2)?, field(2)?);
        day.filter(|_| fields.next().is_none())
    }

    pub(super) fn number(self) -> DayNumber {
        let months = (1..self.month).map(|month| days_in_month(self.year, month));
        days_before_year(self.year) + months.sum::<u32>() + self.day - 1
    }

    pub(super) fn from_number(number: DayNumber) -> Option<Self> {
        // At most one year too late, since a year has at least 365 days.
        let mut year = number / 365 + 1;
        while days_before_year(year) > number {
            year -= 1;
        }
        let mut rest = number - days_before_year(year);
        let mut month = 1;
        while month < 12 && rest >= days_in_month(year, month) {
            rest -= days_in_month(year, month);
            month += 1;
        }
        Self::new(year, month, rest + 1)
    }
}

fn days_before_year(year: u32) -> u32 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// The last year that four digits can write.
const YEAR_MAX: u32 = 9_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_its_number() {
        let mut number = 0;
        for year in 1..=YEAR_MAX {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    let day = Day::new(year, month, day).unwrap();
                    assert_eq!(day.number(), number);
                    assert_eq!(Day::from_number(number), Some(day));
                    number += 1;
                }
            }
        }
        assert_eq!(Day::from_number(number), None);
        // Python: date.max.toordinal()
        assert_eq!(number, 3_652_059);
    }

    #[test]
    fn days_of_other_calendars_are_no_days() {
        for text in [
            "1900-02-29",
            "2001-13-01",
            "2001-00-01",
            "2001-04-31",
            "0000-01-01",
            "2001-1-01",
            "2001-01-1x",
            "+001-01-01",
            "2001-01-01-",
            "2001-01",
            "",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert_eq!(Day::parse("2000-02-29"), Day::new(2000, 2, 29));
    }
}
