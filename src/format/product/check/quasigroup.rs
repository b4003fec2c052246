//! The check digits of Verhoeff and of Damm.
//!
//! Sources: J. Verhoeff, Error Detecting Decimal Codes, Mathematical Centre Tracts 29, 1969;
//! H. M. Damm, Total anti-symmetrische Quasigruppen, Philipps-Universität Marburg, 2004,
//! example 5.2.

/// Whether digits, with their check digit among them, are right by Verhoeff.
pub(super) fn verhoeff_holds(digits: impl DoubleEndedIterator<Item = u32>) -> bool {
    let mut sum = 0;
    for (place, digit) in digits.rev().enumerate() {
        let permuted = (0..place % 8).fold(digit, |digit, _| permute(digit));
        sum = multiply(sum, permuted);
    }
    sum == 0
}

/// Whether digits, with their check digit at the end, are right by Damm.
pub(super) fn damm_holds(digits: impl Iterator<Item = u32>) -> bool {
    digits.fold(0, |sum, digit| entry(&DAMM, sum, digit)) == 0
}

/// The product in the dihedral group of the pentagon: 0 to 4 are rotations, 5 to 9 reflections.
fn multiply(left: u32, right: u32) -> u32 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right) % 5,
        (false, true) => 5 + (left + 5 - right) % 5,
        (false, false) => (left + 5 - right % 5) % 5,
    }
}

fn permute(digit: u32) -> u32 {
    entry(&[VERHOEFF], 0, digit)
}

fn entry(table: &[[u32; 10]], row: u32, column: u32) -> u32 {
    let row = usize::try_from(row).ok().and_then(|row| table.get(row));
    let column = usize::try_from(column).ok();
    let found = row.and_then(|row| row.get(column?));
    found.copied().unwrap_or(0)
}

const VERHOEFF: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

const DAMM: [[u32; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dihedral_group_is_the_published_one() {
        // Verhoeff 1969, the rows of 5 and 9 of the multiplication table.
        let row = |left| {
            (0..10)
                .map(|right| multiply(left, right))
                .collect::<Vec<_>>()
        };
        assert_eq!(row(1), [1, 2, 3, 4, 0, 6, 7, 8, 9, 5]);
        assert_eq!(row(5), [5, 9, 8, 7, 6, 0, 4, 3, 2, 1]);
        assert_eq!(row(9), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }

    #[test]
    fn damm_table_is_a_totally_antisymmetric_quasigroup() {
        for c in 0..10 {
            let mut row: Vec<_> = (0..10).map(|x| entry(&DAMM, c, x)).collect();
            row.sort_unstable();
            assert_eq!(row, (0..10).collect::<Vec<_>>());
            assert_eq!(entry(&DAMM, c, c), 0);
            for (x, y) in (0..10).flat_map(|x| (0..x).map(move |y| (x, y))) {
                let xy = entry(&DAMM, entry(&DAMM, c, x), y);
                assert_ne!(xy, entry(&DAMM, entry(&DAMM, c, y), x));
            }
        }
    }
}
