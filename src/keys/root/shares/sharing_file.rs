//! The public part of a sharing: officers, how many of them are needed, and the commitments.

use std::path::Path;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use super::SharesError;
use super::share_file::ShareOffer;
use crate::crypto::Commitments;
use crate::crypto::Encoding;
use crate::crypto::SHARES_COUNT_MAX;
use crate::crypto::SharedSecret;
use crate::crypto::SharingError;
use crate::domain::OfficerName;
use crate::keys::root::RootKeyError;
use crate::keys::root::key_file;

/// The public part of a sharing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SharingFile {
    id: String,
    officers: Vec<OfficerName>,
    commitments: Commitments,
}

/// The file, line by line.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: String,
    version: u32,
    id: String,
    scheme: String,
    kdf: String,
    threshold: usize,
    officers: Vec<String>,
    commitments: Vec<String>,
}

impl SharingFile {
    pub(super) fn new(
        id: [u8; ID_BYTES],
        officers: Vec<OfficerName>,
        commitments: Commitments,
    ) -> Self {
        Self {
            id: hex::encode(id),
            officers,
            commitments,
        }
    }

    /// Reads a sharing file.
    ///
    /// # Errors
    ///
    /// If it is not there, or is none.
    pub fn read(path: &Path) -> Result<Self, RootKeyError> {
        let damaged = |part| RootKeyError::Damaged {
            part,
            path: path.to_owned(),
        };
        let text = key_file::read(path)?;
        let contents: Contents =
            toml::from_str(&text).map_err(|_| damaged("it is not a sharing file"))?;
        contents.check().map_err(damaged)
    }

    /// How many officers' shares are needed.
    #[must_use]
    pub fn needed(&self) -> usize {
        self.commitments.threshold()
    }

    /// The officers who have shares, in the order of the shares' numbers.
    #[must_use]
    pub fn officers(&self) -> &[OfficerName] {
        &self.officers
    }

    /// What a share names this sharing by: the SHA-256 hash of everything in the file.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let head = Encoding::begin(Sha256::new(), "counterfoil/v1/sharing")
            .part(FORMAT.as_bytes())
            .part(&FORMAT_VERSION.to_be_bytes())
            .part(self.id.as_bytes())
            .part(SCHEME.as_bytes())
            .part(KDF.as_bytes())
            .part(&(self.needed() as u64).to_be_bytes())
            .part(&(self.officers.len() as u64).to_be_bytes());
        let officers = self.officers.iter();
        let head = officers.fold(head, |encoding, name| {
            encoding.part(name.as_str().as_bytes())
        });
        let points = self.commitments.to_bytes();
        let whole = points.fold(head, |encoding, point| encoding.part(&point));
        whole.finish().finalize().into()
    }

    /// Whose share it is, if it is one of this sharing.
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn verify(&self, offer: &ShareOffer) -> Result<OfficerName, SharesError> {
        if offer.sharing != self.digest() {
            return Err(SharesError::Foreign);
        }
        let officer = self.officer_of(offer.share.number());
        let officer = officer.ok_or(SharesError::Foreign)?;
        match self.commitments.verify(&offer.share) {
            Ok(()) => Ok(officer),
            Err(_) => Err(SharesError::Refused { officer }),
        }
    }

    /// Puts the secret together from shares, each of which is checked.
    ///
    /// # Errors
    ///
    /// If one is none of this sharing or there twice, or there are too few.
    pub fn combine(&self, offers: &[&ShareOffer]) -> Result<SharedSecret, SharesError> {
        let digest = self.digest();
        if offers.iter().any(|offer| offer.sharing != digest) {
            return Err(SharesError::Foreign);
        }
        let shares: Vec<_> = offers.iter().map(|offer| &offer.share).collect();
        let combined = self.commitments.combine(&shares);
        let named = |number, error: fn(OfficerName) -> SharesError| match self.officer_of(number) {
            Some(officer) => error(officer),
            None => SharesError::Foreign,
        };
        combined.map_err(|error| match error {
            SharingError::Duplicate { number } => {
                named(number, |officer| SharesError::Duplicate { officer })
            }
            SharingError::Share { number } => {
                named(number, |officer| SharesError::Refused { officer })
            }
            SharingError::TooFew => SharesError::TooFew {
                given: shares.len(),
                needed: self.needed(),
            },
            SharingError::Commitments | SharingError::Parameters => SharesError::Sharing(error),
        })
    }

    pub(super) fn to_text(&self) -> Result<String, RootKeyError> {
        let contents = Contents {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            id: self.id.clone(),
            scheme: SCHEME.to_owned(),
            kdf: KDF.to_owned(),
            threshold: self.needed(),
            officers: self.officers.iter().map(ToString::to_string).collect(),
            commitments: self.commitments.to_bytes().map(hex::encode).collect(),
        };
        toml::to_string(&contents).map_err(|_| RootKeyError::Parameters)
    }

    fn officer_of(&self, number: u8) -> Option<OfficerName> {
        let position = usize::from(number).checked_sub(1)?;
        self.officers.get(position).cloned()
    }
}

impl Contents {
    /// Checks all that can be checked without a share, and names what is wrong.
    fn check(&self) -> Result<SharingFile, &'static str> {
        let id = hex::decode(&self.id).map_err(|_| "id")?;
        let checks = [
            (self.format == FORMAT, "format"),
            (self.version == FORMAT_VERSION, "version"),
            (id.len() == ID_BYTES && hex::encode(&id) == self.id, "id"),
            (self.scheme == SCHEME, "scheme"),
            (self.kdf == KDF, "kdf"),
            (self.threshold == self.commitments.len(), "threshold"),
            (
                (self.threshold..=usize::from(SHARES_COUNT_MAX)).contains(&self.officers.len()),
                "officers",
            ),
        ];
        if let Some((_, part)) = checks.into_iter().find(|(holds, _)| !holds) {
            return Err(part);
        }
        let officers = self.officers.iter().map(|name| OfficerName::new(name));
        let officers: Vec<_> = officers.collect::<Result<_, _>>().map_err(|_| "officers")?;
        if twice(&officers).is_some() {
            return Err("officers");
        }
        let point = |text: &String| -> Option<[u8; 32]> {
            let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
            (hex::encode(bytes) == *text).then_some(bytes)
        };
        let points: Option<Vec<_>> = self.commitments.iter().map(point).collect();
        let points = points.ok_or("commitments")?;
        let commitments = Commitments::from_bytes(&points).map_err(|_| "commitments")?;
        Ok(SharingFile {
            id: self.id.clone(),
            officers,
            commitments,
        })
    }
}

/// A name that is there twice.
pub(super) fn twice(officers: &[OfficerName]) -> Option<&OfficerName> {
    let mut seen = std::collections::BTreeSet::new();
    officers.iter().find(|officer| !seen.insert(*officer))
}

const FORMAT: &str = "counterfoil-root-key-sharing";
const FORMAT_VERSION: u32 = 1;
const SCHEME: &str = "pedersen-vss-ristretto255";
const KDF: &str = "hkdf-sha256";
/// How many bytes the id of a sharing has.
pub(super) const ID_BYTES: usize = 16;
