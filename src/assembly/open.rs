//! Opens a vault: keys, log and head must be there and agree, or it stays closed.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::access::Access;
use crate::assembly::error::AssemblyError;
use crate::assembly::fields;
use crate::assembly::in_force::check_in_force;
use crate::assembly::namespaces::open_namespaces;
use crate::assembly::policies::load_policies;
use crate::assembly::purge;
use crate::assembly::rocks_options;
use crate::assembly::sweep;
use crate::assembly::witness;
use crate::assembly::witness::WitnessTask;
use crate::audit::AuditLog;
use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::audit::Commit;
use crate::audit::EntryDraft;
use crate::audit::Event;
use crate::audit::Head;
use crate::audit::LogParts;
use crate::audit::SequencerThread;
use crate::audit::ShareGiven;
use crate::audit::SignedCheckpoint;
use crate::backup::BackupRules;
use crate::cases::Cases;
use crate::config::Config;
use crate::config::Purposes;
use crate::crypto;
use crate::crypto::Entropy;
use crate::crypto::note::NoteKeyName;
use crate::crypto::note::NoteVerifier;
use crate::domain::Clock;
use crate::domain::Purpose;
use crate::keys::KeyTable;
use crate::keys::Keyring;
use crate::keys::LiveKeyring;
use crate::keys::root::RootKeyHolder;
use crate::pager;
use crate::pager::Pager;
use crate::people::People;
use crate::policy::PolicyHandle;
use crate::store::Changes;
use crate::store::RowChange;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::RocksStore;
use crate::vault::Parts;
use crate::vault::Vault;
use crate::vault::checkpoint_signer;
use crate::vault::found_charter;
use crate::vault::keep_up;

/// A vault that is open, with the thread that writes its log.
pub struct OpenVault {
    /// The vault.
    pub vault: Arc<Vault>,
    store: Arc<dyn Store>,
    thread: SequencerThread,
    witness: WitnessTask,
}

/// An open log, with the thread that writes it.
pub(super) struct OpenLog {
    pub(super) log: AuditLog,
    pub(super) thread: SequencerThread,
}

impl OpenLog {
    /// Closes a log that nobody else writes to: everything that was answered is written then, and
    /// the store let go of.
    pub(super) fn close(self) {
        let Self { log, thread } = self;
        drop(log);
        thread.join();
    }
}

