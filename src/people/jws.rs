//! The compact form of a signed JSON Web Token (RFC 7515, section 7.1), read without believing it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;

use crate::people::Algorithm;
use crate::people::Refusal;
use crate::people::json;
use crate::people::refusal::Checks;

/// The most bytes that an assertion may have; a longer one is not looked at.
pub const ASSERTION_BYTES_MAX: usize = 8 * 1024;

/// A signed token whose signature nobody has checked yet.
pub(super) struct Jws<'a> {
    pub(super) header: Header,
    pub(super) claims: Map<String, Value>,
    /// What is signed: the first two parts with the dot between them.
    pub(super) signed: &'a str,
    /// The third part, base64url.
    pub(super) signature: &'a str,
}

/// The header: all of it that is looked at.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: String,
    pub(super) token_type: Option<String>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    ///
    /// If it is too long, not of this form, or has a header with what it must not have.
    pub(super) fn read(text: &'a str, checks: Checks) -> Result<Self, Refusal> {
        checks.require(text.len() <= ASSERTION_BYTES_MAX, Refusal::TooLong)?;
        let (signed, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        // A fourth part is in the claims, where the alphabet has no dot. No signature, no token.
        let [header, claims, signature_bytes] = [header, claims, signature].map(decode);
        if signature_bytes?.is_empty() {
            return Err(Refusal::Malformed);
        }
        Ok(Self {
            header: Header::read(&object(&header?)?, checks)?,
            claims: object(&claims?)?,
            signed,
            signature,
        })
    }
}

impl Header {
    fn read(members: &Map<String, Value>, checks: Checks) -> Result<Self, Refusal> {
        let has_extension = FORBIDDEN.iter().any(|name| members.contains_key(*name));
        checks.require(!has_extension, Refusal::Header)?;
        let text = |name: &str| members.get(name).map(Value::as_str);
        let algorithm = text("alg").flatten().ok_or(Refusal::Algorithm)?;
        let key_id = text("kid").flatten().ok_or(Refusal::UnknownKey)?;
        if key_id.is_empty() || key_id.len() > KEY_ID_BYTES_MAX {
            return Err(Refusal::UnknownKey);
        }
        let token_type = match text("typ") {
            None => None,
            Some(text) => Some(text.ok_or(Refusal::Type)?.to_owned()),
        };
        Ok(Self {
            algorithm: Algorithm::read(algorithm).ok_or(Refusal::Algorithm)?,
            key_id: key_id.to_owned(),
            token_type,
        })
    }
}

/// One spelling of each part: base64url without padding, and no bits left over.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    json::read_object(bytes).ok_or(Refusal::Malformed)
}

/// Members that change how a token is read (`crit`, `b64`, `zip`, `enc`, `cty`), or bring a key or
/// the place of one along. Who signs does not choose what it is checked with.
const FORBIDDEN: [&str; 9] = [
    "b64", "crit", "cty", "enc", "jku", "jwk", "x5c", "x5u", "zip",
];
/// The longest id of a key.
pub(super) const KEY_ID_BYTES_MAX: usize = 256;
