//! The proof that something is in the log.

use crate::audit::Receipt;

/// What was recorded before it may be carried out.
///
/// Only [`crate::audit::AuditLog::record`] makes one, after the entry is on the disk, under a
/// signed checkpoint, and the head says so. A function that takes a `Recorded` cannot be reached
/// without an entry.
///
/// ```compile_fail,E0451
/// # use counterfoil::audit::{Receipt, Recorded};
/// fn forge(receipt: Receipt) -> Recorded<u8> {
///     Recorded { inner: 1, receipt }
/// }
/// ```
#[derive(Debug)]
pub struct Recorded<T> {
    inner: T,
    receipt: Receipt,
}

impl<T> Recorded<T> {
    pub(super) fn new(inner: T, receipt: Receipt) -> Self {
        Self { inner, receipt }
    }

    /// Where it is recorded.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What was recorded.
    #[must_use]
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// What was recorded, and where.
    #[must_use]
    pub fn into_parts(self) -> (T, Receipt) {
        (self.inner, self.receipt)
    }
}
