//! Times, as people write them.

use crate::domain::DateTime;
use crate::domain::Timestamp;

/// Reads a time: `2026-11-22T18:46:31Z`, a day such as `2026-11-22` (its first moment, UTC), `now`,
/// or how long ago it is, such as `24h`, `90m` or `7d`. Nothing if it is none of them.
pub(in crate::cli) fn read_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    let time = DateTime::read(text).or_else(|| DateTime::read(&format!("{text}T00:00:00Z")));
    time.map(|DateTime(time)| time)
        .or_else(|| read_ago(text, now))
}

fn read_ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let units = [('m', 60), ('h', 3_600), ('d', 86_400)];
    let (count, seconds) = units
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))?;
    let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = is_number.then(|| count.parse().ok()).flatten()?;
    let ago_ms = count.checked_mul(seconds * 1_000)?;
    Some(Timestamp::from_unix_ms(now.unix_ms().checked_sub(ago_ms)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_read_as_people_write_it() {
        let now = Timestamp::from_unix_ms(1_000_000_000_000);
        let read = |text: &str| read_time(text, now).map(Timestamp::unix_ms);
        assert_eq!(read("now"), Some(1_000_000_000_000));
        assert_eq!(read("24h"), Some(1_000_000_000_000 - 86_400_000));
        assert_eq!(read("7d"), Some(1_000_000_000_000 - 7 * 86_400_000));
        assert_eq!(read("90m"), Some(1_000_000_000_000 - 5_400_000));
        assert_eq!(read("2000-02-29"), Some(951_782_400_000));
        assert_eq!(read("2000-02-29T00:00:01Z"), Some(951_782_401_000));
        for text in [
            "",
            "h",
            "-1h",
            "+1h",
            "1w",
            "99999999999999999999h",
            "99999999d",
            "2026-02-30",
            "2026-1-1",
            "2026-11-22T18:46Z",
            "yesterday",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
