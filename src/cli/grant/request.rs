//! `counterfoil grant request`.

use clap::Args;

use crate::cli::acting::ActingArgs;
use crate::cli::connection::ConnectionArgs;
use crate::cli::detokenize::case_id;
use crate::cli::detokenize::level;
use crate::cli::detokenize::purpose;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::grant::show;
use crate::cli::line_args::subject;
use crate::cli::run_id::RunId;
use crate::cli::tokenize::field;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::Level;
use crate::domain::Purpose;
use crate::domain::Subject;
use crate::protocol;

/// Asks for a grant: some fields of some customers, for one case, for some minutes
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Another person must approve exactly this. Only you may use it then, through this certificate:
  counterfoil detokenize --grant ID --subject S --field F --purpose P --case C

With --break-glass it is for any customer, begins after 15 minutes or when a second person
approves, and pages everybody.

Example:
  counterfoil grant request --subject cus_7 --field email --purpose support --case T-1042 \\
    --dev .dev --as agent")]
pub(super) struct RequestArgs {
    /// A customer; repeat it for more, at most 20
    #[arg(long = "subject", value_parser = subject, required_unless_present = "break_glass")]
    subjects: Vec<Subject>,

    /// A field; repeat it for more
    #[arg(long = "field", value_parser = field, required = true)]
    fields: Vec<FieldName>,

    /// How much of the values: "full", or "masked"
    #[arg(long, value_parser = level, default_value = "full")]
    level: Level,

    /// Why: a word that the vault's policies know
    #[arg(long, value_parser = purpose)]
    purpose: Purpose,

    /// The case that it is for
    #[arg(long, value_parser = case_id, required_unless_present = "break_glass")]
    case: Option<CaseId>,

    /// How many values may be revealed, 1 to 1,000; default: one for each field of each customer
    #[arg(long, value_name = "COUNT")]
    reveals: Option<u32>,

    /// How many seconds it lasts, at most 900, or 3,600 with --break-glass; default: the most
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,

    /// For an emergency: any customer
    #[arg(long, conflicts_with = "subjects")]
    break_glass: bool,

    /// Write one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    acting: ActingArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

impl RequestArgs {
    pub(super) async fn run(self) -> Result<Exit, CliError> {
        let client = self.acting.access(&self.connection).await?;
        let kind = if self.break_glass {
            protocol::GrantKind::BreakGlass
        } else {
            protocol::GrantKind::Case
        };
        let level = match self.level {
            Level::Full => protocol::Level::Full,
            Level::Masked => protocol::Level::Masked,
        };
        let texts = |subjects: &[Subject]| {
            let text = |subject: &Subject| subject.as_str().to_owned();
            subjects.iter().map(text).collect()
        };
        let scope = protocol::GrantScope {
            namespace: String::new(),
            kind: kind.into(),
            subjects: texts(&self.subjects),
            fields: self
                .fields
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            level: level.into(),
            purpose: self.purpose.as_str().to_owned(),
            case_id: self
                .case
                .map_or_else(String::new, |it| it.as_str().to_owned()),
            reveals_max: self.reveals.unwrap_or_default(),
            ttl_seconds: self.ttl.unwrap_or_default(),
        };
        let request_id = RunId::random().request_id(0);
        let grant = client.request_grant(&request_id, scope).await?;
        show::print(&grant, self.json)
    }
}
