//! On whose behalf a tool calls: believed with a signed assertion of its own certificate, and
//! otherwise refused with one answer and an entry.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use counterfoil::audit::Decision;
use counterfoil::audit::Entry;
use counterfoil::audit::Event;
use counterfoil::protocol::DetokenizeRequest;
use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;
use jsonwebtoken::Header;
use jsonwebtoken::jwk::Jwk;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;
use tempfile::TempDir;
use tonic::Code;
use tonic::Status;

use crate::support::Client;
use crate::support::Credential;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::reveal;
use crate::support::value_of;

/// When every test plays, in seconds since 1970: the test clock's start.
const NOW: u64 = 1_800_000_000;

/// An identity provider whose keys are in a file.
struct Provider {
    key: EncodingKey,
    directory: TempDir,
}

impl Provider {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let key = EncodingKey::from_ec_der(&key.serialize_der());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!("k1");
        let set = json!({ "keys": [jwk] }).to_string();
        fs::write(directory.path().join("jwks.json"), set).unwrap();
        Self { key, directory }
    }

    /// The table of the configuration.
    fn table(&self) -> String {
        let file = self.directory.path().join("jwks.json");
        format!(
            "[people.issuers.acme]\nissuer = \"https://login.acme.example\"\n\
             audience = \"counterfoil\"\nalgorithms = [\"ES256\"]\njwks_file = {file:?}\n"
        )
    }

    /// An assertion of Ada, bound to a certificate, with other members instead.
    fn assertion(&self, credential: &Credential, members: Value) -> String {
        let certificate = CertificateDer::from_pem_slice(credential.certificate.as_bytes());
        let thumbprint = Sha256::digest(certificate.unwrap());
        let mut claims = json!({
            "iss": "https://login.acme.example",
            "aud": "counterfoil",
            "sub": "ada-1815",
            "jti": "login-1",
            "iat": NOW,
            "nbf": NOW,
            "exp": NOW + 300,
            "amr": ["mfa", "hwk"],
            "cnf": {"x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint)},
        });
        let object = claims.as_object_mut().unwrap();
        object.extend(members.as_object().unwrap().clone());
        let header = Header {
            kid: Some("k1".to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

fn on_behalf(token: &str, assertion: &str) -> DetokenizeRequest {
    DetokenizeRequest {
        acting_principal: assertion.to_owned(),
        ..detokenize_items(vec![reveal("name", token)])
    }
}

async fn value_on_behalf(client: &Client, token: &str, assertion: &str) -> Result<String, Status> {
    let response = client.detokenize(on_behalf(token, assertion)).await?;
    Ok(value_of(response.results.into_iter().next().unwrap()).unwrap())
}

fn entries_of(vault: &TestVault, event: Event) -> Vec<Entry> {
    let mut entries = vault.entries();
    entries.retain(|entry| entry.draft.event == event);
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn person_is_in_the_entries_of_a_reveal() {
    let provider = Provider::new();
    let vault = TestVault::start_with(&provider.table()).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let own = vault.identities().credential("backend");
    let assertion = provider.assertion(own, json!({}));
    let value = value_on_behalf(&client, &token, &assertion).await.unwrap();
    assert_eq!(value, "Ada Lovelace");
    vault.wait_for(Event::DetokenizeOutcome, 1).await;
    for event in [Event::Detokenize, Event::DetokenizeOutcome] {
        let entries = entries_of(&vault, event);
        let draft = &entries[0].draft;
        assert_eq!(draft.person.as_ref().unwrap().as_str(), "acme/ada-1815");
        assert_eq!(draft.login, Some(Sha256::digest("login-1").into()));
        let methods: Vec<_> = draft.methods.iter().map(ToString::to_string).collect();
        assert_eq!(methods, ["hwk", "mfa"]);
        let principal = draft.principal.as_ref().unwrap().as_str();
        assert_eq!(
            principal, "spiffe://shop.example/backend",
            "the tool is there too"
        );
    }
    // Without one, a call is the tool's own.
    assert!(client.value("name", &token).await.is_ok());
    let entries = entries_of(&vault, Event::Detokenize);
    assert!(entries[1].draft.person.is_none() && entries[1].draft.methods.is_empty());
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_person_gets_one_answer_and_an_entry() {
    let provider = Provider::new();
    let vault = TestVault::start_with(&provider.table()).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let own = vault.identities().credential("backend");
    let other = vault.identities().credential("agent");
    let good = provider.assertion(own, json!({}));
    let forger = Provider::new();
    let refused = [
        "ada".to_owned(),
        "eyJ.x.y".to_owned(),
        "x".repeat(100_000),
        provider.assertion(other, json!({})),
        provider.assertion(
            own,
            json!({"exp": NOW - 10, "nbf": NOW - 60, "iat": NOW - 60}),
        ),
        provider.assertion(own, json!({"aud": "other"})),
        provider.assertion(own, json!({"iss": "https://evil.example"})),
        forger.assertion(own, json!({})),
        good.replace('.', ".."),
    ];
    for (number, assertion) in refused.iter().enumerate() {
        let error = value_on_behalf(&client, &token, assertion)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated, "{number}");
        assert_eq!(
            error.message(),
            "acting principal is not accepted",
            "{number}"
        );
        assert!(error.details().is_empty(), "{number}");
    }
    let entries = entries_of(&vault, Event::PersonRefused);
    assert_eq!(entries.len(), refused.len());
    for entry in &entries {
        let draft = &entry.draft;
        assert_eq!(draft.decision, Some(Decision::Deny));
        assert!(draft.principal.is_some() && draft.credential.is_some());
        assert!(draft.person.is_none() && draft.items.is_empty());
    }
    assert!(
        entries_of(&vault, Event::Detokenize).is_empty(),
        "nothing was revealed"
    );
    let metrics = vault.metrics_text().await;
    for line in [
        "counterfoil_people_refused_total{reason=\"binding\"} 1",
        "counterfoil_people_refused_total{reason=\"signature\"} 1",
        "counterfoil_people_refused_total{reason=\"too_long\"} 1",
        "counterfoil_calls_total{call=\"detokenize\",outcome=\"person_refused\"} 9",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(value_on_behalf(&client, &token, &good).await.is_ok());
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assertion_ends_between_two_calls() {
    let provider = Provider::new();
    let vault = TestVault::start_with(&provider.table()).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let own = vault.identities().credential("backend");
    let assertion = provider.assertion(own, json!({}));
    vault.clock.advance_seconds(304);
    assert!(value_on_behalf(&client, &token, &assertion).await.is_ok());
    vault.clock.advance_seconds(1);
    let error = value_on_behalf(&client, &token, &assertion)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    vault.check().await;
}

/// Goal: a stream does not carry a person from one message to the next.
/// Method: one with an assertion, one without, one with a forged one.
#[tokio::test(flavor = "multi_thread")]
async fn each_message_of_a_stream_has_a_person_of_its_own() {
    let provider = Provider::new();
    let vault = TestVault::start_with(&provider.table()).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let own = vault.identities().credential("backend");
    let messages = [
        provider.assertion(own, json!({})),
        String::new(),
        "forged".to_owned(),
    ]
    .map(|assertion| on_behalf(&token, &assertion));
    let requests = tokio_stream::iter(messages);
    let response = client.reveal.clone().detokenize_stream(requests).await;
    let mut answers = response.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    assert!(answers.message().await.unwrap().is_some());
    let error = answers.message().await.err().unwrap();
    assert_eq!(error.code(), Code::Unauthenticated);
    let people: Vec<_> = entries_of(&vault, Event::Detokenize)
        .iter()
        .map(|entry| entry.draft.person.is_some())
        .collect();
    assert_eq!(people, [true, false]);
    assert_eq!(entries_of(&vault, Event::PersonRefused).len(), 1);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_read_again_when_the_operator_says_so() {
    let provider = Provider::new();
    let vault = TestVault::start_with(&provider.table()).await;
    let client = vault.backend().await;
    let token = client.token("name", "Ada Lovelace").await;
    let own = vault.identities().credential("backend");
    let successor = Provider::new();
    let rotated = successor.assertion(own, json!({}));
    assert!(value_on_behalf(&client, &token, &rotated).await.is_err());
    let file = |provider: &Provider| provider.directory.path().join("jwks.json");
    fs::copy(file(&successor), file(&provider)).unwrap();
    vault.vault().reload_people().await;
    assert!(value_on_behalf(&client, &token, &rotated).await.is_ok());
    let old = provider.assertion(own, json!({}));
    assert!(value_on_behalf(&client, &token, &old).await.is_err());
    vault.check().await;
}
