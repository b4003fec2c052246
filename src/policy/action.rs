//! What a principal may be permitted to do.

/// What a principal may be permitted to do, by the name of the call.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Action {
    /// Approve or deny a grant that somebody else asked for.
    ApproveGrant,
    /// Sign an operation that another officer has proposed.
    ApproveOperation,
    /// Be given a grant at once, without a second person.
    AutoApproveGrant,
    /// Sign that an operation is cancelled.
    CancelOperation,
    /// Have a backup made.
    CreateBackup,
    /// Make tokens of customers who do not exist.
    CreateDecoys,
    /// Say which records a customer has.
    DescribeSubject,
    /// Reveal whole values.
    Detokenize,
    /// Reveal a few characters of values.
    DetokenizeMasked,
    /// Erase the records of a customer.
    EraseSubject,
    /// Stop what somebody or something may do.
    Freeze,
    /// Read how much of its budgets a principal has used.
    GetPrincipal,
    /// Bring tokens along that another system has made.
    ImportTokens,
    /// Describe tokens.
    Inspect,
    /// Read the audit log.
    ListEntries,
    /// Read the grants that there are.
    ListGrants,
    /// Read which keys, officers and operations there are.
    ListKeys,
    /// Find the tokens of values.
    Lookup,
    /// Propose an operation with keys, as an officer.
    ProposeOperation,
    /// Read checkpoints and proofs of the audit log: sizes and hashes, and no entry.
    ProveAuditLog,
    /// Move records to where newer fingerprint keys find them.
    Reindex,
    /// Read who was seen.
    ReportExposure,
    /// Ask for a grant.
    RequestGrant,
    /// Have tokens replaced by others for the same values, as far as officers allow it.
    Retokenize,
    /// End a grant.
    RevokeGrant,
    /// Make tokens.
    Tokenize,
    /// Let go on what was frozen.
    Unfreeze,
    /// Compare tokens with claimed values.
    VerifyMatch,
}

/// What an action is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target {
    /// Fields of a namespace; each is decided for itself.
    Fields,
    /// A namespace, or the whole vault.
    Place,
}

/// What is known of a call when it is decided: a type of the schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// What is known of every call.
    Call,
    /// Also what a grant would give.
    Proposal,
    /// Also purpose, case and grant.
    Reveal,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 28] = [
        Self::Tokenize,
        Self::ImportTokens,
        Self::Lookup,
        Self::Inspect,
        Self::VerifyMatch,
        Self::Detokenize,
        Self::DetokenizeMasked,
        Self::RequestGrant,
        Self::ApproveGrant,
        Self::AutoApproveGrant,
        Self::RevokeGrant,
        Self::ListGrants,
        Self::Freeze,
        Self::Unfreeze,
        Self::GetPrincipal,
        Self::ListEntries,
        Self::ProveAuditLog,
        Self::ReportExposure,
        Self::CreateDecoys,
        Self::DescribeSubject,
        Self::EraseSubject,
        Self::CreateBackup,
        Self::Reindex,
        Self::Retokenize,
        Self::ListKeys,
        Self::ProposeOperation,
        Self::ApproveOperation,
        Self::CancelOperation,
    ];

    /// The name that configurations and policies use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApproveGrant => "approve_grant",
            Self::ApproveOperation => "approve_operation",
            Self::AutoApproveGrant => "auto_approve_grant",
            Self::CancelOperation => "cancel_operation",
            Self::CreateBackup => "create_backup",
            Self::CreateDecoys => "create_decoys",
            Self::DescribeSubject => "describe_subject",
            Self::Detokenize => "detokenize",
            Self::DetokenizeMasked => "detokenize_masked",
            Self::EraseSubject => "erase_subject",
            Self::Freeze => "freeze",
            Self::GetPrincipal => "get_principal",
            Self::ImportTokens => "import_tokens",
            Self::Inspect => "inspect",
            Self::ListEntries => "list_entries",
            Self::ListGrants => "list_grants",
            Self::ListKeys => "list_keys",
            Self::Lookup => "lookup",
            Self::ProposeOperation => "propose_operation",
            Self::ProveAuditLog => "prove_audit_log",
            Self::Reindex => "reindex",
            Self::ReportExposure => "report_exposure",
            Self::RequestGrant => "request_grant",
            Self::Retokenize => "retokenize",
            Self::RevokeGrant => "revoke_grant",
            Self::Tokenize => "tokenize",
            Self::Unfreeze => "unfreeze",
            Self::VerifyMatch => "verify_match",
        }
    }

    /// The action with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// What it is about.
    #[must_use]
    pub const fn target(self) -> Target {
        match self {
            Self::ApproveGrant
            | Self::AutoApproveGrant
            | Self::CreateDecoys
            | Self::Detokenize
            | Self::DetokenizeMasked
            | Self::ImportTokens
            | Self::Inspect
            | Self::Lookup
            | Self::Reindex
            | Self::RequestGrant
            | Self::Retokenize
            | Self::Tokenize
            | Self::VerifyMatch => Target::Fields,
            Self::ApproveOperation
            | Self::CancelOperation
            | Self::CreateBackup
            | Self::DescribeSubject
            | Self::EraseSubject
            | Self::Freeze
            | Self::GetPrincipal
            | Self::ListEntries
            | Self::ListGrants
            | Self::ListKeys
            | Self::ProposeOperation
            | Self::ProveAuditLog
            | Self::ReportExposure
            | Self::RevokeGrant
            | Self::Unfreeze => Target::Place,
        }
    }

    /// Whether a call of it can name a case.
    #[must_use]
    pub const fn names_case(self) -> bool {
        match self.shape() {
            Shape::Call => false,
            Shape::Proposal | Shape::Reveal => true,
        }
    }

    /// What is known of a call of it.
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Detokenize | Self::DetokenizeMasked => Shape::Reveal,
            Self::ApproveGrant
            | Self::AutoApproveGrant
            | Self::RequestGrant
            | Self::RevokeGrant => Shape::Proposal,
            Self::ApproveOperation
            | Self::CancelOperation
            | Self::CreateBackup
            | Self::CreateDecoys
            | Self::DescribeSubject
            | Self::EraseSubject
            | Self::Freeze
            | Self::GetPrincipal
            | Self::ImportTokens
            | Self::Inspect
            | Self::ListEntries
            | Self::ListGrants
            | Self::ListKeys
            | Self::Lookup
            | Self::ProposeOperation
            | Self::ProveAuditLog
            | Self::Reindex
            | Self::ReportExposure
            | Self::Retokenize
            | Self::Tokenize
            | Self::Unfreeze
            | Self::VerifyMatch => Shape::Call,
        }
    }
}
