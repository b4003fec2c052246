//! Entries and their one encoding.

use proptest::prelude::*;

use super::*;
use crate::audit::SHARES_GIVEN_MAX;
use crate::domain::OfficerName;

pub(crate) fn full_entry() -> Entry {
    let item = |field: &str, subject: Option<&str>, outcome| EntryItem {
        field: Some(FieldName::new(field).unwrap()),
        subject: subject.map(|text| Subject::new(text).unwrap()),
        token: Some(Fingerprint::from_bytes([0xab; 16])),
        key_version: KeyVersion::new(3),
        outcome,
    };
    Entry {
        index: 7,
        time: Timestamp::from_unix_ms(1_700_000_000_123),
        uptime_ms: 55,
        draft: EntryDraft {
            principal: Some(Principal::new("spiffe://acme.example/support").unwrap()),
            credential: Some([0x11; 32]),
            person: Some(PersonId::read("acme/248289761001").unwrap()),
            login: Some([0x33; 32]),
            methods: ["mfa", "hwk"].map(|text| Group::new(text).unwrap()).into(),
            case_id: Some(CaseId::new("CASE-1").unwrap()),
            purpose: Some(Purpose::new("support").unwrap()),
            namespace: Some(Namespace::new("shop").unwrap()),
            items: vec![
                item("email", Some("cus_1"), ItemOutcome::Intended),
                item("name", Some("cus_1"), ItemOutcome::NotFound),
                EntryItem {
                    token: None,
                    key_version: None,
                    ..item("email", None, ItemOutcome::Invalid)
                },
            ],
            token_key_version: KeyVersion::new(2).unwrap(),
            policy_hash: Some([0x22; 32]),
            decision: Some(Decision::Permit),
            error: Some(ErrorClass::Unavailable),
            request_id: Some(RequestId::new("r-1").unwrap()),
            level: Some(Level::Masked),
            intent_index: Some(0),
            key: Some((KeyPurpose::Wrapping, KeyVersion::FIRST)),
            shares_given: vec![ShareGiven {
                officer: OfficerName::new("alice").unwrap(),
                principal: Principal::new("alice.acme.example").unwrap(),
                credential: [0x44; 32],
            }],
            sharing: Some(SharingNote {
                digest: [0x55; 32],
                needed: 2,
                officers: ["alice", "bob"]
                    .map(|it| OfficerName::new(it).unwrap())
                    .into(),
            }),
            ..EntryDraft::new(Event::Detokenize)
        },
    }
}

#[test]
fn decode_undoes_encode() {
    let entry = full_entry();
    assert_eq!(Entry::decode(&entry.encode()).unwrap(), entry);
    let bare = Entry {
        draft: EntryDraft::new(Event::Started),
        ..entry
    };
    assert_eq!(Entry::decode(&bare.encode()).unwrap(), bare);
}

#[test]
fn first_token_key_is_not_named() {
    let mut entry = full_entry();
    entry.draft.token_key_version = KeyVersion::FIRST;
    let bytes = entry.encode();
    assert_eq!(Entry::decode(&bytes).unwrap(), entry);
    let mut message = EntryMessage::decode(bytes.as_slice()).unwrap();
    assert_eq!(message.token_key_version, 0);
    message.token_key_version = 1;
    let refused = Entry::decode(&message.encode_to_vec());
    assert_eq!(refused, Err(EntryError::NotCanonical));
}

#[test]
fn batch_names_fields_and_subjects_once() {
    let mut entry = full_entry();
    entry.draft.items = vec![entry.draft.items[0].clone(); ITEMS_MAX];
    let per_item = entry.encode().len() / ITEMS_MAX;
    assert!(per_item < 30, "{per_item}");
}

#[test]
fn unspecified_event_is_refused() {
    let mut message = EntryMessage::decode(full_entry().encode().as_slice()).unwrap();
    message.event = 0;
    let refused = Entry::decode(&message.encode_to_vec());
    assert_eq!(refused, Err(EntryError::Field { number: 4 }));
    message.event = 14;
    let refused = Entry::decode(&message.encode_to_vec());
    assert_eq!(refused, Err(EntryError::Field { number: 4 }));
}

#[test]
fn unknown_field_is_refused() {
    // Field 9, a string of one byte.
    let bytes = [full_entry().encode().as_slice(), &[9 << 3 | 2, 1, b'x']].concat();
    assert_eq!(Entry::decode(&bytes), Err(EntryError::NotCanonical));
}

#[test]
fn name_that_no_item_has_is_refused() {
    let mut message = EntryMessage::decode(full_entry().encode().as_slice()).unwrap();
    message.subjects.push("hidden".to_owned());
    assert_eq!(
        Entry::decode(&message.encode_to_vec()),
        Err(EntryError::NotCanonical)
    );
}

#[test]
fn methods_have_one_order() {
    let mut message = EntryMessage::decode(full_entry().encode().as_slice()).unwrap();
    assert_eq!(message.methods, ["hwk", "mfa"]);
    for methods in [&["mfa", "hwk"][..], &["hwk", "hwk", "mfa"]] {
        message.methods = methods.iter().map(|&text| text.to_owned()).collect();
        let refused = Entry::decode(&message.encode_to_vec());
        assert_eq!(refused, Err(EntryError::NotCanonical));
    }
    message.methods = vec!["free text".to_owned()];
    let refused = Entry::decode(&message.encode_to_vec());
    assert_eq!(refused, Err(EntryError::Field { number: 7 }));
}

#[test]
fn shares_are_few_and_whole() {
    let mut message = EntryMessage::decode(full_entry().encode().as_slice()).unwrap();
    let share = message.shares_given[0].clone();
    message.shares_given = vec![share.clone(); SHARES_GIVEN_MAX];
    assert!(Entry::decode(&message.encode_to_vec()).is_ok());
    message.shares_given.push(share);
    let refused = Entry::decode(&message.encode_to_vec());
    assert_eq!(refused, Err(EntryError::Field { number: 40 }));
    message.shares_given = vec![ShareGivenMessage::default()];
    let refused = Entry::decode(&message.encode_to_vec());
    assert_eq!(refused, Err(EntryError::Field { number: 40 }));
}

#[test]
fn every_number_is_its_members() {
    for event in Event::ALL {
        assert_eq!(Event::from_number(event.number()), Some(*event));
    }
    for outcome in ItemOutcome::ALL {
        assert_eq!(ItemOutcome::from_number(outcome.number()), Some(*outcome));
    }
    for one in Level::ALL {
        assert_eq!(level(level_number(one)), Some(one));
    }
    for number in 1..=5 {
        assert_eq!(key_purpose(number).map(key_purpose_number), Some(number));
    }
}

proptest! {
    #[test]
    fn bytes_decode_to_what_encodes_to_them(
        position in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = full_entry().encode();
        let position = position.index(bytes.len());
        bytes[position] = byte;
        if let Ok(entry) = Entry::decode(&bytes) {
            prop_assert_eq!(entry.encode(), bytes);
        }
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Entry::decode(&bytes);
    }
}
