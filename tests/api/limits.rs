//! Limits: what is too much, malformed or not trusted is refused, and the vault stays well.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use counterfoil::audit::Event;
use counterfoil::domain::RequestId;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::TokenizeResponse;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use tonic::Code;
use tonic::Status;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::support::Client;
use crate::support::Side;
use crate::support::TestVault;
use crate::support::detokenize_items;
use crate::support::item;
use crate::support::item_of;
use crate::support::reveal;
use crate::support::token_of;

fn shop(items_count: usize) -> TokenizeRequest {
    TokenizeRequest {
        namespace: "shop".to_owned(),
        items: (0..items_count)
            .map(|n| item("name", &format!("Some Person {n}")))
            .collect(),
        ..TokenizeRequest::default()
    }
}

fn assert_violation(status: &Status, field: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, field);
}

#[tokio::test(flavor = "multi_thread")]
async fn number_of_items_is_bounded() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    for count in [0, 1_001] {
        let error = client.tokenize_request(shop(count)).await.err().unwrap();
        assert_violation(&error, "items");
        let items = (0..count).map(|_| reveal("name", "Some Token")).collect();
        let error = client
            .detokenize(detokenize_items(items))
            .await
            .err()
            .unwrap();
        assert_violation(&error, "items");
    }
    assert_eq!(
        client.tokenize_request(shop(1_000)).await.unwrap().len(),
        1_000
    );
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Tokenize], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_names_are_named() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let long = "a".repeat(65);
    for (namespace, request_id, part) in [
        ("", "", "namespace"),
        ("Shop", "", "namespace"),
        ("shop/other", "", "namespace"),
        ("shop\0", "", "namespace"),
        (long.as_str(), "", "namespace"),
        ("shop", "a b", "request_id"),
        ("shop", "ä", "request_id"),
        ("shop", long.as_str(), "request_id"),
    ] {
        let request = TokenizeRequest {
            namespace: namespace.to_owned(),
            request_id: request_id.to_owned(),
            ..shop(1)
        };
        let error = client.tokenize_request(request).await.err().unwrap();
        assert_violation(&error, part);
    }
    for (purpose, case_id, part) in [("a b", "", "purpose"), ("support", "a b", "case_id")] {
        let request = DetokenizeRequest {
            purpose: purpose.to_owned(),
            case_id: case_id.to_owned(),
            ..detokenize_items(vec![reveal("name", "Some Token")])
        };
        let error = client.detokenize(request).await.err().unwrap();
        assert_violation(&error, part);
    }
    vault.check().await;
}

/// Ids are in the audit log as they are written.
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_values_or_tokens_of_their_call_are_refused() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    let results = client.tokenize(vec![item("name", "Zelda")]).await.unwrap();
    let token = token_of(results.into_iter().next().unwrap()).unwrap().token;
    let request = TokenizeRequest {
        request_id: "Zelda".to_owned(),
        items: vec![item("name", "Zelda")],
        ..shop(1)
    };
    let error = client.tokenize_request(request).await.err().unwrap();
    assert_violation(&error, "request_id");
    let request = DetokenizeRequest {
        case_id: token.clone(),
        ..detokenize_items(vec![reveal("name", &token)])
    };
    let error = client.detokenize(request).await.err().unwrap();
    assert_violation(&error, "case_id");

    let items = vec![item_of("name", "Zelda", "Zelda"), item("name", "Zoe")];
    let mut results = client.tokenize(items).await.unwrap().into_iter();
    let refused = token_of(results.next().unwrap()).err().unwrap();
    assert_eq!(refused.code, Code::InvalidArgument as i32);
    assert!(!refused.message.contains("Zelda"));
    token_of(results.next().unwrap()).unwrap();
    for entry in vault.entries() {
        let request_id = entry.draft.request_id.as_ref().map(RequestId::as_str);
        assert_ne!(request_id, Some("Zelda"));
    }
    vault.check().await;
}

