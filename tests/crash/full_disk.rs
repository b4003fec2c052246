//! A disk that fills up under load: first to where the vault refuses to write, then to the last
//! byte, so that a write of the database itself fails.
//!
//! The disk is a tmpfs of its own, in a mount namespace that any user may make where the system
//! permits it.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use counterfoil::assembly;
use counterfoil::crypto::SystemEntropy;
use counterfoil::domain::SystemClock;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use rustix::fs::FallocateFlags;
use tonic::Code;

use crate::Plant;
use crate::configure;
use crate::health::Health;
use crate::health::Serving;
use crate::health::stops_serving;
use crate::inspection;
use crate::ledger::Acknowledged;
use crate::ledger::Fault;
use crate::ledger::Ledger;
use crate::load::Load;
use crate::load::detokenize_request;
use crate::load::tokenize_request;
use crate::questions;
use crate::server::Server;
use crate::testbed;
use crate::testbed::Failure;
use crate::untried::not_tried;
use crate::values::value;

#[test]
fn full_disk_loses_nothing_acknowledged() {
    run_inside(Plant::None).unwrap();
}

/// Planted: values that are released though the disk is full.
#[test]
fn release_on_a_full_disk_is_noticed() {
    run_inside(Plant::EarlyRelease).unwrap();
}

