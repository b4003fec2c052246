//! Where a vault in another process draws its keys from, and what it drew.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use counterfoil::crypto::Entropy;
use counterfoil::crypto::SystemEntropy;

use crate::memory::KEY_BYTES;
use crate::testbed::Failure;

/// Which generator a vault draws from.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Generator {
    /// The vault's.
    Forgetful,
    /// One that keeps what it gave until it has given more, as most do.
    Keeping,
}

/// Has the vault in this directory write down every key that it draws.
pub(crate) fn note_keys(directory: &Path, generator: Generator) -> Result<(), Failure> {
    if generator == Generator::Keeping {
        fs::write(directory.join(KEEPS), b"")?;
    }
    Ok(fs::write(directory.join(NOTED), b"")?)
}

/// The keys that it has drawn.
pub(crate) fn noted_keys(directory: &Path) -> Result<Vec<[u8; KEY_BYTES]>, Failure> {
    let noted = fs::read(directory.join(NOTED))?;
    let (keys, _) = noted.as_chunks();
    Ok(keys.iter().map(|key| key.map(|byte| !byte)).collect())
}

/// What the vault in this directory draws from.
pub(crate) fn of(directory: &Path) -> Arc<dyn Entropy> {
    let generator = match directory.join(KEEPS).exists() {
        true => Generator::Keeping,
        false => Generator::Forgetful,
    };
    match OpenOptions::new().append(true).open(directory.join(NOTED)) {
        Ok(file) => Arc::new(Noting { file, generator }),
        Err(_) => Arc::new(SystemEntropy),
    }
}

/// Writes down what it gives, each bit as its opposite: memory has no key by that.
struct Noting {
    file: File,
    generator: Generator,
}

impl Entropy for Noting {
    fn fill(&self, bytes: &mut [u8]) {
        match self.generator {
            Generator::Forgetful => SystemEntropy.fill(bytes),
            Generator::Keeping => rand::fill(bytes),
        }
        if let Some(key) = bytes.first_chunk::<KEY_BYTES>()
            && bytes.len() == KEY_BYTES
        {
            let noted = (&self.file).write_all(&key.map(|byte| !byte));
            assert!(noted.is_ok(), "a key cannot be written down");
        }
    }
}

const NOTED: &str = "drawn";
const KEEPS: &str = "keeps-draws";
