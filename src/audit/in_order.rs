//! Work on every processor, with its results in order.

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::thread;

/// Works on each part of something long, on as many threads as there are processors, and hands the
/// results over in the order of the parts: so what is read as a stream is judged as one. Holds a
/// few parts for each thread. Ends at the first error.
///
/// # Errors
///
/// The first of `each`.
pub(super) fn in_order<P: Send, R: Send, E>(
    mut parts: impl Iterator<Item = P> + Send,
    work: impl Fn(P) -> R + Sync,
    mut each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let Some(first) = parts.next() else {
        return Ok(());
    };
    let Some(second) = parts.next() else {
        // Not worth a thread.
        return each(work(first));
    };
    let parts = [first, second].into_iter().chain(parts);
    let threads_count = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let work = &work;
    thread::scope(|scope| {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for _ in 0..threads_count {
            let (input, waiting) = mpsc::sync_channel::<P>(WAITING_MAX);
            let (done, output) = mpsc::sync_channel::<R>(WAITING_MAX);
            scope.spawn(move || run(&waiting, &done, work));
            inputs.push(input);
            outputs.push(output);
        }
        scope.spawn(move || deal(parts, &inputs));
        // Dropped at the end, whatever the end: threads that wait for it then end, too.
        let outputs = outputs;
        for output in outputs.iter().cycle() {
            // Parts are dealt in turn: who has none left ends the turn.
            let Ok(result) = output.recv() else { break };
            each(result)?;
        }
        Ok(())
    })
}

fn run<P, R>(waiting: &Receiver<P>, done: &SyncSender<R>, work: impl Fn(P) -> R) {
    for part in waiting {
        if done.send(work(part)).is_err() {
            return;
        }
    }
}

fn deal<P>(parts: impl Iterator<Item = P>, inputs: &[SyncSender<P>]) {
    for (part, input) in parts.zip(inputs.iter().cycle()) {
        if input.send(part).is_err() {
            return;
        }
    }
}

/// Parts that wait for a thread, and results that wait to be handed over.
const WAITING_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_parts() {
        for parts_count in [0, 1, 2, 3, 1_000] {
            let mut results = Vec::new();
            let done: Result<(), ()> = in_order(
                0..parts_count,
                |part: u64| {
                    // Some take longer than those after them.
                    (0..part % 7 * 1_000).for_each(|number| {
                        std::hint::black_box(number);
                    });
                    part * 2
                },
                |result| {
                    results.push(result);
                    Ok(())
                },
            );
            assert_eq!(done, Ok(()));
            let expected: Vec<_> = (0..parts_count).map(|part| part * 2).collect();
            assert_eq!(results, expected);
        }
    }

    #[test]
    fn first_error_ends_it() {
        let mut handed_over = 0;
        let parts = 0_u64..;
        let ended = in_order(
            parts,
            |part| part,
            |part| {
                handed_over += 1;
                if part == 50 { Err(part) } else { Ok(()) }
            },
        );
        assert_eq!((ended, handed_over), (Err(50), 51));
    }
}
