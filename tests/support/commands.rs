//! A vault by its commands: a directory with certificates and a configuration.

#[path = "second_verifier.rs"]
mod second_verifier;
#[path = "untried.rs"]
mod untried;

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Lines;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use tempfile::TempDir;

use self::second_verifier::SecondVerifier;
pub(crate) use self::untried::not_tried;

pub(crate) const PIN: &str = "824619";
const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

/// A directory with certificates and a configuration, and the environment of the commands.
pub(crate) struct Stage {
    directory: TempDir,
    environment: Vec<(&'static str, PathBuf)>,
}

/// A vault that runs.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a command said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) words: String,
}

impl Stage {
    pub(crate) fn new(root_key: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(authority, key).unwrap();
        write("ca.pem", &authority.pem());
        for (file, name) in [("server", "localhost"), ("client", "client.shop.example")] {
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = certificate.signed_by(&key, &authority).unwrap();
            write(&format!("{file}.pem"), &certificate.pem());
            write(&format!("{file}.key"), &key.serialize_pem());
        }
        write("config.toml", &CONFIG.replace("ROOT_KEY", root_key));
        Self {
            directory,
            environment: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .envs(self.environment.iter().map(|(name, path)| (name, path)));
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Said {
        said(
            self.command(arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    }

    /// Runs what must be done, and returns its output.
    pub(crate) fn done(&self, arguments: &str) -> String {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "{arguments}: {}", said.words);
        said.output
    }

    /// Verifies the log of a data directory with a public key, by both verifiers, and returns what
    /// `audit verify` says.
    pub(crate) fn verified(&self, data: &str, key: &str) -> String {
        self.verified_log(&format!("--data-dir {data}"), key)
    }

    /// The same of the log that is told by flags. The second verifier reads what `audit export`
    /// writes, and says the same.
    pub(crate) fn verified_log(&self, flags: &str, key: &str) -> String {
        let log = format!("{flags} --public-key {key}");
        let ours = self.done(&format!("audit verify {log} --json"));
        let line = fs::read_to_string(self.path(key)).unwrap();
        if let Some(mut second) = SecondVerifier::of_keys(&[line]) {
            let export = self.done(&format!("audit export {log}"));
            let ours = serde_json::from_str(&ours).unwrap();
            second.assert_agrees(export.as_bytes(), &ours);
        }
        self.done(&format!("audit verify {log}"))
    }

    pub(crate) fn serve(&self) -> Running {
        self.running("serve --config config.toml")
    }

    /// Starts what goes on until it is told to stop.
    pub(crate) fn running(&self, arguments: &str) -> Running {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines }
    }

    /// The flags of a client, by the line in which the vault says where it answers.
    pub(crate) fn client(line: &str) -> String {
        let address = |name: &str| {
            let part = line.split(' ').find_map(|part| part.strip_prefix(name));
            part.unwrap().to_owned()
        };
        format!(
            "--token-address {} --reveal-address {} --server-name localhost --ca ca.pem \
             --certificate client.pem --key client.key",
            address("token="),
            address("reveal=")
        )
    }

    /// Makes a token `counterfoil` of SoftHSM for the commands from now on, and returns the module;
    /// nothing, and words in the log, where there is no SoftHSM.
    pub(crate) fn soft_hsm(&mut self) -> Option<&'static str> {
        let is_there = |path: &&str| Path::new(path).exists();
        let Some(module) = MODULES.into_iter().find(is_there) else {
            not_tried("SoftHSM is missing (softhsm2 in Debian)");
            return None;
        };
        fs::create_dir(self.path("tokens")).unwrap();
        let tokens = self.path("tokens");
        let text = format!("directories.tokendir = {}\n", tokens.display());
        let config = self.path("softhsm2.conf");
        fs::write(&config, text).unwrap();
        self.environment.push(("SOFTHSM2_CONF", config.clone()));
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "counterfoil"])
            .args(["--pin", PIN, "--so-pin", "13572468"])
            .env("SOFTHSM2_CONF", config)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        Some(module)
    }

    pub(crate) fn tokenize(&self, client: &str, value: &str) -> String {
        let mut command = self.command(&format!("tokenize --field name --namespace shop {client}"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{value}").unwrap();
        let said = said(child.wait_with_output().unwrap());
        assert_eq!(said.code, 0, "{}", said.words);
        said.output
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap(),
        output: String::from_utf8(output.stdout).unwrap(),
        words: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Running {
    pub(crate) fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// The id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, if it has not ended, however it takes that; and says how it ended.
    pub(crate) fn end(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        let _gone = kill_process(pid, Signal::TERM);
        self.child.wait().unwrap()
    }

    pub(crate) fn stop(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    /// A test that fails leaves no vault behind.
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _ended = self.child.wait();
    }
}

const CONFIG: &str = r#"
vault = { data_dir = "data" }
listen = { token = "127.0.0.1:0", reveal = "127.0.0.1:0" }
tls = { certificate = "server.pem", key = "server.key", client_ca = "ca.pem" }
audit = { origin = "shop.example/counterfoil" }
store = { block_cache_mib = 8, memtable_mib = 16, disk_reserve_mib = 64 }

[root_key]
ROOT_KEY

[namespaces.shop.fields]
name = { format = "name" }

[[permit]]
principals = ["client.shop.example"]
actions = ["tokenize", "lookup", "detokenize"]
namespace = "shop"
"#;
