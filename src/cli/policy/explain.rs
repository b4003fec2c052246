//! `counterfoil policy explain`: who can do what, and by which policy.

use std::io;
use std::io::Write;
use std::net::IpAddr;

use clap::Args;
use clap::ValueEnum;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use serde_json::Value;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::policy::SourceArgs;
use crate::cli::policy::printable;
use crate::config::Config;
use crate::domain::CaseId;
use crate::domain::Clock;
use crate::domain::DateTime;
use crate::domain::FieldName;
use crate::domain::Group;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::Person;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::SystemClock;
use crate::domain::Timestamp;
use crate::policy::Action;
use crate::policy::CaseFacts;
use crate::policy::Circumstances;
use crate::policy::Explanation;
use crate::policy::GrantFacts;
use crate::policy::Policy;
use crate::policy::Proposal;
use crate::policy::Question;
use crate::policy::Scope;
use crate::policy::Target;

/// Says whether somebody may do something, and by which policies; without --action, of every
/// action and field
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
What is not said is absent, and the time is now. Exit code 3: denied.

Examples:
  counterfoil policy explain --dev .dev --principal spiffe://dev.counterfoil.example/agent
  counterfoil policy explain --config config.toml --principal spiffe://acme.example/support-tool \\
    --person acme/ada --group support-agents --method mfa --login-age-s 600 \\
    --action detokenize --namespace shop --field email --purpose support --grant full")]
pub(in crate::cli) struct ExplainArgs {
    #[command(flatten)]
    source: SourceArgs,

    /// Who calls: the SPIFFE id or DNS name of the client certificate
    #[arg(long, value_parser = principal)]
    principal: Principal,

    /// What they want to do, by the name of the action; every action if there is none
    #[arg(long, value_parser = action)]
    action: Option<Action>,

    /// In which namespace; may be left out where there is one
    #[arg(long, value_parser = namespace)]
    namespace: Option<Namespace>,

    /// Everywhere, instead of in a namespace: of actions that are about no field
    #[arg(long, conflicts_with_all = ["namespace", "field"])]
    everywhere: bool,

    /// On which field
    #[arg(long, value_parser = field)]
    field: Option<FieldName>,

    /// On whose behalf: issuer/subject
    #[arg(long, value_name = "ID", value_parser = person)]
    person: Option<PersonId>,

    /// A group that the person is in; may be repeated
    #[arg(long, requires = "person", value_parser = group)]
    group: Vec<Group>,

    /// How the person proved who they are, such as mfa; may be repeated
    #[arg(long, requires = "person", value_parser = group)]
    method: Vec<Group>,

    /// The class of the proof
    #[arg(long, requires = "person", value_parser = group)]
    class: Option<Group>,

    /// Seconds since the person logged in
    #[arg(long, value_name = "SECONDS", requires = "person")]
    login_age_s: Option<u64>,

    /// The person's assertion is not bound to the certificate
    #[arg(long, requires = "person")]
    unbound: bool,

    /// Why
    #[arg(long, value_parser = purpose)]
    purpose: Option<Purpose>,

    /// For which case
    #[arg(long, value_name = "ID", value_parser = case_id)]
    case: Option<CaseId>,

    /// What the case connector says of the case: those of open, assigned and about_subject that
    /// are so, or none
    #[arg(long, value_name = "FACTS", value_delimiter = ',')]
    case_facts: Option<Vec<CaseFact>>,

    /// Under a live grant of this level, for the case of --case
    #[arg(long, value_name = "LEVEL")]
    grant: Option<GrantLevel>,

    /// How much of the budget is used, in percent
    #[arg(long, value_name = "PERCENT")]
    budget: Option<u32>,

    /// Where the connection comes from
    #[arg(long)]
    address: Option<IpAddr>,

    /// When, such as 2026-11-23T10:00:00Z
    #[arg(long, value_parser = time)]
    time: Option<Timestamp>,

    /// Of an action about grants: the level of the grant
    #[arg(long, default_value = "masked")]
    level: GrantLevel,

    /// Of an action about grants: who asked for it
    #[arg(long, value_name = "ID", value_parser = person)]
    requester: Option<PersonId>,

    /// Of an action about grants: for how many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    ttl_s: u64,

    /// Of an action about grants: how many reveals
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    reveals_max: u64,

    /// Of an action about grants: of how many customers
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    subjects: u64,

