//! Parts of the built-in specifications.

use super::Mode;
use crate::format::product::CheckToken;
use crate::format::product::LengthSpec;
use crate::format::product::PartSpec;
use crate::format::product::SetSpec;
use crate::format::product::TokenSpec;

/// One text.
pub(super) fn literal(text: &str) -> PartSpec {
    PartSpec {
        literal: Some(text.to_owned()),
        ..PartSpec::default()
    }
}

/// As many characters of a named class.
pub(super) fn class(name: &str, length: usize) -> PartSpec {
    PartSpec {
        class: Some(name.to_owned()),
        length: Some(LengthSpec::Exact(length)),
        ..PartSpec::default()
    }
}

/// So many digits.
pub(super) fn digits(length: usize) -> PartSpec {
    class("digit", length)
}

/// From `least` to `most` digits, of which the token has as many as the value.
pub(super) fn digits_between(least: usize, most: usize) -> PartSpec {
    PartSpec {
        length: Some(LengthSpec::Range([least, most])),
        ..digits(most)
    }
}

/// A digit, which is none in tokens that a spreadsheet would drop: zero.
pub(super) fn leading_digit() -> PartSpec {
    let token = SetSpec {
        alphabet: Some("123456789".to_owned()),
        ..SetSpec::default()
    };
    PartSpec {
        token: Some(TokenSpec::Set(Box::new(token))),
        ..digits(1)
    }
}

/// The same, but that the token has what the value has.
pub(super) fn kept(part: PartSpec) -> PartSpec {
    PartSpec {
        keep: Some(true),
        ..part
    }
}

/// A check, which is wrong in marked tokens.
pub(super) fn check(name: &str, mode: Mode) -> PartSpec {
    let token = match mode {
        Mode::Marked => CheckToken::Wrong,
        Mode::Valid => CheckToken::Right,
    };
    PartSpec {
        check: Some(name.to_owned()),
        token: Some(TokenSpec::Check(token)),
        ..PartSpec::default()
    }
}
