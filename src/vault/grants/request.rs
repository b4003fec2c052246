//! A person asks for a grant.

use std::collections::BTreeSet;

use sha2::Digest;
use sha2::Sha256;

use crate::access::Act;
use crate::access::BREAK_GLASS_DELAY_SECONDS;
use crate::access::BREAK_GLASS_TTL_SECONDS_MAX;
use crate::access::Grant;
use crate::access::GrantKind;
use crate::access::GrantScope;
use crate::access::GrantState;
use crate::access::SUBJECTS_MAX;
use crate::access::TTL_SECONDS_MAX;
use crate::audit::AccessNote;
use crate::audit::EntryItem;
use crate::audit::Event;
use crate::audit::ITEMS_MAX;
use crate::cases::CaseQuestion;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Purpose;
use crate::domain::RequestId;
use crate::domain::Subject;
use crate::policy::Action;
use crate::policy::CaseFacts;
use crate::policy::Circumstances;
use crate::policy::Permitted;
use crate::policy::Proposal;
use crate::policy::Request;
use crate::policy::Scope;
use crate::vault::Vault;
use crate::vault::administer::Administrative;
use crate::vault::caller::Caller;
use crate::vault::error::VaultError;
use crate::vault::grants::note;
use crate::vault::grants::opened;
use crate::vault::grants::proposal;

/// What a person asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WantedScope {
    /// What it is for.
    pub kind: GrantKind,
    /// The tenant.
    pub namespace: Namespace,
    /// The customers.
    pub subjects: BTreeSet<Subject>,
    /// The fields.
    pub fields: BTreeSet<FieldName>,
    /// The most that is revealed of them.
    pub level: Level,
    /// Why.
    pub purpose: Purpose,
    /// The case.
    pub case_id: Option<CaseId>,
    /// How many reveals; nothing: one for each field of each subject.
    pub reveals_max: Option<u32>,
    /// How long; nothing: as long as it may.
    pub ttl_seconds: Option<u32>,
}

/// A grant that is asked for.
#[derive(Clone, Debug)]
struct RequestGrant {
    id: GrantId,
    scope: GrantScope,
    action: Action,
}

impl Request for RequestGrant {
    fn action(&self) -> Action {
        self.action
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Namespace(&self.scope.namespace)
    }

    fn purpose(&self) -> Option<&Purpose> {
        Some(&self.scope.purpose)
    }

    fn case_id(&self) -> Option<&CaseId> {
        self.scope.case_id.as_ref()
    }

    fn proposal(&self) -> Option<Proposal<'_>> {
        Some(proposal(&self.scope, None))
    }
}

impl Administrative for RequestGrant {
    fn event(&self) -> Event {
        Event::GrantRequested
    }

    fn namespace(&self) -> Option<&Namespace> {
        Some(&self.scope.namespace)
    }

    fn note(&self) -> AccessNote {
        note(&self.id, Some(&self.scope))
    }

    fn fields(&self) -> Vec<FieldName> {
        self.scope.fields.iter().cloned().collect()
    }

    fn level(&self) -> Option<Level> {
        Some(self.scope.level)
    }

    fn items(&self) -> Vec<EntryItem> {
        opened(&self.scope)
    }
}

impl Vault {
    /// Asks for a grant on behalf of a person. It is live at once where the policies say that it
    /// needs nobody else. The same request id asks for the same grant.
    ///
    /// # Errors
    ///
    /// If the scope is not one, or it is refused.
    pub async fn request_grant(
        &self,
        caller: &Caller,
        request_id: Option<&RequestId>,
        wanted: WantedScope,
    ) -> Result<Grant, VaultError> {
        let scope = check(wanted)?;
        let requester = caller.person.as_ref().map(|person| person.id.clone());
        let id = self.grant_id(caller, requester.as_ref(), request_id);
        let request = RequestGrant {
            id,
            scope,
            action: Action::RequestGrant,
        };
        // A program cannot ask: somebody must answer for what is seen.
        let Some(requester) = requester else {
            return Err(self.deny_administrative(caller, &request).await);
        };
        let known = self
            .parts
            .log
            .access(|access| access.grant(&request.id).cloned())
            .await;
        if let Some(known) = known {
            let is_same = known.scope == request.scope && known.requester == requester;
            return if is_same {
                Ok(known)
            } else {
                Err(VaultError::RequestIdReused)
            };
        }
        let case = self.case_facts(&requester, &request.scope).await;
        let begins_alone = self.begins_alone(caller, &request, case);
        let grant = |request: &RequestGrant| {
            let now = self.parts.clock.now();
            let mut grant = Grant {
                id: request.id.clone(),
                scope: request.scope.clone(),
                requester: requester.clone(),
                principal: caller.principal.clone(),
                requested: now,
                approval: None,
                state: GrantState::Requested,
                reveals_count: 0,
            };
            if request.scope.kind == GrantKind::BreakGlass {
                grant.begin(now.plus_seconds(BREAK_GLASS_DELAY_SECONDS));
            } else if begins_alone {
                grant.begin(now);
            }
            grant
        };
        let mut asked = None;
        let act = |permitted: &Permitted<RequestGrant>| {
            let grant = asked.insert(grant(permitted.request()));
            Act::RequestGrant {
                grant: Box::new(grant.clone()),
            }
        };
        self.administer(caller, request, case, act).await?;
        asked.ok_or(VaultError::Denied)
    }

