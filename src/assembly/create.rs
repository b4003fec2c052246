//! Makes a vault: its database, its keys, its log and the head of it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::assembly::audit_key_file;
use crate::assembly::error::AssemblyError;
use crate::assembly::in_force::check_in_force;
use crate::assembly::namespaces::NamespaceIds;
use crate::assembly::open::open_log;
use crate::assembly::open::open_stopped_log;
use crate::assembly::rocks_options;
use crate::audit::AuditLog;
use crate::audit::CeremonyNote;
use crate::audit::CheckpointKeys;
use crate::audit::Commit;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::Head;
use crate::config::Config;
use crate::crypto::Entropy;
use crate::domain::Clock;
use crate::domain::Namespace;
use crate::durable;
use crate::keys::KeyTable;
use crate::keys::Keyring;
use crate::keys::StoredKey;
use crate::keys::root::RootKeyHolder;
use crate::store::Changes;
use crate::store::Store;
use crate::store::rocks::RocksStore;
use crate::vault::Register;

/// Makes a vault for the configured namespaces. It is there as a whole or not at all: everything is
/// made in a directory beside, which takes its name at the end.
///
/// # Errors
///
/// If there is already a vault, or it cannot be made.
pub async fn create(
    config: &Config,
    root: &dyn RootKeyHolder,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(), AssemblyError> {
    let data_dir = &config.data_dir;
    if data_dir.exists() {
        return Err(AssemblyError::AlreadyExists {
            path: data_dir.clone(),
        });
    }
    let mut name = data_dir.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = data_dir.with_file_name(name);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| AssemblyError::File { path, source }
    };
    // What an earlier attempt left behind was never a vault, nor was its head elsewhere.
    if let Some(keys) = keys_left_behind(&partial) {
        Head::remove_unfinished(&config.audit.head_dir, &keys)?;
    }
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed(&partial)(error));
        }
        Ok(()) | Err(_) => {}
    }
    let head_dir = match config.audit.head_dir.strip_prefix(data_dir) {
        Ok(inside) => partial.join(inside),
        Err(_) => config.audit.head_dir.clone(),
    };

    let namespaces: Vec<Namespace> = config.namespaces.keys().cloned().collect();
    let store: Arc<dyn Store> = Arc::new(RocksStore::create(&partial, &rocks_options(config))?);
    let keys = Keyring::create(root, &namespaces, clock.now(), &*entropy)?;
    let keyring = Keyring::open(root, &keys)?;
    let signer = crate::assembly::open::signer(config, &keyring)?;
    let empty = signer
        .sign_empty()
        .ok_or(crate::audit::HeadError::Missing)?;
    let vkey = crate::assembly::open::verifier(config, &keyring)?.to_string();
    let vkey_file = audit_key_file(&partial);
    // If we crash after this line, the next attempt knows by the key which head is its own.
    write_durably(&vkey_file, &format!("{vkey}\n")).map_err(failed(&vkey_file))?;
    let head = Head::create(&head_dir, &empty)?;

    let open = open_log(
        config,
        &keyring,
        Arc::clone(&store),
        head,
        empty,
        clock,
        entropy,
    )?;
    let mut ids = NamespaceIds::default();
    let register = Register::default();
    write_keys(&open.log, &mut ids, &namespaces, &keys, register).await?;
    open.close();
    store.flush()?;
    drop(store);
    // What was made in it, and its name, must both outlive a power cut.
    durable::sync_names(&partial).map_err(failed(&partial))?;
    // If we crash before this line, there is no vault; after it, there is a whole one.
    fs::rename(&partial, data_dir).map_err(failed(data_dir))?;
    let parent = durable::directory_of(data_dir);
    durable::sync_names(parent).map_err(failed(parent))
}

/// The keys that an earlier attempt signed its head with.
fn keys_left_behind(partial: &Path) -> Option<CheckpointKeys> {
    let vkey = fs::read_to_string(audit_key_file(partial)).ok()?;
    Some(CheckpointKeys::new(vec![vkey.trim().parse().ok()?]))
}

fn write_durably(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::File::open(path)?.sync_all()
}

/// Makes the keys of one more configured namespace in a vault that is not being served.
///
/// # Errors
///
/// If it has keys already, or they cannot be made.
pub async fn add_namespace(
    config: &Config,
    root: &dyn RootKeyHolder,
    namespace: &Namespace,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(), AssemblyError> {
    let store = crate::assembly::open_store(config)?;
    let keyring = Keyring::open(root, &KeyTable::read(&*store)?.keys())?;
    if keyring.namespace(namespace).is_some() {
        return Err(AssemblyError::NamespaceExists {
            namespace: namespace.clone(),
        });
    }
    let keys = Keyring::create_namespace(root, namespace, clock.now(), &*entropy)?;
    let open = open_stopped_log(config, &keyring, &store, clock, entropy)?;
    // The entry would name what somebody has put back as what is in force.
    check_in_force(&*store, &keyring)?;
    let register = Register::read(&*store, &keyring)?;
    let mut ids = NamespaceIds::read(&*store)?;
    let namespaces = std::slice::from_ref(namespace);
    write_keys(&open.log, &mut ids, namespaces, &keys, register).await?;
    open.close();
    Ok(store.flush()?)
}

/// Writes the keys and the numbers of namespaces, all of them with the first entry: if we crash
/// after it, the vault opens, and only entries that tell of single keys are missing.
async fn write_keys(
    log: &AuditLog,
    ids: &mut NamespaceIds,
    namespaces: &[Namespace],
    keys: &[StoredKey],
    register: Register,
) -> Result<(), AssemblyError> {
    let mut rows = vec![ids.add(namespaces)];
    let register = register.joined(keys);
    let mut table = KeyTable::default();
    for key in keys {
        let id = key
            .metadata()
            .namespace()
            .and_then(|namespace| ids.id(namespace));
        rows.push(table.put(id, key.clone()));
    }
    let created = namespaces.iter().map(|namespace| EntryDraft {
        namespace: Some(namespace.clone()),
        ..EntryDraft::new(Event::NamespaceCreated)
    });
    let made = keys.iter().map(|key| EntryDraft {
        namespace: key.metadata().namespace().cloned(),
        key: Some((key.metadata().purpose(), key.metadata().version())),
        ceremony: CeremonyNote {
            key_state: Some(key.metadata().state()),
            ..CeremonyNote::default()
        },
        ..EntryDraft::new(Event::KeyCreated)
    });
    for mut entry in created.chain(made) {
        entry.ceremony.register_digest = Some(register.digest());
        let rows = std::mem::take(&mut rows);
        let changes = Changes {
            rows,
            ..Changes::default()
        };
        log.commit(Commit::new(changes, entry, None)).await?;
    }
    Ok(())
}
