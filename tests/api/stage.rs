//! A vault with an agent, an approver and people on call, for the stories about them.

use std::fs;

use counterfoil::protocol::ApproveGrantRequest;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::Grant;
use counterfoil::protocol::GrantKind;
use counterfoil::protocol::GrantScope;
use counterfoil::protocol::Level;
use counterfoil::protocol::RequestGrantRequest;
use counterfoil::protocol::grant_service_client::GrantServiceClient;
use counterfoil::protocol::principal_service_client::PrincipalServiceClient;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::Channel;

use crate::support::Client;
use crate::support::Side;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item_of;
use crate::support::people::NOW;
use crate::support::people::Provider;
use crate::support::reveal_of;

const POLICIES: &str = r#"
permit (
  principal == Service::"spiffe://shop.example/agent",
  action in [Action::"request_grant", Action::"list_grants"],
  resource in Namespace::"shop"
) when { context has person && context.person.groups.contains("agents") };

permit (
  principal == Service::"spiffe://shop.example/agent",
  action in [Action::"detokenize", Action::"detokenize_masked"],
  resource in Namespace::"shop"
) when { context has grant && context has person };

permit (
  principal == Service::"spiffe://shop.example/agent",
  action == Action::"auto_approve_grant",
  resource in Namespace::"shop"
) when { context.level == "masked" };

permit (
  principal == Service::"spiffe://shop.example/approver",
  action in [Action::"approve_grant", Action::"revoke_grant", Action::"list_grants"],
  resource in Namespace::"shop"
) when { context has person && context.person.groups.contains("approvers") };

permit (
  principal == Service::"spiffe://shop.example/writer",
  action in [Action::"reindex", Action::"retokenize"],
  resource == Field::"shop/name"
);

permit (
  principal == Service::"spiffe://shop.example/approver",
  action in [
    Action::"list_keys",
    Action::"propose_operation",
    Action::"approve_operation",
    Action::"cancel_operation"
  ],
  resource
) when { context has person && context.person.groups.contains("officers") };

permit (
  principal == Service::"spiffe://shop.example/approver",
  action in [Action::"describe_subject", Action::"erase_subject"],
  resource in Namespace::"shop"
) when { context has person && context.person.groups.contains("keepers") };

permit (
  principal == Service::"spiffe://shop.example/approver",
  action == Action::"create_backup",
  resource
) when { context has person && context.person.groups.contains("keepers") };

permit (
  principal == Service::"agent.shop.example",
  action == Action::"create_decoys",
  resource in Namespace::"shop"
);

permit (
  principal == Service::"spiffe://shop.example/approver",
  action == Action::"report_exposure",
  resource in Namespace::"shop"
) when { context has person && context.person.groups.contains("auditors") };

permit (
  principal == Service::"spiffe://shop.example/approver",
  action in [Action::"list_entries", Action::"prove_audit_log"],
  resource
) when { context has person && context.person.groups.contains("auditors") };

permit (
  principal,
  action in [Action::"freeze", Action::"unfreeze", Action::"get_principal"],
  resource
) when { context has person && context.person.groups.contains("oncall") };
"#;

const BUDGET: &str = "[[budget]]\nholder = \"person\"\nsubjects_per_hour = 5\n\
    subjects_per_day = 20\n";

/// A vault with an agent, an approver and people on call, and tokens of some customers.
pub(crate) struct Stage {
    pub(crate) vault: TestVault,
    provider: Provider,
    pub(crate) tokens: Vec<String>,
    /// Keeps the policies for as long as the vault reads them.
    _policies: TempDir,
}

impl Stage {
    pub(crate) async fn new(customers_count: usize) -> Self {
        Self::with(customers_count, BUDGET).await
    }

    /// One with these lines of configuration in the place of the budget.
    pub(crate) async fn with(customers_count: usize, lines: &str) -> Self {
        Self::with_policies(customers_count, lines, "").await
    }

    /// One with further policies, too.
    pub(crate) async fn with_policies(customers_count: usize, lines: &str, further: &str) -> Self {
        let policies = tempfile::tempdir().unwrap();
        fs::write(policies.path().join("roles.cedar"), POLICIES).unwrap();
        fs::write(policies.path().join("further.cedar"), further).unwrap();
        let provider = Provider::new();
        let dir = policies.path().to_str().unwrap();
        let lines = format!("[policies]\ndir = {dir:?}\n{}{lines}", provider.table());
        let vault = TestVault::start_with(&lines).await;
        let backend = vault.backend().await;
        let mut tokens = Vec::new();
        for number in 0..customers_count {
            let value = format!("customer.number{number}@mail.example");
            let item = item_of("email", &value, &format!("cus_{number}"));
            tokens.push(backend.tokenized(item).await.token);
        }
        Self {
            vault,
            provider,
            tokens,
            _policies: policies,
        }
    }

