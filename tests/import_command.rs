//! `counterfoil import`: from a CSV file into a vault for development, and back out of it.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes only functions with #[test] for tests"
)]

#[path = "support/dev_log.rs"]
mod dev_log;

use std::fs;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;

const FIELDS: &str = r#"
[namespaces.dev.fields.postal]
format = "address"
parts = ["line1", "city", "postal_code", "country"]
keep = ["country"]
"#;

const ADDRESSES: &str = "\
id,street,city,zip,country,t_street,t_city,t_zip
cus_1,12 Example Street,Anytown,94016,US,adr_1,cty_1,zip_1
cus_2,14 Example Street,Anytown,94016,US,adr_2,cty_1,zip_1
cus_3,,,,,,,
cus_4,16 Example Street,Anytown,94016,US,,,
cus_5,18 Example Street,Anytown,94016,US,adr_1,cty_1,zip_1
cus_6,20 Example Street,,,US,adr_6,,
";

const VALUE: &str = "street:line1+city+zip:postal_code+country";
const TOKEN: &str = "t_street:line1+t_city:city+t_zip:postal_code+country_token:country";

/// A vault for development that answers until it is dropped.
struct Vault {
    directory: TempDir,
    process: Child,
}

impl Vault {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        serve(&directory).kill_and_wait();
        let config = directory.path().join("dev").join("config.toml");
        let mut config = OpenOptions::new().append(true).open(config).unwrap();
        config.write_all(FIELDS.as_bytes()).unwrap();
        let process = serve(&directory);
        Self { directory, process }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Runs a command on a text, and returns exit code, output and words.
    fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let input = fs::File::open(self.file("input", input)).unwrap();
        let output = Command::new(PROGRAM)
            .args(arguments)
            .arg("--dev")
            .arg(self.directory.path().join("dev"))
            .stdin(input)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        (code, text(output.stdout), text(output.stderr))
    }

    fn import(&self, value: &str, token: &str, input: &str) -> (i32, String, String) {
        let columns = ["--value-column", value, "--token-column", token];
        let arguments = ["import", "--field", "postal", "--subject-column", "id"];
        self.run(&[&arguments[..], &columns].concat(), input)
    }
}

impl Drop for Vault {
    /// What is imported is in the log, too.
    fn drop(&mut self) {
        self.process.kill_and_wait();
        if !std::thread::panicking() {
            dev_log::verify_log(&self.directory.path().join("dev"));
        }
    }
}

trait Ending {
    fn kill_and_wait(&mut self);
}

impl Ending for Child {
    fn kill_and_wait(&mut self) {
        self.kill().unwrap();
        self.wait().unwrap();
    }
}

fn serve(directory: &TempDir) -> Child {
    let mut process = Command::new(PROGRAM)
        .args(["serve", "--dev"])
        .arg(directory.path().join("dev"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("ready"), "{line}");
    process
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_counterfoil");

/// Goal: tokens that another vault had for each column stay, and are the vault's from then on.
/// Method: import a file, then tokenize the same columns and detokenize what came out.
#[test]
fn parts_are_imported_and_come_back() {
    let vault = Vault::start();
    let token = TOKEN.replace("+country_token:country", "");
    let (code, failed, words) = vault.import(VALUE, &token, ADDRESSES);
    assert_eq!(code, 1, "{words}");
    assert_eq!(
        failed,
        "row,line,code,reason\n\
         4,5,invalid_argument,value has no token\n\
         5,6,already_exists,token stands for another value\n"
    );
    assert!(
        words.contains("6 rows, 3 tokens imported, 0 known before, 2 failures"),
        "{words}"
    );
    let (code, _, words) = vault.import(VALUE, &token, ADDRESSES);
    assert_eq!(code, 1);
    assert!(
        words.contains("6 rows, 0 tokens imported, 3 known before, 2 failures"),
        "{words}"
    );

    let rows: Vec<&str> = ADDRESSES.lines().collect();
    let known = [rows[0], rows[1], rows[2], rows[6]]
        .map(|row| format!("{row}\n"))
        .concat();
    let columns = format!("{VALUE}=postal");
    let arguments = [
        "tokenize",
        "--csv",
        "--columns",
        &columns,
        "--subject-column",
        "id",
    ];
    let (code, tokens, words) = vault.run(&arguments, &known);
    assert_eq!(code, 0, "{words}");
    assert_eq!(
        tokens,
        "id,street,city,zip,country,t_street,t_city,t_zip\n\
         cus_1,adr_1,cty_1,zip_1,,adr_1,cty_1,zip_1\n\
         cus_2,adr_2,cty_1,zip_1,,adr_2,cty_1,zip_1\n\
         cus_6,adr_6,,,,adr_6,,\n"
    );
    let parts = ["--parts", "line1,city,postal_code,country"];
    let reveal = ["detokenize", "--field", "postal", "--purpose", "move"];
    let arguments = [&reveal[..], &parts].concat();
    let (code, values, words) = vault.run(&arguments, "adr_2\tcty_1\tzip_1\t\nADR_6\t\t\t\n");
    assert_eq!(code, 0, "{words}");
    assert_eq!(
        values,
        "14 Example Street\tAnytown\t94016\tUS\n20 Example Street\t\t\tUS\n"
    );
}

/// Goal: what is wrong with the columns is said once, before anything is sent, and without a cell.
#[test]
fn wrong_columns_are_refused_before_any_row() {
    let vault = Vault::start();
    for (value, token, problem) in [
        (VALUE, TOKEN, "the header has no column country_token"),
        (VALUE, "t_street", "one is in parts"),
        ("street", "t_street:line1+t_city:city", "one is in parts"),
        (
            VALUE,
            "t_street:line1+t_city:line1",
            "a part is given twice",
        ),
        (
            VALUE,
            "t_street:line1+city:city",
            "column city is named twice",
        ),
        (VALUE, "t_street:Line1+t_city:city", "a part's name is not"),
    ] {
        let (code, output, words) = vault.import(value, token, ADDRESSES);
        assert_eq!((code, output.as_str()), (2, ""), "{words}");
        assert!(words.contains(problem), "{problem}: {words}");
        assert!(
            !words.contains("Example") && !words.contains("adr_1"),
            "{words}"
        );
    }
    // A part that the field does not have: each row says so.
    let (code, failed, _) = vault.import(VALUE, "t_street+t_city:city", ADDRESSES);
    assert_eq!(code, 1);
    assert!(
        failed.contains("token: there is a part that the field does not have"),
        "{failed}"
    );
    assert!(
        !failed.contains("Example") && !failed.contains("adr_1"),
        "{failed}"
    );
}
