//! `counterfoil audit watch`: follows the log of a running vault, and verifies it as it goes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::audit::CheckpointKeys;
use crate::audit::FollowError;
use crate::audit::Follower;
use crate::audit::WitnessKeys;
use crate::cli::audit::LogKeyArgs;
use crate::cli::audit::auditor::AuditorArgs;
use crate::cli::audit::cosigned_at;
use crate::cli::audit::report::cosigned_time;
use crate::cli::audit::report::successor_words;
use crate::cli::audit::syslog::FormatArg;
use crate::cli::audit::syslog::SyslogArgs;
use crate::cli::audit::watch_state;
use crate::cli::audit::watch_state::WatchState;
use crate::cli::audit::watched::Output;
use crate::cli::audit::watched::Sink;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::cli::public_keys::WitnessKeyArgs;
use crate::client::AuditClient;
use crate::client::ClientError;
use crate::client::Code;
use crate::client::WantedTree;
use crate::crypto::merkle::verify_consistency;
use crate::outbound::syslog::Patience;

/// Follows the log of a running vault: each entry as a line of JSON, as `export` writes it
///
/// Nothing is written before it is verified: every entry is in the tree of a checkpoint that the
/// public key signed, and every checkpoint extends the ones before it. With --state that holds from
/// one run to the next, too.
///
/// With --syslog, entries are sent to a collector, as OCSF events unless --format says otherwise;
/// --state is then kept of what a collector over tcp or tls has read. While it cannot be reached,
/// it is tried again.
///
/// With --witness-key, the vault is asked for the latest checkpoint that its witness has cosigned
/// each time that following begins anew, and the log must be the one of that. It needs the
/// permission prove_audit_log, too.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Exit code 4: the vault showed a log that is not the one of its checkpoints, or went back; or no
given witness has cosigned it.

Examples:
  counterfoil audit watch --dev .dev
  counterfoil audit watch --config-client auditor.toml --public-key audit.vkey \\
    --state watched.checkpoint >> log.jsonl
  counterfoil audit watch --config-client auditor.toml --public-key audit.vkey \\
    --state watched.checkpoint --syslog tls:collector.example:6514 --syslog-ca ca.pem")]
pub(in crate::cli) struct WatchArgs {
    #[command(flatten)]
    keys: LogKeyArgs,

    /// The index of the first entry; by default where --state ends, else 0
    #[arg(long, value_name = "INDEX")]
    from: Option<u64>,

    /// End after this many entries
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Keep the checkpoint that was verified last in this file, and go on from it
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// How each entry is written; by default as lines, and to a collector as events
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FormatArg>,

    #[command(flatten)]
    witness: WitnessKeyArgs,

    #[command(flatten)]
    syslog: SyslogArgs,

    #[command(flatten)]
    auditor: AuditorArgs,
}

