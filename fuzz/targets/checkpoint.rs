//! Checkpoints, signed notes and verifier keys: what is accepted is written back byte for byte, and
//! what verifies is what was signed.
//!
//! The first byte chooses: a text as it stands, or a checkpoint that is signed and then changed.

#![no_main]

use counterfoil::crypto::AuditSigningKey;
use counterfoil::crypto::KeyBytes;
use counterfoil::crypto::merkle::Hash;
use counterfoil::crypto::note::Checkpoint;
use counterfoil::crypto::note::NoteKeyName;
use counterfoil::crypto::note::NoteVerifier;
use counterfoil::crypto::note::SignedNote;
use counterfoil_fuzz::fault;
use counterfoil_fuzz::input::Input;
use counterfoil_fuzz::input::change;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut input = Input::new(data);
    if input.byte() == b'!' {
        signed(&mut input);
        return Corpus::Keep;
    }
    let Ok(text) = str::from_utf8(data) else {
        return Corpus::Reject;
    };
    read(text);
    Corpus::Keep
});

fn read(text: &str) {
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert!(checkpoint.to_string() == text);
    }
    if let Ok(verifier) = text.parse::<NoteVerifier>() {
        assert!(verifier.to_string() == text);
    }
    if let Ok(note) = text.parse::<SignedNote>() {
        assert!(note.to_string() == text);
        drop(note.text().parse::<Checkpoint>());
    }
}

/// What verifies after a change is what was signed.
fn signed(input: &mut Input<'_>) {
    let key = AuditSigningKey::new(&KeyBytes::from_array(&[7; KeyBytes::LENGTH]));
    let origin = NoteKeyName::new("acme.example/counterfoil").expect("a name");
    let checkpoint = Checkpoint {
        origin: origin.clone(),
        tree_size: input.number(),
        root_hash: Hash::from_bytes(input.array()),
    };
    let note = checkpoint.sign(&key).expect("a checkpoint can be signed");
    let mut bytes = note.to_string().into_bytes();
    for _ in 0..input.below(4) {
        change(&mut bytes, input);
    }
    let Ok(changed) = String::from_utf8(bytes) else {
        return;
    };
    read(&changed);
    let verifier = key.verifier(origin);
    if let Ok(changed) = changed.parse::<SignedNote>() {
        let verified = match Checkpoint::verify(&changed, &verifier) {
            // As if the signature were not looked at.
            Err(_) if fault::is_planted() => changed.text().parse(),
            verified => verified,
        };
        if let Ok(verified) = verified {
            assert!(verified == checkpoint, "what verifies was not signed");
        }
    }
}
