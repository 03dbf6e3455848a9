//! The grid guard alone in a closed loop: a meter late by an unknown time, a slow battery.

use std::sync::Arc;

use proptest::prelude::*;

use crate::arbitrate::Outcome;
use crate::blocks::DelayBounds;
use crate::guard::{GuardSpec, Guards, Rated};
use crate::image::{Channel, Image, Latcher, Quality};

const STEP_S: f64 = 0.1;
const LIMIT_W: f64 = 60e3;

#[derive(Clone, Copy)]
struct Battery {
    tau_s: f64,
    power_w: f64,
    /// Read each so many steps.
    interval: usize,
}

/// A site behind one meter that shows, stamped with its arrival, what was true `delay` steps ago.
struct Loop {
    image: Arc<Image>,
    latcher: Latcher,
    guards: Guards,
    delay: usize,
    interval: usize,
    late: Vec<f64>,
    batteries: Vec<Battery>,
    steps: usize,
}

impl Loop {
    fn new(delay: usize, interval: usize, tau_s: f64) -> Self {
        Self::of(delay, interval, vec![Battery { tau_s, power_w: 0.0, interval: 1 }])
    }

    fn of(delay: usize, interval: usize, batteries: Vec<Battery>) -> Self {
        let addresses: Vec<String> = (0..batteries.len()).map(|n| format!("ess{n}/p")).collect();
        let channels = addresses.iter().map(String::as_str).chain(["grid0/p"]).map(Channel::new).collect();
        let image = Image::new(channels, 8).unwrap();
        let spec = GuardSpec::Grid {
            actuators: addresses.clone(),
            grid: "grid0/p".into(),
            measured: addresses.clone(),
            gains: vec![],
            import_limit_w: LIMIT_W,
            export_limit_w: LIMIT_W,
            delays: DelayBounds::DEFAULT,
        };
        let rating_w = 60e3 / batteries.len() as f64;
        let rated = vec![Rated::storage(-rating_w, rating_w, None); batteries.len()];
        let guards = Guards::resolve(&[spec], &image, &addresses, rated).unwrap();
        let latcher = Latcher::claim(&image).unwrap();
        Self { image, latcher, guards, delay, interval, late: Vec::new(), batteries, steps: 0 }
    }

    fn grid_w(&self, load_w: f64) -> f64 {
        load_w - self.batteries.iter().map(|battery| battery.power_w).sum::<f64>()
    }

    fn publish(&mut self, time_ns: i64, load_w: f64) {
        if self.steps.is_multiple_of(self.interval) {
            self.late.push(self.grid_w(load_w));
        }
        let shown = self.late[(self.late.len() - 1).saturating_sub(self.delay / self.interval)];
        self.image.publish(self.batteries.len(), shown, time_ns, Quality::Good).unwrap();
        for (handle, battery) in self.batteries.iter().enumerate() {
            if self.steps.is_multiple_of(battery.interval) {
                self.image.publish(handle, battery.power_w, time_ns, Quality::Good).unwrap();
            }
        }
    }

    /// Sum of the setpoints and true grid power after one cycle.
    fn step(&mut self, load_w: f64) -> (f64, f64) {
        let time_ns = (self.steps as i64 + 1) * 100_000_000;
        self.publish(time_ns, load_w);
        self.latcher.latch(time_ns, true).unwrap();
        let mut outcomes = vec![Outcome { value: 0.0, source: None, bound: None }; self.batteries.len()];
        let previous = vec![0.0; self.batteries.len()];
        self.guards.apply(&self.latcher.reader().unwrap(), &mut outcomes, &previous, STEP_S);
        for (battery, outcome) in self.batteries.iter_mut().zip(&outcomes) {
            battery.power_w += (outcome.value - battery.power_w) * (1.0 - (-STEP_S / battery.tau_s).exp());
        }
        self.steps += 1;
        (outcomes.iter().map(|outcome| outcome.value).sum(), self.grid_w(load_w))
    }

    fn steps(&mut self, load_w: f64, count: usize) -> Vec<(f64, f64)> {
        (0..count).map(|_| self.step(load_w)).collect()
    }

    fn run(&mut self, load_w: f64, seconds: usize) -> Vec<(f64, f64)> {
        self.steps(load_w, seconds * 10)
    }
}

fn spread(rows: &[(f64, f64)]) -> f64 {
    let (low, high) = rows.iter().fold((f64::MAX, f64::MIN), |range, row| (range.0.min(row.0), range.1.max(row.0)));
    high - low
}