#[expect(clippy::disallowed_methods, reason = "it measures how long it takes")]
#[tokio::test(flavor = "multi_thread")]
async fn oversized_messages_values_and_tokens_are_refused() {
    let vault = TestVault::start_with("[limits]\nmessage_bytes_max = 2000000").await;
    let client = vault.backend().await;
    let started = Instant::now();
    let mut request = shop(1);
    request.items[0].value = "x".repeat(2_100_000);
    let error = client
        .tokenize_request(request.clone())
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), Code::OutOfRange);
    request.items[0].value = "x".repeat(1_900_000);
    for field in ["name", "address", "email", "contact"] {
        field.clone_into(&mut request.items[0].field);
        let results = client.tokenize_request(request.clone()).await.unwrap();
        let error = token_of(results.into_iter().next().unwrap()).err().unwrap();
        assert_eq!(error.code, i32::from(Code::InvalidArgument));
    }
    // A token that is longer than any is nobody's; folding it must not take time.
    let token = "\u{fdfa}".repeat(600_000);
    let unknown = client.value("name", "Some Token").await.unwrap_err();
    assert!(client.value("name", &token).await.unwrap_err() == unknown);
    assert!(
        client
            .verify_match("name", &token, "Ada Lovelace")
            .await
            .is_err()
    );
    assert!(!client.inspect("", &token, "").await.ok().unwrap().known);
    let stranger = vault.client("stranger").await;
    let request = detokenize_items(vec![reveal("name", &token)]);
    assert!(stranger.detokenize(request).await.is_err());
    // Nor is it put into the log.
    vault.wait_for(Event::DetokenizeOutcome, 2).await;
    let entries = vault.entries();
    let items = || entries.iter().flat_map(|entry| &entry.draft.items);
    assert_eq!(items().filter(|item| item.token.is_some()).count(), 2);
    assert!(items().count() > 8);
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    vault.check().await;
}

/// `TokenizeRequest`, with bytes where text belongs.
#[derive(Clone, PartialEq, prost::Message)]
struct RawRequest {
    #[prost(bytes, tag = "1")]
    namespace: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    items: Vec<RawItem>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RawItem {
    #[prost(bytes, tag = "1")]
    field: Vec<u8>,
    #[prost(bytes, tag = "2")]
    value: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_refused() {
    let vault = TestVault::start().await;
    let channel = vault
        .connect(Side::Token, vault.identities().credential("backend"))
        .await
        .unwrap();
    let mut grpc = Grpc::new(channel);
    let raw = |namespace: &[u8], field: &[u8], value: &[u8]| RawRequest {
        namespace: namespace.to_vec(),
        items: vec![RawItem {
            field: field.to_vec(),
            value: value.to_vec(),
        }],
    };
    for (request, is_good) in [
        (raw(b"shop", b"name", b"Ada Lovelace"), true),
        (raw(b"shop", b"name", b"Ada\xff\xfeSECRET"), false),
        (raw(b"shop", b"name", b"Ada\xed\xa0\x80"), false),
        (raw(b"shop", b"na\xc3", b"Ada"), false),
        (raw(b"\x80", b"name", b"Ada"), false),
    ] {
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<RawRequest, TokenizeResponse>::default();
        let path = PathAndQuery::from_static("/counterfoil.v1.TokenService/Tokenize");
        let answer = grpc.unary(tonic::Request::new(request), path, codec).await;
        assert_eq!(answer.is_ok(), is_good);
        if let Some(status) = answer.err() {
            assert!(matches!(
                status.code(),
                Code::InvalidArgument | Code::Internal
            ));
            assert!(!format!("{status:?}").contains("SECRET"));
        }
    }
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_has_its_own_service() {
    let vault = TestVault::start().await;
    let credential = vault.identities().credential("backend");
    let reveal_side = vault.connect(Side::Reveal, credential).await.unwrap();
    let token_side = vault.connect(Side::Token, credential).await.unwrap();
    let error = TokenServiceClient::new(reveal_side.clone())
        .tokenize(shop(1))
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), Code::Unimplemented);
    let request = detokenize_items(vec![reveal("name", "Some Token")]);
    let error = DetokenizationServiceClient::new(token_side.clone())
        .detokenize(request)
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), Code::Unimplemented);
    for (channel, service) in [
        (token_side, "counterfoil.v1.TokenService"),
        (reveal_side, "counterfoil.v1.DetokenizationService"),
    ] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let health = HealthClient::new(channel).check(request).await.unwrap();
        assert_eq!(health.into_inner().status(), ServingStatus::Serving);
    }
    vault.check().await;
}

