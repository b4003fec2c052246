//! A certificate authority for development.

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::SanType;
use rcgen::date_time_ymd;

use crate::cli::error::CliError;

/// A certificate authority for development. Its certificates are valid until 2120, so that no
/// example fails for its age.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its private key, PEM.
pub(super) struct Credentials {
    pub(super) certificate: String,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn generate() -> Result<Self, CliError> {
        let mut params = params("Counterfoil development CA", Vec::new());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(CliError::failed)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(CliError::failed)?;
        Ok(Self { issuer })
    }

    /// Its own certificate and key.
    pub(super) fn credentials(&self) -> Credentials {
        Credentials {
            certificate: self.issuer.pem(),
            key: self.issuer.key().serialize_pem(),
        }
    }

    /// A certificate for a server on this machine.
    pub(super) fn server(&self) -> Result<Credentials, CliError> {
        let localhost = "localhost".try_into().map_err(CliError::failed)?;
        let names = vec![
            SanType::DnsName(localhost),
            SanType::IpAddress([127, 0, 0, 1].into()),
            SanType::IpAddress([0, 0, 0, 0, 0, 0, 0, 1_u16].into()),
        ];
        self.issue(
            "Counterfoil development vault",
            names,
            ExtendedKeyUsagePurpose::ServerAuth,
        )
    }

    /// A certificate for a caller with this SPIFFE id.
    pub(super) fn client(&self, name: &str, spiffe_id: &str) -> Result<Credentials, CliError> {
        let uri = spiffe_id.try_into().map_err(CliError::failed)?;
        self.issue(
            name,
            vec![SanType::URI(uri)],
            ExtendedKeyUsagePurpose::ClientAuth,
        )
    }

    fn issue(
        &self,
        name: &str,
        alternative_names: Vec<SanType>,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Credentials, CliError> {
        let mut params = params(name, alternative_names);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(CliError::failed)?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(CliError::failed)?;
        Ok(Credentials {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn params(name: &str, alternative_names: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = alternative_names;
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}
