//! After warm-up the running cycle allocates nothing: counted by the allocator, on the cycle's own thread.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use simems_core::blocks::DelayBounds;
use simems_core::clock::Clock;
use simems_core::cycle::{Actuator, Configuration, Cycle, Proposal, Source};
use simems_core::estimate::{Cell, CellModel, Elements, Limits, LiveEstimator, LiveSpec, Noise, Ocv, Pack, Start};
use simems_core::guard::GuardSpec;
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

const MEASURED: [&str; 3] = ["ess0/current", "ess0/voltage", "ess0/temperature"];
const ESTIMATED: [&str; 3] = ["ess0/soc_est", "ess0/soc_sigma", "ess0/soc_valid"];

fn image() -> Arc<Image> {
    let addresses = ["grid0/p", "ess0/p", "ess0/soc", "ess0/p_setpoint", "ess0/p_reason", "cycle/count"];
    let all = addresses.iter().chain(&MEASURED).chain(&ESTIMATED);
    Image::new(all.copied().map(Channel::new).collect(), 16).unwrap()
}

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

fn configuration() -> Configuration {
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
            GuardSpec::Soc {
                actuator: text("ess0/p"),
                soc: text("ess0/soc"),
                estimate: Some(ESTIMATED.map(text)),
                minimum_pct: 5.0,
                maximum_pct: 95.0,
            },
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

// A fault that is raised and goes by itself again and again.
fn states() -> StateSpec {
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

fn one_turn(cycle: &Cycle, image: &Image, after: i64) -> i64 {
    let snapshot = cycle.shared().wait(after, 5_000_000_000).expect("a cycle within 5 s");
    let (number, time_ns) = snapshot.reader().map(|reader| (reader.cycle(), reader.time_ns())).unwrap();
    for handle in 0..3 {
        let soc = if handle == 2 && number % 2 == 0 { 60.0 } else { 50.0 };
        image.publish(handle, soc, time_ns, Quality::Good).unwrap();
    }
    let current_a = if number % 20 < 10 { 1.0 } else { -0.5 };
    // The estimator begins, wide and split, while allocations are counted.
    let measured = if number > 30 { 3 } else { 0 };
    for (handle, value) in [(6, current_a), (7, 3.5 - 0.03 * current_a), (8, 25.0)].into_iter().take(measured) {
        // Now and then a reading is none, and once in a while both come at different times.
        let value = if number % 37 == handle { f64::NAN } else { value };
        let late_ns = if handle == 7 && number % 3 == 0 { 500_000 } else { 0 };
        image.publish(usize::try_from(handle).unwrap(), value, time_ns - late_ns, Quality::Good).unwrap();
    }
    let row = Proposal { actuator: 0, preferred: Some(40.0), lower: Some(-50.0), upper: None, offset: Some(1.0) };
    cycle.shared().propose(0, number.cast_signed(), &[row]).unwrap();
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
    cycle.attach_estimator(estimator(&image)).unwrap();
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
    assert_eq!(image.snapshot().reader().unwrap().value(11), 1.0, "the estimate is valid");
    assert!(states.revision() > 100, "a fault came and went in every second cycle");
    assert!(!recorder.drain(16).times_ns.is_empty());
    assert_eq!(COUNTED.load(Ordering::Relaxed), 0);
}
