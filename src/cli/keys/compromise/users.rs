//! Who could have used a key: what the vault can be asked cheaply, and the commands for the rest.

use serde_json::Value;
use serde_json::json;

use crate::cli::keys::compromise::course::Course;
use crate::cli::keys::compromise::steps::Hints;
use crate::cli::keys::show;
use crate::client::AccessClient;
use crate::client::ClientError;
use crate::domain::KeyPurpose;
use crate::protocol;
use crate::protocol::GrantState;

/// Who could have used a key.
pub(super) struct Users {
    /// The grants that are held now; nothing where the caller may not know.
    held: Option<Vec<protocol::Grant>>,
    /// A question, and the command that answers it.
    commands: Vec<(&'static str, String)>,
}

impl Users {
    /// Asks for the grants that are held, and makes the commands for the rest. Of a key that opens
    /// no values: nothing.
    pub(super) async fn of(
        course: &Course,
        hints: &Hints<'_>,
        client: &AccessClient,
    ) -> Result<Option<Self>, ClientError> {
        if course.key.purpose != KeyPurpose::Wrapping {
            return Ok(None);
        }
        let held = match held(client).await {
            Ok(grants) => Some(grants),
            Err(error) if error.is_denied() => None,
            Err(error) => return Err(error),
        };
        let commands = commands(course, hints, held.is_some());
        Ok(Some(Self { held, commands }))
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec!["who could have used it, through the vault:".to_owned()];
        let held = self.held.iter().flatten();
        lines.extend(held.map(|grant| format!("  {}", line(grant))));
        if self.held.as_ref().is_some_and(Vec::is_empty) {
            lines.push("  no grant is held now".to_owned());
        }
        for (question, command) in &self.commands {
            lines.push(format!("  {question}\n    {command}"));
        }
        lines
    }

    pub(super) fn json(&self) -> Value {
        let grants = |grants: &Vec<protocol::Grant>| -> Vec<Value> {
            let grants = grants.iter().map(|grant| {
                let scope = grant.scope.clone().unwrap_or_default();
                json!({
                    "grant_id": grant.id,
                    "requester": grant.requester,
                    "principal": grant.principal,
                    "fields": scope.fields,
                })
            });
            grants.collect()
        };
        let commands = self
            .commands
            .iter()
            .map(|(question, command)| json!({ "question": question, "command": command }));
        json!({
            "grants": self.held.as_ref().map(grants),
            "commands": commands.collect::<Vec<_>>(),
        })
    }
}

async fn held(client: &AccessClient) -> Result<Vec<protocol::Grant>, ClientError> {
    let mut held = Vec::new();
    let mut after = Some(String::new());
    while let Some(place) = after {
        let (page, next) = client.grants(&place).await?;
        let live = |grant: &protocol::Grant| grant.state() == GrantState::Live;
        held.extend(page.into_iter().filter(live));
        after = next;
    }
    Ok(held)
}

fn line(grant: &protocol::Grant) -> String {
    let scope = grant.scope.clone().unwrap_or_default();
    let fields = scope.fields.join(" ");
    let (id, who) = (&grant.id, &grant.requester);
    format!("{who} through {} holds {id}: {fields}", grant.principal)
}

fn commands(course: &Course, hints: &Hints<'_>, knows_grants: bool) -> Vec<(&'static str, String)> {
    let Some(namespace) = &course.key.namespace else {
        return Vec::new();
    };
    let (version, vault) = (course.key.version, &hints.vault);
    let (config, public_key) = match vault.is_empty() {
        true => (" --config config.toml", " --public-key audit.vkey"),
        false => (vault.as_str(), ""),
    };
    let made = prost_types::Timestamp {
        seconds: course.created_s,
        nanos: 0,
    };
    let made = show::date_time(made).unwrap_or_default();
    let explain = "counterfoil policy explain --action detokenize --namespace";
    let exposure = "counterfoil audit exposure --online --key-version";
    let mut commands = vec![(
        "may a program reveal, and by which policies",
        format!("{explain} {namespace} --principal NAME{config}"),
    )];
    if !knows_grants {
        let tenant = match vault.is_empty() {
            true => format!(" --namespace {namespace}"),
            false => format!("{vault} --as auditor"),
        };
        commands.push((
            "who holds grants: for who may know",
            format!("counterfoil grant list{tenant}"),
        ));
    }
    commands.push((
        "who was seen under it, for who may know",
        format!("{exposure} {version} --namespace {namespace} --from {made}{public_key}{vault}"),
    ));
    commands
}
