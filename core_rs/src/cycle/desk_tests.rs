//! What could go wrong between a cycle and the process at a desk (here: another attachment in the same process).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::cycle::{Actuator, Configuration, Guest, Proposal, Source};
use crate::image::{Channel, Latcher, Quality};
use crate::memory::{Region, View};

const MS: i64 = 1_000_000;

struct Rig {
    cycle: Cycle,
    image: Arc<Image>,
    guest: Option<Guest>,
    now_ns: i64,
}

fn source(id: &str, priority: i64) -> Source {
    Source::new(id.to_owned(), priority, 3).unwrap()
}

fn actuator(address: &str) -> Actuator {
    Actuator { address: address.to_owned(), minimum: -10.0, maximum: 10.0, fallback: 1.0, ..Actuator::default() }
}

impl Rig {
    fn new() -> Self {
        let addresses = ["ess0/p", "grid0/p", "peak0/metric", "self0/metric"];
        let image = Image::shared(addresses.map(Channel::new).to_vec(), 8).unwrap();
        let configuration = Configuration {
            period_s: 0.01,
            sources: vec![source("manual", 0), source("peak0", 3), source("self0", 3)],
            actuators: vec![actuator("ess0/p")],
            guards: vec![],
            clusters: vec![],
            propose_share: 0.5,
        };
        let desks = vec![DeskSpec { sources: vec![1, 2], channels: vec![2] }];
        let clock = Arc::new(Clock::simulated(0));
        let cycle = Cycle::with_desks(Arc::clone(&image), clock, configuration, desks).unwrap();
        let mut rig = Self { cycle, image, guest: None, now_ns: 0 };
        rig.attach();
        rig
    }

    fn attach(&mut self) {
        let [board, desk, bell] = self.cycle.shared().files(0).unwrap();
        self.guest = Some(Guest::attach(board, desk, bell).unwrap());
    }

    fn guest(&self) -> &Guest {
        self.guest.as_ref().unwrap()
    }

    /// One cycle in which the guest proposes `value` for its first source.
    fn step(&mut self, value: Option<f64>) -> f64 {
        self.now_ns += 10 * MS;
        drop(self.cycle.begin(self.now_ns).unwrap());
        if let Some(value) = value {
            let cycle = self.guest().number() as i64;
            let proposal = Proposal { preferred: Some(value), ..Proposal::default() };
            assert!(self.guest().propose(0, cycle, &[proposal]).unwrap());
        }
        self.cycle.finish().unwrap()[0].setpoint
    }
}

#[test]
fn a_guest_reads_proposes_and_publishes() {
    let mut rig = Rig::new();
    rig.image.publish(1, 42.0, MS, Quality::Good).unwrap();
    assert_eq!(rig.step(Some(5.0)), 5.0);
    let snapshot = rig.guest().wait(0, 0).unwrap().unwrap();
    assert_eq!((snapshot.reader().unwrap().value(1), snapshot.reader().unwrap().cycle()), (42.0, 1));
    assert_eq!(rig.guest().image().handle("peak0/metric").unwrap(), 2);
    assert!(rig.guest().wait(1, MS).unwrap().is_none(), "nothing newer");
    rig.guest().publish(2, 7.0, rig.now_ns).unwrap();
    rig.step(None);
    rig.step(None);
    assert_eq!(rig.image.snapshot().unwrap().reader().unwrap().value(2), 7.0);
}

#[test]
fn a_guest_may_write_nothing_else() {
    let mut rig = Rig::new();
    rig.step(Some(5.0));
    assert!(rig.guest().publish(3, 1.0, MS).unwrap_err().to_string().contains("self0/metric"), "another's channel");
    assert!(rig.guest().publish(1, 1.0, MS).is_err(), "a measurement");
    assert!(rig.guest().image().publish(1, 1.0, MS, Quality::Good).is_err());
    assert!(Latcher::claim(rig.guest().image()).is_err());
    assert!(rig.guest().propose(2, 1, &[]).is_err(), "no such source at this desk");
    assert!(rig.cycle.shared().propose(1, 1, &[]).is_err(), "a desk's source proposes from its process only");
    let (board, _) = rig.image.files().unwrap();
    assert!(Region::attach(board, true).is_err(), "the board cannot be mapped writable");
}

