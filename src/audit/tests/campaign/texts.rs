//! Texts that no entry has, in an entry that was signed: each field that holds a text, with the
//! longest that it may have, one character more, and characters that it may not have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::encodings::with_bytes;
use super::limits::judged;
use super::*;
use crate::second_verifier::SecondVerifier;

/// What a text must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Freeze,
    Name,
    Opaque,
    Person,
    Principal,
}

impl Kind {
    fn right(self) -> Vec<String> {
        let longest = |text: &str, count: usize| text.repeat(count);
        let mut texts = match self {
            Self::Freeze => vec![
                format!("certificate:{}", longest("0a", 32)),
                format!("case:{}:{}", longest("n", 32), longest(":", 64)),
                format!("grant:{}", longest("G", 64)),
                format!("principal:{}", longest("p", 255)),
            ],
            Self::Name => vec![longest("n", 32)],
            Self::Opaque => vec![longest("O", 64)],
            Self::Person => vec![format!("{}/{}", longest("i", 32), longest("!", 128))],
            Self::Principal => vec![longest("p", 255), format!("spiffe://{}", longest("P", 246))],
        };
        let others: &[&str] = match self {
            Self::Freeze => &[
                "all",
                "case:shop:T:1",
                "namespace:shop",
                "person:acme/24:8",
                "principal:spiffe://a.example/B_1",
            ],
            Self::Name => &["a", "a9_-"],
            Self::Opaque => &["9._:-Z"],
            Self::Person => &["acme/auth0|5f7c", "a/#[]~.0"],
            Self::Principal => &["a.example", "spiffe", "...", "spiffe://a/.../B_1"],
        };
        texts.extend(others.iter().map(|text| (*text).to_owned()));
        texts
    }

    fn wrong(self) -> Vec<String> {
        let longest = |text: &str, count: usize| text.repeat(count);
        let mut texts = match self {
            Self::Freeze => vec![
                format!("certificate:{}", longest("0A", 32)),
                format!("certificate:{}", longest("0", 63)),
                format!("namespace:{}", longest("n", 33)),
                format!("grant:{}", longest("G", 65)),
                format!("principal:{}", longest("p", 256)),
            ],
            Self::Name => vec![longest("n", 33)],
            Self::Opaque => vec![longest("O", 65)],
            Self::Person => vec![
                format!("{}/a", longest("i", 33)),
                format!("a/{}", longest("!", 129)),
            ],
            Self::Principal => vec![longest("p", 256), format!("spiffe://{}", longest("P", 247))],
        };
        let others: &[&str] = match self {
            Self::Freeze => &[
                "All",
                "all:",
                "case:shop",
                "case:shop:",
                "grant:",
                "shop",
                "token:x",
                "person:ada",
                "principal:..",
                "principal:",
            ],
            Self::Name => &["1a", "-a", "aA", "a.b"],
            Self::Opaque => &["a/b", "a@b", "a\"b"],
            Self::Person => &[
                "acme", "acme/", "/1", "Acme/1", "a/b/c", "a/\"", "a/\\", "a/\u{7f}",
            ],
            Self::Principal => &[
                "A",
                ".",
                "..",
                "a/b",
                "a_b",
                "spiffe://",
                "spiffe:/a",
                "spiffe://a//b",
                "spiffe://a/",
                "spiffe://a/./b",
                "spiffe://../a",
                "spiffe://a/..",
            ],
        };
        texts.extend(others.iter().map(|text| (*text).to_owned()));
        // Of no kind: an end of line, which some patterns pass over, spaces, controls, and letters
        // and digits that are not ASCII.
        for end in ["\n", " ", "\0", "\u{e9}", "\u{661}"] {
            texts.extend(self.right().into_iter().take(1).map(|text| text + end));
            texts.push(format!("a{end}"));
        }
        texts
    }
}

