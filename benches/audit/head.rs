//! What the head outside the database costs: commits with it, and with one that is not written.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use counterfoil::access::Access;
use counterfoil::access::AccessRules;
use counterfoil::audit::AuditLog;
use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::CheckpointSigner;
use counterfoil::audit::Commit;
use counterfoil::audit::EntryDraft;
use counterfoil::audit::Event;
use counterfoil::audit::Head;
use counterfoil::audit::HeadError;
use counterfoil::audit::LogParts;
use counterfoil::audit::SequencerThread;
use counterfoil::audit::SignedCheckpoint;
use counterfoil::audit::WriteHead;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::SystemClock;
use counterfoil::store::rocks::RocksOptions;
use counterfoil::store::rocks::RocksStore;

use crate::Failure;
use crate::machine::median;
use crate::signing_key;

/// A head that nobody writes: a vault with it would not notice that it was rolled back.
struct Nowhere;

impl WriteHead for Nowhere {
    fn write(&mut self, _checkpoint: &SignedCheckpoint) -> Result<(), HeadError> {
        Ok(())
    }
}

/// Prints the rates of both, by the number of callers.
pub(crate) fn measure(directory: &Path, rounds_count: usize) -> Result<(), Failure> {
    let (log, thread) = open(&directory.join("with"), true)?;
    let (bare, bare_thread) = open(&directory.join("without"), false)?;
    println!("| commits per second | with the head | without | ratio |\n|---|---|---|---|");
    for callers_count in [1, 16, 256] {
        let (mut rates, mut limits, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds_count {
            let (rate, limit) = (
                commits(&log, callers_count)?,
                commits(&bare, callers_count)?,
            );
            rates.push(rate);
            limits.push(limit);
            ratios.push(rate / limit);
        }
        println!(
            "| {callers_count} callers | {:.0} | {:.0} | {:.2} |",
            median(&rates),
            median(&limits),
            median(&ratios)
        );
    }
    drop((log, bare));
    thread.join();
    bare_thread.join();
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn commits(log: &AuditLog, callers_count: u32) -> Result<f64, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let begun = Instant::now();
    runtime.block_on(async {
        let callers = (0..callers_count).map(|_| {
            let log = log.clone();
            tokio::spawn(async move {
                for _ in 0..COMMITS_EACH {
                    let entry = EntryDraft::new(Event::Lookup);
                    log.commit(Commit::of_vault(entry)).await?;
                }
                Ok::<_, counterfoil::audit::CommitError>(())
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await??;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(f64::from(callers_count * COMMITS_EACH) / begun.elapsed().as_secs_f64())
}

fn open(directory: &Path, with_head: bool) -> Result<(AuditLog, SequencerThread), Failure> {
    let (key, origin) = signing_key()?;
    let keys = CheckpointKeys::new(vec![key.verifier(origin.clone())]);
    let signer = CheckpointSigner::new(origin, key);
    let head_checkpoint = signer.sign_empty().ok_or("an empty log can be signed")?;
    let store = RocksStore::create(&directory.join("store"), &RocksOptions::default())?;
    let head: Box<dyn WriteHead> = if with_head {
        Box::new(Head::create(&directory.join("head"), &head_checkpoint)?)
    } else {
        Box::new(Nowhere)
    };
    Ok(AuditLog::open(LogParts {
        store: Arc::new(store),
        head,
        head_checkpoint,
        access: Access::new(AccessRules::default()),
        signer,
        keys,
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
        witness: None,
    })?)
}

const COMMITS_EACH: u32 = 100;
