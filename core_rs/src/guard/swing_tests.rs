//! The grid guard alone in a closed loop: a meter late by an unknown time, a slow battery.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use crate::arbitrate::Outcome;
use crate::blocks::DelayBounds;
use crate::guard::{GuardSpec, Guards, Rated};
use crate::image::{Channel, Image, Latcher, Quality};

const STEP_S: f64 = 0.1;
const LIMIT_W: f64 = 60e3;

/// A site behind one meter that shows, stamped with its arrival, what was true `delay` steps ago.
struct Loop {
    image: Arc<Image>,
    latcher: Latcher,
    guards: Guards,
    delay: usize,
    interval: usize,
    tau_s: f64,
    late: VecDeque<f64>,
    battery_w: f64,
    setpoint_w: f64,
    steps: usize,
}

impl Loop {
    fn new(delay: usize, interval: usize, tau_s: f64) -> Self {
        let image = Image::new(["grid0/p", "ess0/p"].map(Channel::new).to_vec(), 8).unwrap();
        let spec = GuardSpec::Grid {
            actuators: vec!["ess0/p".into()],
            grid: "grid0/p".into(),
            measured: vec!["ess0/p".into()],
            import_limit_w: LIMIT_W,
            export_limit_w: LIMIT_W,
            delays: DelayBounds::DEFAULT,
        };
        let rated = vec![Rated { minimum: -60e3, maximum: 60e3, ramp_per_s: None }];
        let guards = Guards::resolve(&[spec], &image, &["ess0/p".to_owned()], rated).unwrap();
        let latcher = Latcher::claim(&image).unwrap();
        let late = VecDeque::new();
        Self { image, latcher, guards, delay, interval, tau_s, late, battery_w: 0.0, setpoint_w: 0.0, steps: 0 }
    }

    /// Setpoint and true grid power after one cycle.
    fn step(&mut self, load_w: f64) -> (f64, f64) {
        let time_ns = (self.steps as i64 + 1) * 100_000_000;
        if self.steps.is_multiple_of(self.interval) {
            self.late.push_back(load_w - self.battery_w);
        }
        let (back, waiting) = (self.delay / self.interval, self.late.len());
        let shown = self.late.get((waiting - 1).saturating_sub(back)).copied().unwrap();
        self.image.publish(0, shown, time_ns, Quality::Good).unwrap();
        self.image.publish(1, self.battery_w, time_ns, Quality::Good).unwrap();
        self.latcher.latch(time_ns, true).unwrap();
        let mut outcomes = [Outcome { value: 0.0, source: None, bound: None }];
        self.guards.apply(&self.latcher.reader().unwrap(), &mut outcomes, &[self.setpoint_w], STEP_S);
        self.setpoint_w = outcomes[0].value;
        self.battery_w += (self.setpoint_w - self.battery_w) * (1.0 - (-STEP_S / self.tau_s).exp());
        self.steps += 1;
        (self.setpoint_w, load_w - self.battery_w)
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
