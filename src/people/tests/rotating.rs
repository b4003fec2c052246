//! Keys that change, go missing, and grow old.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use axum::routing::get;
use jsonwebtoken::Algorithm as Signature;
use tokio::net::TcpListener;

use super::*;
use crate::outbound::ServiceUrl;

/// A set with the key under this id alone.
fn set_of(id: &str) -> String {
    json!({"keys": [jwk(id, Signature::ES256, json!({}))]}).to_string()
}

/// An assertion of the key under this id, good until an hour after `seconds`.
fn token_of(id: &str, seconds: u64) -> String {
    let times = json!({"iat": seconds, "nbf": seconds, "exp": seconds + 3_600});
    sign(&header("ES256", id), &with(&claims(), &times))
}

#[tokio::test]
async fn file_is_read_again_when_it_changes() {
    let world = World::new();
    fs::write(&world.file, set_of("new")).unwrap();
    // Looked at a moment ago.
    let soon = world.verify_at(&token_of("new", NOW), NOW + 1).await;
    assert_eq!(soon, Err(Refusal::UnknownKey));
    assert!(
        world
            .verify_at(&token_of("new", NOW), NOW + 2)
            .await
            .is_ok()
    );
    let withdrawn = world.verify_at(&token_of("es", NOW), NOW + 2).await;
    assert_eq!(withdrawn, Err(Refusal::UnknownKey));
}

#[tokio::test]
async fn operator_has_a_file_read_at_once() {
    let world = World::new();
    fs::write(&world.file, set_of("new")).unwrap();
    world.people.reload(at(NOW)).await;
    assert!(world.verify(&token_of("new", NOW)).await.is_ok());
}

#[tokio::test]
async fn last_good_file_stays_until_it_is_stale() {
    let world = World::new();
    for broken in [
        "",
        "{\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"EC\",\"d\":\"x\"}]}",
    ] {
        fs::write(&world.file, broken).unwrap();
        world.people.reload(at(NOW)).await;
        assert!(world.verify(&token(&claims())).await.is_ok(), "{broken}");
    }
    fs::remove_file(&world.file).unwrap();
    let last = NOW + 3_599;
    assert!(world.verify_at(&token_of("es", last), last).await.is_ok());
    let stale = world.verify_at(&token_of("es", last), last + 1).await;
    assert_eq!(stale, Err(Refusal::KeysUnavailable));
    fs::write(&world.file, key_set().to_string()).unwrap();
    assert!(
        world
            .verify_at(&token_of("es", last), last + 3)
            .await
            .is_ok()
    );
}

#[test]
fn file_that_is_no_key_set_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jwks.json");
    let open = || People::open(&[settings(KeyPlace::File(file.clone()))], at(NOW));
    let error = open().unwrap_err().to_string();
    assert!(
        error.starts_with("people.issuers.acme.jwks_file: "),
        "{error}"
    );
    assert!(error.contains("cannot be read"), "{error}");
    fs::write(&file, "{}").unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains("is not a JWK Set"), "{error}");
    fs::write(&file, key_set().to_string()).unwrap();
    assert!(open().is_ok());
}

/// A provider's web server: what it answers, and how often it was asked.
#[derive(Clone)]
struct Web {
    state: Arc<Mutex<(StatusCode, String, usize)>>,
    url: String,
}

