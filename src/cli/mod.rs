//! The command line: a file for each command.
//!
//! Results go to standard output, words and progress to standard error; values never come in
//! arguments, which every process of the machine can read. A command ends with an [`Exit`].

mod acting;
mod answer;
mod audit;
mod backup;
mod config_check;
mod connection;
mod demo;
mod detokenize;
mod dev;
mod error;
mod escape;
mod example_keys;
mod exit;
mod exposure;
mod ff1;
mod freeze;
mod grant;
mod import;
mod init;
mod inspect;
mod keys;
mod line;
mod line_args;
mod lookup;
mod offline;
mod parts;
mod passphrase;
mod pipeline;
mod policy;
mod public_keys;
mod recognize;
mod recover;
mod redact;
mod reshare;
mod restore;
mod retokenize;
mod root_key;
mod rotate_root_key;
mod run_id;
mod serve;
mod shares;
mod subject;
mod tokenize;
mod unseal;
mod verify_match;
mod wiring;
mod witness;

use std::panic;

use clap::Parser;
use clap::Subcommand;
use tokio::runtime;

use crate::cli::error::CliError;
use crate::cli::error::say;

pub use exit::Exit;

/// A format-preserving tokenization vault: the token is the ciphertext, the vault keeps its key
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
A first look, on one machine and with nothing to set up:
  counterfoil demo

A vault to develop against, and a value tokenized with it:
  counterfoil serve --dev .dev
  echo 'Ada Lovelace' | counterfoil tokenize --field name --dev .dev

Exit codes: 0 done, 1 failed, 2 usage, 3 denied, 4 verification failed."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    Backup(Box<backup::BackupArgs>),
    #[command(subcommand)]
    Config(config_check::ConfigCommand),
    Demo(demo::DemoArgs),
    Describe(subject::DescribeArgs),
    Detokenize(detokenize::DetokenizeArgs),
    #[command(subcommand)]
    Dev(DevCommand),
    Erase(subject::EraseArgs),
    #[command(subcommand)]
    Ff1(ff1::Ff1Command),
    Freeze(freeze::FreezeArgs),
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    Import(import::ImportArgs),
    Init(init::InitArgs),
    Inspect(inspect::InspectArgs),
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    Lookup(lookup::LookupArgs),
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    Principal(freeze::PrincipalArgs),
    Recognize(recognize::RecognizeArgs),
    #[command(subcommand)]
    Recover(recover::RecoverCommand),
    Redact(redact::RedactArgs),
    Restore(restore::RestoreArgs),
    Retokenize(Box<retokenize::RetokenizeArgs>),
    #[command(subcommand)]
    RootKey(rotate_root_key::RootKeyCommand),
    Serve(serve::ServeArgs),
    Tokenize(tokenize::TokenizeArgs),
    Unfreeze(freeze::UnfreezeArgs),
    Unseal(unseal::UnsealArgs),
    VerifyMatch(verify_match::VerifyMatchArgs),
    #[command(subcommand)]
    Witness(witness::WitnessCommand),
}

/// Things that are of use to who develops Counterfoil
#[derive(Debug, Subcommand)]
enum DevCommand {
    IdentityProvider(dev::identity_provider::IdentityProviderArgs),
    KeysExample(dev::keys_example::KeysExampleArgs),
    Login(dev::login::LoginArgs),
}

/// Runs the command that the process was called with.
#[must_use]
pub fn run() -> Exit {
    panic::set_hook(Box::new(|panic| {
        // The place alone: what was being handled may be in the message.
        match panic.location() {
            Some(place) => say(format_args!("internal error at {place}")),
            None => say("internal error"),
        }
    }));
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => {
            // `--help` and `--version` are no errors, and go to standard output.
            let is_error = error.use_stderr();
            let printed = error.print();
            return if is_error || printed.is_err() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    match execute(command) {
        Ok(exit) => exit,
        Err(error) => {
            // Who has closed the output has seen enough.
            if !error.is_broken_pipe() {
                say(format_args!("counterfoil: {error}"));
            }
            error.exit()
        }
    }
}

fn execute(command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Audit(command) => command.run(),
        Command::Backup(arguments) => arguments.run(),
        Command::Config(command) => command.run(),
        Command::Demo(arguments) => arguments.run(),
        Command::Describe(arguments) => block_on(arguments.run()),
        Command::Detokenize(arguments) => block_on(arguments.run()),
        Command::Dev(DevCommand::IdentityProvider(arguments)) => block_on(arguments.run()),
        Command::Dev(DevCommand::KeysExample(arguments)) => arguments.run(),
        Command::Dev(DevCommand::Login(arguments)) => arguments.run(),
        Command::Erase(arguments) => block_on(arguments.run()),
        Command::Ff1(command) => block_on(command.run()),
        Command::Freeze(arguments) => block_on(arguments.run()),
        Command::Grant(command) => block_on(command.run()),
        Command::Import(arguments) => block_on(arguments.run()),
        Command::Init(arguments) => arguments.run(),
        Command::Inspect(arguments) => block_on(arguments.run()),
        Command::Keys(command) => block_on(command.run()),
        Command::Lookup(arguments) => block_on(arguments.run()),
        Command::Policy(command) => command.run(),
        Command::Principal(arguments) => block_on(arguments.run()),
        Command::Recognize(arguments) => block_on(arguments.run()),
        Command::Recover(command) => command.run(),
        Command::Redact(arguments) => block_on(arguments.run()),
        Command::Restore(arguments) => arguments.run(),
        Command::Retokenize(arguments) => block_on(arguments.run()),
        Command::RootKey(command) => command.run(),
        Command::Serve(arguments) => arguments.run(),
        Command::Tokenize(arguments) => block_on(arguments.run()),
        Command::Unfreeze(arguments) => block_on(arguments.run()),
        Command::Unseal(arguments) => block_on(arguments.run()),
        Command::VerifyMatch(arguments) => block_on(arguments.run()),
        Command::Witness(command) => command.run(),
    }
}

/// Runs a command that calls a vault, or is one.
fn block_on<T>(command: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()?;
    let result = runtime.block_on(command);
    // A reader of standard input may still wait for a line that nobody needs.
    runtime.shutdown_background();
    result
}

/// Threads that may wait for a disk at once. More than there may be calls under way with the usual
/// limits (256 on each of two listeners, 256 on the streams of each of three services, 16 who
/// watch): one that waits takes the runtime's place with it, and without a thread to hand it to,
/// timers and health would wait too. They are made when they are needed.
const BLOCKING_THREADS_MAX: usize = 4_096;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_with_an_example() {
        fn check(command: &clap::Command) {
            for command in command.get_subcommands() {
                let name = command.get_name();
                let teaches = command.has_subcommands()
                    || command.get_after_help().is_some_and(|help| {
                        help.to_string().contains(&format!("  counterfoil {name}"))
                            || help.to_string().contains(&format!("counterfoil {name} "))
                            || help.to_string().contains(&format!(" {name}"))
                    });
                assert!(teaches, "{name} has no example");
                check(command);
            }
        }
        check(&Cli::command());
    }
}
