//! A value and its token, each from the other, with the record's key.

use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::audit::Recorded;
use crate::crypto::Encoding;
use crate::crypto::Ff1;
use crate::crypto::Fingerprint;
use crate::crypto::RecordName;
use crate::crypto::Scope;
use crate::crypto::TokenKey;
use crate::domain::Fidelity;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Plaintext;
use crate::domain::Timestamp;
use crate::domain::Token;
use crate::format::Format;
use crate::format::OutlineSize;
use crate::format::Parsed;
use crate::format::Residue;
use crate::format::Slice;
use crate::policy::Permitted;
use crate::store::Record;
use crate::store::RecordId;
use crate::store::Successor;
use crate::vault::detokenize::Detokenize;
use crate::vault::error::ItemError;
use crate::vault::field::Field;
use crate::vault::reindex::Reindex;
use crate::vault::retokenize::Retokenize;

/// Where a value lives: what its token is bound to.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) namespace: &'a Namespace,
    pub(super) field: &'a Field,
    pub(super) scope: Scope<'a>,
}

/// In which form a token stands for its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// As it was imported: nothing makes it again.
    Imported,
    Shape,
    Outline(OutlineSize),
}

impl Form {
    /// The form of a record's token; nothing for a form that this version does not know.
    pub(super) fn of(record: &Record) -> Option<Self> {
        Self::from_parts(record.fidelity, record.outline_size)
    }

    /// The form of the token that takes the place of a record's own.
    pub(super) fn of_successor(successor: &Successor) -> Option<Self> {
        Self::from_parts(successor.fidelity, successor.outline_size)
    }

    fn from_parts(fidelity: Fidelity, outline_size: u8) -> Option<Self> {
        match (fidelity, outline_size) {
            (Fidelity::Imported, 0) => Some(Self::Imported),
            (Fidelity::Shape, 0) => Some(Self::Shape),
            (Fidelity::Outline, 1) => Some(Self::Outline(OutlineSize::Small)),
            (Fidelity::Outline, 2) => Some(Self::Outline(OutlineSize::Large)),
            (Fidelity::Imported | Fidelity::Shape | Fidelity::Outline | Fidelity::Opaque, _) => {
                None
            }
        }
    }

    pub(super) fn fidelity(self) -> Fidelity {
        match self {
            Self::Imported => Fidelity::Imported,
            Self::Shape => Fidelity::Shape,
            Self::Outline(_) => Fidelity::Outline,
        }
    }

    /// The number that a record stores.
    pub(super) fn outline_size(self) -> u8 {
        match self {
            Self::Imported | Self::Shape => 0,
            Self::Outline(OutlineSize::Small) => 1,
            Self::Outline(OutlineSize::Large) => 2,
        }
    }
}

/// Why no token came out.
pub(super) enum NoToken {
    /// The outline's deny list has the word that this key gives, or no check makes the number
    /// right: another key gives another.
    DrawAgain,
    /// The format or the arithmetic refused it.
    Item(ItemError),
    /// The value cannot be carried in this form.
    OtherForm,
}

/// The token of a value under a key: the same for the same key, form and place.
pub(super) fn encipher(
    place: &Place<'_>,
    parsed: &Parsed,
    form: Form,
    key: &TokenKey,
) -> Result<Token, NoToken> {
    match form {
        Form::Imported => Err(NoToken::OtherForm),
        Form::Shape => {
            let shaped = parsed.shaped().map_err(|_| NoToken::OtherForm)?;
            let rank = Ff1::new(key)
                .encipher(
                    &tweak(place, &shaped.slice),
                    &shaped.rank,
                    shaped.slice.domain(),
                )
                .map_err(|error| NoToken::Item(error.into()))?;
            match shaped.slice.unrank(&rank) {
                Ok(Some(token)) => Ok(token),
                Ok(None) => Err(NoToken::DrawAgain),
                Err(error) => Err(NoToken::Item(error.into())),
            }
        }
        Form::Outline(size) => {
            let outlined = parsed.outlined();
            let rank = key
                .pseudo_random_rank(parsed.equality(), &outlined.domain(size))
                .map_err(|error| NoToken::Item(error.into()))?;
            match outlined.unrank(size, &rank) {
                Ok(Some(token)) => Ok(token),
                Ok(None) => Err(NoToken::DrawAgain),
                Err(error) => Err(NoToken::Item(error.into())),
            }
        }
    }
}

/// The value of a token, with its record's key, as much of it as the intent on the disk says. No
/// more than that leaves this function.
pub(super) fn decipher(
    recorded: &Recorded<Permitted<Detokenize>>,
    place: &Place<'_>,
    name: &RecordName<'_>,
    record: &Record,
    key: &TokenKey,
    token: &Token,
) -> Result<Plaintext, ItemError> {
    let value = open(place, name, record, key, token)?;
    Ok(match recorded.inner().request().level {
        Level::Full => value,
        Level::Masked => place.field.format.mask(&value),
    })
}

