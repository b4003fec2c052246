//! Rows of a report: who was seen, how much of them, how often and when.

use std::collections::BTreeMap;

use crate::audit::exposure::HeldGrant;
use crate::crypto::Fingerprint;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Subject;
use crate::domain::Timestamp;

/// Who was seen: the answer to a [`super::Query`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exposure {
    /// What was seen, or refused, in the order of [`Seen`] and [`Status`].
    pub rows: Vec<Row>,
    /// What could have been seen under grants.
    pub grants: Vec<HeldGrant>,
}

/// One row: one value of one customer, in one way, with one result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// What was seen.
    pub seen: Seen,
    /// Whether it was.
    pub status: Status,
    /// How often, and when.
    pub tally: Tally,
}

/// What was seen: a field of a customer, and in which way.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Seen {
    /// Whose customer; nothing where a refused call named a tenant that there is not.
    pub namespace: Option<Namespace>,
    /// Which customer.
    pub whose: Whose,
    /// The field; nothing where an item named none that is configured.
    pub field: Option<FieldName>,
    /// In which way.
    pub kind: Kind,
}

/// Which customer.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Whose {
    /// The one with this id.
    Subject(Subject),
    /// One whose id the log does not have, by the fingerprint of their token under the audit
    /// fingerprint key.
    Token(Fingerprint),
    /// Nobody that is known: no token was found.
    Nobody,
}

/// In which way a value was seen.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// The whole value.
    Revealed,
    /// A few characters of it.
    Masked,
    /// Who asked had a value, and learned that it is this token's.
    Compared,
    /// Who asked had a value, and learned its token: that there is such a customer.
    LookedUp,
}

/// Whether a value was seen.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Status {
    /// It was.
    Released,
    /// The intent to reveal it is in the log, and no outcome is. It counts as seen.
    PossiblyReleased,
    /// It was not: denied, refused, failed; or the claimed value was another, or there was none.
    Refused,
}

/// How often something was, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// When first: the time of the entry.
    pub first: Timestamp,
    /// The index of the entry of the first.
    pub first_index: u64,
    /// When last.
    pub last: Timestamp,
    /// The index of the entry of the last.
    pub last_index: u64,
}

/// How many customers were seen.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Customers, by the worst that happened to any of their values.
    pub customers: Count,
    /// Tokens of customers whose ids the log does not have, likewise.
    pub tokens: Count,
    /// Subject and field pairs that could have been seen under grants, and were not.
    pub could_have_been: u64,
}

/// How many of each status.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Seen.
    pub released: u64,
    /// Possibly seen.
    pub possibly_released: u64,
    /// Not seen.
    pub refused: u64,
}

impl Exposure {
    /// How many customers were seen.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut worst: BTreeMap<(&Option<Namespace>, &Whose), Status> = BTreeMap::new();
        for row in &self.rows {
            let status = worst
                .entry((&row.seen.namespace, &row.seen.whose))
                .or_insert(row.status);
            // The worst comes first.
            *status = row.status.min(*status);
        }
        let mut summary = Summary::default();
        for ((_, whose), status) in worst {
            match whose {
                Whose::Subject(_) => summary.customers.add(status),
                Whose::Token(_) => summary.tokens.add(status),
                Whose::Nobody => {}
            }
        }
        let unseen = self.grants.iter().map(|grant| grant.unseen.len() as u64);
        summary.could_have_been = unseen.sum();
        summary
    }
}

impl Count {
    /// How many there are.
    #[must_use]
    pub fn all(self) -> u64 {
        self.released + self.possibly_released + self.refused
    }

    fn add(&mut self, status: Status) {
        let count = match status {
            Status::Released => &mut self.released,
            Status::PossiblyReleased => &mut self.possibly_released,
            Status::Refused => &mut self.refused,
        };
        *count += 1;
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Revealed, Self::Masked, Self::Compared, Self::LookedUp];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revealed => "revealed",
            Self::Masked => "masked",
            Self::Compared => "compared",
            Self::LookedUp => "looked_up",
        }
    }

    /// How much of the value was seen; nothing where none of it was shown.
    #[must_use]
    pub const fn level(self) -> Option<Level> {
        match self {
            Self::Revealed => Some(Level::Full),
            Self::Masked => Some(Level::Masked),
            Self::Compared | Self::LookedUp => None,
        }
    }

    pub(super) const fn of_level(level: Option<Level>) -> Self {
        match level {
            // An entry from before there were levels has none.
            Some(Level::Full) | None => Self::Revealed,
            Some(Level::Masked) => Self::Masked,
        }
    }
}

impl Status {
    /// Every status, the worst first.
    pub const ALL: [Self; 3] = [Self::Released, Self::PossiblyReleased, Self::Refused];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::PossiblyReleased => "possibly_released",
            Self::Refused => "refused",
        }
    }

    /// Whether it counts as seen.
    #[must_use]
    pub const fn is_seen(self) -> bool {
        match self {
            Self::Released | Self::PossiblyReleased => true,
            Self::Refused => false,
        }
    }
}

impl Tally {
    pub(super) fn once(index: u64, time: Timestamp) -> Self {
        Self {
            count: 1,
            first: time,
            first_index: index,
            last: time,
            last_index: index,
        }
    }

    /// Counts another. They may come in any order: an outcome is later than its intent.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        if other.first_index < self.first_index {
            (self.first, self.first_index) = (other.first, other.first_index);
        }
        if other.last_index > self.last_index {
            (self.last, self.last_index) = (other.last, other.last_index);
        }
    }
}
