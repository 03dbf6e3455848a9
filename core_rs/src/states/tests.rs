//! What could be wrong with states, modes and faults.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::blocks::DelayBounds;
use crate::clock::Clock;
use crate::cycle::{Actuator, Configuration, Cycle, Proposal, Source};
use crate::guard::{GuardSpec, Role};
use crate::image::{Channel, Image, Quality};

const SECOND_NS: i64 = 1_000_000_000;
const UNDER: i64 = 0;
const OVER: i64 = 1;
const ESTOP: i64 = 2;
const HOT: i64 = 3;
const TOLD: i64 = 4;

#[test]
fn every_state_and_event() {
    use State::{Fault, Init, Run, Shutdown, Standby};
    let taken = [
        (Init, Event::Ready, Standby),
        (Init, Event::Trip, Fault),
        (Init, Event::Shutdown, Shutdown),
        (Standby, Event::Start, Run),
        (Standby, Event::Trip, Fault),
        (Standby, Event::Shutdown, Shutdown),
        (Run, Event::Stop, Standby),
        (Run, Event::Trip, Fault),
        (Run, Event::Shutdown, Shutdown),
        (Fault, Event::Recover, Init),
        (Fault, Event::Shutdown, Shutdown),
    ];
    for state in State::ALL {
        for event in Event::ALL {
            let expected = taken.iter().find(|row| (row.0, row.1) == (state, event)).map(|row| row.2);
            match (next(state, event), expected) {
                (Ok(after), Some(expected)) => assert_eq!(after, expected, "{state:?} {event:?}"),
                (Err(error), None) => {
                    let text = error.to_string();
                    assert!(text.contains(state.name()) && text.contains(event.name()), "{text}");
                }
                (outcome, expected) => panic!("{state:?} {event:?}: {outcome:?}, not {expected:?}"),
            }
        }
    }
    assert_eq!(Event::from_name("trip"), Ok(Event::Trip));
    assert!(Event::from_name("dance").is_err() && Mode::from_name("DANCE").is_err());
}

fn compare(channel: &str, relation: Relation, limit: f64) -> Cause {
    Cause::Compare { channel: channel.to_owned(), relation, limit }
}

fn fault(id: &str, cause: Cause, reaction: Reaction, latch: bool) -> FaultSpec {
    FaultSpec { id: id.to_owned(), cause, delay_s: 0.0, gone_s: 0.0, hold_s: 0.0, latch, reaction, actuators: vec![0] }
}

fn spec() -> StateSpec {
    let labels = ["IDLE", "FALLBACK", "MANUAL", "PEAK_SHAVING", "ISLAND"];
    let under = fault("under", compare("ess0/v", Relation::Below, 2.5), Reaction::BlockDischarge, true);
    let hot = fault("hot", compare("ess0/t", Relation::AtOrAbove, 60.0), Reaction::ZeroPower, false);
    StateSpec {
        inputs: vec!["ess0/p".to_owned()],
        actuators: vec!["ess0/p".to_owned()],
        source_modes: vec![None, Some("PEAK_SHAVING".to_owned()), Some("SELF_CONSUMPTION".to_owned())],
        always: vec![],
        labels: labels.into_iter().zip(0_u32..).map(|(name, code)| (name.to_owned(), code)).collect::<BTreeMap<_, _>>(),
        faults: vec![
            FaultSpec { delay_s: 2.0, gone_s: 3.0, ..under },
            fault("over", compare("ess0/v", Relation::Above, 4.2), Reaction::BlockCharge, true),
            fault("estop", Cause::Tripped { channel: "site/estop".to_owned() }, Reaction::Stop, true),
            FaultSpec { gone_s: 2.0, hold_s: 2.0, ..hot },
            fault("told", Cause::Told, Reaction::Stop, true),
        ],
        autostart: true,
    }
}

/// A battery whose every source asks for the same power.
struct Bench {
    cycle: Cycle,
    image: Arc<Image>,
    states: Arc<States>,
    second: i64,
}

impl Bench {
    fn new(fallback: f64, ramp_per_s: Option<f64>) -> Self {
        Self::with(spec(), fallback, ramp_per_s)
    }

