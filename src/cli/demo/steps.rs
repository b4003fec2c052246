//! The story, step by step.

use comfy_table::Table;
use csv::StringRecord;
use serde_json::Value;

use crate::cli::demo::officers;
use crate::cli::demo::stage::Stage;
use crate::cli::demo::theft;
use crate::cli::error::CliError;
use crate::cli::escape::escape;

/// Plays the story on a stage.
///
/// # Errors
///
/// If a step does not end as the story has it.
pub(super) fn play(stage: &mut Stage) -> Result<(), CliError> {
    serve(stage)?;
    tokenize(stage)?;
    let token = search(stage)?;
    refuse(stage, &token)?;
    let leaf_index = reveal(stage, &token)?;
    find_entry(stage, leaf_index)?;
    let rows = read_rows(&stage.read("tokens.csv")?)?;
    theft::play(stage, &rows)?;
    let customers = read_rows(str::from_utf8(CUSTOMERS).map_err(CliError::failed)?)?;
    let customer = with_an_address_of_their_own(&customers).ok_or_else(no_customer)?;
    let value = escape(cell(customer, ADDRESS));
    officers::play(stage, value.as_str(), &token)?;
    verify(stage)?;
    tamper(stage)
}

fn serve(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("A vault starts, with the public example keys.")?;
    let directory = stage.directory().display().to_string();
    stage.tell(&format!("   in {directory}"))?;
    let ready = stage.start_vault()?;
    stage.tell(&format!("   {ready}"))
}

fn tokenize(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("The shop tokenizes its customers: names, addresses and e-mail addresses.")?;
    stage.write("customers.csv", CUSTOMERS)?;
    let columns = "name=name,address=address,email=email";
    let arguments = [
        "tokenize",
        "--csv",
        "--columns",
        columns,
        "--subject-column",
        "id",
        "--output",
        "tokens.csv",
        "--dev",
        "dev",
        "customers.csv",
    ];
    let played = stage.play(&arguments, None, 0)?;
    stage.tell(&format!("   {}", played.words))?;
    stage.step("This is what support sees, and all that a thief of the shop's database gets.")?;
    let rows = read_rows(&stage.read("tokens.csv")?)?;
    let mut table = Table::new();
    table.set_header(["id", "name", "address", "email"]);
    for row in rows.iter().take(ROWS_SHOWN) {
        table.add_row(row.iter());
    }
    stage.tell(&table.to_string())
}

/// Returns the token of the address of the customer who writes.
fn search(stage: &mut Stage) -> Result<String, CliError> {
    stage.step("A customer writes. Support searches by the exact e-mail address.")?;
    let customers = read_rows(str::from_utf8(CUSTOMERS).map_err(CliError::failed)?)?;
    let customer = with_an_address_of_their_own(&customers).ok_or_else(no_customer)?;
    let (id, email) = (cell(customer, ID), cell(customer, EMAIL));
    let arguments = [
        "lookup", "--field", "email", "--dev", "dev", "--as", "agent",
    ];
    let played = stage.play(&arguments, Some(&format!("{email}\n")), 0)?;
    let token = played.output;
    stage.tell(&format!("   {token}"))?;
    let rows = read_rows(&stage.read("tokens.csv")?)?;
    let found = rows.iter().filter(|row| cell(row, EMAIL) == token);
    let ids: Vec<_> = found.map(|row| cell(row, ID)).collect();
    stage.tell(&format!(
        "   Equal values have equal tokens, so the shop's own database finds it: {}.",
        ids.join(", ")
    ))?;
    let row = rows
        .iter()
        .find(|row| cell(row, ID) == id)
        .ok_or_else(no_customer)?;
    Ok(escape(cell(row, ADDRESS)).as_str().to_owned())
}

fn refuse(stage: &mut Stage, token: &str) -> Result<(), CliError> {
    stage.step("An agent tries to reveal the customer's address. Agents may not reveal.")?;
    let arguments = [&REVEAL[..], &["--dev", "dev", "--as", "agent"]].concat();
    let played = stage.play(&arguments, Some(&format!("{token}\n")), 3)?;
    stage.tell(&format!(
        "   {}\n   exit code {}: denied",
        played.words, played.code
    ))
}

