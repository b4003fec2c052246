//! Unsealing: officers give their shares one after the other, until there are enough.

use std::fmt;
use std::sync::Arc;

use super::SharesError;
use super::share_file::ShareOffer;
use super::sharing_file::SharingFile;
use crate::crypto::RootKey;
use crate::domain::OfficerName;
use crate::domain::Timestamp;
use crate::keys::root::RootKeyHolder;

/// How many seconds after the first share the others must be in. Then all are forgotten.
pub const PROGRESS_SECONDS_MAX: u64 = 15 * 60;

/// The shares that are in. `W` is what is known of whoever gave one.
pub struct Unsealing<W> {
    sharing: SharingFile,
    given: Vec<Given<W>>,
    began: Timestamp,
}

struct Given<W> {
    offer: ShareOffer,
    officer: OfficerName,
    witness: W,
}

/// How far unsealing is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// How many officers' shares are in.
    pub given: usize,
    /// How many are needed.
    pub needed: usize,
}

/// What came of a share.
pub enum Step<W> {
    /// More are needed.
    Waiting(OfficerName, Progress),
    /// There are enough: the root key, and who gave the shares.
    Open(Arc<dyn RootKeyHolder>, Vec<(OfficerName, W)>),
}

impl<W> Unsealing<W> {
    /// Nobody's share is in yet.
    #[must_use]
    pub fn new(sharing: SharingFile) -> Self {
        Self {
            sharing,
            given: Vec::new(),
            began: Timestamp::default(),
        }
    }

    /// How far it is now.
    pub fn progress(&mut self, now: Timestamp) -> Progress {
        self.expire(now);
        Progress {
            given: self.given.len(),
            needed: self.sharing.needed(),
        }
    }

    /// Takes a share. What is refused changes nothing. Once there are enough, all are wiped.
    ///
    /// # Errors
    ///
    /// If it is not one of the sharing, or is in already.
    pub fn give(
        &mut self,
        offer: ShareOffer,
        witness: W,
        now: Timestamp,
    ) -> Result<Step<W>, SharesError> {
        self.expire(now);
        let officer = self.sharing.verify(&offer)?;
        if self.given.iter().any(|given| given.officer == officer) {
            return Err(SharesError::Duplicate { officer });
        }
        if self.given.is_empty() {
            self.began = now;
        }
        let name = officer.clone();
        self.given.push(Given {
            offer,
            officer,
            witness,
        });
        let progress = self.progress(now);
        if progress.given < progress.needed {
            return Ok(Step::Waiting(name, progress));
        }
        let given = std::mem::take(&mut self.given);
        let offers: Vec<_> = given.iter().map(|given| &given.offer).collect();
        let secret = self.sharing.combine(&offers)?;
        let root_key = Arc::new(RootKey::new(&secret.root_key()));
        let who = given
            .into_iter()
            .map(|given| (given.officer, given.witness));
        Ok(Step::Open(root_key, who.collect()))
    }

    fn expire(&mut self, now: Timestamp) {
        if now >= self.began.plus_seconds(PROGRESS_SECONDS_MAX) {
            self.given.clear();
        }
    }
}

impl<W> fmt::Debug for Unsealing<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Unsealing")
            .field("given", &self.given.len())
            .finish_non_exhaustive()
    }
}

impl<W> fmt::Debug for Step<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(officer, progress) => formatter
                .debug_tuple("Waiting")
                .field(officer)
                .field(progress)
                .finish(),
            Self::Open(..) => formatter.debug_tuple("Open").finish_non_exhaustive(),
        }
    }
}
