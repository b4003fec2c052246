//! The commands of whoever checks a log that somebody else keeps.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::commands::Said;
use crate::commands::Stage;
use crate::over_http;
use crate::reader;

const POLICY: &str = r#"
permit (
  principal == Service::"client.shop.example",
  action in [Action::"list_entries", Action::"prove_audit_log"],
  resource
);
"#;

pub(crate) fn stage() -> Stage {
    let stage = Stage::new(
        "provider = \"passphrase-file\"\nfile = \"root-key.toml\"\npassphrase_file = \"words\"",
    );
    fs::write(stage.path("words"), "six random words of a passphrase\n").unwrap();
    fs::create_dir(stage.path("policies")).unwrap();
    fs::write(stage.path("policies/auditor.cedar"), POLICY).unwrap();
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let config = format!("{config}\n[policies]\ndir = \"policies\"\n");
    fs::write(stage.path("config.toml"), config).unwrap();
    let file = counterfoil::keys::root::PassphraseFile::new(
        stage.path("root-key.toml"),
        "six random words of a passphrase".into(),
    );
    let parameters = counterfoil::keys::root::Argon2Parameters::insecure_for_development();
    file.create(parameters, &counterfoil::crypto::SystemEntropy)
        .unwrap();
    stage.done("init --config config.toml");
    stage
}

/// The same settings as a client's file.
pub(crate) fn write_client(stage: &Stage, client: &str) {
    let words: Vec<&str> = client.split(' ').collect();
    let settings = words.chunks(2).map(|pair| {
        let name = pair[0].trim_start_matches("--").replace('-', "_");
        format!("{name} = \"{}\"\n", pair[1])
    });
    fs::write(stage.path("client.toml"), settings.collect::<String>()).unwrap();
}

pub(crate) fn reveal(stage: &Stage, client: &str, token: &str) {
    let mut child = stage
        .command(&format!(
            "detokenize --field name --purpose support --namespace shop {client} \
             --receipts receipts"
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{token}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"Ada Lovelace\n");
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap()) {
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            copy_directory(&file.path(), &to);
        } else {
            fs::copy(file.path(), to).unwrap();
        }
    }
}

/// Goal: whoever has the public key and what they were given once finds out what a vault did to its
/// log. Method: a reveal with its receipt, a checkpoint kept and the log followed; then the vault,
/// disk and head together, is put back to before.
#[test]
fn what_was_handed_out_is_held_against_the_log() {
    const KEY: &str = "--public-key data/audit.vkey";
    const ONLINE: &str = "--online --config-client client.toml --public-key data/audit.vkey";
    let stage = stage();
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    write_client(&stage, &client);
    let token = stage.tokenize(&client, "Ada Lovelace");
    vault.stop();
    copy_directory(&stage.path("data"), &stage.path("before"));

    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    write_client(&stage, &client);
    reveal(&stage, &client, token.trim());
    let names = fs::read_dir(stage.path("receipts")).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
    let receipt = format!("receipts/{}", names[0].to_str().unwrap());
    assert!(
        names.len() == 1 && receipt.ends_with(".tlog-proof"),
        "{receipt}"
    );

    // Online: proofs and following.
    let kept = stage.done(&format!("audit prove-consistency {ONLINE}"));
    fs::write(stage.path("kept.checkpoint"), &kept).unwrap();
    let proof = stage.done(&format!("audit prove-inclusion 0 {ONLINE}"));
    fs::write(stage.path("first.tlog-proof"), proof).unwrap();
    stage.done(&format!("audit check-receipt first.tlog-proof {KEY}"));
    let watch = format!("audit watch --config-client client.toml {KEY} --state watched");
    let size: u64 = kept.lines().nth(1).unwrap().parse().unwrap();
    let lines = stage.done(&format!("{watch} --count {}", size + 1));
    assert_eq!(lines.lines().count() as u64, size + 1);
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "audit_read");
    let go_on = stage.done(&format!("{watch} --count 1"));
    let next: Value = serde_json::from_str(go_on.trim()).unwrap();
    assert_eq!(next["index"], size + 1);
    let words = stage.run(&format!(
        "audit prove-consistency --since kept.checkpoint {ONLINE}"
    ));
    assert!(
        words.code == 0 && words.words.contains("verified"),
        "{}",
        words.words
    );

    // Published while the vault serves, by another process.
    let serve = format!("audit serve --data-dir data {KEY} --listen 127.0.0.1:0 --entries");
    let mut serve = stage.running(&serve);
    let address = serve
        .line()
        .strip_prefix("ready http=")
        .unwrap()
        .parse()
        .unwrap();
    let http = over_http(address);
    let (first, leaves) = reader::read(&http);
    assert_eq!(reader::entries(&http, &leaves).len() as u64, first.size);
    stage.tokenize(&client, "Grace Hopper");
    let (second, leaves) = reader::read(&http);
    assert!(second.size > first.size, "{} {}", second.size, first.size);
    assert_eq!(reader::entries(&http, &leaves).len() as u64, second.size);
    drop(serve);
    vault.stop();

    // Offline: the receipt, alone and against the log.
    let said = stage.done(&format!("audit check-receipt {receipt} {KEY}"));
    assert!(said.starts_with("verified: "), "{said}");
    let export = stage.done("audit export --data-dir data --public-key data/audit.vkey");
    fs::write(stage.path("log.jsonl"), &export).unwrap();
    for log in ["--export log.jsonl", "--data-dir data"] {
        let said = stage.done(&format!("audit check-receipt {receipt} {KEY} {log} --json"));
        let report: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["entry"]["event"], "detokenize");
        assert_eq!(report["entry"]["purpose"], "support");
        assert_eq!(report["entry"]["index"], report["leaf_index"]);
    }
    let text = fs::read_to_string(stage.path(&receipt)).unwrap();
    fs::write(stage.path("changed"), text.replacen("index ", "index 1", 1)).unwrap();
    let both = stage.run(&format!("audit check-receipt changed {receipt} {KEY}"));
    assert_eq!(both.code, 4);
    assert!(
        both.output.starts_with("verified: ") && both.words.starts_with("NOT verified: changed")
    );

    // The vault goes back to before the reveal, with its head: it starts, and says nothing.
    fs::rename(stage.path("data"), stage.path("after")).unwrap();
    copy_directory(&stage.path("before"), &stage.path("data"));
    let found = |said: Said| {
        assert_eq!(said.code, 4, "{}", said.words);
        assert!(said.words.contains("NOT verified"), "{}", said.words);
    };
    found(stage.run(&format!(
        "audit check-receipt {receipt} {KEY} --data-dir data"
    )));
    found(stage.run(&format!(
        "audit prove-consistency --since kept.checkpoint --data-dir data {KEY}"
    )));
    // Planted: whoever looks at the log alone, and whoever follows it and forgets. Nothing is wrong
    // with it for them.
    stage.verified("data", "data/audit.vkey");
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    write_client(&stage, &client);
    let forgetful = watch.replace(" --state watched", "");
    stage.done(&format!("{forgetful} --count 1"));
    found(stage.run(&format!("{watch} --count 1")));
    // Even when the log is longer again than it was.
    for value in [
        "Ada B", "Ada C", "Ada D", "Ada E", "Ada F", "Ada G", "Ada H", "Ada I",
    ] {
        stage.tokenize(&client, value);
    }
    found(stage.run(&format!("{watch} --count 1")));
    found(stage.run(&format!(
        "audit prove-consistency --since kept.checkpoint {ONLINE}"
    )));
    vault.stop();
    found(stage.run(&format!(
        "audit check-receipt {receipt} {KEY} --data-dir data"
    )));
}
