//! The log for everybody: checkpoint and tiles, read-only, over plain HTTP.
//!
//! Source: C2SP tlog-tiles (<https://c2sp.org/tlog-tiles>). What is published is what the head
//! says, never more: an entry is on the disk before the head is, so nothing that was published can
//! be lost by a crash. Tiles never change; a proxy in front may keep them for ever.
//!
//! The checkpoint is the latest that the log's witness has cosigned, if it has one: whoever reads
//! it need not trust that others are shown the same. Tiles go as far as the head, since receipts
//! have checkpoints of any size up to there.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use thiserror::Error;
use tokio::net::TcpListener;

use crate::audit::CheckpointKeys;
use crate::audit::Head;
use crate::audit::HeadError;
use crate::audit::PublishedCheckpoint;
use crate::audit::SignedCheckpoint;
use crate::audit::TileContent;
use crate::audit::TilePath;
use crate::audit::Tiles;
use crate::audit::VerifyError;
use crate::audit::exposure::newest_checkpoint;
use crate::audit::following_keys;
use crate::inbound::ConnectionLimits;
use crate::inbound::Listener;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;

/// Why a log is not published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The head cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The log is not the one of its head.
    #[error(transparent)]
    Log(#[from] VerifyError),
    /// The listener failed.
    #[error("listener failed")]
    Listener(#[source] std::io::Error),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A log that is published while its vault writes it.
pub struct PublishedLog {
    store: RocksStore,
    head_dir: PathBuf,
    keys: CheckpointKeys,
    with_entries: bool,
    checkpoint: PublishedCheckpoint,
    /// What is published, and one at a time who looks for more.
    latest: Mutex<Latest>,
}

/// How far a log is published.
struct Latest {
    /// How far there are tiles.
    head: SignedCheckpoint,
    /// The checkpoint, which may be behind.
    shown: SignedCheckpoint,
}

impl PublishedLog {
    /// Opens the log in a data directory. `scratch` is an empty directory. Entries are published
    /// only if that is wanted: they name programs, people and customers.
    ///
    /// # Errors
    ///
    /// If the log cannot be read, or is not the one of its head.
    pub fn open(
        data_dir: &Path,
        head_dir: &Path,
        scratch: &Path,
        keys: CheckpointKeys,
        with_entries: bool,
        checkpoint: PublishedCheckpoint,
    ) -> Result<Self, PublishError> {
        // First the head, then the log, which may be longer.
        let head = Head::read(head_dir, &keys)?;
        let store = RocksStore::open_to_follow(data_dir, scratch, &RocksOptions::default())?;
        newest_checkpoint(&store, Some(&head), &keys)?;
        let shown = checkpoint.of(&store, &head, &keys)?;
        Ok(Self {
            store,
            head_dir: head_dir.to_owned(),
            keys,
            with_entries,
            checkpoint,
            latest: Mutex::new(Latest { head, shown }),
        })
    }

    /// The checkpoint that is to be shown now, once the log has its entries.
    fn refresh(&self) -> Result<SignedCheckpoint, PublishError> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let head = match Head::read(&self.head_dir, &self.keys) {
            // A cosignature may come without anything new in the head.
            Ok(head) if head == latest.head && latest.is_settled(self.checkpoint) => {
                return Ok(latest.shown.clone());
            }
            Err(HeadError::Missing) => None,
            read => Some(read?),
        };
        // Nothing is read of the store before it has caught up: what it saw last may be gone.
        self.store.catch_up()?;
        let keys = following_keys(&self.store, &self.keys)?;
        let head = match head {
            Some(head) => head,
            // The log has come under another key since.
            None => {
                let head = Head::read(&self.head_dir, &keys)?;
                self.store.catch_up()?;
                head
            }
        };
        // A head that went back, or that another log has, is not published any more.
        newest_checkpoint(&self.store, Some(&head), &keys)?;
        newest_checkpoint(&self.store, Some(&latest.head), &keys)?;
        if head.size() < latest.head.size() {
            return Ok(latest.shown.clone());
        }
        let shown = self.checkpoint.of(&self.store, &head, &keys)?;
        latest.head = head;
        // Nobody is shown a shorter log than before.
        if shown.size() >= latest.shown.size() {
            latest.shown = shown;
        }
        Ok(latest.shown.clone())
    }

    /// The longest log that may be read: that of the head, or of what is shown.
    fn published(&self) -> SignedCheckpoint {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.head.size() < latest.shown.size() {
            latest.shown.clone()
        } else {
            latest.head.clone()
        }
    }

    /// What there is at a path.
    fn read(&self, path: TilePath) -> Result<TileContent, PublishError> {
        let is_public = match path {
            TilePath::Checkpoint => {
                let note = self.refresh()?.note().to_owned();
                return Ok(TileContent::Bytes(note.into_bytes()));
            }
            TilePath::Tile { .. } => true,
            TilePath::Entries { .. } | TilePath::Leaf { .. } => self.with_entries,
        };
        if !is_public {
            return Ok(TileContent::Missing);
        }
        let store: &dyn Store = &self.store;
        let content = Tiles::of(store, &self.published()).read(path)?;
        if content != TileContent::Missing {
            return Ok(content);
        }
        // The checkpoint may have come from another copy of the log, which is ahead.
        self.refresh()?;
        Ok(Tiles::of(store, &self.published()).read(path)?)
    }
}

impl Latest {
    /// Whether nothing else can be shown while the head is the same.
    fn is_settled(&self, checkpoint: PublishedCheckpoint) -> bool {
        match checkpoint {
            PublishedCheckpoint::Latest => true,
            // The head itself is never cosigned.
            PublishedCheckpoint::Cosigned => {
                self.shown.size() == self.head.size() && self.shown != self.head
            }
        }
    }
}

impl fmt::Debug for PublishedLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PublishedLog")
            .finish_non_exhaustive()
    }
}

