//! How long the split takes: worst and median of random problems of 32 actuators behind 10 limits, one JSON line.
//!
//! `split_times [COUNT] [SEED]`. Two families: `random`, and `adversarial`, where every class must move and limits
//! conflict. The same problem runs three times and its fastest counts: what the host does meanwhile is not measured.
#![allow(clippy::indexing_slicing, reason = "a measurement")]

use std::time::Instant;

use simems_core::arbitrate::split::{Part, Solved, Split};

const UNITS: usize = 32;
const ROWS: usize = 10;
const CLASSES: u32 = 6;

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

/// Batteries and chargers on phases and in clusters behind one connection; `tight`: limits that force powers and that
/// conflict.
fn fill(split: &mut Split, random: &mut Random, tight: bool) {
    split.clear();
    for unit in 0..UNITS {
        let (class, battery) = ((random.next() * f64::from(CLASSES)) as u32, random.next() < 0.5);
        let (lower, upper) = if battery { (-50e3, 50e3) } else { (-22e3, 0.0) };
        let wish = random.between(lower, upper);
        let (own_low, own_high) = (wish.min(0.0), wish.max(0.0));
        let weight = random.between(0.2, 5.0);
        let part = |lower, upper, desired, level| Part { unit, lower, upper, desired, weight, level };
        split.part(part(own_low, own_high, wish, if battery { 100 + class } else { 2 * class }));
        if battery {
            split.part(part(lower - own_low, upper - own_high, 0.0, 2 * class + 1));
        }
    }
    let phases: Vec<usize> = (0..UNITS).map(|_| (random.next() * 4.0) as usize).collect();
    for row in 0..ROWS {
        let share = |unit: usize| match row {
            0 | 1 => 1.0,
            2..=7 if phases[unit] == 3 => 1.0 / 3.0,
            2..=7 => f64::from(u8::from(phases[unit] == (row - 2) / 2)),
            _ => f64::from(u8::from(unit % 2 == row - 8)),
        };
        let end = if tight { random.between(-100e3, 100e3) } else { random.between(0.0, 150e3) };
        let end = if row < 2 { 2.0 * end } else { end };
        let (lower, upper) = if row % 2 == 0 { (f64::NEG_INFINITY, end) } else { (-end, f64::INFINITY) };
        split.row((0..UNITS).map(|unit| (unit, share(unit))), lower, upper);
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let count = arguments.next().unwrap_or(20_000);
    let seed = arguments.next().unwrap_or(1);
    let mut split = Split::new(UNITS, 2 * UNITS, ROWS);
    for (name, tight) in [("random", false), ("adversarial", true)] {
        let mut times_us = Vec::with_capacity(count as usize);
        let mut solved = [0_u64; 3];
        let mut work = 0;
        for problem in 0..count {
            let mut fastest_us = f64::INFINITY;
            for _ in 0..3 {
                let mut random =
                    Random(0x9E37_79B9_7F4A_7C15 ^ (seed * 1_000_003 + problem + 1).wrapping_mul(0xD129_42D1));
                fill(&mut split, &mut random, tight);
                let begun = Instant::now();
                let budget = split.budget();
                let mut left = budget;
                let how = split.solve(&mut left);
                fastest_us = begun.elapsed().as_secs_f64().mul_add(1e6, 0.0).min(fastest_us);
                solved[how as usize] += 1;
                work += u64::from(budget - left);
            }
            times_us.push(fastest_us);
        }
        times_us.sort_by(f64::total_cmp);
        let quantile = |share: f64| times_us[((times_us.len() - 1) as f64 * share) as usize];
        println!(
            "{{\"family\":\"{name}\",\"problems\":{count},\"median_us\":{},\"p99_us\":{},\"worst_us\":{},\"kept\":{},\"violated\":{},\"unfinished\":{},\"mean_work\":{}}}",
            quantile(0.5),
            quantile(0.99),
            quantile(1.0),
            solved[Solved::Kept as usize] / 3,
            solved[Solved::Violated as usize] / 3,
            solved[Solved::Unfinished as usize] / 3,
            work as f64 / 3.0 / count as f64,
        );
    }
}