/// A request whose values are opened inside the vault: no caller gets them.
pub(super) trait OpensInside {}

/// To find records by other keys.
impl OpensInside for Reindex {}

/// To give values other tokens.
impl OpensInside for Retokenize {}

/// The value of a token, for a request whose intent to open it inside is on the disk.
pub(super) fn reread<T: OpensInside>(
    _: &Recorded<Permitted<T>>,
    place: &Place<'_>,
    name: &RecordName<'_>,
    record: &Record,
    key: &TokenKey,
    token: &Token,
) -> Result<Plaintext, ItemError> {
    open(place, name, record, key, token)
}

fn open(
    place: &Place<'_>,
    name: &RecordName<'_>,
    record: &Record,
    key: &TokenKey,
    token: &Token,
) -> Result<Plaintext, ItemError> {
    let format = &place.field.format;
    // Another version's alphabets would make another value of the same token.
    if record.layout_version != u16::from(format.version()) {
        return Err(ItemError::Damaged);
    }
    // The token's spelling, to derive the residue's key from it.
    let folded = format.fold(token.expose());
    let residue = key.open_residue(name, &terms(record), folded.as_bytes(), &record.residue)?;
    let residue = Residue::from_bytes(residue);
    let value = match Form::of(record).ok_or(ItemError::Damaged)? {
        Form::Shape => {
            let shaped = format
                .read_token(token, &residue)
                .map_err(|_| ItemError::Damaged)?;
            let rank = Ff1::new(key).decipher(
                &tweak(place, &shaped.slice),
                &shaped.rank,
                shaped.slice.domain(),
            )?;
            format.restore(&shaped.slice, &rank, &residue)
        }
        Form::Imported | Form::Outline(_) => format.restore_outline(&residue),
    };
    value.map_err(|_| ItemError::Damaged)
}

/// What a record says in the clear, so that its seal holds only with it: who changes the expiry
/// or the form of a stored record makes it open no more, nor who takes the note of its successor
/// away.
pub(super) fn terms(record: &Record) -> [u8; 20] {
    let mut terms = [0; 20];
    let created = record.created.unix_ms().to_be_bytes();
    let expires = record
        .expires
        .map_or(u64::MAX, Timestamp::unix_ms)
        .to_be_bytes();
    let [version_high, version_low] = record.layout_version.to_be_bytes();
    let form = Form::of(record).map_or(0, Form::outline_size);
    let fidelity = match record.fidelity {
        Fidelity::Opaque | Fidelity::Outline => 0,
        Fidelity::Shape => 1,
        Fidelity::Imported => 2,
    };
    let successor = match record.successor.as_ref().map(Form::of_successor) {
        None => 0,
        Some(None | Some(Form::Imported)) => 1,
        Some(Some(Form::Shape)) => 2,
        Some(Some(Form::Outline(OutlineSize::Small))) => 3,
        Some(Some(Form::Outline(OutlineSize::Large))) => 4,
    };
    let parts = [version_high, version_low, fidelity | successor << 4, form];
    for (to, from) in terms
        .iter_mut()
        .zip(created.into_iter().chain(expires).chain(parts))
    {
        *to = from;
    }
    terms
}

/// Whether two texts are one token, however they are spelled; in time that does not depend on
/// where they differ.
pub(super) fn is_same_token(format: &Format, one: &Token, other: &Token) -> bool {
    // Both spellings are folded as the record's id is.
    let (one, other) = (format.fold(one.expose()), format.fold(other.expose()));
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

impl<'a> Place<'a> {
    /// A record's place, as what is sealed for it is bound to it.
    pub(super) fn name(&self, id: RecordId) -> RecordName<'a> {
        RecordName {
            namespace: self.namespace,
            field: &self.field.name,
            record_id: Fingerprint::from_bytes(id.0),
        }
    }
}

/// Binds a token to its place: namespace, field, format version, kept literals, and the subject
/// where the field keeps subjects apart.
///
/// The parts are hashed, so that the tweak has 32 bytes whatever the value's length: FF1 then
/// costs the same for every skeleton, and no literal can reach its limit.
fn tweak(place: &Place<'_>, slice: &Slice) -> [u8; 32] {
    let subject = match place.scope {
        Scope::Field => None,
        Scope::Subject(subject) => Some(subject.as_str().as_bytes()),
    };
    let input = Encoding::begin(Sha256::new(), "counterfoil/v1/tweak")
        .part(place.namespace.as_str().as_bytes())
        .part(place.field.name.as_str().as_bytes())
        .part(&[place.field.format.version(), u8::from(subject.is_some())])
        .part(subject.unwrap_or_default())
        .part(slice.tweak());
    input.finish().finalize().into()
}
