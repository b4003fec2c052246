//! The policy that is in force, which a reload replaces as a whole.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use crate::policy::engine::Policy;

/// The policy that is in force. A request is decided by one policy from its beginning to its end.
#[derive(Clone, Debug)]
pub struct PolicyHandle {
    current: Arc<RwLock<Arc<Policy>>>,
}

impl PolicyHandle {
    /// A handle of this policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            current: Arc::new(RwLock::new(Arc::new(policy))),
        }
    }

    /// The policy that is in force.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        // Nothing panics while the lock is held: a pointer is read or written.
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another policy in force. Requests that have been decided keep their decision.
    pub fn replace(&self, policy: Policy) {
        let policy = Arc::new(policy);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = policy;
    }
}