    /// Write JSON: one object for each answer
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum CaseFact {
    None,
    Open,
    Assigned,
    AboutSubject,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum GrantLevel {
    Full,
    Masked,
}

/// What was asked, and the answer.
struct Answered<'a> {
    action: Action,
    namespace: Option<&'a Namespace>,
    field: Option<&'a FieldName>,
    explanation: Explanation,
}

impl ExplainArgs {
    pub(super) fn run(self) -> Result<Exit, CliError> {
        let (config, policy) = self.source.load()?;
        let time = self.time.unwrap_or_else(|| SystemClock::default().now());
        let person = self.person(time);
        let circumstances = Circumstances {
            person: person.as_ref(),
            address: self.address,
            case: self.case_facts.as_deref().map(case_facts),
            grant: self.grant.map(|level| GrantFacts {
                level: level.into(),
                case_id: self.case.as_ref(),
                reveals_left: self.reveals_max,
                is_break_glass: false,
            }),
            budget_used_percent: self.budget,
            ..Circumstances::new(&self.principal, time)
        };
        let namespace = self.namespace(&config)?;
        let Some(action) = self.action else {
            let fields: Vec<&FieldName> = fields_of(&config, namespace).collect();
            let fields = fields.into_iter().filter(|name| match &self.field {
                Some(only) => *name == only,
                None => true,
            });
            let places: Vec<_> = fields.map(Some).chain([None]).collect();
            let mut answered = Vec::new();
            for action in Action::ALL {
                for field in &places {
                    if field.is_some() == (action.target() == Target::Fields) {
                        let asked = (action, namespace, *field);
                        answered.push(self.explain(&policy, &circumstances, asked));
                    }
                }
            }
            self.write_all(&answered)?;
            return Ok(Exit::Done);
        };
        let field = match (action.target(), &self.field, namespace) {
            (Target::Fields, Some(field), Some(_)) => Some(field),
            (Target::Fields, _, _) => return Err(missing_field(action)),
            (Target::Place, _, _) => None,
        };
        if field.is_some_and(|field| fields_of(&config, namespace).all(|other| other != field)) {
            let remedy = "name one that the configuration has";
            return Err(CliError::Usage(format!(
                "--field: no such field\n  {remedy}"
            )));
        }
        let answered = self.explain(&policy, &circumstances, (action, namespace, field));
        self.write_one(&policy, &answered)?;
        Ok(match answered.explanation.is_permitted {
            true => Exit::Done,
            false => Exit::Denied,
        })
    }

    fn explain<'q>(
        &self,
        policy: &Policy,
        circumstances: &Circumstances<'_>,
        asked: (Action, Option<&'q Namespace>, Option<&'q FieldName>),
    ) -> Answered<'q> {
        let (action, namespace, field) = asked;
        let question = Question {
            action,
            scope: namespace.map_or(Scope::Vault, Scope::Namespace),
            field,
            purpose: self.purpose.as_ref(),
            case_id: self.case.as_ref(),
            proposal: Some(Proposal {
                requester: self.requester.as_ref(),
                level: self.level.into(),
                ttl_seconds: self.ttl_s,
                reveals_max: self.reveals_max,
                subjects_count: self.subjects,
            }),
        };
        Answered {
            action,
            namespace,
            field,
            explanation: policy.explain(circumstances, &question),
        }
    }

    fn person(&self, now: Timestamp) -> Option<Person> {
        let id = self.person.clone()?;
        let login_ms = |age_s: u64| now.unix_ms().saturating_sub(age_s.saturating_mul(1_000));
        Some(Person {
            id,
            login: [0; 32],
            authenticated: self.login_age_s.map(login_ms).map(Timestamp::from_unix_ms),
            methods: self.method.iter().cloned().collect(),
            class: self.class.clone(),
            groups: self.group.iter().cloned().collect(),
            expires: now,
            is_bound: !self.unbound,
        })
    }

    /// The namespace: the one that is named, or the only one; none: everywhere.
    fn namespace<'c>(&self, config: &'c Config) -> Result<Option<&'c Namespace>, CliError> {
        if self.everywhere {
            return Ok(None);
        }
        let mut names = config.namespaces.keys();
        let found = match &self.namespace {
            Some(name) => names.find(|other| *other == name),
            None => names.next().filter(|_| names.next().is_none()),
        };
        let remedy = "--namespace: name one that the configuration has, or --everywhere";
        found
            .map(Some)
            .ok_or_else(|| CliError::Usage(remedy.to_owned()))
    }

    fn write_one(&self, policy: &Policy, answered: &Answered<'_>) -> Result<(), CliError> {
        let mut out = io::stdout();
        if self.json {
            return Ok(writeln!(out, "{}", object(answered))?);
        }
        let Explanation {
            is_permitted,
            policies,
            failed,
        } = &answered.explanation;
        writeln!(out, "{}", if *is_permitted { "PERMIT" } else { "DENY" })?;
        if policies.is_empty() {
            writeln!(out, "  no policy permits it")?;
        }
        for id in policies {
            let summary = policy.summaries().iter().find(|it| it.id == *id);
            let place = summary.map(|it| it.place.as_str()).unwrap_or_default();
            let said = summary.and_then(|it| it.description.as_deref());
            let (id, said) = (printable(id), printable(said.unwrap_or_default()));
            writeln!(out, "  by {id} ({place}) {said}")?;
        }
        for id in failed {
            let id = printable(id);
            writeln!(
                out,
                "  {id} failed to evaluate, which denies whatever the others say"
            )?;
        }
        Ok(())
    }

    /// A table of actions and fields, or one JSON object for each.
    fn write_all(&self, all: &[Answered<'_>]) -> Result<(), CliError> {
        if self.json {
            for answered in all {
                writeln!(io::stdout(), "{}", object(answered))?;
            }
            return Ok(());
        }
        let mut table = Table::new();
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(["action", "on", "decision", "by"]);
        for answered in all {
            let Explanation {
                is_permitted,
                policies,
                failed,
            } = &answered.explanation;
            let by: Vec<String> = policies
                .iter()
                .map(|id| printable(id))
                .chain(
                    failed
                        .iter()
                        .map(|id| format!("{} (failed)", printable(id))),
                )
                .collect();
            table.add_row([
                answered.action.name().to_owned(),
                place(answered),
                if *is_permitted { "PERMIT" } else { "deny" }.to_owned(),
                by.join(", "),
            ]);
        }
        Ok(writeln!(io::stdout(), "{table}")?)
    }
}

