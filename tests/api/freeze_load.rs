//! Freezes while a stolen session reveals as fast as it can: what counts is the place in the log,
//! which each answer says. `COUNTERFOIL_FREEZES` says how many freezes there are.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counterfoil::protocol::FreezeRequest;
use counterfoil::protocol::UnfreezeRequest;
use tonic::Code;

use crate::stage::Stage;

/// What is frozen.
const TARGETS: [&str; 3] = ["person:acme/ada", "namespace:shop", "all"];

/// Goal: no reveal has a place between a freeze and its end. Method: four connections of one
/// session reveal without a pause; officers freeze the person, the namespace and all reveals in
/// turn, and two of them unfreeze.
#[tokio::test(flavor = "multi_thread")]
async fn no_reveal_has_a_place_behind_its_freeze() {
    let stage = Arc::new(Stage::with(1, "[alarms]\ndenials = 1_000_000\n").await);
    let grant = stage.granted([0]).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut sessions = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (stage, is_over) = (Arc::clone(&stage), Arc::clone(&is_over));
        let request = stage.reveal(&grant, &[0]);
        sessions.spawn(async move {
            let agent = stage.agent_client().await;
            let (mut places, mut refused) = (Vec::new(), 0);
            while !is_over.load(Ordering::Relaxed) {
                match agent.detokenize(request.clone()).await {
                    Ok(answer) => places.push(answer.receipt.unwrap().leaf_index),
                    Err(status) if status.code() == Code::PermissionDenied => refused += 1,
                    Err(status) if status.code() == Code::FailedPrecondition => refused += 1,
                    Err(status) => panic!("{:?}", status.code()),
                }
            }
            (places, refused)
        });
    }
    let intervals = freeze_and_unfreeze(&stage).await;
    is_over.store(true, Ordering::Relaxed);
    let (mut places, mut refused) = (Vec::new(), 0);
    for (own_places, own_refused) in sessions.join_all().await {
        places.extend(own_places);
        refused += own_refused;
    }
    let is_within = |place: &u64| {
        intervals
            .iter()
            .any(|(from, to)| from < place && place < to)
    };
    assert_eq!(places.iter().filter(|place| is_within(place)).count(), 0);
    // It was full load: there are reveals between any two freezes, and refusals.
    let gaps = intervals.windows(2).map(|pair| (pair[0].1, pair[1].0));
    let is_used = |(from, to): (u64, u64)| places.iter().any(|it| from < *it && *it < to);
    let used_count = gaps.filter(|gap| is_used(*gap)).count();
    println!(
        "{} freezes over the wire: {} reveals, {refused} refused, reveals in {used_count} gaps",
        intervals.len(),
        places.len()
    );
    assert!(used_count > 0 && refused > 0);
    let stage = Arc::into_inner(stage).unwrap();
    stage.vault.check().await;
}

/// The places of each freeze and of its end.
async fn freeze_and_unfreeze(stage: &Stage) -> Vec<(u64, u64)> {
    let text = std::env::var("COUNTERFOIL_FREEZES").ok();
    let count = text.and_then(|text| text.parse().ok()).unwrap_or(30);
    let mut principals = stage.principals("approver").await;
    let mut intervals = Vec::new();
    for target in TARGETS.iter().copied().cycle().take(count) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let freeze = FreezeRequest {
            target: target.to_owned(),
            acting_principal: stage.assertion("approver", "eve", "oncall"),
        };
        let frozen = principals.freeze(freeze).await.unwrap().into_inner();
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut unfreeze = async |person: &str| {
            let request = UnfreezeRequest {
                target: target.to_owned(),
                acting_principal: stage.assertion("approver", person, "oncall"),
            };
            principals.unfreeze(request).await.unwrap().into_inner()
        };
        assert!(!unfreeze("eve").await.is_unfrozen);
        let ended = unfreeze("dan").await;
        assert!(ended.is_unfrozen);
        intervals.push((frozen.leaf_index, ended.leaf_index));
    }
    intervals
}
