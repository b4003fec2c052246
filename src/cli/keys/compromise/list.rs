//! The list of whom a key protects, as a CSV file that only its owner reads.

use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::keys::compromise::partial;
use crate::cli::keys::watch;
use crate::client::KeyClient;
use crate::domain::KeyVersion;
use crate::domain::Namespace;
use crate::durable;

/// What a list has.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    /// Records, one to a line.
    records_count: u64,
    /// Records under the key that do not open.
    damaged_count: u64,
    /// Whether records moved while it was read.
    has_moved: bool,
}

/// Asks whom the key version protects, or protected until it retired, and writes it. A file that
/// is there is left alone, and one that was not written to its end does not get its name.
/// Says whether nobody can be missing.
pub(super) async fn write(
    client: &KeyClient,
    namespace: &Namespace,
    version: KeyVersion,
    path: &Path,
) -> Result<bool, CliError> {
    let partial = beside(path);
    let file = partial::create(&partial)?;
    // A second handle, so that the lock lasts until the file has its name.
    let _locked = file.try_clone().map_err(CliError::file(&partial))?;
    let written = write_to(client, namespace, version, file).await;
    // To link, and not to rename, is never to replace what another has written meanwhile.
    let kept = match written {
        Ok(written) => fs::hard_link(&partial, path)
            .map(|()| written)
            .map_err(CliError::file(path)),
        Err(error) => Err(error),
    };
    fs::remove_file(&partial).map_err(CliError::file(&partial))?;
    let written = kept?;
    // The key may be destroyed once there is a list, which nobody can make again then.
    let directory = durable::directory_of(path);
    durable::sync_names(directory).map_err(CliError::file(path))?;
    say(format_args!(
        "{}: {} records of customers",
        path.display(),
        written.records_count
    ));
    if written.damaged_count > 0 {
        let count = written.damaged_count;
        say(format_args!("not on it: {count} records that do not open"));
    }
    if written.has_moved {
        say("records moved while it was read, and some may be missing: list again");
    }
    Ok(!written.has_moved)
}

/// How many records a list has.
pub(super) fn count(path: &Path) -> Result<u64, CliError> {
    let mut table = csv::Reader::from_path(path).map_err(CliError::failed)?;
    let mut row = csv::ByteRecord::new();
    let mut count = 0;
    while table.read_byte_record(&mut row).map_err(CliError::failed)? {
        count += 1;
    }
    Ok(count)
}

async fn write_to(
    client: &KeyClient,
    namespace: &Namespace,
    version: KeyVersion,
    file: File,
) -> Result<Written, CliError> {
    let mut pages = client.list_protected(namespace, version, true).await?;
    let mut table = csv::Writer::from_writer(file);
    let header = ["subject", "field", "further_customers"];
    table.write_record(header).map_err(CliError::failed)?;
    let (mut written, mut done_millionths) = (Written::default(), 0);
    let bar = watch::bar()?;
    while let Some(page) = pages.message().await.map_err(CliError::failed)? {
        for record in &page.records {
            let further = record.further_customers.to_string();
            let row = [&record.subject, &record.field, &further];
            table.write_record(row).map_err(CliError::failed)?;
        }
        written.records_count += u64::try_from(page.records.len()).unwrap_or(u64::MAX);
        written.damaged_count += u64::from(page.records_damaged);
        written.has_moved |= page.has_moved;
        done_millionths = page.done_millionths;
        bar.set_position(u64::from(done_millionths));
        bar.set_message(format!("{} records", written.records_count));
    }
    bar.finish_and_clear();
    if done_millionths < 1_000_000 {
        return Err(CliError::Failed("the list ended too early".to_owned()));
    }
    let mut file = table
        .into_inner()
        .map_err(|error| CliError::Stream(error.into_error()))?;
    file.flush()?;
    file.sync_all()?;
    Ok(written)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".partial");
    PathBuf::from(name)
}
