//! A small site that runs everything the cycle can run; shared by the proofs of its quietness.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::sync::Arc;

use simems_core::blocks::DelayBounds;
use simems_core::clock::Clock;
use simems_core::cycle::{Actuator, CYCLE_CHANNELS, ClusterSpec, Configuration, Cycle, Proposal, Shares, Source};
use simems_core::estimate::{Cell, CellModel, Elements, Limits, LiveEstimator, LiveSpec, Noise, Ocv, Pack, Start};
use simems_core::guard::{Apparent, GuardSpec, Role};
use simems_core::image::{Channel, Image, Quality};
use simems_core::record::Recorder;
use simems_core::states::{Cause, FaultSpec, Reaction, Relation, StateSpec, States};

/// The cycle with everything attached, not started.
pub struct Site {
    pub image: Arc<Image>,
    pub cycle: Cycle,
    pub states: Arc<States>,
    pub recorder: Arc<Recorder>,
}

impl Site {
    pub fn new() -> Self {
        let image = image();
        let cycle = Cycle::new(Arc::clone(&image), Arc::new(Clock::Monotonic), configuration()).unwrap();
        let (states, machine) = States::build(&image, states()).unwrap();
        cycle.attach_states(machine).unwrap();
        cycle.attach_estimator(estimator(&image)).unwrap();
        let recorder = Recorder::new(Arc::clone(&image), vec![0, 1, 2], 0.01, 16).unwrap();
        cycle.attach(Arc::clone(&recorder)).unwrap();
        cycle.watch(&[0, 1, 2]).unwrap();
        Self { image, cycle, states, recorder }
    }

    /// Cycles, each with its proposal, until one at or after `number` was latched.
    pub fn run_to(&self, number: i64) {
        let mut after = 0;
        while after < number {
            after = one_turn(&self.cycle, &self.image, after);
        }
    }
}

/// What the battery's estimator reads, and what it writes.
const MEASURED: [&str; 3] = ["ess0/current", "ess0/voltage", "ess0/temperature"];
const ESTIMATED: [&str; 3] = ["ess0/soc_est", "ess0/soc_sigma", "ess0/soc_valid"];

fn estimator(image: &Arc<Image>) -> LiveEstimator {
    let one = |value: f64| vec![value];
    let cell = Cell {
        capacity_ah: 2.0,
        ocv: Ocv {
            soc_pct: vec![0.0, 100.0],
            ocv_v: vec![3.0, 4.0],
            hysteresis_v: vec![],
            hysteresis_rate: 30.0,
            hysteresis_shares: vec![],
        },
        elements: Elements {
            soc_pct: one(50.0),
            temperature_degc: one(25.0),
            r0_ohm: one(0.03),
            r0_bend_a: one(1e6),
            r1_ohm: one(0.01),
            c1_f: one(2000.0),
            r2_ohm: one(0.01),
            c2_f: one(6e4),
            lag_share: vec![],
            lag_time_s: vec![],
        },
        noise: Noise {
            voltage_v: 0.005,
            current_offset_a: 0.01,
            current_scale: 0.03,
            model_v: 0.002,
            model_share: 0.05,
            model_time_s: 600.0,
        },
        limits: Limits {
            minimum_voltage_v: 2.0,
            maximum_voltage_v: 5.0,
            maximum_current_a: 40.0,
            longest_step_s: 120.0,
        },
    };
    let [current, voltage, temperature] = MEASURED.map(str::to_owned);
    let [soc, sigma, valid] = ESTIMATED.map(str::to_owned);
    let spec = LiveSpec {
        current,
        voltage,
        temperatures: vec![temperature],
        assumed_degc: None,
        pack: Pack { series: 1, parallel: 1 },
        start: Start::FromVoltage,
        soc,
        sigma,
        valid,
    };
    LiveEstimator::build(image, Arc::new(CellModel::new(&cell).unwrap()), &spec).unwrap().0
}

/// Devices, the channels that the cycle itself writes, and all of its statistics.
pub fn image() -> Arc<Image> {
    let mut addresses = vec!["grid0/p", "ess0/p", "ess0/soc", "pv0/p", "ev0/p", "ess0/p_setpoint", "ess0/p_reason"];
    addresses.extend(ACTUATORS[1..].iter().chain(&MEASURED).chain(&ESTIMATED));
    let statistics = CYCLE_CHANNELS.map(|(address, _)| address);
    Image::shared(addresses.iter().chain(&statistics).copied().map(Channel::new).collect(), 16).unwrap()
}

/// What is set; the last is the sum of a cluster.
pub const ACTUATORS: [&str; 6] = ["ess0/p", "pv0/limit", "ev0/limit", "ev1/limit", "ess0/q", "cars/limit"];

fn limit(address: &str, role: Role, maximum: f64, minimum_on: f64) -> Actuator {
    let address = address.to_owned();
    Actuator { address, maximum, fallback: maximum, role, minimum_on, dwell_s: 0.1, ..Actuator::default() }
}