/// Opens a vault, and records that it is about to serve.
///
/// # Errors
///
/// If anything is missing or does not agree; nothing is made instead.
pub async fn open(
    config: &Config,
    root: Arc<dyn RootKeyHolder>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<OpenVault, AssemblyError> {
    open_unsealed(config, root, Vec::new(), clock, entropy).await
}

/// Opens a vault that officers have unsealed, and records that with whose shares.
///
/// # Errors
///
/// As [`open`].
pub async fn open_unsealed(
    config: &Config,
    root: Arc<dyn RootKeyHolder>,
    shares_given: Vec<ShareGiven>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<OpenVault, AssemblyError> {
    crypto::self_test()?;
    let people = People::open(&config.people, clock.now())?;
    let store = open_store(config)?;
    let keyring = Keyring::open(&*root, &KeyTable::read(&*store)?.keys())?;
    let mut namespaces = open_namespaces(config, &keyring, &*store)?;
    let (new_fields, former) = fields::check(config, &namespaces, &*store)?;
    for (name, namespace) in &mut namespaces {
        namespace.former = former.get(name).cloned().unwrap_or_default();
    }
    let in_force = match check_in_force(&*store, &keyring) {
        Err(error @ (AssemblyError::CharterReplaced | AssemblyError::RegisterReplaced)) => {
            return Err(error);
        }
        // Of a log that is damaged, its own check says more.
        checked => checked,
    };
    let verifiers = checkpoint_keys_of(config, &keyring)?;
    let (head, checkpoint) = Head::open(&config.audit.head_dir, &verifiers)?;
    let open = open_log(
        config,
        &keyring,
        Arc::clone(&store),
        head,
        checkpoint,
        Arc::clone(&clock),
        Arc::clone(&entropy),
    )?;
    // Before anything is written: a log that went back must not grow. A witness that does not
    // answer now is asked until it does, and what was written meanwhile reveals nothing.
    let witness = config.audit.witness.as_ref();
    let asked = witness::ask(witness, open, &*store, &verifiers, Arc::clone(&clock));
    let (OpenLog { log, thread }, witness) = asked.await?;
    let policy = load_policies(config)?;
    let started = EntryDraft {
        policy_hash: Some(policy.hash()),
        shares_given,
        ..in_force?.entry(Event::Started)
    };
    let founding = found_charter(&*store, &keyring, config.officers.charter.as_ref())?;
    begin(&log, started, new_fields, founding).await?;
    tend(&store, &clock);
    start_pager(config, &log, &clock)?;
    let cases = config.cases.as_ref().map(Cases::new).transpose()?;
    let parts = Parts {
        backups: backup_rules(config),
        store: Arc::clone(&store),
        root_key: root,
        keyring: LiveKeyring::new(keyring),
        log,
        cases,
        people,
        policy: PolicyHandle::new(policy),
        namespaces,
        purposes: purposes(config),
        clock,
        entropy,
        origin: config.audit.origin.clone(),
        rewrap_records_per_second: config.officers.rewrap_records_per_second,
        retokenize_grace_seconds: config.officers.retokenize_grace_seconds,
    };
    let vault = Arc::new(Vault::new(parts));
    tokio::spawn(keep_up(Arc::downgrade(&vault)));
    Ok(OpenVault {
        vault,
        store,
        thread,
        witness,
    })
}

/// Records that the vault is about to serve, with what is new of its fields and its officers.
async fn begin(
    log: &AuditLog,
    started: EntryDraft,
    new_fields: Option<RowChange>,
    founding: Option<Commit>,
) -> Result<(), AssemblyError> {
    let changes = Changes {
        rows: new_fields.into_iter().collect(),
        ..Changes::default()
    };
    log.commit(Commit::new(changes, started, None)).await?;
    if let Some(founding) = founding {
        log.commit(founding).await?;
    }
    Ok(())
}

/// Removes from now on what is no longer wanted.
fn tend(store: &Arc<dyn Store>, clock: &Arc<dyn Clock>) {
    let swept = sweep::now_and_then(Arc::downgrade(store), Arc::clone(clock));
    let purged = purge::after_erasing(Arc::downgrade(store), Arc::clone(clock));
    tokio::spawn(swept);
    tokio::spawn(purged);
}

/// Where backups may go; nothing: none are made.
fn backup_rules(config: &Config) -> Option<BackupRules> {
    let backup = config.backup.as_ref()?;
    Some(BackupRules {
        directory: backup.dir.clone(),
        data_dir: config.data_dir.clone(),
        keep: backup.keep,
    })
}

/// The purposes that a reveal may name; nothing: any.
fn purposes(config: &Config) -> Option<Vec<Purpose>> {
    match &config.purposes {
        Purposes::Any => None,
        Purposes::Only(allowed) => Some(allowed.iter().cloned().collect()),
    }
}

/// Pages from now on, where there is somebody to page.
fn start_pager(
    config: &Config,
    log: &AuditLog,
    clock: &Arc<dyn Clock>,
) -> Result<(), AssemblyError> {
    if let Some(settings) = &config.pager {
        let pager = Pager::new(settings)?;
        tokio::spawn(pager::run(pager, log.events(), Arc::clone(clock)));
    }
    Ok(())
}

impl OpenVault {
    /// Records that the vault stops, and waits until everything is written. Blocks at the end.
    ///
    /// # Errors
    ///
    /// If the log cannot be written.
    pub async fn close(self) -> Result<(), AssemblyError> {
        let Self {
            vault,
            store,
            thread,
            witness,
        } = self;
        vault.stop_jobs().await;
        vault.record_stop().await.map_err(AssemblyError::Stop)?;
        drop(vault);
        // The thread ends when the last handle of the log is gone; a call that was cut off while
        // the server drained may still hold one.
        let joined = tokio::task::spawn_blocking(move || thread.join());
        let _ = tokio::time::timeout(JOIN_TIME_MAX, joined).await;
        witness.finish().await;
        Ok(store.flush()?)
    }
}

impl fmt::Debug for OpenVault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OpenVault").finish_non_exhaustive()
    }
}