/// Goal: nobody is served who has not proved who they are. Method: each kind of bad credential
/// makes the handshake fail, or the call, and nothing is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_prove_nothing_are_refused() {
    let vault = TestVault::start().await;
    for name in ["foreign_ca", "expired", "server_only"] {
        for side in [Side::Token, Side::Reveal] {
            let credential = vault.identities().credential(name);
            let Ok(channel) = vault.connect(side, credential).await else {
                continue;
            };
            // With TLS 1.3 a client learns of its refusal with the first bytes it reads.
            let error = TokenServiceClient::new(channel)
                .tokenize(shop(1))
                .await
                .err()
                .unwrap();
            assert!(
                matches!(
                    error.code(),
                    Code::Cancelled | Code::Unavailable | Code::Unknown
                ),
                "{name}: {error}"
            );
        }
    }
    for name in ["nameless", "two_names"] {
        let client: Client = vault.client(name).await;
        let error = client.tokenize_request(shop(1)).await.err().unwrap();
        assert_eq!(error.code(), Code::Unauthenticated, "{name}");
        let request = detokenize_items(vec![reveal("name", "Some Token")]);
        let error = client.detokenize(request).await.err().unwrap();
        assert_eq!(error.code(), Code::Unauthenticated, "{name}");
    }
    assert!(!vault.counts().contains_key(&Event::Tokenize));
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_tls_and_clients_without_certificates_are_refused() {
    let vault = TestVault::start().await;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(vault.identities().ca_pem().as_bytes()).unwrap())
        .unwrap();
    let credential = vault.identities().credential("backend");
    let mut reached = Vec::new();
    for (version, with_certificate) in [
        (&rustls::version::TLS13, true),
        (&rustls::version::TLS12, true),
        (&rustls::version::TLS13, false),
    ] {
        let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone());
        let mut config = if with_certificate {
            let chain =
                vec![CertificateDer::from_pem_slice(credential.certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(credential.key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = tokio::net::TcpStream::connect(vault.address(Side::Reveal))
            .await
            .unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from("localhost").unwrap();
        reached.push(match connector.connect(name, stream).await {
            Err(_) => false,
            Ok(mut stream) => {
                use tokio::io::AsyncReadExt;
                // The server speaks first: its settings, if it takes us.
                stream.read_u8().await.is_ok()
            }
        });
    }
    assert_eq!(reached, [true, false, false]);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_peer_are_bounded() {
    let vault =
        TestVault::start_with("[limits]\nconnections_per_peer = 2\nhandshake_ms = 300").await;
    let credential = vault.identities().credential("backend");
    let first = vault.connect(Side::Token, credential).await.unwrap();
    let second = vault.connect(Side::Token, credential).await.unwrap();
    assert!(vault.connect(Side::Token, credential).await.is_err());
    // The other listener counts for itself.
    assert!(vault.connect(Side::Reveal, credential).await.is_ok());
    drop(second);
    let mut third = None;
    for _ in 0..100 {
        third = vault.connect(Side::Token, credential).await.ok();
        if third.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let third = third.expect("a seat was given back");
    drop(first);
    assert!(
        TokenServiceClient::new(third.clone())
            .tokenize(shop(1))
            .await
            .is_ok()
    );
    // Whoever does not finish its handshake loses its seat.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut silent = TcpStream::connect(vault.address(Side::Token)).unwrap();
    silent
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let read = tokio::task::spawn_blocking(move || silent.read(&mut [0; 1]))
        .await
        .unwrap();
    assert!(matches!(read, Ok(0)), "{read:?}");
    drop(third);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_calls_at_once_are_told_to_come_later() {
    let vault = TestVault::start_with("[limits]\nconcurrent_requests = 1").await;
    let client = vault.backend().await;
    let calls = (0..40).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.tokenize_request(shop(50)).await })
    });
    let (mut done_count, mut shed_count) = (0, 0);
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(_) => done_count += 1,
            Err(status) => {
                assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
                let details = status.get_error_details();
                assert!(details.retry_info().is_some(), "says when to try again");
                shed_count += 1;
            }
        }
    }
    assert!(
        done_count > 0 && shed_count > 0,
        "{done_count} {shed_count}"
    );
    // And the vault is as well as before.
    assert!(client.tokenize_request(shop(1)).await.is_ok());
    let report = vault.check().await;
    assert_eq!(report.counts[&Event::Tokenize], done_count + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_calls_by_their_outcome() {
    let vault = TestVault::start().await;
    let client = vault.backend().await;
    assert!(client.tokenize_request(shop(3)).await.is_ok());
    let request = TokenizeRequest {
        namespace: "other".to_owned(),
        ..shop(1)
    };
    assert!(client.tokenize_request(request).await.is_err());
    let text = vault.metrics_text().await;
    for line in [
        "counterfoil_calls_total{call=\"tokenize\",outcome=\"done\"} 1",
        "counterfoil_calls_total{call=\"tokenize\",outcome=\"denied\"} 1",
        "counterfoil_items_total{call=\"tokenize\"} 3",
        "counterfoil_store_records",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    vault.check().await;
}
