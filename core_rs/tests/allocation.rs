//! After warm-up the running cycle allocates nothing: counted by the allocator, on the cycle's own thread.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

mod site;

use site::Site;

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
    let site = Site::new();
    site.cycle.start().unwrap();
    site.run_to(20);
    WARM.store(true, Ordering::Relaxed);
    site.run_to(700);
    WARM.store(false, Ordering::Relaxed);
    site.cycle.stop();
    assert!(site.states.revision() > 100, "a fault came and went in every second cycle");
    let estimate = site.image.handle("ess0/soc_valid").unwrap();
    assert_eq!(site.image.snapshot().unwrap().reader().unwrap().value(estimate), 1.0, "the estimate is valid");
    assert!(!site.recorder.drain(16).times_ns.is_empty());
    assert_eq!(COUNTED.load(Ordering::Relaxed), 0);
}