/// Opens the store of a vault.
///
/// # Errors
///
/// If there is none, or it cannot be opened.
pub fn open_store(config: &Config) -> Result<Arc<dyn Store>, AssemblyError> {
    let options = rocks_options(config);
    let opened = RocksStore::open(&config.data_dir, &options);
    match or_cut_off(config, opened, RocksStore::open_cut_off)? {
        Ok(store) => Ok(Arc::new(store)),
        Err(StoreError::Missing) => Err(AssemblyError::Missing {
            path: config.data_dir.clone(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// What was opened; or, where that is damaged, what a power cut has left of it, if that is as much
/// as the head speaks of. Where the head speaks of nothing, nobody knows how much there must be.
pub(super) fn or_cut_off(
    config: &Config,
    opened: Result<RocksStore, StoreError>,
    cut_off: impl FnOnce(&Path, &RocksOptions, u64) -> Result<RocksStore, StoreError>,
) -> Result<Result<RocksStore, StoreError>, AssemblyError> {
    let Err(damaged @ StoreError::Corrupt { .. }) = opened else {
        return Ok(opened);
    };
    let Some(promised) = Head::claimed_size(&config.audit.head_dir)? else {
        return Ok(Err(damaged));
    };
    let opened = cut_off(&config.data_dir, &rocks_options(config), promised);
    if opened.is_ok() {
        tracing::warn!("the database's log ends in bytes that were never synced: left out");
    }
    Ok(opened)
}

pub(super) fn checkpoint_keys_of(
    config: &Config,
    keyring: &Keyring,
) -> Result<CheckpointKeys, AssemblyError> {
    let origin = NoteKeyName::new(&config.audit.origin)?;
    let verifiers = keyring
        .audit_signing()
        .iter()
        .map(|(_, key)| key.verifier(origin.clone()))
        .collect();
    Ok(CheckpointKeys::new(verifiers))
}

pub(super) fn verifier(config: &Config, keyring: &Keyring) -> Result<NoteVerifier, AssemblyError> {
    let origin = NoteKeyName::new(&config.audit.origin)?;
    Ok(keyring.audit_signing().active().verifier(origin))
}

pub(super) fn signer(
    config: &Config,
    keyring: &Keyring,
) -> Result<CheckpointSigner, AssemblyError> {
    let origin = NoteKeyName::new(&config.audit.origin)?;
    // The sequencer's thread has its own, for as long as it runs.
    Ok(checkpoint_signer(keyring, origin))
}

pub(super) fn open_log(
    config: &Config,
    keyring: &Keyring,
    store: Arc<dyn Store>,
    head: Head,
    head_checkpoint: SignedCheckpoint,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<OpenLog, AssemblyError> {
    let parts = log_parts(
        config,
        keyring,
        store,
        head,
        head_checkpoint,
        clock,
        entropy,
    )?;
    let (log, thread) = AuditLog::open(parts)?;
    Ok(OpenLog { log, thread })
}

/// Opens the log of a vault that is not being served, at its own head.
pub(super) fn open_stopped_log(
    config: &Config,
    keyring: &Keyring,
    store: &Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<OpenLog, AssemblyError> {
    let verifiers = checkpoint_keys_of(config, keyring)?;
    let (head, checkpoint) = Head::open(&config.audit.head_dir, &verifiers)?;
    let store = Arc::clone(store);
    open_log(config, keyring, store, head, checkpoint, clock, entropy)
}

/// Writes one entry, with its changes, into the log of a vault that is not being served. If we
/// crash before it is on the disk, nothing happened; after it, everything did.
pub(super) async fn write_once(
    config: &Config,
    keyring: &Keyring,
    store: &Arc<dyn Store>,
    commit: Commit,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<(), AssemblyError> {
    let open = open_stopped_log(config, keyring, store, clock, entropy)?;
    let committed = open.log.commit(commit).await;
    open.close();
    committed?;
    Ok(())
}

pub(super) fn log_parts(
    config: &Config,
    keyring: &Keyring,
    store: Arc<dyn Store>,
    head: Head,
    head_checkpoint: SignedCheckpoint,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<LogParts, AssemblyError> {
    let access = Access::load(config.access.clone(), &*store, clock.now())?;
    Ok(LogParts {
        store,
        access,
        head: Box::new(head),
        head_checkpoint,
        signer: signer(config, keyring)?,
        keys: checkpoint_keys_of(config, keyring)?,
        clock,
        entropy,
        witness: config.audit.witness.as_ref().map(|it| it.window),
    })
}

/// How long closing waits for calls that were cut off.
const JOIN_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(5);
