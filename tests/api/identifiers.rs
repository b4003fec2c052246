//! Identifiers: cards, accounts, ids, numbers, dates, and formats of the operator's own.

use counterfoil::assembly::AssemblyError;
use counterfoil::protocol::Recognition;
use counterfoil::protocol::TokenizedValue;
use tonic::Code;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::item;
use crate::support::token_of;

const FIELDS: &str = r#"
[formats.member_id]
case = "upper"
ignore = " "
parts = [
    { literal = "M" },
    { one_of = ["DE", "FR"], keep = true },
    { literal = "-", optional = true },
    { class = "digit", length = [7, 9] },
    { check = "mod11_2", over = [4], token = "wrong" },
]
[namespaces.shop.fields.member]
format = "member_id"
[namespaces.shop.fields.card]
format = "card"
[namespaces.shop.fields.card_begin]
format = "card"
keep = "first6"
tokens = "valid"
[namespaces.shop.fields.account]
format = "iban"
[namespaces.shop.fields.born]
format = "date_of_birth"
[namespaces.shop.fields.born_us]
format = "date_of_birth"
layout = "MM/DD/YYYY"
[namespaces.shop.fields.ssn]
format = "national_id"
scheme = "us_ssn"
[namespaces.shop.fields.phone]
format = "phone"
region = "GB"
[namespaces.shop.fields.lenient_phone]
format = "phone"
on_invalid = "outline"
"#;

/// Field, value, and its canonical form, which detokenizing gives back.
const VALUES: [(&str, &str, &str); 11] = [
    ("member", " mde-1234567 2 ", "MDE-12345672"),
    ("card", "4111 1111 1111 1111", "4111111111111111"),
    ("card", "378282246310005", "378282246310005"),
    ("card_begin", "5555-5555-5555-4444", "5555555555554444"),
    (
        "account",
        "gb82 west 1234 5698 7654 32",
        "GB82WEST12345698765432",
    ),
    ("born", "1985-12-24", "1985-12-24"),
    ("born_us", "02/29/2000", "02/29/2000"),
    ("ssn", "219-09-9999", "219-09-9999"),
    ("phone", "+44 20 7946 0958", "+442079460958"),
    ("phone", "020 7946 0999", "+442079460999"),
    ("lenient_phone", "extension 12", "extension 12"),
];

async fn vault() -> TestVault {
    TestVault::start_with(FIELDS).await
}

async fn tokenized(client: &Client, field: &str, value: &str) -> TokenizedValue {
    client.tokenized(item(field, value)).await
}

