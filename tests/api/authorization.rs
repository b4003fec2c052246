//! Who may do what: the whole matrix, and that a refusal says nothing.

use counterfoil::audit::Decision;
use counterfoil::audit::ErrorClass;
use counterfoil::audit::Event;
use counterfoil::policy::Action;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::ImportTokensRequest;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::InspectRequest;
use counterfoil::protocol::Level;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::LookupRequest;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::VerifyMatchRequest;
use counterfoil::protocol::inspect_result;
use counterfoil::protocol::lookup_result;
use counterfoil::protocol::verify_match_result;
use tonic::Code;
use tonic::Status;
use tonic_types::pb;

use crate::support::Client;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::import_of;
use crate::support::imported_of;
use crate::support::item;
use crate::support::reveal;
use crate::support::token_of;
use crate::support::value_of;

const NAMESPACES: [&str; 3] = ["shop", "other", "nowhere"];
const FIELDS: [&str; 5] = ["name", "email", "address", "alias", "nofield"];

/// Goal: nobody does what no permit says. Method: who may do what, field by field; everything that
/// is not here is denied. A new action without rows fails.
const PERMITTED: &[(Action, &str, &str, &[&str])] = &[
    (
        Action::Tokenize,
        "backend",
        "shop",
        &["name", "email", "address", "alias"],
    ),
    (Action::Tokenize, "other", "other", &["name", "email"]),
    (Action::Tokenize, "writer", "shop", &["name", "address"]),
    (
        Action::Lookup,
        "backend",
        "shop",
        &["name", "email", "address", "alias"],
    ),
    (Action::Lookup, "other", "other", &["name", "email"]),
    (Action::Lookup, "agent", "shop", &["name"]),
    (Action::Lookup, "host", "shop", &["name"]),
    (
        Action::Inspect,
        "backend",
        "shop",
        &["name", "email", "address", "alias"],
    ),
    (Action::Inspect, "other", "other", &["name", "email"]),
    (Action::Inspect, "agent", "shop", &["name"]),
    (Action::Inspect, "host", "shop", &["name"]),
    (
        Action::VerifyMatch,
        "backend",
        "shop",
        &["name", "email", "address", "alias"],
    ),
    (Action::VerifyMatch, "other", "other", &["name", "email"]),
    (Action::VerifyMatch, "agent", "shop", &["email"]),
    (
        Action::Detokenize,
        "backend",
        "shop",
        &["name", "email", "address", "alias"],
    ),
    (Action::Detokenize, "other", "other", &["name", "email"]),
    (Action::Detokenize, "approver", "shop", &["name"]),
    (
        Action::DetokenizeMasked,
        "backend",
        "shop",
        &["name", "email", "address", "alias"],
    ),
    (
        Action::ImportTokens,
        "backend",
        "shop",
        &["name", "email", "address", "alias"],
    ),
    (
        Action::DetokenizeMasked,
        "other",
        "other",
        &["name", "email"],
    ),
    (Action::ImportTokens, "other", "other", &["name", "email"]),
];

const IDENTITIES: [&str; 8] = [
    "backend", "other", "writer", "agent", "host", "approver", "stranger", "nameless",
];

#[derive(Clone, Debug, Eq, PartialEq)]
enum Answer {
    Done,
    Denied,
    ItemForbidden,
    ItemUnknownField,
    Unauthenticated,
}

fn expected(action: Action, identity: &str, namespace: &str, field: &str) -> Answer {
    if identity == "nameless" {
        return Answer::Unauthenticated;
    }
    let rows = PERMITTED
        .iter()
        .filter(|row| (row.0, row.1, row.2) == (action, identity, namespace));
    let fields: Vec<&str> = rows.flat_map(|row| row.3.iter().copied()).collect();
    let may_all = matches!(identity, "backend" | "other");
    if fields.is_empty() {
        Answer::Denied
    } else if fields.contains(&field) {
        Answer::Done
    } else if may_all {
        Answer::ItemUnknownField
    } else {
        Answer::ItemForbidden
    }
}

fn answer(result: Result<Option<pb::Status>, Status>) -> Answer {
    match result {
        Ok(None) => Answer::Done,
        Ok(Some(status)) => match Code::from(status.code) {
            // The field was looked into: nothing was found there.
            Code::NotFound => Answer::Done,
            Code::InvalidArgument => Answer::ItemUnknownField,
            Code::PermissionDenied => Answer::ItemForbidden,
            code => panic!("unexpected {code:?}"),
        },
        Err(status) => match status.code() {
            Code::PermissionDenied => {
                assert_eq!(status.message(), "permission denied");
                assert!(status.details().is_empty());
                Answer::Denied
            }
            Code::Unauthenticated => Answer::Unauthenticated,
            code => panic!("unexpected {code:?}"),
        },
    }
}

