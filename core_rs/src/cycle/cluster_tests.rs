//! What could be wrong with clusters.

use super::*;
use crate::guard::{GuardSpec, Role};
use crate::image::{Channel, Quality};

const STEP_NS: i64 = 1_000_000_000;
const PERSON: i64 = 0;
const GRID: i64 = 1;
const ECONOMY: i64 = 2;
/// Actuators: the members, then the target.
const TARGET: i64 = 3;

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn actuator(address: &str, role: Role, maximum: f64) -> Actuator {
    let minimum = if role == Role::Load { 0.0 } else { -maximum };
    Actuator { address: address.to_owned(), minimum, maximum, role, ..Actuator::default() }
}

struct Bench {
    cycle: Cycle,
    image: Arc<Image>,
    second: i64,
}

impl Bench {
    fn of(members: [Actuator; 3], shares: Shares, guards: Vec<GuardSpec>) -> Self {
        let addresses: Vec<String> = members.iter().map(|member| member.address.clone()).collect();
        let mut channels: Vec<Channel> = addresses.iter().map(Channel::new).collect();
        channels.extend(["all/p", "a/soc", "b/soc", "c/soc"].map(Channel::new));
        channels.iter_mut().for_each(|channel| channel.stale_after_s = 5.0);
        let image = Image::new(channels, 4).unwrap();
        let source = |id: &str, class| Source::new(id.to_owned(), class, 1).unwrap();
        let configuration = Configuration {
            period_s: 1.0,
            sources: vec![source("person", 0), source("grid", 2), source("economy", 3)],
            actuators: members.into_iter().chain([actuator("all/p", Role::Group, 300.0)]).collect(),
            guards,
            clusters: vec![ClusterSpec { name: "all".into(), target: "all/p".into(), members: addresses, shares }],
            propose_share: 0.5,
        };
        let cycle = Cycle::new(Arc::clone(&image), Arc::new(Clock::simulated(0)), configuration).unwrap();
        Self { cycle, image, second: 0 }
    }

    fn batteries() -> Self {
        let soc = Shares::Soc {
            soc: texts(&["a/soc", "b/soc", "c/soc"]),
            capacity_wh: vec![100.0, 100.0, 200.0],
            minimum_pct: 10.0,
            maximum_pct: 90.0,
        };
        let members = ["a/p", "b/p", "c/p"].map(|address| actuator(address, Role::Storage, 50.0));
        Self::of(members, soc, vec![])
    }

    fn chargers(cap_a: f64) -> Self {
        let cap = GuardSpec::Cap {
            name: "feeder".into(),
            actuators: texts(&["a/i", "b/i", "c/i"]),
            lower: 0.0,
            upper: cap_a,
        };
        let member = |address: &str| Actuator {
            fallback: 16.0,
            minimum_on: 6.0,
            dwell_s: 10.0,
            ..actuator(address, Role::Load, 32.0)
        };
        Self::of(["a/i", "b/i", "c/i"].map(member), Shares::Fixed(vec![1.0, 1.0, 1.0]), vec![cap])
    }

    /// One second with these states of charge and wishes: (source, actuator, value).
    fn step(&mut self, soc: [f64; 3], wishes: &[(i64, i64, f64)]) -> ([f64; 4], [String; 4]) {
        self.second += 1;
        for (place, soc) in soc.iter().enumerate() {
            self.image.publish(4 + place, *soc, self.second * STEP_NS, Quality::Good).unwrap();
        }
        self.cycle.begin(self.second * STEP_NS).unwrap();
        for source in [PERSON, GRID, ECONOMY] {
            let of = |&&(by, _, _): &&(i64, i64, f64)| by == source;
            let wish = |&(_, actuator, value): &(i64, i64, f64)| Proposal {
                actuator,
                preferred: Some(value),
                ..Proposal::default()
            };
            let rows: Vec<Proposal> = wishes.iter().filter(of).map(wish).collect();
            self.cycle.shared().propose(source, self.second, &rows).unwrap();
        }
        let decided = self.cycle.finish().unwrap();
        let reason = |place: usize| self.cycle.shared().reasons().text(decided[place].code);
        ([0, 1, 2, 3].map(|place| decided[place].setpoint), [0, 1, 2, 3].map(reason))
    }
}

fn near(found: [f64; 4], expected: [f64; 4]) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn batteries_share_by_what_is_left_in_them() {
    let mut bench = Bench::batteries();
    let mut shares = |soc, power| bench.step(soc, &[(ECONOMY, TARGET, power)]).0;
    // Energy above 10 %: 20, 40 and 80 Wh.
    assert!(near(shares([30.0, 50.0, 50.0], 70.0), [10.0, 20.0, 40.0, 70.0]));
    // Room below 90 %: 60, 40 and 80 Wh.
    assert!(near(shares([30.0, 50.0, 50.0], -90.0), [-30.0, -20.0, -40.0, -90.0]));
    assert!(
        near(shares([30.0, 50.0, 50.0], 105.0), [55.0 / 3.0, 110.0 / 3.0, 50.0, 105.0]),
        "what one cannot, others do"
    );
    assert!(near(shares([10.0, 50.0, 50.0], 60.0), [0.0, 20.0, 40.0, 60.0]), "an empty one gives nothing");
    assert!(near(shares([f64::NAN, 50.0, 50.0], 60.0), [0.0, 20.0, 40.0, 60.0]), "nor does an unknown one");
    assert!(near(shares([f64::NAN; 3], 60.0), [0.0; 4]));
    assert!(near(shares([90.0; 3], 290.0), [50.0, 50.0, 50.0, 150.0]), "never beyond the members");
}

