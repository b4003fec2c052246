//! The tables of docs/formats.md are what the formats say of themselves.

use std::path::Path;

use counterfoil::assembly;
use counterfoil::config::Config;
use counterfoil::domain::FieldName;
use counterfoil::domain::Namespace;
use counterfoil::format::FormatSummary;

const DOCUMENT: &str = include_str!("../../docs/formats.md");

/// A configuration with a field for each of the settings, `field0` and so on.
fn config(settings: &[String]) -> Config {
    let fields: Vec<String> = (0..)
        .zip(settings)
        .map(|(number, settings): (u32, &String)| format!("field{number} = {{ {settings} }}\n"))
        .collect();
    let text = [CONFIG, &fields.concat()].concat();
    Config::from_toml(&text, Path::new("/")).unwrap()
}

fn summaries(settings: &[String]) -> Vec<FormatSummary> {
    let config = config(settings);
    let fields = &config.namespaces[&Namespace::new("shop").unwrap()].fields;
    (0..settings.len())
        .map(|number| {
            let field = &fields[&FieldName::new(&format!("field{number}")).unwrap()];
            assembly::format(field).unwrap().summary()
        })
        .collect()
}

fn bits(summary: &FormatSummary) -> String {
    match summary.bits.unwrap() {
        (smallest, largest) if smallest == largest => smallest.to_string(),
        (smallest, largest) => format!("{smallest} to {largest}"),
    }
}

/// Goal: no row of the table is missing or untrue. Method: each format and each choice that changes
/// what tokens look like, as `counterfoil config check` would describe it.
#[test]
fn documents_say_what_every_format_does() {
    let settings: Vec<String> = SETTINGS.iter().map(|it| (*it).to_owned()).collect();
    let mut rows = Vec::new();
    for (settings, summary) in settings.iter().zip(summaries(&settings)) {
        let (value, token) = summary.example.clone().unwrap();
        // A bar is a cell's end, in code too.
        let [value, token] = [value, token].map(|text| text.replace(" | ", " / "));
        let reveals = match summary.reveals.as_slice() {
            [] => "nothing".to_owned(),
            reveals => reveals.join("; "),
        };
        let bits = bits(&summary);
        rows.push(format!(
            "| `{settings}` | `{value}` | `{token}` | {bits} | {reveals} |"
        ));
    }
    for row in &rows {
        assert!(
            DOCUMENT.contains(row.as_str()),
            "the table should be\n{}",
            rows.join("\n")
        );
    }
}

/// The same for every scheme of national identifiers.
#[test]
fn documents_say_what_every_scheme_does() {
    let schemes: Vec<&str> = DOCUMENT
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .split_once("` | ")
                .map(|(name, _)| name)
        })
        .filter(|name| Path::new(SCHEMES).join(format!("{name}.toml")).exists())
        .collect();
    let files = std::fs::read_dir(SCHEMES).unwrap();
    let files = files.filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    assert_eq!(schemes.len(), files.count(), "a row for each scheme");
    let settings: Vec<String> = schemes
        .iter()
        .map(|scheme| format!("format = \"national_id\", scheme = \"{scheme}\""))
        .collect();
    for (scheme, summary) in schemes.iter().zip(summaries(&settings)) {
        let (value, token) = summary.example.clone().unwrap();
        let cells = format!("`{value}` | `{token}` | {} |", bits(&summary));
        let start = format!("| `{scheme}` |");
        let row = DOCUMENT.lines().find(|line| line.starts_with(&start));
        assert!(row.unwrap().ends_with(&cells), "{scheme}: {cells}");
    }
}

const SETTINGS: [&str; 29] = [
    r#"format = "name""#,
    r#"format = "name", length = "bucket""#,
    r#"format = "name", fidelity = "outline""#,
    r#"format = "name", parts = ["given", "family"]"#,
    r#"format = "name", parts = ["given", "family"], fidelity = "outline""#,
    r#"format = "address""#,
    r#"format = "address", length = "bucket""#,
    r#"format = "address", fidelity = "outline""#,
    r#"format = "address", parts = ["line1", "city", "postal_code", "country"]"#,
    concat!(
        r#"format = "address", parts = ["line1", "city", "postal_code", "country"]"#,
        r#", keep = ["country"]"#,
    ),
    concat!(
        r#"format = "address", parts = ["line1", "city", "postal_code", "country"]"#,
        r#", keep = ["country"], postal_code = "shape""#,
    ),
    concat!(
        r#"format = "address", parts = ["line1", "city", "postal_code", "country"]"#,
        r#", fidelity = "outline""#,
    ),
    r#"format = "email", token_domain = "tok.acme.example""#,
    r#"format = "email", token_domain = "tok.acme.example", length = "bucket""#,
    r#"format = "email", token_domain = "tok.acme.example", domain = "replace+tag""#,
    concat!(
        r#"format = "email", token_domain = "tok.acme.example""#,
        r#", domain = "keep", own_domains = ["example.com"]"#,
    ),
    r#"format = "email", token_domain = "tok.acme.example", fidelity = "outline""#,
    r#"format = "text""#,
    r#"format = "digits""#,
    r#"format = "card""#,
    r#"format = "card", keep = "first6""#,
    r#"format = "card", keep = "none""#,
    r#"format = "card", tokens = "valid""#,
    r#"format = "iban""#,
    r#"format = "phone", region = "GB""#,
    r#"format = "phone", tokens = "valid""#,
    r#"format = "date_of_birth""#,
    r#"format = "national_id", scheme = "us_ssn""#,
    r#"format = "member_id""#,
];

const SCHEMES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/format/builtin/national_id"
);

const CONFIG: &str = r#"
vault = { data_dir = "data" }
listen = { token = "127.0.0.1:7601", reveal = "127.0.0.1:7602" }
tls = { certificate = "server.pem", key = "server.key", client_ca = "ca.pem" }
root_key = { provider = "passphrase-file", file = "root-key.toml" }
audit = { origin = "shop.example/counterfoil" }

[formats.member_id]
case = "upper"
ignore = " ."
parts = [
  { literal = "M" },
  { literal = "-", optional = true },
  { one_of = ["DE", "FR", "IT"], keep = true },
  { class = "digit", length = [6, 9] },
  { check = "luhn", token = "wrong" },
]

[namespaces.shop.fields]
"#;
