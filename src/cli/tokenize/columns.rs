//! Which columns of a CSV file have values, and of which fields.

use std::str::FromStr;

use csv::StringRecord;

use crate::cli::error::CliError;
use crate::domain::FieldName;

/// A column by its name in the header, and the field of its values: `COLUMN=FIELD`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) struct Column {
    name: String,
    field: FieldName,
}

impl Column {
    /// The column of this name.
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
    pub(in crate::cli) values: Vec<(usize, FieldName)>,
    /// The position of the subject.
    pub(in crate::cli) subject: Option<usize>,
}

impl Layout {
    /// Finds the columns in a header.
    ///
    /// # Errors
    ///
    /// If the header does not have a column exactly once, or one is named twice. It names the
    /// argument and never the header, which is a customer where the file has none.
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
        let mut values: Vec<(usize, FieldName)> = Vec::with_capacity(columns.len());
        let subject = subject_column.map(position).transpose()?;
        for column in columns {
            let position = position(&column.name)?;
            let named_before = values.iter().any(|(other, _)| *other == position);
            if named_before || subject == Some(position) {
                let name = &column.name;
                return Err(CliError::Usage(format!("column {name} is named twice")));
            }
            values.push((position, column.field.clone()));
        }
        Ok(Self { values, subject })
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
        let values = vec![(2, field("name")), (1, field("email"))];
        assert_eq!(
            layout.unwrap(),
            Layout {
                values,
                subject: Some(0)
            }
        );
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
