//! An entry of the audit log: who did what, to whose data, under which decision.
//!
//! Every field is a typed value with a bounded alphabet. There is no field for text, and the vault
//! puts no plaintext, no token and no length of either into an entry.
//!
//! Four fields are the caller's own words: subject, request id and case id of `[A-Za-z0-9._:-]`,
//! 64 at most, and purpose of `[a-z0-9_-]`, 32 at most. Nothing tells an id from a first name that
//! is written there, so callers must not give personal data for them.

use std::collections::BTreeSet;

use crate::access::Actor;
use crate::access::Freeze;
use crate::audit::AccessNote;
use crate::audit::CeremonyNote;
use crate::audit::ShareGiven;
use crate::audit::SharingNote;
use crate::crypto::Fingerprint;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Group;
use crate::domain::KeyPurpose;
use crate::domain::KeyVersion;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// The most items that an entry may have.
pub const ITEMS_MAX: usize = 1_000;

/// An entry of the audit log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The place in the log, from 0.
    pub index: u64,
    /// When the entry was sequenced. It never goes back from one entry to the next.
    pub time: Timestamp,
    /// Milliseconds from the start of the process to the sequencing of the entry.
    pub uptime_ms: u64,
    /// What the entry says.
    pub draft: EntryDraft,
}

/// An entry before it has its place and its time, which only the sequencer gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryDraft {
    /// What was done.
    pub event: Event,
    /// Who did it; nobody for what the vault does by itself.
    pub principal: Option<Principal>,
    /// The SHA-256 fingerprint of the client certificate.
    pub credential: Option<[u8; 32]>,
    /// On whose behalf, as an identity provider vouched for it.
    pub person: Option<PersonId>,
    /// Of a person: SHA-256 of the id of the assertion, or of the assertion where it has none.
    pub login: Option<[u8; 32]>,
    /// Of a person: how they proved who they are.
    pub methods: BTreeSet<Group>,
    /// The case that it was for, in the caller's words.
    pub case_id: Option<CaseId>,
    /// Why, in the caller's words.
    pub purpose: Option<Purpose>,
    /// Whose data.
    pub namespace: Option<Namespace>,
    /// One row for each item of the call, in its order, at most [`ITEMS_MAX`].
    pub items: Vec<EntryItem>,
    /// The version of the audit fingerprint key that the fingerprints of its items' tokens are
    /// under. Entries from before the key could be rotated say nothing, and mean the first.
    pub token_key_version: KeyVersion,
    /// The SHA-256 hash of the policies that decided.
    pub policy_hash: Option<[u8; 32]>,
    /// What the policies decided, if they were asked.
    pub decision: Option<Decision>,
    /// Why the call as a whole failed, if it did.
    pub error: Option<ErrorClass>,
    /// The caller's id of the call.
    pub request_id: Option<RequestId>,
    /// Of a reveal: how much of the values. Entries from before there were levels have none, and
    /// mean [`Level::Full`].
    pub level: Option<Level>,
    /// Of a [`Event::DetokenizeOutcome`], and of nothing else: the index of the intent, which has
    /// one outcome at the most. A log with any other is refused by the verifier.
    pub intent_index: Option<u64>,
    /// Of a key event: which key.
    pub key: Option<(KeyPurpose, KeyVersion)>,
    /// What it has to do with grants and freezes.
    pub access: AccessNote,
    /// What it has to do with key officers.
    pub ceremony: CeremonyNote,
    /// Of [`Event::Started`]: whose shares unsealed the vault, in the order in which they came.
    pub shares_given: Vec<ShareGiven>,
    /// Of [`Event::RootKeyReshared`]: the shares that were made.
    pub sharing: Option<SharingNote>,
}

/// What an entry says of one item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryItem {
    /// The field; none where the item named none that is configured.
    pub field: Option<FieldName>,
    /// Whose value it is: the caller's own opaque id.
    pub subject: Option<Subject>,
    /// The fingerprint of the token under the audit fingerprint key, in the version that the entry
    /// says.
    pub token: Option<Fingerprint>,
    /// The version of the wrapping key of the record.
    pub key_version: Option<KeyVersion>,
    /// What came of it.
    pub outcome: ItemOutcome,
}

