//! Officers' shares on the command line: those that are there, and those that are made.

use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::passphrase;
use crate::cli::passphrase::Occasion;
use crate::crypto::SharedSecret;
use crate::crypto::SystemEntropy;
use crate::domain::OfficerName;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::shares;
use crate::keys::root::shares::Dealt;
use crate::keys::root::shares::NewShare;
use crate::keys::root::shares::ShareFile;
use crate::keys::root::shares::ShareOffer;
use crate::keys::root::shares::SharingFile;

/// Shares that are there.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ShareArgs {
    /// An officer's share file; once for each officer
    #[arg(long = "share", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// A file with the passphrase of a share, in the order of --share or --officer; without it
    /// each officer is asked
    #[arg(long = "share-passphrase-file", value_name = "FILE")]
    passphrase_files: Vec<PathBuf>,
}

/// Shares that are made.
#[derive(Args, Clone, Debug)]
pub(super) struct NewShareArgs {
    /// An officer who gets a share; once for each officer
    #[arg(long = "officer", value_name = "NAME", value_parser = officer)]
    officers: Vec<OfficerName>,

    /// How many officers' shares are needed
    #[arg(long, value_name = "COUNT")]
    threshold: Option<u8>,

    /// Where the share files go, NAME.share.toml; each belongs to its officer alone
    #[arg(long, value_name = "DIR")]
    share_dir: Option<PathBuf>,
}

impl ShareArgs {
    /// Shares in these files, with passphrases in those.
    pub(super) fn of(files: &[PathBuf], passphrase_files: &[PathBuf]) -> Self {
        Self {
            files: files.to_vec(),
            passphrase_files: passphrase_files.to_vec(),
        }
    }

    /// Refuses shares where the root key has none.
    ///
    /// # Errors
    ///
    /// If some are named.
    pub(super) fn refuse(&self) -> Result<(), CliError> {
        if self.files.is_empty() && self.passphrase_files.is_empty() {
            return Ok(());
        }
        Err(CliError::Usage(
            "--share: the configured root key has no shares".to_owned(),
        ))
    }

    /// Opens the shares and puts the secret together.
    ///
    /// # Errors
    ///
    /// If a share does not open, or there are too few.
    pub(super) fn combine(&self, sharing: &SharingFile) -> Result<SharedSecret, CliError> {
        if self.files.is_empty() {
            return Err(CliError::Usage(format!(
                "--share is missing\n  the root key needs the shares of {} officers: name the \
                 file of each",
                sharing.needed()
            )));
        }
        let passphrases = passphrase_files(&self.passphrase_files, self.files.len())?;
        let offers = self.files.iter().zip(passphrases);
        let offers = offers.map(|(file, passphrase)| open(file, passphrase));
        let offers = offers.collect::<Result<Vec<_>, _>>()?;
        let combined = sharing.combine(&offers.iter().collect::<Vec<_>>());
        combined.map_err(|error| CliError::caused(&error))
    }
}

impl NewShareArgs {
    /// Refuses officers where the root key is not shared among any, or is already.
    ///
    /// # Errors
    ///
    /// If some are named.
    pub(super) fn refuse(&self) -> Result<(), CliError> {
        if self.officers.is_empty() && self.threshold.is_none() && self.share_dir.is_none() {
            return Ok(());
        }
        Err(CliError::Usage(
            "--officer: no root key is shared here\n  configure root_key.provider = \"shares\" \
             for a new vault, or use `counterfoil keys reshare` for one that is there"
                .to_owned(),
        ))
    }

    /// Draws a secret and deals the first shares of it.
    ///
    /// # Errors
    ///
    /// If they cannot be made. Then there is no sharing.
    pub(super) fn deal_first(
        &self,
        sharing: &Path,
        passphrases: &ShareArgs,
    ) -> Result<SharedSecret, CliError> {
        if !passphrases.files.is_empty() {
            return Err(CliError::Usage(format!(
                "--share: there is no sharing file {}\n  restore it, or leave --share out for a \
                 new root key",
                sharing.display()
            )));
        }
        let secret = SharedSecret::generate(&SystemEntropy);
        let at = (sharing, shares::Occasion::First);
        let wanted = self.wanted(&passphrases.passphrase_files)?;
        put_in_force(make(&secret, &wanted)?, &wanted.1, at)?;
        Ok(secret)
    }

