//! What could be wrong with guards.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::arbitrate::{Range, Row, arbitrate};
use crate::blocks::DelayBounds;
use crate::image::{Channel, Image, Latcher, Quality};

const CHANNELS: [&str; 9] = [
    "grid0/p",
    "ess0/p",
    "ess1/p",
    "ess0/soc",
    "ess0/charge",
    "ess0/discharge",
    "ess1/charge",
    "ess1/discharge",
    "site/stop",
];
const GRID: usize = 0;
const ESS0: usize = 1;
const ESS1: usize = 2;
const SOC: usize = 3;
const STOP: usize = 8;

fn specs() -> Vec<GuardSpec> {
    let device = |ess: &str| GuardSpec::DeviceLimits {
        actuator: format!("{ess}/p"),
        charge_limit: format!("{ess}/charge"),
        discharge_limit: format!("{ess}/discharge"),
    };
    vec![
        GuardSpec::Stop { actuator: "ess0/p".into(), channel: "site/stop".into() },
        device("ess0"),
        device("ess1"),
        GuardSpec::Soc {
            actuator: "ess0/p".into(),
            soc: "ess0/soc".into(),
            estimate: None,
            minimum_pct: 10.0,
            maximum_pct: 90.0,
        },
        GuardSpec::Grid {
            actuators: vec!["ess0/p".into(), "ess1/p".into()],
            grid: "grid0/p".into(),
            measured: vec!["ess0/p".into(), "ess1/p".into()],
            gains: vec![],
            import_limit_w: 50.0,
            export_limit_w: 20.0,
            delays: DelayBounds::DEFAULT,
        },
    ]
}

struct Rig {
    image: Arc<Image>,
    guards: Guards,
}

impl Rig {
    fn new(ramp_per_s: Option<f64>) -> Self {
        let image = Image::new(CHANNELS.iter().map(|address| Channel::new(*address)).collect(), 8).unwrap();
        let rated = Rated::storage(-100.0, 100.0, ramp_per_s);
        let actuators = ["ess0/p".to_owned(), "ess1/p".to_owned()];
        let guards = Guards::resolve(&specs(), &image, &actuators, vec![rated; 2]).unwrap();
        let mut rig = Self { image, guards };
        rig.set(&[0.0, 0.0, 0.0, 50.0, 60.0, 60.0, 60.0, 60.0, 0.0], 0);
        rig
    }

    fn set(&mut self, values: &[f64], time_ns: i64) {
        for (handle, value) in values.iter().enumerate() {
            self.image.publish(handle, *value, time_ns, Quality::Good).unwrap();
        }
    }

    fn apply(&mut self, requests: [Outcome; 2], previous: [f64; 2]) -> [Outcome; 2] {
        let mut latcher = Latcher::claim(&self.image).unwrap();
        latcher.latch(1_000, true).unwrap();
        let mut outcomes = requests;
        self.guards.apply(&latcher.reader().unwrap(), &mut outcomes, &previous, 1.0);
        outcomes
    }

    fn put(&mut self, handle: usize, value: f64) {
        self.image.publish(handle, value, 0, Quality::Good).unwrap();
    }
}

fn wanted(value: f64) -> Outcome {
    Outcome { value, source: Some(0), bound: None }
}

fn values(outcomes: [Outcome; 2]) -> [f64; 2] {
    outcomes.map(|outcome| outcome.value)
}

fn decided(changes: &[(usize, f64)], requests: [f64; 2]) -> [f64; 2] {
    let mut rig = Rig::new(None);
    changes.iter().for_each(|&(handle, value)| rig.put(handle, value));
    values(rig.apply(requests.map(wanted), [0.0; 2]))
}

