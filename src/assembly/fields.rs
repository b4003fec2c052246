//! What must not change about a field once it has tokens: format, parts, equality, domains and
//! length.
//!
//! A known value is enciphered again to give its token. Under another format, scope or token
//! domain another token would come out, and the record would look damaged. So a start compares the
//! configuration with what the vault has been serving, kept in one row of the store.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use serde::Deserialize;
use serde::Serialize;

use crate::assembly::error::AssemblyError;
use crate::config::Config;
use crate::config::FieldConfig;
use crate::config::FieldFormat;
use crate::domain::Equality;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::format::CountryPart;
use crate::format::EmailDomain;
use crate::format::Length;
use crate::format::PostalCodes;
use crate::store::RowChange;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Table;
use crate::vault::NamespaceFields;

/// What must not change about a field.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Fixed {
    format: String,
    equality: String,
    token_domain: Option<String>,
    /// Rows without this and what follows are from before these were settings.
    #[serde(default = "replace")]
    domain: String,
    #[serde(default)]
    own_domains: BTreeSet<String>,
    #[serde(default = "exact")]
    length: String,
    /// Empty where values have no parts.
    #[serde(default)]
    parts: Vec<String>,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default = "shape")]
    postal_code: String,
}

fn replace() -> String {
    "replace".to_owned()
}

fn exact() -> String {
    "exact".to_owned()
}

fn shape() -> String {
    "shape".to_owned()
}

type Fields = BTreeMap<String, BTreeMap<String, Fixed>>;

/// The fields of each namespace that are no longer configured.
pub(super) type Former = HashMap<Namespace, Vec<FieldName>>;

/// Compares the configured fields with those that the vault has been serving. Returns the change
/// of the row where fields are new, and which fields are no longer there.
///
/// # Errors
///
/// If a field has changed in what must not change.
pub(super) fn check(
    config: &Config,
    opened: &HashMap<Namespace, NamespaceFields>,
    store: &dyn Store,
) -> Result<(Option<RowChange>, Former), AssemblyError> {
    let rows = store.rows(Table::Meta, None, META_ROWS_MAX)?;
    let stored = rows
        .into_iter()
        .find(|(key, _)| key == ROW_KEY)
        .map(|(_, value)| value);
    let mut known: Fields = match &stored {
        Some(bytes) => {
            serde_json::from_slice(bytes).map_err(|_| StoreError::Corrupt { table: "meta" })?
        }
        None => Fields::new(),
    };
    let before = known.clone();
    let mut former = Former::new();
    for (namespace, fields) in &config.namespaces {
        let known = known.entry(namespace.as_str().to_owned()).or_default();
        for (name, field) in &fields.fields {
            // Compiled when the fields were opened: a format takes some milliseconds.
            let format = opened
                .get(namespace)
                .and_then(|opened| opened.fields.get(name));
            let now = fixed(field, format.and_then(|field| field.format.digest()));
            let then = known
                .entry(name.as_str().to_owned())
                .or_insert_with(|| now.clone());
            if let Some(setting) = changed(then, &now) {
                return Err(AssemblyError::FieldChanged {
                    namespace: namespace.clone(),
                    field: name.clone(),
                    setting,
                });
            }
        }
        let names = known.keys().filter_map(|name| FieldName::new(name).ok());
        let gone = names.filter(|name| !fields.fields.contains_key(name));
        former.insert(namespace.clone(), gone.collect());
    }
    if known == before {
        return Ok((None, former));
    }
    // A map of texts always has a JSON form.
    let value = serde_json::to_vec(&known).unwrap_or_default();
    let row = RowChange {
        table: Table::Meta,
        key: ROW_KEY.to_vec(),
        expected: stored,
        value: Some(value),
    };
    Ok((Some(row), former))
}

fn changed(then: &Fixed, now: &Fixed) -> Option<&'static str> {
    if then.format != now.format {
        Some("format")
    } else if then.equality != now.equality {
        Some("equality")
    } else if then.token_domain != now.token_domain {
        Some("token_domain")
    } else if then.domain != now.domain {
        Some("domain")
    } else if then.own_domains != now.own_domains {
        Some("own_domains")
    } else if then.length != now.length {
        Some("length")
    } else if then.parts != now.parts {
        Some("parts")
    } else if then.keep != now.keep {
        Some("keep")
    } else if then.postal_code != now.postal_code {
        Some("postal_code")
    } else {
        None
    }
}

