//! What a full disk must not do: stop the database from opening again.
//!
//! RocksDB needs space to open, to move what is in its log into tables; on a full disk it does
//! not. So a file of several memtables lies beside the database, which may be deleted at any time,
//! by hand or by a start that finds too little space. And a write is refused while there is still
//! space, since an error from the disk itself leaves the outcome of a write unknown.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use rustix::fs::FallocateFlags;

use crate::store::StoreError;
use crate::store::rocks::RocksOptions;
use crate::store::rocks::error::unavailable;

/// The file that lies beside the database to be deleted when the disk is full.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    ballast_bytes: u64,
    watermark_bytes: u64,
    present: AtomicBool,
}

impl Ballast {
    /// Looks for the file in `directory`, and deletes it if the database might not open otherwise.
    pub(super) fn prepare(directory: &Path, options: &RocksOptions) -> Result<Self, StoreError> {
        let path = directory.join(FILE_NAME);
        let memtable_bytes = options.memtable_bytes as u64;
        let ballast = Self {
            ballast_bytes: MEMTABLES_PER_BALLAST * memtable_bytes,
            watermark_bytes: MEMTABLES_PER_WATERMARK * memtable_bytes + options.disk_reserve_bytes,
            present: AtomicBool::new(false),
            path,
        };
        // A crash while it was laid down leaves a shorter file, which gives nothing back.
        let length = fs::metadata(&ballast.path).map_or(0, |metadata| metadata.len());
        ballast
            .present
            .store(length >= ballast.ballast_bytes, Ordering::Release);
        ballast.make_room(free_bytes(directory)?)?;
        Ok(ballast)
    }

    /// Refuses a write if the disk is about to be full, and lays the file down again once there is
    /// space for it. `free_bytes` is what the disk has now.
    pub(super) fn admit(&self, free_bytes: u64) -> Result<(), StoreError> {
        let present = self.present.load(Ordering::Acquire);
        // Without the file, its space is still spoken for: writes into it would be the last ones.
        let needed_bytes = if present {
            self.watermark_bytes
        } else {
            self.watermark_bytes + self.ballast_bytes
        };
        if free_bytes < needed_bytes {
            return Err(StoreError::DiskFull {
                free_bytes,
                needed_bytes,
            });
        }
        if !present {
            // Nothing was written: the disk had less room than it said.
            self.lay_down().map_err(|_| StoreError::DiskFull {
                free_bytes,
                needed_bytes,
            })?;
        }
        Ok(())
    }

    fn make_room(&self, free_bytes: u64) -> Result<(), StoreError> {
        if free_bytes < self.watermark_bytes && self.present.load(Ordering::Acquire) {
            fs::remove_file(&self.path).map_err(unavailable)?;
            self.present.store(false, Ordering::Release);
            tracing::warn!(free_bytes, "disk is nearly full: deleted the ballast");
        }
        Ok(())
    }

    fn lay_down(&self) -> io::Result<()> {
        let mut file = File::create(&self.path)?;
        let allocated =
            rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, self.ballast_bytes);
        match allocated {
            Ok(()) => {}
            Err(rustix::io::Errno::OPNOTSUPP) => self.fill(&mut file)?,
            Err(error) => return Err(error.into()),
        }
        file.sync_all()?;
        self.present.store(true, Ordering::Release);
        Ok(())
    }

    /// For file systems that cannot reserve space: writes it.
    fn fill(&self, file: &mut File) -> io::Result<()> {
        let chunk = vec![0xa5; 1 << 20];
        for _ in 0..self.ballast_bytes.div_ceil(1 << 20) {
            file.write_all(&chunk)?;
        }
        Ok(())
    }
}

/// Bytes on the disk of `directory` that a process without privileges may still fill.
pub(super) fn free_bytes(directory: &Path) -> Result<u64, StoreError> {
    let status = rustix::fs::statvfs(directory).map_err(unavailable)?;
    Ok(status.f_bavail.saturating_mul(status.f_frsize))
}

const FILE_NAME: &str = "ballast";
/// One memtable's worth was not enough to open again when it was tried, six were.
const MEMTABLES_PER_BALLAST: u64 = 6;
/// Room for the logs, for a flush of everything, and for one compaction of it.
const MEMTABLES_PER_WATERMARK: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const MEMTABLE_BYTES: usize = 1 << 10;
    const OPTIONS: RocksOptions = RocksOptions {
        block_cache_bytes: 0,
        memtable_bytes: MEMTABLE_BYTES,
        disk_reserve_bytes: 0,
    };

    #[test]
    fn write_is_refused_below_the_watermark() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::prepare(directory.path(), &OPTIONS).unwrap();
        ballast.admit(1 << 30).unwrap();
        assert_eq!(fs::metadata(&ballast.path).unwrap().len(), 6 << 10);
        ballast.admit(4 << 10).unwrap();
        let refused = ballast.admit((4 << 10) - 1);
        assert!(matches!(
            refused,
            Err(StoreError::DiskFull {
                needed_bytes: 4096,
                ..
            })
        ));
    }

    #[test]
    fn space_of_deleted_ballast_is_not_for_writes() {
        let directory = tempfile::tempdir().unwrap();
        let ballast = Ballast::prepare(directory.path(), &OPTIONS).unwrap();
        ballast.admit(1 << 30).unwrap();
        ballast.make_room(0).unwrap();
        assert!(!ballast.path.exists());
        let refused = ballast.admit(6 << 10);
        assert!(matches!(refused, Err(StoreError::DiskFull { .. })));
        ballast.admit(10 << 10).unwrap();
        assert!(ballast.path.exists());
    }

    #[test]
    fn ballast_that_was_cut_off_is_laid_down_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        fs::write(&path, [0xa5; 100]).unwrap();
        let ballast = Ballast::prepare(directory.path(), &OPTIONS).unwrap();
        // A file that is too short gives no room back.
        let refused = ballast.admit(6 << 10);
        assert!(matches!(refused, Err(StoreError::DiskFull { .. })));
        ballast.admit(10 << 10).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 6 << 10);
    }
}
