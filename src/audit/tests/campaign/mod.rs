//! Goal: promise 3. Any change of a log is found with public keys alone, and a log that nobody has
//! changed is never suspected, by either of two verifiers that share no code.
//!
//! Method: random logs in memory, with every kind of entry, changes of the signing key and accepted
//! rollbacks, and erased entries; each bit, each place to cut, each swap, and random edits of each.
//! The second verifier is `docs/examples/verify_log.py`. A verifier with a fault must miss
//! something, or the campaign proves nothing.
//!
//! `COUNTERFOIL_CASES_PERCENT` of the usual numbers of cases are run; at 10,000 those of the
//! promise.

mod clean;
mod cosigned;
mod edits;
mod encodings;
mod erasing;
mod flips;
mod forged;
mod forks;
mod fuzz_seeds;
mod fuzzed;
mod handovers;
mod limits;
mod receipts;
mod second;
mod segments;
mod signed_anew;
mod small_order;
mod texts;

use std::collections::BTreeSet;
use std::collections::HashMap;

use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::access::Cause;
use crate::access::Effect;
use crate::audit::entry_erasure::may_be_erased;
use crate::audit::export;
use crate::audit::handover::Handover;
use crate::audit::tree::entry_leaf_hash;
use crate::ceremony::CeremonyState;
use crate::ceremony::LogPoint;
use crate::ceremony::OperationKind;
use crate::crypto::Fingerprint;
use crate::crypto::merkle::Frontier;
use crate::crypto::merkle::Hash;
use crate::crypto::merkle::HashReader;
use crate::domain::CaseId;
use crate::domain::CeremonyId;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Group;
use crate::domain::KeyPurpose;
use crate::domain::KeyState;
use crate::domain::KeyVersion;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::OfficerName;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Timestamp;
use crate::store::StoredEntry;
use crate::store::StoredLeaf;

/// A log in memory.
#[derive(Clone)]
pub(super) struct RandomLog {
    pub(super) entries: Vec<StoredEntry>,
    /// Those that are erased.
    erased: BTreeSet<u64>,
    handovers: Vec<Handover>,
    /// The size of the latest cosigned checkpoint, and the note.
    cosigned: Option<(u64, String)>,
    checkpoint: SignedCheckpoint,
}

fn cases(usual: u64) -> u64 {
    (usual * cases_percent() / 100).max(1)
}

fn cases_percent() -> u64 {
    let percent = std::env::var("COUNTERFOIL_CASES_PERCENT").ok();
    percent.map_or(100, |text| text.parse().unwrap())
}

fn key_of(number: u8) -> AuditSigningKey {
    AuditSigningKey::new(&KeyBytes::from_slice(&[7 + number; 32]).unwrap())
}

impl RandomLog {
    fn new(seed: u64, entries_max: usize) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let mut maker = Maker::new(random);
        let count = maker.random.random_range(0..=entries_max);
        let mut log = Growing::default();
        for _ in 0..count {
            // One entry in thirty announces a key.
            let announces = maker.chance(3);
            let draft = maker.draft(log.frontier.size(), announces.then(|| log.next_key()));
            let salt = maker.random.random();
            let later_ms = maker.random.random_range(0..3);
            log.append(draft, salt, later_ms, announces);
        }
        log.finish()
    }

    /// A log with this number of entries and no more.
    pub(super) fn of(seed: u64, count: usize) -> Self {
        let mut log = Growing::default();
        let random = StdRng::seed_from_u64(seed);
        let mut maker = Maker::new(random);
        for _ in 0..count {
            let draft = maker.draft(log.frontier.size(), None);
            let salt = maker.random.random();
            log.append(draft, salt, 1, false);
        }
        log.finish()
    }

    fn export(&self) -> String {
        let mut text = Vec::new();
        let mut handovers = self.handovers.iter().peekable();
        let size = self.entries.len() as u64;
        for stored in leaves(&self.entries, &self.erased) {
            export::write_leaf(&mut text, &stored).unwrap();
            let after = stored.index() + 1;
            if let Some(handover) = handovers.next_if(|it| it.size == after && after < size) {
                export::write_handover(&mut text, &handover.note).unwrap();
            }
            let cosigned = self.cosigned.as_ref().filter(|(size, _)| *size == after);
            if let Some((_, note)) = cosigned {
                export::write_cosigned(&mut text, note).unwrap();
            }
        }
        export::write_checkpoint(&mut text, self.checkpoint.note()).unwrap();
        String::from_utf8(text).unwrap()
    }
}

/// What is stored of entries of which some are erased.
fn leaves(entries: &[StoredEntry], erased: &BTreeSet<u64>) -> Vec<StoredLeaf> {
    let leaf = |stored: &StoredEntry| match erased.contains(&stored.index) {
        true => StoredLeaf::Erased {
            index: stored.index,
            hash: *entry_leaf_hash(stored).as_bytes(),
        },
        false => StoredLeaf::Kept(stored.clone()),
    };
    entries.iter().map(leaf).collect()
}

