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
    /// On whose behalf it calls, if an identity provider vouches for somebody.
    pub person: Option<Person>,
    /// Where it calls from, if it calls over a network.
    pub address: Option<IpAddr>,
}
