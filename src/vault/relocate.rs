//! Records that move to where the active fingerprint keys find them.
//!
//! A record's id is a fingerprint of its token, and what is sealed in it is bound to the id. So it
//! is sealed anew at its new place, which takes the token; its row in the value index takes the
//! value. Whoever brings both moves the record; nothing is shown for it.

use crate::domain::Subject;
use crate::domain::Token;
use crate::store::Changes;
use crate::store::KeyMap;
use crate::store::ListMove;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::RecordKey;
use crate::store::RecordState;
use crate::store::Relocation;
use crate::store::Store;
use crate::store::SubjectKey;
use crate::store::Successor;
use crate::store::ValueIndex;
use crate::vault::answer::Item;
use crate::vault::cipher::Form;
use crate::vault::cipher::Place;
use crate::vault::cipher::terms;
use crate::vault::error::ItemError;
use crate::vault::find::Found;
use crate::vault::read::Reading;
use crate::vault::read::Workplace;

/// A known value that a call gives its token again.
pub(super) struct Sighting<'a> {
    pub(super) reading: &'a Reading<'a>,
    /// The customer who is named with it.
    pub(super) subject: Option<&'a Subject>,
    pub(super) found: &'a Found,
    pub(super) token: &'a Token,
}

/// What a call has seen, and moves.
pub(super) struct Sightings {
    may_move: bool,
    moved: KeyMap<RecordId, RecordId>,
    sharers_count: usize,
}

impl Sightings {
    /// Nothing seen yet. A call that has met others who move what it moves leaves that to them.
    pub(super) fn new(may_move: bool) -> Self {
        Self {
            may_move,
            moved: KeyMap::default(),
            sharers_count: 0,
        }
    }

    /// Moves the record, if older keys find it and that costs little; says where it is then. What
    /// keeps a record from moving never keeps a value from its token.
    pub(super) fn see(
        &mut self,
        workplace: &Workplace<'_>,
        store: &dyn Store,
        sighting: &Sighting<'_>,
        changes: &mut Changes,
    ) -> RecordId {
        let Found { id, record } = sighting.found;
        if let Some(moved) = self.moved.get(id) {
            return *moved;
        }
        // What only its request id finds stays where that looks for it.
        let may_move = self.may_move && record.value_index.is_some();
        if !may_move || !workplace.is_older(record) {
            return *id;
        }
        let Ok(sharers) = store.sharers(&workplace.record_key(*id), SHARERS_SEEN_MAX + 1) else {
            return *id;
        };
        let sharers_count = self.sharers_count + sharers.len();
        if sharers.len() > SHARERS_SEEN_MAX || sharers_count > SHARERS_PER_CALL_MAX {
            return *id;
        }
        let moving = Moving {
            place: &sighting.reading.place,
            found: sighting.found,
            token: sighting.token,
            is_live: true,
            equality: Some(sighting.reading.parsed.equality()),
            named: sighting.subject,
            sharers,
        };
        match workplace.relocated(moving) {
            Ok(relocation) => {
                let to = relocation.to.id;
                self.sharers_count = sharers_count;
                self.moved.insert(*id, to);
                changes.relocations.push(relocation);
                to
            }
            Err(_) => *id,
        }
    }
}

/// A record that shall move, and what that takes.
pub(super) struct Moving<'a> {
    pub(super) place: &'a Place<'a>,
    pub(super) found: &'a Found,
    pub(super) token: &'a Token,
    /// Whether it lives. A value whose record has expired gets another, so its row goes.
    pub(super) is_live: bool,
    /// The equality form of its value, if that must be known.
    pub(super) equality: Option<&'a [u8]>,
    /// A customer who may have it, too.
    pub(super) named: Option<&'a Subject>,
    /// Who joined it.
    pub(super) sharers: Vec<SubjectKey>,
}

