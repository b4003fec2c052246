//! Who calls: the name in the client certificate.

use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use sha2::Digest;
use sha2::Sha256;
use tonic::Request;
use tonic::Status;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;
use zeroize::Zeroizing;

use crate::domain::Principal;
use crate::server::status;
use crate::vault::Caller;
use crate::vault::Vault;
use crate::vault::VaultError;

/// The peer of a connection: a caller, if its certificate names one.
pub(super) struct Peer {
    caller: Option<Caller>,
}

impl Peer {
    /// Reads the certificate that the handshake has verified.
    pub(super) fn of(certificates: Option<&[CertificateDer<'_>]>, address: IpAddr) -> Self {
        let leaf = certificates.and_then(|chain| chain.first());
        Self {
            caller: leaf.and_then(|certificate| caller(certificate, address)),
        }
    }
}

/// Who makes this request.
pub(super) fn of<T>(request: &Request<T>) -> Result<Caller, Status> {
    let peer = request.extensions().get::<Arc<Peer>>();
    peer.and_then(|peer| peer.caller.clone()).ok_or_else(|| {
        Status::unauthenticated("client certificate names no single SPIFFE id or DNS name")
    })
}

/// Who makes this request, and on behalf of whom: the assertion is taken out of the message, and
/// wiped once it is verified.
pub(super) async fn acting<T>(
    vault: &Vault,
    request: Request<T>,
    assertion: impl FnOnce(&mut T) -> &mut String,
) -> Result<(Caller, T), Status> {
    acting_noted(vault, request, assertion, |_| ()).await
}

/// As [`acting`], and tells `note` of a person who is not believed.
pub(super) async fn acting_noted<T>(
    vault: &Vault,
    request: Request<T>,
    assertion: impl FnOnce(&mut T) -> &mut String,
    note: impl FnOnce(&VaultError),
) -> Result<(Caller, T), Status> {
    let caller = of(&request)?;
    let mut message = request.into_inner();
    let assertion = Zeroizing::new(mem::take(assertion(&mut message)));
    match vault.on_behalf_of(caller, &assertion).await {
        Ok(caller) => Ok((caller, message)),
        Err(error) => {
            note(&error);
            Err(status::of(&error))
        }
    }
}

/// The caller of a certificate: its one SPIFFE id, or without one its one DNS name. A certificate
/// with several names has none: no two principals share a credential.
fn caller(certificate: &CertificateDer<'_>, address: IpAddr) -> Option<Caller> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = &parsed.subject_alternative_name().ok()??.value.general_names;
    let uris: Vec<&str> = names
        .iter()
        .filter_map(|name| {
            if let GeneralName::URI(uri) = name {
                Some(*uri)
            } else {
                None
            }
        })
        .collect();
    let hosts: Vec<&str> = names
        .iter()
        .filter_map(|name| {
            if let GeneralName::DNSName(host) = name {
                Some(*host)
            } else {
                None
            }
        })
        .collect();
    let name = match (uris.as_slice(), hosts.as_slice()) {
        ([uri], _) if uri.starts_with("spiffe://") => *uri,
        ([], [host]) => *host,
        (_, _) => return None,
    };
    let principal = Principal::new(name).ok()?;
    let credential_fingerprint = Sha256::digest(certificate.as_ref()).into();
    Some(Caller {
        principal,
        credential_fingerprint,
        person: None,
        address: Some(address),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::CertificateParams;
    use rcgen::KeyPair;
    use rcgen::SanType;

    use super::*;

    fn certificate(names: &[SanType]) -> CertificateDer<'static> {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = names.to_vec();
        let key = KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().clone()
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    fn host(text: &str) -> SanType {
        SanType::DnsName(text.try_into().unwrap())
    }

    fn principal(names: &[SanType]) -> Option<String> {
        let caller = caller(&certificate(names), IpAddr::from([192, 0, 2, 1]))?;
        assert_eq!(caller.address, Some([192, 0, 2, 1].into()));
        assert!(caller.person.is_none(), "a certificate names no person");
        Some(caller.principal.as_str().to_owned())
    }

    #[test]
    fn principal_is_the_spiffe_id_or_the_dns_name() {
        assert_eq!(
            principal(&[uri("spiffe://a.example/b")]).unwrap(),
            "spiffe://a.example/b"
        );
        assert_eq!(principal(&[host("b.a.example")]).unwrap(), "b.a.example");
        let both = [host("b.a.example"), uri("spiffe://a.example/b")];
        assert_eq!(principal(&both).unwrap(), "spiffe://a.example/b");
    }

    #[test]
    fn certificate_with_two_names_or_none_names_nobody() {
        assert!(principal(&[]).is_none());
        assert!(principal(&[host("a.example"), host("b.example")]).is_none());
        assert!(principal(&[uri("spiffe://a/b"), uri("spiffe://a/c")]).is_none());
        assert!(principal(&[uri("https://a.example/b")]).is_none());
    }
}
