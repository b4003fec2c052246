//! Which columns of a CSV file have values, and of which fields.

use std::iter;
use std::str::FromStr;

use csv::StringRecord;
use zeroize::Zeroizing;

use crate::cli::error::CliError;
use crate::domain::FieldName;
use crate::domain::PartsError;
use crate::domain::join_parts;
use crate::domain::split_parts;

/// A column by its name in the header, and the field of its values: `COLUMN=FIELD`. Where the
/// header has no such column, several with `+` between them, the parts of one value, each named
/// like its part or as `COLUMN:PART`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) struct Column {
    name: String,
    field: FieldName,
}

impl Column {
    /// The column of this name, or the columns that it joins.
    pub(in crate::cli) fn new(name: String, field: FieldName) -> Self {
        Self { name, field }
    }
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, field) = text
            .split_once('=')
            .ok_or("write it as COLUMN=FIELD, like mail=email")?;
        let field = FieldName::new(field).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            field,
        })
    }
}

/// Where the columns of a file are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) struct Layout {
    /// The positions of the values, with their fields, in the order of the arguments.
    pub(in crate::cli) values: Vec<Source>,
    /// The position of the subject.
    pub(in crate::cli) subject: Option<usize>,
}

/// Where values are, and of which field they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) struct Source {
    pub(super) field: FieldName,
    /// The positions of the columns of a value, in the order of the argument.
    pub(super) columns: Vec<usize>,
    /// Which part of the value each column has; none where values are whole.
    pub(super) parts: Vec<String>,
}

impl Source {
    /// The text of a row, whole or in parts, and nothing where all its cells are empty.
    ///
    /// # Errors
    ///
    /// If the cells are no parts.
    pub(in crate::cli) fn text(
        &self,
        row: &StringRecord,
    ) -> Result<Option<Zeroizing<String>>, PartsError> {
        let mut cells = self
            .columns
            .iter()
            .map(|&it| row.get(it).unwrap_or_default());
        if cells.clone().all(str::is_empty) {
            return Ok(None);
        }
        if self.parts.is_empty() {
            let cell = cells.next().unwrap_or_default();
            return Ok(Some(Zeroizing::new(cell.to_owned())));
        }
        let names = self.parts.iter().map(String::as_str);
        let parts: Vec<(&str, &str)> = names.zip(cells).collect();
        join_parts(&parts).map(Some)
    }

    /// The field of its texts.
    pub(in crate::cli) fn field(&self) -> &FieldName {
        &self.field
    }

    /// Whether its texts are in parts.
    pub(in crate::cli) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The cells of a token: each with its column. Those that it does not fill become empty, since
    /// they must not keep a value.
    pub(super) fn cells<'token>(&self, token: &'token str) -> Vec<(usize, &'token str)> {
        let texts: Vec<&str> = match split_parts(token) {
            Some(parts) => {
                let text_of = |name: &String| parts.iter().find(|(own, _)| own == name);
                let text = |name| text_of(name).map_or("", |(_, text)| *text);
                self.parts.iter().map(text).collect()
            }
            None => vec![token],
        };
        let texts = texts.into_iter().chain(iter::repeat(""));
        self.columns.iter().copied().zip(texts).collect()
    }

    /// The position that is named where something is wrong.
    pub(in crate::cli) fn first_column(&self) -> usize {
        self.columns.first().copied().unwrap_or_default()
    }
}

impl Layout {
    /// Finds the columns in a header.
    ///
    /// # Errors
    ///
    /// If the header does not have a column exactly once, one is named twice, or parts have names
    /// that no parts have. It names the argument and never the header, which is a customer where
    /// the file has none.
    pub(super) fn find(
        header: &StringRecord,
        columns: &[Column],
        subject_column: Option<&str>,
    ) -> Result<Self, CliError> {
        let position = |name: &str| {
            let mut found = header
                .iter()
                .enumerate()
                .filter(|(_, column)| *column == name);
            match (found.next(), found.next()) {
                (Some((position, _)), None) => Ok(position),
                (None, _) => Err(CliError::Usage(format!("the header has no column {name}"))),
                (Some(_), Some(_)) => Err(CliError::Usage(format!(
                    "the header has column {name} twice"
                ))),
            }
        };
        let mut values: Vec<Source> = Vec::with_capacity(columns.len());
        let subject = subject_column.map(position).transpose()?;
        let mut named: Vec<usize> = subject.into_iter().collect();
        for column in columns {
            let is_one = header.iter().any(|name| name == column.name);
            let is_whole = is_one || !column.name.contains(['+', ':']);
            let names: Vec<(&str, Option<&str>)> = match is_whole {
                true => vec![(&column.name, None)],
                false => column.name.split('+').map(part_column).collect(),
            };
            let mut source = Source {
                field: column.field.clone(),
                columns: Vec::with_capacity(names.len()),
                parts: Vec::with_capacity(names.len()),
            };
            for (name, part) in names {
                let position = position(name)?;
                if named.contains(&position) {
                    return Err(CliError::Usage(format!("column {name} is named twice")));
                }
                named.push(position);
                source.columns.push(position);
                source.parts.extend(part.map(str::to_owned));
            }
            check_parts(&column.name, &source.parts)?;
            values.push(source);
        }
        Ok(Self { values, subject })
    }
}

