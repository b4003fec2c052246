//! What is believed, and what is made of it.

use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

use super::*;
use crate::people::ASSERTION_BYTES_MAX;

fn words<const N: usize>(texts: [&str; N]) -> std::collections::BTreeSet<Group> {
    texts.map(|text| Group::new(text).unwrap()).into()
}

#[tokio::test]
async fn good_assertion_makes_a_person() {
    let person = World::new().verify(&token(&claims())).await.unwrap();
    let expected = Person {
        id: crate::domain::PersonId::read("acme/248289761001").unwrap(),
        login: Sha256::digest("id-1").into(),
        authenticated: Some(at(NOW - 600)),
        methods: words(["mfa", "hwk"]),
        class: Some(Group::new("silver").unwrap()),
        groups: words(["support-agents"]),
        expires: at(NOW + 240),
        is_bound: true,
    };
    assert_eq!(person, expected);
}

#[tokio::test]
async fn every_configured_algorithm_is_verified() {
    use jsonwebtoken::Algorithm as A;
    let world = World::with(|settings| {
        settings.algorithms.insert(Algorithm::PS256);
    });
    for (name, key_id, algorithm) in [
        ("ES256", "es", A::ES256),
        ("EdDSA", "ed", A::EdDSA),
        ("RS256", "rsa", A::RS256),
        ("PS256", "rsa", A::PS256),
        ("PS256", "ps-only", A::PS256),
    ] {
        let (header, claims) = (header(name, key_id).to_string(), claims().to_string());
        let token = sign_with(Keys::of(algorithm), algorithm, &header, &claims);
        assert!(world.verify(&token).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn what_an_assertion_need_not_say_is_nothing() {
    let bare = json!({
        "iss": ISSUER,
        "aud": [AUDIENCE],
        "sub": "1",
        "nbf": NOW,
        "exp": NOW + 60,
        "cnf": confirmation(&CERTIFICATE),
    });
    let token = token(&bare);
    let person = World::new().verify(&token).await.unwrap();
    assert_eq!(person.authenticated, None);
    assert_eq!(person.class, None);
    assert!(person.methods.is_empty() && person.groups.is_empty());
    let (signed, _) = token.rsplit_once('.').unwrap();
    assert_eq!(person.login, <[u8; 32]>::from(Sha256::digest(signed)));
}

#[tokio::test]
async fn odd_words_are_left_out() {
    let odd = with(
        &claims(),
        &json!({
            "amr": ["mfa", "", "a b", 7, null, ["pwd"], "x".repeat(65), "mfa"],
            "groups": ["/path/group", "agents", {"name": "admin"}],
            "acr": "urn:acme:gold",
        }),
    );
    let person = World::new().verify(&token(&odd)).await.unwrap();
    assert_eq!(person.methods, words(["mfa"]));
    assert_eq!(person.groups, words(["agents"]));
    assert_eq!(person.class, None, "a class that is not configured is none");
    for value in [json!("mfa"), json!(7), json!({"mfa": true})] {
        let odd = with(&claims(), &json!({"amr": value, "groups": value, "acr": 2}));
        let person = World::new().verify(&token(&odd)).await.unwrap();
        assert!(person.methods.is_empty() && person.groups.is_empty());
        assert_eq!(person.class, None);
    }
}

#[tokio::test]
async fn groups_come_from_the_configured_claim() {
    let world = World::with(|settings| settings.groups_claim = "https://acme/roles".to_owned());
    let roles = with(&claims(), &json!({"https://acme/roles": ["lead"]}));
    let person = world.verify(&token(&roles)).await.unwrap();
    assert_eq!(person.groups, words(["lead"]));
}

#[tokio::test]
async fn unbound_assertion_is_believed_from_the_tool_alone() {
    let world = World::new();
    let token = token(&with(&claims(), &json!({"cnf": null})));
    let tool = Principal::new(TOOL).unwrap();
    let presenter = Presenter {
        principal: &tool,
        certificate: &CERTIFICATE,
    };
    let person = world
        .people
        .verify(&token, &presenter, at(NOW))
        .await
        .unwrap();
    assert!(!person.is_bound);
    assert_eq!(world.verify(&token).await, Err(Refusal::Unbound));
}

/// A tool gets no more than it needs: what is bound to somebody else stays theirs.
#[tokio::test]
async fn tool_cannot_present_what_is_bound_to_another() {
    let world = World::new();
    let token = token(&with(&claims(), &json!({"cnf": confirmation(&[8; 32])})));
    let tool = Principal::new(TOOL).unwrap();
    let presenter = Presenter {
        principal: &tool,
        certificate: &CERTIFICATE,
    };
    let refused = world.people.verify(&token, &presenter, at(NOW)).await;
    assert_eq!(refused, Err(Refusal::Binding));
}

/// Goal: each time holds to the second, with its leeway and no more.
/// Method: the same assertion at the last second on one side and the first on the other.
#[tokio::test]
async fn times_hold_to_the_second() {
    let world = World::new();
    let token = token(&claims());
    assert!(world.verify_at(&token, NOW + 244).await.is_ok());
    let late = world.verify_at(&token, NOW + 245).await;
    assert_eq!(late, Err(Refusal::Expired));
    let early = sign(
        &header("ES256", "es"),
        &with(&claims(), &json!({"auth_time": null})),
    );
    assert!(world.verify_at(&early, NOW - 65).await.is_ok());
    let refused = world.verify_at(&early, NOW - 66).await;
    assert_eq!(refused, Err(Refusal::NotYetValid));
}

#[tokio::test]
async fn provider_without_nbf_is_configured_so() {
    let without = token(&with(&claims(), &json!({"nbf": null})));
    assert_eq!(World::new().verify(&without).await, Err(Refusal::Claim));
    let world = World::with(|settings| settings.not_before = NotBefore::IssuedAt);
    assert!(world.verify(&without).await.is_ok());
    let none = token(&with(&claims(), &json!({"nbf": null, "iat": null})));
    assert_eq!(world.verify(&none).await, Err(Refusal::Claim));
    // Who sends one means it.
    let later = token(&with(&claims(), &json!({"nbf": NOW + 60})));
    assert_eq!(world.verify(&later).await, Err(Refusal::NotYetValid));
}

#[tokio::test]
async fn type_is_the_configured_one() {
    let absent = sign(&json!({"alg": "ES256", "kid": "es"}), &claims());
    let access = with(&header("ES256", "es"), &json!({"typ": "at+jwt"}));
    let access = sign(&access, &claims());
    let named = |name: &str| TokenType::Named(name.to_owned());
    let good = token(&claims());
    for (configured, accepted) in [
        (named("JWT"), &good),
        (named("at+jwt"), &access),
        (TokenType::Absent, &absent),
    ] {
        let world = World::with(|settings| settings.token_type = configured);
        for token in [&good, &access, &absent] {
            let is_ok = world.verify(token).await.is_ok();
            assert_eq!(is_ok, token == accepted, "{:?}", world.settings.token_type);
        }
    }
}

#[tokio::test]
async fn configured_client_may_have_asked_for_others_too() {
    let world = World::new();
    let base = with(&claims(), &json!({"iss": ISSUER_WITH_CLIENTS}));
    for members in [
        json!({"azp": "support-tool"}),
        json!({"client_id": "support-tool"}),
        json!({"azp": "support-tool", "aud": [AUDIENCE, "other"]}),
    ] {
        let token = token(&with(&base, &members));
        assert!(world.verify(&token).await.is_ok(), "{members}");
    }
}

#[tokio::test]
async fn longest_assertion_is_taken() {
    let good = token(&claims());
    // The length of the claims in base64 grows by four for three.
    let filler = "x".repeat((ASSERTION_BYTES_MAX - good.len()) / 4 * 3 - 16);
    let token = token(&with(&claims(), &json!({"filler": filler})));
    assert!(token.len() <= ASSERTION_BYTES_MAX && token.len() > ASSERTION_BYTES_MAX - 64);
    assert!(World::new().verify(&token).await.is_ok());
}

#[tokio::test]
async fn without_issuers_nobody_is_believed() {
    let people = People::default();
    assert!(people.is_empty());
    let principal = Principal::new(TOOL).unwrap();
    let presenter = Presenter {
        principal: &principal,
        certificate: &CERTIFICATE,
    };
    let refused = people.verify(&token(&claims()), &presenter, at(NOW)).await;
    assert_eq!(refused, Err(Refusal::UnknownIssuer));
}
