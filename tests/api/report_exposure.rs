//! ReportExposure: a signed report over the wire, for whom the policies permit it.

use counterfoil::audit::Decision;
use counterfoil::audit::Event;
use counterfoil::audit::exposure::Document;
use counterfoil::audit::exposure::newest_checkpoint;
use counterfoil::audit::exposure::report_store;
use counterfoil::protocol::ExposureTrailer;
use counterfoil::protocol::ReportExposureRequest;
use counterfoil::protocol::audit_service_client::AuditServiceClient;
use counterfoil::protocol::report_exposure_response::Part;
use tonic::Code;
use tonic::Status;

use crate::support::Side;
use crate::support::TestVault;
use crate::support::item_of;

/// Somebody who may know who was seen in `shop`, and sees nobody.
const LINES: &str = r#"
[[permit]]
principals = ["spiffe://shop.example/approver"]
actions = ["report_exposure"]
namespace = "shop"
"#;

fn everybody() -> ReportExposureRequest {
    ReportExposureRequest {
        namespace: "shop".to_owned(),
        everybody: true,
        to_unix_ms: u64::MAX,
        ..ReportExposureRequest::default()
    }
}

/// The parts of a report, asked for under the name of an identity.
async fn parts(
    vault: &TestVault,
    name: &str,
    request: ReportExposureRequest,
) -> Result<Vec<Part>, Status> {
    let credential = vault.identities().credential(name);
    let channel = vault.connect(Side::Reveal, credential).await.unwrap();
    let mut service = AuditServiceClient::new(channel);
    let mut stream = service.report_exposure(request).await?.into_inner();
    let mut parts = Vec::new();
    while let Some(message) = stream.message().await? {
        parts.push(message.part.unwrap());
    }
    Ok(parts)
}

#[tokio::test(flavor = "multi_thread")]
async fn report_over_the_wire_is_signed() {
    let mut vault = TestVault::start_with(LINES).await;
    let client = vault.backend().await;
    for subject in ["cus_1", "cus_2"] {
        let value = format!(
            "Ada {}",
            if subject == "cus_1" {
                "Lovelace"
            } else {
                "Byron"
            }
        );
        let token = client
            .tokenized(item_of("name", &value, subject))
            .await
            .token;
        assert_eq!(client.value("name", &token).await.ok(), Some(value));
    }
    vault.wait_for(Event::DetokenizeOutcome, 2).await;
    let parts = parts(&vault, "approver", everybody()).await.unwrap();
    let [
        Part::Header(header),
        Part::Rows(part),
        Part::Trailer(trailer),
    ] = parts.as_slice()
    else {
        panic!("a header, one piece, a trailer");
    };
    let subjects: Vec<&str> = part.rows.iter().map(|row| row.subject.as_str()).collect();
    assert_eq!(subjects, ["cus_1", "cus_2"]);
    assert!(
        part.rows
            .iter()
            .all(|row| row.status == "released" && row.level == "full")
    );
    assert_eq!(trailer.released, 2);
    assert_eq!(vault.counts().get(&Event::ExposureReported), Some(&1));
    let (signature, log) = (trailer.signature.clone(), header.log.clone().unwrap());
    vault.stop().await;

    // What was signed is the report that the log gives to anybody.
    let (store, head, keys) = (vault.read_only(), vault.head(), vault.public_keys());
    newest_checkpoint(&store, Some(&head), &keys).unwrap();
    let checkpoint = keys.verify(&log.checkpoint).unwrap();
    let query = counterfoil::audit::exposure::Query {
        from: counterfoil::domain::Timestamp::from_unix_ms(0),
        to: counterfoil::domain::Timestamp::from_unix_ms(u64::MAX),
        namespace: counterfoil::domain::Namespace::new("shop").ok(),
        who: counterfoil::audit::exposure::Who::default(),
    };
    let report = report_store(&store, &checkpoint, &query, |_| ()).unwrap();
    let document = Document {
        signature: Some(signature),
        ..Document::new(&query, &report)
    };
    document.check(&keys).unwrap();
    drop(store);
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn report_is_refused_to_others_and_recorded() {
    let vault = TestVault::start_with(LINES).await;
    let code = |result: Result<Vec<Part>, Status>| result.err().map(|status| status.code());
    for name in ["backend", "agent", "stranger"] {
        let refused = parts(&vault, name, everybody()).await;
        assert_eq!(code(refused), Some(Code::PermissionDenied), "{name}");
    }
    // The whole vault is more than a namespace.
    let whole = ReportExposureRequest {
        namespace: String::new(),
        ..everybody()
    };
    let refused = parts(&vault, "approver", whole).await;
    assert_eq!(code(refused), Some(Code::PermissionDenied));
    let entries = vault.entries();
    let mut asked = entries
        .iter()
        .filter(|it| it.draft.event == Event::ExposureReported);
    assert!(asked.all(|it| it.draft.decision == Some(Decision::Deny)));
    vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn question_that_is_none_is_refused() {
    let vault = TestVault::start_with(LINES).await;
    for wrong in [
        ReportExposureRequest {
            everybody: false,
            ..everybody()
        },
        ReportExposureRequest {
            principal: "spiffe://shop.example/agent".to_owned(),
            ..everybody()
        },
        ReportExposureRequest {
            from_unix_ms: u64::MAX,
            ..everybody()
        },
        ReportExposureRequest {
            credential: vec![1; 31],
            everybody: false,
            ..everybody()
        },
        ReportExposureRequest {
            person: "nobody".to_owned(),
            everybody: false,
            ..everybody()
        },
    ] {
        let refused = parts(&vault, "approver", wrong).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    // Nobody was seen: a header and a trailer.
    let nobody = ReportExposureRequest {
        person: "acme/1".to_owned(),
        everybody: false,
        ..everybody()
    };
    let empty = parts(&vault, "approver", nobody).await.unwrap();
    let [Part::Header(_), Part::Trailer(trailer)] = empty.as_slice() else {
        panic!("a header and a trailer");
    };
    let ExposureTrailer {
        released, refused, ..
    } = trailer;
    assert_eq!((*released, *refused), (0, 0));
    vault.check().await;
}
