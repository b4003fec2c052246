//! Ids are kept in the audit log as their callers wrote them: none may be a value or a token of its
//! own call. What is a value of another call nobody can tell here.

use std::collections::HashSet;

use tonic::Status;

use crate::domain::IdentifierError;
use crate::domain::Subject;
use crate::server::status;
use crate::vault::Item;
use crate::vault::ItemError;

/// What an item says that must not be in the log, and whom it names in it.
pub(super) struct Said<'a> {
    pub(super) texts: Vec<&'a str>,
    pub(super) subject: Option<&'a Subject>,
}

/// Refuses a call of which an id is a text of one of its items, and items whose customer is. Each
/// id is with its name on the wire.
pub(super) fn keep_apart<T>(
    ids: &[(&'static str, Option<&str>)],
    items: impl Iterator<Item = Item<T>>,
    said: fn(&T) -> Said<'_>,
) -> Result<Vec<Item<T>>, Status> {
    let mut items: Vec<_> = items.collect();
    let texts = items.iter().flatten().flat_map(|item| said(item).texts);
    // Nearly every name, address and e-mail address has a character that no id has.
    let texts = texts.filter(|text| Subject::new(text).is_ok());
    let texts: HashSet<&str> = texts.collect();
    if texts.is_empty() {
        return Ok(items);
    }
    for (name, id) in ids {
        if id.is_some_and(|id| texts.contains(id)) {
            return Err(status::invalid(name, IdentifierError::Confided.to_string()));
        }
    }
    let is_told = |item: &Item<T>| {
        let subject = item.as_ref().ok().and_then(|item| said(item).subject);
        subject.is_some_and(|subject| texts.contains(subject.as_str()))
    };
    let told: Vec<bool> = items.iter().map(is_told).collect();
    for (item, is_told) in items.iter_mut().zip(told) {
        if is_told {
            *item = Err(ItemError::Identifier {
                part: "subject",
                error: IdentifierError::Confided,
            });
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Told(&'static str, Option<Subject>);

    fn item(text: &'static str, subject: &str) -> Item<Told> {
        Ok(Told(text, Subject::new(subject).ok()))
    }

    fn said(item: &Told) -> Said<'_> {
        Said {
            texts: vec![item.0],
            subject: item.1.as_ref(),
        }
    }

    #[test]
    fn customer_who_is_named_by_a_value_of_the_call_fails_their_items_alone() {
        let items = [
            item("Zoë Example", "cus_1"),
            item("4917012345", "cus_2"),
            item("12 Example Street", "4917012345"),
        ];
        let items = keep_apart(&[], items.into_iter(), said).unwrap();
        let is_kept: Vec<_> = items.iter().map(Result::is_ok).collect();
        assert_eq!(is_kept, [true, true, false]);
        let expected = ItemError::Identifier {
            part: "subject",
            error: IdentifierError::Confided,
        };
        assert_eq!(items[2].as_ref().err(), Some(&expected));
    }

    #[test]
    fn id_of_a_call_that_is_a_text_of_it_is_refused_without_being_repeated() {
        let ids = [("case_id", None), ("request_id", Some("Zelda"))];
        let ask = |text| keep_apart(&ids, [item(text, "cus_1")].into_iter(), said);
        let refused = ask("Zelda").err().unwrap();
        assert!(!refused.message().contains("Zelda"));
        assert!(ask("Zelda Example").is_ok());
    }
}
