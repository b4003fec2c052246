//! Grants and freezes under load: what was acknowledged of them must outlive every kill.

use std::collections::BTreeMap;

use counterfoil::protocol;
use counterfoil::protocol::grant_service_client::GrantServiceClient;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::person::Provider;
use crate::server::Server;
use crate::testbed::Failure;
use crate::testbed::NAMESPACE;

/// What was acknowledged of grants and freezes.
#[derive(Default)]
pub(crate) struct Acknowledgements {
    /// Each grant's digest and states that it may be in: one, or two where a call was cut off.
    grants: BTreeMap<String, (Vec<u8>, Vec<protocol::GrantState>)>,
    /// What is frozen for certain, and what is not.
    freezes: BTreeMap<String, bool>,
}

/// A client that asks for grants and freezes cases.
#[derive(Clone)]
pub(crate) struct Officer {
    grants: GrantServiceClient<Channel>,
    principals: PrincipalServiceClient<Channel>,
    provider: Provider,
}

/// What a call did, for the ledger.
pub(crate) enum Done {
    Grant(String, Vec<u8>, Vec<protocol::GrantState>),
    Freeze(String, Option<bool>),
}

impl Acknowledgements {
    pub(crate) fn note(&mut self, done: Done) {
        match done {
            Done::Grant(id, digest, states) => {
                self.grants.insert(id, (digest, states));
            }
            Done::Freeze(target, Some(is_frozen)) => {
                self.freezes.insert(target, is_frozen);
            }
            // Whether it is frozen, nobody was told.
            Done::Freeze(target, None) => {
                self.freezes.remove(&target);
            }
        }
    }

    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.grants.len(), self.freezes.len())
    }
}

impl Officer {
    pub(crate) fn new(reveal: &Channel, provider: &Provider) -> Self {
        Self {
            grants: GrantServiceClient::new(reveal.clone()),
            principals: PrincipalServiceClient::new(reveal.clone()),
            provider: provider.clone(),
        }
    }

    /// Asks for a grant and has it approved or revoked, as the number says. Each step is noted
    /// before the next: a call that is cut off may have been carried out.
    pub(crate) async fn decide(
        &mut self,
        number: u64,
        mut note: impl FnMut(Done),
    ) -> Result<(), Status> {
        let request = protocol::RequestGrantRequest {
            request_id: format!("grant-{number:016x}"),
            scope: Some(scope(number)),
            // Everybody has few grants open.
            acting_principal: self.assertion(&format!("agent-{number:016x}"))?,
        };
        let grant = self.grants.request_grant(request).await?.into_inner();
        let (id, digest) = (grant.id, grant.scope_digest);
        let state = |states: &[_]| Done::Grant(id.clone(), digest.clone(), states.to_vec());
        let (requested, live) = (protocol::GrantState::Requested, protocol::GrantState::Live);
        note(state(&[requested]));
        if number.is_multiple_of(4) {
            return Ok(());
        }
        note(state(&[requested, live]));
        let request = protocol::ApproveGrantRequest {
            namespace: NAMESPACE.to_owned(),
            grant_id: id.clone(),
            scope_digest: digest.clone(),
            acting_principal: self.assertion("approver")?,
        };
        self.grants.approve_grant(request).await?;
        note(state(&[live]));
        if number % 4 == 1 {
            return Ok(());
        }
        let revoked = protocol::GrantState::Revoked;
        note(state(&[live, revoked]));
        let request = protocol::DecideGrantRequest {
            namespace: NAMESPACE.to_owned(),
            grant_id: id.clone(),
            acting_principal: self.assertion("approver")?,
        };
        self.grants.revoke_grant(request).await?;
        note(state(&[revoked]));
        Ok(())
    }

    /// Freezes a case that nobody reveals for, and unfreezes every other one again.
    pub(crate) async fn freeze(
        &mut self,
        number: u64,
        mut note: impl FnMut(Done),
    ) -> Result<(), Status> {
        let target = format!("case:{NAMESPACE}:frozen-{number:016x}");
        let request = protocol::FreezeRequest {
            target: target.clone(),
            acting_principal: self.assertion("first")?,
        };
        self.principals.freeze(request).await?;
        note(Done::Freeze(target.clone(), Some(true)));
        if number.is_multiple_of(2) {
            return Ok(());
        }
        for person in ["first", "second"] {
            let request = protocol::UnfreezeRequest {
                target: target.clone(),
                acting_principal: self.assertion(person)?,
            };
            // The first alone unfreezes nothing.
            if person == "second" {
                note(Done::Freeze(target.clone(), None));
            }
            self.principals.unfreeze(request).await?;
        }
        note(Done::Freeze(target, Some(false)));
        Ok(())
    }

    fn assertion(&self, person: &str) -> Result<String, Status> {
        let assertion = self.provider.assertion_now(person);
        assertion.map_err(|_| Status::internal("no assertion"))
    }
}

/// After a restart: are grants and freezes as they were acknowledged?
pub(crate) async fn ask(
    server: &Server,
    provider: &Provider,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let mut officer = Officer::new(&server.reveal, provider);
    let known = std::mem::take(&mut ledger.standing);
    for (id, (digest, states)) in &known.grants {
        let request = protocol::GetGrantRequest {
            namespace: NAMESPACE.to_owned(),
            grant_id: id.clone(),
            acting_principal: provider.assertion_now("approver")?,
        };
        let is_as_it_was = match officer.grants.get_grant(request).await {
            Ok(grant) => {
                let grant = grant.into_inner();
                let state = grant.state();
                // A long campaign outlasts a grant.
                let may_be = states.contains(&state) || state == protocol::GrantState::Ended;
                may_be && grant.scope_digest == *digest
            }
            Err(_) => false,
        };
        if !is_as_it_was {
            ledger.fault(Fault::GrantLost);
        }
    }
    let request = protocol::ListFreezesRequest {
        acting_principal: provider.assertion_now("first")?,
    };
    let listed = officer.principals.list_freezes(request).await?.into_inner();
    for (target, is_frozen) in &known.freezes {
        if listed.frozen.iter().any(|it| it.target == *target) != *is_frozen {
            ledger.fault(Fault::FreezeLost);
        }
    }
    ledger.standing = known;
    Ok(())
}

fn scope(number: u64) -> protocol::GrantScope {
    protocol::GrantScope {
        namespace: NAMESPACE.to_owned(),
        kind: protocol::GrantKind::Case.into(),
        subjects: vec![format!("cus_{number}")],
        fields: vec!["email".to_owned()],
        level: protocol::Level::Full.into(),
        purpose: "support".to_owned(),
        case_id: "T-1".to_owned(),
        reveals_max: 0,
        ttl_seconds: 0,
    }
}

/// What people may do in a campaign, beside what the configuration permits.
pub(crate) const POLICIES: &str = r#"
permit (
  principal == Service::"client.shop.example",
  action in [
    Action::"request_grant", Action::"approve_grant", Action::"revoke_grant",
    Action::"list_grants", Action::"freeze", Action::"unfreeze", Action::"get_principal"
  ],
  resource
) when { context has person };
"#;
