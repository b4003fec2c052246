//! What officers sign.
//!
//! ```text
//! counterfoil.v1/statement
//! vault acme.example/counterfoil
//! operation destroy-key
//! object wrapping/shop/1
//! charter <64 hexadecimal digits>
//! nonce <32 hexadecimal digits>
//! proposed 2026-11-28T10:00:00Z
//! expires 2026-11-28T22:00:00Z
//! ```

use std::fmt;

use sha2::Digest;
use sha2::Sha256;

use crate::ceremony::CeremonyError;
use crate::ceremony::Operation;
use crate::domain::CeremonyId;
use crate::domain::DateTime;
use crate::domain::Timestamp;

/// What officers sign: everything that will be done, and nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    /// The vault, by the origin of its audit log.
    pub vault: String,
    /// What is to be done.
    pub operation: Operation,
    /// SHA-256 of the charter that it is signed under.
    pub charter: [u8; 32],
    /// Makes it a statement of its own.
    pub nonce: [u8; 16],
    /// When it was made, in whole seconds.
    pub proposed: Timestamp,
    /// Until when officers may sign it, in whole seconds.
    pub expires: Timestamp,
}

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// If the text is not exactly what [`fmt::Display`] writes.
    pub fn read(text: &str) -> Result<Self, CeremonyError> {
        Self::parse(text)
            .filter(|statement| statement.to_string() == text)
            .ok_or(CeremonyError::Statement)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().collect();
        let [head, vault, kind, object, charter, nonce, proposed, expires] = lines.as_slice()
        else {
            return None;
        };
        if *head != HEAD {
            return None;
        }
        let time = |text: &str| DateTime::read(text).map(|time| time.0);
        let kind = kind.strip_prefix("operation ")?;
        Some(Self {
            vault: vault.strip_prefix("vault ")?.to_owned(),
            operation: Operation::read(kind, object.strip_prefix("object ")?)?,
            charter: read_hex(charter.strip_prefix("charter ")?)?,
            nonce: read_hex(nonce.strip_prefix("nonce ")?)?,
            proposed: time(proposed.strip_prefix("proposed ")?)?,
            expires: time(expires.strip_prefix("expires ")?)?,
        })
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_string()).into()
    }

    /// The id of the ceremony that carries it out.
    #[must_use]
    pub fn id(&self) -> CeremonyId {
        CeremonyId::of(self.digest())
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{HEAD}")?;
        writeln!(formatter, "vault {}", self.vault)?;
        writeln!(formatter, "operation {}", self.operation.kind().name())?;
        writeln!(formatter, "object {}", self.operation.object())?;
        writeln!(formatter, "charter {}", hex::encode(self.charter))?;
        writeln!(formatter, "nonce {}", hex::encode(self.nonce))?;
        writeln!(formatter, "proposed {}", DateTime(self.proposed))?;
        writeln!(formatter, "expires {}", DateTime(self.expires))
    }
}

/// The text that officers sign to cancel a ceremony.
#[must_use]
pub fn cancellation(id: &CeremonyId) -> String {
    format!("counterfoil.v1/cancellation\noperation {id}\n")
}

fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    hex::decode(text).ok()?.try_into().ok()
}

/// The longest that officers may sign a statement, in seconds: a day.
pub const STATEMENT_SECONDS_MAX: u64 = 24 * 60 * 60;
const HEAD: &str = "counterfoil.v1/statement";
