//! Every call about grants, freezes and who was seen, and every call on behalf of a person.
//!
//! Assertions are secret too: who reads one in a log can call as the person until it ends.

use std::fs;

use counterfoil::protocol;
use counterfoil::protocol::ApproveGrantRequest;
use counterfoil::protocol::DecideGrantRequest;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::GetGrantRequest;
use counterfoil::protocol::GetPrincipalRequest;
use counterfoil::protocol::Grant;
use counterfoil::protocol::GrantKind;
use counterfoil::protocol::GrantScope;
use counterfoil::protocol::InspectRequest;
use counterfoil::protocol::Level;
use counterfoil::protocol::ListFreezesRequest;
use counterfoil::protocol::ListGrantsRequest;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::LookupRequest;
use counterfoil::protocol::RedactRequest;
use counterfoil::protocol::ReportExposureRequest;
use counterfoil::protocol::RequestGrantRequest;
use counterfoil::protocol::UnfreezeRequest;
use counterfoil::protocol::VerifyMatchRequest;
use counterfoil::protocol::WatchGrantsRequest;
use counterfoil::protocol::audit_service_client::AuditServiceClient;
use counterfoil::protocol::grant_service_client::GrantServiceClient;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use prost::Message;
use serde_json::json;
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::canaries::Canaries;
use crate::support::Client;
use crate::support::Side;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item_of;
use crate::support::people::NOW;
use crate::support::people::Provider;
use crate::support::reveal_of;
use crate::support::value_of;

/// People, and what they may do.
pub(crate) struct People {
    provider: Provider,
    policies: TempDir,
}

/// The services of the reveal listener that reveal nothing.
struct Services {
    grants: GrantServiceClient<Channel>,
    principals: PrincipalServiceClient<Channel>,
    audit: AuditServiceClient<Channel>,
}

impl People {
    pub(crate) fn new() -> Self {
        let policies = tempfile::tempdir().unwrap();
        fs::write(policies.path().join("people.cedar"), POLICIES).unwrap();
        let officers = crate::replacing::POLICY;
        fs::write(policies.path().join("officers.cedar"), officers).unwrap();
        Self {
            provider: Provider::new(),
            policies,
        }
    }

    /// The lines of the configuration.
    pub(crate) fn lines(&self) -> String {
        let dir = self.policies.path();
        format!("[policies]\ndir = {dir:?}\n{}", self.provider.table())
    }

    /// What must be nowhere but in the calls.
    fn assertion(&self, vault: &TestVault, person: &str, canaries: &mut Canaries) -> String {
        let credential = vault.identities().credential("backend");
        // The test's clock stands, so that each login needs another name.
        let word = canaries.word();
        let members = json!({"sub": person, "jti": word, "auth_time": NOW});
        let assertion = self.provider.assertion(credential, members);
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        canaries.keep(signature.to_owned());
        canaries.keep(signed.rsplit_once('.').unwrap().1.to_owned());
        assertion
    }
}

/// A grant is asked for, watched, read, approved and used; things are frozen; a report is made.
pub(crate) async fn go_well(vault: &TestVault, people: &People, canaries: &mut Canaries) {
    let client = vault.backend().await;
    let mut services = services(vault).await;
    let (value, subject) = (canaries.value("name"), "cus_9");
    let token = client
        .tokenized(item_of("name", &value, subject))
        .await
        .token;
    canaries.keep(token.clone());
    let watch = WatchGrantsRequest {
        namespace: "shop".to_owned(),
        acting_principal: people.assertion(vault, "bob", canaries),
    };
    let watching = services.grants.watch_grants(watch).await.unwrap();
    let request = RequestGrantRequest {
        request_id: "leak-1".to_owned(),
        scope: Some(scope()),
        acting_principal: people.assertion(vault, "ada", canaries),
    };
    let grant = services
        .grants
        .request_grant(request)
        .await
        .unwrap()
        .into_inner();
    let told = watching.into_inner().message().await.unwrap().unwrap();
    answered(canaries, &told);
    let approve = ApproveGrantRequest {
        namespace: "shop".to_owned(),
        grant_id: grant.id.clone(),
        scope_digest: grant.scope_digest.clone(),
        acting_principal: people.assertion(vault, "bob", canaries),
    };
    let approved = services.grants.approve_grant(approve).await.unwrap();
    answered(canaries, &approved.into_inner());
    let reveal = DetokenizeRequest {
        grant_id: grant.id.clone(),
        case_id: "T-1".to_owned(),
        acting_principal: people.assertion(vault, "ada", canaries),
        ..detokenize_items(vec![reveal_of("name", &token, subject)])
    };
    let revealed = client.detokenize(reveal).await.unwrap();
    let revealed = value_of(revealed.results.into_iter().next().unwrap());
    assert_eq!(revealed.unwrap(), value);
    search(vault, people, &client, &value, canaries).await;
    read(vault, people, &mut services, &grant, canaries).await;
    freeze(vault, people, &mut services, canaries).await;
}

