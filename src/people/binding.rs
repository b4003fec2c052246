//! Whether an assertion is the caller's to present (RFC 8705, section 3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::domain::Principal;

/// Who presents an assertion: the caller, as the transport proved it.
#[derive(Clone, Copy, Debug)]
pub struct Presenter<'a> {
    /// The name in the client certificate.
    pub principal: &'a Principal,
    /// SHA-256 of the client certificate.
    pub certificate: &'a [u8; 32],
}

impl Presenter<'_> {
    /// Whether a `cnf` claim names the caller's certificate, and nothing else: a confirmation of
    /// another kind cannot be checked here, so it does not confirm anything.
    pub(super) fn is_named_by(&self, confirmation: &Value) -> bool {
        let Some(members) = confirmation
            .as_object()
            .filter(|members| members.len() == 1)
        else {
            return false;
        };
        let thumbprint = members.get("x5t#S256").and_then(Value::as_str);
        let bytes = thumbprint.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes.is_some_and(|bytes| bytes.ct_eq(self.certificate.as_slice()).into())
    }
}
