//! The estimator in the cycle: what it reads, when it steps, and what it says while readings are missing.

use std::sync::Arc;

use super::tests::{cell, drive};
use super::*;
use crate::clock::{Clock, SECOND_NS};
use crate::cycle::{Configuration, Cycle};
use crate::image::{Channel, Image, Quality, Snapshot};

const NAMES: [&str; 6] =
    ["ess0/current_a", "ess0/voltage_v", "ess0/temperature_degc", "ess0/soc", "ess0/sigma", "ess0/valid"];
const CURRENT: usize = 0;
const VOLTAGE: usize = 1;
const TEMPERATURE: usize = 2;
const SOC: usize = 3;
const SIGMA: usize = 4;
const VALID: usize = 5;
const SERIES: u32 = 10;
const PARALLEL: u32 = 2;

/// A battery of 10 x 2 cells in a cycle that is stepped by hand.
struct Bench {
    image: Arc<Image>,
    cycle: Cycle,
    board: Arc<MemoryBoard>,
    now_ns: i64,
}

fn spec(start: Start) -> LiveSpec {
    let name = |number: usize| NAMES[number].to_owned();
    LiveSpec {
        current: name(CURRENT),
        voltage: name(VOLTAGE),
        temperatures: vec![name(TEMPERATURE)],
        assumed_degc: None,
        pack: Pack { series: SERIES, parallel: PARALLEL },
        start,
        soc: name(SOC),
        sigma: name(SIGMA),
        valid: name(VALID),
    }
}

fn configuration() -> Configuration {
    Configuration {
        period_s: 0.1,
        sources: vec![],
        actuators: vec![],
        guards: vec![],
        clusters: vec![],
        propose_share: 0.5,
    }
}

impl Bench {
    fn new(start: Start) -> Self {
        let fresh = |name| Channel { stale_after_s: 5.0, ..Channel::new(name) };
        let image = Image::new(NAMES.map(fresh).to_vec(), 16).unwrap();
        let model = Arc::new(CellModel::new(&cell(0.0)).unwrap());
        let (estimator, board) = LiveEstimator::build(&image, model, &spec(start)).unwrap();
        let cycle = Cycle::new(Arc::clone(&image), Arc::new(Clock::simulated(0)), configuration()).unwrap();
        cycle.attach_estimator(estimator).unwrap();
        Self { image, cycle, board, now_ns: 0 }
    }

    fn publish(&self, handle: usize, value: f64) {
        self.publish_at(handle, value, self.now_ns);
    }

    fn publish_at(&self, handle: usize, value: f64, time_ns: i64) {
        self.image.publish(handle, value, time_ns, Quality::Good).unwrap();
    }

    /// One cell's readings as those of the battery.
    fn feel(&self, amps: f64, volts: f64) {
        self.publish(CURRENT, amps * f64::from(PARALLEL));
        self.publish(VOLTAGE, volts * f64::from(SERIES));
        self.publish(TEMPERATURE, 25.0);
    }

    fn turn(&mut self, dt_s: f64) -> (f64, f64, f64) {
        let snapshot = self.cycle.begin(self.now_ns).unwrap();
        self.cycle.finish().unwrap();
        self.now_ns += (dt_s * SECOND_NS as f64) as i64;
        seen(&snapshot)
    }

    fn follow(&mut self, truth: &[(f64, f64, f64)]) -> (f64, f64, f64) {
        let mut last = (f64::NAN, f64::NAN, 0.0);
        for (amps, volts, _) in truth {
            self.feel(*amps, *volts);
            last = self.turn(1.0);
        }
        last
    }
}

fn seen(snapshot: &Snapshot) -> (f64, f64, f64) {
    let reader = snapshot.reader().unwrap();
    (reader.value(SOC), reader.value(SIGMA), reader.value(VALID))
}

fn from(soc_pct: f64) -> Start {
    Start::Soc { soc_pct, sigma_pct: 20.0 }
}

