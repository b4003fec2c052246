//! Where an issuer's keys come from, and how they follow its rotations.
//!
//! A file is looked at when keys are needed, at most every [`FILE_LOOK_MS`]. A URL is fetched again
//! when its keys are older than configured, beside the calls that use them; and at once, while the
//! call waits, when an assertion names a key that is not there, at most every [`FETCH_PAUSE_MS`].
//! Whatever goes wrong, the last good set stays until it is too old to be believed: a key that an
//! issuer has withdrawn must not live for ever behind a broken connection.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;

use crate::domain::Issuer;
use crate::domain::Timestamp;
use crate::outbound::Client;
use crate::outbound::OutboundError;
use crate::people::IssuerSettings;
use crate::people::KeyPlace;
use crate::people::KeySetError;
use crate::people::Refusal;
use crate::people::key_set::KEY_SET_BYTES_MAX;
use crate::people::key_set::KeySet;

/// Why keys could not be had.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The URL did not give them.
    #[error(transparent)]
    Fetch(#[from] OutboundError),
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was read is no set of keys.
    #[error("key set {0}")]
    Set(#[from] KeySetError),
}

/// The keys of one issuer, as they are now.
#[derive(Debug)]
pub(super) struct KeySource {
    issuer: Issuer,
    place: Place,
    /// After which the keys are had again.
    refresh_ms: u64,
    /// Between two attempts.
    pause_ms: u64,
    /// After which they are not believed any more.
    stale_ms: u64,
    state: RwLock<State>,
    /// One attempt at a time; the others wait for it and use what it brought.
    turn: Mutex<()>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Url(Client),
}

#[derive(Clone, Debug, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// When the place last had exactly these keys.
    confirmed: Timestamp,
    /// When they were last asked for.
    attempted: Option<Timestamp>,
    /// What the file looked like that they were read from.
    file: Option<FileStamp>,
}

/// Which file it is, and when it last changed.
type FileStamp = [i64; 5];

/// What an attempt brought.
enum Loaded {
    New(KeySet, Option<FileStamp>),
    Unchanged,
}

impl KeySource {
    /// Reads a file, or prepares to fetch a URL.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or the URL's authorities cannot.
    pub(super) fn open(settings: &IssuerSettings, now: Timestamp) -> Result<Self, LoadError> {
        let mut state = State::default();
        let (place, refresh_ms, pause_ms) = match &settings.keys {
            KeyPlace::File(path) => {
                if let Loaded::New(keys, file) = read_file(path, None)? {
                    state = State {
                        keys: Some(Arc::new(keys)),
                        confirmed: now,
                        attempted: Some(now),
                        file,
                    };
                }
                (Place::File(path.clone()), FILE_LOOK_MS, FILE_LOOK_MS)
            }
            KeyPlace::Url { url, ca_file } => {
                let client = Client::new(url, ca_file.as_deref(), FETCH_TIME_MAX)?;
                let refresh_ms = settings.refresh_seconds.saturating_mul(1_000);
                (Place::Url(client), refresh_ms, FETCH_PAUSE_MS)
            }
        };
        Ok(Self {
            issuer: settings.name.clone(),
            place,
            refresh_ms,
            pause_ms,
            stale_ms: settings.stale_seconds_max.saturating_mul(1_000),
            state: RwLock::new(state),
            turn: Mutex::new(()),
        })
    }

