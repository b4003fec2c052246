//! Values and tokens in parts on the command line: a line has their texts with tabs between them.

use clap::Args;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::answer::Failure;
use crate::domain::join_parts;
use crate::domain::split_parts;

/// The parts that each line has.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct PartsArgs {
    /// The parts that each line has, with tabs between them; for fields that have parts
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    parts: Vec<String>,
}

impl PartsArgs {
    /// How many texts a value or a token has in a line.
    pub(super) fn count(&self) -> usize {
        self.parts.len().max(1)
    }

    /// The value or token that a line, or a piece of it, stands for.
    ///
    /// # Errors
    ///
    /// If it does not have the parts.
    pub(super) fn text(&self, line: &str) -> Result<String, Failure> {
        if self.parts.is_empty() {
            return Ok(line.to_owned());
        }
        let texts: Vec<&str> = line.split('\t').collect();
        if texts.len() != self.parts.len() {
            let (own, wanted) = (texts.len(), self.parts.len());
            let problem = format!("the line has {own} parts, not {wanted} with tabs between them");
            return Err(Failure::invalid(problem));
        }
        let names = self.parts.iter().map(String::as_str);
        let parts: Vec<(&str, &str)> = names.zip(texts).collect();
        let mut joined = join_parts(&parts).map_err(Failure::invalid)?;
        Ok(std::mem::take(&mut *joined))
    }

    /// The texts of a value or a token in a line: its parts in the order of the arguments.
    pub(super) fn texts(&self, text: &str) -> Vec<Zeroizing<String>> {
        let Some(parts) = split_parts(text) else {
            return vec![Zeroizing::new(text.to_owned())];
        };
        if self.parts.is_empty() {
            let owned = |(_, text): &(&str, &str)| Zeroizing::new((*text).to_owned());
            return parts.iter().map(owned).collect();
        }
        let text_of = |name: &String| {
            let part = parts.iter().find(|(own, _)| own == name);
            Zeroizing::new(part.map_or("", |(_, text)| *text).to_owned())
        };
        self.parts.iter().map(text_of).collect()
    }
}

/// A value or a token as a member of an object, under its name: its text, or its parts under the
/// name for these.
pub(super) fn member(
    name: &'static str,
    parts_name: &'static str,
    text: &str,
) -> (&'static str, Value) {
    match split_parts(text) {
        None => (name, json!(text)),
        Some(parts) => {
            let owned = |(name, text): (&str, &str)| (name.to_owned(), json!(text));
            let object: Map<String, Value> = parts.into_iter().map(owned).collect();
            (parts_name, Value::Object(object))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(names: &[&str]) -> PartsArgs {
        PartsArgs {
            parts: names.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn line_is_parts_and_comes_back() {
        let address = parts(&["line1", "city"]);
        let text = address.text("12 Main St\tParis").unwrap();
        let texts: Vec<String> = address
            .texts(&text)
            .iter()
            .map(|it| it.to_string())
            .collect();
        assert_eq!(texts, ["12 Main St", "Paris"]);
        assert!(address.text("12 Main St").is_err());
        assert!(address.text("a\tb\tc").is_err());
        let whole = PartsArgs::default();
        assert_eq!(whole.text("Ada\tLovelace").unwrap(), "Ada\tLovelace");
        assert_eq!(whole.texts("Ada")[0].as_str(), "Ada");
    }

    #[test]
    fn parts_are_an_object() {
        let text = parts(&["line1", "city"]).text("12 Main St\t").unwrap();
        let (name, value) = member("token", "token_parts", &text);
        assert_eq!(name, "token_parts");
        assert_eq!(value, json!({ "line1": "12 Main St", "city": "" }));
        assert_eq!(
            member("token", "token_parts", "Kfo"),
            ("token", json!("Kfo"))
        );
    }
}