#[test]
fn the_snapshot_holds_what_was_estimated_from_it() {
    let mut bench = Bench::new(from(40.0));
    let (soc, _, valid) = bench.turn(0.1);
    assert!(soc.is_nan() && valid == 0.0, "nothing was ever measured");
    let truth = drive(0.6, 1800);
    let (soc, sigma, valid) = bench.follow(&truth);
    let error = soc - 100.0 * truth.last().unwrap().2;
    assert!(error.abs() < 1.5 && sigma < 3.0 && valid == 1.0, "off by {error}, sigma {sigma}, {valid}");
}

#[test]
fn it_equals_the_batch_however_often_the_cycle_turns() {
    let truth = drive(0.6, 300);
    let model = Arc::new(CellModel::new(&cell(0.0)).unwrap());
    let mut batch = Estimator::new(model, Pack { series: 1, parallel: 1 }, from(40.0)).unwrap();
    let mut bench = Bench::new(from(40.0));
    for (number, (amps, volts, _)) in truth.iter().enumerate() {
        let dt_s = if number == 0 { 0.0 } else { 1.0 };
        let expected = batch.step(&Sample { current_a: *amps, voltage_v: *volts, temperature_degc: 25.0, dt_s });
        bench.feel(*amps, *volts);
        for _ in 0..10 {
            let (soc, sigma, _) = bench.turn(0.1);
            assert!((soc - expected.soc_pct).abs() < 1e-6, "{number}: {soc} is not {}", expected.soc_pct);
            assert!(sigma >= expected.sigma_pct - 1e-6);
        }
    }
}

#[test]
fn currents_and_voltages_of_different_pace_and_time_give_the_same() {
    let truth = drive(0.6, 1800);
    let mut together = Bench::new(from(40.0));
    let (expected, _, _) = together.follow(&truth);
    let mut apart = Bench::new(from(40.0));
    let mut last = f64::NAN;
    for (second, (amps, volts, _)) in truth.iter().enumerate() {
        apart.publish(TEMPERATURE, 25.0);
        apart.publish(CURRENT, amps * f64::from(PARALLEL));
        if second % 3 == 0 {
            // Measured 200 ms ago, between two currents.
            let before = truth[second.saturating_sub(1)].1;
            let then_ns = apart.now_ns - SECOND_NS / 5;
            apart.publish_at(VOLTAGE, (0.8 * volts + 0.2 * before) * f64::from(SERIES), then_ns);
        }
        last = apart.turn(1.0).0;
    }
    assert!((last - expected).abs() < 0.5, "{last} is not {expected}");
    assert!((last - 100.0 * truth.last().unwrap().2).abs() < 1.5);
}

#[test]
fn without_voltage_charge_is_counted_on_and_sigma_grows() {
    let truth = drive(0.6, 3600);
    let mut bench = Bench::new(from(60.0));
    let (_, before, _) = bench.follow(&truth[..1800]);
    let mut last = (0.0, 0.0, 1.0);
    for (second, (amps, _, _)) in truth[1800..].iter().enumerate() {
        bench.publish(CURRENT, amps * f64::from(PARALLEL));
        bench.publish(TEMPERATURE, 25.0);
        last = bench.turn(1.0);
        assert_eq!(last.2, f64::from(u8::from(second < 600)), "after {second} s");
    }
    assert!((last.0 - 100.0 * truth.last().unwrap().2).abs() < 2.0, "{}", last.0);
    assert!(last.1 > before, "{} is not above {before}", last.1);
}

#[test]
fn without_current_it_stands_and_ends_soon() {
    let mut bench = Bench::new(from(60.0));
    let (soc, before, _) = bench.follow(&drive(0.6, 1800));
    let standing: Vec<_> = (0..100)
        .map(|_| {
            bench.publish(VOLTAGE, 34.0);
            bench.publish(CURRENT, f64::NAN);
            bench.publish(TEMPERATURE, 25.0);
            bench.turn(1.0)
        })
        .collect();
    assert!(standing.iter().all(|(held, _, _)| (held - soc).abs() < 0.2), "{soc}: {standing:?}");
    assert_eq!(standing.iter().filter(|(_, _, valid)| *valid == 1.0).count(), 30);
    assert!(standing.windows(2).all(|pair| pair[1].1 >= pair[0].1) && standing[99].1 > before);
}

