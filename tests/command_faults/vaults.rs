//! Commands that make a vault: a new one, and one from a backup.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use counterfoil::crypto::SystemEntropy;
use counterfoil::keys::root::Argon2Parameters;
use counterfoil::keys::root::PassphraseFile;

use crate::commands::Said;
use crate::commands::Stage;
use crate::copy_directory;
use crate::places_count;
use crate::strace;
use crate::strace::FAULTS;
use crate::strace::Injection;

pub(crate) const PASSPHRASE_FILE: &str =
    "provider = \"passphrase-file\"\nfile = \"root-key.toml\"\npassphrase_file = \"words\"";
const WORDS: &str = "six random words of a passphrase";
const POLICY: &str = r#"
permit (
  principal == Service::"client.shop.example",
  action in [Action::"create_backup", Action::"list_entries", Action::"prove_audit_log"],
  resource
);
"#;

/// A place for a vault that is not made yet, and whose client may make backups and follow its log.
pub(crate) fn stage() -> Stage {
    let stage = Stage::new(PASSPHRASE_FILE);
    fs::write(stage.path("words"), format!("{WORDS}\n")).unwrap();
    passphrase_file(&stage, "root-key.toml");
    fs::create_dir(stage.path("policies")).unwrap();
    fs::write(stage.path("policies/client.cedar"), POLICY).unwrap();
    let config = fs::read_to_string(stage.path("config.toml")).unwrap();
    let tables = "[backup]\ndir = \"backups\"\n\n[policies]\ndir = \"policies\"\n";
    fs::write(stage.path("config.toml"), format!("{config}\n{tables}")).unwrap();
    stage
}

/// Makes a root key's file, under the passphrase in `words`.
pub(crate) fn passphrase_file(stage: &Stage, name: &str) {
    let provider = PassphraseFile::new(stage.path(name), WORDS.into());
    let parameters = Argon2Parameters::insecure_for_development();
    provider.create(parameters, &SystemEntropy).unwrap();
}

/// A command that makes a data directory, which must not be there before.
struct Story {
    name: &'static str,
    arguments: &'static str,
    key: &'static str,
    data: &'static str,
}

const INIT: Story = Story {
    name: "init",
    arguments: "init --config config.toml",
    key: "data/audit.vkey",
    data: "data",
};
const RESTORE: Story = Story {
    name: "restore",
    arguments: "restore --from backups --to restored --public-key audit.vkey",
    key: "audit.vkey",
    data: "restored",
};

impl Story {
    fn command(&self, stage: &Stage) -> Command {
        stage.command(self.arguments)
    }

    fn verify(&self, stage: &Stage) -> Said {
        let Self { key, data, .. } = self;
        stage.run(&format!(
            "audit verify --data-dir {data} --public-key {key}"
        ))
    }

    /// Goal: after a fault there is no vault or a whole one, and the same command makes the whole
    /// one, or says that there is one already. Returns how many faults were met.
    fn try_all(&self, stage: &Stage, plant: Option<fn(&Path)>) -> (u64, Option<String>) {
        let (mut met_count, data) = (0, stage.path(self.data));
        let calls = ["fsync", "fdatasync", "rename", "pwrite64"];
        for call in calls {
            for fault in FAULTS {
                for place in 1..=places_count() {
                    let injection = Injection { call, fault, place };
                    let scratch = stage.path("");
                    let ended = injection.run(&self.command(stage), Stdio::null(), &scratch);
                    if let (Some(plant), false) = (plant, data.exists()) {
                        plant(&data);
                    }
                    let wrong = self.is_wrong(stage, &data, ended.is_done);
                    fs::remove_dir_all(&data).unwrap();
                    if let Some(wrong) = wrong {
                        return (met_count, Some(format!("{injection:?}: {wrong}")));
                    }
                    if !ended.is_met {
                        break;
                    }
                    met_count += 1;
                }
            }
        }
        println!("{}: {met_count} faults met", self.name);
        (met_count, None)
    }

    fn is_wrong(&self, stage: &Stage, data: &Path, is_done: bool) -> Option<String> {
        let is_there = data.join("rocksdb").exists();
        if is_done && !is_there {
            return Some("it says that it is done".to_owned());
        }
        if is_there {
            let said = self.verify(stage);
            if said.code != 0 {
                return Some(format!("what is there does not verify: {}", said.words));
            }
        }
        let again = stage.run(self.arguments);
        if (again.code == 0) == is_there {
            return Some(format!("again: {}", again.words));
        }
        let said = self.verify(stage);
        if said.code == 0 {
            stage.verified(self.data, self.key);
        }
        (said.code != 0).then_some(said.words)
    }
}

/// A stage with a backup of a vault, and its public key.
fn with_backup() -> Stage {
    let stage = stage();
    stage.done(INIT.arguments);
    let mut vault = stage.serve();
    let client = Stage::client(&vault.line());
    stage.tokenize(&client, "Ada Lovelace");
    let backups = stage.path("backups");
    let to = backups.display();
    stage.done(&format!("backup --to {to} {client} --namespace shop"));
    vault.stop();
    fs::copy(stage.path("data/audit.vkey"), stage.path("audit.vkey")).unwrap();
    stage
}

#[test]
fn interrupted_init_is_made_good_by_the_same_command() {
    if strace::is_there() {
        let (met_count, wrong) = INIT.try_all(&stage(), None);
        assert_eq!(wrong, None);
        assert!(met_count >= 8, "{met_count} faults met");
    }
}

#[test]
fn interrupted_restore_is_made_good_by_the_same_command() {
    if strace::is_there() {
        let (met_count, wrong) = RESTORE.try_all(&with_backup(), None);
        assert_eq!(wrong, None);
        assert!(met_count >= 6, "{met_count} faults met");
    }
}

/// The fault that the tests above must catch: a vault that has its name before it is whole.
#[test]
fn half_a_vault_under_its_name_is_noticed() {
    fn half(data: &Path) {
        let mut partial = data.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Path::new(&partial);
        fs::create_dir_all(data.join("rocksdb")).unwrap();
        if partial.exists() {
            copy_directory(partial, data);
        }
    }
    if strace::is_there() {
        let (_, wrong) = INIT.try_all(&stage(), Some(half));
        let wrong = wrong.unwrap();
        assert!(wrong.contains("does not verify"), "{wrong}");
    }
}