/// What must not change of a field; `digest` is that of its format, if it is one of identifiers.
fn fixed(field: &FieldConfig, digest: Option<[u8; 16]>) -> Fixed {
    // Identifiers may change their name, but not what they are.
    let format = match digest {
        Some(digest) => format!("identifier {}", hex::encode(digest)),
        None => field.format.name().to_owned(),
    };
    let equality = match field.equality {
        Equality::Field => "field",
        Equality::Subject => "subject",
        Equality::None => "none",
    };
    let (domain, own_domains) = match &field.domain {
        EmailDomain::Keep { own_domains } => ("keep".to_owned(), own_domains.as_slice()),
        EmailDomain::Replace => (replace(), &[][..]),
        EmailDomain::ReplaceTagged => ("replace+tag".to_owned(), &[][..]),
    };
    let (mut parts, mut keep, mut postal_code) = (Vec::new(), Vec::new(), shape());
    if let FieldFormat::Structured(spec) = &field.format {
        parts.clone_from(&spec.parts);
        match spec.country {
            CountryPart::Enciphered => {}
            CountryPart::Kept => keep.push("country".to_owned()),
        }
        postal_code = match spec.postal_code {
            PostalCodes::Pattern => "pattern".to_owned(),
            PostalCodes::Shape => shape(),
        };
    }
    Fixed {
        format,
        equality: equality.to_owned(),
        token_domain: field
            .token_domain
            .as_ref()
            .map(|domain| domain.to_ascii_lowercase()),
        domain,
        own_domains: own_domains.iter().cloned().collect(),
        length: match field.length {
            Length::Bucket => "bucket".to_owned(),
            Length::Exact => exact(),
        },
        parts,
        keep,
        postal_code,
    }
}

const ROW_KEY: &[u8] = b"fields";
/// Rows of the table, at the most: its rows are few and named in the code.
const META_ROWS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OnInvalid;
    use crate::config::TextFormat;
    use crate::domain::Fidelity;
    use crate::domain::Level;
    use crate::format::StructuredKind;
    use crate::format::StructuredSpec;

    /// Goal: a vault from before a setting opens as it was. Method: a row as version 1 wrote it.
    #[test]
    fn row_from_before_a_setting_reads_as_its_default() {
        let row = r#"{"format":"email","equality":"field","token_domain":"tok.acme.example"}"#;
        let then: Fixed = serde_json::from_str(row).unwrap();
        let mut field = FieldConfig {
            format: FieldFormat::Text(TextFormat::Email),
            fidelity: Fidelity::Shape,
            equality: Equality::Field,
            token_domain: Some("tok.acme.example".to_owned()),
            domain: EmailDomain::Replace,
            length: Length::Exact,
            on_invalid: OnInvalid::Reject,
            level_max: Some(Level::Full),
            ttl_seconds: None,
        };
        assert_eq!(changed(&then, &fixed(&field, None)), None);
        field.length = Length::Bucket;
        assert_eq!(changed(&then, &fixed(&field, None)), Some("length"));
        field.domain = EmailDomain::ReplaceTagged;
        assert_eq!(changed(&then, &fixed(&field, None)), Some("domain"));
        let keep = |own: &str| EmailDomain::Keep {
            own_domains: vec![own.to_owned()],
        };
        field.domain = keep("acme.example");
        let then = fixed(&field, None);
        field.domain = keep("acme.test");
        assert_eq!(changed(&then, &fixed(&field, None)), Some("own_domains"));
        let plain = fixed(&address(FieldFormat::Text(TextFormat::Address)), None);
        let mut spec = StructuredSpec {
            kind: StructuredKind::Address,
            parts: ["city", "postal_code", "country"].map(str::to_owned).into(),
            country: CountryPart::Kept,
            postal_code: PostalCodes::Pattern,
        };
        let in_parts = |spec: &StructuredSpec| {
            let format = FieldFormat::Structured(spec.clone());
            fixed(&address(format), None)
        };
        let then = in_parts(&spec);
        assert_eq!(changed(&plain, &then), Some("parts"));
        assert_eq!(changed(&then, &in_parts(&spec)), None);
        spec.postal_code = PostalCodes::Shape;
        assert_eq!(changed(&then, &in_parts(&spec)), Some("postal_code"));
        spec.country = CountryPart::Enciphered;
        assert_eq!(changed(&then, &in_parts(&spec)), Some("keep"));
        spec.parts.reverse();
        assert_eq!(changed(&then, &in_parts(&spec)), Some("parts"));
    }

    fn address(format: FieldFormat) -> FieldConfig {
        FieldConfig {
            format,
            fidelity: Fidelity::Shape,
            equality: Equality::Field,
            token_domain: None,
            domain: EmailDomain::Replace,
            length: Length::Exact,
            on_invalid: OnInvalid::Reject,
            ttl_seconds: None,
            level_max: Some(Level::Full),
        }
    }
}
