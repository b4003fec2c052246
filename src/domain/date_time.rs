//! Times, as people read them.

use std::fmt;

use crate::domain::Timestamp;

/// Writes a time as `2026-11-22T18:46:31Z` (RFC 3339, UTC, whole seconds).
#[derive(Clone, Copy, Debug)]
pub struct DateTime(pub Timestamp);

impl fmt::Display for DateTime {
    /// The date by Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day
    /// is the last of its year, and 400 of them have 146,097 days.
    ///
    /// Source: <https://howardhinnant.github.io/date_algorithms.html>
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.unix_ms() / 1_000;
        let (days, second_of_day) = (seconds / 86_400, seconds % 86_400);
        // Day 0 is 1 March of the year 0.
        let day = days + 719_468;
        let (era, day_of_era) = (day / 146_097, day % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hour, minute) = (second_of_day / 3_600, second_of_day / 60 % 60);
        let second = second_of_day % 60;
        write!(
            formatter,
            "{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl DateTime {
    /// Reads what [`fmt::Display`] writes, from 1970 to 9999. Nothing of any other text.
    ///
    /// The day by Howard Hinnant's `days_from_civil`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let number = |from: usize, to: usize| -> Option<u64> {
            let digits = text.get(from..to)?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().ok()).flatten()
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if year < 1970 || !(1..=12).contains(&month) {
            return None;
        }
        let month_from_march = (month + 9) % 12;
        let year = year - u64::from(month <= 2);
        let day_of_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
        let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        let time = Self(Timestamp::from_unix_ms(seconds * 1_000));
        // Whatever is out of bounds, or stands between the numbers, is written otherwise.
        (time.to_string() == text).then_some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_is_read() {
        for text in [
            "",
            "2026",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+00:00",
            "1969-12-31T23:59:59Z",
            "20é6-01-01T00:00:00Z",
        ] {
            assert!(DateTime::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn time_is_written_as_people_read_it() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let time = Timestamp::from_unix_ms(seconds * 1_000 + 999);
            assert_eq!(DateTime(time).to_string(), text);
            let read = DateTime::read(text).unwrap().0;
            assert_eq!(read, Timestamp::from_unix_ms(seconds * 1_000));
        }
    }
}