#[test]
fn a_meter_one_second_late_does_not_make_it_swing() {
    let rows = Loop::new(10, 1, 0.3).run(90e3, 120);
    assert!(spread(&rows[300..]) < 1.0, "the setpoint swings by {:.0} W", spread(&rows[300..]));
}

#[test]
fn it_settles_and_holds_the_limit_in_both_directions() {
    for sign in [1.0, -1.0] {
        for delay in [0, 10, 25, 40] {
            for interval in [1, 10, 50] {
                for tau_s in [0.2, 1.0, 5.0] {
                    let mut site = Loop::new(delay, interval, tau_s);
                    let case = format!("sign {sign}, delay {delay}, interval {interval}, time constant {tau_s} s");
                    site.run(sign * 40e3, 50);
                    let rows = site.run(sign * 90e3, 100);
                    let seen = delay + interval;
                    assert!(rows[seen..].iter().all(|row| (sign * row.0 - 30e3).abs() < 1.0), "{case}");
                    assert!(sign * rows[999].1 <= LIMIT_W + 1.0, "{case}");
                    let rows = site.run(sign * 70e3, 100);
                    assert!(spread(&rows[700..]) < 1.0 && (sign * rows[999].0 - 10e3).abs() < 1.0, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_step_with_the_battery_at_rest_is_answered_in_the_first_cycle_that_sees_it() {
    for delay in [0, 7, 40] {
        let mut site = Loop::new(delay, 1, 1.0);
        site.run(40e3, 20);
        let rows = site.run(85e3, 10);
        let first = rows.iter().position(|row| row.0 != 0.0).unwrap();
        assert_eq!((first, rows[first].0), (delay, 25e3));
    }
}

#[test]
fn a_second_step_while_the_battery_moves_is_answered_to_the_safe_side_first() {
    for (delay, tau_s, longest_s) in [(0, 1.0, 3), (10, 1.0, 4), (40, 1.0, 7), (0, 5.0, 8), (10, 5.0, 8), (0, 0.3, 20)]
    {
        let mut site = Loop::new(delay, 1, tau_s);
        site.run(40e3, 20);
        site.steps(80e3, delay + 5);
        let rows = site.run(100e3, 120);
        assert!(rows[longest_s * 10..].iter().all(|row| row.1 <= LIMIT_W * 1.005), "{delay} {tau_s}");
        assert!(spread(&rows[1000..]) < 1.0 && (rows[1199].0 - 40e3).abs() < 1.0, "{delay} {tau_s}");
    }
}

#[test]
fn two_batteries_of_different_speed_and_poll_settle_behind_one_limit() {
    for (delay, interval) in [(0, 1), (10, 1), (25, 10), (40, 50)] {
        let fast = Battery { tau_s: 0.2, power_w: 0.0, interval: 1 };
        let slow = Battery { tau_s: 3.0, power_w: 0.0, interval: 10 };
        let mut site = Loop::of(delay, interval, vec![fast, slow]);
        site.run(40e3, 20);
        for (load_w, needed_w) in [(105e3, 45e3), (80e3, 20e3), (-100e3, -40e3), (0.0, 0.0)] {
            let rows = site.run(load_w, 100);
            assert!(spread(&rows[700..]) < 1.0 && (rows[999].0 - needed_w).abs() < 1.0, "{delay} {interval} {load_w}");
            assert!(rows[700..].iter().all(|row| row.1.abs() <= LIMIT_W * 1.001), "{delay} {interval} {load_w}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happened_before_a_constant_load_settles_inside_the_limit(
        delay in 0_usize..=40,
        interval in 1_usize..=50,
        tau_s in 0.2..5.0_f64,
        loads in proptest::collection::vec((1_usize..80, -110e3..110e3_f64), 1..30),
        last_w in -115e3..115e3_f64,
    ) {
        let mut site = Loop::new(delay, interval, tau_s);
        for (steps, load_w) in loads {
            site.steps(load_w, steps);
        }
        let rows = site.run(last_w, 150);
        let settled = &rows[1_200..];
        prop_assert!(spread(settled) < 100.0, "swings by {}", spread(settled));
        prop_assert!(settled.iter().all(|row| row.1.abs() <= LIMIT_W * 1.005), "{:?}", settled.last());
        let needed_w = (last_w.abs() - LIMIT_W).max(0.0) * last_w.signum();
        prop_assert!((rows[1_499].0 - needed_w).abs() < 300.0, "{} instead of {needed_w}", rows[1_499].0);
    }
}
