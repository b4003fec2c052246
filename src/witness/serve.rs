//! Answers for a witness over HTTP, as C2SP tlog-witness has it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use axum::routing::post;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::crypto::note::SUBMISSION_BYTES_MAX;
use crate::inbound::ConnectionLimits;
use crate::inbound::Listener;
use crate::witness::certificate::CertificateFiles;
use crate::witness::cosign::Cosigned;
use crate::witness::cosign::Refusal;
use crate::witness::cosign::Witness;

/// Where a witness answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServeSettings {
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Its certificate; nothing: without TLS.
    pub certificate: Option<CertificateFiles>,
}

/// Why a witness does not answer.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address cannot be bound.
    #[error("listener cannot be bound\nremedy: choose a free address")]
    Bind(#[source] io::Error),
    /// The certificate and its key cannot be used.
    #[error("certificate and key cannot be used together\nremedy: check [tls]; they must be PEM")]
    Certificate,
}

/// What the handlers share.
struct Office {
    witness: Witness,
    /// How many may be judged at once: each waits for a disk.
    turns: Arc<Semaphore>,
}

/// Serves until `shutdown` completes. `ready` learns the address once it answers.
///
/// # Errors
///
/// If it cannot start.
pub async fn serve(
    witness: Witness,
    settings: &ServeSettings,
    shutdown: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let bound = TcpListener::bind(settings.address).await;
    let bound = bound.map_err(ServeError::Bind)?;
    let address = bound.local_addr().map_err(ServeError::Bind)?;
    let acceptor = match &settings.certificate {
        Some(files) => Some(files.acceptor().ok_or(ServeError::Certificate)?),
        None => None,
    };
    let listener = Listener::start(bound, acceptor, CONNECTIONS).map_err(ServeError::Bind)?;
    let office = Arc::new(Office {
        witness,
        turns: Arc::new(Semaphore::new(TURNS_MAX)),
    });
    let routes = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/healthz", get(health))
        .with_state(office);
    ready(address);
    let serving = axum::serve(listener, routes).with_graceful_shutdown(shutdown);
    serving.await.map_err(ServeError::Bind)
}

async fn add_checkpoint(State(office): State<Arc<Office>>, request: Request) -> Response {
    let body = axum::body::to_bytes(request.into_body(), SUBMISSION_BYTES_MAX);
    let body = match tokio::time::timeout(BODY_TIME_MAX, body).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, "submission is too long\n"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "submission did not come\n"),
    };
    let Ok(turn) = Arc::clone(&office.turns).try_acquire_owned() else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "too many submissions\n");
    };
    let judged = tokio::task::spawn_blocking(move || {
        let judged = office.witness.add_checkpoint(&body);
        drop(turn);
        judged
    });
    match judged.await {
        Ok(Ok(cosigned)) => accepted(&cosigned),
        Ok(Err(refusal)) => refused(&refusal),
        // It panicked: what is known of the log is as the lock has it.
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n"),
    }
}

async fn health(State(office): State<Arc<Office>>) -> Response {
    if office.witness.is_well() {
        plain(StatusCode::OK, "ok\n")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, "state is not known\n")
    }
}

fn accepted(cosigned: &Cosigned) -> Response {
    let Cosigned {
        origin,
        tree_size,
        signature,
    } = cosigned;
    tracing::debug!(origin = origin.as_str(), tree_size, "cosigned");
    plain(StatusCode::OK, format!("{signature}\n"))
}

/// The one place where a refusal becomes a status.
fn refused(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::Malformed | Refusal::OldSize => StatusCode::BAD_REQUEST,
        Refusal::NotSigned => StatusCode::FORBIDDEN,
        Refusal::UnknownLog => StatusCode::NOT_FOUND,
        Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Stale { latest_size } => return conflict(*latest_size),
        // Signed by the log, and not what it signed before: somebody must look.
        Refusal::OtherRoot { latest, submitted } => {
            tracing::error!(%latest, %submitted, "log has signed two roots for one size");
            return conflict(latest.tree_size);
        }
        Refusal::Proof { latest, submitted } => {
            tracing::error!(%latest, %submitted, "log does not prove that it extends itself");
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    tracing::info!(reason = %refusal, "submission was refused");
    plain(status, format!("{refusal}\n"))
}

fn conflict(latest_size: u64) -> Response {
    let headers = [(CONTENT_TYPE, SIZE_CONTENT_TYPE)];
    (StatusCode::CONFLICT, headers, format!("{latest_size}\n")).into_response()
}

fn plain(status: StatusCode, text: impl Into<Body>) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, headers, text.into()).into_response()
}

/// Of the body of an answer that tells the latest size.
pub(super) const SIZE_CONTENT_TYPE: &str = "text/x.tlog.size";
/// A vault needs one connection, and keeps it for less than two minutes without a word.
const CONNECTIONS: ConnectionLimits = ConnectionLimits {
    all_max: 128,
    per_peer_max: 16,
    idle_max: Duration::from_secs(120),
    age_max: Duration::from_secs(15 * 60),
};
/// The longest that a submission may take to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);
/// How many submissions are judged at once.
const TURNS_MAX: usize = 64;
