//! `counterfoil audit exposure`: who was seen, from a log on the disk or by asking the vault.

mod log;
mod table;
mod time;

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;

use crate::audit::Archive;
use crate::audit::CheckpointKeys;
use crate::audit::exposure::Comparison;
use crate::audit::exposure::Document;
use crate::audit::exposure::DocumentError;
use crate::audit::exposure::Query;
use crate::audit::exposure::Who;
use crate::cli::acting::ActingArgs;
use crate::cli::audit::LogArgs;
use crate::cli::audit::verify_error;
use crate::cli::block_on;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::domain::CaseId;
use crate::domain::Clock;
use crate::domain::GrantId;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::SystemClock;
use crate::domain::Timestamp;

pub(in crate::cli) use time::read_time;

/// Lists the customers whose values somebody saw, or may have seen, between two times
///
/// The list is made of the audit log alone. It is the log's own only if the log is: the part that
/// is read is proven to be that of a checkpoint that the public key signed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Times are UTC: 2026-11-22T18:46:31Z, 2026-11-22, now, or how long ago: 90m, 24h, 7d.
Exit code 4: the log or the report is wrong, or --compare found something taken back.

Examples:
  counterfoil audit exposure --dev .dev --everybody --from 24h
  counterfoil audit exposure --dev .dev --online --everybody --from 24h --json > signed.json
  counterfoil audit exposure --data-dir /var/lib/counterfoil --public-key audit.vkey \\
    --person acme/248289761001 --from 2026-11-20 --to 2026-11-23 --json > report.json
  counterfoil audit exposure --data-dir /var/lib/counterfoil --archive /mnt/archive \\
    --public-key audit.vkey --everybody --from 2025-01-01
  counterfoil audit exposure --check report.json --public-key audit.vkey --against log.jsonl
  counterfoil audit exposure --compare monday.json tuesday.json")]
pub(super) struct ExposureArgs {
    #[command(flatten)]
    log: LogArgs,

    #[command(flatten)]
    query: QueryArgs,

    /// Read an export of the log instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_dir", "head_dir"])]
    export: Option<PathBuf>,

    /// The archive of the beginning of the log, where that was pruned: both are verified as one log
    #[arg(long, value_name = "DIR", conflicts_with_all = ["online", "compare"])]
    archive: Option<PathBuf>,

    #[command(flatten)]
    online: OnlineArgs,

    /// Write the report as a JSON document, to be kept and checked
    #[arg(long)]
    json: bool,

    /// Check a report instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["export", "data_dir", "compare"])]
    check: Option<PathBuf>,

    /// With --check: make the report again from this data directory or export, and compare
    #[arg(long, value_name = "PATH", requires = "check")]
    against: Option<PathBuf>,

    /// Say what a newer report has more, and less, than an older one
    #[arg(long, num_args = 2, value_names = ["OLDER", "NEWER"])]
    compare: Vec<PathBuf>,
}

/// The running vault, which may be asked instead of its log.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Asking the running vault")]
struct OnlineArgs {
    /// Ask the running vault, which signs the report and records that you asked
    #[arg(long, conflicts_with_all = ["export", "data_dir", "check", "compare"])]
    online: bool,

    /// With --dev: which of its identities to be
    #[arg(long = "as", value_name = "NAME", default_value = "auditor")]
    identity: String,

    /// Without --dev: a TOML file that says where the vault is, as for other commands
    #[arg(long, value_name = "FILE", env = "COUNTERFOIL_CONFIG_CLIENT")]
    config_client: Option<PathBuf>,

    #[command(flatten)]
    acting: ActingArgs,
}

/// Who, whom and when.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What is asked")]
struct QueryArgs {
    /// Seen by this program
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,

    /// Seen by this person
    #[arg(long, value_name = "ISSUER/SUBJECT")]
    person: Option<String>,

    /// Seen with this client certificate: SHA-256 of its DER, hexadecimal
    #[arg(long, value_name = "SHA256")]
    credential: Option<String>,

    /// Seen for this case
    #[arg(long = "case", value_name = "CASE")]
    case_id: Option<String>,

    /// Seen under this grant
    #[arg(long = "grant", value_name = "ID")]
    grant_id: Option<String>,

    /// Values whose records were under this version of the wrapping key
    #[arg(long, value_name = "N")]
    key_version: Option<u32>,

    /// Seen by anybody
    #[arg(long)]
    everybody: bool,

    /// Customers of this tenant only
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// From this time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,

    /// Until before this time
    #[arg(long, value_name = "TIME", default_value = "now")]
    to: String,
}

