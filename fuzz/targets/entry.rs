//! Entries of the audit log: bytes that decode are the one encoding of what they say, and an
//! export that verifies is the log that was exported.
//!
//! The first byte chooses: bytes as they stand, an entry made of the bytes, or an export.

#![no_main]

use std::sync::LazyLock;

use counterfoil::access::Cause;
use counterfoil::access::Effect;
use counterfoil::audit::AccessNote;
use counterfoil::audit::CeremonyNote;
use counterfoil::audit::CheckpointKeys;
use counterfoil::audit::Decision;
use counterfoil::audit::Entry;
use counterfoil::audit::EntryDraft;
use counterfoil::audit::EntryItem;
use counterfoil::audit::ErrorClass;
use counterfoil::audit::Event;
use counterfoil::audit::ItemOutcome;
use counterfoil::audit::Report;
use counterfoil::audit::verify_export;
use counterfoil::ceremony::CeremonyState;
use counterfoil::ceremony::LogPoint;
use counterfoil::ceremony::OperationKind;
use counterfoil::crypto::Fingerprint;
use counterfoil::domain::CaseId;
use counterfoil::domain::CeremonyId;
use counterfoil::domain::FieldName;
use counterfoil::domain::FreezeTarget;
use counterfoil::domain::GrantId;
use counterfoil::domain::Group;
use counterfoil::domain::KeyPurpose;
use counterfoil::domain::KeyState;
use counterfoil::domain::KeyVersion;
use counterfoil::domain::Level;
use counterfoil::domain::Namespace;
use counterfoil::domain::OfficerName;
use counterfoil::domain::PersonId;
use counterfoil::domain::Principal;
use counterfoil::domain::Purpose;
use counterfoil::domain::RequestId;
use counterfoil::domain::Subject;
use counterfoil::domain::Timestamp;
use counterfoil_fuzz::fault;
use counterfoil_fuzz::input::Input;
use libfuzzer_sys::fuzz_target;

/// Exports: of a development vault; and of one log when it had four entries, when it had nine, and
/// of those from the fifth on, with every line that an export can have.
const EXPORTS: [&str; 4] = [
    include_str!("../seeds/entry/export"),
    include_str!("../seeds/entry/handover"),
    include_str!("../seeds/entry/whole"),
    include_str!("../seeds/entry/archived"),
];
/// The keys of both logs.
const VERIFIERS: [&str; 2] = [
    include_str!("../seeds/entry.vkey"),
    include_str!("../seeds/archive.vkey"),
];

/// The reports of the logs that were signed.
static SIGNED: LazyLock<(CheckpointKeys, Vec<Report>)> = LazyLock::new(signed);

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    match input.byte() {
        b'{' => export(data),
        choice if choice % 2 == 0 => decoded(input.rest()),
        _ => made(&mut input),
    }
});

/// Whatever decodes encodes to the same bytes.
fn decoded(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        assert!(entry.encode() == bytes, "an entry has two encodings");
    }
}

/// An entry decodes to itself, and with one byte changed to another one, or to none.
fn made(input: &mut Input<'_>) {
    let (place, change) = (input.below(1 << 16), input.byte());
    let entry = entry(input);
    let mut bytes = entry.encode();
    let mut read = Entry::decode(&bytes).expect("what is encoded decodes");
    if fault::is_planted() && read.draft.items.len() > 2 {
        read.draft.items.truncate(2);
    }
    assert!(read == entry, "an entry is read as another");
    let place = place % bytes.len();
    bytes[place] ^= change;
    decoded(&bytes);
    if change != 0 {
        assert!(
            Entry::decode(&bytes).ok() != Some(entry),
            "an entry has two encodings"
        );
    }
}

/// An export that verifies says what was signed, whatever was done to it.
fn export(bytes: &[u8]) {
    let (keys, signed) = &*SIGNED;
    if let Ok(report) = verify_export(bytes, keys) {
        assert!(signed.contains(&report), "another log verifies");
    }
}

/// The reports of the exports, and of what else was signed: the log as it was at a handover, or
/// when a witness cosigned it. Without the line of a handover it is the same log for whoever has
/// the key that was handed over to, as here; a cosigned line may be missing always.
fn signed() -> (CheckpointKeys, Vec<Report>) {
    let lines = VERIFIERS.iter().flat_map(|keys| keys.lines());
    let keys = lines.map(|line| line.parse().expect("a key of the seeds"));
    let keys = CheckpointKeys::new(keys.collect());
    let mut reports = Vec::new();
    for export in EXPORTS {
        reports.push(verify_export(export.as_bytes(), &keys).expect("the seed verifies"));
        let mut before = String::new();
        let mut without = String::new();
        for line in export.lines() {
            let note = ["{\"handover\":", "{\"cosigned\":"];
            let note = note.iter().find_map(|name| line.strip_prefix(name));
            if let Some(note) = note {
                let cut = format!("{before}{{\"checkpoint\":{note}\n");
                reports.extend(verify_export(cut.as_bytes(), &keys).ok());
            } else {
                without = without + line + "\n";
            }
            before = before + line + "\n";
        }
        reports.extend(verify_export(without.as_bytes(), &keys).ok());
    }
    (keys, reports)
}

