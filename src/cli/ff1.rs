//! `counterfoil ff1`: FF1 by the standard, to come from another system that uses it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::pipeline::LineCall;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::crypto::Alphabet;
use crate::crypto::Direction;
use crate::crypto::InterchangeFf1;
use crate::crypto::OtherCharacters;
use crate::crypto::SmallDomains;
use crate::domain::RequestId;

/// FF1 (NIST SP 800-38G) with a key, tweak and alphabet of your own: no vault is asked
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Ff1Command {
    Decrypt(DecryptArgs),
    Encrypt(EncryptArgs),
}

/// Deciphers what another FF1 system has enciphered: a text a line in, a text a line out
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A line that fails becomes an empty line, its error goes to standard error with the line's number,
and the exit code is 1. In texts, \\n, \\t and \\\\ stand for newline, tab and backslash.

Example: the old system's ciphertexts become tokens of the vault, and are never on a disk in clear
  counterfoil ff1 decrypt --key-file old.key --radix 10 --tweak-hex 39383736 old.txt \\
    | counterfoil tokenize --field card --dev .dev > new.txt")]
pub(super) struct DecryptArgs {
    #[command(flatten)]
    cipher: CipherArgs,
}

/// Enciphers as another FF1 system does: a text a line in, a text a line out
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
This makes ciphertexts for another system, to compare the two. It makes no tokens: who has the key
deciphers all of them. Lines fail as in `counterfoil ff1 decrypt`.

Example:
  echo 4556-7375-8689-9855 | counterfoil ff1 encrypt --key-file old.key --radix 10 --keep-others")]
pub(super) struct EncryptArgs {
    #[command(flatten)]
    cipher: CipherArgs,
}

#[derive(Args, Clone, Debug)]
struct CipherArgs {
    /// The AES key: 16, 24 or 32 bytes, raw or in hexadecimal. Only you may read the file (0600)
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,

    /// The characters of the texts in the order of their numerals, the first being 0
    #[arg(long, value_name = "CHARACTERS", required_unless_present = "radix")]
    alphabet: Option<String>,

    /// Instead of --alphabet: the first N of 0 to 9, a to z, A to Z, from 2 to 62
    #[arg(long, value_name = "N", conflicts_with = "alphabet")]
    radix: Option<usize>,

    /// The tweak in hexadecimal, at most 8192 bytes; empty if there is none
    #[arg(long, value_name = "HEX", default_value = "")]
    tweak_hex: String,

    /// Let characters outside of the alphabet stay where they are; otherwise they are an error
    #[arg(long)]
    keep_others: bool,

    /// Take texts of which fewer than 1,000,000 (but at least 100) exist, as the first edition of
    /// the standard did; such ciphertexts can be deciphered without the key
    #[arg(long)]
    allow_small_domains: bool,

    #[command(flatten)]
    lines: LineArgs,
}

struct Ff1Lines {
    ff1: InterchangeFf1,
    direction: Direction,
    others: OtherCharacters,
}

impl Ff1Command {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let (direction, cipher) = match self {
            Self::Decrypt(DecryptArgs { cipher }) => (Direction::Decrypt, cipher),
            Self::Encrypt(EncryptArgs { cipher }) => (Direction::Encrypt, cipher),
        };
        let lines = Ff1Lines {
            ff1: cipher.ff1()?,
            direction,
            others: match cipher.keep_others {
                true => OtherCharacters::Kept,
                false => OtherCharacters::Refused,
            },
        };
        cipher.lines.answer(lines).await
    }
}

