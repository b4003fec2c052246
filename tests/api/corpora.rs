//! Real values through the vault itself, without the wire.

use std::collections::HashMap;
use std::path::Path;

use counterfoil::domain::FieldName;
use counterfoil::domain::Namespace;
use counterfoil::domain::Plaintext;
use counterfoil::domain::Principal;
use counterfoil::domain::Purpose;
use counterfoil::domain::Token;
use counterfoil::format::Format;
use counterfoil::format::FormatKind;
use counterfoil::format::FormatSpec;
use counterfoil::vault::Caller;
use counterfoil::vault::Detokenize;
use counterfoil::vault::DetokenizeItem;
use counterfoil::vault::Tokenize;
use counterfoil::vault::TokenizeItem;

use crate::support::TestVault;

const CORPORA: [(&str, FormatKind, &str); 3] = [
    ("name", FormatKind::Name, "names.tsv"),
    ("address", FormatKind::Address, "addresses.tsv"),
    ("email", FormatKind::Email, "emails.tsv"),
];

/// Every value of a corpus, one in five in further spellings as well.
///
/// `COUNTERFOIL_CORPORA` names another directory with such files.
fn values(file: &str) -> Vec<String> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora");
    let directory = std::env::var("COUNTERFOIL_CORPORA").unwrap_or_else(|_| own.to_owned());
    let corpus = std::fs::read_to_string(Path::new(&directory).join(file)).unwrap();
    let mut values = Vec::new();
    let rows = corpus.lines().filter_map(|line| line.split_once('\t'));
    for (index, (_, row)) in rows.enumerate() {
        let value = row
            .replace("\\n", "\n")
            .replace("\\t", "\t")
            .replace("\\\\", "\\");
        if index.is_multiple_of(5) {
            values.push(format!(" {} ", value.replace('\'', "’")));
            values.push(value.to_uppercase());
        }
        values.push(value);
    }
    values
}

/// Goal: tokens are equal exactly if the equality forms are. Method: values of the corpora in
/// batches, each in the form that its format alone gives it, against the tokens of a vault.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_equal_exactly_if_their_values_are() {
    let vault = TestVault::start().await;
    let open = vault.vault();
    let caller = Caller {
        principal: Principal::new("spiffe://shop.example/backend").unwrap(),
        credential_fingerprint: [7; 32],
        person: None,
        address: None,
    };
    let namespace = || Namespace::new("shop").unwrap();
    let (mut values_count, mut equal_count) = (0, 0);
    for (field, kind, file) in CORPORA {
        let format = Format::new(FormatSpec {
            token_domain: (kind == FormatKind::Email).then(|| "tok.acme.example".to_owned()),
            ..FormatSpec::new(kind)
        })
        .unwrap();
        let field = || FieldName::new(field).unwrap();
        let (mut tokens, mut forms) = (HashMap::new(), HashMap::new());
        for batch in values(file).chunks(100) {
            let item = |value: &String| {
                Ok(TokenizeItem {
                    field: field(),
                    value: Plaintext::new(value.clone()),
                    subject: None,
                    ttl_seconds: None,
                })
            };
            let request = Tokenize {
                namespace: namespace(),
                request_id: None,
                items: batch.iter().map(item).collect(),
                allow_token_values: false,
            };
            let answer = open.tokenize(&caller, request).await.unwrap();
            for (value, item) in batch.iter().zip(answer) {
                let form = format
                    .parse(&Plaintext::new(value.clone()))
                    .map(|it| it.equality().to_vec());
                assert_eq!(item.is_ok(), form.is_ok(), "{value}");
                let (Ok(item), Ok(form)) = (item, form) else {
                    continue;
                };
                values_count += 1;
                equal_count += usize::from(!item.created);
                let token = item.token.expose().to_owned();
                assert_eq!(item.created, !tokens.contains_key(&form), "{value}");
                assert_eq!(
                    *tokens.entry(form.clone()).or_insert(token.clone()),
                    token,
                    "{value}"
                );
                assert_eq!(*forms.entry(token).or_insert(form.clone()), form, "{value}");
            }
        }
        // And every one of them opens.
        let all: Vec<_> = tokens.into_iter().collect();
        for batch in all.chunks(1_000) {
            let item = |(_, token): &(Vec<u8>, String)| {
                Ok(DetokenizeItem {
                    field: field(),
                    token: Token::new(token.to_uppercase()),
                    subject: None,
                })
            };
            let request = Detokenize {
                namespace: namespace(),
                request_id: None,
                items: batch.iter().map(item).collect(),
                purpose: Purpose::new("support").unwrap(),
                case_id: None,
            };
            let answer = open.detokenize(&caller, request).await.unwrap();
            for ((form, token), item) in batch.iter().zip(answer.items) {
                let value = item.unwrap_or_else(|error| panic!("{token}: {error}"));
                assert_eq!(format.parse(&value).unwrap().equality(), form);
            }
        }
    }
    println!("{values_count} values, {equal_count} of them equal to an earlier one");
    assert!(
        values_count > 7_500 && equal_count > 1_000,
        "{values_count} {equal_count}"
    );
    drop(open);
    vault.check().await;
}
