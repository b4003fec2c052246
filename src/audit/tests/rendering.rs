//! Goal: every entry has an event of OCSF that says what it says. Method: random logs with every
//! kind of entry.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use super::campaign::RandomLog;
use super::*;
use crate::audit::ocsf;
use crate::untried::not_tried;

#[test]
fn every_entry_has_an_event() {
    let log = RandomLog::of(11, 2_000);
    let mut events = BTreeSet::new();
    for stored in &log.entries {
        let line = ocsf::line(stored, "vault.example/audit").unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        let entry = Entry::decode(&stored.entry).unwrap();
        let number = |name: &str| event[name].as_u64().unwrap();
        assert_eq!(
            number("type_uid"),
            number("class_uid") * 100 + number("activity_id")
        );
        assert_eq!(number("time"), entry.time.unix_ms());
        assert_eq!(event["metadata"]["sequence"], entry.index);
        assert_eq!(event["metadata"]["event_code"], entry.draft.event.name());
        let is_data = number("class_uid") == 6005;
        assert_eq!(event.get("database").is_some(), is_data);
        assert_eq!(event.get("api").is_some(), !is_data);
        let is_denied = entry.draft.decision == Some(Decision::Deny);
        let is_failure = is_denied || entry.draft.error.is_some();
        assert_eq!(
            event["status"],
            if is_failure { "Failure" } else { "Success" }
        );
        // Everything else that the entry says is there, too.
        let items = event["unmapped"]["items"].as_array().map_or(0, Vec::len);
        assert_eq!(items, entry.draft.items.len());
        events.insert(entry.draft.event);
    }
    assert_eq!(events.len(), Event::ALL.len(), "every kind of entry");
}

/// Goal: whoever knows OCSF can read every event. Method: its schema, as PyPI's models have it,
/// which refuse events with a fault in them first.
#[test]
fn every_event_is_of_the_schema() {
    let Some(python) = std::env::var_os("COUNTERFOIL_OCSF_PYTHON") else {
        not_tried("a Python with pydantic-ocsf is missing (`./dev ocsf` installs it)");
        return;
    };
    let log = RandomLog::of(11, 2_000);
    let lines = log.entries.iter();
    let lines: Vec<_> = lines
        .map(|stored| ocsf::line(stored, "vault.example/audit").unwrap())
        .collect();
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ocsf/check.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.join("\n").as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "2000 events, 0 not of OCSF 1.7.0\n");
}

#[test]
fn event_is_frozen() {
    let entry = Entry {
        index: 7,
        time: crate::domain::Timestamp::from_unix_ms(1_700_000_000_000),
        uptime_ms: 5,
        draft: EntryDraft {
            decision: Some(Decision::Deny),
            error: Some(ErrorClass::Denied),
            ..draft(1)
        },
    };
    let stored = crate::store::StoredEntry {
        index: 7,
        salt: [1; 16],
        entry: entry.encode(),
    };
    let line = ocsf::line(&stored, "vault.example/audit").unwrap();
    let event: Value = serde_json::from_str(&line).unwrap();
    let expected = json!({
        "class_uid": 6005,
        "class_name": "Datastore Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": 9,
        "activity_name": "Encrypt",
        "type_uid": 600_509,
        "type_name": "Datastore Activity: Encrypt",
        "time": 1_700_000_000_000_u64,
        "severity_id": 3,
        "severity": "Medium",
        "status_id": 2,
        "status": "Failure",
        "status_detail": "denied",
        "metadata": {
            "version": "1.7.0",
            "product": {
                "name": "Counterfoil",
                "vendor_name": "Counterfoil",
                "version": env!("CARGO_PKG_VERSION"),
            },
            "log_name": "vault.example/audit",
            "uid": "vault.example/audit/7",
            "sequence": 7,
            "event_code": "tokenize",
            "correlation_uid": "r-1",
        },
        "actor": { "app_name": "counterfoil" },
        "src_endpoint": { "svc_name": "counterfoil" },
        "database": { "name": "counterfoil", "type_id": 99, "type": "Token vault" },
        "unmapped": {
            "uptime_ms": 5,
            "items": [{ "field": "email", "subject": "cus_1", "outcome": "created" }],
            "decision": "deny",
            "error": "denied",
        },
    });
    assert_eq!(event, expected);
}