/// Everything that a person says that is not what it should be: of no use, and repeated nowhere.
pub(crate) async fn go_wrong(vault: &TestVault, people: &People, canaries: &mut Canaries) {
    let mut services = services(vault).await;
    for _ in 0..2 {
        let text = canaries.value("name");
        let wrong = [
            GrantScope {
                namespace: text.clone(),
                ..scope()
            },
            GrantScope {
                subjects: vec![text.clone()],
                ..scope()
            },
            GrantScope {
                fields: vec![text.clone()],
                ..scope()
            },
            GrantScope {
                purpose: text.clone(),
                ..scope()
            },
            GrantScope {
                case_id: text.clone(),
                ..scope()
            },
        ];
        for scope in wrong {
            let request = RequestGrantRequest {
                request_id: String::new(),
                scope: Some(scope),
                acting_principal: people.assertion(vault, "eve", canaries),
            };
            let refused = services.grants.request_grant(request).await;
            assert!(canaries.outcome(refused.map(drop)).is_none());
        }
        let acting_principal = people.assertion(vault, "eve", canaries);
        let decision = |namespace: &str, grant_id: &str| DecideGrantRequest {
            namespace: namespace.to_owned(),
            grant_id: grant_id.to_owned(),
            acting_principal: acting_principal.clone(),
        };
        for (namespace, id) in [("shop", text.as_str()), (text.as_str(), "g-1")] {
            let refused = services.grants.deny_grant(decision(namespace, id)).await;
            canaries.outcome(refused.map(drop));
            let refused = services.grants.revoke_grant(decision(namespace, id)).await;
            canaries.outcome(refused.map(drop));
        }
        for target in [
            text.clone(),
            format!("person:{text}"),
            format!("case:shop:{text}"),
        ] {
            let request = FreezeRequest {
                target,
                acting_principal: acting_principal.clone(),
            };
            let refused = services.principals.freeze(request).await;
            assert!(canaries.outcome(refused.map(drop)).is_none());
        }
        let request = ReportExposureRequest {
            namespace: text.clone(),
            everybody: true,
            to_unix_ms: 1,
            ..ReportExposureRequest::default()
        };
        let refused = services.audit.report_exposure(request).await;
        assert!(canaries.outcome(refused.map(drop)).is_none());
        forge(vault, people, &text, canaries).await;
    }
}

/// An assertion that is changed is believed by nobody, and remains a secret.
async fn forge(vault: &TestVault, people: &People, text: &str, canaries: &mut Canaries) {
    let client = vault.backend().await;
    let forged = people.assertion(vault, "ada", canaries).replace('.', "..");
    let request = LookupRequest {
        acting_principal: forged,
        ..lookup(text)
    };
    let refused = client.token.clone().lookup(request).await;
    assert!(canaries.outcome(refused.map(drop)).is_none());
}

async fn services(vault: &TestVault) -> Services {
    let credential = vault.identities().credential("backend");
    let channel = vault.connect(Side::Reveal, credential).await.unwrap();
    Services {
        grants: GrantServiceClient::new(channel.clone()),
        principals: PrincipalServiceClient::new(channel.clone()),
        audit: AuditServiceClient::new(channel),
    }
}

async fn search(
    vault: &TestVault,
    people: &People,
    client: &Client,
    value: &str,
    canaries: &mut Canaries,
) {
    let acting_principal = people.assertion(vault, "ada", canaries);
    let mut token = client.token.clone();
    let request = LookupRequest {
        acting_principal: acting_principal.clone(),
        ..lookup(value)
    };
    token.lookup(request).await.unwrap();
    // Without items: refused, and only the assertion could get out.
    let namespace = || "shop".to_owned();
    let inspect = InspectRequest {
        namespace: namespace(),
        acting_principal: acting_principal.clone(),
        ..InspectRequest::default()
    };
    canaries.outcome(token.inspect(inspect).await.map(drop));
    let verify = VerifyMatchRequest {
        namespace: namespace(),
        acting_principal: acting_principal.clone(),
        ..VerifyMatchRequest::default()
    };
    canaries.outcome(token.verify_match(verify).await.map(drop));
    let redact = RedactRequest {
        namespace: namespace(),
        acting_principal,
        ..RedactRequest::default()
    };
    canaries.outcome(token.redact(redact).await.map(drop));
}