impl From<GrantLevel> for Level {
    fn from(level: GrantLevel) -> Self {
        match level {
            GrantLevel::Full => Self::Full,
            GrantLevel::Masked => Self::Masked,
        }
    }
}

fn fields_of<'c>(
    config: &'c Config,
    namespace: Option<&Namespace>,
) -> impl Iterator<Item = &'c FieldName> {
    let namespace = namespace.and_then(|name| config.namespaces.get(name));
    namespace.into_iter().flat_map(|it| it.fields.keys())
}

fn case_facts(facts: &[CaseFact]) -> CaseFacts {
    CaseFacts {
        is_open: facts.contains(&CaseFact::Open),
        is_assigned: facts.contains(&CaseFact::Assigned),
        is_about_subject: facts.contains(&CaseFact::AboutSubject),
    }
}

fn missing_field(action: Action) -> CliError {
    let name = action.name();
    CliError::Usage(format!(
        "--field is missing\n  {name} is about a field of a namespace"
    ))
}

/// What an answer is about, as policies write it.
fn place(answered: &Answered<'_>) -> String {
    match (answered.namespace, answered.field) {
        (Some(namespace), Some(field)) => format!("{namespace}/{field}"),
        (Some(namespace), None) => namespace.to_string(),
        (None, _) => "everywhere".to_owned(),
    }
}

fn object(answered: &Answered<'_>) -> Value {
    let explanation = &answered.explanation;
    json!({
        "action": answered.action.name(),
        "namespace": answered.namespace.map(Namespace::as_str),
        "field": answered.field.map(FieldName::as_str),
        "decision": if explanation.is_permitted { "permit" } else { "deny" },
        "policies": explanation.policies,
        "failed": explanation.failed,
    })
}

fn principal(text: &str) -> Result<Principal, String> {
    Principal::new(text).map_err(|error| error.to_string())
}

fn action(text: &str) -> Result<Action, String> {
    Action::from_name(text).ok_or_else(|| {
        let names = Action::ALL.map(Action::name).join(", ");
        format!("no such action; there are {names}")
    })
}

fn namespace(text: &str) -> Result<Namespace, String> {
    Namespace::new(text).map_err(|error| error.to_string())
}

fn field(text: &str) -> Result<FieldName, String> {
    FieldName::new(text).map_err(|error| error.to_string())
}

fn person(text: &str) -> Result<PersonId, String> {
    PersonId::read(text).map_err(|error| error.to_string())
}

fn group(text: &str) -> Result<Group, String> {
    Group::new(text).map_err(|error| error.to_string())
}

fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::new(text).map_err(|error| error.to_string())
}

fn case_id(text: &str) -> Result<CaseId, String> {
    CaseId::new(text).map_err(|error| error.to_string())
}

fn time(text: &str) -> Result<Timestamp, String> {
    let time = DateTime::read(text).map(|DateTime(time)| time);
    time.ok_or_else(|| "write it like 2026-11-23T10:00:00Z".to_owned())
}
