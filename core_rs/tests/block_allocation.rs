//! After construction no block allocates: counted by the allocator, on the thread that steps them.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use simems_core::blocks::{
    Curve, Deadband, DemandWindow, Gains, Limits, LowPass, Pid, RateCounter, RegisterSpec, Rocof, RollingDemand,
};

thread_local! {
    static COUNTING: Cell<bool> = const { Cell::new(false) };
    static COUNTED: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    if COUNTING.get() {
        COUNTED.set(COUNTED.get() + 1);
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

fn counted(work: impl FnOnce()) -> u64 {
    COUNTING.set(true);
    work();
    COUNTING.set(false);
    COUNTED.replace(0)
}

#[test]
fn the_count_sees_an_allocation() {
    assert_eq!(counted(|| drop(std::hint::black_box(vec![0_u8; 100]))), 2);
}

#[test]
fn no_block_allocates_after_construction() {
    let meter = RegisterSpec { maximum_power_w: 1e6, wrap_wh: Some(1e6), resolution_wh: 1.0 };
    let gains = Gains { kp: 1.0, ki: 1.0, kd: 1.0, derivative_filter_s: 1.0, tracking_s: None };
    let limits = Limits { minimum: -1.0, maximum: 1.0, ramp_per_s: Some(1.0) };
    let mut pid = Pid::new(gains, limits, 0.0).unwrap();
    let mut filter = LowPass::new(1.0, None).unwrap();
    let mut band = Deadband::new(1.0, 0.0, false).unwrap();
    let mut curve = Curve::new(&[(0.0, 0.0), (1.0, 1.0)], 0.0).unwrap();
    let mut starts = RateCounter::new(60.0, 64).unwrap();
    let mut rocof = Rocof::new(1.0, 0.1, 0.01).unwrap();
    let mut window = DemandWindow::new(60.0, 0, meter).unwrap();
    let mut rolling = RollingDemand::new(60.0, meter).unwrap();
    let allocations = counted(|| {
        for turn in 0..20_000_i64 {
            // Uneven times from 1 to 40 ms, with gaps; now and then no number; the register wraps.
            let time_ns = turn * 20_000_000 + (turn * 7_919 % 19) * 1_000_000 + turn / 5_000 * 300_000_000_000;
            let sample = if turn % 97 == 0 { f64::NAN } else { (turn * 31 % 113) as f64 };
            pid.step(sample, 50.0, 0.02).unwrap();
            filter.step(sample, 0.02).unwrap();
            band.step(sample);
            curve.step(sample);
            starts.event(time_ns);
            rocof.step(time_ns, 50.0 + sample / 1e3);
            window.step(time_ns, (turn * 100 % 1_000_000) as f64);
            std::hint::black_box(window.allowed_w(1e5, time_ns, sample));
            rolling.step(time_ns, (turn * 100 % 1_000_000) as f64);
            std::hint::black_box(rolling.allowed_w(1e5, 10.0).unwrap());
        }
    });
    assert_eq!(allocations, 0);
}
