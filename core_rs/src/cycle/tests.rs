//! What could be wrong with a cycle.

use super::*;
use crate::guard::GuardSpec;
use crate::image::{Channel, Quality};

const STEP_NS: i64 = 100_000_000;

fn configuration() -> Configuration {
    Configuration {
        period_s: 0.1,
        sources: vec![
            Source::new("self0".into(), 3, 3).unwrap(),
            Source::new("operator".into(), 0, 1).unwrap(),
            Source::new("peak0".into(), 3, 3).unwrap(),
        ],
        actuators: vec![Actuator {
            address: "ess0/p".into(),
            minimum: -100.0,
            maximum: 100.0,
            fallback: 0.0,
            ramp_per_s: None,
            ..Actuator::default()
        }],
        guards: vec![GuardSpec::Stop { actuator: "ess0/p".into(), channel: "site/stop".into() }],
        propose_share: 0.5,
        ..Configuration::default()
    }
}

fn image() -> Arc<Image> {
    let mut channels: Vec<Channel> =
        ["ess0/p", "site/stop", "ess0/p_setpoint", "ess0/p_reason", "cycle/count"].map(Channel::new).to_vec();
    channels.iter_mut().for_each(|channel| channel.stale_after_s = f64::INFINITY);
    let image = Image::new(channels, 8).unwrap();
    image.publish(1, 0.0, 0, Quality::Good).unwrap();
    image
}

fn cycle() -> Cycle {
    Cycle::new(image(), Arc::new(Clock::simulated(0)), configuration()).unwrap()
}

fn preferred(value: f64) -> Proposal {
    Proposal { preferred: Some(value), ..Proposal::default() }
}

fn step(cycle: &Cycle, number: i64, propose: &[(i64, f64)]) -> (f64, String) {
    cycle.begin(number * STEP_NS).unwrap();
    for &(source, value) in propose {
        assert!(cycle.shared().propose(source, number, &[preferred(value)]).unwrap());
    }
    let decided = cycle.finish().unwrap();
    (decided[0].setpoint, cycle.shared().reasons().text(decided[0].code))
}

fn said(value: f64, reason: &str) -> (f64, String) {
    (value, reason.to_owned())
}

#[test]
fn class_then_list_order_then_lifetime_then_fallback() {
    let cycle = cycle();
    assert_eq!(step(&cycle, 1, &[(2, 7.0), (0, 5.0), (1, 9.0)]), said(9.0, "operator"));
    assert_eq!(step(&cycle, 2, &[]), said(9.0, "operator"), "a lifetime of one cycle after");
    assert_eq!(step(&cycle, 3, &[]), said(5.0, "self0"));
    assert_eq!(step(&cycle, 4, &[]), said(5.0, "self0"));
    assert_eq!(step(&cycle, 5, &[]), said(0.0, "fallback"));
}

#[test]
fn what_is_late_counts_from_the_next_cycle_and_ages_from_its_own() {
    let cycle = cycle();
    assert_eq!(step(&cycle, 1, &[]), said(0.0, "fallback"));
    assert!(!cycle.shared().propose(1, 1, &[preferred(4.0)]).unwrap());
    assert_eq!(cycle.shared().statistics().late_proposals(), 1);
    assert_eq!(step(&cycle, 2, &[]), said(4.0, "operator"));
    assert_eq!(step(&cycle, 3, &[]), said(0.0, "fallback"));
}

#[test]
fn a_proposal_is_late_only_after_its_deadline() {
    let addresses = ["grid0/p", "ess0/p"];
    let image = Image::new(addresses.map(Channel::new).to_vec(), 8).unwrap();
    let configuration = Configuration {
        period_s: 0.004,
        sources: vec![Source::new("self0".to_owned(), 3, 3).unwrap()],
        actuators: vec![Actuator { address: "ess0/p".to_owned(), maximum: 1.0, ..Actuator::default() }],
        propose_share: 0.5,
        ..Configuration::default()
    };
    let cycle = Cycle::new(image, Arc::new(Clock::Monotonic), configuration).unwrap();
    cycle.start().unwrap();
    let mut after = 0;
    while after < 300 {
        let snapshot = cycle.shared().wait(after, 5_000_000_000).unwrap();
        let (number, latched_ns) =
            snapshot.reader().map(|reader| (reader.cycle().cast_signed(), reader.time_ns())).unwrap();
        let in_time = cycle.shared().propose(0, number, &[]).unwrap();
        let taken_ns = Clock::Monotonic.now_ns() - latched_ns;
        assert!(in_time || taken_ns > 1_900_000, "late after {taken_ns} ns, though the cycle waited for it");
        after = number;
    }
}

