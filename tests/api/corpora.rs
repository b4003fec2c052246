//! Real values through the vault itself, without the wire.

use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;

use counterfoil::domain::Fidelity;
use counterfoil::domain::FieldName;
use counterfoil::domain::Level;
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
use counterfoil::vault::ImportItem;
use counterfoil::vault::ImportTokens;
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

fn backend() -> Caller {
    Caller {
        principal: Principal::new("spiffe://shop.example/backend").unwrap(),
        credential_fingerprint: [7; 32],
        person: None,
        address: None,
    }
}

/// Goal: tokens are equal exactly if the equality forms are. Method: values of the corpora in
/// batches, each in the form that its format alone gives it, against the tokens of a vault.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_equal_exactly_if_their_values_are() {
    let vault = TestVault::start().await;
    let open = vault.vault();
    let caller = backend();
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
                decoys: false,
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
                level: Level::Full,
                purpose: Purpose::new("support").unwrap(),
                case_id: None,
                grant_id: None,
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

const IDENTIFIERS: &str = r#"
[namespaces.shop.fields.card]
format = "card"
[namespaces.shop.fields.phone]
format = "phone"
on_invalid = "outline"
[namespaces.shop.fields.hidden]
format = "name"
length = "bucket"
"#;

const IMPORTED: [(&str, &str); 7] = [
    ("name", "names.tsv"),
    ("hidden", "names.tsv"),
    ("alias", "names.tsv"),
    ("address", "addresses.tsv"),
    ("email", "emails.tsv"),
    ("card", "cards.tsv"),
    ("phone", "phones.tsv"),
];

/// Random numbers that are the same in each run: xorshift, by Marsaglia.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound
    }

    /// A token of any form: an id, words, digits, other scripts.
    fn token(&mut self) -> String {
        const ALPHABETS: [&str; 4] = [
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=",
            "0123456789",
            "абвгдежзийклмноп ",
            "{}[]()<>\"'\\/|,;:.!?@#$%^&*~` aé漢字",
        ];
        let alphabet: Vec<char> = ALPHABETS[self.below(4)].chars().collect();
        let length = 12 + self.below(60);
        (0..length)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }
}

/// Goal: an imported token is its value's for good, whatever both look like. Method: each tenth
/// value of the corpora with a random token; tokenizing gives that token, revealing gives what
/// tokenizing the value elsewhere would give back.
#[tokio::test(flavor = "multi_thread")]
async fn imported_tokens_of_any_form_stand_for_values_of_any_form() {
    let vault = TestVault::start_with(IDENTIFIERS).await;
    let reference = TestVault::start_with(IDENTIFIERS).await;
    let (open, other) = (vault.vault(), reference.vault());
    let caller = backend();
    let namespace = || Namespace::new("shop").unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut values_count = 0;
    for (field, file) in IMPORTED {
        let field = || FieldName::new(field).unwrap();
        let wanted = |value: &String| {
            Ok(TokenizeItem {
                field: field(),
                value: Plaintext::new(value.clone()),
                subject: None,
                ttl_seconds: None,
            })
        };
        let tokenize = |values: &[String]| Tokenize {
            namespace: namespace(),
            request_id: None,
            items: values.iter().map(wanted).collect(),
            allow_token_values: true,
            decoys: false,
        };
        let detokenize = |tokens: Vec<String>| Detokenize {
            level: Level::Full,
            namespace: namespace(),
            request_id: None,
            items: tokens
                .into_iter()
                .map(|token| {
                    Ok(DetokenizeItem {
                        field: field(),
                        token: Token::new(token),
                        subject: None,
                    })
                })
                .collect(),
            purpose: Purpose::new("support").unwrap(),
            case_id: None,
            grant_id: None,
        };
        let all = values(file);
        let some: Vec<String> = all.into_iter().step_by(10).collect();
        for batch in some.chunks(200) {
            let elsewhere = other.tokenize(&caller, tokenize(batch)).await.unwrap();
            let mut seen = HashSet::new();
            // Each value that is valid, once.
            let (mut fresh, mut originals) = (Vec::new(), Vec::new());
            for (value, item) in batch.iter().zip(elsewhere) {
                if let Ok(item) = item
                    && item.created
                    && seen.insert(item.token.expose().to_owned())
                {
                    fresh.push(value.clone());
                    originals.push(item.token.expose().to_owned());
                }
            }
            let tokens: Vec<String> = fresh.iter().map(|_| random.token()).collect();
            let import = |(value, token): (&String, &String)| {
                Ok(ImportItem {
                    field: field(),
                    value: Plaintext::new(value.clone()),
                    token: Token::new(token.clone()),
                    subject: None,
                    ttl_seconds: None,
                })
            };
            let request = ImportTokens {
                namespace: namespace(),
                request_id: None,
                items: fresh.iter().zip(&tokens).map(import).collect(),
                allow_token_values: true,
            };
            for item in open.import_tokens(&caller, request).await.unwrap() {
                assert!(item.unwrap_or_else(|error| panic!("{error}")).created);
            }
            let again = open.tokenize(&caller, tokenize(&fresh)).await.unwrap();
            for (item, token) in again.into_iter().zip(&tokens) {
                let item = item.unwrap_or_else(|error| panic!("{token}: {error}"));
                assert!(!item.created && item.token.expose() == token, "{token}");
                assert_eq!(item.fidelity, Fidelity::Imported);
            }
            let shouted = tokens.iter().map(|token| token.to_uppercase()).collect();
            let values = open.detokenize(&caller, detokenize(shouted)).await.unwrap();
            let expected = other
                .detokenize(&caller, detokenize(originals))
                .await
                .unwrap();
            for (value, expected) in values.items.into_iter().zip(expected.items) {
                let (value, expected) = (value.unwrap(), expected.unwrap());
                assert_eq!(value.expose(), expected.expose());
                values_count += 1;
            }
        }
    }
    println!("{values_count} values with imported tokens");
    assert!(values_count > 1_500, "{values_count}");
    drop((open, other));
    reference.check().await;
    vault.check().await;
}