impl Workplace<'_> {
    /// Whether only older fingerprint keys find the record.
    pub(super) fn is_older(&self, record: &Record) -> bool {
        record.token_version != self.keys.token_fingerprint().active_version()
            || self.has_older_value_row(record)
    }

    /// Whether only an older key finds the record's row in the value index.
    pub(super) fn has_older_value_row(&self, record: &Record) -> bool {
        let active = self.keys.value_fingerprint().active_version();
        let index = record.value_index;
        index.is_some_and(|index| index.key_version != active)
    }

    /// The place of a record of this namespace.
    pub(super) fn record_key(&self, id: RecordId) -> RecordKey {
        RecordKey {
            namespace: self.id,
            id,
        }
    }

    /// The record at the place where the active keys find it.
    ///
    /// # Errors
    ///
    /// If the record does not open with this token and value.
    pub(super) fn relocated(&self, moving: Moving<'_>) -> Item<Relocation> {
        let Found { id, record } = moving.found;
        let keys = self.record_keys(moving.place, moving.token.expose());
        let to = *keys.first().ok_or(ItemError::Damaged)?;
        let from = self.record_key(*id);
        if record.state == RecordState::Erased {
            return Ok(Relocation {
                from,
                to,
                before: record.clone(),
                after: Record::tombstone(self.keys.token_fingerprint().active_version()),
                sharers: moving.sharers,
                lists: Vec::new(),
            });
        }
        let own = self.subject(&moving.place.name(*id), record)?;
        let value_index = self.value_index_after(&moving)?;
        let sealed = if from == to {
            record.clone()
        } else {
            self.sealed_at(to.id, &moving, own.as_ref())?
        };
        let known = own.iter().chain(moving.named);
        let lists = known.filter_map(|subject| {
            let from = self.subject_keys(subject);
            let to = *from.first()?;
            Some(ListMove { from, to })
        });
        Ok(Relocation {
            from,
            to,
            before: record.clone(),
            after: Record {
                token_version: self.keys.token_fingerprint().active_version(),
                value_index,
                ..sealed
            },
            lists: lists.collect(),
            sharers: moving.sharers,
        })
    }

    /// The record's row in the value index under the active key.
    fn value_index_after(&self, moving: &Moving<'_>) -> Item<Option<ValueIndex>> {
        let record = &moving.found.record;
        let Some(index) = record.value_index.filter(|_| moving.is_live) else {
            return Ok(None);
        };
        let keys = self.keys.value_fingerprint();
        if index.key_version == keys.active_version() {
            return Ok(Some(index));
        }
        let equality = moving.equality.ok_or(ItemError::Damaged)?;
        let before = keys.version(index.key_version);
        let before = before.ok_or(ItemError::KeyDestroyed)?;
        let Place { field, scope, .. } = moving.place;
        let (namespace, name) = (self.namespace, &field.name);
        // A row that is not this value's must not become another's.
        if *before.value(namespace, name, *scope, equality).as_bytes() != index.fingerprint {
            return Err(ItemError::Damaged);
        }
        let after = keys.active().value(namespace, name, *scope, equality);
        Ok(Some(ValueIndex {
            fingerprint: *after.as_bytes(),
            key_version: keys.active_version(),
        }))
    }

    /// The record, sealed anew for another id; under the active wrapping key, since a job that goes
    /// through the ids may be past the new one.
    fn sealed_at(&self, to: RecordId, moving: &Moving<'_>, own: Option<&Subject>) -> Item<Record> {
        let record = &moving.found.record;
        let (from, to) = (moving.place.name(moving.found.id), moving.place.name(to));
        let (key, terms) = (self.token_key(&from, record)?, terms(record));
        let folded = moving.place.field.format.fold(moving.token.expose());
        let places = (&from, &to);
        let wrapping = self.keys.wrapping().active();
        let token = match Form::of(record).ok_or(ItemError::Damaged)? {
            // No value looks for the token of a record that has ended.
            Form::Imported if !moving.is_live => Vec::new(),
            Form::Imported => {
                let equality = moving.equality.ok_or(ItemError::Damaged)?;
                let moved = key.move_token(places, &terms, equality, &record.token)?;
                moved.ok_or(ItemError::Damaged)?
            }
            Form::Outline(_) | Form::Shape => Vec::new(),
        };
        let successor = self.successor_key(&from, record)?;
        let successor = successor.zip(record.successor.as_ref());
        let successor = successor.map(|(key, successor)| {
            let wrapped = wrapping.wrap_successor(&to, &key)?;
            Ok::<_, ItemError>(Successor {
                wrapped,
                ..successor.clone()
            })
        });
        Ok(Record {
            wrapping_version: wrapping.version(),
            successor: successor.transpose()?,
            wrapped: wrapping.wrap(&to, &key)?,
            subject: match own {
                Some(subject) => wrapping.seal_subject(&to, subject)?,
                None => Vec::new(),
            },
            residue: key.move_residue(places, &terms, folded.as_bytes(), &record.residue)?,
            token,
            ..record.clone()
        })
    }
}

/// Customers who joined a record, at the most, for it to move when it is seen.
const SHARERS_SEEN_MAX: usize = 100;
/// The same of all records of a call.
const SHARERS_PER_CALL_MAX: usize = 10_000;
