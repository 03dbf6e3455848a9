//! Whole cycles: hostile configurations, inputs and proposals. A setpoint is a number inside its rating, always.

use std::sync::Arc;

use simems_core::blocks::DelayBounds;
use simems_core::clock::Clock;
use simems_core::cycle::{Actuator, ClusterSpec, Configuration, Cycle, Proposal, Shares, Source};
use simems_core::guard::{Apparent, GuardSpec, Other, Role};
use simems_core::image::{Channel, Image, Quality};

use super::Dice;

const STEPS: u64 = 40;
const ADDRESSES: [&str; 9] = [
    "ess0/p",
    "ess1/p",
    "both/p",
    "ess0/soc",
    "ess0/charge",
    "ess0/discharge",
    "grid0/p",
    "site/stop",
    "ess0/p_setpoint",
];
const STOP: usize = 7;
const ACTUATORS: usize = 3;
/// The members of the cluster; the third actuator is its target.
const MEMBERS: usize = 2;
const ROLES: [Role; 3] = [Role::Storage, Role::Generation, Role::Load];

pub fn run(dice: &mut Dice) -> u64 {
    let channels = ADDRESSES.iter().map(|address| Channel::new(*address)).collect();
    let image = Image::new(channels, 1 + dice.below(8)).unwrap();
    let configuration = configuration(dice);
    let ratings: Vec<(f64, f64)> = configuration.actuators.iter().map(|a| (a.minimum, a.maximum)).collect();
    let Ok(cycle) = Cycle::new(Arc::clone(&image), Arc::new(Clock::simulated(0)), configuration) else {
        return 1;
    };
    (0..STEPS).for_each(|_| step(dice, &cycle, &image, &ratings));
    STEPS
}

fn configuration(dice: &mut Dice) -> Configuration {
    let source = |dice: &mut Dice| Source::new(format!("s{}", dice.below(9)), dice.whole(4), dice.whole(5)).ok();
    let mut actuators: Vec<Actuator> = (0..ACTUATORS).map(|number| actuator(dice, ADDRESSES[number])).collect();
    let clusters = if dice.chance(2) { vec![cluster(dice)] } else { Vec::new() };
    if !clusters.is_empty() {
        let (members, target) = actuators.split_at_mut(MEMBERS);
        let target = &mut target[0];
        (target.role, target.minimum_on, target.ramp_per_s) = (Role::Group, 0.0, None);
        target.minimum = members.iter().map(|member| member.minimum).sum();
        target.maximum = members.iter().map(|member| member.maximum).sum();
    }
    Configuration {
        period_s: if dice.chance(20) { dice.number(1.0) } else { 0.1 },
        sources: dice.list(6, source).into_iter().flatten().collect(),
        actuators,
        guards: dice.list(4, guard),
        clusters,
        propose_share: if dice.chance(20) { dice.number(1.0) } else { 0.5 },
    }
}

fn actuator(dice: &mut Dice, address: &str) -> Actuator {
    let (minimum, maximum) = (-dice.positive(1e5), dice.positive(1e5));
    let fallback = if dice.chance(4) { dice.number(1e5) } else { 0.0 };
    let ramp_per_s = dice.chance(2).then(|| dice.positive(1e4));
    let role = *dice.pick(&ROLES);
    let weight = dice.chance(2).then(|| dice.positive(10.0));
    let minimum_on = if dice.chance(3) { dice.positive(1e4).min(maximum) } else { 0.0 };
    let dwell_s = if dice.chance(3) { dice.positive(10.0) } else { 0.0 };
    let address = address.to_owned();
    Actuator { address, minimum, maximum, fallback, ramp_per_s, role, weight, minimum_on, dwell_s }
}

fn cluster(dice: &mut Dice) -> ClusterSpec {
    let members: Vec<String> = ADDRESSES[..MEMBERS].iter().map(|&address| address.to_owned()).collect();
    let shares = if dice.chance(2) {
        Shares::Fixed(vec![dice.positive(5.0), dice.positive(5.0)])
    } else {
        let capacity_wh = vec![dice.positive(1e5), dice.positive(1e5)];
        let (minimum_pct, maximum_pct) = (dice.number(50.0), 50.0 + dice.positive(50.0));
        Shares::Soc { soc: vec!["ess0/soc".to_owned(); MEMBERS], capacity_wh, minimum_pct, maximum_pct }
    };
    ClusterSpec { name: "both".to_owned(), target: ADDRESSES[MEMBERS].to_owned(), members, shares }
}

fn delays(dice: &mut Dice) -> DelayBounds {
    DelayBounds { delay_max_s: dice.positive(5.0), repeat_max_s: dice.positive(5.0), settle_s: dice.positive(5.0) }
}

