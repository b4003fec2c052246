//! Pages: signed, repeated until they are taken, and without subjects.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::routing::post;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;
use tokio::net::TcpListener;

use super::*;
use crate::access::Cause;
use crate::access::Freeze;
use crate::access::Grant;
use crate::access::GrantKind;
use crate::access::GrantScope;
use crate::access::GrantState;
use crate::domain::CaseId;
use crate::domain::FieldName;
use crate::domain::FreezeTarget;
use crate::domain::GrantId;
use crate::domain::Level;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;
use crate::domain::Purpose;
use crate::domain::Subject;
use crate::domain::SystemClock;
use crate::domain::Timestamp;
use crate::outbound::ServiceUrl;

const SECRET: &str = "sixteen characters or more";

/// What the service was posted: bodies with their signatures.
type Posted = Arc<Mutex<Vec<(Vec<u8>, String)>>>;

/// A service that refuses the first post.
async fn service() -> (ServiceUrl, Posted) {
    let posted = Posted::default();
    let seen = Arc::clone(&posted);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let signature = headers["counterfoil-signature"].to_str().unwrap();
        let mut seen = seen.lock().unwrap();
        seen.push((body.to_vec(), signature.to_owned()));
        if seen.len() == 1 {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::NO_CONTENT
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/page", post(take));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let url = ServiceUrl::new(&format!("http://{address}/page")).unwrap();
    (url, posted)
}

fn grant() -> Grant {
    Grant {
        id: GrantId::new("g-1").unwrap(),
        scope: GrantScope {
            kind: GrantKind::Case,
            namespace: Namespace::new("shop").unwrap(),
            subjects: [Subject::new("cus_secret").unwrap()].into(),
            fields: [FieldName::new("email").unwrap()].into(),
            level: Level::Full,
            purpose: Purpose::new("support").unwrap(),
            case_id: CaseId::new("T-1").ok(),
            reveals_max: 1,
            ttl_seconds: 900,
        },
        requester: PersonId::read("acme/ada").unwrap(),
        principal: Principal::new("support.example").unwrap(),
        requested: Timestamp::default(),
        approval: None,
        state: GrantState::Requested,
        reveals_count: 0,
    }
}

#[tokio::test]
async fn page_is_signed_and_repeated_until_it_is_taken() {
    let (url, posted) = service().await;
    let directory = tempfile::tempdir().unwrap();
    let secret_file = directory.path().join("secret");
    std::fs::write(&secret_file, format!("{SECRET}\n")).unwrap();
    let settings = PagerSettings {
        url,
        ca_file: None,
        secret_file,
    };
    let (sender, events) = broadcast::channel(8);
    let pager = Pager::new(&settings).unwrap();
    let running = tokio::spawn(run(pager, events, Arc::new(SystemClock::default())));
    let target = FreezeTarget::Person(PersonId::read("acme/ada").unwrap());
    let freeze = Freeze {
        target,
        cause: Cause::Decoy,
        since: Timestamp::default(),
        unfreezing: None,
    };
    sender.send(AccessEvent::Frozen(freeze)).unwrap();
    sender.send(AccessEvent::Grant(Box::new(grant()))).unwrap();
    drop(sender);
    running.await.unwrap();

    let posted = posted.lock().unwrap();
    let kinds: Vec<String> = posted
        .iter()
        .map(|(body, _)| {
            let page: serde_json::Value = serde_json::from_slice(body).unwrap();
            page["kind"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(kinds, ["frozen", "frozen", "grant_requested"]);
    for (body, signature) in posted.iter() {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body);
        assert_eq!(*signature, hex::encode(mac.finalize().into_bytes()));
        let text = String::from_utf8(body.clone()).unwrap();
        assert!(!text.contains("cus_secret"), "a page names no subject");
    }
}
