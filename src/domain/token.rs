//! What stands in for a plaintext.

use zeroize::Zeroizing;

use super::parts::PartsError;
use super::parts::join_parts;

/// A token: text of the plaintext's format that means nothing without the vault.
///
/// A token is not secret for who stores it, but for the vault it is: a record opens only for who
/// brings its token, so a token in a log beside the vault's disk would be a key left in a door.
/// Hence no `Debug`, `Display`, `PartialEq`, `Clone` or `Serialize`.
///
/// ```compile_fail,E0277
/// # use counterfoil::domain::Token;
/// println!("{:?}", Token::new("Kfo".to_owned()));
/// ```
#[expect(missing_debug_implementations, reason = "a token must not reach a log")]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes text over as a token, unchecked: only a live record makes it one.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// A token of several parts, names with texts, as one.
    ///
    /// # Errors
    ///
    /// What is wrong with the parts.
    pub fn of_parts(parts: &[(&str, &str)]) -> Result<Self, PartsError> {
        join_parts(parts).map(Self)
    }

    /// Opens the token. Each call site says why it must look.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}