    /// The keys, had again where that one is not among them or they are old. It may still not be.
    ///
    /// # Errors
    ///
    /// If there are none, or they are too old to be believed.
    pub(super) async fn keys_with(
        self: &Arc<Self>,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, Refusal> {
        let state = self.state();
        let age_ms = now.unix_ms().saturating_sub(state.confirmed.unix_ms());
        if let Some(keys) = state.keys.filter(|keys| keys.has(key_id)) {
            if age_ms < self.refresh_ms {
                return Ok(keys);
            }
            if age_ms < self.stale_ms && matches!(self.place, Place::Url(_)) {
                // Beside the call: these keys are good enough for it.
                let source = Arc::clone(self);
                tokio::spawn(async move { source.refresh_beside(now).await });
                return Ok(keys);
            }
        }
        self.refresh(now).await;
        let state = self.state();
        let age_ms = now.unix_ms().saturating_sub(state.confirmed.unix_ms());
        state
            .keys
            .filter(|_| age_ms < self.stale_ms)
            .ok_or(Refusal::KeysUnavailable)
    }

    /// Has the keys again, whenever that was last tried.
    pub(super) async fn reload(&self, now: Timestamp) {
        let _turn = self.turn.lock().await;
        // The operator says that it has changed, whatever it looks like.
        self.update(|state| state.file = None);
        self.attempt(now).await;
    }

    /// Has the keys again, unless that was just tried.
    async fn refresh(&self, now: Timestamp) {
        let _turn = self.turn.lock().await;
        if self.is_due(now) {
            self.attempt(now).await;
        }
    }

    /// The same for nobody who waits, so it does not wait either.
    async fn refresh_beside(&self, now: Timestamp) {
        if let Ok(_turn) = self.turn.try_lock()
            && self.is_due(now)
        {
            self.attempt(now).await;
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let attempted = self.state().attempted;
        attempted.is_none_or(|attempted| {
            now.unix_ms().saturating_sub(attempted.unix_ms()) >= self.pause_ms
        })
    }

    async fn attempt(&self, now: Timestamp) {
        self.update(|state| state.attempted = Some(now));
        let loaded = match &self.place {
            Place::File(path) => read_file(path, self.state().file.as_ref()),
            Place::Url(fetcher) => fetch(fetcher).await,
        };
        let issuer = &self.issuer;
        match loaded {
            Ok(Loaded::Unchanged) => self.update(|state| state.confirmed = now),
            Ok(Loaded::New(keys, file)) => self.update(|state| {
                *state = State {
                    keys: Some(Arc::new(keys)),
                    confirmed: now,
                    attempted: Some(now),
                    file,
                };
            }),
            Err(error) => {
                tracing::warn!(%issuer, %error, "keys of an issuer could not be had again");
            }
        }
    }

    fn state(&self) -> State {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }
}

async fn fetch(client: &Client) -> Result<Loaded, LoadError> {
    let accept = "application/jwk-set+json, application/json";
    let document = client.get(&[], accept, KEY_SET_BYTES_MAX).await?;
    Ok(Loaded::New(KeySet::read(&document)?, None))
}

/// Reads a file, unless it looks as it did.
fn read_file(path: &Path, known: Option<&FileStamp>) -> Result<Loaded, LoadError> {
    let failed = |source| LoadError::File {
        path: path.to_owned(),
        source,
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    let own = |number: u64| i64::from_ne_bytes(number.to_ne_bytes());
    let stamp = [
        own(metadata.dev()),
        own(metadata.ino()),
        own(metadata.size()),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ];
    if known == Some(&stamp) {
        return Ok(Loaded::Unchanged);
    }
    if usize::try_from(metadata.size()).is_ok_and(|bytes| bytes > KEY_SET_BYTES_MAX) {
        return Err(KeySetError::TooLarge.into());
    }
    // Looked at first: a file that changes meanwhile looks different the next time.
    let keys = KeySet::read(&fs::read(path).map_err(failed)?)?;
    Ok(Loaded::New(keys, Some(stamp)))
}

/// The longest that fetching may take, from the name's resolution to the last byte.
const FETCH_TIME_MAX: Duration = Duration::from_secs(5);
/// How often a file is looked at.
const FILE_LOOK_MS: u64 = 2_000;
/// How often a URL is fetched at the most: whoever makes up key ids must not make us a flood.
const FETCH_PAUSE_MS: u64 = 30_000;