impl CipherArgs {
    fn ff1(&self) -> Result<InterchangeFf1, CliError> {
        let usage = |problem: &dyn ToString| CliError::Usage(problem.to_string());
        let alphabet = match (&self.alphabet, self.radix) {
            (Some(alphabet), _) => Alphabet::new(alphabet),
            (None, Some(radix)) => Alphabet::of_radix(radix)
                .map_err(|_| usage(&"--radix must be 2 to 62\n  give --alphabet for a larger one"))
                .map(Ok)?,
            (None, None) => return Err(usage(&"--alphabet or --radix is missing")),
        };
        let alphabet = alphabet.map_err(|error| usage(&format!("--alphabet: {error}")))?;
        let tweak = hex::decode(&self.tweak_hex)
            .map_err(|_| usage(&"--tweak-hex is not hexadecimal, two digits a byte"))?;
        let small_domains = match self.allow_small_domains {
            true => SmallDomains::Legacy,
            false => SmallDomains::Refused,
        };
        let key = read_key(&self.key_file)?;
        InterchangeFf1::new(&key, tweak, alphabet, small_domains).map_err(|error| usage(&error))
    }
}

/// Reads a key from a file that nobody else may read: hexadecimal, or the bytes themselves.
fn read_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let file = File::open(path).map_err(CliError::file(path))?;
    let metadata = file.metadata().map_err(CliError::file(path))?;
    if !metadata.is_file() || metadata.mode() & OTHERS_MODE != 0 {
        let path = path.display();
        return Err(CliError::Usage(format!(
            "{path}: others may read or write the key, or it is no file\n  chmod 600 {path}"
        )));
    }
    // As large as what is read, so that growing leaves no copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES_MAX + 1));
    let limit = u64::try_from(bytes.capacity()).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(CliError::file(path))?;
    let text = bytes.trim_ascii();
    // 32 bytes that happen to be hexadecimal digits are taken for them: a chance of 1 in 2^110.
    if KEY_BYTES.contains(&(text.len() / 2)) && text.iter().all(u8::is_ascii_hexdigit) {
        let mut key = Zeroizing::new(vec![0; text.len() / 2]);
        if hex::decode_to_slice(text, &mut key).is_ok() {
            return Ok(key);
        }
    }
    if KEY_BYTES.contains(&bytes.len()) {
        return Ok(bytes);
    }
    Err(CliError::Usage(format!(
        "{}: the key must have 16, 24 or 32 bytes, raw or in hexadecimal",
        path.display()
    )))
}

impl LineCall for Ff1Lines {
    type Item = Zeroizing<String>;

    fn item(&self, value: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
        let applied = self.ff1.apply(self.direction, &value, self.others);
        applied.map_err(Failure::invalid)
    }

    async fn call(
        &self,
        _: RequestId,
        items: Vec<Zeroizing<String>>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        let answer = |text: &Zeroizing<String>| {
            let text = text.as_str();
            // This is the answer.
            Ok(Answer::new(text, [("text", json!(text))]))
        };
        Ok(items.iter().map(answer).collect())
    }
}

/// What the group and the rest of the world may do with a file.
const OTHERS_MODE: u32 = 0o077;
const KEY_BYTES: [usize; 3] = [16, 24, 32];
const KEY_FILE_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key_file(bytes: &[u8], mode: u32) -> Result<Vec<u8>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.key");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let key = read_key(&path);
        key.map(|key| key.to_vec())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn key_is_read_raw_or_in_hexadecimal() {
        for length in KEY_BYTES {
            let key = vec![0xa7; length];
            assert_eq!(key_file(&key, 0o600).unwrap(), key);
            let text = format!("{}\n", hex::encode_upper(&key));
            assert_eq!(key_file(text.as_bytes(), 0o400).unwrap(), key);
        }
        for wrong in [&b""[..], &[1; 15], &[1; 33], &[b'a'; 34], &[1; 1_000]] {
            assert!(key_file(wrong, 0o600).unwrap_err().contains("16, 24 or 32"));
        }
    }

    #[test]
    fn key_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o644, 0o620] {
            let error = key_file(&[1; 32], mode).unwrap_err();
            assert!(error.contains("chmod 600"), "{error}");
        }
    }
}
