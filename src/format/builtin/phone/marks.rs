//! The marks of phone numbers: what no number of a calling code begins with.
//!
//! The table is made by `generate.py`, from the metadata of Google's libphonenumber (Apache-2.0),
//! of the version that its first line names. A line has a calling code, lengths of national
//! numbers, and for these the marks, all of one length; none if the numbers are too short.
//!
//! The table is frozen with the format version: another mark is another format.

use std::sync::LazyLock;

/// What is known of a calling code's national numbers of some lengths.
pub(super) struct Plan {
    code: u16,
    /// How many digits they have.
    pub(super) lengths: Vec<usize>,
    /// What none of them begins with.
    pub(super) marks: Vec<&'static str>,
}

/// The plans of a calling code; none if there is no such code.
pub(super) fn plans(code: u16) -> impl Iterator<Item = &'static Plan> {
    PLANS.iter().filter(move |plan| plan.code == code)
}

/// Every calling code, in order.
pub(in crate::format) fn calling_codes() -> Vec<u16> {
    let mut codes: Vec<_> = PLANS.iter().map(|plan| plan.code).collect();
    codes.dedup();
    codes
}

/// Reads a line of the table; nothing if it is a comment.
fn plan(line: &'static str) -> Option<Plan> {
    let mut columns = line.split('\t');
    let code = columns.next()?.parse().ok()?;
    let lengths = columns.next()?.split(' ');
    Some(Plan {
        code,
        lengths: lengths.map_while(|length| length.parse().ok()).collect(),
        marks: columns.next()?.split_whitespace().collect(),
    })
}

static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| TABLE.lines().filter_map(plan).collect());

const TABLE: &str = include_str!("marks.tsv");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_read_whole() {
        let comments = TABLE.lines().filter(|line| line.starts_with('#')).count();
        assert_eq!(PLANS.len() + comments, TABLE.lines().count());
        for plan in PLANS.iter() {
            assert!(!plan.lengths.is_empty(), "{}", plan.code);
            let digits = plan.marks.iter().map(|mark| mark.len());
            assert!(digits.clone().min() == digits.max(), "{}", plan.code);
            let is_mark = |mark: &&str| mark.bytes().all(|byte| byte.is_ascii_digit());
            assert!(plan.marks.iter().all(is_mark), "{}", plan.code);
        }
    }

    #[test]
    fn no_code_begins_with_another() {
        let codes = calling_codes();
        for one in &codes {
            for other in codes.iter().filter(|other| *other != one) {
                assert!(!other.to_string().starts_with(&one.to_string()));
            }
        }
    }
}
