//! The gate between a sealed vault and an open one: it takes shares, and opens once.

use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::oneshot;
use tonic::Status;

use crate::audit::ShareGiven;
use crate::domain::Clock;
use crate::domain::Principal;
use crate::keys::root::shares::Progress;
use crate::keys::root::shares::ShareOffer;
use crate::keys::root::shares::SharesError;
use crate::keys::root::shares::SharingFile;
use crate::keys::root::shares::Step;
use crate::keys::root::shares::Unsealing;
use crate::server::sealed::Unsealed;
use crate::vault::Caller;

/// Takes shares until there are enough.
pub(in crate::server) struct Gate {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

/// Who brought a share.
type Bearer = (Principal, [u8; 32]);

enum State {
    Sealed(Unsealing<Bearer>, oneshot::Sender<Unsealed>),
    Opening,
}

/// How a vault with a gate is sealed.
pub(in crate::server) enum Sealed {
    Waiting(Progress),
    Opening,
}

impl Gate {
    pub(super) fn new(
        sharing: SharingFile,
        clock: Arc<dyn Clock>,
        unsealed: oneshot::Sender<Unsealed>,
    ) -> Self {
        let state = State::Sealed(Unsealing::new(sharing), unsealed);
        Self {
            state: Mutex::new(state),
            clock,
        }
    }

    pub(super) fn status(&self) -> Sealed {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            State::Sealed(unsealing, _) => Sealed::Waiting(unsealing.progress(self.clock.now())),
            State::Opening => Sealed::Opening,
        }
    }

    /// Takes a share. Every attempt is logged, by officer and caller.
    pub(super) fn give(&self, offer: ShareOffer, caller: &Caller) -> Result<Sealed, Status> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State::Sealed(unsealing, _) = &mut *state else {
            return Ok(Sealed::Opening);
        };
        let principal = &caller.principal;
        let bearer = (principal.clone(), caller.credential_fingerprint);
        match unsealing.give(offer, bearer, self.clock.now()) {
            Ok(Step::Waiting(officer, progress)) => {
                let Progress { given, needed } = progress;
                tracing::info!(%officer, %principal, given, needed, "share of the root key taken");
                Ok(Sealed::Waiting(progress))
            }
            Ok(Step::Open(root_key, who)) => {
                let officers: Vec<_> = who.iter().map(|(officer, _)| officer.as_str()).collect();
                tracing::info!(?officers, %principal, "last share taken; the vault opens");
                let given = |(officer, (principal, credential))| ShareGiven {
                    officer,
                    principal,
                    credential,
                };
                let unsealed = Unsealed {
                    root_key,
                    shares_given: who.into_iter().map(given).collect(),
                };
                if let State::Sealed(_, sender) = mem::replace(&mut *state, State::Opening) {
                    // Who waits for it is gone only when the process stops.
                    let _ = sender.send(unsealed);
                }
                Ok(Sealed::Opening)
            }
            Err(error) => {
                // Without the remedy, which is on a line of its own.
                let reason = error.to_string();
                let reason = reason.lines().next().unwrap_or_default();
                tracing::warn!(%principal, reason, "share of the root key refused");
                Err(refusal(&error))
            }
        }
    }
}

fn refusal(error: &SharesError) -> Status {
    match error {
        SharesError::Duplicate { .. } => Status::already_exists(error.to_string()),
        SharesError::Foreign | SharesError::Refused { .. } => {
            Status::invalid_argument(error.to_string())
        }
        SharesError::OfficerTwice { .. }
        | SharesError::Proof
        | SharesError::Sharing(_)
        | SharesError::TooFew { .. } => Status::failed_precondition("shares do not open the vault"),
    }
}
