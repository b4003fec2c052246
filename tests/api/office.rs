//! A vault with three officers, for the stories about them.

use std::collections::BTreeMap;
use std::time::Duration;

use counterfoil::ceremony::Operation;
use counterfoil::ceremony::cancellation;
use counterfoil::client::statement;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::SystemEntropy;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::OfficerKey;
use counterfoil::crypto::note::SignedNote;
use counterfoil::domain::Clock;
use counterfoil::domain::KeyName;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::KeyVersion;
use counterfoil::domain::Namespace;
use counterfoil::protocol;
use counterfoil::protocol::OperationState;
use counterfoil::protocol::key_service_client::KeyServiceClient;
use counterfoil::store::NamespaceId;
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::Channel;

use crate::support::Client;
use crate::support::Side;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item;
use crate::support::item_of;
use crate::support::reveal;
use crate::support::token_of;
use crate::support::value_of;

const POLICY: &str = r#"
permit (
  principal == Service::"spiffe://shop.example/approver",
  action in [
    Action::"list_keys",
    Action::"propose_operation",
    Action::"approve_operation",
    Action::"cancel_operation",
    Action::"list_entries",
    Action::"prove_audit_log",
    Action::"report_exposure",
    Action::"create_backup"
  ],
  resource
);

permit (
  principal == Service::"spiffe://shop.example/backend",
  action in [Action::"reindex", Action::"retokenize", Action::"create_decoys"],
  resource in Namespace::"shop"
);

permit (
  principal == Service::"spiffe://shop.example/approver",
  action == Action::"freeze",
  resource
);

permit (
  principal == Service::"spiffe://shop.example/backend",
  action == Action::"create_backup",
  resource
);

permit (
  principal == Service::"spiffe://shop.example/backend",
  action in [Action::"describe_subject", Action::"erase_subject"],
  resource in Namespace::"shop"
);

permit (
  principal == Service::"spiffe://shop.example/backend",
  action == Action::"create_backup",
  resource
);
"#;

pub(crate) fn officer(number: u8) -> (NoteKeyName, OfficerKey) {
    let name = NoteKeyName::new(&format!("officer{number}")).unwrap();
    (name, OfficerKey::new(&KeyBytes::from_array(&[number; 32])))
}

/// An officer's public key, as the configuration has it.
pub(crate) fn key_line(number: u8) -> String {
    let (name, key) = officer(number);
    format!("{:?}", key.verifier(name).to_string())
}

pub(crate) fn sign(number: u8, text: &str) -> SignedNote {
    let (name, key) = officer(number);
    key.sign(name, text).unwrap()
}

pub(crate) fn wrapping(version: u32) -> KeyName {
    KeyName {
        purpose: KeyPurpose::Wrapping,
        namespace: Some(Namespace::new("shop").unwrap()),
        version: KeyVersion::new(version).unwrap(),
    }
}

/// A vault with three officers, of whom two must sign to destroy a key, a minute before it happens.
pub(crate) struct Office {
    pub(crate) vault: TestVault,
    pub(crate) keys: KeyServiceClient<Channel>,
    /// Keeps the policies for as long as the vault reads them.
    _policies: TempDir,
}

/// The rules, with a minute in the place of the day that these wait by themselves, since a
/// charter's change waits as long as anything; and one officer where two are usual.
fn in_haste(lines: &str) -> String {
    let rules = [
        ("erase-entry", "delay_seconds = 60"),
        ("prune-log", "delay_seconds = 60"),
        ("compromise-key", "approvals = 1"),
        ("suspend-key", "approvals = 1"),
    ];
    let missing = rules.iter().filter(|(kind, _)| !lines.contains(kind));
    let rules = missing.map(|(kind, rule)| format!("{kind} = {{ {rule} }}\n"));
    let head = "[officers.rules]\n";
    lines.replace(head, &format!("{head}{}", rules.collect::<String>()))
}

impl Office {
    pub(crate) async fn open() -> Self {
        Self::open_with(
            &[1, 2, 3],
            "rewrap_records_per_second = 1_000_000\n\
             [officers.rules]\ndestroy-key = { delay_seconds = 60 }\n",
        )
        .await
    }

