//! `counterfoil dev keys-example`: the example that is checked in, `keys-example/`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::dev::DevDirectory;
use crate::cli::dev::create::Access;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::cli::exit::Exit;
use crate::crypto::SharedSecret;
use crate::crypto::SystemEntropy;
use crate::domain::OfficerName;
use crate::keys::root::Argon2Parameters;
use crate::keys::root::shares;
use crate::keys::root::shares::NewShare;
use crate::keys::root::shares::Occasion;

/// Makes the directory that is checked in as keys-example/, with new keys
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Whatever is checked in is public: a vault refuses these keys, except with serve --dev.

Example:
  counterfoil dev keys-example keys-example")]
pub(in crate::cli) struct KeysExampleArgs {
    /// The directory, which must not be there or be empty
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl KeysExampleArgs {
    pub(in crate::cli) fn run(&self) -> Result<Exit, CliError> {
        let dev = DevDirectory::new(&self.directory);
        dev.create(PASSPHRASE)?;
        let config = include_str!("config.toml");
        for (name, root_key) in [("hsm", HSM), ("shares", SHARES)] {
            let text = with_root_key(config, name, root_key).ok_or_else(CliError::panicked)?;
            dev.write(&format!("{name}.toml"), Access::All, &text)?;
        }
        self.deal_shares(&dev)?;
        dev.write("README.md", Access::All, include_str!("keys_example.md"))?;
        let ceremony = include_str!("../../../keys-example/ceremony.sh");
        dev.write("ceremony.sh", Access::All, ceremony)?;
        say(format_args!("made {}", self.directory.display()));
        Ok(Exit::Done)
    }
}

impl KeysExampleArgs {
    /// Deals shares of a root key of their own, which `shares.toml` has: two of three officers.
    fn deal_shares(&self, dev: &DevDirectory) -> Result<(), CliError> {
        dev.write("shares/README.md", Access::All, SHARES_README)?;
        let directory = self.directory.join("shares");
        let new = OFFICERS.map(|name| {
            let officer = OfficerName::new(name).map_err(CliError::failed)?;
            Ok(NewShare {
                file: directory.join(format!("{officer}.share.toml")),
                passphrase: PASSPHRASE.to_owned().into(),
                officer,
            })
        });
        let new = new.into_iter().collect::<Result<Vec<_>, CliError>>()?;
        let secret = SharedSecret::generate(&SystemEntropy);
        let file = directory.join("sharing.toml");
        let at = (file.as_path(), Occasion::First);
        let parameters = Argon2Parameters::recommended();
        shares::deal(&secret, 2, &new, at, parameters, &SystemEntropy)
            .map(drop)
            .map_err(|error| CliError::caused(&error))
    }
}

/// The example's configuration with another root key and a data directory of its own.
fn with_root_key(config: &str, name: &str, root_key: &str) -> Option<String> {
    let (before, rest) = config.split_once("[root_key]\n")?;
    let (_, after) = rest.split_once("[audit]\n")?;
    let data_dir = format!("data_dir = \"data-{name}\"");
    let before = before.replacen("data_dir = \"data\"", &data_dir, 1);
    Some(format!("{before}{root_key}\n[audit]\n{after}"))
}

const PASSPHRASE: &str = "counterfoil-example";
const OFFICERS: [&str; 3] = ["officer1", "officer2", "officer3"];
const HSM: &str = "\
# The root key is on an HSM and never leaves it. docs/root-key.md has the commands; with SoftHSM:
#   softhsm2-util --init-token --free --label counterfoil --pin 824619 --so-pin 13572468
[root_key]
provider = \"pkcs11\"
module = \"/usr/lib/softhsm/libsofthsm2.so\"
token = \"counterfoil\"
key = \"root-key\"
# In production: name a file with the PIN, such as a credential of the service manager.
# pin_file = \"/run/credentials/counterfoil/pin\"
";
const SHARES: &str = "\
# Two of three officers open the vault. Their shares are in shares/, under the passphrase that
# everybody knows. The vault starts sealed: `counterfoil unseal --share FILE` gives a share.
[root_key]
provider = \"shares\"
file = \"shares/sharing.toml\"
";
const SHARES_README: &str = "\
# Example shares

**All of this is public.** `sharing.toml` is what a vault has; `NAME.share.toml` is what an officer
takes away, here under the passphrase `counterfoil-example`. Two of the three open the vault of
`../shares.toml`.
";