async fn read(
    vault: &TestVault,
    people: &People,
    services: &mut Services,
    grant: &Grant,
    canaries: &mut Canaries,
) {
    let acting_principal = people.assertion(vault, "bob", canaries);
    let request = GetGrantRequest {
        namespace: "shop".to_owned(),
        grant_id: grant.id.clone(),
        acting_principal: acting_principal.clone(),
    };
    answered(
        canaries,
        &services
            .grants
            .get_grant(request)
            .await
            .unwrap()
            .into_inner(),
    );
    let request = ListGrantsRequest {
        namespace: "shop".to_owned(),
        acting_principal: acting_principal.clone(),
        ..ListGrantsRequest::default()
    };
    answered(
        canaries,
        &services
            .grants
            .list_grants(request)
            .await
            .unwrap()
            .into_inner(),
    );
    let request = DecideGrantRequest {
        namespace: "shop".to_owned(),
        grant_id: grant.id.clone(),
        acting_principal: acting_principal.clone(),
    };
    answered(
        canaries,
        &services
            .grants
            .revoke_grant(request)
            .await
            .unwrap()
            .into_inner(),
    );
    let request = ReportExposureRequest {
        everybody: true,
        to_unix_ms: u64::MAX / 2,
        acting_principal: acting_principal.clone(),
        ..ReportExposureRequest::default()
    };
    let parts = services.audit.report_exposure(request).await.unwrap();
    let mut parts = parts.into_inner();
    while let Some(part) = parts.message().await.unwrap() {
        answered(canaries, &part);
    }
    read_log(services, &acting_principal, canaries).await;
}

/// Reads the log, which has everything that was done so far, by every call that reads it.
async fn read_log(services: &mut Services, acting_principal: &str, canaries: &mut Canaries) {
    let acting_principal = || acting_principal.to_owned();
    let audit = &mut services.audit;
    let list = protocol::ListEntriesRequest {
        acting_principal: acting_principal(),
        ..protocol::ListEntriesRequest::default()
    };
    let page = audit.list_entries(list).await.unwrap().into_inner();
    assert!(page.entries.len() > 5);
    answered(canaries, &page);
    let watch = protocol::WatchEntriesRequest {
        first_index: 0,
        acting_principal: acting_principal(),
    };
    let mut pages = audit.watch_entries(watch).await.unwrap().into_inner();
    answered(canaries, &pages.message().await.unwrap().unwrap());
    let ask = protocol::GetCheckpointRequest {
        acting_principal: acting_principal(),
    };
    answered(
        canaries,
        &audit.get_checkpoint(ask).await.unwrap().into_inner(),
    );
    let prove = protocol::ProveInclusionRequest {
        acting_principal: acting_principal(),
        ..protocol::ProveInclusionRequest::default()
    };
    answered(
        canaries,
        &audit.prove_inclusion(prove).await.unwrap().into_inner(),
    );
    let prove = protocol::ProveConsistencyRequest {
        first_size: 3,
        acting_principal: acting_principal(),
        ..protocol::ProveConsistencyRequest::default()
    };
    answered(
        canaries,
        &audit.prove_consistency(prove).await.unwrap().into_inner(),
    );
}

async fn freeze(
    vault: &TestVault,
    people: &People,
    services: &mut Services,
    canaries: &mut Canaries,
) {
    let target = || "case:shop:T-9".to_owned();
    let request = FreezeRequest {
        target: target(),
        acting_principal: people.assertion(vault, "bob", canaries),
    };
    services.principals.freeze(request).await.unwrap();
    let request = ListFreezesRequest {
        acting_principal: people.assertion(vault, "bob", canaries),
    };
    let listed = services.principals.list_freezes(request).await.unwrap();
    answered(canaries, &listed.into_inner());
    for person in ["bob", "dan"] {
        let request = UnfreezeRequest {
            target: target(),
            acting_principal: people.assertion(vault, person, canaries),
        };
        services.principals.unfreeze(request).await.unwrap();
    }
    let request = GetPrincipalRequest {
        namespace: "shop".to_owned(),
        principal: "spiffe://shop.example/backend".to_owned(),
        person: "acme/ada".to_owned(),
        acting_principal: people.assertion(vault, "bob", canaries),
    };
    let read = services.principals.get_principal(request).await.unwrap();
    answered(canaries, &read.into_inner());
}

/// Keeps an answer, which must have nothing in it that a customer said.
fn answered(canaries: &mut Canaries, answer: &impl Message) {
    let bytes = answer.encode_to_vec();
    canaries.masks.push_str(&String::from_utf8_lossy(&bytes));
    canaries.masks.push('\n');
}

fn scope() -> GrantScope {
    GrantScope {
        namespace: "shop".to_owned(),
        kind: GrantKind::Case.into(),
        subjects: vec!["cus_9".to_owned()],
        fields: vec!["name".to_owned()],
        level: Level::Full.into(),
        purpose: "support".to_owned(),
        case_id: "T-1".to_owned(),
        reveals_max: 0,
        ttl_seconds: 0,
    }
}

fn lookup(value: &str) -> LookupRequest {
    LookupRequest {
        namespace: "shop".to_owned(),
        items: vec![LookupItem {
            field: "name".to_owned(),
            value: value.to_owned(),
            ..LookupItem::default()
        }],
        ..LookupRequest::default()
    }
}

const POLICIES: &str = r#"
permit (
  principal == Service::"spiffe://shop.example/backend",
  action in [
    Action::"request_grant", Action::"approve_grant", Action::"revoke_grant",
    Action::"list_grants", Action::"freeze", Action::"unfreeze", Action::"get_principal",
    Action::"report_exposure", Action::"list_entries", Action::"prove_audit_log"
  ],
  resource
) when { context has person };
"#;