impl EntryDraft {
    /// An entry that says only what was done.
    #[must_use]
    pub fn new(event: Event) -> Self {
        Self {
            event,
            principal: None,
            credential: None,
            person: None,
            login: None,
            methods: BTreeSet::new(),
            case_id: None,
            purpose: None,
            namespace: None,
            items: Vec::new(),
            token_key_version: KeyVersion::FIRST,
            policy_hash: None,
            decision: None,
            error: None,
            request_id: None,
            level: None,
            intent_index: None,
            key: None,
            access: AccessNote::default(),
            ceremony: CeremonyNote::default(),
            shares_given: Vec::new(),
            sharing: None,
        }
    }

    /// The entry of what the vault froze by itself, by the version of its rules.
    #[must_use]
    pub(super) fn of_freeze(freeze: &Freeze, actor: &Actor, rules_hash: [u8; 32]) -> Self {
        Self {
            principal: Some(actor.principal.clone()),
            credential: Some(actor.credential),
            policy_hash: Some(rules_hash),
            access: AccessNote {
                freeze: Some(freeze.target.clone()),
                cause: Some(freeze.cause),
                ..AccessNote::default()
            },
            ..Self::new(Event::Frozen)
        }
    }

    /// About how many bytes the entry takes.
    #[must_use]
    pub(super) fn bytes_estimate(&self) -> usize {
        ENTRY_BYTES_ESTIMATE + self.items.len() * ITEM_BYTES_ESTIMATE
    }
}

/// Makes an enum whose numbers are frozen, with its names in exports; 0 is no member.
macro_rules! numbered {
    (
        $(#[$documentation:meta])* $name:ident {
            $($(#[$member_documentation:meta])* $member:ident = $number:literal $text:literal,)*
        }
    ) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum $name {
            $($(#[$member_documentation])* $member,)*
        }

        impl $name {
            /// Every member, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$member),*];

            /// The name in exports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$member => $text,)* }
            }

            /// The number in stored entries.
            pub(super) const fn number(self) -> i32 {
                match self { $(Self::$member => $number,)* }
            }

            /// The member with this number.
            pub(super) const fn from_number(number: i32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$member),)*
                    _ => None,
                }
            }
        }
    };
}

numbered!(
    /// What was done. Every path that can yield a plaintext is [`Event::Detokenize`].
    Event {
        /// The vault began to serve.
        Started = 1 "started",
        /// The vault stopped in order.
        Stopped = 2 "stopped",
        /// Values were given tokens.
        Tokenize = 3 "tokenize",
        /// The tokens of values were looked up.
        Lookup = 4 "lookup",
        /// Tokens were asked about, without their values.
        Inspect = 5 "inspect",
        /// Claimed values were compared with those of tokens.
        VerifyMatch = 6 "verify_match",
        /// The intent to reveal values: it counts as revealed unless its outcome says otherwise.
        Detokenize = 7 "detokenize",
        /// What came of an intent to reveal.
        DetokenizeOutcome = 8 "detokenize_outcome",
        /// A key version was made.
        KeyCreated = 9 "key_created",
        /// A namespace was made.
        NamespaceCreated = 10 "namespace_created",
        /// Officers accepted that the log goes on from here, though its head was signed for
        /// another: entries that the vault had acknowledged are lost.
        RollbackAccepted = 11 "rollback_accepted",
        /// Records of a customer were erased.
        SubjectErased = 12 "subject_erased",
        /// Given tokens were made to stand for given values.
        ImportTokens = 13 "import_tokens",
        /// A person asked for a grant. Its items are what it would open: each field of each
        /// subject.
        GrantRequested = 20 "grant_requested",
        /// Another person approved a grant.
        GrantApproved = 21 "grant_approved",
        /// A person refused a grant.
        GrantDenied = 22 "grant_denied",
        /// A grant was ended before its time.
        GrantRevoked = 23 "grant_revoked",
        /// Something was frozen: nothing after this entry reveals what it stops.
        Frozen = 24 "frozen",
        /// Somebody wants something unfrozen; it is when the effect says so.
        Unfreeze = 25 "unfreeze",
        /// Customers were made decoys.
        DecoysCreated = 26 "decoys_created",
        /// Grants, budgets or freezes were asked about.
        AccessRead = 27 "access_read",
        /// Somebody asked who was seen.
        ExposureReported = 28 "exposure_reported",
        /// Somebody asked which records a customer has, or what erasing them would do.
        SubjectDescribed = 29 "subject_described",
        /// Entries of the log were read, or followed from here on; or somebody was refused its
        /// entries or its proofs.
        AuditRead = 30 "audit_read",
        /// Officers and rules were taken from the configuration of a vault that had none.
        CharterFounded = 50 "charter_founded",
        /// An officer proposed an operation.
        OperationProposed = 51 "operation_proposed",
        /// An officer signed an operation that another has proposed.
        OperationApproved = 52 "operation_approved",
        /// An officer signed that an operation is cancelled.
        OperationCancelled = 53 "operation_cancelled",
        /// An operation ended by itself: it expired, failed, or its job is done.
        OperationEnded = 54 "operation_ended",
        /// A key version came into another state, by the officers that the entry names.
        KeyStateChanged = 55 "key_state_changed",
        /// Records were wrapped under another version of their key.
        RecordsRewrapped = 56 "records_rewrapped",
        /// Other officers and rules came into force.
        CharterChanged = 57 "charter_changed",
        /// Keys, officers or operations were asked about.
        KeysRead = 58 "keys_read",
        /// The intent to move records to where newer fingerprint keys find them, token by token.
        /// Their values are opened inside the vault for that, and nobody is shown them.
        Reindex = 60 "reindex",
        /// What came of an intent to move records.
        ReindexOutcome = 61 "reindex_outcome",
        /// The intent to replace tokens by others for the same values, under an operation of the
        /// officers. Values are opened inside the vault for that, and nobody is shown them.
        Retokenize = 62 "retokenize",
        /// What came of an intent to replace tokens.
        RetokenizeOutcome = 63 "retokenize_outcome",
        /// The content of an entry of the log was erased, by the officers that the entry names.
        EntryErased = 64 "entry_erased",
        /// The beginning of the log was taken out of the vault: an archive has it.
        LogPruned = 66 "log_pruned",
        /// Every key was wrapped under another root key.
        RootKeyRotated = 65 "root_key_rotated",
        /// New shares of the same root key were made and proven, and were about to take the place
        /// of those before.
        RootKeyReshared = 68 "root_key_reshared",
        /// Other policies took effect.
        PolicyLoaded = 40 "policy_loaded",
        /// A caller named a person whom nobody vouches for: the call was refused unread.
        PersonRefused = 41 "person_refused",
        /// A backup was asked for, and is made next.
        BackupCreated = 42 "backup_created",
    }
);