    /// The shares that are wanted, each with its passphrase, and how many of them are needed.
    ///
    /// # Errors
    ///
    /// If something is not said, or a passphrase is not there.
    pub(super) fn wanted(
        &self,
        passphrase_files: &[PathBuf],
    ) -> Result<(u8, Vec<NewShare>), CliError> {
        let (Some(threshold), Some(directory)) = (self.threshold, &self.share_dir) else {
            return Err(CliError::Usage(
                "--officer, --threshold and --share-dir are needed\n  name each officer who gets \
                 a share, how many of them are needed, and where the files go"
                    .to_owned(),
            ));
        };
        let passphrases = self::passphrase_files(passphrase_files, self.officers.len())?;
        let mut new = Vec::with_capacity(self.officers.len());
        for (officer, file) in self.officers.iter().zip(passphrases) {
            let passphrase = match file {
                Some(file) => passphrase::from_file(file)?,
                None => passphrase::ask(&format!("passphrase of {officer}"), Occasion::New)?,
            };
            new.push(NewShare {
                officer: officer.clone(),
                file: directory.join(format!("{officer}.share.toml")),
                passphrase,
            });
        }
        Ok((threshold, new))
    }
}

/// Makes shares of a secret and proves them. They are not in force.
///
/// # Errors
///
/// If they cannot be made. Then nothing has changed.
pub(super) fn make<'a>(
    secret: &SharedSecret,
    (threshold, new): &'a (u8, Vec<NewShare>),
) -> Result<Dealt<'a>, CliError> {
    let parameters = Argon2Parameters::recommended();
    let dealt = shares::make(secret, *threshold, new, parameters, &SystemEntropy);
    dealt.map_err(|error| CliError::caused(&error))
}

/// Puts shares that were made in force, and says where they are.
///
/// # Errors
///
/// If the sharing file cannot be written. Then nothing has changed.
pub(super) fn put_in_force(
    dealt: Dealt<'_>,
    new: &[NewShare],
    at: (&Path, shares::Occasion),
) -> Result<(), CliError> {
    let sharing = dealt
        .put_in_force(at)
        .map_err(|error| CliError::caused(&error))?;
    say(format_args!(
        "made and proved {} shares, of which {} are needed; the sharing is in {}",
        new.len(),
        sharing.needed(),
        at.0.display()
    ));
    for new in new {
        say(format_args!("  {}: {}", new.officer, new.file.display()));
    }
    say("give each officer their file, and keep no copy here");
    Ok(())
}

/// Opens an officer's share; without a file its passphrase is asked for.
///
/// # Errors
///
/// If it does not open.
pub(super) fn open(path: &Path, passphrase_file: Option<&PathBuf>) -> Result<ShareOffer, CliError> {
    let file = ShareFile::read(path).map_err(|error| CliError::caused(&error))?;
    let passphrase: SecretString = match passphrase_file {
        Some(path) => passphrase::from_file(path)?,
        None => {
            let what = format!("passphrase of {}", file.officer());
            passphrase::ask(&what, Occasion::Existing)?
        }
    };
    let opened = file.open(&passphrase);
    opened.map_err(|error| CliError::Failed(format!("{}: {error}", path.display())))
}

/// The passphrase file of each share, if they have any.
fn passphrase_files(
    files: &[PathBuf],
    count: usize,
) -> Result<impl Iterator<Item = Option<&PathBuf>>, CliError> {
    if files.is_empty() || files.len() == count {
        return Ok(files.iter().map(Some).chain(std::iter::repeat(None)));
    }
    Err(CliError::Usage(format!(
        "--share-passphrase-file: there are {} of them and {count} shares\n  give one for each \
         share, in the same order, or none",
        files.len()
    )))
}

fn officer(text: &str) -> Result<OfficerName, String> {
    OfficerName::new(text).map_err(|error| error.to_string())
}
