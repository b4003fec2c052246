//! A report as a document: JSON that can be handed on, kept, and checked without the vault.
//!
//! There is one writing of a document: no spaces, the keys in the order below, nothing that is
//! empty left in. Its SHA-256, without the signature, is what the log's key signs (C2SP
//! signed-note).

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use crate::audit::CheckpointKeys;
use crate::audit::CheckpointSigner;
use crate::audit::SignedCheckpoint;
use crate::audit::exposure::GrantLine;
use crate::audit::exposure::LogLine;
use crate::audit::exposure::NamespaceLine;
use crate::audit::exposure::Query;
use crate::audit::exposure::QueryLine;
use crate::audit::exposure::RangeReport;
use crate::audit::exposure::RowLine;
use crate::audit::exposure::SummaryLine;
use crate::domain::Namespace;

/// A report as a document.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What the document is: `counterfoil exposure 1`.
    pub format: String,
    /// What was asked.
    pub query: QueryLine,
    /// The part of the log that it was made of.
    pub log: LogLine,
    /// How many customers were seen.
    pub summary: SummaryLine,
    /// What was seen, tenant by tenant.
    pub namespaces: Vec<NamespaceLine>,
    /// A signed note; nothing: it is not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Why a document is not believed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum DocumentError {
    /// There is no checkpoint that one of the keys signed.
    #[error("report has no checkpoint that is signed by the given keys")]
    Checkpoint,
    /// It is not a report, or not in its one writing.
    #[error("file is not a report, or not as it was written")]
    Form,
    /// A proof does not verify.
    #[error("report's part of the log is not proven to be one of the checkpoint's log")]
    Proof,
    /// The signature is not one of the document.
    #[error("report is not what was signed, or not signed by the given keys")]
    Signature,
    /// There is no signature.
    #[error(
        "report is not signed\n  check it --against the data directory or an export of the log"
    )]
    Unsigned,
}

impl Document {
    /// The document of a report, not signed.
    #[must_use]
    pub fn new(query: &Query, report: &RangeReport) -> Self {
        let RangeReport { exposure, range } = report;
        let mut namespaces: Vec<Option<&Namespace>> = Vec::new();
        let of_rows = exposure.rows.iter().map(|row| row.seen.namespace.as_ref());
        let of_grants = exposure.grants.iter().map(|it| it.namespace.as_ref());
        namespaces.extend(of_rows.chain(of_grants));
        namespaces.sort_unstable();
        namespaces.dedup();
        let part = |namespace: Option<&Namespace>| {
            let rows = exposure.rows.iter();
            let rows = rows.filter(|row| row.seen.namespace.as_ref() == namespace);
            let grants = exposure.grants.iter();
            let grants = grants.filter(|grant| grant.namespace.as_ref() == namespace);
            NamespaceLine {
                namespace: namespace.map(Namespace::to_string),
                rows: rows.map(RowLine::new).collect(),
                grants: grants.map(GrantLine::new).collect(),
            }
        };
        Self {
            format: FORMAT.to_owned(),
            query: QueryLine::new(query),
            log: LogLine::new(range),
            summary: SummaryLine::new(&exposure.summary()),
            namespaces: namespaces.into_iter().map(part).collect(),
            signature: None,
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// If it is not one, or not written as [`Self::text`] writes it.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        let document: Self = serde_json::from_str(text).map_err(|_| DocumentError::Form)?;
        let is_written_so = document.text() == text.strip_suffix('\n').unwrap_or(text);
        if document.format == FORMAT && is_written_so && document.query.read().is_some() {
            Ok(document)
        } else {
            Err(DocumentError::Form)
        }
    }

    /// The document's one writing, on one line.
    #[must_use]
    pub fn text(&self) -> String {
        // Strings and numbers only: nothing that cannot be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// SHA-256 of the document without its signature.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.unsigned().text()).into()
    }

    /// The document without its signature.
    #[must_use]
    pub fn unsigned(&self) -> Self {
        Self {
            signature: None,
            ..self.clone()
        }
    }

    /// The document, signed in the name of the log.
    #[must_use]
    pub fn signed(&self, signer: &CheckpointSigner) -> Self {
        Self {
            signature: signer.sign_exposure(&self.digest()),
            ..self.clone()
        }
    }

    /// What was asked.
    ///
    /// # Errors
    ///
    /// If it is not a query.
    pub fn query(&self) -> Result<Query, DocumentError> {
        self.query.read().ok_or(DocumentError::Form)
    }

    /// Checks that its part of the log is one of the log of a checkpoint that the keys signed.
    /// Whether the rows are those of that part, only the signature or the log itself can say.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn checkpoint(&self, keys: &CheckpointKeys) -> Result<SignedCheckpoint, DocumentError> {
        let checkpoint = keys.verify(&self.log.checkpoint);
        let checkpoint = checkpoint.ok_or(DocumentError::Checkpoint)?;
        let range = self.log.read(&checkpoint).ok_or(DocumentError::Form)?;
        if range.is_proven() {
            Ok(checkpoint)
        } else {
            Err(DocumentError::Proof)
        }
    }

    /// Checks all that can be checked without the log.
    ///
    /// # Errors
    ///
    /// If it is not signed by one of the keys, or is not what was signed.
    pub fn check(&self, keys: &CheckpointKeys) -> Result<SignedCheckpoint, DocumentError> {
        let checkpoint = self.checkpoint(keys)?;
        let note = self.signature.as_ref().ok_or(DocumentError::Unsigned)?;
        if keys.verify_exposure(note, &self.digest(), &checkpoint) {
            Ok(checkpoint)
        } else {
            Err(DocumentError::Signature)
        }
    }
}

/// What the document calls itself.
const FORMAT: &str = "counterfoil exposure 1";
