//! `counterfoil policy`: what it prints, and how it ends.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const CONFIG: &str = r#"
vault = { data_dir = "data" }
listen = { token = "127.0.0.1:7601", reveal = "127.0.0.1:7602" }
tls = { certificate = "server.pem", key = "server.key", client_ca = "ca.pem" }
root_key = { provider = "passphrase-file", file = "root-key.toml" }
audit = { origin = "shop.example/counterfoil" }
policies = { dir = "policies" }

[namespaces.shop.fields]
name = { format = "name" }
email = { format = "email", token_domain = "tok.acme.example" }

[[permit]]
principals = ["spiffe://acme.example/billing"]
actions = ["detokenize"]
namespace = "shop"
fields = ["name"]
"#;

/// A directory with a configuration and the policies that come along.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.toml"), CONFIG).unwrap();
    let policies = directory.path().join("policies");
    fs::create_dir(&policies).unwrap();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, policies.join(path.file_name().unwrap())).unwrap();
    }
    directory
}

/// Runs `counterfoil policy` and returns exit code, output and words.
fn policy(directory: &TempDir, arguments: &str) -> (i32, String, String) {
    let config = directory.path().join("config.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command.arg("policy").args(arguments.split_whitespace());
    if !arguments.starts_with("schema") {
        command.arg("--config").arg(config);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

fn json_lines(text: &str) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(line).collect()
}

#[test]
fn check_lists_policies_and_warns_of_standing_reveals() {
    let directory = directory();
    let (code, output, words) = policy(&directory, "check --json");
    assert_eq!(code, 0, "{words}");
    let policies = json_lines(&output);
    let permit = policies.iter().find(|it| it["id"] == "permit-0").unwrap();
    assert_eq!(permit["effect"], "permit");
    assert_eq!(permit["actions"], "detokenize");
    assert!(
        words.contains("warning: permit[0]: permit-0: permits detokenize without"),
        "{words}"
    );
    assert!(policies.iter().any(|it| it["effect"] == "forbid"));
    let (code, table, _) = policy(&directory, "check");
    assert_eq!(code, 0);
    assert!(
        table.contains("agents-reveal-full") && table.contains("nobody-approves"),
        "{table}"
    );
}

#[test]
fn wrong_policy_is_named_with_its_line() {
    let directory = directory();
    let file = directory.path().join("policies/own.cedar");
    fs::write(
        file,
        "\npermit (principal, action == Action::\"reveal\", resource);",
    )
    .unwrap();
    let (code, output, words) = policy(&directory, "check");
    assert_eq!((code, output.as_str()), (2, ""));
    assert!(words.contains("own.cedar:2: own.cedar#0: "), "{words}");
}

#[test]
fn explain_names_the_policies_that_decided() {
    let directory = directory();
    let billing = "explain --json --principal spiffe://acme.example/billing --action detokenize";
    let decided = |arguments: &str| {
        let (code, output, words) = policy(&directory, arguments);
        assert_eq!(output.lines().count(), 1, "{words}");
        let answer = json_lines(&output).remove(0);
        (code, answer["decision"].clone(), answer["policies"].clone())
    };
    let permit = decided(&format!("{billing} --field name --purpose support"));
    assert_eq!(permit, (0, "permit".into(), vec!["permit-0"].into()));
    let none = decided(&format!("{billing} --field email --purpose support"));
    assert_eq!(none, (3, "deny".into(), Vec::<Value>::new().into()));
    let forbidden = decided(&format!("{billing} --field name"));
    assert_eq!(
        forbidden,
        (3, "deny".into(), vec!["reveal-needs-purpose"].into())
    );
    let tool = "explain --json --principal spiffe://acme.example/support-tool --person acme/ada \
                --group support-agents --method mfa --purpose support --case T-1 --field email \
                --action detokenize --grant full --time 2026-11-23T10:00:00Z --login-age-s";
    let fresh = decided(&format!("{tool} 3600"));
    assert_eq!(
        fresh,
        (0, "permit".into(), vec!["agents-reveal-full"].into())
    );
    assert_eq!(decided(&format!("{tool} 3601")).0, 3);
    let (code, _, words) = policy(&directory, &format!("{billing} --field nofield"));
    assert_eq!(code, 2, "{words}");
}

#[test]
fn explain_without_an_action_answers_for_all() {
    let directory = directory();
    let billing = "explain --json --principal spiffe://acme.example/billing --purpose support";
    let (code, output, _) = policy(&directory, billing);
    assert_eq!(code, 0);
    let answers = json_lines(&output);
    let permitted: Vec<_> = answers
        .iter()
        .filter(|it| it["decision"] == "permit")
        .collect();
    assert_eq!(permitted.len(), 1);
    assert_eq!(permitted[0]["field"], "name");
    // 13 actions about two fields, 15 about the namespace.
    assert_eq!(answers.len(), 13 * 2 + 15);
    let (_, table, _) = policy(&directory, &billing.replace("--json", ""));
    assert!(
        table.contains("shop/name") && table.contains("PERMIT"),
        "{table}"
    );
}

#[test]
fn schema_is_printed() {
    let (code, output, _) = policy(&directory(), "schema");
    assert_eq!(code, 0);
    assert!(output.contains("action detokenize, detokenize_masked appliesTo"));
}
