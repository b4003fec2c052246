//! What a decision costs. Not a test of anything: it prints.

use std::fs;
use std::hint::black_box;

use super::*;
use crate::policy::Circumstances;
use crate::policy::GrantFacts;

/// Prints microseconds of processor time for each decision of one field:
/// `cargo test --lib -- policy::tests::speed --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn decisions_cost() {
    let backend = principal("spiffe://acme.example/backend");
    let tool = principal("spiffe://acme.example/support-tool");
    let agent = person("ada", &["support-agents", "staff", "emea"]);
    let plain = Circumstances {
        address: Some([10, 0, 0, 1].into()),
        ..Circumstances::new(&backend, NOW)
    };
    let granted = Circumstances {
        principal: &tool,
        person: Some(&agent),
        grant: Some(GrantFacts {
            level: Level::Full,
            case_id: None,
            reveals_left: 5,
            is_break_glass: false,
        }),
        ..plain
    };
    let purpose = Some(Purpose::new("support").unwrap());
    let asked = |action| Asked {
        purpose: purpose.clone(),
        ..Asked::new(action)
    };
    for (what, policy) in &policies() {
        for (who, circumstances, action, fields) in [
            ("backend tokenizes 1 field", &plain, Action::Tokenize, 1),
            ("backend tokenizes 3 fields", &plain, Action::Tokenize, 3),
            (
                "agent reveals 1 field by grant",
                &granted,
                Action::Detokenize,
                1,
            ),
            ("agent looks 1 field up", &granted, Action::Lookup, 1),
        ] {
            let names = ["name", "email", "card"].map(field);
            let names = &names[..fields];
            let start = cpu_ns();
            for _ in 0..DECISIONS_COUNT {
                let decision = policy.decide(circumstances, asked(action), names);
                let _ = black_box(decision);
            }
            let each_ns = (cpu_ns() - start) / DECISIONS_COUNT;
            let (us, rest) = (each_ns / 1_000, each_ns % 1_000 / 100);
            println!("{what}: {who}: {us}.{rest} µs");
        }
    }
}

/// A vault with one service, one with the defaults, and one with many services.
fn policies() -> [(&'static str, Policy); 3] {
    let backend = Rule {
        principals: [principal("spiffe://acme.example/backend")].into(),
        actions: [Action::Tokenize, Action::Detokenize].into(),
        ..rule(
            Action::Tokenize,
            FieldSelection::All,
            CaseRequirement::Optional,
        )
    };
    let strangers = (0..100).map(|number| Rule {
        principals: [principal(&format!(
            "spiffe://acme.example/service-{number}"
        ))]
        .into(),
        ..backend.clone()
    });
    let many: Vec<Rule> = std::iter::once(backend.clone()).chain(strangers).collect();
    let load = |rules: Vec<Rule>, files| {
        Policy::load(&PolicySources {
            files,
            ..sources(rules, "")
        })
        .unwrap()
    };
    [
        ("one permit", load(vec![backend.clone()], Vec::new())),
        (
            "defaults and one permit",
            load(vec![backend], default_files()),
        ),
        ("defaults and 101 permits", load(many, default_files())),
    ]
}

/// How long the processor has worked for this thread, however busy the machine is.
fn cpu_ns() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

const DECISIONS_COUNT: u64 = 20_000;