numbered!(
    /// What the policies decided.
    Decision {
        /// The call may be carried out.
        Permit = 1 "permit",
        /// The call is refused.
        Deny = 2 "deny",
    }
);

numbered!(
    /// Why a call as a whole failed.
    ErrorClass {
        /// The policies refused it.
        Denied = 1 "denied",
        /// A limit or a budget was reached.
        Exhausted = 2 "exhausted",
        /// Something that cannot be.
        Internal = 3 "internal",
        /// The call was not well formed.
        Invalid = 4 "invalid",
        /// A stored row is damaged.
        Damaged = 5 "damaged",
        /// The vault cannot do it now.
        Unavailable = 6 "unavailable",
    }
);

numbered!(
    /// What came of an item.
    ItemOutcome {
        /// Nothing yet: the entry is an intent.
        Intended = 1 "intended",
        /// A new record was made.
        Created = 2 "created",
        /// There was a record.
        Found = 3 "found",
        /// There was no record.
        NotFound = 4 "not_found",
        /// The value was released.
        Revealed = 5 "revealed",
        /// The claimed value is the token's.
        Matched = 6 "matched",
        /// The claimed value is not the token's.
        Differed = 7 "differed",
        /// The policies refused the item.
        Denied = 8 "denied",
        /// The value or token is not of the field's format.
        Invalid = 9 "invalid",
        /// The record has expired.
        Expired = 10 "expired",
        /// The record has been erased.
        Erased = 11 "erased",
        /// The record's key may not be used.
        KeyUnavailable = 12 "key_unavailable",
        /// No free token was found.
        Exhausted = 13 "exhausted",
        /// The record is damaged.
        Damaged = 14 "damaged",
        /// Nothing was done: the call as a whole failed.
        NotDone = 15 "not_done",
        /// The token stands for another value, or the value has another token.
        Conflict = 16 "conflict",
        /// The record stays, since other customers have it; this one's link to it is gone.
        Kept = 17 "kept",
        /// The record moved to where newer fingerprint keys find it.
        Moved = 18 "moved",
    }
);

/// The fields of an entry without its items, all at their longest.
const ENTRY_BYTES_ESTIMATE: usize = 2_100;
/// An item with a field name and a subject of its own, both at their longest.
const ITEM_BYTES_ESTIMATE: usize = 140;
