//! How each call is asked, and what its answer was.

use std::collections::HashMap;
use std::sync::Arc;

use counterfoil::domain::Level;
use counterfoil::protocol;
use counterfoil::protocol::ApproveGrantRequest;
use counterfoil::protocol::DecideGrantRequest;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::GetGrantRequest;
use counterfoil::protocol::GetPrincipalRequest;
use counterfoil::protocol::Grant;
use counterfoil::protocol::GrantScope;
use counterfoil::protocol::ListFreezesRequest;
use counterfoil::protocol::ListGrantsRequest;
use counterfoil::protocol::RequestGrantRequest;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::UnfreezeRequest;
use counterfoil::protocol::WatchGrantsRequest;
use counterfoil::protocol::grant_service_client::GrantServiceClient;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use tonic::Code;
use tonic::Response;
use tonic::Status;
use tonic::Streaming;
use tonic::transport::Channel;
use tonic_types::StatusExt;
use tonic_types::pb;

use super::About;
use super::FIELDS;
use super::Person;
use super::Role;
use super::grants::State;
use crate::stage::Stage;
use crate::stage::scope;
use crate::support::Client;
use crate::support::Side;
use crate::support::item_of;
use crate::support::reveal_of;
use crate::support::token_of;
use crate::support::value_of;

/// A call, and everything that it is asked about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) call: &'static str,
    pub(super) about: About,
    /// Empty: everything.
    pub(super) namespace: &'static str,
    pub(super) field: &'static str,
    pub(super) level: Level,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Done,
    /// As a whole, with the one answer that says nothing.
    Denied,
    /// The item.
    Forbidden,
    /// The grant is not live, not one's own, or does not cover the call.
    GrantRequired,
    /// The grant is not in a state for this.
    GrantState,
    Unauthenticated,
    /// The item, told to who may use every field.
    UnknownField,
}

/// Tokens of one customer by tenant and field.
pub(super) type Tokens = HashMap<(&'static str, &'static str), String>;

/// A role at its certificates.
pub(super) struct Asker {
    stage: Arc<Stage>,
    role: Role,
    tokens: Arc<Tokens>,
    /// What lets tokens be replaced.
    pub(super) operation: Arc<str>,
    pub(super) client: Client,
    grants: GrantServiceClient<Channel>,
    principals: PrincipalServiceClient<Channel>,
    pub(super) reveal: Channel,
}

/// The tokens that are asked about.
pub(super) async fn tokens(stage: &Stage) -> Tokens {
    let mut tokens = Tokens::new();
    for (identity, namespace) in [("backend", "shop"), ("other", "other")] {
        let client = stage.vault.client(identity).await;
        for field in FIELDS {
            let request = TokenizeRequest {
                namespace: namespace.to_owned(),
                items: vec![item_of(field, value_in(field), SUBJECT)],
                ..TokenizeRequest::default()
            };
            let results = client.tokenize_request(request).await.unwrap();
            if let Ok(value) = token_of(results.into_iter().next().unwrap()) {
                tokens.insert((namespace, field), value.token);
            }
        }
    }
    tokens
}

impl Asker {
    pub(super) async fn new(
        stage: &Arc<Stage>,
        role: Role,
        tokens: &Arc<Tokens>,
        operation: &Arc<str>,
    ) -> Self {
        let credential = stage.vault.identities().credential(role.certificate);
        // One connection to each listener: a peer may have so many and no more.
        let token = stage.vault.connect(Side::Token, credential).await.unwrap();
        let reveal = stage.vault.connect(Side::Reveal, credential).await.unwrap();
        Self {
            stage: Arc::clone(stage),
            role,
            tokens: Arc::clone(tokens),
            operation: Arc::clone(operation),
            client: Client::new(token, reveal.clone()),
            grants: GrantServiceClient::new(reveal.clone()),
            principals: PrincipalServiceClient::new(reveal.clone()),
            reveal,
        }
    }

