//! A vault and its witness by their commands, and whoever holds what the vault hands out against
//! the witness's public key.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::commands::Running;
use crate::commands::Stage;
use crate::commands::not_tried;
use crate::evidence::reveal;
use crate::evidence::stage;
use crate::evidence::write_client;

/// Makes a witness's key and configuration, tells the stage's vault of it, and serves it.
fn serve_witness(stage: &Stage) -> Running {
    let key = stage.done("witness key new --name witness.example/w1 --file w1.pem");
    fs::write(stage.path("w1.vkey"), &key).unwrap();
    let other = stage.done("witness key new --name witness.example/w2 --file w2.pem");
    fs::write(stage.path("w2.vkey"), other).unwrap();
    let log = fs::read_to_string(stage.path("data/audit.vkey")).unwrap();
    let config = format!(
        "name = \"witness.example/w1\"\nkey_file = \"w1.pem\"\nstate_dir = \"witness\"\n\
         listen = \"127.0.0.1:0\"\n[[log]]\npublic_keys = [\"{}\"]\n",
        log.trim()
    );
    fs::write(stage.path("witness.toml"), config).unwrap();
    let mut witness = stage.running("witness serve --config witness.toml");
    let line = witness.line();
    let address = line.strip_prefix("ready ").unwrap();
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let origin = "origin = \"shop.example/counterfoil\"";
    let asked = format!(
        "{origin}, witness = {{ url = \"http://{address}\", public_key = \"{}\" }}",
        key.trim()
    );
    let asked = config.replace(origin, &asked);
    fs::write(stage.path("config.toml"), asked).unwrap();
    witness
}

