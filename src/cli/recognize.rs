//! `counterfoil recognize`: whether texts are tokens, by their form alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use zeroize::Zeroizing;

use crate::assembly;
use crate::cli::answer::Answer;
use crate::cli::answer::Failure;
use crate::cli::config_check;
use crate::cli::dev::DevDirectory;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::line_args::LineArgs;
use crate::cli::parts::PartsArgs;
use crate::cli::pipeline::LineCall;
use crate::cli::tokenize::field;
use crate::client::ClientError;
use crate::client::ItemError;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Recognition;
use crate::domain::RequestId;
use crate::domain::Token;
use crate::format::Format;

/// Says of each text whether it is a token, by its form alone: no vault is asked
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Writes `token` (a real value would not have this mark, check or domain), `not-token`, or `unsure`:
only the vault can tell, which `counterfoil inspect` asks.

Example: which e-mail addresses of a file are not tokenized yet?
  counterfoil recognize --dev .dev --field email emails.txt | grep --count not-token")]
pub(super) struct RecognizeArgs {
    /// The field that the texts are of; any field of the namespace if there is none
    #[arg(long, value_parser = field)]
    field: Option<FieldName>,

    /// The namespace; not needed where the configuration has one
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// The vault's configuration
    #[arg(
        long,
        value_name = "FILE",
        env = "COUNTERFOIL_CONFIG",
        conflicts_with = "dev"
    )]
    config: Option<PathBuf>,

    /// The configuration of the vault that `serve --dev DIR` has run
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    dev: Option<PathBuf>,

    #[command(flatten)]
    parts: PartsArgs,

    #[command(flatten)]
    lines: LineArgs,
}

struct Recognize {
    formats: BTreeMap<FieldName, Format>,
    parts: PartsArgs,
}

impl RecognizeArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let formats = self.formats()?;
        let parts = self.parts;
        self.lines.answer(Recognize { formats, parts }).await
    }

    /// The formats of the fields that are meant.
    fn formats(&self) -> Result<BTreeMap<FieldName, Format>, CliError> {
        let path = match (&self.config, &self.dev) {
            (Some(config), _) => config.clone(),
            (None, Some(dev)) => DevDirectory::new(dev).config(),
            (None, None) => return Err(usage("--config is missing\n  give it, or --dev DIR")),
        };
        let config = config_check::load(&path)?;
        let mut namespaces = config.namespaces.iter();
        let namespace = match (&self.namespace, namespaces.next(), namespaces.next()) {
            (Some(name), _, _) => {
                let namespace = Namespace::new(name).map_err(|error| usage(&error.to_string()))?;
                config.namespaces.get(&namespace)
            }
            (None, Some((_, namespace)), None) => Some(namespace),
            (None, _, _) => {
                return Err(usage(
                    "--namespace is missing\n  the configuration has several",
                ));
            }
        };
        let namespace = namespace.ok_or_else(|| usage("--namespace is not configured"))?;
        let mut formats = BTreeMap::new();
        for (name, field) in &namespace.fields {
            if self.field.as_ref().is_none_or(|wanted| wanted == name) {
                let format = assembly::format(field).map_err(|error| usage(&error.to_string()))?;
                formats.insert(name.clone(), format);
            }
        }
        if formats.is_empty() {
            return Err(usage("--field is not configured in the namespace"));
        }
        Ok(formats)
    }
}

impl LineCall for Recognize {
    type Item = Token;

    fn item(&self, value: Zeroizing<String>) -> Result<Token, Failure> {
        Ok(Token::new(self.parts.text(&value)?))
    }

    async fn call(
        &self,
        _: RequestId,
        items: Vec<Token>,
    ) -> Result<Vec<Result<Answer, ItemError>>, ClientError> {
        Ok(items.iter().map(|text| Ok(self.recognize(text))).collect())
    }
}

impl Recognize {
    fn recognize(&self, text: &Token) -> Answer {
        let each = self
            .formats
            .iter()
            .map(|(name, format)| (name, format.recognize(text)));
        let all = Recognition::of_any(each.clone().map(|(_, recognition)| recognition));
        let fields: Vec<&str> = each
            .filter(|(_, recognition)| *recognition == all)
            .map(|(name, _)| name.as_str())
            .collect();
        Answer::new(
            recognition_name(all),
            [
                ("recognition", json!(recognition_name(all))),
                ("fields", json!(fields)),
            ],
        )
    }
}

/// The word for what a form says.
pub(super) fn recognition_name(recognition: Recognition) -> &'static str {
    match recognition {
        Recognition::NotToken => "not-token",
        Recognition::Token => "token",
        Recognition::Unsure => "unsure",
    }
}

fn usage(problem: &str) -> CliError {
    CliError::Usage(problem.to_owned())
}