    /// Asks these questions, and says which answers are not those that are wanted.
    pub(super) async fn differences(self, asked: Vec<(Question, Grant, Answer)>) -> Vec<String> {
        let mut differences = Vec::new();
        for (question, grant, want) in asked {
            let got = self.ask(&question, &grant).await;
            if got != want {
                let role = self.role.name;
                differences.push(format!("{role} asks {question:?}: {got:?}, not {want:?}"));
            }
        }
        differences
    }

    async fn ask(&self, question: &Question, grant: &Grant) -> Answer {
        match self.send(question, grant).await {
            Ok(None) => Answer::Done,
            Ok(Some(item)) => match Code::from(item.code) {
                Code::InvalidArgument => Answer::UnknownField,
                Code::PermissionDenied => Answer::Forbidden,
                code => panic!("{} asks {question:?}: {code:?}", self.role.name),
            },
            Err(status) => match (status.code(), reason(&status).as_str()) {
                (Code::PermissionDenied, _) => {
                    assert_eq!(status.message(), "permission denied");
                    assert!(status.details().is_empty());
                    Answer::Denied
                }
                (Code::FailedPrecondition, "GRANT_REQUIRED") => Answer::GrantRequired,
                (Code::FailedPrecondition, "GRANT_STATE") => Answer::GrantState,
                (Code::Unauthenticated, _) => Answer::Unauthenticated,
                _ => panic!("{} asks {question:?}: {status:?}", self.role.name),
            },
        }
    }

    /// Sends the call: the error of its item, if it has one.
    async fn send(&self, question: &Question, grant: &Grant) -> Result<Option<pb::Status>, Status> {
        match question.call.split_once('/').unwrap() {
            ("TokenService", call) => self.send_token(call, question).await,
            ("DetokenizationService", call) => self.send_reveal(call, question, grant).await,
            ("GrantService", call) => self.send_grant(call, question, grant).await.map(|()| None),
            ("PrincipalService", call) => self.send_freeze(call, question).await.map(|()| None),
            ("KeyService", "Reindex") => self.send_reindex(question).await,
            ("KeyService", "Retokenize") => self.send_retokenize(question).await,
            ("SubjectService" | "BackupService" | "KeyService", call) => {
                self.send_keeping(call, question).await.map(|()| None)
            }
            ("AuditService", call) => self.send_audit(call, question).await.map(|()| None),
            (_, _) => panic!("{} is not asked", question.call),
        }
    }

    async fn send_reveal(
        &self,
        call: &str,
        question: &Question,
        grant: &Grant,
    ) -> Result<Option<pb::Status>, Status> {
        let level = match question.level {
            Level::Full => protocol::Level::Full,
            Level::Masked => protocol::Level::Masked,
        };
        let is_other_case = question.state == State::LiveOfOtherCase;
        let request = DetokenizeRequest {
            namespace: question.namespace.to_owned(),
            items: vec![reveal_of(question.field, &self.token(question), SUBJECT)],
            level: level.into(),
            purpose: "support".to_owned(),
            case_id: if is_other_case { "T-2" } else { "T-1" }.to_owned(),
            grant_id: grant.id.clone(),
            acting_principal: self.assertion(),
            ..DetokenizeRequest::default()
        };
        let mut service = self.client.reveal.clone();
        let answer = match call {
            "Detokenize" => service.detokenize(request).await?.into_inner(),
            "DetokenizeStream" => {
                let stream = service
                    .detokenize_stream(tokio_stream::iter([request]))
                    .await?;
                only(stream).await?
            }
            _ => panic!("{call} is not asked"),
        };
        first(answer.results, value_of)
    }

