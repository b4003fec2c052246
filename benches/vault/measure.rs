//! Runs a call again and again, from so many callers at once, for some time.

use std::future::Future;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::testbed::Failure;

/// What came of one case in one round.
#[derive(Clone, Default)]
pub(crate) struct Measured {
    /// Items per second, over all callers.
    pub(crate) items_per_second: f64,
    /// Of each call, in milliseconds.
    pub(crate) latencies_ms: Vec<f64>,
}

/// How a case calls: from how many callers, with how many items in a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Shape {
    pub(crate) callers_count: usize,
    pub(crate) items_count: usize,
}

/// Every shape that is measured: singles, and the largest batches, of one caller and of several at
/// once, whose calls overlap.
pub(crate) const SHAPES: [Shape; 5] = [
    shape(1, 1),
    shape(16, 1),
    shape(256, 1),
    shape(1, 1_000),
    shape(4, 1_000),
];

const fn shape(callers_count: usize, items_count: usize) -> Shape {
    Shape {
        callers_count,
        items_count,
    }
}

/// Measures asynchronous calls. `call` gets the number of its caller.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) async fn measure<F, T>(
    shape: Shape,
    time: Duration,
    call: F,
) -> Result<Measured, Failure>
where
    F: Fn(usize) -> T + Clone + Send + 'static,
    T: Future<Output = Result<(), Failure>> + Send,
{
    let started = Instant::now();
    let callers: Vec<_> = (0..shape.callers_count)
        .map(|caller| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut latencies_ms = Vec::new();
                while started.elapsed() < time || latencies_ms.is_empty() {
                    let call_started = Instant::now();
                    call(caller).await?;
                    latencies_ms.push(call_started.elapsed().as_secs_f64() * 1e3);
                }
                Ok::<_, Failure>(latencies_ms)
            })
        })
        .collect();
    let mut latencies_ms = Vec::new();
    for caller in callers {
        latencies_ms.extend(caller.await??);
    }
    Ok(finish(shape, started, latencies_ms))
}

/// Measures calls that block, each caller in a thread of its own.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) fn measure_blocking(
    shape: Shape,
    time: Duration,
    call: impl Fn(usize) -> Result<(), Failure> + Sync,
) -> Result<Measured, Failure> {
    let begin = Barrier::new(shape.callers_count + 1);
    let caller = |caller| {
        begin.wait();
        let started = Instant::now();
        let mut latencies_ms = Vec::new();
        while started.elapsed() < time || latencies_ms.is_empty() {
            let call_started = Instant::now();
            call(caller)?;
            latencies_ms.push(call_started.elapsed().as_secs_f64() * 1e3);
        }
        Ok::<_, Failure>(latencies_ms)
    };
    thread::scope(|scope| {
        let callers: Vec<_> = (0..shape.callers_count)
            .map(|number| scope.spawn(move || caller(number)))
            .collect();
        begin.wait();
        let started = Instant::now();
        let mut latencies_ms = Vec::new();
        for caller in callers {
            latencies_ms.extend(caller.join().map_err(|_| "caller panicked")??);
        }
        Ok(finish(shape, started, latencies_ms))
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
fn finish(shape: Shape, started: Instant, latencies_ms: Vec<f64>) -> Measured {
    let items_count = latencies_ms.len() * shape.items_count;
    Measured {
        items_per_second: items_count as f64 / started.elapsed().as_secs_f64(),
        latencies_ms,
    }
}