#[test]
fn refused_proposals_withdraw_what_stood() {
    let mut rig = Rig::new();
    assert_eq!(rig.step(Some(5.0)), 5.0);
    let wrong = Proposal { preferred: Some(f64::NAN), ..Proposal::default() };
    assert!(rig.guest().propose(0, 1, &[wrong]).is_err());
    assert_eq!(rig.step(None), 1.0, "the fallback");
    assert!(rig.guest().propose(0, 99, &[]).is_err(), "a cycle that never was");
}

#[test]
fn proposals_of_a_dead_process_live_out_their_lifetime_and_no_longer() {
    let mut rig = Rig::new();
    assert_eq!(rig.step(Some(5.0)), 5.0);
    rig.guest = None;
    rig.cycle.shared().mend(0).unwrap();
    assert_eq!([rig.step(None), rig.step(None), rig.step(None), rig.step(None)], [5.0, 5.0, 5.0, 1.0]);
    rig.attach();
    assert_eq!(rig.step(Some(-4.0)), -4.0);
}

#[test]
fn what_a_dead_process_held_is_given_back() {
    let mut rig = Rig::new();
    rig.step(None);
    let mut held: Vec<_> = (0..4).map(|_| rig.guest().image().snapshot().unwrap()).collect();
    assert!(rig.guest().image().snapshot().is_err(), "no more than its places");
    held.pop();
    assert!(rig.guest().image().snapshot().is_ok());
    std::mem::forget(held);
    for _ in 0..100 {
        rig.step(None);
        assert_eq!(rig.image.snapshot().unwrap().reader().unwrap().cycle(), rig.guest().number());
    }
    rig.cycle.shared().mend(0).unwrap();
    let again: Vec<_> = (0..4).map(|_| rig.guest().image().snapshot().unwrap()).collect();
    assert_eq!(again.len(), 4);
}

#[test]
fn whatever_is_scribbled_on_a_desk_costs_only_its_own_sources() {
    let mut rig = Rig::new();
    let [_, desk, bell] = rig.cycle.shared().files(0).unwrap();
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for file in [desk, bell] {
        let region = Region::attach(file, true).unwrap();
        let words = View::<std::sync::atomic::AtomicU64>::of(&region, 0, region.len() / 8).unwrap();
        for _ in 0..2_000 {
            for _ in 0..8 {
                words[next() as usize % words.len()].store(next(), Ordering::Relaxed);
            }
            rig.now_ns += 10 * MS;
            drop(rig.cycle.begin(rig.now_ns).unwrap());
            let cycle = rig.cycle.shared().number() as i64;
            rig.cycle.shared().propose(0, cycle, &[Proposal { preferred: Some(3.0), ..Proposal::default() }]).unwrap();
            assert_eq!(rig.cycle.finish().unwrap()[0].setpoint, 3.0, "the higher class is not disturbed");
        }
    }
    rig.cycle.shared().withdraw(0).unwrap();
    rig.cycle.shared().mend(0).unwrap();
    let setpoint = rig.step(None);
    assert!((-10.0..=10.0).contains(&setpoint));
    rig.attach();
    assert_eq!(rig.step(Some(6.0)), 6.0, "the next process finds a clean desk");
}

#[test]
fn desks_that_make_no_sense_are_refused() {
    let build = |image: Arc<Image>, desks| {
        let configuration = Configuration {
            period_s: 0.01,
            sources: vec![source("a", 3)],
            actuators: vec![actuator("ess0/p")],
            guards: vec![],
            clusters: vec![],
            propose_share: 0.5,
        };
        Cycle::with_desks(image, Arc::new(Clock::simulated(0)), configuration, desks).map(|_| ())
    };
    let shared = || Image::shared(vec![Channel::new("ess0/p")], 8).unwrap();
    let desk =
        |sources: &[usize], channels: &[usize]| DeskSpec { sources: sources.to_vec(), channels: channels.to_vec() };
    assert!(build(shared(), vec![desk(&[0], &[0])]).is_ok());
    assert!(build(shared(), vec![desk(&[1], &[])]).is_err());
    assert!(build(shared(), vec![desk(&[0], &[]), desk(&[0], &[])]).is_err());
    assert!(build(shared(), vec![desk(&[0], &[7])]).is_err());
    let private = Image::new(vec![Channel::new("ess0/p")], 8).unwrap();
    assert!(build(private, vec![desk(&[0], &[])]).is_err());
}