/// Runs the campaign on a disk of its own.
fn run_inside(plant: Plant) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let namespace = ["--user", "--map-root-user", "--mount"];
    let is_permitted = Command::new("unshare").args(namespace).arg("true").status();
    if !is_permitted.is_ok_and(|status| status.success()) {
        not_tried("no mount namespaces here (unshare --user --mount)");
        return Ok(());
    }
    let tried = Command::new("unshare")
        .args(namespace)
        .arg(std::env::current_exe()?)
        .args(["--exact", "full_disk::inside", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .env(PLANT, format!("{plant:?}"))
        .status()?;
    assert!(tried.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs in the mount namespace that the test above makes"]
async fn inside() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let directory = Path::new(&directory);
    if std::env::var(PLANT).unwrap() == format!("{:?}", Plant::EarlyRelease) {
        let ledger = campaign(directory, Plant::EarlyRelease).await.unwrap();
        let faults = &ledger.faults;
        assert!(faults.contains(&Fault::ServedOnAfterwards), "{faults:?}");
    } else {
        let ledger = campaign(directory, Plant::None).await.unwrap();
        assert_eq!(ledger.faults, Vec::<Fault>::new());
        assert!(!ledger.tokens.is_empty() && !ledger.reveals.is_empty());
        assert!(ledger.cut_off_count > 0, "calls met the full disk");
    }
}

async fn campaign(directory: &Path, plant: Plant) -> Result<Ledger, Failure> {
    mount(directory)?;
    testbed::prepare(directory)?;
    configure(directory, STORE)?;
    let config = testbed::config(directory)?;
    let (clock, entropy) = (Arc::new(SystemClock::default()), Arc::new(SystemEntropy));
    assembly::create(&config, &testbed::root_key(), clock, entropy).await?;
    let mut ledger = Ledger::new(directory)?;
    let server = Server::start(directory, plant).await?;
    let server = server.ok_or("not started")?;

    // Full as far as the vault lets it: nothing is written or revealed, and the process lives.
    let load = Load::start(&server, ledger, 1 << 32, None);
    tokio::time::sleep(LOADED).await;
    load.about_to_kill();
    ledger = load.finish().await?;
    let known = ledger.tokens.last().cloned().ok_or("no token yet")?;
    assert_eq!(codes(&server, &known).await, [Code::Ok; 2]);
    let filler = Filler::fill(directory, LEFT_BYTES)?;
    tokio::time::sleep(NOTICED).await;
    if codes(&server, &known).await != [Code::Unavailable; 2] {
        ledger.fault(Fault::ServedOnAfterwards);
    }
    // The planted fault's listener knows nothing of health.
    let health = Health::of(&server);
    if plant == Plant::None && !health.comes_to_say(Serving::No).await {
        ledger.fault(Fault::StillServing);
    }
    filler.remove()?;
    tokio::time::sleep(NOTICED).await;
    assert_eq!(codes(&server, &known).await, [Code::Ok; 2]);
    if plant == Plant::None && !health.comes_to_say(Serving::Yes).await {
        ledger.fault(Fault::NotServing);
    }
    if !ledger.faults.is_empty() {
        server.kill()?;
        println!("full disk: plant {plant:?}, faults {:?}", ledger.faults);
        return Ok(ledger);
    }

    // Full to the last byte, in the middle of writes.
    let load = Load::start(&server, ledger, 2 << 32, None);
    tokio::time::sleep(LOADED).await;
    load.about_to_fail();
    let filler = Filler::fill(directory, 0)?;
    tokio::time::sleep(LOADED).await;
    load.about_to_kill();
    ledger = load.finish().await?;
    see_refusal(server, &known, &mut ledger).await?;

    // It opens while the disk is full, or after there is space again; and everything is there.
    if let Some(server) = Server::start(directory, Plant::None).await? {
        see_refusal(server, &known, &mut ledger).await?;
    }
    filler.remove()?;
    tokio::task::block_in_place(|| inspection::inspect(directory, &mut ledger))?;
    let server = Server::start(directory, Plant::None).await?;
    let server = server.ok_or("not started with space")?;
    questions::ask(&server, &mut ledger, usize::MAX).await?;
    assert_eq!(codes(&server, &known).await, [Code::Ok; 2]);
    if !Health::of(&server).comes_to_say(Serving::Yes).await {
        ledger.fault(Fault::NotServing);
    }
    server.kill()?;
    tokio::task::block_in_place(|| inspection::inspect_by_both(directory, &mut ledger))?;
    println!(
        "full disk: {} tokens and {} reveals acknowledged, {} calls refused or cut off, \
         faults {:?}",
        ledger.tokens.len(),
        ledger.reveals.len(),
        ledger.cut_off_count,
        ledger.faults,
    );
    Ok(ledger)
}

/// Sees that a vault on a full disk neither writes nor reveals, and comes to say so if it is not
/// gone, as one is whose write failed; and ends it.
async fn see_refusal(
    mut server: Server,
    known: &Acknowledged,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    // To write and to reveal: one that is still done is not hidden by the other that is refused.
    if codes(&server, known).await.contains(&Code::Ok) {
        ledger.fault(Fault::ServedOnAfterwards);
    }
    if !stops_serving(&mut server).await? {
        ledger.fault(Fault::StillServing);
    }
    server.kill()
}

/// What becomes of a new value, and of a reveal.
async fn codes(server: &Server, known: &Acknowledged) -> [Code; 2] {
    let number = NUMBERS_APART + u64::from(std::process::id());
    let request = tokenize_request(&[value(number)], None);
    let tokenized = TokenServiceClient::new(server.token.clone())
        .tokenize(request)
        .await;
    let request = detokenize_request(std::slice::from_ref(known), "full-disk");
    let revealed = DetokenizationServiceClient::new(server.reveal.clone())
        .detokenize(request)
        .await;
    let code = |status: Option<&tonic::Status>| status.map_or(Code::Ok, tonic::Status::code);
    [
        code(tokenized.as_ref().err()),
        code(revealed.as_ref().err()),
    ]
}

fn mount(directory: &Path) -> Result<(), Failure> {
    let size = format!("size={DISK_MIB}m");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
        .arg(directory)
        .status()?;
    if mounted.success() {
        Ok(())
    } else {
        Err("tmpfs cannot be mounted".into())
    }
}

/// A file that takes the disk's space.
struct Filler(PathBuf);

impl Filler {
    /// Leaves so many bytes free.
    fn fill(directory: &Path, left_bytes: u64) -> Result<Self, Failure> {
        let path = directory.join("filler");
        let file = File::create(&path)?;
        let mut length = 0;
        loop {
            let disk = rustix::fs::statvfs(directory)?;
            let free_bytes = disk.f_bavail * disk.f_frsize;
            let wanted_bytes = free_bytes.saturating_sub(left_bytes);
            if wanted_bytes == 0 {
                return Ok(Self(path));
            }
            // The vault writes meanwhile, so there may be less by now.
            if rustix::fs::fallocate(&file, FallocateFlags::empty(), length, wanted_bytes).is_ok() {
                length += wanted_bytes;
            }
        }
    }

    fn remove(self) -> Result<(), Failure> {
        Ok(fs::remove_file(self.0)?)
    }
}

const STORE: &str = "[store]\nmemtable_mib = 32\ndisk_reserve_mib = 64";
const DIRECTORY: &str = "COUNTERFOIL_FULL_DISK_DIRECTORY";
const PLANT: &str = "COUNTERFOIL_FULL_DISK_PLANT";
/// Room for the file that the vault lays down, and for what it keeps free.
const DISK_MIB: u64 = 1_536;
/// Less than what the vault keeps free.
const LEFT_BYTES: u64 = 48 << 20;
/// How long clients are at work.
const LOADED: Duration = Duration::from_millis(400);
/// Longer than the vault takes to look at the disk again.
const NOTICED: Duration = Duration::from_millis(1_500);
/// Values that the clients do not get to.
const NUMBERS_APART: u64 = 1 << 40;
