//! The items of a call, worked on by as many processors as are free.
//!
//! A thread is made for each part, and ends with it: what a batch takes is a hundred times what a
//! thread costs, and no pool's thread waits with a key on its stack. How many calls spread at once
//! is counted, so that under load each keeps to its own processor: there, more threads would only
//! take turns.

use std::panic::resume_unwind;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use crate::crypto::scrub_stack;
use crate::vault::apart;

/// Processors, and how many threads of calls are on them.
#[derive(Debug)]
pub(super) struct Crew {
    processors_count: usize,
    busy_count: AtomicUsize,
}

impl Crew {
    /// A crew for as many processors as there are.
    pub(super) fn new() -> Self {
        Self::of(thread::available_parallelism().map_or(1, usize::from))
    }

    fn of(processors_count: usize) -> Self {
        Self {
            processors_count,
            busy_count: AtomicUsize::new(0),
        }
    }

    /// Does the same to each item; the answer has the order of the items.
    pub(super) fn spread<'a, T: Sync, R: Send>(
        &self,
        items: &'a [T],
        run: impl Fn(usize, &'a T) -> R + Sync,
    ) -> Vec<R> {
        let hired = self.hire((items.len() / PART_ITEMS_MIN).max(1));
        if hired.count == 1 {
            let run = |(index, item)| run(index, item);
            return items.iter().enumerate().map(run).collect();
        }
        let part_items_count = items.len().div_ceil(hired.count);
        let work = |(part, items): (usize, &'a [T])| {
            let first = part * part_items_count;
            let run = |(index, item)| run(first + index, item);
            items.iter().enumerate().map(run).collect::<Vec<R>>()
        };
        let mut parts = items.chunks(part_items_count).enumerate();
        let own = parts.next();
        thread::scope(|scope| {
            let work = &work;
            let begin = |part| {
                let name = "counterfoil-part".to_owned();
                let begun = thread::Builder::new()
                    .name(name)
                    .spawn_scoped(scope, move || {
                        let done = apart(|| work(part));
                        scrub_stack();
                        done
                    });
                // A system that gives no thread gets its work done by this one.
                begun.map_err(|_| part)
            };
            let begun: Vec<_> = parts.map(begin).collect();
            let mut done = own.map(work).unwrap_or_default();
            for part in begun {
                done.extend(match part {
                    Ok(running) => running.join().unwrap_or_else(|panic| resume_unwind(panic)),
                    Err(part) => work(part),
                });
            }
            done
        })
    }

    /// Takes at most as many processors as are wanted, the caller's own among them.
    fn hire(&self, wanted: usize) -> Hired<'_> {
        let busy = self.busy_count.load(Ordering::Relaxed);
        let free = self.processors_count.saturating_sub(busy).max(1);
        let count = wanted.min(free);
        // Two that ask at once may both get the last one: then two threads share it for a while.
        self.busy_count.fetch_add(count, Ordering::Relaxed);
        Hired { crew: self, count }
    }
}

/// Processors that a call has for now.
struct Hired<'a> {
    crew: &'a Crew,
    count: usize,
}

impl Drop for Hired<'_> {
    fn drop(&mut self) {
        self.crew
            .busy_count
            .fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// How many items are worth a thread: making one takes as long as a few of them.
const PART_ITEMS_MIN: usize = 64;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Mutex;

    use super::*;

    /// Goal: every item is done once and is where it was. Method: all lengths around the parts'
    /// limits, for some numbers of processors.
    #[test]
    fn items_keep_their_order() {
        for processors_count in [1, 2, 3, 7] {
            let crew = Crew::of(processors_count);
            for length in (0..300).chain([1_000, 4_097]) {
                let items: Vec<usize> = (0..length).collect();
                let done = crew.spread(&items, |index, item| (index, item * 3));
                let expected: Vec<_> = items.iter().map(|item| (*item, item * 3)).collect();
                assert_eq!(done, expected, "{length} on {processors_count}");
            }
            assert_eq!(crew.busy_count.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn call_takes_the_processors_that_are_free() {
        let threads_of = |crew: &Crew, length: usize| {
            let threads = Mutex::new(HashSet::new());
            crew.spread(&vec![(); length], |_, ()| {
                threads.lock().unwrap().insert(thread::current().id())
            });
            threads.into_inner().unwrap().len()
        };
        let crew = Crew::of(4);
        let lengths = [0, 1, 127, 128, 10_000];
        let counts = lengths.map(|length| threads_of(&crew, length));
        assert_eq!(counts, [0, 1, 1, 2, 4]);
        let inside = crew.spread(&[(); 128], |index, ()| match index {
            0 => threads_of(&crew, 10_000),
            _ => 0,
        });
        assert_eq!(inside.into_iter().max(), Some(2), "two of four are busy");
    }

    #[test]
    fn panic_of_a_part_is_the_callers() {
        let crew = Crew::of(2);
        let items: Vec<usize> = (0..200).collect();
        let spread = || crew.spread(&items, |_, item| assert!(*item != 199));
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(spread));
        assert!(caught.is_err());
        assert_eq!(
            crew.busy_count.load(Ordering::Relaxed),
            0,
            "and nobody is busy"
        );
    }
}