/// An entry that has each text there can be, all of them different ones.
fn entry_with_texts() -> Entry {
    let mut draft = EntryDraft::new(Event::Started);
    draft.principal = Principal::new("principal1").ok();
    draft.methods = BTreeSet::from([Group::new("method1").unwrap()]);
    draft.case_id = CaseId::new("case1").ok();
    draft.purpose = Purpose::new("purpose1").ok();
    draft.namespace = Namespace::new("namespace1").ok();
    draft.items = vec![EntryItem {
        field: FieldName::new("field1").ok(),
        subject: Subject::new("subject1").ok(),
        token: None,
        key_version: None,
        outcome: ItemOutcome::Found,
    }];
    draft.request_id = RequestId::new("request1").ok();
    draft.person = PersonId::read("idp/person1").ok();
    draft.access.grant_id = GrantId::new("grant1").ok();
    draft.access.freeze = FreezeTarget::read("grant:grant2");
    draft.ceremony.id = CeremonyId::new("ceremony1").ok();
    draft.ceremony.officers = vec![OfficerName::new("officer1").unwrap()];
    draft.shares_given = vec![ShareGiven {
        officer: OfficerName::new("officer2").unwrap(),
        principal: Principal::new("principal2").unwrap(),
        credential: [1; 32],
    }];
    draft.sharing = Some(SharingNote {
        digest: [1; 32],
        needed: 1,
        officers: vec![OfficerName::new("officer3").unwrap()],
    });
    Entry {
        index: 0,
        time: Timestamp::from_unix_ms(1),
        uptime_ms: 1,
        draft,
    }
}

/// The export of a log of that entry with another text in a field, in the line and in the leaf.
fn export_with(path: &[u64], text: &str, other: &str) -> String {
    let entry = entry_with_texts();
    let stored = |entry: Vec<u8>| StoredEntry {
        index: 0,
        salt: [7; 16],
        entry,
    };
    let own = stored(entry.encode());
    let changed = stored(with_bytes(&own.entry, path, other.as_bytes()));
    let leaf =
        |stored: &StoredEntry| STANDARD.encode([stored.salt.as_slice(), &stored.entry].concat());
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let line = export::line(&entry, &own).unwrap();
    assert_eq!(line.matches(&quoted(text)).count(), 1, "{text}");
    let line = line.replace(&quoted(text), &quoted(other));
    let line = line.replace(&leaf(&own), &leaf(&changed));
    let mut frontier = Frontier::new();
    frontier
        .append(entry_leaf_hash(&changed), |_, _, _| ())
        .unwrap();
    let checkpoint = signer().sign(1, frontier.root()).unwrap();
    let mut export = (line + "\n").into_bytes();
    export::write_checkpoint(&mut export, checkpoint.note()).unwrap();
    String::from_utf8(export).unwrap()
}

#[test]
fn text_that_no_entry_has_is_found_by_both_verifiers_though_it_was_signed() {
    let mut second = SecondVerifier::start();
    let (mut right_count, mut wrong_count) = (0, 0);
    for (path, kind, text) in TEXTS {
        for other in kind.right() {
            let export = export_with(path, text, &other);
            assert!(judged(&mut second, &export), "{path:?}: {other:?}");
            right_count += 1;
        }
        for other in kind.wrong() {
            let export = export_with(path, text, &other);
            assert!(!judged(&mut second, &export), "{path:?}: {other:?}");
            wrong_count += 1;
        }
    }
    println!("{right_count} texts that may be there, {wrong_count} that may not");
    assert!(right_count > 40, "{right_count}");
    assert!(wrong_count > 200, "{wrong_count}");
}

/// The fields of an entry that hold a text, by their numbers, and which text it is.
const TEXTS: [(&[u64], Kind, &str); 16] = [
    (&[5], Kind::Principal, "principal1"),
    (&[7], Kind::Opaque, "method1"),
    (&[10], Kind::Opaque, "case1"),
    (&[11], Kind::Name, "purpose1"),
    (&[12], Kind::Name, "namespace1"),
    (&[13], Kind::Name, "field1"),
    (&[14], Kind::Opaque, "subject1"),
    (&[19], Kind::Opaque, "request1"),
    (&[23], Kind::Person, "idp/person1"),
    (&[26, 1], Kind::Opaque, "grant1"),
    (&[26, 3], Kind::Freeze, "grant:grant2"),
    (&[27, 1], Kind::Opaque, "ceremony1"),
    (&[27, 4], Kind::Name, "officer1"),
    (&[40, 1], Kind::Name, "officer2"),
    (&[40, 2], Kind::Principal, "principal2"),
    (&[41, 3], Kind::Name, "officer3"),
];
