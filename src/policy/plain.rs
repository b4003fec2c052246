//! Decisions that depend on nothing but who asks for what: they are made once.
//!
//! A decision is plain if no policy that could apply looks at anything that is known of the call:
//! its context is empty. Then it is a function of principal, action and resource, as long as
//! policies and entities stay the same, which they do for as long as a policy lives.

use std::collections::HashMap;
use std::fmt;
use std::sync::PoisonError;
use std::sync::RwLock;

use cedar_policy::EntityUid;

/// Decisions that depend on nothing but who asks for what.
#[derive(Default)]
pub(super) struct PlainDecisions {
    made: RwLock<HashMap<Asked, bool>>,
}

/// Principal, action and resource.
pub(super) type Asked = (EntityUid, EntityUid, EntityUid);

impl PlainDecisions {
    /// Whether it is permitted, if it was decided before.
    pub(super) fn find(&self, asked: &Asked) -> Option<bool> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        made.get(asked).copied()
    }

    /// Keeps a decision. When there are very many, later ones are made anew each time.
    pub(super) fn keep(&self, asked: Asked, is_permitted: bool) {
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if made.len() < PLAIN_DECISIONS_MAX {
            made.insert(asked, is_permitted);
        }
    }
}

impl fmt::Debug for PlainDecisions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PlainDecisions")
            .finish_non_exhaustive()
    }
}

/// Some hundreds of services with some dozens of fields each.
const PLAIN_DECISIONS_MAX: usize = 20_000;