    /// A vault with these officers, and further lines of their table.
    pub(crate) async fn open_with(officers: &[u8], further: &str) -> Self {
        let keys: Vec<String> = officers.iter().copied().map(key_line).collect();
        let policies = tempfile::tempdir().unwrap();
        std::fs::write(policies.path().join("officers.cedar"), POLICY).unwrap();
        let lines = format!(
            "[policies]\ndir = {:?}\n[officers]\nkeys = [{}]\n{}",
            policies.path(),
            keys.join(", "),
            in_haste(further),
        );
        let vault = TestVault::start_with(&lines).await;
        let keys = Self::connect(&vault).await;
        Self {
            vault,
            keys,
            _policies: policies,
        }
    }

    pub(crate) async fn connect(vault: &TestVault) -> KeyServiceClient<Channel> {
        let credential = vault.identities().credential("approver");
        KeyServiceClient::new(vault.connect(Side::Reveal, credential).await.unwrap())
    }

    pub(crate) async fn list(&self) -> protocol::ListKeysResponse {
        let request = protocol::ListKeysRequest::default();
        let listed = self.keys.clone().list_keys(request).await;
        listed.unwrap().into_inner()
    }

    pub(crate) async fn propose(
        &self,
        by: u8,
        operation: Operation,
    ) -> Result<protocol::Operation, Status> {
        let now = self.vault.clock.now();
        let text = statement(&self.list().await, operation, now, 3_600, &SystemEntropy);
        let request = protocol::ProposeOperationRequest {
            note: sign(by, &text.unwrap().to_string()).to_string(),
            ..protocol::ProposeOperationRequest::default()
        };
        let proposed = self.keys.clone().propose_operation(request).await;
        proposed.map(tonic::Response::into_inner)
    }

    /// Proposes it by a statement whose id is wanted: jobs were once taken in the order of ids.
    pub(crate) async fn propose_where(
        &self,
        by: u8,
        operation: Operation,
        is_wanted: impl Fn(&str) -> bool,
    ) -> protocol::Operation {
        let (now, listed) = (self.vault.clock.now(), self.list().await);
        let make = || statement(&listed, operation.clone(), now, 3_600, &SystemEntropy).unwrap();
        let mut statements = std::iter::repeat_with(make);
        let text = statements.find(|it| is_wanted(it.id().as_str())).unwrap();
        let request = protocol::ProposeOperationRequest {
            note: sign(by, &text.to_string()).to_string(),
            ..protocol::ProposeOperationRequest::default()
        };
        let proposed = self.keys.clone().propose_operation(request).await;
        proposed.unwrap().into_inner()
    }

    pub(crate) async fn approve(
        &self,
        by: u8,
        operation: &protocol::Operation,
    ) -> Result<protocol::Operation, Status> {
        let note: SignedNote = operation.note.parse().unwrap();
        self.approve_with(operation, &sign(by, note.text())).await
    }

    pub(crate) async fn approve_with(
        &self,
        operation: &protocol::Operation,
        note: &SignedNote,
    ) -> Result<protocol::Operation, Status> {
        let request = protocol::ApproveOperationRequest {
            operation_id: operation.operation_id.clone(),
            note: note.to_string(),
            ..protocol::ApproveOperationRequest::default()
        };
        let approved = self.keys.clone().approve_operation(request).await;
        approved.map(tonic::Response::into_inner)
    }

    pub(crate) async fn cancel(
        &self,
        by: u8,
        operation: &protocol::Operation,
    ) -> Result<protocol::Operation, Status> {
        let id = counterfoil::domain::CeremonyId::new(&operation.operation_id).unwrap();
        let request = protocol::CancelOperationRequest {
            operation_id: operation.operation_id.clone(),
            note: sign(by, &cancellation(&id)).to_string(),
            ..protocol::CancelOperationRequest::default()
        };
        let cancelled = self.keys.clone().cancel_operation(request).await;
        cancelled.map(tonic::Response::into_inner)
    }

    pub(crate) async fn get(&self, operation: &protocol::Operation) -> protocol::Operation {
        let request = protocol::GetOperationRequest {
            operation_id: operation.operation_id.clone(),
            ..protocol::GetOperationRequest::default()
        };
        let got = self.keys.clone().get_operation(request).await;
        got.unwrap().into_inner()
    }

