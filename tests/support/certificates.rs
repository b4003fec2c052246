//! An authority, a server and several clients, made once for all tests of a binary.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::SanType;
use rcgen::date_time_ymd;

/// A certificate with its key, PEM.
pub(crate) struct Credential {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Everybody's credentials.
pub(crate) struct Identities {
    ca_pem: String,
    server: Credential,
    clients: HashMap<&'static str, Credential>,
}

impl Identities {
    /// The credentials of all tests of this binary.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<Identities>> = OnceLock::new();
        Arc::clone(SHARED.get_or_init(|| Arc::new(Self::generate())))
    }

    fn generate() -> Self {
        let ca = authority();
        let stranger_ca = authority();
        let server = params(&[SanType::DnsName("localhost".try_into().unwrap())]);
        let mut clients = HashMap::new();
        for (name, id) in SPIFFE_IDS {
            clients.insert(name, client(&ca, params(&[uri(id)])));
        }
        let host = SanType::DnsName("agent.shop.example".try_into().unwrap());
        clients.insert("host", client(&ca, params(&[host])));
        clients.insert("nameless", client(&ca, params(&[])));
        let two = [uri(SPIFFE_IDS[0].1), uri(SPIFFE_IDS[1].1)];
        clients.insert("two_names", client(&ca, params(&two)));
        let backend = || params(&[uri(SPIFFE_IDS[0].1)]);
        clients.insert("foreign_ca", client(&stranger_ca, backend()));
        let mut expired = backend();
        expired.not_before = date_time_ymd(2019, 1, 1);
        expired.not_after = date_time_ymd(2020, 1, 1);
        clients.insert("expired", client(&ca, expired));
        let mut not_a_client = backend();
        not_a_client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        clients.insert("server_only", sign(&ca, &not_a_client));
        let mut server = server;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Self {
            ca_pem: ca.pem(),
            server: sign(&ca, &server),
            clients,
        }
    }

    /// Writes what the server reads.
    pub(crate) fn write_to(&self, directory: &Path) {
        for (name, text) in [
            ("ca.pem", &self.ca_pem),
            ("server.pem", &self.server.certificate),
            ("server.key", &self.server.key),
        ] {
            fs::write(directory.join(name), text).unwrap();
        }
    }

    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    pub(crate) fn credential(&self, name: &str) -> &Credential {
        &self.clients[name]
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(names: &[SanType]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names.to_vec();
    params
}

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn client(ca: &CertifiedIssuer<'_, KeyPair>, mut params: CertificateParams) -> Credential {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    sign(ca, &params)
}

fn sign(ca: &CertifiedIssuer<'_, KeyPair>, params: &CertificateParams) -> Credential {
    let key = KeyPair::generate().unwrap();
    Credential {
        certificate: params.signed_by(&key, ca).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

/// Names of clients in tests, and in certificates.
const SPIFFE_IDS: [(&str, &str); 6] = [
    ("backend", "spiffe://shop.example/backend"),
    ("other", "spiffe://other.example/backend"),
    ("writer", "spiffe://shop.example/writer"),
    ("agent", "spiffe://shop.example/agent"),
    ("approver", "spiffe://shop.example/approver"),
    ("stranger", "spiffe://shop.example/stranger"),
];
