//! After warm-up the running cycle allocates nothing: counted by the allocator, on the cycle's own thread.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use simems_core::blocks::DelayBounds;
use simems_core::clock::Clock;
use simems_core::cycle::{Actuator, ClusterSpec, Configuration, Cycle, Proposal, Shares, Source};
use simems_core::guard::{Apparent, GuardSpec, Role};
use simems_core::image::{Channel, Image, Quality};
use simems_core::record::Recorder;
use simems_core::states::{Cause, FaultSpec, Reaction, Relation, StateSpec, States};

static WARM: AtomicBool = AtomicBool::new(false);
static COUNTED: AtomicU64 = AtomicU64::new(0);

struct Counting;

fn on_cycle_thread() -> bool {
    let mut name = [0_u8; 16];
    // SAFETY: the kernel writes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name.starts_with(b"simems-cycle\0")
}

fn count() {
    if WARM.load(Ordering::Relaxed) && on_cycle_thread() {
        COUNTED.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: hands everything to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn image() -> Arc<Image> {
    let mut addresses = vec!["grid0/p", "ess0/p", "ess0/soc", "pv0/p", "ev0/p"];
    addresses.extend(["ess0/p_setpoint", "ess0/p_reason", "cycle/count"]);
    addresses.extend(&ACTUATORS[1..]);
    Image::new(addresses.into_iter().map(Channel::new).collect(), 16).unwrap()
}

const ACTUATORS: [&str; 6] = ["ess0/p", "pv0/limit", "ev0/limit", "ev1/limit", "ess0/q", "cars/limit"];

fn limit(address: &str, role: Role, maximum: f64, minimum_on: f64) -> Actuator {
    let address = address.to_owned();
    Actuator { address, maximum, fallback: maximum, role, minimum_on, dwell_s: 0.1, ..Actuator::default() }
}

fn configuration() -> Configuration {
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
            GuardSpec::Soc { actuator: text("ess0/p"), soc: text("ess0/soc"), minimum_pct: 5.0, maximum_pct: 95.0 },
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

// A fault that is raised and goes by itself again and again.
fn states() -> StateSpec {
    let cause = Cause::Compare { channel: "ess0/soc".to_owned(), relation: Relation::Above, limit: 55.0 };
    StateSpec {
        inputs: vec!["grid0/p".to_owned()],
        actuators: ACTUATORS.map(str::to_owned).to_vec(),
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

fn one_turn(cycle: &Cycle, image: &Image, after: i64) -> i64 {
    let snapshot = cycle.shared().wait(after, 5_000_000_000).expect("a cycle within 5 s");
    let (number, time_ns) = snapshot.reader().map(|reader| (reader.cycle(), reader.time_ns())).unwrap();
    for handle in 0..5 {
        let soc = if handle == 2 && number % 2 == 0 { 60.0 } else { 50.0 };
        image.publish(handle, soc, time_ns, Quality::Good).unwrap();
    }
    let row = Proposal { preferred: Some(40.0), lower: Some(-50.0), offset: Some(1.0), ..Proposal::default() };
    // In turns the cluster's target has a wish, and none.
    let cars = Proposal { actuator: 5, preferred: (number % 3 != 0).then_some(20.0), ..Proposal::default() };
    cycle.shared().propose(0, number.cast_signed(), &[row, cars]).unwrap();
    number.cast_signed()
}

// A thread of the same name that allocates: the count must see it.
fn counter_works() -> bool {
    WARM.store(true, Ordering::Relaxed);
    let thread = std::thread::Builder::new().name("simems-cycle".to_owned());
    thread.spawn(|| drop(std::hint::black_box(vec![0_u8; 100]))).unwrap().join().unwrap();
    WARM.store(false, Ordering::Relaxed);
    COUNTED.swap(0, Ordering::Relaxed) >= 2
}

#[test]
fn the_running_cycle_allocates_nothing() {
    assert!(counter_works());
    let image = image();
    let cycle = Cycle::new(Arc::clone(&image), Arc::new(Clock::Monotonic), configuration()).unwrap();
    let (states, machine) = States::build(&image, states()).unwrap();
    cycle.attach_states(machine).unwrap();
    let recorder = Recorder::new(Arc::clone(&image), vec![0, 1, 2], 0.01, 16).unwrap();
    cycle.attach(Arc::clone(&recorder)).unwrap();
    cycle.start().unwrap();
    let mut after = 0;
    while after < 20 {
        after = one_turn(&cycle, &image, after);
    }
    WARM.store(true, Ordering::Relaxed);
    while after < 300 {
        after = one_turn(&cycle, &image, after);
    }
    WARM.store(false, Ordering::Relaxed);
    cycle.stop();
    assert!(states.revision() > 100, "a fault came and went in every second cycle");
    assert!(!recorder.drain(16).times_ns.is_empty());
    assert_eq!(COUNTED.load(Ordering::Relaxed), 0);
}