    /// Proposes another charter.
    pub(crate) async fn propose_charter(
        &self,
        by: u8,
        charter: &str,
        digest: [u8; 32],
    ) -> Result<protocol::Operation, Status> {
        let (now, listed) = (self.vault.clock.now(), self.list().await);
        let change = Operation::ChangeCharter(digest);
        let text = statement(&listed, change, now, 3_600, &SystemEntropy).unwrap();
        let request = protocol::ProposeOperationRequest {
            note: sign(by, &text.to_string()).to_string(),
            charter: charter.to_owned(),
            ..protocol::ProposeOperationRequest::default()
        };
        let proposed = self.keys.clone().propose_operation(request).await;
        proposed.map(tonic::Response::into_inner)
    }

    /// Watches an operation until it is in this state.
    pub(crate) async fn until(&self, operation: &protocol::Operation, state: OperationState) {
        let request = protocol::WatchOperationRequest {
            operation_id: operation.operation_id.clone(),
            ..protocol::WatchOperationRequest::default()
        };
        let watched = self.keys.clone().watch_operation(request).await;
        let mut stream = watched.unwrap().into_inner();
        let wait = async {
            while let Some(seen) = stream.message().await.unwrap() {
                if seen.state() == state {
                    return;
                }
                assert!(seen.ended.is_none(), "ended otherwise: {}", seen.failure);
            }
            panic!("the stream ended");
        };
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("it gets there");
    }

    /// Waits until an operation has ended in this state.
    pub(crate) async fn until_ended(&self, operation: &protocol::Operation, state: OperationState) {
        let wait = async {
            loop {
                let now = self.get(operation).await;
                if now.ended.is_some() {
                    return assert!(now.state() == state, "{}", now.failure);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait)
            .await
            .expect("it ends");
    }

    pub(crate) async fn rotate(&self, version: u32) -> protocol::Operation {
        let rotated = self.propose(1, Operation::RotateKey(wrapping(version)));
        rotated.await.unwrap()
    }

    pub(crate) async fn states(&self) -> BTreeMap<String, i32> {
        let keys = self.list().await.keys;
        let wrapping = keys
            .into_iter()
            .filter(|key| key.name.starts_with("wrapping/shop"));
        wrapping.map(|key| (key.name, key.state)).collect()
    }

    /// How many records are under each version of the wrapping key.
    pub(crate) fn records(&self) -> BTreeMap<u32, usize> {
        let all = self.vault.with_store(|store| {
            store
                .records_after(NamespaceId(2), None, usize::MAX)
                .unwrap()
        });
        let mut counts = BTreeMap::new();
        for (_, record) in all {
            *counts.entry(record.wrapping_version.number()).or_default() += 1;
        }
        counts
    }
}

pub(crate) async fn tokens(
    client: &Client,
    values: std::ops::Range<usize>,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for number in values {
        let value = format!("customer.number{number}@mail.example");
        let item = item_of("email", &value, &format!("cus_{number}"));
        pairs.push((value, client.tokenized(item).await.token));
    }
    pairs
}

/// Tokens of values of nobody, by one call.
pub(crate) async fn many_tokens(
    client: &Client,
    values: std::ops::Range<usize>,
) -> Vec<(String, String)> {
    let values = values.map(|number| format!("customer.number{number}@mail.example"));
    let values: Vec<String> = values.collect();
    let items = values.iter().map(|value| item("email", value)).collect();
    let results = client.tokenize(items).await.unwrap();
    let tokens = results.into_iter().map(|it| token_of(it).unwrap().token);
    values.into_iter().zip(tokens).collect()
}

pub(crate) async fn revealed(client: &Client, token: &str) -> String {
    let request = detokenize_items(vec![reveal("email", token)]);
    let results = client.detokenize(request).await.unwrap().results;
    value_of(results.into_iter().next().unwrap()).unwrap()
}

pub(crate) async fn all_open(client: &Client, pairs: &[(String, String)]) {
    for (value, token) in pairs {
        assert_eq!(revealed(client, token).await, *value);
        assert_eq!(client.token("email", value).await, *token);
    }
}
