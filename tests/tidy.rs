//! The source itself: what a reader may rely on, kept by a test and not by care.

#![expect(
    clippy::unwrap_used,
    reason = "a source that cannot be read fails the test"
)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Modules from the lowest layer up: a module imports only from layers below its own.
const LAYERS: [&[&str]; 11] = [
    &["domain", "durable", "protocol"],
    &["crypto", "format", "inbound", "outbound"],
    &["store", "policy", "people", "cases", "witness"],
    &["access", "ceremony"],
    &["keys", "audit", "pager"],
    &["backup"],
    &["vault"],
    &["server", "client"],
    &["config"],
    &["assembly"],
    &["cli"],
];
/// A crate that must not leak into the rest of the house, and the rooms that it may be in.
const CONFINED: [(&str, &[&str]); 14] = [
    ("aws_lc_rs::aead", &["crypto"]),
    ("aws_lc_rs::rand", &["crypto"]),
    ("foldhash::", &["store"]),
    ("rocksdb::", &["store"]),
    ("tonic::", &["server", "client", "protocol"]),
    ("cedar_policy::", &["policy"]),
    ("clap::", &["cli"]),
    ("cryptoki::", &["keys"]),
    ("curve25519_dalek::", &["crypto"]),
    ("fpe::", &["crypto"]),
    ("miette::", &["policy"]),
    ("jsonwebtoken::", &["people", "cli"]),
    ("reqwest::", &["outbound"]),
    ("vsss_rs::", &["crypto"]),
];
const FILE_LINES_MAX: usize = 500;
const LINE_CHARACTERS_MAX: usize = 100;
const VAGUE_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::from(directory)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "{directory} has files");
    found
}

fn module(path: &Path) -> Option<String> {
    let inside = path.strip_prefix("src").ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?.to_owned();
    (!first.ends_with(".rs")).then_some(first)
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The modules of this crate that a line imports or names.
fn named_modules(line: &str) -> Vec<&str> {
    line.split("crate::")
        .skip(1)
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or("")
        })
        .filter(|name| layer(name).is_some())
        .collect()
}

fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

#[test]
fn every_module_has_a_layer() {
    let modules = fs::read_dir("src").unwrap().map(|entry| entry.unwrap());
    for module in modules.filter(|entry| entry.path().is_dir()) {
        let name = module.file_name().into_string().unwrap();
        assert!(layer(&name).is_some(), "src/{name} has no layer");
    }
}

