//! An emergency: who needs any customer's value gets a few, after a time in which others can say
//! no, and everybody is told.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use counterfoil::audit::Event;
use counterfoil::protocol::DecideGrantRequest;
use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::Grant;
use counterfoil::protocol::GrantKind;
use counterfoil::protocol::GrantScope;
use counterfoil::protocol::GrantState;
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::Code;

use crate::stage::Stage;
use crate::stage::scope;
use crate::support::value_of;

/// Those on call, as their pager service sees them.
#[derive(Clone, Default)]
struct OnCall {
    pages: Arc<Mutex<Vec<Value>>>,
}

impl OnCall {
    /// Serves it, and returns the table of the configuration that names it.
    async fn serve(&self, secret_file: &str) -> String {
        let on_call = self.clone();
        let take = move |body: Bytes| async move {
            let page = serde_json::from_slice(&body).unwrap();
            on_call.pages.lock().unwrap().push(page);
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/page", post(take));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("[pager]\nurl = \"http://{address}/page\"\nsecret_file = {secret_file:?}\n")
    }

    /// Waits for a page of this kind about the grant.
    async fn are_told(&self, kind: &str, grant: &Grant) -> Value {
        for _ in 0..500 {
            let pages = self.pages.lock().unwrap().clone();
            let is_it = |page: &&Value| page["kind"] == kind && page["grant"]["id"] == grant.id;
            if let Some(page) = pages.iter().find(is_it) {
                return page.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody was told: {kind}");
    }
}

struct Emergency {
    stage: Stage,
    on_call: OnCall,
    /// Keeps the pager's secret.
    _secret: tempfile::NamedTempFile,
}

impl Emergency {
    async fn new() -> Self {
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "a secret of the tests").unwrap();
        let on_call = OnCall::default();
        let pager = on_call.serve(secret.path().to_str().unwrap()).await;
        let stage = Stage::with(12, &pager).await;
        Self {
            stage,
            on_call,
            _secret: secret,
        }
    }

    async fn ask(&self) -> Grant {
        let scope = GrantScope {
            kind: GrantKind::BreakGlass.into(),
            subjects: Vec::new(),
            reveals_max: 8,
            ttl_seconds: 60 * 60,
            ..scope([])
        };
        self.stage.request(scope).await.unwrap()
    }

    async fn sees(&self, grant: &Grant, customers: &[usize]) -> Result<Vec<String>, Code> {
        let agent = self.stage.agent_client().await;
        let answer = agent.detokenize(self.stage.reveal(grant, customers)).await;
        let results = answer.map_err(|status| status.code())?.results;
        Ok(results
            .into_iter()
            .filter_map(|it| value_of(it).ok())
            .collect())
    }
}

/// Goal: alone, an emergency begins after a quarter of an hour, is for any customer, for so many
/// reveals and for an hour, and everybody is told.
#[tokio::test(flavor = "multi_thread")]
async fn emergency_begins_by_itself_and_stays_small() {
    let emergency = Emergency::new().await;
    let grant = emergency.ask().await;
    assert!(grant.state() == GrantState::Live, "from its beginning on");
    let page = emergency.on_call.are_told("break_glass", &grant).await;
    assert_eq!(page["grant"]["requester"], "acme/ada");
    assert_eq!(page["grant"]["reveals_max"], 8);
    let text = page.to_string();
    assert!(!text.contains("cus_") && !text.contains("@"));

    let clock = Arc::clone(&emergency.stage.vault.clock);
    clock.advance_seconds(15 * 60 - 1);
    let early = emergency.sees(&grant, &[0]).await;
    assert_eq!(early, Err(Code::FailedPrecondition));
    clock.advance_seconds(1);
    let seen = emergency.sees(&grant, &[0, 3, 5]).await.unwrap();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[1], "customer.number3@mail.example");
    // Eight reveals, of which three are done; six more are refused as a whole.
    let many = emergency.sees(&grant, &[1, 2, 4, 6, 7, 8]).await;
    assert!(many.is_err(), "{many:?}");
    assert_eq!(
        emergency
            .sees(&grant, &[1, 2, 4, 6, 7])
            .await
            .unwrap()
            .len(),
        5
    );
    assert!(emergency.sees(&grant, &[8]).await.is_err());

    let entries = emergency.stage.vault.entries();
    let count = |event: Event| {
        let of_event = entries.iter().filter(|entry| entry.draft.event == event);
        of_event.count()
    };
    assert!(count(Event::GrantRequested) == 1 && count(Event::Detokenize) >= 2);
    emergency.stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emergency_ends_after_an_hour() {
    let emergency = Emergency::new().await;
    let grant = emergency.ask().await;
    emergency.stage.vault.clock.advance_seconds(15 * 60);
    assert_eq!(emergency.sees(&grant, &[0]).await.unwrap().len(), 1);
    emergency.stage.vault.clock.advance_seconds(60 * 60 - 1);
    assert_eq!(emergency.sees(&grant, &[1]).await.unwrap().len(), 1);
    emergency.stage.vault.clock.advance_seconds(1);
    let late = emergency.sees(&grant, &[2]).await;
    assert_eq!(late, Err(Code::FailedPrecondition));
    emergency.stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emergency_begins_at_once_with_a_second_person() {
    let emergency = Emergency::new().await;
    let grant = emergency.ask().await;
    // Not with oneself.
    assert!(emergency.stage.approve(&grant, "ada").await.is_err());
    let live = emergency.stage.approve(&grant, "bob").await.unwrap();
    assert!(live.state() == GrantState::Live);
    emergency.on_call.are_told("grant_begun", &grant).await;
    assert_eq!(emergency.sees(&live, &[9]).await.unwrap().len(), 1);
    emergency.stage.vault.check().await;
}

/// Goal: an emergency is stopped by anybody who may, before it begins or after; freezes hold for
/// it.
#[tokio::test(flavor = "multi_thread")]
async fn emergency_is_called_off_or_frozen() {
    let emergency = Emergency::new().await;
    let stage = &emergency.stage;
    let grant = emergency.ask().await;
    let revoke = DecideGrantRequest {
        namespace: "shop".to_owned(),
        grant_id: grant.id.clone(),
        acting_principal: stage.assertion("approver", "bob", "approvers"),
    };
    let mut grants = stage.grants("approver").await;
    let revoked = grants.revoke_grant(revoke).await.unwrap().into_inner();
    assert!(revoked.state() == GrantState::Revoked);
    stage.vault.clock.advance_seconds(15 * 60);
    let called_off = emergency.sees(&grant, &[0]).await;
    assert_eq!(called_off, Err(Code::FailedPrecondition));

    let grant = emergency.ask().await;
    stage.vault.clock.advance_seconds(15 * 60);
    assert_eq!(emergency.sees(&grant, &[0]).await.unwrap().len(), 1);
    let freeze = FreezeRequest {
        target: format!("grant:{}", grant.id),
        acting_principal: stage.assertion("approver", "eve", "oncall"),
    };
    let mut principals = stage.principals("approver").await;
    principals.freeze(freeze).await.unwrap();
    let frozen = emergency.sees(&grant, &[1]).await;
    assert!(frozen.is_err(), "{frozen:?}");
    emergency.stage.vault.check().await;
}