    fn with(spec: StateSpec, fallback: f64, ramp_per_s: Option<f64>) -> Self {
        let names = ["ess0/p", "ess0/v", "ess0/t", "site/estop", "site/state", "ess0/charge_blocked"];
        let mut channels: Vec<Channel> = names.map(Channel::new).to_vec();
        channels.iter_mut().for_each(|channel| channel.stale_after_s = 5.0);
        let image = Image::new(channels, 4).unwrap();
        let actuator = Actuator {
            address: "ess0/p".to_owned(),
            minimum: -100.0,
            maximum: 100.0,
            fallback,
            ramp_per_s,
            ..Actuator::default()
        };
        let source = |id: &str, class| Source::new(id.to_owned(), class, 3).unwrap();
        let configuration = Configuration {
            period_s: 1.0,
            sources: vec![source("manual", 0), source("peak0", 3), source("self0", 3)],
            actuators: vec![actuator],
            guards: vec![],
            propose_share: 0.5,
            ..Configuration::default()
        };
        let cycle = Cycle::new(Arc::clone(&image), Arc::new(Clock::simulated(0)), configuration).unwrap();
        let (states, machine) = States::build(&image, spec).unwrap();
        cycle.attach_states(machine).unwrap();
        Self { cycle, image, states, second: 0 }
    }

    fn publish(&self, handle: usize, value: f64) {
        self.image.publish(handle, value, self.second * SECOND_NS, Quality::Good).unwrap();
    }

    /// One second: cell voltage, temperature, emergency stop, and what (source, power) is asked.
    fn step(&mut self, voltage_v: Option<f64>, hot_degc: f64, estop: f64, asks: &[(i64, f64)]) -> (f64, String) {
        self.second += 1;
        self.publish(0, 0.0);
        if let Some(voltage_v) = voltage_v {
            self.publish(1, voltage_v);
        }
        self.publish(2, hot_degc);
        self.publish(3, estop);
        self.cycle.begin(self.second * SECOND_NS).unwrap();
        let number = self.cycle.shared().number().cast_signed();
        for &(source, power) in asks {
            let wish = Proposal { preferred: Some(power), ..Proposal::default() };
            self.cycle.shared().propose(source, number, &[wish]).unwrap();
        }
        let decided = self.cycle.finish().unwrap()[0];
        (decided.setpoint, self.cycle.shared().reasons().text(decided.code))
    }

    fn calm(&mut self, power: f64) -> f64 {
        self.step(Some(3.3), 25.0, 0.0, &[(1, power)]).0
    }

    fn phase(&self, fault: i64) -> Phase {
        self.states.phase(fault).unwrap()
    }
}

#[test]
fn under_voltage_blocks_discharge_alone_after_its_delay_and_until_it_is_cleared() {
    let mut bench = Bench::new(0.0, Some(1000.0));
    assert_eq!(bench.calm(50.0), 50.0);
    assert_eq!(bench.states.state(), State::Run);
    assert_eq!(bench.states.control_mode(), "PEAK_SHAVING");
    let low = |bench: &mut Bench, power| bench.step(Some(2.4), 25.0, 0.0, &[(1, power)]);
    assert_eq!([low(&mut bench, 50.0).0, low(&mut bench, 50.0).0], [50.0, 50.0]);
    assert_eq!(low(&mut bench, 50.0), (0.0, "peak0; bound: fault".to_owned()), "2 s, in the same cycle");
    assert_eq!(low(&mut bench, -50.0), (-50.0, "peak0".to_owned()));
    assert_eq!(bench.states.state(), State::Run, "a direction is left");
    assert!(bench.states.clear(UNDER).unwrap_err().to_string().contains("its cause stands"));
    for _ in 0..3 {
        assert_eq!(bench.calm(50.0), 0.0);
        assert!(bench.states.clear(UNDER).is_err(), "not gone long enough");
    }
    assert_eq!(bench.calm(50.0), 0.0);
    assert_eq!(bench.phase(UNDER), Phase::Waiting);
    assert_eq!(bench.step(None, 25.0, 0.0, &[(1, 50.0)]).0, 0.0, "held: the value is 1 s old");
    bench.states.clear(UNDER).unwrap();
    assert!(bench.states.clear(UNDER).is_err(), "once");
    assert_eq!(bench.calm(50.0), 50.0);
    assert_eq!(bench.phase(UNDER), Phase::Idle);
}