#[test]
fn a_stuck_voltage_ends_like_a_missing_one() {
    let truth = drive(0.6, 1800);
    let mut bench = Bench::new(from(60.0));
    bench.follow(&truth[..600]);
    let stuck: Vec<_> = truth[600..].iter().map(|(amps, _, _)| (*amps, 3.4321, 0.0)).collect();
    let (soc, _, valid) = bench.follow(&stuck);
    assert_eq!(valid, 0.0);
    assert!((soc - 100.0 * truth.last().unwrap().2).abs() < 3.0, "{soc}");
}

#[test]
fn old_and_repeated_samples_move_nothing() {
    let mut bench = Bench::new(from(60.0));
    let (soc, _, _) = bench.follow(&drive(0.6, 600));
    for _ in 0..20 {
        bench.publish_at(CURRENT, 30.0, bench.now_ns - 10 * SECOND_NS);
        assert!((bench.turn(0.05).0 - soc).abs() < 1e-9);
    }
}

#[test]
fn a_restart_goes_on_from_what_was_known_less_surely() {
    let truth = drive(0.6, 5400);
    let mut bench = Bench::new(from(40.0));
    let (_, sigma, _) = bench.follow(&truth[..3600]);
    let (at_ns, memory) = bench.board.read().unwrap();
    assert_eq!(at_ns, bench.now_ns - SECOND_NS);
    let mut again = Bench::new(Start::Remembered { memory, away_s: 1800.0 });
    let (_, first, _) = again.follow(&truth[5398..5399]);
    assert!(first > sigma && first < 10.0, "{sigma} before, {first} after");
    let mut far = Bench::new(Start::Remembered { memory, away_s: 1e7 });
    let (soc, sigma, _) = far.follow(&drive(0.2, 3600));
    assert!((soc - 100.0 * drive(0.2, 3600).last().unwrap().2).abs() < 3.0 * sigma.max(0.5), "{soc} +- {sigma}");
}

#[test]
fn a_memory_that_cannot_be_is_refused() {
    let good = Memory {
        soc_pct: 50.0,
        soc_sigma_pct: 2.0,
        offset_a: 0.0,
        offset_sigma_a: 0.01,
        scale: 0.0,
        scale_sigma: 0.03,
    };
    let model = Arc::new(CellModel::new(&cell(0.0)).unwrap());
    let one = Pack { series: 1, parallel: 1 };
    let begin = |memory, away_s| Estimator::new(Arc::clone(&model), one, Start::Remembered { memory, away_s });
    assert!(begin(good, 0.0).is_ok());
    for bad in [
        Memory { soc_pct: 101.0, ..good },
        Memory { soc_sigma_pct: 0.0, ..good },
        Memory { offset_a: f64::NAN, ..good },
        Memory { scale: 2.0, ..good },
    ] {
        assert!(begin(bad, 0.0).is_err(), "{bad:?}");
    }
    assert!(begin(good, -1.0).is_err() && begin(good, f64::INFINITY).is_err());
}

#[test]
fn what_it_needs_must_be_there() {
    let image = Image::new(NAMES.map(Channel::new).to_vec(), 4).unwrap();
    let model = Arc::new(CellModel::new(&cell(0.0)).unwrap());
    let build = |spec: &LiveSpec| LiveEstimator::build(&image, Arc::clone(&model), spec).map(|_| ());
    let bare = LiveSpec { temperatures: vec![], ..spec(from(50.0)) };
    assert!(build(&bare).unwrap_err().to_string().contains("temperature"));
    assert!(build(&LiveSpec { assumed_degc: Some(20.0), ..bare }).is_ok());
    assert!(build(&LiveSpec { voltage: "ess0/nothing".to_owned(), ..spec(from(50.0)) }).is_err());
}