/// Checks the names of parts: once, and not for each row.
fn check_parts(column: &str, names: &[String]) -> Result<(), CliError> {
    let parts: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    match join_parts(&parts) {
        Ok(_) => Ok(()),
        Err(error) => Err(CliError::Usage(format!(
            "{column}: {error}\n  write a column that is not named like its part as COLUMN:PART"
        ))),
    }
}

/// A column and the part that it has: `COLUMN:PART`, or its own name.
fn part_column(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((column, part)) => (column, Some(part)),
        None => (text, Some(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &[&str], columns: &[&str], subject: Option<&str>) -> Result<Layout, String> {
        let columns: Vec<Column> = columns.iter().map(|text| text.parse().unwrap()).collect();
        let layout = Layout::find(&StringRecord::from(header.to_vec()), &columns, subject);
        layout.map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_name() {
        let layout = find(
            &["id", "mail", "who"],
            &["who=name", "mail=email"],
            Some("id"),
        );
        let field = |name| FieldName::new(name).unwrap();
        let source = |name, column| Source {
            field: field(name),
            columns: vec![column],
            parts: Vec::new(),
        };
        let values = vec![source("name", 2), source("email", 1)];
        assert_eq!(
            layout.unwrap(),
            Layout {
                values,
                subject: Some(0)
            }
        );
    }

    #[test]
    fn columns_of_parts_are_one_value() {
        let header = ["id", "line1", "city", "zip", "a+b"];
        let layout = find(
            &header,
            &["line1+zip:postal_code=address", "a+b=name"],
            None,
        );
        let Layout { values, .. } = layout.unwrap();
        assert_eq!(values[0].columns, [1, 3]);
        assert_eq!(values[0].parts, ["line1", "postal_code"]);
        assert_eq!(
            (&values[1].columns[..], values[1].parts.len()),
            (&[4][..], 0)
        );
        let text = |cells: &[&str]| values[0].text(&StringRecord::from(cells.to_vec()));
        assert_eq!(text(&["1", "", "Paris", "", ""]), Ok(None));
        let text = text(&["1", "12 Main St", "", "75001", ""])
            .unwrap()
            .unwrap();
        assert_eq!(values[0].cells(&text), [(1, "12 Main St"), (3, "75001")]);
        assert_eq!(values[1].cells("Kfo"), [(4, "Kfo")]);
        let twice = find(&header, &["line1+city=address", "city=name"], None);
        assert_eq!(twice.unwrap_err(), "column city is named twice");
    }

    /// Goal: no value stays in a cell, whatever the vault answers.
    #[test]
    fn cells_that_a_token_does_not_fill_become_empty() {
        let layout = find(&["line1", "city"], &["line1+city=address"], None).unwrap();
        let source = &layout.values[0];
        assert_eq!(source.cells("tok_1"), [(0, "tok_1"), (1, "")]);
        let other = join_parts(&[("region", "tok_1"), ("city", "tok_2")]).unwrap();
        assert_eq!(source.cells(&other), [(0, ""), (1, "tok_2")]);
        let whole = find(&["line1", "city"], &["line1=address"], None).unwrap();
        assert_eq!(whole.values[0].cells(&other), [(0, "")]);
    }

    #[test]
    fn wrong_parts_are_refused_before_any_row() {
        let header = ["Line 1", "line1", "city"];
        for (columns, problem) in [
            ("Line 1+city=address", "a part's name"),
            ("Line 1:city+city=address", "twice"),
            ("line1:+city=address", "a part's name"),
        ] {
            let refused = find(&header, &[columns], None).unwrap_err();
            assert!(refused.contains(problem), "{refused}");
        }
        assert!(find(&header, &["Line 1:line1+city=address"], None).is_ok());
    }

    #[test]
    fn wrong_columns_are_refused() {
        let header = ["id", "mail", "mail"];
        assert_eq!(
            find(&header, &["who=name"], None).unwrap_err(),
            "the header has no column who"
        );
        assert_eq!(
            find(&header, &["mail=email"], None).unwrap_err(),
            "the header has column mail twice"
        );
        assert_eq!(
            find(&header, &["id=name"], Some("id")).unwrap_err(),
            "column id is named twice"
        );
        assert!("mail".parse::<Column>().is_err());
        assert!("mail=E-mail".parse::<Column>().is_err());
    }
}