/// Publishes a log until `shutdown` completes.
///
/// # Errors
///
/// If the listener fails.
pub async fn publish(
    log: PublishedLog,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), PublishError> {
    let routes = Router::new().fallback(answer).with_state(Arc::new(log));
    let listener = Listener::start(listener, None, CONNECTIONS).map_err(PublishError::Listener)?;
    axum::serve(listener, routes)
        .with_graceful_shutdown(shutdown)
        .await
        .map_err(PublishError::Listener)
}

async fn answer(State(log): State<Arc<PublishedLog>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow, "read-only\n").into_response();
    }
    let path = request.uri().path().trim_start_matches('/').parse();
    let Ok(path) = path else {
        return missing("there is nothing at this path\n");
    };
    let read = tokio::task::spawn_blocking(move || log.read(path)).await;
    match read {
        Ok(Ok(TileContent::Bytes(bytes))) => found(path, bytes),
        Ok(Ok(TileContent::EntryTooLong { index })) => missing(&format!(
            "entry {index} is too long for a bundle: read the entries of this one at leaf/INDEX\n"
        )),
        Ok(Ok(TileContent::Archived { size })) => {
            gone(format!("what is before entry {size} is in an archive\n"))
        }
        Ok(Ok(TileContent::Erased { index })) => gone(format!(
            "entry {index} is erased: read the others of this bundle at leaf/INDEX\n"
        )),
        Ok(Ok(TileContent::Missing)) => missing("not published, or not yet\n"),
        Ok(Err(error)) => {
            tracing::error!(%error, "log cannot be published");
            (StatusCode::SERVICE_UNAVAILABLE, "try again later\n").into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response(),
    }
}

fn found(path: TilePath, bytes: Vec<u8>) -> Response {
    let (content_type, caching) = match path {
        TilePath::Checkpoint => ("text/plain; charset=utf-8", CACHED_BRIEFLY),
        // What is erased must leave the caches, too.
        TilePath::Entries { .. } | TilePath::Leaf { .. } => {
            ("application/octet-stream", CACHED_FOR_A_DAY)
        }
        TilePath::Tile { .. } => ("application/octet-stream", CACHED_FOR_EVER),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    (headers, Body::from(bytes)).into_response()
}

/// What there was, and will not be again.
fn gone(words: String) -> Response {
    let caching = [(header::CACHE_CONTROL, CACHED_BRIEFLY)];
    (StatusCode::GONE, caching, words).into_response()
}

fn missing(words: &str) -> Response {
    // What is missing now may come.
    let caching = [(header::CACHE_CONTROL, CACHED_BRIEFLY)];
    (StatusCode::NOT_FOUND, caching, words.to_owned()).into_response()
}

const CACHED_BRIEFLY: &str = "public, max-age=1";
const CACHED_FOR_A_DAY: &str = "public, max-age=86400";
const CACHED_FOR_EVER: &str = "public, max-age=31536000, immutable";
/// One address may be a proxy, for everybody. Whoever wants more connects anew.
const CONNECTIONS: ConnectionLimits = ConnectionLimits {
    all_max: 256,
    per_peer_max: 256,
    idle_max: Duration::from_secs(60),
    age_max: Duration::from_secs(60),
};
