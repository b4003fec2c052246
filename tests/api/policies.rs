//! Policies of a directory, in a vault that runs: what they decide, and how they are replaced.

use std::fs;

use counterfoil::assembly;
use counterfoil::audit::Event;
use counterfoil::protocol::DetokenizeRequest;
use tonic::Code;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::reveal;

const LINES: &str = "[policies]\ndir = \"policies\"";
const FORBID: &str = "forbid (principal, action == Action::\"detokenize\", resource);";

/// Reveals a name as the backend, which a permit of the configuration lets do so.
async fn outcome(client: &Client, token: &str, purpose: &str) -> Code {
    let request = DetokenizeRequest {
        purpose: purpose.to_owned(),
        ..detokenize_items(vec![reveal("name", token)])
    };
    match client.detokenize(request).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_takes_effect_as_a_whole_or_not_at_all() {
    let vault = TestVault::start().await;
    let policies = vault.directory().join("policies");
    fs::create_dir(&policies).unwrap();
    let file = policies.join("own.cedar");
    let read = vault.config_with(LINES);
    let backend = vault.backend().await;
    let token = backend.token("name", "Ada Lovelace").await;
    let running = vault.vault();
    let reload = || assembly::reload_policies(&running, &vault.config, &read);
    let hash = || vault.entries().pop().unwrap().draft.policy_hash.unwrap();
    assert_eq!(outcome(&backend, &token, "support").await, Code::Ok);

    let error = reload().await.unwrap_err().to_string();
    assert!(error.contains("has no file that ends in .cedar"), "{error}");

    fs::write(
        &file,
        format!("{FORBID}\npermit (principal, action, nothing);"),
    )
    .unwrap();
    let error = reload().await.unwrap_err().to_string();
    assert!(error.starts_with("own.cedar:2: "), "{error}");
    assert_eq!(outcome(&backend, &token, "support").await, Code::Ok);
    assert!(!vault.counts().contains_key(&Event::PolicyLoaded));
    vault.wait_for(Event::DetokenizeOutcome, 2).await;
    let before = hash();

    let unless = FORBID.replace(
        ';',
        "\nunless { context has purpose && context.purpose == \"billing\" };",
    );
    fs::write(&file, unless).unwrap();
    reload().await.unwrap();
    let loaded = vault.entries().pop().unwrap();
    assert_eq!(loaded.draft.event, Event::PolicyLoaded);
    assert_ne!(hash(), before);
    assert_eq!(
        outcome(&backend, &token, "support").await,
        Code::PermissionDenied
    );
    // Who was denied, was denied by the new policies.
    assert_eq!(hash(), loaded.draft.policy_hash.unwrap());
    assert_eq!(outcome(&backend, &token, "billing").await, Code::Ok);
    vault.wait_for(Event::DetokenizeOutcome, 3).await;

    drop(running);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_policies_keep_a_vault_from_starting() {
    let mut vault = TestVault::start().await;
    let policies = vault.directory().join("policies");
    fs::create_dir(&policies).unwrap();
    fs::write(
        policies.join("own.cedar"),
        "permit (principal, action, nothing);",
    )
    .unwrap();
    vault.stop().await;
    let read = vault.config_with(LINES);
    let config = std::mem::replace(&mut vault.config, read);
    let error = vault.serve().await.unwrap_err().to_string();
    assert!(error.starts_with("own.cedar:1: "), "{error}");
    vault.config = config;
    vault.check().await;
}
