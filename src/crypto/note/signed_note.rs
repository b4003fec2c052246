//! The form of a signed note: a text, an empty line, and a line for each signature.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::NoteError;
use super::NoteKeyName;

/// The longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 * 1_024;

/// The most signatures that a note may have; the specification asks for at least 16.
pub const SIGNATURES_COUNT_MAX: usize = 32;

/// A text with signatures, none of which is verified yet: see [`super::NoteVerifier::verify`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A signature line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoteSignature {
    name: NoteKeyName,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

impl SignedNote {
    pub(super) fn new(text: &str, signature: NoteSignature) -> Result<Self, NoteError> {
        let note = Self {
            text: text.to_owned(),
            signatures: vec![signature],
        };
        // What is written must be what is read: a text may hold lines that look like signatures.
        if note.to_string().parse().as_ref() == Ok(&note) {
            Ok(note)
        } else {
            Err(NoteError::Note)
        }
    }

    /// The same note with another's signatures after its own, such as a witness's.
    ///
    /// # Errors
    ///
    /// If the other's text is another one, or there are too many signatures.
    pub fn with_signatures_of(mut self, other: Self) -> Result<Self, NoteError> {
        self.signatures.extend(other.signatures);
        if self.text == other.text && self.signatures.len() <= SIGNATURES_COUNT_MAX {
            Ok(self)
        } else {
            Err(NoteError::Note)
        }
    }

    /// The same note with those of its signatures alone that are wanted; nothing without any.
    #[must_use]
    pub fn with_signatures_where(
        mut self,
        is_wanted: impl Fn(&NoteSignature) -> bool,
    ) -> Option<Self> {
        self.signatures.retain(is_wanted);
        (!self.signatures.is_empty()).then_some(self)
    }

    /// The text, with its newline at the end. Trust it only when a verifier returns it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }
}

impl NoteSignature {
    pub(super) fn new(name: NoteKeyName, key_id: [u8; 4], bytes: &[u8]) -> Self {
        Self {
            name,
            key_id,
            bytes: bytes.to_vec(),
        }
    }

    /// The name of the key.
    #[must_use]
    pub fn name(&self) -> &NoteKeyName {
        &self.name
    }

    /// The id of the key.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// The signature, of a type that the key knows.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn parse(line: &str) -> Result<Self, NoteError> {
        let line = line.strip_prefix(SIGNATURE_PREFIX).ok_or(NoteError::Note)?;
        let (name, signature) = line.split_once(' ').ok_or(NoteError::Note)?;
        // The engine refuses missing padding and bits that no byte needs.
        let signature = STANDARD.decode(signature).map_err(|_| NoteError::Note)?;
        match signature.split_first_chunk() {
            Some((key_id, bytes)) if !bytes.is_empty() => {
                Ok(Self::new(NoteKeyName::new(name)?, *key_id, bytes))
            }
            _ => Err(NoteError::Note),
        }
    }
}

/// Whether it can be the text of a note.
pub(super) fn is_note_text(text: &str) -> bool {
    text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n')
}

impl FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX || !is_note_text(note) {
            return Err(NoteError::Note);
        }
        // The last empty line separates; the text keeps its own newline.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Note)?;
        let signatures = signatures.strip_suffix('\n').ok_or(NoteError::Note)?;
        let signatures = signatures
            .split('\n')
            .take(SIGNATURES_COUNT_MAX + 1)
            .map(NoteSignature::parse)
            .collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > SIGNATURES_COUNT_MAX {
            return Err(NoteError::Note);
        }
        Ok(Self {
            text: format!("{text}\n"),
            signatures,
        })
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(formatter, "{signature}"))
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = STANDARD.encode([self.key_id.as_slice(), &self.bytes].concat());
        write!(
            formatter,
            "{SIGNATURE_PREFIX}{} {signature}",
            self.name.as_str()
        )
    }
}

/// An em dash and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";
