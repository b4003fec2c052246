//! Backups of a vault that serves, and vaults that are made from them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use counterfoil::assembly::AssemblyError;
use counterfoil::audit::Event;
use counterfoil::audit::Evidence;
use counterfoil::audit::StartError;
use counterfoil::backup;
use counterfoil::backup::RestoredHead;
use counterfoil::protocol::BackupCreated;
use counterfoil::protocol::CreateBackupRequest;
use counterfoil::protocol::create_backup_response::Part;
use tonic::Code;
use tonic::Status;

use crate::scanner::Scanner;
use crate::support::Client;
use crate::support::TestVault;
use crate::support::both_verifiers::verify_by_both;
use crate::support::item;
use crate::support::token_of;

const LINES: &str = r#"
[backup]
dir = "backups"
keep = 3

[policies]
dir = "backup-policies"
"#;

const POLICY: &str = r#"
permit (
  principal == Service::"spiffe://shop.example/backend",
  action == Action::"create_backup",
  resource
);
"#;

async fn start() -> TestVault {
    let files = [("backup-policies/backup.cedar", POLICY)];
    let vault = TestVault::start_with_files(LINES, &files).await;
    fs::create_dir(vault.directory().join("backups")).unwrap();
    vault
}

pub(crate) async fn back_up(client: &Client, directory: &str) -> Result<BackupCreated, Status> {
    let request = CreateBackupRequest {
        directory: directory.to_owned(),
        ..CreateBackupRequest::default()
    };
    let mut parts = client
        .backups
        .clone()
        .create_backup(request)
        .await?
        .into_inner();
    let mut created = None;
    while let Some(part) = parts.message().await? {
        if let Some(Part::Created(made)) = part.part {
            created = Some(made);
        }
    }
    Ok(created.unwrap())
}

pub(crate) fn backups(vault: &TestVault) -> PathBuf {
    vault.directory().join("backups")
}

/// Puts the backup in the place of the vault's database, and leaves the head where it is.
pub(crate) fn restore(vault: &TestVault, keep_head: bool) -> RestoredHead {
    let data_dir = &vault.config.data_dir;
    fs::remove_dir_all(data_dir.join("rocksdb")).unwrap();
    if !keep_head {
        fs::remove_dir_all(&vault.config.audit.head_dir).unwrap();
    }
    let keys = vault.public_keys();
    let head_dir = &vault.config.audit.head_dir;
    let restored = backup::restore(&backups(vault), None, data_dir, head_dir, &keys);
    restored.unwrap().head
}