/// Returns the index of the reveal's entry in the log.
fn reveal(stage: &mut Stage, token: &str) -> Result<u64, CliError> {
    stage.step("A service that may reveal does so, for a purpose and a case.")?;
    let arguments = [&REVEAL[..], &["--receipts", "receipts", "--dev", "dev"]].concat();
    let played = stage.play(&arguments, Some(&format!("{token}\n")), 0)?;
    stage.tell(&format!("   {}", played.output))?;
    let receipt = stage.only_file("receipts")?;
    stage
        .tell("   With it came a receipt, which anybody checks with the log's public key alone.")?;
    let check = ["audit", "check-receipt", receipt.as_str(), "--json"];
    let key = ["--public-key", "dev/audit.vkey"];
    let played = stage.play(&[&check[..], &key].concat(), None, 0)?;
    let report: Value = serde_json::from_str(&played.output).map_err(CliError::failed)?;
    let leaf_index = report.get("leaf_index").and_then(Value::as_u64);
    let leaf_index = leaf_index.ok_or_else(|| CliError::failed("the receipt says no entry"))?;
    stage.tell(&format!("   verified: entry {leaf_index} of the audit log"))?;
    Ok(leaf_index)
}

fn find_entry(stage: &mut Stage, leaf_index: u64) -> Result<(), CliError> {
    stage.step("The entry is in the log: who, why, whose. No value and no token is in it.")?;
    let played = stage.play(&["audit", "export", "--dev", "dev"], None, 0)?;
    stage.write("log.jsonl", format!("{}\n", played.output).as_bytes())?;
    let position = usize::try_from(leaf_index).map_err(CliError::failed)?;
    let line = played.output.lines().nth(position).unwrap_or_default();
    let mut entry: Value = serde_json::from_str(line).map_err(CliError::failed)?;
    if let Some(object) = entry.as_object_mut() {
        // The same once more, as the bytes that are hashed.
        object.retain(|name, _| !matches!(name.as_str(), "leaf" | "salt"));
    }
    let pretty = serde_json::to_string_pretty(&entry).map_err(CliError::failed)?;
    let indented: Vec<_> = pretty.lines().map(|line| format!("   {line}")).collect();
    stage.tell(&indented.join("\n"))
}

fn verify(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("Anybody with the log's public key verifies it, without asking the vault.")?;
    let played = stage.play(&["audit", "verify", "--dev", "dev"], None, 0)?;
    for line in played.output.lines() {
        stage.tell(&format!("   {line}"))?;
    }
    Ok(())
}

fn tamper(stage: &mut Stage) -> Result<(), CliError> {
    stage.step("Somebody removes the agent's attempt from a copy of the log. It shows.")?;
    let log = stage.read("log.jsonl")?;
    let is_attempt = |line: &&str| line.contains("/agent\"") && line.contains("\"detokenize\"");
    let attempt = log
        .lines()
        .find(is_attempt)
        .ok_or_else(|| CliError::Failed("the agent's attempt is not in the log".to_owned()))?;
    stage.write(
        "changed.jsonl",
        log.replacen(&format!("{attempt}\n"), "", 1).as_bytes(),
    )?;
    let verify = ["audit", "verify", "--export"];
    let key = ["--public-key", "dev/audit.vkey"];
    let played = stage.play(&[&verify[..], &["log.jsonl"], &key].concat(), None, 0)?;
    stage.tell(&format!(
        "   {}",
        played.output.lines().next().unwrap_or_default()
    ))?;
    let played = stage.play(&[&verify[..], &["changed.jsonl"], &key].concat(), None, 4)?;
    stage.tell(&format!(
        "   {}\n   exit code {}",
        played.words, played.code
    ))
}

/// The first customer whose address nobody else has, so that its token is of that customer alone.
fn with_an_address_of_their_own(customers: &[StringRecord]) -> Option<&StringRecord> {
    let has_it_alone = |customer: &&StringRecord| {
        let address = cell(customer, ADDRESS);
        customers
            .iter()
            .filter(|other| cell(other, ADDRESS) == address)
            .count()
            == 1
    };
    customers.iter().find(has_it_alone)
}

fn cell(row: &StringRecord, column: usize) -> &str {
    row.get(column).unwrap_or_default()
}

fn read_rows(text: &str) -> Result<Vec<StringRecord>, CliError> {
    let rows = csv::Reader::from_reader(text.as_bytes()).into_records();
    rows.collect::<Result<_, _>>().map_err(CliError::failed)
}

fn no_customer() -> CliError {
    CliError::Failed("the customer is not found".to_owned())
}

/// Customers that nobody is.
const CUSTOMERS: &[u8] = include_bytes!("../../../tests/corpora/customers.csv");

/// What it takes to reveal an address.
const REVEAL: [&str; 7] = [
    "detokenize",
    "--field",
    "address",
    "--purpose",
    "delivery",
    "--case",
    "T-1042",
];

/// Columns of the customers' file.
const ID: usize = 0;
const ADDRESS: usize = 2;
const EMAIL: usize = 3;

const ROWS_SHOWN: usize = 5;
