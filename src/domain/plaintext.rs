//! Personal data in the clear.

use zeroize::Zeroizing;

use super::parts::PartsError;
use super::parts::join_parts;

/// Personal data in the clear: a name, an address, an e-mail address.
///
/// It has no `Debug`, `Display`, `PartialEq`, `Clone` or `Serialize`, so that neither a log line,
/// nor a derive on an enclosing type, nor a variable-time comparison can be written by accident.
/// The memory is overwritten when it is dropped.
///
/// ```compile_fail,E0277
/// # use counterfoil::domain::Plaintext;
/// println!("{:?}", Plaintext::new("Ada".to_owned()));
/// ```
///
/// ```compile_fail,E0277
/// # use counterfoil::domain::Plaintext;
/// println!("{}", Plaintext::new("Ada".to_owned()));
/// ```
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Plaintext(Zeroizing<String>);

impl Plaintext {
    /// Takes text over as personal data. The caller gives up its own copy.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// A value of several parts, names with texts, as one.
    ///
    /// # Errors
    ///
    /// What is wrong with the parts.
    pub fn of_parts(parts: &[(&str, &str)]) -> Result<Self, PartsError> {
        join_parts(parts).map(Self)
    }

    /// Opens the value. The one door: each call site says why it must look.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}