/// The actions that there are calls of. No `_`: whoever adds an action says here whether it has
/// one, and then gives it rows.
fn has_call(action: Action) -> bool {
    match action {
        Action::Detokenize
        | Action::Inspect
        | Action::Lookup
        | Action::Tokenize
        | Action::VerifyMatch => true,
        Action::ApproveGrant
        | Action::ApproveOperation
        | Action::AutoApproveGrant
        | Action::CancelOperation
        | Action::CreateBackup
        | Action::CreateDecoys
        | Action::DescribeSubject
        | Action::DetokenizeMasked
        | Action::EraseSubject
        | Action::Freeze
        | Action::GetPrincipal
        | Action::ImportTokens
        | Action::ListEntries
        | Action::ListGrants
        | Action::ListKeys
        | Action::ProposeOperation
        | Action::ProveAuditLog
        | Action::Reindex
        | Action::Retokenize
        | Action::ReportExposure
        | Action::RequestGrant
        | Action::RevokeGrant
        | Action::Unfreeze => false,
    }
}

fn actions() -> impl Iterator<Item = Action> {
    Action::ALL.into_iter().filter(|action| has_call(*action))
}

/// Calls as the action says; the token is one of the field, where there is one.
async fn call(
    client: &Client,
    action: Action,
    namespace: &str,
    field: &str,
    token: &str,
) -> Result<Option<pb::Status>, Status> {
    let namespace = namespace.to_owned();
    let (field, value, token) = (field.to_owned(), value_in(field), token.to_owned());
    match action {
        Action::Tokenize => {
            let items = vec![item(&field, &value)];
            let request = TokenizeRequest {
                namespace,
                items,
                ..TokenizeRequest::default()
            };
            let results = client.tokenize_request(request).await?;
            Ok(token_of(results.into_iter().next().unwrap()).err())
        }
        Action::Lookup => {
            let items = vec![LookupItem {
                field,
                value,
                subject: String::new(),
                ..LookupItem::default()
            }];
            let request = LookupRequest {
                namespace,
                items,
                ..LookupRequest::default()
            };
            let results = client
                .token
                .clone()
                .lookup(request)
                .await?
                .into_inner()
                .results;
            match results.into_iter().next().unwrap().result.unwrap() {
                lookup_result::Result::Token(_) => Ok(None),
                lookup_result::Result::Error(status) => Ok(Some(status)),
            }
        }
        Action::ImportTokens => {
            // What is known already is found.
            let request = ImportTokensRequest {
                namespace,
                items: vec![import_of(&field, &value, &token, "")],
                ..ImportTokensRequest::default()
            };
            let results = client.import_request(request).await?;
            Ok(imported_of(results.into_iter().next().unwrap()).err())
        }
        Action::Inspect => {
            let items = vec![InspectItem {
                field,
                token,
                subject: String::new(),
                ..InspectItem::default()
            }];
            let request = InspectRequest {
                namespace,
                items,
                ..InspectRequest::default()
            };
            let results = client
                .token
                .clone()
                .inspect(request)
                .await?
                .into_inner()
                .results;
            match results.into_iter().next().unwrap().result.unwrap() {
                inspect_result::Result::Description(description) => {
                    assert!(description.known);
                    Ok(None)
                }
                inspect_result::Result::Error(status) => Ok(Some(status)),
            }
        }
        Action::VerifyMatch => {
            let items = vec![VerifyMatchItem {
                field,
                token,
                value,
                subject: String::new(),
                ..VerifyMatchItem::default()
            }];
            let request = VerifyMatchRequest {
                namespace,
                items,
                ..VerifyMatchRequest::default()
            };
            let results = client
                .token
                .clone()
                .verify_match(request)
                .await?
                .into_inner()
                .results;
            match results.into_iter().next().unwrap().result.unwrap() {
                verify_match_result::Result::Equal(equal) => {
                    assert!(equal);
                    Ok(None)
                }
                verify_match_result::Result::Error(status) => Ok(Some(status)),
            }
        }
        Action::Detokenize | Action::DetokenizeMasked => {
            let level = match action {
                Action::DetokenizeMasked => Level::Masked,
                _ => Level::Full,
            };
            let request = DetokenizeRequest {
                level: level.into(),
                namespace,
                case_id: "T-1".to_owned(),
                ..detokenize_items(vec![reveal(&field, &token)])
            };
            let response = client.detokenize(request).await?;
            Ok(value_of(response.results.into_iter().next().unwrap()).err())
        }
        action => panic!("{action:?} has no call"),
    }
}

