//! Product formats, from their specification to their tokens.

mod ambiguity;
mod built_in;
mod golden;
mod loading;
mod loading_checks;
mod loading_whole;
mod mutation;
mod random;
mod reading;

use super::*;
use crate::format::tests::cases_count;

/// The error of a specification, as an operator reads it.
fn refusal(spec: &str) -> String {
    let spec: GrammarSpec = toml::from_str(spec).unwrap();
    match Product::new(&spec) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn product(spec: &str) -> Product {
    let parsed: GrammarSpec = toml::from_str(spec).unwrap();
    Product::new(&parsed).unwrap_or_else(|error| panic!("{spec}\n{error}"))
}

/// The canonical form, if the value is of the format.
fn accepted(product: &Product, value: &str) -> Option<String> {
    let canonical = product.canonical(value).ok()?;
    product.parse(&canonical)?;
    Some((*canonical).clone())
}

/// The token with this rank in the slice of the value.
fn token(product: &Product, value: &str, rank: &Rank) -> Option<String> {
    let canonical = product.canonical(value).unwrap();
    let read = product.parse(&canonical).unwrap();
    let token = read.slice.unrank(rank).unwrap();
    token.map(|token| token.into_string())
}
