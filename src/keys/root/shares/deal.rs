//! Dealing shares: nothing is kept before the files on the disk have been proven to give the
//! secret back.

use std::fmt;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use secrecy::SecretString;
use subtle::ConstantTimeEq;

use super::SharesError;
use super::share_file::ShareFile;
use super::share_file::ShareOffer;
use super::sharing_file::ID_BYTES;
use super::sharing_file::SharingFile;
use super::sharing_file::twice;
use crate::crypto::Entropy;
use crate::crypto::SharedSecret;
use crate::crypto::SharingError;
use crate::domain::OfficerName;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::RootKeyError;
use crate::keys::root::key_file;

/// An officer who gets a share.
pub struct NewShare {
    /// Who.
    pub officer: OfficerName,
    /// The new file that the share goes to.
    pub file: PathBuf,
    /// What it is sealed under.
    pub passphrase: SecretString,
}

/// Whether there is a sharing already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Occasion {
    /// The first one: the sharing file must not be there yet.
    First,
    /// The same secret is shared anew: the sharing file is replaced at the end.
    Again,
}

/// Shares that are made and proven, and not in force. Their files go away with this.
pub struct Dealt<'a> {
    sharing: SharingFile,
    written: Written<'a>,
}

/// Shares a secret among officers of whom `threshold` are needed, and writes a share file for each
/// and the sharing file, as [`make`] does and [`Dealt::put_in_force`].
///
/// # Errors
///
/// As theirs.
pub fn deal(
    secret: &SharedSecret,
    threshold: u8,
    new: &[NewShare],
    at: (&Path, Occasion),
    parameters: Argon2Parameters,
    entropy: &dyn Entropy,
) -> Result<SharingFile, RootKeyError> {
    make(secret, threshold, new, parameters, entropy)?.put_in_force(at)
}

/// Shares a secret among officers of whom `threshold` are needed, and writes a share file for each.
///
/// Every share file is read back and opened, each share is checked against the commitments, and
/// every officer's share is in one of the subsets that are put together. After a crash or an error
/// there are at most share files that belong to nothing.
///
/// # Errors
///
/// If the numbers or names are not such that anybody can share, a file exists already or cannot be
/// written, or the proof fails. The share files that were written are removed again.
pub fn make<'a>(
    secret: &SharedSecret,
    threshold: u8,
    new: &'a [NewShare],
    parameters: Argon2Parameters,
    entropy: &dyn Entropy,
) -> Result<Dealt<'a>, RootKeyError> {
    let officers: Vec<_> = new.iter().map(|new| new.officer.clone()).collect();
    if let Some(officer) = twice(&officers) {
        let officer = officer.clone();
        return Err(SharesError::OfficerTwice { officer }.into());
    }
    let count = u8::try_from(new.len()).map_err(|_| SharingError::Parameters);
    let count = count.map_err(SharesError::from)?;
    let split = secret.split(threshold, count, entropy);
    let (commitments, shares) = split.map_err(SharesError::from)?;
    let mut id = [0; ID_BYTES];
    entropy.fill(&mut id);
    let sharing = SharingFile::new(id, officers, commitments);
    let digest = sharing.digest();
    let mut written = Written(Vec::new());
    for (new, share) in new.iter().zip(shares) {
        let offer = ShareOffer {
            sharing: digest,
            share,
        };
        let (officer, passphrase) = (&new.officer, &new.passphrase);
        ShareFile::create(&new.file, officer, &offer, passphrase, parameters, entropy)?;
        written.0.push(&new.file);
    }
    prove(secret, &sharing, new)?;
    Ok(Dealt { sharing, written })
}

impl Dealt<'_> {
    /// What is about to be in force.
    #[must_use]
    pub fn sharing(&self) -> &SharingFile {
        &self.sharing
    }

    /// Writes the sharing file: these shares are the vault's from then on.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or is there already on the first occasion.
    pub fn put_in_force(
        self,
        (path, occasion): (&Path, Occasion),
    ) -> Result<SharingFile, RootKeyError> {
        let Self {
            sharing,
            mut written,
        } = self;
        let text = sharing.to_text()?;
        // If we crash before this, the old shares are those of the vault; after it, the new ones.
        match occasion {
            Occasion::First => key_file::write_new(path, text.as_bytes())?,
            Occasion::Again => key_file::replace(path, text.as_bytes())?,
        }
        written.0.clear();
        Ok(sharing)
    }
}

/// Reads the share files back, and puts the secret together from as many subsets as there are
/// officers: those that follow one another, around the circle. Each share is in as many of them as
/// are needed, and with the check of each single share this says that every subset opens.
pub(super) fn prove(
    secret: &SharedSecret,
    sharing: &SharingFile,
    new: &[NewShare],
) -> Result<(), RootKeyError> {
    let opened = new.iter().map(|new| {
        let file = ShareFile::read(&new.file)?;
        file.open(&new.passphrase)
    });
    let opened = opened.collect::<Result<Vec<_>, RootKeyError>>()?;
    let expected = secret.root_key();
    for start in 0..opened.len() {
        let around = opened.iter().cycle().skip(start);
        let subset: Vec<_> = around.take(sharing.needed()).collect();
        let combined = sharing.combine(&subset).map_err(|_| SharesError::Proof)?;
        let is_same = combined.root_key().expose().ct_eq(expected.expose());
        if !bool::from(is_same) {
            return Err(SharesError::Proof.into());
        }
    }
    Ok(())
}

/// Share files that belong to nothing yet: they go away with this.
struct Written<'a>(Vec<&'a PathBuf>);

impl Drop for Written<'_> {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

impl fmt::Debug for Dealt<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Dealt")
            .field("officers", &self.sharing.officers())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for NewShare {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("NewShare")
            .field("officer", &self.officer)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}
