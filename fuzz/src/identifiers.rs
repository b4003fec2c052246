//! Every format of identifiers that is built in.

use std::fs;
use std::sync::OnceLock;

use counterfoil::domain::Fidelity;
use counterfoil::format::CardKeep;
use counterfoil::format::DateLayout;
use counterfoil::format::Format;
use counterfoil::format::IdentifierSpec;
use counterfoil::format::Mode;
use counterfoil::format::OnInvalid;

use crate::values::Subject;

/// A format of identifiers, compiled when an input first asks for it: all of them take long.
pub struct Identifier {
    spec: IdentifierSpec,
    compiled: OnceLock<(Subject, String)>,
}

impl Identifier {
    /// The format, with a made-up value.
    pub fn subject(&self) -> &(Subject, String) {
        self.compiled.get_or_init(|| {
            let format = Format::identifier(&self.spec, Fidelity::Shape, OnInvalid::Reject);
            let format = format.expect("a format of the list");
            let example = format.summary().example.map(|(value, _)| value);
            let is_known = matches!(
                self.spec,
                IdentifierSpec::Card { .. } | IdentifierSpec::Phone { .. }
            );
            let subject = Subject {
                format,
                is_closed: false,
                is_outline_told: true,
                is_whole: !is_known,
            };
            (subject, example.unwrap_or_default())
        })
    }
}

/// Every format of identifiers.
pub fn built_in() -> Vec<Identifier> {
    let mut specs = Vec::new();
    for mode in [Mode::Marked, Mode::Valid] {
        for keep in [CardKeep::Last4, CardKeep::First6, CardKeep::Nothing] {
            specs.push(IdentifierSpec::Card { keep, mode });
        }
        specs.push(IdentifierSpec::Iban { mode });
        for region in [None, Some("GB"), Some("US"), Some("DE"), Some("JP")] {
            let region = region.map(str::to_owned);
            specs.push(IdentifierSpec::Phone { region, mode });
        }
    }
    specs.extend(DateLayout::ALL.map(|layout| IdentifierSpec::DateOfBirth { layout }));
    specs.extend(schemes().map(|scheme| IdentifierSpec::NationalId { scheme }));
    let identifier = |spec| Identifier {
        spec,
        compiled: OnceLock::new(),
    };
    specs.into_iter().map(identifier).collect()
}

/// National identifiers, by the names of their files, which do not change with the order of a
/// directory.
fn schemes() -> impl Iterator<Item = String> {
    let directory = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../src/format/builtin/national_id"
    );
    let files = fs::read_dir(directory).expect("the directory of the schemes");
    let mut names: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names.into_iter()
}