#[test]
fn lost_data_neither_raise_nor_clear() {
    let mut bench = Bench::new(0.0, None);
    bench.step(Some(2.4), 25.0, 0.0, &[]);
    for _ in 0..10 {
        bench.step(None, 25.0, 0.0, &[]);
    }
    assert_eq!(bench.phase(UNDER), Phase::Active, "2.4 V was valid for 5 s");
    let mut bench = Bench::new(0.0, None);
    bench.calm(0.0);
    bench.states.raise(UNDER).unwrap();
    for _ in 0..20 {
        bench.step(None, 25.0, 0.0, &[]);
    }
    assert!(bench.states.clear(UNDER).is_err(), "nobody can see that its cause is gone");
    assert_eq!(bench.phase(UNDER), Phase::Active);
}

#[test]
fn an_emergency_stop_holds_everything_at_zero_until_released_and_cleared() {
    let mut bench = Bench::new(20.0, Some(1.0));
    bench.calm(50.0);
    for pressed in [1.0, f64::NAN] {
        let (value, reason) = bench.step(Some(3.3), 25.0, pressed, &[(0, 80.0)]);
        assert_eq!((value, reason.as_str()), (0.0, "manual; bound: fault"), "a manual wish and the ramp give way");
        assert_eq!((bench.states.state(), bench.states.control_mode()), (State::Fault, "IDLE"));
        assert!(bench.states.clear(ESTOP).is_err());
    }
    assert!(bench.states.request(Event::Start).is_err() && bench.states.request(Event::Stop).is_err());
    assert_eq!(bench.step(Some(3.3), 25.0, 0.0, &[]).0, 0.0, "nor the fallback of 20 W");
    bench.states.clear(ESTOP).unwrap();
    bench.calm(50.0);
    assert_eq!(bench.states.state(), State::Run);
}

#[test]
fn one_that_clears_itself_holds_on_for_a_while() {
    let mut bench = Bench::new(0.0, None);
    bench.calm(50.0);
    assert_eq!(bench.step(Some(3.3), 60.0, 0.0, &[(1, 50.0)]).0, 0.0);
    assert_eq!(bench.states.state(), State::Fault, "its only battery stands at zero");
    let phases: Vec<Phase> = (0..6)
        .map(|_| {
            bench.calm(50.0);
            bench.phase(HOT)
        })
        .collect();
    use Phase::{Active, Holding, Idle};
    assert_eq!(phases, [Active, Active, Holding, Holding, Idle, Idle]);
    assert_eq!(bench.calm(50.0), 50.0);
}

#[test]
fn both_directions_blocked_is_a_fault_of_the_site() {
    let mut bench = Bench::new(0.0, None);
    bench.calm(50.0);
    bench.states.raise(UNDER).unwrap();
    bench.states.raise(OVER).unwrap();
    assert_eq!(bench.calm(50.0), 0.0);
    assert_eq!(bench.states.state(), State::Fault);
}

#[test]
fn in_island_zero_power_becomes_a_call_for_shedding() {
    let mut bench = Bench::new(0.0, None);
    bench.calm(50.0);
    bench.states.set_mode(Mode::Island).unwrap();
    let (value, reason) = bench.step(Some(3.3), 60.0, 0.0, &[(0, 50.0), (1, 70.0)]);
    assert_eq!((value, reason.as_str()), (50.0, "manual"));
    assert!(bench.states.relief());
    assert_eq!(bench.states.state(), State::Run);
    assert_eq!(bench.step(Some(3.3), 60.0, 1.0, &[(0, 50.0)]).0, 0.0, "an emergency stop is one on an island too");
}

