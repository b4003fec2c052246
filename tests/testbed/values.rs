//! Values that were never there before: each number has its own.

/// A customer's value, ready to be sent.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) field: &'static str,
    pub(crate) text: String,
    pub(crate) subject: String,
}

/// The value with this number: a name, an address or an e-mail address, in turn, of about the
/// length that people's have. Three neighbours belong to one customer.
pub(crate) fn value(number: u64) -> Value {
    let word = letters(number);
    let (first, last) = word.split_at(5);
    let (field, text) = match number % 3 {
        0 => ("name", format!("{} {}", capital(first), capital(last))),
        1 => {
            let (house, zip) = (number % 997 + 1, number % 89_999 + 10_000);
            let text = format!(
                "{house} {} Street\n{}, {zip}",
                capital(last),
                capital(first)
            );
            ("address", text)
        }
        _ => ("email", format!("{first}.{last}@example.org")),
    };
    Value {
        field,
        text,
        subject: format!("cus_{:07}", number / 3),
    }
}

/// Thirteen letters that look random and are the number's own.
pub(crate) fn letters(number: u64) -> String {
    let mut rest = scramble(number);
    let letter = |_| {
        let letter = u8::try_from(rest % 26).unwrap_or(0) + b'a';
        rest /= 26;
        char::from(letter)
    };
    (0..13).map(letter).collect()
}

/// A pseudo-random number for each number, and no two the same.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (SplitMix64).
pub(crate) fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
