//! The theft: somebody has the session of an agent, and tries to read every customer.

use csv::StringRecord;
use serde_json::Value;

use crate::cli::demo::stage::Stage;
use crate::cli::error::CliError;
use crate::cli::escape::escape;

/// Plays the theft with these customers: the tokens of their file.
///
/// # Errors
///
/// If a step does not end as the story has it.
pub(super) fn play(stage: &mut Stage, customers: &[StringRecord]) -> Result<(), CliError> {
    let customers: Vec<&StringRecord> = customers.iter().take(CUSTOMERS_COUNT).collect();
    let grant = ask(stage, &customers)?;
    approve(stage, &grant)?;
    steal(stage, &customers, &grant)?;
    freeze(stage)?;
    list(stage)
}

/// Asks for a grant, and returns it as the vault described it.
fn ask(stage: &mut Stage, customers: &[&StringRecord]) -> Result<Value, CliError> {
    stage.step(
        "An agent has a busy day, and asks to see some customers' addresses for their case.",
    )?;
    let mut arguments = vec!["grant", "request"];
    for customer in customers {
        arguments.extend(["--subject", cell(customer, ID)]);
    }
    arguments.extend(FIELD);
    arguments.extend(CASE);
    arguments.extend(["--json", "--dev", "dev", "--as", "agent"]);
    let played = stage.play(&arguments, None, 0)?;
    let grant: Value = serde_json::from_str(&played.output).map_err(CliError::failed)?;
    stage.tell(&format!(
        "   {}: {}",
        text(&grant, "id"),
        text(&grant, "state")
    ))?;
    Ok(grant)
}

fn approve(stage: &mut Stage, grant: &Value) -> Result<(), CliError> {
    stage.step("A second person approves exactly that. It is live for 15 minutes.")?;
    let (id, scope) = (text(grant, "id"), text(grant, "scope_digest"));
    let approve = ["grant", "approve", id, "--scope", scope, "--json"];
    let arguments = [&approve[..], &["--dev", "dev", "--as", "approver"]].concat();
    let played = stage.play(&arguments, None, 0)?;
    let grant: Value = serde_json::from_str(&played.output).map_err(CliError::failed)?;
    stage.tell(&format!(
        "   {}, until {}",
        text(&grant, "state"),
        text(&grant, "ends")
    ))
}

fn steal(stage: &mut Stage, customers: &[&StringRecord], grant: &Value) -> Result<(), CliError> {
    stage.step(
        "The agent is phished. The thief has the session, the tool and the grant, and reads.",
    )?;
    for (position, customer) in customers.iter().enumerate() {
        let reveal = [
            "detokenize",
            "--subject",
            cell(customer, ID),
            "--grant",
            text(grant, "id"),
        ];
        let who = ["--dev", "dev", "--as", "agent"];
        let arguments = [&reveal[..], &FIELD, &CASE, &who].concat();
        let token = format!("{}\n", escape(cell(customer, ADDRESS)).as_str());
        let is_within_budget = position < BUDGET - SEARCHED;
        let played = stage.play(&arguments, Some(&token), i32::from(!is_within_budget))?;
        if !is_within_budget {
            stage.tell(&format!("   {}", played.words))?;
            return stage.tell(&format!(
                "   {BUDGET} customers an hour, the one that the agent searched for among them, \
                 whatever the session does. The grant is frozen."
            ));
        }
        stage.tell(&format!("   {}", played.output))?;
    }
    Err(CliError::Failed("the thief read every customer".to_owned()))
}

fn freeze(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("Whoever is on call freezes the person. Nothing is revealed after this entry.")?;
    let arguments = [
        "freeze",
        "person:dev/agent",
        "--dev",
        "dev",
        "--as",
        "officer1",
    ];
    let played = stage.play(&arguments, None, 0)?;
    stage.tell(&format!("   entry {}", played.output))
}

fn list(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("Whom must the shop tell? The log has the exact list, at once.")?;
    let exposure = [
        "audit",
        "exposure",
        "--person",
        "dev/agent",
        "--from",
        "1h",
        "--dev",
        "dev",
    ];
    let played = stage.play(&exposure, None, 0)?;
    for line in played.output.lines().chain(played.words.lines()) {
        stage.tell(&format!("   {line}"))?;
    }
    Ok(())
}

fn cell(row: &StringRecord, column: usize) -> &str {
    row.get(column).unwrap_or_default()
}

fn text<'a>(grant: &'a Value, name: &str) -> &'a str {
    grant.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// How many customers the grant is for: more than the budget of an hour.
const CUSTOMERS_COUNT: usize = 8;
/// How many customers a person may see in an hour: `[[budget]]` of the example's configuration.
const BUDGET: usize = 5;
/// How many of them the agent has searched for before: a search counts too.
const SEARCHED: usize = 1;
const FIELD: [&str; 2] = ["--field", "address"];
const CASE: [&str; 4] = ["--purpose", "support", "--case", "T-1043"];
/// Columns of the customers' file.
const ID: usize = 0;
const ADDRESS: usize = 2;
