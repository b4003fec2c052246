//! A place for a vault with its certificates and configuration, and clients for it: what the
//! crash campaign and the benches stand on.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::config::Config;
use counterfoil::crypto::{KeyBytes, RootKey};
use counterfoil::server::ServerSettings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::transport::{Server, ServerTlsConfig};
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// The tenant of the configuration.
pub(crate) const NAMESPACE: &str = "shop";
/// The principal of the client certificate.
pub(crate) const PRINCIPAL: &str = "client.shop.example";

/// Writes certificates and a configuration into an empty directory.
pub(crate) fn prepare(directory: &Path) -> Result<(), Failure> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    fs::write(directory.join("ca.pem"), authority.pem())?;
    for (file, name) in [("server", SERVER_NAME), ("client", PRINCIPAL)] {
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &authority)?;
        fs::write(directory.join(format!("{file}.pem")), certificate.pem())?;
        fs::write(directory.join(format!("{file}.key")), key.serialize_pem())?;
    }
    fs::write(directory.join(CONFIG_FILE), CONFIG)?;
    Ok(())
}

/// The configuration in a prepared directory.
pub(crate) fn config(directory: &Path) -> Result<Config, Failure> {
    Ok(Config::load(&directory.join(CONFIG_FILE), None)?)
}

/// The root key of every vault here: the same after each restart.
pub(crate) fn root_key() -> RootKey {
    RootKey::new(&KeyBytes::from_array(&[0x5a; KeyBytes::LENGTH]))
}

/// How the configuration is served.
pub(crate) fn settings(config: &Config) -> ServerSettings {
    assembly::server_settings(config)
}

/// A connection to a listener, with the client's certificate.
pub(crate) async fn connect(directory: &Path, address: SocketAddr) -> Result<Channel, Failure> {
    let read = |file: &str| fs::read(directory.join(file));
    let tls = ClientTlsConfig::new()
        .domain_name(SERVER_NAME)
        .ca_certificate(Certificate::from_pem(read("ca.pem")?))
        .identity(Identity::from_pem(read("client.pem")?, read("client.key")?));
    let endpoint = Endpoint::from_shared(format!("https://{address}"))?
        .tls_config(tls)?
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIME_MAX);
    Ok(endpoint.connect().await?)
}

/// Serves something else than a vault, with the limits and certificates of one: the transport
/// alone. It stops with the task.
pub(crate) async fn serve_without_vault(
    directory: &Path,
    routes: Routes,
) -> Result<SocketAddr, Failure> {
    let read = |file: &str| fs::read(directory.join(file));
    let limits = settings(&config(directory)?).limits;
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(read("server.pem")?, read("server.key")?))
        .client_ca_root(Certificate::from_pem(read("ca.pem")?));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // As the vault's own listener does: else small answers wait 40 ms for an acknowledgement.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let layer = tower::ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(limits.concurrent_requests))
        .into_inner();
    let server = Server::builder()
        .tls_config(tls)?
        .timeout(limits.request_deadline)
        .max_concurrent_streams(limits.streams_per_connection)
        .http2_max_header_list_size(8 * 1024)
        .layer(layer)
        .add_routes(routes)
        .serve_with_incoming(incoming);
    tokio::spawn(server);
    Ok(address)
}

const SERVER_NAME: &str = "vault.shop.example";
const CONFIG_FILE: &str = "counterfoil.toml";
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// `note` keeps equal values apart, so that only a request id makes a retry safe there.
const CONFIG: &str = r#"
[vault]
data_dir = "vault"
[listen]
token = "127.0.0.1:0"
reveal = "127.0.0.1:0"
[tls]
certificate = "server.pem"
key = "server.key"
client_ca = "ca.pem"
[root_key]
provider = "passphrase-file"
file = "root-key.toml"
[audit]
origin = "shop.example/counterfoil"
[namespaces.shop.fields.name]
format = "name"
[namespaces.shop.fields.address]
format = "address"
[namespaces.shop.fields.email]
format = "email"
token_domain = "tok.shop.example"
[namespaces.shop.fields.note]
format = "name"
equality = "none"
[[permit]]
principals = ["client.shop.example"]
actions = [
    "tokenize",
    "lookup",
    "inspect",
    "verify_match",
    "detokenize",
    "detokenize_masked",
    "import_tokens",
]
namespace = "shop"
"#;