#[test]
fn table_of_limits() {
    // Site without batteries: grid + ess. Sum of setpoints in [net - 50, net + 20].
    assert_eq!(decided(&[], [10.0, 5.0]), [10.0, 5.0]);
    assert_eq!(decided(&[], [15.0, 10.0]), [15.0, 5.0], "the earlier one keeps its request");
    assert_eq!(decided(&[], [30.0, 10.0]), [20.0, 0.0], "nobody charges so that another may discharge");
    assert_eq!(decided(&[(GRID, 100.0)], [0.0, 0.0]), [0.0, 50.0], "import limit forces discharge");
    assert_eq!(decided(&[(GRID, 100.0)], [-10.0, -5.0]), [0.0, 50.0], "all up to 0 before any goes beyond");
    assert_eq!(decided(&[(GRID, 500.0)], [0.0, 0.0]), [60.0, 60.0], "never beyond the device limits");
    assert_eq!(decided(&[(GRID, -200.0)], [0.0, 0.0]), [-60.0, -60.0]);
    assert_eq!(decided(&[(GRID, 500.0), (SOC, 10.0)], [0.0, 0.0]), [0.0, 60.0], "SOC before connection");
    assert_eq!(decided(&[(GRID, 500.0), (STOP, 1.0)], [5.0, 0.0]), [0.0, 60.0]);
    assert_eq!(decided(&[(GRID, 30.0), (ESS0, 20.0)], [80.0, 0.0]), [60.0, 0.0], "measured power is taken out");
}

#[test]
fn missing_data_closes() {
    assert_eq!(decided(&[(GRID, f64::NAN)], [10.0, -10.0]), [0.0, 0.0]);
    assert_eq!(decided(&[(ESS1, f64::NAN)], [10.0, -10.0]), [0.0, 0.0]);
    assert_eq!(decided(&[(SOC, f64::NAN)], [10.0, 5.0]), [0.0, 5.0]);
    assert_eq!(decided(&[(STOP, f64::NAN)], [10.0, 5.0]), [0.0, 5.0]);
    assert_eq!(decided(&[(4, f64::NAN), (7, f64::NAN)], [-10.0, 5.0]), [0.0, 0.0]);
}

#[test]
fn the_ramp_delays_wishes_but_neither_guards_nor_the_fallback() {
    let mut rig = Rig::new(Some(2.0));
    let ramped = rig.apply([wanted(15.0), wanted(0.0)], [0.0; 2]);
    assert_eq!((values(ramped), ramped[0].bound), ([2.0, 0.0], Some(Mover::Ramp)));
    assert_eq!(values(rig.apply([wanted(15.0), wanted(0.0)], [15.0, 0.0])), [15.0, 0.0]);
    let fallback = Outcome { value: 0.0, source: None, bound: None };
    assert_eq!(values(rig.apply([fallback, fallback], [15.0, -40.0])), [0.0, 0.0]);
    rig.put(SOC, 5.0);
    let blocked = rig.apply([wanted(15.0), wanted(0.0)], [15.0, 0.0]);
    assert_eq!((values(blocked), blocked[0].bound), ([0.0, 0.0], Some(Mover::Guard(3))));
    let mut rig = Rig::new(Some(2.0));
    rig.put(GRID, 100.0);
    assert_eq!(values(rig.apply([wanted(0.0); 2], [0.0; 2])), [0.0, 50.0]);
}

#[test]
fn nobody_knows_when_the_meters_sample_was_true_so_each_limit_holds_for_the_worst() {
    let mut rig = Rig::new(None);
    let decide = |rig: &mut Rig, grid: f64, ess: f64, at: i64, wish: f64| {
        rig.image.publish(GRID, grid, at, Quality::Good).unwrap();
        rig.image.publish(ESS0, ess, at, Quality::Good).unwrap();
        rig.apply([wanted(wish), wanted(0.0)], [0.0; 2])
    };
    rig.put(GRID, f64::NAN);
    assert_eq!(values(rig.apply([wanted(0.0); 2], [0.0; 2])), [0.0, 0.0]);
    // The battery went from 0 to 40 while the meter was lost: 20 on the grid may mean a site of 20..60.
    assert_eq!(values(decide(&mut rig, 20.0, 40.0, 200, 0.0)), [0.0, 10.0], "import: at most 50, if the site takes 60");
    assert_eq!(values(decide(&mut rig, 20.0, 40.0, 300, 60.0)), [40.0, 0.0], "export: at most 20, if it takes 20");
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let image = Image::new(CHANNELS.iter().map(|address| Channel::new(*address)).collect(), 8).unwrap();
    let resolve = |specs: &[GuardSpec], minimum| {
        let rated = Rated::storage(minimum, 100.0, None);
        Guards::resolve(specs, &image, &["ess0/p".to_owned(), "ess1/p".to_owned()], vec![rated; 2]).map(|_| ())
    };
    assert!(resolve(&specs(), -100.0).is_ok());
    assert!(resolve(&specs(), 5.0).is_err(), "an actuator that cannot stand at 0 cannot be stopped");
    let twice = [specs(), specs()].concat();
    assert!(resolve(&twice, -100.0).unwrap_err().to_string().contains("already stands in a grid guard"));
    let missing = [GuardSpec::Stop { actuator: "ess0/p".into(), channel: "no/where".into() }];
    assert!(resolve(&missing, -100.0).unwrap_err().to_string().contains("no/where"));
    let stranger = [GuardSpec::Stop { actuator: "no/actuator".into(), channel: "site/stop".into() }];
    assert!(resolve(&stranger, -100.0).is_err());
}