#[test]
fn relief_of_an_island_sheds_loads_and_curtails_generation_whoever_asks() {
    let names = ["ess0/p", "pv0/limit", "ev0/limit", "ess0/t"];
    let image = Image::new(names.map(Channel::new).to_vec(), 4).unwrap();
    let actuator = |place: usize, role, minimum: f64, fallback: f64| Actuator {
        address: names[place].to_owned(),
        minimum,
        maximum: 100.0,
        fallback,
        role,
        ramp_per_s: Some(1.0),
        ..Actuator::default()
    };
    let configuration = Configuration {
        period_s: 1.0,
        sources: vec![Source::new("manual".to_owned(), 0, 9).unwrap()],
        actuators: vec![
            actuator(0, Role::Storage, -100.0, 0.0),
            actuator(1, Role::Generation, 5.0, 100.0),
            actuator(2, Role::Load, 0.0, 10.0),
        ],
        propose_share: 0.5,
        ..Configuration::default()
    };
    let cycle = Cycle::new(Arc::clone(&image), Arc::new(Clock::simulated(0)), configuration).unwrap();
    let hot = fault("hot", compare("ess0/t", Relation::AtOrAbove, 60.0), Reaction::ZeroPower, false);
    let spec = StateSpec {
        inputs: vec![],
        actuators: names[..3].iter().map(|name| (*name).to_owned()).collect(),
        source_modes: vec![None],
        faults: vec![FaultSpec { hold_s: 0.0, ..hot }],
        ..spec()
    };
    let (states, machine) = States::build(&image, spec).unwrap();
    cycle.attach_states(machine).unwrap();
    let step = |second: i64, hot_degc: f64| {
        image.publish(3, hot_degc, second * SECOND_NS, Quality::Good).unwrap();
        cycle.begin(second * SECOND_NS).unwrap();
        let wishes = [(0, 1.0), (2, 11.0)].map(|(actuator, power)| Proposal {
            actuator,
            preferred: Some(power),
            ..Proposal::default()
        });
        cycle.shared().propose(0, second, &wishes).unwrap();
        let text = |decided: &crate::cycle::Decided| (decided.setpoint, cycle.shared().reasons().text(decided.code));
        cycle.finish().unwrap().iter().map(text).collect::<Vec<_>>()
    };
    let said = |value: f64, reason: &str| (value, reason.to_owned());
    states.set_mode(Mode::Island).unwrap();
    assert_eq!(step(1, 20.0), [said(1.0, "manual"), said(100.0, "fallback"), said(11.0, "manual")]);
    let relieved = [said(1.0, "manual"), said(5.0, "fallback; bound: fault"), said(0.0, "manual; bound: fault")];
    assert_eq!(step(2, 70.0), relieved, "at once, whatever the ramp");
    assert!(states.relief() && states.state() == State::Run);
    states.set_mode(Mode::Auto).unwrap();
    let on_the_grid = step(3, 70.0);
    assert_eq!(states.state(), State::Fault, "no storage is left to control by");
    assert_eq!([0, 1, 2].map(|place| on_the_grid[place].0), [0.0, 5.0, 0.0], "all stand as near to 0 as they can");
}

#[test]
fn a_mode_hears_its_own_sources_and_the_person() {
    let mut bench = Bench::new(0.0, None);
    bench.step(Some(3.3), 25.0, 0.0, &[(1, 10.0), (2, 20.0)]);
    bench.states.set_mode(Mode::SelfConsumption).unwrap();
    assert_eq!(bench.step(Some(3.3), 25.0, 0.0, &[(1, 10.0), (2, 20.0)]).1, "self0");
    assert_eq!(bench.step(Some(3.3), 25.0, 0.0, &[(0, 5.0), (2, 20.0)]).1, "manual");
    assert!(bench.states.set_mode(Mode::Droop).is_err(), "nobody has it");
    assert_eq!(bench.states.mode(), Mode::SelfConsumption);
    bench.states.set_mode(Mode::Auto).unwrap();
    assert_eq!(bench.step(Some(3.3), 25.0, 0.0, &[(1, 10.0), (2, 20.0), (0, 1.0)]).1, "manual");
}

