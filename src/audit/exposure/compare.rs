//! Compares two reports: what was added, what was widened, and what was taken back.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::audit::exposure::Document;
use crate::audit::exposure::RowLine;
use crate::audit::exposure::Status;

/// How a newer report differs from an older one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Comparison {
    /// In the newer only.
    pub added: Vec<Difference>,
    /// Worse, or more often, or over a longer time, in the newer.
    pub widened: Vec<Difference>,
    /// Less in the newer, or only in the older: what nobody may be told has not happened.
    pub narrowed: Vec<Difference>,
}

/// A value of a customer that two reports differ about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference {
    /// The tenant.
    pub namespace: Option<String>,
    /// The customer, or a token's fingerprint, or nothing for any.
    pub whose: Option<String>,
    /// The field.
    pub field: Option<String>,
    /// `revealed`, `masked`, `compared`, `looked_up` or, under a grant, `could_have_been`.
    pub kind: String,
    /// The status in the older report.
    pub older: Option<&'static str>,
    /// The status in the newer report.
    pub newer: Option<&'static str>,
}

/// Tenant, customer, field and kind.
type Key<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>, &'a str);

/// What a report says of one key, all its statuses together.
#[derive(Clone, Copy)]
struct Extent {
    worst: Status,
    /// How often it was seen, or possibly.
    seen_count: u64,
    refused_count: u64,
    first_index: u64,
    last_index: u64,
}

impl Comparison {
    /// Compares two reports.
    #[must_use]
    pub fn new(older: &Document, newer: &Document) -> Self {
        let (old, new) = (extents(older), extents(newer));
        let mut comparison = Self::default();
        let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (old, new) = (old.get(key), new.get(key));
            let difference = difference(key, old.map(|it| it.worst), new.map(|it| it.worst));
            match (old, new) {
                (None, _) => comparison.added.push(difference),
                (Some(_), None) => comparison.narrowed.push(difference),
                (Some(old), Some(new)) if old.is_wider_than(new) => {
                    comparison.narrowed.push(difference);
                }
                (Some(old), Some(new)) if new.is_wider_than(old) => {
                    comparison.widened.push(difference);
                }
                (Some(_), Some(_)) => {}
            }
        }
        comparison.compare_grants(older, newer, &new);
        comparison
    }

    /// Whether the newer report has all that the older has.
    #[must_use]
    pub fn is_extension(&self) -> bool {
        self.narrowed.is_empty()
    }

    /// What could have been seen and now was, is no longer listed so; it is not taken back.
    fn compare_grants(
        &mut self,
        older: &Document,
        newer: &Document,
        seen: &BTreeMap<Key<'_>, Extent>,
    ) {
        let (old, new) = (could_have_been(older), could_have_been(newer));
        for key in new.difference(&old) {
            self.added.push(difference(key, None, None));
        }
        for key in old.difference(&new) {
            let (namespace, whose, field, _) = *key;
            let kinds = ["revealed", "masked"].map(|kind| (namespace, whose, field, kind));
            let extents = kinds.iter().filter_map(|key| seen.get(key));
            if !extents.map(|it| it.worst).any(Status::is_seen) {
                self.narrowed.push(difference(key, None, None));
            }
        }
    }
}

impl Extent {
    /// Whether it has something that the other lacks.
    fn is_wider_than(&self, other: &Self) -> bool {
        // The worst comes first.
        self.worst < other.worst
            || self.seen_count > other.seen_count
            || self.seen_count + self.refused_count > other.seen_count + other.refused_count
            || self.first_index < other.first_index
            || self.last_index > other.last_index
    }

    fn add(&mut self, other: Self) {
        *self = Self {
            worst: self.worst.min(other.worst),
            seen_count: self.seen_count + other.seen_count,
            refused_count: self.refused_count + other.refused_count,
            first_index: self.first_index.min(other.first_index),
            last_index: self.last_index.max(other.last_index),
        };
    }
}

fn extents(document: &Document) -> BTreeMap<Key<'_>, Extent> {
    let mut extents: BTreeMap<Key<'_>, Extent> = BTreeMap::new();
    for part in &document.namespaces {
        for row in &part.rows {
            let whose = row.subject.as_deref().or(row.token.as_deref());
            let key = (
                part.namespace.as_deref(),
                whose,
                row.field.as_deref(),
                row.kind.as_str(),
            );
            let extent = extent(row);
            extents
                .entry(key)
                .and_modify(|it| it.add(extent))
                .or_insert(extent);
        }
    }
    extents
}

fn extent(row: &RowLine) -> Extent {
    let named = |status: &Status| status.name() == row.status;
    // A status that is none counts as the worst.
    let worst = Status::ALL.into_iter().find(named);
    let worst = worst.unwrap_or(Status::Released);
    let is_seen = worst.is_seen();
    Extent {
        worst,
        seen_count: if is_seen { row.count } else { 0 },
        refused_count: if is_seen { 0 } else { row.count },
        first_index: row.first_index,
        last_index: row.last_index,
    }
}

fn could_have_been(document: &Document) -> BTreeSet<Key<'_>> {
    let parts = document.namespaces.iter();
    let each = parts.flat_map(|part| {
        let unseen = part.grants.iter().flat_map(|it| &it.could_have_been);
        unseen.map(|it| {
            (
                part.namespace.as_deref(),
                it.subject.as_deref(),
                Some(it.field.as_str()),
                COULD_HAVE_BEEN,
            )
        })
    });
    each.collect()
}

fn difference(key: &Key<'_>, older: Option<Status>, newer: Option<Status>) -> Difference {
    let (namespace, whose, field, kind) = *key;
    Difference {
        namespace: namespace.map(str::to_owned),
        whose: whose.map(str::to_owned),
        field: field.map(str::to_owned),
        kind: kind.to_owned(),
        older: older.map(Status::name),
        newer: newer.map(Status::name),
    }
}

const COULD_HAVE_BEEN: &str = "could_have_been";
