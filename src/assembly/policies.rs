//! The policies of a configuration.

use std::collections::BTreeMap;

use crate::assembly::error::AssemblyError;
use crate::config::Config;
use crate::policy::FieldFacts;
use crate::policy::Policy;
use crate::policy::PolicyError;
use crate::policy::PolicyFile;
use crate::policy::PolicySources;
use crate::vault::Vault;

/// Reads the policies of a configuration: those of its directory, and its permits.
///
/// # Errors
///
/// If anything of them is wrong.
pub fn load_policies(config: &Config) -> Result<Policy, PolicyError> {
    load(config, config)
}

/// Puts the policies of a configuration that was read again in force in a vault that runs. Its
/// namespaces and everything else stay as they are.
///
/// # Errors
///
/// If anything of the policies is wrong, or the log cannot be written: the vault keeps those that
/// it has.
pub async fn reload_policies(
    vault: &Vault,
    running: &Config,
    read: &Config,
) -> Result<(), AssemblyError> {
    // Requests are answered meanwhile.
    let policy = tokio::task::block_in_place(|| load(running, read))?;
    let hash = hex::encode(policy.hash());
    vault.load_policy(policy).await?;
    tracing::info!(policy_hash = hash, "policies were loaded");
    Ok(())
}

fn load(running: &Config, read: &Config) -> Result<Policy, PolicyError> {
    let files = match &read.policies_dir {
        Some(directory) => PolicyFile::read_all(directory)?,
        None => Vec::new(),
    };
    let mut namespaces = BTreeMap::new();
    for (name, namespace) in &running.namespaces {
        let facts = namespace.fields.iter().map(|(name, field)| {
            let format = Some(field.format.name().to_owned());
            (name.clone(), FieldFacts { format })
        });
        namespaces.insert(name.clone(), facts.collect());
    }
    Policy::load(&PolicySources {
        rules: read.permits.clone(),
        files,
        namespaces,
    })
}