impl WatchArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let keys = self.keys.public_keys()?;
        let kept = self.state.as_deref();
        let kept = kept.map(|path| WatchState::read(path, &keys));
        let kept = kept.transpose()?.flatten();
        let kept_size = kept.as_ref().map_or(0, |kept| kept.checkpoint.size());
        let first_index = self.from.unwrap_or(kept_size);
        let mut follower = Follower::new(keys.clone(), first_index);
        let mut known_keys = keys;
        if let Some(kept) = &kept {
            let problem = "--from is beyond the checkpoint of --state: entries would go unseen";
            let beyond = |_| CliError::Usage(problem.to_owned());
            follower.remember(&kept.checkpoint).map_err(beyond)?;
            follower.remember_untold(&kept.untold);
        }
        let witnesses = self.witness.read()?;
        let mut output = self.output()?;
        let client = self.auditor.connect(self.keys.dev.as_deref()).await?;
        let end_index = self.count.map(|count| first_index.saturating_add(count));
        let is_over = |index| end_index.is_some_and(|end| index >= end);
        loop {
            if let Some(witnesses) = &witnesses {
                expect_cosigned(&client, witnesses, &known_keys, &mut follower).await?;
            }
            let asked = client.watch_entries(follower.next_index()).await;
            let mut pages = asked.map_err(|error| went_back(error, kept.is_some()))?;
            loop {
                let Some(page) = output.next_before_due(&mut pages).await else {
                    output.settle().await?;
                    continue;
                };
                if page.is_err() {
                    output.settle().await?;
                    say(format_args!("go on with --from {}", follower.next_index()));
                }
                let Some(page) = page? else { break };
                let checkpoint = follower.take(&page).map_err(not_verified)?;
                for successor in follower.take_successors() {
                    say(successor_words(&successor));
                    known_keys = known_keys.joined(&CheckpointKeys::new(vec![successor.key]));
                }
                output.write(&page, end_index).await?;
                if checkpoint.size() == follower.next_index()
                    && end_index.is_none_or(|end| checkpoint.size() <= end)
                {
                    output.verified(watch_state::text(&checkpoint, &follower));
                }
                if is_over(follower.next_index()) {
                    output.settle().await?;
                    return Ok(Exit::Done);
                }
                output.settle_if_full().await?;
            }
            // The vault ends streams now and then, and each beginning is an entry of its log.
            tokio::time::sleep(ANEW_AFTER).await;
        }
    }

    fn output(&self) -> Result<Output, CliError> {
        let collector = self
            .syslog
            .collector(self.format, Patience::Endless(PAUSE))?;
        let format = self.format.unwrap_or(FormatArg::Jsonl).format();
        let sink = match collector {
            Some(collector) => Sink::Syslog(Box::new(collector)),
            None => Sink::Stdout(format),
        };
        Ok(Output::new(sink, self.state.clone()))
    }
}

/// Asks for the latest checkpoint that a witness has cosigned, and how the log went on from there:
/// the follower must come to the same log.
async fn expect_cosigned(
    client: &AuditClient,
    witnesses: &WitnessKeys,
    known_keys: &CheckpointKeys,
    follower: &mut Follower,
) -> Result<(), CliError> {
    let wrong = |problem: &str| CliError::Verification(format!("NOT verified: {problem}"));
    let checkpoints = client.checkpoints().await?;
    let note = checkpoints.cosigned;
    let note = note.ok_or_else(|| wrong("the vault has no checkpoint that a witness cosigned"))?;
    let unix_seconds = cosigned_at(witnesses, &note).map_err(|problem| wrong(&problem))?;
    let unsigned = || wrong("there is no checkpoint that is signed by the given keys");
    // By any key of the log: the witness may have seen it last under one that was replaced since.
    // That the log went on from there is proven below.
    let cosigned = known_keys.verify(&note).ok_or_else(unsigned)?;
    let latest = follower.checkpoint(&checkpoints.latest);
    let latest = latest.ok_or_else(unsigned)?;
    let (first, second) = (cosigned.size(), latest.size());
    let proof = client
        .prove_consistency(first, second, WantedTree::Latest)
        .await?
        .hashes;
    verify_consistency(first, &cosigned.root(), second, &latest.root(), &proof)
        .map_err(|_| wrong("the log is another than the one that the witness cosigned"))?;
    // A log that is shorter than what was followed is refused when its entries are asked for.
    if second >= follower.next_index() {
        follower.remember(&latest).map_err(not_verified)?;
    }
    let time = cosigned_time(unix_seconds);
    say(format_args!(
        "the witness has seen {first} entries of {second}, and cosigned them on {time}"
    ));
    Ok(())
}

/// A log that is shorter than it was went back.
fn went_back(error: ClientError, is_kept: bool) -> CliError {
    match &error {
        ClientError::Call {
            code: Code::InvalidArgument,
            message,
        } if is_kept => {
            let problem = "NOT verified: the log went back behind the checkpoint of --state";
            CliError::Verification(format!("{problem}: {message}"))
        }
        ClientError::Call { .. }
        | ClientError::Connect { .. }
        | ClientError::Credentials { .. }
        | ClientError::Response(_) => error.into(),
    }
}

fn not_verified(error: FollowError) -> CliError {
    CliError::Verification(format!("NOT verified: {error}"))
}

/// How long after a collector could not be reached it is tried again first.
const PAUSE: Duration = Duration::from_millis(500);
/// How long after the end of a stream the next one begins.
const ANEW_AFTER: Duration = Duration::from_secs(1);