/// A log that still grows.
#[derive(Clone)]
struct Growing {
    frontier: Frontier,
    entries: Vec<StoredEntry>,
    erased: BTreeSet<u64>,
    handovers: Vec<Handover>,
    cosigned: Option<(u64, String)>,
    signer_number: u8,
    time_ms: u64,
}

impl Default for Growing {
    fn default() -> Self {
        Self {
            frontier: Frontier::new(),
            entries: Vec::new(),
            erased: BTreeSet::new(),
            handovers: Vec::new(),
            cosigned: None,
            signer_number: 0,
            time_ms: 1_700_000_000_000,
        }
    }
}

impl Growing {
    fn signer(&self) -> CheckpointSigner {
        CheckpointSigner::new(origin(), key_of(self.signer_number))
    }

    fn next_key(&self) -> [u8; 32] {
        key_of(self.signer_number + 1)
            .verifier(origin())
            .public_key()
    }

    fn append(&mut self, draft: EntryDraft, salt: [u8; 16], later_ms: u64, announces: bool) {
        self.time_ms += later_ms;
        let index = self.frontier.size();
        self.erased.extend(draft.erases());
        let entry = Entry {
            index,
            time: Timestamp::from_unix_ms(self.time_ms),
            uptime_ms: self.time_ms % 1_000,
            draft,
        };
        let entry = entry.encode();
        let stored = StoredEntry { index, salt, entry };
        let leaf = entry_leaf_hash(&stored);
        self.frontier.append(leaf, |_, _, _| ()).unwrap();
        self.entries.push(stored);
        if announces {
            let before = self.signer();
            self.signer_number += 1;
            let (size, root) = (self.frontier.size(), self.frontier.root());
            let note = before.sign_handover(&self.signer(), size, root).unwrap();
            let note = note.note().to_owned();
            self.handovers.push(Handover { index, size, note });
        }
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        let (size, root) = (self.frontier.size(), self.frontier.root());
        match self.handovers.last() {
            // The checkpoint of its group is the one that both have signed.
            Some(last) if last.size == size => {
                let before = CheckpointSigner::new(origin(), key_of(self.signer_number - 1));
                before.sign_handover(&self.signer(), size, root).unwrap()
            }
            _ => self.signer().sign(size, root).unwrap(),
        }
    }

    fn finish(self) -> RandomLog {
        RandomLog {
            checkpoint: self.checkpoint(),
            entries: self.entries,
            erased: self.erased,
            handovers: self.handovers,
            cosigned: self.cosigned,
        }
    }
}

/// Makes entries of every kind.
struct Maker {
    random: StdRng,
    open_intents: Vec<u64>,
    /// Entries that may be erased, and are not.
    erasable: Vec<u64>,
    /// How many entries are archived, by the last entry that says so.
    archived: u64,
}

