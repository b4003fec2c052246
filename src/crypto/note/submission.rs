//! What a log sends to a witness: a checkpoint, and the proof that it extends an older one.
//!
//! Source: C2SP tlog-witness (<https://c2sp.org/tlog-witness>), the body of `add-checkpoint`.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::NOTE_BYTES_MAX;
use super::NoteError;
use super::SignedNote;
use crate::crypto::merkle::Hash;

/// The most hashes of a proof.
pub const PROOF_HASHES_MAX: usize = 63;

/// The longest submission that is read, in bytes: its first line, its proof and its note.
pub const SUBMISSION_BYTES_MAX: usize = 64 + PROOF_HASHES_MAX * 45 + NOTE_BYTES_MAX;

/// A checkpoint for a witness. Nothing of it is verified yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Submission {
    /// The size of the tree that the witness is believed to have seen last.
    pub old_size: u64,
    /// The consistency proof from that size to the checkpoint's.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: SignedNote,
}

impl fmt::Display for Submission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(formatter, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        write!(formatter, "\n{}", self.note)
    }
}

impl FromStr for Submission {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        if text.len() > SUBMISSION_BYTES_MAX {
            return Err(NoteError::Submission);
        }
        let (head, note) = text.split_once("\n\n").ok_or(NoteError::Submission)?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(|size| size.parse().ok())
            .ok_or(NoteError::Submission)?;
        let proof = lines
            .take(PROOF_HASHES_MAX + 1)
            .map(hash)
            .collect::<Result<Vec<_>, _>>()?;
        let submission = Self {
            old_size,
            proof,
            note: note.parse()?,
        };
        // What is written back the same has no zeros before its size, and no second spelling.
        if submission.proof.len() <= PROOF_HASHES_MAX && submission.to_string() == text {
            Ok(submission)
        } else {
            Err(NoteError::Submission)
        }
    }
}

fn hash(line: &str) -> Result<Hash, NoteError> {
    let bytes = STANDARD.decode(line).map_err(|_| NoteError::Submission)?;
    let bytes = bytes.try_into().map_err(|_| NoteError::Submission)?;
    Ok(Hash::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::note::Checkpoint;

    // C2SP tlog-witness.md.
    const EXAMPLE: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n\
        example.com/behind-the-sofa\n20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhc\
        yv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/\
        V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

    #[test]
    fn example_of_c2sp_is_read_and_written_back() {
        let submission: Submission = EXAMPLE.parse().unwrap();
        assert_eq!(submission.old_size, 20_852_014);
        assert_eq!(submission.proof.len(), 4);
        assert_eq!(submission.note.signatures().len(), 2);
        assert_eq!(submission.to_string(), EXAMPLE);
        let without_proof: String = EXAMPLE
            .split_inclusive('\n')
            .enumerate()
            .filter(|(position, _)| !(1..5).contains(position))
            .map(|(_, line)| line)
            .collect();
        let submission: Submission = without_proof.parse().unwrap();
        assert!(submission.proof.is_empty());
        assert_eq!(submission.to_string(), without_proof);
    }

    #[test]
    fn submission_has_one_form() {
        let one = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        for wrong in [
            EXAMPLE.replace("old 2", "old 02"),
            EXAMPLE.replace("old 2", "old +2"),
            EXAMPLE.replace("old 2", "old  2"),
            EXAMPLE.replace("old 2", "Old 2"),
            EXAMPLE.replace("old 20852014\n", ""),
            EXAMPLE.replace("old 20852014", "old 18446744073709551616"),
            EXAMPLE.replace("kaw=\n", "kaw\n"),
            EXAMPLE.replace("kaw=\n", "kaw=\r\n"),
            EXAMPLE.replace(one, &one.repeat(PROOF_HASHES_MAX)),
            EXAMPLE.trim_end().to_owned(),
            format!("\n{EXAMPLE}"),
            String::new(),
        ] {
            assert!(wrong.parse::<Submission>().is_err(), "{wrong:?}");
        }
        let most = EXAMPLE.replace(one, &one.repeat(PROOF_HASHES_MAX - 3));
        assert_eq!(most.parse::<Submission>().unwrap().to_string(), most);
    }

    #[test]
    fn checkpoint_of_another_log_may_have_extensions() {
        let text = "log.example\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let plain = Checkpoint::of_any_log(text).unwrap();
        assert_eq!(Ok(plain.clone()), text.parse());
        let extended = format!("{text}one\ntwo words\n");
        assert_eq!(Checkpoint::of_any_log(&extended), Ok(plain));
        for wrong in [
            "log.example\n7\n",
            &format!("{text}\n"),
            &format!("{text}x"),
        ] {
            assert!(Checkpoint::of_any_log(wrong).is_err(), "{wrong:?}");
        }
    }
}
