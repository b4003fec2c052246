//! The case system: what it says of a case lets a grant begin, and ends what the grant opens.

use std::sync::Arc;
use std::sync::Mutex;

use axum::Router;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::routing::get;
use counterfoil::protocol::GrantState;
use tokio::net::TcpListener;
use tonic::Code;

use crate::stage::Stage;
use crate::stage::scope;
use crate::support::value_of;

const POLICIES: &str = r#"
permit (
  principal == Service::"spiffe://shop.example/agent",
  action == Action::"auto_approve_grant",
  resource in Namespace::"shop"
) when {
  context has case && context.case.open && context.case.assigned && context.case.about_subject
};

forbid (
  principal == Service::"spiffe://shop.example/agent",
  action in [Action::"detokenize", Action::"detokenize_masked"],
  resource
) unless {
  context has case && context.case.open && context.case.assigned && context.case.about_subject
};
"#;

/// A case system: what it answers, and what it was asked.
#[derive(Clone, Default)]
struct CaseSystem {
    answer: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl CaseSystem {
    /// Serves it, and returns the line of the configuration that names it.
    async fn serve(&self) -> String {
        let system = self.clone();
        let answer = move |uri: Uri| async move {
            let query = uri.query().unwrap_or_default().to_owned();
            system.asked.lock().unwrap().push(query);
            let answer = system.answer.lock().unwrap().clone();
            let json = [("content-type", "application/json")];
            if answer.is_empty() {
                (StatusCode::INTERNAL_SERVER_ERROR, json, answer)
            } else {
                (StatusCode::OK, json, answer)
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().route("/case", get(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("[cases]\nurl = \"http://{address}/case\"\n")
    }

    fn says(&self, answer: &str) {
        *self.answer.lock().unwrap() = answer.to_owned();
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

const OWN: &str = r#"{"open": true, "assigned": true, "about_subject": true}"#;

#[tokio::test(flavor = "multi_thread")]
async fn case_that_is_closed_opens_nothing_more() {
    let system = CaseSystem::default();
    let stage = Stage::with_policies(2, &system.serve().await, POLICIES).await;
    let agent = stage.agent_client().await;
    system.says(OWN);
    let grant = stage.request(scope([0, 1])).await.unwrap();
    assert!(grant.state() == GrantState::Live, "nobody else is needed");
    let question = "namespace=shop&case_id=T-1&person=acme%2Fada&subject=cus_0";
    assert_eq!(system.asked(), [format!("{question}&subject=cus_1")]);

    // The second reveal asks nobody: the answer is new.
    for _ in 0..2 {
        let answer = agent.detokenize(stage.reveal(&grant, &[0])).await.unwrap();
        assert!(value_of(answer.results.into_iter().next().unwrap()).is_ok());
    }
    assert_eq!(system.asked(), [question]);
    // For another customer, it is another question.
    let other = agent.detokenize(stage.reveal(&grant, &[1])).await;
    assert!(other.is_ok() && system.asked().len() == 1);

    let answers = [
        r#"{"open": false, "assigned": true, "about_subject": true}"#,
        r#"{"open": true, "assigned": false, "about_subject": true}"#,
        r#"{"open": true, "assigned": true}"#,
        "no JSON",
        "",
    ];
    for answer in answers {
        system.says(answer);
        stage.vault.clock.advance_seconds(10);
        let denied = agent.detokenize(stage.reveal(&grant, &[0])).await;
        assert_eq!(
            denied.err().unwrap().code(),
            Code::PermissionDenied,
            "{answer}"
        );
        assert_eq!(system.asked().len(), 1, "{answer}");
        system.says(OWN);
        stage.vault.clock.advance_seconds(10);
        let again = agent.detokenize(stage.reveal(&grant, &[0])).await;
        assert!(again.is_ok(), "{answer}");
        system.asked();
    }
    // An item that names no customer is about nobody.
    let mut request = stage.reveal(&grant, &[0]);
    request.items[0].subject.clear();
    let denied = agent.detokenize(request).await;
    assert_eq!(denied.err().unwrap().code(), Code::PermissionDenied);
    stage.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grant_waits_for_a_person_where_the_case_is_not_the_agents() {
    let system = CaseSystem::default();
    let stage = Stage::with_policies(1, &system.serve().await, POLICIES).await;
    for answer in [r#"{"open": true, "about_subject": true}"#, "[]", ""] {
        system.says(answer);
        let grant = stage.request(scope([0])).await.unwrap();
        assert!(grant.state() == GrantState::Requested, "{answer}");
        assert_eq!(system.asked().len(), 1, "{answer}");
    }
    stage.vault.check().await;
}

/// Goal: who needs no case system waits for none. Method: policies that do not look at it.
#[tokio::test(flavor = "multi_thread")]
async fn reveal_asks_nobody_where_no_policy_looks_at_the_case() {
    let system = CaseSystem::default();
    let stage = Stage::with(1, &system.serve().await).await;
    let grant = stage.granted([0]).await;
    assert_eq!(system.asked().len(), 1, "a request for a grant asks always");
    let agent = stage.agent_client().await;
    agent.detokenize(stage.reveal(&grant, &[0])).await.unwrap();
    assert!(system.asked().is_empty());
    stage.vault.check().await;
}