fn value_in(field: &str) -> String {
    if field == "email" {
        "ada@example.com".to_owned()
    } else {
        "Ada Lovelace".to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn matrix_of_identities_calls_namespaces_and_fields() {
    let vault = TestVault::start().await;
    for action in actions() {
        let has_rows = PERMITTED.iter().any(|row| row.0 == action);
        assert!(has_rows, "{action:?} has no row");
    }
    let mut tokens = std::collections::HashMap::new();
    for (identity, namespace) in [("backend", "shop"), ("other", "other")] {
        let client = vault.client(identity).await;
        for field in FIELDS {
            let items = vec![item(field, &value_in(field))];
            let request = TokenizeRequest {
                namespace: namespace.to_owned(),
                items,
                ..TokenizeRequest::default()
            };
            let results = client.tokenize_request(request).await.unwrap();
            if let Ok(value) = token_of(results.into_iter().next().unwrap()) {
                tokens.insert((namespace, field), value.token);
            }
        }
    }
    let (mut denied_count, mut recorded_count) = (0, 0);
    for identity in IDENTITIES {
        let client = vault.client(identity).await;
        for action in actions() {
            for namespace in NAMESPACES {
                for field in FIELDS {
                    let token = tokens
                        .get(&(namespace, field))
                        .map_or("Some Token", |it| it);
                    let got = answer(call(&client, action, namespace, field, token).await);
                    let want = expected(action, identity, namespace, field);
                    assert_eq!(got, want, "{identity} {action:?} {namespace} {field}");
                    denied_count += usize::from(got == Answer::Denied);
                    recorded_count += usize::from(got != Answer::Unauthenticated);
                }
            }
        }
    }
    // Every one of them is in the log, the denied ones as denied, and no name that a caller made
    // up.
    let entries = vault.entries();
    let calls = entries.iter().filter(|it| it.draft.decision.is_some());
    let calls = calls.filter(|it| it.draft.event != Event::DetokenizeOutcome);
    assert_eq!(calls.count(), recorded_count + 2 * FIELDS.len());
    let denied: Vec<_> = entries
        .iter()
        .filter(|it| it.draft.decision == Some(Decision::Deny))
        .collect();
    assert_eq!(denied.len(), denied_count);
    for entry in denied {
        assert_eq!(entry.draft.error, Some(ErrorClass::Denied));
        assert!(entry.draft.principal.is_some());
    }
    let shown = format!("{entries:?}");
    assert!(!shown.contains("nowhere") && !shown.contains("nofield"));
    let report = vault.check().await;
    assert_eq!(report.open_intents_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_is_required_where_the_permit_says_so() {
    let vault = TestVault::start().await;
    let backend = vault.backend().await;
    let token = backend.token("name", "Ada Lovelace").await;
    let approver = vault.client("approver").await;
    let without = detokenize_items(vec![reveal("name", &token)]);
    let with = DetokenizeRequest {
        case_id: "T-1".to_owned(),
        ..without.clone()
    };
    assert_eq!(
        approver.detokenize(without).await.err().unwrap().code(),
        Code::PermissionDenied
    );
    let response = approver.detokenize(with).await.unwrap();
    assert_eq!(
        value_of(response.results.into_iter().next().unwrap()).unwrap(),
        "Ada Lovelace"
    );
    vault.check().await;
}

/// Goal: a refusal says nothing. Method: whatever keeps a token closed, the item's status has the
/// same bytes.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_tokens_are_the_same_bytes() {
    let vault = TestVault::start().await;
    let backend = vault.backend().await;
    let approver = vault.client("approver").await;
    let token = backend.token("name", "Ada Lovelace").await;
    let email = backend.token("email", "ada@example.com").await;
    let own = backend
        .tokenized(crate::support::item_of("name", "Grace Hopper", "cus_1"))
        .await
        .token;
    let short = counterfoil::protocol::TokenizeItem {
        ttl: 1,
        ..item("name", "Alan Turing")
    };
    let expired = backend.tokenized(short).await.token;
    vault.clock.advance_seconds(1);
    let other = vault.client("other").await;
    let foreign = other
        .tokenize_request(TokenizeRequest {
            namespace: "other".to_owned(),
            items: vec![item("name", "Ada Lovelace")],
            ..TokenizeRequest::default()
        })
        .await
        .unwrap();
    let foreign = token_of(foreign.into_iter().next().unwrap()).unwrap().token;
    let items = [
        ("unknown", reveal("name", "Zzyx Qqqwerty")),
        ("empty", reveal("name", "")),
        ("oversized", reveal("name", &"x".repeat(20_000))),
        ("expired", reveal("name", &expired)),
        ("other namespace's", reveal("name", &foreign)),
        ("other field's", reveal("name", &email)),
        (
            "other subject's",
            crate::support::reveal_of("name", &own, "cus_2"),
        ),
        (
            "subject that it does not have",
            crate::support::reveal_of("name", &token, "cus_2"),
        ),
        ("forbidden field", reveal("email", &email)),
        (
            "forbidden field, unknown token",
            reveal("email", "x@y.example"),
        ),
        ("field that is not there", reveal("nofield", &token)),
    ];
    let mut statuses = Vec::new();
    for (what, item) in items {
        // Alone, so that the position in a batch cannot differ.
        let request = DetokenizeRequest {
            case_id: "T-1".to_owned(),
            ..detokenize_items(vec![item])
        };
        let response = approver.detokenize(request).await.unwrap();
        let error = value_of(response.results.into_iter().next().unwrap()).expect_err(what);
        statuses.push((what, prost::Message::encode_to_vec(&error)));
    }
    for (what, bytes) in &statuses {
        assert_eq!(*bytes, statuses[0].1, "{what}");
    }
    vault.check().await;
}
