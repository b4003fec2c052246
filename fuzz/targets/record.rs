//! Records of the store: bytes that decode are the one encoding of what they say.
//!
//! The first byte chooses: bytes as they stand, or a record made of the bytes.

#![no_main]

use counterfoil::domain::Fidelity;
use counterfoil::domain::KeyVersion;
use counterfoil::domain::Timestamp;
use counterfoil::store::Record;
use counterfoil::store::RecordState;
use counterfoil::store::Successor;
use counterfoil::store::ValueIndex;
use counterfoil_fuzz::fault;
use counterfoil_fuzz::input::Input;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    if input.flag() {
        made(&mut input);
    } else {
        decoded(input.rest());
    }
});

/// Whatever decodes encodes to the same bytes.
fn decoded(bytes: &[u8]) {
    if let Ok(record) = Record::decode(bytes) {
        let again = record.encode().expect("what decodes encodes");
        assert!(again == bytes, "a record has two encodings");
    }
}

/// A record decodes to itself, or is too large; with one byte changed it is another one, or none.
fn made(input: &mut Input<'_>) {
    let (place, change) = (input.below(1 << 16), input.byte());
    let record = record(input);
    let Ok(mut bytes) = record.encode() else {
        return;
    };
    let mut read = Record::decode(&bytes).expect("what is encoded decodes");
    if fault::is_planted() && read.value_index.is_some() {
        read.expires = None;
    }
    assert!(read == record, "a record is read as another");
    let place = place % bytes.len();
    bytes[place] ^= change;
    decoded(&bytes);
    if change != 0 {
        assert!(
            Record::decode(&bytes).ok() != Some(record),
            "a record has two encodings"
        );
    }
}

fn record(input: &mut Input<'_>) -> Record {
    let (wrapped, subject) = (input.below(600), input.below(600));
    let layout_version = u16::from_be_bytes(input.array());
    let fidelity = FIDELITIES[input.below(FIDELITIES.len())];
    let mut record = Record {
        layout_version,
        fidelity,
        outline_size: input.byte(),
        state: [RecordState::Live, RecordState::Erased][input.below(2)],
        wrapping_version: key_version(input),
        token_version: key_version(input),
        value_index: input.flag().then(|| ValueIndex {
            fingerprint: input.array(),
            key_version: key_version(input),
        }),
        created: Timestamp::from_unix_ms(input.number()),
        expires: input
            .flag()
            .then(|| Timestamp::from_unix_ms(input.number())),
        wrapped: input.bytes(wrapped).to_vec(),
        subject: input.bytes(subject).to_vec(),
        successor: input.flag().then(|| {
            let wrapped = input.below(600);
            Successor {
                fidelity: FIDELITIES[input.below(FIDELITIES.len())],
                outline_size: input.byte(),
                wrapped: input.bytes(wrapped).to_vec(),
            }
        }),
        residue: input.rest().to_vec(),
        token: Vec::new(),
    };
    // A token that was imported is kept too.
    if fidelity == Fidelity::Imported {
        let half = record.residue.len() / 2;
        record.token = record.residue.split_off(half);
    }
    record
}

fn key_version(input: &mut Input<'_>) -> KeyVersion {
    KeyVersion::new(u32::from_be_bytes(input.array())).unwrap_or(KeyVersion::FIRST)
}

const FIDELITIES: [Fidelity; 4] = [
    Fidelity::Shape,
    Fidelity::Outline,
    Fidelity::Opaque,
    Fidelity::Imported,
];
