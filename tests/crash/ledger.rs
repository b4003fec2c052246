//! What the clients were told: the truth that the vault must keep.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use counterfoil::audit::CheckpointKeys;
use counterfoil::crypto::merkle;
use counterfoil::crypto::merkle::Hash;
use counterfoil::protocol;

use crate::standing::Acknowledgements;
use crate::testbed::Failure;
use crate::values::Value;

/// What went wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// A call failed while the server was alive.
    CallFailed,
    /// A call had no end.
    CallHung,
    /// A call had no end while the disk hung, or was not told why.
    DeadlineMissed,
    /// What officers did is not there, or not as far as was acknowledged.
    CeremonyLost,
    /// A checkpoint that a client has is not of the log.
    CheckpointForked,
    /// Something is not frozen that was acknowledged to be, or is still.
    FreezeLost,
    /// A grant is not there, or not in the state that was acknowledged.
    GrantLost,
    /// The head on the disk is behind a checkpoint that a client has.
    HeadBehind,
    /// An item of a call failed.
    ItemFailed,
    /// A value was revealed, and its intent is not in the log.
    IntentMissing,
    /// The states of keys, or what is under them, are not what ceremonies have brought about.
    KeysDisagree,
    /// The log has fewer entries than its head.
    LogBehindHead,
    /// The log does not verify.
    LogDamaged,
    /// The disk answers, and the vault does not serve.
    NotServing,
    /// The vault refused to start.
    NotStarted,
    /// A receipt does not prove what it should, or its entry is another.
    ReceiptWrong,
    /// A request that was repeated with its id had another result.
    RetryDiffers,
    /// A value was revealed after a write had failed, or while none came to its end.
    ServedOnAfterwards,
    /// Health says that the vault serves, and it does not.
    StillServing,
    /// One token stands for two values.
    TokenForTwo,
    /// An acknowledged token is not known any more, or opens to another value.
    TokenLost,
    /// A known value got another token.
    ValueForgotten,
}

/// A token that was acknowledged.
#[derive(Clone)]
pub(crate) struct Acknowledged {
    pub(crate) value: Value,
    pub(crate) token: String,
}

/// Values that were revealed.
pub(crate) struct Reveal {
    pub(crate) request_id: String,
    pub(crate) leaf_index: u64,
    pub(crate) leaf_hash: Vec<u8>,
    pub(crate) items_count: usize,
}

/// Everything that clients were told.
pub(crate) struct Ledger {
    pub(crate) tokens: Vec<Acknowledged>,
    pub(crate) reveals: Vec<Reveal>,
    /// Roots by tree size, from verified checkpoints.
    pub(crate) checkpoints: BTreeMap<u64, Hash>,
    /// The hash of each leaf, as it was read first.
    pub(crate) leaves: Vec<Hash>,
    /// Calls without an answer, to be repeated.
    pub(crate) cut_off: Vec<protocol::TokenizeRequest>,
    /// Answered calls that only their id makes repeatable.
    pub(crate) repeatable: Vec<(protocol::TokenizeRequest, Vec<String>)>,
    pub(crate) cut_off_count: u64,
    /// How many tokens were asked about after a restart already.
    pub(crate) asked_count: usize,
    pub(crate) tree_size: u64,
    pub(crate) next_number: u64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) keys: CheckpointKeys,
    pub(crate) standing: Acknowledgements,
    by_token: HashMap<(&'static str, String), String>,
    by_value: HashMap<(&'static str, String), String>,
}

impl Ledger {
    pub(crate) fn new(directory: &Path) -> Result<Self, Failure> {
        let key = fs::read_to_string(directory.join("vault/audit.vkey"))?;
        Ok(Self {
            tokens: Vec::new(),
            reveals: Vec::new(),
            checkpoints: BTreeMap::new(),
            leaves: Vec::new(),
            cut_off: Vec::new(),
            repeatable: Vec::new(),
            cut_off_count: 0,
            asked_count: 0,
            tree_size: 0,
            next_number: 0,
            faults: Vec::new(),
            keys: CheckpointKeys::new(vec![key.trim_end().parse()?]),
            standing: Acknowledgements::default(),
            by_token: HashMap::new(),
            by_value: HashMap::new(),
        })
    }

    /// Notes a fault, once of each kind.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Numbers that no value had before.
    pub(crate) fn numbers(&mut self, count: u64) -> std::ops::Range<u64> {
        let first = self.next_number;
        self.next_number += count;
        first..self.next_number
    }

    /// Notes the answer to a tokenize call, and returns its tokens.
    pub(crate) fn tokenized(
        &mut self,
        values: &[Value],
        answer: protocol::TokenizeResponse,
    ) -> Vec<String> {
        let mut tokens = Vec::new();
        if answer.results.len() != values.len() {
            self.fault(Fault::ItemFailed);
        }
        for (value, result) in values.iter().zip(answer.results) {
            let Some(protocol::tokenize_result::Result::Token(token)) = result.result else {
                self.fault(Fault::ItemFailed);
                continue;
            };
            self.note_token(value, &token.token);
            tokens.push(token.token);
        }
        tokens
    }

    /// Notes the answer to a reveal.
    pub(crate) fn revealed(
        &mut self,
        request_id: String,
        asked: &[Acknowledged],
        answer: protocol::DetokenizeResponse,
    ) {
        for (asked, result) in asked.iter().zip(&answer.results) {
            match &result.result {
                Some(protocol::detokenize_result::Result::Value(text))
                    if *text == asked.value.text => {}
                Some(_) | None => self.fault(Fault::TokenLost),
            }
        }
        let proven = answer.receipt.and_then(|receipt| self.check(&receipt));
        match proven {
            Some((leaf_index, leaf_hash)) => self.reveals.push(Reveal {
                request_id,
                leaf_index,
                leaf_hash,
                items_count: asked.len(),
            }),
            None => self.fault(Fault::ReceiptWrong),
        }
    }

    /// Checks a receipt with the public key alone.
    fn check(&mut self, receipt: &protocol::Receipt) -> Option<(u64, Vec<u8>)> {
        let hash = |bytes: &Vec<u8>| Some(Hash::from_bytes(bytes.as_slice().try_into().ok()?));
        let checkpoint = self.keys.verify(&receipt.checkpoint)?;
        let proof = receipt.inclusion_proof.iter().map(hash);
        let proof: Vec<Hash> = proof.collect::<Option<_>>()?;
        let leaf = hash(&receipt.leaf_hash)?;
        let (size, root) = (checkpoint.size(), checkpoint.root());
        merkle::verify_inclusion(receipt.leaf_index, size, &leaf, &proof, &root).ok()?;
        if *self.checkpoints.entry(size).or_insert(root) != root {
            self.fault(Fault::CheckpointForked);
        }
        Some((receipt.leaf_index, receipt.leaf_hash.clone()))
    }

    fn note_token(&mut self, value: &Value, token: &str) {
        let key = (value.field, token.to_owned());
        let stood_for = self.by_token.insert(key, value.text.clone());
        if stood_for.as_ref().is_some_and(|it| *it != value.text) {
            self.fault(Fault::TokenForTwo);
        }
        if value.field != "note" {
            let key = (value.field, value.text.clone());
            let had = self.by_value.insert(key, token.to_owned());
            if had.as_ref().is_some_and(|it| it != token) {
                self.fault(Fault::ValueForgotten);
            }
        }
        if stood_for.is_none() {
            self.tokens.push(Acknowledged {
                value: value.clone(),
                token: token.to_owned(),
            });
        }
    }
}