#[test]
fn a_clear_is_void_when_the_cause_is_back_in_the_same_cycle() {
    let mut bench = Bench::new(0.0, None);
    bench.calm(50.0);
    bench.step(Some(3.3), 25.0, 1.0, &[(1, 50.0)]);
    bench.step(Some(3.3), 25.0, 0.0, &[(1, 50.0)]);
    bench.states.clear(2).unwrap();
    assert_eq!(bench.step(Some(3.3), 25.0, 1.0, &[(1, 50.0)]).0, 0.0, "pressed again as it was cleared");
    assert_eq!(bench.states.phase(2).unwrap(), Phase::Active);
}

#[test]
fn what_keeps_safe_is_heard_in_every_mode() {
    let mut bench = Bench::with(StateSpec { always: vec![1], ..spec() }, 0.0, None);
    bench.states.set_mode(Mode::SelfConsumption).unwrap();
    assert_eq!(bench.step(Some(3.3), 25.0, 0.0, &[(1, 10.0), (2, 20.0)]).1, "peak0");
    assert_eq!(bench.states.control_mode(), "PEAK_SHAVING", "and shown by its own name");
}

#[test]
fn stopped_by_a_person_everything_stands_until_started() {
    let mut bench = Bench::new(30.0, None);
    bench.calm(50.0);
    bench.states.request(Event::Stop).unwrap();
    assert_eq!(bench.calm(50.0), 0.0);
    assert_eq!(bench.states.state(), State::Standby);
    bench.states.request(Event::Start).unwrap();
    assert_eq!(bench.calm(50.0), 50.0);
    bench.states.request(Event::Shutdown).unwrap();
    assert_eq!(bench.calm(50.0), 0.0);
    assert!(bench.states.request(Event::Start).unwrap_err().to_string().contains("start the edge again"));
}

#[test]
fn what_is_told_waits_for_a_clear_after_one_cycle() {
    let mut bench = Bench::new(0.0, None);
    bench.states.raise(TOLD).unwrap();
    assert!(bench.states.clear(TOLD).is_err(), "no cycle has looked yet");
    assert_eq!(bench.calm(50.0), 0.0);
    bench.states.clear(TOLD).unwrap();
    assert_eq!(bench.calm(50.0), 50.0);
}

#[test]
fn nonsense_is_refused() {
    let base = fault("x", Cause::Told, Reaction::Stop, true);
    let bad = [
        FaultSpec { latch: false, ..base.clone() },
        FaultSpec { delay_s: f64::NAN, ..base.clone() },
        FaultSpec { cause: compare("ess0/v", Relation::Below, f64::NAN), ..base.clone() },
        FaultSpec { cause: compare("nowhere/v", Relation::Below, 1.0), ..base.clone() },
        FaultSpec { actuators: vec![7], ..base.clone() },
    ];
    let image = Image::new(vec![Channel::new("ess0/p")], 4).unwrap();
    for spec_of_fault in bad {
        let spec = StateSpec { inputs: vec![], faults: vec![spec_of_fault.clone()], ..spec() };
        assert!(States::build(&image, spec).is_err(), "{spec_of_fault:?}");
    }
    let twice = StateSpec { inputs: vec![], faults: vec![base.clone(), base], ..spec() };
    assert!(States::build(&image, twice).is_err());
}

