//! A group: which calls it has, and which of them get a place in the log.

use tokio::sync::mpsc;

use crate::access::Access;
use crate::access::Granted;
use crate::audit::CheckpointSigner;
use crate::audit::Commit;
use crate::audit::CommitError;
use crate::audit::EntryDraft;
use crate::audit::log::Answer;
use crate::audit::log::Call;
use crate::audit::window::Turn;
use crate::domain::Epoch;
use crate::store::Changes;

/// A call that has its place, and who waits for it: nobody, for what follows from a call.
pub(super) struct Placed {
    pub(super) changes: Changes,
    pub(super) entry: EntryDraft,
    pub(super) answer: Option<(Answer, Granted)>,
    pub(super) signer: Option<CheckpointSigner>,
}

impl Placed {
    /// An entry that follows from a call.
    fn following(entry: EntryDraft) -> Self {
        Self {
            changes: Changes::default(),
            entry,
            answer: None,
            signer: None,
        }
    }
}

/// The first call and what waits behind it, up to the limits of a group.
pub(super) fn take_group(first: Call, waiting: &mut mpsc::Receiver<Call>) -> Vec<Call> {
    let (mut rows_count, mut bytes) = weight(&first);
    // What comes after another signer took over is signed by it.
    let mut is_last = first.commit.signer.is_some();
    let mut group = vec![first];
    while !is_last
        && group.len() < GROUP_CALLS_MAX
        && rows_count < GROUP_ROWS_MAX
        && bytes < GROUP_BYTES_MAX
    {
        let Ok(call) = waiting.try_recv() else { break };
        let (call_rows_count, call_bytes) = weight(&call);
        rows_count += call_rows_count;
        bytes += call_bytes;
        is_last = call.commit.signer.is_some();
        group.push(call);
    }
    group
}

fn weight(call: &Call) -> (usize, usize) {
    let Call { commit, .. } = call;
    let bytes = commit.changes.bytes_estimate() + commit.entry.bytes_estimate();
    (commit.changes.rows_count_max() + 2, bytes)
}

/// Answers the calls whose keys are no longer in use, and returns the others. Keys change only
/// after the entry that says so, and before anybody is told: what is written from then on is under
/// the new ones.
pub(super) fn turn_away_bygone(group: Vec<Call>) -> Vec<Call> {
    let mut current = Vec::with_capacity(group.len());
    for call in group {
        if call.commit.epoch.as_ref().is_none_or(Epoch::is_current) {
            current.push(call);
        } else {
            let _gone = call.answer.send(Err(CommitError::KeysChanged));
        }
    }
    current
}

/// Asks grants, budgets and freezes about each call in turn. Those that are refused are answered
/// at once; what follows from one, such as a freeze, gets the place after it.
pub(super) fn judge(access: &mut Access, calls: Vec<Call>, turn: &Turn<'_>) -> Vec<Placed> {
    let mut placed = Vec::with_capacity(calls.len());
    for Call { commit, answer } in calls {
        if commit.releases_values() && !turn.admits(placed.len()) {
            let _gone = answer.send(Err(CommitError::Unwitnessed));
            continue;
        }
        let Commit {
            changes,
            mut entry,
            claim,
            epoch: _,
            further,
            signer,
        } = commit;
        let Some(claim) = claim else {
            keep_known_grant(access, &mut entry);
            let answer = Some((answer, Granted::default()));
            placed.push(Placed {
                changes,
                entry,
                answer,
                signer,
            });
            placed.extend(further.into_iter().map(Placed::following));
            continue;
        };
        let judgment = access.judge(&claim, turn.now);
        match judgment.outcome {
            Ok(granted) => {
                entry.access.effect = granted.effect;
                keep_known_grant(access, &mut entry);
                let answer = Some((answer, granted));
                placed.push(Placed {
                    changes,
                    entry,
                    answer,
                    signer,
                });
                placed.extend(further.into_iter().map(Placed::following));
            }
            Err(refusal) => {
                let _gone = answer.send(Err(refusal.into()));
            }
        }
        let consequence = judgment.consequence.map(|freeze| {
            Placed::following(EntryDraft::of_freeze(
                &freeze,
                &claim.actor,
                access.rules_hash(),
            ))
        });
        placed.extend(consequence);
    }
    placed
}

/// What a caller calls a grant may be anything: only what is the id of one goes into the log.
fn keep_known_grant(access: &Access, entry: &mut EntryDraft) {
    let named = entry.access.grant_id.take();
    entry.access.grant_id = named.filter(|id| access.grant(id).is_some());
}

/// The most calls of a group: beyond some hundreds the sync is a small part of each already.
const GROUP_CALLS_MAX: usize = 1_024;
/// The most rows that a group may have before its last call.
const GROUP_ROWS_MAX: usize = 16_384;
/// The most bytes that a group may have before its last call.
const GROUP_BYTES_MAX: usize = 8 << 20;
