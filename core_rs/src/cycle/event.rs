//! A futex that many may wait on and one side signals: no lock, one system call and only when somebody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::{host_now_ns, timespec};
use crate::error::Result;
use crate::memory::{One, Plain, Plan, Region, Span};

/// Between two looks at the clock.
const LOOKS: u32 = 16;

/// Counts signals; a waiter sleeps until the count it saw has changed.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Bell {
    count: AtomicU32,
    waiters: AtomicU32,
}

// SAFETY: atomics only, no padding.
unsafe impl Plain for Bell {}

/// A bell, and whether other processes hear it. Whatever another process does to it costs at most a wait that lasts
/// until its deadline, or one that ends early.
#[derive(Debug)]
pub(crate) struct Event {
    bell: One<Bell>,
    scope: i32,
}

impl Event {
    /// Of this process alone.
    pub(crate) fn local() -> Result<Self> {
        let region = Region::private(size_of::<Bell>())?;
        Ok(Self { bell: One::of(&region, 0)?, scope: libc::FUTEX_PRIVATE_FLAG })
    }

    /// In memory that other processes map.
    pub(crate) fn shared(region: &Arc<Region>, place: &Span<Bell>) -> Result<Self> {
        Ok(Self { bell: place.one(region)?, scope: 0 })
    }

    /// A bell that other processes hear.
    pub(crate) fn of(bell: One<Bell>) -> Self {
        Self { bell, scope: 0 }
    }

    /// Room for one.
    pub(crate) fn plan(plan: &mut Plan) -> Span<Bell> {
        plan.take(1)
    }

    /// Read this before testing the condition that a signal announces.
    pub(crate) fn count(&self) -> u32 {
        self.bell.count.load(Ordering::SeqCst)
    }

    pub(crate) fn signal(&self) {
        let bell = &self.bell;
        bell.count.fetch_add(1, Ordering::SeqCst);
        if bell.waiters.load(Ordering::SeqCst) > 0 {
            // SAFETY: the futex word lives as long as the view; waking touches no other memory.
            unsafe { libc::syscall(libc::SYS_futex, bell.count.as_ptr(), libc::FUTEX_WAKE | self.scope, i32::MAX) };
        }
    }

    /// Sleeps until a signal after `seen` or the CLOCK_MONOTONIC deadline; may return early.
    pub(crate) fn wait(&self, seen: u32, deadline_ns: i64) {
        let bell = &self.bell;
        let deadline = timespec(deadline_ns);
        bell.waiters.fetch_add(1, Ordering::SeqCst);
        // SAFETY: word and deadline outlive the call; FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                bell.count.as_ptr(),
                libc::FUTEX_WAIT_BITSET | self.scope,
                seen,
                &raw const deadline,
                std::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            );
        }
        bell.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// Watches for a signal after `seen` instead of sleeping; false when none came until the instant.
    pub(crate) fn watch(&self, seen: u32, until_ns: i64) -> bool {
        while host_now_ns() < until_ns {
            for _ in 0..LOOKS {
                if self.count() != seen {
                    return true;
                }
                std::hint::spin_loop();
            }
        }
        false
    }

    /// After the death of a waiter: nobody waits.
    pub(crate) fn forget_waiters(&self) {
        self.bell.waiters.store(0, Ordering::SeqCst);
    }
}