#[test]
fn members_and_cluster_stand_in_one_order() {
    let mut bench = Bench::batteries();
    let even = [50.0, 50.0, 30.0]; // 40 Wh each
    let (values, reasons) = bench.step(even, &[(ECONOMY, TARGET, 60.0), (PERSON, 0, -30.0), (GRID, 1, 40.0)]);
    assert!(near(values, [-30.0, 40.0, 50.0, 60.0]), "{values:?}");
    assert_eq!(reasons, texts(&["person", "grid", "economy; bound: rating", "economy"])[..]);
    let (values, reasons) = bench.step(even, &[(PERSON, TARGET, 60.0), (ECONOMY, 0, -30.0)]);
    assert!(near(values, [20.0, 20.0, 20.0, 60.0]), "{values:?}");
    assert_eq!(reasons[0], "person; bound: cluster:all");
    let (values, reasons) = bench.step(even, &[(ECONOMY, 0, -30.0)]);
    assert!(near(values, [-30.0, 0.0, 0.0, -30.0]), "without a wish for it, the target tells what the members bring");
    assert_eq!(reasons[3], "fallback");
}

#[test]
fn bounds_of_higher_sources_hold_for_a_share() {
    let mut bench = Bench::batteries();
    bench.second += 1;
    bench.cycle.begin(bench.second * STEP_NS).unwrap();
    let bound = Proposal { actuator: 2, upper: Some(5.0), ..Proposal::default() };
    let wish = Proposal { actuator: TARGET, preferred: Some(45.0), ..Proposal::default() };
    (0..3).for_each(|handle| bench.image.publish(4 + handle, 50.0, 0, Quality::Good).unwrap());
    bench.cycle.finish().unwrap();
    bench.second += 1;
    bench.cycle.begin(bench.second * STEP_NS).unwrap();
    bench.cycle.shared().propose(GRID, bench.second, &[bound]).unwrap();
    bench.cycle.shared().propose(ECONOMY, bench.second, &[wish]).unwrap();
    let decided = bench.cycle.finish().unwrap();
    assert_eq!(decided.iter().map(|d| d.setpoint).collect::<Vec<_>>(), [20.0, 20.0, 5.0, 45.0]);
    assert_eq!(bench.cycle.shared().reasons().text(decided[2].code), "economy; bound: grid");
}

#[test]
fn chargers_stand_at_0_or_above_6_a_and_take_turns_without_flicker() {
    let mut bench = Bench::chargers(14.0);
    let mut history: Vec<[bool; 3]> = Vec::new();
    for _ in 0..200 {
        let (values, _) = bench.step([50.0; 3], &[]);
        assert!(values[..3].iter().all(|&current| current == 0.0 || current >= 6.0), "{values:?}");
        assert!(values[..3].iter().sum::<f64>() <= 14.0 + 1e-9);
        assert_eq!(values[..3].iter().filter(|&&current| current > 0.0).count(), 2, "as many as there is room for");
        history.push([0, 1, 2].map(|place| values[place] > 0.0));
    }
    for place in 0..3 {
        let on: Vec<bool> = history.iter().map(|row| row[place]).collect();
        let share = on.iter().filter(|on| **on).count() as f64 / 200.0;
        assert!((0.55..0.8).contains(&share), "{place} was on for {share}");
        let switches: Vec<usize> = (1..200).filter(|&at| on[at] != on[at - 1]).collect();
        assert!(switches.windows(2).all(|pair| pair[1] - pair[0] >= 10), "{place} flickers: {switches:?}");
    }
}

#[test]
fn a_clusters_current_goes_to_as_many_as_it_carries() {
    let mut bench = Bench::chargers(96.0);
    let mut shares = |current| bench.step([50.0; 3], &[(ECONOMY, TARGET, current)]).0;
    assert!(near(shares(30.0), [10.0, 10.0, 10.0, 30.0]));
    let few = shares(13.0);
    assert_eq!(few[..3].iter().filter(|&&current| current >= 6.0).count(), 2, "{few:?}");
    assert!((few[3] - 13.0).abs() < 1e-9);
    assert_eq!(shares(5.0), [0.0; 4]);
    assert!(shares(90.0)[3] <= 90.0);
}

#[test]
fn what_cannot_be_a_cluster_is_refused() {
    let base = ClusterSpec {
        name: "all".into(),
        target: "all/p".into(),
        members: texts(&["a/p"]),
        shares: Shares::Fixed(vec![1.0]),
    };
    assert!(base.validate().is_ok());
    let wrong = [
        ClusterSpec { members: vec![], ..base.clone() },
        ClusterSpec { shares: Shares::Fixed(vec![1.0, 1.0]), ..base.clone() },
        ClusterSpec { shares: Shares::Fixed(vec![0.0]), ..base.clone() },
        ClusterSpec { name: "a;b".into(), ..base.clone() },
    ];
    assert!(wrong.iter().all(|spec| spec.validate().is_err()));
    let image = Image::new(vec![Channel::new("a/p")], 4).unwrap();
    let resolve =
        |spec: &ClusterSpec, actuators: &[&str]| cluster::Cluster::resolve(0, spec, &image, &texts(actuators));
    assert!(resolve(&base, &["a/p", "all/p"]).is_ok());
    assert!(resolve(&base, &["all/p"]).unwrap_err().to_string().contains("\"a/p\" is no actuator"));
    let itself = ClusterSpec { target: "a/p".into(), ..base };
    assert!(resolve(&itself, &["a/p"]).unwrap_err().to_string().contains("cannot be a member"));
}
