//! What a core dump of a vault would hold.

use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::testbed::Failure;

/// The memory of a process that it may write to, as it was at one moment.
pub(crate) struct Memory(Vec<Vec<u8>>);

impl Memory {
    /// Reads it while the process goes on; nothing if it may not be read here.
    pub(crate) fn read(process: u32) -> Result<Option<Self>, Failure> {
        let memory = match File::open(format!("/proc/{process}/mem")) {
            Ok(memory) => memory,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut regions = Vec::new();
        for line in fs::read_to_string(format!("/proc/{process}/maps"))?.lines() {
            let mut words = line.split_whitespace();
            let (Some(range), Some(access)) = (words.next(), words.next()) else {
                continue;
            };
            let (start, end) = range.split_once('-').ok_or("a range has two ends")?;
            let start = u64::from_str_radix(start, 16)?;
            let end = u64::from_str_radix(end, 16)?;
            if !access.starts_with("rw") {
                continue;
            }
            let mut region = vec![0; usize::try_from(end - start)?];
            // What the kernel keeps to itself, a core dump does not hold either.
            if memory.read_exact_at(&mut region, start).is_ok() {
                regions.push(region);
            }
        }
        Ok(Some(Self(regions)))
    }

    /// How often the key is in it.
    pub(crate) fn count(&self, key: &[u8; KEY_BYTES]) -> usize {
        self.counts(&[*key]).into_iter().sum()
    }

    /// How often each key is in it.
    pub(crate) fn counts(&self, keys: &[[u8; KEY_BYTES]]) -> Vec<usize> {
        let numbered = keys.iter().enumerate();
        let beginnings: HashMap<_, _> = numbered
            .filter_map(|(number, key)| Some((key.first_chunk::<BEGINNING_BYTES>()?, number)))
            .collect();
        let mut counts = vec![0; keys.len()];
        for window in self.0.iter().flat_map(|region| region.windows(KEY_BYTES)) {
            let number = match window.first_chunk::<BEGINNING_BYTES>() {
                // Most of memory.
                None | Some([0, 0, 0, 0, 0, 0, 0, 0]) => continue,
                Some(beginning) => beginnings.get(beginning),
            };
            let Some(number) = number else {
                continue;
            };
            if let (Some(key), Some(count)) = (keys.get(*number), counts.get_mut(*number)) {
                *count += usize::from(window == key);
            }
        }
        counts
    }
}

pub(crate) const KEY_BYTES: usize = 32;
/// No two keys begin alike, and none with so many zeros.
const BEGINNING_BYTES: usize = 8;
