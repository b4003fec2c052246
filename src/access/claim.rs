//! What a caller wants to do, as far as grants, budgets and freezes must know.

use crate::access::actor::Actor;
use crate::access::grant::Grant;
use crate::access::seen::SeenKey;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Purpose;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// What an actor wants to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Claim {
    /// Who.
    pub actor: Actor,
    /// What.
    pub act: Act,
}

/// What an actor wants to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// To approve a grant whose scope has this digest.
    ApproveGrant {
        /// The grant.
        id: GrantId,
        /// The digest of the scope that the approver saw.
        scope_digest: [u8; 32],
    },
    /// To refuse a grant.
    DenyGrant {
        /// The grant.
        id: GrantId,
    },
    /// To reveal values, or to ask questions that say something about them.
    Disclose(Box<Disclosure>),
    /// To freeze.
    Freeze {
        /// What.
        target: FreezeTarget,
    },
    /// To make customers decoys, who must never be revealed.
    MarkDecoys {
        /// The customers.
        subjects: Vec<SeenKey>,
    },
    /// Nothing any more: the call was refused, which counts against the actor.
    Refused,
    /// To reveal values later.
    RequestGrant {
        /// The grant, as it is asked for.
        grant: Box<Grant>,
    },
    /// To open values inside the vault, and give them other tokens: what officers allow for a time.
    Retokenize {
        /// What would be opened, though nobody is shown it; nothing, where that was judged before.
        opened: Box<Disclosure>,
        /// When what the officers allow is over.
        until: Timestamp,
    },
    /// To end a grant before its time.
    RevokeGrant {
        /// The grant.
        id: GrantId,
    },
    /// To unfreeze: takes effect when a second one says so too.
    Unfreeze {
        /// What.
        target: FreezeTarget,
    },
    /// To work with tokens: whether the actor is frozen is all that matters.
    Work,
}

/// A reveal, or a question that says something about values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Disclosure {
    /// The tenant.
    pub namespace: Namespace,
    /// The case.
    pub case_id: Option<CaseId>,
    /// The grant that it is made under.
    pub grant: Option<GrantUse>,
    /// What would be seen.
    pub glances: Vec<Glance>,
}

/// How a reveal uses a grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GrantUse {
    /// The grant.
    pub id: GrantId,
    /// How much would be revealed.
    pub level: Level,
    /// Why.
    pub purpose: Purpose,
}

/// One value that would be seen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glance {
    /// What budgets count.
    pub seen: SeenKey,
    /// What the grant must cover, where the value is seen under one.
    pub under_grant: Option<(Subject, FieldName)>,
    /// The token that a claimed value is compared with.
    pub guessed: Option<SeenKey>,
    /// Whether the token is one of another tenant.
    pub is_foreign: bool,
}