impl ExposureArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        if let [older, newer] = self.compare.as_slice() {
            return compare(&read_document(older)?, &read_document(newer)?);
        }
        if let Some(path) = &self.check {
            return self.check(path);
        }
        let query = self.query.read()?;
        let keys = self.log.public_keys()?;
        let document = if self.online.online {
            self.ask(&query, &keys)?
        } else {
            let archive = self.archive()?;
            let report = match &self.export {
                Some(path) => log::of_export(path, archive.as_ref(), None, &query, &keys)?,
                None => {
                    let head = self.log.head(&keys)?;
                    let (store, head) = (self.log.open()?, Some(&head));
                    log::of_store(&store, archive.as_ref(), head, &query, &keys)?
                }
            };
            Document::new(&query, &report)
        };
        if self.json {
            writeln!(io::stdout(), "{}", document.text())?;
        } else {
            table::write(&document)?;
        }
        if document.namespaces.is_empty() {
            // A name that nobody has is answered as one that saw nobody.
            say("no entry of this time is what was asked for: are the names as the log has them?");
        }
        say(table::summary(&document));
        Ok(Exit::Done)
    }

    /// Asks the running vault, and believes its answer only with its signature.
    fn ask(&self, query: &Query, keys: &CheckpointKeys) -> Result<Document, CliError> {
        let connection = ConnectionArgs::of(
            self.log.dev().map(Path::to_owned),
            self.online.identity.clone(),
            self.online.config_client.clone(),
            query.namespace.as_ref().map(Namespace::to_string),
        );
        let document = block_on(async {
            let client = self.online.acting.audit(&connection).await?;
            Ok(client.report_exposure(query).await?)
        })?;
        match document.check(keys) {
            Ok(_) => Ok(document),
            Err(error) => Err(CliError::Verification(format!("NOT verified: {error}"))),
        }
    }

    fn archive(&self) -> Result<Option<Archive>, CliError> {
        let opened = self.archive.as_deref().map(Archive::open).transpose();
        opened.map_err(verify_error)
    }

    fn check(&self, path: &Path) -> Result<Exit, CliError> {
        let log = match &self.against {
            Some(data_dir) if data_dir.is_dir() => self.log.of_data_dir(data_dir),
            Some(_) | None => self.log.clone(),
        };
        let keys = log.public_keys()?;
        let document = read_document(path)?;
        let signed = document.check(&keys);
        let Some(against) = &self.against else {
            let checkpoint = signed.map_err(|error| refused(path, error))?;
            let size = checkpoint.size();
            writeln!(io::stdout(), "verified: signed, of a log of {size} entries")?;
            say(table::summary(&document));
            return Ok(Exit::Done);
        };
        // A report that is made again from the log needs no signature; a wrong one is one too many.
        let is_signed = match signed {
            Ok(_) => true,
            Err(DocumentError::Unsigned) => false,
            Err(error) => return Err(refused(path, error)),
        };
        let wrong = |error| refused(path, error);
        let checkpoint = document.checkpoint(&keys).map_err(wrong)?;
        let query = document.query().map_err(wrong)?;
        let archive = self.archive()?;
        let report = if against.is_dir() {
            let store = log.open()?;
            log::as_of(&store, archive.as_ref(), &checkpoint, &query, &keys)?
        } else {
            log::of_export(against, archive.as_ref(), Some(&checkpoint), &query, &keys)?
        };
        if Document::new(&query, &report) != document.unsigned() {
            let path = path.display();
            let problem = format!("NOT verified: {path}: report is not the one of this log");
            return Err(CliError::Verification(problem));
        }
        let signature = if is_signed { "signed" } else { "not signed" };
        writeln!(
            io::stdout(),
            "verified: {signature}, and the one that the log gives"
        )?;
        say(table::summary(&document));
        Ok(Exit::Done)
    }
}

impl QueryArgs {
    fn read(&self) -> Result<Query, CliError> {
        let who = Who {
            principal: part("--principal", &self.principal, |it| Principal::new(it).ok())?,
            person: part("--person", &self.person, |it| PersonId::read(it).ok())?,
            credential: part("--credential", &self.credential, read_hash)?,
            case_id: part("--case", &self.case_id, |it| CaseId::new(it).ok())?,
            grant_id: part("--grant", &self.grant_id, |it| GrantId::new(it).ok())?,
            key_version: match self.key_version {
                Some(number) => {
                    let version = KeyVersion::new(number);
                    Some(version.ok_or_else(|| usage("--key-version", "is from 1"))?)
                }
                None => None,
            },
        };
        if who.is_everybody() != self.everybody {
            let problem = "is one or more of --principal, --person, --credential, --case, --grant \
                 and --key-version, or --everybody";
            return Err(usage("who is asked about", problem));
        }
        let now = SystemClock::default().now();
        let from = self.from.as_deref();
        let from = from.ok_or_else(|| usage("--from", "is missing"))?;
        let query = Query {
            from: time("--from", from, now)?,
            to: time("--to", &self.to, now)?,
            namespace: part("--namespace", &self.namespace, |it| Namespace::new(it).ok())?,
            who,
        };
        if query.from >= query.to {
            return Err(usage("--from", "is not before --to"));
        }
        Ok(query)
    }
}

fn compare(older: &Document, newer: &Document) -> Result<Exit, CliError> {
    if older.query != newer.query {
        say("the reports were asked different questions");
    }
    let comparison = Comparison::new(older, newer);
    table::write_comparison(&comparison)?;
    let count = |name: &str, count: usize| format!("{count} {name}");
    say(format!(
        "{}, {}, {}",
        count("added", comparison.added.len()),
        count("widened", comparison.widened.len()),
        count("narrowed or gone", comparison.narrowed.len())
    ));
    if comparison.is_extension() {
        Ok(Exit::Done)
    } else {
        Ok(Exit::VerificationFailed)
    }
}

fn read_document(path: &Path) -> Result<Document, CliError> {
    let text = fs::read_to_string(path).map_err(CliError::file(path))?;
    Document::read(&text).map_err(|error| refused(path, error))
}

fn refused(path: &Path, error: DocumentError) -> CliError {
    CliError::Verification(format!("NOT verified: {}: {error}", path.display()))
}

fn part<T>(
    name: &str,
    text: &Option<String>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, CliError> {
    let Some(text) = text else { return Ok(None) };
    match read(text) {
        Some(part) => Ok(Some(part)),
        None => Err(usage(name, "is not one")),
    }
}

fn time(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    let problem = "is no time: 2026-11-22T18:46:31Z, 2026-11-22, now, or how long ago: 24h";
    read_time(text, now).ok_or_else(|| usage(name, problem))
}

fn read_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    Some(hash)
}

fn usage(name: &str, problem: &str) -> CliError {
    CliError::Usage(format!("{name} {problem}"))
}
