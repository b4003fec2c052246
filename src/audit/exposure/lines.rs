//! The lines of a document: what a report says, as text and numbers.

use serde::Deserialize;
use serde::Serialize;

use crate::audit::SignedCheckpoint;
use crate::audit::exposure::Count;
use crate::audit::exposure::HeldGrant;
use crate::audit::exposure::LogRange;
use crate::audit::exposure::Query;
use crate::audit::exposure::Row;
use crate::audit::exposure::Summary;
use crate::audit::exposure::Who;
use crate::audit::exposure::Whose;
use crate::crypto::merkle::Hash;
use crate::domain::CaseId;
use crate::domain::GrantId;
use crate::domain::KeyVersion;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// Makes the lines of a document: what is optional and not there is left out.
macro_rules! line {
    (
        $(#[$documentation:meta])* $name:ident {
            $($(#[$field_documentation:meta])* $field:ident: $type:ty,)*
        }
        { $($(#[$optional_documentation:meta])* $optional:ident: $optional_type:ty,)* }
    ) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[$optional_documentation])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $optional: Option<$optional_type>,
            )*
            $($(#[$field_documentation])* pub $field: $type,)*
        }
    };
}

line!(
    /// What was asked.
    QueryLine {
        /// The first time that counts, in milliseconds since 1970-01-01T00:00:00Z.
        from_unix_ms: u64,
        /// The first time that no longer counts, likewise.
        to_unix_ms: u64,
    } {
        /// Whose customers.
        namespace: String,
        /// Which program saw them.
        principal: String,
        /// Which person: `issuer/subject`.
        person: String,
        /// With which client certificate: SHA-256, hexadecimal.
        credential: String,
        /// For which case.
        case_id: String,
        /// Under which grant.
        grant_id: String,
        /// Under which version of the wrapping key.
        key_version: u32,
    }
);

line!(
    /// The part of the log.
    LogLine {
        /// The index of its first entry.
        first_index: u64,
        /// The index after its last entry.
        end_index: u64,
        /// The root hash of the tree of `first_index` leaves, hexadecimal.
        first_root_hash: String,
        /// That this tree is a prefix of the checkpoint's.
        first_proof: Vec<String>,
        /// The root hash of the tree of `end_index` leaves, hexadecimal.
        end_root_hash: String,
        /// That this tree is a prefix of the checkpoint's.
        end_proof: Vec<String>,
        /// The checkpoint, a signed note: origin, tree size and root hash of the log.
        checkpoint: String,
    } {
        /// How many of its entries are erased, so that the report lacks what they said.
        erased_count: u64,
    }
);

line!(
    /// How many customers.
    SummaryLine {
        /// Customers with a value that was released.
        released: u64,
        /// Customers with a value that was possibly released, and none that was.
        possibly_released: u64,
        /// Customers whose values were asked for, and all refused.
        refused: u64,
        /// The same of tokens, where the log does not have their customers.
        tokens_released: u64,
        /// The same of tokens, where the log does not have their customers.
        tokens_possibly_released: u64,
        /// The same of tokens, where the log does not have their customers.
        tokens_refused: u64,
        /// Subjects and fields that could have been seen under grants, and were not.
        could_have_been: u64,
    } {}
);

line!(
    /// What was seen of one tenant's customers.
    NamespaceLine {
        /// What was seen, or refused.
        rows: Vec<RowLine>,
        /// What could have been.
        grants: Vec<GrantLine>,
    } {
        /// The tenant; left out where a refused call named one that there is not.
        namespace: String,
    }
);

line!(
    /// One value of one customer, in one way, with one result.
    RowLine {
        /// `revealed`, `masked`, `compared` or `looked_up`.
        kind: String,
        /// `released`, `possibly_released` or `refused`.
        status: String,
        /// How often.
        count: u64,
        /// When first, in milliseconds since 1970-01-01T00:00:00Z.
        first_unix_ms: u64,
        /// The index of the entry.
        first_index: u64,
        /// When last, likewise.
        last_unix_ms: u64,
        /// The index of the entry.
        last_index: u64,
    } {
        /// Whose.
        subject: String,
        /// The fingerprint of the token, hexadecimal, where the log does not have its customer.
        token: String,
        /// The field.
        field: String,
        /// `full` or `masked`, where the value was shown.
        level: String,
    }
);

line!(
    /// A grant that was held.
    GrantLine {
        /// Its id.
        grant_id: String,
        /// `full` or `masked`: the most that it let see.
        level: String,
        /// The index of the entry of its request.
        requested_index: u64,
        /// Since when it could be used, in milliseconds since 1970-01-01T00:00:00Z.
        begins_unix_ms: u64,
        /// When it had ended at the latest, likewise.
        ends_unix_ms: u64,
        /// What it covered, and was not seen.
        could_have_been: Vec<UnseenLine>,
    } {
        /// Who held it.
        person: String,
        /// Through which program.
        principal: String,
        /// For which case.
        case_id: String,
        /// Who approved it.
        approver: String,
    }
);

line!(
    /// A value that could have been seen.
    UnseenLine {
        /// The field.
        field: String,
    } {
        /// Whose; left out: any customer's of the tenant.
        subject: String,
    }
);

impl QueryLine {
    /// What is asked, as text and numbers.
    #[must_use]
    pub fn new(query: &Query) -> Self {
        let who = &query.who;
        Self {
            namespace: query.namespace.as_ref().map(Namespace::to_string),
            principal: who.principal.as_ref().map(Principal::to_string),
            person: who.person.as_ref().map(PersonId::to_string),
            credential: who.credential.map(hex::encode),
            case_id: who.case_id.as_ref().map(CaseId::to_string),
            grant_id: who.grant_id.as_ref().map(GrantId::to_string),
            key_version: who.key_version.map(KeyVersion::number),
            from_unix_ms: query.from.unix_ms(),
            to_unix_ms: query.to.unix_ms(),
        }
    }

    /// The query; nothing if it is none.
    pub(super) fn read(&self) -> Option<Query> {
        let credential = self.credential.as_deref().map(read_hash);
        let key_version = self.key_version.map(KeyVersion::new);
        Some(Query {
            from: Timestamp::from_unix_ms(self.from_unix_ms),
            to: Timestamp::from_unix_ms(self.to_unix_ms),
            namespace: read(self.namespace.as_deref(), |it| Namespace::new(it).ok())?,
            who: Who {
                principal: read(self.principal.as_deref(), |it| Principal::new(it).ok())?,
                person: read(self.person.as_deref(), |it| PersonId::read(it).ok())?,
                credential: credential.map_or(Some(None), |it| it.map(Some))?,
                case_id: read(self.case_id.as_deref(), |it| CaseId::new(it).ok())?,
                grant_id: read(self.grant_id.as_deref(), |it| GrantId::new(it).ok())?,
                key_version: key_version.map_or(Some(None), |it| it.map(Some))?,
            },
        })
    }
}

impl LogLine {
    pub(super) fn new(range: &LogRange) -> Self {
        let text = |hash: &Hash| hex::encode(hash.as_bytes());
        Self {
            erased_count: Some(range.erased_count).filter(|count| *count > 0),
            first_index: range.first_index,
            end_index: range.end_index,
            first_root_hash: text(&range.first_root),
            first_proof: range.first_proof.iter().map(text).collect(),
            end_root_hash: text(&range.end_root),
            end_proof: range.end_proof.iter().map(text).collect(),
            checkpoint: range.checkpoint.note().to_owned(),
        }
    }

    /// The part of the log; nothing if it is none.
    pub(super) fn read(&self, checkpoint: &SignedCheckpoint) -> Option<LogRange> {
        let hash = |text: &String| read_hash(text).map(Hash::from_bytes);
        Some(LogRange {
            first_index: self.first_index,
            end_index: self.end_index,
            erased_count: self.erased_count.unwrap_or(0),
            first_root: hash(&self.first_root_hash)?,
            first_proof: self.first_proof.iter().map(hash).collect::<Option<_>>()?,
            end_root: hash(&self.end_root_hash)?,
            end_proof: self.end_proof.iter().map(hash).collect::<Option<_>>()?,
            checkpoint: checkpoint.clone(),
        })
    }
}

impl RowLine {
    pub(super) fn new(row: &Row) -> Self {
        let Row {
            seen,
            status,
            tally,
        } = row;
        let (subject, token) = match &seen.whose {
            Whose::Subject(subject) => (Some(subject.to_string()), None),
            Whose::Token(token) => (None, Some(hex::encode(token.as_bytes()))),
            Whose::Nobody => (None, None),
        };
        Self {
            subject,
            token,
            field: seen.field.as_ref().map(ToString::to_string),
            level: seen.kind.level().map(|level| level.name().to_owned()),
            kind: seen.kind.name().to_owned(),
            status: status.name().to_owned(),
            count: tally.count,
            first_unix_ms: tally.first.unix_ms(),
            first_index: tally.first_index,
            last_unix_ms: tally.last.unix_ms(),
            last_index: tally.last_index,
        }
    }
}

impl GrantLine {
    pub(super) fn new(grant: &HeldGrant) -> Self {
        let unseen = grant.unseen.iter().map(|it| UnseenLine {
            subject: it.subject.as_ref().map(Subject::to_string),
            field: it.field.to_string(),
        });
        Self {
            person: grant.person.as_ref().map(PersonId::to_string),
            principal: grant.principal.as_ref().map(Principal::to_string),
            case_id: grant.case_id.as_ref().map(CaseId::to_string),
            approver: grant.approver.as_ref().map(PersonId::to_string),
            grant_id: grant.id.to_string(),
            level: Level::name(grant.level).to_owned(),
            requested_index: grant.requested_index,
            begins_unix_ms: grant.begins.unix_ms(),
            ends_unix_ms: grant.ends.unix_ms(),
            could_have_been: unseen.collect(),
        }
    }
}

impl SummaryLine {
    pub(super) fn new(summary: &Summary) -> Self {
        let (customers, tokens) = (summary.customers, summary.tokens);
        Self {
            released: customers.released,
            possibly_released: customers.possibly_released,
            refused: customers.refused,
            tokens_released: tokens.released,
            tokens_possibly_released: tokens.possibly_released,
            tokens_refused: tokens.refused,
            could_have_been: summary.could_have_been,
        }
    }

    /// The customers whose ids the log has.
    #[must_use]
    pub fn customers(&self) -> Count {
        Count {
            released: self.released,
            possibly_released: self.possibly_released,
            refused: self.refused,
        }
    }

    /// The tokens of the others.
    #[must_use]
    pub fn tokens(&self) -> Count {
        Count {
            released: self.tokens_released,
            possibly_released: self.tokens_possibly_released,
            refused: self.tokens_refused,
        }
    }
}

/// Nothing for no text; nothing at all for one that cannot be read.
fn read<T>(text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        Some(text) => read(text).map(Some),
        None => Some(None),
    }
}

/// Reads 64 hexadecimal digits in lower case.
fn read_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    (hex::encode(hash) == text).then_some(hash)
}