    async fn send_grant(
        &self,
        call: &str,
        question: &Question,
        grant: &Grant,
    ) -> Result<(), Status> {
        let mut service = self.grants.clone();
        let namespace = question.namespace.to_owned();
        let (grant_id, acting_principal) = (grant.id.clone(), self.assertion());
        let decision = DecideGrantRequest {
            namespace: namespace.clone(),
            grant_id: grant_id.clone(),
            acting_principal: acting_principal.clone(),
        };
        match call {
            "RequestGrant" => {
                let scope = GrantScope {
                    namespace,
                    fields: vec![question.field.to_owned()],
                    ..scope([0])
                };
                let request = RequestGrantRequest {
                    request_id: String::new(),
                    scope: Some(scope),
                    acting_principal,
                };
                service.request_grant(request).await.map(drop)
            }
            "GetGrant" => {
                let request = GetGrantRequest {
                    namespace,
                    grant_id,
                    acting_principal,
                };
                service.get_grant(request).await.map(drop)
            }
            "ApproveGrant" => {
                let request = ApproveGrantRequest {
                    namespace,
                    grant_id,
                    scope_digest: grant.scope_digest.clone(),
                    acting_principal,
                };
                service.approve_grant(request).await.map(drop)
            }
            "DenyGrant" => service.deny_grant(decision).await.map(drop),
            "RevokeGrant" => service.revoke_grant(decision).await.map(drop),
            "ListGrants" => {
                let request = ListGrantsRequest {
                    namespace,
                    acting_principal,
                    ..ListGrantsRequest::default()
                };
                service.list_grants(request).await.map(drop)
            }
            "WatchGrants" => {
                let request = WatchGrantsRequest {
                    namespace,
                    acting_principal,
                };
                service.watch_grants(request).await.map(drop)
            }
            _ => panic!("{call} is not asked"),
        }
    }

    async fn send_freeze(&self, call: &str, question: &Question) -> Result<(), Status> {
        let mut service = self.principals.clone();
        let acting_principal = self.assertion();
        // Of nobody who asks here.
        let target = match question.namespace {
            "" => "person:acme/nobody".to_owned(),
            namespace => format!("case:{namespace}:T-9"),
        };
        match call {
            "Freeze" => {
                let request = FreezeRequest {
                    target,
                    acting_principal,
                };
                service.freeze(request).await.map(drop)
            }
            "Unfreeze" => {
                let request = UnfreezeRequest {
                    target,
                    acting_principal,
                };
                service.unfreeze(request).await.map(drop)
            }
            "GetPrincipal" => {
                let request = GetPrincipalRequest {
                    namespace: question.namespace.to_owned(),
                    principal: "spiffe://shop.example/agent".to_owned(),
                    person: String::new(),
                    acting_principal,
                };
                service.get_principal(request).await.map(drop)
            }
            "ListFreezes" => {
                let request = ListFreezesRequest { acting_principal };
                service.list_freezes(request).await.map(drop)
            }
            _ => panic!("{call} is not asked"),
        }
    }

    pub(super) fn token(&self, question: &Question) -> String {
        let token = self.tokens.get(&(question.namespace, question.field));
        token.map_or("Some Token", |token| token).to_owned()
    }

    pub(super) fn assertion(&self) -> String {
        match self.role.person {
            Person::Nobody => String::new(),
            Person::Of(name, group) => self.stage.assertion(self.role.certificate, name, group),
            Person::Stolen => self.stage.assertion("approver", "bob", "approvers"),
        }
    }
}

pub(super) fn value_in(field: &str) -> &'static str {
    if field == "email" {
        "ada@example.com"
    } else {
        "Ada Lovelace"
    }
}

fn reason(status: &Status) -> String {
    let info = status.get_details_error_info();
    info.map(|info| info.reason).unwrap_or_default()
}

/// The error of the only item.
pub(super) fn first<R, T>(
    results: Vec<R>,
    read: impl Fn(R) -> Result<T, pb::Status>,
) -> Result<Option<pb::Status>, Status> {
    assert_eq!(results.len(), 1);
    Ok(results
        .into_iter()
        .next()
        .and_then(|result| read(result).err()))
}

/// The only message of a stream.
pub(super) async fn only<T>(stream: Response<Streaming<T>>) -> Result<T, Status> {
    let message = stream.into_inner().message().await?;
    Ok(message.unwrap())
}

/// The customer whom every value belongs to.
pub(super) const SUBJECT: &str = "cus_0";
