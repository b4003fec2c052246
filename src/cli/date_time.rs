//! Times, as people read them.

use std::fmt;

use crate::domain::Timestamp;

/// Writes a time as `2026-11-22T18:46:31Z` (RFC 3339, UTC, whole seconds).
pub(super) struct DateTime(pub(super) Timestamp);

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

#[cfg(test)]
mod tests {
    use super::*;

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
        }
    }
}
