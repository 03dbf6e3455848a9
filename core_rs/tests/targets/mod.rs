//! What is fuzzed: each target makes one hostile run from dice and counts its executions; a panic is a finding.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod arbitration;
mod blocks;
mod cells;
mod dice;
mod image;
mod processes;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use dice::Dice;

/// One hostile run; how many inputs it tried.
pub type Target = fn(&mut Dice) -> u64;

/// Name, target, and the part of the executions that it gets (new memory for each costs the kernel time).
pub const TARGETS: [(&str, Target, u64); 6] = [
    ("arbitration: proposals, inputs and configurations", arbitration::run, 1),
    ("image: values, channels, latches, recorder rows", image::run, 1),
    ("readers of damaged shared memory", processes::readers, 10),
    ("cycles with scribbling controllers", processes::scribblers, 10),
    ("cells and battery readings", cells::run, 1),
    ("blocks", blocks::run, 1),
];

/// Runs a target until it tried `wanted` inputs; how many it tried. A panic is repeated with its seed.
pub fn fuzz(name: &str, target: Target, wanted: u64) -> u64 {
    let (mut tried, mut seed) = (0, 0);
    while tried < wanted {
        let run = catch_unwind(AssertUnwindSafe(|| target(&mut Dice::new(seed))));
        tried += run.unwrap_or_else(|_| panic!("{name}: the run of seed {seed} panicked; the message is above"));
        seed += 1;
    }
    tried
}
