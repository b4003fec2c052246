//! Who calls, as the transport proved it.

use std::net::IpAddr;

use crate::domain::Person;
use crate::domain::Principal;

/// Who calls: made by the server from a client certificate that it verified.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name in the certificate.
    pub principal: Principal,
    /// SHA-256 of the certificate.
    pub credential_fingerprint: [u8; 32],
    /// On whose behalf, as a verified assertion says.
    pub person: Option<Person>,
    /// Where the connection comes from.
    pub address: Option<IpAddr>,
}