#[test]
fn refused_proposals_withdraw_what_stood() {
    let cycle = cycle();
    let bad = [
        preferred(f64::NAN),
        Proposal { offset: Some(f64::INFINITY), ..preferred(1.0) },
        Proposal { reserve_up: Some(-1.0), ..preferred(1.0) },
        Proposal { reserve_down: Some(f64::NAN), ..preferred(1.0) },
        Proposal { lower: Some(2.0), upper: Some(1.0), ..preferred(1.0) },
        Proposal { lower: Some(f64::NAN), ..preferred(1.0) },
        Proposal { actuator: 1, ..preferred(1.0) },
    ];
    for (number, proposal) in (1..).step_by(2).zip(bad) {
        assert_eq!(step(&cycle, number, &[(0, 5.0)]), said(5.0, "self0"));
        cycle.begin((number + 1) * STEP_NS).unwrap();
        assert!(cycle.shared().propose(0, number + 1, &[proposal]).is_err());
        assert_eq!(cycle.finish().unwrap()[0].setpoint, 0.0, "{proposal:?}");
    }
    assert!(cycle.shared().propose(0, 999, &[]).unwrap_err().to_string().contains("never latched"));
    assert!(cycle.shared().propose(3, 1, &[]).is_err());
}

#[test]
fn setpoint_reason_and_statistics_are_channels() {
    let cycle = cycle();
    step(&cycle, 10, &[]);
    cycle.shared().propose(0, 1, &[preferred(6.0)]).unwrap();
    cycle.begin(11 * STEP_NS).unwrap();
    let decided = cycle.finish().unwrap();
    let snapshot = cycle.begin(20 * STEP_NS).unwrap();
    let reader = snapshot.reader().unwrap();
    assert_eq!((reader.value(2), reader.value(3)), (6.0, decided[0].code as f64));
    assert_eq!(reader.value(4), 1.0);
}

#[test]
fn calls_in_the_wrong_order_are_refused() {
    let cycle = cycle();
    assert!(cycle.finish().is_err());
    cycle.begin(1).unwrap();
    assert!(cycle.begin(2).is_err());
    cycle.finish().unwrap();
    assert!(cycle.begin(1).is_err(), "time stands still");
    assert!(cycle.start().unwrap_err().to_string().contains("simulated"));
    let second = Cycle::new(Arc::clone(&cycle.shared().image), Arc::new(Clock::Monotonic), configuration());
    assert!(second.is_err(), "one cycle owns an image");
    cycle.stop();
    assert!(Cycle::new(Arc::clone(&cycle.shared().image), Arc::new(Clock::Monotonic), configuration()).is_ok());
}

#[test]
fn stepping_is_the_same_to_the_bit() {
    let run = || {
        let cycle = cycle();
        let decide = |n: i64| step(&cycle, n, &[(0, (n as f64 * 0.1).sin() * 150.0)]).0.to_bits();
        (1..500).map(decide).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn the_thread_beats_hands_out_and_stops() {
    let settings = Configuration { period_s: 0.005, ..configuration() };
    let cycle = Cycle::new(image(), Arc::new(Clock::Monotonic), settings).unwrap();
    cycle.start().unwrap();
    assert!(cycle.start().is_err() && cycle.begin(i64::MAX).is_err());
    let (mut after, mut times) = (0, Vec::new());
    while times.len() < 20 {
        let snapshot = cycle.shared().wait(after, 5_000_000_000).expect("a cycle within 5 s");
        let reader = snapshot.reader().unwrap();
        after = reader.cycle().cast_signed();
        times.push(reader.time_ns());
        cycle.shared().propose(0, after, &[preferred(3.0)]).unwrap();
    }
    assert!(times.windows(2).all(|pair| cycle.slot(pair[1]) > cycle.slot(pair[0])), "one cycle a slot");
    assert!(cycle.shared().wait_decisions(after - 1, 5_000_000_000).is_some());
    cycle.stop();
    cycle.stop();
    assert!(!cycle.running() && cycle.shared().wait(after + 1000, i64::MAX).is_none());
    assert!(cycle.shared().statistics().cycles() >= 20);
}

#[test]
fn a_scaled_clock_beats_faster() {
    let settings = Configuration { period_s: 1.0, sources: Vec::new(), ..configuration() };
    let clock = Clock::scaled(crate::clock::host_now_ns(), 0, 100.0).unwrap();
    let cycle = Cycle::new(image(), Arc::new(clock), settings).unwrap();
    cycle.start().unwrap();
    let begun = std::time::Instant::now();
    assert!(cycle.shared().wait(9, 10_000_000_000).is_some());
    assert!(begun.elapsed().as_secs_f64() < 5.0, "ten cycles of 1 s at 100 times the speed");
}
