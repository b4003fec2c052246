//! Planted faults: what a target has to find. `./dev fuzz --self-test` turns them on.

use std::env;
use std::sync::LazyLock;

/// Whether a fault is planted: `COUNTERFOIL_FUZZ_FAULT` is set.
pub fn is_planted() -> bool {
    *PLANTED
}

/// A text as a faulty neighbour hands it on: one digit or letter is another.
pub fn changed(text: &str) -> String {
    let change = |character: char| match character {
        '7' => '3',
        'k' => 'g',
        other => other,
    };
    text.chars().map(change).collect()
}

static PLANTED: LazyLock<bool> = LazyLock::new(|| env::var_os("COUNTERFOIL_FUZZ_FAULT").is_some());