fn luhn_sum(digits: &str) -> u32 {
    let doubled = |digit: u32| digit * 2 % 10 + digit * 2 / 10;
    let digits = digits
        .chars()
        .rev()
        .map(|digit| digit.to_digit(10).unwrap());
    let weighed = digits.enumerate().map(|(place, digit)| match place % 2 {
        0 => digit,
        _ => doubled(digit),
    });
    weighed.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_are_tokenized_found_again_and_restored() {
    let vault = vault().await;
    let client = vault.backend().await;
    for (field, value, canonical) in VALUES {
        let first = tokenized(&client, field, value).await;
        assert!(first.created && first.token != canonical, "{field}");
        let again = tokenized(&client, field, canonical).await;
        assert!(!again.created && again.token == first.token, "{field}");
        let value = client.value_of(field, &first.token, "").await.unwrap();
        assert_eq!(value, canonical, "{field}");
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_keep_what_they_should_and_are_nobodys() {
    let vault = vault().await;
    let client = vault.backend().await;
    let card = tokenized(&client, "card", "4111111111111111").await.token;
    assert!(card.len() == 16 && card.ends_with("1111"));
    assert_ne!(luhn_sum(&card) % 10, 0);
    let valid = tokenized(&client, "card_begin", "5555555555554444").await;
    assert!(valid.token.starts_with("555555") && valid.token.len() == 16);
    assert_eq!(luhn_sum(&valid.token) % 10, 0);
    let account = tokenized(&client, "account", "GB82WEST12345698765432").await;
    assert!(account.token.starts_with("GB") && account.token.len() == 22);
    let born = tokenized(&client, "born", "1985-12-24").await.token;
    let year: u32 = born.split('-').next().unwrap().parse().unwrap();
    assert!(!(1850..=2150).contains(&year), "{year}");
    let ssn = tokenized(&client, "ssn", "219-09-9999").await.token;
    assert!(ssn.starts_with('9') && ssn.len() == 11);
    let member = tokenized(&client, "member", "MFR12345672").await;
    assert!(member.token.starts_with("MFR"));
    let phone = tokenized(&client, "phone", "+442079460958").await.token;
    assert!(phone.starts_with("+44") && phone.len() == 13);
    for (field, text, recognition) in [
        ("phone", phone.as_str(), Recognition::Token),
        ("phone", "+442079460958", Recognition::NotToken),
        ("card", card.as_str(), Recognition::Token),
        ("card", "4111111111111111", Recognition::NotToken),
        ("card_begin", valid.token.as_str(), Recognition::Unsure),
        ("account", account.token.as_str(), Recognition::Token),
        ("born", born.as_str(), Recognition::Token),
        ("ssn", ssn.as_str(), Recognition::Token),
        ("ssn", "219-09-9999", Recognition::NotToken),
    ] {
        let described = client.inspect(field, text, "").await.unwrap();
        assert!(described.recognition() == recognition, "{field}");
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_found_however_they_are_grouped() {
    let vault = vault().await;
    let client = vault.backend().await;
    let card = tokenized(&client, "card", "4111111111111111").await.token;
    let grouped: Vec<String> = card
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8(group.to_vec()).unwrap())
        .collect();
    let grouped = grouped.join(" ");
    assert!(client.inspect("card", &grouped, "").await.unwrap().known);
    let value = client.value_of("card", &grouped, "").await.unwrap();
    assert_eq!(value, "4111111111111111");
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_not_in_the_format_are_refused() {
    let vault = vault().await;
    let client = vault.backend().await;
    for (field, value) in [
        ("card", "4111111111111112"),
        // As a token of its field would be, but nobody's: a typing error looks alike.
        ("card", "4111111111111119"),
        ("card", "41111111111111116"),
        ("account", "GB83WEST12345698765432"),
        ("account", "QQ82WEST12345698765432"),
        ("born", "1985-02-30"),
        ("ssn", "000-12-3456"),
        ("phone", "12"),
        ("member", "MDE-12345678"),
        ("member", "MIT-12345672"),
    ] {
        let results = client.tokenize(vec![item(field, value)]).await.unwrap();
        let error = token_of(results.into_iter().next().unwrap()).err().unwrap();
        assert_eq!(error.code, i32::from(Code::InvalidArgument), "{field}");
        assert!(!error.message.contains(value), "{field}");
    }
    vault.check().await;
}

/// Goal: a vault whose tokens would be read otherwise than they were made does not start.
#[tokio::test(flavor = "multi_thread")]
async fn changed_format_is_refused_at_the_next_start() {
    let mut vault = vault().await;
    vault.stop().await;
    let changed = FIELDS.replace("[7, 9]", "[7, 10]");
    let changed = vault.config_with(&changed);
    let before = std::mem::replace(&mut vault.config, changed);
    let refused = vault.open().await.expect_err("it must stay closed");
    assert!(
        matches!(
            &refused,
            AssemblyError::FieldChanged {
                setting: "format",
                ..
            }
        ),
        "{refused}"
    );
    vault.config = before;
    vault.serve().await.unwrap();
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tagged_emails_show_that_their_domains_are_equal() {
    let fields = r#"
[namespaces.shop.fields.tagged]
format = "email"
token_domain = "tok.shop.example"
domain = "replace+tag"
"#;
    let vault = TestVault::start_with(fields).await;
    let client = vault.backend().await;
    let mut tags = Vec::new();
    for value in [
        "ada.l@one.example",
        "bob.m@one.example",
        "ada.l@two.example",
    ] {
        let token = tokenized(&client, "tagged", value).await.token;
        let (_, domain) = token.split_once('@').unwrap();
        tags.push(domain.strip_suffix(".tok.shop.example").unwrap().to_owned());
        let revealed = client.value_of("tagged", &token, "").await.unwrap();
        assert_eq!(revealed, value);
        let again = tokenized(&client, "tagged", value).await;
        assert!(!again.created && again.token == token);
    }
    assert!(tags[0] == tags[1] && tags[0] != tags[2]);
    vault.check().await;
}
