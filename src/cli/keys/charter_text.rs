//! A new charter as officers are shown it before they sign for it.

use std::collections::BTreeSet;

use crate::ceremony::Charter;
use crate::ceremony::Operation;
use crate::ceremony::Statement;
use crate::cli::error::CliError;
use crate::cli::error::say;

/// Shows the charter that a statement would put in force, and how it differs from the one that is.
/// Shows nothing for any other statement.
///
/// # Errors
///
/// If it is not the charter that is signed for: the statement has no more of it than its digest.
pub(super) fn show_brought(
    statement: &Statement,
    brought: &str,
    current: &Charter,
) -> Result<(), CliError> {
    let Some(brought) = brought_charter(statement, brought)? else {
        return Ok(());
    };
    say(format_args!(
        "The charter that would be in force; - marks what would not be there any more, + what is \
         new:\n"
    ));
    for line in difference(&current.to_string(), &brought.to_string()) {
        say(format_args!("  {line}"));
    }
    say(format_args!(""));
    Ok(())
}

/// The charter that a statement is about; nothing for any other statement.
fn brought_charter(statement: &Statement, text: &str) -> Result<Option<Charter>, CliError> {
    let Operation::ChangeCharter(digest) = &statement.operation else {
        return Ok(None);
    };
    let charter = Charter::read(text).map_err(CliError::failed)?;
    if charter.digest() != *digest {
        return Err(CliError::Failed(
            "the vault shows another charter than the one of this statement".to_owned(),
        ));
    }
    Ok(Some(charter))
}

/// The lines of both, in the order of what they are about, each with what becomes of it.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (before.lines().collect(), after.lines().collect());
    // The head, the officers and the rules begin with words in the order of their alphabet.
    let all = old.union(&new);
    let marked = all.map(|line| match (old.contains(line), new.contains(line)) {
        (true, true) => format!("  {line}"),
        (true, false) => format!("- {line}"),
        (false, _) => format!("+ {line}"),
    });
    marked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_has_every_line_and_says_which_are_new() {
        let before = "counterfoil.v1/charter\nofficer a\nofficer b\nrule destroy-key 3 86400\n";
        let after = "counterfoil.v1/charter\nofficer a\nofficer c\nrule destroy-key 2 0\n";
        let expected = [
            "  counterfoil.v1/charter",
            "  officer a",
            "- officer b",
            "+ officer c",
            "+ rule destroy-key 2 0",
            "- rule destroy-key 3 86400",
        ];
        assert_eq!(difference(before, after), expected);
        assert!(
            !difference(after, after)
                .iter()
                .any(|line| line.starts_with(['+', '-']))
        );
    }
}
