//! What was measured, and the tables that say so.

use std::collections::HashMap;

use crate::bare::Tuning;
use crate::machine::median;
use crate::measure::{Measured, Shape};
use crate::subject::{Way, Work};

/// One row of the table.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Case {
    pub(crate) way: Way,
    pub(crate) work: Work,
    pub(crate) shape: Shape,
}

/// What is measured in each case.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Side {
    Vault,
    Rows,
    Messages,
}

/// Every figure of every round.
#[derive(Default)]
pub(crate) struct Figures {
    items_per_second: HashMap<(Case, Side), Vec<f64>>,
    latencies_ms: HashMap<(Case, Side), Vec<f64>>,
    plain: HashMap<Tuning, Vec<f64>>,
}

impl Case {
    pub(crate) fn name(&self) -> String {
        let way = match self.way {
            Way::Grpc => "gRPC",
            Way::InProcess => "in process",
            Way::Stream => "stream",
        };
        let work = match self.work {
            Work::New => "new",
            Work::Known => "known",
            Work::Lookup => "lookup",
            Work::Reveal => "reveal",
        };
        let Shape {
            callers_count,
            items_count,
        } = self.shape;
        let what = match items_count {
            1 => "single".to_owned(),
            _ => format!("batch of {items_count}"),
        };
        format!("{way}, {work}, {what}, {callers_count} callers")
    }
}

impl Figures {
    pub(crate) fn add(&mut self, case: Case, side: Side, measured: Measured) {
        let figures = self.items_per_second.entry((case, side)).or_default();
        figures.push(measured.items_per_second);
        let latencies = self.latencies_ms.entry((case, side)).or_default();
        latencies.extend(measured.latencies_ms);
    }

    pub(crate) fn add_plain(&mut self, tuning: Tuning, rows_per_second: f64) {
        self.plain.entry(tuning).or_default().push(rows_per_second);
    }

    pub(crate) fn print(&self, cases: &[Case]) {
        self.print_rates(cases);
        self.print_latencies(cases);
        self.print_plain();
    }

    fn print_rates(&self, cases: &[Case]) {
        println!(
            "\n| items per second | vault (least to most) | rows | ratio | messages | ratio | both \
             | ratio |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for case in cases {
            let vault = self.of(*case, Side::Vault).unwrap_or_default();
            let least = vault.iter().copied().fold(f64::INFINITY, f64::min);
            let most = vault.iter().copied().fold(0.0, f64::max);
            let beside = |limit: Option<Vec<f64>>| match limit {
                Some(limit) => format!("{:.0} | {:.2}", median(&limit), ratio(vault, &limit)),
                None => "| ".to_owned(),
            };
            let of = |side| self.of(*case, side).map(<[f64]>::to_vec);
            println!(
                "| {} | {:.0} ({least:.0} to {most:.0}) | {} | {} | {} |",
                case.name(),
                median(vault),
                beside(of(Side::Rows)),
                beside(of(Side::Messages)),
                beside(self.both(*case)),
            );
        }
    }

    /// How long a call takes, and how long it would at best: the rows, and the messages.
    fn print_latencies(&self, cases: &[Case]) {
        println!("\n| ms of a call | p50, p99, p99.9 | rows p99 | messages p99 | p99 to both |");
        println!("|---|---|---|---|---|");
        // On a stream, what is measured is the time between two answers.
        for case in cases.iter().filter(|case| case.way != Way::Stream) {
            let at = |side, thousandths| self.latency(*case, side, thousandths);
            let own = [500, 990, 999].map(|place| at(Side::Vault, place));
            let [rows, messages] = [Side::Rows, Side::Messages].map(|side| at(side, 990));
            // In process there are none.
            let (both, messages) = if messages.is_nan() {
                (rows, String::new())
            } else {
                (rows + messages, format!("{messages:.2}"))
            };
            println!(
                "| {} | {:.2}, {:.2}, {:.2} | {rows:.2} | {messages} | {:.2} |",
                case.name(),
                own[0],
                own[1],
                own[2],
                own[1] / both,
            );
        }
    }

    fn print_plain(&self) {
        let of = |tuning| self.plain.get(&tuning).map(|rates| median(rates));
        let (Some(tuned), Some(default)) = (of(Tuning::Vault), of(Tuning::Default)) else {
            return;
        };
        println!(
            "\nrows of new values in bare RocksDB, batches of 1,000: {tuned:.0} a second with the \
             vault's options, {default:.0} with RocksDB's own, ratio {:.2}",
            tuned / default
        );
    }

    fn of(&self, case: Case, side: Side) -> Option<&[f64]> {
        self.items_per_second.get(&(case, side)).map(Vec::as_slice)
    }

    /// What both limits leave, one after the other on the same processors: each item costs the
    /// time of its rows and that of its messages.
    fn both(&self, case: Case) -> Option<Vec<f64>> {
        let (rows, messages) = (self.of(case, Side::Rows)?, self.of(case, Side::Messages)?);
        let rounds = rows.iter().zip(messages);
        Some(
            rounds
                .map(|(rows, messages)| 1.0 / (1.0 / rows + 1.0 / messages))
                .collect(),
        )
    }

    fn latency(&self, case: Case, side: Side, thousandths: usize) -> f64 {
        let latencies = self.latencies_ms.get(&(case, side));
        let mut latencies = latencies.cloned().unwrap_or_default();
        latencies.sort_by(f64::total_cmp);
        let place = latencies.len() * thousandths / 1_000;
        latencies.get(place).copied().unwrap_or(f64::NAN)
    }
}

/// The middle of the ratios of each round, so that a slow minute of the machine counts on both
/// sides.
fn ratio(vault: &[f64], limit: &[f64]) -> f64 {
    let ratios: Vec<f64> = vault.iter().zip(limit).map(|(it, max)| it / max).collect();
    median(&ratios)
}