#[test]
fn modules_import_only_from_lower_layers() {
    let mut faults = Vec::new();
    for path in files("src", "rs") {
        let Some(own) = module(&path) else { continue };
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| is_code(line)) {
            for named in named_modules(line) {
                if named != own && layer(named) >= layer(&own) {
                    faults.push(format!(
                        "{}:{}: imports {named}",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for path in files("src", "rs") {
        let own = module(&path).unwrap_or_default();
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| is_code(line)) {
            for (library, rooms) in CONFINED {
                if line.contains(library) && !rooms.contains(&own.as_str()) {
                    faults.push(format!("{}:{}: uses {library}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn files_and_lines_are_short() {
    let mut faults = Vec::new();
    let sources = ["src", "tests", "benches", "fuzz"]
        .into_iter()
        .flat_map(|folder| files(folder, "rs"));
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let lines_count = text.lines().count();
        if lines_count > FILE_LINES_MAX {
            faults.push(format!("{}: {lines_count} lines", path.display()));
        }
        for (number, line) in text.lines().enumerate() {
            // Alphabets and test values of other scripts are counted in characters.
            if line.chars().count() > LINE_CHARACTERS_MAX {
                faults.push(format!("{}:{}: is too long", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn files_say_what_they_are() {
    let mut faults = Vec::new();
    for path in files("src", "rs") {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") {
            faults.push(format!(
                "{}: does not begin with what and why",
                path.display()
            ));
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
        if VAGUE_NAMES.contains(&stem) {
            faults.push(format!("{}: its name says nothing", path.display()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_document_has_one_title() {
    let mut faults = Vec::new();
    for path in files("docs", "md") {
        let text = fs::read_to_string(&path).unwrap();
        let mut is_code = false;
        let mut titles_count = 0;
        for line in text.lines() {
            is_code ^= line.starts_with("```");
            titles_count += usize::from(!is_code && line.starts_with("# "));
        }
        if titles_count != 1 {
            faults.push(format!("{}: has {titles_count} titles", path.display()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn fault_is_found() {
    assert_eq!(named_modules("use crate::vault::Vault;"), ["vault"]);
    assert_eq!(
        named_modules("let x = crate::cli::run(crate::domain::Token);"),
        ["cli", "domain"]
    );
    assert!(layer("vault") > layer("store"));
    assert!(!is_code("    // use crate::cli::run;"));
}

/// What is wrong with the cells of a table of `docs/writes.md`: each names tests that there are, or
/// says that it was not tried.
fn faults_of_cells(text: &str, sources: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let rows = text.lines().skip_while(|line| !line.contains("| kind |"));
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    for row in rows {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        let [name, _, outcomes @ ..] = cells.as_slice() else {
            faults.push(format!("{row}: is no row"));
            continue;
        };
        if outcomes.len() != 3 {
            faults.push(format!("{name}: has {} outcomes", outcomes.len()));
        }
        for cell in outcomes {
            let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
            let missing = named
                .iter()
                .filter(|test| !sources.contains(&format!("fn {test}(")));
            faults.extend(missing.map(|test| format!("{name}: there is no test {test}")));
            if named.is_empty() && !cell.contains("not tried") {
                faults.push(format!("{name}: names no test: {cell}"));
            }
        }
    }
    faults
}

#[test]
fn every_cell_of_the_write_path_names_its_test() {
    let paths = ["src", "tests"].into_iter();
    let texts = paths
        .flat_map(|folder| files(folder, "rs"))
        .map(|path| fs::read_to_string(path).unwrap());
    let sources: String = texts.collect();
    let text = fs::read_to_string("docs/writes.md").unwrap();
    let rows_count = text.lines().filter(|line| line.starts_with("| ")).count();
    assert!(rows_count > 40, "{rows_count} rows");
    assert_eq!(faults_of_cells(&text, &sources), Vec::<String>::new());

    // The faults that it must find: a test that there is not, a cell that names none, and one that
    // is missing.
    for (from, to, fault) in [
        (
            "`torn_head_leaves_the_one_before`",
            "`no_such_test`",
            "no_such_test",
        ),
        (
            "`ballast_that_was_cut_off_is_laid_down_again`",
            "",
            "names no test",
        ),
        (
            " | the same: `failing_start_loses_nothing` |",
            " |",
            "has 2 outcomes",
        ),
    ] {
        let changed = text.replacen(from, to, 1);
        let found = faults_of_cells(&changed, &sources);
        assert!(
            found.iter().any(|it| it.contains(fault)),
            "{fault}: {found:?}"
        );
    }
}

/// Files of the source by which something reaches the disk for good, and that no row of the first
/// table of `docs/writes.md` names; and files that a row names and that have nothing of the kind.
fn faults_of_places(text: &str, durable: &[String]) -> Vec<String> {
    let rows = text.lines().skip_while(|line| !line.contains("| where |"));
    let rows = rows.take_while(|line| line.starts_with('|'));
    let places = rows.filter_map(|row| row.trim_end_matches(['|', ' ']).rsplit(" | ").next());
    let named: Vec<&str> = places
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let unnamed = durable
        .iter()
        .filter(|path| !named.contains(&path.as_str()));
    let unnamed = unnamed.map(|path| format!("{path}: its durable write has no row"));
    let is_durable = |path: &&str| durable.iter().any(|it| it == path);
    let idle = named.iter().filter(|path| !is_durable(path));
    let idle = idle.map(|path| format!("{path}: has a row, and no durable write"));
    unnamed.chain(idle).collect()
}

#[test]
fn every_durable_write_has_its_row() {
    let mut durable = Vec::new();
    for path in files("src", "rs") {
        let text = fs::read_to_string(&path).unwrap();
        let mut code = text.lines().filter(|line| is_code(line));
        // What several share is named in words.
        let is_shared = path == Path::new("src/durable/mod.rs");
        if code.any(|line| DURABLE.iter().any(|call| line.contains(call))) && !is_shared {
            durable.push(path.display().to_string());
        }
    }
    assert!(durable.len() > 15, "{durable:?}");
    let text = fs::read_to_string("docs/writes.md").unwrap();
    assert_eq!(faults_of_places(&text, &durable), Vec::<String>::new());

    // The faults that it must find: a row that is missing, and one that is of no write.
    let lines = text.lines().filter(|line| !line.starts_with("| witness"));
    let without: Vec<&str> = lines.collect();
    let found = faults_of_places(&without.join("\n"), &durable);
    assert_eq!(
        found,
        ["src/witness/state.rs: its durable write has no row"]
    );
    let idle = text.replacen("`src/audit/head.rs`", "`src/audit/log.rs`", 1);
    let found = faults_of_places(&idle, &durable);
    assert!(found[0].contains("src/audit/head.rs"), "{found:?}");
    assert!(found[1].contains("src/audit/log.rs"), "{found:?}");
}

/// What brings something to the disk: by a file, by what several share, or by the database.
const DURABLE: [&str; 6] = [
    "sync_all",
    "sync_data",
    "syncfs",
    "durable::",
    ".persist",
    "set_sync(true)",
];