    /// Whether the policies let a grant begin without a second person.
    fn begins_alone(
        &self,
        caller: &Caller,
        request: &RequestGrant,
        case: Option<CaseFacts>,
    ) -> bool {
        let fields = request.fields();
        let alone = RequestGrant {
            action: Action::AutoApproveGrant,
            ..request.clone()
        };
        let circumstances = Circumstances {
            case,
            ..self.circumstances(caller)
        };
        let decision = self
            .parts
            .policy
            .current()
            .decide(&circumstances, alone, &fields);
        decision.is_ok_and(|permitted| permitted.covers_named(&fields))
    }

    /// What the case system says of the case, where there is one and it answers.
    async fn case_facts(&self, requester: &PersonId, scope: &GrantScope) -> Option<CaseFacts> {
        let subjects: Vec<&Subject> = scope.subjects.iter().collect();
        let question = CaseQuestion {
            namespace: &scope.namespace,
            case_id: scope.case_id.as_ref()?,
            person: requester,
            subjects: &subjects,
        };
        let answer = self.parts.cases.as_ref()?.ask(question).await?;
        Some(CaseFacts {
            is_open: answer.open,
            is_assigned: answer.assigned,
            is_about_subject: answer.about_subject,
        })
    }

    /// The id of a grant: of its request id and who asks, or drawn.
    fn grant_id(
        &self,
        caller: &Caller,
        requester: Option<&PersonId>,
        request_id: Option<&RequestId>,
    ) -> GrantId {
        let mut hasher = Sha256::new();
        match request_id {
            Some(request_id) => {
                let person = requester.map_or("", PersonId::as_str);
                for part in [caller.principal.as_str(), person, request_id.as_str()] {
                    hasher.update(part);
                    hasher.update([0]);
                }
            }
            None => {
                let mut drawn = [0; 32];
                self.parts.entropy.fill(&mut drawn);
                hasher.update(drawn);
            }
        }
        let digest: [u8; 32] = hasher.finalize().into();
        GrantId::drawn(digest)
    }
}

/// Checks what is asked for, and fills in what is left to the vault.
fn check(wanted: WantedScope) -> Result<GrantScope, VaultError> {
    let wrong =
        |part: &'static str, problem: &'static str| Err(VaultError::GrantScope { part, problem });
    let is_emergency = wanted.kind == GrantKind::BreakGlass;
    let ttl_seconds_max = if is_emergency {
        BREAK_GLASS_TTL_SECONDS_MAX
    } else {
        TTL_SECONDS_MAX
    };
    let subjects_count = wanted.subjects.len();
    if is_emergency != wanted.subjects.is_empty() {
        return wrong(
            "subjects",
            "must name customers for a case, and none for an emergency",
        );
    }
    if subjects_count > SUBJECTS_MAX {
        return wrong("subjects", "are more than 20");
    }
    let opened_count = wanted.fields.len() * subjects_count.max(1);
    if wanted.fields.is_empty() || opened_count > ITEMS_MAX {
        return wrong("fields", "must be 1 to 1,000, counted for each subject");
    }
    if !is_emergency && wanted.case_id.is_none() {
        return wrong("case_id", "is required");
    }
    let default_count = if is_emergency {
        BREAK_GLASS_REVEALS
    } else {
        u32::try_from(opened_count).unwrap_or(REVEALS_MAX)
    };
    let reveals_max = wanted.reveals_max.unwrap_or(default_count);
    if reveals_max == 0 || reveals_max > REVEALS_MAX {
        return wrong("reveals_max", "must be 1 to 1,000");
    }
    let ttl_seconds = wanted.ttl_seconds.unwrap_or(ttl_seconds_max);
    if ttl_seconds == 0 || ttl_seconds > ttl_seconds_max {
        return wrong(
            "ttl_seconds",
            "must be 1 to 900, or to 3,600 for an emergency",
        );
    }
    Ok(GrantScope {
        kind: wanted.kind,
        namespace: wanted.namespace,
        subjects: wanted.subjects,
        fields: wanted.fields,
        level: wanted.level,
        purpose: wanted.purpose,
        case_id: wanted.case_id,
        reveals_max,
        ttl_seconds,
    })
}

/// The most reveals of one grant.
const REVEALS_MAX: u32 = 1_000;
/// How many reveals an emergency has, unless it asks for another number.
const BREAK_GLASS_REVEALS: u32 = 20;