/// What the second verifier says, started as whoever has it does; nothing where it cannot run.
fn second(stage: &Stage, arguments: &str) -> Option<(i32, Value)> {
    let probe = Command::new("python3")
        .args(["-c", "import cryptography"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        not_tried("Python's cryptography is missing (python3-cryptography in Debian)");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/verify_log.py");
    let output = Command::new("python3")
        .arg(script)
        .args(arguments.split_whitespace())
        .current_dir(stage.path(""))
        .output()
        .unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap();
    Some((output.status.code().unwrap(), said))
}

/// Waits until a command is done: the witness is asked as soon as there is something, and not
/// waited for.
fn until_done(stage: &Stage, arguments: &str) -> String {
    for _ in 0..200 {
        let said = stage.run(arguments);
        if said.code == 0 {
            return said.output;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{arguments} is not done");
}

/// Goal: whoever has the witness's key is told what it has seen, by each command, and exit code 4
/// where it has not. Method: a reveal, whose receipt the witness cannot have seen; the receipt of
/// the same entry in a cosigned checkpoint; the log by its disk, its export and a copy that it went
/// back to.
#[test]
fn what_is_handed_out_is_held_against_the_witness() {
    const KEY: &str = "--public-key data/audit.vkey";
    const SEEN: &str = "--public-key data/audit.vkey --witness-key w1.vkey";
    const ONLINE: &str = "--online --config-client client.toml";
    let stage = stage();
    let _witness = serve_witness(&stage);
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    write_client(&stage, &client);
    let token = stage.tokenize(&client, "Ada Lovelace");
    reveal(&stage, &client, token.trim());
    let names = fs::read_dir(stage.path("receipts")).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
    let receipt = format!("receipts/{}", names[0].to_str().unwrap());
    let check = format!("audit check-receipt {receipt}");
    stage.done(&format!("{check} {KEY}"));
    let refused = stage.run(&format!("{check} {SEEN}"));
    assert_eq!(refused.code, 4);
    let index: u64 = receipt
        .trim_start_matches("receipts/")
        .split('-')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let remedy = format!("audit prove-inclusion {index} --cosigned");
    assert!(refused.words.contains(&remedy), "{}", refused.words);

    // Online: the receipt of the same entry, a checkpoint to keep, and following.
    let later = until_done(&stage, &format!("{remedy} {ONLINE} {KEY}"));
    fs::write(stage.path("later.tlog-proof"), &later).unwrap();
    let said = stage.done(&format!(
        "audit check-receipt later.tlog-proof {SEEN} --json"
    ));
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["leaf_index"], index);
    assert!(report["cosigned_unix_seconds"].as_u64().unwrap() > 0);
    let stranger = "--public-key data/audit.vkey --witness-key w2.vkey";
    let refused = stage.run(&format!("audit check-receipt later.tlog-proof {stranger}"));
    assert_eq!(refused.code, 4, "{}", refused.words);
    // Any of the given witnesses will do.
    let both = format!("{stranger} --witness-key w1.vkey");
    stage.done(&format!("audit check-receipt later.tlog-proof {both}"));
    let consistency = format!("audit prove-consistency {ONLINE}");
    let kept = stage.done(&format!("{consistency} {SEEN}"));
    fs::write(stage.path("kept.checkpoint"), &kept).unwrap();
    let since = format!("{consistency} --since kept.checkpoint");
    stage.done(&format!("{since} {SEEN}"));
    let refused = stage.run(&format!("{since} {stranger}"));
    assert_eq!(refused.code, 4, "{}", refused.words);
    let size: u64 = kept.lines().nth(1).unwrap().parse().unwrap();
    assert!(size > index);
    let watch = "audit watch --config-client client.toml --count 2";
    let said = stage.run(&format!("{watch} {SEEN}"));
    assert_eq!(said.code, 0, "{}", said.words);
    assert!(
        said.words.contains("the witness has seen"),
        "{}",
        said.words
    );
    assert_eq!(stage.run(&format!("{watch} {stranger}")).code, 4);
    vault.stop();

    // Offline: the whole log, by its disk and as an export, by both verifiers.
    let said = stage.done(&format!("audit verify --data-dir data {SEEN} --json"));
    let report: Value = serde_json::from_str(&said).unwrap();
    assert!(report["witnessed_size"].as_u64().unwrap() >= size, "{said}");
    let evidence = format!("--kept kept.checkpoint --kept {receipt} --kept later.tlog-proof");
    let said = stage.done(&format!("audit verify --data-dir data {SEEN} {evidence}"));
    assert!(said.contains("entries were seen by the witness"), "{said}");
    let refused = stage.run(&format!("audit verify --data-dir data {stranger}"));
    assert_eq!(refused.code, 4);
    let export = stage.done(&format!("audit export --data-dir data {KEY}"));
    fs::write(stage.path("log.jsonl"), &export).unwrap();
    assert!(export.contains("\n{\"cosigned\":"));
    let of_export = stage.done(&format!("audit verify --export log.jsonl {SEEN} --json"));
    let of_export: Value = serde_json::from_str(&of_export).unwrap();
    assert_eq!(of_export["witnessed_size"], report["witnessed_size"]);
    let offline = format!("audit prove-inclusion {index} --data-dir data --cosigned {KEY}");
    fs::write(stage.path("offline.tlog-proof"), stage.done(&offline)).unwrap();
    stage.done(&format!(
        "audit check-receipt offline.tlog-proof {SEEN} --export log.jsonl"
    ));
    let offline = stage.done(&format!("audit prove-consistency --data-dir data {SEEN}"));
    assert!(offline.contains("witness.example/w1"), "{offline}");
    if let Some((code, said)) = second(&stage, &format!("{SEEN} {evidence} log.jsonl")) {
        assert_eq!((code, &said["verified"]), (0, &Value::Bool(true)), "{said}");
        assert_eq!(said["witnessed_size"], report["witnessed_size"]);
        let (code, said) = second(&stage, &format!("{stranger} log.jsonl")).unwrap();
        assert_eq!(code, 4, "{said}");
        let receipts = format!("{SEEN} --receipt later.tlog-proof");
        let (code, said) = second(&stage, &receipts).unwrap();
        assert_eq!(code, 0, "{said}");
        let receipts = format!("{SEEN} --receipt {receipt}");
        assert_eq!(second(&stage, &receipts).unwrap().0, 4);
    }

    // A log that went back behind what was kept, and nothing that was kept.
    let cut: Vec<_> = export.lines().take(2).collect();
    fs::write(stage.path("cut.jsonl"), cut.join("\n") + "\n").unwrap();
    let said = stage.run(&format!("audit verify --export cut.jsonl {KEY} {evidence}"));
    assert_eq!(said.code, 4);
    let wrong = format!("audit verify --export log.jsonl {KEY} --kept config.toml");
    let said = stage.run(&wrong);
    assert_eq!(said.code, 4);
    assert!(
        said.words.contains("neither a signed checkpoint"),
        "{}",
        said.words
    );
    let wrong = format!("audit verify --export log.jsonl {KEY} --witness-key data/audit.vkey");
    let said = stage.run(&wrong);
    assert_eq!(said.code, 2);
    assert!(
        said.words.contains("no public key of a witness"),
        "{}",
        said.words
    );
}