fn entry(input: &mut Input<'_>) -> Entry {
    let draft = EntryDraft {
        event: one_of(input, Event::ALL),
        principal: name(input).and_then(|text| Principal::new(&format!("spiffe://{text}")).ok()),
        credential: input.flag().then(|| input.array()),
        person: name(input).and_then(|text| PersonId::read(&format!("acme/{text}")).ok()),
        login: input.flag().then(|| input.array()),
        methods: (0..input.below(4))
            .filter_map(|_| name(input).and_then(|text| Group::new(&text).ok()))
            .collect(),
        case_id: name(input).and_then(|text| CaseId::new(&text).ok()),
        purpose: name(input).and_then(|text| Purpose::new(&text).ok()),
        namespace: name(input).and_then(|text| Namespace::new(&text).ok()),
        items: (0..input.below(8)).map(|_| item(input)).collect(),
        token_key_version: key_version(input).unwrap_or(KeyVersion::FIRST),
        policy_hash: input.flag().then(|| input.array()),
        decision: input.flag().then(|| one_of(input, Decision::ALL)),
        error: input.flag().then(|| one_of(input, ErrorClass::ALL)),
        request_id: name(input).and_then(|text| RequestId::new(&text).ok()),
        level: input.flag().then(|| one_of(input, &Level::ALL)),
        intent_index: input.flag().then(|| input.number()),
        key: key_version(input).map(|version| (one_of(input, &PURPOSES), version)),
        access: access(input),
        ceremony: ceremony(input),
        // Read and written by a message of its own, which the first kind of input reaches.
        shares_given: Vec::new(),
        sharing: None,
    };
    Entry {
        index: input.number(),
        time: Timestamp::from_unix_ms(input.number()),
        uptime_ms: input.number(),
        draft,
    }
}

fn ceremony(input: &mut Input<'_>) -> CeremonyNote {
    CeremonyNote {
        id: name(input).and_then(|text| CeremonyId::new(&text).ok()),
        operation: input.flag().then(|| one_of(input, &OperationKind::ALL)),
        statement_digest: input.flag().then(|| input.array()),
        officers: (0..input.below(4))
            .filter_map(|_| name(input).and_then(|text| OfficerName::new(&text).ok()))
            .collect(),
        state: input.flag().then(|| one_of(input, &CeremonyState::ALL)),
        key_state: input.flag().then(|| one_of(input, &KeyState::ALL)),
        records_count: input.flag().then(|| input.number()),
        charter_digest: input.flag().then(|| input.array()),
        lost_head: input.flag().then(|| LogPoint {
            size: input.number(),
            root: input.array(),
        }),
        public_key: input.flag().then(|| input.array()),
        erased_index: input.flag().then(|| input.number()),
        archived: input.flag().then(|| LogPoint {
            size: input.number(),
            root: input.array(),
        }),
        register_digest: input.flag().then(|| input.array()),
        archived_size: input.flag().then(|| input.number()),
    }
}

fn access(input: &mut Input<'_>) -> AccessNote {
    let kinds = ["grant", "namespace", "principal", "case:shop"];
    let kind = one_of(input, &kinds);
    let target = name(input).map(|text| format!("{kind}:{text}"));
    AccessNote {
        grant_id: name(input).and_then(|text| GrantId::new(&text).ok()),
        scope_digest: input.flag().then(|| input.array()),
        freeze: target.and_then(|text| FreezeTarget::read(&text)),
        cause: input.flag().then(|| one_of(input, &Cause::ALL)),
        effect: input.flag().then(|| one_of(input, &Effect::ALL)),
    }
}

fn item(input: &mut Input<'_>) -> EntryItem {
    EntryItem {
        field: name(input).and_then(|text| FieldName::new(&text).ok()),
        subject: name(input).and_then(|text| Subject::new(&text).ok()),
        token: input.flag().then(|| Fingerprint::from_bytes(input.array())),
        key_version: key_version(input),
        outcome: one_of(input, ItemOutcome::ALL),
    }
}

fn one_of<T: Copy>(input: &mut Input<'_>, members: &[T]) -> T {
    members[input.below(members.len())]
}

fn key_version(input: &mut Input<'_>) -> Option<KeyVersion> {
    KeyVersion::new(u32::from_be_bytes(input.array()))
}

/// Up to 40 letters, or nothing.
fn name(input: &mut Input<'_>) -> Option<String> {
    let length = input.below(41);
    let letters = input.bytes(length).iter();
    let text: String = letters.map(|byte| char::from(b'a' + byte % 26)).collect();
    (!text.is_empty()).then_some(text)
}

const PURPOSES: [KeyPurpose; 6] = [
    KeyPurpose::AuditFingerprint,
    KeyPurpose::AuditSigning,
    KeyPurpose::DomainTag,
    KeyPurpose::TokenFingerprint,
    KeyPurpose::ValueFingerprint,
    KeyPurpose::Wrapping,
];
