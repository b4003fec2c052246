//! `counterfoil dev login`: an assertion of a person, for trying policies with any client.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::dev::DevDirectory;
use crate::cli::dev::people::Login;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::domain::Clock;
use crate::domain::SystemClock;

/// Prints an assertion (JWT) of a person, as the identity provider of DIR vouches for them
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Pass it as acting_principal, or in a file by --acting-principal-file. Commands with --dev DIR and
--as NAME do so by themselves.

Examples:
  counterfoil dev login --dev .dev --as agent
  counterfoil dev login --dev .dev --as agent --methods pwd --age 9h    (policies may say no)
  counterfoil dev login --dev .dev --as agent --group support-leads --unbound")]
pub(in crate::cli) struct LoginArgs {
    /// The directory of `serve --dev DIR`
    #[arg(long, value_name = "DIR")]
    dev: PathBuf,

    /// Who logs in: agent, approver, auditor, officer1, officer2 or officer3
    #[arg(long = "as", value_name = "NAME")]
    identity: String,

    /// How they proved who they are, instead of hwk,mfa (RFC 8176)
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    methods: Option<Vec<String>>,

    /// How long ago they logged in, such as 30m or 9h
    #[arg(long, value_name = "DURATION", value_parser = seconds, default_value = "0s")]
    age: u64,

    /// A group that they are in, instead of their own; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,

    /// How long the assertion lives
    #[arg(long, value_name = "DURATION", value_parser = seconds, default_value = "5m")]
    lifetime: u64,

    /// Do not bind it to the certificate of the identity
    #[arg(long)]
    unbound: bool,
}

impl LoginArgs {
    pub(in crate::cli) fn run(self) -> Result<Exit, CliError> {
        let dev = DevDirectory::new(&self.dev);
        let login = Login::of(&self.identity).ok_or_else(|| {
            let problem = "--as: no such person\n  use agent, approver, auditor or officer1 to 3";
            CliError::Usage(problem.to_owned())
        })?;
        let login = Login {
            methods: self.methods.unwrap_or(login.methods),
            groups: if self.groups.is_empty() {
                login.groups
            } else {
                self.groups
            },
            age_seconds: self.age,
            lifetime_seconds: self.lifetime,
            is_bound: !self.unbound,
            ..login
        };
        let assertion = dev.vouch(&login, SystemClock::default().now())?;
        writeln!(io::stdout(), "{}", assertion.as_str())?;
        Ok(Exit::Done)
    }
}

/// Reads a duration: a number with a unit, `s`, `m`, `h` or `d`.
fn seconds(text: &str) -> Result<u64, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let read = |(unit, seconds): (&str, u64)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(seconds)
    };
    let found = units.into_iter().find_map(read);
    found.ok_or_else(|| "write it like 45s, 30m, 9h or 2d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_has_a_unit() {
        assert_eq!(seconds("45s"), Ok(45));
        assert_eq!(seconds("30m"), Ok(1_800));
        assert_eq!(seconds("9h"), Ok(32_400));
        assert_eq!(seconds("2d"), Ok(172_800));
        for text in ["", "9", "h", "-1h", "9 h", "1.5h", "18446744073709551615d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