impl Maker {
    fn new(random: StdRng) -> Self {
        Self {
            random,
            open_intents: Vec::new(),
            erasable: Vec::new(),
            archived: 0,
        }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.random.random_range(0..from.len())].clone()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(50).then(|| make(self))
    }

    fn draft(&mut self, index: u64, public_key: Option<[u8; 32]>) -> EntryDraft {
        let mut event = self.pick(Event::ALL);
        let (mut intent_index, mut erased_index) = (None, None);
        // Entries that are erased are a small part of the kinds of entries, and of this campaign.
        if event == Event::EntryErased || self.chance(10) {
            erased_index = self.erasable.pop();
            event = erased_index.map_or(Event::Tokenize, |_| Event::EntryErased);
        }
        let archived = (event == Event::LogPruned).then(|| LogPoint {
            size: self.random.random_range(0..=index),
            root: self.random.random(),
        });
        self.archived = archived.map_or(self.archived, |archived| archived.size);
        let counted = matches!(event, Event::Started | Event::Stopped).then_some(self.archived);
        let archived_size = counted.filter(|_| self.chance(70));
        if event == Event::DetokenizeOutcome {
            match self.open_intents.pop() {
                Some(intent) => intent_index = Some(intent),
                None => event = Event::Detokenize,
            }
        }
        let decision = self.maybe(|it| it.pick(Decision::ALL));
        if event == Event::Detokenize && decision != Some(Decision::Deny) {
            self.open_intents.push(index);
        }
        if may_be_erased(event) && public_key.is_none() {
            let place = self.random.random_range(0..=self.erasable.len());
            self.erasable.insert(place, index);
        }
        let items_count = self.random.random_range(0..4);
        EntryDraft {
            principal: self.maybe(|it| Principal::new(it.pick(&["a.example", "b"])).unwrap()),
            credential: self.maybe(|it| it.random.random()),
            person: self.maybe(|_| PersonId::read("idp/ada").unwrap()),
            login: self.maybe(|it| it.random.random()),
            methods: self.methods(),
            case_id: self.maybe(|_| CaseId::new("CASE-1").unwrap()),
            purpose: self.maybe(|_| Purpose::new("support").unwrap()),
            namespace: self.maybe(|_| Namespace::new("shop").unwrap()),
            items: (0..items_count).map(|_| self.item()).collect(),
            token_key_version: KeyVersion::new(self.random.random_range(1..4)).unwrap(),
            policy_hash: self.maybe(|it| it.random.random()),
            decision,
            error: self.maybe(|it| it.pick(ErrorClass::ALL)),
            request_id: self.maybe(|_| RequestId::new("r-1").unwrap()),
            level: self.maybe(|it| it.pick(&[Level::Full, Level::Masked])),
            intent_index,
            key: self.maybe(|it| (it.pick(&KeyPurpose::ALL), KeyVersion::FIRST)),
            access: self.access(),
            ceremony: CeremonyNote {
                erased_index,
                archived,
                archived_size,
                ..self.ceremony(public_key)
            },
            shares_given: self.shares_given(event),
            sharing: (event == Event::RootKeyReshared).then(|| self.sharing()),
            ..EntryDraft::new(event)
        }
    }

    fn methods(&mut self) -> BTreeSet<Group> {
        let count = self.random.random_range(0..3);
        let method = |it: &mut Self| Group::new(it.pick(&["pwd", "otp", "hwk"])).unwrap();
        (0..count).map(|_| method(self)).collect()
    }

    fn officers(&mut self, least: usize) -> Vec<OfficerName> {
        let count = self.random.random_range(least..least + 3);
        let name = |number| OfficerName::new(&format!("officer{number}")).unwrap();
        (0..count).map(name).collect()
    }

    fn shares_given(&mut self, event: Event) -> Vec<ShareGiven> {
        if event != Event::Started {
            return Vec::new();
        }
        let officers = self.officers(0).into_iter();
        let share = |officer| ShareGiven {
            officer,
            principal: Principal::new("a.example").unwrap(),
            credential: self.random.random(),
        };
        officers.map(share).collect()
    }

    fn sharing(&mut self) -> SharingNote {
        let officers = self.officers(1);
        SharingNote {
            digest: self.random.random(),
            needed: self
                .random
                .random_range(1..=u32::try_from(officers.len()).unwrap()),
            officers,
        }
    }

    fn item(&mut self) -> EntryItem {
        EntryItem {
            field: self.maybe(|it| FieldName::new(it.pick(&["email", "name"])).unwrap()),
            subject: self.maybe(|it| Subject::new(it.pick(&["cus_1", "cus_2"])).unwrap()),
            token: self.maybe(|it| Fingerprint::from_bytes(it.random.random())),
            key_version: self.maybe(|_| KeyVersion::FIRST),
            outcome: self.pick(ItemOutcome::ALL),
        }
    }

    fn access(&mut self) -> AccessNote {
        AccessNote {
            grant_id: self.maybe(|_| GrantId::new("g-1").unwrap()),
            scope_digest: self.maybe(|it| it.random.random()),
            freeze: self.maybe(|_| FreezeTarget::read("grant:g-1").unwrap()),
            cause: self.maybe(|it| it.pick(&Cause::ALL)),
            effect: self.maybe(|it| it.pick(&Effect::ALL)),
        }
    }

    fn ceremony(&mut self, public_key: Option<[u8; 32]>) -> CeremonyNote {
        CeremonyNote {
            id: self.maybe(|it| CeremonyId::of(it.random.random())),
            operation: self.maybe(|it| it.pick(&OperationKind::ALL)),
            statement_digest: self.maybe(|it| it.random.random()),
            officers: self.officers(0),
            state: self.maybe(|it| it.pick(&CeremonyState::ALL)),
            key_state: self.maybe(|it| it.pick(&KeyState::ALL)),
            charter_digest: self.maybe(|it| it.random.random()),
            register_digest: self.maybe(|it| it.random.random()),
            records_count: self.maybe(|it| it.random.random_range(0..300)),
            lost_head: self.maybe(|it| LogPoint {
                size: it.random.random_range(0..300),
                root: it.random.random(),
            }),
            public_key,
            ..CeremonyNote::default()
        }
    }
}

/// Whether the program's verifier finds something wrong.
fn is_found(export: &[u8]) -> bool {
    verify_export(export, &keys()).is_err()
}

/// Every hash of a tree.
struct Hashes(HashMap<(u8, u64), Hash>);

impl Hashes {
    fn of(log: &RandomLog) -> Self {
        let (mut hashes, mut frontier) = (HashMap::new(), Frontier::new());
        for stored in &log.entries {
            let completed = |level, index, hash| {
                hashes.insert((level, index), hash);
            };
            frontier.append(entry_leaf_hash(stored), completed).unwrap();
        }
        Self(hashes)
    }
}

impl HashReader for Hashes {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        Ok(self.0[&(level, index)])
    }
}