#[test]
fn what_a_blocked_battery_may_not_do_the_other_one_does() {
    let names = ["grid0/p", "ess0/p", "ess1/p", "ess0/v", "ess1/v"];
    let image = Image::new(names.map(Channel::new).to_vec(), 8).unwrap();
    let actuator = |address: &str| Actuator {
        address: address.to_owned(),
        minimum: -100.0,
        maximum: 100.0,
        fallback: 0.0,
        ramp_per_s: None,
        ..Actuator::default()
    };
    let batteries = vec!["ess0/p".to_owned(), "ess1/p".to_owned()];
    let configuration = Configuration {
        period_s: 1.0,
        sources: vec![],
        actuators: vec![actuator("ess0/p"), actuator("ess1/p")],
        guards: vec![GuardSpec::Grid {
            actuators: batteries.clone(),
            grid: "grid0/p".to_owned(),
            measured: batteries.clone(),
            gains: vec![],
            import_limit_w: 50.0,
            export_limit_w: 50.0,
            delays: DelayBounds::DEFAULT,
        }],
        propose_share: 0.5,
        ..Configuration::default()
    };
    let cycle = Cycle::new(Arc::clone(&image), Arc::new(Clock::simulated(0)), configuration).unwrap();
    let under = |number: usize| FaultSpec {
        actuators: vec![number],
        ..fault(
            &format!("under:ess{number}"),
            compare(&format!("ess{number}/v"), Relation::Below, 2.5),
            Reaction::BlockDischarge,
            true,
        )
    };
    let spec = StateSpec { actuators: batteries, source_modes: vec![], faults: vec![under(0), under(1)], ..spec() };
    let (_, machine) = States::build(&image, spec).unwrap();
    cycle.attach_states(machine).unwrap();
    let step = |second: i64, voltages: [f64; 2]| {
        for (handle, value) in [110.0, 0.0, 0.0, voltages[0], voltages[1]].into_iter().enumerate() {
            image.publish(handle, value, second * SECOND_NS, Quality::Good).unwrap();
        }
        cycle.begin(second * SECOND_NS).unwrap();
        cycle.finish().unwrap().iter().map(|decided| decided.setpoint).collect::<Vec<f64>>()
    };
    let free = step(1, [3.3, 3.3]);
    assert_eq!(free.iter().sum::<f64>(), 60.0, "import of 110 W, limit 50 W");
    assert_eq!(step(2, [2.4, 3.3]), [0.0, 60.0]);
    assert_eq!(step(3, [2.4, 2.4]), [0.0, 0.0], "cell protection stands above the connection");
}

#[derive(Clone, Debug)]
struct Second {
    voltage_v: Option<f64>,
    temperature_degc: f64,
    estop: f64,
    asks: Vec<(i64, f64)>,
    clear: Option<i64>,
}

fn any_second() -> impl Strategy<Value = Second> {
    let voltage = prop_oneof![Just(None), prop_oneof![Just(2.4), Just(3.3), Just(4.3), Just(f64::NAN)].prop_map(Some)];
    let temperature = prop_oneof![8 => Just(25.0), 1 => Just(70.0), 1 => Just(f64::NAN)];
    let estop = prop_oneof![12 => Just(0.0), 1 => Just(1.0), 1 => Just(f64::NAN)];
    let asks = proptest::collection::vec((0_i64..3, -300.0..300.0_f64), 0..4);
    let clear = proptest::option::weighted(0.3, 0_i64..5);
    (voltage, temperature, estop, asks, clear).prop_map(|(voltage_v, temperature_degc, estop, asks, clear)| Second {
        voltage_v,
        temperature_degc,
        estop,
        asks,
        clear,
    })
}

proptest! {
    #[test]
    fn no_wish_crosses_a_block_and_no_latched_fault_goes_by_itself(
        seconds in proptest::collection::vec(any_second(), 1..60), fallback in -100.0..100.0_f64,
    ) {
        let mut bench = Bench::new(fallback, Some(40.0));
        let mut latched = [false; 5];
        for second in seconds {
            if let Some(fault) = second.clear {
                let waited = bench.phase(fault) == Phase::Waiting;
                prop_assert_eq!(bench.states.clear(fault).is_ok(), waited);
                if waited {
                    latched[fault as usize] = false;
                }
            }
            let (value, _) = bench.step(second.voltage_v, second.temperature_degc, second.estop, &second.asks);
            for (fault, was) in latched.iter_mut().enumerate() {
                let raised = bench.phase(fault as i64).is_raised();
                prop_assert!(raised || !*was || fault as i64 == HOT, "fault {} went by itself", fault);
                *was = raised;
            }
            let reacts = |fault: i64| bench.phase(fault).reacts();
            if reacts(UNDER) || reacts(ESTOP) || reacts(HOT) {
                prop_assert!(value <= 0.0, "discharging {value}");
            }
            if reacts(OVER) || reacts(ESTOP) || reacts(HOT) {
                prop_assert!(value >= 0.0, "charging {value}");
            }
        }
    }
}