/// The guards once more, written from their definition: what is wrong with these setpoints?
fn broken(data: &[f64], setpoints: [f64; 2]) -> Option<&'static str> {
    let known = |value: f64| !value.is_nan();
    let limit = |value: f64| {
        if known(value) && value > 0.0 { value } else { 0.0 }
    };
    let mut ranges = [(-100.0_f64, 100.0_f64); 2];
    for (range, (charge, discharge)) in ranges.iter_mut().zip([(data[4], data[5]), (data[6], data[7])]) {
        *range = (range.0.max(-limit(charge)), range.1.min(limit(discharge)));
    }
    if !known(data[SOC]) || data[SOC] <= 10.0 {
        ranges[0].1 = 0.0;
    }
    if !known(data[SOC]) || data[SOC] >= 90.0 {
        ranges[0].0 = 0.0;
    }
    if data[STOP] != 0.0 {
        ranges[0] = (0.0, 0.0);
    }
    for (setpoint, range) in setpoints.iter().zip(ranges) {
        if !(range.0..=range.1).contains(setpoint) {
            return Some("protection");
        }
    }
    if data[..3].iter().any(|power| power.abs() > 1e300) {
        return None; // the sum of such numbers depends on their order
    }
    let net = data[GRID] + data[ESS0] + data[ESS1];
    if !net.is_finite() {
        return (setpoints != [0.0, 0.0]).then_some("a blind connection");
    }
    let (sum, slack) = (setpoints[0] + setpoints[1], 1e-9 * net.abs().max(1000.0));
    let too_much_import = net - sum > 50.0 + slack && sum < ranges[0].1 + ranges[1].1 - slack;
    let too_much_export = net - sum < -20.0 - slack && sum > ranges[0].0 + ranges[1].0 + slack;
    if too_much_import {
        return Some("import with room left");
    }
    too_much_export.then_some("export with room left")
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -200.0..200.0_f64, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(1e308), 1 => Just(-1e308)]
}

fn row() -> impl Strategy<Value = Row> {
    let finite = || prop_oneof![8 => -200.0..200.0_f64, 1 => Just(1e308), 1 => Just(-1e308)];
    (proptest::option::of(finite()), finite(), finite(), finite()).prop_map(|(preferred, a, b, offset)| Row {
        preferred,
        lower: a.min(b),
        upper: a.max(b),
        offset,
        ..Row::NONE
    })
}

fn arbitrated(rows: &[Row]) -> Outcome {
    arbitrate(&Range::whole(Limits::rating(-100.0, 100.0), 0.0), rows.iter().enumerate())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn never_outside_a_guard(
        data in proptest::collection::vec(number(), 9),
        wishes in proptest::array::uniform2(proptest::collection::vec(row(), 0..4)),
        previous in proptest::array::uniform2(-100.0..100.0_f64),
        ramp in proptest::option::of(0.1..50.0_f64),
    ) {
        let mut rig = Rig::new(ramp);
        rig.set(&data, 0);
        let setpoints = values(rig.apply(wishes.map(|rows| arbitrated(&rows)), previous));
        prop_assert_eq!(broken(&data, setpoints), None, "{:?}", setpoints);
    }
}
