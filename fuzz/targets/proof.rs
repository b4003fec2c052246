//! What readers of the log are handed, and witnesses are sent: proofs, submissions and cosigner
//! keys. What is accepted is written back byte for byte, and a proof that verifies after a change
//! is of the leaf that it was made for.
//!
//! The first byte chooses: a text as it stands, or a proof that is made and then changed.

#![no_main]

use std::collections::HashMap;
use std::convert::Infallible;

use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::TlogProof;
use counterfoil::crypto::AuditSigningKey;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::merkle::Frontier;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::merkle::HashReader;
use counterfoil::crypto::merkle::inclusion_proof;
use counterfoil::crypto::merkle::leaf_hash;
use counterfoil::crypto::note::Checkpoint;
use counterfoil::crypto::note::CosignerVerifier;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::Submission;
use counterfoil_fuzz::fault;
use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::input::change;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    if input.byte() == b'!' {
        made(&mut input);
        return Corpus::Keep;
    }
    let Ok(text) = str::from_utf8(data) else {
        return Corpus::Reject;
    };
    read(text);
    Corpus::Keep
});

fn read(text: &str) {
    if let Ok(proof) = text.parse::<TlogProof>() {
        assert!(proof.to_string() == text);
    }
    if let Ok(submission) = text.parse::<Submission>() {
        assert!(submission.to_string() == text);
    }
    if let Ok(verifier) = text.parse::<CosignerVerifier>() {
        assert!(verifier.to_string() == text);
    }
}

/// A proof that verifies after a change is still of its leaf, in its place, in its log.
fn made(input: &mut Input<'_>) {
    let size = 1 + input.below(70) as u64;
    let index = input.below(size as usize) as u64;
    let (mut frontier, mut hashes) = (Frontier::new(), Hashes::default());
    for number in 0..size {
        let completed = |level, index, hash| {
            hashes.0.insert((level, index), hash);
        };
        let leaf = leaf_hash(&number.to_be_bytes());
        frontier.append(leaf, completed).expect("a small tree");
    }
    let key = AuditSigningKey::new(&KeyBytes::from_array(&[7; KeyBytes::LENGTH]));
    let origin = NoteKeyName::new("acme.example/counterfoil").expect("a name");
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        tree_size: size,
        root_hash: frontier.root(),
    };
    let note = checkpoint.sign(&key).expect("a checkpoint can be signed");
    let leaf = hashes.0[&(0, index)];
    let path = inclusion_proof(&hashes, index, size).expect("a leaf of the tree");
    let proof = TlogProof::new(index, leaf, path, note.to_string());
    let mut bytes = proof.to_string().into_bytes();
    for _ in 0..input.below(4) {
        change(&mut bytes, input);
    }
    let Ok(changed) = String::from_utf8(bytes) else {
        return;
    };
    read(&changed);
    let Ok(changed) = changed.parse::<TlogProof>() else {
        return;
    };
    if fault::is_planted() {
        // As if a proof that can be read were one that proves.
        assert!(changed == proof, "what is read was not made");
    }
    let keys = CheckpointKeys::new(vec![key.verifier(origin)]);
    if let Ok(proven) = changed.verify(&keys) {
        assert!(proven.index() == index, "another place is proven");
        assert!(proven.leaf_hash() == leaf, "another leaf is proven");
        assert!(proven.checkpoint().root() == frontier.root());
    }
}

#[derive(Default)]
struct Hashes(HashMap<(u8, u64), Hash>);

impl HashReader for Hashes {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[&(level, index)])
    }
}
