//! How far the job of a ceremony has come.

/// How far a job over all records of a namespace has come.
///
/// Record ids are outputs of a pseudo-random function, so the place that the job has reached among
/// them says how much is done, without counting the records before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Records that were looked at.
    pub looked_at: u64,
    /// Records that were changed.
    pub changed: u64,
    /// Records that do not open, and stay as they are.
    pub damaged: u64,
    /// The last record id that was looked at; nothing before the first.
    pub after: Option<[u8; 16]>,
}

impl Progress {
    /// The share that is done, in millionths.
    #[must_use]
    pub fn millionths(&self) -> u32 {
        let Some([high, low, ..]) = self.after.map(|id| {
            let [a, b, c, d, ..] = id;
            [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
        }) else {
            return 0;
        };
        let place = (u64::from(high) << 16) | u64::from(low);
        // At most 999,999, since the place is below 2^32.
        u32::try_from((place * 1_000_000) >> 32).unwrap_or(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_among_the_ids_is_the_share_that_is_done() {
        let at = |first: u8| Progress {
            after: Some([first; 16]),
            ..Progress::default()
        };
        assert_eq!(Progress::default().millionths(), 0);
        assert_eq!(at(0).millionths(), 0);
        assert_eq!(at(0x80).millionths(), 501_960);
        assert_eq!(at(0xff).millionths(), 999_999);
    }
}
