//! What a figure is worth nothing without: the machine, the versions, and the middle of several
//! measurements.

use std::fs;
use std::thread;

/// One line about the machine and the build.
pub(crate) fn description() -> String {
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu_info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": "))
            .map_or("unknown", |(_, value)| value)
            .to_owned()
    };
    let flags = field("flags");
    let has = ["aes", "vaes", "avx512f", "sha_ni"]
        .into_iter()
        .filter(|flag| flags.split(' ').any(|it| it == *flag));
    format!(
        "machine: {}, {} cores, {}\nversions: counterfoil {}, {}",
        field("model name"),
        thread::available_parallelism().map_or(1, usize::from),
        has.collect::<Vec<_>>().join(" "),
        env!("CARGO_PKG_VERSION"),
        locked_versions(),
    )
}

/// The middle of the figures; of an even count, the upper of the two.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Whether this is a real run, and not one that only shows that the bench still works:
/// `cargo bench` passes `--bench`, `cargo test --benches` does not.
pub(crate) fn is_real_run() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

fn locked_versions() -> String {
    let lock = include_str!("../../Cargo.lock");
    let version = |name: &&str| {
        let after = lock
            .split_once(&format!("name = \"{name}\"\nversion = \""))?
            .1;
        Some(format!("{name} {}", after.split('"').next()?))
    };
    ["aes", "aws-lc-rs", "fpe", "rocksdb", "rustls", "tonic"]
        .iter()
        .filter_map(version)
        .collect::<Vec<_>>()
        .join(", ")
}