    pub(crate) fn assertion(&self, identity: &str, person: &str, group: &str) -> String {
        self.assertion_with(identity, person, group, json!({}))
    }

    fn assertion_with(&self, identity: &str, person: &str, group: &str, other: Value) -> String {
        let now = self.seconds();
        let credential = self.vault.identities().credential(identity);
        let mut members = json!({
            "sub": person, "groups": [group], "jti": format!("{person}-{now}"),
            "iat": now, "nbf": now, "exp": now + 300, "auth_time": now,
        });
        let object = members.as_object_mut().unwrap();
        object.extend(other.as_object().unwrap().clone());
        self.provider.assertion(credential, members)
    }

    fn seconds(&self) -> u64 {
        let now = counterfoil::domain::Clock::now(&*self.vault.clock).unix_ms() / 1_000;
        assert!(now >= NOW);
        now
    }

    pub(crate) fn agent(&self) -> String {
        self.assertion("agent", "ada", "agents")
    }

    /// The agent, who logged in so many seconds ago.
    pub(crate) fn stale_agent(&self, age_seconds: u64) -> String {
        let members = json!({"auth_time": self.seconds() - age_seconds});
        self.assertion_with("agent", "ada", "agents", members)
    }

    pub(crate) async fn grants(&self, identity: &str) -> GrantServiceClient<Channel> {
        let credential = self.vault.identities().credential(identity);
        let channel = self.vault.connect(Side::Reveal, credential).await.unwrap();
        GrantServiceClient::new(channel)
    }

    pub(crate) async fn principals(&self, identity: &str) -> PrincipalServiceClient<Channel> {
        let credential = self.vault.identities().credential(identity);
        let channel = self.vault.connect(Side::Reveal, credential).await.unwrap();
        PrincipalServiceClient::new(channel)
    }

    pub(crate) async fn request(&self, scope: GrantScope) -> Result<Grant, Status> {
        let request = RequestGrantRequest {
            request_id: String::new(),
            scope: Some(scope),
            acting_principal: self.agent(),
        };
        let grant = self.grants("agent").await.request_grant(request).await?;
        Ok(grant.into_inner())
    }

    pub(crate) async fn approve(&self, grant: &Grant, person: &str) -> Result<Grant, Status> {
        let request = ApproveGrantRequest {
            namespace: "shop".to_owned(),
            grant_id: grant.id.clone(),
            scope_digest: grant.scope_digest.clone(),
            acting_principal: self.assertion("approver", person, "approvers"),
        };
        let grant = self.grants("approver").await.approve_grant(request).await?;
        Ok(grant.into_inner())
    }

    /// A live grant for these customers' e-mail addresses.
    pub(crate) async fn granted(&self, customers: impl IntoIterator<Item = usize>) -> Grant {
        let asked = self.request(scope(customers)).await.unwrap();
        self.approve(&asked, "bob").await.unwrap()
    }

    pub(crate) fn reveal(&self, grant: &Grant, customers: &[usize]) -> DetokenizeRequest {
        let items = customers
            .iter()
            .map(|number| reveal_of("email", &self.tokens[*number], &format!("cus_{number}")));
        DetokenizeRequest {
            grant_id: grant.id.clone(),
            case_id: "T-1".to_owned(),
            acting_principal: self.agent(),
            ..detokenize_items(items.collect())
        }
    }

    pub(crate) async fn agent_client(&self) -> Client {
        self.vault.client("agent").await
    }
}

pub(crate) fn scope(customers: impl IntoIterator<Item = usize>) -> GrantScope {
    GrantScope {
        namespace: "shop".to_owned(),
        kind: GrantKind::Case.into(),
        subjects: customers
            .into_iter()
            .map(|it| format!("cus_{it}"))
            .collect(),
        fields: vec!["email".to_owned()],
        level: Level::Full.into(),
        purpose: "support".to_owned(),
        case_id: "T-1".to_owned(),
        reveals_max: 1_000,
        ttl_seconds: 0,
    }
}
