//! Bad days: what was promised is there after a crash, and a vault that is not the one that was
//! signed for stays closed, with an error that says why.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use counterfoil::assembly;
use counterfoil::assembly::AssemblyError;
use counterfoil::assembly::OpenVault;
use counterfoil::audit::HeadError;
use counterfoil::audit::StartError;
use counterfoil::config::AuditConfig;
use counterfoil::config::Config;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::RootKey;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::Clock;
use counterfoil::domain::Namespace;
use counterfoil::keys::root::RootKeyHolder;
use counterfoil::store::StoreError;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::item_of;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if name != "ballast" {
            fs::copy(path, to.join(name)).unwrap();
        }
    }
}

fn move_away(path: &Path) -> PathBuf {
    let away = path.with_extension("away");
    fs::rename(path, &away).unwrap();
    away
}

async fn refusal(vault: &TestVault) -> AssemblyError {
    vault.open().await.expect_err("it must stay closed")
}

async fn some_tokens(client: &Client, from: usize) -> Vec<(String, String)> {
    let mut tokens = Vec::new();
    for n in from..from + 20 {
        let value = format!("Lasting Person {n}");
        tokens.push((client.token("name", &value).await, value));
    }
    tokens
}

async fn assert_open(client: &Client, tokens: &[(String, String)]) {
    for (token, value) in tokens {
        assert_eq!(client.value("name", token).await.unwrap(), *value);
        assert_eq!(client.token("name", value).await, *token);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_outlive_restarts() {
    let mut vault = TestVault::start().await;
    let mut tokens = Vec::new();
    for round in 0..3 {
        let client = vault.backend().await;
        tokens.extend(some_tokens(&client, round * 20).await);
        assert_open(&client, &tokens).await;
        vault.restart().await;
    }
    let client = vault.backend().await;
    let of = |subject| item_of("address_of", "1 Some Street", subject);
    let token = client.tokenized(of("cus_1")).await.token;
    vault.restart().await;
    let client = vault.backend().await;
    assert_open(&client, &tokens).await;
    assert_eq!(client.tokenized(of("cus_1")).await.token, token);
    vault.check().await;
}

/// Goal: what was answered is on the disk. Method: the files as they are at any moment of a
/// running vault are what a crash leaves; every answer before it must be in a copy of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_in_a_crash_image() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    let tokens = some_tokens(&client, 0).await;
    let image = vault.directory().join("image");
    copy(&vault.config.data_dir, &image);
    some_tokens(&client, 100).await;
    vault.stop().await;
    // The copy has its own head, so it is a vault that crashed then.
    fs::remove_dir_all(&vault.config.data_dir).unwrap();
    fs::rename(&image, &vault.config.data_dir).unwrap();
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    assert_open(&client, &tokens).await;
    // It crashed: there is one start more than there are stops.
    vault.check_only_log().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_went_back_is_refused() {
    let mut vault = TestVault::start().await;
    let client = vault.backend().await;
    some_tokens(&client, 0).await;
    vault.stop().await;
    let database = vault.config.data_dir.join("rocksdb");
    let backup = vault.directory().join("backup");
    copy(&database, &backup);
    vault.serve().await.unwrap();
    let client = vault.backend().await;
    let tokens = some_tokens(&client, 20).await;
    vault.stop().await;
    let newest = move_away(&database);
    copy(&backup, &database);
    let error = refusal(&vault).await;
    let AssemblyError::Start(StartError::RolledBack {
        database_size,
        head_size,
    }) = error
    else {
        panic!("{error}");
    };
    assert!(database_size < head_size);
    // The refusal changed nothing: with the newest database it opens.
    fs::remove_dir_all(&database).unwrap();
    fs::rename(newest, &database).unwrap();
    vault.serve().await.unwrap();
    assert_open(&vault.backend().await, &tokens).await;
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vault_without_its_head_is_refused() {
    let mut vault = TestVault::start().await;
    some_tokens(&vault.backend().await, 0).await;
    vault.stop().await;
    let head = vault.config.audit.head_dir.clone();
    let away = move_away(&head);
    assert!(matches!(
        refusal(&vault).await,
        AssemblyError::Head(HeadError::Missing)
    ));
    copy(&away, &head);
    for slot in ["a", "b"] {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(head.join(slot))
            .unwrap();
        file.set_len(100).unwrap();
    }
    assert!(matches!(
        refusal(&vault).await,
        AssemblyError::Head(HeadError::Missing)
    ));
    for slot in ["a", "b"] {
        let whole = fs::read(away.join(slot)).unwrap();
        let mut changed = whole.clone();
        changed[60] ^= 1;
        fs::write(head.join(slot), changed).unwrap();
    }
    assert!(matches!(
        refusal(&vault).await,
        AssemblyError::Head(HeadError::Missing)
    ));
    // The head of another vault is none of ours.
    let other = TestVault::start().await;
    for slot in ["a", "b"] {
        fs::copy(other.config.audit.head_dir.join(slot), head.join(slot)).unwrap();
    }
    assert!(matches!(
        refusal(&vault).await,
        AssemblyError::Head(HeadError::Missing)
    ));
    other.check().await;
    // One torn slot is what a crash leaves, and the other is enough.
    for slot in ["a", "b"] {
        fs::remove_dir_all(&head).unwrap();
        copy(&away, &head);
        fs::write(head.join(slot), [7; 100]).unwrap();
        vault.serve().await.unwrap();
        vault.stop().await;
        fs::remove_dir_all(&away).unwrap();
        copy(&head, &away);
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_vault_is_never_made_anew() {
    let mut vault = TestVault::start().await;
    vault.stop().await;
    let database = vault.config.data_dir.join("rocksdb");
    let away = move_away(&database);
    assert!(matches!(
        refusal(&vault).await,
        AssemblyError::Missing { .. }
    ));
    assert!(!database.exists());
    fs::rename(away, &database).unwrap();
    let data_dir = vault.config.data_dir.clone();
    let away = move_away(&data_dir);
    assert!(matches!(
        refusal(&vault).await,
        AssemblyError::Missing { .. }
    ));
    assert!(!data_dir.exists());
    fs::rename(away, &data_dir).unwrap();
    let clock = Arc::clone(&vault.clock) as Arc<dyn Clock>;
    let root = vault.root_key();
    let again = assembly::create(&vault.config, &*root, clock, Arc::new(SystemEntropy));
    assert!(matches!(
        again.await,
        Err(AssemblyError::AlreadyExists { .. })
    ));
    vault.serve().await.unwrap();
    // And no second process opens it.
    assert!(matches!(
        refusal(&vault).await,
        AssemblyError::Store(StoreError::Unavailable(_))
    ));
    vault.check().await;
}

/// Goal: an interrupted `init` can be repeated, wherever the head is. Method: what is there when
/// it dies before its last rename, which is a vault under another name.
#[tokio::test(flavor = "multi_thread")]
async fn vault_that_was_never_finished_is_made_again() {
    let vault = TestVault::start().await;
    let directory = tempfile::tempdir().unwrap();
    let config = Config {
        data_dir: directory.path().join("vault"),
        audit: AuditConfig {
            head_dir: directory.path().join("head"),
            ..vault.config.audit.clone()
        },
        ..vault.config.clone()
    };
    let root = vault.root_key();
    let create = || {
        let clock = Arc::clone(&vault.clock) as Arc<dyn Clock>;
        assembly::create(&config, &*root, clock, Arc::new(SystemEntropy))
    };
    create().await.unwrap();
    let unfinished = config.data_dir.with_file_name("vault.partial");
    fs::rename(&config.data_dir, &unfinished).unwrap();
    create().await.unwrap();
    drop(open_with(&vault, &config, &root).await.unwrap());
    // The head of a vault that was finished is never taken for one that was not.
    move_away(&config.data_dir);
    fs::create_dir(&unfinished).unwrap();
    let again = create().await;
    assert!(matches!(
        again,
        Err(AssemblyError::Head(HeadError::AlreadyExists))
    ));
    vault.check().await;
}

async fn open_with(
    vault: &TestVault,
    config: &Config,
    root: &Arc<dyn RootKeyHolder>,
) -> Result<OpenVault, AssemblyError> {
    let clock = Arc::clone(&vault.clock) as Arc<dyn Clock>;
    assembly::open(config, Arc::clone(root), clock, Arc::new(SystemEntropy)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_root_key_opens_nothing() {
    let mut vault = TestVault::start().await;
    vault.stop().await;
    let wrong = RootKey::new(&KeyBytes::generate(&SystemEntropy));
    let wrong: Arc<dyn RootKeyHolder> = Arc::new(wrong);
    let error = open_with(&vault, &vault.config, &wrong)
        .await
        .err()
        .unwrap();
    assert!(matches!(error, AssemblyError::Keys(_)), "{error}");
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn namespace_without_keys_is_refused_until_it_has_some() {
    let mut vault = TestVault::start().await;
    vault.stop().await;
    let new = Namespace::new("third").unwrap();
    let fields = vault.config.namespaces.values().next().unwrap().clone();
    let mut config = vault.config.clone();
    config.namespaces.insert(new.clone(), fields);
    let root = vault.root_key();
    match open_with(&vault, &config, &root).await.err().unwrap() {
        AssemblyError::NamespaceMissing { namespace } => assert_eq!(namespace, new),
        error => panic!("{error}"),
    }
    for is_first in [true, false] {
        let clock = Arc::clone(&vault.clock) as Arc<dyn Clock>;
        let added = assembly::add_namespace(&config, &*root, &new, clock, Arc::new(SystemEntropy));
        match added.await {
            Ok(()) => assert!(is_first),
            Err(AssemblyError::NamespaceExists { .. }) => assert!(!is_first),
            Err(error) => panic!("{error}"),
        }
    }
    open_with(&vault, &config, &root)
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    vault.check().await;
}

/// Goal: damage is reported and never served. Method: the write-ahead log of a crash image, with
/// one byte changed, or cut, in many places; the vault opens only with everything that it had.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_write_ahead_log_is_refused() {
    let mut vault = TestVault::start().await;
    some_tokens(&vault.backend().await, 0).await;
    let image = vault.directory().join("image");
    copy(&vault.config.data_dir, &image);
    vault.stop().await;
    let data_dir = vault.config.data_dir.clone();
    let logs = |directory: &Path| -> Vec<PathBuf> {
        let files = fs::read_dir(directory.join("rocksdb")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let mut logs: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|it| it == "log"))
            .filter(|path| fs::metadata(path).unwrap().len() > 0)
            .collect();
        logs.sort();
        logs
    };
    let length = fs::metadata(logs(&image).last().unwrap()).unwrap().len();
    assert!(length > 10_000);
    let mut refused_count = 0;
    for step in 0..24 {
        fs::remove_dir_all(&data_dir).unwrap();
        copy(&image, &data_dir);
        let log = logs(&data_dir).pop().unwrap();
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&log)
            .unwrap();
        let place = length * (step + 1) / 25;
        if step % 2 == 0 {
            let mut byte = [0];
            file.read_exact_at(&mut byte, place).unwrap();
            file.write_all_at(&[byte[0] ^ 0x10], place).unwrap();
        } else {
            file.set_len(place).unwrap();
        }
        drop(file);
        let error = refusal(&vault).await;
        let is_clear = matches!(
            error,
            AssemblyError::Store(_)
                | AssemblyError::Start(StartError::RolledBack { .. })
                | AssemblyError::Missing { .. }
        );
        assert!(is_clear, "{error:?}");
        refused_count += 1;
    }
    assert_eq!(refused_count, 24);
    fs::remove_dir_all(&data_dir).unwrap();
    copy(&image, &data_dir);
    vault.serve().await.unwrap();
    vault.check_only_log().await;
}
