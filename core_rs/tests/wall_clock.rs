//! A thousand steps of the wall clock, by a second, an hour and a day, back and forth: stamps of records follow, and
//! no cycle is missed, doubled or stretched. The wall clock is injected: the machine's own is never touched.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod site;

use std::sync::Arc;

use simems_core::clock::{Clock, SECOND_NS};
use simems_core::cycle::{Configuration, Cycle, Proposal};

const STEPS: i64 = 1000;
const PERIOD_NS: i64 = 1_000_000;
const STEPS_S: [i64; 6] = [1, -1, 3600, -3600, 86_400, -86_400];

fn step(clock: &Clock, number: i64) -> i64 {
    let step_us = STEPS_S[number as usize % STEPS_S.len()] * 1_000_000;
    clock.set_wall(clock.utc_us(clock.now_ns()) + step_us).unwrap();
    step_us
}

/// Decisions of a simulated run to the bit, its wall clock stepped before each cycle or never.
fn decided(steps: bool) -> Vec<(u64, usize)> {
    let (image, clock) = (site::image(), Arc::new(Clock::stepped(0)));
    let cycle = Cycle::new(image, Arc::clone(&clock), site::configuration()).unwrap();
    let decide = |number: i64| {
        if steps {
            step(&clock, number);
        }
        cycle.begin(number * PERIOD_NS).unwrap();
        let preferred = Some((number as f64 * 0.1).sin() * 100.0);
        let row = Proposal { preferred, ..Proposal::default() };
        assert!(cycle.shared().propose(0, number, &[row]).unwrap());
        let decided = cycle.finish().unwrap()[0];
        (decided.setpoint.to_bits(), decided.code)
    };
    (1..=STEPS).map(decide).collect()
}

#[test]
fn stepping_decides_the_same_to_the_bit() {
    assert_eq!(decided(true), decided(false));
}

#[test]
fn a_live_cycle_of_a_millisecond_keeps_its_grid() {
    let clock = Arc::new(Clock::stepped(1_700_000_000_000_000));
    let settings = Configuration { period_s: 0.001, sources: Vec::new(), ..site::configuration() };
    let cycle = Cycle::new(site::image(), Arc::clone(&clock), settings).unwrap();
    cycle.start().unwrap();
    let (mut slots, mut stepped) = (Vec::new(), 0);
    while stepped < STEPS {
        let after = slots.last().map_or(0, |(number, _)| *number);
        let snapshot = cycle.shared().wait(after, 5 * SECOND_NS).expect("a cycle within 5 s");
        let reader = snapshot.reader().unwrap();
        let time_ns = reader.time_ns();
        let before_us = clock.utc_us(time_ns);
        let step_us = step(&clock, stepped);
        let moved_us = clock.utc_us(time_ns) - before_us - step_us;
        assert!(moved_us.abs() < 1_000_000, "the stamp of a record follows the step: {moved_us} us off");
        stepped += 1;
        slots.push((reader.cycle().cast_signed(), cycle.slot(time_ns)));
    }
    cycle.stop();
    let statistics = cycle.shared().statistics();
    for pair in slots.windows(2) {
        let (cycles, slots) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        assert!(cycles >= 1 && slots >= cycles, "two cycles in one slot of the grid");
    }
    let (first, last) = (slots[0], slots[slots.len() - 1]);
    let left_out = (last.1 - first.1) - (last.0 - first.0);
    assert!(left_out <= statistics.skipped().cast_signed(), "a slot is missing that was not counted as skipped");
    let most_us = statistics.lateness.max_us();
    assert!(most_us < 1e6, "a cycle came {most_us} us late: a step of a second stretched it");
}