/// A cycle of 2 ms with a cluster and guards of all kinds.
pub fn configuration() -> Configuration {
    let text = str::to_owned;
    let cars = vec![text("ev0/limit"), text("ev1/limit")];
    let reactive = Actuator { minimum: -80.0, fallback: 80.0, ..limit("ess0/q", Role::Reactive, 80.0, 0.0) };
    Configuration {
        period_s: 0.002,
        sources: vec![Source::new(text("self0"), 3, 3).unwrap()],
        actuators: vec![
            Actuator {
                address: text("ess0/p"),
                minimum: -100.0,
                maximum: 100.0,
                fallback: 0.0,
                ramp_per_s: Some(10.0),
                ..Actuator::default()
            },
            limit("pv0/limit", Role::Generation, 60.0, 0.0),
            limit("ev0/limit", Role::Load, 32.0, 6.0),
            limit("ev1/limit", Role::Load, 32.0, 6.0),
            reactive,
            Actuator { fallback: 0.0, ..limit("cars/limit", Role::Group, 64.0, 0.0) },
        ],
        guards: vec![
            GuardSpec::Soc {
                actuator: text("ess0/p"),
                soc: text("ess0/soc"),
                estimate: Some(ESTIMATED.map(text)),
                minimum_pct: 5.0,
                maximum_pct: 95.0,
            },
            GuardSpec::Grid {
                actuators: ACTUATORS[..4].iter().map(|address| text(address)).collect(),
                grid: text("grid0/p"),
                measured: ["ess0/p", "pv0/p", "ev0/p", "ev0/p"].map(text).to_vec(),
                gains: vec![1.0, 1.0, -1.0, -1.0],
                import_limit_w: 50.0,
                export_limit_w: 50.0,
                delays: DelayBounds::DEFAULT,
            },
            GuardSpec::Cap { name: text("cars"), actuators: cars.clone(), lower: 0.0, upper: 9.0 },
            GuardSpec::Circle {
                active: text("ess0/p"),
                reactive: text("ess0/q"),
                apparent: Apparent::Rating(90.0),
                reactive_first: true,
            },
        ],
        clusters: vec![ClusterSpec {
            name: text("cars"),
            target: text("cars/limit"),
            members: cars,
            shares: Shares::Fixed(vec![1.0, 2.0]),
        }],
        propose_share: 0.5,
    }
}

/// A fault that is raised and goes by itself again and again.
pub fn states() -> StateSpec {
    let cause = Cause::Compare { channel: "ess0/soc".to_owned(), relation: Relation::Above, limit: 55.0 };
    StateSpec {
        inputs: vec!["grid0/p".to_owned()],
        actuators: ACTUATORS.map(str::to_owned).to_vec(),
        source_modes: vec![Some("SELF_CONSUMPTION".to_owned())],
        always: vec![],
        labels: std::collections::BTreeMap::new(),
        faults: vec![FaultSpec {
            id: "full:ess0".to_owned(),
            cause,
            delay_s: 0.0,
            gone_s: 0.0,
            hold_s: 0.0,
            latch: false,
            reaction: Reaction::ZeroPower,
            actuators: vec![0],
        }],
        autostart: true,
    }
}

/// The next cycle's controller: publishes inputs and proposes; gives the cycle's number.
pub fn one_turn(cycle: &Cycle, image: &Image, after: i64) -> i64 {
    let snapshot = cycle.shared().wait(after, 5_000_000_000).expect("a cycle within 5 s");
    let (number, time_ns) = snapshot.reader().map(|reader| (reader.cycle(), reader.time_ns())).unwrap();
    for handle in 0..5 {
        let soc = if handle == 2 && number % 2 == 0 { 60.0 } else { 50.0 };
        image.publish(handle, soc, time_ns, Quality::Good).unwrap();
    }
    let row = Proposal { preferred: Some(40.0), lower: Some(-50.0), offset: Some(1.0), ..Proposal::default() };
    measure(image, number, time_ns);
    // In turns the cluster's target has a wish, and none.
    let cars = Proposal { actuator: 5, preferred: (number % 3 != 0).then_some(20.0), ..Proposal::default() };
    cycle.shared().propose(0, number.cast_signed(), &[row, cars]).unwrap();
    number.cast_signed()
}

// The estimator begins, wide and split, while the cycle is watched. Now and then a reading is none, and once in a while
// both come at different times.
fn measure(image: &Image, number: u64, time_ns: i64) {
    let current_a = if number % 20 < 10 { 1.0 } else { -0.5 };
    let values = if number > 30 { [current_a, 3.5 - 0.03 * current_a, 25.0] } else { [f64::NAN; 3] };
    for (place, (address, value)) in MEASURED.iter().zip(values).enumerate() {
        let value = if number % 37 == place as u64 { f64::NAN } else { value };
        let late_ns = if place == 1 && number.is_multiple_of(3) { 500_000 } else { 0 };
        image.publish(image.handle(address).unwrap(), value, time_ns - late_ns, Quality::Good).unwrap();
    }
}