impl Web {
    async fn start(document: String) -> Self {
        let state = Arc::new(Mutex::new((StatusCode::OK, document, 0)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        let elsewhere = url.clone();
        let answer = move || async move {
            let mut state = shared.lock().unwrap();
            state.2 += 1;
            let location = [(LOCATION, elsewhere)];
            (state.0, location, state.1.clone()).into_response()
        };
        let routes = Router::new().route("/jwks.json", get(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { state, url }
    }

    fn answers(&self, status: StatusCode, document: &str) {
        let mut state = self.state.lock().unwrap();
        (state.0, state.1) = (status, document.to_owned());
    }

    fn requests_count(&self) -> usize {
        self.state.lock().unwrap().2
    }

    fn world(&self) -> World {
        let url = ServiceUrl::new(&self.url).unwrap();
        World::with(|settings| settings.keys = KeyPlace::Url { url, ca_file: None })
    }
}

#[tokio::test]
async fn url_is_fetched_at_first_use_and_then_kept() {
    let web = Web::start(set_of("a")).await;
    let world = web.world();
    assert_eq!(web.requests_count(), 0, "a start needs no provider");
    for _ in 0..10 {
        assert!(world.verify(&token_of("a", NOW)).await.is_ok());
    }
    assert_eq!(web.requests_count(), 1);
}

#[tokio::test]
async fn unknown_key_id_fetches_at_most_every_thirty_seconds() {
    let web = Web::start(set_of("a")).await;
    let world = web.world();
    for number in 0..100 {
        let refused = world
            .verify(&token_of(&format!("made-up-{number}"), NOW))
            .await;
        assert_eq!(refused, Err(Refusal::UnknownKey));
    }
    assert_eq!(web.requests_count(), 1);
    web.answers(StatusCode::OK, &set_of("b"));
    assert!(
        world
            .verify_at(&token_of("b", NOW), NOW + 29)
            .await
            .is_err()
    );
    assert!(world.verify_at(&token_of("b", NOW), NOW + 30).await.is_ok());
    assert_eq!(web.requests_count(), 2);
}

#[tokio::test]
async fn old_keys_are_fetched_again_beside_the_call() {
    let web = Web::start(set_of("a")).await;
    let world = web.world();
    assert!(world.verify(&token_of("a", NOW)).await.is_ok());
    web.answers(StatusCode::OK, &set_of("b"));
    assert!(
        world
            .verify_at(&token_of("a", NOW), NOW + 300)
            .await
            .is_ok()
    );
    while web.requests_count() < 2 {
        tokio::task::yield_now().await;
    }
    // The withdrawn key ends as soon as the answer is there.
    while world
        .verify_at(&token_of("a", NOW), NOW + 300)
        .await
        .is_ok()
    {
        tokio::task::yield_now().await;
    }
    assert!(
        world
            .verify_at(&token_of("b", NOW), NOW + 300)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn last_good_answer_stays_until_it_is_stale() {
    let web = Web::start(set_of("a")).await;
    let world = web.world();
    assert!(world.verify(&token_of("a", NOW)).await.is_ok());
    web.answers(StatusCode::INTERNAL_SERVER_ERROR, "");
    let last = NOW + 3_599;
    assert!(world.verify_at(&token_of("a", last), last).await.is_ok());
    let stale = world.verify_at(&token_of("a", last), last + 60).await;
    assert_eq!(stale, Err(Refusal::KeysUnavailable));
    web.answers(StatusCode::OK, &set_of("a"));
    assert!(
        world
            .verify_at(&token_of("a", last), last + 120)
            .await
            .is_ok()
    );
}

/// Goal: only a document of bounded length at the configured place is taken.
/// Method: answers that are none, to a source that has no keys yet.
#[tokio::test]
async fn answer_that_is_no_document_is_not_taken() {
    let long = format!("{{\"keys\":[{}]}}", " ".repeat(300 << 10));
    for (status, document) in [
        (StatusCode::FOUND, set_of("a")),
        (StatusCode::TEMPORARY_REDIRECT, set_of("a")),
        (StatusCode::NOT_FOUND, set_of("a")),
        (StatusCode::CREATED, set_of("a")),
        (StatusCode::OK, long),
        (StatusCode::OK, "<html>".to_owned()),
    ] {
        let web = Web::start(set_of("a")).await;
        web.answers(status, &document);
        let refused = web.world().verify(&token_of("a", NOW)).await;
        assert_eq!(refused, Err(Refusal::KeysUnavailable), "{status}");
        assert_eq!(web.requests_count(), 1, "{status}: no redirect is followed");
    }
}

#[tokio::test]
async fn provider_that_is_gone_leaves_nobody_believed() {
    let web = Web::start(set_of("a")).await;
    let url = ServiceUrl::new("http://127.0.0.1:1/jwks.json").unwrap();
    let world = World::with(|settings| settings.keys = KeyPlace::Url { url, ca_file: None });
    let refused = world.verify(&token_of("a", NOW)).await;
    assert_eq!(refused, Err(Refusal::KeysUnavailable));
    assert_eq!(web.requests_count(), 0);
}

#[test]
fn authorities_of_a_url_are_read_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let keys = || KeyPlace::Url {
        url: ServiceUrl::new("https://login.acme.example/keys").unwrap(),
        ca_file: Some(file.clone()),
    };
    let open = || People::open(&[settings(keys())], at(NOW));
    let error = open().unwrap_err().to_string();
    assert!(
        error.starts_with("people.issuers.acme.ca_file: "),
        "{error}"
    );
    fs::write(&file, "no certificate").unwrap();
    assert!(open().is_err());
    let certificate = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
    fs::write(&file, certificate.cert.pem()).unwrap();
    assert!(open().is_ok());
}
