//! Values in parts, in order and in error.

use std::collections::HashMap;

use counterfoil::protocol::DetokenizeItem;
use counterfoil::protocol::TokenizeItem;
use counterfoil::protocol::detokenize_result;

use crate::canaries::Canaries;
use crate::support::Client;
use crate::support::detokenize_items;
use crate::support::token_of;

/// The field, as the vault's configuration has it.
pub(crate) const FIELD: &str = "
[namespaces.shop.fields.postal]
format = \"address\"
parts = [\"line1\", \"city\", \"postal_code\", \"country\"]
keep = [\"country\"]
";

/// Every call with parts as it should be, and as it should not be.
pub(crate) async fn go_by_parts(client: &Client, canaries: &mut Canaries) {
    for country in ["US", "Narnia"] {
        let (line, city) = (canaries.word(), canaries.word());
        let parts: HashMap<String, String> = [
            ("line1", format!("77 {line} Street")),
            ("city", city.clone()),
            ("postal_code", "94016".to_owned()),
            ("country", country.to_owned()),
        ]
        .map(|(name, text)| (name.to_owned(), text))
        .into();
        let item = |value_parts| TokenizeItem {
            field: "postal".to_owned(),
            value_parts,
            ..TokenizeItem::default()
        };
        let token = client.tokenized(item(parts.clone())).await.token_parts;
        for name in ["line1", "city"] {
            canaries.keep(token[name].clone());
        }
        let reveal = DetokenizeItem {
            field: "postal".to_owned(),
            token_parts: token,
            ..DetokenizeItem::default()
        };
        let response = client.detokenize(detokenize_items(vec![reveal])).await;
        match response.unwrap().results.remove(0).result.unwrap() {
            detokenize_result::Result::ValueParts(value) => assert_eq!(value.parts, parts),
            detokenize_result::Result::Value(_) | detokenize_result::Result::Error(_) => {
                panic!("the token is known")
            }
        }
        let wrong = |name: &str, text: String| {
            let mut parts = parts.clone();
            parts.insert(name.to_owned(), text);
            item(parts)
        };
        let whole = TokenizeItem {
            value: line.clone(),
            ..item(parts.clone())
        };
        let plain = TokenizeItem {
            value: line.clone(),
            ..item(HashMap::new())
        };
        let foreign = TokenizeItem {
            field: "address".to_owned(),
            ..item(parts.clone())
        };
        for item in [
            wrong("line1", format!("{line}\0")),
            wrong("line1", format!("{line}\u{1f}")),
            wrong("line1", line.repeat(200)),
            wrong(&line, city.clone()),
            wrong(&line.to_lowercase(), city.clone()),
            wrong("given", line.clone()),
            whole,
            plain,
            foreign,
        ] {
            let results = client.tokenize(vec![item]).await.unwrap();
            let result = token_of(results.into_iter().next().unwrap());
            assert!(canaries.outcome(result).is_none());
        }
    }
}
