//! A small site that runs everything the cycle can run; shared by the proofs of its quietness.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::sync::Arc;

use simems_core::blocks::DelayBounds;
use simems_core::clock::Clock;
use simems_core::cycle::{Actuator, CYCLE_CHANNELS, Configuration, Cycle, Proposal, Source};
use simems_core::guard::GuardSpec;
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

/// Two devices, the channels that the cycle itself writes, and all of its statistics.
pub fn image() -> Arc<Image> {
    let addresses = ["grid0/p", "ess0/p", "ess0/soc", "ess0/p_setpoint", "ess0/p_reason"];
    let statistics = CYCLE_CHANNELS.map(|(address, _)| address);
    Image::shared(addresses.iter().chain(&statistics).copied().map(Channel::new).collect(), 16).unwrap()
}

/// A cycle of 2 ms with guards of both kinds.
pub fn configuration() -> Configuration {
    let text = str::to_owned;
    Configuration {
        period_s: 0.002,
        sources: vec![Source::new(text("self0"), 3, 3).unwrap()],
        actuators: vec![Actuator {
            address: text("ess0/p"),
            minimum: -100.0,
            maximum: 100.0,
            fallback: 0.0,
            ramp_per_s: Some(10.0),
        }],
        guards: vec![
            GuardSpec::Soc { actuator: text("ess0/p"), soc: text("ess0/soc"), minimum_pct: 5.0, maximum_pct: 95.0 },
            GuardSpec::Grid {
                actuators: vec![text("ess0/p")],
                grid: text("grid0/p"),
                measured: vec![text("ess0/p")],
                import_limit_w: 50.0,
                export_limit_w: 50.0,
                delays: DelayBounds::DEFAULT,
            },
        ],
        propose_share: 0.5,
    }
}

/// A fault that is raised and goes by itself again and again.
pub fn states() -> StateSpec {
    let cause = Cause::Compare { channel: "ess0/soc".to_owned(), relation: Relation::Above, limit: 55.0 };
    StateSpec {
        inputs: vec!["grid0/p".to_owned()],
        actuators: vec!["ess0/p".to_owned()],
        source_modes: vec![Some("SELF_CONSUMPTION".to_owned())],
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
    for handle in 0..3 {
        let soc = if handle == 2 && number % 2 == 0 { 60.0 } else { 50.0 };
        image.publish(handle, soc, time_ns, Quality::Good).unwrap();
    }
    let row = Proposal { preferred: Some(40.0), lower: Some(-50.0), offset: Some(1.0), ..Proposal::default() };
    cycle.shared().propose(0, number.cast_signed(), &[row]).unwrap();
    number.cast_signed()
}