/// Goal: a backup is one moment, whatever is written meanwhile, and loses nothing of before it.
/// Method: backups are made under load; a new machine's vault is made from one of them, and must
/// open every token that was answered before it was begun.
#[tokio::test(flavor = "multi_thread")]
async fn backup_under_load_opens_every_token_of_before() {
    let mut vault = start().await;
    let client = vault.backend().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut before = Vec::new();
    for number in 0..50 {
        let value = format!("{number} Main Street");
        before.push((client.token("address", &value).await, value));
    }
    let loads: Vec<_> = (0..4)
        .map(|worker| {
            let (client, is_over) = (client.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut count = 0_u32;
                while !is_over.load(Ordering::SeqCst) {
                    let value = format!("{count} Load Street {worker}");
                    let items = vec![item("address", &value), item("nickname", "Ada")];
                    for result in client.tokenize(items).await.unwrap() {
                        token_of(result).unwrap();
                    }
                    count += 1;
                }
                count
            })
        })
        .collect();
    for _ in 0..3 {
        let made = back_up(&client, "").await.unwrap();
        assert!(made.total_bytes >= made.new_bytes);
        let keys = vault.public_keys();
        let verified = backup::verify(&backups(&vault), None, &keys).unwrap();
        assert_eq!(verified.report.tree_size, made.tree_size);
    }
    is_over.store(true, Ordering::SeqCst);
    for load in loads {
        assert!(load.await.unwrap() > 0);
    }
    vault.stop().await;
    assert_eq!(restore(&vault, false), RestoredHead::Made);
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    for (token, value) in &before {
        assert_eq!(client.value("address", token).await.unwrap(), *value);
        assert_eq!(client.token("address", value).await, *token);
    }
    // The log goes on from the backup's.
    assert_eq!(vault.counts()[&Event::BackupCreated], 3);
    vault.check_only_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_that_is_behind_its_head_stays_closed() {
    let mut vault = start().await;
    let client = vault.backend().await;
    client.token("name", "Ada Lovelace").await;
    let made = back_up(&client, "").await.unwrap();
    client.token("name", "Grace Hopper").await;
    vault.stop().await;
    let head_size = vault.head().size();
    assert!(head_size > made.tree_size);
    let entries_count = head_size - made.tree_size;
    assert_eq!(
        restore(&vault, true),
        RestoredHead::Behind { entries_count }
    );
    let refused = vault.serve().await.err().unwrap();
    let AssemblyError::Start(StartError::RolledBack { .. }) = &refused else {
        panic!("{refused}");
    };
    assert!(refused.to_string().contains("officers"), "{refused}");
    assert_eq!(vault.head().size(), head_size, "the head is as it was");
    // By itself, it is a log like any other.
    let keys = vault.public_keys();
    verify_by_both(&vault.read_only(), None, &Evidence::of(&keys)).unwrap();
    vault.leave_unchecked();
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_goes_nowhere_else_and_only_for_whom_a_policy_names() {
    let vault = start().await;
    let client = vault.backend().await;
    let elsewhere = vault.directory().join("elsewhere");
    let dotted = backups(&vault).join("../elsewhere");
    for path in [elsewhere.as_path(), &dotted, Path::new("backups")] {
        let refused = back_up(&client, path.to_str().unwrap()).await;
        let status = refused.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(!status.message().contains("elsewhere"));
    }
    assert!(!elsewhere.exists());
    for identity in ["other", "writer", "agent", "stranger"] {
        let refused = back_up(&vault.client(identity).await, "").await;
        assert_eq!(refused.err().unwrap().code(), Code::PermissionDenied);
    }
    assert_eq!(backup::list(&backups(&vault)).unwrap(), []);
    let within = backups(&vault).join("daily");
    back_up(&client, within.to_str().unwrap()).await.unwrap();
    assert_eq!(backup::list(&within).unwrap().len(), 1);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_without_a_directory_for_backups_makes_none() {
    let files = [("backup-policies/backup.cedar", POLICY)];
    let lines = "[policies]\ndir = \"backup-policies\"";
    let vault = TestVault::start_with_files(lines, &files).await;
    let refused = back_up(&vault.backend().await, "").await;
    assert_eq!(refused.err().unwrap().code(), Code::FailedPrecondition);
    vault.check().await;
}

/// Goal: nothing readable is in a backup. Method: values, tokens and the passphrase are searched
/// for in every file of it, in a dozen encodings; one that is planted beside is found.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_readable_is_in_a_backup() {
    let vault = start().await;
    let client = vault.backend().await;
    let mut texts = vec!["six words that nobody uses twice".to_owned()];
    for value in ["Wilhelmina Featherstonehaugh", "Bartholomew Quackenbush"] {
        texts.push(client.token("name", value).await);
        texts.push(value.to_owned());
    }
    back_up(&client, "").await.unwrap();
    let scanner = Scanner::new(texts.iter().map(String::as_str));
    let mut waiting = vec![backups(&vault)];
    let mut files_count = 0;
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).unwrap();
            waiting.extend(entries.map(|entry| entry.unwrap().path()));
            continue;
        }
        files_count += 1;
        let bytes = fs::read(&path).unwrap();
        assert_eq!(scanner.find(&bytes), None, "{}", path.display());
        let planted = [bytes.as_slice(), texts[2].as_bytes()].concat();
        assert!(scanner.find(&planted).is_some());
    }
    assert!(files_count > 5);
    vault.check().await;
}
