//! The charter: who the officers are, and how many of them each operation needs.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;

use sha2::Digest;
use sha2::Sha256;

use crate::ceremony::CeremonyError;
use crate::ceremony::OperationKind;
use crate::crypto::note::NoteVerifier;
use crate::domain::OfficerName;

/// Who the officers are, and how many of them each operation needs. Its text is canonical, and its
/// SHA-256 is in every statement: signatures hold only under the charter that they were given
/// under.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Charter {
    officers: BTreeMap<OfficerName, NoteVerifier>,
    rules: BTreeMap<OperationKind, Rule>,
}

/// An officer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Officer {
    /// Their name, which is that of their key.
    pub name: OfficerName,
    /// What verifies their signatures.
    pub verifier: NoteVerifier,
}

/// What an operation needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rule {
    /// How many officers must sign, the one who proposes among them.
    pub approvals: usize,
    /// How long it waits after that, so that it can be cancelled, in seconds.
    pub delay_seconds: u64,
}

impl Rule {
    /// What holds where a charter says nothing: two officers, but for a rotation, and a day before
    /// a key is destroyed, an entry erased or the log pruned.
    #[must_use]
    pub const fn usual(kind: OperationKind) -> Self {
        Self {
            approvals: kind.approvals_usual(),
            delay_seconds: match kind {
                OperationKind::DestroyKey | OperationKind::EraseEntry | OperationKind::PruneLog => {
                    24 * 60 * 60
                }
                OperationKind::AcceptRollback
                | OperationKind::ChangeCharter
                | OperationKind::CompromiseKey
                | OperationKind::ResumeKey
                | OperationKind::Retokenize
                | OperationKind::RotateKey
                | OperationKind::RotateRootKey
                | OperationKind::SuspendKey => 0,
            },
        }
    }

    /// What a change of the charter needs where nothing is said of it: as long a delay as any other
    /// operation, and one officer more, if the charter can still be changed after the key of one is
    /// lost.
    #[must_use]
    pub fn usual_change(officers_count: usize, others: &BTreeMap<OperationKind, Self>) -> Self {
        let strictest = Self::strictest(others);
        let more = strictest.approvals + 1;
        Self {
            approvals: if more < officers_count {
                more
            } else {
                strictest.approvals
            },
            ..strictest
        }
    }

    /// As many officers and as long a delay as any operation needs but the change of the charter:
    /// with less, those few would first give themselves another charter.
    fn strictest(rules: &BTreeMap<OperationKind, Self>) -> Self {
        let others = OperationKind::ALL.into_iter();
        let others = others.filter(|kind| *kind != OperationKind::ChangeCharter);
        let rules = others.map(|kind| rules.get(&kind).copied().unwrap_or(Self::usual(kind)));
        rules.fold(Self::usual(OperationKind::ChangeCharter), Self::stricter)
    }

    fn stricter(self, other: Self) -> Self {
        Self {
            approvals: self.approvals.max(other.approvals),
            delay_seconds: self.delay_seconds.max(other.delay_seconds),
        }
    }
}

impl Charter {
    /// A charter of these officers. Operations without a rule have their usual one.
    ///
    /// # Errors
    ///
    /// If there are too few officers for a rule, two have one name or one key, there are too many,
    /// or a rule asks for less than its operation must have.
    pub fn new(
        officers: impl IntoIterator<Item = NoteVerifier>,
        rules: BTreeMap<OperationKind, Rule>,
    ) -> Result<Self, CeremonyError> {
        let officers: Vec<NoteVerifier> = officers.into_iter().collect();
        let change = Rule::usual_change(officers.len(), &rules);
        let rules = OperationKind::ALL.map(|kind| {
            let is_change = kind == OperationKind::ChangeCharter;
            let usual = if is_change { change } else { Rule::usual(kind) };
            (kind, rules.get(&kind).copied().unwrap_or(usual))
        });
        Self::check(officers, rules.into())?.check_new()
    }

    /// Refuses a charter that fewer officers, or those in a hurry, could change than do what its
    /// other rules are about. One of before this was asked for is read nevertheless, and the
    /// strictest of its rules holds for its change.
    ///
    /// # Errors
    ///
    /// If it is one.
    pub fn check_new(self) -> Result<Self, CeremonyError> {
        let kind = OperationKind::ChangeCharter;
        let own = self.rules.get(&kind).copied();
        if own.is_some_and(|own| own != self.rule(kind)) {
            return Err(CeremonyError::Charter(
                "change-charter needs as many officers and as long a delay as every other \
                 operation, at the least",
            ));
        }
        Ok(self)
    }

    fn check(
        officers: impl IntoIterator<Item = NoteVerifier>,
        rules: BTreeMap<OperationKind, Rule>,
    ) -> Result<Self, CeremonyError> {
        let mut named = BTreeMap::new();
        let mut keys = Vec::new();
        for verifier in officers {
            let name = OfficerName::new(verifier.name().as_str())
                .map_err(|_| CeremonyError::Charter("an officer's name is not [a-z][a-z0-9_-]*"))?;
            if keys.contains(&verifier.public_key()) {
                return Err(CeremonyError::Charter("two officers have the same key"));
            }
            keys.push(verifier.public_key());
            if named.insert(name, verifier).is_some() {
                return Err(CeremonyError::Charter("two officers have the same name"));
            }
        }
        if named.len() > OFFICERS_MAX {
            return Err(CeremonyError::Charter("there are more than 20 officers"));
        }
        for kind in OperationKind::ALL {
            let rule = rules.get(&kind).copied();
            let rule = rule.unwrap_or_else(|| Rule::usual(kind));
            if rule.approvals < kind.approvals_min() {
                return Err(CeremonyError::Charter(
                    "an operation that cannot be taken back needs two officers at the least",
                ));
            }
            if rule.approvals > named.len() {
                return Err(CeremonyError::Charter(
                    "an operation needs more officers than there are",
                ));
            }
            if rule.delay_seconds > DELAY_SECONDS_MAX {
                return Err(CeremonyError::Charter("a delay is longer than 90 days"));
            }
            if rule.delay_seconds > 0 && kind.is_offline() {
                return Err(CeremonyError::Charter(
                    "what is done to a vault that does not run cannot wait for a delay",
                ));
            }
        }
        Ok(Self {
            officers: named,
            rules,
        })
    }

