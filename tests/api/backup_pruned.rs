//! A backup of a vault whose log has erased entries, and whose beginning is in an archive.

use std::fs;

use counterfoil::backup;
use counterfoil::backup::RestoredHead;

use crate::backup::back_up;
use crate::backup::backups;
use crate::backup::restore;
use crate::erase_entry::erase;
use crate::erase_entry::tokenized;
use crate::office::Office;
use crate::prune::grow;
use crate::prune::prune;
use crate::prune::verify_behind;
use crate::purge::contents;
use crate::purge::files_with;

const LINES: &str = "[officers.rules]\nprune-log = { delay_seconds = 0 }\n\
     erase-entry = { delay_seconds = 0 }\n[backup]\ndir = \"backups\"\nkeep = 3\n";
/// Customers whose ids are found wherever they are written in clear.
const PRUNED: &str = "cus_Lm2Vx9QpZr7Tn4Ks";
const ERASED: &str = "cus_Hd8Wc3YbJf6Gu5Na";

/// Goal: what a backup is made of is all that there is, and a vault that is made from it starts,
/// and verifies, alone and with the archive. Method: an entry erased before it is archived, one
/// that is erased behind the archive, the log pruned, a backup; then the vault from it on a new
/// machine.
#[tokio::test(flavor = "multi_thread")]
async fn vault_from_a_backup_of_a_pruned_log_starts_and_verifies() {
    let mut office = Office::open_with(&[1, 2, 3], LINES).await;
    fs::create_dir(office.vault.directory().join("backups")).unwrap();
    let early = tokenized(&office.vault, ERASED).await;
    tokenized(&office.vault, PRUNED).await;
    erase(&office, early).await;
    for _ in 0..300 {
        office.list().await;
    }
    let directory = tempfile::tempdir().unwrap();
    prune(&office, &grow(&office, &directory)).await.unwrap();
    let late = tokenized(&office.vault, ERASED).await;
    erase(&office, late).await;
    let before = office.vault.client("approver").await;
    let made = back_up(&before, "").await.unwrap();
    let verified = backup::verify(&backups(&office.vault), None, &office.vault.public_keys());
    let report = verified.unwrap().report;
    assert_eq!((report.archived_size, report.erased_count), (256, 1));
    assert_eq!(report.tree_size, made.tree_size);
    // No byte of them is in it.
    let found = |text: &str| files_with(&contents(&backups(&office.vault)), text.as_bytes());
    assert_eq!((found(PRUNED), found(ERASED)), (0, 0));

    office.vault.stop().await;
    assert_eq!(restore(&office.vault, false), RestoredHead::Made);
    office.vault.serve().await.unwrap();
    office.keys = Office::connect(&office.vault).await;
    tokenized(&office.vault, ERASED).await;
    office.vault.restart().await;
    office.vault.stop().await;
    let whole = verify_behind(&office, &directory);
    assert_eq!((whole.archived_size, whole.erased_count), (0, 2));
    assert_eq!((whole.untold_count, whole.still_archived_count), (0, 0));
    let alone = office.vault.check().await;
    assert_eq!((alone.archived_size, alone.root), (256, whole.root));
}