fn members() -> Vec<String> {
    ADDRESSES[..MEMBERS].iter().map(|&address| address.to_owned()).collect()
}

fn guard(dice: &mut Dice) -> GuardSpec {
    let text = |address: &str| address.to_owned();
    let actuator = text(ADDRESSES[dice.below(ACTUATORS)]);
    match dice.below(7) {
        0 => GuardSpec::Stop { actuator, channel: text(ADDRESSES[STOP]) },
        1 => {
            let (minimum_pct, maximum_pct) = (dice.number(100.0), dice.number(100.0));
            let estimate = dice.chance(2).then(|| ["ess0/charge", "ess0/discharge", "site/stop"].map(text));
            GuardSpec::Soc { actuator, soc: text("ess0/soc"), estimate, minimum_pct, maximum_pct }
        }
        2 => GuardSpec::DeviceLimits {
            actuator,
            charge_limit: text("ess0/charge"),
            discharge_limit: text("ess0/discharge"),
        },
        3 => GuardSpec::Cap {
            name: "both".to_owned(),
            actuators: members(),
            lower: -dice.positive(1e4),
            upper: dice.positive(1e4),
        },
        4 => GuardSpec::Circle {
            active: text(ADDRESSES[0]),
            reactive: text(ADDRESSES[1]),
            apparent: if dice.chance(2) {
                Apparent::Channel(text("ess0/charge"))
            } else {
                Apparent::Rating(dice.positive(1e5))
            },
            reactive_first: dice.chance(2),
        },
        5 => GuardSpec::Phases {
            actuators: members(),
            power: ["grid0/p", "ess0/charge", "ess0/discharge"].map(str::to_owned),
            voltage: ["ess0/soc", "ess0/soc", "ess0/charge"].map(str::to_owned),
            other: if dice.chance(2) {
                Other::Reactive(["grid0/p", "ess0/soc", "ess0/charge"].map(str::to_owned))
            } else {
                Other::Current(["grid0/p", "ess0/soc", "ess0/charge"].map(str::to_owned))
            },
            measured: members(),
            gains: if dice.chance(2) { vec![1.0, -230.0] } else { Vec::new() },
            phases: vec![vec![1, 2, 3], vec![*dice.pick(&[1, 2, 3])]],
            limit_a: dice.positive(200.0),
            delays: delays(dice),
        },
        _ => GuardSpec::Grid {
            actuators: members(),
            grid: text("grid0/p"),
            measured: members(),
            gains: if dice.chance(3) { vec![1.0, dice.number(10.0)] } else { Vec::new() },
            import_limit_w: dice.positive(1e5),
            export_limit_w: dice.positive(1e5),
            delays: delays(dice),
        },
    }
}

fn step(dice: &mut Dice, cycle: &Cycle, image: &Image, ratings: &[(f64, f64)]) {
    for handle in 0..ADDRESSES.len() {
        let quality = Quality::parse(dice.whole(3)).unwrap_or(Quality::Good);
        let _ = image.publish(handle, dice.number(1e5), dice.whole(1_000_000_000), quality);
    }
    let last_ns = cycle.shared().number().cast_signed().saturating_mul(100_000_000);
    if cycle.begin(if dice.chance(10) { dice.whole(i64::MAX) } else { last_ns + 100_000_000 }).is_err() {
        return;
    }
    for _ in 0..dice.below(5) {
        let proposals = dice.list(3, proposal);
        let _ = cycle.shared().propose(dice.whole(5), cycle_number(dice, cycle), &proposals);
    }
    let decided = cycle.finish().unwrap();
    assert_eq!(decided.len(), ratings.len());
    for (decided, (minimum, maximum)) in decided.iter().zip(ratings) {
        let slack = 1e-9 * maximum.max(-minimum);
        let inside = (minimum - slack..=maximum + slack).contains(&decided.setpoint);
        assert!(inside, "{decided:?} is outside {minimum}..{maximum}");
        assert!(!cycle.shared().reasons().text(decided.code).is_empty());
    }
}

fn proposal(dice: &mut Dice) -> Proposal {
    Proposal {
        actuator: dice.whole(2),
        preferred: dice.maybe(1e5),
        lower: dice.maybe(1e5),
        upper: dice.maybe(1e5),
        offset: dice.maybe(1e4),
        reserve_up: dice.maybe(1e4),
        reserve_down: dice.maybe(1e4),
    }
}

fn cycle_number(dice: &mut Dice, cycle: &Cycle) -> i64 {
    if dice.chance(4) { dice.whole(1000) } else { cycle.shared().number().cast_signed() }
}