    /// Reads the text of a charter. One of before an operation was known has no rule for it, and
    /// keeps its text and its digest; the usual rule holds then.
    ///
    /// # Errors
    ///
    /// If it is not exactly what [`fmt::Display`] writes of a charter: says in which line.
    pub fn read(text: &str) -> Result<Self, CeremonyError> {
        let (mut officers, mut rules) = (Vec::new(), BTreeMap::new());
        for (index, line) in text.lines().enumerate() {
            let wrong = |problem| CeremonyError::CharterLine {
                line: index + 1,
                problem,
            };
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                [HEAD] if index == 0 => {}
                _ if index == 0 => return Err(wrong(NO_HEAD)),
                ["officer", key] => officers.push(key.parse().map_err(|_| wrong(NO_KEY))?),
                ["rule", kind, approvals, delay] => {
                    let kind = OperationKind::from_name(kind).ok_or_else(|| wrong(NO_OPERATION))?;
                    let rule = Rule {
                        approvals: approvals.parse().map_err(|_| wrong(NO_NUMBERS))?,
                        delay_seconds: delay.parse().map_err(|_| wrong(NO_NUMBERS))?,
                    };
                    rules.insert(kind, rule);
                }
                _ => return Err(wrong(NO_LINE)),
            }
        }
        let is_there =
            |kind: &OperationKind| !kind.is_in_every_charter() || rules.contains_key(kind);
        if let Some(missing) = OperationKind::ALL.iter().find(|kind| !is_there(kind)) {
            return Err(CeremonyError::CharterRule(missing.name()));
        }
        let charter = Self::check(officers, rules)?;
        let canonical = charter.to_string();
        if canonical == text {
            return Ok(charter);
        }
        let same = canonical.lines().zip(text.lines());
        Err(CeremonyError::CharterLine {
            line: 1 + same.take_while(|(one, other)| one == other).count(),
            problem: NOT_CANONICAL,
        })
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_string()).into()
    }

    /// The officers, by name.
    pub fn officers(&self) -> impl Iterator<Item = Officer> {
        self.officers.iter().map(|(name, verifier)| Officer {
            name: name.clone(),
            verifier: verifier.clone(),
        })
    }

    /// What verifies an officer's signatures; nothing if there is no such officer.
    #[must_use]
    pub fn officer(&self, name: &OfficerName) -> Option<&NoteVerifier> {
        self.officers.get(name)
    }

    /// Whether the other has the same officers and rules, whether or not it says the usual ones.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let is_same = |kind| self.rule(kind) == other.rule(kind);
        self.officers == other.officers && OperationKind::ALL.into_iter().all(is_same)
    }

    /// What an operation needs.
    #[must_use]
    pub fn rule(&self, kind: OperationKind) -> Rule {
        let rule = self.rules.get(&kind).copied();
        let rule = rule.unwrap_or_else(|| Rule::usual(kind));
        if kind == OperationKind::ChangeCharter {
            rule.stricter(Rule::strictest(&self.rules))
        } else {
            rule
        }
    }

    /// How many must sign that an operation is cancelled, where it is not the proposer's alone to
    /// do: one officer can stop nobody.
    #[must_use]
    pub fn cancellers(&self) -> usize {
        CANCELLERS.min(self.officers.len())
    }
}

/// A line for each officer and each rule, in the order of their names.
impl fmt::Display for Charter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{HEAD}\n");
        for verifier in self.officers.values() {
            writeln!(text, "officer {verifier}")?;
        }
        for (kind, rule) in &self.rules {
            let Rule {
                approvals,
                delay_seconds,
            } = rule;
            writeln!(text, "rule {} {approvals} {delay_seconds}", kind.name())?;
        }
        formatter.write_str(&text)
    }
}

/// The most officers of a vault.
pub const OFFICERS_MAX: usize = 20;
/// The longest delay, in seconds: 90 days.
pub const DELAY_SECONDS_MAX: u64 = 90 * 24 * 60 * 60;
const CANCELLERS: usize = 2;
const HEAD: &str = "counterfoil.v1/charter";
const NO_HEAD: &str = "the first must be counterfoil.v1/charter";
const NO_KEY: &str = "it has no public key: copy what `counterfoil keys officer new` prints";
const NO_LINE: &str = "it must be `officer KEY` or `rule OPERATION OFFICERS SECONDS`";
const NO_NUMBERS: &str = "it must have two numbers, how many officers and how many seconds";
const NO_OPERATION: &str = "there is no operation of this name";
const NOT_CANONICAL: &str = "it must be elsewhere, or is there twice, or has another \
     form: officers in the order of their names, then rules in that of theirs, then nothing";
