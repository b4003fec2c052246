//! Grants in every state that they can be in.

use std::collections::HashMap;

use counterfoil::protocol::ApproveGrantRequest;
use counterfoil::protocol::DecideGrantRequest;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::Grant;
use counterfoil::protocol::GrantKind;
use counterfoil::protocol::GrantScope;
use counterfoil::protocol::Level;
use counterfoil::protocol::RequestGrantRequest;
use counterfoil::protocol::grant_service_client::GrantServiceClient;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use tonic::transport::Channel;

use super::About;
use super::asking::Answer;
use super::asking::Question;
use crate::stage::Stage;
use crate::stage::scope;

/// The state of the grant that a call names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum State {
    /// It names none.
    None,
    /// There is no such grant.
    Unknown,
    /// Nobody has approved it.
    Requested,
    Denied,
    Revoked,
    /// Its time is over.
    Ended,
    /// It has no reveals left.
    Spent,
    /// An emergency's, which has not begun yet.
    Waiting,
    Live,
    /// Live, for masked values.
    LiveMasked,
    /// Live, and the call names another case.
    LiveOfOtherCase,
    /// Live, and somebody else's.
    LiveOfOther,
    /// Live, and frozen.
    Frozen,
}

impl State {
    pub(super) const OF_REVEALS: [Self; 13] = [
        Self::None,
        Self::Unknown,
        Self::Requested,
        Self::Denied,
        Self::Revoked,
        Self::Ended,
        Self::Spent,
        Self::Waiting,
        Self::Live,
        Self::LiveMasked,
        Self::LiveOfOtherCase,
        Self::LiveOfOther,
        Self::Frozen,
    ];

    /// Calls about a grant always name one, and no case.
    pub(super) const OF_GRANTS: [Self; 11] = [
        Self::Unknown,
        Self::Requested,
        Self::Denied,
        Self::Revoked,
        Self::Ended,
        Self::Spent,
        Self::Waiting,
        Self::Live,
        Self::LiveMasked,
        Self::LiveOfOther,
        Self::Frozen,
    ];
}

/// The grants that calls name, each in its state.
pub(super) struct Grants<'a> {
    stage: &'a Stage,
    agent: GrantServiceClient<Channel>,
    approver: GrantServiceClient<Channel>,
    freezer: PrincipalServiceClient<Channel>,
    made: HashMap<State, Grant>,
    requesters_count: usize,
}

impl<'a> Grants<'a> {
    pub(super) async fn new(stage: &'a Stage) -> Self {
        Self {
            stage,
            agent: stage.grants("agent").await,
            approver: stage.grants("approver").await,
            freezer: stage.principals("approver").await,
            made: HashMap::new(),
            requesters_count: 0,
        }
    }

    /// The grant that a question is about: a new one for a call that will change it, otherwise the
    /// one that all others see, which is as it was.
    pub(super) async fn for_question(&mut self, question: &Question, want: Answer) -> Grant {
        let state = question.state;
        if state == State::None {
            return Grant::default();
        }
        if question.about == About::Grant && want == Answer::Done {
            self.requesters_count += 1;
            // One person has few grants open.
            let requester = format!("requester-{}", self.requesters_count);
            return self.made_by(&requester, state).await;
        }
        if let Some(grant) = self.made.get(&state) {
            return grant.clone();
        }
        let is_others = state == State::LiveOfOther;
        let requester = if is_others { "cat" } else { "ada" };
        let grant = self.made_by(requester, state).await;
        self.made.insert(state, grant.clone());
        grant
    }

    async fn made_by(&mut self, requester: &str, state: State) -> Grant {
        let wanted = match state {
            State::LiveMasked => GrantScope {
                level: Level::Masked.into(),
                ..scope([0])
            },
            State::Spent => GrantScope {
                reveals_max: 1,
                ..scope([0])
            },
            State::Ended => GrantScope {
                ttl_seconds: 1,
                ..scope([0])
            },
            State::Waiting => GrantScope {
                kind: GrantKind::BreakGlass.into(),
                ..scope([])
            },
            _ => scope([0]),
        };
        match state {
            State::None | State::Unknown => Grant {
                id: "g-00000000000000000000000000000000".to_owned(),
                scope_digest: vec![0; 32],
                ..Grant::default()
            },
            // The policies let a masked one begin by itself.
            State::Requested | State::Waiting | State::LiveMasked => {
                self.request(requester, wanted).await
            }
            State::Denied => {
                let grant = self.request(requester, wanted).await;
                let decision = self.decision(&grant);
                self.approver.deny_grant(decision).await.unwrap();
                grant
            }
            State::Revoked => {
                let grant = self.approved(requester, wanted).await;
                let decision = self.decision(&grant);
                self.approver.revoke_grant(decision).await.unwrap();
                grant
            }
            State::Ended => {
                let grant = self.approved(requester, wanted).await;
                self.stage.vault.clock.advance_seconds(1);
                grant
            }
            State::Spent => {
                let grant = self.approved(requester, wanted).await;
                let request = DetokenizeRequest {
                    acting_principal: self.stage.assertion("agent", requester, "agents"),
                    ..self.stage.reveal(&grant, &[0])
                };
                let agent = self.stage.agent_client().await;
                agent.detokenize(request).await.unwrap();
                grant
            }
            State::Live | State::LiveOfOther | State::LiveOfOtherCase => {
                self.approved(requester, wanted).await
            }
            State::Frozen => {
                let grant = self.approved(requester, wanted).await;
                let freeze = FreezeRequest {
                    target: format!("grant:{}", grant.id),
                    acting_principal: self.stage.assertion("approver", "eve", "oncall"),
                };
                self.freezer.freeze(freeze).await.unwrap();
                grant
            }
        }
    }

    async fn request(&mut self, requester: &str, scope: GrantScope) -> Grant {
        let request = RequestGrantRequest {
            request_id: String::new(),
            scope: Some(scope),
            acting_principal: self.stage.assertion("agent", requester, "agents"),
        };
        self.agent
            .request_grant(request)
            .await
            .unwrap()
            .into_inner()
    }

    async fn approved(&mut self, requester: &str, scope: GrantScope) -> Grant {
        let grant = self.request(requester, scope).await;
        let request = ApproveGrantRequest {
            namespace: "shop".to_owned(),
            grant_id: grant.id,
            scope_digest: grant.scope_digest,
            acting_principal: self.stage.assertion("approver", "bob", "approvers"),
        };
        let approved = self.approver.approve_grant(request).await;
        approved.unwrap().into_inner()
    }

    fn decision(&self, grant: &Grant) -> DecideGrantRequest {
        DecideGrantRequest {
            namespace: "shop".to_owned(),
            grant_id: grant.id.clone(),
            acting_principal: self.stage.assertion("approver", "bob", "approvers"),
        }
    }
}
