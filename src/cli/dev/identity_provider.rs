//! `counterfoil dev identity-provider`: the keys of the development directory over HTTP, as an
//! identity provider publishes them.

use std::fs;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cli::dev::DevDirectory;
use crate::cli::dev::people::ISSUER;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Serves the identity provider's keys over HTTP, for trying jwks_url and rotations
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Answers /.well-known/openid-configuration and /jwks.json, from DIR/people/jwks.json as it is at the
moment. There is no page to log in: `counterfoil dev login` makes assertions.

Prints one line when it answers: ready jwks_url=URL

Example:
  counterfoil dev identity-provider --dev .dev --listen 127.0.0.1:7610")]
pub(in crate::cli) struct IdentityProviderArgs {
    /// The directory of `serve --dev DIR`
    #[arg(long, value_name = "DIR")]
    dev: PathBuf,

    /// Where it answers, on the loopback interface; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

impl IdentityProviderArgs {
    pub(in crate::cli) async fn run(self) -> Result<Exit, CliError> {
        if !self.listen.ip().is_loopback() {
            let problem = "--listen: answers on the loopback interface only";
            return Err(CliError::Usage(problem.to_owned()));
        }
        let listener = TcpListener::bind(self.listen).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let jwks_url = format!("{base}/jwks.json");
        let discovery = json!({
            "issuer": ISSUER,
            "jwks_uri": jwks_url,
            "id_token_signing_alg_values_supported": ["ES256"],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
        })
        .to_string();
        let keys = DevDirectory::new(&self.dev).jwks();
        let document = move || async move { json_answer(discovery) };
        let jwks = move || async move {
            match fs::read_to_string(keys) {
                Ok(text) => json_answer(text),
                Err(_) => StatusCode::NOT_FOUND.into_response(),
            }
        };
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(document))
            .route("/jwks.json", get(jwks));
        writeln!(io::stdout(), "ready jwks_url={jwks_url}")?;
        axum::serve(listener, routes).await?;
        Ok(Exit::Done)
    }
}

fn json_answer(text: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
