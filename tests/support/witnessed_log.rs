//! A log that is witnessed, and how its checkpoints are submitted.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use counterfoil::crypto::AuditSigningKey;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::merkle::Frontier;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::merkle::HashReader;
use counterfoil::crypto::merkle::consistency_proof;
use counterfoil::crypto::merkle::leaf_hash;
use counterfoil::crypto::note::Checkpoint;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::Submission;

pub(crate) const ORIGIN: &str = "vault.example/audit";

/// A log that signs what it is asked to.
pub(crate) struct TestLog {
    pub(crate) key: AuditSigningKey,
    hashes: HashMap<(u8, u64), Hash>,
    roots: Vec<Hash>,
}

impl HashReader for TestLog {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.hashes[&(level, index)])
    }
}

impl TestLog {
    pub(crate) fn new(size: u64, branch: u8) -> Self {
        let mut log = Self {
            // The first key of the log in `fuzz/seeds`, whose proofs are so of this log, too.
            key: AuditSigningKey::new(&KeyBytes::from_array(&[7; 32])),
            hashes: HashMap::new(),
            roots: vec![Hash::of_empty_tree()],
        };
        let mut frontier = Frontier::new();
        for index in 0..size {
            let leaf = leaf_hash(&[&[branch], index.to_be_bytes().as_slice()].concat());
            let hashes = &mut log.hashes;
            let keep = |level, index, hash| {
                hashes.insert((level, index), hash);
            };
            frontier.append(leaf, keep).unwrap();
            log.roots.push(frontier.root());
        }
        log
    }

    pub(crate) fn origin() -> NoteKeyName {
        NoteKeyName::new(ORIGIN).unwrap()
    }

    pub(crate) fn root(&self, size: u64) -> Hash {
        self.roots[usize::try_from(size).unwrap()]
    }

    pub(crate) fn submission(&self, old_size: u64, size: u64) -> Submission {
        let checkpoint = Checkpoint {
            origin: Self::origin(),
            tree_size: size,
            root_hash: self.root(size),
        };
        Submission {
            old_size,
            proof: consistency_proof(self, old_size, size).unwrap(),
            note: checkpoint.sign(&self.key).unwrap(),
        }
    }
}

/// Posts a submission; nothing if the witness is gone before it has answered.
pub(crate) fn post(address: &str, body: &str) -> Option<(u16, String)> {
    let length = body.len();
    ask(
        address,
        &format!("POST /add-checkpoint HTTP/1.1\r\nContent-Length: {length}"),
        body,
    )
}

/// Asks over a connection of its own; nothing if nobody is there, or who is there does not answer.
pub(crate) fn ask(address: &str, head: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = format!("{head}\r\nHost: witness\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
